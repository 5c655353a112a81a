//! Accounts: companies that sales knows about, and what a lead inherits from its account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, RepId};
use crate::limit::{self, MAX_DOMAIN, MAX_DOMAINS};
use crate::problem::FieldProblem;

/// Company that sales knows about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its identifier.
    pub account_id: AccountId,
    /// Its name, as people write it.
    pub name: String,
    /// Its registrable domains (`acme.example`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// The account of its parent company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<AccountId>,
    /// The rep who owns it. A subsidiary without an owner inherits the owner of the nearest parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<RepId>,
    /// Where the relationship stands.
    pub status: AccountStatus,
    /// The rep who works on the open deal, if the status is `open_deal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deal_owner: Option<RepId>,
    /// Its importance, in the company's own words (`strategic`, `mid`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Account score, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
}

/// Status of the relationship with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Nothing sold yet.
    Prospect,
    /// Buys from us.
    Customer,
    /// A deal is being negotiated.
    OpenDeal,
}

impl AccountStatus {
    /// Returns the word for it in rulebooks and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prospect => "prospect",
            Self::Customer => "customer",
            Self::OpenDeal => "open_deal",
        }
    }
}

/// Lists what is wrong with the fields of an account. Does not check whether domains are valid, or whether the reps and
/// the parent exist.
pub fn problems(account: &Account) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    found.extend(limit::title(&account.name, "an account"));
    found.extend(limit::many("domains", account.domains.len(), MAX_DOMAINS, "domains"));
    for (i, domain) in account.domains.iter().enumerate().take(MAX_DOMAINS) {
        found.extend(limit::long(format!("/domains/{i}"), domain, MAX_DOMAIN));
    }
    found.extend(account.parent.as_ref().and_then(|parent| limit::name("/parent", parent.as_str())));
    if account.parent.as_ref() == Some(&account.account_id) {
        found.push(FieldProblem::field("parent", "an account cannot be its own parent"));
    }
    for (field, rep) in [("/owner", &account.owner), ("/deal_owner", &account.deal_owner)] {
        found.extend(rep.as_ref().and_then(|rep| limit::name(field, rep.as_str())));
    }
    found.extend(account.tier.as_ref().and_then(|tier| limit::word("/tier", tier)));
    if account.score.is_some_and(|score| score > 100) {
        found.push(FieldProblem::field("score", "an account score is between 0 and 100"));
    }
    found
}

/// Limit on the levels of parents that are followed. Deeper trees and cycles end there.
pub const MAX_PARENTS: usize = 8;

/// Account of a lead as a decision sees it, with what it inherits from its parents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// The account itself.
    pub account: Account,
    /// Its owner, or the owner of the nearest parent that has one.
    pub owner: Option<RepId>,
    /// The account whose owner this is: the account itself or a parent.
    pub owner_from: Option<AccountId>,
}

impl AccountFacts {
    /// Uses the owner of the nearest account in `line` that has one. `line` is the account followed by its parents in
    /// order. Returns `None` if `line` is empty.
    pub fn inherit(line: &[Account]) -> Option<Self> {
        let account = line.first()?.clone();
        let nearest = line.iter().find(|company| company.owner.is_some());
        Some(Self {
            owner: nearest.and_then(|company| company.owner.clone()),
            owner_from: nearest.map(|company| company.account_id.clone()),
            account,
        })
    }

    /// Finds `account` and its parents in `known`. Returns `None` if the account is unknown.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_every_field() {
        let long = || "x".repeat(3_000);
        let account = Account {
            account_id: AccountId::from("acme"),
            name: " ".to_owned(),
            domains: vec![long(); 41],
            parent: Some(AccountId::from("")),
            owner: Some(RepId::new(long())),
            status: AccountStatus::Prospect,
            deal_owner: Some(RepId::from("A B")),
            tier: Some(long()),
            score: Some(101),
        };
        let found = problems(&account);
        let fields: Vec<&str> = found.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(fields.len(), 2 + 40 + 5);
        assert_eq!(fields.get(..3), Some(["/name", "/domains", "/domains/0"].as_slice()));
        assert_eq!(fields.get(42..), Some(["/parent", "/owner", "/deal_owner", "/tier", "/score"].as_slice()));
        assert!(found.iter().all(|problem| problem.detail.len() < 200), "{found:?}");
    }
}
