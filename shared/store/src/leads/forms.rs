//! Stored forms of activities, explanations and failed commands.

use fairleader_domain::gate::Gate;
use fairleader_domain::routing::{Candidate, Choice, PoolTried, Why};
use fairleader_lead::activity::{Activity, Spend};
use fairleader_lead::id::{ActivityId, LeadId, PoolId, RepId, RulebookVersion, SourceId};
use fairleader_lead::score::Score;
use fairleader_lead::state::Stage;
use fairleader_lead::submission::Submission;
use fairleader_rulebook::Explanation;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Absorbed, DeadLetter, Recorded};
use crate::item::{each, stored};

stored! {
    AbsorbedForm of Absorbed {
        received_at: Timestamp,
        payload_hash: String,
        lead_id: LeadId,
        submission: Submission,
    }
}

stored! {
    LetterForm of DeadLetter {
        queue: String,
        command: String,
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}

/// Activity of the person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RecordedForm {
    id: ActivityId,
    did: String,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spend: Option<Spend>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    source: SourceId,
    received_at: Timestamp,
    /// Missing in items by older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
}

impl From<Recorded> for RecordedForm {
    fn from(Recorded { activity, source, received_at, content }: Recorded) -> Self {
        let Activity { id, did, at, channel, spend, response, product } = activity;
        Self { id, did, at, channel, spend, response, product, source, received_at, content }
    }
}

impl From<RecordedForm> for Recorded {
    fn from(form: RecordedForm) -> Self {
        let RecordedForm { id, did, at, channel, spend, response, product, source, received_at, content } = form;
        let activity = Activity { id, did, at, channel, spend, response, product };
        Self { activity, source, received_at, content }
    }
}

/// Explanation of a decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct WhyForm {
    at: Timestamp,
    event: u64,
    /// The assignment. Together with a pool's turn it names the entry with the reps who could have taken the lead.
    #[serde(default)]
    assignment: u32,
    stage: Stage,
    rulebook: RulebookVersion,
    explanation: Explanation,
    score: Score,
    choice: ChoiceForm,
    #[serde(default)]
    summary: Vec<String>,
    sentences: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ChoiceForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken_from: Option<RepId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    named: Option<CandidateForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pools: Vec<PoolTriedForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chosen: Option<RepId>,
}

/// Pool that was tried. It lists only the members who could not take the lead. The others are in the entry of its turn,
/// with what they were owed.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PoolTriedForm {
    pool: PoolId,
    /// The version of the rotation after the turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<u64>,
    /// Members, by the gate that stopped them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stopped: Vec<(Gate, Vec<RepId>)>,
    /// All members, as older versions wrote them. Older readers need this field.
    #[serde(default)]
    members: Vec<CandidateForm>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct CandidateForm {
    rep: RepId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped_by: Option<Gate>,
    #[serde(default)]
    lag: i64,
}

impl From<Candidate> for CandidateForm {
    fn from(Candidate { rep, stopped_by, lag }: Candidate) -> Self {
        Self { rep, stopped_by, lag: lag.unwrap_or(0) }
    }
}

impl From<CandidateForm> for Candidate {
    fn from(CandidateForm { rep, stopped_by, lag }: CandidateForm) -> Self {
        Self { rep, stopped_by, lag: Some(lag) }
    }
}

impl From<PoolTried> for PoolTriedForm {
    fn from(PoolTried { pool, turn, members }: PoolTried) -> Self {
        let mut stopped: Vec<(Gate, Vec<RepId>)> = Vec::new();
        let mut kept = Vec::new();
        for member in members {
            match (member.stopped_by, turn) {
                (Some(gate), _) => match stopped.iter_mut().find(|(known, _)| *known == gate) {
                    Some((_, reps)) => reps.push(member.rep),
                    None => stopped.push((gate, vec![member.rep])),
                },
                (None, Some(_)) => {}
                // There was no turn, so no other item has them.
                (None, None) => kept.push(member.into()),
            }
        }
        Self { pool, turn, stopped, members: kept }
    }
}

impl From<PoolTriedForm> for PoolTried {
    fn from(PoolTriedForm { pool, turn, stopped, members }: PoolTriedForm) -> Self {
        let mut members: Vec<Candidate> = each(members);
        for (gate, reps) in stopped {
            members.extend(reps.into_iter().map(|rep| Candidate { rep, stopped_by: Some(gate), lag: None }));
        }
        Self { pool, turn, members }
    }
}

impl From<Choice> for ChoiceForm {
    fn from(Choice { taken_from, named, pools, chosen }: Choice) -> Self {
        Self { taken_from, named: named.map(Into::into), pools: each(pools), chosen }
    }
}

impl From<ChoiceForm> for Choice {
    fn from(ChoiceForm { taken_from, named, pools, chosen }: ChoiceForm) -> Self {
        Self { taken_from, named: named.map(Into::into), pools: each(pools), chosen }
    }
}

impl From<Why> for WhyForm {
    fn from(why: Why) -> Self {
        let Why { at, event, assignment, stage, rulebook, explanation, score, choice, summary, sentences } = why;
        let choice = choice.into();
        Self { at, event, assignment, stage, rulebook, explanation, score, choice, summary, sentences }
    }
}

impl From<WhyForm> for Why {
    fn from(form: WhyForm) -> Self {
        let WhyForm { at, event, assignment, stage, rulebook, explanation, score, choice, summary, sentences } = form;
        let choice = choice.into();
        Self { at, event, assignment, stage, rulebook, explanation, score, choice, summary, sentences }
    }
}
