//! Works with a rulebook in a file, before it is uploaded: reads and checks it, decides on leads with it, and draws its
//! process. Nothing is started and nothing is stored. The commands `check`, `decide`, `map` and `diff` use this.

pub mod decide;
mod drawing;
mod rulebook_file;
mod svg;

use std::io;

pub use drawing::draw;
pub use rulebook_file::{Findings, Problem, RulebookFile};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// A file that cannot be read.
    #[error("`{file}` cannot be read: {cause}")]
    Unreadable {
        /// The file, as named by the user.
        file: String,
        /// The system's error.
        cause: io::Error,
    },
    /// A file that is not text.
    #[error("`{file}` is not UTF-8 text (line {line}); save it as UTF-8")]
    NotText {
        /// The file, as named by the user.
        file: String,
        /// First line that is not text, from 1.
        line: usize,
    },
    /// A rulebook that cannot be used.
    #[error("the rulebook has errors; fix them first\n\n{shown}")]
    Refused {
        /// The problems, each with its line.
        shown: String,
    },
    /// A list of leads that cannot be read.
    #[error("`{file}`: {cause}")]
    List {
        /// The file, as named by the user.
        file: String,
        /// What is wrong with the list.
        cause: fairleader_lead::submission::list::ListProblem,
    },
    /// Options that are invalid or do not go together.
    #[error("{0}")]
    Usage(String),
    /// The output could not be written.
    #[error("the output cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// Name of `-` in messages.
pub(crate) const STDIN: &str = "standard input";

/// Returns `1 error` or `2 errors`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}
