use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::facts::Facts;
use crate::references::References;
use crate::table::Table;
use fairleader_lead::account::{Account, AccountFacts, AccountStatus};
use fairleader_lead::activity::Activity;
use fairleader_lead::id::{AccountId, ActivityId, RepId, SourceId};
use fairleader_lead::profile::{JobLevel, Profile};

const OLD: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
fields: { custom.budget: number }
lookups:
  region: { from: country, values: { dach: [DE, AT], nordics: [SE, FI] } }
  territory: { from: [country, postal_code], use: territories, gives: [name, pool] }
conditions:
  big: { company.employees: 1000+ }
  keen: { did: [demo, contact_me], within: 7 days }
block:
  - { rule: junk, if: { email.kind: disposable }, then: { disqualify: junk } }
score:
  fit:
    share: 60%
    lines:
      - { if: { job.level: [c_level, vp] }, points: 60 }
      - { if: { is: big }, points: 40 }
  engagement:
    share: 40%
    halves_every: 14 days
    lines:
      - { did: webinar, points: 40 }
      - { did: download, points: 10, at_most: 30 }
  grades: { A: 80+, B: 60+ }
mql:
  - { score: 60+ }
  - { is: keen }
route:
  - { rule: large, if: { is: big, custom.budget: 5000+ }, then: { owner: henrik, if_unavailable: { pool: watch } } }
  - { rule: dach, if: { region: dach }, then: { pool: dach, if_nobody: wait } }
  - { rule: south, if: { country: [ES, PT, IT] }, then: { pool: south } }
  - { rule: small, if: { company.employees: under 50 }, then: { nurture: too_small } }
  - { rule: land, if: { territory.pool: present }, then: { pool: from territory.pool } }
  - { rule: rest, then: { pool: inbound, if_nobody: { pool: watch } } }
";

const TERRITORIES: &str = "country,postal_code,name,pool\nDE,01,Saxony,dach\nDE,1*,Berlin,dach\nAT,,Austria,dach\n";

fn parse_with(text: &str, table: &str) -> Rulebook {
    let table = Arc::new(Table::parse("territories", table).unwrap());
    let tables = [("territories".to_owned(), table)].into();
    match Rulebook::parse(text, &References { tables, ..References::default() }) {
        Ok(checked) => checked.rulebook,
        Err(problems) => panic!("{}", problems.iter().map(|problem| problem.render(text, "x")).collect::<String>()),
    }
}

fn said(old: &str, new: &str) -> String {
    let changes = diff(&parse_with(old, TERRITORIES), &parse_with(new, TERRITORIES));
    changes.iter().map(|change| change.sentence.as_str()).collect::<Vec<&str>>().join("\n")
}

/// Returns `OLD` with texts replaced; each must be present.
fn with(replacements: &[(&str, &str)]) -> String {
    let mut text = OLD.to_owned();
    for (from, to) in replacements {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

#[test]
fn order_and_format_make_no_difference() {
    let same = with(&[
        ("dach: [DE, AT], nordics: [SE, FI]", "nordics: [FI, se], dach: [at, DE]"),
        ("job.level: [c_level, vp]", "job.level: [VP, C_Level]"),
        ("halves_every: 14 days", "halves_every: 2 weeks"),
        ("did: [demo, contact_me], within: 7 days", "any: [{ did: [contact_me, demo], within: 1 week }]"),
        ("  - { score: 60+ }\n  - { is: keen }\n", "  - is: keen\n  - score: 60+\n"),
        ("is: big, custom.budget: 5000+", "custom.budget: 5000+, all: [{ is: big }]"),
        ("if: { country: [ES, PT, IT] }", "if: { country: [IT, ES, PT] }"),
        ("{ is: big }, points: 40", "{ company.employees: 1000+ }, points: 40"),
    ]);
    assert_eq!(said(OLD, &same), "");
    let rows = "pool;name;postal code;country\ndach;Austria;*;at\ndach;Berlin;1;DE\ndach;Saxony;01*;DE\n";
    assert_eq!(diff(&parse_with(OLD, TERRITORIES), &parse_with(OLD, rows)), []);
}

#[test]
fn describes_changed_rules_one_by_one() {
    let new = with(&[
        ("  - { rule: large, if: { is: big, custom.budget: 5000+ }, then: { owner: henrik, if_unavailable: { pool: watch } } }\n", ""),
        ("  - { rule: south, if: { country: [ES, PT, IT] }, then: { pool: south } }\n", ""),
        (
            "  - { rule: dach, if: { region: dach }, then: { pool: dach, if_nobody: wait } }\n",
            "  - { rule: south, if: { country: [ES, FR, PT], not: { language: [ca, eu] } }, then: { pool: iberia, if_nobody: { pool: dach }, priority: high, value: 900 } }
  - { rule: dach, if: { region: dach }, then: { pool: dach, if_nobody: wait } }
  - { rule: swiss, if: { country: CH, language: de }, then: { owner: account.owner, counts_as_turn: no } }
",
        ),
        ("{ company.employees: under 50 }, then: { nurture: too_small }", "{ company.employees: under 20 }, then: { hold: too_small }"),
        ("rule: land", "rule: by postal code"),
        ("{ pool: inbound, if_nobody: { pool: watch } }", "{ pool: inbound }"),
        ("points: 40 }\n  engagement", "points: 40 }\n      - { if: { custom.budget: 1+ }, points: 1 }\n  engagement"),
    ]);
    insta::assert_snapshot!(said(OLD, &new), @"
    score: a new line gives 1 point if custom.budget is 1 or more
    rule `south` moved before `dach`
    rule `south` now also takes leads with country FR
    rule `south` no longer takes leads with country IT
    rule `south` now also needs: not (language is ca or eu)
    rule `south` now gives leads to pool `iberia` instead of `south`
    rule `south`: a lead that no rep there can take now goes to pool `dach` (before: it waits)
    rule `south` now gives leads the priority high (before: normal)
    rule `south` now expects a lead to be worth 900 EUR
    rule `swiss` is added after `dach`: it gives the lead to the rep in `account.owner`, if country is CH and language is de
    rule `small` now needs company.employees under 20 (before: under 50)
    rule `small` now holds the lead for review (`too_small`) (before: it keeps the lead in nurture (`too_small`))
    rule `land` is now called `by postal code`
    rule `rest`: a lead that no rep there can take now waits (before: it goes to pool `watch`)
    rule `large` is removed; it gives the lead to `henrik`, or to pool `watch` if they cannot take it, if it meets `big` and custom.budget is 5000 or more
    ");
    insta::assert_snapshot!(said(&new, OLD), @"
    score: the line that gives 1 point if custom.budget is 1 or more is removed
    rule `large` is added at the top: it gives the lead to `henrik`, or to pool `watch` if they cannot take it, if it meets `big` and custom.budget is 5000 or more
    rule `dach` moved before `south`
    rule `south` now also takes leads with country IT
    rule `south` no longer takes leads with country FR
    rule `south` no longer needs: not (language is ca or eu)
    rule `south` now gives leads to pool `south` instead of `iberia`
    rule `south`: a lead that no rep there can take now waits (before: it goes to pool `dach`)
    rule `south` now gives leads the priority normal (before: high)
    rule `south` no longer says what a lead is worth
    rule `small` now needs company.employees under 50 (before: under 20)
    rule `small` now keeps the lead in nurture (`too_small`) (before: it holds the lead for review (`too_small`))
    rule `by postal code` is now called `land`
    rule `rest`: a lead that no rep there can take now goes to pool `watch` (before: it waits)
    rule `swiss` is removed; it gives the lead to the rep in `account.owner`, if country is CH and language is de
    ");
}

#[test]
fn describes_added_and_removed_alternatives() {
    let one = with(&[("{ country: [ES, PT, IT] }", "{ country: FR }")]);
    let two = with(&[("{ country: [ES, PT, IT] }", "{ any: [{ country: FR }, { company.employees: under 5 }] }")]);
    let beside = with(&[(
        "{ country: [ES, PT, IT] }",
        "{ language: fr, any: [{ country: FR }, { company.employees: under 5 }, { did: demo }] }",
    )]);
    insta::assert_snapshot!(said(&one, &two), @"rule `south` now also takes leads if company.employees is under 5");
    insta::assert_snapshot!(said(&two, &one), @"rule `south` no longer takes leads just because company.employees is under 5");
    insta::assert_snapshot!(said(&one, &beside), @"
    rule `south` now also takes leads if company.employees is under 5 or did demo
    rule `south` now also needs: language is fr
    ");
}

#[test]
fn describes_other_changes_with_the_parts_they_affect() {
    let new = with(&[
        ("zone: Europe/Berlin, currency: EUR", "zone: Europe/Vienna, currency: CHF"),
        ("custom.budget: number", "custom.budget: [5000+]"),
        ("custom.budget: 5000+", "custom.budget: present"),
        ("dach: [DE, AT], nordics: [SE, FI]", "dach: [DE, LI], benelux: [NL, BE]"),
        ("big: { company.employees: 1000+ }", "big: { company.employees: 250+, country: present }"),
        ("within: 7 days", "within: 14 days"),
        ("share: 60%", "share: 50%"),
        ("share: 40%\n", "share: 50%\n"),
        ("    halves_every: 14 days\n", ""),
        ("did: webinar, points: 40", "did: webinar, points: 45"),
        ("{ did: download, points: 10, at_most: 30 }", "{ did: pricing, points: 1, at_most: 20 }"),
        ("A: 80+, B: 60+", "A: 75+, C: 40+"),
        ("  - { score: 60+ }\n", "  - { score: 55+ }\n"),
    ]);
    insta::assert_snapshot!(said(OLD, &new), @"
    the company's time zone is now Europe/Vienna (before: Europe/Berlin)
    the company's currency is now CHF (before: EUR)
    field `custom.budget` is now read as one of 5000+ (before: as number); this affects rule `large`
    lookup `region`: `dach` now also has LI; `dach` no longer has AT; `benelux` for NL or BE is new; `nordics` for SE or FI is removed; this affects rule `dach`
    condition `big` now needs company.employees 250 or more (before: 1000 or more); this affects rule `large` and the score
    condition `big` now also needs: country is present; this affects rule `large` and the score
    condition `keen` now needs: did demo or contact_me within 14 days (before: did demo or contact_me within 7 days); this affects the MQL lines
    fit now counts for 50% of the score (before: 60%)
    engagement now counts for 50% of the score (before: 40%)
    the points of an activity no longer halve (before: every 14 days)
    score: did webinar now gives 45 points (before: 40 points)
    score: a new line gives 1 point (at most 20) if did pricing
    score: the line that gives 10 points (at most 30) if did download is removed
    grade `A` now starts at 75 (before: 80)
    grade `C` is new and starts at 40
    grade `B` is removed
    an MQL line now needs score 55 or more (before: 60 or more)
    rule `large` now needs custom.budget any value (before: 5000 or more)
    ");
}

#[test]
fn describes_renames_and_other_sources() {
    let new = with(&[
        ("  big: {", "  enterprise: {"),
        ("is: big", "is: enterprise"),
        ("  - { is: keen }\n", "  - { is: keen }\n  - { job.level: c_level, did: webinar }\n"),
        ("gives: [name, pool]", "gives: [pool]"),
        (
            "  region: { from: country, values: { dach: [DE, AT], nordics: [SE, FI] } }\n",
            "  region: { from: language, values: { dach: [de] } }\n",
        ),
        ("rule: rest", "rule: everyone else"),
    ]);
    insta::assert_snapshot!(said(OLD, &new), @"
    lookup `region`: it now reads language: `dach` for de (before: it reads country); this affects rule `dach`
    lookup `territory`: it no longer gives `name`; this affects rule `land`
    condition `big` is now called `enterprise`
    a lead is now also an MQL if job.level is c_level and did webinar
    rule `rest` is now called `everyone else`
    ");
}

#[test]
fn describes_table_rows_by_their_keys() {
    let table = "country,postal_code,name,pool\nDE,01,Saxony,east\nDE,2,North,dach\nAT,,Österreich,dach\n,,World,watch\nCH,8,Zurich,dach\n";
    let changes = diff(&parse_with(OLD, TERRITORIES), &parse_with(OLD, table));
    insta::assert_json_snapshot!(changes, @r#"
    [
      {
        "about": "table",
        "name": "territories",
        "what": "changed",
        "touches": [
          "rule `land`"
        ],
        "sentence": "table `territories`: 3 rows added, 1 removed, 2 changed; DE 01 now goes to pool `east` instead of `dach`; AT now has the name `Österreich` instead of `Austria`; every other lead is new and has the name `World` and goes to pool `watch`; and 3 more; this affects rule `land`"
      }
    ]
    "#);
}

#[test]
fn a_changed_entry_affects_the_rules_that_test_it() {
    let more = "  - { rule: anywhere, if: { region: present, language: sv }, then: { pool: north } }
  - { rule: north, if: { region: nordics }, then: { pool: north } }
  - { rule: rest";
    let (old, new) =
        (OLD.replace("  - { rule: rest", more), OLD.replace("  - { rule: rest", more).replace("[SE, FI]", "[SE]"));
    assert_eq!(
        said(&old, &new),
        "lookup `region`: `nordics` no longer has FI; this affects rule `anywhere` and rule `north`"
    );
}

#[test]
fn the_order_of_overlapping_entries_matters() {
    let lookup = |values: &str| {
        OLD.replace("dach: [DE, AT], nordics: [SE, FI]", "dach: [DE]")
            .replace("lookups:", &format!("lookups:\n  trade: {{ from: industry, values: {{ {values} }} }}"))
            .replace("region: dach }, then", "region: dach, trade: core }, then")
    };
    let old = lookup("core: [contains food], other: [contains foo, retail]");
    let new = lookup("other: [contains foo, retail], core: [contains food]");
    assert_eq!(
        said(&old, &new),
        "lookup `trade`: `other` now comes before `core` where both match; this affects rule `dach`"
    );
}

/// A small rulebook of parts that can differ.
fn rulebook() -> impl Strategy<Value = String> {
    let country = || prop::sample::subsequence(vec!["DE", "AT", "FR"], 1..=2).prop_map(|all| all.join(", "));
    let condition = || {
        prop_oneof![
            country().prop_map(|all| format!("country: [{all}]")),
            (0..3_u32).prop_map(|n| format!("company.employees: {}+", n * 100)),
            Just("is: named".to_owned()),
            Just("region: home".to_owned()),
            Just("not: { country: DE }".to_owned()),
            Just("did: demo".to_owned()),
            Just("score: 50+".to_owned()),
            Just("any: [{ job.level: vp }, { country: AT }]".to_owned()),
        ]
    };
    let target =
        prop::sample::select(vec!["pool: a", "pool: b", "owner: anna", "nurture: later", "owner: account.owner"]);
    let rules = prop::collection::vec((prop::sample::select(vec!["x", "y", "z"]), condition(), target), 0..3);
    (rules, country(), country(), 1..4_i32, 3..6_u32, condition()).prop_map(|(rules, named, region, points, mql, line)| {
        let mut seen = BTreeSet::new();
        let rules = rules.into_iter().filter(|(name, ..)| seen.insert(*name));
        let rules = rules.map(|(name, condition, then)| {
            format!("  - {{ rule: {name}, if: {{ {condition} }}, then: {{ {then} }} }}\n")
        });
        let line = if line.contains("score") { "country: AT" } else { &line };
        format!(
            "company: {{ zone: Europe/Berlin, currency: EUR }}\nlookups: {{ region: {{ from: country, values: {{ home: [{region}] }} }} }}\n\
             conditions: {{ named: {{ country: [{named}] }} }}\nscore: {{ fit: {{ share: 100%, lines: [{{ if: {{ {line} }}, points: {}0 }}, \
             {{ if: {{ job.level: vp }}, points: 20 }}] }} }}\nmql: [{{ score: {mql}0+ }}, {{ did: demo }}]\nroute:\n{}  - {{ rule: rest, then: {{ pool: c }} }}\n",
            points,
            rules.collect::<String>()
        )
    })
}

fn leads() -> Vec<(Profile, Option<AccountFacts>)> {
    let mut leads = Vec::new();
    for country in [None, Some("DE"), Some("AT"), Some("FR")] {
        for employees in [None, Some(50), Some(150), Some(900)] {
            for what in 0..8 {
                let mut profile = Profile::default();
                profile.place.country = country.map(str::to_owned);
                profile.company.employees = employees;
                profile.contact.job_level = (what & 1 != 0).then_some(JobLevel::Vp);
                if what & 2 != 0 {
                    profile.activities.push(Activity {
                        id: ActivityId::from("1"),
                        did: "demo".to_owned(),
                        at: jiff::Timestamp::UNIX_EPOCH,
                        channel: None,
                        spend: None,
                        response: None,
                        product: None,
                    });
                }
                let account = (what & 4 != 0).then(|| AccountFacts {
                    account: Account {
                        account_id: AccountId::from("acme"),
                        name: "Acme".to_owned(),
                        domains: Vec::new(),
                        parent: None,
                        owner: None,
                        status: AccountStatus::Customer,
                        deal_owner: None,
                        tier: None,
                        score: None,
                    },
                    owner: Some(RepId::from("ben")),
                    owner_from: None,
                });
                leads.push((profile, account));
            }
        }
    }
    leads
}

fn decided(rulebook: &Rulebook) -> Vec<fairleader_lead::ruling::Ruling> {
    let source = SourceId::from("web");
    let decide = |(profile, account): &(Profile, Option<AccountFacts>)| {
        let (received_at, now) = (jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::UNIX_EPOCH);
        rulebook.decide(&Facts { profile, source: &source, received_at, account: account.as_ref(), score: None, now })
    };
    leads().iter().map(decide).collect()
}

proptest! {
    #[test]
    fn reports_every_change_that_affects_a_decision(old in rulebook(), new in rulebook()) {
        let parse = |text: &str| Rulebook::parse(text, &References::default()).map(|checked| checked.rulebook);
        let (Ok(old), Ok(new)) = (parse(&old), parse(&new)) else { return Err(TestCaseError::reject("cannot be meant")) };
        prop_assert_eq!(diff(&old, &old), vec![]);
        prop_assert_eq!(diff(&new, &new), vec![]);
        if diff(&old, &new).is_empty() {
            prop_assert_eq!(decided(&old), decided(&new));
        }
    }
}
