//! `score`: what a lead is worth, and whether it is ready for sales.
//!
//! It writes nothing: the score travels to `route` in the message and is stored with the decision.

use std::collections::BTreeMap;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use fairleader_domain::account::AccountFacts;
use fairleader_domain::id::AccountId;
use fairleader_domain::rulebook::Facts;
use fairleader_messaging::command::{self, SCHEMA};
use fairleader_messaging::{Outgoing, Queue, RouteCommand, ScoreLead};
use fairleader_runtime::{Clock, Env, Function, FunctionError, Invocation, SetupError, failed, retry};
use fairleader_store::{Accounts, ActiveRulebook, Leads, Loaded, Rulebooks, Table};
use tracing::info;

/// The function.
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

    /// Scores every lead in the batch; reads and sends are shared, and what fails is delivered again.
    async fn call(&self, event: SqsEvent, _: Invocation) -> Result<SqsBatchResponse, FunctionError> {
        let mut failures = Vec::new();
        let mut commands = Vec::new();
        for message in event.records {
            let id = message.message_id.unwrap_or_default();
            match command::read::<ScoreLead>(message.body.as_deref().unwrap_or_default()) {
                Ok(command) => commands.push((id, command)),
                Err(cause) => failures.push(failed(id, &cause.into())),
            }
        }
        let ids: Vec<_> = commands.iter().map(|(_, command)| command.lead_id.clone()).collect();
        let leads: BTreeMap<_, _> =
            self.leads.load_all(&ids).await?.into_iter().map(|lead| (lead.state.lead_id.clone(), lead)).collect();
        let accounts: Vec<AccountId> = leads.values().filter_map(|lead| lead.profile.account_id.clone()).collect();
        let accounts = self.accounts.facts(&accounts).await?;
        let mut outgoing = Vec::new();
        let mut sent = Vec::new();
        for (id, command) in commands {
            match self.score_one(&command, &leads, &accounts).await {
                Ok(Some(message)) => {
                    outgoing.push(message);
                    sent.push(id);
                }
                Ok(None) => {}
                Err(cause) => failures.push(failed(id, &cause)),
            }
        }
        if let Err(cause) = self.route.send_all(outgoing).await {
            let cause: FunctionError = cause.into();
            failures.extend(sent.into_iter().map(|id| failed(id, &cause)));
        }
        Ok(retry(failures))
    }
}

impl Score {
    /// Scores one lead as it is now; `None` if there is nothing to decide about it any more.
    async fn score_one(
        &self,
        command: &ScoreLead,
        leads: &BTreeMap<fairleader_domain::id::LeadId, Loaded>,
        accounts: &BTreeMap<AccountId, AccountFacts>,
    ) -> Result<Option<Outgoing>, FunctionError> {
        let Some(Loaded { state, profile }) = leads.get(&command.lead_id) else {
            return Err(format!("lead {} is not stored", command.lead_id).into());
        };
        if !state.stage.is_undecided() {
            info!(lead.id = %state.lead_id, stage = state.stage.as_str(), "nothing to score");
            return Ok(None);
        }
        let rulebook = self.rulebooks.get(&command.rulebook).await?;
        let account = profile.account_id.as_ref().and_then(|id| accounts.get(id));
        let facts = Facts {
            profile,
            source: &state.source,
            received_at: state.received_at,
            account,
            score: None,
            now: self.clock.now(),
        };
        let route = RouteCommand::RouteLead {
            schema: SCHEMA,
            lead_id: state.lead_id.clone(),
            version: state.version,
            rulebook: Some(command.rulebook.clone()),
            score: Some(rulebook.score(&facts)),
            group: command.group.clone(),
            trace: command.trace.clone(),
        };
        Ok(Some(Outgoing::new(&route, Some(&command.group))?))
    }
}
