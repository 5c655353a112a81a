//! `route`: decides by the rulebook who gets a lead, commits the decision, and wakes waiting lists.
//!
//! Gather, decide, commit: a batch is read together, decided by one pure function, and committed in one transaction per
//! pool, in which owner, seat and turn change together or not at all. After a conflict, leads are read and decided
//! again; an old decision is never written again.

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

/// Lambda function `route`.
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

/// Lead to decide.
#[derive(Clone, Debug)]
struct Ask {
    /// The lead.
    lead_id: LeadId,
    /// The version of the lead that the score was computed for.
    version: u64,
    /// The version of the rulebook that its pass uses.
    rulebook: Option<RulebookVersion>,
    /// Its score at that version of the lead.
    score: Option<Score>,
    /// Reassign it by this version of the rulebook, if the owner has not accepted it and the destination differs.
    reroute: Option<RulebookVersion>,
    /// The span with message, lead and trace in the log.
    span: Span,
}

impl Ask {
    /// Creates a request to score and decide a lead as it is now.
    fn new(lead_id: LeadId, span: Span) -> Self {
        Self { lead_id, version: 0, rulebook: None, score: None, reroute: None, span }
    }
}

/// Messages of a batch, by kind.
#[derive(Default)]
struct Batch {
    asks: Vec<Ask>,
    /// Ids of the messages of `asks`, in order.
    messages: Vec<String>,
    wakes: BTreeMap<PoolId, Wake>,
    reps: BTreeMap<RepId, Vec<String>>,
    /// Ids of messages that cannot be read.
    unread: Vec<String>,
}

/// Pool to wake, with the messages that ask for it.
#[derive(Default)]
struct Wake {
    /// The place on the waiting list to continue after. `None` starts at the front.
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
                // Of several wakes of a pool, the one nearest to the front covers all.
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

    /// Routes every lead in the batch. Failed messages are delivered again.
    async fn call(&self, event: SqsEvent, invocation: Invocation) -> Result<SqsBatchResponse, FunctionError> {
        let Batch { asks, messages, wakes, reps, unread: mut failures } = Batch::read(event);
        let sent: Vec<(LeadId, Span)> = asks.iter().map(|ask| (ask.lead_id.clone(), ask.span.clone())).collect();
        let routed = self.route(asks, invocation.deadline).await;
        for (message, (lead, span)) in messages.into_iter().zip(sent) {
            if let Some(cause) = routed.failures.get(&lead) {
                failures.push(span.in_scope(|| failed(message, &cause.as_str().into())));
            }
        }
        // New leads go first: for waiting leads this short delay matters less.
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
    fn combines_wakes_of_a_pool() {
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
