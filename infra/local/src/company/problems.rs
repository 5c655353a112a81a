//! Problems of a company's folder, and the files that they are in.

use std::borrow::Cow;
use std::fmt;

pub(super) const ROSTER: &str = "roster.csv";
pub(super) const POOLS: &str = "pools.csv";
pub(super) const ACCOUNTS: &str = "accounts.csv";
pub(super) const PEOPLE: &str = "people.csv";
pub(super) const RULEBOOK: &str = "rulebook.yaml";
pub(super) const LEADS: &str = "leads.csv";

/// The files, in the order in which their problems are reported.
pub(super) const FILES: [&str; 6] = [ROSTER, POOLS, ACCOUNTS, PEOPLE, RULEBOOK, LEADS];

/// One problem of a company's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyProblem {
    /// The file, without the folder.
    pub file: Cow<'static, str>,
    /// Line of the file, from 1; absent if the problem concerns the whole file.
    pub line: Option<u64>,
    /// The column's name; absent if the problem concerns the whole line.
    pub column: Option<String>,
    /// What is wrong and how to fix it, in one sentence without a final stop.
    pub message: String,
}

impl fmt::Display for CompanyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ": {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for CompanyProblem {}

/// Collects problems.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<CompanyProblem>);

impl Problems {
    pub(super) fn add(
        &mut self,
        file: impl Into<Cow<'static, str>>,
        line: Option<u64>,
        column: Option<&str>,
        message: String,
    ) {
        self.0.push(CompanyProblem { file: file.into(), line, column: column.map(str::to_owned), message });
    }

    /// Sorts the problems by file and line, tables last.
    pub(super) fn finish(mut self) -> Vec<CompanyProblem> {
        let place = |file: &str| FILES.iter().position(|known| *known == file).unwrap_or(FILES.len());
        self.0.sort_by(|a, b| (place(&a.file), &a.file, a.line).cmp(&(place(&b.file), &b.file, b.line)));
        self.0
    }
}
