//! A pool: reps who share a stream of leads.

use serde::{Deserialize, Serialize};

use crate::id::{PoolId, RepId};
use crate::problem::FieldProblem;

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

/// Greatest weight of a member.
pub const MAX_WEIGHT: u32 = 1_000;
/// Most members of a pool: their standings are kept in one item of 400 KB at most.
pub const MAX_MEMBERS: usize = 500;
/// Longest wait that can be set, in minutes: thirty days.
pub const MAX_WAIT_MINUTES: u32 = 30 * 24 * 60;

/// What keeps `pool` from being used; empty if nothing does. Whether its members exist is not looked at.
pub fn problems(pool: &Pool) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    if pool.name.trim().is_empty() {
        found.push(FieldProblem::field("name", "a pool needs a name"));
    }
    if pool.members.len() > MAX_MEMBERS {
        found.push(FieldProblem::field("members", format!("{} are more than {MAX_MEMBERS}", pool.members.len())));
    }
    for (i, member) in pool.members.iter().enumerate() {
        let pointer = format!("/members/{i}");
        if !(1..=MAX_WEIGHT).contains(&member.weight) {
            let detail = format!("a weight is between 1 and {MAX_WEIGHT}, not {}", member.weight);
            found.push(FieldProblem { pointer: format!("{pointer}/weight"), detail });
        }
        if pool.members.iter().take(i).any(|earlier| earlier.rep == member.rep) {
            let detail = format!("`{}` is a member already; give them a greater weight instead", member.rep);
            found.push(FieldProblem { pointer: format!("{pointer}/rep"), detail });
        }
    }
    if !(1..=MAX_WAIT_MINUTES).contains(&pool.longest_wait_minutes) {
        let detail = format!("it is between 1 and {MAX_WAIT_MINUTES} minutes, not {}", pool.longest_wait_minutes);
        found.push(FieldProblem::field("longest_wait_minutes", detail));
    }
    if pool.fallback.as_ref() == Some(&pool.pool_id) {
        found.push(FieldProblem::field("fallback", "a pool cannot be its own fallback"));
    }
    found
}
