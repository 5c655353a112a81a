//! `identities`: who an e-mail address or telephone number belongs to, and which account a domain or name.
//!
//! | access | key |
//! |---|---|
//! | the lead of an address or number | `email:…` (its identity), `phone:…` (E.164) |
//! | the account of a domain or company | `domain:…`, `company:…` (normalised name) |

use std::collections::BTreeMap;

use fairleader_lead::account::Account;
use fairleader_lead::id::{AccountId, LeadId};
use fairleader_lead::profile::{PhoneKind, Profile};
use jiff::Timestamp;

use crate::item::{CURRENT_SCHEMA, Item, SCHEMA, get_number, get_text, item, millis, number, readable, text};
use crate::table::Write;
use crate::{StoreError, Table};

const IDENTITY: &str = "identity";
const LEAD: &str = "lead_id";
const ACCOUNT: &str = "account_id";
const CLAIMED_AT: &str = "claimed_at";

/// The identities table.
#[derive(Clone, Debug)]
pub struct Identities(Table);

/// What became of claiming an identity for a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The lead has it, now or from an earlier attempt.
    Ours,
    /// Another lead has it.
    Theirs {
        /// That lead.
        lead: LeadId,
        /// Since when.
        since: Timestamp,
    },
}

fn key(identity: &str) -> Item {
    item([(IDENTITY, text(identity))])
}

/// The identities of a person, in the order in which they are claimed: e-mail address, then mobile number. A fixed
/// line or switchboard is shared by colleagues and identifies nobody.
pub fn person_identities(profile: &Profile) -> Vec<String> {
    let email = profile.contact.email.as_ref().map(|email| format!("email:{}", email.identity));
    let phone = profile
        .contact
        .phone
        .as_ref()
        .filter(|phone| phone.kind == PhoneKind::Mobile)
        .and_then(|phone| phone.e164.as_ref())
        .map(|number| format!("phone:{number}"));
    email.into_iter().chain(phone).collect()
}

impl Identities {
    /// The identities in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Claims `identity` for `lead`, unless another lead has it. A claim made again keeps the time of the first one, so
    /// that others can tell when it has been abandoned.
    pub async fn claim(&self, identity: &str, lead: &LeadId, now: Timestamp) -> Result<Claim, StoreError> {
        let written = self.0.put_if(claim_item(identity, lead, now), "attribute_not_exists(lead_id)", []).await?;
        self.claimed(written, lead)
    }

    /// Takes `identity` over from `from`, which claimed it at `since` and was never stored.
    pub async fn take_over(
        &self,
        identity: &str,
        lead: &LeadId,
        from: &LeadId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let written = self
            .0
            .put_if(
                claim_item(identity, lead, now),
                "lead_id = :from AND claimed_at = :since",
                [(":from", text(from.as_str())), (":since", millis(since))],
            )
            .await?;
        self.claimed(written, lead)
    }

    fn claimed(&self, written: Write, by: &LeadId) -> Result<Claim, StoreError> {
        match written {
            Write::Done => Ok(Claim::Ours),
            Write::Refused(Some(found)) => {
                readable(&found, &self.0.name)?;
                let lead = LeadId::from(get_text(&found, &self.0.name, LEAD)?);
                if lead == *by {
                    return Ok(Claim::Ours);
                }
                let since = Timestamp::from_millisecond(get_number(&found, &self.0.name, CLAIMED_AT)?)
                    .unwrap_or(Timestamp::UNIX_EPOCH);
                Ok(Claim::Theirs { lead, since })
            }
            Write::Refused(None) => Err(StoreError::Attribute { table: self.0.name.clone(), attribute: LEAD }),
        }
    }

    /// The accounts that `identities` lead to.
    pub async fn accounts(&self, identities: &[String]) -> Result<BTreeMap<String, AccountId>, StoreError> {
        let mut unique: Vec<&String> = identities.iter().collect();
        unique.sort();
        unique.dedup();
        let items = self.0.get_many(unique.into_iter().map(|identity| key(identity)).collect()).await?;
        items
            .iter()
            .map(|item| {
                readable(item, &self.0.name)?;
                let identity = get_text(item, &self.0.name, IDENTITY)?.to_owned();
                Ok((identity, AccountId::from(get_text(item, &self.0.name, ACCOUNT)?)))
            })
            .collect()
    }

    /// Makes `identity` lead to `account`; gives back the account that has it already, if another does.
    pub async fn claim_account(&self, identity: &str, account: &AccountId) -> Result<Option<AccountId>, StoreError> {
        let written = self
            .0
            .put_if(
                account_item(identity, account),
                "attribute_not_exists(account_id) OR account_id = :account",
                [(":account", text(account.as_str()))],
            )
            .await?;
        match written {
            Write::Done => Ok(None),
            Write::Refused(theirs) => {
                let theirs = theirs.unwrap_or_default();
                Ok(Some(AccountId::from(get_text(&theirs, &self.0.name, ACCOUNT)?)))
            }
        }
    }

    /// Forgets an identity.
    pub async fn release(&self, identity: &str) -> Result<(), StoreError> {
        self.0.delete(key(identity)).await
    }

    /// The lead that has `identity`.
    pub async fn lead(&self, identity: &str) -> Result<Option<LeadId>, StoreError> {
        let found = self.0.get(key(identity)).await?;
        found.map(|item| Ok(LeadId::from(get_text(&item, &self.0.name, LEAD)?))).transpose()
    }

    /// The identities of an account: its domains and its name.
    pub fn of_account(account: &Account) -> Vec<String> {
        account.identities()
    }
}

/// Reads an item of either kind and writes it again.
#[cfg(test)]
pub(crate) fn again(item: &Item, table: &str) -> Result<Item, StoreError> {
    readable(item, table)?;
    let identity = get_text(item, table, IDENTITY)?;
    if item.contains_key(ACCOUNT) {
        return Ok(account_item(identity, &AccountId::from(get_text(item, table, ACCOUNT)?)));
    }
    let claimed = Timestamp::from_millisecond(get_number(item, table, CLAIMED_AT)?).unwrap();
    Ok(claim_item(identity, &LeadId::from(get_text(item, table, LEAD)?), claimed))
}

fn account_item(identity: &str, account: &AccountId) -> Item {
    let mut item = key(identity);
    item.extend(crate::item::item([(SCHEMA, number(CURRENT_SCHEMA)), (ACCOUNT, text(account.as_str()))]));
    item
}

fn claim_item(identity: &str, lead: &LeadId, now: Timestamp) -> Item {
    let mut item = key(identity);
    item.extend(crate::item::item([
        (SCHEMA, number(CURRENT_SCHEMA)),
        (LEAD, text(lead.as_str())),
        (CLAIMED_AT, millis(now)),
    ]));
    item
}
