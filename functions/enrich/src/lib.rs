//! `enrich`: normalises and enriches submissions, finds the account and the person's existing lead, and stores or
//! merges them. It also records activities.
//!
//! The domain's [`admission`](fairleader_domain::admission) decides; this function reads, commits and replies. Each
//! message changes everything in one transaction, so a call that is cut short leaves all or nothing of it. The command
//! that follows is sent last; if it is lost, the redelivered message sends it. A lead that needs a decision goes to
//! `route`, which scores it too; a lead that was decided before goes to `score`.

mod arrivals;

use std::collections::BTreeMap;
use std::time::Instant;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use fairleader_domain::admission::{Missing, Next, Outcome, Step};
use fairleader_lead::id::LeadId;
use fairleader_messaging::command::{self, SCHEMA};
use fairleader_messaging::{EnrichCommand, Outgoing, Queue, RouteCommand, ScoreLead};
use fairleader_runtime::{
    Chain, Clock, Env, Function, FunctionError, Invocation, SetupError, failed, message_span, retry,
};
use fairleader_store::{ActiveRulebook, Admissions, Identities, Leads, Look, Pools, Reps, Rulebooks, Table, Tries};
use futures::{StreamExt, stream};
use tracing::{Instrument, Span, info, warn};

use crate::arrivals::{Message, Trail, by_person};

/// Limit on the people that are admitted at the same time: a whole batch.
const AT_ONCE: usize = 10;

/// Lambda function `enrich`.
#[derive(Debug)]
pub struct Enrich {
    admissions: Admissions,
    rulebooks: ActiveRulebook,
    score: Queue,
    route: Queue,
    clock: Clock,
}

/// Result of a message.
struct Admitted {
    /// The id of the message in the queue.
    id: String,
    /// The span of its admission.
    span: Span,
    trail: Trail,
    outcome: Result<Outcome, FunctionError>,
}

impl Function for Enrich {
    type Event = SqsEvent;
    type Reply = SqsBatchResponse;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        Ok(Self {
            admissions: Admissions {
                leads: Leads::new(Table::new(&config, env.get("LEADS_TABLE")?)),
                identities: Identities::new(Table::new(&config, env.get("IDENTITIES_TABLE")?)),
                reps: Reps::new(Table::new(&config, env.get("REPS_TABLE")?)),
                pools: Pools::new(Table::new(&config, env.get("POOLS_TABLE")?)),
            },
            rulebooks: ActiveRulebook::new(Rulebooks::new(Table::new(&config, env.get("RULEBOOKS_TABLE")?))),
            score: Queue::new(&config, env.get("SCORE_QUEUE_URL")?),
            route: Queue::new(&config, env.get("ROUTE_QUEUE_URL")?),
            clock: env.clock(),
        })
    }

    /// Admits every message of the batch, with shared reads. Failed messages are delivered again.
    async fn call(&self, event: SqsEvent, invocation: Invocation) -> Result<SqsBatchResponse, FunctionError> {
        let mut failures = Vec::new();
        let mut messages = Vec::new();
        for message in event.records {
            let id = message.message_id.unwrap_or_default();
            let span = message_span(&id);
            match command::read::<EnrichCommand>(message.body.as_deref().unwrap_or_default()) {
                Ok(command) => messages.push(Message::new(id, span, command)),
                Err(cause) => failures.push(span.in_scope(|| failed(id, &cause.into()))),
            }
        }
        let mut sent = Vec::new();
        let mut leads: BTreeMap<LeadId, (Next, Trail)> = BTreeMap::new();
        for Admitted { id, span, trail, outcome } in self.admit_all(messages, invocation.deadline).await {
            match outcome {
                // One command is enough for all changes of a lead.
                Ok(Outcome { next: Some(next), .. }) => {
                    sent.push((id, span));
                    let (last, _) = leads.entry(next.lead_id.clone()).or_insert_with(|| (next.clone(), trail));
                    if next.version > last.version {
                        *last = next;
                    }
                }
                Ok(_) => {}
                Err(cause) => failures.push(span.in_scope(|| failed(id, &cause))),
            }
        }
        if let Err(cause) = self.send(leads).await {
            failures.extend(sent.into_iter().map(|(id, span)| span.in_scope(|| failed(id, &cause))));
        }
        Ok(retry(failures))
    }
}

impl Enrich {
    async fn admit_all(&self, messages: Vec<Message>, deadline: Instant) -> Vec<Admitted> {
        let mut people = by_person(messages);
        self.read_together(&mut people).await;
        let admitted = stream::iter(people).map(|messages| self.admit_person(messages, deadline));
        let admitted: Vec<Vec<Admitted>> = admitted.buffer_unordered(AT_ONCE).collect().await;
        admitted.into_iter().flatten().collect()
    }

    /// Reads the data for the first message of each person together: two requests for a batch of new people. Further
    /// messages of a person read on their own, after the changes of the first one.
    async fn read_together(&self, people: &mut [Vec<Message>]) {
        let now = self.clock.now();
        loop {
            let mut all = Missing::default();
            let mut wants = Vec::new();
            for message in people.iter_mut().filter_map(|messages| messages.first_mut()) {
                let missing = message.arrival.missing(now);
                if !missing.is_empty() {
                    all.extend(missing.clone());
                    wants.push((message, missing));
                }
            }
            if wants.is_empty() {
                return;
            }
            match self.admissions.read(&all, Look::Glance).await {
                Ok(found) => wants.into_iter().for_each(|(message, missing)| message.arrival.read(&missing, &found)),
                // One item may be damaged. Let each message read on its own, so that only those that need it fail.
                Err(cause) => {
                    warn!(cause = %Chain(&cause), "shared read failed; reading each message on its own");
                    return;
                }
            }
        }
    }

    /// Admits the messages of one person, one after another.
    async fn admit_person(&self, messages: Vec<Message>, deadline: Instant) -> Vec<Admitted> {
        let mut admitted = Vec::with_capacity(messages.len());
        for mut message in messages {
            let span = message.span.clone();
            let outcome = self.admit(&mut message, deadline).instrument(span.clone()).await;
            admitted.push(Admitted { id: message.id, span, trail: message.trail, outcome });
        }
        admitted
    }

    /// Admits a message: reads, decides and commits, and retries on a conflict.
    async fn admit(&self, message: &mut Message, deadline: Instant) -> Result<Outcome, FunctionError> {
        let mut tries = Tries::until(deadline, [message.about.as_str()]);
        tries.again("admitting").await?;
        loop {
            let now = self.clock.now();
            match message.arrival.step(now)? {
                Step::Read(missing) => {
                    let found = self.admissions.read(&missing, Look::Now).await?;
                    message.arrival.read(&missing, &found);
                }
                Step::Commit(plan) => {
                    let committed = self.admissions.commit(&plan, now).await?;
                    message.arrival.committed(committed.is_ok());
                    if let Err(lost) = committed {
                        info!(about = message.about, ?lost, "conflict");
                        tries.again("admitting").await?;
                    }
                }
                Step::Done(outcome) => {
                    let into = outcome.into.as_ref().map(tracing::field::display);
                    info!(about = message.about, into, "{}", outcome.what);
                    return Ok(outcome);
                }
            }
        }
    }

    async fn send(&self, leads: BTreeMap<LeadId, (Next, Trail)>) -> Result<(), FunctionError> {
        if leads.is_empty() {
            return Ok(());
        }
        let rulebook = self.rulebooks.version(self.clock.now()).await?;
        let (mut scored, mut decided) = (Vec::new(), Vec::new());
        for (lead_id, (Next { version, decide, .. }, Trail { group, trace })) in leads {
            let rulebook = rulebook.clone();
            if decide {
                let (rulebook, to) = (Some(rulebook), group.clone());
                let decide =
                    RouteCommand::RouteLead { schema: SCHEMA, lead_id, version, rulebook, score: None, group, trace };
                decided.push(Outgoing::new(&decide, Some(&to))?);
            } else {
                let score = ScoreLead { schema: SCHEMA, lead_id, version, rulebook, group, trace };
                scored.push(Outgoing::new(&score, Some(&score.group))?);
            }
        }
        futures::try_join!(self.route.send_all(decided), self.score.send_all(scored))?;
        Ok(())
    }
}
