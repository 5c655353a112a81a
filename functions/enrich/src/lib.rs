//! `enrich`: normalises and enriches a submission, finds its account and whether the person is known, and stores it;
//! and records what people do with the lead they are.
//!
//! Nothing is stored in one piece; the order of the writes is such that repeating the command completes what an earlier
//! attempt began: identities first (so that of two leads of one person only one is stored as its own), then the
//! profile, then the state, then the message to `score`.

mod activity;
mod duplicate;

use std::collections::BTreeMap;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use fairleader_domain::lifecycle::Command;
use fairleader_lead::id::{AccountId, LeadId};
use fairleader_lead::matching;
use fairleader_lead::normalise;
use fairleader_lead::profile::Profile;
use fairleader_lead::state::State;
use fairleader_messaging::command::{self, SCHEMA};
use fairleader_messaging::{EnrichCommand, Outgoing, Queue, RecordActivity, ScoreLead, StoreLead};
use fairleader_runtime::{Clock, Env, Function, FunctionError, Invocation, SetupError, failed, retry};
use fairleader_store::{
    ActiveRulebook, Committed, Created, Identities, Leads, Pools, Reps, Rulebooks, Table, person_identities,
};
use futures::{StreamExt, stream};
use tracing::info;

/// Leads stored at the same time within a batch: all of them.
const AT_ONCE: usize = 10;

/// The function.
#[derive(Debug)]
pub struct Enrich {
    leads: Leads,
    identities: Identities,
    reps: Reps,
    pools: Pools,
    rulebooks: ActiveRulebook,
    score: Queue,
    clock: Clock,
}

/// A command with what was made of its submission.
#[derive(Debug)]
struct Enriched {
    command: StoreLead,
    profile: Profile,
}

/// A lead that has to be scored, at this version.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ToScore {
    lead_id: LeadId,
    version: u64,
}

impl ToScore {
    /// The lead, if it is at a stage where a score can change what happens to it.
    fn undecided(state: &State) -> Option<Self> {
        Self::of(state).filter(|_| state.stage().is_undecided())
    }

    /// The lead, if it is at a stage where it has a score or gets one: there is something new to know of it.
    fn of(state: &State) -> Option<Self> {
        let scored = state.stage().is_undecided() || state.stage().is_rescored();
        scored.then(|| Self { lead_id: state.lead_id.clone(), version: state.version })
    }
}

/// Where a command came from, for those that follow from it.
#[derive(Clone, Debug)]
struct Trail {
    group: String,
    trace: String,
}

/// What became of a message: the lead to score, if there is one.
type Outcome = (String, Trail, Result<Option<ToScore>, FunctionError>);

impl Enriched {
    fn new(command: StoreLead) -> Self {
        let mut profile = normalise::profile(&command.submission);
        profile.said(&command.lead_id, &command.payload_hash, command.received_at);
        Self { command, profile }
    }

    /// The lead as it is stored.
    fn stored(&self) -> State {
        let StoreLead { lead_id, source, received_at, payload_hash, .. } = &self.command;
        State::stored(lead_id.clone(), source.clone(), *received_at, payload_hash.clone())
    }
}

impl Function for Enrich {
    type Event = SqsEvent;
    type Reply = SqsBatchResponse;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        Ok(Self {
            leads: Leads::new(Table::new(&config, env.get("LEADS_TABLE")?)),
            identities: Identities::new(Table::new(&config, env.get("IDENTITIES_TABLE")?)),
            reps: Reps::new(Table::new(&config, env.get("REPS_TABLE")?)),
            pools: Pools::new(Table::new(&config, env.get("POOLS_TABLE")?)),
            rulebooks: ActiveRulebook::new(Rulebooks::new(Table::new(&config, env.get("RULEBOOKS_TABLE")?))),
            score: Queue::new(&config, env.get("SCORE_QUEUE_URL")?),
            clock: env.clock(),
        })
    }

    /// Stores every lead in the batch; the accounts are looked up together. What people did is recorded after that:
    /// some of them may be among these leads. What fails is delivered again.
    async fn call(&self, event: SqsEvent, _: Invocation) -> Result<SqsBatchResponse, FunctionError> {
        let mut failures = Vec::new();
        let mut leads = Vec::new();
        let mut activities: BTreeMap<String, Vec<(String, RecordActivity)>> = BTreeMap::new();
        for message in event.records {
            let id = message.message_id.unwrap_or_default();
            match command::read::<EnrichCommand>(message.body.as_deref().unwrap_or_default()) {
                Ok(EnrichCommand::StoreLead(command)) => leads.push((id, Enriched::new(command))),
                Ok(EnrichCommand::RecordActivity(command)) => {
                    activities.entry(activity::doer(&command)).or_default().push((id, command));
                }
                Err(cause) => failures.push(failed(id, &cause.into())),
            }
        }
        let mut outcomes = self.store_all(leads).await?;
        outcomes.extend(self.record_all(activities).await);
        let mut sent = Vec::new();
        let mut scores = BTreeMap::new();
        for (id, trail, outcome) in outcomes {
            match outcome {
                // One message is enough for all that is new of a lead.
                Ok(Some(ToScore { lead_id, version })) => {
                    sent.push(id);
                    let (known, _) = scores.entry(lead_id).or_insert((version, trail));
                    *known = version.max(*known);
                }
                Ok(None) => {}
                Err(cause) => failures.push(failed(id, &cause)),
            }
        }
        if let Err(cause) = self.send(scores).await {
            failures.extend(sent.into_iter().map(|id| failed(id, &cause)));
        }
        Ok(retry(failures))
    }
}

impl Enrich {
    async fn store_all(&self, mut leads: Vec<(String, Enriched)>) -> Result<Vec<Outcome>, FunctionError> {
        self.find_accounts(&mut leads).await?;
        let stored = stream::iter(leads).map(|(id, lead)| async move {
            let outcome = self.store(&lead).await;
            let StoreLead { group, trace, .. } = lead.command;
            (id, Trail { group, trace }, outcome)
        });
        Ok(stored.buffer_unordered(AT_ONCE).collect().await)
    }

    /// Records what each of these people did, one activity after the other: at the same time they would only lose
    /// races.
    async fn record_all(&self, activities: BTreeMap<String, Vec<(String, RecordActivity)>>) -> Vec<Outcome> {
        let recorded = stream::iter(activities.into_values()).map(|activities| async move {
            let mut outcomes: Vec<Outcome> = Vec::with_capacity(activities.len());
            for (id, command) in activities {
                let outcome = Box::pin(self.record(&command)).await;
                let RecordActivity { group, trace, .. } = command;
                outcomes.push((id, Trail { group, trace }, outcome));
            }
            outcomes
        });
        let outcomes: Vec<Vec<Outcome>> = recorded.buffer_unordered(AT_ONCE).collect().await;
        outcomes.into_iter().flatten().collect()
    }

    /// Finds the account of every lead in the batch, with one read.
    async fn find_accounts(&self, batch: &mut [(String, Enriched)]) -> Result<(), FunctionError> {
        let wanted: Vec<String> = batch.iter().flat_map(|(_, lead)| matching::identities(&lead.profile)).collect();
        let found: BTreeMap<String, AccountId> = self.identities.accounts(&wanted).await?;
        for (_, lead) in batch.iter_mut() {
            matching::recognise(&mut lead.profile, |identity| found.get(identity).cloned());
        }
        Ok(())
    }

    /// Stores one lead, or merges it into the one that the person already has. Gives back the lead to score.
    async fn store(&self, lead: &Enriched) -> Result<Option<ToScore>, FunctionError> {
        let mut known = Vec::new();
        for identity in person_identities(&lead.profile) {
            known.extend(self.claim(&identity, lead).await?);
        }
        if !known.is_empty() {
            return self.merge(lead, known).await;
        }
        let (state, lead_id) = (lead.stored(), &lead.command.lead_id);
        match self.leads.create(&state, &lead.profile).await? {
            Created::New => {
                info!(lead.id = %lead_id, trace = %lead.command.trace, "stored lead");
                Ok(ToScore::undecided(&state))
            }
            Created::Existing(existing) => self.again(lead, *existing).await,
            Created::Underway => Err(format!("lead {lead_id} is being stored with other content").into()),
        }
    }

    /// The same id came before: a repeat, or the sender changed their mind.
    async fn again(&self, lead: &Enriched, existing: State) -> Result<Option<ToScore>, FunctionError> {
        let command = &lead.command;
        if existing.is_unstored() {
            return self.store_at_last(lead, &existing).await;
        }
        if existing.payload_hash != command.payload_hash {
            return self.resubmit(lead, existing).await;
        }
        // A repeat. If the lead (or the one it was merged into) is not decided on yet, the message to `score` may have
        // been lost with the attempt that stored it.
        match existing.merged_into() {
            Some(into) => Ok(self.surviving(into).await?.and_then(|target| ToScore::of(&target.state))),
            None => Ok(ToScore::undecided(&existing)),
        }
    }

    /// Stores a lead that was held before it could be stored. A profile may be there of an attempt with other content,
    /// which is a resubmission once it comes again.
    async fn store_at_last(&self, lead: &Enriched, held: &State) -> Result<Option<ToScore>, FunctionError> {
        let StoreLead { lead_id, source, received_at, payload_hash, .. } = lead.command.clone();
        let store = Command::Store { source, received_at, payload_hash };
        let change = duplicate::changed(held, store, self.clock.now())?;
        let mut transaction = self.leads.transaction();
        self.leads.change(&mut transaction, (), &change)?;
        self.leads.reprofile(&mut transaction, (), &change.state, &lead.profile)?;
        match transaction.commit().await? {
            Committed::Done => {
                info!(lead.id = %lead_id, trace = %lead.command.trace, "stored lead that was held");
                Ok(ToScore::undecided(&change.state))
            }
            Committed::Stale(_) | Committed::Busy => Err(format!("lead {lead_id} moved while it was stored").into()),
        }
    }

    async fn send(&self, leads: BTreeMap<LeadId, (u64, Trail)>) -> Result<(), FunctionError> {
        if leads.is_empty() {
            return Ok(());
        }
        let rulebook = self.rulebooks.version(self.clock.now()).await?;
        let messages = leads
            .into_iter()
            .map(|(lead_id, (version, Trail { group, trace }))| {
                let score = ScoreLead { schema: SCHEMA, lead_id, version, rulebook: rulebook.clone(), group, trace };
                Outgoing::new(&score, Some(&score.group))
            })
            .collect::<Result<_, _>>()?;
        Ok(self.score.send_all(messages).await?)
    }
}
