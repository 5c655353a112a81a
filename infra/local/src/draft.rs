//! Rulebooks in files, with the tables that lie beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fairleader_domain::rulebook::{References, Rulebook, Table};

/// A rulebook in a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A table that lies beside it has problems.
    #[error("`{}` cannot be used: {problem}", path.display())]
    Table {
        /// The table's file.
        path: PathBuf,
        /// The first of its problems.
        problem: String,
    },
    /// The rulebook has problems.
    #[error("`{}` has problems\n{rendered}", path.display())]
    Rulebook {
        /// The rulebook's file.
        path: PathBuf,
        /// All of them, as they are shown in a terminal.
        rendered: String,
    },
}

/// The text in a file.
///
/// # Errors
/// If there is no such file, or no text in it.
pub fn text(path: &Path) -> Result<String, DraftError> {
    std::fs::read_to_string(path).map_err(|source| DraftError::File { path: path.to_owned(), source })
}

/// The rulebook in a file. A table that it looks things up in is `NAME.csv` in the same folder. Which pools and reps there
/// are is not known here, so any may be named.
///
/// # Errors
/// What is wrong with the file, one of its tables, or the rulebook: all of its problems at once.
pub fn read(path: &Path) -> Result<Rulebook, DraftError> {
    let source = text(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut tables = BTreeMap::new();
    for name in Rulebook::tables_used(&source) {
        let path = folder.join(format!("{name}.csv"));
        // A table that is not there is told with the place that uses it.
        if !path.exists() {
            continue;
        }
        let table = Table::parse(&name, &text(&path)?).map_err(|problems| {
            let problem = problems.first().map(ToString::to_string).unwrap_or_default();
            DraftError::Table { path: path.clone(), problem }
        })?;
        tables.insert(name, Arc::new(table));
    }
    let references = References { tables, ..References::default() };
    match Rulebook::parse(&source, &references) {
        Ok(checked) => Ok(checked.rulebook),
        Err(problems) => {
            let name = path.display().to_string();
            let rendered = problems.iter().map(|problem| problem.render(&source, &name)).collect();
            Err(DraftError::Rulebook { path: path.to_owned(), rendered })
        }
    }
}
