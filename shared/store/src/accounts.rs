//! `accounts`: companies that sales knows.
//!
//! | access | key |
//! |---|---|
//! | an account | `account_id` |
//! | those that name a rep | the whole table; only read before a rep is deleted |

use std::collections::{BTreeMap, BTreeSet};

use fairleader_lead::account::{Account, AccountFacts, AccountStatus, MAX_PARENTS};
use fairleader_lead::id::{AccountId, RepId};
use fairleader_lead::identity::IdentityKey;

use crate::audit::{Audit, Edit, Kind, Seen, Versioned};
use crate::item::{BODY, Item, body, item, record, stored, text};
use crate::table::PAGE;
use crate::{Identities, Pools, Reps, StoreError, Table, Transaction};

const ACCOUNT: &str = "account_id";

/// Table of accounts.
#[derive(Clone, Debug)]
pub struct Accounts(Table);

stored! {
    AccountForm of Account {
        account_id: AccountId,
        name: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        domains: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<AccountId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<RepId>,
        status: AccountStatus,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deal_owner: Option<RepId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tier: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        score: Option<u8>,
    }
}

fn key(account: &AccountId) -> Item {
    item([(ACCOUNT, text(account.as_str()))])
}

pub(crate) fn account_item(account: &Account) -> Result<Item, StoreError> {
    record(key(&account.account_id), &AccountForm::from(account.clone()))
}

pub(crate) fn account(item: &Item, table: &str) -> Result<Account, StoreError> {
    Ok(body::<AccountForm>(item, table)?.into())
}

/// Tables that change together with an account.
#[derive(Clone, Copy, Debug)]
pub struct AccountTables<'a> {
    /// The audit, which records the change.
    pub audit: &'a Audit,
    /// The identities that lead to the account.
    pub identities: &'a Identities,
    /// The reps that it names.
    pub reps: &'a Reps,
    /// The directory of pools, whose revision guards deletions of reps.
    pub pools: &'a Pools,
}

impl Accounts {
    /// Creates a client for the accounts in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Reads an account.
    pub async fn get(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        Ok(self.find(id).await?.map(|found| found.value))
    }

    /// Reads an account and its revision.
    pub async fn find(&self, id: &AccountId) -> Result<Option<Versioned<Account>>, StoreError> {
        let found = self.0.get(key(id)).await?;
        found.map(|item| Versioned::of(account(&item, &self.0.name)?, &item, &self.0.name)).transpose()
    }

    /// Stores an account with the identities that lead to it. `held` are the accounts of its identities, before and
    /// after the change; an identity of another account is left alone.
    ///
    /// Returns `None` on a conflict: it was changed since `seen`, an identity since `held`, or a rep that it names was
    /// deleted.
    pub async fn replace(
        &self,
        with: &AccountTables<'_>,
        seen: Option<&Versioned<Account>>,
        account: &Account,
        held: &BTreeMap<IdentityKey, AccountId>,
        edit: &Edit<'_>,
    ) -> Result<Option<Versioned<Account>>, StoreError> {
        let before = seen.map(|seen| AccountForm::from(seen.value.clone()));
        let id = &account.account_id;
        let entry = with.audit.entry(Kind::Account, id.as_str(), Seen::of(seen), before.as_ref(), edit).await?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.put(&mut transaction, (), &self.0, account_item(account)?, ACCOUNT)?;
        let reps_of = |account: &Account| -> BTreeSet<RepId> {
            [&account.owner, &account.deal_owner].into_iter().flatten().cloned().collect()
        };
        let named = reps_of(account);
        for rep in &named {
            with.reps.check_there(&mut transaction, (), rep)?;
        }
        // A deletion that found no account of this rep a moment ago reads the accounts again.
        if !named.is_subset(&seen.map(|seen| reps_of(&seen.value)).unwrap_or_default()) {
            with.pools.bump(&mut transaction, ())?;
        }
        let identities: BTreeSet<IdentityKey> = account.identities().into_iter().collect();
        for identity in &identities {
            if held.get(identity).is_none_or(|holder| holder == id) {
                with.identities.claim_for(&mut transaction, (), identity, id)?;
            }
        }
        let left = seen.into_iter().flat_map(|seen| seen.value.identities());
        for identity in left.filter(|identity| !identities.contains(identity)).collect::<BTreeSet<_>>() {
            if held.get(&identity) == Some(id) {
                with.identities.release_from(&mut transaction, (), &identity, id)?;
            }
        }
        Ok(transaction.commit().await?.is_done().then(|| entry.versioned(account.clone())))
    }

    /// Deletes an account with its identities; `held` are the accounts of these. Returns false on a conflict: it was
    /// changed since `seen`, or an identity since `held`.
    pub async fn remove(
        &self,
        with: &AccountTables<'_>,
        seen: &Versioned<Account>,
        held: &BTreeMap<IdentityKey, AccountId>,
        edit: &Edit<'_>,
    ) -> Result<bool, StoreError> {
        let before = AccountForm::from(seen.value.clone());
        let id = &seen.value.account_id;
        let entry = with.audit.deletion(Kind::Account, id.as_str(), seen.seen(), &before, edit)?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.delete(&mut transaction, (), &self.0, key(id), ACCOUNT)?;
        for identity in seen.value.identities().into_iter().collect::<BTreeSet<_>>() {
            if held.get(&identity) == Some(id) {
                with.identities.release_from(&mut transaction, (), &identity, id)?;
            }
        }
        Ok(transaction.commit().await?.is_done())
    }

    /// Returns the accounts that a rep owns or whose deal they work on, by id. Reads the whole table, at 128 read
    /// request units a megabyte; a megabyte holds about 2,000 accounts.
    pub async fn naming(&self, rep: &RepId) -> Result<Vec<AccountId>, StoreError> {
        let quoted = serde_json::to_string(rep.as_str())?;
        let mut pages = self
            .0
            .client
            .scan()
            .table_name(&self.0.name)
            .limit(PAGE)
            .filter_expression("contains(#body, :rep)")
            .expression_attribute_names("#body", BODY)
            .expression_attribute_values(":rep", text(quoted))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(StoreError::service(self.0.what("scanning")))?;
            let account = account(&item, &self.0.name)?;
            // The filter matches the text of the whole body, where the same word can mean something else.
            if account.owner.as_ref() == Some(rep) || account.deal_owner.as_ref() == Some(rep) {
                found.push(account.account_id);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Returns the facts about accounts that decisions use, including inherited owners. Unknown accounts are left out.
    ///
    /// Parents are read level by level for all accounts together, and only for accounts without an owner.
    pub async fn facts(&self, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, AccountFacts>, StoreError> {
        let mut known: BTreeMap<AccountId, Account> = BTreeMap::new();
        let mut wanted: Vec<AccountId> = accounts.to_vec();
        for _ in 0..=MAX_PARENTS {
            wanted.sort();
            wanted.dedup();
            wanted.retain(|account| !known.contains_key(account));
            if wanted.is_empty() {
                break;
            }
            let mut next = Vec::new();
            for item in self.0.get_many(wanted.iter().map(key).collect()).await? {
                let account = account(&item, &self.0.name)?;
                if account.owner.is_none() {
                    next.extend(account.parent.clone());
                }
                known.insert(account.account_id.clone(), account);
            }
            wanted = next;
        }
        Ok(accounts.iter().filter_map(|account| Some((account.clone(), AccountFacts::of(account, &known)?))).collect())
    }
}
