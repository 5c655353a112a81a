//! Merges of leads of one person, resubmissions, and keys that are used again for another person.

use jiff::Timestamp;

use super::change::{Draft, Refusal, Transition};
use fairleader_lead::event::EventKind;
use fairleader_lead::id::LeadId;
use fairleader_lead::state::{Stage, Standing, State};

pub(super) fn merge(
    state: &State,
    into: LeadId,
    reused_key_of: Option<LeadId>,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    if into == state.lead_id {
        return Err(Refusal::IntoItself);
    }
    match state.merged_into() {
        Some(before) if *before == into => return Ok(Transition::Unchanged),
        Some(_) => return Err(Refusal::at(state, "merged again")),
        None => {}
    }
    let mut draft = Draft::new(state, now);
    draft.moves(Standing::Merged { into: into.clone() });
    let (freed_owner, freed_pool) = draft.freed();
    Ok(draft.tell(EventKind::LeadMerged { into, reused_key_of, freed_owner, freed_pool }))
}

pub(super) fn absorb(state: &State, from: LeadId, now: Timestamp) -> Result<Transition, Refusal> {
    if state.merged_into().is_some() {
        return Err(Refusal::at(state, "the target of a merge"));
    }
    let mut draft = Draft::new(state, now);
    let to = reopen(&mut draft);
    Ok(draft.tell(EventKind::LeadAbsorbed { from, to }))
}

pub(super) fn resubmit(state: &State, now: Timestamp) -> Transition {
    let mut draft = Draft::new(state, now);
    let to = reopen(&mut draft);
    draft.tell(EventKind::LeadResubmitted { to })
}

pub(super) fn reuse_key(state: &State, of: LeadId, now: Timestamp) -> Transition {
    Draft::new(state, now).tell(EventKind::KeyReused { of })
}

/// Reopens a disqualified lead with news. Returns its new stage, if it moves.
fn reopen(draft: &mut Draft<'_>) -> Option<Stage> {
    matches!(draft.before.standing, Standing::Disqualified { .. }).then(|| {
        draft.moves(Standing::Stored { decide_by: Some(draft.decide_by()) });
        Stage::Stored
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, at, rep, stored, to};
    use super::super::{Command, Destination};
    use super::*;
    use fairleader_lead::id::{PoolId, RepId};

    #[test]
    fn a_merge_gives_the_seat_back() {
        let assigned = apply(&stored(), rep("anna"));
        let merged = apply(&assigned.state, Command::Merge { into: LeadId::from("l-0"), reused_key_of: None });
        assert_eq!((merged.taken, merged.freed), (None, Some(RepId::from("anna"))));
        assert_eq!(
            merged.event,
            EventKind::LeadMerged {
                into: LeadId::from("l-0"),
                reused_key_of: None,
                freed_owner: Some(RepId::from("anna")),
                freed_pool: Some(PoolId::from("inbound"))
            }
        );
    }

    #[test]
    fn a_reused_key_is_told_and_moves_nothing() {
        let told = apply(&stored(), Command::ReuseKey { of: LeadId::from("l-0") });
        assert_eq!(told.event, EventKind::KeyReused { of: LeadId::from("l-0") });
        assert_eq!((told.state.stage(), told.state.last_event), (Stage::Stored, 1));
    }

    #[test]
    fn news_reopens_a_disqualified_lead() {
        let refused = apply(&stored(), to(Destination::Disqualify { reason: "junk".to_owned() })).state;
        for command in [Command::Absorb { from: LeadId::from("l-2") }, Command::Resubmit] {
            let change = apply(&refused, command);
            assert_eq!((change.state.stage(), change.state.reason()), (Stage::Stored, None));
            assert_eq!(change.state.due_at(), Some(at(360)));
            assert!(matches!(
                change.event,
                EventKind::LeadAbsorbed { to: Some(Stage::Stored), .. }
                    | EventKind::LeadResubmitted { to: Some(Stage::Stored) }
            ));
            assert_eq!(apply(&change.state, rep("anna")).state.stage(), Stage::Assigned);
        }
        let nurtured = apply(&stored(), to(Destination::Nurture { reason: "not_an_mql".to_owned() })).state;
        let told = apply(&nurtured, Command::Resubmit);
        assert_eq!((told.state.stage(), told.event), (Stage::Nurturing, EventKind::LeadResubmitted { to: None }));
    }
}
