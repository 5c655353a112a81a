//! A pool: reps who share a stream of leads.

use serde::{Deserialize, Serialize};

use crate::id::{PoolId, RepId};

/// What is set about a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Its identifier.
    pub pool_id: PoolId,
    /// Its name, as people say it.
    pub name: String,
    /// Who is in it, and how much each takes.
    pub members: Vec<Member>,
    /// Longest time a lead may wait in this pool's line, in minutes, before the fallback takes it; 240 if not set.
    #[serde(default = "four_hours")]
    pub longest_wait_minutes: u32,
    /// The pool that takes a lead which waited too long; without one it is held for a person to decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<PoolId>,
}

fn four_hours() -> u32 {
    240
}

/// A rep's place in a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The rep.
    pub rep: RepId,
    /// Share of the leads relative to the other members', 1 to 1,000; 1 if not set.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}
