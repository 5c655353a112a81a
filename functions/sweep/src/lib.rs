//! `sweep`: the safety net. Every minute it queues leads whose deadline has passed, wakes pools with waiting leads, and
//! continues reroutes. It also drains the dead-letter queue: the lead of a failed command is put on hold, with the
//! command stored beside it.
//!
//! Each of the three tasks can use an equal part of the remaining time; unused time is left for the next. A sweep that
//! runs out of time starves no lead: each minute it starts with another shard of the deadlines, and with the pool after
//! the last one. While nothing is due and no lead waits, it costs one query per shard and one read of the reroutes.

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

/// Time before a queued lead is queued again. By then its command was handled, or is being retried.
const BACKOFF: SignedDuration = SignedDuration::from_mins(5);
/// Limit on the leads from one shard in one sweep. The rest follow a minute later.
const AT_MOST: i32 = 500;
/// Wakes in one request.
const WAKES: usize = 10;

/// Lambda function `sweep`.
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

    /// Handles events of the dead-letter queue, which have `Records`, and of the schedule, which do not.
    async fn call(&self, event: Value, invocation: Invocation) -> Result<Value, FunctionError> {
        if event.get("Records").is_some() {
            let batch: SqsEvent = serde_json::from_value(event)?;
            return Ok(serde_json::to_value(self.drain(batch, invocation.deadline).await)?);
        }
        // The tasks are independent: a failure of one does not stop the others.
        let due = self.queue_due(self.clock.now(), invocation.share(3)).await;
        let woken = self.wake_lines(invocation.share(2)).await;
        let rerouted = self.reroute(invocation.deadline).await;
        let (due, woken, rerouted) = (due?, woken?, rerouted?);
        info!(leads = due, pools = woken, rerouted, "swept");
        Ok(json!({"due": due, "woken": woken, "rerouted": rerouted}))
    }
}

impl Sweep {
    /// Queues every lead whose deadline has passed at `now`. Each lead is claimed first, so late, repeated or
    /// concurrent sweeps queue it once. Claimed leads are queued ten at a time, so an interrupted sweep leaves few
    /// claimed but not queued. A shard that cannot be read does not stop the others.
    async fn queue_due(&self, now: Timestamp, deadline: Instant) -> Result<usize, FunctionError> {
        let mut count = 0;
        let mut shards: Vec<String> = due_shards().collect();
        let minute = usize::try_from(now.as_second() / 60).unwrap_or(0);
        let first = minute.checked_rem(shards.len()).unwrap_or(0);
        shards.rotate_left(first);
        for shard in shards {
            let due = match self.leads.due(&shard, now, AT_MOST).await {
                Ok(due) => due,
                Err(cause) => {
                    error!(shard, cause = %Chain(&cause), "cannot read a shard of the due leads; skipped it");
                    continue;
                }
            };
            for ten in due.chunks(10) {
                if Instant::now() > deadline {
                    warn!("ran out of time for due leads; the next sweep continues");
                    return Ok(count);
                }
                count += self.queue_claimed(ten, now).await?;
            }
        }
        Ok(count)
    }

    /// Claims these leads and queues those that no other sweep has claimed.
    async fn queue_claimed(&self, due: &[(LeadId, i64)], now: Timestamp) -> Result<usize, FunctionError> {
        let again_at = now.checked_add(BACKOFF)?;
        let claims = join_all(due.iter().map(|(lead, seen)| self.leads.claim_due(lead, *seen, again_at))).await;
        let mut messages = Vec::new();
        for ((lead_id, _), claim) in due.iter().zip(claims) {
            match claim {
                Ok(true) => messages.push(Outgoing::new(&again(lead_id), Some("sweep"))?),
                Ok(false) => {}
                Err(cause) => error!(lead.id = %lead_id, cause = %Chain(&cause), "due lead could not be claimed"),
            }
        }
        let count = messages.len();
        self.route.send_all(messages).await?;
        Ok(count)
    }

    /// Wakes every pool with waiting leads. A shift may have started since the last minute, and the index may have
    /// lagged behind an earlier wake.
    async fn wake_lines(&self, deadline: Instant) -> Result<usize, FunctionError> {
        let mut waiting = BTreeSet::new();
        for shard in self.leads.waiting_pools().await {
            match shard {
                Ok(pools) => waiting.extend(pools),
                Err(cause) => {
                    error!(cause = %Chain(&cause), "cannot read a shard of the waiting lists; skipped it");
                }
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
            warn!(woken = sent, pools = pools.len(), "ran out of time for waiting lists; the next sweep continues");
        }
        if ended_with != last.as_ref() {
            self.pools.set_swept_to(ended_with).await?;
        }
        Ok(sent)
    }
}

/// Makes a command to decide a lead as it is now.
fn again(lead_id: &LeadId) -> RouteCommand {
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
