//! Lookup tables of rulebooks: a name points to the hash of the content.

use std::sync::Arc;

use fairleader_api::shape::rulebooks as shape;
use fairleader_api::{Call, Code, Problem, Reply, reply, version};
use fairleader_lead::problem::FieldProblem;
use fairleader_rulebook::{RowProblem, Table};
use fairleader_runtime::http::{Answer, changed, edit};
use fairleader_store::{NamedTable, StoreError, Tries, Versioned};
use tracing::info;

use crate::Rulebooks;
use crate::aside::aside;

/// Size limit of a table, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Length of a page of a table's content, in bytes. In JSON a character can take six times its length.
const PAGE: usize = 900_000;

impl Rulebooks {
    /// `GET /v1/tables`: lists the tables.
    pub(crate) async fn list_tables(&self) -> Answer {
        let tables = self.tables.all().await?.into_iter().map(table_view).collect();
        Ok(reply::json(200, &shape::Tables { tables }))
    }

    /// `GET /v1/tables/{name}`: returns the current content of a table, and its hash.
    pub(crate) async fn table(&self, call: &Call<'_>) -> Answer {
        let name = call.path("name");
        let Some(found) = self.tables.find(name).await? else {
            return Err(Problem::not_found(format!("there is no table `{name}`")).into());
        };
        let content = self.tables.content(&found.value.sha256).await?;
        let (csv, next) = match (content, call.query("from")) {
            (None, None) => (None, None),
            (Some(content), None) => page(&content, &found.value.sha256, 0),
            (content, Some(cursor)) => {
                let start = content.as_ref().zip(start(cursor, &found.value.sha256));
                let start = start.filter(|(content, start)| content.is_char_boundary(*start));
                let (content, start) = start.ok_or_else(|| StoreError::Cursor(cursor.to_owned()))?;
                page(content, &found.value.sha256, start)
            }
        };
        let content = shape::TableContent { table: table_view(found.value), csv, next };
        Ok(version::json(200, &content, found.revision))
    }

    /// `PUT /v1/tables/{name}` (CSV): stores the content of a table. Versions of the rulebook keep the content that
    /// they were uploaded with.
    pub(crate) async fn put_table(&self, call: &Call<'_>) -> Answer {
        let name = call.name("name", "the name of a table")?;
        let wanted = version::if_match(call)?;
        let body = call.body();
        if body.len() > MAX_BYTES {
            return Err(Problem::new(Code::TooLarge, format!("the table is too large ({} bytes)", body.len()))
                .detail(format!("the limit is {MAX_BYTES} bytes"))
                .into());
        }
        let csv = String::from_utf8(body).map_err(|cause| {
            Problem::new(Code::InvalidTable, "the table is not text")
                .detail(format!("{}; save it as CSV (UTF-8)", cause.utf8_error()))
        })?;
        let csv: Arc<str> = Arc::from(csv.trim_start_matches('\u{feff}'));
        let (parsed, of) = (Arc::clone(&csv), name.to_owned());
        let read = aside(call.deadline, move |_| Table::parse(&of, &parsed)).await?;
        let read = read.map_err(|problems| refused(&problems))?;
        if read.is_empty() {
            return Err(Problem::new(Code::InvalidTable, "the table has no rows")
                .detail("the first line names the columns; every further line is a row")
                .into());
        }
        let table = NamedTable {
            name: name.to_owned(),
            sha256: read.hash().to_owned(),
            columns: read.columns().to_vec(),
            bytes: csv.len(),
            rows: read.len(),
            uploaded_at: self.clock.now(),
            uploaded_by: call.caller()?.subject.clone(),
        };
        let mut tries = Tries::until(call.deadline, [name]);
        loop {
            tries.again("writing a table").await?;
            let seen = self.tables.find(name).await?;
            if let Some(reply) = changed_since(name, wanted, seen.as_ref()) {
                return Ok(reply);
            }
            let edit = edit(call, table.uploaded_at)?;
            if let Some(kept) = self.tables.replace(&self.audit, seen.as_ref(), &table, &csv, &edit).await? {
                info!(table = name, sha256 = kept.value.sha256, "stored table");
                return Ok(version::json(200, &table_view(kept.value), kept.revision));
            }
        }
    }

    /// `DELETE /v1/tables/{name}`: deletes the name of a table, so that new versions cannot use it. Versions of the
    /// rulebook keep the content that they were uploaded with.
    pub(crate) async fn delete_table(&self, call: &Call<'_>) -> Answer {
        let name = call.path("name");
        let wanted = version::if_match(call)?;
        let mut tries = Tries::until(call.deadline, [name]);
        loop {
            tries.again("deleting a table").await?;
            let seen = self.tables.find(name).await?;
            if let Some(reply) = changed_since(name, wanted, seen.as_ref()) {
                return Ok(reply);
            }
            let Some(seen) = seen else { return Ok(reply::no_content()) };
            if self.tables.remove(&self.audit, &seen, &edit(call, self.clock.now())?).await? {
                info!(table = name, "deleted table");
                return Ok(reply::no_content());
            }
        }
    }
}

/// Returns the page of a table's content from byte `start` on, and the cursor of the next page.
fn page(content: &str, sha256: &str, start: usize) -> (Option<String>, Option<String>) {
    let rest = content.get(start..).unwrap_or_default();
    let end = rest.floor_char_boundary(PAGE);
    let page = rest.get(..end).unwrap_or_default().to_owned();
    let next = (end < rest.len()).then(|| format!("{sha256}.{}", start.saturating_add(end)));
    (Some(page), next)
}

/// Returns where the page of a cursor starts. A cursor is of one content: after a change, the pages would not fit.
fn start(cursor: &str, sha256: &str) -> Option<usize> {
    cursor.strip_prefix(sha256)?.strip_prefix('.')?.parse().ok()
}

fn changed_since(name: &str, wanted: Option<u64>, seen: Option<&Versioned<NamedTable>>) -> Option<Reply> {
    changed(&format!("table `{name}`"), wanted, seen, |table| table_view(table.clone()))
}

fn table_view(of: NamedTable) -> shape::Table {
    let NamedTable { name, sha256, columns, bytes, rows, uploaded_at, uploaded_by } = of;
    shape::Table { name, sha256, columns, bytes, rows, uploaded_at, uploaded_by }
}

/// Makes the problem for a table that cannot be read, with one error per line.
fn refused(problems: &[RowProblem]) -> Problem {
    let errors = problems
        .iter()
        .map(|problem| FieldProblem {
            pointer: problem.column.clone().unwrap_or_default(),
            detail: format!("line {}: {}", problem.line, problem.message),
        })
        .collect();
    Problem::new(Code::InvalidTable, "the table cannot be read")
        .detail("correct the lines listed in `errors` and send it again; nothing was stored")
        .errors(errors)
}
