use jiff::Timestamp;

use super::*;
use crate::activation::Activations;
use crate::replay::Past;
use fairleader_lead::id::{ActorId, LeadId, PoolId, RepId, RulebookVersion, SourceId};
use fairleader_lead::profile::Profile;
use fairleader_lead::state::{Done, HeldFrom, Nurture, Owned, Standing, TurnTaken, Wait};
use fairleader_rulebook::References;

const BEFORE: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
score: { fit: { share: 100%, lines: [ { if: { company.employees: 1+ }, points: 50 } ] }, grades: { A: 80+ } }
mql:
  - { score: 40+ }
route:
  - { rule: Spain, if: { country: ES }, then: { pool: iberia } }
  - { rule: Acme, if: { country: US }, then: { owner: anna, if_unavailable: { pool: inbound } } }
  - { rule: everyone else, then: { pool: inbound, if_nobody: { pool: watch } } }
";

fn now() -> Timestamp {
    "2026-03-03T09:00:00Z".parse().unwrap()
}

fn parse(text: &str) -> Rulebook {
    Rulebook::parse(text, &References::default()).unwrap().rulebook
}

fn pools() -> Vec<Pool> {
    let pool = |id: &str, members: &[&str]| {
        let members: Vec<_> = members.iter().map(|rep| serde_json::json!({"rep": rep})).collect();
        serde_json::from_value(serde_json::json!({"pool_id": id, "name": id, "members": members})).unwrap()
    };
    vec![pool("iberia", &["carla"]), pool("inbound", &["anna", "ben"]), pool("watch", &["emil"])]
}

fn standing(stage: Stage, owner: Option<&str>, pool: Option<&str>) -> Standing {
    let pool = pool.map(PoolId::from);
    let desk = || Owned {
        owner: RepId::from(owner.unwrap()),
        turn: pool.clone().map(|pool| TurnTaken { pool, version: 1 }),
        since: now(),
    };
    let reason = "junk".to_owned();
    match stage {
        Stage::Stored => Standing::Stored { decide_by: None },
        Stage::Waiting => Standing::Waiting(Wait { pool: pool.unwrap(), since: now(), until: now(), pool_only: true }),
        Stage::Assigned => Standing::Assigned(desk()),
        Stage::Accepted => {
            let accepted = Done { at: now(), by: ActorId::from(owner.unwrap()) };
            Standing::Accepted { owned: desk(), accepted }
        }
        Stage::Nurturing => Standing::Nurturing(Nurture::Because { reason }),
        Stage::Held => Standing::Held { from: HeldFrom::Stored, reason },
        Stage::Disqualified => Standing::Disqualified { reason },
        Stage::Merged => Standing::Merged { into: LeadId::from("l-0") },
    }
}

fn lead(id: &str, country: &str, stage: Stage, owner: Option<&str>, pool: Option<&str>) -> (State, Profile) {
    let mut lead = State::stored(LeadId::from(id), SourceId::from("web"), now(), String::new());
    lead.standing = standing(stage, owner, pool);
    let mut profile = Profile::default();
    profile.place.country = Some(country.to_owned());
    profile.company.employees = Some(10);
    (lead, profile)
}

#[test]
fn moves_only_open_leads_with_a_new_destination() {
    let to = |pool: &str| Outcome::Pool { pool: PoolId::from(pool), if_nobody: IfNobody::Wait };
    let known = pools();
    let verdict = |stage, owner: Option<&str>, pool: Option<&str>, was: Option<Outcome>, wanted: Outcome| {
        let (state, _) = lead("l", "DE", stage, owner, pool);
        goes(&state, was.as_ref(), &wanted, |id| known.iter().find(|pool| pool.pool_id == *id))
    };
    let had = |was: Option<Outcome>, wanted| verdict(Stage::Assigned, Some("anna"), Some("inbound"), was, wanted);
    assert_eq!(had(Some(to("inbound")), to("iberia")), Ok(()));
    assert_eq!(had(Some(to("inbound")), to("inbound")), Err(Stays::SameDestination));
    // Anna got it because the rule's first choice was not available. The rule has not changed.
    assert_eq!(had(Some(to("iberia")), to("iberia")), Err(Stays::SameDestination));
    assert_eq!(had(Some(to("iberia")), to("inbound")), Err(Stays::SameOwner));
    let second =
        |pool: &str| Outcome::Pool { pool: PoolId::from("iberia"), if_nobody: IfNobody::Pool(PoolId::from(pool)) };
    assert_eq!(had(Some(to("watch")), second("inbound")), Err(Stays::SameOwner));
    assert_eq!(had(Some(to("inbound")), second("watch")), Ok(()));
    let named = |rep: &str| Outcome::Owner {
        rep: RepId::from(rep),
        if_unavailable: fairleader_lead::ruling::IfUnavailable::Assign,
        counts_as_turn: true,
    };
    assert_eq!(had(Some(to("inbound")), named("anna")), Err(Stays::SameOwner));
    assert_eq!(had(Some(named("anna")), named("ben")), Ok(()));
    let nurture = Outcome::Nurture { reason: "not_an_mql".to_owned() };
    assert_eq!(had(Some(to("inbound")), nurture.clone()), Err(Stays::NotForSales));
    // The version that decided can no longer be read, so the current pool counts.
    assert_eq!(had(None, to("inbound")), Err(Stays::SameDestination));
    assert_eq!(had(None, to("iberia")), Ok(()));

    let waits = |was, wanted| verdict(Stage::Waiting, None, Some("inbound"), Some(was), wanted);
    assert_eq!(waits(to("inbound"), nurture), Ok(()), "it has no owner in sales");
    assert_eq!(waits(to("inbound"), to("inbound")), Err(Stays::SameDestination));
    for stage in [Stage::Stored, Stage::Nurturing, Stage::Held, Stage::Disqualified, Stage::Merged] {
        assert_eq!(verdict(stage, None, None, None, to("iberia")), Err(Stays::NotOpen), "{stage:?}");
    }
    let accepted = verdict(Stage::Accepted, Some("anna"), Some("inbound"), Some(to("inbound")), to("iberia"));
    assert_eq!(accepted, Err(Stays::Accepted));
}

#[test]
fn previews_gains_and_losses() {
    let (was, pools) = (parse(BEFORE), pools());
    let new = BEFORE.replace("country: ES", "country: [ES, PT]").replace("owner: anna", "owner: ben");
    let new = parse(&new);
    let leads = [
        lead("l-1", "PT", Stage::Assigned, Some("anna"), Some("inbound")),
        lead("l-2", "PT", Stage::Waiting, None, Some("inbound")),
        lead("l-3", "PT", Stage::Accepted, Some("ben"), Some("inbound")),
        lead("l-4", "ES", Stage::Assigned, Some("carla"), Some("iberia")),
        lead("l-5", "US", Stage::Assigned, Some("anna"), None),
        lead("l-6", "DE", Stage::Assigned, Some("emil"), Some("watch")),
    ];
    let look = |leads: &[(State, Profile)]| {
        let mut report = Report::default();
        for (state, profile) in leads {
            let past = Past { state, profile, account: None };
            report.look(past, Some(&was), &new, |id| pools.iter().find(|pool| pool.pool_id == *id), now());
        }
        report
    };
    let report = look(&leads);
    insta::assert_snapshot!(report.sentences().join("\n"), @"
    3 of 6 open leads would move: 2 assigned but not accepted yet, 1 from waiting lists.
    Pool `iberia` gets 2, `inbound` loses 2.
    Owner `anna` loses 2, `ben` gets 1.
    The rest stay: 1 already accepted by the owner; 2 with the same destination.
    ");
    insta::assert_snapshot!(serde_json::to_string(&report.examples).unwrap(), @r#"[{"lead_id":"l-1","owner":"anna","pool":"inbound","why":"Rule `Spain` gives the lead to pool `iberia`, because country is PT."},{"lead_id":"l-2","pool":"inbound","why":"Rule `Spain` gives the lead to pool `iberia`, because country is PT."},{"lead_id":"l-5","owner":"anna","why":"Rule `Acme` gives the lead to `ben`, or to pool `inbound` if they cannot take it, because country is US."}]"#);
    let (mut sum, rest) = (look(&leads[3..]), look(&leads[..3]));
    sum.add(rest);
    assert_eq!(sum, report, "reports add up in any order");
    assert_eq!(look(&leads[3..4]).sentences()[0], "None of 1 open leads would move.");
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}

#[test]
fn writes_figures_with_thousands_separators() {
    let mut report = Report { leads: 12_000, goes: 3_120, from_lines: 1_020, elsewhere: 1_000, ..Report::default() };
    report.pools.insert("iberia".into(), Moved { comes: 2_100, leaves: 1_001 });
    report.stays.insert(Stays::Accepted, 8_880);
    insta::assert_snapshot!(report.sentences().join("\n"), @"
    3,120 of 12,000 open leads would move: 2,100 assigned but not accepted yet, 1,020 from waiting lists.
    Pool `iberia` gets 2,100 and loses 1,001.
    Leaving a waiting list because they are no longer for sales: 1,000.
    The rest stay: 8,880 already accepted by the owner.
    ");
}

fn version(number: u32) -> RulebookVersion {
    RulebookVersion::new(format!("{number:06}"))
}

fn at(minute: i64) -> Timestamp {
    now() + jiff::SignedDuration::from_mins(minute)
}

#[test]
fn starts_on_time_and_resumes_where_it_stopped() {
    let active = Activations::default().activate(&version(1), "otto", at(0));
    let active = active.plan(&version(2), at(60), "otto", at(0)).unwrap();
    let none = Reroutes::default();
    let refused = none.plan(&version(2), Some(at(30)), "otto", &active, at(0)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "version 000002 is not the active version at 2026-03-03T09:30:00Z; first activate it for that time or earlier"
    );
    assert_eq!(none.plan(&version(2), Some(at(0)), "otto", &active, at(1)), Err(RerouteRefusal::Past(at(0))));

    let planned = none.plan(&version(2), Some(at(60)), "otto", &active, at(0)).unwrap();
    assert_eq!(planned.plan(&version(2), Some(at(60)), "mara", &active, at(70)).unwrap(), planned, "a repeat");
    let later = planned.plan(&version(2), Some(at(90)), "otto", &active, at(1)).unwrap();
    assert_eq!((later.of(&version(2)).unwrap().at, later.list.len()), (at(90), 1));

    assert_eq!(planned.due(at(60)), None, "functions may use the version before for some seconds");
    assert_eq!(planned.due(at(61)).unwrap().version, version(2));
    let running = planned.went_on(&version(2), 500, Some("rep#ben".to_owned()), at(61));
    assert_eq!(running.due(at(62)).unwrap().progress, Progress::Running { queued: 500, from: "rep#ben".to_owned() });
    assert_eq!(running.plan(&version(2), None, "otto", &active, at(62)), Err(RerouteRefusal::Running(version(2))));
    let done = running.went_on(&version(2), 20, None, at(62));
    assert_eq!((done.due(at(63)), done.of(&version(2)).unwrap().queued()), (None, 520));
    assert_eq!(done.cancel(&version(2), at(64)), done, "there is nothing to cancel");
    let cancelled = running.cancel(&version(2), at(62));
    assert_eq!(cancelled.due(at(63)), None);
    assert!(matches!(cancelled.of(&version(2)).unwrap().progress, Progress::Cancelled { queued: 500, .. }));
    assert_eq!(cancelled.went_on(&version(2), 9, None, at(63)), cancelled, "a late step changes nothing");
    let cancelled = planned.cancel(&version(2), at(1));
    let again = cancelled.plan(&version(2), Some(at(60)), "otto", &active, at(2)).unwrap();
    assert_eq!(again.due(at(61)).unwrap().progress, Progress::Planned, "a cancelled reroute can be planned again");
    // Plan it again for now, after it was done.
    let again = done.plan(&version(2), None, "mara", &active, at(70)).unwrap();
    assert_eq!((again.of(&version(2)).unwrap().at, again.list.len()), (at(70), 2));
    assert_eq!(again.plan(&version(2), None, "otto", &active, at(71)).unwrap(), again, "a repeat does not delay it");
    assert!(matches!(
        again.supersede(&version(2), at(71)).of(&version(2)).unwrap().progress,
        Progress::Superseded { .. }
    ));
    let json = serde_json::to_string(&running).unwrap();
    assert_eq!(serde_json::from_str::<Reroutes>(&json).unwrap(), running, "{json}");
}

#[test]
fn forgets_only_old_reroutes_that_are_over() {
    let mut all = Reroutes::default();
    for number in 1..=30 {
        let active = Activations::default().activate(&version(number), "otto", at(0));
        all = all.plan(&version(number), None, "otto", &active, at(0)).unwrap();
        if number > 5 {
            all = all.cancel(&version(number), at(0));
        }
    }
    assert_eq!(all.list.len(), 20);
    assert!((1..=5).all(|number| all.of(&version(number)).is_some()));
    assert!(all.of(&version(6)).is_none() && all.of(&version(30)).is_some());
}
