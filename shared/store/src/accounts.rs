//! `accounts`: companies that sales knows about. One item each, by `account_id`.

use std::collections::BTreeMap;

use fairleader_lead::account::{Account, AccountFacts, MAX_PARENTS};
use fairleader_lead::id::AccountId;

use crate::item::{BODY, CURRENT_SCHEMA, Item, SCHEMA, body, item, json, number, text};
use crate::{StoreError, Table};

const ACCOUNT: &str = "account_id";

/// The accounts table.
#[derive(Clone, Debug)]
pub struct Accounts(Table);

fn key(account: &AccountId) -> Item {
    item([(ACCOUNT, text(account.as_str()))])
}

impl Accounts {
    /// The accounts in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// One account.
    pub async fn get(&self, account: &AccountId) -> Result<Option<Account>, StoreError> {
        self.0.get(key(account)).await?.map(|item| body(&item, &self.0.name)).transpose()
    }

    /// Writes an account.
    pub async fn put(&self, account: &Account) -> Result<(), StoreError> {
        let mut item = key(&account.account_id);
        item.extend(crate::item::item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(account)?)]));
        self.0.put(item).await
    }

    /// Deletes an account, if it is there.
    pub async fn delete(&self, account: &AccountId) -> Result<(), StoreError> {
        self.0.delete(key(account)).await
    }

    /// What decisions know of these accounts, with the owner that each inherits. Unknown accounts are left out.
    ///
    /// Parents are read level by level, all accounts together, and only for those that have no owner yet.
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
                let account: Account = body(&item, &self.0.name)?;
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
