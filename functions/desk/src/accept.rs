//! A rep confirms a lead.

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fairleader_domain::lifecycle::{Command, Confirms, Refusal, Transition, transition};
use fairleader_lead::id::{ActorId, RepId};
use fairleader_lead::state::{Standing, State};
use fairleader_runtime::http::{self, Caller, Problem, Role};
use fairleader_store::Committed;
use serde::Deserialize;
use serde_json::json;
use tracing::info;

use crate::{Answer, Desk, only};

/// How often a command is decided anew when others are faster.
const ATTEMPTS: usize = 5;

/// What a rep may say with it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    /// The assignment that is meant; the current one if not said.
    assignment: Option<u32>,
}

impl Desk {
    /// `POST /v1/leads/{lead_id}/accept`: the owner, or sales for them, confirms the lead.
    pub(crate) async fn accept(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        only(caller, &[Role::Rep, Role::Sales])?;
        let body = http::body(request);
        let said: Accept = if body.is_empty() {
            Accept::default()
        } else {
            serde_json::from_slice(&body).map_err(|cause| {
                Problem::new(400, "invalid_body", "the body cannot be read")
                    .detail(format!("{cause}; send nothing, or {{\"assignment\": 1}}"))
            })?
        };
        for _ in 0..ATTEMPTS {
            let state = self.seen(request, caller).await?;
            let by = match caller.role {
                Role::Rep => Confirms::Owner(RepId::from(caller.subject.as_str())),
                _ => Confirms::ForOwner(ActorId::from(caller.subject.as_str())),
            };
            let assignment = said.assignment.unwrap_or(state.assignment);
            let change = match transition(&state, Command::Accept { by, assignment }, self.clock.now()) {
                Ok(Transition::Unchanged) => return Ok(accepted(&state)),
                Ok(Transition::Changed(change)) => change,
                Err(refusal) => return Err(refused(&refusal).into()),
            };
            let mut transaction = self.leads.transaction();
            self.leads.change(&mut transaction, (), &change)?;
            match transaction.commit().await? {
                Committed::Done => {
                    info!(lead.id = %state.lead_id, by = caller.subject, "accepted");
                    return Ok(accepted(&change.state));
                }
                Committed::Stale(_) | Committed::Busy => {}
            }
        }
        Err(Problem::new(409, "busy", "the lead changed again and again in this moment").detail("try again").into())
    }
}

fn accepted(state: &State) -> ApiGatewayV2httpResponse {
    let accepted = match &state.standing {
        Standing::Accepted { accepted, .. } => Some(accepted),
        _ => None,
    };
    http::json(
        200,
        &json!({
            "lead_id": state.lead_id,
            "stage": state.stage(),
            "owner": state.owner(),
            "assignment": state.assignment,
            "accepted_at": accepted.map(|accepted| accepted.at),
            "accepted_by": accepted.map(|accepted| &accepted.by),
        }),
    )
}

fn refused(refusal: &Refusal) -> Problem {
    let code = match refusal {
        Refusal::Stage { .. } => "wrong_stage",
        Refusal::NotOwner { .. } => "not_owner",
        Refusal::OldAssignment { .. } => "old_assignment",
        Refusal::IntoItself => "into_itself",
    };
    Problem::new(409, code, refusal.to_string()).detail("read the lead again to see where it stands")
}
