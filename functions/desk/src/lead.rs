//! A lead, its history, and why it is where it is.

use std::time::{Duration, Instant};

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use fairleader_domain::routing::{Candidate, Why, turns};
use fairleader_lead::id::LeadId;
use fairleader_lead::profile::Profile;
use fairleader_lead::state::{Stage, State};
use fairleader_runtime::http::{self, Caller, Problem, Role};
use fairleader_store::Loaded;
use serde::Serialize;
use serde_json::{Value, json};

use crate::view::StateView;
use crate::{Answer, Desk, DeskError, OVERSEERS};

/// First pause between looks; it grows by half each time.
const FIRST_LOOK: Duration = Duration::from_millis(15);
/// Longest pause between looks.
const LAST_LOOK: Duration = Duration::from_millis(200);

/// A lead as people see it.
#[derive(Debug, Serialize)]
struct LeadView<'a> {
    #[serde(flatten)]
    state: StateView<'a>,
    profile: &'a Profile,
}

impl Desk {
    /// `GET /v1/leads/{lead_id}`, with `?wait=3s` not before it is decided on, or the time is up: as
    /// much as is asked for, and no more than this call has.
    pub(crate) async fn lead(&self, request: &ApiGatewayV2httpRequest, caller: &Caller, deadline: Instant) -> Answer {
        let lead_id = lead_id(request);
        let until = Instant::now().checked_add(wait(request)?).map_or(deadline, |until| until.min(deadline));
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
            return Ok(http::json(200, &json!({"lead_id": state.lead_id, "stage": state.stage()})));
        }
        let Some(loaded) = self.leads.load(&lead_id).await? else {
            // Held before it could be stored: there is a state and nothing else.
            return match self.leads.state(&lead_id).await? {
                Some(state) if caller.may(&OVERSEERS) => Ok(http::json(200, &StateView::of(&state))),
                _ => Ok(not_stored(&lead_id)),
            };
        };
        if visible(&loaded.state, caller).is_err() {
            return Ok(not_stored(&lead_id));
        }
        let Loaded { state, profile } = &loaded;
        Ok(http::json(200, &LeadView { state: StateView::of(state), profile }))
    }

    /// `GET /v1/leads/{lead_id}/events`.
    pub(crate) async fn events(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let lead_id = self.seen(request, caller).await?.lead_id;
        Ok(http::json(200, &json!({"lead_id": lead_id, "events": self.leads.events(&lead_id).await?})))
    }

    /// `GET /v1/leads/{lead_id}/why`: the latest decision first.
    pub(crate) async fn why(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let state = self.seen(request, caller).await?;
        let mut decisions: Vec<Value> = self.leads.whys(&state.lead_id).await?.iter().map(in_words).collect();
        decisions.reverse();
        let mut answer = json!({"lead_id": state.lead_id, "stage": state.stage(), "decisions": decisions});
        if let (Some(into), Some(fields)) = (state.merged_into(), answer.as_object_mut()) {
            fields.insert(
                "summary".to_owned(),
                json!(format!("The same person as lead {into}, which carries on: see /v1/leads/{into}/why.")),
            );
        }
        Ok(http::json(200, &answer))
    }

    /// The lead that a request is about, if it is there and the caller may see it.
    pub(crate) async fn seen(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Result<State, DeskError> {
        let lead_id = lead_id(request);
        let state = self.leads.state(&lead_id).await?.ok_or_else(|| no_such_lead(&lead_id))?;
        visible(&state, caller)?;
        Ok(state)
    }
}

pub(crate) fn lead_id(request: &ApiGatewayV2httpRequest) -> LeadId {
    LeadId::from(http::path(request, "lead_id").unwrap_or_default())
}

/// A rep sees the leads they own; the others see all, but a source sees none of this.
fn visible(state: &State, caller: &Caller) -> Result<(), Problem> {
    let own = caller.role == Role::Rep && state.owner().is_some_and(|owner| owner.as_str() == caller.subject);
    // To others' leads the answer is the same as to none: an id alone says nothing.
    if own || caller.may(&OVERSEERS) { Ok(()) } else { Err(no_such_lead(&state.lead_id)) }
}

fn no_such_lead(lead_id: &LeadId) -> Problem {
    Problem::not_found(format!("there is no lead `{lead_id}` that this key may see"))
}

/// An id that was answered with 202 may be on its way still.
fn not_stored(lead_id: &LeadId) -> aws_lambda_events::event::apigw::ApiGatewayV2httpResponse {
    let problem = Problem::not_found(format!("there is no lead `{lead_id}` yet"))
        .detail("if it was just sent, it is stored in a moment: ask again, or add ?wait=3s");
    http::with_header(problem.reply(), "retry-after", "1")
}

/// `?wait=3s` or `?wait=500ms`; without it there is no wait.
fn wait(request: &ApiGatewayV2httpRequest) -> Result<Duration, Problem> {
    let Some(text) = http::query(request, "wait") else { return Ok(Duration::ZERO) };
    let parsed = if let Some(millis) = text.strip_suffix("ms") {
        millis.parse().ok().map(Duration::from_millis)
    } else {
        text.strip_suffix('s').unwrap_or(text).parse().ok().map(Duration::from_secs)
    };
    parsed.ok_or_else(|| {
        Problem::new(400, "invalid_wait", format!("`wait={text}` is not a time"))
            .detail("write it like wait=3s or wait=500ms")
    })
}

/// A decision for people: its gist first, then the whole in sentences, and turns as decimal numbers.
fn in_words(why: &Why) -> Value {
    let candidate = |candidate: &Candidate| {
        json!({
            "rep": candidate.rep,
            "stopped_by": candidate.stopped_by,
            "in_words": candidate.stopped_by.map_or("could take it", |gate| gate.words()),
            "owed": turns(candidate.lag),
        })
    };
    json!({
        "summary": why.summary.join(" "),
        "details": why.sentences,
        "at": why.at,
        "stage": why.stage,
        "rule": why.explanation.rule,
        "rulebook": why.rulebook,
        "reasons": why.explanation.reasons,
        "lookups": why.explanation.lookups,
        "near_misses": why.explanation.near_misses,
        "score": why.score,
        "named": why.choice.named.as_ref().map(candidate),
        "pools": why.choice.pools.iter().map(|tried| json!({
            "pool": tried.pool,
            "candidates": tried.members.iter().map(candidate).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "chosen": why.choice.chosen,
        "event": why.event,
    })
}
