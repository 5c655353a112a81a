use std::fmt::Write as _;
use std::sync::LazyLock;

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use serde_json::{Number, Value};

use crate::diagnostic::Problems;
use crate::field::{FIELDS, Kind};
use crate::references::References;
use crate::rulebook::Rulebook;
use crate::yaml;
use crate::yaml::{Content, Node};

const COMMITTED: &str = include_str!("../../../../docs/rulebook.schema.json");

static COMPILED: LazyLock<(Schemas, SchemaIndex)> = LazyLock::new(|| {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let place = "https://fairleader.example/rulebook.schema.json";
    compiler.add_resource(place, Rulebook::json_schema()).unwrap();
    let index = compiler.compile(place, &mut schemas).unwrap();
    (schemas, index)
});

/// Returns what an editor with this schema says about a rulebook, with YAML 1.2 and with 1.1; `None` for text that
/// cannot be read.
pub(crate) fn refusal(source: &str) -> Option<Result<(), String>> {
    let node = yaml::read(source, &mut Problems::default())?;
    let (schemas, index) = &*COMPILED;
    let verdict = [false, true]
        .into_iter()
        .try_for_each(|old| schemas.validate(&typed(&node, old), *index).map_err(|error| format!("{error:#}\n")));
    Some(verdict)
}

/// Returns a document as an editor passes it to the schema: unquoted scalars get the type that YAML 1.2, or 1.1, gives
/// them.
fn typed(node: &Node, old: bool) -> Value {
    match &node.content {
        Content::Scalar { text, quoted: true } => Value::String(text.clone()),
        Content::Scalar { text, quoted: false } => scalar(text, old),
        Content::Sequence(nodes) => nodes.iter().map(|node| typed(node, old)).collect(),
        Content::Mapping(entries) => {
            Value::Object(entries.iter().map(|(key, node)| (key.text.clone(), typed(node, old))).collect())
        }
        Content::Refused => Value::Null,
    }
}

fn scalar(text: &str, old: bool) -> Value {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "" | "~" | "null" => return Value::Null,
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        "yes" | "y" | "on" if old => return Value::Bool(true),
        "no" | "n" | "off" if old => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        if old && digits.starts_with('0') {
            return i64::from_str_radix(text, 8).map_or_else(|_| text.into(), Value::from);
        }
        return text.parse::<i64>().map_or_else(|_| text.into(), Value::from);
    }
    let number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    number.then(|| text.parse().ok().and_then(Number::from_f64)).flatten().map_or_else(|| text.into(), Value::Number)
}

#[test]
fn committed_schema_is_up_to_date() {
    let committed: Value = serde_json::from_str(COMMITTED).expect("docs/rulebook.schema.json is JSON");
    assert!(
        committed == Rulebook::json_schema(),
        "docs/rulebook.schema.json is out of date; renew it with `cargo run -- schema > docs/rulebook.schema.json`"
    );
}

#[test]
fn every_key_has_a_description() {
    fn visit(schema: &Value, path: &str) {
        match schema {
            Value::Object(entries) => {
                for (key, inner) in entries {
                    let path = format!("{path}/{key}");
                    let refused = *inner == Value::Bool(false);
                    assert!(
                        !path.ends_with(&format!("properties/{key}")) || refused || inner["description"].is_string(),
                        "{path} has no description; a key that is new needs one in schema.rs"
                    );
                    visit(inner, &path);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| visit(item, path)),
            _ => {}
        }
    }
    visit(&Rulebook::json_schema(), "");
}

#[test]
fn accepts_the_demo_rulebook() {
    let demo = include_str!("../../../../infra/demo/rulebook.yaml");
    assert_eq!(refusal(demo), Some(Ok(())));
}

#[test]
fn rejects_what_an_editor_can_know() {
    let whole = |condition: &str, then: &str| {
        format!(
            "company: {{ zone: UTC, currency: EUR }}\nscore: {{ fit: {{ share: 100% }} }}\nmql: [{{ score: 60+ }}]\n\
             route:\n  - {{ rule: a, if: {condition}, then: {then} }}\n  - {{ rule: b, then: {{ pool: b }} }}\n"
        )
    };
    let (condition, then) = ("{ country: NO }", "{ pool: a }");
    assert_eq!(refusal(&whole(condition, then)), Some(Ok(())));
    let conditions = [
        "{ country: UK }",
        "{ score: 101+ }",
        "{ company.employees: '>= 60' }",
        "{ email.kind: [free, disposible] }",
        "{ within: 7 days, country: DE }",
        "{ did: demo, within: a week }",
        "{ did: demo, spend: huge }",
        "{ received_at: yesterday }",
        "{ all: [] }",
        "{ any: [{ country: Germany }] }",
        "{ not: [{ country: DE }] }",
        "{ message: contains }",
        "{}",
        "DE",
    ];
    let thens = [
        "{ pool: a, owner: b }",
        "{ poool: a }",
        "{ pool: a, if_unavailable: assign }",
        "{ owner: a, if_unavailable: wait }",
        "{ owner: a, counts_as_turn: maybe }",
        "{ pool: a, priority: top }",
        "{ nurture: later, priority: high }",
        "{ disqualify: junk, value: 900 }",
        "{ hold: legal, counts_as_turn: no }",
        "{ hold: Ask Anna }",
        "{ pool: a, value: 12 EUR }",
        "{ pool: a, if_nobody: { owner: b } }",
    ];
    let all = conditions.map(|condition| whole(condition, then)).into_iter();
    for source in all.chain(thens.map(|then| whole(condition, then))) {
        assert!(Rulebook::parse(&source, &References::default()).is_err(), "the parser takes it:\n{source}");
        assert!(refusal(&source).is_some_and(|verdict| verdict.is_err()), "the schema takes it:\n{source}");
    }
}

/// Values for a field, including odd and wrong spellings.
fn value(kind: Kind) -> BoxedStrategy<String> {
    let of =
        |words: &[&str]| prop::sample::select(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).boxed();
    let own = match kind {
        Kind::Number { .. } => of(&["40", "7 - 30", "0-100", "60+", "under 50", "under 101", "007", "5 +"]),
        Kind::Country => of(&["DE", "NO", "no", "No", "'NO'", "at"]),
        Kind::Language => of(&["de", "no", "NO", "En"]),
        Kind::YesNo => of(&["yes", "no", "'yes'"]),
        Kind::Date => of(&[
            "2026-04-01",
            "before 2026-04-01",
            "since 2026-04-01",
            "2026-04-01 to 2026-04-30",
            "within 7 days",
            "in the next 1 hour",
            "more than 2 weeks ago",
            "within 30  minutes",
        ]),
        Kind::Choice(words) => {
            let spelt = words.iter().flat_map(|word| [(*word).to_owned(), word.to_uppercase(), format!("'{word}'")]);
            prop::sample::select(spelt.collect::<Vec<_>>()).boxed()
        }
        Kind::Grade => of(&["A", "b"]),
        Kind::Text | Kind::Word | Kind::Rep | Kind::OneOf => of(&[
            "anna",
            "01067",
            "1e5",
            "yes",
            "null",
            "~",
            "1.5",
            "0x1f",
            "contains big",
            "starts with 01",
            "word a",
            "'x: y'",
            "12:30",
            "true",
        ]),
    };
    prop_oneof![8 => own, 1 => of(&["present", "absent"])].boxed()
}

fn values(kind: Kind) -> impl Strategy<Value = String> {
    prop_oneof![
        value(kind),
        prop::collection::vec(value(kind), 1..3).prop_map(|values| format!("[{}]", values.join(", "))),
    ]
}

fn test() -> impl Strategy<Value = String> {
    let field = (0..FIELDS.len()).prop_flat_map(|at| {
        let spec = &FIELDS[at];
        values(spec.kind).prop_map(|values| format!("{}: {values}", spec.name))
    });
    let did = ["did: demo", "did: [demo, contact_me], within: 7 days", "did: webinar, times: 3+, spend: [high, low]"];
    let more = [
        "did: present, response: attended, channel: [web, 1]",
        "did: absent, within: 2 weeks",
        "did: '!!'",
        "is: named",
        "region: dach",
        "custom.code: 1e5",
        "custom.vip: yes",
        "did: demo, times: 2",
    ];
    prop_oneof![4 => field, 1 => prop::sample::select([did.as_slice(), &more].concat()).prop_map(ToOwned::to_owned)]
}

fn condition() -> impl Strategy<Value = String> {
    test().prop_map(|test| format!("{{ {test} }}")).prop_recursive(3, 6, 3, |inner| {
        let some = prop::collection::vec(inner.clone(), 1..3).prop_map(|all| all.join(", "));
        prop_oneof![
            some.clone().prop_map(|all| format!("{{ all: [{all}] }}")),
            (some, test()).prop_map(|(any, test)| format!("{{ any: [{any}], {test} }}")),
            inner.prop_map(|one| format!("{{ not: {one} }}")),
        ]
    })
}

fn then() -> impl Strategy<Value = String> {
    let actions = vec![
        "pool: a",
        "pool: 1",
        "pool: a, if_nobody: wait",
        "pool: no, if_nobody: { pool: b }",
        "owner: anna",
        "owner: account.owner, if_unavailable: assign",
        "owner: account.deal_owner, if_unavailable: { pool: a }, counts_as_turn: no",
        "nurture: later",
        "hold: legal",
        "disqualify: junk",
        "pool: from region",
        "pool: a, owner: b",
    ];
    let more = vec!["", ", priority: high", ", value: 12000", ", value: from company.employees, priority: low"];
    (prop::sample::select(actions), prop::sample::select(more))
        .prop_map(|(action, more)| format!("{{ {action}{more} }}"))
}

fn scores() -> impl Strategy<Value = String> {
    let points = prop::sample::select(vec!["20", "-100", "+5", "'7'", "101"]);
    let grades = prop::sample::select(vec!["", "\n  grades: { A: 80+, B: 060+ }"]);
    let engagement = prop::sample::select(vec![
        "",
        "\n  engagement: { share: 30%, halves_every: 14 days, lines: [{ did: demo, product: [keel, 1], points: 40, at_most: 60 }] }",
        "\n  engagement: { share: 30 %, lines: [{ did: webinar, times: 2, spend: high, within: 9 weeks, points: 5 }] }",
    ]);
    (condition(), points, grades, engagement).prop_map(
        |(condition, points, grades, engagement)| {
            let share = if engagement.is_empty() { "100%" } else { "70%" };
            format!(
                "score:\n  fit: {{ share: {share}, lines: [{{ if: {condition}, points: {points} }}] }}{engagement}{grades}\n"
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_global_rejects: 10_000, ..ProptestConfig::default() })]

    /// The schema accepts whatever the parser accepts, with YAML 1.2 and with 1.1.
    #[test]
    fn accepts_what_the_parser_accepts(
        rules in prop::collection::vec((condition(), then()), 1..3), score in scores(), mql in condition(), block in prop::option::of(test()),
    ) {
        let mut source = format!(
            "company: {{ zone: Europe/Berlin, currency: EUR }}\nfields: {{ custom.vip: yes_no, custom.size: [s, 1, no] }}\n\
             lookups: {{ region: {{ from: country, values: {{ dach: [DE, AT], north: NO }} }} }}\n\
             conditions: {{ named: {{ language: de }} }}\n{score}mql: [{mql}]\n"
        );
        if let Some(test) = block {
            writeln!(source, "block: [{{ rule: blocked, if: {{ {test} }}, then: {{ disqualify: junk }} }}]").unwrap();
        }
        source.push_str("route:\n");
        for (number, (condition, then)) in rules.iter().enumerate() {
            writeln!(source, "  - {{ rule: {number}, if: {condition}, then: {then} }}").unwrap();
        }
        source.push_str("  - { rule: last, then: { pool: z } }\n");
        let parsed = Rulebook::parse(&source, &References::default());
        prop_assume!(parsed.is_ok());
        let written = rules.len() + 1 + usize::from(source.contains("block:"));
        prop_assert_eq!(parsed.map(|checked| checked.rulebook.rule_names().count()).ok(), Some(written), "{}", source);
        prop_assert_eq!(refusal(&source), Some(Ok(())), "{}", source);
    }
}
