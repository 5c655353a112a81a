//! `sweep`: the safety net. Every minute it queues leads whose deadline has passed, wakes pools whose line is not empty,
//! and goes on with leads that are to be routed anew; and it drains the dead-letter queue, so that a command that failed for
//! good leaves its lead on hold, with the command beside it, and not lost in a queue.

mod dead_letters;
mod reroute;

use aws_lambda_events::event::sqs::SqsEvent;
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

/// How far into a sweep each of its steps may go on; the function itself has ten seconds.
const DUE_UNTIL: SignedDuration = SignedDuration::from_secs(4);
const LINES_UNTIL: SignedDuration = SignedDuration::from_secs(6);
const REROUTE_UNTIL: SignedDuration = SignedDuration::from_secs(8);

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
    async fn call(&self, event: Value, _: Invocation) -> Result<Value, FunctionError> {
        if event.get("Records").is_some() {
            let batch: SqsEvent = serde_json::from_value(event)?;
            return Ok(serde_json::to_value(self.drain(batch).await)?);
        }
        let started = self.clock.now();
        // Each for itself: one that fails does not stop the others.
        let due = self.queue_due(started.checked_add(DUE_UNTIL)?).await;
        let woken = self.wake_lines(started.checked_add(LINES_UNTIL)?).await;
        let rerouted = self.reroute(started.checked_add(REROUTE_UNTIL)?).await;
        let (due, woken, rerouted) = (due?, woken?, rerouted?);
        info!(leads = due, pools = woken, rerouted, "swept");
        Ok(json!({"due": due, "woken": woken, "rerouted": rerouted}))
    }
}

impl Sweep {
    /// Queues every lead whose deadline has passed. Each is claimed first, so sweeps that come late, twice or at the
    /// same time queue it once; and claimed leads are queued ten by ten, so that a sweep that is cut short leaves few
    /// behind that wait for their claim to run out.
    async fn queue_due(&self, deadline: Timestamp) -> Result<usize, FunctionError> {
        let started = self.clock.now();
        let mut count = 0;
        for shard in due_shards() {
            let due = self.leads.due(&shard, started, AT_MOST).await?;
            for ten in due.chunks(10) {
                if self.clock.now() > deadline {
                    warn!("more leads are due than this sweep has time for; the next one goes on");
                    return Ok(count);
                }
                count += self.queue_claimed(ten).await?;
            }
        }
        Ok(count)
    }

    /// Claims these leads and queues those that nobody else has claimed.
    async fn queue_claimed(&self, due: &[(LeadId, i64)]) -> Result<usize, FunctionError> {
        let again_at = self.clock.now().checked_add(BACKOFF)?;
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

    /// Wakes every pool in whose line somebody waits: a shift may have begun since the last minute.
    async fn wake_lines(&self, deadline: Timestamp) -> Result<usize, FunctionError> {
        let mut count = 0;
        for pools in self.pools.definitions().await?.chunks(10) {
            let lines = join_all(pools.iter().map(|pool| self.leads.line(&pool.pool_id, 1))).await;
            let mut messages = Vec::new();
            for (pool, line) in pools.iter().zip(lines) {
                if !line?.is_empty() {
                    let command = RouteCommand::WakePool { schema: SCHEMA, pool: pool.pool_id.clone() };
                    messages.push(Outgoing::new(&command, Some("sweep"))?);
                }
            }
            count += messages.len();
            self.route.send_all(messages).await?;
            if self.clock.now() > deadline {
                warn!("there are more lines than this sweep has time for");
                break;
            }
        }
        Ok(count)
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
