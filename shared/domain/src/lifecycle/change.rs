//! What a transition comes to: a change, nothing, or a refusal.

use fairleader_lead::event::EventKind;
use fairleader_lead::id::{PoolId, RepId};
use fairleader_lead::state::{Stage, Standing, State};
use jiff::{SignedDuration, Timestamp};

/// Deadline for the decision on a released lead, counted from the release.
const GOES_ON_DUE_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// Result of [`transition`](super::transition).
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
    pub(super) const fn at(state: &State, verb: &'static str) -> Self {
        Self::Stage { stage: state.stage(), verb }
    }
}

/// Fails for a lead that was put on hold before it could be stored. It can only be stored or merged.
pub(super) const fn stored(state: &State) -> Result<(), Refusal> {
    if state.is_unstored() { Err(Refusal::at(state, "changed before it is stored")) } else { Ok(()) }
}

/// Change in progress: the new state, and who gains or loses a seat.
pub(super) struct Draft<'a> {
    pub(super) before: &'a State,
    pub(super) now: Timestamp,
    pub(super) state: State,
    pub(super) freed: Option<RepId>,
    pub(super) taken: Option<RepId>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(before: &'a State, now: Timestamp) -> Self {
        Self { before, now, state: before.clone(), freed: None, taken: None }
    }

    /// Moves the lead. Leaving an owner gives the seat back, and a new owner takes one.
    pub(super) fn moves(&mut self, to: Standing) {
        self.freed = self.before.owner().cloned();
        self.taken = to.owned().map(|owned| owned.owner.clone());
        self.state.standing = to;
    }

    /// Returns the rep who loses the lead, and the pool that it was assigned from.
    pub(super) fn freed(&self) -> (Option<RepId>, Option<PoolId>) {
        (self.freed.clone(), self.before.pool().filter(|_| self.freed.is_some()).cloned())
    }

    /// Returns the deadline for the decision on a released lead. The caller also queues it; if that fails, the sweep
    /// does.
    pub(super) fn decide_by(&self) -> Timestamp {
        self.now.checked_add(GOES_ON_DUE_AFTER).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn tell(mut self, event: EventKind) -> Transition {
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
