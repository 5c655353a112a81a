//! Leads on hold, the commands that failed for them, and the way back.

use std::collections::BTreeMap;

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use fairleader_domain::id::LeadId;
use fairleader_domain::lead::{Stage, State};
use fairleader_domain::lifecycle::{Command, Transition, transition};
use fairleader_messaging::command::{self, SCHEMA};
use fairleader_messaging::{Outgoing, PublishEvent, Queue, RouteCommand};
use fairleader_runtime::http::{self, Caller, Problem};
use fairleader_store::Committed;
use serde_json::{Value, json};
use tracing::info;

use crate::{Admin, AdminError, Answer};

/// Leads on a page.
const PAGE: i32 = 50;
/// How often letting a lead go on is tried anew when others are faster.
const ATTEMPTS: usize = 5;
/// Most requests that one call moves events with, ten in each.
const MOVES: usize = 20;

impl Admin {
    /// `GET /v1/dead-letters`: leads on hold with what failed for them, and how many messages need a look by hand.
    pub(crate) async fn dead_letters(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let page = self.leads.held(PAGE, http::query(request, "from")).await?;
        let mut held = Vec::new();
        for lead in page.leads {
            let Some(state) = self.leads.state(&lead).await?.filter(|state| state.stage == Stage::Held) else {
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
                "reason": state.reason,
                "held_from": state.held_from,
                "received_at": state.received_at,
                "commands": letters,
            }));
        }
        Ok(http::json(
            200,
            &json!({
                "held": held,
                "next": page.next,
                "unreadable": self.queues.dead_letters.count().await?,
                "unpublished_events": self.queues.publish_dead_letters.count().await?,
            }),
        ))
    }

    /// `POST /v1/dead-letters/{lead_id}/redrive`: lets the lead go on and carries out again what failed for it. With
    /// `events` in the place of the lead, events that could not be published are.
    pub(crate) async fn redrive(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let named = http::path(request, "lead_id").unwrap_or_default();
        if named == "events" {
            return self.redrive_events().await;
        }
        let lead = LeadId::from(named);
        let letters = self.leads.dead_letters(&lead).await?;
        let state = self.leads.state(&lead).await?;
        let Some(state) = state.filter(|state| state.stage == Stage::Held || !letters.is_empty()) else {
            return Err(Problem::not_found(format!("lead `{lead}` is not on hold and nothing failed for it")).into());
        };
        if state.stage == Stage::Held && state.held_from.is_some() {
            self.release(state).await?;
        }
        let mut again: BTreeMap<&str, Vec<Outgoing>> = BTreeMap::new();
        for (_, letter) in &letters {
            again.entry(letter.queue.as_str()).or_default().push(Outgoing::raw(letter.command.clone()));
        }
        let sent: usize = again.values().map(Vec::len).sum();
        for (queue, messages) in again {
            self.queue_called(queue).send_all(messages).await?;
        }
        if sent == 0 {
            let afresh = RouteCommand::RouteLead {
                schema: SCHEMA,
                lead_id: lead.clone(),
                version: 0,
                rulebook: None,
                score: None,
                group: "redrive".to_owned(),
                trace: format!("redrive-{lead}"),
            };
            self.queues.route.send(Outgoing::new(&afresh, Some("redrive"))?).await?;
        }
        for (id, _) in &letters {
            self.leads.drop_dead_letter(&lead, id).await?;
        }
        info!(lead.id = %lead, commands = sent, by = caller.subject, "redriven");
        Ok(http::json(202, &json!({"lead_id": lead, "commands": sent.max(1)})))
    }

    /// The queue that `name` ends with; what failed in a queue nobody knows is looked at afresh by `route`.
    fn queue_called(&self, name: &str) -> &Queue {
        match name.rsplit('-').next().unwrap_or_default() {
            "enrich" => &self.queues.enrich,
            "score" => &self.queues.score,
            _ => &self.queues.route,
        }
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
                Committed::Refused(reason) => return Err(Problem::new(500, "refused", reason).into()),
            }
            match self.leads.state(&state.lead_id).await? {
                Some(now) => state = now,
                None => return Ok(()),
            }
        }
        Err(Problem::new(409, "busy", "the lead changed again and again in this moment").detail("try again").into())
    }

    /// Gives events that could not be published to `publish` again. Whatever else is in that queue stays.
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
                    self.queues.publish_dead_letters.delete(&letter.receipt).await?;
                    moved += 1;
                }
            }
        }
        Ok(http::json(202, &json!({"events": moved})))
    }
}
