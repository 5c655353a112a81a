//! Reps, pools and accounts.

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use fairleader_domain::gate::{RepNow, Roster};
use fairleader_lead::account::Account;
use fairleader_lead::id::{AccountId, PoolId, RepId, is_name};
use fairleader_lead::normalise;
use fairleader_lead::pool;
use fairleader_lead::pool::Pool;
use fairleader_lead::problem::FieldProblem;
use fairleader_lead::rep;
use fairleader_lead::rep::Rep;
use fairleader_runtime::http::{self, Problem};
use fairleader_store::Identities;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::info;

use crate::{Admin, Answer};

pub(crate) fn id(request: &ApiGatewayV2httpRequest) -> &str {
    http::path(request, "id").unwrap_or_default()
}

/// The body of a `PUT`, with the id of the path in `field`, where it may be left out.
pub(crate) fn named<T: DeserializeOwned>(request: &ApiGatewayV2httpRequest, field: &str) -> Result<T, Problem> {
    let id = id(request);
    if !is_name(id) {
        return Err(Problem::new(422, "invalid_id", format!("`{id}` cannot be an id"))
            .detail("use 1 to 64 of a-z, 0-9, hyphen, underscore and dot, beginning with a letter or digit"));
    }
    let mut body: serde_json::Map<String, Value> = crate::read(request)?;
    let given = body.entry(field).or_insert_with(|| json!(id));
    if given != id {
        return Err(invalid(vec![FieldProblem::field(field, format!("it is {given}, but the path says `{id}`"))]));
    }
    serde_path_to_error::deserialize(Value::Object(body)).map_err(crate::unfit)
}

pub(crate) fn invalid(errors: Vec<FieldProblem>) -> Problem {
    Problem::new(422, "invalid_body", "the body cannot be taken as it is")
        .detail("mend the fields named in `errors` and send it again; nothing was changed")
        .errors(errors)
}

fn rep_view(now: &RepNow) -> Value {
    json!({"rep": now.rep, "open": now.load.open, "on": now.load.on})
}

impl Admin {
    pub(crate) async fn reps(&self) -> Answer {
        let reps: Vec<Value> = self.reps.all().await?.values().map(rep_view).collect();
        Ok(http::json(200, &json!({"reps": reps})))
    }

    pub(crate) async fn rep(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let rep = RepId::from(id(request));
        match self.reps.get(&rep).await? {
            Some(now) => Ok(http::json(200, &rep_view(&now))),
            None => Err(Problem::not_found(format!("there is no rep `{rep}`")).into()),
        }
    }

    pub(crate) async fn put_rep(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let rep: Rep = named(request, "rep_id")?;
        let errors = rep::problems(&rep);
        if !errors.is_empty() {
            return Err(invalid(errors).into());
        }
        self.reps.put(&rep).await?;
        info!(rep = %rep.rep_id, "changed rep");
        // More room or other hours may be what somebody waits for.
        self.wake_rep(rep.rep_id.clone()).await?;
        Ok(http::json(200, &rep))
    }

    pub(crate) async fn delete_rep(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let rep = RepId::from(id(request));
        if self.reps.get(&rep).await?.is_none() {
            return Ok(http::no_content());
        }
        let pools = self.pools_of(&rep).await?;
        if !pools.is_empty() {
            let names: Vec<&str> = pools.iter().map(PoolId::as_str).collect();
            return Err(Problem::new(409, "still_a_member", format!("`{rep}` is a member of {}", names.join(", ")))
                .detail("take them out of the pools first")
                .into());
        }
        if !self.reps.delete(&rep).await? {
            let open = self.reps.get(&rep).await?.map_or(0, |now| now.load.open);
            return Err(Problem::new(409, "open_leads", format!("`{rep}` still has open leads: {open}"))
                .detail("switch them off, and delete them when their leads are finished")
                .into());
        }
        info!(rep = %rep, "deleted rep");
        Ok(http::no_content())
    }

    async fn pools_of(&self, rep: &RepId) -> Result<Vec<PoolId>, crate::AdminError> {
        Ok(self
            .pools
            .definitions()
            .await?
            .into_iter()
            .filter(|pool| pool.members.iter().any(|member| member.rep == *rep))
            .map(|pool| pool.pool_id)
            .collect())
    }

    pub(crate) async fn pools(&self) -> Answer {
        Ok(http::json(200, &json!({"pools": self.pools.definitions().await?})))
    }

    pub(crate) async fn pool(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let pool = PoolId::from(id(request));
        match self.pools.now(std::slice::from_ref(&pool)).await?.remove(&pool) {
            Some(now) => Ok(http::json(200, &now.pool)),
            None => Err(Problem::not_found(format!("there is no pool `{pool}`")).into()),
        }
    }

    pub(crate) async fn put_pool(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let pool: Pool = named(request, "pool_id")?;
        let mut errors = pool::problems(&pool);
        if let Some(fallback) = &pool.fallback
            && self.pools.now(std::slice::from_ref(fallback)).await?.is_empty()
        {
            let detail = format!("there is no pool `{fallback}`; put it in first, or leave the fallback out for now");
            errors.push(FieldProblem::field("fallback", detail));
        }
        let members: Vec<RepId> = pool.members.iter().map(|member| member.rep.clone()).collect();
        let roster = if members.is_empty() { Roster::new() } else { self.reps.roster(&members).await? };
        for (i, rep) in members.iter().enumerate().filter(|(_, rep)| !roster.contains_key(rep)) {
            errors.push(FieldProblem {
                pointer: format!("/members/{i}/rep"),
                detail: format!("there is no rep `{rep}`; put them on the roster first"),
            });
        }
        if !errors.is_empty() {
            return Err(invalid(errors).into());
        }
        self.pools.put(&pool).await?;
        info!(pool = %pool.pool_id, "changed pool");
        self.queues.route.send(Outgoing::wake_pool(pool.pool_id.clone(), "admin")?).await?;
        Ok(http::json(200, &pool))
    }

    pub(crate) async fn delete_pool(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let pool = PoolId::from(id(request));
        if let Some((which, version)) = self.rulebook_that_names(&pool).await? {
            return Err(Problem::new(
                409,
                "still_named",
                format!("the {which} rulebook {version} names pool `{pool}`"),
            )
            .detail("activate a rulebook that does not name it first")
            .into());
        }
        let others = self.pools.definitions().await?;
        if let Some(other) = others.iter().find(|other| other.fallback.as_ref() == Some(&pool)) {
            let name = &other.pool_id;
            return Err(Problem::new(409, "still_named", format!("pool `{pool}` is the fallback of pool `{name}`"))
                .detail("give that pool another fallback first")
                .into());
        }
        if !self.leads.line(&pool, 1).await?.is_empty() {
            return Err(Problem::new(409, "still_waiting", format!("leads wait in the line of pool `{pool}`"))
                .detail("delete it when its line is empty")
                .into());
        }
        self.pools.delete(&pool).await?;
        info!(pool = %pool, "deleted pool");
        Ok(http::no_content())
    }

    pub(crate) async fn account(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let account = AccountId::from(id(request));
        match self.accounts.get(&account).await? {
            Some(found) => Ok(http::json(200, &found)),
            None => Err(Problem::not_found(format!("there is no account `{account}`")).into()),
        }
    }

    /// Writes an account and the identities that lead to it. A repeat completes what an earlier attempt began.
    pub(crate) async fn put_account(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let mut account: Account = named(request, "account_id")?;
        let mut errors = Vec::new();
        for (i, domain) in account.domains.iter_mut().enumerate() {
            match normalise::company::registrable_domain(domain) {
                Some(found) => *domain = found,
                None => errors.push(FieldProblem {
                    pointer: format!("/domains/{i}"),
                    detail: format!("`{domain}` is not a domain; write it like acme.example"),
                }),
            }
        }
        if account.parent.as_ref() == Some(&account.account_id) {
            errors.push(FieldProblem::field("parent", "an account cannot be its own parent"));
        }
        if account.score.is_some_and(|score| score > 100) {
            errors.push(FieldProblem::field("score", "an account score is between 0 and 100"));
        }
        errors.extend(self.unknown_in(&account).await?);
        let kept = Identities::of_account(&account);
        // Two accounts of one name are told apart by their domains; a domain belongs to one.
        let leads_to = self.identities.accounts(&kept).await?;
        let taken = |identity: &str, other: &AccountId| {
            let domain = identity.strip_prefix("domain:").filter(|_| *other != account.account_id)?;
            Some(FieldProblem::field("domains", format!("`{domain}` belongs to account `{other}`")))
        };
        errors.extend(leads_to.iter().filter_map(|(identity, other)| taken(identity, other)));
        if !errors.is_empty() {
            return Err(invalid(errors).into());
        }
        let before = self.accounts.get(&account.account_id).await?;
        for (i, identity) in kept.iter().enumerate() {
            let other = self.identities.claim_account(identity, &account.account_id).await?;
            // Another account took it in this moment: what was claimed just now is given back.
            if let Some(problem) = other.and_then(|other| taken(identity, &other)) {
                for claimed in kept.iter().take(i).filter(|claimed| !leads_to.contains_key(*claimed)) {
                    self.release_identity(claimed, &account.account_id).await?;
                }
                return Err(invalid(vec![problem]).into());
            }
        }
        self.accounts.put(&account).await?;
        for identity in before.iter().flat_map(Identities::of_account).filter(|identity| !kept.contains(identity)) {
            self.release_identity(&identity, &account.account_id).await?;
        }
        info!(account = %account.account_id, "changed account");
        Ok(http::json(200, &account))
    }

    /// Whom and what an account names that is not there.
    async fn unknown_in(&self, account: &Account) -> Result<Vec<FieldProblem>, crate::AdminError> {
        let mut errors = Vec::new();
        for (field, rep) in [("owner", &account.owner), ("deal_owner", &account.deal_owner)] {
            if let Some(rep) = rep
                && self.reps.get(rep).await?.is_none()
            {
                let detail = format!("there is no rep `{rep}`; put them on the roster first");
                errors.push(FieldProblem::field(field, detail));
            }
        }
        if let Some(parent) = account.parent.as_ref().filter(|parent| **parent != account.account_id)
            && self.accounts.get(parent).await?.is_none()
        {
            let detail = format!("there is no account `{parent}`; put it in first");
            errors.push(FieldProblem::field("parent", detail));
        }
        Ok(errors)
    }

    pub(crate) async fn delete_account(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let account = AccountId::from(id(request));
        if let Some(found) = self.accounts.get(&account).await? {
            self.accounts.delete(&account).await?;
            for identity in Identities::of_account(&found) {
                self.release_identity(&identity, &account).await?;
            }
            info!(account = %account, "deleted account");
        }
        Ok(http::no_content())
    }

    /// Forgets an identity that leads to `account`; one that leads elsewhere stays.
    async fn release_identity(&self, identity: &str, account: &AccountId) -> Result<(), crate::AdminError> {
        let leads_to = self.identities.accounts(std::slice::from_ref(&identity.to_owned())).await?;
        if leads_to.get(identity) == Some(account) {
            self.identities.release(identity).await?;
        }
        Ok(())
    }
}
