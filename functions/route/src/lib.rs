//! `route`: decides by the rulebook who gets a lead, commits the decision, and wakes those who wait.
//!
//! Gather, decide, commit: a batch is read together, decided on by one pure function, and committed in one transaction
//! a pool, in which the owner, the seat and the turn change together or not at all. A decision that loses a race is read
//! and made again; an old decision is never written a second time.

mod commit;
mod gather;
mod wake;

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use fairleader_domain::routing::waiting::Place;
use fairleader_lead::id::{LeadId, PoolId, RepId, RulebookVersion};
use fairleader_lead::score::Score;
use fairleader_messaging::command;
use fairleader_messaging::{Queue, RouteCommand};
use fairleader_runtime::{
    Clock, Env, Function, FunctionError, Invocation, SetupError, about, failed, message_span, retry,
};
use fairleader_store::{Accounts, ActiveRulebook, Leads, Pools, Reps, Rulebooks, Table};
use tracing::Span;

/// The function.
#[derive(Debug)]
pub struct Route {
    leads: Leads,
    accounts: Accounts,
    reps: Reps,
    pools: Pools,
    rulebooks: ActiveRulebook,
    queue: Queue,
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
    /// Names the message, the lead and its trace in the log.
    span: Span,
}

impl Ask {
    /// A lead to be scored and decided on as it is now.
    fn new(lead_id: LeadId, span: Span) -> Self {
        Self { lead_id, version: 0, rulebook: None, score: None, reroute: None, span }
    }
}

/// The messages of a batch by what is to be done.
#[derive(Default)]
struct Batch {
    asks: Vec<Ask>,
    /// The messages of `asks`, in order.
    messages: Vec<String>,
    wakes: BTreeMap<PoolId, Wake>,
    reps: BTreeMap<RepId, Vec<String>>,
    /// Messages that cannot be read.
    unread: Vec<String>,
}

/// A pool to wake, and the messages that ask for it.
#[derive(Default)]
struct Wake {
    /// Where in the line to go on; at the front if absent.
    after: Option<Place>,
    messages: Vec<String>,
}

impl Batch {
    fn read(event: SqsEvent) -> Self {
        let mut batch = Self::default();
        for message in event.records {
            let id = message.message_id.unwrap_or_default();
            let span = message_span(&id);
            if let Err(cause) = batch.add(&id, &span, message.body.as_deref().unwrap_or_default()) {
                batch.unread.push(span.in_scope(|| failed(id, &cause)));
            }
        }
        batch
    }

    fn add(&mut self, id: &str, span: &Span, body: &str) -> Result<(), FunctionError> {
        let ask = match command::read::<RouteCommand>(body)? {
            RouteCommand::RouteLead { lead_id, version, rulebook, score, trace, .. } => {
                about(span, &lead_id, &trace);
                Ask { version, rulebook, score, ..Ask::new(lead_id, span.clone()) }
            }
            RouteCommand::RerouteLead { lead_id, rulebook, trace, .. } => {
                about(span, &lead_id, &trace);
                Ask { reroute: Some(rulebook), ..Ask::new(lead_id, span.clone()) }
            }
            RouteCommand::WakePool { pool, after, .. } => {
                let after: Option<Place> = after.map(|after| after.parse()).transpose()?;
                let wake = self.wakes.entry(pool).or_default();
                // Of several wakes of a pool the one that begins nearest to the front does for all.
                wake.after = match (wake.messages.is_empty(), after, wake.after.take()) {
                    (true, after, _) => after,
                    (false, Some(one), Some(other)) => Some(one.max(other)),
                    (false, ..) => None,
                };
                wake.messages.push(id.to_owned());
                return Ok(());
            }
            RouteCommand::WakeRep { rep, .. } => {
                self.reps.entry(rep).or_default().push(id.to_owned());
                return Ok(());
            }
        };
        self.asks.push(ask);
        self.messages.push(id.to_owned());
        Ok(())
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
            queue: Queue::new(&config, env.get("ROUTE_QUEUE_URL")?),
            clock: env.clock(),
        })
    }

    /// Routes every lead in the batch; only those worth retrying are delivered again.
    async fn call(&self, event: SqsEvent, invocation: Invocation) -> Result<SqsBatchResponse, FunctionError> {
        let Batch { asks, messages, wakes, reps, unread: mut failures } = Batch::read(event);
        let sent: Vec<(LeadId, Span)> = asks.iter().map(|ask| (ask.lead_id.clone(), ask.span.clone())).collect();
        let routed = self.route(asks, invocation.deadline).await;
        for (message, (lead, span)) in messages.into_iter().zip(sent) {
            if let Some(cause) = routed.failures.get(&lead) {
                failures.push(span.in_scope(|| failed(message, &cause.as_str().into())));
            }
        }
        // Leads that just came in go first; those in lines have waited for longer than this takes.
        if let Err(cause) = self.wake_reps(&reps.keys().cloned().collect::<BTreeSet<_>>()).await {
            failures.extend(reps.into_values().flatten().map(|id| failed(id, &cause)));
        }
        failures.extend(self.wake(wakes, invocation.deadline).await);
        Ok(retry(failures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_wakes_of_a_pool_are_one_from_the_place_nearest_to_the_front() {
        let read = |afters: &[Option<&str>]| {
            let mut batch = Batch::default();
            for after in afters {
                let body = serde_json::json!({"schema": 1, "command": "wake_pool", "pool": "dach", "after": after});
                batch.add("m", &Span::none(), &body.to_string()).unwrap();
            }
            let wake = batch.wakes.remove(&PoolId::from("dach")).unwrap();
            assert_eq!(wake.messages.len(), afters.len());
            wake.after.map(|after| after.to_string())
        };
        assert_eq!(read(&[Some("7.l-1")]).as_deref(), Some("7.l-1"));
        assert_eq!(read(&[Some("7.l-1"), Some("9.l-0")]).as_deref(), Some("9.l-0"));
        assert_eq!(read(&[Some("7.l-1"), None]), None);
        assert_eq!(read(&[None, Some("7.l-1")]), None);
    }
}
