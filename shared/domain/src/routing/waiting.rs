//! Waiting lines: which leads a wake has decided on again, in which order, and when it ends.
//!
//! A line is read from an index, and an index is late: it may still show a lead that has left, not show one that has
//! just come, or show one at a place where it no longer stands. So a [`Walk`] takes each place once, from the best down,
//! and never asks the index what became of a lead: the decision reads the lead itself. It ends where the lines end, or
//! where no further lead can find a seat, which the roster says. What it passes over because the index was late is met
//! by the sweep of the next minute, which wakes every pool that has a line.
//!
//! Leads of [`Reach::Pool`] can only be taken by a member of the pool, so while no member has a free seat they are not
//! read at all. Leads of [`Reach::Beyond`] have another way out, such as an owner whom a rule names. The lead itself has
//! to be read to know who that is, so all of these are walked: those in front keep none of them back. What another
//! version of the rulebook would make of the leads of a full pool shows when they are routed anew by it, when a seat
//! comes free, or when their time in the line is up.
//!
//! It knows nothing of tables, and how many shards a line has is the store's business.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::str::FromStr;

use fairleader_lead::id::{LeadId, PoolId};
use fairleader_lead::pool::Pool;
use fairleader_lead::state::Wait;
use jiff::Timestamp;

use crate::gate;
use crate::gate::Roster;

/// Who can take a lead out of a pool's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Members of the pool only.
    Pool,
    /// Others too: an owner whom a rule names, or another pool.
    Beyond,
}

impl Reach {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Pool, Self::Beyond];

    /// That of a lead that waits, as the decision saw it that put the lead there.
    pub const fn of(wait: &Wait) -> Self {
        if wait.pool_only { Self::Pool } else { Self::Beyond }
    }
}

/// Where a lead stands in a line. The greatest is the best.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The more, the better.
    pub priority: i64,
    /// The lead.
    pub lead_id: LeadId,
}

/// Written `1234.lead-id`, for a command that goes on after it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.priority, self.lead_id)
    }
}

/// A text that names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a place in a line")]
pub struct NoPlace(String);

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        text.split_once('.')
            .and_then(|(priority, lead)| Some(Self { priority: priority.parse().ok()?, lead_id: LeadId::from(lead) }))
            .ok_or_else(|| NoPlace(text.to_owned()))
    }
}

/// A shard of a pool's line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The pool.
    pub pool: PoolId,
    /// Which of its leads.
    pub reach: Reach,
    /// Which shard of them, from 0.
    pub shard: u8,
}

/// A walk through the lines of some pools at once, best lead first whichever pool it waits for.
#[derive(Clone, Debug)]
pub struct Walk {
    lines: BTreeMap<Line, Ahead>,
    /// Where each pool's line has been walked to.
    walked: BTreeMap<PoolId, Option<Place>>,
    seen: BTreeSet<LeadId>,
}

/// What of a line lies ahead.
#[derive(Clone, Debug)]
struct Ahead {
    /// What was read of it, best first.
    known: VecDeque<Place>,
    /// Where reading goes on.
    after: Option<Place>,
    /// Whether there may be more to read.
    more: bool,
}

impl Ahead {
    fn is_unread(&self) -> bool {
        self.more && self.known.is_empty()
    }
}

impl Walk {
    /// Begins a walk through the lines of `pools`, each after the place that is given, or at the front.
    pub fn new(pools: BTreeMap<PoolId, Option<Place>>, shards: u8) -> Self {
        let mut lines = BTreeMap::new();
        for (pool, after) in &pools {
            for (reach, shard) in Reach::ALL.into_iter().flat_map(|reach| (0..shards).map(move |shard| (reach, shard)))
            {
                let ahead = Ahead { known: VecDeque::new(), after: after.clone(), more: true };
                lines.insert(Line { pool: pool.clone(), reach, shard }, ahead);
            }
        }
        Self { lines, walked: pools, seen: BTreeSet::new() }
    }

    /// Takes note that no member of these pools has a free seat: nobody gets one who can only get one there.
    pub fn full(&mut self, pools: &BTreeSet<PoolId>) {
        self.lines.retain(|line, _| line.reach == Reach::Beyond || !pools.contains(&line.pool));
    }

    /// The lines to read before the walk can go on, and the place after which each is to be read.
    pub fn unread(&self) -> Vec<(Line, Option<Place>)> {
        let unread = self.lines.iter().filter(|(_, ahead)| ahead.is_unread());
        unread.map(|(line, ahead)| (line.clone(), ahead.after.clone())).collect()
    }

    /// Takes note of what was read of a line, and whether there is more.
    pub fn read(&mut self, line: &Line, places: Vec<Place>, more: bool) {
        let Some(ahead) = self.lines.get_mut(line) else { return };
        let mut places: Vec<Place> =
            places.into_iter().filter(|place| ahead.after.as_ref().is_none_or(|after| place < after)).collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        // Without a place further down, reading on would not lead anywhere.
        ahead.more = more && !places.is_empty();
        ahead.after = places.last().cloned().or_else(|| ahead.after.take());
        ahead.known.extend(places);
    }

    /// Leaves a pool out from here on: its line cannot be read.
    pub fn leave(&mut self, pool: &PoolId) {
        self.lines.retain(|line, _| line.pool != *pool);
    }

    /// The next leads, best first, at most `most`. It stops short where more has to be read first, and is empty if
    /// nothing was read.
    pub fn take(&mut self, most: usize) -> Vec<LeadId> {
        let mut taken = Vec::new();
        while taken.len() < most && !self.lines.values().any(Ahead::is_unread) {
            let best = self.lines.iter_mut().max_by(|(_, a), (_, b)| a.known.front().cmp(&b.known.front()));
            let Some((line, ahead)) = best else { break };
            let Some(place) = ahead.known.pop_front() else { break };
            if self.seen.insert(place.lead_id.clone()) {
                taken.push(place.lead_id.clone());
            }
            self.walked.insert(line.pool.clone(), Some(place));
        }
        taken
    }

    /// Whether every line has been walked to its end.
    pub fn is_over(&self) -> bool {
        self.lines.values().all(|ahead| ahead.known.is_empty() && !ahead.more)
    }

    /// The pools whose lines have not been walked to their end, and the place after which each goes on.
    pub fn left(self) -> BTreeMap<PoolId, Option<Place>> {
        let Self { lines, mut walked, .. } = self;
        let open: BTreeSet<PoolId> = lines
            .into_iter()
            .filter(|(_, ahead)| ahead.more || !ahead.known.is_empty())
            .map(|(line, _)| line.pool)
            .collect();
        walked.retain(|pool, _| open.contains(pool));
        walked
    }
}

/// The pools of which no member can take another lead at `now`.
pub fn full<'a>(pools: impl IntoIterator<Item = &'a Pool>, roster: &Roster, now: Timestamp) -> BTreeSet<PoolId> {
    let is_full = |pool: &&Pool| pool.members.iter().all(|member| gate::shut(roster, &member.rep, now).is_some());
    pools.into_iter().filter(is_full).map(|pool| pool.pool_id.clone()).collect()
}

/// Pools in the order in which a sweep wakes them: from the one after `last` on, and round to it.
pub fn in_turn(pools: BTreeSet<PoolId>, last: Option<&PoolId>) -> Vec<PoolId> {
    let (mut after, before): (Vec<PoolId>, Vec<PoolId>) =
        pools.into_iter().partition(|pool| last.is_none_or(|last| pool > last));
    after.extend(before);
    after
}

#[cfg(test)]
mod tests;
