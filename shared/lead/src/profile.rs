//! Profile of a lead: the person, their company, their activities and interests, and their consent.
//!
//! `normalise` and `submission` decide how raw input becomes a profile. The stage of the lead is in its
//! [`crate::state::State`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::activity;
use crate::activity::Activity;
use crate::id::{AccountId, ActivityId, LeadId};

/// Facts about a person and what they asked for. Missing values are unknown; no text is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The person.
    pub contact: Contact,
    /// Where they work.
    pub company: Company,
    /// Where they are.
    pub place: Place,
    /// What they did last, and what they are interested in.
    pub interest: Interest,
    /// Their most recent activities, the earliest first; see [`crate::activity::remember`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<Activity>,
    /// The campaign that brought them.
    pub campaign: Campaign,
    /// What they consented to.
    pub consent: Consent,
    /// How they want to be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_channel: Option<Channel>,
    /// When the submission with their current interest and consent was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said_at: Option<Timestamp>,
    /// Fields that are not in the lead schema, by the sender's name for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, String>,
    /// When each custom field was last sent, if that was before `said_at`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_at: BTreeMap<String, Timestamp>,
    /// Names of custom fields that were dropped because newer ones took their place, the latest last; see
    /// [`crate::custom`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// The account of the lead, by e-mail domain, website or company name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// The origin of each field that the sender did not send in this form.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, Origin>,
}

impl Profile {
    /// Stores when the submission was received, and adds it to the activities. The id of that activity is derived from
    /// the lead and the content, so a repeat is the same activity and a resubmission is another one.
    pub fn said(&mut self, lead_id: &LeadId, payload_hash: &str, at: Timestamp) {
        self.said_at = Some(at);
        let Some(did) = self.interest.did.clone() else { return };
        let id = ActivityId::new(format!("{lead_id}:{payload_hash:.12}"));
        let product = self.interest.product.clone();
        self.remember(Activity { id, did, at, channel: None, spend: None, response: None, product });
    }

    /// Adds an activity. Returns false if it is already there, or older than all those that are kept. The interest
    /// follows the activity that was done last, whatever the order in which they are added.
    pub fn remember(&mut self, activity: Activity) -> bool {
        let id = activity.id.clone();
        let new = activity::remember(&mut self.activities, activity);
        self.renew_interest();
        new && self.activities.iter().any(|kept| kept.id == id)
    }

    /// Sets the interest from the last activity.
    pub fn renew_interest(&mut self) {
        let Some(last) = self.activities.last() else { return };
        self.interest.did = Some(last.did.clone());
        if last.product.is_some() {
            self.interest.product.clone_from(&last.product);
        }
    }
}

/// Person of a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Given name, in its usual case.
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
    /// Job title, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Seniority, derived from the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_level: Option<JobLevel>,
    /// Language, ISO 639-1 in lower case (`de`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Company of a lead, as the sender describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Company {
    /// Name as sent, with single spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Registrable domain (`acme.example`), from the website or a business e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Number of employees. For a range, its lower end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employees: Option<u32>,
    /// Industry, in lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
}

/// Place of a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Country, ISO 3166-1 alpha-2 in upper case (`DE`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// State, province or region, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// City, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Postal code, in upper case and with its leading zeros.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
}

/// What a person did last and asked for.
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

/// Campaign of a lead, by its UTM parameters.
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

/// Consent of a person. A value is `None` if they were not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// Whether they may be contacted by e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<bool>,
    /// Whether they may be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<bool>,
}

/// E-mail address with a valid form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The address to write to, with the domain in lower case and ASCII.
    pub address: String,
    /// The form that identifies the person: in lower case, without `+tag`, and without dots if the provider ignores
    /// them.
    pub identity: String,
    /// The domain after the `@`, in lower case and ASCII.
    pub domain: String,
    /// The kind of address.
    pub kind: EmailKind,
}

/// Kind of an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EmailKind {
    /// Address of a person at the domain of a company.
    Business,
    /// Mailbox of a free provider. It does not identify the company.
    Free,
    /// Disposable address.
    Disposable,
    /// Shared mailbox at a company (`info@`, `sales@`). It identifies the company, but not the person.
    Role,
}

/// Phone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// The number as sent.
    pub raw: String,
    /// The number in E.164 (`+4930901820`), if it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e164: Option<String>,
    /// The kind of number.
    pub kind: PhoneKind,
}

/// Kind of a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PhoneKind {
    /// Mobile number, or possibly one: some countries do not distinguish them.
    Mobile,
    /// Fixed line.
    Fixed,
    /// Other valid number, such as toll-free, premium or pager.
    Other,
    /// Not a valid number.
    Invalid,
}

/// Seniority, derived from a job title, from the lowest to the highest.
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

/// Channel to contact a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Phone call.
    Phone,
    /// Text message.
    Sms,
    /// WhatsApp.
    Whatsapp,
}

/// Origin of a value in a profile.
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
    /// Taken from a later submission of the same person.
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
    fn the_interest_follows_the_last_activity_in_any_order() {
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
    fn does_not_add_activities_older_than_those_kept() {
        let mut profile = Profile::default();
        for number in 0..MAX_REMEMBERED {
            profile.remember(activity(number, 1_000, "page", None));
        }
        let before = profile.clone();
        assert!(!profile.remember(activity(MAX_REMEMBERED, 999, "demo", None)));
        assert_eq!(profile, before);
    }
}
