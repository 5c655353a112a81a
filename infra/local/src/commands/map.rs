//! `fairleader map`: describes a rulebook's process in text and in a drawing.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use fairleader_runtime::Clock;
use jiff::Timestamp;

use super::process::Failed;
use crate::offline::{OfflineError, RulebookFile, draw};

/// Options of `map`.
#[derive(Debug, Args)]
pub(super) struct Map {
    /// The rulebook (YAML); `-` for standard input.
    #[arg(value_name = "RULEBOOK")]
    rulebook: PathBuf,
    /// Folder with roster.csv, pools.csv and accounts.csv. Adds the names of pools and reps.
    #[arg(long, value_name = "DIR")]
    roster: Option<PathBuf>,
    /// File for the drawing. [default: the rulebook's name, ending in .svg]
    #[arg(long, value_name = "FILE.svg", conflicts_with = "svg")]
    out: Option<PathBuf>,
    /// Print the drawing instead of the text, and write no file.
    #[arg(long)]
    svg: bool,
    /// Print the process as JSON. Write a drawing only if --out names a file.
    #[arg(long, conflicts_with = "svg")]
    json: bool,
}

/// Prints the process and the name of the drawing's file.
pub(super) fn run(asked: &Map) -> Result<(), Failed> {
    let drawing = map(asked, Clock::System.now(), &mut io::stdout().lock())?;
    if let Some(drawing) = drawing {
        writeln!(io::stderr(), "the drawing is in {}", drawing.display())?;
    }
    Ok(())
}

/// Writes the process to `out` and the drawing to a file. Returns that file, if any.
fn map(ask: &Map, now: Timestamp, out: &mut impl Write) -> Result<Option<PathBuf>, OfflineError> {
    let (file, rulebook) = RulebookFile::usable(&ask.rulebook, ask.roster.as_deref(), now)?;
    let map = rulebook.map(&file.names());
    if ask.svg {
        out.write_all(draw(&map).as_bytes())?;
        return Ok(None);
    }
    // A rulebook from standard input has no file name for the drawing to take.
    let beside = || (!ask.json && ask.rulebook != Path::new("-")).then(|| ask.rulebook.with_extension("svg"));
    let drawing = ask.out.clone().or_else(beside);
    if let Some(drawing) = &drawing {
        std::fs::write(drawing, draw(&map))
            .map_err(|cause| OfflineError::Usage(format!("`{}` cannot be written: {cause}", drawing.display())))?;
    }
    if ask.json {
        writeln!(out, "{:#}", serde_json::json!(map))?;
    } else {
        out.write_all(map.prose().as_bytes())?;
    }
    Ok(drawing)
}
