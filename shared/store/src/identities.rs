//! `identities`: the lead of an e-mail address or phone number, and the account of a domain or company name.
//!
//! | access | key |
//! |---|---|
//! | the lead of an address or number | `email:…` (its identity), `phone:…` (E.164); of a shared one with `#` and the family name |
//! | the account of a domain or company | `domain:…`, `company:…` (normalised name) |

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{Delete, Put};
use fairleader_domain::admission::{Claim, Holder};
use fairleader_lead::account::Account;
use fairleader_lead::id::{AccountId, LeadId};
use fairleader_lead::identity::IdentityKey;
use jiff::Timestamp;

use crate::item::{CURRENT_SCHEMA, Item, SCHEMA, get_text, item, millis, number, readable, text};
use crate::{Look, StoreError, Table, Transaction};

const IDENTITY: &str = "identity";
const LEAD: &str = "lead_id";
const ACCOUNT: &str = "account_id";
const CLAIMED_AT: &str = "claimed_at";

/// Table of identities.
#[derive(Clone, Debug)]
pub struct Identities(Table);

fn key(identity: &IdentityKey) -> Item {
    item([(IDENTITY, text(identity.as_str()))])
}

impl Identities {
    /// Creates a client for the identities in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Adds a write to `transaction` that points an identity to a lead. Its condition fails if the identity changed
    /// since it was read.
    pub(crate) fn claim<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let item = claim_item(&claim.identity, &claim.lead, now);
        let put = Put::builder().table_name(&self.0.name).set_item(Some(item));
        let put = match &claim.from {
            None => put.condition_expression("attribute_not_exists(lead_id)"),
            Some(from) => {
                put.condition_expression("lead_id = :from").expression_attribute_values(":from", text(from.as_str()))
            }
        };
        transaction.put(label, put.build()?);
        Ok(())
    }

    /// Returns the accounts of `identities`.
    pub async fn accounts(&self, identities: &[IdentityKey]) -> Result<BTreeMap<IdentityKey, AccountId>, StoreError> {
        let unique: BTreeSet<IdentityKey> = identities.iter().cloned().collect();
        let mut accounts = BTreeMap::new();
        for item in self.0.get_many(unique.iter().map(key).collect()).await? {
            readable(&item, &self.0.name)?;
            let account = AccountId::from(get_text(&item, &self.0.name, ACCOUNT)?);
            if let Some(identity) = unique.get(get_text(&item, &self.0.name, IDENTITY)?) {
                accounts.insert(identity.clone(), account);
            }
        }
        Ok(accounts)
    }

    /// Returns the leads and accounts of identities.
    pub(crate) async fn holders(
        &self,
        identities: &BTreeSet<IdentityKey>,
        how: Look,
    ) -> Result<BTreeMap<IdentityKey, Option<Holder>>, StoreError> {
        let mut holders: BTreeMap<IdentityKey, Option<Holder>> =
            identities.iter().map(|identity| (identity.clone(), None)).collect();
        if identities.is_empty() {
            return Ok(holders);
        }
        for item in self.0.look_at(identities.iter().map(key).collect(), how).await? {
            readable(&item, &self.0.name)?;
            let holder = if item.contains_key(LEAD) {
                Holder::Lead(LeadId::from(get_text(&item, &self.0.name, LEAD)?))
            } else {
                Holder::Account(AccountId::from(get_text(&item, &self.0.name, ACCOUNT)?))
            };
            if let Some(found) = holders.get_mut(get_text(&item, &self.0.name, IDENTITY)?) {
                *found = Some(holder);
            }
        }
        Ok(holders)
    }

    /// Adds a write that points an identity to an account. Its condition fails if another account has it.
    pub(crate) fn claim_for<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        identity: &IdentityKey,
        account: &AccountId,
    ) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(&self.0.name)
            .set_item(Some(account_item(identity, account)))
            .condition_expression("attribute_not_exists(account_id) OR account_id = :account")
            .expression_attribute_values(":account", text(account.as_str()));
        transaction.put(label, put.build()?);
        Ok(())
    }

    /// Adds the deletion of an identity of an account. Its condition fails if it is no longer the account's.
    pub(crate) fn release_from<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        identity: &IdentityKey,
        account: &AccountId,
    ) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(&self.0.name)
            .set_key(Some(key(identity)))
            .condition_expression("account_id = :account")
            .expression_attribute_values(":account", text(account.as_str()));
        transaction.delete(label, delete.build()?);
        Ok(())
    }

    /// Returns the lead of `identity`.
    pub async fn lead(&self, identity: &IdentityKey) -> Result<Option<LeadId>, StoreError> {
        let found = self.0.get(key(identity)).await?;
        found
            .map(|item| {
                readable(&item, &self.0.name)?;
                Ok(LeadId::from(get_text(&item, &self.0.name, LEAD)?))
            })
            .transpose()
    }

    /// Returns the identities of an account: its domains and its name.
    pub fn of_account(account: &Account) -> Vec<IdentityKey> {
        account.identities()
    }
}

/// Reads an item of either kind and writes it again, for tests.
#[cfg(test)]
pub(crate) fn again(item: &Item, table: &str) -> Result<Item, StoreError> {
    readable(item, table)?;
    let identity = &stored(get_text(item, table, IDENTITY)?);
    if item.contains_key(ACCOUNT) {
        return Ok(account_item(identity, &AccountId::from(get_text(item, table, ACCOUNT)?)));
    }
    let claimed = Timestamp::from_millisecond(crate::item::get_number(item, table, CLAIMED_AT)?).unwrap();
    Ok(claim_item(identity, &LeadId::from(get_text(item, table, LEAD)?), claimed))
}

/// Makes the key of a stored item again, for tests.
#[cfg(test)]
fn stored(text: &str) -> IdentityKey {
    let (kind, text) = text.split_once(':').unwrap();
    let key = match kind {
        "email" => IdentityKey::email,
        "phone" => IdentityKey::phone,
        "domain" => IdentityKey::domain,
        _ => IdentityKey::company,
    };
    key(text).unwrap()
}

fn account_item(identity: &IdentityKey, account: &AccountId) -> Item {
    let mut item = key(identity);
    item.extend(crate::item::item([(SCHEMA, number(CURRENT_SCHEMA)), (ACCOUNT, text(account.as_str()))]));
    item
}

fn claim_item(identity: &IdentityKey, lead: &LeadId, now: Timestamp) -> Item {
    let mut item = key(identity);
    item.extend(crate::item::item([
        (SCHEMA, number(CURRENT_SCHEMA)),
        (LEAD, text(lead.as_str())),
        (CLAIMED_AT, millis(now)),
    ]));
    item
}
