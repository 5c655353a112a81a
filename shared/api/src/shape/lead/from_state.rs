//! What is shown of where a lead stands: everything but what only storing and deciding need.

use fairleader_lead::event::Event;
use fairleader_lead::profile;
use fairleader_lead::ruling::Priority;
use fairleader_lead::score;
use fairleader_lead::state::{self, State};
use serde_json::{Map, Value};

use super::{InterestIn, Lead, LeadEvent, LeadStage, Profile, Score, ScoreLine, Stage};

impl Lead {
    /// A lead, and who it is, if that is known.
    pub fn new(state: State, profile: Option<profile::Profile>) -> Self {
        Self {
            lead_id: state.lead_id,
            stage: state.stage.into(),
            source: state.source,
            received_at: state.received_at,
            assignment: state.assignment,
            owner: state.owner,
            pool: state.pool,
            score: state.score.map(Score::from),
            rulebook: state.rulebook,
            rule: state.rule,
            priority: (state.priority != Priority::Normal).then_some(state.priority),
            value: state.value,
            reason: state.reason,
            held_from: state.held_from.map(Stage::from),
            mql_at: state.mql_at,
            assigned_at: state.assigned_at,
            accepted_at: state.accepted_at,
            waiting_since: state.waiting_since,
            due_at: state.due_at,
            merged_into: state.merged_into,
            profile: profile.map(Profile::from),
        }
    }
}

impl From<&State> for LeadStage {
    fn from(state: &State) -> Self {
        Self { lead_id: state.lead_id.clone(), stage: state.stage.into() }
    }
}

impl From<state::Stage> for Stage {
    fn from(stage: state::Stage) -> Self {
        match stage {
            state::Stage::Stored => Self::Stored,
            state::Stage::Assigned => Self::Assigned,
            state::Stage::Accepted => Self::Accepted,
            state::Stage::Waiting => Self::Waiting,
            state::Stage::Nurturing => Self::Nurturing,
            state::Stage::Held => Self::Held,
            state::Stage::Disqualified => Self::Disqualified,
            state::Stage::Merged => Self::Merged,
        }
    }
}

impl From<score::Score> for Score {
    fn from(of: score::Score) -> Self {
        let score::Score { total, fit, engagement, account, grade, mql, mql_by, interest, lines } = of;
        let interest = interest.into_iter().map(|score::Interest { product, points }| InterestIn { product, points });
        let lines =
            lines.into_iter().map(|score::ScoreLine { part, reason, points }| ScoreLine { part, reason, points });
        Self {
            total,
            fit,
            engagement,
            account,
            grade,
            mql,
            mql_by,
            interest: interest.collect(),
            lines: lines.collect(),
        }
    }
}

impl From<Event> for LeadEvent {
    fn from(of: Event) -> Self {
        let Event { id, schema, lead_id, seq, at, kind } = of;
        // A kind of event is an object, as its own tests show; of anything else there is nothing to say.
        let more = match serde_json::to_value(kind) {
            Ok(Value::Object(more)) => more,
            _ => Map::new(),
        };
        Self { id, schema, lead_id, seq, at, more }
    }
}
