//! A list: many submissions in one CSV file, as exported by spreadsheets and CRM systems.

use std::borrow::Cow;

use csv::StringRecord;

use super::Submission;
use super::check::shown;
use super::schema::{self, Field, LONGEST_CUSTOM_NAME, MOST_CUSTOM};
use crate::normalise::fold::key;
use crate::problem::FieldProblem;

/// A list with a valid header. Its rows are checked one by one as [`List::rows`] is read.
#[derive(Clone, Debug)]
pub struct List {
    header: Header,
    encoding: Encoding,
    delimiter: u8,
    /// The text, starting with the header line.
    text: String,
    /// Number of lines in the file before `text`.
    lines_before: u64,
}

/// Character encoding of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16 with a byte order mark: the "Unicode text" format of spreadsheets.
    Utf16,
    /// Windows-1252, assumed because the bytes are not valid UTF-8.
    Windows1252,
}

/// Header of a list, with the meaning of each column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    columns: Vec<Column>,
}

/// One column of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its header, as in the file.
    pub title: String,
    /// What it contains.
    pub holds: Holds,
}

/// Content of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A field of the lead schema.
    Field(&'static Field),
    /// A custom field with this name.
    Custom(String),
    /// Nothing: the column has no header, so its cells must be empty.
    Nothing,
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number among the rows with data, from 1; blank rows are not counted.
    pub number: u32,
    /// The line of the file on which it starts, from 1.
    pub line: u64,
    /// The submission, or everything that is wrong with the row.
    pub result: Result<Submission, Vec<FieldProblem>>,
}

/// Reason why a whole list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListProblem {
    /// The file is empty.
    #[error("the list is empty; start with a line of column names that includes `email` or `phone`")]
    Empty,
    /// The file is not text.
    #[error("the file is not CSV, it looks like {looks_like}; export it as CSV (UTF-8)")]
    NotText {
        /// What it looks like.
        looks_like: &'static str,
    },
    /// No person in the list could be reached.
    #[error(
        "no column holds an e-mail address or a phone number; the columns are {}; name one of them `email` or `phone`",
        quoted(.found)
    )]
    NoContactColumn {
        /// The headers in the file.
        found: Vec<String>,
    },
    /// Two columns hold the same field.
    #[error("columns `{first}` and `{second}` both hold `{field}`; rename or remove one of them")]
    SameColumn {
        /// The field.
        field: String,
        /// Header of the first column.
        first: String,
        /// Header of the second column.
        second: String,
    },
    /// There are more custom columns than a lead can keep.
    #[error(
        "the list has {count} columns that are not in the lead schema; the limit is {MOST_CUSTOM} custom fields; remove \
         some columns"
    )]
    TooManyColumns {
        /// How many.
        count: usize,
    },
}

fn quoted(headers: &[String]) -> String {
    let some: Vec<_> = headers.iter().take(30).map(|header| format!("`{}`", shown(header))).collect();
    let more = if headers.len() > some.len() { " and more" } else { "" };
    format!("{}{more}", some.join(", "))
}

impl List {
    /// Reads a list's encoding, delimiter (`,`, `;` or tab) and header.
    ///
    /// The delimiter is the one with which most headers are recognised. A first line `sep=;`, as written by Excel, is
    /// skipped.
    ///
    /// ```
    /// use fairleader_lead::submission::list::List;
    ///
    /// let list = List::parse("Vorname;E-Mail;Budget\nAda;ada@acme.example;50k\n".as_bytes()).unwrap();
    /// let row = list.rows().next().unwrap();
    /// assert_eq!((row.number, row.line), (1, 2));
    /// assert_eq!(row.result.unwrap().fields["custom.Budget"], "50k");
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self, ListProblem> {
        let (text, encoding) = decode(bytes)?;
        let mut text: &str = &text;
        let mut lines_before = 0;
        if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep=")) {
            text = text.split_once('\n').map_or("", |(_, rest)| rest);
            lines_before = 1;
        }
        let candidates = [b'\t', b';', b','].map(|delimiter| (delimiter, first_record(text, delimiter)));
        let (delimiter, titles) = candidates
            .into_iter()
            .max_by_key(|(_, titles)| {
                let known = titles
                    .iter()
                    .filter(|title| schema::by_header(title).or_else(|| schema::by_weak_header(title)).is_some())
                    .count();
                (known, titles.len())
            })
            .filter(|(_, titles)| titles.iter().any(|title| !title.trim().is_empty()))
            .ok_or(ListProblem::Empty)?;
        Ok(Self { header: Header::read(&titles)?, encoding, delimiter, text: text.to_owned(), lines_before })
    }

    /// Returns the header, which says what each column holds.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the encoding in which the bytes were read.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Returns a warning for the sender about something that does not stop the import.
    pub const fn note(&self) -> Option<&'static str> {
        match self.encoding {
            Encoding::Windows1252 => Some(
                "the list is not UTF-8, so it was read as Windows-1252; check letters like ä, é and ñ, or export it as \
                 CSV (UTF-8)",
            ),
            Encoding::Utf8 | Encoding::Utf16 => None,
        }
    }

    /// Returns the rows in order. Blank rows are left out, and a bad row does not stop the others.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        (1..).zip(self.records()).map(|(number, record)| Row {
            number,
            line: self.lines_before + line_of(&self.text, &record),
            result: Submission::from_row(&self.header, &record),
        })
    }

    /// Returns the number of rows, but at most `most`: what is beyond is not even read.
    pub fn count_up_to(&self, most: usize) -> usize {
        self.records().take(most).count()
    }

    /// Returns the records after the header that are not blank.
    fn records(&self) -> impl Iterator<Item = StringRecord> + '_ {
        let records = reader(&self.text, self.delimiter).into_records();
        // The text is UTF-8 and in memory, so the reader cannot fail.
        records.skip(1).filter_map(Result::ok).filter(|record| record.iter().any(|cell| !cell.trim().is_empty()))
    }
}

/// Returns the line of `text` on which a record starts. The reader's own position is where it started to look, which
/// may be some blank lines earlier.
pub fn line_of(text: &str, record: &StringRecord) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let from = usize::try_from(position.byte()).ok().and_then(|byte| text.as_bytes().get(byte..)).unwrap_or_default();
    let blank = from.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
    position.line() + u64::try_from(blank.count()).unwrap_or(0)
}

impl Header {
    fn read(titles: &StringRecord) -> Result<Self, ListProblem> {
        let strong: Vec<_> = titles.iter().map(schema::by_header).collect();
        let mut columns: Vec<Column> = Vec::with_capacity(titles.len());
        for (title, field) in titles.iter().zip(&strong) {
            // Of several weak headers for one field, the first is used; the others become custom fields.
            let taken = |wanted: &'static Field| {
                strong.contains(&Some(wanted)) || columns.iter().any(|column| column.holds == Holds::Field(wanted))
            };
            let field = field.or_else(|| schema::by_weak_header(title).filter(|weak| !taken(weak)));
            let holds = match (field, custom_name(title)) {
                (Some(field), _) => Holds::Field(field),
                (None, Some(name)) => Holds::Custom(name),
                (None, None) => Holds::Nothing,
            };
            columns.push(Column { title: title.trim().to_owned(), holds });
        }
        let header = Self { columns };
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<(), ListProblem> {
        for (at, column) in self.columns.iter().enumerate() {
            let Some(name) = column.field_name() else { continue };
            let same = |other: &&Column| other.field_name().is_some_and(|other| key(other) == key(name));
            if let Some(other) = self.columns.iter().skip(at + 1).find(same) {
                return Err(ListProblem::SameColumn {
                    field: name.to_owned(),
                    first: column.title.clone(),
                    second: other.title.clone(),
                });
            }
        }
        if self.title_of("email").or_else(|| self.title_of("phone")).is_none() {
            return Err(ListProblem::NoContactColumn {
                found: self.columns.iter().map(|column| column.title.clone()).collect(),
            });
        }
        let count = self.columns.iter().filter(|column| matches!(column.holds, Holds::Custom(_))).count();
        if count > MOST_CUSTOM {
            return Err(ListProblem::TooManyColumns { count });
        }
        Ok(())
    }

    /// Returns the columns in the order of the file.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the header of the column that holds this field of the schema.
    pub fn title_of(&self, field: &str) -> Option<&str> {
        let column =
            self.columns.iter().find(|column| matches!(column.holds, Holds::Field(known) if known.name == field))?;
        Some(&column.title)
    }

    /// Returns why the cells of a record cannot be matched to the columns, or `None` if they can.
    pub(super) fn shape_problem(&self, record: &StringRecord) -> Option<FieldProblem> {
        let wide = self.columns.len();
        let beyond = record.iter().skip(wide).any(|cell| !cell.trim().is_empty());
        if record.len() < wide || beyond {
            let detail = format!(
                "wrong number of cells: {} instead of {wide}; put text that contains the delimiter or a line break in \
                 double quotes",
                record.len()
            );
            return Some(FieldProblem { pointer: String::new(), detail });
        }
        let stray = (1..)
            .zip(self.columns.iter().zip(record))
            .find(|(_, (column, cell))| column.holds == Holds::Nothing && !cell.trim().is_empty());
        stray.map(|(at, (_, cell))| FieldProblem {
            pointer: format!("column {at}"),
            detail: format!("`{}` is in a column without a header; add a header or clear the column", shown(cell)),
        })
    }
}

impl Column {
    /// Returns the name of the schema field or custom field.
    fn field_name(&self) -> Option<&str> {
        match &self.holds {
            Holds::Field(field) => Some(field.name),
            Holds::Custom(name) => Some(name),
            Holds::Nothing => None,
        }
    }
}

/// Turns a header into the name of a custom field: characters that are not allowed become spaces, and a long header is
/// cut. Headers of spreadsheets are free text (`Umsatz (Mio. €)`), and people should not have to rename columns that
/// they do not need.
fn custom_name(title: &str) -> Option<String> {
    let plain: String = title.chars().map(|c| if schema::is_name_character(c) { c } else { ' ' }).collect();
    let tidy = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = tidy.chars().take(LONGEST_CUSTOM_NAME).collect();
    schema::custom_name(&short).map(str::to_owned)
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes())
}

fn first_record(text: &str, delimiter: u8) -> StringRecord {
    reader(text, delimiter).into_records().next().and_then(Result::ok).unwrap_or_default()
}

fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Encoding), ListProblem> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(unit);
        let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        (Cow::Owned(text), Encoding::Utf16)
    };
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return Ok(utf16(rest, u16::from_le_bytes));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return Ok(utf16(rest, u16::from_be_bytes));
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(ListProblem::NotText { looks_like: "a spreadsheet" });
    }
    if bytes.contains(&0) {
        return Err(ListProblem::NotText { looks_like: "a binary file" });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), Encoding::Utf8),
        Err(_) => (Cow::Owned(bytes.iter().copied().map(windows_1252).collect()), Encoding::Windows1252),
    })
}

/// Decodes a byte of Windows-1252, following the index of the WHATWG encoding standard.
fn windows_1252(byte: u8) -> char {
    const FROM_0X80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let special = byte.checked_sub(0x80).and_then(|at| FROM_0X80.get(usize::from(at)));
    special.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        List::parse(text.as_bytes()).expect("a list").rows().collect()
    }

    fn fields(row: &Row) -> Vec<(&str, &str)> {
        row.result
            .as_ref()
            .expect("a good row")
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    fn problems(row: &Row) -> Vec<String> {
        row.result.as_ref().expect_err("a bad row").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reads_a_spreadsheet_export() {
        let text = "\u{feff}Vorname;Nachname;E-Mail;PLZ;Firma;Umsatz (Mio. €);;Handy\r\nAda;Lovelace;ada@acme.example;01067;\"Acme; Söhne\nGmbH\";12,5;;\r\n;;;;;;;\r\n\r\nMax;Müller;max@beta.example;10115;Beta \"KG\";;;0171 3920000;;\r\n";
        let rows = rows(text);
        assert_eq!(rows.iter().map(|row| (row.number, row.line)).collect::<Vec<_>>(), [(1, 2), (2, 6)]);
        assert_eq!(
            fields(&rows[0]),
            [
                ("company", "Acme; Söhne GmbH"),
                ("custom.Umsatz Mio.", "12,5"),
                ("email", "ada@acme.example"),
                ("first_name", "Ada"),
                ("last_name", "Lovelace"),
                ("postal_code", "01067")
            ]
        );
        assert!(fields(&rows[1]).contains(&("phone", "0171 3920000")));
    }

    #[test]
    fn counts_rows_as_far_as_asked() {
        let list = List::parse(b"email\na@b.example\n\n;;\nnot an address\n \nc@d.example\n").unwrap();
        let rows = list.rows().count();
        assert_eq!((list.count_up_to(100), list.count_up_to(2)), (rows, 2));
    }

    #[test]
    fn detects_the_delimiter() {
        for text in [
            "email,company\na@b.example,Acme",
            "email;company\na@b.example;Acme",
            "email\tcompany\na@b.example\tAcme",
            "sep=;\r\nemail;company\r\na@b.example;Acme\r\n",
            "\"email\";\"company, inc\"\na@b.example;Acme",
        ] {
            let rows = rows(text);
            assert_eq!(rows.len(), 1, "{text}");
            assert_eq!(rows[0].result.as_ref().unwrap().fields.len(), 2, "{text}");
        }
        assert_eq!(rows("sep=;\nemail;company\na@b.example;Acme")[0].line, 3);
        assert_eq!(fields(&rows("correo electrónico\nana@acme.example")[0]), [("email", "ana@acme.example")]);
    }

    #[test]
    fn reads_other_encodings_with_a_note() {
        let list = List::parse(b"Email;Ciudad;Empresa\nana@acme.example;M\xe1laga;\x80uro \x93Sol\x94\n").unwrap();
        assert_eq!(list.encoding(), Encoding::Windows1252);
        assert!(list.note().unwrap().contains("Windows-1252"));
        let rows: Vec<_> = list.rows().collect();
        assert_eq!(fields(&rows[0]), [("city", "Málaga"), ("company", "€uro “Sol”"), ("email", "ana@acme.example")]);

        let utf16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain("Email\tStadt\nx@acme.example\tKöln".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let list = List::parse(&utf16).unwrap();
        assert_eq!((list.encoding(), list.note()), (Encoding::Utf16, None));
        assert_eq!(fields(&list.rows().next().unwrap()), [("city", "Köln"), ("email", "x@acme.example")]);
    }

    #[test]
    fn reports_a_bad_row_by_column_and_continues() {
        let rows = rows(
            "E-Mail,Company,Opt-in\nanna(at)x,Acme,perhaps\n,Acme,yes\na@b.example\na@b.example,Acme,yes,extra\na@b.example,Acme,yes,,\n",
        );
        assert_eq!(
            problems(&rows[0]),
            [
                "E-Mail: `anna(at)x` is not an e-mail address; write it like name@company.example",
                "Opt-in: `perhaps` is neither yes nor no; write true or false"
            ]
        );
        assert_eq!(
            problems(&rows[1]),
            [
                "E-Mail: is missing; send an e-mail address or a phone number (`phone`) so that the person can be reached"
            ]
        );
        assert_eq!(
            problems(&rows[2]),
            [
                "wrong number of cells: 1 instead of 3; put text that contains the delimiter or a line break in double quotes"
            ]
        );
        assert_eq!(
            problems(&rows[3]),
            [
                "wrong number of cells: 4 instead of 3; put text that contains the delimiter or a line break in double quotes"
            ]
        );
        assert!(rows[4].result.is_ok());
    }

    #[test]
    fn reports_text_without_a_header() {
        let rows = rows("email,,company\na@b.example,stray,Acme\n");
        assert_eq!(
            problems(&rows[0]),
            ["column 2: `stray` is in a column without a header; add a header or clear the column"]
        );
    }

    #[test]
    fn uses_weak_headers_only_as_a_fallback() {
        let row = &rows("Email,Phone,Mobile,Title\na@b.example,+4930901820,+491713920000,CEO")[0];
        assert_eq!(
            fields(row),
            [
                ("custom.Mobile", "+491713920000"),
                ("email", "a@b.example"),
                ("job_title", "CEO"),
                ("phone", "+4930901820")
            ]
        );
        let row = &rows("Mobile,Handy\n+491713920000,+491713920001")[0];
        assert_eq!(fields(row), [("custom.Handy", "+491713920001"), ("phone", "+491713920000")]);
    }

    #[test]
    fn says_how_to_fix_an_unreadable_list() {
        let problem = |bytes: &[u8]| List::parse(bytes).expect_err("no list").to_string();
        insta::assert_snapshot!(problem(b"Name,Company\nAda,Acme\n"), @"no column holds an e-mail address or a phone number; the columns are `Name`, `Company`; name one of them `email` or `phone`");
        insta::assert_snapshot!(problem(b"E-Mail;email address;x\n"), @"columns `E-Mail` and `email address` both hold `email`; rename or remove one of them");
        insta::assert_snapshot!(problem(b"email;Budget;budget\n"), @"columns `Budget` and `budget` both hold `Budget`; rename or remove one of them");
        insta::assert_snapshot!(problem(b""), @"the list is empty; start with a line of column names that includes `email` or `phone`");
        insta::assert_snapshot!(problem(b"PK\x03\x04\0\0"), @"the file is not CSV, it looks like a spreadsheet; export it as CSV (UTF-8)");
        let wide = format!("email,{}", (0..51).map(|n| format!("c{n}")).collect::<Vec<_>>().join(","));
        insta::assert_snapshot!(problem(wide.as_bytes()), @"the list has 51 columns that are not in the lead schema; the limit is 50 custom fields; remove some columns");
        assert_eq!(List::parse(b" ; ;\n").expect_err("blank"), ListProblem::Empty);
        assert!(matches!(List::parse(b"a\0b"), Err(ListProblem::NotText { .. })));
    }

    proptest::proptest! {
        #[test]
        fn gives_rows_or_a_problem_for_any_bytes(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), header in "(email|E-Mail;Ort|phone,x|sep=;\nemail)\r?\n") {
            let with_header = [header.as_bytes(), &bytes].concat();
            for bytes in [&bytes, &with_header] {
                if let Ok(list) = List::parse(bytes) {
                    let rows: Vec<_> = list.rows().collect();
                    proptest::prop_assert!(rows.is_sorted_by_key(|row| (row.number, row.line)));
                }
            }
        }
    }
}
