//! Pools: groups of reps who share a stream of leads.

use serde::{Deserialize, Serialize};

use crate::id::{PoolId, RepId};
use crate::limit;
use crate::problem::FieldProblem;

/// Settings of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Its identifier.
    pub pool_id: PoolId,
    /// Its name, as people use it.
    pub name: String,
    /// The reps in it, each with a weight.
    pub members: Vec<Member>,
    /// How long a lead can stay on the waiting list, in minutes, before it goes to the fallback; 240 by default.
    #[serde(default = "four_hours")]
    pub longest_wait_minutes: u32,
    /// The pool for leads that waited too long. Without one, such a lead is put on hold until a person decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<PoolId>,
}

fn four_hours() -> u32 {
    240
}

/// Member of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The rep.
    pub rep: RepId,
    /// Share of the leads relative to the other members, 1 to 1,000; 1 by default.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

/// Highest weight of a member.
pub const MAX_WEIGHT: u32 = 1_000;
/// Limit on the members of a pool. Their standings are stored in one item, and an item can have at most 400 KB.
pub const MAX_MEMBERS: usize = 500;
/// Upper limit for the longest wait, in minutes: thirty days.
pub const MAX_WAIT_MINUTES: u32 = 30 * 24 * 60;

/// Lists what is wrong with the settings of a pool. Does not check whether its members exist.
pub fn problems(pool: &Pool) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    found.extend(limit::title(&pool.name, "a pool"));
    found.extend(limit::many("members", pool.members.len(), MAX_MEMBERS, "members"));
    for (i, member) in pool.members.iter().enumerate().take(MAX_MEMBERS) {
        let pointer = format!("/members/{i}");
        found.extend(limit::name(format!("{pointer}/rep"), member.rep.as_str()));
        if !(1..=MAX_WEIGHT).contains(&member.weight) {
            let detail = format!("must be between 1 and {MAX_WEIGHT}, not {}", member.weight);
            found.push(FieldProblem { pointer: format!("{pointer}/weight"), detail });
        }
        if pool.members.iter().take(i).any(|earlier| earlier.rep == member.rep) {
            let detail = format!("`{}` is already a member; give them a higher weight instead", member.rep);
            found.push(FieldProblem { pointer: format!("{pointer}/rep"), detail });
        }
    }
    if !(1..=MAX_WAIT_MINUTES).contains(&pool.longest_wait_minutes) {
        let detail = format!("must be between 1 and {MAX_WAIT_MINUTES} minutes, not {}", pool.longest_wait_minutes);
        found.push(FieldProblem::field("longest_wait_minutes", detail));
    }
    found.extend(pool.fallback.as_ref().and_then(|fallback| limit::name("/fallback", fallback.as_str())));
    if pool.fallback.as_ref() == Some(&pool.pool_id) {
        found.push(FieldProblem::field("fallback", "a pool cannot be its own fallback"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_every_field() {
        let member = |rep: &str| Member { rep: RepId::from(rep), weight: 1 };
        let mut pool = Pool {
            pool_id: PoolId::from("inbound"),
            name: "n".repeat(201),
            members: vec![member(""), member(&"x".repeat(65)), member("anna")],
            longest_wait_minutes: 1,
            fallback: Some(PoolId::new("p".repeat(3_000))),
        };
        let fields = |pool: &Pool| problems(pool).into_iter().map(|problem| problem.pointer).collect::<Vec<_>>();
        assert_eq!(fields(&pool), ["/name", "/members/0/rep", "/members/1/rep", "/fallback"]);
        pool.members = vec![member(""); 100_000];
        assert!(fields(&pool).len() < 2 * MAX_MEMBERS + 5, "a reply cannot grow with the list");
    }
}
