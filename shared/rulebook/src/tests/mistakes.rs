//! Common mistakes and their messages. Read each message like a user who has never seen the code.

use super::*;
use fairleader_lead::id::PoolId;
use fairleader_lead::id::RepId;

#[test]
fn twenty_mistakes_cause_twenty_messages() {
    let source = include_str!("mistakes.yaml");
    let references = References {
        pools: Some(["dach", "enterprise", "rest-of-world", "alps"].map(PoolId::from).into()),
        reps: Some([RepId::from("anna-berg")].into()),
        ..References::default()
    };
    let found = Rulebook::parse(source, &references).unwrap_err();
    insta::assert_snapshot!(rendered(&found, source));
    assert_eq!(found.len(), 20);
}

/// Values that YAML usually misreads: each is read as intended, or rejected with the correct spelling.
#[test]
fn yaml_traps_are_read_as_intended_or_rejected() {
    let tests = [
        "country: NO",
        "country: Norway",
        "language: French",
        "postal_code: 01067",
        "custom.code: 1e5",
        "company.employees: 1e5",
        "custom.answer: yes",
        "consent.email: yes",
        "consent.email: on",
        "score: >= 60",
        "score: > 60",
        "custom.when: 2026-03-01",
        "custom.number: 1_000",
        "custom.nothing: ~",
        "custom.text: null",
        "custom.time: 12:30",
        "country: [NO, SE, DK]",
        "custom.version: 1.10",
        "company.employees: 0x10",
    ];
    let said = tests.map(|test| {
        let source = with_condition(&format!("\n      {test}\n   "));
        let source = source
            .replace("then: { pool: a } }", "then: { pool: a }")
            .replace("{ rule: yes, if: ", "rule: yes\n    if: ");
        let source = source.replace("\n   , then", "\n    then");
        match Rulebook::parse(&source, &References::default()) {
            Ok(checked) => format!("{test}\n    is read as: {}", checked.rulebook.route[0].condition.words()),
            Err(found) => {
                let found: Vec<String> = found
                    .iter()
                    .map(|d| format!("{} ({})", d.message, d.help.as_deref().unwrap_or("no help")))
                    .collect();
                format!("{test}\n    is refused: {}", found.join("; "))
            }
        }
    });
    insta::assert_snapshot!(said.join("\n"), @"
    country: NO
        is read as: country is NO
    country: Norway
        is refused: rule `yes` compares `country` with `Norway`, which is not a country code (write `NO`)
    language: French
        is refused: rule `yes` compares `language` with `French`, which is not a language code (write `fr`)
    postal_code: 01067
        is read as: postal_code is 01067
    custom.code: 1e5
        is read as: custom.code is `1e5`
    company.employees: 1e5
        is refused: rule `yes` compares `company.employees` with `1e5`, which is not a whole number or range (write `40`, `50-999`, `1000+` or `under 50`)
    custom.answer: yes
        is read as: custom.answer is `yes`
    consent.email: yes
        is read as: consent.email is yes
    consent.email: on
        is refused: rule `yes` compares `consent.email` with `on`, which is neither yes nor no (write `yes`)
    score: >= 60
        is refused: rule `yes` compares `score` with `>= 60`, which is not a whole number or range (write `60+`)
    score: > 60
        is refused: rule `yes` compares `score` with `> 60`, which is not a whole number or range (write `61+`)
    custom.when: 2026-03-01
        is read as: custom.when is `2026-03-01`
    custom.number: 1_000
        is read as: custom.number is `1_000`
    custom.nothing: ~
        is read as: custom.nothing is `~`
    custom.text: null
        is read as: custom.text is `null`
    custom.time: 12:30
        is read as: custom.time is `12:30`
    country: [NO, SE, DK]
        is read as: country is NO, SE or DK
    custom.version: 1.10
        is read as: custom.version is `1.10`
    company.employees: 0x10
        is refused: rule `yes` compares `company.employees` with `0x10`, which is not a whole number or range (write `40`, `50-999`, `1000+` or `under 50`)
    ");
    let tab = with_condition("{ country: DE }").replace("  - { rule: yes", "\t- { rule: yes");
    insta::assert_snapshot!(rendered(&Rulebook::parse(&tab, &References::default()).unwrap_err(), &tab), @"
    error[tab]: this line is indented with a tab
     --> rulebook.yaml:5:1
      |
    5 |  - { rule: yes, if: { country: DE }, then: { pool: a } }
      | ^
      = help: indent with spaces, two per level
    ");
}

/// Warnings: the rulebook can be used, but probably does not do what was intended.
#[test]
fn warns_about_texts_that_look_like_something_else() {
    let source = "\
company: { zone: Europe/Berlin, currency: EUR }
fields: { custom.size: text }
lookups:
  area: { from: postal_code, values: { north: [10000-19999], south: 80* } }
score: { fit: { share: 100% } }
mql: [{ source: present }]
route:
  - { rule: budget, if: { custom.budget: 10000+, custom.size: 50-99 }, then: { pool: a } }
  - { rule: title, if: { job.title: \"CEO, CTO\" }, then: { pool: b } }
  - { rule: listed, if: { job.title: [\"Director, Sales\", CEO] }, then: { pool: b } }
  - { rule: area, if: { area: [north, south] }, then: { pool: c } }
  - { rule: rest, then: { pool: d } }
";
    let checked = Rulebook::parse(source, &References::default()).unwrap();
    insta::assert_snapshot!(rendered(&checked.warnings, source));
}

/// A broken part of a condition does not hide other mistakes.
#[test]
fn reports_mistakes_next_to_a_broken_part() {
    let source = "\
company: { zone: Europe/Berlin, currency: EUR }
conditions:
  german: language is German
score:
  fit: { share: 100%, lines: [{ if: [{ country: DE }], points: 20 }] }
mql: [{ score: 10+, any: [] }]
sla: { first_reply: 2 hours }
route:
  - { rule: empty, if: { any: [], countri: DE }, then: { pool: a } }
  - { rule: inside, if: { all: [{ not: [{ stat: Bayern }] }, { or: [{ cty: Bonn }, { is: german }] }], industri: x }, then: dach }
  - { rule: sentence, if: country is Germany, then: { pool: a } }
  - { rule: listed, if: [{ country: DE }, { country: AT }], then: { pool: a } }
  - { rule: when, when: { country: DE }, if: { country: FR }, then: { pool: a } }
  - { rule: rest, then: { pool: d } }
";
    let found = Rulebook::parse(source, &References::default()).unwrap_err();
    insta::assert_snapshot!(rendered(&found, source));
}

#[test]
fn explains_where_to_define_missing_names() {
    let source = "\
company: { zone: Europe/Berlin, currency: EUR }
score: { fit: { share: 100% } }
mql: [{ grade: A }, { did: demo, within: 7d }, { received_at: within a week }]
route:
  - { rule: table, if: { country: DE }, then: { pool: from territory.pool } }
  - { rule: owner, if: { country: AT }, then: { owner: from territory.owner, value: 10k } }
  - { rule: again, if: { country: FR }, then: { pool: p1, if_nobody: { pool: p1 } } }
  - { rule: rest, then: { pool: d } }
";
    let found = Rulebook::parse(source, &References::default()).unwrap_err();
    insta::assert_snapshot!(rendered(&found, source));
}
