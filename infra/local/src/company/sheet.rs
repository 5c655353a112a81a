//! CSV files with named columns, as spreadsheets write them.

use fairleader_lead::id::{MAX_NAME, is_name};

use super::problems::Problems;

/// Column of a sheet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Whether the sheet and each of its rows must have it.
    pub(super) required: bool,
}

pub(super) const fn required(name: &'static str) -> Column {
    Column { name, required: true }
}

pub(super) const fn optional(name: &'static str) -> Column {
    Column { name, required: false }
}

/// A file that was read. Rows that do not match the header are left out and reported.
pub(super) struct Sheet {
    file: &'static str,
    rows: Vec<Row>,
    /// Whether all rows were read.
    whole: bool,
}

/// A row: the trimmed text of its cells by column name, without empty cells.
pub(super) struct Row {
    file: &'static str,
    line: u64,
    cells: Vec<(&'static str, String)>,
}

impl Sheet {
    /// Reads a file. It may begin with a byte order mark, and separate cells with `;` or tabs.
    pub(super) fn read(file: &'static str, bytes: &[u8], columns: &[Column], problems: &mut Problems) -> Self {
        let nothing = Self { file, rows: Vec::new(), whole: false };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let Ok(text) = std::str::from_utf8(bytes) else {
            problems.add(file, None, None, "not UTF-8 text; save it as CSV (UTF-8)".to_owned());
            return nothing;
        };
        let known = |delimiter: &u8| {
            let titles = records(text, *delimiter).next().unwrap_or_default().1;
            titles.iter().filter(|title| columns.iter().any(|column| column.name == title.to_lowercase())).count()
        };
        // The last of equals wins, which is the comma.
        let delimiter = [b'\t', b';', b','].into_iter().max_by_key(known).unwrap_or(b',');
        let mut records = records(text, delimiter);
        let Some((line, titles)) = records.next() else {
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            problems.add(
                file,
                None,
                None,
                format!("is empty; its first line must name the columns: {}", names.join(",")),
            );
            return nothing;
        };
        let Some(header) = header(file, line, &titles, columns, problems) else { return nothing };
        let (mut rows, mut whole) = (Vec::new(), true);
        for (line, cells) in records {
            let wide = header.len();
            if cells.len() != wide {
                let message = format!(
                    "the row has {} cells, but the header has {wide}; put text that contains a comma in double quotes",
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
                    row.problem(column.name, "is empty; every row needs a value".to_owned(), problems);
                }
            }
            rows.push(row);
        }
        Self { file, rows, whole }
    }

    pub(super) fn file(&self) -> &'static str {
        self.file
    }

    /// Returns whether all rows of the file were read.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }
}

/// Returns the column of each cell, `None` for unknown columns. Returns no header if a required column is missing.
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
                Some("appears twice in the header; remove one of the columns".to_owned())
            }
            Some(_) => None,
            None if title.is_empty() => Some("a column has no name; name it or remove it".to_owned()),
            None => {
                let names = || columns.iter().map(|column| column.name);
                let hint = nearest(title, names()).map_or_else(
                    || format!("the columns are: {}", names().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                Some(format!("unknown column; {hint}"))
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

/// Returns the records that are not empty, each with its first line.
fn records(text: &str, delimiter: u8) -> impl Iterator<Item = (u64, Vec<String>)> {
    let reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    // The reader reads UTF-8 text from memory, so it cannot fail.
    reader.into_records().filter_map(Result::ok).filter_map(|record| {
        let position = record.position()?;
        // The position is where the reader started to look, which may be some blank lines earlier.
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

    /// Returns the text in a column, if any.
    pub(super) fn cell(&self, column: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| *name == column).map(|(_, cell)| cell.as_str())
    }

    /// Returns the values in a column.
    pub(super) fn words(&self, column: &str) -> impl Iterator<Item = &str> {
        self.cell(column).unwrap_or_default().split([' ', ',', ';', '\t', '\n']).filter(|word| !word.is_empty())
    }

    /// Reports a problem of this row.
    pub(super) fn problem(&self, column: &str, message: String, problems: &mut Problems) {
        problems.add(self.file, Some(self.line), Some(column), message);
    }

    /// Returns the id in a column if it is valid.
    pub(super) fn id(&self, column: &str, what: &str, problems: &mut Problems) -> Option<&str> {
        let id = self.cell(column)?;
        if is_name(id) {
            return Some(id);
        }
        let tidy: String = id.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-");
        let such = if is_name(&tidy) { format!(", such as `{tidy}`") } else { String::new() };
        let message = format!(
            "`{id}` is not a valid id for {what}; use up to {MAX_NAME} of `a-z 0-9 - _ .`, starting with a letter or digit{such}"
        );
        self.problem(column, message, problems);
        None
    }

    /// Returns the whole number in a column, from `least` to `most`.
    pub(super) fn number(&self, column: &str, least: u32, most: u32, problems: &mut Problems) -> Option<u32> {
        let text = self.cell(column)?;
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.problem(column, not_a_number(text, least, most), problems);
        }
        number
    }
}

/// Returns the message for text that is not a whole number from `least` to `most`.
pub(super) fn not_a_number(text: &str, least: u32, most: u32) -> String {
    format!("`{text}` is not a whole number from {least} to {most}")
}

/// Returns the name in `known` that was probably meant.
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
