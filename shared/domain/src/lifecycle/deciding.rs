//! Decisions of the rulebook and the rotation: whether a lead can be decided, and where it goes.

use jiff::Timestamp;

use super::change::{Draft, Refusal, Transition, stored};
use super::holding::put_on_hold;
use fairleader_lead::event::EventKind;
use fairleader_lead::id::{PoolId, RepId, RulebookVersion};
use fairleader_lead::ruling::Priority;
use fairleader_lead::score::Score;
use fairleader_lead::state::{Decided, Nurture, Owned, Standing, State, TurnTaken, Wait};

/// Decision on a lead, ready to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The destination.
    pub to: Destination,
    /// The score at the decision.
    pub score: Score,
    /// The rule that won.
    pub rule: String,
    /// The version of the rulebook.
    pub rulebook: RulebookVersion,
    /// The priority by the rule.
    pub priority: Priority,
    /// The expected value by the rule, in whole units of the company's currency.
    pub value: Option<u32>,
}

/// Destination of a decided lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To a rep.
    Rep {
        /// The rep.
        rep: RepId,
        /// The turn in which they get it; `None` if it costs no turn.
        turn: Option<TurnTaken>,
    },
    /// To the waiting list of a pool.
    Line {
        /// The pool.
        pool: PoolId,
        /// When it goes to the fallback of the pool.
        until: Timestamp,
        /// Whether only members of the pool can take it.
        pool_only: bool,
    },
    /// To nurture.
    Nurture {
        /// The reason.
        reason: String,
    },
    /// Disqualified.
    Disqualify {
        /// The reason.
        reason: String,
    },
    /// On hold.
    Hold {
        /// The reason.
        reason: String,
    },
}

/// Checks that [`Decide`](super::Command::Decide) can be applied to the lead, whatever the decision.
///
/// # Errors
/// Fails if the lead is already decided, or its stage does not allow it.
pub fn may_decide(state: &State) -> Result<(), Refusal> {
    stored(state)?;
    if state.stage().is_undecided() { Ok(()) } else { Err(Refusal::at(state, "decided")) }
}

/// Checks that [`Reassign`](super::Command::Reassign) can be applied to the lead, if the decision leaves it in sales.
///
/// # Errors
/// Fails if it has no owner, or its owner has accepted it.
pub fn may_reassign(state: &State) -> Result<(), Refusal> {
    stored(state)?;
    match state.standing {
        Standing::Assigned(_) => Ok(()),
        _ => Err(Refusal::at(state, "reassigned")),
    }
}

pub(super) fn decide(state: &State, decision: Decision, now: Timestamp) -> Result<Transition, Refusal> {
    may_decide(state)?;
    settle(state, decision, now)
}

pub(super) fn reassign(state: &State, decision: Decision, now: Timestamp) -> Result<Transition, Refusal> {
    may_reassign(state)?;
    // A rulebook never takes a lead away from sales.
    if !matches!(decision.to, Destination::Rep { .. } | Destination::Line { .. }) {
        return Err(Refusal::at(state, "taken away from sales"));
    }
    settle(state, decision, now)
}

/// Applies a decision.
fn settle(state: &State, decision: Decision, now: Timestamp) -> Result<Transition, Refusal> {
    let Decision { to, score, rule, rulebook, priority, value } = decision;
    // A lead that stays on the same waiting list keeps its waiting time, whatever its new score.
    let waits = match (&to, &state.standing) {
        (Destination::Line { pool, .. }, Standing::Waiting(wait)) if wait.pool == *pool => Some(wait.clone()),
        _ => None,
    };
    let stays = waits.is_some()
        || match (&to, &state.standing) {
            (Destination::Nurture { reason }, Standing::Nurturing(Nurture::Because { reason: before })) => {
                reason == before
            }
            _ => false,
        };
    let as_before = state.decided.as_ref().is_some_and(|before| before.priority == priority && before.value == value);
    // Others can take the lead from now on, so it moves to the other part of the index.
    let wider =
        waits.as_ref().is_some_and(|wait| wait.pool_only) && matches!(to, Destination::Line { pool_only: false, .. });
    if stays && as_before && !wider && state.score.as_ref().is_some_and(|before| before.same_figures(&score)) {
        return Ok(Transition::Unchanged);
    }
    let mut draft = Draft::new(state, now);
    if score.mql {
        draft.state.milestones.mql.get_or_insert(now);
    }
    let (total, grade) = (score.total, score.grade.clone());
    draft.state.score = Some(score);
    draft.state.decided = Some(Decided { rule: rule.clone(), rulebook: rulebook.clone(), priority, value });
    Ok(match to {
        Destination::Rep { rep, turn } => {
            let assignment = state.assignment.saturating_add(1);
            draft.state.assignment = assignment;
            draft.state.milestones.assigned.get_or_insert(now);
            let pool = turn.as_ref().map(|turn| turn.pool.clone());
            draft.moves(Standing::Assigned(Owned { owner: rep.clone(), turn, since: now }));
            let (freed_owner, freed_pool) = draft.freed();
            draft.tell(EventKind::LeadAssigned {
                owner: rep,
                pool,
                assignment,
                rule,
                rulebook,
                score: total,
                grade,
                priority,
                value,
                freed_owner,
                freed_pool,
            })
        }
        Destination::Line { pool, until, pool_only } => {
            let wait = waits.unwrap_or_else(|| Wait { pool: pool.clone(), since: now, until, pool_only });
            draft.moves(Standing::Waiting(Wait { pool_only, ..wait }));
            let (freed_owner, freed_pool) = draft.freed();
            draft.tell(EventKind::LeadWaiting { pool, rule, rulebook, score: total, freed_owner, freed_pool })
        }
        Destination::Nurture { reason } => {
            draft.moves(Standing::Nurturing(Nurture::Because { reason: reason.clone() }));
            draft.tell(EventKind::LeadNurtured { reason, rule, rulebook, score: total })
        }
        Destination::Disqualify { reason } => {
            draft.moves(Standing::Disqualified { reason: reason.clone() });
            draft.tell(EventKind::LeadDisqualified { reason, rule, rulebook })
        }
        Destination::Hold { reason } => put_on_hold(draft, reason)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, at, decision, rep, score, stored, to};
    use super::super::{Command, transition};
    use super::*;
    use fairleader_lead::id::LeadId;
    use fairleader_lead::state::{Stage, TurnTaken};

    fn again(decision: Decision) -> Command {
        Command::Reassign(Decision { rulebook: RulebookVersion::from("000002"), ..decision })
    }

    fn line(pool: &str, until: i64) -> Destination {
        Destination::Line { pool: PoolId::from(pool), until: at(until), pool_only: true }
    }

    #[test]
    fn an_assigned_lead_takes_a_seat() {
        let assigned = apply(&stored(), rep("anna"));
        assert_eq!((assigned.taken.clone(), assigned.freed.clone()), (Some(RepId::from("anna")), None));
        let milestones = &assigned.state.milestones;
        assert_eq!((milestones.mql, milestones.assigned), (Some(at(60)), Some(at(60))));
    }

    #[test]
    fn a_waiting_lead_keeps_its_place() {
        let waiting = apply(&stored(), to(line("inbound", 600))).state;
        assert_eq!(waiting.due_at(), Some(at(600)));
        assert_eq!(transition(&waiting, to(line("inbound", 600)), at(90)), Ok(Transition::Unchanged));
        let moved = apply(&waiting, to(line("overflow", 600))).state;
        assert_eq!(moved.pool(), Some(&PoolId::from("overflow")));
    }

    #[test]
    fn a_waiting_lead_that_others_can_take_keeps_its_time() {
        let line =
            |pool_only, until| to(Destination::Line { pool: PoolId::from("inbound"), until: at(until), pool_only });
        let waiting = apply(&stored(), line(true, 600)).state;
        let Ok(Transition::Changed(change)) = transition(&waiting, line(false, 900), at(90)) else {
            panic!("nothing changed")
        };
        let wait = Wait { pool: PoolId::from("inbound"), since: at(60), until: at(600), pool_only: false };
        assert_eq!(change.state.standing, Standing::Waiting(wait));
        assert_eq!(transition(&change.state, line(true, 900), at(91)), Ok(Transition::Unchanged));
    }

    #[test]
    fn a_waiting_lead_with_a_better_score_keeps_its_time() {
        let worth = |score: Score, until: i64| Command::Decide(Decision { score, ..decision(line("inbound", until)) });
        let waiting = apply(&stored(), worth(score(true), 600)).state;
        let better = Score { total: 90, ..score(true) };
        let Ok(Transition::Changed(change)) = transition(&waiting, worth(better.clone(), 900), at(90)) else {
            panic!("nothing changed")
        };
        let state = change.state;
        let wait = Wait { pool: PoolId::from("inbound"), since: at(60), until: at(600), pool_only: true };
        assert_eq!(state.standing, Standing::Waiting(wait));
        assert_eq!(state.score.as_ref(), Some(&better));
        assert_eq!(transition(&state, worth(better, 990), at(99)), Ok(Transition::Unchanged), "a pool that is woken");
    }

    #[test]
    fn reassigns_a_lead_until_it_is_accepted() {
        let assigned = apply(&stored(), rep("anna")).state;
        assert!(transition(&assigned, rep("ben"), at(70)).is_err(), "a late decision takes nothing away");
        let turn = TurnTaken { pool: PoolId::from("inbound"), version: 2 };
        let to_ben = Destination::Rep { rep: RepId::from("ben"), turn: Some(turn) };
        let Ok(Transition::Changed(moved)) = transition(&assigned, again(decision(to_ben.clone())), at(90)) else {
            panic!("nothing changed")
        };
        assert_eq!((&moved.freed, &moved.taken), (&Some(RepId::from("anna")), &Some(RepId::from("ben"))));
        assert_eq!((moved.state.assignment, moved.state.stage()), (2, Stage::Assigned));
        assert_eq!(moved.state.milestones.assigned, Some(at(60)), "the first time counts");
        assert_eq!(moved.state.owned().unwrap().since, at(90));
        let EventKind::LeadAssigned { freed_owner, freed_pool, rulebook, .. } = &moved.event else {
            panic!("assigned")
        };
        assert_eq!((freed_owner, freed_pool), (&Some(RepId::from("anna")), &Some(PoolId::from("inbound"))));
        assert_eq!(rulebook.as_str(), "000002");
        let late = Command::Accept { by: super::super::Confirms::Owner(RepId::from("anna")), assignment: 1 };
        assert_eq!(transition(&moved.state, late, at(70)), Err(Refusal::OldAssignment { given: 1, current: 2 }));

        let waits = apply(&assigned, again(decision(line("iberia", 600))));
        assert_eq!((waits.state.stage(), waits.state.owner(), waits.taken), (Stage::Waiting, None, None));
        assert!(matches!(waits.event, EventKind::LeadWaiting { freed_owner: Some(_), freed_pool: Some(_), .. }));

        let verb = |state: &State, command| match transition(state, command, at(70)) {
            Err(Refusal::Stage { verb, .. }) => verb,
            other => panic!("{other:?}"),
        };
        for out in [
            Destination::Nurture { reason: "not_an_mql".to_owned() },
            Destination::Disqualify { reason: "junk".to_owned() },
            Destination::Hold { reason: "pool_not_found".to_owned() },
        ] {
            assert_eq!(verb(&assigned, again(decision(out))), "taken away from sales");
        }
        let owner = super::super::Confirms::Owner(RepId::from("anna"));
        let accepted = apply(&assigned, Command::Accept { by: owner, assignment: 1 }).state;
        assert_eq!(verb(&accepted, again(decision(to_ben))), "reassigned");
        assert_eq!(verb(&waits.state, again(decision(line("iberia", 600)))), "reassigned");
    }

    #[test]
    fn may_decide_agrees_with_deciding() {
        let held = apply(&stored(), Command::Hold { reason: "failed".to_owned() }).state;
        let assigned = apply(&stored(), rep("anna")).state;
        let merged = apply(&stored(), Command::Merge { into: LeadId::from("l-0"), reused_key_of: None }).state;
        let unstored = super::super::held_unstored(stored(), "failed".to_owned(), at(30)).state;
        let waiting = apply(&stored(), to(line("inbound", 600))).state;
        for state in [stored(), held, assigned, merged, unstored, waiting] {
            assert_eq!(may_decide(&state).err(), transition(&state, rep("ben"), at(90)).err(), "{state:?}");
            let reassigned = transition(&state, again(decision(line("iberia", 600))), at(90));
            assert_eq!(may_reassign(&state).err(), reassigned.err(), "{state:?}");
        }
    }
}
