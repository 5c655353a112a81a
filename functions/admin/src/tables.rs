//! Tables that rulebooks look things up in: kept by what they hold, called by name.

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use fairleader_lead::id::is_name;
use fairleader_lead::problem::FieldProblem;
use fairleader_rulebook::{RowProblem, Table};
use fairleader_runtime::http::{self, Caller, Problem};
use fairleader_store::NamedTable;
use serde_json::json;
use tracing::info;

use crate::{Admin, Answer};

/// Largest table in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

fn name(request: &ApiGatewayV2httpRequest) -> &str {
    http::path(request, "name").unwrap_or_default()
}

impl Admin {
    /// `GET /v1/tables`.
    pub(crate) async fn list_tables(&self) -> Answer {
        Ok(http::json(200, &json!({"tables": self.tables.all().await?})))
    }

    /// `GET /v1/tables/{name}`: the newest content, and its hash.
    pub(crate) async fn table(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let name = name(request);
        let Some(table) = self.tables.named(name).await? else {
            return Err(Problem::not_found(format!("there is no table `{name}`")).into());
        };
        let csv = self.tables.content(&table.sha256).await?;
        Ok(http::json(200, &json!({"table": table, "csv": csv})))
    }

    /// `PUT /v1/tables/{name}` (CSV): the name stands for this content from now on. Versions of the rulebook keep what
    /// they were uploaded with.
    pub(crate) async fn put_table(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let name = name(request);
        if !is_name(name) {
            return Err(Problem::new(422, "invalid_id", format!("`{name}` cannot be the name of a table"))
                .detail("use 1 to 64 of a-z, 0-9, hyphen, underscore and dot, beginning with a letter or digit")
                .into());
        }
        let body = http::body(request);
        if body.len() > MAX_BYTES {
            return Err(Problem::new(413, "too_large", format!("the table has {} bytes", body.len()))
                .detail(format!("at most {MAX_BYTES} bytes are taken"))
                .into());
        }
        let csv = String::from_utf8(body).map_err(|cause| {
            Problem::new(422, "invalid_table", "the table is not text")
                .detail(format!("{}; save it as CSV (UTF-8)", cause.utf8_error()))
        })?;
        let csv = csv.trim_start_matches('\u{feff}');
        let read = Table::parse(name, csv).map_err(|problems| refused(&problems))?;
        if read.is_empty() {
            return Err(Problem::new(422, "invalid_table", "the table has no rows")
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
            uploaded_by: caller.subject.clone(),
        };
        let kept = self.tables.put(&table, csv).await?;
        info!(table = name, sha256 = kept.sha256, "kept table");
        Ok(http::json(200, &kept))
    }
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
    Problem::new(422, "invalid_table", "the table cannot be read")
        .detail("mend the lines named in `errors` and send it again; nothing was kept")
        .errors(errors)
}
