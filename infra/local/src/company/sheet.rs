//! A CSV file with named columns, as a spreadsheet writes it.

use fairleader_lead::id::{MAX_NAME, is_name};

use super::Problems;

/// A column that a sheet may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Whether the sheet, and every row of it, must have it.
    pub(super) required: bool,
}

pub(super) const fn required(name: &'static str) -> Column {
    Column { name, required: true }
}

pub(super) const fn optional(name: &'static str) -> Column {
    Column { name, required: false }
}

/// A file that was read; rows that cannot be given to columns are left out and reported.
pub(super) struct Sheet {
    file: &'static str,
    rows: Vec<Row>,
    /// Whether every row is there.
    whole: bool,
}

/// A row: the cells that have text, trimmed, under their columns' names.
pub(super) struct Row {
    file: &'static str,
    line: u64,
    cells: Vec<(&'static str, String)>,
}

impl Sheet {
    /// Reads a file. A byte order mark and `;` or tab between the cells are understood.
    pub(super) fn read(file: &'static str, bytes: &[u8], columns: &[Column], problems: &mut Problems) -> Self {
        let nothing = Self { file, rows: Vec::new(), whole: false };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let Ok(text) = std::str::from_utf8(bytes) else {
            problems.add(file, None, None, "is not UTF-8 text; save it as CSV (UTF-8)".to_owned());
            return nothing;
        };
        let known = |delimiter: &u8| {
            let titles = records(text, *delimiter).next().unwrap_or_default().1;
            titles.iter().filter(|title| columns.iter().any(|column| column.name == title.to_lowercase())).count()
        };
        // Of equals the last one is taken, so the comma is.
        let delimiter = [b'\t', b';', b','].into_iter().max_by_key(known).unwrap_or(b',');
        let mut records = records(text, delimiter);
        let Some((line, titles)) = records.next() else {
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            problems.add(file, None, None, format!("is empty; its first line names the columns: {}", names.join(",")));
            return nothing;
        };
        let Some(header) = header(file, line, &titles, columns, problems) else { return nothing };
        let (mut rows, mut whole) = (Vec::new(), true);
        for (line, cells) in records {
            let wide = header.len();
            if cells.len() != wide {
                let message = format!(
                    "the row has {} cells where the header has {wide}; put text with a comma in it in double quotes",
                    cells.len()
                );
                problems.add(file, Some(line), None, message);
                whole = false;
                continue;
            }
            let named = header.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
            let row = Row { file, line, cells: named.filter_map(|(name, cell)| Some(((*name)?, cell))).collect() };
            for column in columns.iter().filter(|column| column.required) {
                if row.cell(column.name).is_none() {
                    row.problem(column.name, "is empty; every row needs it".to_owned(), problems);
                }
            }
            rows.push(row);
        }
        Self { file, rows, whole }
    }

    pub(super) fn file(&self) -> &'static str {
        self.file
    }

    /// Whether every row of the file is there.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }
}

/// Which column each cell belongs to; `None` in place of one that nobody knows. No header if a required column is
/// missing.
fn header(
    file: &'static str,
    line: u64,
    titles: &[String],
    columns: &[Column],
    problems: &mut Problems,
) -> Option<Vec<Option<&'static str>>> {
    let mut header: Vec<Option<&'static str>> = Vec::new();
    for title in titles {
        let found = columns.iter().find(|column| column.name == title.to_lowercase()).map(|column| column.name);
        let message = match found {
            Some(name) if header.contains(&Some(name)) => {
                Some("stands in the header twice; remove one of the columns".to_owned())
            }
            Some(_) => None,
            None if title.is_empty() => Some("a column has no name; name it or remove it".to_owned()),
            None => {
                let names = || columns.iter().map(|column| column.name);
                let hint = nearest(title, names()).map_or_else(
                    || format!("known here: {}", names().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                Some(format!("there is no such column; {hint}"))
            }
        };
        if let Some(message) = message {
            problems.add(file, Some(line), Some(title.as_str()).filter(|title| !title.is_empty()), message);
        }
        header.push(found.filter(|name| !header.contains(&Some(name))));
    }
    let missing: Vec<&Column> =
        columns.iter().filter(|column| column.required && !header.contains(&Some(column.name))).collect();
    for column in &missing {
        problems.add(file, Some(line), Some(column.name), "the column is missing; add it to the header".to_owned());
    }
    missing.is_empty().then_some(header)
}

/// The records that hold anything, each with the line it begins on.
fn records(text: &str, delimiter: u8) -> impl Iterator<Item = (u64, Vec<String>)> {
    let reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    // The reader goes over text in memory and that is UTF-8, so it has no errors to report.
    reader.into_records().filter_map(Result::ok).filter_map(|record| {
        let position = record.position()?;
        // The position is where the reader began to look, which may be blank lines earlier.
        let from = usize::try_from(position.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
        let blank = from.bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| *byte == b'\n').count();
        let line = position.line() + u64::try_from(blank).unwrap_or(0);
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        cells.iter().any(|cell| !cell.is_empty()).then_some((line, cells))
    })
}

impl Row {
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The text in a column, if there is any.
    pub(super) fn cell(&self, column: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| *name == column).map(|(_, cell)| cell.as_str())
    }

    /// The several values in a column.
    pub(super) fn words(&self, column: &str) -> impl Iterator<Item = &str> {
        self.cell(column).unwrap_or_default().split([' ', ',', ';', '\t', '\n']).filter(|word| !word.is_empty())
    }

    /// Reports a problem of this row.
    pub(super) fn problem(&self, column: &str, message: String, problems: &mut Problems) {
        problems.add(self.file, Some(self.line), Some(column), message);
    }

    /// The id in a column, if it is one.
    pub(super) fn id(&self, column: &str, what: &str, problems: &mut Problems) -> Option<&str> {
        let id = self.cell(column)?;
        if is_name(id) {
            return Some(id);
        }
        let tidy: String = id.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-");
        let such = if is_name(&tidy) { format!(", such as `{tidy}`") } else { String::new() };
        let message = format!(
            "`{id}` cannot be the id of {what}; use up to {MAX_NAME} of `a-z 0-9 - _ .`, a letter or digit first{such}"
        );
        self.problem(column, message, problems);
        None
    }

    /// The whole number in a column, from `least` to `most`.
    pub(super) fn number(&self, column: &str, least: u32, most: u32, problems: &mut Problems) -> Option<u32> {
        let text = self.cell(column)?;
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.problem(column, not_a_number(text, least, most), problems);
        }
        number
    }
}

/// What is said of text that is no whole number from `least` to `most`.
pub(super) fn not_a_number(text: &str, least: u32, most: u32) -> String {
    format!("`{text}` is no whole number from {least} to {most}")
}

/// The one of `known` that was probably meant.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const SHORTENED: usize = 4;
    let lower = name.to_lowercase();
    let begins = |candidate: &str| lower.chars().count() >= SHORTENED && candidate.to_lowercase().starts_with(&lower);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.chars().count() / 3) || begins(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
