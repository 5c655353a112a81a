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
mod deciding;
mod holding;
mod merging;
mod owning;

use jiff::{SignedDuration, Timestamp};

use fairleader_lead::activity::Activity;
use fairleader_lead::event::EventKind;
use fairleader_lead::id::{LeadId, PoolId, RepId, RulebookVersion, SourceId};
use fairleader_lead::score::Score;
use fairleader_lead::state::{Stage, Standing, State};

pub use self::deciding::{Decision, Destination, may_decide, may_reassign};
pub use self::holding::held_unstored;
pub use self::owning::Confirms;

/// Deadline for the decision on a released lead, counted from the release.
const GOES_ON_DUE_AFTER: SignedDuration = SignedDuration::from_mins(5);

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
    },
    /// Absorb `from`, which is the same person and is merged into this lead.
    Absorb {
        /// The lead that was merged.
        from: LeadId,
    },
    /// Record a resubmission with other content.
    Resubmit,
    /// Record an activity. It does not move the lead by itself, but the score that follows can.
    RecordActivity(Activity),
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

/// Result of [`transition`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The lead changes.
    Changed(Box<Change>),
    /// The command was already applied. A repeat succeeds without a change.
    Unchanged,
}

/// Change to commit, all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The required version of the lead before; 0 if it must not exist.
    pub expected_version: u64,
    /// The new state.
    pub state: State,
    /// The event that records it.
    pub event: EventKind,
    /// The time of the change.
    pub at: Timestamp,
    /// The rep who loses the lead.
    pub freed: Option<RepId>,
    /// The rep who gets it.
    pub taken: Option<RepId>,
}

/// Reason why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The stage does not allow it.
    #[error("a lead at stage `{}` cannot be {verb}", stage.as_str())]
    Stage {
        /// The stage of the lead.
        stage: Stage,
        /// The command, as a participle.
        verb: &'static str,
    },
    /// Another rep owns the lead.
    #[error("the lead belongs to `{owner}`")]
    NotOwner {
        /// The owner.
        owner: RepId,
    },
    /// The lead was reassigned since.
    #[error("assignment {given} is over; the current assignment is {current}")]
    OldAssignment {
        /// The assignment in the command.
        given: u32,
        /// The current assignment.
        current: u32,
    },
    /// A lead cannot be merged into itself.
    #[error("a lead cannot be merged into itself")]
    IntoItself,
}

impl Refusal {
    const fn at(state: &State, verb: &'static str) -> Self {
        Self::Stage { stage: state.stage(), verb }
    }
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
        Command::Merge { into } => merging::merge(state, into, now),
        Command::Absorb { from } => merging::absorb(state, from, now),
        Command::Resubmit => Ok(merging::resubmit(state, now)),
        Command::RecordActivity(activity) => activity::record(state, activity, now),
        Command::Rescore { score, rulebook } => activity::rescore(state, score, rulebook, now),
        Command::Hold { reason } => holding::hold(state, reason, now),
        Command::Release => holding::release(state, now),
        Command::Store { source, received_at, payload_hash } => {
            holding::store(state, source, received_at, payload_hash, now)
        }
    }
}

/// Fails for a lead that was put on hold before it could be stored. It can only be stored or merged.
const fn stored(state: &State) -> Result<(), Refusal> {
    if state.is_unstored() { Err(Refusal::at(state, "changed before it is stored")) } else { Ok(()) }
}

/// Change in progress: the new state, and who gains or loses a seat.
struct Draft<'a> {
    before: &'a State,
    now: Timestamp,
    state: State,
    freed: Option<RepId>,
    taken: Option<RepId>,
}

impl<'a> Draft<'a> {
    fn new(before: &'a State, now: Timestamp) -> Self {
        Self { before, now, state: before.clone(), freed: None, taken: None }
    }

    /// Moves the lead. Leaving an owner gives the seat back, and a new owner takes one.
    fn moves(&mut self, to: Standing) {
        self.freed = self.before.owner().cloned();
        self.taken = to.owned().map(|owned| owned.owner.clone());
        self.state.standing = to;
    }

    /// Returns the rep who loses the lead, and the pool that it was assigned from.
    fn freed(&self) -> (Option<RepId>, Option<PoolId>) {
        (self.freed.clone(), self.before.pool().filter(|_| self.freed.is_some()).cloned())
    }

    /// Returns the deadline for the decision on a released lead. The caller also queues it; if that fails, the sweep
    /// does.
    fn decide_by(&self) -> Timestamp {
        self.now.checked_add(GOES_ON_DUE_AFTER).unwrap_or(Timestamp::MAX)
    }

    fn tell(mut self, event: EventKind) -> Transition {
        self.state.version = self.before.version.saturating_add(1);
        self.state.last_event = self.before.last_event.saturating_add(1);
        Transition::Changed(Box::new(Change {
            expected_version: self.before.version,
            state: self.state,
            event,
            at: self.now,
            freed: self.freed,
            taken: self.taken,
        }))
    }
}

#[cfg(test)]
mod tests;
