//! Accounts.

use std::collections::BTreeMap;

use fairleader_api::shape::roster as shape;
use fairleader_api::{Call, Problem, Reply, reply, version};
use fairleader_lead::account;
use fairleader_lead::account::Account;
use fairleader_lead::id::{AccountId, is_name};
use fairleader_lead::identity::IdentityKey;
use fairleader_lead::limit::{MAX_DOMAIN, MAX_DOMAINS, shown};
use fairleader_lead::normalise;
use fairleader_lead::problem::FieldProblem;
use fairleader_runtime::http::{Answer, Failure, changed, edit};
use fairleader_store::{AccountTables, Identities, Tries, Versioned};
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
        let mut errors = account::problems(&account);
        // Too many domains are already an error. The rest is checked for as many as there can be.
        account.domains.truncate(MAX_DOMAINS);
        for (i, domain) in account.domains.iter_mut().enumerate().filter(|(_, domain)| domain.len() <= MAX_DOMAIN) {
            match normalise::company::registrable_domain(domain) {
                Some(found) => *domain = found,
                None => errors.push(FieldProblem {
                    pointer: format!("/domains/{i}"),
                    detail: format!("`{}` is not a domain; write it like acme.example", shown(domain)),
                }),
            }
        }
        let mut tries = Tries::until(call.deadline, [account.account_id.as_str()]);
        loop {
            tries.again("writing an account").await?;
            let seen = self.accounts.find(&account.account_id).await?;
            if let Some(reply) = changed_since(&account.account_id, wanted, seen.as_ref()) {
                return Ok(reply);
            }
            let held = self.held(seen.iter().map(|seen| &seen.value).chain([&account])).await?;
            let mut errors = errors.clone();
            errors.extend(self.unknown_in(&account).await?);
            errors.extend(taken(&account, &held));
            if !errors.is_empty() {
                return Err(Problem::invalid_body(errors).into());
            }
            // A repeat changes nothing, and is not audited.
            if let Some(seen) = seen.as_ref().filter(|seen| seen.value == account) {
                return Ok(version::json(200, &shape::Account::from(account), seen.revision));
            }
            let edit = edit(call, self.clock.now())?;
            if let Some(kept) = self.accounts.replace(&self.with(), seen.as_ref(), &account, &held, &edit).await? {
                info!(account = %account.account_id, "changed account");
                return Ok(version::json(200, &shape::Account::from(account), kept.revision));
            }
        }
    }

    /// Returns the tables that change together with an account.
    const fn with(&self) -> AccountTables<'_> {
        AccountTables { audit: &self.audit, identities: &self.identities, reps: &self.reps, pools: &self.pools }
    }

    /// Returns the current accounts of the identities of `accounts`.
    async fn held(
        &self,
        accounts: impl Iterator<Item = &Account>,
    ) -> Result<BTreeMap<IdentityKey, AccountId>, Failure> {
        let identities: Vec<IdentityKey> = accounts.flat_map(Identities::of_account).collect();
        Ok(self.identities.accounts(&identities).await?)
    }

    /// Lists the reps and the parent that an account names but that do not exist.
    async fn unknown_in(&self, account: &Account) -> Result<Vec<FieldProblem>, Failure> {
        let mut errors = Vec::new();
        for (field, rep) in [("owner", &account.owner), ("deal_owner", &account.deal_owner)] {
            if let Some(rep) = rep.as_ref().filter(|rep| is_name(rep.as_str()))
                && self.reps.get(rep).await?.is_none()
            {
                let detail = format!("there is no rep `{rep}`; add them to the roster first");
                errors.push(FieldProblem::field(field, detail));
            }
        }
        let another = |parent: &&AccountId| **parent != account.account_id && is_name(parent.as_str());
        if let Some(parent) = account.parent.as_ref().filter(another)
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
            let held = self.held([&found.value].into_iter()).await?;
            if self.accounts.remove(&self.with(), &found, &held, &edit(call, self.clock.now())?).await? {
                info!(account = %account, "deleted account");
                return Ok(reply::no_content());
            }
        }
    }
}

/// Lists the domains of an account that belong to another one. Two accounts may have the same name: their domains tell
/// them apart.
fn taken(account: &Account, held: &BTreeMap<IdentityKey, AccountId>) -> Vec<FieldProblem> {
    let others = account.domains.iter().filter_map(|domain| {
        let other = held.get(&IdentityKey::domain(domain)?).filter(|other| **other != account.account_id)?;
        Some(FieldProblem::field("domains", format!("`{domain}` belongs to account `{other}`")))
    });
    others.collect()
}
