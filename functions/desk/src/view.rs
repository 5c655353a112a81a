//! Where a lead stands, as people see it: flat, with the fields of the stages that have them.

use fairleader_lead::id::{ActorId, LeadId, PoolId, RepId, RulebookVersion, SourceId};
use fairleader_lead::ruling::Priority;
use fairleader_lead::score::Score;
use fairleader_lead::state::{Done, HeldFrom, Stage, Standing, State};
use jiff::Timestamp;
use serde::Serialize;

/// Where a lead stands.
#[derive(Debug, Serialize)]
pub(crate) struct StateView<'a> {
    lead_id: &'a LeadId,
    stage: Stage,
    version: u64,
    source: &'a SourceId,
    received_at: Timestamp,
    payload_hash: &'a str,
    last_event: u64,
    assignment: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a RepId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<&'a PoolId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<&'a Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rulebook: Option<&'a RulebookVersion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Priority::is_normal")]
    priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_from: Option<Stage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mql_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_by: Option<&'a ActorId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<&'a LeadId>,
}

impl<'a> StateView<'a> {
    /// What is shown of `state`.
    pub(crate) fn of(state: &'a State) -> Self {
        let decided = state.decided.as_ref();
        let owned = state.owned();
        let accepted: Option<&Done> = match &state.standing {
            Standing::Accepted { accepted, .. } => Some(accepted),
            _ => None,
        };
        Self {
            lead_id: &state.lead_id,
            stage: state.stage(),
            version: state.version,
            source: &state.source,
            received_at: state.milestones.received,
            payload_hash: &state.payload_hash,
            last_event: state.last_event,
            assignment: state.assignment,
            owner: state.owner(),
            pool: state.pool(),
            ledger: owned.and_then(|owned| owned.turn.as_ref()).map(|turn| turn.version),
            score: state.score.as_ref(),
            rulebook: decided.map(|decided| &decided.rulebook),
            rule: decided.map(|decided| decided.rule.as_str()),
            priority: state.priority(),
            value: decided.and_then(|decided| decided.value),
            reason: state.reason(),
            held_from: match state.standing {
                Standing::Held { from, .. } if from != HeldFrom::Unstored => Some(from.stage()),
                _ => None,
            },
            mql_at: state.milestones.mql,
            assigned_at: owned.map(|owned| owned.since),
            accepted_at: accepted.map(|accepted| accepted.at),
            accepted_by: accepted.map(|accepted| &accepted.by),
            waiting_since: match &state.standing {
                Standing::Waiting(wait) => Some(wait.since),
                _ => None,
            },
            due_at: state.due_at(),
            merged_into: state.merged_into(),
        }
    }
}
