use std::sync::Arc;

use super::*;
use crate::document::Checked;
use crate::references::References;
use crate::table::Table;

const RULEBOOK: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
fields: { custom.budget: number }
lookups:
  region: { from: country, values: { dach: [DE, AT, CH], nordics: [NO, SE] } }
  territory: { from: [country, postal_code], use: territories, gives: [name, pool, owner] }
conditions:
  big: { company.employees: 1000+, any: [{ job.level: vp }, { language: de }] }
block:
  - { rule: junk, if: { email.kind: disposable }, then: { disqualify: junk } }
score:
  fit: { share: 50%, lines: [{ if: { is: big }, points: 60 }, { if: { job.title: word student }, points: -20 }] }
  engagement:
    share: 30%
    halves_every: 14 days
    lines: [{ did: pricing, points: 20, at_most: 30 }]
  account: { share: 20% }
  grades: { A: 80+, C: 40+ }
mql: [{ score: 40+ }, { did: demo, within: 7 days }]
route:
  - rule: accounts
    if: { account.owner: present }
    then: { owner: account.owner, if_unavailable: assign }
  - rule: a <b> & *c*
    if: { custom.budget: 10000+ }
    then: { pool: deals, priority: urgent, value: from custom.budget }
  - rule: far away
    if: { country: [FR, ES, PT, IT, GB, IE, NL, BE, LU, DK, PL, CZ], not: { region: dach } }
    then: { owner: from territory.owner, if_unavailable: { pool: deals } }
  - rule: territories
    if: { region: [dach, nordics] }
    then: { pool: from territory.pool, if_nobody: { pool: deals }, value: 900 }
  - rule: not yet
    if: { source: fair }
    then: { nurture: later }
  - rule: everyone else
    then: { pool: deals }
";

fn map() -> Map {
    let table =
        Arc::new(Table::parse("territories", "country,postal_code,name,pool,owner\nDE,01,Saxony,deals,\n").unwrap());
    let references = References { tables: [("territories".to_owned(), table)].into(), ..References::default() };
    let Checked { rulebook, .. } = Rulebook::parse(RULEBOOK, &references).unwrap();
    let pools = [("deals".to_owned(), "Deal desk".to_owned())].into();
    rulebook.map(&Names { pools, ..Names::default() })
}

#[test]
fn writes_the_process_as_prose() {
    insta::assert_snapshot!(map().prose(), @r"
    # How leads are decided

    Days follow the time zone Europe/Berlin. Amounts are in EUR.

    ## Before anything else

    The first rule that matches decides. A lead that it takes is not scored.

    1. **junk**: if email.kind is disposable, the lead is disqualified (`junk`).

    ## Score

    From 0 to 100: 50% fit, 30% engagement, 20% account. Each part is the sum of its lines, at least 0 and at most 100.

    Fit: who they are (50%)

    - +60 if it meets `big`
    - -20 if job.title has the word `student`

    Engagement: what they did (30%)

    - +20 if did pricing, at most 30 in all

    The points of an activity halve every 2 weeks.

    The account part is the account's own score.

    Grades: A from 80, C from 40.

    ## Who is ready for sales (MQL)

    A lead that meets any of these lines is an MQL, and stays one.

    - score is 40 or more
    - did demo within 7 days

    All other leads are kept in nurture (`not_an_mql`).

    ## Who gets the lead

    From top to bottom, the first rule that matches wins.

    1. **accounts**: if account.owner is present, the lead goes to the rep in `account.owner`; even if they are unavailable.
    2. **a \<b\> & \*c\***: if custom.budget is 10000 or more, the lead goes to pool `deals` (Deal desk), with priority urgent, worth custom.budget in EUR; it waits until a rep can take it.
    3. **far away**: if country is FR, ES, PT, IT, GB, IE, NL, BE or 4 others, and not (region is dach), and territory.owner is present, the lead goes to the rep in `territory.owner`; if they cannot take it, it goes to pool deals (Deal desk).
    4. **territories**: if region is dach or nordics, and territory.pool is present, the lead goes to the pool in `territory.pool`, worth 900 EUR; if no rep can take it, it goes to pool deals (Deal desk).
    5. **not yet**: if source is fair, the lead stays in nurture (`later`).
    6. **everyone else**: every other lead goes to pool `deals` (Deal desk); it waits until a rep can take it.

    ## Where leads go

    - **to one rep**: `account.owner` (rule 1), `territory.owner` (rule 3)
    - **to a pool of reps**: `deals` (rules 2, 6), `territory.pool` (rule 4)
    - **kept in nurture**: `later` (rule 5)

    ## Terms used

    - **region**: looked up by country
      - dach: DE, AT, CH
      - nordics: NO, SE
    - **territory.name, territory.pool, territory.owner, territory**: looked up in table `territories` (1 row) by country and postal_code
    - **big**: company.employees is 1000 or more and (job.level is vp or language is de)
    ");
}

#[test]
fn serialises_the_map() {
    let map = serde_json::to_value(map()).unwrap();
    insta::assert_json_snapshot!(map["route"].as_array().unwrap()[1..3], @r#"
    [
      {
        "conditions": [
          "custom.budget is 10000 or more"
        ],
        "goes": {
          "kind": "pool",
          "name": "deals",
          "otherwise": "it waits until a rep can take it",
          "read_off": false,
          "title": "Deal desk"
        },
        "number": 2,
        "priority": "urgent",
        "rule": "a <b> & *c*",
        "value": "custom.budget in EUR"
      },
      {
        "conditions": [
          "country is FR, ES, PT, IT, GB, IE, NL, BE or 4 others",
          "not (region is dach)",
          "territory.owner is present"
        ],
        "goes": {
          "kind": "owner",
          "name": "territory.owner",
          "otherwise": "if they cannot take it, it goes to pool deals (Deal desk)",
          "read_off": true
        },
        "number": 3,
        "rule": "far away"
      }
    ]
    "#);
}
