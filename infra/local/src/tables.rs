//! DynamoDB on this machine: `dynoxide` on one SQLite file, called in this process.
//!
//! One thread owns the engine and runs calls in batches that share one flush to disk (`tables/worker.rs`). No reply is
//! sent before everything it depends on is on disk. Still, 16 concurrent callers write five times as fast as with a
//! flush each (measured where a flush takes 3 ms).
//!
//! Only the engine's own HTTP server words the rejection of a malformed request exactly as AWS does. For that it is
//! started for a single request (`tables/engine.rs`) and then stopped, because it has no access control.
//!
//! Streams are read from the file directly (`tables/stream.rs`).

mod engine;
mod line;
mod repeats;
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

/// Why the tables cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened, or is not a file of the engine.
    #[error(
        "the tables in `{path}` cannot be opened: {source}; if the file is damaged, restore the data folder from a \
        backup, or choose an empty folder with --data"
    )]
    Database {
        /// The file.
        path: String,
        /// The engine's error.
        source: DynoxideError,
    },
    /// The file's log cannot be flushed, or its thread cannot be started.
    #[error("the tables in `{path}` cannot be written to disk: {source}")]
    Disk {
        /// The file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The streams in the file cannot be read.
    #[error(
        "the streams in `{path}` cannot be read: {source}; if the file is damaged, restore the data folder from a \
        backup, or choose an empty folder with --data"
    )]
    Streams {
        /// The file.
        path: String,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// The engine cannot create or change a table as in the template.
    #[error("table `{table}` cannot be created as in the template: {source}")]
    Table {
        /// The table.
        table: String,
        /// The engine's error.
        source: DynoxideError,
    },
    /// The engine cannot read the template's definition of a table.
    #[error("table `{table}` cannot be created as in the template: {source}")]
    Definition {
        /// The table.
        table: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// The table in the file differs from the template.
    #[error(
        "table `{table}` in `{path}` has {part} {found}, but the template has {wanted}; existing tables are \
        not changed: restore the template, or start with an empty data folder"
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
    /// Opens the file at `path`, creates missing tables, and sets their time to live.
    ///
    /// Blocks until done. An existing table whose keys, indexes or stream differ from the template is an error.
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

    /// Handles `operation` (`GetItem`) with the JSON request `body`, as DynamoDB or DynamoDB Streams would.
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

    /// Returns a value that changes with every write, so that readers of streams need not poll.
    pub fn written(&self) -> watch::Receiver<u64> {
        self.shared.written.subscribe()
    }

    /// Returns up to `limit` records of the table's stream after number `after` (`None`: from the oldest), in order.
    pub async fn read_stream(
        &self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> anyhow::Result<Vec<StreamRecordRaw>> {
        let (shared, table, after) = (Arc::clone(&self.shared), table.to_owned(), after.map(str::to_owned));
        let read = tokio::task::spawn_blocking(move || shared.streams.read(&table, after.as_deref(), limit)).await??;
        if !read.is_empty() {
            // The file shows writes a moment before they are flushed, and readers must not act on them earlier.
            self.shared.worker.settle().await;
        }
        Ok(read)
    }

    /// Returns the number of the newest record of the table's stream; `None` if it has none.
    pub async fn stream_end(&self, table: &str) -> anyhow::Result<Option<String>> {
        let (shared, table) = (Arc::clone(&self.shared), table.to_owned());
        tokio::task::spawn_blocking(move || shared.streams.end(&table)).await?
    }

    /// Removes records of the table's stream that are older than 24 hours and not after `done`, the number up to which
    /// all readers have read. The newest record stays, so that numbers never start again. Returns the number of removed
    /// records.
    pub async fn trim_stream(&self, table: &str, done: &str) -> anyhow::Result<usize> {
        let (shared, table, done) = (Arc::clone(&self.shared), table.to_owned(), done.to_owned());
        tokio::task::spawn_blocking(move || shared.streams.trim(&table, &done, stream::KEPT)).await?
    }

    /// Removes items whose time to live is over, by the system's clock. Returns the number of removed items.
    pub async fn sweep_expired(&self) -> anyhow::Result<usize> {
        let shared = Arc::clone(&self.shared);
        let gone = tokio::task::spawn_blocking(move || shared.database.sweep_ttl()).await??;
        if gone > 0 {
            self.shared.written.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(gone)
    }
}

/// Creates the table if it is missing, else compares it with the template.
fn ensure(database: &Database, table: &Table, path: &str) -> Result<(), OpenError> {
    let failed = |source| OpenError::Table { table: table.name.clone(), source };
    let described = database.describe_table(DescribeTableRequest { table_name: table.name.clone() });
    match described {
        Err(DynoxideError::ResourceNotFoundException(_)) => {
            let request: CreateTableRequest = serde_json::from_value(table.create.clone())
                .map_err(|source| OpenError::Definition { table: table.name.clone(), source })?;
            database.create_table(request).map_err(failed)?;
        }
        Err(source) => return Err(OpenError::Database { path: path.to_owned(), source }),
        Ok(described) => {
            let found = serde_json::to_value(&described)
                .map_err(|source| OpenError::Definition { table: table.name.clone(), source })?;
            compare(table, found.get("Table").unwrap_or(&Value::Null), path)?;
        }
    }
    set_expiry(database, table).map_err(failed)
}

/// Returns an error if the table in the file differs from the template.
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

/// Formats a key with its types: `lead_id (S), part (S)`.
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

/// Sets or removes the attribute with the expiry time, if it differs.
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
