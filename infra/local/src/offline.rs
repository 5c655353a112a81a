//! A rulebook in a file, before anybody has to live by it: reads and checks it, decides on leads with it, and draws the
//! process it describes. Nothing is started and nothing is stored. The commands `check`, `decide`, `map` and `diff` are
//! made of this.

pub mod decide;
mod drawing;
mod rulebook_file;
mod svg;

use std::io;

pub use drawing::draw;
pub(crate) use rulebook_file::read;
pub use rulebook_file::{Findings, Problem, RulebookFile};

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// A file that cannot be read.
    #[error("`{file}` cannot be read: {cause}")]
    Unreadable {
        /// The file as it was named.
        file: String,
        /// What the system says.
        cause: io::Error,
    },
    /// A file that is no text.
    #[error("`{file}` is not UTF-8 text from line {line} on; save the file as UTF-8")]
    NotText {
        /// The file as it was named.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// A rulebook that cannot be used; everything that is wrong with it.
    #[error("the rulebook cannot be used; mend this first\n\n{shown}")]
    Refused {
        /// The problems, each with its line.
        shown: String,
    },
    /// A list of leads that cannot be read as a whole.
    #[error("`{file}`: {cause}")]
    List {
        /// The file as it was named.
        file: String,
        /// What is wrong with it.
        cause: fairleader_lead::submission::list::ListProblem,
    },
    /// Options that do not go together or say nothing.
    #[error("{0}")]
    Usage(String),
    /// What could not be written.
    #[error("cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// What `-` is called in messages.
pub(crate) const STDIN: &str = "standard input";

/// `1 error`, `2 errors`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}
