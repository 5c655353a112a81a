//! Compares the diagnostics with all possible leads, in rulebooks with few enough leads to try them all.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::check;
use crate::check::Ask;
use crate::diagnostic::Problems;
use crate::diagnostic::{Diagnostic, Severity};
use crate::facts::Facts;
use crate::references::References;
use crate::rulebook::Rulebook;
use crate::{parse, yaml};
use fairleader_lead::account::{Account, AccountFacts, AccountStatus};
use fairleader_lead::activity::Activity;
use fairleader_lead::id::{AccountId, ActivityId, RepId, SourceId};
use fairleader_lead::profile::Profile;
use fairleader_lead::ruling::Ruling;
use fairleader_lead::score::Score;

/// Returns a rulebook and its diagnostics, even if it has mistakes, as long as it can decide.
fn read(text: &str) -> (Option<Rulebook>, Vec<Diagnostic>) {
    let mut problems = Problems::default();
    let rulebook = yaml::read(text, &mut problems).and_then(|root| {
        let document = parse::parse(&root, &mut problems);
        check::check(&document, &References::default(), Ask::Notes, &mut problems)
    });
    (rulebook, problems.finish().unwrap_or_else(|found| found))
}

/// Returns code and message of every diagnostic for these rules, including notes; `custom.renewal` is a date.
fn said(rules: &[&str]) -> Vec<String> {
    let rules: Vec<String> = rules.iter().map(|rule| format!("  - {{ {rule} }}\n")).collect();
    let rules = rules.concat();
    let text =
        format!("{HEAD}mql: [{{ source: present }}]\nroute:\n{rules}  - {{ rule: last, then: {{ pool: z }} }}\n");
    let (_, found) = read(&text);
    found
        .into_iter()
        .filter(|found| !matches!(found.code, "unused" | "last-rule"))
        .map(|found| format!("{}: {}", found.code, found.message))
        .collect()
}

const HEAD: &str = "\
company: { zone: UTC, currency: EUR }
fields: { custom.renewal: date, custom.size: [small, mid, large] }
lookups: { region: { from: country, values: { dach: [DE, AT], nordics: [NO] } } }
score: { fit: { share: 100% } }
";

#[test]
fn finds_rules_covered_by_one_or_several_others() {
    let dead = [
        // By one.
        ("country: [DE, AT]", "", "country: DE"),
        ("region: dach", "", "country: [AT, DE]"),
        ("country: [DE, AT, CH]", "", "region: dach"),
        ("company.employees: 50+", "", "company.employees: 60-70"),
        ("city: starts with ber", "", "city: [Berlin, Bern]"),
        ("city: starts with ber", "", "city: starts with berl"),
        ("city: contains er", "", "city: starts with berl"),
        ("message: contains offer", "", "message: word offers"),
        ("did: demo", "", "did: demo, within: 7 days"),
        ("did: [demo, webinar], within: 14 days", "", "did: demo, within: 7 days, times: 2+"),
        ("custom.renewal: within 7 days", "", "custom.renewal: within 1 day"),
        ("not: { country: DE }", "", "country: absent"),
        ("not: { did: present }", "", "did: absent"),
        // By two together.
        ("country: DE", "country: AT", "region: dach"),
        ("company.employees: 50+", "company.employees: under 50", "company.employees: present"),
        ("company.employees: 50+", "not: { company.employees: 50+ }", "country: DE"),
        ("country: DE, city: Bern", "country: DE, not: { city: Bern }", "country: DE, language: de"),
        ("consent.email: yes", "consent.email: [no, absent]", "language: de"),
        ("custom.size: [small, mid]", "custom.size: large", "custom.size: present"),
        ("email.kind: [business, free]", "email.kind: [disposable, role]", "email.kind: present"),
        ("did: demo", "not: { did: demo }", "country: DE"),
        ("message: contains offer", "not: { message: contains offer }", "country: DE"),
        ("score: 60+", "score: under 60", "country: DE"),
        ("custom.renewal: before 2026-04-01", "custom.renewal: since 2026-04-01", "custom.renewal: present"),
        ("custom.renewal: present", "custom.renewal: absent", "country: DE"),
        ("any: [{ country: DE }, { language: de }]", "country: FR", "any: [{ country: [DE, FR] }, { language: de }]"),
    ];
    for (one, other, third) in dead {
        let rule = |name: &str, test: &str| format!("rule: {name}, if: {{ {test} }}, then: {{ pool: {name} }}");
        let rules = [rule("a", one), rule("b", other), rule("c", third)];
        let rules: Vec<&str> = rules.iter().filter(|rule| !rule.contains("if: {  }")).map(String::as_str).collect();
        let found = said(&rules);
        assert!(
            found.iter().any(|said| said.starts_with("never-wins: rule `c`")),
            "{one} | {other} | {third}: {found:?}"
        );
    }
}

#[test]
fn accepts_rules_that_some_lead_reaches() {
    let alive = [
        ("country: DE", "region: dach"),
        ("city: [Berlin, Bern]", "city: starts with ber"),
        ("city: ends with x", "city: contains x"),
        ("did: demo, within: 7 days", "did: demo"),
        ("did: demo, times: 2+", "did: demo"),
        ("did: demo, channel: web", "did: demo"),
        ("company.employees: present", "not: { company.employees: 5 }"),
        ("custom.renewal: within 7 days", "custom.renewal: in the next 7 days"),
        ("country: DE", "country: absent"),
        ("message: word offer", "message: contains offer"),
    ];
    for (one, other) in alive {
        let rule = |name: &str, test: &str| format!("rule: {name}, if: {{ {test} }}, then: {{ pool: {name} }}");
        let found = said(&[&rule("a", one), &rule("b", other)]);
        assert!(found.iter().all(|said| said.starts_with("order-decides")), "{one} | {other}: {found:?}");
    }
}

#[test]
fn messages_name_the_rules_concerned() {
    let found = said(&[
        "rule: never, if: { country: DE, not: { region: dach } }, then: { pool: a }",
        "rule: nobody, if: { account.owner: absent }, then: { owner: account.owner }",
        "rule: germany, if: { country: DE }, then: { pool: a }",
        "rule: austria, if: { country: AT }, then: { pool: a }",
        "rule: france, if: { country: FR }, then: { pool: f }",
        "rule: all of them, if: { country: [DE, AT] }, then: { pool: b }",
        "rule: owned, if: { language: fr }, then: { owner: account.owner }",
        "rule: french, if: { language: fr }, then: { pool: f }",
        "rule: small and french, if: { company.employees: under 50 }, then: { pool: z }",
    ]);
    insta::assert_snapshot!(found.join("\n"), @"
    contradiction: rule `never` can never win: no lead can match its `if`
    contradiction: rule `nobody` can never win: no lead that matches its `if` has `account.owner`, which its `then` needs
    same-result: rule `germany` and rule `austria`, which follows it, do the same
    never-wins: rule `all of them` can never win: rule `germany` on line 9 and rule `austria` on line 10 together take every lead it matches
    redundant: rule `small and french` has no effect: rule `last` follows, takes the same leads and does the same
    ");
}

#[test]
fn describes_the_leads_of_the_last_rule() {
    let text = format!(
        "{HEAD}mql: [{{ source: present }}, {{ score: 60+ }}]\nroute:\n  - {{ rule: a, if: {{ country: [DE, AT] }}, then: {{ pool: a }} }}\n  \
         - {{ rule: b, if: {{ company.employees: 50-999 }}, then: {{ pool: b }} }}\n  \
         - {{ rule: c, if: {{ not: {{ did: demo }} }}, then: {{ nurture: c }} }}\n  - {{ rule: last, then: {{ pool: z }} }}\n"
    );
    let found: Vec<String> =
        Rulebook::notes(&text, &References::default()).into_iter().map(|note| note.message).collect();
    insta::assert_snapshot!(found.join("\n"), @"
    rule `a` also matches leads of `b` and `c`; it takes them because it comes first
    rule `b` also matches leads of `c`; it takes them because it comes first
    rule `last` gets only leads for which all of this holds: country is anything but AT or DE; company.employees is unknown, under 50 or 1000 or more; did demo
    ");
    let checked = Rulebook::parse(&text, &References::default()).unwrap();
    assert!(checked.warnings.iter().all(|warning| warning.severity == Severity::Warning));
    let warnings: Vec<&str> = checked.warnings.iter().map(|warning| warning.message.as_str()).collect();
    insta::assert_snapshot!(warnings.join("\n"), @"
    field `custom.renewal` is never used
    field `custom.size` is never used
    lookup `region` is never used
    this line of `mql` has no effect: line 5 holds whenever it does
    no lead can have a `score` of `60+`: the lines and shares of `score` give at most 0
    ");
}

#[test]
fn reports_conditions_too_complex_to_compare() {
    let words = |at: usize| {
        (0..8).map(move |n| format!("{{ any: [{{ message: word w{n} }}, {{ job.title: word w{at}{n} }}] }}"))
    };
    let rule = |at: usize| {
        format!("rule: r{at}, if: {{ all: [{}] }}, then: {{ pool: a }}", words(at).collect::<Vec<_>>().join(", "))
    };
    let found = said(&[&rule(0), &rule(1)]);
    insta::assert_snapshot!(found.join("\n"), @"not-compared: rule `r0` and 1 more are too complex to compare with the other rules");
}

/// Returns every lead that the random rulebooks below can distinguish, and a few more.
fn leads() -> Vec<(Profile, Option<AccountFacts>)> {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let activity = |did: &str, day: &str| Activity {
        id: ActivityId::from(format!("{did}{day}").as_str()),
        did: did.to_owned(),
        at: at(&format!("2026-03-{day}T00:00:00Z")),
        channel: (day == "02").then(|| "web".to_owned()),
        spend: None,
        response: None,
        product: None,
    };
    let behaviours = [
        vec![],
        vec![activity("demo", "02")],
        vec![activity("demo", "01")],
        vec![activity("webinar", "01"), activity("demo", "02"), activity("demo", "03")],
    ];
    let account = |owner: Option<&str>| {
        AccountFacts::inherit(&[Account {
            account_id: AccountId::from("acme"),
            name: "Acme".to_owned(),
            domains: vec![],
            parent: None,
            owner: owner.map(RepId::from),
            status: AccountStatus::Customer,
            deal_owner: None,
            tier: None,
            score: None,
        }])
    };
    let mut all = Vec::new();
    for country in [None, Some("DE"), Some("AT"), Some("NO"), Some("FR")] {
        for employees in [None, Some(0), Some(2), Some(5)] {
            for city in [None, Some("ab"), Some("abc"), Some("b"), Some("c ab")] {
                for behaviour in &behaviours {
                    for renewal in [None, Some("2026-03-03"), Some("2026-04-01")] {
                        for account in [None, account(Some("bert"))] {
                            let mut profile = Profile::default();
                            profile.place.country = country.map(ToOwned::to_owned);
                            profile.place.city = city.map(ToOwned::to_owned);
                            profile.company.employees = employees;
                            profile.activities.clone_from(behaviour);
                            profile.custom.extend(renewal.map(|day| ("renewal".to_owned(), day.to_owned())));
                            all.push((profile, account));
                        }
                    }
                }
            }
        }
    }
    all
}

fn decide(rulebook: &Rulebook, (profile, account): &(Profile, Option<AccountFacts>)) -> (Ruling, Score) {
    let source = SourceId::from("website");
    let now = "2026-03-04T00:00:00Z".parse().unwrap();
    let facts = Facts { profile, source: &source, received_at: now, account: account.as_ref(), score: None, now };
    let score = rulebook.score(&facts);
    (rulebook.decide(&Facts { score: Some(&score), ..facts }), score)
}

const TESTS: [&str; 28] = [
    "country: DE",
    "country: [DE, AT]",
    "country: absent",
    "country: [NO, absent]",
    "region: dach",
    "region: [dach, nordics]",
    "region: absent",
    "region: present",
    "company.employees: 2+",
    "company.employees: under 2",
    "company.employees: 1-4",
    "company.employees: absent",
    "city: ab",
    "city: starts with ab",
    "city: [starts with abc, b]",
    "city: contains b",
    "city: contains ab",
    "city: ends with b",
    "city: word ab",
    "city: [contains c, absent]",
    "did: demo",
    "did: demo, within: 2 days",
    "did: demo, times: 2+",
    "did: [demo, webinar], channel: web",
    "did: absent",
    "custom.renewal: within 7 days",
    "custom.renewal: since 2026-04-01",
    "account.owner: present",
];

fn condition() -> impl Strategy<Value = String> {
    let test = (0..TESTS.len()).prop_map(|at| format!("{{ {} }}", TESTS[at]));
    test.prop_recursive(3, 6, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("{{ not: {one} }}")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| format!("{{ all: [{}] }}", all.join(", "))),
            prop::collection::vec(inner, 1..4).prop_map(|any| format!("{{ any: [{}] }}", any.join(", "))),
        ]
    })
}

const TARGETS: [&str; 4] =
    ["{ pool: a }", "{ pool: b }", "{ owner: account.owner }", "{ pool: from region, if_nobody: wait }"];

/// Returns a document with each rule, line of `score.fit` and line of `mql` on a separate line.
fn document(rules: &[(String, usize)], fit: &[(String, i32)], threshold: u32, mql: &[String]) -> Vec<String> {
    let mut lines: Vec<String> =
        HEAD.lines().filter(|line| !line.starts_with("score")).map(ToOwned::to_owned).collect();
    lines.extend(["score:".to_owned(), "  fit:".to_owned(), "    share: 100%".to_owned(), "    lines:".to_owned()]);
    lines.extend(fit.iter().map(|(condition, points)| format!("      - {{ if: {condition}, points: {points} }}")));
    lines.push("mql:".to_owned());
    lines.push(format!("  - {{ score: {threshold}+ }}"));
    lines.extend(mql.iter().map(|line| format!("  - {line}")));
    lines.push("route:".to_owned());
    for (at, (condition, target)) in rules.iter().enumerate() {
        lines.push(format!("  - {{ rule: r{at}, if: {condition}, then: {} }}", TARGETS[*target]));
    }
    lines.push("  - { rule: last, then: { pool: a } }".to_owned());
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A rule reported as never winning never wins, and a line reported as never holding never holds. A rule or line
    /// reported as having no effect has none. No lead reaches a threshold reported as out of reach.
    #[test]
    fn diagnostics_are_true(
        rules in prop::collection::vec((condition(), 0..TARGETS.len()), 1..7),
        fit in prop::collection::vec((condition(), -20..60_i32), 1..4),
        threshold in 1..100_u32,
        mql in prop::collection::vec(condition(), 1..4),
    ) {
        let lines = document(&rules, &fit, threshold, &mql);
        let (rulebook, found) = read(&lines.join("\n"));
        // Whatever mistakes the generator makes, the rulebook can still decide.
        let rulebook = rulebook.expect("a rulebook");
        let leads = leads();
        let decided: Vec<(Ruling, Score)> = leads.iter().map(|lead| decide(&rulebook, lead)).collect();
        let winners: BTreeSet<&str> = decided.iter().map(|(ruling, _)| ruling.rule.as_str()).collect();
        for said in found {
            match (said.code, &said.rule) {
                ("never-wins", Some(rule)) => prop_assert!(!winners.contains(rule.as_str()), "{said:?}\n{}", lines.join("\n")),
                ("contradiction", Some(rule)) => prop_assert!(!winners.contains(rule.as_str()), "{said:?}\n{}", lines.join("\n")),
                ("never-holds", _) => {
                    let reason = said.message.split_once(": ").expect("a reason").1;
                    prop_assert!(decided.iter().all(|(_, score)| score.lines.iter().all(|line| line.reason != reason)), "{said:?}");
                }
                ("out-of-reach", _) => {
                    prop_assert!(decided.iter().all(|(_, score)| u32::from(score.total) < threshold), "{said:?}");
                }
                ("redundant", _) => {
                    let mut without = lines.clone();
                    without.remove(said.line - 1);
                    let (shorter, _) = read(&without.join("\n"));
                    let shorter = shorter.expect("a rulebook");
                    for (lead, (ruling, score)) in leads.iter().zip(&decided) {
                        let (other, other_score) = decide(&shorter, lead);
                        prop_assert_eq!(&ruling.outcome, &other.outcome, "{:?}\n{}", said, lines.join("\n"));
                        prop_assert_eq!(score.mql, other_score.mql, "{:?}\n{}", said, lines.join("\n"));
                    }
                }
                _ => {}
            }
        }
    }
}
