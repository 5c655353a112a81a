//! `fairleader map`: the process that a rulebook describes, in prose and as a drawing.

mod drawing;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::OfflineError;
use super::rulebook_file::RulebookFile;

pub use drawing::draw;

/// What `map` is asked.
#[derive(Debug, Args)]
pub struct Map {
    /// The rulebook, YAML; `-` for standard input.
    #[arg(value_name = "RULEBOOK")]
    pub rulebook: PathBuf,
    /// Folder with roster.csv, pools.csv and accounts.csv: shows what people call the pools and reps.
    #[arg(long, value_name = "DIR")]
    pub roster: Option<PathBuf>,
    /// File of the drawing. [default: the rulebook's name, ending in .svg]
    #[arg(long, value_name = "FILE.svg", conflicts_with = "svg")]
    pub out: Option<PathBuf>,
    /// Print the drawing and not the prose, and write no file.
    #[arg(long)]
    pub svg: bool,
    /// Print the process as JSON, and write no file unless --out names one.
    #[arg(long, conflicts_with = "svg")]
    pub json: bool,
}

/// Writes the process to `out`, and the drawing to its file, which it gives back.
///
/// # Errors
/// The rulebook cannot be read or used, or something cannot be written.
pub fn run(ask: &Map, now: Timestamp, out: &mut impl Write) -> Result<Option<PathBuf>, OfflineError> {
    let (file, rulebook) = RulebookFile::usable(&ask.rulebook, ask.roster.as_deref(), now)?;
    let map = rulebook.map(&file.names());
    if ask.svg {
        out.write_all(draw(&map).as_bytes())?;
        return Ok(None);
    }
    // A rulebook from standard input has no name that a drawing could take.
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
