//! Assigns leads on waiting lists to reps with free seats.
//!
//! [`Walk`] decides which leads, in which order, and when to stop; this module reads the waiting lists for it and
//! routes the leads. All wakes of a batch are one walk, so a seat goes to the best lead of all the pools that the rep
//! is in. If the time of the call runs out, another call continues the walk where it stopped.
//!
//! Cost in DynamoDB request units: the wake of a rep reads the directory and the settings of every pool, one unit each,
//! and sends one message per pool that they are in. The wake of a pool reads two items of the pool and two per member.
//! The waiting list is read only if a member has a free seat or others can take its leads: half a unit per shard and
//! page, plus the cost of a decision per lead. So a pool that is full at night costs only the items of its members each
//! minute, however long its waiting list is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use fairleader_domain::routing::waiting::{self, Line, Place, Walk};
use fairleader_lead::id::{PoolId, RepId};
use fairleader_messaging::command::SCHEMA;
use fairleader_messaging::{Outgoing, RouteCommand};
use fairleader_runtime::{FunctionError, about, failed, message_span};
use fairleader_store::{LINE_SHARDS, StoreError};
use futures::future::join_all;
use tracing::{error, info};

use crate::commit::LEADS_PER_TRANSACTION;
use crate::{Ask, Route, Wake};

/// Places to read from a shard at a time. More of one shard are rarely among the best of all.
const PAGE: i32 = 10;

/// Message group of the messages that are sent here.
const GROUP: &str = "wake";

impl Route {
    /// Wakes every pool that one of `reps` is in.
    ///
    /// Each pool is woken by its own message with a short delay, so that the index is up to date.
    pub(crate) async fn wake_reps(&self, reps: &BTreeSet<RepId>) -> Result<(), FunctionError> {
        if reps.is_empty() {
            return Ok(());
        }
        let pools = self.pools.definitions().await?;
        let theirs = pools.into_iter().filter(|pool| pool.members.iter().any(|member| reps.contains(&member.rep)));
        let wakes = theirs.map(|pool| Outgoing::wake_pool(pool.pool_id, GROUP)).collect::<Result<Vec<_>, _>>()?;
        info!(reps = reps.len(), pools = wakes.len(), "waking pools of reps with a free seat");
        Ok(self.queue.send_all(wakes).await?)
    }

    /// Walks the waiting lists of pools until they end, no seat is left, or the deadline. Returns the ids of the
    /// messages to deliver again.
    pub(crate) async fn wake(&self, wakes: BTreeMap<PoolId, Wake>, deadline: Instant) -> Vec<String> {
        if wakes.is_empty() {
            return Vec::new();
        }
        let mut messages: BTreeMap<PoolId, Vec<String>> = BTreeMap::new();
        let mut pools = BTreeMap::new();
        for (pool, wake) in wakes {
            pools.insert(pool.clone(), wake.after);
            messages.insert(pool, wake.messages);
        }
        let names = pools.keys().map(PoolId::as_str).collect::<Vec<_>>().join(" ");
        let message = messages.values().flatten().next().cloned().unwrap_or_default();
        let mut failures = Vec::new();
        let mut fail = |pools: BTreeSet<PoolId>, cause: &FunctionError| {
            let ids = pools.iter().filter_map(|pool| messages.remove(pool)).flatten();
            failures.extend(ids.map(|id| failed(id, cause)));
        };
        let mut walk = Walk::new(pools.clone(), LINE_SHARDS);
        for (pools, full) in self.full_or_not(pools.into_keys().collect()).await {
            match full {
                Ok(full) => walk.full(&full),
                Err(cause) => {
                    for pool in &pools {
                        walk.leave(pool);
                    }
                    fail(pools, &cause);
                }
            }
        }
        let (mut met, mut moved) = (0_usize, 0_usize);
        // A walk does at least one page, or it would never end.
        while !walk.is_over() && (met == 0 || Instant::now() < deadline) {
            for (line, read) in self.read(&walk).await {
                match read {
                    Ok((places, more)) => walk.read(&line, places, more),
                    Err(cause) => {
                        walk.leave(&line.pool);
                        fail([line.pool].into(), &cause.into());
                    }
                }
            }
            let leads = walk.take(LEADS_PER_TRANSACTION);
            if leads.is_empty() {
                continue;
            }
            met += leads.len();
            let asks = leads.into_iter().map(|lead| {
                let span = message_span(&message);
                about(&span, &lead, &format!("wake-{names}"));
                Ask::new(lead, span)
            });
            let routed = self.route(asks.collect(), deadline).await;
            walk.full(&routed.full);
            moved += routed.changed;
            for (lead, cause) in routed.failures {
                // The lead keeps its place, and the next wake tries it again.
                error!(lead.id = %lead, cause, "waiting lead could not be routed");
            }
        }
        let left = walk.left();
        info!(pools = names, met, moved, left = left.len(), "woke pools");
        if let Err(cause) = self.go_on(&left).await {
            fail(left.into_keys().collect(), &cause);
        }
        failures
    }

    /// Returns the pools without a member with a free seat. It reads them together, or one by one if that fails, so
    /// that a damaged pool does not affect the others.
    async fn full_or_not(
        &self,
        pools: BTreeSet<PoolId>,
    ) -> Vec<(BTreeSet<PoolId>, Result<BTreeSet<PoolId>, FunctionError>)> {
        let full = self.full(&pools).await;
        if full.is_ok() || pools.len() == 1 {
            return vec![(pools, full)];
        }
        let mut each = Vec::new();
        for pool in pools {
            let alone = BTreeSet::from([pool]);
            let full = self.full(&alone).await;
            each.push((alone, full));
        }
        each
    }

    /// Returns the pools without a member with a free seat. Fails if one cannot be read.
    async fn full(&self, pools: &BTreeSet<PoolId>) -> Result<BTreeSet<PoolId>, FunctionError> {
        let pools = self.pools.now(&pools.iter().cloned().collect::<Vec<_>>()).await?;
        let members: Vec<RepId> =
            pools.values().flat_map(|now| now.pool.members.iter().map(|member| member.rep.clone())).collect();
        let roster = self.reps.roster(&members).await?;
        Ok(waiting::full(pools.values().map(|now| &now.pool), &roster, self.clock.now()))
    }

    async fn read(&self, walk: &Walk) -> Vec<(Line, Result<(Vec<Place>, bool), StoreError>)> {
        let reads = walk.unread().into_iter().map(|(line, after)| async move {
            let places = self.leads.places(&line, after.as_ref(), PAGE).await;
            (line, places)
        });
        join_all(reads).await
    }

    /// Queues wakes that continue these waiting lists, each after its place.
    async fn go_on(&self, left: &BTreeMap<PoolId, Option<Place>>) -> Result<(), FunctionError> {
        let messages = left.iter().map(|(pool, after)| {
            let after = after.as_ref().map(ToString::to_string);
            Outgoing::new(&RouteCommand::WakePool { schema: SCHEMA, pool: pool.clone(), after }, Some(GROUP))
        });
        Ok(self.queue.send_all(messages.collect::<Result<_, _>>()?).await?)
    }
}
