//! `accounts`: companies that sales knows.
//!
//! | access | key |
//! |---|---|
//! | an account | `account_id` |
//! | those that name a rep | the whole table; only read before a rep is deleted |

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Delete, Put};
use fairleader_lead::account::{Account, AccountFacts, AccountStatus, MAX_PARENTS};
use fairleader_lead::id::{AccountId, RepId};

use crate::audit::{Audit, Edit, Kind, Seen, Versioned};
use crate::item::{BODY, Item, body, item, record, stored, text};
use crate::{StoreError, Table, Transaction};

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

    /// Stores an account. Returns `None` on a conflict: it was changed since `seen`, or a rep that it names was
    /// deleted.
    pub async fn replace(
        &self,
        audit: &Audit,
        reps: &crate::Reps,
        seen: Option<&Versioned<Account>>,
        account: &Account,
        edit: &Edit<'_>,
    ) -> Result<Option<Versioned<Account>>, StoreError> {
        let before = seen.map(|seen| AccountForm::from(seen.value.clone()));
        let id = account.account_id.as_str();
        let entry = audit.entry(Kind::Account, id, Seen::of(seen), before.as_ref(), edit).await?;
        let mut transaction = Transaction::new(&self.0.client);
        let item = entry.stamped(account_item(account)?);
        let (condition, values) = entry.seen.condition(ACCOUNT);
        let put = Put::builder().table_name(&self.0.name).set_item(Some(item)).condition_expression(condition);
        transaction.put((), put.set_expression_attribute_values(values).build()?);
        for rep in
            [&account.owner, &account.deal_owner].into_iter().flatten().collect::<std::collections::BTreeSet<_>>()
        {
            reps.check_there(&mut transaction, (), rep)?;
        }
        entry.record(&mut transaction, ())?;
        Ok(transaction.commit().await?.is_done().then(|| entry.versioned(account.clone())))
    }

    /// Deletes an account. Returns false if it was changed since `seen`.
    pub async fn remove(&self, audit: &Audit, seen: &Versioned<Account>, edit: &Edit<'_>) -> Result<bool, StoreError> {
        let before = AccountForm::from(seen.value.clone());
        let id = &seen.value.account_id;
        let entry = audit.deletion(Kind::Account, id.as_str(), seen.seen(), &before, edit)?;
        let mut transaction = Transaction::new(&self.0.client);
        let (condition, values) = entry.seen.condition(ACCOUNT);
        let delete = Delete::builder().table_name(&self.0.name).set_key(Some(key(id))).condition_expression(condition);
        transaction.delete((), delete.set_expression_attribute_values(values).build()?);
        entry.record(&mut transaction, ())?;
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
