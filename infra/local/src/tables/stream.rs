//! The tables' streams, read from the engine's file.
//!
//! Every write to a table with a stream queries the stream's highest number, and every read queries the records after a
//! number. Without an index both scan all records, so every record slows writes down. The index created here serves the
//! engine's statements unchanged (tested by `the_engines_statements_use_the_index`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde_json::{Map, Value, json};

use crate::stack::Table;

/// Shortest time that records are kept, as on AWS.
pub(super) const KEPT: Duration = Duration::from_hours(24);

/// First number as clients see it, so that numbers have 21 digits as in DynamoDB.
const FIRST: u128 = 100_000_000_000_000_000_000;

/// Limit on records removed at a time, because the engine waits meanwhile.
const CHUNK: usize = 500;

const INDEX: &str = "CREATE INDEX IF NOT EXISTS fairleader_stream_position
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

const READ: &str = "SELECT event_name, keys_json, new_image, old_image, CAST(sequence_number AS INTEGER), created_at,
        user_identity, event_id
    FROM _stream_records
    WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2
    ORDER BY CAST(sequence_number AS INTEGER)
    LIMIT ?3";

const END: &str = "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1";

const TRIM: &str = "DELETE FROM _stream_records WHERE id IN (
    SELECT id FROM _stream_records
    WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2 AND created_at <= ?3
      AND CAST(sequence_number AS INTEGER) <
        (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)
    ORDER BY CAST(sequence_number AS INTEGER)
    LIMIT ?4)";

/// A record of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRecordRaw {
    /// Sequence number. Later records have higher numbers, and all have the same length.
    pub sequence: String,
    /// The record as in a Lambda event.
    pub record: Value,
}

/// Reads and trims streams on its own connections, without waiting for the engine's lock.
pub(super) struct Streams {
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
    sources: BTreeMap<String, Source>,
}

/// Origin of a stream's records.
struct Source {
    arn: String,
    region: String,
    view: String,
}

impl Streams {
    /// Opens the engine's file after the engine has opened it.
    pub(super) fn open(path: &Path, tables: &[Table]) -> rusqlite::Result<Self> {
        let writer = Connection::open(path)?;
        writer.busy_timeout(Duration::from_secs(30))?;
        // Trimmed records may return after a power failure, and are trimmed again.
        writer.pragma_update(None, "synchronous", "NORMAL")?;
        writer.execute_batch(INDEX)?;
        let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        reader.busy_timeout(Duration::from_secs(5))?;
        let sources = tables.iter().filter_map(|table| {
            let view = table.create.pointer("/StreamSpecification/StreamViewType").and_then(Value::as_str)?;
            let arn = table.stream_arn.clone()?;
            let region = arn.split(':').nth(3).unwrap_or_default().to_owned();
            Some((table.name.clone(), Source { arn, region, view: view.to_owned() }))
        });
        let sources = sources.collect();
        Ok(Self { reader: Mutex::new(reader), writer: Mutex::new(writer), sources })
    }

    pub(super) fn read(&self, table: &str, after: Option<&str>, limit: usize) -> anyhow::Result<Vec<StreamRecordRaw>> {
        let source = self.sources.get(table).ok_or_else(|| anyhow!("table `{table}` has no stream"))?;
        let after = after.map_or(Ok(0), position)?;
        let reader = lock(&self.reader);
        let mut statement = reader.prepare_cached(READ)?;
        let mut rows = statement.query(params![table, after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.push(record(row, source).with_context(|| format!("a record of the stream of `{table}`"))?);
        }
        Ok(records)
    }

    /// Puts the stream's ARN into the description of a table as the template has it; the engine makes up one of its own,
    /// which no policy names.
    pub(super) fn named(&self, description: Bytes) -> Bytes {
        let Ok(mut described) = serde_json::from_slice::<Value>(&description) else { return description };
        let name = described.pointer("/Table/TableName").and_then(Value::as_str);
        let Some(source) = name.and_then(|name| self.sources.get(name)) else { return description };
        if let Some(arn) = described.pointer_mut("/Table/LatestStreamArn") {
            *arn = source.arn.as_str().into();
        }
        described.to_string().into()
    }

    pub(super) fn end(&self, table: &str) -> anyhow::Result<Option<String>> {
        let end: Option<Option<i64>> =
            lock(&self.reader).prepare_cached(END)?.query_row(params![table], |row| row.get(0)).optional()?;
        Ok(end.flatten().map(sequence))
    }

    pub(super) fn trim(&self, table: &str, done: &str, kept: Duration) -> anyhow::Result<usize> {
        let done = position(done)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let before = i64::try_from(now.saturating_sub(kept).as_secs()).unwrap_or(i64::MAX);
        let mut gone = 0;
        loop {
            let chunk = i64::try_from(CHUNK).unwrap_or(i64::MAX);
            let removed = lock(&self.writer).prepare_cached(TRIM)?.execute(params![table, done, before, chunk])?;
            gone += removed;
            if removed < CHUNK {
                return Ok(gone);
            }
        }
    }
}

/// Locks a connection. It has no state that a panic could leave inconsistent.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Converts a stored number to the form that clients see.
fn sequence(stored: i64) -> String {
    (FIRST + u128::try_from(stored).unwrap_or(0)).to_string()
}

/// Converts a client's number to the stored number.
fn position(sequence: &str) -> anyhow::Result<i64> {
    let stored = sequence.parse::<u128>().ok().and_then(|number| number.checked_sub(FIRST));
    let stored = stored.and_then(|number| i64::try_from(number).ok());
    stored.ok_or_else(|| anyhow!("`{sequence}` is not the number of a stream record"))
}

fn record(row: &rusqlite::Row<'_>, source: &Source) -> anyhow::Result<StreamRecordRaw> {
    let [keys, new, old] = [row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?];
    let mut size = 0;
    let mut image = |column: rusqlite::types::ValueRef<'_>| -> anyhow::Result<Option<Value>> {
        match column.as_str_or_null()? {
            Some(text) => {
                size += text.len();
                Ok(Some(serde_json::from_str(text)?))
            }
            None => Ok(None),
        }
    };
    let sequence = sequence(row.get(4)?);
    let mut change = Map::new();
    change.insert("ApproximateCreationDateTime".to_owned(), json!(row.get::<_, i64>(5)?));
    change.insert("Keys".to_owned(), image(keys)?.unwrap_or_default());
    for (name, column) in [("NewImage", new), ("OldImage", old)] {
        if let Some(value) = image(column)? {
            change.insert(name.to_owned(), value);
        }
    }
    change.insert("SequenceNumber".to_owned(), json!(sequence));
    change.insert("SizeBytes".to_owned(), json!(size));
    change.insert("StreamViewType".to_owned(), json!(source.view));
    let mut record = Map::new();
    let event_id: Option<String> = row.get(7)?;
    record.insert("eventID".to_owned(), json!(event_id.unwrap_or_else(|| sequence.clone())));
    record.insert("eventName".to_owned(), json!(row.get::<_, String>(0)?));
    record.insert("eventVersion".to_owned(), json!("1.1"));
    record.insert("eventSource".to_owned(), json!("aws:dynamodb"));
    record.insert("awsRegion".to_owned(), json!(source.region));
    record.insert("dynamodb".to_owned(), Value::Object(change));
    record.insert("eventSourceARN".to_owned(), json!(source.arn));
    // Present only if the item expired.
    if let Some(identity) = row.get::<_, Option<String>>(6)? {
        record.insert("userIdentity".to_owned(), serde_json::from_str(&identity)?);
    }
    Ok(StreamRecordRaw { sequence, record: Value::Object(record) })
}
