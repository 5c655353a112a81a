//! A lead, its history, and why it is where it is.

use std::time::{Duration, Instant};

use fairleader_api::shape::lead::{Decision, Lead, LeadDecisions, LeadEvent, LeadEvents, LeadStage};
use fairleader_api::{Call, Caller, Code, Problem, Reply, Role, reply};
use fairleader_lead::id::LeadId;
use fairleader_lead::state::{Stage, State};
use fairleader_runtime::http::{Answer, Failure};
use fairleader_store::{Loaded, StoreError};

use crate::Desk;

/// First pause between looks; it grows by half each time.
const FIRST_LOOK: Duration = Duration::from_millis(15);
/// Longest pause between looks.
const LAST_LOOK: Duration = Duration::from_millis(200);

impl Desk {
    /// `GET /v1/leads/{lead_id}`, with `?wait=3s` not before it is decided on, or the time is up: as
    /// much as is asked for, and no more than this call has.
    pub(crate) async fn lead(&self, call: &Call<'_>) -> Answer {
        let caller = call.caller()?;
        let lead_id = lead_id(call);
        let until = Instant::now().checked_add(wait(call)?).map_or(call.deadline, |until| until.min(call.deadline));
        let mut pause = FIRST_LOOK;
        loop {
            let state = self.leads.state(&lead_id).await?;
            let decided = state.as_ref().is_some_and(|state| state.stage() != Stage::Stored);
            let left = until.saturating_duration_since(Instant::now());
            if decided || left.is_zero() {
                break;
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 3 / 2).min(LAST_LOOK);
        }
        if caller.role == Role::Source {
            let Some(state) = self.leads.state(&lead_id).await? else { return Ok(not_stored(&lead_id)) };
            // To others' leads the answer is the same as to none: an id alone says nothing.
            if state.source.as_str() != caller.subject {
                return Ok(not_stored(&lead_id));
            }
            return Ok(reply::json(200, &LeadStage::from(&state)));
        }
        let Some(loaded) = self.leads.load(&lead_id).await? else {
            // Held before it could be stored: there is a state and nothing else.
            return match self.leads.state(&lead_id).await? {
                Some(state) if caller.may(Role::OVERSEERS) => Ok(reply::json(200, &Lead::new(state, None))),
                _ => Ok(not_stored(&lead_id)),
            };
        };
        if visible(&loaded.state, caller).is_err() {
            return Ok(not_stored(&lead_id));
        }
        let Loaded { state, profile } = loaded;
        Ok(reply::json(200, &Lead::new(state, Some(profile))))
    }

    /// `GET /v1/leads/{lead_id}/events`.
    pub(crate) async fn events(&self, call: &Call<'_>) -> Answer {
        let lead_id = self.seen(call).await?.lead_id;
        let events = self.leads.events(&lead_id).await?;
        // As they are stored, so that kinds are shown which a later version wrote.
        let events = events.iter().map(|event| serde_json::from_str::<LeadEvent>(&event.text));
        let events = events.collect::<Result<_, _>>().map_err(StoreError::from)?;
        Ok(reply::json(200, &LeadEvents { lead_id, events }))
    }

    /// `GET /v1/leads/{lead_id}/why`: the latest decision first.
    pub(crate) async fn why(&self, call: &Call<'_>) -> Answer {
        let state = self.seen(call).await?;
        let mut whys = self.leads.whys(&state.lead_id).await?;
        let wanted: Vec<_> = whys.iter().flat_map(|why| why.turns(&state.lead_id)).collect();
        if !wanted.is_empty() {
            let turns = self.pools.turns(&wanted).await?;
            for why in &mut whys {
                if let Some(taken) = turns.get(&(state.lead_id.clone(), why.assignment)) {
                    why.complete(taken);
                }
            }
        }
        let decisions = whys.into_iter().rev().map(Decision::from).collect();
        let elsewhere =
            |into: LeadId| format!("The same person as lead {into}, which carries on: see /v1/leads/{into}/why.");
        let decisions = LeadDecisions {
            stage: state.stage().into(),
            decisions,
            summary: state.merged_into().cloned().map(elsewhere),
            lead_id: state.lead_id,
        };
        Ok(reply::json(200, &decisions))
    }

    /// The lead that a request is about, if it is there and the caller may see it.
    pub(crate) async fn seen(&self, call: &Call<'_>) -> Result<State, Failure> {
        let lead_id = lead_id(call);
        let state = self.leads.state(&lead_id).await?.ok_or_else(|| no_such_lead(&lead_id))?;
        visible(&state, call.caller()?)?;
        Ok(state)
    }
}

pub(crate) fn lead_id(call: &Call<'_>) -> LeadId {
    LeadId::from(call.path("lead_id"))
}

/// A rep sees the leads they own; the others see all, but a source sees none of this.
pub(crate) fn visible(state: &State, caller: &Caller) -> Result<(), Problem> {
    let own = caller.role == Role::Rep && state.owner().is_some_and(|owner| owner.as_str() == caller.subject);
    // To others' leads the answer is the same as to none: an id alone says nothing.
    if own || caller.may(Role::OVERSEERS) { Ok(()) } else { Err(no_such_lead(&state.lead_id)) }
}

fn no_such_lead(lead_id: &LeadId) -> Problem {
    Problem::not_found(format!("there is no lead `{lead_id}` that this key may see"))
}

/// An id that was answered with 202 may be on its way still.
fn not_stored(lead_id: &LeadId) -> Reply {
    let problem = Problem::not_found(format!("there is no lead `{lead_id}` yet"))
        .detail("if it was just sent, it is stored in a moment: ask again, or add ?wait=3s");
    reply::with_header(problem.reply(), "retry-after", "1")
}

/// `?wait=3s` or `?wait=500ms`; without it there is no wait.
fn wait(call: &Call<'_>) -> Result<Duration, Problem> {
    let Some(text) = call.query("wait") else { return Ok(Duration::ZERO) };
    let parsed = if let Some(millis) = text.strip_suffix("ms") {
        millis.parse().ok().map(Duration::from_millis)
    } else {
        text.strip_suffix('s').unwrap_or(text).parse().ok().map(Duration::from_secs)
    };
    parsed.ok_or_else(|| {
        Problem::new(Code::InvalidWait, format!("`wait={text}` is not a time"))
            .detail("write it like wait=3s or wait=500ms")
    })
}
