//! Open leads under another version of the rulebook: who would have to lose which to whom, and when that happens.
//!
//! When territories change, leads that somebody has already belong to somebody else. A lead goes elsewhere if the new
//! version sends it, as it is now, to another pool or named owner than the version does that decided on it. So only what
//! the rulebook changes moves a lead, not what became of the lead since. Whom nobody talks to yet can be moved: leads in a
//! pool's line, and those whose owner has not accepted them. What sales has stays with sales.

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

/// Why a lead stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stays {
    /// Neither does it wait in a line nor has it an owner: there is nobody to take it from.
    NotOpen,
    /// Its owner has accepted it and talks to it.
    Accepted,
    /// It goes where it went before.
    SameDestination,
    /// The new version names its owner, or a pool that its owner is a member of.
    SameOwner,
    /// The new version does not send it to sales.
    NotForSales,
}

impl Stays {
    /// The reason in words, after a number of leads.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotOpen => "that nobody has",
            Self::Accepted => "accepted by their owner",
            Self::SameDestination => "sent where they went before",
            Self::SameOwner => "whose owner is named, or is in the new pool too",
            Self::NotForSales => "not sent to sales any more, which keeps what it has",
        }
    }
}

/// What a rulebook rules on a lead as it is now. Whoever was an MQL is one still.
pub fn rule(rulebook: &Rulebook, facts: &Facts<'_>, state: &State) -> (Score, Ruling) {
    let score = state.keep_mql(rulebook.score(facts));
    let ruling = rulebook.decide(&Facts { score: Some(&score), ..*facts });
    (score, ruling)
}

/// Whether a lead goes elsewhere, when `was` is what the version that decided on it rules today, and `wanted` what the new
/// one rules. A version that cannot be read any more rules nothing; then the lead's whereabouts are compared.
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
