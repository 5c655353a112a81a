//! Accounts.

use fairleader_api::shape::roster as shape;
use fairleader_api::{Call, Problem, Reply, reply, version};
use fairleader_lead::account::Account;
use fairleader_lead::id::AccountId;
use fairleader_lead::normalise;
use fairleader_lead::problem::FieldProblem;
use fairleader_runtime::http::{Answer, Failure, changed, edit};
use fairleader_store::{Identities, Tries, Versioned};
use tracing::info;

use crate::Roster;

fn changed_since(id: &AccountId, wanted: Option<u64>, seen: Option<&Versioned<Account>>) -> Option<Reply> {
    changed(&format!("account `{id}`"), wanted, seen, |account| shape::Account::from(account.clone()))
}

impl Roster {
    pub(crate) async fn account(&self, call: &Call<'_>) -> Answer {
        let account = AccountId::from(call.path("id"));
        match self.accounts.find(&account).await? {
            Some(found) => Ok(version::json(200, &shape::Account::from(found.value), found.revision)),
            None => Err(Problem::not_found(format!("there is no account `{account}`")).into()),
        }
    }

    /// `PUT /v1/accounts/{id}`: stores an account and the identities that lead to it. Idempotent: a repeat completes an
    /// attempt that was cut short.
    pub(crate) async fn put_account(&self, call: &Call<'_>) -> Answer {
        let mut account: Account = call.named::<shape::Account>("account_id")?.into();
        let wanted = version::if_match(call)?;
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
        let kept_identities = Identities::of_account(&account);
        // Several accounts can have the same name, but a domain belongs to one account.
        let leads_to = self.identities.accounts(&kept_identities).await?;
        let taken = |identity: &str, other: &AccountId| {
            let domain = identity.strip_prefix("domain:").filter(|_| *other != account.account_id)?;
            Some(FieldProblem::field("domains", format!("`{domain}` belongs to account `{other}`")))
        };
        errors.extend(leads_to.iter().filter_map(|(identity, other)| taken(identity, other)));
        if !errors.is_empty() {
            return Err(Problem::invalid_body(errors).into());
        }
        for (i, identity) in kept_identities.iter().enumerate() {
            let other = self.identities.claim_account(identity, &account.account_id).await?;
            // Another account claimed it at the same time: release what was claimed here.
            if let Some(problem) = other.and_then(|other| taken(identity, &other)) {
                for claimed in kept_identities.iter().take(i).filter(|claimed| !leads_to.contains_key(*claimed)) {
                    self.release_identity(claimed, &account.account_id).await?;
                }
                return Err(Problem::invalid_body(vec![problem]).into());
            }
        }
        let mut tries = Tries::until(call.deadline, [account.account_id.as_str()]);
        let (before, kept) = loop {
            tries.again("writing an account").await?;
            let seen = self.accounts.find(&account.account_id).await?;
            if let Some(reply) = changed_since(&account.account_id, wanted, seen.as_ref()) {
                return Ok(reply);
            }
            // A repeat changes nothing and is not audited.
            if let Some(seen) = seen.as_ref().filter(|seen| seen.value == account) {
                break (Some(seen.clone()), seen.clone());
            }
            let edit = edit(call, self.clock.now())?;
            if let Some(kept) = self.accounts.replace(&self.audit, &self.reps, seen.as_ref(), &account, &edit).await? {
                info!(account = %account.account_id, "changed account");
                break (seen, kept);
            }
            // A rep that it names may have been deleted in the meantime.
            let errors = self.unknown_in(&account).await?;
            if !errors.is_empty() {
                return Err(Problem::invalid_body(errors).into());
            }
        };
        let before = before.iter().flat_map(|before| Identities::of_account(&before.value));
        for identity in before.filter(|identity| !kept_identities.contains(identity)) {
            self.release_identity(&identity, &account.account_id).await?;
        }
        Ok(version::json(200, &shape::Account::from(account), kept.revision))
    }

    /// Lists the reps and the parent that an account names but that do not exist.
    async fn unknown_in(&self, account: &Account) -> Result<Vec<FieldProblem>, Failure> {
        let mut errors = Vec::new();
        for (field, rep) in [("owner", &account.owner), ("deal_owner", &account.deal_owner)] {
            if let Some(rep) = rep
                && self.reps.get(rep).await?.is_none()
            {
                let detail = format!("there is no rep `{rep}`; add them to the roster first");
                errors.push(FieldProblem::field(field, detail));
            }
        }
        if let Some(parent) = account.parent.as_ref().filter(|parent| **parent != account.account_id)
            && self.accounts.get(parent).await?.is_none()
        {
            let detail = format!("there is no account `{parent}`; create it first");
            errors.push(FieldProblem::field("parent", detail));
        }
        Ok(errors)
    }

    pub(crate) async fn delete_account(&self, call: &Call<'_>) -> Answer {
        let account = AccountId::from(call.path("id"));
        let wanted = version::if_match(call)?;
        let mut tries = Tries::until(call.deadline, [account.as_str()]);
        loop {
            tries.again("deleting an account").await?;
            let found = self.accounts.find(&account).await?;
            if let Some(reply) = changed_since(&account, wanted, found.as_ref()) {
                return Ok(reply);
            }
            let Some(found) = found else { return Ok(reply::no_content()) };
            if self.accounts.remove(&self.audit, &found, &edit(call, self.clock.now())?).await? {
                for identity in Identities::of_account(&found.value) {
                    self.release_identity(&identity, &account).await?;
                }
                info!(account = %account, "deleted account");
                return Ok(reply::no_content());
            }
        }
    }

    /// Deletes an identity if it still leads to `account`.
    async fn release_identity(&self, identity: &str, account: &AccountId) -> Result<(), Failure> {
        let leads_to = self.identities.accounts(std::slice::from_ref(&identity.to_owned())).await?;
        if leads_to.get(identity) == Some(account) {
            self.identities.release(identity).await?;
        }
        Ok(())
    }
}
