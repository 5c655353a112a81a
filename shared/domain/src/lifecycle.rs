//! The lifecycle of a lead: how it moves from stage to stage. [`transition`] is the only way to change a lead.
//!
//! ```text
//! stored ──► assigned ──► accepted
//!   │  ▲        ▲
//!   │  │        ├── waiting ◄─┐        held, disqualified and merged can be reached
//!   │  └ held   └── nurturing ◄┴─ stored   from every stage before `assigned`; merged also after it
//! ```
//!
//! An activity ([`Command::RecordActivity`]) or a new score ([`Command::Rescore`]) does not move a lead, but a lead in
//! nurture that becomes an MQL is decided again. A disqualified lead with news (`Absorb`, `Resubmit`) goes back to
//! `stored`. A lead whose owner has not accepted it can be reassigned ([`Command::Reassign`]). A lead whose command
//! failed before it could be stored starts [on hold](held_unstored), and can only be stored or merged.
//!
//! This module does not know tables. The caller commits the [`Change`] on the condition that the version of the state
//! is the one that was read.

mod activity;
mod change;
mod deciding;
mod holding;
mod merging;
mod owning;

use fairleader_lead::activity::Activity;
use fairleader_lead::id::{ActivityId, LeadId, RulebookVersion, SourceId};
use fairleader_lead::score::Score;
use fairleader_lead::state::State;
use jiff::Timestamp;

use self::change::stored;
pub use self::change::{Change, Refusal, Transition};
pub use self::deciding::{Decision, Destination, may_decide, may_reassign};
pub use self::holding::held_unstored;
pub use self::owning::Confirms;

/// Command that changes a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Apply a decision of the rulebook and the rotation.
    Decide(Decision),
    /// Apply a new decision that takes the lead from an owner who has not accepted it. It goes to another rep or to a
    /// waiting list.
    Reassign(Decision),
    /// Accept assignment number `assignment`.
    Accept {
        /// Who accepts it.
        by: Confirms,
        /// The assignment.
        assignment: u32,
    },
    /// Merge the lead into `into`, which is the same person.
    Merge {
        /// The surviving lead.
        into: LeadId,
        /// The lead of another person, whose idempotency key was used again for this one.
        reused_key_of: Option<LeadId>,
    },
    /// Absorb `from`, which is the same person and is merged into this lead.
    Absorb {
        /// The lead that was merged.
        from: LeadId,
    },
    /// Record a resubmission with other content.
    Resubmit,
    /// Record that a new lead was sent with the idempotency key of the lead `of`, which is another person.
    ReuseKey {
        /// The lead of the other person.
        of: LeadId,
    },
    /// Record an activity. It does not move the lead by itself, but the score that follows can.
    RecordActivity {
        /// The activity.
        activity: Activity,
        /// The earlier activity whose idempotency key it came with.
        reused_key_of: Option<ActivityId>,
    },
    /// Store a new score.
    Rescore {
        /// The new score.
        score: Score,
        /// The version of the rulebook.
        rulebook: RulebookVersion,
    },
    /// Put the lead on hold until a person decides, because a command for it failed too often.
    Hold {
        /// The reason, in a word.
        reason: String,
    },
    /// Release a lead on hold to where it was.
    Release,
    /// Store a lead that was put on hold before it could be stored.
    Store {
        /// Its source.
        source: SourceId,
        /// When the submission was accepted.
        received_at: Timestamp,
        /// SHA-256 of the submission, in hex.
        payload_hash: String,
    },
}

/// Applies `command` to `state` at `now`.
///
/// # Errors
/// Fails if the stage, the owner or the assignment does not allow it.
pub fn transition(state: &State, command: Command, now: Timestamp) -> Result<Transition, Refusal> {
    let fits_unstored = matches!(command, Command::Store { .. } | Command::Merge { .. } | Command::Hold { .. });
    if !fits_unstored {
        stored(state)?;
    }
    match command {
        Command::Decide(decision) => deciding::decide(state, decision, now),
        Command::Reassign(decision) => deciding::reassign(state, decision, now),
        Command::Accept { by, assignment } => owning::accept(state, by, assignment, now),
        Command::Merge { into, reused_key_of } => merging::merge(state, into, reused_key_of, now),
        Command::Absorb { from } => merging::absorb(state, from, now),
        Command::Resubmit => Ok(merging::resubmit(state, now)),
        Command::ReuseKey { of } => Ok(merging::reuse_key(state, of, now)),
        Command::RecordActivity { activity, reused_key_of } => activity::record(state, activity, reused_key_of, now),
        Command::Rescore { score, rulebook } => activity::rescore(state, score, rulebook, now),
        Command::Hold { reason } => holding::hold(state, reason, now),
        Command::Release => holding::release(state, now),
        Command::Store { source, received_at, payload_hash } => {
            holding::store(state, source, received_at, payload_hash, now)
        }
    }
}

#[cfg(test)]
mod tests;
