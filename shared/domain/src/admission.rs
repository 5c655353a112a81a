//! What comes in for a person: whether it is a new lead, a repeat, a resubmission, or one more word of somebody known.
//!
//! An [`Arrival`] is one message on its way in. It does no reading and no writing: it says what it has to know, decides
//! on a [`Snapshot`] of that, and gives back a [`Plan`] of everything that changes together. Whoever carries it reads,
//! commits under the conditions of the plan, and lets it look again after a lost race:
//!
//! ```text
//! new ──► Read ──► … ──► Commit ──► Done
//!          ▲                │
//!          └── lost race ◄──┘
//! ```
//!
//! # One transaction
//!
//! A new lead is its identities, its profile and its state, written by one transaction of three or four items, each under
//! the condition that it is not there yet. So an identity always leads to a stored lead, and a crash leaves either
//! nothing or everything. The other way is plain conditional writes in an order that a repeat completes: identities are
//! claimed first, then come profile and state. It costs half as much for each item, and it needs a wait for leads whose
//! claim is there and whose state is not, a time after which a claim counts as abandoned, a take-over of such claims,
//! and the content's hash beside the profile.
//!
//! Counted on the 262 leads that the demo's list stores, a new lead is 1.24 identities and a state of one write unit each
//! and a profile of 1.68 units, 3.92 in all, written plainly. Without the hash the profile is 1.37 units, and a
//! transaction takes twice the sum: 7.22. The 3.30 units between them cost 2.06 dollars for a million leads at 0.625
//! dollars for a million units, and the look at 3.35 keys that comes before the transaction (half a read unit each, 0.125
//! dollars for a million) costs 0.21 dollars: 2.27 in us-east-1, and 2.8 in eu-central-1, where both prices are a fifth
//! higher (<https://aws.amazon.com/dynamodb/pricing/on-demand/>, prices since November 2024). The limit for the simpler
//! way was set at three dollars.

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

pub use self::arrival::{Arrival, Outcome, Step};
pub use self::plan::{Absorbed, Claim, Freed, Plan, Recorded, Reprofiled};
pub use self::snapshot::{Content, ContentKey, Found, Holder, Known, Missing, Snapshot};
use crate::lifecycle::Refusal;
use crate::person::Identity;

/// How many merges are followed to the lead that carries on.
const MAX_MERGES: usize = 8;

/// A submission that was answered with 202, and what was read in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The lead that it becomes unless the person has one.
    pub lead_id: LeadId,
    /// Where it came from.
    pub source: SourceId,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// SHA-256 of the content, in hex.
    pub payload_hash: String,
    /// The content.
    pub submission: Submission,
    /// Who it says the person is; their account is found here.
    pub profile: Profile,
    /// What the person may be known by.
    pub identities: Vec<Identity>,
}

/// A report of what a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// What they did.
    pub activity: Activity,
    /// Who said so.
    pub source: SourceId,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// Who did it.
    pub by: By,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The person of this lead.
    Lead(LeadId),
    /// The person with an address. If they are unknown, this is the submission that they become a lead by.
    Address(Box<Submitted>),
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A submission.
    Submission(Box<Submitted>),
    /// An activity.
    Activity(Box<Reported>),
}

/// Why something that came in cannot be admitted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// An activity names a lead that there is not, or not yet.
    #[error("there is no lead `{0}`, so nothing can be recorded with it")]
    UnknownLead(LeadId),
    /// Merges do not come to an end.
    #[error("lead `{0}` was merged more than {MAX_MERGES} times in a row")]
    MergedTooOften(LeadId),
    /// The lifecycle does not allow what should follow; a fault of this program.
    #[error("lead `{lead}` does not change as it should: {refusal}")]
    Refused {
        /// The lead.
        lead: LeadId,
        /// Why.
        refusal: Refusal,
    },
    /// The lead is what it should become already; a fault of this program.
    #[error("lead `{0}` is merged already")]
    Unchanged(LeadId),
}

#[cfg(test)]
mod tests;
