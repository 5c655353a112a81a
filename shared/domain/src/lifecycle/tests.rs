use proptest::prelude::*;

use super::*;
use fairleader_lead::id::{ActivityId, ActorId, PoolId, RepId};
use fairleader_lead::ruling::Priority;
use fairleader_lead::state::TurnTaken;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_500_000 + second).unwrap()
}

pub(super) fn stored() -> State {
    State::stored(LeadId::from("l-1"), SourceId::from("web"), at(0), "hash".to_owned())
}

pub(super) fn score(mql: bool) -> Score {
    Score {
        total: 70,
        fit: 70,
        engagement: 0,
        account: 0,
        grade: None,
        mql,
        mql_by: None,
        interest: Vec::new(),
        lines: Vec::new(),
    }
}

pub(super) fn decision(to: Destination) -> Decision {
    Decision {
        to,
        score: score(true),
        rule: "everyone else".to_owned(),
        rulebook: RulebookVersion::from("000001"),
        priority: Priority::Normal,
        value: None,
    }
}

pub(super) fn to(destination: Destination) -> Command {
    Command::Decide(decision(destination))
}

fn to_rep(name: &str) -> Destination {
    let turn = TurnTaken { pool: PoolId::from("inbound"), version: 1 };
    Destination::Rep { rep: RepId::from(name), turn: Some(turn) }
}

pub(super) fn rep(name: &str) -> Command {
    to(to_rep(name))
}

pub(super) fn store(payload_hash: &str) -> Command {
    let payload_hash = payload_hash.to_owned();
    Command::Store { source: SourceId::from("web"), received_at: at(0), payload_hash }
}

pub(super) fn activity(id: &str) -> Activity {
    Activity {
        id: ActivityId::from(id),
        did: "webinar".to_owned(),
        at: at(30),
        channel: Some("web".to_owned()),
        spend: None,
        response: Some("attended".to_owned()),
        product: Some("keel".to_owned()),
    }
}

pub(super) fn rescore_to(score: Score) -> Command {
    Command::Rescore { score, rulebook: RulebookVersion::from("000002") }
}

pub(super) fn apply(state: &State, command: Command) -> Change {
    match transition(state, command, at(60)).unwrap() {
        Transition::Changed(change) => *change,
        Transition::Unchanged => panic!("nothing changed"),
    }
}

fn any_command() -> impl Strategy<Value = Command> {
    let name = prop_oneof![Just("anna"), Just("ben")];
    let by = name.clone().prop_map(|name| Confirms::Owner(RepId::from(name)));
    let by = prop_oneof![by, Just(Confirms::ForOwner(ActorId::from("mara")))];
    let line = |pool: &str| Destination::Line { pool: PoolId::from(pool), until: at(600), pool_only: true };
    prop_oneof![
        name.clone().prop_map(rep),
        name.prop_map(|name| Command::Reassign(decision(to_rep(name)))),
        Just(Command::Reassign(decision(line("iberia")))),
        Just(to(line("inbound"))),
        Just(to(Destination::Nurture { reason: "not_an_mql".to_owned() })),
        Just(to(Destination::Disqualify { reason: "junk".to_owned() })),
        Just(to(Destination::Hold { reason: "review".to_owned() })),
        (by, 0_u32..3).prop_map(|(by, assignment)| Command::Accept { by, assignment }),
        Just(Command::Merge { into: LeadId::from("l-0"), reused_key_of: None }),
        Just(Command::Absorb { from: LeadId::from("l-2") }),
        Just(Command::Resubmit),
        Just(Command::RecordActivity { activity: activity("a-1"), reused_key_of: None }),
        (0_u8..100, any::<bool>()).prop_map(|(total, mql)| rescore_to(Score { total, ..score(mql) })),
        Just(store("other")),
        Just(Command::Hold { reason: "failed".to_owned() }),
        Just(Command::Release),
    ]
}

proptest! {
    /// For every sequence of commands, seats add up, numbers rise by one, and milestones do not move.
    #[test]
    fn no_sequence_of_commands_breaks_a_lead(
        unstored in any::<bool>(),
        commands in proptest::collection::vec(any_command(), 0..30),
    ) {
        let mut state = if unstored { held_unstored(stored(), "failed".to_owned(), at(0)).state } else { stored() };
        let mut seats = std::collections::BTreeMap::<RepId, i32>::new();
        for (second, command) in (60..).zip(commands) {
            let Ok(Transition::Changed(change)) = transition(&state, command, at(second)) else { continue };
            prop_assert_eq!(change.expected_version, state.version);
            prop_assert_eq!(change.state.version, state.version + 1);
            prop_assert_eq!(change.state.last_event, state.last_event + 1);
            if let Some(rep) = change.taken { *seats.entry(rep).or_default() += 1; }
            if let Some(rep) = change.freed { *seats.entry(rep).or_default() -= 1; }
            let (before, after) = (&state.milestones, &change.state.milestones);
            prop_assert!(before.mql.is_none() || after.mql == before.mql, "an MQL is never revoked");
            prop_assert!(before.assigned.is_none() || after.assigned == before.assigned);
            prop_assert!(before.accepted.is_none() || after.accepted == before.accepted);
            state = change.state;
            seats.retain(|_, open| *open != 0);
            let expected: Vec<_> = state.owner().map(|rep| (rep.clone(), 1)).into_iter().collect();
            prop_assert_eq!(seats.clone().into_iter().collect::<Vec<_>>(), expected);
            prop_assert_eq!(state.owner().is_some(), state.stage().is_owned());
            prop_assert!(state.owner().is_none() || state.milestones.assigned.is_some());
        }
    }
}
