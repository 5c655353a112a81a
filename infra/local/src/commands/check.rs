//! `fairleader check`: lists every problem of a rulebook, for people, editors and build servers.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fairleader_rulebook::{Rulebook, Severity};
use fairleader_runtime::Clock;
use jiff::Timestamp;
use serde_json::json;

use super::process::{Failed, exit_code};
use crate::offline::{Findings, OfflineError, Problem, RulebookFile, counted};

/// Options of `check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The rulebook (YAML); `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder with roster.csv, pools.csv and accounts.csv. Reps and pools that the rulebook names must be in it.
    #[arg(long, value_name = "DIR")]
    roster: Option<PathBuf>,
    /// Also print notes: rules whose order matters, which leads reach the last rule, and (with --roster) the hours
    /// when no rep of a pool is at work.
    #[arg(long)]
    notes: bool,
    /// Print the problems as JSON.
    #[arg(long)]
    json: bool,
}

/// Checks a rulebook. Problems set the exit code without a further message: they are the result, not a failure of the
/// program.
pub(super) fn run(asked: &Check) -> ExitCode {
    match check(asked, Clock::System.now(), &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(cause) => exit_code(Err(Failed::from(cause))),
    }
}

/// Checks a rulebook and writes its problems. Returns whether it can be used.
fn check(check: &Check, now: Timestamp, out: &mut impl Write) -> Result<bool, OfflineError> {
    let read = RulebookFile::read(&check.file, check.roster.as_deref())?;
    let (read, Findings { rulebook, problems }) = read.check(now, check.notes);
    if check.json {
        let (errors, warnings) = (count(&problems, Severity::Error), count(&problems, Severity::Warning));
        let notes = count(&problems, Severity::Note);
        let said =
            json!({"file": read.name, "errors": errors, "warnings": warnings, "notes": notes, "problems": problems});
        writeln!(out, "{said:#}")?;
    } else {
        for problem in &problems {
            writeln!(out, "{}", problem.render())?;
        }
        writeln!(out, "{}: {}", read.name, summary(&problems, rulebook.as_ref()))?;
    }
    Ok(rulebook.is_some())
}

fn count(problems: &[Problem], severity: Severity) -> usize {
    problems.iter().filter(|problem| problem.severity == severity).count()
}

/// Returns `3 errors, 2 warnings`, or the size of a rulebook without problems.
fn summary(problems: &[Problem], rulebook: Option<&Rulebook>) -> String {
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let counts = counts.map(|(severity, word)| (count(problems, severity), word));
    let counts: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| counted(count, word)).collect();
    if !counts.is_empty() {
        return counts.join(", ");
    }
    let size = rulebook.map(|rulebook| {
        let tables = rulebook.tables().count();
        let tables = if tables == 0 { String::new() } else { format!(", {}", counted(tables, "table")) };
        let (rules, pools) = (rulebook.rule_names().count(), rulebook.pools().len());
        format!(" ({}, {}{tables})", counted(rules, "rule"), counted(pools, "pool"))
    });
    format!("no problems{}", size.unwrap_or_default())
}
