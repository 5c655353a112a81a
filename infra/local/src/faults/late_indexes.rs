//! Late indexes: a query of a global secondary index sees the data of a moment ago.
//!
//! A second engine in memory holds the items of indexed tables as of some moment, with the attributes that their
//! indexes show. A list of changes leads to any other recent moment, in both directions. A query moves that engine to
//! the query's own moment, and the engine then answers it: with its key conditions, paging, limits, projections and
//! errors. So an item that has left its index is still shown, and an item that was moved is shown at its old place.
//!
//! Every query has its own moment. So two queries may see changes in different orders, and pages of one query may be
//! from different moments, as on AWS. An item that does not change meanwhile is on exactly one page.

mod history;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastrand::Rng;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::history::History;
use self::shape::{Shape, Touched};
use crate::stack::Table;
use crate::tables::{Reply, Tables, writes};

pub use self::history::StartError;

/// Limit on the items read with one call: DynamoDB's limit.
const READ_AT_ONCE: usize = 100;

pub(super) struct LateIndexes {
    most: Duration,
    dice: Mutex<Rng>,
    begun: Instant,
    tables: Tables,
    /// The tables with indexes.
    shapes: BTreeMap<String, Shape>,
    /// What was written and not read again yet.
    written: Mutex<Vec<Touched>>,
    history: tokio::sync::Mutex<History>,
}

/// The parts of a request that show whether it reads an index.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reads {
    table_name: Option<String>,
    index_name: Option<String>,
}

impl LateIndexes {
    /// Starts with the current items of the tables.
    pub(super) async fn start(most: Duration, seed: u64, tables: Tables, stack: &[Table]) -> Result<Self, StartError> {
        let shapes: BTreeMap<String, Shape> =
            stack.iter().filter_map(|table| Some((table.name.clone(), Shape::of(table)?))).collect();
        let indexed: Vec<&Table> = stack.iter().filter(|table| shapes.contains_key(&table.name)).collect();
        let history = tokio::sync::Mutex::new(History::new(&indexed)?);
        let dice = Mutex::new(Rng::with_seed(seed));
        let late = Self { most, dice, begun: Instant::now(), tables, shapes, written: Mutex::default(), history };
        late.reload(&mut *late.history.lock().await, Duration::ZERO).await;
        Ok(late)
    }

    /// Handles a call of the tables.
    pub(super) async fn call(self: &Arc<Self>, operation: &str, body: Bytes) -> Reply {
        if self.shapes.is_empty() {
            return self.tables.call(operation, body).await;
        }
        if self.reads_index(operation, &body) {
            return self.query(operation, body).await;
        }
        if !writes(operation) {
            return self.tables.call(operation, body).await;
        }
        // In its own task, so that the write is noted even if the caller is gone.
        let (late, operation) = (Arc::clone(self), operation.to_owned());
        let written = tokio::spawn(async move {
            let reply = late.tables.call(&operation, body.clone()).await;
            if reply.status == 200 {
                late.follow(&operation, &body).await;
            }
            reply
        });
        written.await.unwrap_or_else(|cause| Reply::internal(format!("a write could not be followed: {cause}")))
    }

    /// Reads all tables again, after changes that were not made by calls.
    pub(super) async fn refresh(&self) {
        let mut history = self.history.lock().await;
        self.reload(&mut history, self.begun.elapsed()).await;
    }

    fn reads_index(&self, operation: &str, body: &[u8]) -> bool {
        if !matches!(operation, "Query" | "Scan") {
            return false;
        }
        let Ok(Reads { table_name: Some(table), index_name: Some(index) }) = serde_json::from_slice(body) else {
            return false;
        };
        self.shapes.get(&table).is_some_and(|shape| shape.has_index(&index))
    }

    async fn query(&self, operation: &str, body: Bytes) -> Reply {
        let most = u64::try_from(self.most.as_micros()).unwrap_or(u64::MAX);
        let lag = self.dice.lock().unwrap_or_else(PoisonError::into_inner).u64(0..=most);
        let answered = {
            let mut history = self.history.lock().await;
            let now = self.begun.elapsed();
            history.forget(now.saturating_sub(self.most));
            history.answer(now.saturating_sub(Duration::from_micros(lag)), operation, &body)
        };
        match answered {
            Some(reply) => reply,
            // Malformed. The tables' own error is better.
            None => self.tables.call(operation, body).await,
        }
    }

    /// Notes the current state of the items that a call has written.
    ///
    /// They are read after the write and noted in the order of reading. So the history may miss a state that was
    /// overwritten at once, but it never has a state that did not exist. Concurrent writers share one read, so that
    /// they do not wait for each other's reads.
    async fn follow(&self, operation: &str, body: &[u8]) {
        let touched = shape::touched(&self.shapes, operation, body);
        if touched == Touched::Items(Vec::new()) {
            return;
        }
        self.written().push(touched);
        let mut history = self.history.lock().await;
        // Empty if another writer has also read for this one.
        let mut items = BTreeMap::new();
        let written = std::mem::take(&mut *self.written());
        for touched in written {
            match touched {
                Touched::Items(written) => {
                    let named = |(table, key): (String, Map<String, Value>)| {
                        ((table.clone(), Value::Object(key.clone()).to_string()), (table, key))
                    };
                    items.extend(written.into_iter().map(named));
                }
                Touched::Anything => self.reload(&mut history, self.begun.elapsed()).await,
            }
        }
        let touched: Vec<(String, Map<String, Value>)> = items.into_values().collect();
        for part in touched.chunks(READ_AT_ONCE) {
            match self.read(part).await {
                Ok(now) => {
                    let at = self.begun.elapsed();
                    for ((table, key), item) in part.iter().zip(now) {
                        self.note(&mut history, at, table, key.clone(), item.as_ref());
                    }
                }
                Err(cause) => tracing::error!(cause, "an index is later than it should be: a write was not followed"),
            }
        }
    }

    fn written(&self) -> MutexGuard<'_, Vec<Touched>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, history: &mut History, at: Duration, table: &str, key: Map<String, Value>, item: Option<&Value>) {
        if let Some(shape) = self.shapes.get(table) {
            history.note(at, table, key, item.and_then(|item| shape.shown(item)));
        }
    }

    /// Reads items in the order of `keys`; `None` for deleted ones.
    async fn read(&self, keys: &[(String, Map<String, Value>)]) -> Result<Vec<Option<Value>>, String> {
        let mut left: BTreeMap<&str, Vec<&Map<String, Value>>> = BTreeMap::new();
        for (table, key) in keys {
            left.entry(table).or_default().push(key);
        }
        let requests: Map<String, Value> = left
            .into_iter()
            .map(|(table, keys)| (table.to_owned(), json!({ "Keys": keys, "ConsistentRead": true })))
            .collect();
        let mut request = Value::Object(requests);
        let mut found: BTreeMap<(String, String), Value> = BTreeMap::new();
        while request.as_object().is_some_and(|tables| !tables.is_empty()) {
            let mut reply = self.ask("BatchGetItem", &json!({ "RequestItems": request })).await?;
            let responses = reply.get_mut("Responses").and_then(Value::as_object_mut).map(std::mem::take);
            for (table, items) in responses.unwrap_or_default() {
                let Some(shape) = self.shapes.get(&table) else { continue };
                for item in items.as_array().into_iter().flatten() {
                    found.insert((table.clone(), Value::Object(shape.key(item)).to_string()), item.clone());
                }
            }
            request = reply.get_mut("UnprocessedKeys").map(Value::take).unwrap_or_default();
        }
        Ok(keys
            .iter()
            .map(|(table, key)| found.get(&(table.clone(), Value::Object(key.clone()).to_string())).cloned())
            .collect())
    }

    /// Notes the current state of everything.
    async fn reload(&self, history: &mut History, at: Duration) {
        for (table, shape) in &self.shapes {
            let mut seen = BTreeSet::new();
            let mut start = Value::Null;
            loop {
                let mut request = json!({ "TableName": table, "ConsistentRead": true });
                if let Some(request) = request.as_object_mut().filter(|_| !start.is_null()) {
                    request.insert("ExclusiveStartKey".to_owned(), start);
                }
                let mut page = match self.ask("Scan", &request).await {
                    Ok(page) => page,
                    Err(cause) => {
                        tracing::error!(table, cause, "an index is later than it should be: its table was not read");
                        return;
                    }
                };
                for item in page.get("Items").and_then(Value::as_array).into_iter().flatten() {
                    let key = shape.key(item);
                    seen.insert(Value::Object(key.clone()).to_string());
                    self.note(history, at, table, key, Some(item));
                }
                start = page.get_mut("LastEvaluatedKey").map(Value::take).unwrap_or_default();
                if start.is_null() {
                    break;
                }
            }
            for key in history.keys_but(table, &seen) {
                history.note(at, table, key, None);
            }
        }
    }

    async fn ask(&self, operation: &str, request: &Value) -> Result<Value, String> {
        let reply = self.tables.call(operation, request.to_string().into()).await;
        if reply.status != 200 {
            return Err(String::from_utf8_lossy(&reply.body).into_owned());
        }
        serde_json::from_slice(&reply.body).map_err(|cause| cause.to_string())
    }
}

#[cfg(test)]
mod tests;
