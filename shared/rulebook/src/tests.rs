mod mistakes;

use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::PoolId;
use fairleader_lead::id::RepId;
use fairleader_lead::id::SourceId;
use fairleader_lead::profile::Profile;
use fairleader_lead::ruling::IfNobody;
use fairleader_lead::ruling::IfUnavailable;
use fairleader_lead::ruling::NOT_AN_MQL;
use fairleader_lead::ruling::Outcome;
use fairleader_lead::ruling::Priority;
use fairleader_lead::ruling::Ruling;
use fairleader_lead::score::Score;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use fairleader_lead::account::{Account, AccountStatus};
use fairleader_lead::activity::Activity;
use fairleader_lead::id::{AccountId, ActivityId, LeadId};
use fairleader_lead::profile::{Email, EmailKind, JobLevel};
use fairleader_lead::score::Interest;

/// A rulebook with most of the language.
const EXAMPLE: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
lookups:
  region: { from: country, values: { dach: [DE, AT, CH], nordics: [NO, SE] } }
conditions:
  enterprise: { company.employees: 1000+ }
block:                     # first; never scored
  - { rule: junk, if: { email.kind: disposable }, then: { disqualify: junk } }
  - rule: looks odd
    if: { message: contains bitcoin }
    then:
      hold: looks_odd
score:
  fit:
    share: 40%
    lines:
      - { if: { job.level: [c_level, vp] }, points: 60 }
      - { if: { is: enterprise }, points: 50 }
      - { if: { job.title: word student }, points: -80 }
  engagement:
    share: 30%
    lines:
      - { did: [contact_me, demo], points: 100 }
      - { did: webinar, points: 40 }
  account: { share: 30% }
  grades: { A: 80+, B: 60+, C: 40+ }
mql:
  - { score: 60+ }
  - { did: [contact_me, demo] }
route:
  - rule: customers and open deals
    if: { account.status: [customer, open_deal] }
    then: { owner: account.owner, if_unavailable: { pool: account-cover }, counts_as_turn: no }
  - rule: big in saxony
    if: { is: enterprise, region: dach, postal_code: starts with 01 }
    then: { owner: anna }
  - rule: dach
    if: { region: dach }
    then: { pool: dach, if_nobody: wait }
  - rule: nordics, not in a hurry
    if: { region: nordics, not: { did: contact_me } }
    then: { nurture: timing }
  - rule: everyone else
    then: { pool: inbound, if_nobody: { pool: overflow } }
";

#[derive(Default)]
struct Lead {
    profile: Profile,
    account: Option<AccountFacts>,
}

impl Lead {
    fn from(country: &str) -> Self {
        let mut lead = Self::default();
        lead.profile.place.country = Some(country.to_owned());
        lead
    }

    fn employees(mut self, employees: u32) -> Self {
        self.profile.company.employees = Some(employees);
        self
    }

    fn postal_code(mut self, code: &str) -> Self {
        self.profile.place.postal_code = Some(code.to_owned());
        self
    }

    fn level(mut self, level: JobLevel) -> Self {
        self.profile.contact.job_level = Some(level);
        self
    }

    /// Adds an activity ten minutes ago.
    fn did(mut self, did: &str) -> Self {
        let at = "2026-03-03T08:50:00Z".parse().unwrap();
        self.profile.interest.did = Some(did.to_owned());
        self.profile.said(&LeadId::from("l-1"), did, at);
        self
    }

    fn message(mut self, message: &str) -> Self {
        self.profile.interest.message = Some(message.to_owned());
        self
    }

    fn email(mut self, kind: EmailKind) -> Self {
        let address = "ada@acme.example".to_owned();
        let domain = "acme.example".to_owned();
        self.profile.contact.email = Some(Email { identity: address.clone(), address, domain, kind });
        self
    }

    fn custom(mut self, name: &str, value: &str) -> Self {
        self.profile.custom.insert(name.to_owned(), value.to_owned());
        self
    }

    fn account(mut self, status: AccountStatus, owner: Option<&str>) -> Self {
        let account = Account {
            account_id: AccountId::from("acme"),
            name: "Acme".to_owned(),
            domains: vec![],
            parent: None,
            owner: owner.map(RepId::from),
            status,
            deal_owner: Some(RepId::from("dora")),
            tier: None,
            score: Some(70),
        };
        self.account = AccountFacts::inherit(&[account]);
        self
    }

    /// Applies a function to the facts of the lead, with the source `website`.
    fn ask<T>(&self, ask: impl FnOnce(&Facts<'_>) -> T) -> T {
        let source = SourceId::from("website");
        let now = "2026-03-03T09:00:00Z".parse().unwrap();
        ask(&Facts {
            profile: &self.profile,
            source: &source,
            received_at: now,
            account: self.account.as_ref(),
            score: None,
            now,
        })
    }

    fn rule(&self, rulebook: &Rulebook) -> String {
        self.ask(|facts| rulebook.decide(facts)).rule
    }
}

fn rulebook(text: &str) -> Rulebook {
    match Rulebook::parse(text, &References::default()) {
        Ok(Checked { rulebook, warnings }) if warnings.is_empty() => rulebook,
        Ok(Checked { warnings: found, .. }) | Err(found) => panic!("{}", rendered(&found, text)),
    }
}

fn rendered(found: &[Diagnostic], source: &str) -> String {
    found.iter().map(|diagnostic| diagnostic.render(source, "rulebook.yaml")).collect::<Vec<String>>().join("\n")
}

/// Returns a small rulebook with this condition.
fn with_condition(condition: &str) -> String {
    format!(
        "company: {{ zone: Europe/Berlin, currency: EUR }}\nscore: {{ fit: {{ share: 100% }} }}\nmql: [{{ source: present }}]\n\
         route:\n  - {{ rule: yes, if: {condition}, then: {{ pool: a }} }}\n  - {{ rule: no, then: {{ pool: b }} }}\n"
    )
}

/// Returns whether `condition` holds for a lead.
fn holds(condition: &str, lead: &Lead) -> bool {
    lead.rule(&rulebook(&with_condition(condition))) == "yes"
}

/// Returns the problems in `condition`: code, message, help.
fn wrong(condition: &str) -> Vec<String> {
    let found = Rulebook::parse(&with_condition(condition), &References::default()).expect_err("problems");
    found.into_iter().map(|d| format!("{}: {} ({})", d.code, d.message, d.help.unwrap_or_default())).collect()
}

#[test]
fn decides_and_explains_the_example() {
    let rulebook = rulebook(EXAMPLE);
    assert_eq!((rulebook.zone(), rulebook.currency()), ("Europe/Berlin", "EUR"));
    assert_eq!(
        rulebook.pools().iter().map(PoolId::as_str).collect::<Vec<_>>(),
        ["account-cover", "dach", "inbound", "overflow"]
    );
    assert_eq!(rulebook.rule_names().count(), 7);
    let leads = [
        Lead::from("DE").email(EmailKind::Disposable),
        Lead::from("DE").message("Earn BITCOIN now"),
        Lead::from("DE").employees(40).did("download"),
        Lead::from("FR").did("demo").account(AccountStatus::Customer, Some("bert")),
        Lead::from("FR").did("demo").account(AccountStatus::Customer, None),
        Lead::from("DE").did("demo").employees(1200).postal_code("01067"),
        Lead::from("DE").did("demo").employees(1200).postal_code("10115"),
        Lead::from("NO").did("demo"),
        Lead::from("NO").did("contact_me"),
    ];
    let explained = leads.iter().map(|lead| {
        lead.ask(|facts| {
            let explanation = rulebook.explain(facts);
            assert_eq!(explanation.rule, rulebook.decide(facts).rule);
            explanation.sentence
        })
    });
    insta::assert_snapshot!(explained.collect::<Vec<String>>().join("\n"), @"
    Rule `junk` disqualifies the lead (`junk`), because email.kind is disposable.
    Rule `looks odd` holds the lead for review (`looks_odd`), because message is `Earn BITCOIN now`, which contains `bitcoin`.
    The lead is not an MQL, so it goes to nurture: score is 0, needed 60 or more; did download 10 minutes ago, needed contact_me or demo.
    Rule `customers and open deals` gives the lead to `bert` (account.owner), or to pool `account-cover` if they cannot take it, because account.status is customer.
    Rule `everyone else` gives the lead to pool `inbound`, or to pool `overflow` if no rep there can take it, because no earlier rule matches. Rule `customers and open deals` comes earlier but does not match: account.owner is unknown.
    Rule `big in saxony` gives the lead to `anna`, because it meets `enterprise`: company.employees is 1200 (1000 or more); region is dach; postal_code is 01067, which starts with `01`.
    Rule `dach` gives the lead to pool `dach`, because region is dach. Rule `big in saxony` comes earlier but does not match: postal_code is 10115, needed text starting with `01`.
    Rule `nordics, not in a hurry` keeps the lead in nurture (`timing`), because region is nordics and never did contact_me.
    Rule `everyone else` gives the lead to pool `inbound`, or to pool `overflow` if no rep there can take it, because no earlier rule matches. Rule `nordics, not in a hurry` comes earlier but does not match: did contact_me 10 minutes ago, which rules it out.
    ");
}

#[test]
fn explanations_name_near_misses_and_lookups() {
    let lead = Lead::from("DE").did("demo").employees(40).postal_code("01067");
    let explanation = lead.ask(|facts| rulebook(EXAMPLE).explain(facts));
    insta::assert_json_snapshot!(explanation, @r#"
    {
      "rule": "dach",
      "section": "route",
      "reasons": [
        "region is dach"
      ],
      "near_misses": [
        {
          "rule": "big in saxony",
          "failed": "it does not meet `enterprise`: company.employees is 40, needed 1000 or more"
        },
        {
          "rule": "customers and open deals",
          "failed": "account.status is unknown, needed customer or open_deal"
        }
      ],
      "lookups": [
        "region is dach for DE"
      ],
      "sentence": "Rule `dach` gives the lead to pool `dach`, because region is dach. Rule `big in saxony` comes earlier but does not match: it does not meet `enterprise`: company.employees is 40, needed 1000 or more."
    }
    "#);
}

#[test]
fn outcomes_follow_the_rule() {
    let rulebook = rulebook(EXAMPLE);
    let outcome = |lead: Lead| lead.ask(|facts| rulebook.decide(facts)).outcome;
    let cover = IfUnavailable::Pool(PoolId::from("account-cover"));
    assert_eq!(
        outcome(Lead::from("FR").did("demo").account(AccountStatus::OpenDeal, Some("bert"))),
        Outcome::Owner { rep: RepId::from("bert"), if_unavailable: cover, counts_as_turn: false }
    );
    assert_eq!(
        outcome(Lead::from("DE").did("demo").employees(1200).postal_code("01067")),
        Outcome::Owner { rep: RepId::from("anna"), if_unavailable: IfUnavailable::Assign, counts_as_turn: true }
    );
    assert_eq!(
        outcome(Lead::from("US").did("demo")),
        Outcome::Pool { pool: PoolId::from("inbound"), if_nobody: IfNobody::Pool(PoolId::from("overflow")) }
    );
    assert_eq!(outcome(Lead::from("US")), Outcome::Nurture { reason: "not_an_mql".to_owned() });
}

#[test]
fn a_deal_owner_counts_only_with_an_open_deal() {
    let text = with_condition("{ account: present }").replace("{ pool: a }", "{ owner: account.deal_owner }");
    let rulebook = rulebook(&text);
    assert_eq!(Lead::from("DE").account(AccountStatus::OpenDeal, None).rule(&rulebook), "yes");
    assert_eq!(Lead::from("DE").account(AccountStatus::Customer, Some("bert")).rule(&rulebook), "no");
}

#[test]
fn scores_add_up_with_reasons() {
    let rulebook = rulebook(EXAMPLE);
    let lead =
        Lead::from("DE").level(JobLevel::Vp).employees(5000).did("webinar").account(AccountStatus::Prospect, None);
    let score = lead.ask(|facts| rulebook.score(facts));
    insta::assert_json_snapshot!(score, @r#"
    {
      "total": 73,
      "fit": 100,
      "engagement": 40,
      "account": 70,
      "grade": "B",
      "mql": true,
      "mql_by": "score is 60 or more",
      "lines": [
        {
          "part": "fit",
          "reason": "job.level is c_level or vp",
          "points": 60
        },
        {
          "part": "fit",
          "reason": "it meets `enterprise`",
          "points": 50
        },
        {
          "part": "engagement",
          "reason": "did webinar 10 minutes ago",
          "points": 40
        },
        {
          "part": "account",
          "reason": "account.score is 70",
          "points": 70
        }
      ]
    }
    "#);
    // The score in the facts takes precedence.
    let stored = Score { mql: false, ..score };
    assert_eq!(lead.ask(|facts| rulebook.decide(&Facts { score: Some(&stored), ..*facts })).rule, NOT_AN_MQL);
}

#[test]
fn blocking_needs_no_score() {
    let rulebook = rulebook(EXAMPLE);
    let blocked = |lead: Lead| lead.ask(|facts| rulebook.blocked(facts)).map(|ruling| ruling.outcome);
    assert_eq!(blocked(Lead::from("DE")), None);
    let junk = Outcome::Disqualify { reason: "junk".to_owned() };
    assert_eq!(blocked(Lead::from("DE").email(EmailKind::Disposable)), Some(junk));
}

#[test]
fn values_are_read_by_field_type() {
    let norway = Lead::from("NO").postal_code("01067").custom("code", "1e5").custom("newsletter", "yes");
    assert!(holds("{ country: NO }", &norway));
    assert!(holds("{ country: no }", &norway));
    assert!(holds("{ postal_code: 01067 }", &norway));
    assert!(!holds("{ postal_code: 1067 }", &norway));
    assert!(holds("{ postal_code: starts with 01 }", &norway));
    assert!(holds("{ custom.code: 1e5, custom.newsletter: yes }", &norway));
    assert!(!holds("{ custom.code: 100000 }", &norway));
    assert!(holds("{ custom.other: absent, source: website }", &norway));
    assert_eq!(wrong("{ company.employees: 1e5 }").len(), 1);
}

#[test]
fn text_comparison_ignores_case_and_accents() {
    let lead = Lead::from("DE").message("Wir wünschen ein  ANGEBOT für die Straße 5.");
    for held in
        ["contains wunschen ein angebot", "starts with wir", "ends with 5.", "word strasse", "[nothing, word Angebot]"]
    {
        assert!(holds(&format!("{{ message: {held} }}"), &lead), "{held}");
    }
    for failed in ["word wunsch", "angebot", "starts with angebot", "absent"] {
        assert!(!holds(&format!("{{ message: {failed} }}"), &lead), "{failed}");
    }
}

#[test]
fn all_any_not_combine_and_missing_values_pass_only_not() {
    let lead = Lead::from("DE").employees(100);
    assert!(holds("{ any: [{ country: FR }, { company.employees: 50-999 }], not: { country: FR } }", &lead));
    assert!(!holds("{ all: [{ country: DE }, { company.employees: under 100 }] }", &lead));
    assert!(holds("{ not: { language: de } }", &lead));
    assert!(!holds("{ language: [de, present] }", &lead));
    assert!(holds("{ language: [de, absent] }", &lead));
}

#[test]
fn a_yaml_trap_says_what_to_write() {
    let source = EXAMPLE.replace("  - { score: 60+ }", "  - score: >= 60");
    insta::assert_snapshot!(rendered(&Rulebook::parse(&source, &References::default()).unwrap_err(), &source), @r#"
    error[wrong-type]: a line of `mql` compares `score` with `>= 60`, which is not a whole number or range
      --> rulebook.yaml:27:12
       |
    27 |   - score: >= 60
       |            ^^^^^
       = help: write `60+`
    "#);
    let source = EXAMPLE.replace("      hold: looks_odd", "\thold: looks_odd");
    insta::assert_snapshot!(rendered(&Rulebook::parse(&source, &References::default()).unwrap_err(), &source), @"
    error[tab]: this line is indented with a tab
      --> rulebook.yaml:11:1
       |
    11 |  hold: looks_odd
       | ^
       = help: indent with spaces, two per level
    ");
}

#[test]
fn rejects_impossible_conditions() {
    let all = [
        "{ country: [] }",
        "{ all: [{ country: DE }, { country: [FR, AT] }] }",
        "{ all: [{ company.employees: 1000+ }, { company.employees: under 50 }] }",
        "{ company.employees: 999-50 }",
        "{ score: 101+ }",
        "{ country: UK }",
        "{ employees: 5 }",
        "{ consent.email: true }",
        "{ grade: A }",
        "{ is: enterprise }",
        "{ message: starts with }",
        "{}",
        "DE",
    ];
    insta::assert_snapshot!(all.map(|condition| wrong(condition).join("\n")).join("\n"), @"
    contradiction: `country: []` never holds (name at least one value, or write `absent`)
    contradiction: rule `yes` can never win: `country is DE` and `country is FR or AT` cannot both be true (use `any` if one of them is enough)
    contradiction: rule `yes` can never win: `company.employees is 1000 or more` and `company.employees is under 50` cannot both be true (use `any` if one of them is enough)
    empty-range: rule `yes` compares `company.employees` with `999-50`, which is an empty range (write `50-999`)
    out-of-range: rule `yes` compares `score` with `101+`, which is outside 0 to 100 ()
    unknown-value: rule `yes` compares `country` with `UK`, which is not a country code (write `GB`, the code of the United Kingdom)
    unknown-field: rule `yes` tests unknown field `employees` (write `company.employees`)
    wrong-type: rule `yes` compares `consent.email` with `true`, which is neither yes nor no (write `yes`)
    unknown-value: rule `yes` compares `grade` with `A`, which is not one of its values (add `grades:` under `score`, such as `grades: { A: 80+, B: 60+ }`)
    unknown-condition: rule `yes` uses unknown condition `enterprise` (define it under `conditions`)
    wrong-value: rule `yes` compares `message` with `starts with`, which does not say what to look for (write the text after `starts with`)
    empty: the condition of rule `yes` is empty (add an entry, or remove the key)
    wrong-shape: the condition of rule `yes` must be keys with values, not `DE` (write a field with its value, such as `{ country: DE }`)
    ");
}

#[test]
fn priority_and_value_need_a_suitable_action() {
    let with = |then: &str| {
        let rule = format!("route:\n  - {{ rule: x, if: {{ country: DE }}, then: {{ {then} }} }}\n");
        EXAMPLE.replacen("route:\n", &rule, 1)
    };
    let mut said = String::new();
    for then in [
        "hold: tender, priority: high, value: 900",
        "nurture: timing, value: from company.employees",
        "nurture: timing, priority: high, if_nobody: wait",
        "disqualify: junk, priority: low, value: 0",
        "pool: dach, if_unavailable: assign, counts_as_turn: no",
        "owner: anna, if_nobody: wait",
        "hold: tender, counts_as_turn: no, prio: high",
    ] {
        match Rulebook::parse(&with(then), &References::default()) {
            Ok(checked) => {
                let lead = Lead::from("DE").did("demo").employees(40);
                let ruling = lead.ask(|facts| checked.rulebook.decide(facts));
                writeln!(said, "{then}: {} {:?}", ruling.priority.as_str(), ruling.value).unwrap();
            }
            Err(found) => {
                for d in found {
                    writeln!(said, "{then}: {}: {} ({})", d.code, d.message, d.help.unwrap_or_default()).unwrap();
                }
            }
        }
    }
    insta::assert_snapshot!(said, @"
    hold: tender, priority: high, value: 900: high Some(900)
    nurture: timing, value: from company.employees: normal Some(40)
    nurture: timing, priority: high, if_nobody: wait: misplaced-key: `then` of rule `x` has `priority`, which does not go with `nurture` (remove it; priority orders leads that wait for a person, and leads in nurture do not)
    nurture: timing, priority: high, if_nobody: wait: misplaced-key: `then` of rule `x` has `if_nobody`, which does not go with `nurture` (remove it; only `pool` and `owner` look for a rep)
    disqualify: junk, priority: low, value: 0: misplaced-key: `then` of rule `x` has `priority`, which does not go with `disqualify` (remove it; a disqualified lead is not worked on)
    disqualify: junk, priority: low, value: 0: misplaced-key: `then` of rule `x` has `value`, which does not go with `disqualify` (remove it; a disqualified lead is not worked on)
    pool: dach, if_unavailable: assign, counts_as_turn: no: misplaced-key: `then` of rule `x` has `if_unavailable`, which does not go with `pool` (with `pool` use `if_nobody`)
    pool: dach, if_unavailable: assign, counts_as_turn: no: misplaced-key: `then` of rule `x` has `counts_as_turn`, which does not go with `pool` (remove it; a lead from a pool always counts as a turn)
    owner: anna, if_nobody: wait: misplaced-key: `then` of rule `x` has `if_nobody`, which does not go with `owner` (with `owner` use `if_unavailable`)
    hold: tender, counts_as_turn: no, prio: high: misplaced-key: `then` of rule `x` has `counts_as_turn`, which does not go with `hold` (remove it; only a lead that goes to a rep counts as a turn)
    hold: tender, counts_as_turn: no, prio: high: unknown-key: `then` of rule `x` has an unknown key `prio` (write one of `hold`, `priority` or `value`)
    ");
    let early = EXAMPLE.replacen("hold: looks_odd", "hold: looks_odd\n      value: from score", 1);
    let found = Rulebook::parse(&early, &References::default()).unwrap_err();
    assert_eq!(found[0].message, "rule `looks odd` tests `score` before it is known");
}

#[test]
fn reports_duplicate_values_of_a_custom_field() {
    let fields = "fields: { custom.size: [S, M, s, L, M] }\nlookups:";
    let source = EXAMPLE.replacen("lookups:", fields, 1).replacen("{ country: DE }", "{ custom.size: s }", 1).replacen(
        "enterprise: { company",
        "enterprise: { custom.size: l, company",
        1,
    );
    let checked = Rulebook::parse(&source, &References::default()).unwrap();
    let said: Vec<(usize, usize, &str)> =
        checked.warnings.iter().map(|d| (d.line, d.column, d.message.as_str())).collect();
    assert_eq!(said, [(2, 31, "duplicate value `s`"), (2, 37, "duplicate value `M`")]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one document with every kind of mistake, and what is said about it")]
fn reports_all_mistakes_at_once() {
    let source = "\
company: { zone: Europe/Berln, currency: Euro }
lookups:
  region: { from: country, values: { dach: [DE, AT], alps: [AT, CH] } }
  territory: { from: postal_code, use: territories }
conditions:
  one: { is: two }
  two: { is: one }
block:
  - { rule: junk, if: { email.kind: disposible }, then: { disqualify: junk } }
  - { rule: cold, if: { score: under 20 }, then: { nurture: cold } }
score:
  fit:
    share: 40%
    lines:
      - { if: { contry: DE }, points: many }
  engagement: { share: 50%, halves_every: 14 days }
  grades: { B: 60+, A: 80+ }
mql:
  - { score: 60+, grade: D }
sla: []
route:
  - { rule: twins, if: { region: dahc, country: [] }, then: { pool: inbond } }
  - { rule: twins, if: { country: DE }, then: { owner: annna, if_unavailable: asign } }
  - { rule: narrower, if: { country: DE, company.employees: 1,000+ }, then: { pool: inbound, owner: anna } }
  - { rule: again, if: { job.level: [vp, director], country: DE }, then: { poool: inbound } }
  - { rule: everyone, then: { pool: inbound } }
  - { rule: too late, iff: {}, if: { source: website }, then: { hold: Ask Anna } }
";
    let references = References {
        pools: Some([PoolId::from("inbound")].into()),
        reps: Some([RepId::from("anna")].into()),
        ..References::default()
    };
    let found = Rulebook::parse(source, &references).unwrap_err();
    insta::assert_snapshot!(rendered(&found, source), @"
    error[unknown-zone]: unknown time zone `Europe/Berln`
     --> rulebook.yaml:1:18
      |
    1 | company: { zone: Europe/Berln, currency: Euro }
      |                  ^^^^^^^^^^^^
      = help: write a continent and a large city in it, such as `Europe/Berlin`

    error[unknown-currency]: `Euro` is not a currency code
     --> rulebook.yaml:1:42
      |
    1 | company: { zone: Europe/Berln, currency: Euro }
      |                                          ^^^^
      = help: write three capital letters, such as `EUR`

    error[duplicate-value]: lookup `region` lists `AT` under both `dach` and `alps`
     --> rulebook.yaml:3:61
      |
    3 |   region: { from: country, values: { dach: [DE, AT], alps: [AT, CH] } }
      |                                                             ^^
      = help: keep one of them

    error[missing-key]: lookup `territory` has no `gives`
     --> rulebook.yaml:4:3
      |
    4 |   territory: { from: postal_code, use: territories }
      |   ^^^^^^^^^
      = help: add `gives: [name, pool]`

    warning[unused]: condition `one` is never used
     --> rulebook.yaml:6:3
      |
    6 |   one: { is: two }
      |   ^^^
      = help: remove it, or use it in a rule

    warning[unused]: condition `two` is never used
     --> rulebook.yaml:7:3
      |
    7 |   two: { is: one }
      |   ^^^
      = help: remove it, or use it in a rule

    error[cycle]: condition `one` uses itself: `one` → `two` → `one`
     --> rulebook.yaml:7:14
      |
    7 |   two: { is: one }
      |              ^^^
      = help: write one of them out in full

    error[unknown-value]: rule `junk` compares `email.kind` with `disposible`, which is not one of its values
     --> rulebook.yaml:9:37
      |
    9 |   - { rule: junk, if: { email.kind: disposible }, then: { disqualify: junk } }
      |                                     ^^^^^^^^^^
      = help: did you mean `disposable`?

    error[not-yet-scored]: rule `cold` tests `score` before it is known
      --> rulebook.yaml:10:25
       |
    10 |   - { rule: cold, if: { score: under 20 }, then: { nurture: cold } }
       |                         ^^^^^
       = help: the score is calculated after `block`, from the lines of `score`; test it in `mql` or `route`

    error[wrong-section]: rule `cold` is in `block` but uses `nurture`
      --> rulebook.yaml:10:61
       |
    10 |   - { rule: cold, if: { score: under 20 }, then: { nurture: cold } }
       |                                                             ^^^^
       = help: in `block` use `disqualify` or `hold`; other actions belong in `route`

    error[shares]: the shares of the score add up to 90%, not 100%
      --> rulebook.yaml:11:1
       |
    11 | score:
       | ^^^^^
       = help: they are fit 40% and engagement 50%

    error[unknown-field]: a line of `score.fit` tests unknown field `contry`
      --> rulebook.yaml:15:17
       |
    15 |       - { if: { contry: DE }, points: many }
       |                 ^^^^^^
       = help: did you mean `country`?

    error[points]: `many` is not a valid number of points
      --> rulebook.yaml:15:39
       |
    15 |       - { if: { contry: DE }, points: many }
       |                                       ^^^^
       = help: write a whole number from -100 to 100

    error[grade]: grade `A` can never be given: `B` at 60+ comes first
      --> rulebook.yaml:17:24
       |
    17 |   grades: { B: 60+, A: 80+ }
       |                        ^^^
       = help: order grades from best to worst

    error[unknown-value]: a line of `mql` compares `grade` with `D`, which is not one of its values
      --> rulebook.yaml:19:26
       |
    19 |   - { score: 60+, grade: D }
       |                          ^
       = help: did you mean `B`?

    error[unknown-key]: the rulebook has an unknown key `sla`
      --> rulebook.yaml:20:1
       |
    20 | sla: []
       | ^^^
       = help: remove it; Fairleader has no section `sla` yet

    error[unknown-value]: rule `twins` compares `region` with `dahc`, which is not one of its values
      --> rulebook.yaml:22:34
       |
    22 |   - { rule: twins, if: { region: dahc, country: [] }, then: { pool: inbond } }
       |                                  ^^^^
       = help: did you mean `dach`?

    error[contradiction]: `country: []` never holds
      --> rulebook.yaml:22:49
       |
    22 |   - { rule: twins, if: { region: dahc, country: [] }, then: { pool: inbond } }
       |                                                 ^^^
       = help: name at least one value, or write `absent`

    error[unknown-pool]: rule `twins` names unknown pool `inbond`
      --> rulebook.yaml:22:69
       |
    22 |   - { rule: twins, if: { region: dahc, country: [] }, then: { pool: inbond } }
       |                                                                     ^^^^^^
       = help: did you mean `inbound`?

    error[duplicate-rule]: duplicate rule name `twins`, first used on line 22
      --> rulebook.yaml:23:13
       |
    23 |   - { rule: twins, if: { country: DE }, then: { owner: annna, if_unavailable: asign } }
       |             ^^^^^
       = help: give each rule its own name; decisions name the rule that won

    error[unknown-rep]: rule `twins` names unknown rep `annna`
      --> rulebook.yaml:23:56
       |
    23 |   - { rule: twins, if: { country: DE }, then: { owner: annna, if_unavailable: asign } }
       |                                                        ^^^^^
       = help: did you mean `anna`?

    error[wrong-value]: `if_unavailable` is `asign`, which is neither `assign` nor a pool
      --> rulebook.yaml:23:79
       |
    23 |   - { rule: twins, if: { country: DE }, then: { owner: annna, if_unavailable: asign } }
       |                                                                               ^^^^^
       = help: write `assign` or `{ pool: NAME }`

    error[comma]: the comma before `000+` ends the value
      --> rulebook.yaml:24:63
       |
    24 |   - { rule: narrower, if: { country: DE, company.employees: 1,000+ }, then: { pool: inbound, owner: anna } }
       |                                                               ^^^^
       = help: write numbers without it (`1000+`), and several values as a list: `[DE, AT]`

    error[two-actions]: `then` of rule `narrower` has both `pool` and `owner`
      --> rulebook.yaml:24:94
       |
    24 |   - { rule: narrower, if: { country: DE, company.employees: 1,000+ }, then: { pool: inbound, owner: anna } }
       |                                                                                              ^^^^^
       = help: keep one of them

    error[no-action]: `then` of rule `again` has no action
      --> rulebook.yaml:25:76
       |
    25 |   - { rule: again, if: { job.level: [vp, director], country: DE }, then: { poool: inbound } }
       |                                                                            ^^^^^
       = help: did you mean `pool`?

    error[never-wins]: rule `too late` can never win: rule `everyone` on line 26 comes first and takes every lead
      --> rulebook.yaml:27:13
       |
    27 |   - { rule: too late, iff: {}, if: { source: website }, then: { hold: Ask Anna } }
       |             ^^^^^^^^
       = help: move the rule without `if` to the end

    error[no-last-rule]: rule `too late` is the last of `route` and has an `if`, so some leads match no rule
      --> rulebook.yaml:27:13
       |
    27 |   - { rule: too late, iff: {}, if: { source: website }, then: { hold: Ask Anna } }
       |             ^^^^^^^^
       = help: end with a rule for everyone else: `- { rule: everyone else, then: { pool: NAME } }`

    error[unknown-key]: rule `too late` has an unknown key `iff`
      --> rulebook.yaml:27:23
       |
    27 |   - { rule: too late, iff: {}, if: { source: website }, then: { hold: Ask Anna } }
       |                       ^^^
       = help: did you mean `if`?

    error[reason]: `Ask Anna` is not a valid reason
      --> rulebook.yaml:27:71
       |
    27 |   - { rule: too late, iff: {}, if: { source: website }, then: { hold: Ask Anna } }
       |                                                                       ^^^^^^^^
       = help: write it in lower case without spaces, such as `ask_anna`
    ");
}

#[test]
fn names_rules_covered_by_an_earlier_one() {
    let source = "\
company: { zone: Europe/Berlin, currency: EUR }
conditions: { big: { company.employees: 1000+ }, idle: { country: DE } }
score: { fit: { share: 100% } }
mql: [{ source: present }]
route:
  - { rule: owned, if: { country: DE }, then: { owner: account.owner } }
  - { rule: big, if: { is: big, country: [DE, AT] }, then: { pool: a } }
  - { rule: bigger, if: { all: [{ country: DE }, { company.employees: 5000-9000 }] }, then: { pool: b } }
  - { rule: owned too, if: { country: DE, language: de }, then: { owner: account.owner } }
  - { rule: just germany, if: { country: DE }, then: { pool: a } }
  - { rule: owned again, if: { country: DE, language: fr }, then: { owner: account.deal_owner } }
  - { rule: rest, then: { pool: a } }
";
    let found = Rulebook::parse(source, &References::default()).unwrap_err();
    let found: Vec<String> = found.into_iter().map(|d| format!("{}: {}", d.line, d.message)).collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    2: condition `idle` is never used
    8: rule `bigger` can never win: rule `big` on line 7 takes every lead it matches
    9: rule `owned too` can never win: rule `owned` on line 6 takes every lead it matches
    11: rule `owned again` can never win: rule `just germany` on line 10 takes every lead it matches
    "#);
}

#[test]
fn limits_the_size_of_named_conditions() {
    let doubled = (1..30).map(|n| format!("  c{n}: {{ is: [c{}, c{}] }}\n", n - 1, n - 1));
    let conditions = format!("conditions:\n  c0: {{ country: DE }}\n{}route:", doubled.collect::<String>());
    let source = with_condition("{ is: c29 }").replace("route:", &conditions);
    let found = Rulebook::parse(&source, &References::default()).unwrap_err();
    assert!(found.iter().any(|d| d.code == "too-large"), "{}", rendered(&found, &source));
}

#[test]
fn serialises_diagnostics() {
    let found = Rulebook::parse("route: []", &References::default()).unwrap_err();
    insta::assert_json_snapshot!(found.last(), @r#"
    {
      "severity": "error",
      "line": 1,
      "column": 8,
      "length": 2,
      "code": "empty",
      "message": "`route` is empty",
      "help": "write `- { rule: NAME, if: {…}, then: {…} }`"
    }
    "#);
}

/// A rule of the oracle: countries (empty means any), minimum number of employees, whether it needs an account owner.
type Simple = (Vec<usize>, Option<u32>, bool);

const COUNTRIES: [&str; 4] = ["DE", "AT", "NO", "FR"];

fn simple_rule() -> impl Strategy<Value = Simple> {
    (prop::collection::btree_set(0..4_usize, 0..4), prop::option::of(0..6_u32), any::<bool>())
        .prop_map(|(countries, employees, owner)| (countries.into_iter().collect(), employees, owner))
}

proptest! {
    /// Rules written as YAML decide like the oracle, and a rule reported as dead never wins.
    #[test]
    fn decides_like_the_oracle(rules in prop::collection::vec(simple_rule(), 1..8), country in 0..5_usize, employees in prop::option::of(0..8_u32), owned: bool) {
        let country = COUNTRIES.get(country).copied();
        let plain = rules.iter().position(|(countries, fewest, owner)| {
            let place = countries.is_empty() || country.is_some_and(|c| countries.iter().any(|at| COUNTRIES[*at] == c));
            let size = fewest.is_none_or(|fewest| employees.is_some_and(|employees| employees >= fewest));
            place && size && (owned || !owner)
        });
        let mut text = with_condition("{ country: DE }");
        text.truncate(text.find("  - {").unwrap());
        for (number, (countries, fewest, owner)) in rules.iter().enumerate() {
            let names: Vec<&str> = countries.iter().map(|at| COUNTRIES[*at]).collect();
            let mut tests = Vec::new();
            if !names.is_empty() {
                tests.push(format!("country: [{}]", names.join(", ")));
            }
            tests.extend(fewest.map(|fewest| format!("company.employees: {fewest}+")));
            let condition = if tests.is_empty() { String::new() } else { format!("if: {{ {} }}, ", tests.join(", ")) };
            let then = if *owner { "{ owner: account.owner }" } else { "{ pool: a }" };
            writeln!(text, "  - {{ rule: r{number}, {condition}then: {then} }}").unwrap();
        }
        text.push_str("  - { rule: last, then: { pool: b } }\n");
        let expected = plain.map_or("last".to_owned(), |at| format!("r{at}"));
        match Rulebook::parse(&text, &References::default()) {
            Ok(checked) => {
                let mut lead = Lead::default();
                lead.profile.place.country = country.map(ToOwned::to_owned);
                lead.profile.company.employees = employees;
                let lead = lead.account(AccountStatus::Customer, owned.then_some("bert"));
                prop_assert_eq!(lead.rule(&checked.rulebook), expected);
            }
            Err(found) => for dead in found.into_iter().filter(|found| found.severity == Severity::Error) {
                prop_assert_eq!(dead.code, "never-wins");
                prop_assert_ne!(dead.rule, Some(expected.clone()));
            },
        }
    }

    /// Checking handles any input, and positions are within the source.
    #[test]
    fn checking_never_panics(edits in prop::collection::vec((0..EXAMPLE.len(), 0..12_usize, "[\\]\\[{}:,>|&*!#%'\"\t\n a-z0-9-]{0,6}"), 1..5)) {
        let mut text = EXAMPLE.to_owned();
        for (at, cut, put) in edits {
            let at = at.min(text.len());
            let end = (at + cut).min(text.len());
            text.replace_range(at..end, &put);
        }
        if let Err(found) = Rulebook::parse(&text, &References::default()) {
            prop_assert!(!found.is_empty());
            for diagnostic in found {
                prop_assert!(diagnostic.line <= text.lines().count().max(1) + 1);
                prop_assert!(!diagnostic.render(&text, "x").is_empty());
            }
        }
    }
}

#[test]
fn explanations_survive_a_round_trip() {
    let explanation = Lead::from("DE").did("demo").ask(|facts| rulebook(EXAMPLE).explain(facts));
    let text = serde_json::to_string(&explanation).unwrap();
    assert_eq!(serde_json::from_str::<Explanation>(&text).unwrap(), explanation);
}

/// The rest of the language: types of custom fields, tables, dates, activities, priority and value.
const WHOLE: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
fields:
  custom.budget: number
  custom.renewal: date
  custom.segment: [small, mid, large]
lookups:
  territory: { from: [country, postal_code], use: territories, gives: [name, pool, owner] }
score:
  fit:
    share: 50%
    lines: [{ if: { custom.segment: large }, points: 60 }]
  engagement:
    share: 50%
    halves_every: 14 days
    lines:
      - { did: webinar, spend: high, response: attended, points: 40 }
      - { did: pricing, product: keel, points: 20, at_most: 30 }
      - { did: unsubscribe, points: -50 }
mql:
  - { score: 60+ }
  - { did: [contact_me, demo], within: 7 days }
  - { did: pricing, times: 3+ }
  - { custom.budget: 10000+ }
route:
  - rule: renewal soon
    if: { custom.renewal: in the next 90 days }
    then: { pool: renewals, priority: urgent, value: from custom.budget }
  - rule: named accounts
    if: { territory.owner: present }
    then: { owner: from territory.owner, if_unavailable: { pool: inbound } }
  - rule: territories
    if: { territory: present }
    then: { pool: from territory.pool, if_nobody: wait, value: 5000 }
  - rule: everyone else
    then: { pool: inbound }
";

const TERRITORIES: &str = "\
country,postal_code,name,pool,owner
DE,,Germany,dach,
DE,01*,Saxony,east,
DE,010,Dresden,east,dora
GB,SW1A,Westminster,london,
,,elsewhere,world,
";

#[test]
fn names_every_rep_of_its_rules_and_of_the_tables_they_read_owners_from() {
    let text = WHOLE.replace("if_unavailable: { pool: inbound }", "if_unavailable: assign");
    let named = text.replace("then: { pool: inbound }", "then: { owner: carla, if_unavailable: assign }");
    assert_ne!(named, text);
    let tables = [("territories".to_owned(), Arc::new(Table::parse("territories", TERRITORIES).unwrap()))].into();
    let rulebook = Rulebook::reuse(&named, &References { tables, ..References::default() }).unwrap();
    assert_eq!(rulebook.reps().iter().map(RepId::as_str).collect::<Vec<_>>(), ["carla", "dora"]);
}

fn references() -> References {
    let table = Table::parse("territories", TERRITORIES).expect("a table");
    References { tables: [("territories".to_owned(), Arc::new(table))].into(), ..References::default() }
}

fn whole() -> Rulebook {
    match Rulebook::parse(WHOLE, &references()) {
        Ok(Checked { rulebook, .. }) => rulebook,
        Err(found) => panic!("{}", rendered(&found, WHOLE)),
    }
}

#[test]
fn a_territory_is_the_longest_prefix_in_the_country() {
    let rulebook = whole();
    let goes = |country: &str, code: &str| {
        let lead = Lead::from(country).postal_code(code).custom("budget", "12,000");
        let Ruling { rule, outcome, .. } = lead.ask(|facts| rulebook.decide(facts));
        match outcome {
            Outcome::Pool { pool, .. } => format!("{rule}: {pool}"),
            Outcome::Owner { rep, .. } => format!("{rule}: {rep}"),
            other => format!("{rule}: {other:?}"),
        }
    };
    assert_eq!(goes("DE", "10115"), "territories: dach");
    assert_eq!(goes("DE", "01234"), "territories: east");
    assert_eq!(goes("DE", "01067"), "named accounts: dora");
    assert_eq!(goes("GB", "sw1a 1aa"), "territories: london");
    assert_eq!(goes("GB", "SW1"), "territories: world", "a prefix longer than the code does not match");
    assert_eq!(goes("AT", ""), "territories: world");
}

#[test]
fn activities_dates_and_typed_fields_decide() {
    let rulebook = whole();
    let lead = Lead::from("FR").custom("renewal", "2026-04-01").custom("budget", "12.000").did("demo");
    let ruling = lead.ask(|facts| rulebook.decide(facts));
    assert_eq!((ruling.rule.as_str(), ruling.priority, ruling.value), ("renewal soon", Priority::Urgent, Some(12_000)));
    assert_eq!(Lead::from("FR").custom("renewal", "2027-04-01").did("demo").rule(&rulebook), "territories");
    assert_eq!(Lead::from("FR").custom("budget", "about ten").rule(&rulebook), NOT_AN_MQL);
    let mut eager = Lead::from("FR");
    for day in ["2026-02-01", "2026-02-15", "2026-03-01"] {
        assert_eq!(eager.rule(&rulebook), NOT_AN_MQL);
        let id = ActivityId::from(day);
        let at = format!("{day}T09:00:00Z").parse().unwrap();
        let activity = Activity {
            id,
            did: "pricing".to_owned(),
            at,
            channel: None,
            spend: None,
            response: None,
            product: Some("keel".to_owned()),
        };
        fairleader_lead::activity::remember(&mut eager.profile.activities, activity);
    }
    let (explained, score) = eager.ask(|facts| (rulebook.explain(facts), rulebook.score(facts)));
    assert_eq!(explained.rule, "territories");
    assert_eq!(score.mql_by.as_deref(), Some("did pricing 3 times or more"));
    assert_eq!(score.interest, [Interest { product: "keel".to_owned(), points: 32 }]);
    assert_eq!(
        score.lines.last().map(|line| line.reason.as_str()),
        Some("did pricing 2 days ago, 3 times in all (20 points each when new)")
    );
    assert_eq!(score.lines.last().map(|line| line.points), Some(30), "no more than `at_most`");
}

#[test]
fn checks_table_contents_with_the_rulebook() {
    let table = "country,postal_code,name,pool,owner\nUK,1,x,inbound,\nDE,01,a,nowhere,\nDE,01*,b,inbound,nobody\n";
    let references = References {
        pools: Some(["inbound", "renewals"].map(PoolId::from).into()),
        reps: Some(BTreeSet::new()),
        tables: [("territories".to_owned(), Arc::new(Table::parse("territories", table).unwrap()))].into(),
    };
    let found = Rulebook::parse(WHOLE, &references).unwrap_err();
    let found: Vec<&str> = found.iter().map(|problem| problem.message.as_str()).collect();
    insta::assert_snapshot!(found.join("\n"), @"
    line 2 of table `territories`: `UK` is not a valid country
    lines 3 and 4 of table `territories` have the same keys
    line 3 of table `territories` names unknown pool `nowhere`
    line 4 of table `territories` names unknown rep `nobody`
    ");
    let found = Rulebook::parse(WHOLE, &References::default()).unwrap_err();
    assert_eq!(found.len(), 1, "problems that follow from a missing table are not reported: {found:?}");
}

#[test]
fn reuse_accepts_dead_rules() {
    let text = "company: { zone: Europe/Berlin, currency: EUR }\nmql: [ { score: 60+ } ]\n\
        score: { fit: { share: 100%, lines: [ { if: { country: DE }, points: 90 } ] } }\nroute:\n  \
        - { rule: one, if: { country: [DE, AT] }, then: { pool: dach } }\n  \
        - { rule: dead, if: { country: DE }, then: { pool: inbound } }\n  \
        - { rule: rest, then: { pool: inbound } }\n";
    let refused = Rulebook::parse(text, &References::default()).unwrap_err();
    assert_eq!(refused[0].code, "never-wins");
    let used = Rulebook::reuse(text, &References::default()).unwrap();
    assert_eq!(used.route.len(), 2, "the last rule is stored separately");
    assert!(Rulebook::reuse(&text.replace("country: DE", "countri: DE"), &References::default()).is_err());
}
