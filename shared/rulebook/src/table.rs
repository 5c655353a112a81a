//! Tables that lookups read: territories, named accounts, partner lists. A table is a CSV with a header, kept apart
//! from the rulebook because other people change it more often; a version of a rulebook names the very content it was
//! checked with, by hash.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use fairleader_lead::submission::list::line_of;

/// Most rows a table may have.
const MAX_ROWS: usize = 100_000;
/// Most columns a table may have.
const MAX_COLUMNS: usize = 20;
/// Longest cell, in characters.
const MAX_CELL: usize = 200;
/// Most problems that are reported of one table; a wrong column has one in every row.
const MAX_PROBLEMS: usize = 50;

/// A table as it was written: columns by name, cells as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    name: String,
    columns: Vec<String>,
    rows: Vec<Row>,
    hash: String,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line of the file it begins on, from 1.
    pub(crate) line: u64,
    cells: Vec<Box<str>>,
}

/// What is wrong with a row of a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("line {line}{}: {message}", column.as_ref().map(|name| format!(", column `{name}`")).unwrap_or_default())]
pub struct RowProblem {
    /// The line of the file, from 1.
    pub line: u64,
    /// The column it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl Table {
    /// Reads a table: a header, then rows of as many cells, separated by `,`, `;` or tab as the header is. Blank lines
    /// do not count, blanks around a cell are dropped, and cells stay text: `01067` keeps its zero and `NO` is no
    /// answer.
    ///
    /// # Errors
    /// What is wrong, line by line; at most 50 problems.
    ///
    /// ```
    /// use fairleader_rulebook::Table;
    ///
    /// let table = Table::parse("territories", "country,postal_code,name,pool\nDE,01,Saxony,dach\n").unwrap();
    /// assert_eq!((table.columns().len(), table.len()), (4, 1));
    ///
    /// let wrong = Table::parse("territories", "country;pool\nDE\n").unwrap_err();
    /// assert_eq!(wrong[0].to_string(), "line 2: the row has 1 cell where the header has 2");
    /// ```
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<RowProblem>> {
        let problem = |line, message: String| RowProblem { line, column: None, message };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let header = text.lines().next().unwrap_or_default();
        let delimiter = [b'\t', b';', b','].into_iter().max_by_key(|d| header.bytes().filter(|b| b == d).count());
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter.unwrap_or(b','))
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut columns: Vec<String> = Vec::new();
        let mut rows = Vec::new();
        let mut problems = Vec::new();
        for record in reader.records() {
            if problems.len() >= MAX_PROBLEMS {
                break;
            }
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(1, csv::Position::line);
                    problems.push(problem(line, "the line cannot be read as CSV".to_owned()));
                    continue;
                }
            };
            let line = line_of(text, &record);
            if record.iter().all(str::is_empty) {
                continue;
            }
            if columns.is_empty() {
                columns = record.iter().map(|title| title.to_lowercase().replace([' ', '-'], "_")).collect();
                problems.extend(header_problems(&columns).map(|message| problem(line, message)));
                continue;
            }
            if record.len() != columns.len() {
                let cells = if record.len() == 1 { "cell" } else { "cells" };
                let message = format!("the row has {} {cells} where the header has {}", record.len(), columns.len());
                problems.push(problem(line, message));
                continue;
            }
            if let Some((long, _)) = columns.iter().zip(&record).find(|(_, cell)| cell.chars().count() > MAX_CELL) {
                let message = format!("the cell is longer than {MAX_CELL} characters");
                problems.push(RowProblem { line, column: Some(long.clone()), message });
                continue;
            }
            rows.push(Row { line, cells: record.iter().map(Box::from).collect() });
            if rows.len() > MAX_ROWS {
                problems.push(problem(line, format!("a table has at most {MAX_ROWS} rows")));
                break;
            }
        }
        if columns.is_empty() {
            problems.push(problem(1, "the table is empty; its first line names the columns".to_owned()));
        }
        if problems.is_empty() {
            let hash = Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
                // Writing to a `String` cannot fail.
                write!(hex, "{byte:02x}").ok();
                hex
            });
            Ok(Self { name: name.to_owned(), columns, rows, hash })
        } else {
            Err(problems)
        }
    }

    /// What rulebooks call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the file, in hex: the same content has the same hash.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The columns in the order of the file, in lower case, blanks and hyphens as `_`.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows, without the header.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has no rows.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The column of this name.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Every row in the order of the file.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// A cell, if it is not empty.
    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<&str> {
        self.rows.get(row)?.cell(column)
    }
}

impl Row {
    /// A cell, if it is not empty.
    pub(crate) fn cell(&self, column: usize) -> Option<&str> {
        self.cells.get(column).map(AsRef::as_ref).filter(|cell| !cell.is_empty())
    }
}

fn header_problems(columns: &[String]) -> impl Iterator<Item = String> {
    let many = (columns.len() > MAX_COLUMNS).then(|| format!("a table has at most {MAX_COLUMNS} columns"));
    let blank = columns.iter().position(String::is_empty).map(|at| format!("column {} has no name", at + 1));
    let twice = columns.iter().enumerate().find(|(at, name)| columns.iter().skip(at + 1).any(|other| other == *name));
    let twice = twice.map(|(_, name)| format!("two columns are called `{name}`"));
    many.into_iter().chain(blank).chain(twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_text_whatever_the_delimiter() {
        for text in
            ["Country;Postal Code;Pool\nNO;01067;nord\n", "\u{feff}country,postal-code,pool\n\n NO ,01067,nord\r\n"]
        {
            let table = Table::parse("t", text).unwrap();
            assert_eq!(table.columns(), ["country", "postal_code", "pool"]);
            assert_eq!(table.cell(0, 0), Some("NO"));
            assert_eq!(table.cell(0, 1), Some("01067"));
        }
    }

    #[test]
    fn every_wrong_row_is_named_by_its_line() {
        let text = format!("a,b\n1\n1,2,3\n\n1,{}\n1,2\n", "x".repeat(201));
        let found: Vec<String> = Table::parse("t", &text).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "line 2: the row has 1 cell where the header has 2",
                "line 3: the row has 3 cells where the header has 2",
                "line 5, column `b`: the cell is longer than 200 characters",
            ]
        );
        assert_eq!(Table::parse("t", "a,a,\n").unwrap_err().len(), 2);
        assert_eq!(
            Table::parse("t", "\n").unwrap_err()[0].message,
            "the table is empty; its first line names the columns"
        );
    }
}
