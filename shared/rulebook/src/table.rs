//! Tables for lookups: territories, named accounts, partner lists. A table is a CSV file with a header. It is separate
//! from the rulebook because other people change it, and more often. A version of a rulebook refers by hash to the
//! exact contents it was checked with.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use fairleader_lead::submission::list::line_of;

/// The most rows of a table.
const MAX_ROWS: usize = 100_000;
/// The most columns of a table.
const MAX_COLUMNS: usize = 20;
/// The longest cell, in characters.
const MAX_CELL: usize = 200;
/// The most problems to report for one table; a wrong column causes one in every row.
const MAX_PROBLEMS: usize = 50;

/// A table as written: named columns, and cells as text.
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
    /// The line of the file on which it starts, from 1.
    pub(crate) line: u64,
    cells: Vec<Box<str>>,
}

/// A problem in a row of a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("line {line}{}: {message}", column.as_ref().map(|name| format!(", column `{name}`")).unwrap_or_default())]
pub struct RowProblem {
    /// The line of the file, from 1.
    pub line: u64,
    /// The column concerned, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl Table {
    /// Reads a table: a header, then rows with the same number of cells, separated by `,`, `;` or tab like the header.
    /// Blank lines are skipped, spaces around a cell are removed, and cells stay text: `01067` keeps its zero, and `NO`
    /// stays `NO`.
    ///
    /// # Errors
    /// The problems, line by line; at most 50.
    ///
    /// ```
    /// use fairleader_rulebook::Table;
    ///
    /// let table = Table::parse("territories", "country,postal_code,name,pool\nDE,01,Saxony,dach\n").unwrap();
    /// assert_eq!((table.columns().len(), table.len()), (4, 1));
    ///
    /// let wrong = Table::parse("territories", "country;pool\nDE\n").unwrap_err();
    /// assert_eq!(wrong[0].to_string(), "line 2: the row has 1 cell, but the header has 2");
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
                    problems.push(problem(line, "the line is not valid CSV".to_owned()));
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
                let message = format!("the row has {} {cells}, but the header has {}", record.len(), columns.len());
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
                problems.push(problem(line, format!("a table can have at most {MAX_ROWS} rows")));
                break;
            }
        }
        if columns.is_empty() {
            problems.push(problem(1, "the table is empty; its first line must name the columns".to_owned()));
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

    /// Returns the name that rulebooks use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the SHA-256 of the file in hex, so that equal contents have equal hashes.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Returns a number that depends on everything in the file.
    pub(crate) fn seed(&self) -> u64 {
        self.hash.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or_default()
    }

    /// Returns the column names in file order, in lower case, with spaces and hyphens as `_`.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Returns the number of rows without the header.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether it has no rows.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the position of the column with this name.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Returns all rows in file order.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns a cell, if it is not empty.
    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<&str> {
        self.rows.get(row)?.cell(column)
    }
}

impl Row {
    /// Returns a cell, if it is not empty.
    pub(crate) fn cell(&self, column: usize) -> Option<&str> {
        self.cells.get(column).map(AsRef::as_ref).filter(|cell| !cell.is_empty())
    }
}

fn header_problems(columns: &[String]) -> impl Iterator<Item = String> {
    let many = (columns.len() > MAX_COLUMNS).then(|| format!("a table can have at most {MAX_COLUMNS} columns"));
    let blank = columns.iter().position(String::is_empty).map(|at| format!("column {} has no name", at + 1));
    let twice = columns.iter().enumerate().find(|(at, name)| columns.iter().skip(at + 1).any(|other| other == *name));
    let twice = twice.map(|(_, name)| format!("duplicate column `{name}`"));
    many.into_iter().chain(blank).chain(twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_text_with_any_delimiter() {
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
    fn reports_every_wrong_row_by_line() {
        let text = format!("a,b\n1\n1,2,3\n\n1,{}\n1,2\n", "x".repeat(201));
        let found: Vec<String> = Table::parse("t", &text).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "line 2: the row has 1 cell, but the header has 2",
                "line 3: the row has 3 cells, but the header has 2",
                "line 5, column `b`: the cell is longer than 200 characters",
            ]
        );
        assert_eq!(Table::parse("t", "a,a,\n").unwrap_err().len(), 2);
        assert_eq!(
            Table::parse("t", "\n").unwrap_err()[0].message,
            "the table is empty; its first line must name the columns"
        );
    }
}
