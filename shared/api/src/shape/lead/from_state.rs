//! Conversion of a stored state for replies. Leaves out what only storage and decisions need.

use fairleader_lead::profile;
use fairleader_lead::ruling::Priority;
use fairleader_lead::score;
use fairleader_lead::state::{self, Done, HeldFrom, Standing, State};

use super::{InterestIn, Lead, LeadStage, Profile, Score, ScoreLine, Stage};

impl Lead {
    /// Converts a lead. The profile is missing if the lead was put on hold before it could be stored.
    pub fn new(state: State, profile: Option<profile::Profile>) -> Self {
        let (owned, priority) = (state.owned(), state.priority());
        let accepted = accepted(&state);
        Self {
            stage: state.stage().into(),
            received_at: state.milestones.received,
            assignment: state.assignment,
            owner: state.owner().cloned(),
            pool: state.pool().cloned(),
            rulebook: state.decided.as_ref().map(|decided| decided.rulebook.clone()),
            rule: state.decided.as_ref().map(|decided| decided.rule.clone()),
            priority: (priority != Priority::Normal).then_some(priority),
            value: state.decided.as_ref().and_then(|decided| decided.value),
            reason: state.reason().map(str::to_owned),
            held_from: held_from(&state),
            mql_at: state.milestones.mql,
            assigned_at: owned.map(|owned| owned.since),
            accepted_at: accepted.map(|accepted| accepted.at),
            accepted_by: accepted.map(|accepted| accepted.by.clone()),
            waiting_since: match &state.standing {
                Standing::Waiting(wait) => Some(wait.since),
                _ => None,
            },
            due_at: state.due_at(),
            merged_into: state.merged_into().cloned(),
            score: state.score.map(Score::from),
            lead_id: state.lead_id,
            source: state.source,
            profile: profile.map(Profile::from),
        }
    }
}

/// Returns when the current assignment was accepted, and by whom.
pub fn accepted(state: &State) -> Option<&Done> {
    match &state.standing {
        Standing::Accepted { accepted, .. } => Some(accepted),
        _ => None,
    }
}

/// Returns the stage before a lead was put on hold. Returns `None` if it was put on hold before it could be stored.
pub fn held_from(state: &State) -> Option<Stage> {
    match state.standing {
        Standing::Held { from, .. } if from != HeldFrom::Unstored => Some(from.stage().into()),
        _ => None,
    }
}

impl From<&State> for LeadStage {
    fn from(state: &State) -> Self {
        Self { lead_id: state.lead_id.clone(), stage: state.stage().into() }
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
