use proptest::prelude::*;

use super::*;
use fairleader_lead::activity::Activity;
use fairleader_lead::id::{ActivityId, LeadId, RulebookVersion, SourceId};
use fairleader_lead::profile::{Email, EmailKind, JobLevel};
use fairleader_lead::ruling::Priority;
use fairleader_lead::state::{Decided, Nurture, Standing};
use fairleader_rulebook::{References, Work, renamed};

const IN_FORCE: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
block:
  - { rule: junk, if: { email.kind: disposable }, then: { disqualify: junk } }
score:
  fit:
    share: 100%
    lines:
      - { if: { job.level: [c_level, vp] }, points: 60 }
      - { if: { company.employees: 1000+ }, points: 30 }
  grades: { A: 80+, B: 60+ }
mql:
  - { score: 60+ }
  - { did: demo, within: 7 days }
route:
  - { rule: large, if: { company.employees: 1000+ }, then: { owner: henrik, if_unavailable: { pool: inbound } } }
  - { rule: dach, if: { country: [DE, AT] }, then: { pool: dach } }
  - { rule: rest, then: { pool: inbound, if_nobody: { pool: night } } }
";

fn draft() -> Rulebook {
    let text = IN_FORCE.replace("score: 60+ }", "score: 30+ }").replace("[DE, AT]", "[DE, AT, CH]").replace(
        "rule: rest, then: { pool: inbound, if_nobody: { pool: night } }",
        "rule: everyone else, then: { pool: inbound }",
    );
    parse(&text)
}

fn parse(text: &str) -> Rulebook {
    Rulebook::parse(text, &References::default()).unwrap().rulebook
}

/// Anna and Ben work by day in Berlin: both in `inbound`, Anna also in `dach`. Nora works at all hours in `night`, the
/// fallback of `dach`.
fn desks() -> Desks {
    let rep = |id: &str, hours: &str, capacity| {
        serde_json::from_value(serde_json::json!({"rep_id": id, "name": id, "email": "x@fairleader.example",
            "zone": "Europe/Berlin", "hours": hours, "capacity": capacity}))
        .unwrap()
    };
    let pool = |id: &str, members: &[&str], fallback: Option<&str>| {
        let members: Vec<_> = members.iter().map(|rep| serde_json::json!({"rep": rep})).collect();
        serde_json::from_value(serde_json::json!({"pool_id": id, "name": id, "members": members, "fallback": fallback}))
            .unwrap()
    };
    let day = "mon-fri 09:00-17:00";
    Desks::new(
        [
            pool("dach", &["anna"], Some("night")),
            pool("inbound", &["anna", "ben"], None),
            pool("night", &["nora"], None),
        ],
        [
            rep("anna", day, 20),
            rep("ben", day, 10),
            rep("nora", "always", 5),
            rep("henrik", day, 3),
            rep("idle", day, 9),
        ],
    )
}

struct Lead {
    state: State,
    profile: Profile,
}

/// A lead received at ten on a working day in Berlin, or at night, an hour before midnight.
fn lead(number: usize, country: &str, employees: u32, boss: bool, night: bool) -> Lead {
    let at = if night { "2026-03-04T22:00:00Z" } else { "2026-03-10T09:00:00Z" };
    let id = LeadId::from(format!("lead-{number:03}").as_str());
    let mut state = State::stored(id, SourceId::from("web"), at.parse().unwrap(), String::new());
    state.standing = Standing::Nurturing(Nurture::Because { reason: "not_an_mql".to_owned() });
    let mut profile = Profile::default();
    profile.place.country = Some(country.to_owned());
    profile.company.employees = Some(employees);
    profile.contact.job_level = boss.then_some(JobLevel::Vp);
    Lead { state, profile }
}

fn did(lead: &mut Lead, what: &str, at: &str) {
    lead.profile.activities.push(Activity {
        id: ActivityId::from(at),
        did: what.to_owned(),
        at: at.parse().unwrap(),
        channel: None,
        spend: None,
        response: None,
        product: None,
    });
}

fn replayed(leads: &[Lead], draft: &Rulebook) -> Report {
    let (in_force, desks) = (parse(IN_FORCE), desks());
    let renamed = renamed(&in_force, draft, &Work::default());
    let replay = Replay::with(&in_force, draft, &desks, &renamed);
    let mut report = Report::default();
    for lead in leads {
        replay.add(&mut report, Past { state: &lead.state, profile: &lead.profile, account: None });
    }
    report
}

fn some_leads() -> Vec<Lead> {
    let mut leads: Vec<Lead> = (0..40)
        .map(|n| {
            let country = ["DE", "CH", "FR"][n % 3];
            lead(n, country, if n % 4 == 0 { 2_000 } else { 50 }, n % 5 < 2, n % 7 == 0)
        })
        .collect();
    let mut junk = lead(40, "CH", 5_000, true, false);
    junk.profile.contact.email = Some(Email {
        address: "a@mailinator.example".to_owned(),
        identity: "a@mailinator.example".to_owned(),
        domain: "mailinator.example".to_owned(),
        kind: EmailKind::Disposable,
    });
    leads.push(junk);
    // A demo requested the day after must not count for the day before.
    let mut later = lead(41, "FR", 50, false, false);
    did(&mut later, "demo", "2026-03-11T09:00:00Z");
    leads.push(later);
    let mut before = lead(42, "FR", 50, false, false);
    did(&mut before, "demo", "2026-03-10T08:00:00Z");
    before.state.decided = Some(Decided {
        rule: "dach".to_owned(),
        rulebook: RulebookVersion::from("000001"),
        priority: Priority::Normal,
        value: None,
    });
    leads.push(before);
    let mut merged = lead(43, "CH", 2_000, true, false);
    merged.state.standing = Standing::Merged { into: LeadId::from("lead-000") };
    leads.push(merged);
    leads
}

#[test]
fn compares_a_draft_with_the_active_rulebook() {
    let (draft, desks, leads) = (draft(), desks(), some_leads());
    let report = replayed(&leads, &draft);
    assert_eq!(report.leads, 43, "the merged lead is not counted");
    assert_eq!(report.unlike_then, 1);
    assert_eq!(report.disqualified, BeforeAfter { before: 1, after: 1 });
    insta::assert_snapshot!(report.sentences(desks.capacity(&draft)).join("\n"), @"
    15 of 43 leads change: 15 decided by a different rule, 10 sent to a different pool, owner or outcome, 6 newly MQL.
    Pool `dach` gains 4 (4 -> 8), `inbound` loses 4 (9 -> 5).
    Owner `henrik` gains 6 (4 -> 10).
    Other outcomes: nurture 25 -> 19.
    MQLs: 17 -> 23; 12 a week on average, 19 in the busiest week (2026-W11).
    The reps it can assign to (4) have room for 38 open leads at a time, more than any week brought.
    Received when no eligible rep was at work: 2 -> 4 leads (`inbound` 1 -> 3, `dach` 1 -> 1).
    For 1 of 43 leads, the active rulebook now picks a different rule than the original decision: the rulebook, the leads, the accounts or the tables have changed since.
    ");
    insta::assert_json_snapshot!(report.examples[..2], @r#"
    [
      {
        "rank": 0,
        "lead_id": "lead-001",
        "before": "Rule `rest` gives the lead to pool `inbound`, or to pool `night` if no rep there can take it, because no earlier rule matches. (score 60, grade B)",
        "after": "Rule `dach` gives the lead to pool `dach`, because country is CH. (score 60, grade B)"
      },
      {
        "rank": 0,
        "lead_id": "lead-004",
        "before": "The lead is not an MQL, so it goes to nurture: score is 30, needed 60 or more; no known activity, needed demo within 7 days. (score 30)",
        "after": "Rule `large` gives the lead to `henrik`, or to pool `inbound` if they cannot take it, because company.employees is 2000 (1000 or more). (score 30)"
      }
    ]
    "#);
    insta::assert_json_snapshot!(report.waiting, @r#"
    {
      "dach": {
        "before": 1,
        "after": 1
      },
      "inbound": {
        "before": 1,
        "after": 3
      }
    }
    "#);
    let week = &report.weeks["2026-W11"];
    assert_eq!(week.at_threshold[6], week.mqls.after, "the draft's own threshold is 30");
    assert_eq!(week.at_threshold[0] + 1, week.leads, "all but the one that is blocked");
    assert_eq!(week.at_threshold[20], 1, "a lead who requested a demo is an MQL at any threshold");
}

#[test]
fn counts_only_leads_that_meet_the_other_conditions() {
    // A vice president gets 60 points for fit, and 30 more at a large company.
    let text = IN_FORCE
        .replace("{ score: 60+ }", "{ score: 60+, country: DE }")
        .replace("{ did: demo", "{ fit: 90+ }\n  - { did: demo");
    let leads = [
        lead(0, "DE", 50, true, false),
        lead(1, "FR", 50, true, false),
        lead(2, "FR", 2_000, true, false),
        lead(3, "DE", 50, false, false),
    ];
    let week = &replayed(&leads, &parse(&text)).weeks["2026-W11"];
    assert_eq!(week.mqls.after, 2, "the German vice president, and the one with a fit of 90");
    assert_eq!(week.at_threshold[0], 3, "never the French vice president of a small company");
    assert_eq!([week.at_threshold[1], week.at_threshold[12]], [2, 2]);
    assert_eq!([week.at_threshold[13], week.at_threshold[20]], [1, 1], "a fit of 90 is enough at any threshold");
}

#[test]
fn ignores_renamed_rules() {
    let leads = some_leads();
    let report = replayed(&leads, &parse(&IN_FORCE.replace("rule: dach", "rule: germany and austria")));
    assert_eq!(report.changed, Changed::default());
    assert_eq!(report.examples, []);
    let report = replayed(&leads, &parse(IN_FORCE));
    assert_eq!(report.mqls.before, report.mqls.after);
    assert_eq!(report.sentences(Capacity::default())[0], "None of 43 leads would be decided differently.");
}

#[test]
fn adds_up_the_capacity_of_all_reachable_reps() {
    let capacity = desks().capacity(&parse(IN_FORCE));
    assert_eq!(capacity, Capacity { reps: 4, seats: 38 }, "Nora is in a fallback pool; the idle rep is in no pool");
}

#[test]
fn reads_how_far_to_look_back() {
    let now: Timestamp = "2026-03-10T09:00:00Z".parse().unwrap();
    let back = |text| since(text, now).map(|at| at.to_string());
    assert_eq!(back("1d").as_deref(), Some("2026-03-09T09:00:00Z"));
    assert_eq!(back(" 2w "), back("336h"));
    for wrong in ["", "d", "0d", "-1d", "+1d", "1", "90 days", "1m", "9999w", "99999999999999999999d", "1é"] {
        assert_eq!(back(wrong), None, "{wrong}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn adds_reports_in_any_order(
        order in Just((0..44_usize).collect::<Vec<_>>()).prop_shuffle(),
        cut in 0..44_usize,
    ) {
        let draft = draft();
        let whole = replayed(&some_leads(), &draft);
        let mut leads: Vec<Option<Lead>> = some_leads().into_iter().map(Some).collect();
        let mut shuffled: Vec<Lead> = order.iter().map(|at| leads[*at].take().unwrap()).collect();
        let rest = shuffled.split_off(cut);
        let (mut first, second) = (replayed(&shuffled, &draft), replayed(&rest, &draft));
        first.add(second);
        prop_assert_eq!(first, whole);
    }
}
