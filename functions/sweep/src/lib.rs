//! `sweep`: the safety net. Every minute it queues leads whose deadline has passed, wakes pools whose line is not empty,
//! and goes on with leads that are to be routed anew; and it drains the dead-letter queue, so that a command that failed for
//! good leaves its lead on hold, with the command beside it, and not lost in a queue.
//!
//! Each of the minute's three tasks may use an equal part of the time that is left, and what one does not use is there
//! for the next. A sweep that is cut short keeps nobody waiting for good: it begins with another shard of the deadlines
//! every minute, and with the pool after the one that it ended with. While nothing is due and nobody waits it costs one
//! query per shard and one read of what is to be routed anew.

mod dead_letters;
mod reroute;

use std::collections::BTreeSet;
use std::time::Instant;

use aws_lambda_events::event::sqs::SqsEvent;
use fairleader_domain::routing::waiting::in_turn;
use fairleader_lead::id::LeadId;
use fairleader_messaging::command::SCHEMA;
use fairleader_messaging::{Outgoing, Queue, RouteCommand};
use fairleader_runtime::{Chain, Clock, Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{Leads, Pools, Reps, Rulebooks, Table, due_shards};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tracing::{error, info, warn};

/// How long a lead that was queued is left alone: its command has been carried out, or failed and is tried again.
const BACKOFF: SignedDuration = SignedDuration::from_mins(5);
/// Most leads taken from a shard at a time; what is left is taken a minute later.
const AT_MOST: i32 = 500;
/// Wakes that are sent in one request.
const WAKES: usize = 10;

/// The function.
#[derive(Debug)]
pub struct Sweep {
    leads: Leads,
    reps: Reps,
    pools: Pools,
    rulebooks: Rulebooks,
    route: Queue,
    clock: Clock,
}

impl Function for Sweep {
    type Event = Value;
    type Reply = Value;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        Ok(Self {
            leads: Leads::new(Table::new(&config, env.get("LEADS_TABLE")?)),
            reps: Reps::new(Table::new(&config, env.get("REPS_TABLE")?)),
            pools: Pools::new(Table::new(&config, env.get("POOLS_TABLE")?)),
            rulebooks: Rulebooks::new(Table::new(&config, env.get("RULEBOOKS_TABLE")?)),
            route: Queue::new(&config, env.get("ROUTE_QUEUE_URL")?),
            clock: env.clock(),
        })
    }

    /// The dead-letter queue sends `Records`; a schedule does not.
    async fn call(&self, event: Value, invocation: Invocation) -> Result<Value, FunctionError> {
        if event.get("Records").is_some() {
            let batch: SqsEvent = serde_json::from_value(event)?;
            return Ok(serde_json::to_value(self.drain(batch, invocation.deadline).await)?);
        }
        // Each for itself: one that fails does not stop the others.
        let due = self.queue_due(self.clock.now(), invocation.share(3)).await;
        let woken = self.wake_lines(invocation.share(2)).await;
        let rerouted = self.reroute(invocation.deadline).await;
        let (due, woken, rerouted) = (due?, woken?, rerouted?);
        info!(leads = due, pools = woken, rerouted, "swept");
        Ok(json!({"due": due, "woken": woken, "rerouted": rerouted}))
    }
}

impl Sweep {
    /// Queues every lead whose deadline has passed at `now`. Each is claimed first, so sweeps that come late, twice or at
    /// the same time queue it once; and claimed leads are queued ten by ten, so that a sweep that is cut short leaves few
    /// behind that wait for their claim to run out.
    async fn queue_due(&self, now: Timestamp, deadline: Instant) -> Result<usize, FunctionError> {
        let mut count = 0;
        let mut shards: Vec<String> = due_shards().collect();
        let minute = usize::try_from(now.as_second() / 60).unwrap_or(0);
        let first = minute.checked_rem(shards.len()).unwrap_or(0);
        shards.rotate_left(first);
        for shard in shards {
            let due = self.leads.due(&shard, now, AT_MOST).await?;
            for ten in due.chunks(10) {
                if Instant::now() > deadline {
                    warn!("more leads are due than this sweep has time for; the next one goes on");
                    return Ok(count);
                }
                count += self.queue_claimed(ten, now).await?;
            }
        }
        Ok(count)
    }

    /// Claims these leads and queues those that nobody else has claimed.
    async fn queue_claimed(&self, due: &[(LeadId, i64)], now: Timestamp) -> Result<usize, FunctionError> {
        let again_at = now.checked_add(BACKOFF)?;
        let claims = join_all(due.iter().map(|(lead, seen)| self.leads.claim_due(lead, *seen, again_at))).await;
        let mut messages = Vec::new();
        for ((lead_id, _), claim) in due.iter().zip(claims) {
            match claim {
                Ok(true) => messages.push(Outgoing::new(&afresh(lead_id), Some("sweep"))?),
                Ok(false) => {}
                Err(cause) => error!(lead.id = %lead_id, cause = %Chain(&cause), "due lead was not claimed"),
            }
        }
        let count = messages.len();
        self.route.send_all(messages).await?;
        Ok(count)
    }

    /// Wakes every pool in whose line somebody waits: a shift may have begun since the last minute, and a wake may have
    /// come before the index showed who waits.
    async fn wake_lines(&self, deadline: Instant) -> Result<usize, FunctionError> {
        let mut waiting = BTreeSet::new();
        for shard in self.leads.waiting_pools().await {
            match shard {
                Ok(pools) => waiting.extend(pools),
                Err(cause) => error!(cause = %Chain(&cause), "a shard of the lines cannot be read; the others are"),
            }
        }
        if waiting.is_empty() {
            return Ok(0);
        }
        let last = self.pools.swept_to().await?;
        let pools = in_turn(waiting, last.as_ref());
        let mut sent = 0;
        for some in pools.chunks(WAKES) {
            if sent > 0 && Instant::now() > deadline {
                break;
            }
            let wakes = some.iter().map(|pool| Outgoing::new(&RouteCommand::wake_pool(pool.clone()), Some("sweep")));
            self.route.send_all(wakes.collect::<Result<_, _>>()?).await?;
            sent += some.len();
        }
        let ended_with = (sent < pools.len()).then(|| pools.get(sent.saturating_sub(1))).flatten();
        if ended_with.is_some() {
            warn!(
                woken = sent,
                pools = pools.len(),
                "there are more lines than this sweep has time for; the next one goes on"
            );
        }
        if ended_with != last.as_ref() {
            self.pools.set_swept_to(ended_with).await?;
        }
        Ok(sent)
    }
}

/// Has `route` look at a lead as it is now.
fn afresh(lead_id: &LeadId) -> RouteCommand {
    RouteCommand::RouteLead {
        schema: SCHEMA,
        trace: format!("sweep-{lead_id}"),
        lead_id: lead_id.clone(),
        version: 0,
        rulebook: None,
        score: None,
        group: "sweep".to_owned(),
    }
}
