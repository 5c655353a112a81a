//! Gives the leads in waiting lines to the reps who are free now.
//!
//! Which leads, in which order and until when is decided by [`Walk`]; this reads the lines for it and has the leads
//! decided on. The wakes of a batch are one walk, so that a seat goes to the best lead of all the pools that its rep is
//! in, and they share the time of the call. What is left when it is over goes on in another call, from where the walk
//! was.
//!
//! What it costs, in DynamoDB's request units: a rep's wake reads the directory and every pool's definition, each a
//! unit, and sends one message per pool that they are in. A pool's wake reads the pool's two items, and two items per
//! member. Only if one of them has a seat, or someone else may take a lead, is the line read: half a unit per shard for
//! each page, and per lead what a decision costs. A pool that is full at night thus costs its members' items a minute,
//! however long its line is.

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

/// Places read of a shard at a time: rarely are more of one shard among the best of all.
const PAGE: i32 = 10;

/// Who sends these messages, for fair queues.
const GROUP: &str = "wake";

impl Route {
    /// Wakes every pool that one of `reps` is in.
    ///
    /// Each pool is woken by a message of its own, a moment later: until then the index shows who waits.
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

    /// Walks the lines of pools until they end, no seat is left, or `deadline`. Gives back the messages to be delivered
    /// again.
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
                    pools.iter().for_each(|pool| walk.leave(pool));
                    fail(pools, &cause);
                }
            }
        }
        let (mut met, mut moved) = (0_usize, 0_usize);
        // A walk that began gets on by a page at least, or it would never end.
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
                // It keeps its place and is tried again by the next wake.
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

    /// Which of these pools have no member with a free seat. They are read together; if that fails, one by one, so that
    /// a pool that cannot be read keeps no other back.
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

    /// The pools of which no member has a free seat.
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

    /// Has other calls go on with these lines, each after its place.
    async fn go_on(&self, left: &BTreeMap<PoolId, Option<Place>>) -> Result<(), FunctionError> {
        let messages = left.iter().map(|(pool, after)| {
            let after = after.as_ref().map(ToString::to_string);
            Outgoing::new(&RouteCommand::WakePool { schema: SCHEMA, pool: pool.clone(), after }, Some(GROUP))
        });
        Ok(self.queue.send_all(messages.collect::<Result<_, _>>()?).await?)
    }
}
