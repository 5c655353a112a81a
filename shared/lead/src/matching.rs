//! Matching: finds the account of a lead by the domain of a business address, by website, or by company name.

use std::collections::BTreeMap;

use crate::account::{Account, AccountFacts};
use crate::id::AccountId;
use crate::identity::IdentityKey;
use crate::normalise::company;
use crate::profile::{EmailKind, Origin, Profile};

impl Account {
    /// Returns the identities of the account: its domains and its name.
    pub fn identities(&self) -> Vec<IdentityKey> {
        let domains = self.domains.iter().filter_map(|domain| IdentityKey::domain(domain));
        domains.chain(IdentityKey::company(&company::key(&self.name))).collect()
    }
}

/// Returns the identities by which a person's account is found, the most reliable first: the domain of a business
/// address, the domain of the company, and its name.
pub fn identities(profile: &Profile) -> Vec<IdentityKey> {
    let mut found: Vec<IdentityKey> = Vec::new();
    let domains = email_domain(profile).into_iter().chain(profile.company.domain.clone());
    let domains = domains.filter_map(|domain| IdentityKey::domain(&domain));
    let name = profile.company.name.as_deref().and_then(|name| IdentityKey::company(&company::key(name)));
    for identity in domains.chain(name) {
        if !found.contains(&identity) {
            found.push(identity);
        }
    }
    found
}

/// Returns the registrable domain of the e-mail address, if it is an address at a company.
fn email_domain(profile: &Profile) -> Option<String> {
    let email = profile.contact.email.as_ref()?;
    let at_company = matches!(email.kind, EmailKind::Business | EmailKind::Role);
    company::registrable_domain(&email.domain).filter(|_| at_company)
}

/// Stores in a profile the account of the first of its [`identities`] for which `account_of` returns one.
pub fn recognise(profile: &mut Profile, account_of: impl Fn(&IdentityKey) -> Option<AccountId>) {
    let found = identities(profile).into_iter().find_map(|identity| Some((account_of(&identity)?, identity)));
    let Some((account, identity)) = found else { return };
    profile.account_id = Some(account);
    let by_email = email_domain(profile).is_some_and(|domain| IdentityKey::domain(&domain).as_ref() == Some(&identity));
    let origin = if by_email { Origin::Email } else { Origin::Account };
    profile.origins.insert("account".to_owned(), origin);
}

/// All accounts, for lookups without a database.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    accounts: BTreeMap<AccountId, Account>,
    by_identity: BTreeMap<IdentityKey, AccountId>,
}

impl Accounts {
    /// Indexes these accounts. If two have the same domain or name, the first one has it.
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

    /// Finds a person's account and stores it in the profile. Returns the facts that decisions use.
    pub fn recognise(&self, profile: &mut Profile) -> Option<AccountFacts> {
        recognise(profile, |identity| self.by_identity.get(identity).cloned());
        AccountFacts::of(profile.account_id.as_ref()?, &self.accounts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountStatus;
    use crate::id::RepId;
    use crate::identity::MAX_KEY;
    use crate::normalise;
    use crate::profile::Company;
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
    fn finds_an_account_by_address_website_or_name_with_the_owner_of_its_parent() {
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
        // The address only ends like the domain of the account, so the website counts.
        assert_eq!(
            of(r#"{"email": "x@notmother.example", "website": "mother.example"}"#),
            (anna("mother"), Some(Origin::Account))
        );
        assert_eq!(of(r#"{"email": "x@other.example"}"#), (String::new(), None));
    }

    #[test]
    fn keys_of_company_names_are_bounded_after_folding() {
        // The ligature U+FDFA folds into 18 characters.
        for count in 1..=400 {
            let name = "\u{fdfa}".repeat(count);
            let company = Company { name: Some(name.clone()), ..Company::default() };
            let profile = Profile { company, ..Profile::default() };
            let keys = identities(&profile);
            assert_eq!(keys.len(), 1);
            assert!(keys.iter().all(|key| (1..=MAX_KEY).contains(&key.as_str().len())), "{count}");
            let same = Account { name, ..account("acme", &[], None, None) };
            assert_eq!(same.identities(), keys, "the account is still found");
        }
    }
}
