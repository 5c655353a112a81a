//! Rulebooks: versions, what people say about them, which one is active, what they would change, and their tables.

pub use super::rulebook_problem::{RulebookProblem, Severity};

mod from_domain;
#[cfg(feature = "openapi")]
pub mod report;

use std::collections::BTreeMap;

use fairleader_domain::{replay, reroute};
use fairleader_lead::id::{PersonId, RulebookVersion};
use fairleader_lead::people::PersonRole;
use jiff::Timestamp;

requests! {
    /// A remark about a version.
    pub struct NewComment {
        /// What to say.
        pub text: String,
    }

    /// An approval of a version.
    #[derive(Default)]
    pub struct NewApproval {
        /// What to say with it.
        #[serde(default)]
        pub comment: Option<String>,
    }

    /// An objection to a version.
    pub struct NewObjection {
        /// Why.
        pub reason: String,
    }

    /// Whose approval or objection is taken back.
    #[derive(Default)]
    pub struct Withdraw {
        /// Whose; one's own if it is left out. Only an admin takes back what others said.
        #[serde(default)]
        pub person: Option<PersonId>,
    }

    /// When a version becomes active.
    #[derive(Default)]
    pub struct NewActivation {
        /// From when on; from now on if it is left out.
        #[serde(default, deserialize_with = "crate::instant")]
        pub at: Option<Timestamp>,
    }

    /// Which version to leave.
    #[derive(Default)]
    pub struct RollBack {
        /// The version to leave; whichever is active if it is left out.
        #[serde(default)]
        pub from: Option<String>,
    }

    /// How open leads are routed by a version.
    #[derive(Default)]
    pub struct NewReroute {
        /// Only tells what would happen.
        #[serde(default)]
        pub preview: bool,
        /// Where a preview goes on: the `next` of the call before.
        #[serde(default)]
        pub cursor: Option<String>,
        /// From when on; from now on if it is left out.
        #[serde(default, deserialize_with = "crate::instant")]
        pub at: Option<Timestamp>,
    }
}

replies! {
    /// Who has to agree before a version may be activated.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum ApprovalRule {
        /// A person of marketing and another one of sales.
        TwoPeople,
        /// Nobody.
        Off,
    }

    /// A version that was kept.
    pub struct NewRulebook {
        /// The version.
        pub version: RulebookVersion,
        /// What is probably not as it was meant.
        pub warnings: Vec<RulebookProblem>,
        /// What the change is for.
        pub purpose: Option<String>,
        /// Who is responsible for it.
        pub owner: Option<String>,
        /// The tables it looks things up in, with the SHA-256 of what they held; it keeps them.
        pub tables: BTreeMap<String, String>,
        /// Who has to agree.
        pub approval: ApprovalRule,
    }

    /// A person as they were when they said something.
    pub struct Signature {
        /// Who.
        pub person: PersonId,
        /// What they were called.
        pub name: String,
        /// For whom they spoke.
        pub role: PersonRole,
    }

    /// That something was taken back.
    pub struct Withdrawal {
        /// When.
        pub at: Timestamp,
        /// By whom.
        pub by: String,
    }

    /// An approval.
    pub struct Approval {
        /// Who approved.
        pub by: Signature,
        /// When.
        pub at: Timestamp,
        /// What they said.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub comment: Option<String>,
        /// That it was taken back.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub withdrawn: Option<Withdrawal>,
    }

    /// An objection.
    pub struct Objection {
        /// Who objected.
        pub by: Signature,
        /// When.
        pub at: Timestamp,
        /// Why.
        pub reason: String,
        /// That it was taken back.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub withdrawn: Option<Withdrawal>,
    }

    /// A remark that decides nothing.
    pub struct Comment {
        /// Who said it.
        pub by: Signature,
        /// When.
        pub at: Timestamp,
        /// What.
        pub text: String,
    }

    /// What is known of a version beside its text.
    pub struct RulebookRecord {
        /// The version.
        pub version: RulebookVersion,
        /// When it came in.
        pub uploaded_at: Timestamp,
        /// Who sent it.
        pub uploaded_by: String,
        /// What the change is for.
        pub purpose: Option<String>,
        /// Who is responsible for it.
        pub owner: Option<String>,
        /// The tables it looks things up in, with the SHA-256 of what they held when it came in.
        pub tables: BTreeMap<String, String>,
        /// Approvals, oldest first.
        pub approvals: Vec<Approval>,
        /// Objections, oldest first.
        pub objections: Vec<Objection>,
        /// Remarks, oldest first.
        pub comments: Vec<Comment>,
        /// Who has to agree.
        pub approval: ApprovalRule,
        /// Who still has to agree; `null` if it may be activated.
        pub waits_for: Option<String>,
    }

    /// A version after something was said about it.
    pub struct ReviewedRulebook {
        /// The version.
        #[serde(flatten)]
        pub record: RulebookRecord,
        /// `cancelled` if its planned activation does not happen because of that.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub planned_activation: Option<String>,
    }

    /// How a version became active.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum Cause {
        /// Somebody activated it.
        Activated,
        /// Its planned time had come.
        Planned,
        /// Somebody went back to it.
        RolledBack,
    }

    /// That a version became active.
    pub struct Activation {
        /// The version.
        pub version: RulebookVersion,
        /// From when on.
        pub since: Timestamp,
        /// Who wanted it.
        pub by: String,
        /// How.
        pub cause: Cause,
    }

    /// That a version is to become active.
    pub struct PlannedActivation {
        /// The version.
        pub version: RulebookVersion,
        /// From when on.
        pub at: Timestamp,
        /// Who wanted it.
        pub by: String,
    }

    /// Which versions are, were and will be active.
    pub struct Activations {
        /// Newest first; the first one is active.
        pub history: Vec<Activation>,
        /// What is planned.
        pub planned: Option<PlannedActivation>,
    }

    /// A version whose activation changed.
    pub struct ActivatedRulebook {
        /// The version.
        pub version: RulebookVersion,
        /// Whether it is active now.
        pub active: bool,
        /// Who has to agree.
        pub approval: ApprovalRule,
        /// What is, was and will be active.
        #[serde(flatten)]
        pub activations: Activations,
    }

    /// The versions.
    pub struct Rulebooks {
        /// The active version.
        pub active: Option<RulebookVersion>,
        /// Who has to agree.
        pub approval: ApprovalRule,
        /// What is, was and will be active.
        #[serde(flatten)]
        pub activations: Activations,
        /// A page of versions, newest first.
        pub rulebooks: Vec<RulebookRecord>,
        /// Where the next page begins; `null` on the last one.
        pub next: Option<String>,
    }

    /// A version with its text.
    pub struct Rulebook {
        /// The version.
        pub version: RulebookVersion,
        /// Whether it is active.
        pub active: bool,
        /// The YAML, as it was sent.
        pub rulebook: String,
        /// What is known of it.
        pub record: RulebookRecord,
    }

    /// A part of a rulebook that changes are told of.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum Part {
        /// The company's zone or currency.
        Company,
        /// The type of a field of the sender's own.
        Field,
        /// A lookup.
        Lookup,
        /// The content of a table.
        Table,
        /// A named condition.
        Condition,
        /// A rule of `block` or `route`.
        Rule,
        /// A share, a line or the half-life of the score.
        Score,
        /// A grade.
        Grade,
        /// A line of `mql`.
        Mql,
    }

    /// What happened to a part.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum What {
        /// It is new.
        Added,
        /// It is gone.
        Removed,
        /// It has another name and does the same.
        Renamed,
        /// It stands elsewhere among the others.
        Moved,
        /// It does something else.
        Changed,
    }

    /// A difference between two versions.
    pub struct Change {
        /// The part it is about.
        pub about: Part,
        /// The name of the part.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// Its name before, if it was renamed.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub was: Option<String>,
        /// What happened to it.
        pub what: What,
        /// What else decides differently because of it.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub touches: Vec<String>,
        /// All of it in words.
        pub sentence: String,
    }

    /// What is different between two versions.
    pub struct RulebookDiff {
        /// The version that is compared with.
        pub from: RulebookVersion,
        /// The version.
        pub version: RulebookVersion,
        /// The differences.
        pub changes: Vec<Change>,
    }

    /// How many leads the people of a rulebook can work on.
    pub struct Capacity {
        /// Reps that it can give leads to.
        pub reps: u64,
        /// The most leads that they can have open at a time.
        pub seats: u64,
    }

    /// What a call of a replay found.
    pub struct Replay {
        /// The version in force.
        pub in_force: RulebookVersion,
        /// The version that is looked at; `null` for a draft that was sent along.
        pub draft: Option<RulebookVersion>,
        /// From when on leads are looked at.
        pub since: Timestamp,
        /// What is different, in words; on the first call only.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub changes: Option<Vec<Change>>,
        /// How many leads the people of the draft can work on.
        pub capacity: Capacity,
        /// Counts of the leads of this call; reports of several calls add up.
        #[cfg_attr(feature = "openapi", schemars(with = "report::ReplayReport"))]
        pub report: replay::Report,
        /// The report in sentences.
        pub sentences: Vec<String>,
        /// Where the next call goes on; `null` when all leads were looked at.
        pub next: Option<String>,
    }

    /// When open leads are routed by a version, and how far that has come.
    pub struct Reroute {
        /// By this version.
        pub version: RulebookVersion,
        /// From when on.
        pub at: Timestamp,
        /// Who wanted it.
        pub by: String,
        /// `planned`, `running`, `done`, `superseded` or `cancelled`.
        pub state: String,
        /// Leads queued so far; missing before it begins.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub queued: Option<u64>,
        /// When it ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub ended_at: Option<Timestamp>,
        /// When it begins at the earliest.
        pub begins_after: Timestamp,
    }

    /// What a call of a preview found.
    pub struct ReroutePreview {
        /// The version that is looked at.
        pub version: RulebookVersion,
        /// Counts of the leads of this call; reports of several calls add up.
        #[cfg_attr(feature = "openapi", schemars(with = "report::RerouteReport"))]
        pub report: reroute::Report,
        /// The report in sentences.
        pub sentences: Vec<String>,
        /// Where the next call goes on; `null` when all open leads were looked at.
        pub next: Option<String>,
    }

    /// A table that rulebooks look things up in.
    pub struct Table {
        /// Its name.
        pub name: String,
        /// SHA-256 of its text, in hex.
        pub sha256: String,
        /// Its columns, in the order of the text.
        pub columns: Vec<String>,
        /// Length of the text in bytes.
        pub bytes: usize,
        /// Rows in it, without the header.
        pub rows: usize,
        /// When the name was pointed to this text.
        pub uploaded_at: Timestamp,
        /// By whom.
        pub uploaded_by: String,
    }

    /// The tables.
    pub struct Tables {
        /// In order of name.
        pub tables: Vec<Table>,
    }

    /// A table with its text.
    pub struct TableContent {
        /// The table.
        pub table: Table,
        /// Its text.
        pub csv: Option<String>,
    }
}
