//! Rulebooks: versions, review, activation, diff, replay, reroute, and lookup tables.

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
    /// Comment on a version.
    pub struct NewComment {
        /// The comment.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 2_000)))]
        pub text: String,
    }

    /// Approval of a version.
    #[derive(Default)]
    pub struct NewApproval {
        /// Comment on the approval.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 2_000)))]
        pub comment: Option<String>,
    }

    /// Objection to a version.
    pub struct NewObjection {
        /// The reason.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 2_000)))]
        pub reason: String,
        }

        /// Withdrawal of an approval or objection.
    #[derive(Default)]
    pub struct Withdraw {
        /// Whose approval or objection to withdraw; the caller's own if left out. Only an admin can withdraw for
        /// others.
        #[serde(default)]
        pub person: Option<PersonId>,
    }

    /// Activation of a version.
    #[derive(Default)]
    pub struct NewActivation {
        /// When to start; now if left out.
        #[serde(default, deserialize_with = "crate::instant")]
        pub at: Option<Timestamp>,
    }

    /// Rollback to the version that was active before.
    pub struct RollBack {
        /// The reason, which is kept with the activation.
        pub reason: String,
        /// The version to roll back from; the active one if left out.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schemars(length(min = 6, max = 6)))]
        pub from: Option<String>,
    }

    /// Reroute of open leads by a version.
    #[derive(Default)]
    pub struct NewReroute {
        /// Only shows what would happen.
        #[serde(default)]
        pub preview: bool,
        /// The `next` of the previous call, to continue a preview.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 2_000)))]
        pub cursor: Option<String>,
        /// When to start; now if left out.
        #[serde(default, deserialize_with = "crate::instant")]
        pub at: Option<Timestamp>,
    }
}

replies! {
    /// Approval that a version needs before it can be activated.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum ApprovalRule {
        /// One person in marketing and another in sales.
        TwoPeople,
        /// None.
        Off,
    }

    /// Version that was just stored.
    pub struct NewRulebook {
        /// The version.
        pub version: RulebookVersion,
        /// Warnings of the check.
        pub warnings: Vec<RulebookProblem>,
        /// What the change is for.
        pub purpose: Option<String>,
        /// Who is responsible for it.
        pub owner: Option<String>,
        /// The lookup tables that it uses, with the SHA-256 of their content. The version keeps this content.
        pub tables: BTreeMap<String, String>,
        /// The approval that versions need.
        pub approval: ApprovalRule,
    }

    /// Signature under a statement: the person as they were at that time.
    pub struct Signature {
        /// The person.
        pub person: PersonId,
        /// Their name at that time.
        pub name: String,
        /// Their role at that time.
        pub role: PersonRole,
    }

    /// Withdrawal of an approval or objection.
    pub struct Withdrawal {
        /// When it was made.
        pub at: Timestamp,
        /// Who withdrew it.
        pub by: String,
        }

        /// Approval, as recorded.
    pub struct Approval {
        /// Who approved.
        pub by: Signature,
        /// When it was made.
        pub at: Timestamp,
        /// Their comment.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub comment: Option<String>,
        /// The withdrawal, if it was withdrawn.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub withdrawn: Option<Withdrawal>,
    }

    /// Objection, as recorded.
    pub struct Objection {
        /// Who objected.
        pub by: Signature,
        /// When it was made.
        pub at: Timestamp,
        /// Why they objected.
        pub reason: String,
        /// The withdrawal, if it was withdrawn.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub withdrawn: Option<Withdrawal>,
    }

    /// Comment. It decides nothing.
    pub struct Comment {
        /// Who wrote it.
        pub by: Signature,
        /// When it was made.
        pub at: Timestamp,
        /// The comment.
        pub text: String,
    }

    /// Record of a version, without its text.
    pub struct RulebookRecord {
        /// The version.
        pub version: RulebookVersion,
        /// When it was uploaded.
        pub uploaded_at: Timestamp,
        /// Who uploaded it.
        pub uploaded_by: String,
        /// What the change is for.
        pub purpose: Option<String>,
        /// Who is responsible for it.
        pub owner: Option<String>,
        /// The lookup tables that it uses, with the SHA-256 of their content at the upload.
        pub tables: BTreeMap<String, String>,
        /// Approvals, oldest first.
        pub approvals: Vec<Approval>,
        /// Objections, oldest first.
        pub objections: Vec<Objection>,
        /// Comments, oldest first.
        pub comments: Vec<Comment>,
        /// The approval that versions need.
        pub approval: ApprovalRule,
        /// The approvals that are missing, in words; `null` if it can be activated.
        pub waits_for: Option<String>,
    }

    /// Version after a change of its review.
    pub struct ReviewedRulebook {
        /// The version.
        #[serde(flatten)]
        pub record: RulebookRecord,
        /// `cancelled` if the change cancelled its planned activation.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub planned_activation: Option<String>,
    }

    /// How a version became active.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum Cause {
        /// A person or program activated it.
        Activated,
        /// Its planned time came.
        Planned,
        /// A rollback activated it.
        RolledBack,
    }

    /// Activation of a version, as recorded.
    pub struct Activation {
        /// The version.
        pub version: RulebookVersion,
        /// From this time on.
        pub since: Timestamp,
        /// Who requested it.
        pub by: String,
        /// How it became active.
        pub cause: Cause,
        /// Why, for a rollback.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reason: Option<String>,
    }

    /// Planned activation of a version.
    pub struct PlannedActivation {
        /// The version.
        pub version: RulebookVersion,
        /// From this time on.
        pub at: Timestamp,
        /// Who requested it.
        pub by: String,
    }

    /// Past, current and planned activations.
    pub struct Activations {
        /// Activations, newest first; the first one is the active version.
        pub history: Vec<Activation>,
        /// The planned activation.
        pub planned: Option<PlannedActivation>,
    }

    /// Version after a change of its activation.
    pub struct ActivatedRulebook {
        /// The version.
        pub version: RulebookVersion,
        /// Whether it is active now.
        pub active: bool,
        /// The approval that versions need.
        pub approval: ApprovalRule,
        /// Past, current and planned activations.
        #[serde(flatten)]
        pub activations: Activations,
    }

    /// Page of versions.
    pub struct Rulebooks {
        /// The active version.
        pub active: Option<RulebookVersion>,
        /// The approval that versions need.
        pub approval: ApprovalRule,
        /// Past, current and planned activations.
        #[serde(flatten)]
        pub activations: Activations,
        /// The versions on this page, newest first.
        pub rulebooks: Vec<RulebookRecord>,
        /// Cursor of the next page; `null` on the last page.
        pub next: Option<String>,
    }

    /// Version with its text.
    pub struct Rulebook {
        /// The version.
        pub version: RulebookVersion,
        /// Whether it is active.
        pub active: bool,
        /// The YAML, as uploaded.
        pub rulebook: String,
        /// Its record.
        pub record: RulebookRecord,
    }

    /// Part of a rulebook, in a diff.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum Part {
        /// The time zone or currency of the company.
        Company,
        /// The type of a custom field.
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

    /// Kind of a change.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum What {
        /// It is new.
        Added,
        /// It was removed.
        Removed,
        /// It has another name but does the same.
        Renamed,
        /// It has another position.
        Moved,
        /// It does something else.
        Changed,
    }

    /// Difference between two versions.
    pub struct Change {
        /// The part that changed.
        pub about: Part,
        /// The name of the part.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// Its name before, if it was renamed.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub was: Option<String>,
        /// The kind of change.
        pub what: What,
        /// Other parts that decide differently because of it.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub touches: Vec<String>,
        /// The change in one sentence.
        pub sentence: String,
    }

    /// Differences between two versions.
    pub struct RulebookDiff {
        /// The version to compare with.
        pub from: RulebookVersion,
        /// The version.
        pub version: RulebookVersion,
        /// The differences, as many as fit into a reply.
        pub changes: Vec<Change>,
        /// Number of further differences; missing if all are shown.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub changes_left_out: Option<u64>,
    }

    /// Capacity of the reps that a rulebook can assign leads to.
    pub struct Capacity {
        /// Number of these reps.
        pub reps: u64,
        /// Sum of their limits on open leads.
        pub seats: u64,
    }

    /// Result of one call of a replay.
    pub struct Replay {
        /// The active version.
        pub in_force: RulebookVersion,
        /// The version to replay; `null` for a draft in the request.
        pub draft: Option<RulebookVersion>,
        /// The time from which on leads are replayed.
        pub since: Timestamp,
        /// Differences between the two versions, as many as fit into a reply; only on the first call.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub changes: Option<Vec<Change>>,
        /// Number of further differences; missing if all are shown.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub changes_left_out: Option<u64>,
        /// Capacity of the reps that the draft can assign leads to.
        pub capacity: Capacity,
        /// Counts for the leads of this call. Add the reports of all calls up.
        #[cfg_attr(feature = "openapi", schemars(with = "report::ReplayReport"))]
        pub report: replay::Report,
        /// The report in sentences.
        pub sentences: Vec<String>,
        /// Cursor of the next call; `null` when all leads are done.
        pub next: Option<String>,
    }

    /// Time and progress of a reroute.
    pub struct Reroute {
        /// The version that leads are rerouted by.
        pub version: RulebookVersion,
        /// From this time on.
        pub at: Timestamp,
        /// Who requested it.
        pub by: String,
        /// `planned`, `running`, `done`, `superseded` or `cancelled`.
        pub state: String,
        /// Leads queued so far; missing before it starts.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub queued: Option<u64>,
        /// When it ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub ended_at: Option<Timestamp>,
        /// Earliest time at which it starts.
        pub begins_after: Timestamp,
    }

    /// Result of one call of a preview.
    pub struct ReroutePreview {
        /// The version to preview.
        pub version: RulebookVersion,
        /// Counts for the leads of this call. Add the reports of all calls up.
        #[cfg_attr(feature = "openapi", schemars(with = "report::RerouteReport"))]
        pub report: reroute::Report,
        /// The report in sentences.
        pub sentences: Vec<String>,
        /// Cursor of the next call; `null` when all open leads are done.
        pub next: Option<String>,
    }

    /// Lookup table.
    pub struct Table {
        /// Its name.
        pub name: String,
        /// SHA-256 of its content, in hex.
        pub sha256: String,
        /// Its columns, in order.
        pub columns: Vec<String>,
        /// Size of the content in bytes.
        pub bytes: usize,
        /// Number of rows, without the header.
        pub rows: usize,
        /// When this content was uploaded.
        pub uploaded_at: Timestamp,
        /// Who uploaded it.
        pub uploaded_by: String,
    }

    /// Lookup tables.
    pub struct Tables {
        /// The tables, by name.
        pub tables: Vec<Table>,
    }

    /// Lookup table with its content.
    pub struct TableContent {
        /// The table.
        pub table: Table,
        /// Its content on this page, as CSV. Pages end anywhere; join them as they are.
        pub csv: Option<String>,
        /// Cursor of the next page; missing on the last page.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub next: Option<String>,
    }
}
