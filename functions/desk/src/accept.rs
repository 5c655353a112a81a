//! Acceptance of a lead by its owner.

use fairleader_api::shape::desk::{Accept, AcceptedByOwner};
use fairleader_api::shape::lead as shape;
use fairleader_api::{Call, Code, Problem, Reply, Role, reply};
use fairleader_domain::lifecycle::{Command, Confirms, Refusal, Transition, transition};
use fairleader_lead::id::{ActorId, RepId};
use fairleader_lead::state::State;
use fairleader_runtime::http::Answer;
use fairleader_store::{Committed, Tries};
use tracing::info;

use crate::Desk;
use crate::lead::lead_id;

impl Desk {
    /// `POST /v1/leads/{lead_id}/accept`: accepts a lead for its owner, who calls it, or sales for them.
    pub(crate) async fn accept(&self, call: &Call<'_>) -> Answer {
        let caller = call.caller()?;
        let said: Accept = call.json_or_default()?;
        let mut tries = Tries::until(call.deadline, [lead_id(call).as_str()]);
        loop {
            tries.again("accepting a lead").await?;
            let state = self.seen(call).await?;
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
    }
}

fn accepted(state: &State) -> Reply {
    let done = shape::accepted(state);
    let accepted = AcceptedByOwner {
        lead_id: state.lead_id.clone(),
        stage: state.stage().into(),
        owner: state.owner().cloned(),
        assignment: state.assignment,
        accepted_at: done.map(|done| done.at),
        accepted_by: done.map(|done| done.by.clone()),
    };
    reply::json(200, &accepted)
}

fn refused(refusal: &Refusal) -> Problem {
    let code = match refusal {
        Refusal::Stage { .. } => Code::WrongStage,
        Refusal::NotOwner { .. } => Code::NotOwner,
        Refusal::OldAssignment { .. } => Code::OldAssignment,
        Refusal::IntoItself => Code::IntoItself,
    };
    let problem = Problem::new(code, refusal.to_string());
    match refusal {
        Refusal::Stage { .. } => problem.detail("read the lead again to see its current stage"),
        Refusal::OldAssignment { .. } => problem.detail("read the lead again before you accept it"),
        Refusal::NotOwner { .. } | Refusal::IntoItself => problem,
    }
}
