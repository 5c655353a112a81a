//! Companies that sales knows about, how a lead's is found, and what the lead inherits from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, RepId};

/// A company that sales knows about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its identifier.
    pub account_id: AccountId,
    /// Its name, as people write it.
    pub name: String,
    /// Its domains (`acme.example`), registrable ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// The company it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<AccountId>,
    /// Who looks after it; a subsidiary without an owner takes the nearest parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<RepId>,
    /// What it is to us.
    pub status: AccountStatus,
    /// Who works on the open deal, at status `open_deal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deal_owner: Option<RepId>,
    /// How much it matters, a word of the company's own (`strategic`, `mid`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Account score, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
}

/// What an account is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Known, nothing sold.
    Prospect,
    /// Buys from us.
    Customer,
    /// Somebody is negotiating.
    OpenDeal,
}

impl AccountStatus {
    /// As it is written in rulebooks and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prospect => "prospect",
            Self::Customer => "customer",
            Self::OpenDeal => "open_deal",
        }
    }
}

/// Most levels of parents that are followed; deeper trees and cycles end there.
pub const MAX_PARENTS: usize = 8;

/// What a decision knows of a lead's account: the account, and what it inherits from its parents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// The account itself.
    pub account: Account,
    /// Its owner, or that of the nearest parent that has one.
    pub owner: Option<RepId>,
    /// The account that `owner` was taken from: the account itself or a parent.
    pub owner_from: Option<AccountId>,
}

impl AccountFacts {
    /// Takes the owner of the nearest account in `line` that has one. `line` starts with the account and goes on with
    /// its parents in order; `None` if it is empty.
    pub fn inherit(line: &[Account]) -> Option<Self> {
        let account = line.first()?.clone();
        let nearest = line.iter().find(|company| company.owner.is_some());
        Some(Self {
            owner: nearest.and_then(|company| company.owner.clone()),
            owner_from: nearest.map(|company| company.account_id.clone()),
            account,
        })
    }

    /// What a decision knows of `account`, with its parents among `known`; `None` if it is not there.
    pub fn of(account: &AccountId, known: &BTreeMap<AccountId, Account>) -> Option<Self> {
        let mut line: Vec<Account> = Vec::new();
        let mut next = Some(account);
        while let Some(id) = next
            && line.len() <= MAX_PARENTS
            && let Some(found) = known.get(id)
        {
            line.push(found.clone());
            next = found.parent.as_ref();
        }
        Self::inherit(&line)
    }
}
