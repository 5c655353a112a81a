//! `fairleader openapi`: the OpenAPI document of the HTTP API.

use std::io::{self, Write};

use super::process::Failed;

/// Prints the document.
pub(super) fn run() -> Result<(), Failed> {
    writeln!(io::stdout(), "{:#}", fairleader_api::openapi::document())?;
    Ok(())
}
