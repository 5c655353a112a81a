//! `fairleader diff`: shows the differences between two rulebooks, in words.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use fairleader_rulebook::diff;
use fairleader_runtime::Clock;

use super::process::Failed;
use crate::offline::RulebookFile;

/// Options of `diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// File of the old rulebook. Its tables are NAME.csv beside it.
    old: PathBuf,
    /// File of the new rulebook.
    new: PathBuf,
    /// Folder with roster.csv, pools.csv and accounts.csv. Tables are looked for here first.
    #[arg(long, value_name = "DIR")]
    roster: Option<PathBuf>,
    /// Print the changes as JSON.
    #[arg(long)]
    json: bool,
}

/// Prints the differences between two rulebooks.
pub(super) fn run(two: &Diff) -> Result<(), Failed> {
    let read = |file: &Path| RulebookFile::usable(file, two.roster.as_deref(), Clock::System.now());
    let ((_, old), (_, new)) = (read(&two.old)?, read(&two.new)?);
    let changes = diff(&old, &new);
    let mut out = io::stdout();
    if two.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&changes)?)?;
        return Ok(());
    }
    if changes.is_empty() {
        writeln!(out, "no differences: both decide every lead alike")?;
    }
    for change in changes {
        writeln!(out, "{}", change.sentence)?;
    }
    Ok(())
}
