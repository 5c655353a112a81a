//! `fairleader schema`: the JSON Schema of rulebooks.

use std::io::{self, Write};

use fairleader_rulebook::Rulebook;

use super::process::Failed;

/// Prints the schema.
pub(super) fn run() -> Result<(), Failed> {
    writeln!(io::stdout(), "{:#}", Rulebook::json_schema())?;
    Ok(())
}
