//! Leads on hold, and their release.

use jiff::Timestamp;

use super::change::{Change, Draft, Refusal, Transition};
use fairleader_lead::event::EventKind;
use fairleader_lead::id::SourceId;
use fairleader_lead::state::{HeldFrom, Nurture, Stage, Standing, State};

/// Makes the change that puts a lead on hold that could not be stored. It creates the lead. `stored` is the state that
/// it would have had, as far as known.
pub fn held_unstored(stored: State, reason: String, now: Timestamp) -> Change {
    let event = EventKind::LeadHeld { reason: reason.clone(), from: HeldFrom::Unstored.stage() };
    let standing = Standing::Held { from: HeldFrom::Unstored, reason };
    let state = State { standing, last_event: 1, ..stored };
    Change { expected_version: 0, state, event, at: now, freed: None, taken: None }
}

pub(super) fn hold(state: &State, reason: String, now: Timestamp) -> Result<Transition, Refusal> {
    if state.stage() == Stage::Held {
        return Ok(Transition::Unchanged);
    }
    put_on_hold(Draft::new(state, now), reason)
}

/// Puts a lead without an owner on hold.
pub(super) fn put_on_hold(mut draft: Draft<'_>, reason: String) -> Result<Transition, Refusal> {
    let from = match draft.before.standing {
        Standing::Stored { .. } => HeldFrom::Stored,
        Standing::Waiting(_) => HeldFrom::Waiting,
        Standing::Nurturing(_) => HeldFrom::Nurturing,
        _ => return Err(Refusal::at(draft.before, "held")),
    };
    draft.moves(Standing::Held { from, reason: reason.clone() });
    Ok(draft.tell(EventKind::LeadHeld { reason, from: from.stage() }))
}

pub(super) fn release(state: &State, now: Timestamp) -> Result<Transition, Refusal> {
    let Standing::Held { from, .. } = state.standing else {
        return Err(Refusal::at(state, "released"));
    };
    let mut draft = Draft::new(state, now);
    let decide_by = draft.decide_by();
    draft.moves(match from {
        HeldFrom::Nurturing => Standing::Nurturing(Nurture::GoesOn { decide_by }),
        // A waiting lead lost its place on the waiting list, so it is decided like a stored one.
        HeldFrom::Waiting | HeldFrom::Stored | HeldFrom::Unstored => Standing::Stored { decide_by: Some(decide_by) },
    });
    let to = draft.state.stage();
    Ok(draft.tell(EventKind::LeadReleased { to }))
}

pub(super) fn store(
    state: &State,
    source: SourceId,
    received_at: Timestamp,
    payload_hash: String,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    if !state.is_unstored() {
        return Err(Refusal::at(state, "stored"));
    }
    let mut draft = Draft::new(state, now);
    draft.moves(Standing::Stored { decide_by: Some(draft.decide_by()) });
    draft.state.source = source;
    draft.state.milestones.received = received_at;
    draft.state.payload_hash = payload_hash;
    Ok(draft.tell(EventKind::LeadReleased { to: Stage::Stored }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, at, rep, store, stored, to};
    use super::super::{Command, Destination, transition};
    use super::*;
    use fairleader_lead::id::{LeadId, PoolId};

    #[test]
    fn an_unstored_lead_can_only_be_stored_or_merged() {
        let change = held_unstored(stored(), "failed".to_owned(), at(30));
        assert_eq!(change.event, EventKind::LeadHeld { reason: "failed".to_owned(), from: Stage::Stored });
        let held = change.state;
        assert!(held.is_unstored());
        assert_eq!((held.version, held.last_event), (1, 1));
        for command in [Command::Release, Command::Absorb { from: LeadId::from("l-2") }, Command::Resubmit, rep("anna")]
        {
            let refusal = transition(&held, command, at(60)).unwrap_err();
            assert_eq!(refusal.to_string(), "a lead at stage `held` cannot be changed before it is stored");
        }
        let stored = apply(&held, store("other"));
        assert_eq!(stored.event, EventKind::LeadReleased { to: Stage::Stored });
        assert_eq!((stored.state.stage(), stored.state.payload_hash.as_str()), (Stage::Stored, "other"));
        assert!(transition(&stored.state, store("other"), at(61)).is_err(), "it is already stored");
        let merged = apply(&held, Command::Merge { into: LeadId::from("l-0"), reused_key_of: None }).state;
        assert_eq!((merged.stage(), merged.last_event), (Stage::Merged, 2));
    }

    #[test]
    fn a_released_lead_can_be_decided() {
        let waiting =
            apply(&stored(), to(Destination::Line { pool: PoolId::from("inbound"), until: at(600), pool_only: true }))
                .state;
        let held = apply(&waiting, Command::Hold { reason: "failed".to_owned() }).state;
        assert_eq!(held.standing, Standing::Held { from: HeldFrom::Waiting, reason: "failed".to_owned() });
        assert_eq!(held.due_at(), None);
        assert!(transition(&held, rep("anna"), at(70)).is_err());
        let released = apply(&held, Command::Release).state;
        assert_eq!((released.stage(), released.reason()), (Stage::Stored, None));
        let owned = apply(&released, rep("anna")).state;
        assert!(transition(&owned, Command::Hold { reason: "failed".to_owned() }, at(70)).is_err());

        let nurtured = apply(&stored(), to(Destination::Nurture { reason: "not_an_mql".to_owned() })).state;
        let held = apply(&nurtured, Command::Hold { reason: "failed".to_owned() }).state;
        let released = apply(&held, Command::Release).state;
        assert_eq!(released.standing, Standing::Nurturing(Nurture::GoesOn { decide_by: at(360) }));
        let decided = apply(&released, to(Destination::Nurture { reason: "not_an_mql".to_owned() })).state;
        assert_eq!((decided.reason(), decided.due_at()), (Some("not_an_mql"), None));
    }
}
