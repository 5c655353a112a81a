//! Measures how long a decision takes, by number of rules: `cargo bench -p fairleader-rulebook`.
//!
//! Every figure is one decision, the mean over 1,024 different leads in turn. `hits` are made for a rule somewhere in
//! the rulebook, `misses` come from the same countries and reach the last rule, `strangers` come from a country that no
//! rule names. `typed` decides on a lead that was read before, `read` only reads it, `decide` does both and returns an
//! owned ruling. `compile`, `parse`, and reading and checking tables are one run each.

#![allow(missing_docs, reason = "a benchmark's functions are named after what they measure")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark stops at the first thing that is wrong, as a test does"
)]

#[path = "decide/tables.rs"]
mod tables;
#[path = "decide/territories.rs"]
mod territories;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use divan::{Bencher, black_box};
use fairleader_lead::id::SourceId;
use fairleader_lead::profile::Profile;
use fairleader_lead::score::Score;
use fairleader_rulebook::{Facts, IndexSize, References, Rulebook, Table, TypedLead};
use jiff::Timestamp;

use territories::Rule;

const RULES: [usize; 4] = [100, 1_000, 10_000, 100_000];
const LEADS: usize = 1_024;
/// The numbers of rows of a table that a lookup reads.
const ROWS: [usize; 2] = [1_000, 50_000];

/// A rulebook and the rules it was built from.
struct Case {
    rules: Vec<Rule>,
    rulebook: Rulebook,
}

/// Returns the rulebook of `count` rules, parsed once.
fn case(count: usize) -> Arc<Case> {
    static KNOWN: Mutex<BTreeMap<usize, Arc<Case>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || {
        let (rules, rulebook) = territories::checked(count, true);
        let IndexSize { nodes, entries, bytes } = rulebook.index_size();
        println!("{} rules: {nodes} nodes, {entries} entries, {} KiB", rules.len(), bytes / 1_024);
        Arc::new(Case { rules, rulebook })
    };
    Arc::clone(known.entry(count).or_insert_with(new))
}

static SCORE: LazyLock<Score> = LazyLock::new(|| Score {
    total: 70,
    fit: 70,
    engagement: 0,
    account: 0,
    grade: None,
    mql: true,
    mql_by: None,
    interest: Vec::new(),
    lines: Vec::new(),
});
static SOURCE: LazyLock<SourceId> = LazyLock::new(|| SourceId::from("website"));

fn facts(profile: &Profile) -> Facts<'_> {
    let now = Timestamp::UNIX_EPOCH;
    Facts { profile, source: &SOURCE, received_at: now, account: None, score: Some(&SCORE), now }
}

/// Returns leads that only the last rule matches; the more rules, the fewer there are.
fn misses(rulebook: &Rulebook) -> Vec<Profile> {
    let last = |profile: &Profile| rulebook.read(&facts(profile)).decide().rule == "everyone else";
    let misses: Vec<Profile> = territories::anyone(LEADS * 32).into_iter().filter(last).take(LEADS).collect();
    assert!(!misses.is_empty(), "every lead meets a rule");
    misses
}

/// Calls `run` with one item after the other.
fn in_turn<T, U>(bencher: Bencher<'_, '_>, items: &[T], run: impl Fn(&T) -> U) {
    let mut next = items.iter().cycle();
    bencher.bench_local(|| run(black_box(next.next().expect("a cycle of items"))));
}

fn typed(bencher: Bencher<'_, '_>, rulebook: &Rulebook, leads: &[Profile]) {
    let facts: Vec<Facts<'_>> = leads.iter().map(facts).collect();
    let typed: Vec<_> = facts.iter().map(|facts| rulebook.read(facts)).collect();
    in_turn(bencher, &typed, TypedLead::decide);
}

#[divan::bench(args = RULES, sample_count = 50, sample_size = 1_024)]
fn typed_hits(bencher: Bencher<'_, '_>, count: usize) {
    let case = case(count);
    typed(bencher, &case.rulebook, &territories::leads(&case.rules, LEADS));
}

#[divan::bench(args = RULES, sample_count = 50, sample_size = 1_024)]
fn typed_misses(bencher: Bencher<'_, '_>, count: usize) {
    let case = case(count);
    typed(bencher, &case.rulebook, &misses(&case.rulebook));
}

#[divan::bench(args = RULES, sample_count = 50, sample_size = 1_024)]
fn typed_strangers(bencher: Bencher<'_, '_>, count: usize) {
    typed(bencher, &case(count).rulebook, &territories::strangers(LEADS));
}

#[divan::bench(args = RULES, sample_count = 50, sample_size = 1_024)]
fn read(bencher: Bencher<'_, '_>, count: usize) {
    let case = case(count);
    let leads = territories::leads(&case.rules, LEADS);
    let facts: Vec<Facts<'_>> = leads.iter().map(facts).collect();
    in_turn(bencher, &facts, |facts| case.rulebook.read(facts));
}

#[divan::bench(args = RULES, sample_count = 50, sample_size = 1_024)]
fn decide_hits(bencher: Bencher<'_, '_>, count: usize) {
    let case = case(count);
    let leads = territories::leads(&case.rules, LEADS);
    let facts: Vec<Facts<'_>> = leads.iter().map(facts).collect();
    in_turn(bencher, &facts, |facts| case.rulebook.decide(facts));
}

#[divan::bench(args = RULES, sample_count = 50, sample_size = 1_024)]
fn decide_misses(bencher: Bencher<'_, '_>, count: usize) {
    let case = case(count);
    let leads = misses(&case.rulebook);
    let facts: Vec<Facts<'_>> = leads.iter().map(facts).collect();
    in_turn(bencher, &facts, |facts| case.rulebook.decide(facts));
}

/// Measures a decision with its explanation.
#[divan::bench(args = RULES, sample_count = 10, sample_size = 64)]
fn explain_hits(bencher: Bencher<'_, '_>, count: usize) {
    let case = case(count);
    let leads = territories::leads(&case.rules, LEADS);
    let facts: Vec<Facts<'_>> = leads.iter().map(facts).collect();
    in_turn(bencher, &facts, |facts| case.rulebook.explain(facts));
}

/// Measures compiling the index of a rulebook that was already checked.
#[divan::bench(args = RULES, sample_count = 10, sample_size = 1)]
fn compile(bencher: Bencher<'_, '_>, count: usize) {
    let case = case(count);
    bencher.with_inputs(|| case.rulebook.clone()).bench_local_values(Rulebook::compiled);
}

/// Measures the whole process: reading the YAML, checking and compiling.
#[divan::bench(args = RULES, sample_count = 3, sample_size = 1)]
fn parse(bencher: Bencher<'_, '_>, count: usize) {
    let text = territories::rulebook(&case(count).rules);
    bencher.bench_local(|| Rulebook::parse(&text, &References::default()));
}

/// Measures reading a table from CSV.
#[divan::bench(args = ROWS, sample_count = 10, sample_size = 1)]
fn table_read(bencher: Bencher<'_, '_>, rows: usize) {
    let text = tables::csv(rows);
    bencher.bench_local(|| Table::parse("territories", &text));
}

/// Measures checking a short rulebook with a table that was already read, including preparing the table.
#[divan::bench(args = ROWS, sample_count = 10, sample_size = 1)]
fn table_check(bencher: Bencher<'_, '_>, rows: usize) {
    let table = Table::parse("territories", &tables::csv(rows)).expect("a table");
    let references = tables::references(table);
    bencher.bench_local(|| tables::checked(&references));
}

/// Measures a decision that has to find the lead's row first.
#[divan::bench(args = ROWS, sample_count = 50, sample_size = 1_024)]
fn table_decide(bencher: Bencher<'_, '_>, rows: usize) {
    let table = Table::parse("territories", &tables::csv(rows)).expect("a table");
    let rulebook = tables::checked(&tables::references(table));
    let leads = territories::anyone(LEADS);
    let facts: Vec<Facts<'_>> = leads.iter().map(facts).collect();
    in_turn(bencher, &facts, |facts| rulebook.decide(facts));
}

fn main() {
    divan::main();
}
