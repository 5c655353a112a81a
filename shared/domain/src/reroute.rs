//! Reroutes open leads after a change of the rulebook: which leads move, where they go, and when.
//!
//! When territories change, some open leads belong to other reps. A lead moves if the new version sends it, as it is
//! now, to a different pool or named owner than the version that decided on it. So only changes of the rulebook move a
//! lead, not changes of the lead itself. Only leads that no rep talks to yet can move: leads on a waiting list, and
//! leads whose owner has not accepted them. A lead that has an owner never leaves sales.

mod plan;
mod report;

use serde::{Deserialize, Serialize};

pub use self::plan::{Progress, Reroute, RerouteRefusal, Reroutes, SETTLES};
pub use self::report::{Example, Moved, Report};

use crate::replay::{Goes, destination};
use fairleader_lead::id::PoolId;
use fairleader_lead::pool::Pool;
use fairleader_lead::ruling::{IfNobody, Outcome, Ruling};
use fairleader_lead::score::Score;
use fairleader_lead::state::{Stage, State};
use fairleader_rulebook::{Facts, Rulebook};

/// Reason why a lead stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stays {
    /// It has no owner and is not on a waiting list.
    NotOpen,
    /// Its owner has accepted it and is talking to the person.
    Accepted,
    /// The new version sends it to the same place.
    SameDestination,
    /// The new version names its owner, or a pool that its owner is a member of.
    SameOwner,
    /// The new version does not send it to sales.
    NotForSales,
}

impl Stays {
    /// Returns the reason in words, to follow a number of leads.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotOpen => "neither assigned nor waiting",
            Self::Accepted => "already accepted by the owner",
            Self::SameDestination => "with the same destination",
            Self::SameOwner => "whose owner is also the new owner or in the new pool",
            Self::NotForSales => "no longer for sales, but kept by the owner",
        }
    }
}

/// Scores a lead as it is now and returns the decision of a rulebook on it. A lead that was an MQL remains one.
pub fn rule(rulebook: &Rulebook, facts: &Facts<'_>, state: &State) -> (Score, Ruling) {
    let score = state.keep_mql(rulebook.score(facts));
    let ruling = rulebook.decide(&Facts { score: Some(&score), ..*facts });
    (score, ruling)
}

/// Decides whether a lead moves. `was` is the outcome today by the version that decided on it, and `wanted` the outcome
/// by the new version. If the old version can no longer be read, `was` is `None`, and the lead's current pool and owner
/// are compared instead.
///
/// `pool` finds a pool by its id.
pub fn goes<'p>(
    state: &State,
    was: Option<&Outcome>,
    wanted: &Outcome,
    pool: impl Fn(&PoolId) -> Option<&'p Pool>,
) -> Result<(), Stays> {
    match state.stage() {
        Stage::Assigned | Stage::Waiting => {}
        Stage::Accepted => return Err(Stays::Accepted),
        _ => return Err(Stays::NotOpen),
    }
    let same = match (was, destination(wanted)) {
        (Some(was), wanted) => destination(was) == wanted,
        (None, Goes::Pool(pool)) => state.pool() == Some(pool),
        (None, Goes::Owner(rep)) => state.owner() == Some(rep),
        (None, _) => false,
    };
    if same {
        return Err(Stays::SameDestination);
    }
    let Some(owner) = state.owner() else { return Ok(()) };
    let has_owner =
        |of: &fairleader_lead::id::PoolId| pool(of).is_some_and(|pool| pool.members.iter().any(|m| m.rep == *owner));
    match wanted {
        Outcome::Owner { rep, .. } if rep == owner => Err(Stays::SameOwner),
        Outcome::Pool { pool, .. } if has_owner(pool) => Err(Stays::SameOwner),
        Outcome::Pool { if_nobody: IfNobody::Pool(second), .. } if has_owner(second) => Err(Stays::SameOwner),
        Outcome::Owner { .. } | Outcome::Pool { .. } => Ok(()),
        Outcome::Nurture { .. } | Outcome::Disqualify { .. } | Outcome::Hold { .. } => Err(Stays::NotForSales),
    }
}

#[cfg(test)]
mod tests;
