use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::document::Checked;
use crate::references::References;
use crate::table::Table;
use fairleader_lead::matching::Accounts;
use fairleader_lead::submission::sample::Sample;

const RULEBOOK: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
fields: { custom.budget: number }
lookups:
  region: { from: country, values: { dach: [DE, AT, CH], nordics: [NO, SE] } }
  territory: { from: [country, postal_code], use: territories, gives: [name, pool, owner] }
block:
  - { rule: junk, if: { email.kind: disposable }, then: { disqualify: junk } }
score:
  fit:
    share: 50%
    lines:
      - { if: { job.level: [c_level, vp] }, points: 60 }
      - { if: { job.title: word student }, points: -20 }
  engagement:
    share: 50%
    halves_every: 14 days
    lines:
      - { did: webinar, response: attended, points: 40 }
      - { did: pricing, points: 20, at_most: 30 }
  grades: { A: 80+, C: 40+ }
mql:
  - { score: 40+ }
  - { did: [contact_me, demo], within: 7 days }
route:
  - rule: accounts
    if: { account.owner: present }
    then: { owner: account.owner, if_unavailable: assign }
  - rule: budget
    if: { custom.budget: 10000+ }
    then: { pool: deals, priority: urgent, value: from custom.budget }
  - rule: demo in dach
    if: { region: dach, did: demo, within: 2 days }
    then: { pool: dach, priority: high, value: 900 }
  - rule: named
    if: { territory.owner: present }
    then: { owner: from territory.owner, if_unavailable: { pool: world } }
  - rule: territories
    if: { company.employees: 10+ }
    then: { pool: from territory.pool, if_nobody: { pool: world } }
  - rule: everyone else
    then: { pool: world }
";

const TERRITORIES: &str = "\
country,postal_code,name,pool,owner
DE,,Germany,dach,
DE,01*,Saxony,east,
DE,010,Dresden,east,dora
";

fn rulebook() -> Rulebook {
    let table = Arc::new(Table::parse("territories", TERRITORIES).unwrap());
    let references = References { tables: [("territories".to_owned(), table)].into(), ..References::default() };
    let Checked { rulebook, .. } = Rulebook::parse(RULEBOOK, &references).unwrap();
    rulebook
}

/// Applies `then` to the facts of a lead, on a Tuesday at ten.
fn ask<T>(lead: &Value, then: impl Fn(&Facts<'_>) -> T) -> T {
    let now = "2026-03-03T09:00:00Z".parse().unwrap();
    let mut said = json!({"email": "ada@other.example"});
    said.as_object_mut().unwrap().extend(lead.as_object().cloned().unwrap());
    let sample = Sample::from_json(said.to_string().as_bytes(), now).unwrap();
    let mut profile = sample.profile();
    let account = |json| serde_json::from_value(json).unwrap();
    let accounts = Accounts::new(&[
        account(json!({"account_id": "acme", "name": "Acme", "status": "customer", "owner": "bert"})),
        account(json!({"account_id": "acme-fr", "name": "Acme France", "status": "prospect", "parent": "acme"})),
    ]);
    let account = accounts.recognise(&mut profile);
    let account = account.as_ref();
    then(&Facts { profile: &profile, source: &sample.source, received_at: now, account, score: None, now })
}

fn told(lead: &Value) -> String {
    let rulebook = rulebook();
    ask(lead, |facts| {
        let score = rulebook.score(facts);
        rulebook.explain(facts).sentences(Some(&score), Some(&RulebookVersion::from("000003"))).join("\n")
    })
}

#[test]
fn explains_in_a_few_sentences() {
    let leads = [
        json!({"email": "x@mailinator.com", "country": "DE"}),
        json!({"company": "Acme", "did": "demo"}),
        json!({"company": "Acme France", "did": "demo"}),
        json!({"did": "demo", "budget": "12.000"}),
        json!({"did": "demo", "country": "Germany"}),
        json!({"job_title": "VP Student Affairs", "country": "DE", "postal_code": "01067", "activities": [
            {"did": "demo", "at": "2026-02-27T09:00:00Z"},
            {"did": "pricing", "at": "2026-03-01T09:00:00Z"}, {"did": "pricing", "at": "2026-03-02T09:00:00Z"}]}),
        json!({"did": "demo", "country": "DE", "postal_code": "01234", "employees": 40, "received_at": "2026-02-28T09:00:00Z"}),
        json!({"did": "demo", "country": "Norge", "postal_code": "0150", "employees": 40}),
        json!({"did": "webinar", "country": "DE"}),
    ];
    insta::assert_snapshot!(leads.each_ref().map(told).join("\n\n"), @"
    Rule `junk` disqualifies the lead (`junk`), because email.kind is disposable.
    Decided by version 000003 of the rulebook.

    Rule `accounts` gives the lead to `bert` (account.owner), because account.owner is bert.
    Score 0 of 100: fit 0, engagement 0, account 0.
    It is an MQL: did contact_me or demo within 7 days.
    Decided by version 000003 of the rulebook.

    Rule `accounts` gives the lead to `bert` (account.owner of its parent `acme`), because account.owner is bert.
    Score 0 of 100: fit 0, engagement 0, account 0.
    It is an MQL: did contact_me or demo within 7 days.
    Decided by version 000003 of the rulebook.

    Rule `budget` gives the lead to pool `deals`, with priority urgent, worth 12000 EUR (custom.budget), because custom.budget is 12000 (10000 or more).
    Score 0 of 100: fit 0, engagement 0, account 0.
    It is an MQL: did contact_me or demo within 7 days.
    Decided by version 000003 of the rulebook.

    Rule `demo in dach` gives the lead to pool `dach`, with priority high, worth 900 EUR, because region is dach and did demo just now.
    Looked up: region is dach for DE.
    Score 0 of 100: fit 0, engagement 0, account 0.
    It is an MQL: did contact_me or demo within 7 days.
    Decided by version 000003 of the rulebook.

    Rule `named` gives the lead to `dora` (territory.owner), or to pool `world` if they cannot take it, because territory.owner is dora. Rule `demo in dach` comes earlier but does not match: did demo 4 days ago, needed demo within 2 days.
    Looked up: region is dach for DE; line 4 of table `territories` matches DE 01067: territory.name is Dresden, territory.pool is east, territory.owner is dora.
    Score 35 of 100: fit 40, engagement 30, account 0.
    Fit: +60 because job.level is c_level or vp; -20 because job.title has the word `student`.
    Engagement: +30 because did pricing 1 day ago, 2 times in all (20 points each when new).
    It is an MQL: did contact_me or demo within 7 days.
    Decided by version 000003 of the rulebook.

    Rule `territories` gives the lead to pool `east` (territory.pool), or to pool `world` if no rep there can take it, because company.employees is 40 (10 or more). Rule `demo in dach` comes earlier but does not match: did demo 3 days ago, needed demo within 2 days.
    Looked up: region is dach for DE; line 3 of table `territories` matches DE 01234: territory.name is Saxony, territory.pool is east.
    Score 0 of 100: fit 0, engagement 0, account 0.
    It is an MQL: did contact_me or demo within 7 days.
    Decided by version 000003 of the rulebook.

    Rule `everyone else` gives the lead to pool `world`, because no earlier rule matches. Rule `demo in dach` comes earlier but does not match: region is nordics, needed dach.
    Looked up: region is nordics for NO; no line of table `territories` matches NO 0150.
    Score 0 of 100: fit 0, engagement 0, account 0.
    It is an MQL: did contact_me or demo within 7 days.
    Decided by version 000003 of the rulebook.

    The lead is not an MQL, so it goes to nurture: score is 0, needed 40 or more; did webinar just now, needed contact_me or demo within 7 days.
    Score 0 of 100: fit 0, engagement 0, account 0.
    Decided by version 000003 of the rulebook.
    ");
}

proptest! {
    #[test]
    fn explaining_never_changes_a_decision(
        country in prop::sample::select(vec!["DE", "NO", "FR", "no country"]),
        postal_code in prop::sample::select(vec!["01067", "01234", "10115", ""]),
        did in prop::sample::select(vec!["demo", "webinar", "contact me", "pricing"]),
        employees in 0..30_u32,
        company in prop::sample::select(vec!["Acme", "Acme France", "Other"]),
        title in prop::sample::select(vec!["CEO", "student", ""]),
        budget in prop::option::of(0..20_000_u32),
    ) {
        let lead = json!({"country": country, "postal_code": postal_code, "did": did, "employees": employees,
            "company": company, "job_title": title, "budget": budget});
        let rulebook = rulebook();
        let (before, explanation, after) =
            ask(&lead, |facts| (rulebook.decide(facts), rulebook.explain(facts), rulebook.decide(facts)));
        prop_assert_eq!(&explanation.rule, &before.rule);
        prop_assert_eq!(before, after);
        prop_assert!(explanation.sentence.ends_with('.'), "{}", explanation.sentence);
        prop_assert!(explanation.near_misses.iter().all(|near| near.rule != explanation.rule));
    }
}
