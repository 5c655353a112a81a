//! Rulebooks and tables that nobody meant: nothing panics, every problem has its place, and what is accepted decides.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails at the first unexpected value"
)]

use std::sync::Arc;

use fairleader_hostile::examine;
use fairleader_lead::id::SourceId;
use fairleader_lead::normalise;
use fairleader_lead::profile::Profile;
use fairleader_lead::submission::Submission;
use fairleader_rulebook::{Checked, Diagnostic, Facts, References, Rulebook, Severity, Table, diff};

/// The sample company's rulebook and its table.
const DEMO: &[u8] = include_bytes!("../../../infra/demo/rulebook.yaml");
const TERRITORIES: &str = include_str!("../../../infra/demo/territories.csv");

fn profiles() -> Vec<Profile> {
    let person = br#"{"email": "ada@acme.example", "country": "DE", "postal_code": "01067", "job_title": "CEO",
        "employees": 1200, "did": "demo", "product": "keel", "company": "Acme", "message": "bitcoin", "budget": "12.5"}"#;
    vec![Profile::default(), normalise::profile(&Submission::from_json(person).unwrap())]
}

/// Checks that every problem has a place in the text and can be shown.
fn say_where(problems: &[Diagnostic], text: &str) {
    let lines = text.lines().count();
    for problem in problems {
        assert!((1..=lines + 1).contains(&problem.line), "{problem:?} of {lines} lines");
        assert!(problem.column >= 1 && problem.length >= 1, "{problem:?}");
        assert!(!problem.message.trim().is_empty() && !problem.code.is_empty(), "{problem:?}");
        let shown = problem.render(text, "rulebook.yaml");
        assert!(shown.contains(&format!("rulebook.yaml:{}:{}", problem.line, problem.column)), "{shown}");
    }
}

fn decides(rulebook: &Rulebook, profiles: &[Profile]) {
    let source = SourceId::from("website");
    let now = "2026-03-03T09:00:00Z".parse().unwrap();
    for profile in profiles {
        let facts = Facts { profile, source: &source, received_at: now, account: None, score: None, now };
        let ruling = rulebook.decide(&facts);
        assert_eq!(ruling, rulebook.decide(&facts), "the same lead gets the same decision");
        assert_eq!(ruling.rule, rulebook.explain(&facts).rule, "the explanation is about the decision");
    }
}

#[test]
fn hostile_rulebooks() {
    let mut references = References::default();
    for name in ["territories", "desks"] {
        references.tables.insert(name.to_owned(), Arc::new(Table::parse(name, TERRITORIES).unwrap()));
    }
    let demo = std::str::from_utf8(DEMO).unwrap();
    let known = Rulebook::parse(demo, &references).unwrap_or_else(|found| panic!("{found:?}")).rulebook;
    let profiles = profiles();
    let mut accepted = 0;
    examine("rulebook", &[DEMO], |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        match Rulebook::parse(text, &references) {
            Ok(Checked { rulebook, warnings }) => {
                accepted += 1;
                say_where(&warnings, text);
                assert!(warnings.iter().all(|found| found.severity != Severity::Error));
                decides(&rulebook, &profiles);
                let again = Rulebook::reuse(text, &references).expect("what was accepted is read again");
                assert_eq!(diff(&rulebook, &again).len(), 0, "a rulebook does not differ from itself");
                diff(&known, &rulebook);
                rulebook.map(&fairleader_rulebook::map::Names::default());
            }
            Err(found) => {
                assert!(found.iter().any(|found| found.severity == Severity::Error), "refused without an error");
                say_where(&found, text);
            }
        }
        say_where(&Rulebook::notes(text, &references), text);
        Rulebook::tables_used(text);
    });
    assert!(accepted > 10, "{accepted} of the rulebooks were accepted");
}

#[test]
fn hostile_tables() {
    examine("table", &[TERRITORIES.as_bytes()], |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        match Table::parse("territories", text) {
            Ok(table) => {
                assert!(!table.columns().is_empty() && table.hash().len() >= 32, "{:?}", table.columns());
                assert_eq!(table, Table::parse("territories", text).unwrap());
            }
            Err(problems) => {
                assert!((1..=50).contains(&problems.len()), "{} problems", problems.len());
                let lines = u64::try_from(text.lines().count()).unwrap();
                for problem in problems {
                    assert!((1..=lines.max(1)).contains(&problem.line), "{problem} of {lines} lines");
                    assert!(!problem.message.trim().is_empty(), "{problem:?}");
                }
            }
        }
    });
}
