//! Activities and rescoring. They do not move a lead by themselves.

use jiff::Timestamp;

use super::change::{Draft, Refusal, Transition};
use fairleader_lead::activity::Activity;
use fairleader_lead::event::EventKind;
use fairleader_lead::id::{ActivityId, RulebookVersion};
use fairleader_lead::score::Score;
use fairleader_lead::state::State;

pub(super) fn record(
    state: &State,
    activity: Activity,
    reused_key_of: Option<ActivityId>,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    if state.merged_into().is_some() {
        return Err(Refusal::at(state, "given an activity"));
    }
    let Activity { id, did, at, channel, spend, response, product: _ } = activity;
    let event = EventKind::ActivityRecorded { activity: id, did, did_at: at, channel, spend, response, reused_key_of };
    Ok(Draft::new(state, now).tell(event))
}

pub(super) fn rescore(
    state: &State,
    score: Score,
    rulebook: RulebookVersion,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    if !state.stage().is_rescored() {
        return Err(Refusal::at(state, "rescored"));
    }
    let score = state.keep_mql(score);
    if state.score.as_ref().is_some_and(|before| before.same_figures(&score)) {
        return Ok(Transition::Unchanged);
    }
    let mut draft = Draft::new(state, now);
    let became_mql = score.mql && state.milestones.mql.is_none();
    if became_mql {
        draft.state.milestones.mql = Some(now);
    }
    let Score { total, fit, engagement, account, mql, .. } = score;
    let grade = score.grade.clone();
    draft.state.score = Some(score);
    Ok(draft.tell(EventKind::LeadScored { score: total, fit, engagement, account, grade, mql, became_mql, rulebook }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{activity, apply, at, decision, rep, rescore_to, score, stored, to};
    use super::super::{Command, Decision, Destination, transition};
    use super::*;
    use fairleader_lead::id::LeadId;
    use fairleader_lead::state::Stage;

    #[test]
    fn an_activity_moves_nothing() {
        let refused = apply(&stored(), to(Destination::Disqualify { reason: "junk".to_owned() })).state;
        let held = apply(&stored(), Command::Hold { reason: "failed".to_owned() }).state;
        let owned = apply(&stored(), rep("anna")).state;
        for state in [stored(), refused, held, owned] {
            let change = apply(&state, Command::RecordActivity { activity: activity("a-1"), reused_key_of: None });
            let (version, last_event) = (state.version + 1, state.last_event + 1);
            assert_eq!(change.state, State { version, last_event, ..state });
            assert!(matches!(change.event, EventKind::ActivityRecorded { did_at, .. } if did_at == at(30)));
        }
        let merged = apply(&stored(), Command::Merge { into: LeadId::from("l-0"), reused_key_of: None }).state;
        let refusal =
            transition(&merged, Command::RecordActivity { activity: activity("a-1"), reused_key_of: None }, at(60))
                .unwrap_err();
        assert_eq!(refusal.to_string(), "a lead at stage `merged` cannot be given an activity");
    }

    #[test]
    fn sets_the_mql_time_once_and_never_revokes_it() {
        let not_ready = Destination::Nurture { reason: "not_an_mql".to_owned() };
        let nurture = Command::Decide(Decision { score: score(false), ..decision(not_ready) });
        let nurtured = apply(&stored(), nurture).state;
        assert_eq!(nurtured.milestones.mql, None);
        let reasons_only = Score { mql_by: Some("another line".to_owned()), ..score(false) };
        assert_eq!(transition(&nurtured, rescore_to(reasons_only), at(70)), Ok(Transition::Unchanged));

        let change = apply(&nurtured, rescore_to(score(true)));
        assert_eq!((change.state.stage(), change.state.milestones.mql), (Stage::Nurturing, Some(at(60))));
        assert!(matches!(change.event, EventKind::LeadScored { mql: true, became_mql: true, .. }));
        assert_eq!(change.state.decided, nurtured.decided, "the last decision stays");

        let faded = Score { total: 10, ..score(false) };
        let change = match transition(&change.state, rescore_to(faded.clone()), at(99)) {
            Ok(Transition::Changed(change)) => change,
            other => panic!("{other:?}"),
        };
        assert_eq!(change.state.milestones.mql, Some(at(60)));
        assert!(matches!(change.event, EventKind::LeadScored { score: 10, mql: true, became_mql: false, .. }));
        assert_eq!(transition(&change.state, rescore_to(faded), at(100)), Ok(Transition::Unchanged));
        assert!(transition(&stored(), rescore_to(score(true)), at(60)).is_err(), "its score comes with its decision");
    }
}
