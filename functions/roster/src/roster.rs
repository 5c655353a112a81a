//! Reps, pools and accounts.

use fairleader_api::shape::roster as shape;
use fairleader_api::{Call, Code, Problem, reply};
use fairleader_domain::gate::{RepNow, Roster as Reps};
use fairleader_lead::account::Account;
use fairleader_lead::id::{AccountId, PoolId, RepId};
use fairleader_lead::normalise;
use fairleader_lead::pool;
use fairleader_lead::pool::Pool;
use fairleader_lead::problem::FieldProblem;
use fairleader_lead::rep;
use fairleader_lead::rep::Rep;
use fairleader_messaging::Outgoing;
use fairleader_runtime::http::{Answer, Failure};
use fairleader_store::Identities;
use tracing::info;

use crate::Roster;

/// Message group of what is sent here.
const GROUP: &str = "roster";

fn rep_view(now: RepNow) -> shape::RepNow {
    shape::RepNow { rep: now.rep.into(), open: now.load.open, on: now.load.on }
}

impl Roster {
    pub(crate) async fn reps(&self) -> Answer {
        let reps = self.reps.all().await?.into_values().map(rep_view).collect();
        Ok(reply::json(200, &shape::Reps { reps }))
    }

    pub(crate) async fn rep(&self, call: &Call<'_>) -> Answer {
        let rep = RepId::from(call.path("id"));
        match self.reps.get(&rep).await? {
            Some(now) => Ok(reply::json(200, &rep_view(now))),
            None => Err(Problem::not_found(format!("there is no rep `{rep}`")).into()),
        }
    }

    pub(crate) async fn put_rep(&self, call: &Call<'_>) -> Answer {
        let rep: Rep = call.named::<shape::Rep>("rep_id")?.into();
        let errors = rep::problems(&rep);
        if !errors.is_empty() {
            return Err(Problem::invalid_body(errors).into());
        }
        self.reps.put(&rep).await?;
        info!(rep = %rep.rep_id, "changed rep");
        // More room or other hours may be what somebody waits for.
        self.route.send(Outgoing::wake_rep(rep.rep_id.clone(), GROUP)?).await?;
        Ok(reply::json(200, &shape::Rep::from(rep)))
    }

    pub(crate) async fn delete_rep(&self, call: &Call<'_>) -> Answer {
        let rep = RepId::from(call.path("id"));
        if self.reps.get(&rep).await?.is_none() {
            return Ok(reply::no_content());
        }
        let pools = self.pools_of(&rep).await?;
        if !pools.is_empty() {
            let names: Vec<&str> = pools.iter().map(PoolId::as_str).collect();
            return Err(Problem::new(Code::StillAMember, format!("`{rep}` is a member of {}", names.join(", ")))
                .detail("take them out of the pools first")
                .into());
        }
        if !self.reps.delete(&rep).await? {
            let open = self.reps.get(&rep).await?.map_or(0, |now| now.load.open);
            return Err(Problem::new(Code::OpenLeads, format!("`{rep}` still has open leads: {open}"))
                .detail("switch them off, and delete them when their leads are finished")
                .into());
        }
        info!(rep = %rep, "deleted rep");
        Ok(reply::no_content())
    }

    async fn pools_of(&self, rep: &RepId) -> Result<Vec<PoolId>, Failure> {
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
        let pools = self.pools.definitions().await?.into_iter().map(shape::Pool::from).collect();
        Ok(reply::json(200, &shape::Pools { pools }))
    }

    pub(crate) async fn pool(&self, call: &Call<'_>) -> Answer {
        let pool = PoolId::from(call.path("id"));
        match self.pools.now(std::slice::from_ref(&pool)).await?.remove(&pool) {
            Some(now) => Ok(reply::json(200, &shape::Pool::from(now.pool))),
            None => Err(Problem::not_found(format!("there is no pool `{pool}`")).into()),
        }
    }

    pub(crate) async fn put_pool(&self, call: &Call<'_>) -> Answer {
        let pool: Pool = call.named::<shape::Pool>("pool_id")?.into();
        let mut errors = pool::problems(&pool);
        if let Some(fallback) = &pool.fallback
            && self.pools.now(std::slice::from_ref(fallback)).await?.is_empty()
        {
            let detail = format!("there is no pool `{fallback}`; put it in first, or leave the fallback out for now");
            errors.push(FieldProblem::field("fallback", detail));
        }
        let members: Vec<RepId> = pool.members.iter().map(|member| member.rep.clone()).collect();
        let roster = if members.is_empty() { Reps::new() } else { self.reps.roster(&members).await? };
        for (i, rep) in members.iter().enumerate().filter(|(_, rep)| !roster.contains_key(rep)) {
            errors.push(FieldProblem {
                pointer: format!("/members/{i}/rep"),
                detail: format!("there is no rep `{rep}`; put them on the roster first"),
            });
        }
        if !errors.is_empty() {
            return Err(Problem::invalid_body(errors).into());
        }
        self.pools.put(&pool).await?;
        info!(pool = %pool.pool_id, "changed pool");
        self.route.send(Outgoing::wake_pool(pool.pool_id.clone(), GROUP)?).await?;
        Ok(reply::json(200, &shape::Pool::from(pool)))
    }

    pub(crate) async fn delete_pool(&self, call: &Call<'_>) -> Answer {
        let pool = PoolId::from(call.path("id"));
        if let Some((which, version)) = self.rulebook_that_names(&pool).await? {
            return Err(Problem::new(Code::StillNamed, format!("the {which} rulebook {version} names pool `{pool}`"))
                .detail("activate a rulebook that does not name it first")
                .into());
        }
        let others = self.pools.definitions().await?;
        if let Some(other) = others.iter().find(|other| other.fallback.as_ref() == Some(&pool)) {
            let name = &other.pool_id;
            return Err(Problem::new(Code::StillNamed, format!("pool `{pool}` is the fallback of pool `{name}`"))
                .detail("give that pool another fallback first")
                .into());
        }
        if !self.leads.line(&pool, 1).await?.is_empty() {
            return Err(Problem::new(Code::StillWaiting, format!("leads wait in the line of pool `{pool}`"))
                .detail("delete it when its line is empty")
                .into());
        }
        self.pools.delete(&pool).await?;
        info!(pool = %pool, "deleted pool");
        Ok(reply::no_content())
    }

    pub(crate) async fn account(&self, call: &Call<'_>) -> Answer {
        let account = AccountId::from(call.path("id"));
        match self.accounts.get(&account).await? {
            Some(found) => Ok(reply::json(200, &shape::Account::from(found))),
            None => Err(Problem::not_found(format!("there is no account `{account}`")).into()),
        }
    }

    /// Writes an account and the identities that lead to it. A repeat completes what an earlier attempt began.
    pub(crate) async fn put_account(&self, call: &Call<'_>) -> Answer {
        let mut account: Account = call.named::<shape::Account>("account_id")?.into();
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
            return Err(Problem::invalid_body(errors).into());
        }
        let before = self.accounts.get(&account.account_id).await?;
        for (i, identity) in kept.iter().enumerate() {
            let other = self.identities.claim_account(identity, &account.account_id).await?;
            // Another account took it in this moment: what was claimed just now is given back.
            if let Some(problem) = other.and_then(|other| taken(identity, &other)) {
                for claimed in kept.iter().take(i).filter(|claimed| !leads_to.contains_key(*claimed)) {
                    self.release_identity(claimed, &account.account_id).await?;
                }
                return Err(Problem::invalid_body(vec![problem]).into());
            }
        }
        self.accounts.put(&account).await?;
        for identity in before.iter().flat_map(Identities::of_account).filter(|identity| !kept.contains(identity)) {
            self.release_identity(&identity, &account.account_id).await?;
        }
        info!(account = %account.account_id, "changed account");
        Ok(reply::json(200, &shape::Account::from(account)))
    }

    /// Whom and what an account names that is not there.
    async fn unknown_in(&self, account: &Account) -> Result<Vec<FieldProblem>, Failure> {
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

    pub(crate) async fn delete_account(&self, call: &Call<'_>) -> Answer {
        let account = AccountId::from(call.path("id"));
        if let Some(found) = self.accounts.get(&account).await? {
            self.accounts.delete(&account).await?;
            for identity in Identities::of_account(&found) {
                self.release_identity(&identity, &account).await?;
            }
            info!(account = %account, "deleted account");
        }
        Ok(reply::no_content())
    }

    /// Forgets an identity that leads to `account`; one that leads elsewhere stays.
    async fn release_identity(&self, identity: &str, account: &AccountId) -> Result<(), Failure> {
        let leads_to = self.identities.accounts(std::slice::from_ref(&identity.to_owned())).await?;
        if leads_to.get(identity) == Some(account) {
            self.identities.release(identity).await?;
        }
        Ok(())
    }
}
