//! `score`: computes the new score of a lead that was decided before, and whether it is now an MQL.
//!
//! - A lead in nurture or in sales is rescored when something new is known. A changed score is stored with an event,
//!   and the lead's first MQL time is set once. A lead in nurture goes to `route` if the rulebook now wants something
//!   else.
//! - A lead that has become undecided since the command was sent goes to `route`. The command carries the score, and it
//!   is stored with the decision.
//!
//! Leads that need a decision do not come here: `route` scores them.
//!
//! This function never queues commands for itself, so there can be no loop.

use std::collections::BTreeMap;
use std::time::Instant;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use fairleader_domain::lifecycle::{Change, Command, Transition, transition};
use fairleader_domain::routing;
use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::{AccountId, LeadId};
use fairleader_lead::score;
use fairleader_lead::state::State;
use fairleader_messaging::command::{self, SCHEMA};
use fairleader_messaging::{Outgoing, Queue, RouteCommand, ScoreLead};
use fairleader_rulebook::{Facts, Rulebook};
use fairleader_runtime::{
    Chain, Clock, Env, Function, FunctionError, Invocation, SetupError, about, failed, message_span, retry,
};
use fairleader_store::{Accounts, ActiveRulebook, Committed, Leads, Loaded, Rulebooks, StoreError, Table, Tries};
use jiff::Timestamp;
use tracing::{Instrument, Span, info, warn};

/// Lambda function `score`.
#[derive(Debug)]
pub struct Score {
    leads: Leads,
    accounts: Accounts,
    rulebooks: ActiveRulebook,
    route: Queue,
    clock: Clock,
}

impl Function for Score {
    type Event = SqsEvent;
    type Reply = SqsBatchResponse;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        Ok(Self {
            leads: Leads::new(Table::new(&config, env.get("LEADS_TABLE")?)),
            accounts: Accounts::new(Table::new(&config, env.get("ACCOUNTS_TABLE")?)),
            rulebooks: ActiveRulebook::new(Rulebooks::new(Table::new(&config, env.get("RULEBOOKS_TABLE")?))),
            route: Queue::new(&config, env.get("ROUTE_QUEUE_URL")?),
            clock: env.clock(),
        })
    }

    /// Scores every lead in the batch, with shared reads and sends. Failed messages are delivered again.
    async fn call(&self, event: SqsEvent, invocation: Invocation) -> Result<SqsBatchResponse, FunctionError> {
        let mut failures = Vec::new();
        let mut messages = Vec::new();
        for message in event.records {
            let id = message.message_id.unwrap_or_default();
            let span = message_span(&id);
            match command::read::<ScoreLead>(message.body.as_deref().unwrap_or_default()) {
                Ok(command) => {
                    about(&span, &command.lead_id, &command.trace);
                    messages.push(Message { id, span, command });
                }
                Err(cause) => failures.push(span.in_scope(|| failed(id, &cause.into()))),
            }
        }
        let mut known = self.read_together(&messages).await;
        let mut outgoing = Vec::new();
        let mut sent = Vec::new();
        for Message { id, span, command } in messages {
            match self.score_one(&command, &mut known, invocation.deadline).instrument(span.clone()).await {
                Ok(Some(message)) => {
                    outgoing.push(message);
                    sent.push((id, span));
                }
                Ok(None) => {}
                Err(cause) => failures.push(span.in_scope(|| failed(id, &cause))),
            }
        }
        if let Err(cause) = self.route.send_all(outgoing).await {
            let cause: FunctionError = cause.into();
            failures.extend(sent.into_iter().map(|(id, span)| span.in_scope(|| failed(id, &cause))));
        }
        Ok(retry(failures))
    }
}

/// Message with its command.
struct Message {
    /// The id of the message in the queue.
    id: String,
    /// The span of its lead in the log.
    span: Span,
    command: ScoreLead,
}

/// Leads and accounts that were read.
#[derive(Default)]
struct Known {
    leads: BTreeMap<LeadId, Loaded>,
    accounts: BTreeMap<AccountId, AccountFacts>,
}

impl Known {
    fn extend(&mut self, other: Self) {
        self.leads.extend(other.leads);
        self.accounts.extend(other.accounts);
    }
}

impl Score {
    /// Reads the leads of a batch and their accounts: two requests, if no account has a parent.
    async fn read_together(&self, messages: &[Message]) -> Known {
        let ids: Vec<LeadId> = messages.iter().map(|message| message.command.lead_id.clone()).collect();
        match self.read(&ids).await {
            Ok(known) => known,
            // One item may be damaged. Let each message read on its own, so that only those that need it fail.
            Err(cause) => {
                warn!(cause = %Chain(&cause), "shared read failed; reading each lead on its own");
                Known::default()
            }
        }
    }

    /// Reads these leads and their accounts.
    async fn read(&self, ids: &[LeadId]) -> Result<Known, StoreError> {
        let leads = self.leads.load_all(ids).await?;
        let accounts: Vec<AccountId> = leads.iter().filter_map(|lead| lead.profile.account_id.clone()).collect();
        let accounts = self.accounts.facts(&accounts).await?;
        let leads = leads.into_iter().map(|lead| (lead.state.lead_id.clone(), lead)).collect();
        Ok(Known { leads, accounts })
    }

    /// Scores one lead. Reads it if it is not in `known`, and again after a conflict. Returns `None` if there is
    /// nothing to decide.
    async fn score_one(
        &self,
        command: &ScoreLead,
        known: &mut Known,
        deadline: Instant,
    ) -> Result<Option<Outgoing>, FunctionError> {
        let id = &command.lead_id;
        let rulebook = self.rulebooks.get(&command.rulebook).await?;
        let mut tries = Tries::until(deadline, [id.as_str()]);
        loop {
            tries.again("scoring").await?;
            if !known.leads.contains_key(id) {
                known.extend(self.read(std::slice::from_ref(id)).await?);
            }
            let Some(lead) = known.leads.get_mut(id) else {
                return Err(format!("lead {id} is not stored").into());
            };
            let now = self.clock.now();
            let Some(Scored { score, rescored, decide }) = score(lead, &rulebook, command, &known.accounts, now)?
            else {
                info!(stage = lead.state.stage().as_str(), "nothing to score");
                return Ok(None);
            };
            if let Some(change) = rescored {
                if !self.commit(&change).await? {
                    known.leads.remove(id);
                    continue;
                }
                lead.state = change.state;
            }
            return if decide { Ok(Some(to_route(command, &lead.state, score)?)) } else { Ok(None) };
        }
    }

    /// Stores a new score. Returns false on a conflict.
    async fn commit(&self, change: &Change) -> Result<bool, FunctionError> {
        let state = &change.state;
        let mut transaction = self.leads.transaction();
        self.leads.change(&mut transaction, (), change)?;
        match transaction.commit().await? {
            Committed::Done => {
                let total = state.score.as_ref().map(|score| score.total);
                info!(stage = state.stage().as_str(), score = total, "rescored lead");
                Ok(true)
            }
            Committed::Stale(_) | Committed::Busy => Ok(false),
        }
    }
}

/// Score of a lead, and what follows from it.
struct Scored {
    score: score::Score,
    /// The change to store, for a lead whose score is stored without a decision.
    rescored: Option<Box<Change>>,
    /// Whether `route` must decide.
    decide: bool,
}

/// Scores a lead. Returns `None` at a stage without scores.
fn score(
    lead: &Loaded,
    rulebook: &Rulebook,
    command: &ScoreLead,
    accounts: &BTreeMap<AccountId, AccountFacts>,
    now: Timestamp,
) -> Result<Option<Scored>, FunctionError> {
    let Loaded { state, profile } = lead;
    if !state.stage().is_undecided() && !state.stage().is_rescored() {
        return Ok(None);
    }
    let account = profile.account_id.as_ref().and_then(|id| accounts.get(id));
    let received_at = state.milestones.received;
    let mut facts = Facts { profile, source: &state.source, received_at, account, score: None, now };
    let score = state.keep_mql(rulebook.score(&facts));
    facts.score = Some(&score);
    let decide = routing::is_open(state, &rulebook.decide(&facts).outcome);
    let mut rescored = None;
    if state.stage().is_rescored() {
        let rescore = Command::Rescore { score: score.clone(), rulebook: command.rulebook.clone() };
        if let Transition::Changed(change) = transition(state, rescore, now)? {
            rescored = Some(change);
        }
    }
    Ok(Some(Scored { score, rescored, decide }))
}

fn to_route(command: &ScoreLead, state: &State, score: score::Score) -> Result<Outgoing, FunctionError> {
    let route = RouteCommand::RouteLead {
        schema: SCHEMA,
        lead_id: state.lead_id.clone(),
        version: state.version,
        rulebook: Some(command.rulebook.clone()),
        score: Some(score),
        group: command.group.clone(),
        trace: command.trace.clone(),
    };
    Ok(Outgoing::new(&route, Some(&command.group))?)
}
