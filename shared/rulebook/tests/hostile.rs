//! Rulebooks that are meant to be hard to check. The tests count steps and problems, never time, so that they say the
//! same on every machine.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::format_collect,
    clippy::unchecked_time_subtraction,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::format_push_string,
    unreachable_pub,
    missing_docs,
    reason = "tests, and the generator that they share with a program"
)]

#[path = "hostile/grown.rs"]
mod grown;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fairleader_hostile::Random;
use fairleader_rulebook::{Checked, Diagnostic, References, Rulebook, Severity, Table, Work, diff_with};
use grown::{Gene, text};

/// The most steps that any rulebook of 2 MB may take.
const MAX_STEPS: u64 = 200_000_000;
/// The most problems: 100 errors, 100 warnings, and how many more there are of each.
const MAX_PROBLEMS: usize = 202;

const HEAD: &str = "company: { zone: Europe/Berlin, currency: EUR }\nscore: { fit: { share: 100% } }\n";
const MQL: &str = "mql: [{ source: present }]\n";
const LAST: &str = "  - { rule: last, then: { pool: p } }\n";

/// Returns a rulebook with these rules in `route`.
fn routed(rules: impl Iterator<Item = String>) -> String {
    format!("{HEAD}{MQL}route:\n{}{LAST}", rules.collect::<String>())
}

fn check(text: &str) -> (Result<Checked, Vec<Diagnostic>>, u64) {
    let work = Work::default();
    let checked = Rulebook::parse_with(text, &References::default(), &work);
    assert!(work.steps() <= MAX_STEPS, "{} steps", work.steps());
    let problems = match &checked {
        Ok(checked) => &checked.warnings,
        Err(problems) => problems,
    };
    assert!(problems.len() <= MAX_PROBLEMS, "{} problems", problems.len());
    for problem in problems {
        assert!(problem.render(text, "x").len() < 10_000, "{}", problem.code);
    }
    (checked, work.steps())
}

/// Returns the errors that are listed, and the sentence that counts the others.
fn errors(text: &str) -> (Vec<Diagnostic>, String) {
    let found = check(text).0.unwrap_err();
    let errors = found.into_iter().filter(|found| found.severity == Severity::Error);
    let (counts, listed): (Vec<Diagnostic>, Vec<Diagnostic>) = errors.partition(Diagnostic::is_count);
    (listed, counts.into_iter().map(|count| count.message).collect())
}

#[test]
fn counts_150_000_duplicate_keys() {
    let keys = "a: 1\n".repeat(150_000);
    let (listed, more) = errors(&keys);
    assert_eq!(listed.len(), 100);
    assert_eq!(listed[0].message, "duplicate key `a`, first used on line 1");
    // Besides the 149,999 duplicates, the key itself is unknown, and 4 sections are missing.
    assert_eq!(more, "149904 more errors not listed");
}

#[test]
fn counts_200_000_unknown_fields() {
    let fields: Vec<String> = (0..200_000).map(|nth| format!("f{nth}: x")).collect();
    let text =
        routed([format!("  - {{ rule: r, if: {{ {} }}, then: {{ pool: p }} }}\n", fields.join(", "))].into_iter());
    let (listed, more) = errors(&text);
    assert_eq!((listed.len(), more.as_str()), (100, "199900 more errors not listed"));
    assert!(listed.iter().all(|found| found.code == "unknown-field" && found.help.is_some()));
}

#[test]
fn counts_40_000_rules_of_one_name() {
    let text = routed(
        (0..40_000).map(|nth| format!("  - {{ rule: r, if: {{ score: {} }}, then: {{ pool: p }} }}\n", nth % 101)),
    );
    let (listed, more) = errors(&text);
    assert_eq!(listed.len(), 100);
    assert!(listed.iter().any(|found| found.code == "duplicate-rule"), "{:?}", listed[0]);
    assert!(more.ends_with("more errors not listed"), "{more}");
}

#[test]
fn counts_180_000_comparisons_with_a_sign() {
    let once = format!("a: >= {}\n", 7);
    let (listed, more) = errors(&once.repeat(180_000));
    assert_eq!((listed.len(), more.as_str()), (100, "179904 more errors not listed"));
    // The same as fields of one condition, in lines of their own.
    let fields: String = (0..120_000).map(|nth| format!("      a{nth}: >= 7\n")).collect();
    let (listed, more) =
        errors(&routed([format!("  - rule: r\n    if:\n{fields}    then: {{ pool: p }}\n")].into_iter()));
    assert_eq!((listed.len(), more.as_str()), (100, "119900 more errors not listed"));
    // And of a field that exists.
    let values = vec!["'>= 7'"; 180_000].join(", ");
    let (listed, _) =
        errors(&routed([format!("  - {{ rule: r, if: {{ score: [{values}] }}, then: {{ pool: p }} }}\n")].into_iter()));
    assert_eq!(listed[0].help.as_deref(), Some("write `7+`"));
}

/// A condition of seven alternatives, which multiply to 128 cubes, and as many other fields as fit.
fn multiplied(fields: usize) -> String {
    let any = |nth: usize| format!("{{ any: [{{ custom.a{nth}: x }}, {{ custom.b{nth}: x }}] }}");
    let each = (0..fields).map(|nth| format!("{{ custom.c{nth}: x }}"));
    let parts: Vec<String> = (0..7).map(any).chain(each).collect();
    format!("{{ all: [{}] }}", parts.join(", "))
}

#[test]
fn says_that_a_valid_rulebook_of_92_kb_is_too_complex() {
    let text = routed(
        (0..2).map(|nth| format!("  - {{ rule: r{nth}, if: {}, then: {{ pool: p{nth} }} }}\n", multiplied(2_150))),
    );
    assert!((85_000..95_000).contains(&text.len()), "{}", text.len());
    let (checked, steps) = check(&text);
    let warnings = checked.unwrap().warnings;
    assert!(warnings.iter().any(|found| found.code == "not-compared"), "{warnings:?}");
    assert!(steps > 1_000_000, "{steps} steps: not as hard as it was meant to be");
}

#[test]
fn a_large_condition_that_all_rules_use_has_a_bound() {
    let tests: Vec<String> = (0..4_000).map(|nth| format!("{{ custom.a{}: v{nth} }}", nth % 50)).collect();
    let conditions = format!("conditions:\n  big: {{ any: [{}] }}\n", tests.join(", "));
    let rules: String = (0..20_000)
        .map(|nth| format!("  - {{ rule: r{nth}, if: {{ is: big }}, then: {{ pool: p{nth} }} }}\n"))
        .collect();
    let (listed, _) = errors(&format!("{HEAD}{conditions}{MQL}route:\n{rules}{LAST}"));
    let found = listed.iter().find(|found| found.code == "too-large").unwrap();
    assert_eq!(
        found.message,
        "from here on, the rules compare with more than 1000000 values, counting a named condition each time it is used"
    );
}

/// A rule in the middle that hostile neighbours must not hide.
#[test]
fn a_simple_rule_among_complex_ones_is_still_compared() {
    let hard = |nth: usize| format!("  - {{ rule: h{nth}, if: {}, then: {{ pool: p{nth} }} }}\n", multiplied(300));
    let simple = |name: &str| format!("  - {{ rule: {name}, if: {{ country: DE }}, then: {{ pool: {name} }} }}\n");
    let rules = (0..40).map(hard).chain([simple("one")]).chain((40..80).map(hard)).chain([simple("two")]);
    let (listed, _) = errors(&routed(rules));
    assert_eq!(listed.len(), 1);
    assert!(listed[0].message.starts_with("rule `two` can never win: rule `one`"), "{}", listed[0].message);
}

#[test]
fn lookups_of_a_large_table_have_a_bound() {
    let rows: String = (0..100_000).map(|nth| format!("DE,{nth},p\n")).collect();
    let table = Arc::new(Table::parse("t", &format!("country,postal_code,pool\n{rows}")).unwrap());
    let references = References { tables: [("t".to_owned(), table)].into(), ..References::default() };
    let lookups: String =
        (0..500).map(|nth| format!("  l{nth}: {{ from: [country, postal_code], use: t, gives: [pool] }}\n")).collect();
    let text = format!("{HEAD}lookups:\n{lookups}{MQL}route:\n{LAST}");
    let found = Rulebook::parse(&text, &references).unwrap_err();
    let first = found.iter().find(|found| found.code == "too-large").unwrap();
    assert_eq!(first.message, "with lookup `l16`, the lookups read more than 5000000 cells of tables, each for itself");
}

#[test]
fn texts_names_and_lists_have_a_length() {
    let long = "x".repeat(1_001);
    let rule = |condition: &str| {
        errors(&routed([format!("  - {{ rule: r, if: {condition}, then: {{ pool: p }} }}\n")].into_iter())).0
    };
    for condition in [format!("{{ message: {long} }}"), format!("{{ country: DE, {long}: x }}")] {
        assert_eq!(rule(&condition)[0].message, "this text is longer than 1000 characters");
    }
    let grades: String = (0..102).map(|nth| format!("g{nth}: {nth}+, ")).collect();
    let text = format!(
        "company: {{ zone: Europe/Berlin, currency: EUR }}\nscore: {{ fit: {{ share: 100% }}, grades: {{ {grades} }} }}\n{MQL}route:\n{LAST}"
    );
    assert!(errors(&text).0.iter().any(|found| found.message == "there are 102 grades; the limit is 101"));
    let many = |section: &str, entry: &str, most: usize| {
        let entries: String = (0..=most).map(|nth| format!("  {}\n", entry.replace('#', &nth.to_string()))).collect();
        let found = errors(&format!("{HEAD}{section}:\n{entries}{MQL}route:\n{LAST}")).0;
        found.iter().any(|found| found.code == "too-large" && found.message.contains("the limit is"))
    };
    assert!(many("lookups", "l#: { from: country, values: { a: [DE] } }", 1_000));
    assert!(many("conditions", "c#: { country: DE }", 2_000));
    assert!(many("fields", "custom.c#: number", 1_000));
}

#[test]
fn a_comparison_of_unlike_rulebooks_has_a_bound() {
    let parse = |name: &str, pool: &str| {
        let lookup: String =
            (0..10_000).map(|nth| format!("      k{nth}: starts with {name}{}\n", 9_999 - nth)).collect();
        let rules: String = (0..10_000)
            .map(|nth| {
                format!(
                    "  - {{ rule: {name}{nth}, if: {{ l: k{nth}, custom.x: {nth} }}, then: {{ pool: {pool}{nth} }} }}\n"
                )
            })
            .collect();
        let text = format!("{HEAD}lookups:\n  l:\n    from: city\n    values:\n{lookup}{MQL}route:\n{rules}{LAST}");
        Rulebook::reuse(&text, &References::default()).unwrap()
    };
    let (old, new) = (parse("a", "p"), parse("b", "q"));
    let work = Work::default();
    let changes = diff_with(&old, &new, &work);
    assert!(work.steps() < MAX_STEPS, "{} steps", work.steps());
    assert_eq!(changes.len(), 501);
    assert!(changes.iter().all(|change| change.sentence.len() < 3_000 && change.touches.len() <= 50));
    assert!(changes.last().unwrap().sentence.ends_with("more changes are not listed"));
}

#[test]
fn a_check_that_is_stopped_ends_and_says_so() {
    let stop = Arc::new(AtomicBool::new(true));
    let work = Work::until(Arc::clone(&stop));
    let text = routed(
        (0..2).map(|nth| format!("  - {{ rule: r{nth}, if: {}, then: {{ pool: p{nth} }} }}\n", multiplied(2_150))),
    );
    let found = Rulebook::parse_with(&text, &References::default(), &work).unwrap_err();
    assert!(found.iter().any(|found| found.code == "stopped"));
    assert!(work.steps() < 100_000, "{} steps", work.steps());
    stop.store(false, Ordering::Relaxed);
    Rulebook::parse_with(&text, &References::default(), &Work::until(stop)).unwrap();
}

/// Grown rulebooks never take more steps than allowed, and the same text always takes the same.
#[test]
fn grown_rulebooks_have_a_bound() {
    let cases = std::env::var("HOSTILE_CASES").map_or(16, |cases| cases.parse().unwrap());
    let mut dice = Random::new(2_026);
    for _ in 0..cases {
        let mut genes: Vec<Gene> = (0..=dice.below(4)).map(|_| Gene::random(&mut dice)).collect();
        for gene in &mut genes {
            gene.count = gene.count.min(3_000);
        }
        let text = text(&genes, 40_000);
        let (_, steps) = check(&text);
        assert_eq!(check(&text).1, steps, "{genes:?}");
        // What one step may cost is measured by `examples/worst.rs`.
        Rulebook::reuse(&text, &References::default()).ok();
        Rulebook::notes(&text, &References::default());
    }
}
