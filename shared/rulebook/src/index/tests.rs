//! Compares the index with an oracle that tests every rule in turn.

use crate::reading::Reading;
use crate::rule::Rep;
use crate::rule::Rule;
use crate::rule::Target;
use crate::rule::ValueOf;
use crate::rulebook::not_an_mql;
use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::RepId;
use fairleader_lead::id::SourceId;
use fairleader_lead::profile::Profile;
use fairleader_lead::ruling::IfNobody;
use fairleader_lead::ruling::IfUnavailable;
use fairleader_lead::ruling::Outcome;
use fairleader_lead::ruling::Priority;
use fairleader_lead::ruling::Ruling;
use fairleader_lead::score::Score;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index as Pick, select};

use super::super::condition::{Condition, Named, Test};
use super::super::*;
use super::term::{Asks, Part};
use super::{Index, block};
use crate::matcher::{How, Matcher};
use fairleader_lead::account::{Account, AccountStatus};
use fairleader_lead::activity::Activity;
use fairleader_lead::id::{AccountId, ActivityId};

/// Every kind of condition; random rules combine them.
const ATOMS: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
fields:
  custom.size: number
  custom.renewal: date
  custom.segment: [small, mid, large]
  custom.partner: yes_no
lookups:
  region: { from: country, values: { DACH: [DE, AT, CH, absent], Nordics: [NO, SE] } }
  shore: { from: country, values: { North Sea: [NO, GB], Baltic: [SE] } }
  crowd: { from: company.employees, values: { few: [under 50, absent], some: 50-199, many: 200+ } }
  territory: { from: [country, postal_code], use: territories, gives: [name, pool, owner] }
conditions:
  large: { company.employees: 200+ }
  eager: { any: [{ did: demo }, { message: contains price }] }
score: { fit: { share: 100% }, grades: { A: 80+, B: 60+ } }
mql: [{ source: present }]
route:
  - rule: atoms
    if:
      any:
        - country: DE
        - country: [DE, AT, absent]
        - country: [NO, SE]
        - country: present
        - state: Łódź
        - state: [Bayern, starts with Ba]
        - state: [starts with B, ends with n, absent]
        - state: contains ay
        - postal_code: ['01067', starts with 010]
        - postal_code: starts with 01
        - postal_code: [starts with 0, starts with 1, absent]
        - industry: [software, Ship Building]
        - industry: word ship
        - industry: absent
        - company.employees: 50-199
        - company.employees: [under 50, 200+]
        - company.employees: [40, 60, absent]
        - company.employees: [60, present]
        - company.employees: 60
        - consent.email: no
        - consent.email: [yes, absent]
        - custom.size: 10-20
        - custom.size: absent
        - custom.renewal: in the next 90 days
        - custom.renewal: [before 2026-03-01, absent]
        - custom.renewal: present
        - custom.segment: [small, mid]
        - custom.partner: yes
        - custom.free: [x y, starts with x]
        - region: dach
        - region: [nordics, absent]
        - shore: north sea
        - crowd: [few, many]
        - territory: Saxony
        - territory.pool: [east, absent]
        - territory.owner: present
        - account.status: [customer, open_deal]
        - account.owner: [bert, absent]
        - score: 60+
        - grade: [A, absent]
        - did: demo
        - { did: [demo, webinar], within: 7 days }
        - did: absent
        - { did: present, times: 2+ }
        - is: large
        - is: eager
    then: { pool: a }
  - { rule: last, then: { pool: z } }
";

const TERRITORIES: &str = "\
country,postal_code,name,pool,owner
DE,,Germany,dach,
DE,01*,Saxony,east,
DE,010,Dresden,east,dora
NO,,Norway,,
";

/// Returns the conditions of [`ATOMS`], and the rulebook to put rules in.
fn atoms() -> (Rulebook, Vec<Condition>) {
    let table = Arc::new(Table::parse("territories", TERRITORIES).expect("a table"));
    let references = References { tables: [("territories".to_owned(), table)].into(), ..References::default() };
    let checked = Rulebook::parse(ATOMS, &references).unwrap_or_else(|found| panic!("{found:#?}"));
    let rulebook = checked.rulebook;
    let [Rule { condition: Condition::Any(atoms), .. }] = rulebook.route.as_slice() else { panic!("one rule") };
    let atoms = atoms.clone();
    (rulebook, atoms)
}

/// The structure of a random condition.
#[derive(Clone, Debug)]
enum Shape {
    Atom(Pick),
    Employees(Vec<(u32, u32)>),
    Codes(Vec<u32>, bool),
    Countries(Vec<&'static str>),
    All(Vec<Shape>),
    Any(Vec<Shape>),
    Not(Box<Shape>),
    Named(Box<Shape>),
}

impl Shape {
    fn condition(&self, rulebook: &Rulebook, atoms: &[Condition]) -> Condition {
        let each = |shapes: &[Self]| shapes.iter().map(|shape| shape.condition(rulebook, atoms)).collect();
        let test = |field: &str, any_of| {
            let slot = rulebook.fields.slot(field).expect(field);
            Condition::Test(Test { slot, field: Arc::from(field), free_text: false, any_of })
        };
        match self {
            Self::Atom(pick) => pick.get(atoms).clone(),
            Self::Employees(ranges) => {
                let range =
                    |(from, length): &(u32, u32)| Matcher::Number { from: *from, to: from.saturating_add(*length) };
                test("company.employees", ranges.iter().map(range).collect())
            }
            Self::Codes(codes, begins) => {
                let how = if *begins { How::StartsWith } else { How::Is };
                test("postal_code", codes.iter().map(|code| Matcher::text(how, &code.to_string(), false)).collect())
            }
            Self::Countries(codes) => {
                test("country", codes.iter().map(|code| Matcher::text(How::Is, code, false)).collect())
            }
            Self::All(parts) => Condition::All(each(parts)),
            Self::Any(parts) => Condition::Any(each(parts)),
            Self::Not(inner) => Condition::Not(Box::new(inner.condition(rulebook, atoms))),
            Self::Named(inner) => {
                let condition = inner.condition(rulebook, atoms);
                let size = condition.size();
                Condition::Named(Arc::new(Named { name: "named".to_owned(), condition, size, weight: size }))
            }
        }
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let atom = prop_oneof![
        6 => any::<Pick>().prop_map(Shape::Atom),
        2 => vec((0_u32..120, prop_oneof![4 => 0_u32..80, 1 => Just(u32::MAX)]), 1..4).prop_map(Shape::Employees),
        2 => (vec(0_u32..130, 1..5), any::<bool>()).prop_map(|(codes, begins)| Shape::Codes(codes, begins)),
    ];
    atom.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            4 => vec(inner.clone(), 0..5).prop_map(Shape::All),
            2 => vec(inner.clone(), 1..5).prop_map(Shape::Any),
            1 => inner.clone().prop_map(|shape| Shape::Not(Box::new(shape))),
            1 => inner.prop_map(|shape| Shape::Named(Box::new(shape))),
        ]
    })
}

/// A condition that few leads meet, as is typical of rulebooks, so that the tree has something to split.
fn narrow() -> impl Strategy<Value = Shape> {
    let part = prop_oneof![
        2 => vec(select(&["DE", "AT", "NO", "SE", "GB", "FR"][..]), 1..3).prop_map(Shape::Countries),
        2 => (vec(0_u32..130, 1..4), any::<bool>()).prop_map(|(codes, begins)| Shape::Codes(codes, begins)),
        2 => vec((0_u32..210, 0_u32..40), 1..3).prop_map(Shape::Employees),
        1 => any::<Pick>().prop_map(Shape::Atom),
        1 => any::<Pick>().prop_map(|pick| Shape::Not(Box::new(Shape::Atom(pick)))),
        1 => vec(any::<Pick>().prop_map(Shape::Atom), 1..4).prop_map(Shape::Any),
    ];
    vec(part, 3..6).prop_map(Shape::All)
}

/// A rule's condition, what it does, and whether its value comes from a field.
type Random = (Shape, usize, bool);

fn rules(narrow_ones: usize, others: usize) -> impl Strategy<Value = Vec<Random>> {
    let then = || (0..8_usize, any::<bool>());
    let of = |shape: BoxedStrategy<Shape>, most| {
        vec((shape, then()).prop_map(|(shape, (then, worth))| (shape, then, worth)), 0..most)
    };
    (of(narrow().boxed(), narrow_ones), of(shape().boxed(), others))
        .prop_map(|(narrow, others)| [narrow, others].concat())
}

fn rule(rulebook: &Rulebook, atoms: &[Condition], number: usize, (shape, then, worth): &Random) -> Rule {
    let slot = |field: &str| rulebook.fields.slot(field).expect(field);
    let assign = |owner| Target::Owner { owner, if_unavailable: IfUnavailable::Assign, counts_as_turn: true };
    let target = match then {
        0 => assign(Rep::AccountOwner(slot("account.owner"))),
        1 => assign(Rep::Field(slot("territory.owner"))),
        2 => Target::Pool { slot: slot("territory.pool"), if_nobody: IfNobody::Wait },
        3 => Target::Pool { slot: slot("region"), if_nobody: IfNobody::Wait },
        _ => Target::Fixed(Outcome::Hold { reason: "fixed".to_owned() }),
    };
    let value = worth.then(|| ValueOf::Field(slot("custom.size")));
    Rule {
        name: format!("r{number}"),
        condition: shape.condition(rulebook, atoms),
        target,
        priority: Priority::default(),
        value,
    }
}

fn maybe(values: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    option::weighted(0.8, select(values).prop_map(str::to_owned))
}

prop_compose! {
    fn profile()(
        country in maybe(&["DE", "AT", "NO", "SE", "GB", "FR"]),
        state in maybe(&["bayern", "Baden", "BREMEN", "Łódź", "lodz", "Wien"]),
        code in prop_oneof![
            2 => maybe(&["01067", "01099", "0106", "10115", "1", "٣"]),
            1 => (0_u32..130).prop_map(|code| Some(code.to_string())),
        ],
        industry in maybe(&["software", "ship building", "SHIP  BUILDING", "shipping", "other"]),
        employees in option::weighted(0.8, prop_oneof![0_u32..210, Just(u32::MAX)]),
        consent in option::of(any::<bool>()),
        message in maybe(&["the price, please", "hello"]),
        custom in btree_map(
            select(&["size", "renewal", "segment", "partner", "free"][..]),
            select(&["15", "2026-04-01", "2026-02-01", "Mid", "yes", "no", "X  y", "", "21"][..]),
            0..6,
        ),
        did in vec((select(&["demo", "webinar", "pricing"][..]), 0_i64..20), 0..4),
    ) -> Profile {
        let mut profile = Profile { custom: custom.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(), ..Profile::default() };
        profile.place.country = country;
        profile.place.state = state;
        profile.place.postal_code = code;
        profile.company.industry = industry;
        profile.company.employees = employees;
        profile.consent.email = consent;
        profile.interest.message = message;
        for (number, (did, days)) in did.into_iter().enumerate() {
            let at = now() - jiff::SignedDuration::from_hours(days * 24);
            let id = ActivityId::new(number.to_string());
            let activity = Activity { id, did: did.to_owned(), at, channel: None, spend: None, response: None, product: None };
            fairleader_lead::activity::remember(&mut profile.activities, activity);
        }
        profile
    }
}

fn now() -> Timestamp {
    "2026-03-03T09:00:00Z".parse().expect("a timestamp")
}

fn account() -> impl Strategy<Value = Option<AccountFacts>> {
    option::of(any::<bool>().prop_map(|owned| {
        let account = Account {
            account_id: AccountId::from("acme"),
            name: "Acme".to_owned(),
            domains: vec![],
            parent: None,
            owner: owned.then(|| RepId::from("bert")),
            status: AccountStatus::Customer,
            deal_owner: None,
            tier: None,
            score: None,
        };
        AccountFacts::inherit(&[account]).expect("one account")
    }))
}

/// Returns the first matching rule by testing each.
fn scan<'r>(rules: &'r [Rule], facts: &Facts<'_>, reading: &Reading<'_>) -> Option<Verdict<'r>> {
    rules.iter().filter(|rule| rule.condition.holds(reading)).find_map(|rule| rule.verdict(facts, reading))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// The index finds the same rule as a scan. Deciding again and explaining change nothing.
    #[test]
    fn decides_like_a_scan(
        block in rules(3, 2),
        route in rules(40, 4),
        leads in vec((profile(), account(), 0_u8..=100, any::<bool>()), 2),
    ) {
        let (mut rulebook, atoms) = BASE.with(Clone::clone);
        rulebook.block = block.iter().enumerate().map(|(n, rule)| self::rule(&rulebook, &atoms, n, rule)).collect();
        rulebook.route = route.iter().enumerate().map(|(n, rule)| self::rule(&rulebook, &atoms, n + 100, rule)).collect();
        let rulebook = rulebook.compiled();
        let source = SourceId::from("website");
        for (profile, account, total, mql) in leads {
            let grade = (total >= 60).then(|| "B".to_owned());
            let score = Score { total, fit: total, engagement: 0, account: 0, grade, mql, mql_by: None, interest: vec![], lines: vec![] };
            let facts = Facts {
                profile: &profile,
                source: &source,
                received_at: now(),
                account: account.as_ref(),
                score: Some(&score),
                now: now(),
            };
            let reading = rulebook.fields.read(&facts);
            let blocked = scan(&rulebook.block, &facts, &reading);
            prop_assert_eq!(rulebook.blocked(&facts), blocked.clone().map(Ruling::from));
            let routed = || if mql { scan(&rulebook.route, &facts, &reading) } else { Some(not_an_mql()) };
            let expected = blocked.or_else(routed).unwrap_or_else(|| rulebook.last.verdict(&reading));
            let lead = rulebook.read(&facts);
            prop_assert_eq!(&lead.decide(), &expected);
            prop_assert_eq!(&rulebook.explain(&facts).rule, expected.rule);
            prop_assert_eq!(&lead.decide(), &expected);
            prop_assert_eq!(rulebook.decide(&facts), Ruling::from(expected));
        }
    }
}

/// Another rule may name a longer prefix than any in the block.
#[test]
fn a_column_knows_a_text_by_its_longest_prefix() {
    let (mut rulebook, _) = BASE.with(Clone::clone);
    let slot = rulebook.fields.slot("postal_code").expect("a field");
    let symbols = rulebook.fields.symbols_mut(slot).expect("compiled");
    let [short, _] = ["77", "777"].map(|text| symbols.insert_begins(text));
    symbols.finish();
    let slot = u16::try_from(slot).expect("few fields");
    let asks = |negated| vec![Part { slot, negated, asks: Asks::Keys(vec![short]) }];
    let terms = [asks(false), asks(true), asks(false), Vec::new()];
    let terms: Vec<&[Part]> = terms.iter().map(Vec::as_slice).collect();
    let mut index = Index::default();
    let columns = block::columns(&mut index, &rulebook.fields, &terms, |_| false, |_| (0, u32::MAX), &mut 1_000_000)
        .expect("small");
    let left = |code: Option<&str>| {
        let mut profile = Profile::default();
        profile.place.postal_code = code.map(str::to_owned);
        let source = SourceId::from("website");
        let facts =
            Facts { profile: &profile, source: &source, received_at: now(), account: None, score: None, now: now() };
        let mut left = Vec::new();
        index.candidates(columns, terms.len(), &rulebook.fields.read(&facts), |term| {
            left.push(term);
            true
        });
        left
    };
    assert_eq!(left(Some("77711")), [0, 2, 3]);
    assert_eq!(left(Some("7")), [1, 3]);
    assert_eq!(left(None), [1, 3]);
}

thread_local! {
    static BASE: (Rulebook, Vec<Condition>) = atoms();
}
