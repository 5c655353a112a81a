//! Admission of submissions and activities: new leads, repeats, resubmissions, and news about known people.
//!
//! An [`Arrival`] is one message. It does no I/O. It says what must be read, decides on a [`Snapshot`], and returns a
//! [`Plan`] of everything that changes together. Its caller reads, commits the plan with its conditions, and lets it
//! decide again after a conflict:
//!
//! ```text
//! new ──► Read ──► … ──► Commit ──► Done
//!          ▲                │
//!          └── conflict ◄───┘
//! ```
//!
//! # A key that is used again
//!
//! A submission with the key of a stored lead and the same content is a repeat. With other content it is a resubmission
//! of that lead, or, if it identifies another person, a lead of its own, whose id is derived from the lead and the
//! content. Its first event says so. Nothing that was accepted is dropped, and no person is added to another one.
//!
//! # One transaction
//!
//! A new lead is stored in one transaction of three or four items: its identities, its profile and its state, each on
//! the condition that it does not exist. So an identity always leads to a stored lead, and a crash leaves everything or
//! nothing.
//!
//! The alternative is plain conditional writes in an order that a retry can complete: identities first, then profile
//! and state. Each item costs half as much. But it needs a wait for leads with a claimed identity and no state, a time
//! after which a claim counts as abandoned, a way to take such claims over, and the hash of the content in the profile.
//!
//! Measured on the 262 leads in the demo's list, plain writes of a new lead take 3.92 write units: 1.24 identities and
//! one state at one unit each, and a profile of 1.68 units. In a transaction, the profile needs no hash and takes 1.37
//! units, and everything costs double: 7.22 units. The difference of 3.30 units costs 2.06 dollars for a million leads
//! (0.625 dollars for a million units). Reading 3.35 keys before the transaction costs another 0.21 dollars (half a
//! read unit each, 0.125 dollars for a million). The total is 2.27 dollars for a million leads in us-east-1, and 2.8 in
//! eu-central-1, where prices are a fifth higher (<https://aws.amazon.com/dynamodb/pricing/on-demand/>, prices since
//! November 2024). The limit for the simpler way was set at three dollars.

mod arrival;
mod deciding;
mod plan;
mod recording;
mod snapshot;

use fairleader_lead::activity::Activity;
use fairleader_lead::id::{LeadId, SourceId};
use fairleader_lead::profile::Profile;
use fairleader_lead::submission::Submission;
use jiff::Timestamp;

pub use self::arrival::{Arrival, Next, Outcome, Step};
pub use self::plan::{Absorbed, Claim, Freed, Plan, Recorded, Reprofiled};
pub use self::snapshot::{Content, ContentKey, Found, Holder, Known, Missing, Snapshot};
use crate::lifecycle::Refusal;
use crate::person::Identity;

/// Limit on the merges that are followed to the surviving lead.
const MAX_MERGES: usize = 8;

/// Accepted submission with its profile and identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The id of the new lead, unless the person already has one.
    pub lead_id: LeadId,
    /// Its source.
    pub source: SourceId,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// SHA-256 of the content, in hex.
    pub payload_hash: String,
    /// The content.
    pub submission: Submission,
    /// The profile in the submission. The admission adds the account.
    pub profile: Profile,
    /// The identities of the person.
    pub identities: Vec<Identity>,
    /// The lead of another person, if this submission came with the idempotency key of that lead.
    pub reused_key_of: Option<LeadId>,
}

/// Report of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The activity.
    pub activity: Activity,
    /// The source that reported it.
    pub source: SourceId,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// SHA-256 of the content, in hex; `None` if it has no idempotency key, or comes from an older version.
    pub content: Option<String>,
    /// The person.
    pub by: By,
}

/// Person of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The person of this lead.
    Lead(LeadId),
    /// The person with an e-mail address. If no lead has it, this submission becomes a new lead.
    Address(Box<Submitted>),
}

/// Incoming message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Submission.
    Submission(Box<Submitted>),
    /// Activity.
    Activity(Box<Reported>),
}

/// Reason why a message cannot be admitted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The activity names a lead that does not exist, or not yet.
    #[error("there is no lead `{0}` to record the activity for")]
    UnknownLead(LeadId),
    /// A merged lead leads to one that does not exist. This can be a read from before the merge; otherwise, the lead is
    /// damaged.
    #[error("lead `{lead}` was merged into lead `{into}`, which is missing")]
    MissingSurvivor {
        /// The merged lead.
        lead: LeadId,
        /// The missing lead.
        into: LeadId,
    },
    /// The chain of merges is too long.
    #[error("lead `{0}` was merged more than {MAX_MERGES} times in a row")]
    MergedTooOften(LeadId),
    /// The lifecycle refuses the change, which is a bug.
    #[error("lead `{lead}` cannot be changed: {refusal}")]
    Refused {
        /// The lead.
        lead: LeadId,
        /// Why it refuses.
        refusal: Refusal,
    },
    /// The lead is already merged, which is a bug.
    #[error("lead `{0}` is already merged")]
    Unchanged(LeadId),
}

#[cfg(test)]
mod tests;
