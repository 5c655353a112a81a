//! Leads, their history, and the explanations of decisions.

mod from_profile;
mod from_state;
#[cfg(feature = "decisions")]
mod from_why;

pub use self::from_state::{accepted, held_from};

use std::collections::BTreeMap;

use fairleader_lead::activity::Spend;
use fairleader_lead::id::{AccountId, ActivityId, ActorId, LeadId, PoolId, RepId, RulebookVersion, SourceId};
use fairleader_lead::profile::{Channel, EmailKind, JobLevel, Origin, PhoneKind};
use fairleader_lead::ruling::Priority;
use jiff::Timestamp;
use serde_json::{Map, Value};

replies! {
    /// Stage of a lead.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum Stage {
        /// Stored, but not decided yet.
        Stored,
        /// An MQL with an owner in sales.
        Assigned,
        /// Accepted by its owner (SAL).
        Accepted,
        /// An MQL on the waiting list of a pool, because no rep can take it yet.
        Waiting,
        /// Not ready for sales; in nurture.
        Nurturing,
        /// On hold after a failure or by the rulebook, until a person decides.
        Held,
        /// Disqualified by a rule, with a reason.
        Disqualified,
        /// Merged into another lead of the same person.
        Merged,
    }

    /// Lead, as its source sees it.
    pub struct LeadStage {
        /// The lead.
        pub lead_id: LeadId,
        /// Its stage.
        pub stage: Stage,
    }

    /// Lead, as people see it.
    pub struct Lead {
        /// The lead.
        pub lead_id: LeadId,
        /// Its stage.
        pub stage: Stage,
        /// The source that sent it.
        pub source: SourceId,
        /// When it was received.
        pub received_at: Timestamp,
        /// Number of the current assignment, for commands; 0 if it never had an owner.
        pub assignment: u32,
        /// Its owner.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub owner: Option<RepId>,
        /// The pool that it was assigned from or waits in; missing if a rule named the owner.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pool: Option<PoolId>,
        /// The score at the last decision.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub score: Option<Score>,
        /// The version of the rulebook at the last decision.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rulebook: Option<RulebookVersion>,
        /// The rule that won the last decision.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rule: Option<String>,
        /// The priority that the rule gives it; missing if it is normal.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub priority: Option<Priority>,
        /// The expected value that the rule gives it, in whole units of the company's currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub value: Option<u32>,
        /// Why it is disqualified, on hold or in nurture, in a word.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reason: Option<String>,
        /// The stage before it was put on hold; missing if it was put on hold before it could be stored.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub held_from: Option<Stage>,
        /// When it first became an MQL.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub mql_at: Option<Timestamp>,
        /// When it was assigned to its owner.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub assigned_at: Option<Timestamp>,
        /// When it was accepted.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub accepted_at: Option<Timestamp>,
        /// Who accepted it: its owner, or the person who did so for them.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub accepted_by: Option<ActorId>,
        /// Since when it has been waiting.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub waiting_since: Option<Timestamp>,
        /// Its next deadline.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub due_at: Option<Timestamp>,
        /// The lead that it was merged into.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub merged_into: Option<LeadId>,
        /// Its profile; missing if it was put on hold before it could be stored.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub profile: Option<Profile>,
    }

    /// Result of a search.
    pub struct FoundLeads {
        /// The leads found: at most one, because leads of the same person are merged.
        pub leads: Vec<Lead>,
    }

    /// Score of a lead.
    pub struct Score {
        /// Total, 0 to 100.
        pub total: u8,
        /// Fit of the person and company, 0 to 100.
        pub fit: u8,
        /// Engagement, from their activities, 0 to 100.
        pub engagement: u8,
        /// Score of the account, 0 to 100.
        pub account: u8,
        /// Grade; missing if the total is below the lowest grade.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub grade: Option<String>,
        /// Whether the lead is an MQL.
        pub mql: bool,
        /// The line of `mql` that makes it one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub mql_by: Option<String>,
        /// The products that the person is interested in, highest interest first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub interest: Vec<InterestIn>,
        /// Every line that gave or took points.
        pub lines: Vec<ScoreLine>,
    }

    /// Interest of a person in a product.
    pub struct InterestIn {
        /// The product.
        pub product: String,
        /// Points from activities about it, 0 to 100.
        pub points: u8,
    }

    /// Line of the rulebook that gave or took points.
    pub struct ScoreLine {
        /// `fit`, `engagement` or `account`.
        pub part: String,
        /// The condition in words.
        pub reason: String,
        /// Points.
        pub points: i32,
    }

    /// Profile of a lead: the person, their company and what they asked for. Unknown values are missing.
    pub struct Profile {
        /// The person.
        pub contact: Contact,
        /// Their company.
        pub company: Company,
        /// Their location.
        pub place: Place,
        /// Their latest activity and request.
        pub interest: Interest,
        /// Their most recent activities, oldest first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub activities: Vec<Activity>,
        /// The campaign that brought them.
        pub campaign: Campaign,
        /// Their consent.
        pub consent: Consent,
        /// Their preferred channel.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub preferred_channel: Option<Channel>,
        /// When they last stated their wishes and consent.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub said_at: Option<Timestamp>,
        /// Custom fields.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub custom: BTreeMap<String, String>,
        /// Names of custom fields that were dropped, because a lead keeps only the newest: at most 200 of them, and
        /// 100 KB together.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub dropped: Vec<String>,
        /// The account of their company.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub account_id: Option<AccountId>,
        /// Origin of each value that differs from what the source sent.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub origins: BTreeMap<String, Origin>,
    }

    /// A person.
    pub struct Contact {
        /// Given name.
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
        /// Seniority.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub job_level: Option<JobLevel>,
        /// Language, ISO 639-1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub language: Option<String>,
    }

    /// An e-mail address.
    pub struct Email {
        /// The address.
        pub address: String,
        /// The part after the `@`.
        pub domain: String,
        /// Kind of address.
        pub kind: EmailKind,
    }

    /// A telephone number.
    pub struct Phone {
        /// The number, as sent.
        pub raw: String,
        /// The number in E.164, if it is valid.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub e164: Option<String>,
        /// Kind of number.
        pub kind: PhoneKind,
    }

    /// Company, as described in the lead.
    pub struct Company {
        /// Name.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// Domain.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub domain: Option<String>,
        /// Number of employees, or the lower end of a range.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub employees: Option<u32>,
        /// Industry.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub industry: Option<String>,
    }

    /// Location of a lead.
    pub struct Place {
        /// Country, ISO 3166-1 alpha-2.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub country: Option<String>,
        /// State, province or region.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub state: Option<String>,
        /// City.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub city: Option<String>,
        /// Postal code.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub postal_code: Option<String>,
    }

    /// Latest activity and request of a person.
    pub struct Interest {
        /// The activity, in words joined by `_`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub did: Option<String>,
        /// The product that they looked at.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub product: Option<String>,
        /// Their message.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub message: Option<String>,
    }

    /// Activity of a person.
    pub struct Activity {
        /// Its identifier.
        pub id: ActivityId,
        /// What they did, in words joined by `_`.
        pub did: String,
        /// When they did it.
        pub at: Timestamp,
        /// Channel of the activity.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub channel: Option<String>,
        /// How much time or effort it took them.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub spend: Option<Spend>,
        /// Their response.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub response: Option<String>,
        /// The product it was about.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub product: Option<String>,
    }

    /// Campaign that brought a lead.
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

    /// Consent of a person. A field is missing if they were not asked.
    pub struct Consent {
        /// Whether they may be contacted by e-mail.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub email: Option<bool>,
        /// Whether they may be called.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub phone: Option<bool>,
    }

    /// Event of a lead, as it is also published on the bus. It has ids, enums and numbers, but no personal data.
    #[derive(serde::Deserialize)]
    pub struct LeadEvent {
        /// `lead_id#seq`: the same here and on the bus.
        pub id: String,
        /// Version of the event format.
        pub schema: u32,
        /// The lead.
        pub lead_id: LeadId,
        /// Number of the event in the history of the lead, from 1 without gaps.
        pub seq: u64,
        /// When it happened.
        pub at: Timestamp,
        /// The kind of event and its other fields.
        #[serde(flatten)]
        pub more: Map<String, Value>,
    }

    /// Page of the history of a lead.
    pub struct LeadEvents {
        /// The lead.
        pub lead_id: LeadId,
        /// The events on this page, oldest first.
        pub events: Vec<LeadEvent>,
        /// Cursor of the next page; `null` on the last page.
        pub next: Option<String>,
    }

    /// Page of the explanations of the decisions on a lead.
    pub struct LeadDecisions {
        /// The lead.
        pub lead_id: LeadId,
        /// Its stage.
        pub stage: Stage,
        /// The decisions on this page, latest first.
        pub decisions: Vec<Decision>,
        /// Cursor of the next page; `null` on the last page.
        pub next: Option<String>,
        /// For a merged lead: where to find the explanations of the lead that it was merged into.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub summary: Option<String>,
    }

    /// Decision with its explanation.
    pub struct Decision {
        /// Summary in up to three sentences.
        pub summary: String,
        /// Full explanation in sentences.
        pub details: Vec<String>,
        /// When the decision was made.
        pub at: Timestamp,
        /// The stage of the lead after the decision.
        pub stage: Stage,
        /// The rule that won.
        pub rule: String,
        /// The version of the rulebook.
        pub rulebook: RulebookVersion,
        /// Why it won; empty if the rule matches every lead.
        pub reasons: Vec<String>,
        /// Results of the lookups.
        pub lookups: Vec<String>,
        /// Earlier rules that did not win.
        pub near_misses: Vec<NearMiss>,
        /// The score, line by line.
        pub score: Score,
        /// The rep that the rule names.
        pub named: Option<Candidate>,
        /// The pools that were tried, in order.
        pub pools: Vec<PoolTried>,
        /// The rep who got the lead.
        pub chosen: Option<RepId>,
        /// Number of the event that records it.
        pub event: u64,
    }

    /// Rule that comes before the winning one and did not match.
    pub struct NearMiss {
        /// The rule.
        pub rule: String,
        /// Its first condition that failed.
        pub failed: String,
    }

    /// Pool that was tried for a lead.
    pub struct PoolTried {
        /// The pool.
        pub pool: PoolId,
        /// Its members.
        pub candidates: Vec<Candidate>,
    }

    /// Rep who was considered for a lead.
    pub struct Candidate {
        /// The rep.
        pub rep: RepId,
        /// Why they could not take it, in a word (`off`, `outside_hours`, `at_capacity`); `null` if they could.
        pub stopped_by: Option<String>,
        /// `stopped_by` in words.
        pub in_words: String,
        /// Turns that they were owed, as a decimal number; `null` if they could not take the lead.
        pub owed: Option<String>,
    }
}
