//! The stored form of a [`State`]: flat, with the fields of every stage.
//!
//! The flat form is older than [`Standing`], and old and new functions run at the same time during a deploy or a
//! rollback. So fields keep their names, new fields are optional, and unknown fields are ignored.

use fairleader_lead::id::{ActorId, LeadId, PoolId, RepId, RulebookVersion, SourceId};
use fairleader_lead::ruling::Priority;
use fairleader_lead::score::Score;
use fairleader_lead::state::{
    Decided, Done, HeldFrom, Milestones, Nurture, Owned, Stage, Standing, State, TurnTaken, Wait,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The body of a lead's `state` item.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StateItem {
    lead_id: LeadId,
    stage: Stage,
    version: u64,
    source: SourceId,
    received_at: Timestamp,
    payload_hash: String,
    last_event: u64,
    assignment: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<RepId>,
    /// The pool that it was assigned from or waits in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pool: Option<PoolId>,
    /// The version of the pool's rotation after the turn in which its owner got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ledger: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<Score>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rulebook: Option<RulebookVersion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<u32>,
    /// Why it is disqualified, on hold or in nurture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The stage before it was put on hold; missing if it was put on hold before it could be stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_from: Option<Stage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mql_at: Option<Timestamp>,
    /// When it was assigned to the current owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assigned_at: Option<Timestamp>,
    /// When the current assignment was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Timestamp>,
    /// Who accepted it; missing if the owner did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted_by: Option<ActorId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting_since: Option<Timestamp>,
    /// Whether only members of its pool can take it while it waits. If missing, others can take it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pool_only: bool,
    /// Its next deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merged_into: Option<LeadId>,
    /// When it got its first owner; missing while that equals `assigned_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_assigned_at: Option<Timestamp>,
    /// When it was first accepted, and by whom; missing while that equals `accepted_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_accepted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_accepted_by: Option<ActorId>,
}

impl From<&State> for StateItem {
    fn from(state: &State) -> Self {
        let State { lead_id, version, source, payload_hash, standing, last_event, assignment, .. } = state;
        let Milestones { received, mql, assigned, accepted } = &state.milestones;
        let decided = state.decided.as_ref();
        let mut item = Self {
            lead_id: lead_id.clone(),
            stage: standing.stage(),
            version: *version,
            source: source.clone(),
            received_at: *received,
            payload_hash: payload_hash.clone(),
            last_event: *last_event,
            assignment: *assignment,
            owner: state.owner().cloned(),
            pool: state.pool().cloned(),
            ledger: None,
            score: state.score.clone(),
            rulebook: decided.map(|decided| decided.rulebook.clone()),
            rule: decided.map(|decided| decided.rule.clone()),
            priority: state.priority(),
            value: decided.and_then(|decided| decided.value),
            reason: state.reason().map(str::to_owned),
            held_from: None,
            mql_at: *mql,
            assigned_at: None,
            accepted_at: None,
            accepted_by: None,
            waiting_since: None,
            pool_only: false,
            due_at: state.due_at(),
            merged_into: state.merged_into().cloned(),
            first_assigned_at: None,
            first_accepted_at: None,
            first_accepted_by: None,
        };
        match standing {
            Standing::Assigned(owned) => item.owned(owned),
            Standing::Accepted { owned, accepted } => {
                item.owned(owned);
                item.accepted_at = Some(accepted.at);
                item.accepted_by = by_another(accepted, &owned.owner);
            }
            Standing::Waiting(wait) => {
                item.waiting_since = Some(wait.since);
                item.pool_only = wait.pool_only;
            }
            Standing::Held { from, .. } => item.held_from = (*from != HeldFrom::Unstored).then(|| from.stage()),
            Standing::Stored { .. }
            | Standing::Nurturing(_)
            | Standing::Disqualified { .. }
            | Standing::Merged { .. } => {}
        }
        item.first_assigned_at = assigned.filter(|first| item.assigned_at != Some(*first));
        let first = accepted.as_ref().filter(|first| current_acceptance(standing) != Some(*first));
        item.first_accepted_at = first.map(|first| first.at);
        item.first_accepted_by = first.map(|first| first.by.clone());
        item
    }
}

fn current_acceptance(standing: &Standing) -> Option<&Done> {
    match standing {
        Standing::Accepted { accepted, .. } => Some(accepted),
        _ => None,
    }
}

/// Returns who did it, if it was not the owner.
fn by_another(done: &Done, owner: &RepId) -> Option<ActorId> {
    (done.by.as_str() != owner.as_str()).then(|| done.by.clone())
}

impl StateItem {
    fn owned(&mut self, owned: &Owned) {
        self.ledger = owned.turn.as_ref().map(|turn| turn.version);
        self.assigned_at = Some(owned.since);
    }

    /// Converts the stored form to a state.
    ///
    /// # Errors
    /// Fails if a field that the stage requires is missing.
    pub(super) fn into_state(self) -> Result<State, StoreError> {
        let standing = self.standing()?;
        let first_accepted = match (self.first_accepted_at, self.first_accepted_by) {
            (Some(at), Some(by)) => Some(Done { at, by }),
            _ => current_acceptance(&standing).cloned(),
        };
        let milestones = Milestones {
            received: self.received_at,
            mql: self.mql_at,
            assigned: self.first_assigned_at.or_else(|| standing.owned().map(|owned| owned.since)),
            accepted: first_accepted,
        };
        let (priority, value) = (self.priority, self.value);
        let decided = self.rule.zip(self.rulebook);
        let decided = decided.map(|(rule, rulebook)| Decided { rule, rulebook, priority, value });
        Ok(State {
            lead_id: self.lead_id,
            version: self.version,
            source: self.source,
            payload_hash: self.payload_hash,
            standing,
            last_event: self.last_event,
            assignment: self.assignment,
            score: self.score,
            decided,
            milestones,
        })
    }

    fn standing(&self) -> Result<Standing, StoreError> {
        let reason = || self.reason.clone().unwrap_or_default();
        Ok(match self.stage {
            Stage::Stored => Standing::Stored { decide_by: self.due_at },
            Stage::Waiting => {
                let since = self.waiting_since.unwrap_or(self.received_at);
                let pool = self.pool.clone().ok_or_else(|| self.lacks("pool"))?;
                Standing::Waiting(Wait { pool, since, until: self.due_at.unwrap_or(since), pool_only: self.pool_only })
            }
            Stage::Assigned => Standing::Assigned(self.read_owned()?),
            Stage::Accepted => {
                let owned = self.read_owned()?;
                let by = self.accepted_by.clone().unwrap_or_else(|| ActorId::new(owned.owner.as_str()));
                let accepted = Done { at: self.accepted_at.unwrap_or(owned.since), by };
                Standing::Accepted { owned, accepted }
            }
            Stage::Nurturing => Standing::Nurturing(match (&self.reason, self.due_at) {
                (Some(reason), _) => Nurture::Because { reason: reason.clone() },
                (None, due_at) => Nurture::GoesOn { decide_by: due_at.unwrap_or(self.received_at) },
            }),
            Stage::Held => {
                let from = match self.held_from {
                    None => HeldFrom::Unstored,
                    Some(Stage::Waiting) => HeldFrom::Waiting,
                    Some(Stage::Nurturing) => HeldFrom::Nurturing,
                    Some(_) => HeldFrom::Stored,
                };
                Standing::Held { from, reason: reason() }
            }
            Stage::Disqualified => Standing::Disqualified { reason: reason() },
            Stage::Merged => {
                Standing::Merged { into: self.merged_into.clone().ok_or_else(|| self.lacks("merged_into"))? }
            }
        })
    }

    fn read_owned(&self) -> Result<Owned, StoreError> {
        let turn = self.pool.clone().zip(self.ledger).map(|(pool, version)| TurnTaken { pool, version });
        Ok(Owned {
            owner: self.owner.clone().ok_or_else(|| self.lacks("owner"))?,
            turn,
            since: self.assigned_at.unwrap_or(self.received_at),
        })
    }

    fn lacks(&self, field: &str) -> StoreError {
        StoreError::Damaged(format!("lead {} is at stage `{}` without `{field}`", self.lead_id, self.stage.as_str()))
    }
}

#[cfg(test)]
mod tests;
