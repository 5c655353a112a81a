use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::gate::RepNow;
use crate::rotation::TURN;
use fairleader_lead::id::{ActorId, SourceId};
use fairleader_lead::pool::Member;
use fairleader_lead::rep::{Rep, RepLoad};
use fairleader_lead::ruling::Section;
use fairleader_lead::state::{Done, HeldFrom, Milestones, Owned, Stage};
use fairleader_rulebook::Explanation;

fn noon() -> Timestamp {
    "2026-03-03T12:00:00Z".parse().unwrap()
}

fn rep(name: &str, capacity: u32, open: u32) -> (RepId, RepNow) {
    let rep = Rep {
        rep_id: RepId::from(name),
        name: name.to_owned(),
        email: format!("{name}@fairleader.example"),
        manager: None,
        zone: "UTC".to_owned(),
        hours: "always".parse().unwrap(),
        languages: Vec::new(),
        skills: Vec::new(),
        capacity,
    };
    (rep.rep_id.clone(), RepNow { rep, load: RepLoad { open, on: true } })
}

fn pool(name: &str, members: &[&str], fallback: Option<&str>) -> (PoolId, PoolNow) {
    let pool = Pool {
        pool_id: PoolId::from(name),
        name: name.to_owned(),
        members: members.iter().map(|rep| Member { rep: RepId::from(*rep), weight: 1 }).collect(),
        longest_wait_minutes: 60,
        fallback: fallback.map(PoolId::from),
    };
    (pool.pool_id.clone(), PoolNow { pool, rotation: Rotation::default() })
}

fn world(reps: &[(&str, u32)]) -> World {
    let names: Vec<&str> = reps.iter().map(|(name, _)| *name).collect();
    World {
        roster: reps.iter().map(|(name, capacity)| rep(name, *capacity, 0)).collect(),
        pools: [pool("inbound", &names, Some("overflow")), pool("overflow", &["zoe"], None)].into_iter().collect(),
        turns: BTreeMap::new(),
    }
}

fn lead(id: &str, total: u8, outcome: Outcome) -> Ruled {
    Ruled {
        state: State::stored(LeadId::from(id), SourceId::from("web"), noon(), "hash".to_owned()),
        score: Score {
            total,
            fit: 0,
            engagement: 0,
            account: 0,
            grade: None,
            mql: true,
            mql_by: None,
            interest: Vec::new(),
            lines: vec![],
        },
        outcome,
        rule: "everyone else".to_owned(),
        rulebook: RulebookVersion::from("000001"),
        priority: Priority::Normal,
        value: None,
        reassigns: false,
    }
}

fn waits(pool: &str, until: Timestamp) -> Standing {
    Standing::Waiting(Wait { pool: PoolId::from(pool), since: noon(), until, pool_only: true })
}

fn owned(owner: &str, turn: Option<TurnTaken>) -> Owned {
    Owned { owner: RepId::from(owner), turn, since: noon() }
}

fn accepted(owned: Owned) -> Standing {
    let by = ActorId::new(owned.owner.as_str());
    Standing::Accepted { owned, accepted: Done { at: noon(), by } }
}

#[test]
fn a_lead_in_nurture_is_decided_again_only_for_another_outcome() {
    let nurture = |reason: &str| Outcome::Nurture { reason: reason.to_owned() };
    let at = |standing: Standing| State { standing, ..lead("l-1", 10, inbound()).state };
    let nurtured = at(Standing::Nurturing(Nurture::Because { reason: "not_an_mql".to_owned() }));
    assert!(!is_open(&nurtured, &nurture("not_an_mql")));
    for other in [inbound(), nurture("student"), Outcome::Disqualify { reason: "junk".to_owned() }] {
        assert!(is_open(&nurtured, &other), "{other:?}");
    }
    for open in [Standing::Stored { decide_by: None }, Standing::Nurturing(Nurture::GoesOn { decide_by: noon() })] {
        assert!(is_open(&at(open.clone()), &nurture("not_an_mql")), "{open:?}");
    }
    assert!(is_open(&at(waits("inbound", noon())), &inbound()));
    let reason = "junk".to_owned();
    for standing in [
        Standing::Assigned(owned("anna", None)),
        accepted(owned("anna", None)),
        Standing::Held { from: HeldFrom::Stored, reason: reason.clone() },
        Standing::Disqualified { reason },
        Standing::Merged { into: LeadId::from("l-0") },
    ] {
        assert!(!is_open(&at(standing.clone()), &inbound()), "{standing:?}");
    }
}

fn inbound() -> Outcome {
    Outcome::Pool { pool: PoolId::from("inbound"), if_nobody: IfNobody::Wait }
}

fn owners(plan: &Plan) -> BTreeMap<String, String> {
    let leads = plan.groups.iter().flat_map(|group| &group.leads);
    leads
        .map(|lead| {
            let state = &lead.change.state;
            let owner = state.owner().map_or_else(|| state.stage().as_str().to_owned(), ToString::to_string);
            (state.lead_id.to_string(), owner)
        })
        .collect()
}

#[test]
fn the_best_lead_gets_the_only_seat() {
    let leads = vec![lead("a", 10, inbound()), lead("b", 90, inbound()), lead("c", 50, inbound())];
    let plan = plan(leads, world(&[("anna", 1)]), noon());
    assert_eq!(
        owners(&plan),
        [("a", "waiting"), ("b", "anna"), ("c", "waiting")].map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    );
    let seats = &plan.groups[0].seats[&RepId::from("anna")];
    assert_eq!((seats.delta, seats.room), (1, Room::Within(1)));
    audit(&plan).unwrap();
}

#[test]
fn skips_an_unavailable_owner_only_if_the_rule_says_so() {
    let mut world = world(&[("anna", 5), ("ben", 5)]);
    world.roster.get_mut(&RepId::from("anna")).unwrap().load.on = false;
    let to = |if_unavailable| Outcome::Owner { rep: RepId::from("anna"), if_unavailable, counts_as_turn: false };
    let leads =
        vec![lead("a", 1, to(IfUnavailable::Assign)), lead("b", 1, to(IfUnavailable::Pool(PoolId::from("inbound"))))];
    let plan = plan(leads, world, noon());
    assert_eq!(owners(&plan)["a"], "anna");
    assert_eq!(owners(&plan)["b"], "ben");
    let anna = plan.groups.iter().find_map(|group| group.seats.get(&RepId::from("anna"))).unwrap();
    assert_eq!(anna.room, Room::Whatever, "the rule assigns the lead even beyond capacity");
}

#[test]
fn a_named_owner_pays_a_turn_where_the_rule_counts_it() {
    let to = Outcome::Owner {
        rep: RepId::from("anna"),
        if_unavailable: IfUnavailable::Pool(PoolId::from("inbound")),
        counts_as_turn: true,
    };
    let plan = plan(vec![lead("a", 90, to), lead("b", 10, inbound())], world(&[("anna", 5), ("ben", 5)]), noon());
    assert_eq!(owners(&plan)["b"], "ben", "anna has had her turn");
    audit(&plan).unwrap();
}

#[test]
fn a_lead_that_waited_too_long_goes_to_the_fallback_or_on_hold() {
    let mut waiting = lead("a", 1, inbound());
    waiting.state.standing = waits("inbound", noon());
    let mut with_zoe = world(&[("anna", 0)]);
    with_zoe.roster.extend([rep("zoe", 1, 0)]);
    assert_eq!(owners(&plan(vec![waiting.clone()], with_zoe, noon()))["a"], "zoe");
    assert_eq!(owners(&plan(vec![waiting.clone()], world(&[("anna", 0)]), noon()))["a"], "waiting", "in overflow");
    // On the waiting list of the fallback it stays until its time there is over.
    waiting.state.standing = waits("overflow", "2026-03-03T13:00:00Z".parse().unwrap());
    let mut with_zoe = world(&[("anna", 0)]);
    with_zoe.roster.extend([rep("zoe", 1, 0)]);
    assert_eq!(owners(&plan(vec![waiting.clone()], with_zoe, noon()))["a"], "zoe");
    let still = plan(vec![waiting.clone()], world(&[("anna", 0)]), noon());
    assert!(
        still
            .groups
            .iter()
            .all(|group| group.leads.iter().all(|lead| lead.change.state.pool() == waiting.state.pool()))
    );
    waiting.state.standing = waits("overflow", noon());
    let held = plan(vec![waiting.clone()], world(&[("anna", 0)]), noon());
    assert_eq!(held.groups[0].leads[0].change.state.reason(), Some("waited_too_long"));
    waiting.state.standing = waits("inbound", noon());
    let mut no_fallback = world(&[("anna", 0)]);
    no_fallback.pools.get_mut(&PoolId::from("inbound")).unwrap().pool.fallback = None;
    let held = plan(vec![waiting], no_fallback, noon());
    assert_eq!(held.groups[0].leads[0].change.state.reason(), Some("waited_too_long"));
}

#[test]
fn a_lead_that_is_already_decided_costs_no_turn() {
    let mut decided = lead("a", 1, inbound());
    decided.state.standing = accepted(owned("anna", None));
    let plan = plan(vec![decided], world(&[("anna", 1)]), noon());
    assert_eq!((plan.groups.len(), plan.refused.len()), (0, 1));
}

#[test]
fn explains_the_choice_in_plain_words() {
    let mut world = world(&[("anna", 1), ("ben", 1), ("cara", 1)]);
    world.roster.get_mut(&RepId::from("ben")).unwrap().load.open = 1;
    let plan = plan(vec![lead("a", 1, inbound())], world, noon());
    let lead = &plan.groups[0].leads[0];
    assert_eq!(
        lead.choice.sentences(&lead.change.state, &TimeZone::UTC).join(" "),
        "In pool `inbound`, it was the turn of `cara` (level with their share) among 2 available reps. \
         `ben` is at capacity."
    );
    assert_eq!(
        lead.choice.summary(&lead.change.state, &TimeZone::UTC).unwrap(),
        "In pool `inbound`, it was the turn of `cara` (level with their share) among 2 available reps."
    );
    assert_eq!((turns(666_666_667), turns(-1_500_000_000), turns(0)), ("0.67".into(), "-1.50".into(), "0.00".into()));
}

#[test]
fn writes_times_in_the_companys_zone() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let mut ruled = lead("a", 10, inbound());
    ruled.state.milestones =
        Milestones { mql: Some("2026-02-28T23:30:00Z".parse().unwrap()), ..Milestones::new(noon()) };
    let explanation = |section| Explanation {
        rule: "rest".to_owned(),
        section,
        reasons: Vec::new(),
        near_misses: Vec::new(),
        lookups: Vec::new(),
        sentence: String::new(),
    };
    let why = |ruled: &Ruled, section| {
        let planned = plan(vec![ruled.clone()], world(&[]), noon()).groups[0].leads[0].clone();
        Why::new(&planned, explanation(section), ruled.score.clone(), &berlin).sentences.join(" ")
    };
    let said = why(&ruled, Section::Route);
    assert!(said.contains("It has been an MQL since 1 March 2026, 00:30 and remains one."), "{said}");
    assert!(said.ends_with("for an available rep, until 3 March 2026, 14:00 at the latest."), "{said}");
    assert!(!why(&ruled, Section::Block).contains("MQL"), "`block` does not use the score");
    ruled.score.mql_by = Some("score is 10 or more".to_owned());
    let said = why(&ruled, Section::Route);
    assert!(said.contains("It is an MQL: score is 10 or more.") && !said.contains("since"), "{said}");
}

/// Checks any plan: the lags of every pool sum to zero, every turn has its lead, and seats match leads.
fn audit(plan: &Plan) -> Result<(), TestCaseError> {
    for group in &plan.groups {
        let entries = || group.turns.iter().flat_map(|turns| &turns.entries);
        let from_pool = |lead: &&Planned| lead.change.taken.is_some() && lead.change.state.pool().is_some();
        let taken = entries().filter(|entry| !entry.given_back).count();
        prop_assert_eq!(taken, group.leads.iter().filter(from_pool).count());
        for turns in &group.turns {
            prop_assert_eq!(turns.rotation.standings.values().map(|standing| standing.lag).sum::<i64>(), 0);
            prop_assert_eq!(turns.rotation.version, turns.expected_version + 1);
            for entry in &turns.entries {
                let turn = if entry.given_back { -TURN } else { TURN };
                prop_assert_eq!(entry.turn.credits.values().sum::<i64>(), turn);
            }
        }
        let seats: i32 = group.seats.values().map(|seats| seats.delta).sum();
        let count = |rep: fn(&Change) -> &Option<RepId>| {
            i32::try_from(group.leads.iter().filter(|lead| rep(&lead.change).is_some()).count()).unwrap()
        };
        prop_assert_eq!(seats, count(|change| &change.taken) - count(|change| &change.freed));
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_plan_overfills_a_desk_or_loses_a_lead(
        capacities in proptest::collection::vec(0_u32..4, 1..5),
        scores in proptest::collection::vec(0_u8..=100, 0..20),
    ) {
        let names = ["anna", "ben", "cara", "dan"];
        let reps: Vec<(&str, u32)> = names.into_iter().zip(capacities.iter().copied()).collect();
        let leads = scores.iter().enumerate().map(|(i, score)| lead(&format!("l{i:02}"), *score, inbound())).collect();
        let plan = plan(leads, world(&reps), noon());
        audit(&plan)?;
        let owners = owners(&plan);
        prop_assert_eq!(owners.len(), scores.len());
        for (name, capacity) in reps {
            let count = owners.values().filter(|owner| *owner == name).count();
            prop_assert!(count <= usize::try_from(capacity).unwrap());
        }
        let seats: usize = capacities.iter().take(4).sum::<u32>().try_into().unwrap();
        prop_assert_eq!(owners.values().filter(|owner| *owner == "waiting").count(), scores.len().saturating_sub(seats));
    }
}

#[test]
fn priority_comes_before_score() {
    let wait = || Outcome::Pool { pool: PoolId::from("inbound"), if_nobody: IfNobody::Wait };
    let urgent = Ruled { priority: Priority::Urgent, value: Some(9_000), ..lead("l-1", 10, wait()) };
    let plan = plan(vec![lead("l-2", 90, wait()), urgent], world(&[("anna", 1)]), noon());
    let assigned: Vec<_> =
        plan.groups.iter().flat_map(|group| &group.leads).filter(|planned| planned.change.taken.is_some()).collect();
    assert_eq!(assigned.len(), 1, "there is one seat");
    let state = &assigned[0].change.state;
    assert_eq!((state.lead_id.as_str(), state.priority()), ("l-1", Priority::Urgent));
    assert_eq!(state.decided.as_ref().unwrap().value, Some(9_000));
}

/// Makes a lead that `owner` got from the pool in the next turn of its rotation.
fn had(id: &str, owner: &str, from: &str, world: &mut World, wanted: Outcome) -> Ruled {
    let mut ruled = lead(id, 50, wanted);
    let now = world.pools.get_mut(&PoolId::from(from)).unwrap();
    let members = now.pool.members.iter().map(|member| (member.rep.clone(), member.weight));
    let members = Eligible::of(&now.pool.pool_id, members).unwrap();
    let turn = now.rotation.charge(members.payer(&RepId::from(owner)).unwrap());
    now.rotation.version += 1;
    world.turns.insert(LeadId::from(id), turn);
    world.roster.get_mut(&RepId::from(owner)).unwrap().load.open += 1;
    let turn = TurnTaken { pool: PoolId::from(from), version: now.rotation.version };
    ruled.state.standing = Standing::Assigned(owned(owner, Some(turn)));
    ruled.state.assignment = 1;
    ruled.reassigns = true;
    ruled
}

#[test]
fn a_move_between_pools_is_one_group() {
    let mut world = world(&[("anna", 3), ("ben", 3)]);
    let (zoe, there) = rep("zoe", 3, 0);
    world.roster.insert(zoe.clone(), there);
    let to = |pool: &str| Outcome::Pool { pool: PoolId::from(pool), if_nobody: IfNobody::Wait };
    let recalled = had("l-1", "anna", "inbound", &mut world, to("overflow"));
    let plan = plan(vec![recalled, lead("l-2", 10, to("inbound")), lead("l-3", 10, to("overflow"))], world, noon());
    audit(&plan).unwrap();
    assert_eq!(plan.groups.len(), 1, "both pools of a moved lead are committed together, with all of their leads");
    let group = &plan.groups[0];
    let pools: Vec<&str> = group.turns.iter().map(|turns| turns.pool.as_str()).collect();
    assert_eq!(pools, ["inbound", "overflow"]);
    let back = &group.turns[0].entries[0];
    assert_eq!((back.given_back, back.lead_id.as_str(), back.assignment), (true, "l-1", 1));
    assert_eq!(back.turn.taken_by.as_str(), "anna");
    let owners = owners(&plan);
    assert_eq!((owners["l-1"].as_str(), owners["l-3"].as_str()), ("zoe", "zoe"));
    let next = &group.turns[0].entries[1].turn;
    assert!(next.lags_before.values().all(|lag| *lag == 0), "as if that lead had never arrived: {next:?}");
    let moved = group.leads.iter().find(|lead| lead.change.state.lead_id.as_str() == "l-1").unwrap();
    let turn = moved.change.state.owned().unwrap().turn.clone();
    assert_eq!((moved.change.state.assignment, turn.map(|turn| turn.version)), (2, Some(1)));
    assert!(moved.choice.sentences(&moved.change.state, &TimeZone::UTC)[0].starts_with("It was taken from `anna`"));
    assert_eq!(group.seats[&RepId::from("anna")], Seats { delta: -1, room: Room::Unasked });
    assert_eq!((owners["l-2"].as_str(), group.seats[&RepId::from("ben")].delta), ("ben", 1), "her last turn was later");
    assert_eq!(group.seats[&zoe].delta, 2);
}

#[test]
fn a_moved_lead_waits_and_gives_its_turn_back() {
    let mut world = world(&[("anna", 3)]);
    let to = Outcome::Pool { pool: PoolId::from("overflow"), if_nobody: IfNobody::Wait };
    let recalled = had("l-1", "anna", "inbound", &mut world, to);
    let plan = plan(vec![recalled], world, noon());
    audit(&plan).unwrap();
    let group = &plan.groups[0];
    assert_eq!(group.leads[0].change.state.stage(), Stage::Waiting);
    assert_eq!((group.turns.len(), group.turns[0].entries[0].given_back), (1, true));
    assert_eq!(group.turns[0].rotation.lag(&RepId::from("anna")), 0);
    assert_eq!(group.seats[&RepId::from("anna")].delta, -1);
}

#[test]
fn a_reroute_never_takes_a_lead_from_sales() {
    let mut world = world(&[("anna", 3)]);
    let gone = Outcome::Pool { pool: PoolId::from("gone"), if_nobody: IfNobody::Wait };
    let recalled = had("l-1", "anna", "inbound", &mut world, gone);
    let mut talked_to = had("l-2", "anna", "inbound", &mut world, inbound());
    talked_to.state.standing = accepted(talked_to.state.owned().unwrap().clone());
    let plan = plan(vec![recalled, talked_to], world, noon());
    assert_eq!((plan.groups.len(), plan.refused.len()), (0, 2), "an unknown pool, and an accepted lead");
}

#[test]
fn a_returned_seat_does_not_hide_a_taken_one() {
    let mut world = world(&[("anna", 3)]);
    let (zoe, there) = rep("zoe", 3, 0);
    world.roster.insert(zoe, there);
    let to = |pool: &str| Outcome::Pool { pool: PoolId::from(pool), if_nobody: IfNobody::Wait };
    let recalled = had("l-1", "anna", "inbound", &mut world, to("overflow"));
    let plan = plan(vec![recalled, lead("l-2", 10, to("inbound"))], world, noon());
    let anna = plan.groups[0].seats[&RepId::from("anna")];
    assert_eq!(anna, Seats { delta: 0, room: Room::Within(3) }, "she must be on, even with no more leads than before");
}

#[test]
fn a_reroute_to_an_unavailable_rep_stays_in_the_same_pool() {
    let mut world = world(&[("anna", 3), ("ben", 3)]);
    let (zoe, mut there) = rep("zoe", 3, 0);
    there.load.on = false;
    world.roster.insert(zoe.clone(), there);
    let named = |pool: &str| Outcome::Owner {
        rep: zoe.clone(),
        if_unavailable: IfUnavailable::Pool(PoolId::from(pool)),
        counts_as_turn: false,
    };
    let recalled = had("l-1", "anna", "inbound", &mut world, named("inbound"));
    let mut here = world.clone();
    let stays = plan(vec![recalled.clone()], world, noon());
    assert_eq!((stays.groups.len(), stays.unchanged.len()), (0, 1));
    here.roster.get_mut(&zoe).unwrap().load.on = true;
    assert_eq!(owners(&plan(vec![recalled], here, noon()))["l-1"], "zoe");
}
