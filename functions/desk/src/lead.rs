//! Replies about one lead: its state, its events, and the explanations of its decisions.

use std::time::{Duration, Instant};

use fairleader_api::shape::lead::{Decision, Lead, LeadDecisions, LeadEvent, LeadEvents, LeadStage};
use fairleader_api::{Call, Caller, Code, Problem, Reply, Role, reply};
use fairleader_lead::id::LeadId;
use fairleader_lead::state::{Stage, State};
use fairleader_runtime::http::{Answer, Failure};
use fairleader_store::{EventPage, Loaded, StoreError, WhyPage};

use crate::Desk;
use crate::polls::POLLS;

/// First pause between two reads of the state. Each pause is half as long again as the one before.
const FIRST_LOOK: Duration = Duration::from_millis(15);
/// Longest pause between two reads.
const LAST_LOOK: Duration = Duration::from_millis(200);
/// Time before the deadline of the call at which waiting ends, for the last reads. The deadline itself leaves time to
/// reply.
const LAST_READS: Duration = Duration::from_millis(500);
/// Events on a page: below half a megabyte.
const EVENTS: i32 = 1_000;
/// Explanations on a page. Each can name many reps.
const DECISIONS: i32 = 50;

impl Desk {
    /// `GET /v1/leads/{lead_id}`: returns a lead. With `?wait=3s` it waits until the lead is decided, at most as long
    /// as the caller asks for, and never beyond the deadline of the call. If too many calls wait, it replies at once.
    ///
    /// A lead that the caller cannot see is treated like one that does not exist, in the reply and in its time, so that
    /// an id reveals nothing.
    pub(crate) async fn lead(&self, call: &Call<'_>) -> Answer {
        let caller = call.caller()?;
        let lead_id = lead_id(call);
        let latest = call.deadline.checked_sub(LAST_READS).unwrap_or(call.deadline);
        let until = Instant::now().checked_add(wait(call)?).map_or(latest, |until| until.min(latest));
        let mut pause = FIRST_LOOK;
        let mut place = None;
        let (state, turned_away) = loop {
            let state = in_time(call, self.leads.state(&lead_id)).await?.filter(|state| stage_visible(state, caller));
            let decided = state.as_ref().is_some_and(|state| state.stage() != Stage::Stored);
            let left = until.saturating_duration_since(Instant::now());
            if decided || left.is_zero() {
                break (state, false);
            }
            if place.is_none() {
                place = POLLS.enter(caller);
            }
            if place.is_none() {
                break (state, true);
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 3 / 2).min(LAST_LOOK);
        };
        drop(place);
        let Some(state) = state else { return Ok(not_stored(&lead_id)) };
        let reply = if caller.role == Role::Source {
            reply::json(200, &LeadStage::from(&state))
        } else {
            match in_time(call, self.leads.load(&lead_id)).await? {
                // It may have another owner by now.
                Some(loaded) if visible(&loaded.state, caller).is_err() => return Ok(not_stored(&lead_id)),
                Some(Loaded { state, profile }) => reply::json(200, &Lead::new(state, Some(profile))),
                // A lead that was put on hold before it could be stored has a state and nothing else.
                None if caller.may(Role::OVERSEERS) => reply::json(200, &Lead::new(state, None)),
                None => return Ok(not_stored(&lead_id)),
            }
        };
        Ok(if turned_away { again_soon(reply) } else { reply })
    }

    /// `GET /v1/leads/{lead_id}/events`: returns a page of the history of a lead, oldest first.
    pub(crate) async fn events(&self, call: &Call<'_>) -> Answer {
        let lead_id = self.seen(call).await?.lead_id;
        let EventPage { events, next } = self.leads.events(&lead_id, limit(call, EVENTS)?, call.query("from")).await?;
        // The stored text, so that event kinds of a newer version are shown too.
        let events = events.iter().map(|event| serde_json::from_str::<LeadEvent>(&event.text));
        let events = events.collect::<Result<_, _>>().map_err(StoreError::from)?;
        Ok(reply::json(200, &LeadEvents { lead_id, events, next }))
    }

    /// `GET /v1/leads/{lead_id}/why`: explains the decisions on a lead, latest first, page by page.
    pub(crate) async fn why(&self, call: &Call<'_>) -> Answer {
        let state = self.seen(call).await?;
        let page = self.leads.whys(&state.lead_id, limit(call, DECISIONS)?, call.query("from")).await?;
        let WhyPage { mut whys, next } = page;
        let wanted: Vec<_> = whys.iter().flat_map(|why| why.turns(&state.lead_id)).collect();
        if !wanted.is_empty() {
            let turns = self.pools.turns(&wanted).await?;
            for why in &mut whys {
                if let Some(taken) = turns.get(&(state.lead_id.clone(), why.assignment)) {
                    why.complete(taken);
                }
            }
        }
        let decisions = whys.into_iter().map(Decision::from).collect();
        let elsewhere =
            |into: LeadId| format!("The lead was merged into lead {into}, the same person: see /v1/leads/{into}/why.");
        let decisions = LeadDecisions {
            stage: state.stage().into(),
            decisions,
            next,
            summary: state.merged_into().cloned().map(elsewhere),
            lead_id: state.lead_id,
        };
        Ok(reply::json(200, &decisions))
    }

    /// Returns the state of the lead in the path. Fails with `not_found` if the caller cannot see it.
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

/// Checks that the caller can see a lead. Reps see the leads that they own; viewers, marketing and sales see every
/// lead; sources see none here.
pub(crate) fn visible(state: &State, caller: &Caller) -> Result<(), Problem> {
    let own = caller.role == Role::Rep && state.owner().is_some_and(|owner| owner.as_str() == caller.subject);
    // The reply is the same as for a lead that does not exist, so that an id reveals nothing.
    if own || caller.may(Role::OVERSEERS) { Ok(()) } else { Err(no_such_lead(&state.lead_id)) }
}

/// Returns whether the caller can see the stage of a lead. Sources see that of the leads that they sent.
fn stage_visible(state: &State, caller: &Caller) -> bool {
    match caller.role {
        Role::Source => state.source.as_str() == caller.subject,
        _ => visible(state, caller).is_ok(),
    }
}

/// Waits for a read until the deadline of the call. After that, there would be no time left to reply.
async fn in_time<T>(call: &Call<'_>, read: impl Future<Output = Result<T, StoreError>>) -> Result<T, Failure> {
    match tokio::time::timeout_at(call.deadline.into(), read).await {
        Ok(read) => Ok(read?),
        Err(_) => Err(Problem::new(Code::Unavailable, "the lead could not be read in time").detail("try again").into()),
    }
}

/// Asks the caller to send the request again after a second.
fn again_soon(reply: Reply) -> Reply {
    reply::with_header(reply, "retry-after", "1")
}

fn no_such_lead(lead_id: &LeadId) -> Problem {
    Problem::not_found(format!("there is no lead `{lead_id}` that this key can see"))
}

/// Makes the reply for a lead that is not stored. It may still be in the queue, so the reply asks to try again.
fn not_stored(lead_id: &LeadId) -> Reply {
    let problem = Problem::not_found(format!("there is no lead `{lead_id}` yet"))
        .detail("a new lead is stored within seconds; try again, or add ?wait=3s");
    again_soon(problem.reply())
}

/// Reads `?limit=20`. Returns `most` without it.
fn limit(call: &Call<'_>, most: i32) -> Result<i32, Problem> {
    let Some(text) = call.query("limit") else { return Ok(most) };
    text.parse().ok().filter(|limit| (1..=most).contains(limit)).ok_or_else(|| {
        Problem::new(Code::InvalidLimit, format!("`limit={text}` is not a number from 1 to {most}"))
            .detail("leave it out for the longest page")
    })
}

/// Reads `?wait=3s` or `?wait=500ms`. Returns zero without it.
fn wait(call: &Call<'_>) -> Result<Duration, Problem> {
    let Some(text) = call.query("wait") else { return Ok(Duration::ZERO) };
    let parsed = if let Some(millis) = text.strip_suffix("ms") {
        millis.parse().ok().map(Duration::from_millis)
    } else {
        text.strip_suffix('s').unwrap_or(text).parse().ok().map(Duration::from_secs)
    };
    parsed.ok_or_else(|| {
        Problem::new(Code::InvalidWait, format!("`wait={text}` is not a duration"))
            .detail("write it like wait=3s or wait=500ms")
    })
}
