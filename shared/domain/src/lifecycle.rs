//! How a lead moves from stage to stage. [`transition`] is the only way to change one.
//!
//! ```text
//! stored ──► assigned ──► accepted
//!   │  ▲        ▲
//!   │  │        ├── waiting ◄─┐        held, disqualified and merged can be reached
//!   │  └ held   └── nurturing ◄┴─ stored   from every stage before `assigned`; merged also after it
//! ```
//!
//! What the person does ([`Command::RecordActivity`]) and what that is worth ([`Command::Rescore`]) leave a lead where it
//! is; a lead in nurture that becomes an MQL by it is decided on again. A refused lead that says something new
//! (`Absorb`, `Resubmit`) goes back to `stored`. A lead whose owner has not accepted it can be given to another rep
//! ([`Command::Reassign`]). A lead whose command failed before it could be stored begins [on hold](held_unstored); it can
//! only be stored or merged.
//!
//! It knows nothing of tables: the caller commits the [`Change`] under the version the state was read with.

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

/// How long after it is let go on a lead is looked at if it was not decided on before.
const GOES_ON_DUE_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// What shall happen to a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The rulebook and the rotation decided.
    Decide(Decision),
    /// The rulebook and the rotation decided otherwise than before, and its owner has not accepted it: the owner loses it
    /// to another rep, or to a pool's line.
    Reassign(Decision),
    /// Assignment number `assignment` is confirmed.
    Accept {
        /// Who confirms.
        by: Confirms,
        /// Which assignment.
        assignment: u32,
    },
    /// The lead is the same person as `into`, which carries on.
    Merge {
        /// The lead that carries on.
        into: LeadId,
    },
    /// `from` was found to be the same person and was merged into this lead.
    Absorb {
        /// The lead that was merged.
        from: LeadId,
    },
    /// The same submission came again with other content.
    Resubmit,
    /// The person did something. It never moves the lead by itself: a score that changes with it may.
    RecordActivity(Activity),
    /// The lead is worth more or less than before.
    Rescore {
        /// Its score now.
        score: Score,
        /// By this rulebook.
        rulebook: RulebookVersion,
    },
    /// Stop the lead until a person decides, because a command for it failed too often.
    Hold {
        /// Why, a word.
        reason: String,
    },
    /// Let a held lead go on where it was.
    Release,
    /// Store a lead that was held before it could be stored.
    Store {
        /// Where it came from.
        source: SourceId,
        /// When the submission was accepted.
        received_at: Timestamp,
        /// SHA-256 of the submission, in hex.
        payload_hash: String,
    },
}

/// What [`transition`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The lead changes.
    Changed(Box<Change>),
    /// The command's effect is already there: a repeat, which succeeds.
    Unchanged,
}

/// A change to commit: all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The version the lead has to have still; 0 if it must not be there.
    pub expected_version: u64,
    /// The lead as it will be.
    pub state: State,
    /// The event that tells of it.
    pub event: EventKind,
    /// When it happened.
    pub at: Timestamp,
    /// The rep who no longer has the lead.
    pub freed: Option<RepId>,
    /// The rep who has it now.
    pub taken: Option<RepId>,
}

/// Why a command cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The stage does not allow it.
    #[error("a lead at stage `{}` cannot be {verb}", stage.as_str())]
    Stage {
        /// Where the lead stands.
        stage: Stage,
        /// What was wanted, as a participle.
        verb: &'static str,
    },
    /// Another rep owns it.
    #[error("the lead belongs to `{owner}`")]
    NotOwner {
        /// Who owns it.
        owner: RepId,
    },
    /// The lead was assigned again since.
    #[error("assignment {given} is over; the lead is at assignment {current}")]
    OldAssignment {
        /// The one named.
        given: u32,
        /// The current one.
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
/// If the stage, the owner or the assignment does not allow it.
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

/// Refuses a lead that was held before it could be stored: it can only be stored or merged.
const fn stored(state: &State) -> Result<(), Refusal> {
    if state.is_unstored() { Err(Refusal::at(state, "moved on before it is stored")) } else { Ok(()) }
}

/// A change in the making: the state to be, and who gains or loses a seat.
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

    /// Moves the lead: every way out of ownership gives the seat back, and every way in takes one.
    fn moves(&mut self, to: Standing) {
        self.freed = self.before.owner().cloned();
        self.taken = to.owned().map(|owned| owned.owner.clone());
        self.state.standing = to;
    }

    /// The rep who loses the lead, and the pool they had it from.
    fn freed(&self) -> (Option<RepId>, Option<PoolId>) {
        (self.freed.clone(), self.before.pool().filter(|_| self.freed.is_some()).cloned())
    }

    /// When a lead that goes on has to be decided on. The caller queues it as well; if that is lost, the sweep does.
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
