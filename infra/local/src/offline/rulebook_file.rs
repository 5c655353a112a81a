//! Reads a rulebook from a file, with the roster and the tables that it uses.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fairleader_lead::id::is_name;
use fairleader_rulebook::map::Names;
use fairleader_rulebook::{Checked, Diagnostic, References, Rulebook, Severity, Table, unstaffed};
use jiff::Timestamp;
use serde::Serialize;

use super::{OfflineError, STDIN};
use crate::company::{CompanyProblem, Roster};

/// A rulebook that was read but not yet checked.
#[derive(Debug)]
pub struct RulebookFile {
    /// The file, as named by the user.
    pub name: String,
    /// Its text.
    pub source: String,
    /// The roster, if a folder was given and has no problems.
    pub roster: Option<Roster>,
    /// The folder of the roster.
    folder: PathBuf,
    tables: BTreeMap<String, Arc<Table>>,
    /// Tables that exist but cannot be used.
    unreadable: BTreeSet<String>,
    /// Problems of the files beside the rulebook.
    beside: Vec<Problem>,
}

/// Result of a check.
#[derive(Debug)]
pub struct Findings {
    /// The rulebook, if it can be used.
    pub rulebook: Option<Rulebook>,
    /// All problems: those of the rulebook in the order of its lines, then those of the files beside it.
    pub problems: Vec<Problem>,
}

/// One problem of a rulebook or of a file beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Error, warning or note.
    pub severity: Severity,
    /// The file.
    pub file: String,
    /// The line, from 1; absent if the problem concerns the whole file.
    pub line: Option<u64>,
    /// Column of the first marked character, from 1; absent unless the problem is at one place in the rulebook.
    pub column: Option<usize>,
    /// Number of marked characters.
    pub length: Option<usize>,
    /// A stable word for the kind of problem.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub help: Option<String>,
    /// The rule that it concerns, if any.
    pub rule: Option<String>,
    /// Name of the table or roster column that it concerns, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The problem as shown to people.
    #[serde(skip)]
    shown: String,
}

impl Problem {
    /// Returns the problem as text, with the rulebook's line if it is at one place in the rulebook.
    pub fn render(&self) -> &str {
        &self.shown
    }

    fn of(diagnostic: Diagnostic, source: &str, file: &str) -> Self {
        let shown = diagnostic.render(source, file);
        let Diagnostic { severity, line, column, length, code, message, help, rule } = diagnostic;
        let file = file.to_owned();
        let (line, column, length) = (u64::try_from(line).ok(), Some(column), Some(length));
        Self { severity, file, line, column, length, code, message, help, rule, field: None, shown }
    }

    /// Builds a problem that is not at one place of a file.
    fn placeless(severity: Severity, file: String, code: &'static str, message: String) -> Self {
        let mut problem = Self::beside(file, None, None, code, message);
        let word = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        problem.shown = format!("{word}{}", problem.shown.trim_start_matches("error"));
        Self { severity, ..problem }
    }

    /// Builds a problem of a file beside the rulebook.
    fn beside(file: String, line: Option<u64>, field: Option<String>, code: &'static str, message: String) -> Self {
        let at = line.map(|line| format!(":{line}")).unwrap_or_default();
        let column = field.as_ref().map(|field| format!(", column `{field}`")).unwrap_or_default();
        let shown = format!("error[{code}]: {message}\n --> {file}{at}{column}\n");
        let (severity, column, length, help, rule) = (Severity::Error, None, None, None, None);
        Self { severity, file, line, column, length, code, message, help, rule, field, shown }
    }
}

impl RulebookFile {
    /// Reads a rulebook (`-` for standard input), the roster in the folder `roster`, and the tables that the rulebook
    /// uses: `NAME.csv` in that folder, else beside the rulebook.
    ///
    /// # Errors
    /// The rulebook cannot be read. Problems of the other files are among the [`Findings`].
    pub fn read(file: &Path, roster: Option<&Path>) -> Result<Self, OfflineError> {
        let (name, bytes) = read(file)?;
        let source = text(&name, bytes)?;
        let mut beside = Vec::new();
        let folder = roster;
        let roster = folder.and_then(|folder| match Roster::read(folder) {
            Ok(roster) => Some(roster),
            Err(problems) => {
                beside.extend(problems.into_iter().map(|problem| of_roster(folder, problem)));
                None
            }
        });
        let folder_of_roster = folder.map(Path::to_path_buf).unwrap_or_default();
        let mut read = Self {
            name,
            roster,
            folder: folder_of_roster,
            tables: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            beside,
            source,
        };
        let own = file.parent().unwrap_or(Path::new(""));
        for table in Rulebook::tables_used(&read.source) {
            let places: Vec<PathBuf> =
                folder.into_iter().chain([own]).map(|place| place.join(format!("{table}.csv"))).collect();
            read.table(&table, &places);
        }
        Ok(read)
    }

    /// Reads a table from the first of `places` that has it.
    fn table(&mut self, name: &str, places: &[PathBuf]) {
        // Other names cannot be file names. The check of the rulebook reports the missing table.
        let places = places.iter().filter(|_| is_name(name));
        let found = places.map(|path| (path, std::fs::read(path)));
        let found = found.filter(|(_, bytes)| !matches!(bytes, Err(error) if error.kind() == ErrorKind::NotFound));
        let Some((path, bytes)) = { found }.next() else { return };
        let file = path.display().to_string();
        let problem = |line, field, message| Problem::beside(file.clone(), line, field, "table", message);
        let problems = match bytes.map_err(|cause| format!("the table cannot be read: {cause}")).map(String::from_utf8)
        {
            Ok(Ok(text)) => match Table::parse(name, &text) {
                Ok(table) => {
                    self.tables.insert(name.to_owned(), Arc::new(table));
                    return;
                }
                Err(rows) => rows.into_iter().map(|row| problem(Some(row.line), row.column, row.message)).collect(),
            },
            Ok(Err(_)) => vec![problem(None, None, "the table is not UTF-8 text; save it as CSV (UTF-8)".to_owned())],
            Err(message) => vec![problem(None, None, message)],
        };
        self.beside.extend(problems);
        self.unreadable.insert(name.to_owned());
    }

    /// Checks the rulebook and, with a roster, whether its pools are staffed in the week of `now`. With `notes` it also
    /// reports what is worth knowing although it is not a problem.
    pub fn check(self, now: Timestamp, notes: bool) -> (Self, Findings) {
        let references = self.roster.as_ref().map(Roster::references).unwrap_or_default();
        let references = References { tables: self.tables.clone(), ..references };
        let (rulebook, found) = match Rulebook::parse(&self.source, &references) {
            Ok(Checked { rulebook, warnings }) => (Some(rulebook), warnings),
            Err(problems) => (None, problems),
        };
        // A damaged table is not reported as missing too.
        let damaged = |found: &Diagnostic| {
            found.code == "unknown-table"
                && self.unreadable.iter().any(|table| found.message.ends_with(&format!("`{table}`")))
        };
        let mut found: Vec<Diagnostic> = found.into_iter().filter(|found| !damaged(found)).collect();
        if notes && rulebook.is_some() {
            found.extend(Rulebook::notes(&self.source, &references));
            found.sort_by_key(|found| (found.line, found.column));
        }
        let staffing = self.staffing(rulebook.as_ref(), now, notes);
        let own = found.into_iter().map(|mut found| {
            if found.code == "unknown-table" {
                let table = found.message.rsplit('`').nth(1).unwrap_or("NAME");
                found.help = Some(format!("put {table}.csv beside the rulebook or in the folder of --roster"));
            }
            Problem::of(found, &self.source, &self.name)
        });
        let problems: Vec<Problem> = own.chain(staffing).chain(self.beside.iter().cloned()).collect();
        let usable = !problems.iter().any(|problem| problem.severity == Severity::Error);
        let findings = Findings { rulebook: rulebook.filter(|_| usable), problems };
        (self, findings)
    }

    /// Returns pools that are never staffed and, with `notes`, pools that are not staffed at some hours.
    fn staffing(&self, rulebook: Option<&Rulebook>, now: Timestamp, notes: bool) -> Vec<Problem> {
        let (Some(rulebook), Some(roster)) = (rulebook, &self.roster) else { return Vec::new() };
        let found = unstaffed(rulebook, &roster.pools, &roster.reps, now).into_iter();
        let found = found.filter(|found| notes || found.severity != Severity::Note);
        let file = || self.folder.join("pools.csv").display().to_string();
        found.map(|found| Problem::placeless(found.severity, file(), "staffing", found.message)).collect()
    }

    /// Reads and checks a rulebook that must be usable.
    ///
    /// # Errors
    /// It cannot be read, or it has errors. The message lists all of them.
    pub fn usable(file: &Path, roster: Option<&Path>, now: Timestamp) -> Result<(Self, Rulebook), OfflineError> {
        let (read, findings) = Self::read(file, roster)?.check(now, false);
        if let Some(rulebook) = findings.rulebook {
            return Ok((read, rulebook));
        }
        let errors = findings.problems.iter().filter(|problem| problem.severity == Severity::Error);
        let shown: Vec<&str> = errors.map(Problem::render).collect();
        Err(OfflineError::Refused { shown: shown.join("\n").trim_end().to_owned() })
    }

    /// Returns the names of the roster's pools and reps.
    pub fn names(&self) -> Names {
        let Some(roster) = &self.roster else { return Names::default() };
        Names {
            pools: roster.pools.iter().map(|pool| (pool.pool_id.to_string(), pool.name.clone())).collect(),
            reps: roster.reps.iter().map(|rep| (rep.rep_id.to_string(), rep.name.clone())).collect(),
        }
    }
}

fn of_roster(folder: &Path, problem: CompanyProblem) -> Problem {
    let file = folder.join(problem.file.as_ref());
    Problem::beside(file.display().to_string(), problem.line, problem.column, "roster", problem.message)
}

/// Reads a file (`-` for standard input). Returns its name and content.
pub(crate) fn read(file: &Path) -> Result<(String, Vec<u8>), OfflineError> {
    let mut bytes = Vec::new();
    let is_stdin = file.as_os_str() == "-";
    let name = if is_stdin { STDIN.to_owned() } else { file.display().to_string() };
    let read = if is_stdin {
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    match read {
        Ok(()) => Ok((name, bytes)),
        Err(cause) => Err(OfflineError::Unreadable { file: name, cause }),
    }
}

fn text(name: &str, bytes: Vec<u8>) -> Result<String, OfflineError> {
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        OfflineError::NotText { file: name.to_owned(), line }
    })
}
