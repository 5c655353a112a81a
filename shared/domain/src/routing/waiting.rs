//! Waiting lists: which leads a wake decides again, in which order, and when it ends.
//!
//! A waiting list is read from an index, which lags behind: it can still show a lead that has left, miss a new one, or
//! show an old place. So a [`Walk`] takes each place once, best first, and never relies on the index for the state of a
//! lead; the decision reads the lead itself. The walk ends at the end of the waiting lists, or when the roster has no
//! free seat for them. The sweep in the next minute wakes every pool with waiting leads, and so finds leads that the
//! index missed.
//!
//! Leads of [`Reach::Pool`] can only go to a member of the pool, so they are not read while no member has a free seat.
//! Leads of [`Reach::Beyond`] can also go elsewhere, for example to an owner that a rule names. Only the lead itself
//! says where, so all of these are walked, and leads in front do not block those behind. If another version of the
//! rulebook would send leads of a full pool elsewhere, this takes effect at a reroute, when a seat becomes free, or
//! when their waiting time is over.
//!
//! This module does not know tables. The store decides on the number of shards.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::str::FromStr;

use fairleader_lead::id::{LeadId, PoolId};
use fairleader_lead::pool::Pool;
use fairleader_lead::state::Wait;
use jiff::Timestamp;

use crate::gate;
use crate::gate::Roster;

/// Who can take a lead from the waiting list of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Members of the pool only.
    Pool,
    /// Others too: an owner that a rule names, or another pool.
    Beyond,
}

impl Reach {
    /// Both values.
    pub const ALL: [Self; 2] = [Self::Pool, Self::Beyond];

    /// Returns the reach of a waiting lead, as decided when it went on the waiting list.
    pub const fn of(wait: &Wait) -> Self {
        if wait.pool_only { Self::Pool } else { Self::Beyond }
    }
}

/// Place on a waiting list. The greatest is the best.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The sort key; higher is better.
    pub priority: i64,
    /// The lead.
    pub lead_id: LeadId,
}

/// Writes `1234.lead-id`, for a command that continues after it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.priority, self.lead_id)
    }
}

/// Error for a text that is not a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a place on a waiting list")]
pub struct NoPlace(String);

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        text.split_once('.')
            .and_then(|(priority, lead)| Some(Self { priority: priority.parse().ok()?, lead_id: LeadId::from(lead) }))
            .ok_or_else(|| NoPlace(text.to_owned()))
    }
}

/// Shard of a pool's waiting list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The pool.
    pub pool: PoolId,
    /// The reach of its leads.
    pub reach: Reach,
    /// The shard, from 0.
    pub shard: u8,
}

/// Walk through the waiting lists of several pools at once, best lead first across all pools.
#[derive(Clone, Debug)]
pub struct Walk {
    lines: BTreeMap<Line, Ahead>,
    /// The last place walked, by pool.
    walked: BTreeMap<PoolId, Option<Place>>,
    seen: BTreeSet<LeadId>,
}

/// Part of a waiting list that lies ahead.
#[derive(Clone, Debug)]
struct Ahead {
    /// Places that were read, best first.
    known: VecDeque<Place>,
    /// The place to continue reading after.
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
    /// Starts a walk through the waiting lists of `pools`, each after the given place, or at the front.
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

    /// Marks these pools as full. Leads that only their members can take are skipped.
    pub fn full(&mut self, pools: &BTreeSet<PoolId>) {
        self.lines.retain(|line, _| line.reach == Reach::Beyond || !pools.contains(&line.pool));
    }

    /// Returns the shards to read before the walk can continue, each with the place to read after.
    pub fn unread(&self) -> Vec<(Line, Option<Place>)> {
        let unread = self.lines.iter().filter(|(_, ahead)| ahead.is_unread());
        unread.map(|(line, ahead)| (line.clone(), ahead.after.clone())).collect()
    }

    /// Adds places that were read from a shard, and whether there are more.
    pub fn read(&mut self, line: &Line, places: Vec<Place>, more: bool) {
        let Some(ahead) = self.lines.get_mut(line) else { return };
        let mut places: Vec<Place> =
            places.into_iter().filter(|place| ahead.after.as_ref().is_none_or(|after| place < after)).collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        // Without a further place, reading on would not make progress.
        ahead.more = more && !places.is_empty();
        ahead.after = places.last().cloned().or_else(|| ahead.after.take());
        ahead.known.extend(places);
    }

    /// Leaves a pool out, because its waiting list cannot be read.
    pub fn leave(&mut self, pool: &PoolId) {
        self.lines.retain(|line, _| line.pool != *pool);
    }

    /// Returns the next leads, best first, at most `most`. Returns fewer if more must be read first, and none if
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

    /// Returns whether every waiting list was walked to its end.
    pub fn is_over(&self) -> bool {
        self.lines.values().all(|ahead| ahead.known.is_empty() && !ahead.more)
    }

    /// Returns the pools whose waiting lists are not finished, each with the place to continue after.
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

/// Returns the pools without a member who can take another lead at `now`.
pub fn full<'a>(pools: impl IntoIterator<Item = &'a Pool>, roster: &Roster, now: Timestamp) -> BTreeSet<PoolId> {
    let is_full = |pool: &&Pool| pool.members.iter().all(|member| gate::shut(roster, &member.rep, now).is_some());
    pools.into_iter().filter(is_full).map(|pool| pool.pool_id.clone()).collect()
}

/// Orders pools for a sweep: first those after `last`, then the others.
pub fn in_turn(pools: BTreeSet<PoolId>, last: Option<&PoolId>) -> Vec<PoolId> {
    let (mut after, before): (Vec<PoolId>, Vec<PoolId>) =
        pools.into_iter().partition(|pool| last.is_none_or(|last| pool > last));
    after.extend(before);
    after
}

#[cfg(test)]
mod tests;
