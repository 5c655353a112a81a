//! Routing: finds an owner for every ruling, by the rotations of the pools that it names, and explains the choice.
//!
//! [`plan`] takes a snapshot and returns everything to commit, with no choices left. It makes one [`Group`] per pool,
//! because turns must change together with owners and seats, and one group for the leads that cost no turn. A lead that
//! moves between pools makes one group of both.

mod hold_reason;
pub mod waiting;
mod why;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::hold_reason::HoldReason;
pub use self::why::{Why, turns};
use crate::gate;
use crate::gate::{Gate, Roster};
use crate::lifecycle::{
    Change, Command, Decision, Destination, Refusal, Transition, may_decide, may_reassign, transition,
};
use crate::rotation::{Eligible, Rotation, Turn};
use fairleader_lead::id::{LeadId, PoolId, RepId, RulebookVersion};
use fairleader_lead::pool::Pool;
use fairleader_lead::ruling::{IfNobody, IfUnavailable, Outcome, Priority, Ruling};
use fairleader_lead::score::Score;
use fairleader_lead::state::{Nurture, Standing, State, TurnTaken, Wait};

/// Lead with the ruling of the rulebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// Its state, as read.
    pub state: State,
    /// Its score.
    pub score: Score,
    /// The outcome of the ruling.
    pub outcome: Outcome,
    /// The rule that won.
    pub rule: String,
    /// The version of the rulebook.
    pub rulebook: RulebookVersion,
    /// The priority by the rule.
    pub priority: Priority,
    /// The expected value by the rule, in whole units of the company's currency.
    pub value: Option<u32>,
    /// Whether it is a reroute, which can take the lead from an owner who has not accepted it. Otherwise, a lead with
    /// an owner does not change.
    pub reassigns: bool,
}

impl Ruled {
    /// Combines a lead with its score and the ruling of rulebook `version`.
    pub fn by(ruling: Ruling, state: State, score: Score, version: RulebookVersion) -> Self {
        let Ruling { rule, outcome, priority, value } = ruling;
        Self { state, score, outcome, rule, rulebook: version, priority, value, reassigns: false }
    }

    /// Makes the command for the decision that the lead goes there.
    fn decided(self, to: Destination) -> (State, Command) {
        let Self { state, score, outcome: _, rule, rulebook, priority, value, reassigns } = self;
        let decision = Decision { to, score, rule, rulebook, priority, value };
        (state, if reassigns { Command::Reassign(decision) } else { Command::Decide(decision) })
    }
}

/// Reps and pools at the time of the decision.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The reps.
    pub roster: Roster,
    /// The pools that rulings and fallbacks name, and the current pools of rerouted leads.
    pub pools: BTreeMap<PoolId, PoolNow>,
    /// The turns in which rerouted leads were assigned to their owners.
    pub turns: BTreeMap<LeadId, Turn>,
}

/// Pool with its rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolNow {
    /// Its settings.
    pub pool: Pool,
    /// Its rotation.
    pub rotation: Rotation,
}

/// Everything to commit, and what cannot be committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    /// The groups to commit, independently of each other.
    pub groups: Vec<Group>,
    /// Leads whose stage no longer allows the decision, with the reason. Another request changed them first.
    pub refused: Vec<(LeadId, Refusal)>,
    /// Leads without a change: they stay on the same waiting list, or their owner keeps them.
    pub unchanged: Vec<LeadId>,
    /// Pools without a member who can take another lead after this commit.
    pub full: BTreeSet<PoolId>,
}

/// Changes to commit together, all or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The pools whose rotations change: none, one, or all pools between which leads move.
    pub turns: Vec<PoolTurns>,
    /// The leads.
    pub leads: Vec<Planned>,
    /// Changes of the reps' open leads.
    pub seats: BTreeMap<RepId, Seats>,
}

impl Group {
    fn add(&mut self, rep: RepId, seats: Seats) {
        let sum = self.seats.entry(rep).or_default();
        sum.delta += seats.delta;
        sum.room = sum.room.max(seats.room);
    }
}

/// Turns of a group in one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolTurns {
    /// The pool.
    pub pool: PoolId,
    /// The required version of the rotation before.
    pub expected_version: u64,
    /// The new rotation.
    pub rotation: Rotation,
    /// The turns, in order.
    pub entries: Vec<TurnEntry>,
}

impl PoolTurns {
    /// Gives back the turn `taken`, for a lead that is merged or reassigned. `rotation` is the current one of the pool.
    pub fn giving_back(pool: PoolId, mut rotation: Rotation, taken: &TurnEntry) -> Self {
        let expected_version = rotation.version;
        let turn = rotation.give_back(&taken.turn);
        rotation.version = expected_version.saturating_add(1);
        let TurnEntry { lead_id, assignment, .. } = taken.clone();
        Self {
            pool,
            expected_version,
            rotation,
            entries: vec![TurnEntry { lead_id, assignment, turn, given_back: true }],
        }
    }
}

/// Turn with its lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnEntry {
    /// The lead.
    pub lead_id: LeadId,
    /// Number of the lead's assignment.
    pub assignment: u32,
    /// The turn.
    pub turn: Turn,
    /// Whether the turn was given back, because the lead was reassigned before it was accepted, or merged.
    pub given_back: bool,
}

/// Change of a rep's seats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seats {
    /// Change of open leads.
    pub delta: i32,
    /// The condition at commit time.
    pub room: Room,
}

/// Condition for a rep who gets leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// None, because they get no leads.
    #[default]
    Unasked,
    /// They must be on, and have at most this many open leads afterwards.
    Within(u32),
    /// None, because a rule assigns a lead to them even beyond their capacity. This applies to all leads of the commit.
    Whatever,
}

/// Change of a lead, and how its rep was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The change to commit.
    pub change: Change,
    /// How its rep was chosen.
    pub choice: Choice,
}

/// How the rep for a lead was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The rep it was taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_from: Option<RepId>,
    /// The rep that the rule names, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<Candidate>,
    /// The pools that were tried, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<PoolTried>,
    /// The rep who got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<RepId>,
}

/// Pool that was tried for a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolTried {
    /// The pool.
    pub pool: PoolId,
    /// The version of its rotation after the turn in which the lead is assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u64>,
    /// Its members, in order; empty if the pool does not exist.
    pub members: Vec<Candidate>,
}

/// Rep who was considered for a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The rep.
    pub rep: RepId,
    /// The first gate that stopped them; `None` if they could take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<Gate>,
    /// What they were owed before this lead, in billionths of a turn. Not stored for reps who were stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<i64>,
}

/// Decides every lead in `leads`, best first: by score, then most recent.
pub fn plan(mut leads: Vec<Ruled>, world: World, now: Timestamp) -> Plan {
    leads.sort_by_key(|lead| {
        let best = (lead.priority, lead.score.total, lead.state.milestones.received);
        (Reverse(best), lead.state.lead_id.clone())
    });
    let mut planner = Planner { world, now, groups: Vec::new(), plan: Plan::default() };
    for lead in leads {
        planner.lead(lead);
    }
    planner.finish()
}

/// Returns whether a lead needs a new decision after a change of its score. `outcome` is what the rulebook wants now.
///
/// New and waiting leads are decided with every score. Leads in nurture are decided again only if the outcome differs.
/// A score never takes a lead from sales.
pub fn is_open(state: &State, outcome: &Outcome) -> bool {
    match (&state.standing, outcome) {
        (Standing::Nurturing(Nurture::Because { reason: before }), Outcome::Nurture { reason }) => before != reason,
        (Standing::Stored { .. } | Standing::Waiting(_) | Standing::Nurturing(_), _) => true,
        (
            Standing::Assigned(_)
            | Standing::Accepted { .. }
            | Standing::Held { .. }
            | Standing::Disqualified { .. }
            | Standing::Merged { .. },
            _,
        ) => false,
    }
}

/// Limit on the fallbacks that a waiting lead goes through.
pub const MAX_FALLBACKS: usize = 8;

struct Planner {
    world: World,
    now: Timestamp,
    groups: Vec<Group>,
    plan: Plan,
}

/// Choice for a lead, before it becomes a change.
struct Chosen {
    to: Destination,
    choice: Choice,
    turn: Option<(PoolId, Turn)>,
    /// Whether the rep must be below capacity.
    within_capacity: bool,
}

impl Planner {
    fn lead(&mut self, lead: Ruled) {
        // Turns and seats change only if the lead does, so check this first.
        let may = if lead.reassigns { may_reassign(&lead.state) } else { may_decide(&lead.state) };
        if let Err(refusal) = may {
            self.plan.refused.push((lead.state.lead_id, refusal));
            return;
        }
        if self.would_stay(&lead) {
            self.plan.unchanged.push(lead.state.lead_id);
            return;
        }
        let chosen = self.choose(&lead);
        let (state, command) = lead.decided(chosen.to);
        match transition(&state, command, self.now) {
            Ok(Transition::Changed(change)) => {
                let mut turns: Vec<(PoolId, TurnEntry)> = Vec::new();
                turns.extend(self.give_back(&state, &change));
                let entry = |turn| {
                    let (lead_id, assignment) = (change.state.lead_id.clone(), change.state.assignment);
                    TurnEntry { lead_id, assignment, turn, given_back: false }
                };
                turns.extend(chosen.turn.map(|(pool, turn)| (pool, entry(turn))));
                let choice = Choice { taken_from: change.freed.clone(), ..chosen.choice };
                self.write(*change, choice, turns, chosen.within_capacity);
            }
            Ok(Transition::Unchanged) => self.plan.unchanged.push(state.lead_id),
            Err(refusal) => self.plan.refused.push((state.lead_id, refusal)),
        }
    }

    /// Returns whether a rerouted lead would stay in the pool of its owner, because the rep that the rule names cannot
    /// take it.
    fn would_stay(&self, lead: &Ruled) -> bool {
        let Outcome::Owner { rep, if_unavailable: IfUnavailable::Pool(pool), .. } = &lead.outcome else { return false };
        let has_owner = |now: &PoolNow| now.pool.members.iter().any(|member| lead.state.owner() == Some(&member.rep));
        lead.reassigns
            && gate::shut(&self.world.roster, rep, self.now).is_some()
            && self.world.pools.get(pool).is_some_and(has_owner)
    }

    /// Gives back the turn of the owner who loses the lead with `change`.
    fn give_back(&mut self, state: &State, change: &Change) -> Option<(PoolId, TurnEntry)> {
        change.freed.as_ref()?;
        let taken = self.world.turns.get(&state.lead_id)?;
        let pool = state.pool()?.clone();
        let turn = self.world.pools.get_mut(&pool)?.rotation.give_back(taken);
        let (lead_id, assignment) = (state.lead_id.clone(), state.assignment);
        Some((pool, TurnEntry { lead_id, assignment, turn, given_back: true }))
    }

    fn write(&mut self, change: Change, choice: Choice, turns: Vec<(PoolId, TurnEntry)>, within_capacity: bool) {
        let seats = [change.taken.clone().map(|rep| (rep, 1)), change.freed.clone().map(|rep| (rep, -1))];
        let pools: Vec<PoolId> = turns.iter().map(|(pool, _)| pool.clone()).collect();
        let mut group = self.group(&pools);
        for (pool, entry) in turns {
            group.turns.iter_mut().filter(|of| of.pool == pool).for_each(|of| of.entries.push(entry.clone()));
        }
        for (rep, delta) in seats.into_iter().flatten() {
            let now = self.world.roster.get_mut(&rep);
            let room = match &now {
                _ if delta < 0 => Room::Unasked,
                Some(now) if within_capacity => Room::Within(now.rep.capacity),
                _ => Room::Whatever,
            };
            if let Some(now) = now {
                now.load.open = now.load.open.saturating_add_signed(delta);
            }
            group.add(rep, Seats { delta, room });
        }
        group.leads.push(Planned { change, choice });
        self.groups.push(group);
    }

    /// Removes and returns the group of these pools. Separate groups are combined.
    fn group(&mut self, pools: &[PoolId]) -> Group {
        let mut group = Group::default();
        let touched = |group: &Group| {
            if pools.is_empty() {
                group.turns.is_empty()
            } else {
                group.turns.iter().any(|turns| pools.contains(&turns.pool))
            }
        };
        let (found, others) = std::mem::take(&mut self.groups).into_iter().partition::<Vec<Group>, _>(touched);
        self.groups = others;
        for Group { turns, leads, seats } in found {
            group.turns.extend(turns);
            group.leads.extend(leads);
            for (rep, seats) in seats {
                group.add(rep, seats);
            }
        }
        for pool in pools {
            let known = group.turns.iter().any(|turns| turns.pool == *pool);
            if let (false, Some(now)) = (known, self.world.pools.get(pool)) {
                group.turns.push(PoolTurns {
                    pool: pool.clone(),
                    expected_version: now.rotation.version,
                    rotation: Rotation::default(),
                    entries: Vec::new(),
                });
            }
        }
        group
    }

    fn finish(mut self) -> Plan {
        let pools = self.world.pools.values().map(|now| &now.pool);
        self.plan.full = waiting::full(pools, &self.world.roster, self.now);
        for group in &mut self.groups {
            group.turns.sort_by(|a, b| a.pool.cmp(&b.pool));
            for turns in &mut group.turns {
                if let Some(now) = self.world.pools.remove(&turns.pool) {
                    turns.rotation = now.rotation;
                    turns.rotation.version = turns.expected_version.saturating_add(1);
                }
            }
        }
        // By pool; leads that cost no turn come last.
        self.groups.sort_by_key(|group| {
            let pool = group.turns.first().map(|turns| turns.pool.clone());
            (pool.is_none(), pool)
        });
        self.plan.groups = self.groups;
        self.plan
    }

    fn choose(&mut self, lead: &Ruled) -> Chosen {
        match lead.outcome.clone() {
            Outcome::Pool { pool, if_nobody } => {
                let second = match if_nobody {
                    IfNobody::Wait => None,
                    IfNobody::Pool(second) => Some(second),
                };
                self.try_pools(lead, pool, second, Choice::default())
            }
            Outcome::Owner { rep, if_unavailable, counts_as_turn } => {
                self.named(lead, rep, if_unavailable, counts_as_turn)
            }
            Outcome::Nurture { reason } => settled(Destination::Nurture { reason }),
            Outcome::Disqualify { reason } => settled(Destination::Disqualify { reason }),
            Outcome::Hold { reason } => settled(Destination::Hold { reason }),
        }
    }

    fn named(&mut self, lead: &Ruled, rep: RepId, if_unavailable: IfUnavailable, counts_as_turn: bool) -> Chosen {
        let stopped_by = gate::shut(&self.world.roster, &rep, self.now);
        let mut choice =
            Choice { named: Some(Candidate { rep: rep.clone(), stopped_by, lag: None }), ..Choice::default() };
        let (pool, anyway) = match if_unavailable {
            IfUnavailable::Assign => (None, true),
            IfUnavailable::Pool(pool) => (Some(pool), false),
        };
        let takes = match stopped_by {
            None => true,
            // An unknown rep cannot get a lead.
            Some(Gate::Unknown) => false,
            Some(_) => anyway,
        };
        if !takes {
            return match pool {
                Some(pool) => self.try_pools(lead, pool, None, choice),
                None => Chosen { to: HoldReason::OwnerNotOnRoster.into(), choice, turn: None, within_capacity: false },
            };
        }
        choice.chosen = Some(rep.clone());
        // The lead costs a turn only in a pool that the rule names and the rep is a member of.
        let turn = pool.filter(|_| counts_as_turn).and_then(|pool| {
            let (_, eligible) = self.members(&pool);
            let eligible = eligible?;
            let now = self.world.pools.get_mut(&pool)?;
            let turn = now.rotation.charge(eligible.payer(&rep)?);
            Some((pool, turn))
        });
        let paid = turn.as_ref().and_then(|(pool, _)| self.turn_taken(pool));
        Chosen { to: Destination::Rep { rep, turn: paid }, choice, turn, within_capacity: stopped_by.is_none() }
    }

    /// Tries `first`, then `second`. If no member can take the lead, it goes on the waiting list of the last one.
    fn try_pools(&mut self, lead: &Ruled, first: PoolId, second: Option<PoolId>, mut choice: Choice) -> Chosen {
        let mut line = second.clone().unwrap_or_else(|| first.clone());
        let further = self.fallbacks_gone_down(lead, &line);
        for pool in [Some(first), second].into_iter().flatten().chain(further) {
            line = pool.clone();
            if let Some(chosen) = self.try_pool(pool, &mut choice) {
                return Chosen { choice, ..chosen };
            }
        }
        // Its waiting time is over: it goes to the fallback of the pool, or on hold.
        let waited_out = matches!(&lead.state.standing,
            Standing::Waiting(Wait { pool, until, .. }) if *pool == line && *until <= self.now);
        if waited_out {
            match self.world.pools.get(&line).and_then(|now| now.pool.fallback.clone()) {
                Some(fallback) if !choice.pools.iter().any(|tried| tried.pool == fallback) => {
                    line = fallback.clone();
                    if let Some(chosen) = self.try_pool(fallback, &mut choice) {
                        return Chosen { choice, ..chosen };
                    }
                }
                _ => return Chosen { choice, ..settled(HoldReason::WaitedTooLong.into()) },
            }
        }
        let Some(now) = self.world.pools.get(&line) else {
            return Chosen { choice, ..settled(HoldReason::PoolNotFound.into()) };
        };
        let wait = SignedDuration::from_mins(i64::from(now.pool.longest_wait_minutes));
        let until = self.now.checked_add(wait).unwrap_or(Timestamp::MAX);
        let pool_only = choice.named.is_none() && choice.pools.len() == 1;
        Chosen { choice, ..settled(Destination::Line { pool: line, until, pool_only }) }
    }

    /// Returns the fallbacks from pool `from` to the one where the lead waits, so that it keeps its place there. Empty
    /// if rules or pools changed and it waits elsewhere.
    fn fallbacks_gone_down(&self, lead: &Ruled, from: &PoolId) -> Vec<PoolId> {
        let mut gone = Vec::new();
        let Standing::Waiting(Wait { pool: waits_in, .. }) = &lead.state.standing else { return gone };
        let mut at = from;
        while at != waits_in {
            match self.world.pools.get(at).and_then(|now| now.pool.fallback.as_ref()) {
                Some(next) if next != from && !gone.contains(next) && gone.len() < MAX_FALLBACKS => {
                    gone.push(next.clone());
                    at = next;
                }
                _ => return Vec::new(),
            }
        }
        gone
    }

    fn try_pool(&mut self, pool: PoolId, choice: &mut Choice) -> Option<Chosen> {
        let (members, eligible) = self.members(&pool);
        let turn = eligible.as_ref().and_then(|_| self.turn_taken(&pool)).map(|turn| turn.version);
        choice.pools.push(PoolTried { pool: pool.clone(), turn, members });
        let turn = self.world.pools.get_mut(&pool)?.rotation.take(&eligible?);
        choice.chosen = Some(turn.taken_by.clone());
        Some(Chosen {
            to: Destination::Rep { rep: turn.taken_by.clone(), turn: self.turn_taken(&pool) },
            choice: Choice::default(),
            turn: Some((pool, turn)),
            within_capacity: true,
        })
    }

    /// Returns the version of a pool's rotation after this plan.
    fn turn_taken(&self, pool: &PoolId) -> Option<TurnTaken> {
        let now = self.world.pools.get(pool)?;
        Some(TurnTaken { pool: pool.clone(), version: now.rotation.version.saturating_add(1) })
    }

    /// Returns the members of a pool with the gates that stop them, and the eligible ones.
    fn members(&self, pool: &PoolId) -> (Vec<Candidate>, Option<Eligible>) {
        let Some(PoolNow { pool, rotation }) = self.world.pools.get(pool) else { return (Vec::new(), None) };
        let members: Vec<Candidate> = pool
            .members
            .iter()
            .map(|member| Candidate {
                rep: member.rep.clone(),
                stopped_by: gate::shut(&self.world.roster, &member.rep, self.now),
                lag: Some(rotation.lag(&member.rep)),
            })
            .collect();
        let eligible = pool
            .members
            .iter()
            .zip(&members)
            .filter(|(_, candidate)| candidate.stopped_by.is_none())
            .map(|(member, _)| (member.rep.clone(), member.weight));
        let eligible = Eligible::of(&pool.pool_id, eligible);
        (members, eligible)
    }
}

fn settled(to: Destination) -> Chosen {
    Chosen { to, choice: Choice::default(), turn: None, within_capacity: false }
}

#[cfg(test)]
mod tests;
