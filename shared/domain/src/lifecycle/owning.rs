//! Commands of the owner of a lead.

use jiff::Timestamp;

use super::change::{Draft, Refusal, Transition};
use fairleader_lead::event::EventKind;
use fairleader_lead::id::{ActorId, RepId};
use fairleader_lead::state::{Done, Standing, State};

/// Who accepts a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirms {
    /// A rep, who must be the owner.
    Owner(RepId),
    /// A person on behalf of the owner.
    ForOwner(ActorId),
}

pub(super) fn accept(state: &State, by: Confirms, assignment: u32, now: Timestamp) -> Result<Transition, Refusal> {
    if assignment != state.assignment {
        return Err(Refusal::OldAssignment { given: assignment, current: state.assignment });
    }
    if let (Confirms::Owner(rep), Some(owner)) = (&by, state.owner())
        && rep != owner
    {
        return Err(Refusal::NotOwner { owner: owner.clone() });
    }
    let owned = match &state.standing {
        Standing::Assigned(owned) => owned.clone(),
        Standing::Accepted { .. } => return Ok(Transition::Unchanged),
        _ => return Err(Refusal::at(state, "accepted")),
    };
    let (by, accepted_by) = match by {
        Confirms::Owner(rep) => (ActorId::new(rep.as_str()), None),
        Confirms::ForOwner(actor) => (actor.clone(), Some(actor)),
    };
    let accepted = Done { at: now, by };
    let mut draft = Draft::new(state, now);
    draft.state.milestones.accepted.get_or_insert_with(|| accepted.clone());
    let told = EventKind::LeadAccepted { owner: owned.owner.clone(), assignment, accepted_by };
    draft.state.standing = Standing::Accepted { owned, accepted };
    Ok(draft.tell(told))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, at, rep, stored};
    use super::super::{Command, transition};
    use super::*;
    use fairleader_lead::state::Stage;

    fn accept(by: &str, assignment: u32) -> Command {
        Command::Accept { by: Confirms::Owner(RepId::from(by)), assignment }
    }

    #[test]
    fn only_the_owner_accepts_the_current_assignment() {
        let state = apply(&stored(), rep("anna")).state;
        assert_eq!(transition(&state, accept("ben", 1), at(61)), Err(Refusal::NotOwner { owner: RepId::from("anna") }));
        assert_eq!(transition(&state, accept("anna", 2), at(61)), Err(Refusal::OldAssignment { given: 2, current: 1 }));
        let change = apply(&state, accept("anna", 1));
        assert_eq!((&change.freed, &change.taken), (&None, &None), "they keep their seat");
        let accepted = change.state;
        assert_eq!(accepted.stage(), Stage::Accepted);
        assert_eq!(accepted.owned(), state.owned());
        assert_eq!(transition(&accepted, accept("anna", 1), at(99)), Ok(Transition::Unchanged), "a repeat succeeds");
        assert_eq!(
            transition(&accepted, accept("ben", 1), at(99)),
            Err(Refusal::NotOwner { owner: RepId::from("anna") })
        );
        assert!(matches!(transition(&stored(), accept("anna", 0), at(61)), Err(Refusal::Stage { .. })));
    }

    #[test]
    fn records_who_accepted_for_the_owner() {
        let state = apply(&stored(), rep("anna")).state;
        let mara = ActorId::from("mara");
        let change = apply(&state, Command::Accept { by: Confirms::ForOwner(mara.clone()), assignment: 1 });
        let Standing::Accepted { owned, accepted } = &change.state.standing else { panic!("accepted") };
        assert_eq!(owned.owner, RepId::from("anna"));
        assert_eq!(*accepted, Done { at: at(60), by: mara.clone() });
        assert_eq!(change.state.milestones.accepted.as_ref(), Some(accepted));
        let told = EventKind::LeadAccepted { owner: RepId::from("anna"), assignment: 1, accepted_by: Some(mara) };
        assert_eq!(change.event, told);
    }
}
