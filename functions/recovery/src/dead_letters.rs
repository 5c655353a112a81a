//! Leads on hold, the commands that failed for them, and their redrive.

use fairleader_api::shape::lead::{Stage as ShownStage, held_from};
use fairleader_api::shape::recovery as shape;
use fairleader_api::{Call, Code, Problem, reply};
use fairleader_domain::lifecycle::{Command, Transition, transition};
use fairleader_domain::routing::HoldReason;
use fairleader_lead::id::{LeadId, RepId};
use fairleader_lead::state::{Decided, Stage, State};
use fairleader_messaging::command::{self, SCHEMA};
use fairleader_messaging::{Outgoing, PublishEvent, RouteCommand};
use fairleader_runtime::http::{Answer, Failure, edit};
use fairleader_store::{Committed, DeadLetter, GivenUp, Tries};
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::Recovery;

/// Leads, or failed commands, on a page.
const PAGE: i32 = 50;
/// Limit on the failed commands that are listed with a lead.
const COMMANDS: usize = 20;
/// Limit on the batches of up to ten events that one call redrives.
const MOVES: usize = 20;

impl Recovery {
    /// `GET /v1/dead-letters`: lists leads on hold with their failed commands, then every failed command whatever the
    /// state of its lead, and counts the messages that need a manual check.
    pub(crate) async fn dead_letters(&self, call: &Call<'_>) -> Answer {
        let page = self.leads.held(PAGE, call.query("from")).await?;
        let mut held = Vec::new();
        for lead in page.leads {
            let Some(state) = self.leads.state(&lead).await?.filter(|state| state.stage() == Stage::Held) else {
                continue;
            };
            let letters = self.leads.dead_letters(&lead).await?;
            let left_out = u64::try_from(letters.len().saturating_sub(COMMANDS)).ok().filter(|count| *count > 0);
            let letters = letters.into_iter().take(COMMANDS);
            held.push(shape::HeldLead {
                lead_id: lead,
                reason: state.reason().map(str::to_owned),
                held_from: held_from(&state),
                received_at: state.milestones.received,
                commands: letters
                    .map(|(id, DeadLetter { queue, at, reason, .. })| shape::FailedCommand { id, queue, at, reason })
                    .collect(),
                commands_left_out: left_out,
            });
        }
        let failed = self.leads.all_dead_letters(PAGE, call.query("commands_from")).await?;
        let commands = failed.letters.into_iter();
        let letters = shape::DeadLetters {
            held,
            next: page.next,
            commands: commands
                .map(|(lead_id, id, letter)| {
                    let DeadLetter { queue, at, reason, .. } = letter;
                    shape::FailedCommandOf { lead_id, id, queue, at, reason }
                })
                .collect(),
            commands_next: failed.next,
            unreadable: self.queues.dead_letters.count().await?,
            unpublished_events: self.queues.publish_dead_letters.count().await?,
        };
        Ok(reply::json(200, &letters))
    }

    /// `POST /v1/dead-letters/{lead_id}/redrive`: releases a lead and retries its failed commands. Only submissions and
    /// activities are sent again unchanged; later steps are decided again from the stored lead. With `events` instead
    /// of a lead id, it publishes failed events again.
    pub(crate) async fn redrive(&self, call: &Call<'_>) -> Answer {
        let named = call.path("lead_id");
        if named == "events" {
            return self.redrive_events().await;
        }
        let lead = LeadId::from(named);
        let state = self.leads.state(&lead).await?;
        let commands = self.redrive_lead(call, &lead, state).await?;
        Ok(reply::json(202, &shape::Redriven { lead_id: lead, commands }))
    }

    /// Releases a lead and retries its failed commands. Returns the number of commands that were queued.
    pub(crate) async fn redrive_lead(
        &self,
        call: &Call<'_>,
        lead: &LeadId,
        state: Option<State>,
    ) -> Result<u64, Failure> {
        let letters = self.leads.dead_letters(lead).await?;
        let held = state.filter(|state| state.stage() == Stage::Held);
        if held.is_none() && letters.is_empty() {
            return Err(
                Problem::not_found(format!("lead `{lead}` is not on hold, and no command failed for it")).into()
            );
        }
        // A lead that has only a state can only be stored by its original command.
        let stored = held.as_ref().is_none_or(|state| !state.is_unstored());
        let submitted: Vec<Outgoing> = letters
            .iter()
            .filter(|(_, letter)| failed_in_enrich(letter))
            .map(|(_, letter)| Outgoing::raw(letter.command.clone()))
            .collect();
        if !stored && submitted.is_empty() {
            return Err(Problem::new(Code::NeverStored, format!("lead `{lead}` was never stored"))
                .detail("the command to store it no longer exists; send the lead again from its source")
                .into());
        }
        if let Some(state) = held.filter(|_| stored) {
            if letters.is_empty() {
                self.decided_otherwise(&state).await?;
            }
            self.release(call, state).await?;
        }
        // `enrich` queues a lead for a decision. If no command goes to `enrich`, queue the lead here.
        let again = stored && (submitted.is_empty() || submitted.len() < letters.len());
        let sent = submitted.len() + usize::from(again);
        self.queues.enrich.send_all(submitted).await?;
        if again {
            let command = RouteCommand::RouteLead {
                schema: SCHEMA,
                lead_id: lead.clone(),
                version: 0,
                rulebook: None,
                score: None,
                group: "redrive".to_owned(),
                trace: format!("redrive-{lead}"),
            };
            self.queues.route.send(Outgoing::new(&command, Some("redrive"))?).await?;
        }
        for (id, _) in &letters {
            self.leads.drop_dead_letter(lead, id).await?;
        }
        info!(lead.id = %lead, commands = sent, by = call.caller()?.subject, "redriven");
        Ok(u64::try_from(sent).unwrap_or(u64::MAX))
    }

    /// Fails with `held_by_rule` if a rule of the active rulebook holds the lead, because it would hold it again.
    async fn decided_otherwise(&self, state: &State) -> Result<(), Failure> {
        let Some(Decided { rule, rulebook, .. }) = &state.decided else { return Ok(()) };
        let by_routing = state.reason().is_some_and(|reason| HoldReason::from_name(reason).is_some());
        if by_routing || self.rulebooks.active(self.clock.now()).await?.as_ref() != Some(rulebook) {
            return Ok(());
        }
        let title = format!("rule `{rule}` of the active rulebook {rulebook} holds lead `{}`", state.lead_id);
        Err(Problem::new(Code::HeldByRule, title)
            .detail("activate a rulebook that does not hold it, then redrive it")
            .into())
    }

    async fn release(&self, call: &Call<'_>, mut state: State) -> Result<(), Failure> {
        let mut tries = Tries::until(call.deadline, [state.lead_id.as_str()]);
        loop {
            tries.again("releasing a lead").await?;
            let now = self.clock.now();
            let change = match transition(&state, Command::Release, now) {
                Ok(Transition::Changed(change)) => change,
                // Another request released it.
                Ok(Transition::Unchanged) | Err(_) => return Ok(()),
            };
            let mut transaction = self.leads.transaction();
            self.leads.change(&mut transaction, (), &change)?;
            let before = Held { reason: state.reason(), held_from: held_from(&state) };
            self.audit.release(&mut transaction, (), &state.lead_id, &before, &edit(call, now)?)?;
            match transaction.commit().await? {
                Committed::Done => return Ok(()),
                Committed::Stale(_) | Committed::Busy => {}
            }
            match self.leads.state(&state.lead_id).await? {
                Some(now) => state = now,
                None => return Ok(()),
            }
        }
    }

    /// Sends events that could not be published to `publish` again, and failed wakes of reps to `route`. Other messages
    /// stay in the dead-letter queue.
    async fn redrive_events(&self) -> Answer {
        let mut moved = 0_u64;
        for _ in 0..MOVES {
            let received = self.queues.publish_dead_letters.receive().await?;
            if received.is_empty() {
                break;
            }
            for letter in received {
                if command::read::<PublishEvent>(&letter.body).is_ok() || GivenUp::read(&letter.body).is_some() {
                    self.queues.publish.send(Outgoing::raw(letter.body)).await?;
                } else if let Some(rep) = rep_to_wake(&letter.body) {
                    self.queues.route.send(Outgoing::wake_rep(rep, "recovery")?).await?;
                } else {
                    continue;
                }
                self.queues.publish_dead_letters.delete(&letter.receipt).await?;
                moved += 1;
            }
        }
        Ok(reply::json(202, &shape::RedrivenEvents { events: moved }))
    }
}

/// How a released lead was held, for the audit.
#[derive(Serialize)]
struct Held<'a> {
    reason: Option<&'a str>,
    held_from: Option<ShownStage>,
}

/// Event that the bus could not deliver: only the part that its rule reads.
#[derive(Deserialize)]
struct Undelivered {
    detail: Freed,
}

#[derive(Deserialize)]
struct Freed {
    freed_owner: RepId,
}

/// Returns the rep with a free seat in a message from the bus. A dead letter of the bus has the event as it was before
/// the rule turned it into a command.
fn rep_to_wake(body: &str) -> Option<RepId> {
    match command::read(body) {
        Ok(RouteCommand::WakeRep { rep, .. }) => Some(rep),
        _ => serde_json::from_str::<Undelivered>(body).ok().map(|event| event.detail.freed_owner),
    }
}

fn failed_in_enrich(letter: &DeadLetter) -> bool {
    letter.queue.rsplit('-').next() == Some("enrich")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_wake_from_a_command_or_an_event() {
        let anna = Some(RepId::from("anna"));
        assert_eq!(rep_to_wake(r#"{"schema": 1, "command": "wake_rep", "rep": "anna"}"#), anna);
        assert_eq!(rep_to_wake(r#"{"source": "fairleader", "detail": {"freed_owner": "anna"}}"#), anna);
        let route = r#"{"schema": 1, "command": "route_lead", "lead_id": "l", "version": 0, "group": "", "trace": ""}"#;
        for other in [route, r#"{"detail": {"lead_id": "l"}}"#, "hello"] {
            assert_eq!(rep_to_wake(other), None, "{other}");
        }
    }
}
