//! The inbox of a rep, and their availability.

use std::collections::BTreeMap;

use fairleader_api::shape::desk::{Availability, AvailabilityOfRep, Inbox, OpenLead};
use fairleader_api::{Call, Code, Problem, Role, reply};
use fairleader_lead::id::{LeadId, RepId, is_name};
use fairleader_lead::profile::Profile;
use fairleader_lead::state::State;
use fairleader_messaging::Outgoing;
use fairleader_runtime::http::Answer;
use fairleader_store::Loaded;
use tracing::info;

use crate::Desk;

/// Leads on a page of an inbox.
const PAGE: i32 = 50;

impl Desk {
    /// `GET /v1/inbox`: returns the caller's open leads, best first. Sales must name a rep: `?rep=anna`.
    pub(crate) async fn inbox(&self, call: &Call<'_>) -> Answer {
        let caller = call.caller()?;
        let rep = match (caller.role, call.query("rep")) {
            (Role::Rep, _) => RepId::from(caller.subject.as_str()),
            (_, Some(rep)) if is_name(rep) => RepId::from(rep),
            (_, Some(_) | None) => {
                return Err(Problem::new(Code::MissingRep, "`rep` is missing or not an id")
                    .detail("add ?rep= with the id of a rep, such as rep=anna")
                    .into());
            }
        };
        let page = self.leads.inbox(&rep, PAGE, call.query("from")).await?;
        let mut leads: BTreeMap<LeadId, Loaded> = self
            .leads
            .load_all(&page.leads)
            .await?
            .into_iter()
            .map(|lead| (lead.state.lead_id.clone(), lead))
            .collect();
        // The index lags behind: leads that changed owner in the meantime are left out.
        let open: Vec<_> = page
            .leads
            .iter()
            .filter_map(|lead| leads.remove(lead))
            .filter(|lead| lead.state.owner() == Some(&rep))
            .map(|Loaded { state, profile }| open_lead(state, profile))
            .collect();
        Ok(reply::json(200, &Inbox { rep, leads: open, next: page.next }))
    }

    /// `PUT /v1/me/availability`: switches the calling rep on or off. Switching on wakes the waiting lists of their
    /// pools.
    pub(crate) async fn availability(&self, call: &Call<'_>) -> Answer {
        let said: Availability = call.json()?;
        let rep = RepId::from(call.caller()?.subject.as_str());
        // The rep can be deleted between the two requests.
        if self.reps.get(&rep).await?.is_none() || !self.reps.switch(&rep, said.on).await? {
            return Err(Problem::not_found(format!("there is no rep `{rep}`")).into());
        }
        info!(rep = %rep, on = said.on, "switched");
        if said.on {
            self.route.send(Outgoing::wake_rep(rep.clone(), "desk")?).await?;
        }
        Ok(reply::json(200, &AvailabilityOfRep { rep, on: said.on }))
    }
}

fn open_lead(state: State, profile: Profile) -> OpenLead {
    OpenLead {
        stage: state.stage().into(),
        assignment: state.assignment,
        priority: state.priority(),
        value: state.decided.as_ref().and_then(|decided| decided.value),
        assigned_at: state.owned().map(|owned| owned.since),
        received_at: state.milestones.received,
        score: state.score.as_ref().map(|score| score.total),
        grade: state.score.and_then(|score| score.grade),
        rule: state.decided.map(|decided| decided.rule),
        lead_id: state.lead_id,
        name: full_name(&profile),
        company: profile.company.name,
        did: profile.interest.did,
    }
}

fn full_name(profile: &Profile) -> Option<String> {
    let parts: Vec<&str> =
        [&profile.contact.first_name, &profile.contact.last_name].into_iter().flatten().map(String::as_str).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
