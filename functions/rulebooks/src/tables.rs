//! Tables that rulebooks look things up in: kept by what they hold, called by name.

use fairleader_api::shape::rulebooks as shape;
use fairleader_api::{Call, Code, Problem, reply};
use fairleader_lead::problem::FieldProblem;
use fairleader_rulebook::{RowProblem, Table};
use fairleader_runtime::http::Answer;
use fairleader_store::NamedTable;
use tracing::info;

use crate::Rulebooks;

/// Largest table in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

impl Rulebooks {
    /// `GET /v1/tables`.
    pub(crate) async fn list_tables(&self) -> Answer {
        let tables = self.tables.all().await?.into_iter().map(table_view).collect();
        Ok(reply::json(200, &shape::Tables { tables }))
    }

    /// `GET /v1/tables/{name}`: the newest content, and its hash.
    pub(crate) async fn table(&self, call: &Call<'_>) -> Answer {
        let name = call.path("name");
        let Some(table) = self.tables.named(name).await? else {
            return Err(Problem::not_found(format!("there is no table `{name}`")).into());
        };
        let csv = self.tables.content(&table.sha256).await?;
        Ok(reply::json(200, &shape::TableContent { table: table_view(table), csv }))
    }

    /// `PUT /v1/tables/{name}` (CSV): the name stands for this content from now on. Versions of the rulebook keep what
    /// they were uploaded with.
    pub(crate) async fn put_table(&self, call: &Call<'_>) -> Answer {
        let name = call.name("name", "the name of a table")?;
        let body = call.body();
        if body.len() > MAX_BYTES {
            return Err(Problem::new(Code::TooLarge, format!("the table has {} bytes", body.len()))
                .detail(format!("at most {MAX_BYTES} bytes are taken"))
                .into());
        }
        let csv = String::from_utf8(body).map_err(|cause| {
            Problem::new(Code::InvalidTable, "the table is not text")
                .detail(format!("{}; save it as CSV (UTF-8)", cause.utf8_error()))
        })?;
        let csv = csv.trim_start_matches('\u{feff}');
        let read = Table::parse(name, csv).map_err(|problems| refused(&problems))?;
        if read.is_empty() {
            return Err(Problem::new(Code::InvalidTable, "the table has no rows")
                .detail("its first line names the columns, each further one is a row")
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
        let kept = self.tables.put(&table, csv).await?;
        info!(table = name, sha256 = kept.sha256, "kept table");
        Ok(reply::json(200, &table_view(kept)))
    }

    /// `DELETE /v1/tables/{name}`: nothing can look up in it from now on. Versions of the rulebook keep the very content
    /// that they were uploaded with, so the active one decides as before.
    pub(crate) async fn delete_table(&self, call: &Call<'_>) -> Answer {
        let name = call.path("name");
        self.tables.delete(name).await?;
        info!(table = name, by = call.caller()?.subject, "deleted table");
        Ok(reply::no_content())
    }
}

fn table_view(of: NamedTable) -> shape::Table {
    let NamedTable { name, sha256, columns, bytes, rows, uploaded_at, uploaded_by } = of;
    shape::Table { name, sha256, columns, bytes, rows, uploaded_at, uploaded_by }
}

/// Every problem with the line it is in.
fn refused(problems: &[RowProblem]) -> Problem {
    let errors = problems
        .iter()
        .map(|problem| FieldProblem {
            pointer: problem.column.clone().unwrap_or_default(),
            detail: format!("line {}: {}", problem.line, problem.message),
        })
        .collect();
    Problem::new(Code::InvalidTable, "the table cannot be read")
        .detail("mend the lines named in `errors` and send it again; nothing was kept")
        .errors(errors)
}
