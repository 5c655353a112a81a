//! A history of items, as of any recent moment.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::{Database, DynoxideError};
use serde_json::{Map, Value, json};

use crate::stack::Table;
use crate::tables::{Reply, in_process};

/// Why late indexes cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The in-memory engine cannot be started.
    #[error("late indexes cannot be started: {0}")]
    Engine(#[from] DynoxideError),
    /// The engine cannot read the definition of a table.
    #[error("late indexes of table `{table}` cannot be started: {source}")]
    Definition {
        /// The table.
        table: String,
        /// The cause.
        source: serde_json::Error,
    },
}

/// A change of one item: created, replaced or deleted.
struct Change {
    at: Duration,
    table: String,
    key: Map<String, Value>,
    before: Option<Value>,
    after: Option<Value>,
}

/// Items by the text of their key.
type Items = BTreeMap<String, (Map<String, Value>, Value)>;

/// The history. Moments are durations since its start.
pub(super) struct History {
    /// The items as of the last requested moment.
    then: Database,
    /// Changes, oldest first.
    changes: VecDeque<Change>,
    /// Number of changes that are applied to `then`.
    done: usize,
    /// The items after all changes, by table.
    newest: BTreeMap<String, Items>,
}

impl History {
    /// Returns an empty history of these tables.
    pub(super) fn new(tables: &[&Table]) -> Result<Self, StartError> {
        let then = Database::memory()?;
        for table in tables {
            let mut create = table.create.clone();
            if let Some(create) = create.as_object_mut() {
                create.remove("StreamSpecification");
            }
            let request: CreateTableRequest = serde_json::from_value(create)
                .map_err(|source| StartError::Definition { table: table.name.clone(), source })?;
            then.create_table(request)?;
        }
        Ok(Self { then, changes: VecDeque::new(), done: 0, newest: BTreeMap::new() })
    }

    /// Notes the state of an item from `at` on. `at` must not be before the last note.
    pub(super) fn note(&mut self, at: Duration, table: &str, key: Map<String, Value>, after: Option<Value>) {
        let items = self.newest.entry(table.to_owned()).or_default();
        let name = Value::Object(key.clone()).to_string();
        let before = match &after {
            Some(item) => items.insert(name, (key.clone(), item.clone())),
            None => items.remove(&name),
        };
        let before = before.map(|(_, item)| item);
        if before != after {
            self.changes.push_back(Change { at, table: table.to_owned(), key, before, after });
        }
    }

    /// Returns the keys of the table's newest items, except those in `seen`.
    pub(super) fn keys_but(&self, table: &str, seen: &BTreeSet<String>) -> Vec<Map<String, Value>> {
        let items = self.newest.get(table).into_iter().flatten();
        items.filter(|(name, _)| !seen.contains(*name)).map(|(_, (key, _))| key.clone()).collect()
    }

    /// Forgets everything before a moment that will not be requested again.
    pub(super) fn forget(&mut self, before: Duration) {
        while self.changes.front().is_some_and(|change| change.at <= before) {
            if self.done == 0 {
                self.step_forward();
            }
            self.changes.pop_front();
            self.done = self.done.saturating_sub(1);
        }
    }

    /// Answers a call as of a moment. Returns `None` if it is malformed.
    pub(super) fn answer(&mut self, moment: Duration, operation: &str, body: &[u8]) -> Option<Reply> {
        while self.changes.get(self.done).is_some_and(|change| change.at <= moment) {
            self.step_forward();
        }
        while let Some(last) = self.done.checked_sub(1)
            && let Some(Change { table, key, before, .. }) = self.changes.get(last).filter(|change| change.at > moment)
        {
            set(&self.then, table, key, before.as_ref());
            self.done = last;
        }
        in_process(&self.then, operation, body)
    }

    fn step_forward(&mut self) {
        if let Some(Change { table, key, after, .. }) = self.changes.get(self.done) {
            set(&self.then, table, key, after.as_ref());
            self.done += 1;
        }
    }

    /// Returns the number of stored changes.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }
}

/// Sets an item to its state at another moment.
fn set(then: &Database, table: &str, key: &Map<String, Value>, item: Option<&Value>) {
    let (operation, request) = match item {
        Some(item) => ("PutItem", json!({ "TableName": table, "Item": item })),
        None => ("DeleteItem", json!({ "TableName": table, "Key": key })),
    };
    let reply = in_process(then, operation, request.to_string().as_bytes());
    if reply.as_ref().is_none_or(|reply| reply.status != 200) {
        tracing::error!(table, operation, "a late index is wrong: its engine rejected an item");
    }
}
