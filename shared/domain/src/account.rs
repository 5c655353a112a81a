//! Companies that sales knows about, how a lead's is found, and what the lead inherits from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, RepId};
use crate::lead::{EmailKind, Origin, Profile};
use crate::normalise::company;

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

impl Account {
    /// The identities of the account: its domains and its name.
    pub fn identities(&self) -> Vec<String> {
        let domains = self.domains.iter().map(|domain| format!("{DOMAIN}{domain}"));
        let name = company::key(&self.name);
        domains.chain((!name.is_empty()).then(|| format!("{COMPANY}{name}"))).collect()
    }
}

const DOMAIN: &str = "domain:";
const COMPANY: &str = "company:";

/// The identities by which a person's account is found, the surest first: the domain of a business address, the
/// company's own domain, its name.
pub fn identities(profile: &Profile) -> Vec<String> {
    let by_email = profile
        .contact
        .email
        .as_ref()
        .filter(|email| matches!(email.kind, EmailKind::Business | EmailKind::Role))
        .and_then(|email| company::registrable_domain(&email.domain));
    let mut found: Vec<String> = Vec::new();
    let domains = by_email.into_iter().chain(profile.company.domain.clone()).map(|domain| format!("{DOMAIN}{domain}"));
    let name = profile.company.name.as_deref().map(company::key).filter(|key| !key.is_empty());
    for identity in domains.chain(name.map(|key| format!("{COMPANY}{key}"))) {
        if !found.contains(&identity) {
            found.push(identity);
        }
    }
    found
}

/// Notes with a profile the account that the first of its [`identities`] leads to, if `account_of` knows one.
pub fn recognise(profile: &mut Profile, account_of: impl Fn(&str) -> Option<AccountId>) {
    let found = identities(profile).into_iter().find_map(|identity| Some((account_of(&identity)?, identity)));
    let Some((account, identity)) = found else { return };
    profile.account_id = Some(account);
    let by_email = profile
        .contact
        .email
        .as_ref()
        .is_some_and(|email| identity.strip_prefix(DOMAIN).is_some_and(|domain| email.domain.ends_with(domain)));
    let origin = if by_email { Origin::Email } else { Origin::Account };
    profile.origins.insert("account".to_owned(), origin);
}

/// Every account there is, to be asked without a database.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    accounts: BTreeMap<AccountId, Account>,
    by_identity: BTreeMap<String, AccountId>,
}

impl Accounts {
    /// Of two accounts with the same domain or name the first one has it.
    pub fn new(accounts: &[Account]) -> Self {
        let mut known = Self::default();
        for account in accounts {
            for identity in account.identities() {
                known.by_identity.entry(identity).or_insert_with(|| account.account_id.clone());
            }
            known.accounts.insert(account.account_id.clone(), account.clone());
        }
        known
    }

    /// Finds a person's account and notes it with the profile; what decisions know of it.
    pub fn recognise(&self, profile: &mut Profile) -> Option<AccountFacts> {
        recognise(profile, |identity| self.by_identity.get(identity).cloned());
        AccountFacts::of(profile.account_id.as_ref()?, &self.accounts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise;
    use crate::submission::Submission;

    fn account(id: &str, domains: &[&str], parent: Option<&str>, owner: Option<&str>) -> Account {
        Account {
            account_id: AccountId::from(id),
            name: format!("{id} GmbH"),
            domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            parent: parent.map(AccountId::from),
            owner: owner.map(RepId::from),
            status: AccountStatus::Prospect,
            deal_owner: None,
            tier: None,
            score: None,
        }
    }

    #[test]
    fn an_account_is_found_by_address_website_or_name_and_inherits_its_owner() {
        let accounts = Accounts::new(&[
            account("mother", &["mother.example"], None, Some("anna")),
            account("daughter", &["daughter.example"], Some("mother"), None),
            account("twin", &["mother.example"], None, Some("ben")),
        ]);
        let of = |json: &str| {
            let mut profile = normalise::profile(&Submission::from_json(json.as_bytes()).unwrap());
            let facts = accounts.recognise(&mut profile);
            let found =
                facts.map(|facts| format!("{}, {:?}", facts.account.account_id, facts.owner.map(|o| o.to_string())));
            (found.unwrap_or_default(), profile.origins.get("account").copied())
        };
        let anna = |account: &str| format!("{account}, Some(\"anna\")");
        assert_eq!(of(r#"{"email": "x@eu.daughter.example"}"#), (anna("daughter"), Some(Origin::Email)));
        assert_eq!(
            of(r#"{"email": "x@gmail.com", "website": "www.mother.example"}"#),
            (anna("mother"), Some(Origin::Account))
        );
        assert_eq!(
            of(r#"{"phone": "+49 171 3920012", "company": "DAUGHTER"}"#),
            (anna("daughter"), Some(Origin::Account))
        );
        assert_eq!(of(r#"{"email": "x@other.example"}"#), (String::new(), None));
    }
}
