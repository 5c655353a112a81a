//! Reasons for which routing itself puts a lead on hold.

use crate::lifecycle::Destination;

/// Reason for which routing puts a lead on hold, whatever the rules say. It can pass with time, or with a change of the
/// roster or the pools, so the same rulebook need not hold the lead again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldReason {
    /// Its time on the waiting list is over, and the pool has no fallback that was not tried.
    WaitedTooLong,
    /// The pool does not exist.
    PoolNotFound,
    /// The rep that the rule names does not exist.
    OwnerNotOnRoster,
}

impl HoldReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::WaitedTooLong, Self::PoolNotFound, Self::OwnerNotOnRoster];

    /// Returns its name in states, events and replies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WaitedTooLong => "waited_too_long",
            Self::PoolNotFound => "pool_not_found",
            Self::OwnerNotOnRoster => "owner_not_on_roster",
        }
    }

    /// Returns the reason with this name. `None` for the reasons of rulebooks and of failed commands.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

impl From<HoldReason> for Destination {
    fn from(reason: HoldReason) -> Self {
        Self::Hold { reason: reason.as_str().to_owned() }
    }
}
