//! Who a lead is: the person, their company, what they did and want, and what they allow.
//!
//! How raw input becomes a profile is decided in `normalise` and `submission`; where the lead stands is a
//! [`crate::state::State`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::activity;
use crate::activity::Activity;
use crate::id::{AccountId, ActivityId, LeadId};

/// What is known of a person and what they asked for. Absent values are unknown, never empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The person.
    pub contact: Contact,
    /// Where they work.
    pub company: Company,
    /// Where they are.
    pub place: Place,
    /// What they did and want.
    pub interest: Interest,
    /// The most recent things they did, the earliest first; see [`crate::activity::remember`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<Activity>,
    /// What brought them.
    pub campaign: Campaign,
    /// What they allowed.
    pub consent: Consent,
    /// How they want to be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_channel: Option<Channel>,
    /// When the person last said what they want and allow: when the submission that said so was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said_at: Option<Timestamp>,
    /// Fields the lead schema does not know, by the sender's name for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, String>,
    /// The account the lead belongs to, by e-mail domain, website or company name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// Where a value came from when the sender did not give it in this form: field -> origin.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, Origin>,
}

impl Profile {
    /// Notes when the person said all this, and remembers what they did with it: a submission is an activity too. Its
    /// id follows from the lead and the content, so a repeat is the same activity and a resubmission another one.
    pub fn said(&mut self, lead_id: &LeadId, payload_hash: &str, at: Timestamp) {
        self.said_at = Some(at);
        let Some(did) = self.interest.did.clone() else { return };
        let id = ActivityId::new(format!("{lead_id}:{payload_hash:.12}"));
        let product = self.interest.product.clone();
        self.remember(Activity { id, did, at, channel: None, spend: None, response: None, product });
    }

    /// Remembers what the person did; false if it is remembered already, or too old to be. What they did last is what
    /// they are interested in, in whatever order it came in.
    pub fn remember(&mut self, activity: Activity) -> bool {
        let id = activity.id.clone();
        let new = activity::remember(&mut self.activities, activity);
        self.renew_interest();
        new && self.activities.iter().any(|kept| kept.id == id)
    }

    /// Takes what the person did last for their interest.
    pub fn renew_interest(&mut self) {
        let Some(last) = self.activities.last() else { return };
        self.interest.did = Some(last.did.clone());
        if last.product.is_some() {
            self.interest.product.clone_from(&last.product);
        }
    }
}

/// The person behind a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Given name, in the case people write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Job title as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Seniority read from the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_level: Option<JobLevel>,
    /// Language, ISO 639-1 in lower case (`de`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// A company as the lead describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Company {
    /// Name as written, blanks tidied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Registrable domain (`acme.example`), from the website or a business e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Number of employees; of a range its lower end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employees: Option<u32>,
    /// Industry, in lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
}

/// Where a lead is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Country, ISO 3166-1 alpha-2 in upper case (`DE`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// State, province or region, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// City, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Postal code: text, upper case, leading zeros kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
}

/// What a person did and asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interest {
    /// What they did, in lower-case words joined by `_`: `contact_me`, `demo`, `download`, `webinar`, `newsletter`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did: Option<String>,
    /// The product they looked at, in lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What they wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The campaign that brought a lead, in the terms of UTM parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Campaign {
    /// `utm_campaign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `utm_source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `utm_medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
}

/// What a person allowed; absent where they were not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// May be written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<bool>,
    /// May be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<bool>,
}

/// An e-mail address that has the form of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The address to write to, domain in lower case and ASCII.
    pub address: String,
    /// What identifies the person: lower case, without `+tag`, dots dropped where the provider ignores them.
    pub identity: String,
    /// Everything after the `@`, lower case and ASCII.
    pub domain: String,
    /// What sort of address it is.
    pub kind: EmailKind,
}

/// What sort of address an [`Email`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EmailKind {
    /// A person at a company's own domain.
    Business,
    /// A mailbox of a free provider: says nothing about the company.
    Free,
    /// A throw-away address.
    Disposable,
    /// A shared mailbox at a company (`info@`, `sales@`): the company is known, the person is not.
    Role,
}

/// A telephone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// As written.
    pub raw: String,
    /// In E.164 (`+4930901820`), when the number is one that can exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e164: Option<String>,
    /// What sort of number it is.
    pub kind: PhoneKind,
}

/// What sort of number a [`Phone`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PhoneKind {
    /// Reaches a mobile, or may (some countries do not tell them apart).
    Mobile,
    /// Reaches a fixed line.
    Fixed,
    /// Valid, but neither (toll-free, premium, pager, …).
    Other,
    /// No number that could be called.
    Invalid,
}

/// Seniority, read from a job title; ordered from the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobLevel {
    /// Student, intern, trainee.
    Intern,
    /// Contributes without leading others.
    Staff,
    /// Leads a team.
    Manager,
    /// Leads a department.
    Director,
    /// Vice president.
    Vp,
    /// The top of the company: C-level, owner, founder, managing director.
    CLevel,
}

/// A way to reach a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// A call.
    Phone,
    /// A text message.
    Sms,
    /// WhatsApp.
    Whatsapp,
}

/// Where a value of a [`Profile`] came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Derived from the e-mail address.
    Email,
    /// Derived from the telephone number.
    Phone,
    /// Derived from the website.
    Website,
    /// Derived from the job title.
    JobTitle,
    /// Taken from the matched account.
    Account,
    /// Derived from the country.
    Country,
    /// Taken over from a later submission of the same person.
    Merge,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::MAX_REMEMBERED;

    fn activity(id: usize, second: i64, did: &str, product: Option<&str>) -> Activity {
        Activity {
            id: ActivityId::new(format!("a-{id}")),
            did: did.to_owned(),
            at: Timestamp::from_second(second).unwrap(),
            channel: None,
            spend: None,
            response: None,
            product: product.map(str::to_owned),
        }
    }

    #[test]
    fn what_a_person_did_last_is_what_they_want_in_whatever_order_it_comes_in() {
        let mut profile = Profile::default();
        assert!(profile.remember(activity(1, 60, "demo", None)));
        assert!(profile.remember(activity(2, 30, "webinar", Some("keel"))), "done before, told after");
        assert_eq!(profile.interest.did.as_deref(), Some("demo"));
        assert!(!profile.remember(activity(1, 60, "demo", None)), "the same one");
        assert!(profile.remember(activity(3, 90, "pricing", Some("mast"))));
        let Interest { did, product, .. } = profile.interest;
        assert_eq!((did.as_deref(), product.as_deref()), (Some("pricing"), Some("mast")));
    }

    #[test]
    fn what_is_older_than_all_that_is_remembered_is_not_remembered() {
        let mut profile = Profile::default();
        for number in 0..MAX_REMEMBERED {
            profile.remember(activity(number, 1_000, "page", None));
        }
        let before = profile.clone();
        assert!(!profile.remember(activity(MAX_REMEMBERED, 999, "demo", None)));
        assert_eq!(profile, before);
    }
}
