//! A rep's open leads, and whether they take more.

use std::collections::BTreeMap;

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use fairleader_lead::id::{LeadId, RepId};
use fairleader_lead::profile::Profile;
use fairleader_messaging::{Outgoing, RouteCommand};
use fairleader_runtime::http::{self, Caller, Problem, Role};
use fairleader_store::Loaded;
use serde::Deserialize;
use serde_json::json;
use tracing::info;

use crate::{Answer, Desk, only};

/// Leads on a page of an inbox.
const PAGE: i32 = 50;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Availability {
    on: bool,
}

impl Desk {
    /// `GET /v1/inbox`: the caller's open leads, best first; sales may ask for `?rep=anna`.
    pub(crate) async fn inbox(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        only(caller, &[Role::Rep, Role::Sales])?;
        let rep = match (caller.role, http::query(request, "rep")) {
            (Role::Rep, _) => RepId::from(caller.subject.as_str()),
            (_, Some(rep)) => RepId::from(rep),
            (_, None) => {
                return Err(Problem::new(400, "missing_rep", "whose inbox?").detail("add ?rep= and a rep").into());
            }
        };
        let page = self.leads.inbox(&rep, PAGE, http::query(request, "from")).await?;
        let mut leads: BTreeMap<LeadId, Loaded> = self
            .leads
            .load_all(&page.leads)
            .await?
            .into_iter()
            .map(|lead| (lead.state.lead_id.clone(), lead))
            .collect();
        // The index is a little behind: what left the desk in the meantime is left out.
        let open: Vec<_> = page
            .leads
            .iter()
            .filter_map(|lead| leads.remove(lead))
            .filter(|lead| lead.state.owner() == Some(&rep))
            .map(|Loaded { state, profile }| {
                json!({
                    "lead_id": state.lead_id,
                    "stage": state.stage(),
                    "assignment": state.assignment,
                    "score": state.score.as_ref().map(|score| score.total),
                    "grade": state.score.as_ref().and_then(|score| score.grade.clone()),
                    "priority": state.priority(),
                    "value": state.decided.as_ref().and_then(|decided| decided.value),
                    "name": full_name(&profile),
                    "company": profile.company.name,
                    "did": profile.interest.did,
                    "received_at": state.milestones.received,
                    "assigned_at": state.owned().map(|owned| owned.since),
                    "rule": state.decided.as_ref().map(|decided| &decided.rule),
                })
            })
            .collect();
        Ok(http::json(200, &json!({"rep": rep, "leads": open, "next": page.next})))
    }

    /// `PUT /v1/me/availability`: on or off. A rep who switches on gets leads that wait.
    pub(crate) async fn availability(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        if caller.role != Role::Rep {
            return Err(Problem::forbidden(Some(caller), &[Role::Rep]).into());
        }
        let said: Availability = serde_json::from_slice(&http::body(request)).map_err(|cause| {
            Problem::new(400, "invalid_body", "the body cannot be read")
                .detail(format!("{cause}; send {{\"on\": true}} or {{\"on\": false}}"))
        })?;
        let rep = RepId::from(caller.subject.as_str());
        if self.reps.get(&rep).await?.is_none() {
            return Err(Problem::not_found(format!("`{rep}` is not on the roster")).into());
        }
        self.reps.switch(&rep, said.on).await?;
        info!(rep = %rep, on = said.on, "switched");
        if said.on {
            self.route.send(Outgoing::new(&RouteCommand::wake_rep(rep.clone()), Some("desk"))?).await?;
        }
        Ok(http::json(200, &json!({"rep": rep, "on": said.on})))
    }
}

fn full_name(profile: &Profile) -> Option<String> {
    let parts: Vec<&str> =
        [&profile.contact.first_name, &profile.contact.last_name].into_iter().flatten().map(String::as_str).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
