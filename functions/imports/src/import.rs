//! Import of lists, part by part. Every row has a result. Importing the same part again changes nothing.

use fairleader_api::shape::imports as shape;
use fairleader_api::{Call, Code, Problem, reply};
use fairleader_lead::id::SourceId;
use fairleader_lead::limit;
use fairleader_lead::problem::FieldProblem;
use fairleader_lead::submission::lead_id;
use fairleader_lead::submission::list::{List, Row};
use fairleader_messaging::command::SCHEMA;
use fairleader_messaging::{Outgoing, SendError, StoreLead};
use fairleader_runtime::http::{Answer, Failure};
use fairleader_store::{Import, PartResult, ROWS_PER_ITEM, RowResult};
use futures::TryStreamExt;
use futures::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tracing::info;
use uuid::Uuid;

use crate::Imports;

/// Size limit of a part, in bytes.
const MAX_PART: usize = 4 * 1024 * 1024;
/// Limit on the rows of a part: what one call reads and queues in a fraction of its time.
const MAX_ROWS: usize = 20_000;
/// Highest part number.
const MAX_PARTS: u32 = 100_000;
/// Rows that are read at a time. One sender queues them, one request after another.
const SENDER: usize = 100;
/// Limit on concurrent senders.
const SENDERS: usize = 8;
/// Limit on the problems that are kept of a row.
const MOST_PROBLEMS: usize = 10;
/// Limit on the rejected rows in the reply. `rows_url` has all of them.
const SHOWN: usize = 20;

impl Imports {
    /// `POST /v1/imports`: starts an import.
    pub(crate) async fn post_import(&self, call: &Call<'_>) -> Answer {
        let key = call.idempotency_key()?;
        let new: shape::NewImport = call.json()?;
        let named = limit::name("/source", new.source.as_str());
        let errors: Vec<_> = limit::title(&new.name, "a list").into_iter().chain(named).collect();
        if !errors.is_empty() {
            return Err(Problem::invalid_body(errors).into());
        }
        let import_id = match key {
            Some(key) => lead_id::derive(&SourceId::from("import"), key).to_string(),
            None => Uuid::now_v7().to_string(),
        };
        let import = Import {
            import_id,
            name: new.name,
            source: new.source,
            dry_run: new.dry_run,
            created_at: self.clock.now(),
        };
        let begun = self.lists.create(&import).await?;
        if (&begun.name, &begun.source, begun.dry_run) != (&import.name, &import.source, import.dry_run) {
            return Err(Problem::new(
                Code::ImportExists,
                "this Idempotency-Key was used for an import with a different body",
            )
            .detail("use a new key for a new list")
            .into());
        }
        Ok(reply::json(201, &import_view(begun)))
    }

    /// `GET /v1/imports/{id}`: returns an import and the results of its parts.
    pub(crate) async fn import(&self, call: &Call<'_>) -> Answer {
        let id = call.path("id");
        let Some(import) = self.lists.find(id).await? else { return Err(no_such_import(id).into()) };
        let (parts, next) = self.lists.parts(id, call.query("from")).await?;
        let sum = |count: fn(&PartResult) -> u32| parts.iter().map(|part| u64::from(count(part))).sum::<u64>();
        let result = shape::ImportResult {
            import: import_view(import),
            rows: sum(|part| part.rows),
            accepted: sum(|part| part.accepted),
            rejected: sum(|part| part.rejected),
            parts: parts.into_iter().map(part_view).collect(),
            next,
        };
        Ok(reply::json(200, &result))
    }

    /// `GET /v1/imports/{id}/rows`: lists the result of every row.
    pub(crate) async fn rows(&self, call: &Call<'_>) -> Answer {
        let id = call.path("id");
        if self.lists.find(id).await?.is_none() {
            return Err(no_such_import(id).into());
        }
        let (rows, next) = self.lists.rows(id, call.query("from")).await?;
        Ok(reply::json(
            200,
            &shape::Rows { import_id: id.to_owned(), rows: rows.into_iter().map(row_view).collect(), next },
        ))
    }

    /// `PUT /v1/imports/{id}/parts/{part}` (CSV with its own header): imports a part of a list.
    ///
    /// Leads are queued before the results are stored. A caller that gets no reply sends the part again; every row gets
    /// the same lead id, so no lead is duplicated. It needs no `Idempotency-Key`, but refuses one that is not valid, as
    /// everywhere.
    pub(crate) async fn put_part(&self, call: &Call<'_>) -> Answer {
        call.idempotency_key()?;
        let id = call.path("id");
        let part = call.path("part");
        let Some(part) = part.parse::<u32>().ok().filter(|part| (1..=MAX_PARTS).contains(part)) else {
            return Err(Problem::new(Code::InvalidPart, format!("`{part}` is not a part number"))
                .detail(format!("parts are numbered from 1 to {MAX_PARTS}"))
                .into());
        };
        let body = call.body();
        if body.len() > MAX_PART {
            return Err(Problem::new(Code::TooLarge, format!("the part is too large ({} bytes)", body.len()))
                .detail(format!(
                    "the limit is {MAX_PART} bytes; split the list into more parts, each with the header line"
                ))
                .into());
        }
        let Some(import) = self.lists.find(id).await? else { return Err(no_such_import(id).into()) };
        let sha256 = format!("{:x}", Sha256::digest(&body));
        if self.lists.part(id, part).await?.is_some_and(|done| done.sha256 != sha256) {
            return Err(Problem::new(
                Code::PartExists,
                format!("part {part} was already imported with different content"),
            )
            .detail("use the next part number for more rows; the imported rows are leads already")
            .into());
        }
        let list = List::parse(&body).map_err(|problem| {
            Problem::new(Code::InvalidList, "the list cannot be read")
                .detail(format!("{problem}; nothing was imported"))
        })?;
        // What is not read takes no time and no memory.
        let count = list.count_up_to(MAX_ROWS + 1);
        if count > MAX_ROWS {
            return Err(Problem::new(Code::TooLarge, format!("the part has more than {MAX_ROWS} rows"))
                .detail(format!(
                    "the limit is {MAX_ROWS} rows; split the list into more parts, each with the header line; nothing \
                     was imported"
                ))
                .into());
        }
        let batch = Batch { import: &import, part, sha256: &sha256, now: self.clock.now(), count };
        let (result, rejected) = self.read_part(&batch, list.rows()).await?;
        info!(import = id, part, rows = result.rows, rejected = result.rejected, "imported part");
        let reply = shape::PartReply {
            part: result.part,
            rows: result.rows,
            accepted: result.accepted,
            rejected: result.rejected,
            dry_run: import.dry_run,
            note: list.note().map(str::to_owned),
            rejections: rejected.into_iter().map(row_view).collect(),
            rows_url: format!("/v1/imports/{id}/rows"),
        };
        Ok(reply::json(200, &reply))
    }

    /// Queues the leads of all rows and stores the result of each, some rows at a time. Returns the result of the part
    /// and the first rejected rows.
    async fn read_part(
        &self,
        batch: &Batch<'_>,
        mut rows: impl Iterator<Item = Row>,
    ) -> Result<(PartResult, Vec<RowResult>), Failure> {
        let &Batch { import, part, sha256, .. } = batch;
        let mut result = PartResult { part, sha256: sha256.to_owned(), rows: 0, accepted: 0, rejected: 0 };
        let mut rejected: Vec<RowResult> = Vec::new();
        let mut kept = Vec::with_capacity(ROWS_PER_ITEM);
        let mut stored = 0;
        let mut sending = FuturesUnordered::new();
        loop {
            let mut messages = Vec::new();
            let before = kept.len();
            for row in rows.by_ref().take(SENDER) {
                let (row, message) = batch.read(row)?;
                messages.extend(message);
                kept.push(row);
            }
            let read = kept.get(before..).unwrap_or_default();
            if read.is_empty() {
                break;
            }
            for row in read {
                result.rows += 1;
                match row.lead_id {
                    Some(_) => result.accepted += 1,
                    None => result.rejected += 1,
                }
            }
            let more = SHOWN - rejected.len();
            rejected.extend(read.iter().filter(|row| row.lead_id.is_none()).take(more).cloned());
            if !import.dry_run {
                sending.push(self.enrich.send_all(messages));
            }
            while sending.len() >= SENDERS {
                sending.try_next().await?;
            }
            if kept.len() >= ROWS_PER_ITEM {
                self.lists.put_rows(&import.import_id, part, stored, &kept).await?;
                stored += 1;
                kept.clear();
            }
            // Reading takes the processor. On one machine others need it too.
            tokio::task::yield_now().await;
        }
        while sending.try_next().await?.is_some() {}
        if !kept.is_empty() {
            self.lists.put_rows(&import.import_id, part, stored, &kept).await?;
        }
        self.lists.put_part(&import.import_id, &result).await?;
        Ok((result, rejected))
    }
}

/// Part of an import that is being read.
struct Batch<'a> {
    import: &'a Import,
    part: u32,
    sha256: &'a str,
    now: Timestamp,
    /// Number of its rows.
    count: usize,
}

impl Batch<'_> {
    /// Returns the result of a row, and the command that stores its lead if it is accepted.
    fn read(&self, row: Row) -> Result<(RowResult, Option<Outgoing>), SendError> {
        let (lead_id, errors, message) = match row.result {
            Ok(submission) => {
                let source = self.import.source.clone();
                let id = lead_id::derive(&source, &format!("{}:{}", self.sha256, row.number));
                let group = format!("import-{}", self.import.import_id);
                let trace = format!("{group}-{}-{}", self.part, row.number);
                let command = StoreLead {
                    schema: SCHEMA,
                    lead_id: id.clone(),
                    source,
                    group,
                    received_at: received(self.now, self.count, row.number),
                    payload_hash: submission.payload_hash(),
                    submission,
                    trace,
                };
                (Some(id), Vec::new(), Some(Outgoing::new(&command, Some(&command.group))?))
            }
            Err(errors) => (None, first_problems(errors), None),
        };
        Ok((RowResult { part: self.part, row: row.number, line: row.line, lead_id, errors }, message))
    }
}

/// Returns the first problems of a row, and says how many more there are. A page has the problems of 1,000 rows.
fn first_problems(mut errors: Vec<FieldProblem>) -> Vec<FieldProblem> {
    let more = errors.len().saturating_sub(MOST_PROBLEMS);
    if more > 0 {
        errors.truncate(MOST_PROBLEMS);
        errors.push(FieldProblem { pointer: String::new(), detail: format!("{more} more problems are not shown") });
    }
    errors
}

/// Returns when a row counts as received: rows are one millisecond apart and the last one is now. So for two rows of
/// the same person, the later row wins.
fn received(now: Timestamp, rows: usize, number: u32) -> Timestamp {
    let before = i64::try_from(rows).unwrap_or(0) - i64::from(number);
    now.checked_sub(SignedDuration::from_millis(before.max(0))).unwrap_or(now)
}

fn import_view(of: Import) -> shape::Import {
    let Import { import_id, name, source, dry_run, created_at } = of;
    shape::Import { import_id, name, source, dry_run, created_at }
}

fn part_view(of: PartResult) -> shape::PartResult {
    let PartResult { part, sha256, rows, accepted, rejected } = of;
    shape::PartResult { part, sha256, rows, accepted, rejected }
}

fn row_view(of: RowResult) -> shape::RowResult {
    let RowResult { part, row, line, lead_id, errors } = of;
    shape::RowResult { part, row, line, lead_id, errors }
}

fn no_such_import(id: &str) -> Problem {
    Problem::not_found(format!("there is no import `{id}`")).detail("create one with POST /v1/imports")
}
