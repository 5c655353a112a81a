//! `route`: decides by the rulebook who gets a lead, and commits the decision.
//!
//! Gather, decide, commit: a batch is read together, decided on by one pure function, and committed in one transaction
//! a pool, in which the owner, the seat and the turn change together or not at all. Whoever loses a race reads again and
//! decides again; an old decision is never written a second time.

mod commit;
mod gather;

use std::collections::BTreeMap;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use fairleader_lead::id::{LeadId, PoolId, RulebookVersion};
use fairleader_lead::score::Score;
use fairleader_messaging::RouteCommand;
use fairleader_messaging::command;
use fairleader_runtime::{Clock, Env, Function, FunctionError, Invocation, SetupError, failed, retry};
use fairleader_store::{Accounts, ActiveRulebook, Leads, Pools, Reps, Rulebooks, Table};
use jiff::SignedDuration;
use tracing::info;

/// Leads taken from the front of a line at a time: as many as a transaction has room for, with what goes with them.
const WAKE_AT_ONCE: i32 = 10;
/// How long one `WakePool` goes on; what is left is taken by the next one, a minute later at most.
const WAKE_TIME: SignedDuration = SignedDuration::from_secs(4);

/// The function.
#[derive(Debug)]
pub struct Route {
    leads: Leads,
    accounts: Accounts,
    reps: Reps,
    pools: Pools,
    rulebooks: ActiveRulebook,
    clock: Clock,
}

/// A lead to decide on.
#[derive(Clone, Debug)]
struct Ask {
    /// The lead.
    lead_id: LeadId,
    /// The version its score was made for.
    version: u64,
    /// The rulebook that its pass began with.
    rulebook: Option<RulebookVersion>,
    /// Its score at that version.
    score: Option<Score>,
    /// Take it from an owner who has not accepted it, if this version of the rulebook sends it elsewhere.
    reroute: Option<RulebookVersion>,
}

impl Ask {
    /// A lead to look at afresh.
    fn afresh(lead_id: LeadId) -> Self {
        Self { lead_id, version: 0, rulebook: None, score: None, reroute: None }
    }
}

impl Function for Route {
    type Event = SqsEvent;
    type Reply = SqsBatchResponse;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        let table = |name: &str| Ok::<_, SetupError>(Table::new(&config, env.get(name)?));
        Ok(Self {
            leads: Leads::new(table("LEADS_TABLE")?),
            accounts: Accounts::new(table("ACCOUNTS_TABLE")?),
            reps: Reps::new(table("REPS_TABLE")?),
            pools: Pools::new(table("POOLS_TABLE")?),
            rulebooks: ActiveRulebook::new(Rulebooks::new(table("RULEBOOKS_TABLE")?)),
            clock: env.clock(),
        })
    }

    /// Routes every lead in the batch; only those worth retrying are delivered again.
    async fn call(&self, event: SqsEvent, _: Invocation) -> Result<SqsBatchResponse, FunctionError> {
        let mut failures = Vec::new();
        let mut asks = Vec::new();
        let mut messages = Vec::new();
        let mut wakes: BTreeMap<PoolId, Vec<String>> = BTreeMap::new();
        for message in event.records {
            let id = message.message_id.unwrap_or_default();
            match command::read::<RouteCommand>(message.body.as_deref().unwrap_or_default()) {
                Ok(RouteCommand::RouteLead { lead_id, version, rulebook, score, .. }) => {
                    messages.push((id, lead_id.clone()));
                    asks.push(Ask { lead_id, version, rulebook, score, reroute: None });
                }
                Ok(RouteCommand::RerouteLead { lead_id, rulebook, .. }) => {
                    messages.push((id, lead_id.clone()));
                    asks.push(Ask { reroute: Some(rulebook), ..Ask::afresh(lead_id) });
                }
                Ok(RouteCommand::WakePool { pool, .. }) => wakes.entry(pool).or_default().push(id),
                Err(cause) => failures.push(failed(id, &cause.into())),
            }
        }
        let unrouted = self.route(asks).await;
        // Leads that just came in go first; those in lines have waited for longer than this takes.
        for (pool, ids) in wakes {
            if let Err(cause) = self.wake(&pool).await {
                failures.extend(ids.into_iter().map(|id| failed(id, &cause)));
            }
        }
        for (id, lead) in messages {
            if let Some(cause) = unrouted.get(&lead) {
                failures.push(failed(id, &cause.as_str().into()));
            }
        }
        Ok(retry(failures))
    }
}

impl Route {
    /// Gives the leads in a pool's line to whoever is free now: the best ones first, as many as find a seat.
    async fn wake(&self, pool: &PoolId) -> Result<(), FunctionError> {
        let started = self.clock.now();
        let mut before = Vec::new();
        loop {
            let best = self.leads.line(pool, WAKE_AT_ONCE).await?;
            // Nobody left the front of the line, so nobody behind it has a chance either.
            let seated = best.iter().any(|lead| !before.contains(lead));
            if best.is_empty() || !seated || self.clock.now().duration_since(started) > WAKE_TIME {
                return Ok(());
            }
            info!(pool = %pool, leads = best.len(), "waking pool");
            let unrouted = self.route(best.iter().cloned().map(Ask::afresh).collect()).await;
            if let Some((lead, cause)) = unrouted.into_iter().next() {
                return Err(format!("lead {lead} of pool {pool}: {cause}").into());
            }
            before = best;
        }
    }
}
