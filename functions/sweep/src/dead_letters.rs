//! Dead letters: a failed command is stored with its lead, and the lead is put on hold until a person decides.

use std::time::Instant;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use fairleader_domain::lifecycle::{Command, Transition, held_unstored, transition};
use fairleader_lead::id::{LeadId, SourceId};
use fairleader_lead::state::State;
use fairleader_messaging::command::CommandError;
use fairleader_messaging::{EnrichCommand, RecordActivity};
use fairleader_runtime::{FunctionError, about, each};
use fairleader_store::{Committed, DeadLetter, Tries};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tracing::{Span, error, info, warn};

use crate::Sweep;

/// Fields of commands in every version of their format.
#[derive(Deserialize)]
struct AnyCommand {
    lead_id: Option<LeadId>,
    trace: Option<String>,
    pool: Option<String>,
    rep: Option<String>,
}

impl Sweep {
    /// Drains a batch of dead letters. A dead letter without a lead stays in the queue for a manual check.
    pub(crate) async fn drain(&self, batch: SqsEvent, deadline: Instant) -> SqsBatchResponse {
        each(batch, 10, |message| self.drain_one(message, deadline)).await
    }

    async fn drain_one(&self, message: SqsMessage, deadline: Instant) -> Result<(), FunctionError> {
        let body = message.body.unwrap_or_default();
        let queue = message
            .attributes
            .get("DeadLetterQueueSourceArn")
            .and_then(|arn| arn.rsplit(':').next())
            .unwrap_or("unknown")
            .to_owned();
        let command: AnyCommand = serde_json::from_str(&body)
            .map_err(CommandError::from)
            .map_err(|cause| format!("a dead letter from queue {queue} cannot be read and stays there: {cause}"))?;
        let Some(lead_id) = command.lead_id else {
            if command.pool.is_some() || command.rep.is_some() {
                // The next sweep wakes every pool with waiting leads.
                warn!(pool = command.pool, rep = command.rep, "wake failed too often");
                return Ok(());
            }
            return Err(format!("a dead letter from queue {queue} names no lead and stays there").into());
        };
        about(&Span::current(), &lead_id, command.trace.as_deref().unwrap_or_default());
        let id = format!("{:x}", Sha256::digest(body.as_bytes()));
        let unstored = serde_json::from_str::<EnrichCommand>(&body).ok();
        let reason = match &unstored {
            Some(EnrichCommand::RecordActivity(RecordActivity { email: None, .. }))
                if self.leads.state(&lead_id).await?.is_none() =>
            {
                Some(format!("there is no lead `{lead_id}`"))
            }
            _ => None,
        };
        let letter = DeadLetter { queue: queue.clone(), command: body, at: self.clock.now(), reason };
        self.leads.keep_dead_letter(&lead_id, &id, &letter).await?;
        error!(queue, reason = letter.reason, "command failed too often");
        // An activity for an unknown lead: putting it on hold would create a lead that no source sent.
        if letter.reason.is_some() {
            return Ok(());
        }
        self.hold(&lead_id, unstored, &format!("failed_in_{queue}"), deadline).await
    }

    async fn hold(
        &self,
        lead_id: &LeadId,
        unstored: Option<EnrichCommand>,
        reason: &str,
        deadline: Instant,
    ) -> Result<(), FunctionError> {
        let mut tries = Tries::until(deadline, [lead_id.as_str()]);
        loop {
            tries.again("holding the lead").await?;
            let now = self.clock.now();
            let mut transaction = self.leads.transaction();
            if let Some(state) = self.leads.state(lead_id).await? {
                match transition(&state, Command::Hold { reason: reason.to_owned() }, now) {
                    Ok(Transition::Changed(change)) => self.leads.change(&mut transaction, (), &change)?,
                    Ok(Transition::Unchanged) => return Ok(()),
                    Err(refusal) => {
                        // It has an owner or is out of the process, so the failed command no longer matters.
                        info!(reason = %refusal, "lead is not put on hold");
                        return Ok(());
                    }
                }
            } else {
                // It failed before the lead could be stored, so this creates the lead.
                let (source, received_at, hash) = match &unstored {
                    Some(EnrichCommand::StoreLead(command)) => {
                        (command.source.clone(), command.received_at, command.payload_hash.clone())
                    }
                    Some(EnrichCommand::RecordActivity(command)) => {
                        (command.source.clone(), command.received_at, String::new())
                    }
                    None => (SourceId::from("unknown"), now, String::new()),
                };
                let stored = State::stored(lead_id.clone(), source, received_at, hash);
                self.leads.create_changed(&mut transaction, (), &held_unstored(stored, reason.to_owned(), now))?;
            }
            match transaction.commit().await? {
                Committed::Done => return Ok(()),
                Committed::Stale(_) | Committed::Busy => {}
            }
        }
    }
}
