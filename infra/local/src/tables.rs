//! DynamoDB on this machine: `dynoxide` on one SQLite file, called in this process.
//!
//! One thread owns the engine and works off calls in batches that share one flush of the disk (`tables/worker.rs`): no
//! answer leaves before everything it rests on is on disk, and yet 16 callers at once write five times as fast as with
//! a flush each (measured where a flush takes 3 ms).
//!
//! Only what the engine's own HTTP server alone can do, wording a refusal of a malformed request exactly as AWS does,
//! is asked of that server (`tables/engine.rs`). It is started for the one request and listens no longer, because it
//! would let anybody in.
//!
//! Streams are read from the file directly (`tables/stream.rs`).

mod engine;
mod stream;
mod stream_api;
mod worker;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::update_time_to_live::UpdateTimeToLiveRequest;
use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};
use tokio::sync::watch;

pub use self::engine::Reply;
pub(crate) use self::engine::{in_process, writes};
pub use self::stream::StreamRecordRaw;
use self::stream::Streams;
use self::worker::Worker;
use crate::stack::Table;

/// The tables of the stack. Clones share them.
#[derive(Clone)]
pub struct Tables {
    shared: Arc<Shared>,
}

struct Shared {
    database: Database,
    worker: Worker,
    streams: Streams,
    written: watch::Sender<u64>,
}

/// The tables cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened, or is none of the engine's.
    #[error("the tables in `{path}` cannot be opened: {source}")]
    Database {
        /// The file.
        path: String,
        /// What the engine says.
        source: DynoxideError,
    },
    /// The file's log cannot be flushed, or the thread for it not started.
    #[error("the tables in `{path}` cannot be kept on disk: {source}")]
    Disk {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The streams in the file cannot be read.
    #[error("the streams in `{path}` cannot be read: {source}")]
    Streams {
        /// The file.
        path: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The engine does not make or change a table as the template has it.
    #[error("table `{table}` cannot be made as the template has it: {source}")]
    Table {
        /// The table.
        table: String,
        /// What the engine says.
        source: DynoxideError,
    },
    /// The template's definition of a table cannot be read by the engine.
    #[error("table `{table}` cannot be made as the template has it: {source}")]
    Definition {
        /// The table.
        table: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The file has the table, but otherwise than the template.
    #[error(
        "table `{table}` in `{path}` has {part} {found}, but the template has {wanted}; a table that exists is not changed: \
         put the template back as it was, or start with an empty data folder"
    )]
    Changed {
        /// The table.
        table: String,
        /// The file.
        path: String,
        /// Which part differs.
        part: &'static str,
        /// What the file has.
        found: String,
        /// What the template has.
        wanted: String,
    },
}

impl Tables {
    /// Opens the file at `path`, makes the tables that are missing, and sets what expires.
    ///
    /// Blocks until done. A table that is there but has other keys, indexes or another stream than in the template is
    /// refused.
    pub fn open(path: &Path, tables: &[Table]) -> Result<Self, OpenError> {
        let shown = path.display().to_string();
        let database = Database::new(&path.to_string_lossy())
            .map_err(|source| OpenError::Database { path: shown.clone(), source })?;
        for table in tables {
            ensure(&database, table, &shown)?;
        }
        let streams =
            Streams::open(path, tables).map_err(|source| OpenError::Streams { path: shown.clone(), source })?;
        let worker = Worker::start(&database, path).map_err(|source| OpenError::Disk { path: shown, source })?;
        let shared = Shared { database, worker, streams, written: watch::Sender::new(0) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Answers `operation` (`GetItem`) with the JSON request `body`, as DynamoDB or DynamoDB Streams would.
    pub async fn call(&self, operation: &str, body: Bytes) -> Reply {
        if let "GetShardIterator" | "GetRecords" = operation {
            return self.stream_call(operation, body).await;
        }
        let mut reply = if let Some(reply) = self.shared.worker.call(operation, body.clone()).await {
            reply
        } else {
            let reply = engine::through_server(&self.shared.database, operation, body).await;
            self.shared.worker.settle().await;
            reply
        };
        if reply.status == 200 && operation == "DescribeTable" {
            reply.body = self.shared.streams.named(reply.body);
        }
        if reply.status == 200 && engine::writes(operation) {
            self.shared.written.send_modify(|count| *count = count.wrapping_add(1));
        }
        reply
    }

    /// Changes whenever something was written, so that readers of streams need not ask again and again.
    pub fn written(&self) -> watch::Receiver<u64> {
        self.shared.written.subscribe()
    }

    /// Up to `limit` records of the table's stream after the one numbered `after` (`None`: from the oldest kept), in
    /// order.
    pub async fn read_stream(
        &self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> anyhow::Result<Vec<StreamRecordRaw>> {
        let (shared, table, after) = (Arc::clone(&self.shared), table.to_owned(), after.map(str::to_owned));
        let read = tokio::task::spawn_blocking(move || shared.streams.read(&table, after.as_deref(), limit)).await??;
        if !read.is_empty() {
            // The file shows what is written a moment before it is flushed; nobody may act on it sooner.
            self.shared.worker.settle().await;
        }
        Ok(read)
    }

    /// The number of the newest record of the table's stream; `None` if it has none.
    pub async fn stream_end(&self, table: &str) -> anyhow::Result<Option<String>> {
        let (shared, table) = (Arc::clone(&self.shared), table.to_owned());
        tokio::task::spawn_blocking(move || shared.streams.end(&table)).await?
    }

    /// Removes records of the table's stream that are older than 24 hours and not after `done`, the number up to which
    /// every reader is through. The newest record stays, so that numbers never begin anew. Returns how many went.
    pub async fn trim_stream(&self, table: &str, done: &str) -> anyhow::Result<usize> {
        let (shared, table, done) = (Arc::clone(&self.shared), table.to_owned(), done.to_owned());
        tokio::task::spawn_blocking(move || shared.streams.trim(&table, &done, stream::KEPT)).await?
    }

    /// Removes items whose time to live is over, by the machine's clock. Returns how many went.
    pub async fn sweep_expired(&self) -> anyhow::Result<usize> {
        let shared = Arc::clone(&self.shared);
        let gone = tokio::task::spawn_blocking(move || shared.database.sweep_ttl()).await??;
        if gone > 0 {
            self.shared.written.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(gone)
    }
}

/// Makes the table if it is missing, else holds it against the template.
fn ensure(database: &Database, table: &Table, path: &str) -> Result<(), OpenError> {
    let failed = |source| OpenError::Table { table: table.name.clone(), source };
    let described = database.describe_table(DescribeTableRequest { table_name: table.name.clone() });
    match described {
        Err(DynoxideError::ResourceNotFoundException(_)) => {
            let request: CreateTableRequest = serde_json::from_value(table.create.clone())
                .map_err(|source| OpenError::Definition { table: table.name.clone(), source })?;
            database.create_table(request).map_err(failed)?;
        }
        Err(source) => return Err(failed(source)),
        Ok(described) => {
            let found = serde_json::to_value(&described)
                .map_err(|source| OpenError::Definition { table: table.name.clone(), source })?;
            compare(table, found.get("Table").unwrap_or(&Value::Null), path)?;
        }
    }
    set_expiry(database, table).map_err(failed)
}

/// Refuses a table whose shape in the file is not the template's.
fn compare(table: &Table, found: &Value, path: &str) -> Result<(), OpenError> {
    let stream = |table: &Value| {
        let view = table.pointer("/StreamSpecification/StreamViewType").and_then(Value::as_str);
        view.unwrap_or("none").to_owned()
    };
    let both = |show: &dyn Fn(&Value) -> String| (show(found), show(&table.create));
    let parts = [
        ("the key", both(&key)),
        ("the indexes", both(&|table| indexes(table, "GlobalSecondaryIndexes"))),
        ("the local indexes", both(&|table| indexes(table, "LocalSecondaryIndexes"))),
        ("the stream", both(&stream)),
    ];
    for (part, (found, wanted)) in parts {
        if found != wanted {
            let (table, path) = (table.name.clone(), path.to_owned());
            return Err(OpenError::Changed { table, path, part, found, wanted });
        }
    }
    Ok(())
}

/// A key with its types, as `lead_id (S), part (S)`.
fn key_of(owner: &Value, attributes: &Value) -> String {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut schema = list(owner.get("KeySchema").unwrap_or(&Value::Null));
    schema.sort_by_key(|part| text(part, "KeyType"));
    let shown = schema.iter().map(|part| {
        let name = text(part, "AttributeName");
        let defined = list(attributes).into_iter().find(|attribute| text(attribute, "AttributeName") == name);
        format!("{name} ({})", defined.map_or_else(|| "?".to_owned(), |attribute| text(&attribute, "AttributeType")))
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn key(table: &Value) -> String {
    key_of(table, table.get("AttributeDefinitions").unwrap_or(&Value::Null))
}

fn indexes(table: &Value, kind: &str) -> String {
    let attributes = table.get("AttributeDefinitions").unwrap_or(&Value::Null);
    let none = Vec::new();
    let indexes = table.get(kind).and_then(Value::as_array).unwrap_or(&none);
    let mut shown: Vec<String> = indexes
        .iter()
        .map(|index| {
            let name = index.get("IndexName").and_then(Value::as_str).unwrap_or("?");
            let projection = index.pointer("/Projection/ProjectionType").and_then(Value::as_str).unwrap_or("?");
            let mut others: Vec<&str> = index
                .pointer("/Projection/NonKeyAttributes")
                .and_then(Value::as_array)
                .map(|names| names.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            others.sort_unstable();
            let others = if others.is_empty() { String::new() } else { format!(" {}", others.join(" ")) };
            format!("{name}: {} [{projection}{others}]", key_of(index, attributes))
        })
        .collect();
    shown.sort();
    if shown.is_empty() { "none".to_owned() } else { shown.join("; ") }
}

/// Sets the attribute that expires items, or unsets it, where that is not so yet.
fn set_expiry(database: &Database, table: &Table) -> Result<(), DynoxideError> {
    let now = database.get_table_metadata(&table.name)?;
    let now = now.filter(|metadata| metadata.ttl_enabled).and_then(|metadata| metadata.ttl_attribute);
    if now == table.ttl_attribute {
        return Ok(());
    }
    let change = |attribute: &str, enabled: bool| {
        let request = json!({
            "TableName": table.name,
            "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": enabled },
        });
        let request: UpdateTimeToLiveRequest =
            serde_json::from_value(request).map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
        database.update_time_to_live(request).map(|_| ())
    };
    if let Some(attribute) = &now {
        change(attribute, false)?;
    }
    match &table.ttl_attribute {
        Some(attribute) => change(attribute, true),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
