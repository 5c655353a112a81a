//! `imports`: imports of lists, with the results of their parts and rows.
//!
//! | access | key |
//! |---|---|
//! | an import | `import_id`, `import` |
//! | the result of a part | `import_id`, `part#` + 6 digits |
//! | the results of its rows | `import_id`, `rows#` + 6 digits + `.` + 4 digits, deflated |

use std::io::{Read, Write as _};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use fairleader_lead::id::{LeadId, SourceId};
use fairleader_lead::problem::FieldProblem;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{Item, PART, body, bytes, each, get_bytes, get_text, item, readable, record, stored, text};
use crate::table::Write;
use crate::{StoreError, Table};

const IMPORT_ID: &str = "import_id";
const IMPORT: &str = "import";
const PARTS: &str = "part#";
const ROWS: &str = "rows#";
const DATA: &str = "data";
/// Parts on a page.
const PAGE: i32 = 1_000;

/// Row results in one item. At a few hundred bytes each before compression, this is well below 400 KB.
pub const ROWS_PER_ITEM: usize = 1_000;

/// Table of imports.
#[derive(Clone, Debug)]
pub struct Imports(Table);

/// Import of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Import {
    /// Its identifier.
    pub import_id: String,
    /// Name of the list, for people.
    pub name: String,
    /// Source of its leads.
    pub source: SourceId,
    /// Whether rows are only checked and not stored.
    pub dry_run: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Result of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartResult {
    /// Number of the part, from 1.
    pub part: u32,
    /// SHA-256 of the part, in hex.
    pub sha256: String,
    /// Number of rows.
    pub rows: u32,
    /// Rows that were accepted as leads, or would be in a dry run.
    pub accepted: u32,
    /// Rows that were rejected.
    pub rejected: u32,
}

/// Result of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowResult {
    /// Number of the part.
    pub part: u32,
    /// Number of the row in the part, from 1 without the header.
    pub row: u32,
    /// Line in the part where the row begins.
    pub line: u64,
    /// Id of its lead; missing if the row was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<LeadId>,
    /// Why it was rejected, by column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

stored! {
    ImportForm of Import {
        import_id: String,
        name: String,
        source: SourceId,
        dry_run: bool,
        created_at: Timestamp,
    }
}

stored! {
    PartForm of PartResult {
        part: u32,
        sha256: String,
        rows: u32,
        accepted: u32,
        rejected: u32,
    }
}

stored! {
    ProblemForm of FieldProblem {
        pointer: String,
        detail: String,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct RowForm {
    part: u32,
    row: u32,
    line: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lead_id: Option<LeadId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemForm>,
}

impl From<RowResult> for RowForm {
    fn from(RowResult { part, row, line, lead_id, errors }: RowResult) -> Self {
        Self { part, row, line, lead_id, errors: each(errors) }
    }
}

impl From<RowForm> for RowResult {
    fn from(RowForm { part, row, line, lead_id, errors }: RowForm) -> Self {
        Self { part, row, line, lead_id, errors: each(errors) }
    }
}

fn key(import: &str, part: &str) -> Item {
    item([(IMPORT_ID, text(import)), (PART, text(part))])
}

pub(crate) fn import_item(import: &Import) -> Result<Item, StoreError> {
    record(key(&import.import_id, IMPORT), &ImportForm::from(import.clone()))
}

pub(crate) fn import(item: &Item, table: &str) -> Result<Import, StoreError> {
    Ok(body::<ImportForm>(item, table)?.into())
}

pub(crate) fn part_item(import: &str, part: &PartResult) -> Result<Item, StoreError> {
    record(key(import, &format!("{PARTS}{:06}", part.part)), &PartForm::from(part.clone()))
}

pub(crate) fn part(item: &Item, table: &str) -> Result<PartResult, StoreError> {
    Ok(body::<PartForm>(item, table)?.into())
}

/// Builds item `number` of the row results of a part.
pub(crate) fn rows_item(import: &str, part: u32, number: usize, rows: &[RowResult]) -> Result<Item, StoreError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&serde_json::to_vec(&each::<_, RowForm>(rows.to_vec()))?)?;
    let mut item = key(import, &format!("{ROWS}{part:06}.{number:04}"));
    item.insert(DATA.to_owned(), bytes(encoder.finish()?));
    Ok(item)
}

pub(crate) fn rows(item: &Item, table: &str) -> Result<Vec<RowResult>, StoreError> {
    readable(item, table)?;
    let mut unpacked = Vec::new();
    DeflateDecoder::new(get_bytes(item, table, DATA)?).read_to_end(&mut unpacked)?;
    Ok(each(serde_json::from_slice::<Vec<RowForm>>(&unpacked)?))
}

/// Returns whether a text can be a cursor of row results: 6 digits of the part, 4 of the item.
fn is_rows_cursor(cursor: &str) -> bool {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    cursor.split_once('.').is_some_and(|(part, item)| digits(part, 6) && digits(item, 4))
}

impl Imports {
    /// Creates a client for the imports in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Stores a new import. If it exists, changes nothing and returns the stored one.
    pub async fn create(&self, new: &Import) -> Result<Import, StoreError> {
        match self.0.put_if(import_item(new)?, "attribute_not_exists(import_id)", []).await? {
            Write::Refused(Some(existing)) => import(&existing, &self.0.name),
            _ => Ok(new.clone()),
        }
    }

    /// Reads an import, without its parts.
    pub async fn find(&self, id: &str) -> Result<Option<Import>, StoreError> {
        self.0.get(key(id, IMPORT)).await?.map(|item| import(&item, &self.0.name)).transpose()
    }

    /// Reads the result of a part, if it was imported.
    pub async fn part(&self, id: &str, number: u32) -> Result<Option<PartResult>, StoreError> {
        let found = self.0.get(key(id, &format!("{PARTS}{number:06}"))).await?;
        found.map(|item| part(&item, &self.0.name)).transpose()
    }

    /// Stores results of rows of a part, at most [`ROWS_PER_ITEM`]. `number` counts these calls for a part, from 0.
    pub async fn put_rows(&self, import: &str, part: u32, number: usize, rows: &[RowResult]) -> Result<(), StoreError> {
        self.0.put(rows_item(import, part, number, rows)?).await
    }

    /// Stores the result of a part. All its rows must be stored before.
    pub async fn put_part(&self, import: &str, part: &PartResult) -> Result<(), StoreError> {
        self.0.put(part_item(import, part)?).await
    }

    /// Reads a page of about a thousand row results, and the cursor of the next page.
    pub async fn rows(&self, id: &str, from: Option<&str>) -> Result<(Vec<RowResult>, Option<String>), StoreError> {
        if let Some(cursor) = from.filter(|cursor| !is_rows_cursor(cursor)) {
            return Err(StoreError::Cursor(cursor.to_owned()));
        }
        let answer = self
            .by_prefix(id, ROWS)
            .limit(2)
            .set_exclusive_start_key(from.map(|cursor| key(id, &format!("{ROWS}{cursor}"))))
            .send()
            .await
            .map_err(StoreError::service(self.0.what("querying")))?;
        // The second item is only read to know whether there is a next page.
        let rows = answer.items().first().map(|item| rows(item, &self.0.name)).transpose()?.unwrap_or_default();
        let next = match answer.items() {
            [read, _, ..] => Some(get_text(read, &self.0.name, PART)?.trim_start_matches(ROWS).to_owned()),
            _ => None,
        };
        Ok((rows, next))
    }

    fn by_prefix(&self, import: &str, prefix: &str) -> QueryFluentBuilder {
        self.0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("import_id = :import AND begins_with(part, :prefix)")
            .expression_attribute_values(":import", text(import))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true)
    }

    /// Reads a page of at most 1,000 part results, and the cursor of the next page.
    pub async fn parts(
        &self,
        import: &str,
        from: Option<&str>,
    ) -> Result<(Vec<PartResult>, Option<String>), StoreError> {
        let is_part = |cursor: &str| cursor.len() == 6 && cursor.bytes().all(|b| b.is_ascii_digit());
        if let Some(cursor) = from.filter(|cursor| !is_part(cursor)) {
            return Err(StoreError::Cursor(cursor.to_owned()));
        }
        let answer = self
            .by_prefix(import, PARTS)
            .limit(PAGE)
            .set_exclusive_start_key(from.map(|cursor| key(import, &format!("{PARTS}{cursor}"))))
            .send()
            .await
            .map_err(StoreError::service(self.0.what("querying")))?;
        let parts = answer.items().iter().map(|item| part(item, &self.0.name)).collect::<Result<_, _>>()?;
        let last = answer.last_evaluated_key().map(|last| get_text(last, &self.0.name, PART)).transpose()?;
        Ok((parts, last.map(|last| last.trim_start_matches(PARTS).to_owned())))
    }
}
