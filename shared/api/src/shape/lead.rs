//! A lead as people see it, its history, and the decisions on it.

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
    /// Where a lead stands.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum Stage {
        /// Kept, not yet decided on.
        Stored,
        /// An MQL with an owner in sales.
        Assigned,
        /// The owner confirmed it (SAL).
        Accepted,
        /// An MQL that nobody can take yet; it stands in a pool's waiting line.
        Waiting,
        /// Not ready for sales; marketing keeps in touch.
        Nurturing,
        /// Stopped by a fault or by the rulebook, until a person decides.
        Held,
        /// Refused, with a reason.
        Disqualified,
        /// The same person as another lead, which carries on.
        Merged,
    }

    /// A lead as its source sees it.
    pub struct LeadStage {
        /// The lead.
        pub lead_id: LeadId,
        /// Where it stands.
        pub stage: Stage,
    }

    /// A lead as people see it.
    pub struct Lead {
        /// The lead.
        pub lead_id: LeadId,
        /// Where it stands.
        pub stage: Stage,
        /// Where it came from.
        pub source: SourceId,
        /// When it came in.
        pub received_at: Timestamp,
        /// How often it was given to an owner; commands name the current assignment.
        pub assignment: u32,
        /// Who has it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub owner: Option<RepId>,
        /// The pool it was assigned from or waits in; missing when a rule named the owner.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pool: Option<PoolId>,
        /// The score it was decided with.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub score: Option<Score>,
        /// Rulebook version of the last decision.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rulebook: Option<RulebookVersion>,
        /// The rule that won the last decision.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rule: Option<String>,
        /// How urgent that rule says it is; missing if it is as urgent as most.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub priority: Option<Priority>,
        /// What that rule expects it to be worth, in whole units of the company's currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub value: Option<u32>,
        /// Why it is disqualified, held or in nurture, in a word.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reason: Option<String>,
        /// The stage a held lead came from; missing if it was held before it could be stored.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub held_from: Option<Stage>,
        /// When it first was an MQL.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub mql_at: Option<Timestamp>,
        /// When its owner got it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub assigned_at: Option<Timestamp>,
        /// When its owner confirmed it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub accepted_at: Option<Timestamp>,
        /// Who confirmed it: its owner, or the person who did it for them.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub accepted_by: Option<ActorId>,
        /// When it began to wait.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub waiting_since: Option<Timestamp>,
        /// When something has to happen to it at the latest.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub due_at: Option<Timestamp>,
        /// The lead it was merged into.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub merged_into: Option<LeadId>,
        /// Who it is; missing if it was held before it could be stored.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub profile: Option<Profile>,
    }

    /// Leads that were found.
    pub struct FoundLeads {
        /// The leads: at most one, because leads of one person are merged.
        pub leads: Vec<Lead>,
    }

    /// How well a lead fits and how interested it is.
    pub struct Score {
        /// The one number, 0 to 100.
        pub total: u8,
        /// What the person and company are, 0 to 100.
        pub fit: u8,
        /// What they did, 0 to 100.
        pub engagement: u8,
        /// The account's own score, 0 to 100.
        pub account: u8,
        /// Grade; missing below the last one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub grade: Option<String>,
        /// Whether it is ready for sales.
        pub mql: bool,
        /// Which line makes it an MQL.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub mql_by: Option<String>,
        /// The products the person is interested in, the most interesting first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub interest: Vec<InterestIn>,
        /// Every line that counted.
        pub lines: Vec<ScoreLine>,
    }

    /// How interested a person is in a product.
    pub struct InterestIn {
        /// The product.
        pub product: String,
        /// The points they have for what they did about it, 0 to 100.
        pub points: u8,
    }

    /// A line of the rulebook that gave or took points.
    pub struct ScoreLine {
        /// `fit`, `engagement` or `account`.
        pub part: String,
        /// The condition in words.
        pub reason: String,
        /// Points.
        pub points: i32,
    }

    /// What is known of a person and what they asked for; what is missing is not known.
    pub struct Profile {
        /// The person.
        pub contact: Contact,
        /// Where they work.
        pub company: Company,
        /// Where they are.
        pub place: Place,
        /// What they did and want.
        pub interest: Interest,
        /// The most recent things they did, the earliest first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub activities: Vec<Activity>,
        /// What brought them.
        pub campaign: Campaign,
        /// What they allowed.
        pub consent: Consent,
        /// How they want to be reached.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub preferred_channel: Option<Channel>,
        /// When they last said what they want and allow.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub said_at: Option<Timestamp>,
        /// Fields of the sender's own.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub custom: BTreeMap<String, String>,
        /// The account they belong to.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub account_id: Option<AccountId>,
        /// Where a value came from that the sender did not give in this form.
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
        /// Job title as written.
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
        /// The address to write to.
        pub address: String,
        /// Everything after the `@`.
        pub domain: String,
        /// What sort of address it is.
        pub kind: EmailKind,
    }

    /// A telephone number.
    pub struct Phone {
        /// As written.
        pub raw: String,
        /// In E.164, when the number is one that can exist.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub e164: Option<String>,
        /// What sort of number it is.
        pub kind: PhoneKind,
    }

    /// A company as the lead describes it.
    pub struct Company {
        /// Name.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// Domain.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub domain: Option<String>,
        /// Number of employees; of a range its lower end.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub employees: Option<u32>,
        /// Industry.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub industry: Option<String>,
    }

    /// Where a lead is.
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

    /// What a person did last and asked for.
    pub struct Interest {
        /// What they did, in words joined by `_`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub did: Option<String>,
        /// The product they looked at.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub product: Option<String>,
        /// What they wrote.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub message: Option<String>,
    }

    /// Something a person did.
    pub struct Activity {
        /// Its identifier.
        pub id: ActivityId,
        /// What, in words joined by `_`.
        pub did: String,
        /// When.
        pub at: Timestamp,
        /// Through which channel.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub channel: Option<String>,
        /// How much it asked of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub spend: Option<Spend>,
        /// How they responded.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub response: Option<String>,
        /// The product it was about.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub product: Option<String>,
    }

    /// The campaign that brought a lead.
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

    /// What a person allowed; missing where they were not asked.
    pub struct Consent {
        /// May be written to.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub email: Option<bool>,
        /// May be called.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub phone: Option<bool>,
    }

    /// Something that happened to a lead, as it also goes on the bus: with ids, enums and numbers of its own.
    #[derive(serde::Deserialize)]
    pub struct LeadEvent {
        /// `lead_id#seq`: the same wherever the event is seen.
        pub id: String,
        /// Version of this form.
        pub schema: u32,
        /// The lead.
        pub lead_id: LeadId,
        /// Its number in the lead's history, from 1 without gaps.
        pub seq: u64,
        /// When it happened.
        pub at: Timestamp,
        /// What happened, and with it what else the event says.
        #[serde(flatten)]
        pub more: Map<String, Value>,
    }

    /// Everything that happened to a lead.
    pub struct LeadEvents {
        /// The lead.
        pub lead_id: LeadId,
        /// Oldest first.
        pub events: Vec<LeadEvent>,
    }

    /// Why a lead is where it is.
    pub struct LeadDecisions {
        /// The lead.
        pub lead_id: LeadId,
        /// Where it stands.
        pub stage: Stage,
        /// The decisions on it, latest first.
        pub decisions: Vec<Decision>,
        /// Where to look instead, for a lead that was merged into another one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub summary: Option<String>,
    }

    /// A decision, explained.
    pub struct Decision {
        /// The gist.
        pub summary: String,
        /// The whole in sentences.
        pub details: Vec<String>,
        /// When it was decided.
        pub at: Timestamp,
        /// Where the lead went.
        pub stage: Stage,
        /// The rule that won.
        pub rule: String,
        /// Of this rulebook.
        pub rulebook: RulebookVersion,
        /// What made it win; empty if it takes every lead.
        pub reasons: Vec<String>,
        /// What the lookups found.
        pub lookups: Vec<String>,
        /// Earlier rules that did not win.
        pub near_misses: Vec<NearMiss>,
        /// The score, line by line.
        pub score: Score,
        /// The rep that the rule named.
        pub named: Option<Candidate>,
        /// The pools that were tried, in order.
        pub pools: Vec<PoolTried>,
        /// Who got it.
        pub chosen: Option<RepId>,
        /// Number of the event that tells of it.
        pub event: u64,
    }

    /// A rule that came before the winning one and did not fit.
    pub struct NearMiss {
        /// The rule.
        pub rule: String,
        /// Its first condition that failed.
        pub failed: String,
    }

    /// A pool that was tried for a lead.
    pub struct PoolTried {
        /// The pool.
        pub pool: PoolId,
        /// Its members.
        pub candidates: Vec<Candidate>,
    }

    /// A rep who might have got a lead.
    pub struct Candidate {
        /// The rep.
        pub rep: RepId,
        /// What stopped them, in a word (`off`, `outside_hours`, `at_capacity`); `null` if nothing did.
        pub stopped_by: Option<String>,
        /// The same in words.
        pub in_words: String,
        /// Turns they were owed, as a decimal number; `null` where they were stopped, because that is not kept.
        pub owed: Option<String>,
    }
}
