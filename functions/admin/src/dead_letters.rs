//! Leads on hold, the commands that failed for them, and the way back.

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use fairleader_domain::lifecycle::{Command, Transition, transition};
use fairleader_lead::id::{LeadId, PoolId};
use fairleader_lead::state::{Decided, HeldFrom, Stage, Standing, State};
use fairleader_messaging::command::{self, SCHEMA};
use fairleader_messaging::{Outgoing, PublishEvent, RouteCommand};
use fairleader_runtime::http::{self, Caller, Problem};
use fairleader_store::{Committed, DeadLetter};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

use crate::{Admin, AdminError, Answer};

/// Leads, or commands, on a page.
const PAGE: i32 = 50;
/// How often letting a lead go on is tried anew when others are faster.
const ATTEMPTS: usize = 5;
/// Most requests that one call moves events with, ten in each.
const MOVES: usize = 20;
/// Why `route` holds a lead whatever the rules say: the roster or the hour may be another one by now.
const PASSING: [&str; 3] = ["waited_too_long", "pool_not_found", "owner_not_on_roster"];

impl Admin {
    /// `GET /v1/dead-letters`: leads on hold with what failed for them, every command that failed, whatever became of
    /// its lead, and how many messages need a look by hand.
    pub(crate) async fn dead_letters(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let page = self.leads.held(PAGE, http::query(request, "from")).await?;
        let mut held = Vec::new();
        for lead in page.leads {
            let Some(state) = self.leads.state(&lead).await?.filter(|state| state.stage() == Stage::Held) else {
                continue;
            };
            let letters: Vec<Value> = self
                .leads
                .dead_letters(&lead)
                .await?
                .into_iter()
                .map(|(id, letter)| json!({"id": id, "queue": letter.queue, "at": letter.at}))
                .collect();
            held.push(json!({
                "lead_id": lead,
                "reason": state.reason(),
                "held_from": held_from(&state),
                "received_at": state.milestones.received,
                "commands": letters,
            }));
        }
        let failed = self.leads.all_dead_letters(PAGE, http::query(request, "commands_from")).await?;
        let commands: Vec<Value> = failed
            .letters
            .iter()
            .map(|(lead, id, letter)| json!({"lead_id": lead, "id": id, "queue": letter.queue, "at": letter.at}))
            .collect();
        Ok(http::json(
            200,
            &json!({
                "held": held,
                "next": page.next,
                "commands": commands,
                "commands_next": failed.next,
                "unreadable": self.queues.dead_letters.count().await?,
                "unpublished_events": self.queues.publish_dead_letters.count().await?,
            }),
        ))
    }

    /// `POST /v1/dead-letters/{lead_id}/redrive`: lets the lead go on. Only what was sent in is carried out again as it
    /// was; everything later follows from the table and is decided afresh. With `events` in the place of the lead,
    /// events that could not be published are sent again.
    pub(crate) async fn redrive(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let named = http::path(request, "lead_id").unwrap_or_default();
        if named == "events" {
            return self.redrive_events().await;
        }
        let lead = LeadId::from(named);
        let letters = self.leads.dead_letters(&lead).await?;
        let state = self.leads.state(&lead).await?;
        let Some(state) = state.filter(|state| state.stage() == Stage::Held || !letters.is_empty()) else {
            return Err(Problem::not_found(format!("lead `{lead}` is not on hold and nothing failed for it")).into());
        };
        // Nothing but its state is there: it can only be stored by the command that was to store it.
        let stored = !state.is_unstored();
        let submitted: Vec<Outgoing> = letters
            .iter()
            .filter(|(_, letter)| failed_in_enrich(letter))
            .map(|(_, letter)| Outgoing::raw(letter.command.clone()))
            .collect();
        if !stored && submitted.is_empty() {
            return Err(Problem::new(409, "never_stored", format!("lead `{lead}` was never stored"))
                .detail("the command that would store it is not kept; have its source send it again")
                .into());
        }
        if stored && state.stage() == Stage::Held {
            if letters.is_empty() {
                self.decided_otherwise(&state).await?;
            }
            self.release(state).await?;
        }
        // `enrich` passes a lead on to be decided; without a command for it, that is asked for here.
        let afresh = stored && (submitted.is_empty() || submitted.len() < letters.len());
        let sent = submitted.len() + usize::from(afresh);
        self.queues.enrich.send_all(submitted).await?;
        if afresh {
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
            self.leads.drop_dead_letter(&lead, id).await?;
        }
        info!(lead.id = %lead, commands = sent, by = caller.subject, "redriven");
        Ok(http::json(202, &json!({"lead_id": lead, "commands": sent})))
    }

    /// Refuses to let a lead go on that a rule of the active rulebook holds: it would be held again.
    async fn decided_otherwise(&self, state: &State) -> Result<(), AdminError> {
        let Some(Decided { rule, rulebook, .. }) = &state.decided else { return Ok(()) };
        let passing = state.reason().is_some_and(|reason| PASSING.contains(&reason));
        if passing || self.rulebooks.active(self.clock.now()).await?.as_ref() != Some(rulebook) {
            return Ok(());
        }
        let title = format!("rule `{rule}` of the active rulebook {rulebook} holds lead `{}`", state.lead_id);
        Err(Problem::new(409, "held_by_rule", title)
            .detail("activate a rulebook that decides otherwise, then let the lead go on")
            .into())
    }

    async fn release(&self, mut state: State) -> Result<(), AdminError> {
        for _ in 0..ATTEMPTS {
            let change = match transition(&state, Command::Release, self.clock.now()) {
                Ok(Transition::Changed(change)) => change,
                // Somebody else let it go on.
                Ok(Transition::Unchanged) | Err(_) => return Ok(()),
            };
            let mut transaction = self.leads.transaction();
            self.leads.change(&mut transaction, (), &change)?;
            match transaction.commit().await? {
                Committed::Done => return Ok(()),
                Committed::Stale(_) | Committed::Busy => {}
            }
            match self.leads.state(&state.lead_id).await? {
                Some(now) => state = now,
                None => return Ok(()),
            }
        }
        Err(Problem::new(409, "busy", "the lead changed again and again in this moment").detail("try again").into())
    }

    /// Gives events that could not be published to `publish` again, and to `route` the pools that the bus could not
    /// wake. Whatever else is in that queue stays.
    async fn redrive_events(&self) -> Answer {
        let mut moved = 0_usize;
        for _ in 0..MOVES {
            let received = self.queues.publish_dead_letters.receive().await?;
            if received.is_empty() {
                break;
            }
            for letter in received {
                if command::read::<PublishEvent>(&letter.body).is_ok() {
                    self.queues.publish.send(Outgoing::raw(letter.body)).await?;
                } else if let Some(pool) = pool_to_wake(&letter.body) {
                    self.wake([pool]).await?;
                } else {
                    continue;
                }
                self.queues.publish_dead_letters.delete(&letter.receipt).await?;
                moved += 1;
            }
        }
        Ok(http::json(202, &json!({"events": moved})))
    }
}

/// Where a held lead may go back to; nowhere if it was held before it could be stored.
fn held_from(state: &State) -> Option<Stage> {
    match state.standing {
        Standing::Held { from, .. } if from != HeldFrom::Unstored => Some(from.stage()),
        _ => None,
    }
}

/// An event that the bus could not deliver, as far as its rule looks at it.
#[derive(Deserialize)]
struct Undelivered {
    detail: Freed,
}

#[derive(Deserialize)]
struct Freed {
    freed_pool: PoolId,
}

/// The pool that a message from the bus was to wake. The bus keeps the event as it was before the rule made a command
/// of it.
fn pool_to_wake(body: &str) -> Option<PoolId> {
    match command::read(body) {
        Ok(RouteCommand::WakePool { pool, .. }) => Some(pool),
        _ => serde_json::from_str::<Undelivered>(body).ok().map(|event| event.detail.freed_pool),
    }
}

fn failed_in_enrich(letter: &DeadLetter) -> bool {
    letter.queue.rsplit('-').next() == Some("enrich")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_to_wake_a_pool_is_known_as_a_command_and_as_the_event_it_was() {
        let inbound = Some(PoolId::from("inbound"));
        assert_eq!(pool_to_wake(r#"{"schema": 1, "command": "wake_pool", "pool": "inbound"}"#), inbound);
        assert_eq!(pool_to_wake(r#"{"source": "fairleader", "detail": {"freed_pool": "inbound"}}"#), inbound);
        let route = r#"{"schema": 1, "command": "route_lead", "lead_id": "l", "version": 0, "group": "", "trace": ""}"#;
        for other in [route, r#"{"detail": {"lead_id": "l"}}"#, "hello"] {
            assert_eq!(pool_to_wake(other), None, "{other}");
        }
    }
}
