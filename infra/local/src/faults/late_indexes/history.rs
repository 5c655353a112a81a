//! Items as they were at any moment of the last while.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::{Database, DynoxideError};
use serde_json::{Map, Value, json};

use crate::stack::Table;
use crate::tables::{Reply, in_process};

/// Indexes cannot be made late.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine in memory cannot be started.
    #[error("late indexes cannot be kept: {0}")]
    Engine(#[from] DynoxideError),
    /// The definition of a table cannot be read by the engine.
    #[error("late indexes of table `{table}` cannot be kept: {source}")]
    Definition {
        /// The table.
        table: String,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// One item that became another, or came or went.
struct Change {
    at: Duration,
    table: String,
    key: Map<String, Value>,
    before: Option<Value>,
    after: Option<Value>,
}

/// Items by the text of their key.
type Items = BTreeMap<String, (Map<String, Value>, Value)>;

/// Moments are durations since some beginning.
pub(super) struct History {
    /// The items at the moment that was asked for last.
    then: Database,
    /// Oldest first.
    changes: VecDeque<Change>,
    /// How many of the changes `then` has.
    done: usize,
    /// The items after all changes, by table.
    newest: BTreeMap<String, Items>,
}

impl History {
    /// The empty history of these tables.
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

    /// Notes what an item is from `at` on, which is not before the moment of the last note.
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

    /// The keys of the table's newest items, but those in `seen`.
    pub(super) fn keys_but(&self, table: &str, seen: &BTreeSet<String>) -> Vec<Map<String, Value>> {
        let items = self.newest.get(table).into_iter().flatten();
        items.filter(|(name, _)| !seen.contains(*name)).map(|(_, (key, _))| key.clone()).collect()
    }

    /// Lets go of everything before a moment, which is never asked for again.
    pub(super) fn forget(&mut self, before: Duration) {
        while self.changes.front().is_some_and(|change| change.at <= before) {
            if self.done == 0 {
                self.step_forward();
            }
            self.changes.pop_front();
            self.done = self.done.saturating_sub(1);
        }
    }

    /// Answers a call as of a moment; `None` if it is malformed.
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

    /// How many changes are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }
}

/// Makes an item what it is at another moment.
fn set(then: &Database, table: &str, key: &Map<String, Value>, item: Option<&Value>) {
    let (operation, request) = match item {
        Some(item) => ("PutItem", json!({ "TableName": table, "Item": item })),
        None => ("DeleteItem", json!({ "TableName": table, "Key": key })),
    };
    let reply = in_process(then, operation, request.to_string().as_bytes());
    if reply.as_ref().is_none_or(|reply| reply.status != 200) {
        tracing::error!(table, operation, "an index is not as it was: its engine refused an item");
    }
}
