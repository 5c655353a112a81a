//! Decides on the same table with Fairleader and with [zen-engine](https://github.com/gorules/zen), on the same leads
//! in the same run: `cargo run --release --manifest-path bench/engines/Cargo.toml`.
//!
//! The table is that of Fairleader's own benchmark, without alternatives over several fields, which a decision table
//! cannot express. Both engines compile it first. zen-engine gets each lead as a value (no JSON is parsed) and writes
//! no trace. Both must give the same answer for every lead.

#[path = "../../../shared/rulebook/benches/decide/territories.rs"]
mod territories;

use std::hint::black_box;
use std::time::{Duration, Instant};

use fairleader_lead::id::SourceId;
use fairleader_lead::profile::Profile;
use fairleader_rulebook::{Facts, Rulebook};
use fairleader_lead::score::Score;
use futures::executor::block_on;
use jiff::Timestamp;
use serde_json::{Value, json};
use zen_engine::model::GraphContent;
use zen_engine::{Decision, Variable};

use territories::{COUNTRIES, INDUSTRIES, Rule, SIZES, names, state};

const LEADS: usize = 1_024;
const AT_LEAST: Duration = Duration::from_millis(500);

const WHAT: &str = "\
Nanoseconds per decision, with the same table, leads and answers for both engines; best of five rounds.
  zen-engine   a compiled decision table with its index, no trace; the lead is a value already
  decide       Fairleader from the facts of a lead to an owned ruling
  typed        Fairleader on a lead whose values were already looked up among those that the rulebook names
The last two columns are zen-engine's time divided by that of `decide` and of `typed`.
`hits` match a rule somewhere in the table, `anyone` comes from anywhere, `strangers` match only the last rule.
";

fn main() {
    println!("{WHAT}");
    println!(
        "{:>8} {:>10} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "rules", "leads", "zen-engine", "decide", "typed", "zen/decide", "zen/typed"
    );
    for count in [100, 1_000, 10_000] {
        let (rules, rulebook) = territories::checked(count, false);
        let mut table: GraphContent = serde_json::from_value(table(&rules)).expect("a decision");
        table.compile();
        let decision = Decision::from(table);
        for (name, leads) in [
            ("hits", territories::leads(&rules, LEADS)),
            ("anyone", territories::anyone(LEADS)),
            ("strangers", territories::strangers(LEADS)),
        ] {
            compare(count, name, &rulebook, &decision, &leads);
        }
    }
}

fn compare(count: usize, name: &str, rulebook: &Rulebook, decision: &Decision, leads: &[Profile]) {
    let source = SourceId::from("website");
    let score = Score {
        total: 70,
        fit: 70,
        engagement: 0,
        account: 0,
        grade: None,
        mql: true,
        mql_by: None,
        interest: vec![],
        lines: vec![],
    };
    let now = Timestamp::UNIX_EPOCH;
    let facts = |profile| Facts { profile, source: &source, received_at: now, account: None, score: Some(&score), now };
    let facts: Vec<Facts<'_>> = leads.iter().map(facts).collect();
    let typed: Vec<_> = facts.iter().map(|facts| rulebook.read(facts)).collect();
    let inputs: Vec<Variable> = leads.iter().map(|lead| Variable::from(input(lead))).collect();

    for (lead, input) in typed.iter().zip(&inputs) {
        let theirs = block_on(decision.evaluate(input.clone())).expect("a decision").result.to_value();
        assert_eq!(theirs["rule"].as_str(), Some(lead.decide().rule), "{theirs}");
    }
    let zen = time(&inputs, |input| block_on(decision.evaluate(input.clone())).is_ok());
    let whole = time(&facts, |facts| rulebook.decide(facts));
    let typed = time(&typed, |lead| lead.decide());
    let times = |ours: f64| zen / ours;
    println!(
        "{count:>8} {name:>10} {zen:>9.0} ns {whole:>9.0} ns {typed:>9.0} ns {:>11.1}x {:>11.1}x",
        times(whole),
        times(typed)
    );
}

/// Returns the nanoseconds per item: the best of five rounds over all items, each of at least [`AT_LEAST`].
fn time<T, U>(items: &[T], run: impl Fn(&T) -> U) -> f64 {
    let round = || {
        let begun = Instant::now();
        let mut runs = 0_u32;
        while begun.elapsed() < AT_LEAST {
            for item in items {
                black_box(run(black_box(item)));
            }
            runs += 1;
        }
        begun.elapsed().as_secs_f64() * 1e9 / f64::from(runs) / items.len() as f64
    };
    (0..5).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn input(lead: &Profile) -> Value {
    json!({
        "country": lead.place.country,
        "state": lead.place.state,
        "postal_code": lead.place.postal_code,
        "industry": lead.company.industry,
        "employees": lead.company.employees,
    })
}

/// Returns the rules as a decision table of the JSON Decision Model.
fn table(rules: &[Rule]) -> Value {
    let inputs = ["country", "state", "postal_code", "industry", "employees"];
    let inputs: Vec<Value> = inputs.iter().map(|field| json!({ "id": field, "name": field, "field": field })).collect();
    let mut rows: Vec<Value> = rules.iter().enumerate().map(|(number, rule)| row(number, rule)).collect();
    rows.push(json!({ "_id": "last", "rule": "\"everyone else\"" }));
    json!({
        "nodes": [
            { "id": "in", "name": "in", "type": "inputNode", "content": {} },
            { "id": "table", "name": "table", "type": "decisionTableNode", "content": {
                "hitPolicy": "first",
                "inputs": inputs,
                "outputs": [{ "id": "rule", "name": "rule", "field": "rule" }],
                "rules": rows,
            } },
            { "id": "out", "name": "out", "type": "outputNode", "content": {} },
        ],
        "edges": [
            { "id": "e1", "type": "edge", "sourceId": "in", "targetId": "table" },
            { "id": "e2", "type": "edge", "sourceId": "table", "targetId": "out" },
        ],
    })
}

fn row(number: usize, rule: &Rule) -> Value {
    let list = |texts: Vec<String>| texts.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", ");
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<String>>();
    let states = rule.states.iter().map(|number| state(rule.country(), *number)).collect();
    let codes: Vec<String> = rule.codes().map(|code| format!("startsWith($, \"{code}\")")).collect();
    let industries = list(owned(names(&rule.industries, &INDUSTRIES)));
    let employees = match rule.employees {
        Some((from, Some(to))) => format!("[{}..{}]", SIZES[from], SIZES[to] - 1),
        Some((from, None)) => format!(">= {}", SIZES[from]),
        None => String::new(),
    };
    json!({
        "_id": number.to_string(),
        "country": list(owned(names(&rule.countries, &COUNTRIES))),
        "state": list(states),
        "postal_code": codes.join(" or "),
        "industry": if rule.others { format!("$ not in [{industries}]") } else { industries },
        "employees": employees,
        "rule": format!("\"r{number}\""),
    })
}
