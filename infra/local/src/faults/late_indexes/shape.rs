//! The attributes that a table's indexes show, and the items that a call writes.

use std::collections::{BTreeMap, BTreeSet};

use dynoxide::types::normalize_dynamo_number;
use serde_json::{Map, Value, json};

use crate::stack::Table;
use crate::tables::writes;

/// The keys of a table and its global secondary indexes.
#[derive(Debug)]
pub(super) struct Shape {
    /// Attributes of the table's key.
    key: Vec<String>,
    /// Attributes of each index's key.
    indexes: BTreeMap<String, Vec<String>>,
    /// Attributes that any index shows; `None`: all attributes.
    shown: Option<BTreeSet<String>>,
}

impl Shape {
    /// Returns the table's shape; `None` if it has no global secondary index.
    pub(super) fn of(table: &Table) -> Option<Self> {
        let definitions = table.create.get("GlobalSecondaryIndexes")?.as_array()?;
        let key = key_attributes(&table.create);
        let mut indexes = BTreeMap::new();
        let mut shown: Option<BTreeSet<String>> = Some(key.iter().cloned().collect());
        for index in definitions {
            let attributes = key_attributes(index);
            if index.pointer("/Projection/ProjectionType").and_then(Value::as_str) == Some("ALL") {
                shown = None;
            }
            if let Some(shown) = &mut shown {
                let others = index.pointer("/Projection/NonKeyAttributes").and_then(Value::as_array);
                let others = others.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                shown.extend(attributes.iter().cloned().chain(others));
            }
            indexes.insert(index.get("IndexName")?.as_str()?.to_owned(), attributes);
        }
        (!indexes.is_empty()).then_some(Self { key, indexes, shown })
    }

    pub(super) fn has_index(&self, name: &str) -> bool {
        self.indexes.contains_key(name)
    }

    /// Returns the key of an item, in the engine's form.
    pub(super) fn key(&self, item: &Value) -> Map<String, Value> {
        let part = |name: &String| Some((name.clone(), normal(item.get(name)?)));
        self.key.iter().filter_map(part).collect()
    }

    /// Returns the attributes of an item that indexes show; `None` if it is in no index.
    pub(super) fn shown(&self, item: &Value) -> Option<Value> {
        let stands_in = |attributes: &Vec<String>| attributes.iter().all(|name| item.get(name).is_some());
        if !self.indexes.values().any(stands_in) {
            return None;
        }
        let Some(shown) = &self.shown else { return Some(item.clone()) };
        let attributes = item.as_object()?.iter().filter(|(name, _)| shown.contains(*name));
        Some(Value::Object(attributes.map(|(name, value)| (name.clone(), value.clone())).collect()))
    }
}

/// Normalises a number, which can be written in many ways.
fn normal(value: &Value) -> Value {
    match value.get("N").and_then(Value::as_str) {
        Some(number) => json!({ "N": normalize_dynamo_number(number) }),
        None => value.clone(),
    }
}

fn key_attributes(owner: &Value) -> Vec<String> {
    let schema = owner.get("KeySchema").and_then(Value::as_array).into_iter().flatten();
    schema.filter_map(|part| part.get("AttributeName")?.as_str()).map(str::to_owned).collect()
}

/// What a call writes.
#[derive(Debug, PartialEq)]
pub(super) enum Touched {
    /// These items of indexed tables, by table and key.
    Items(Vec<(String, Map<String, Value>)>),
    /// It is unknown.
    Anything,
}

/// Returns what the call may have written in the tables with these shapes.
pub(super) fn touched(shapes: &BTreeMap<String, Shape>, operation: &str, body: &[u8]) -> Touched {
    let Ok(request) = serde_json::from_slice::<Value>(body) else { return Touched::Anything };
    let mut items = Vec::new();
    let mut touch = |table: Option<&Value>, item: Option<&Value>| {
        if let (Some(table), Some(item)) = (table.and_then(Value::as_str), item)
            && let Some(shape) = shapes.get(table)
        {
            let touched = (table.to_owned(), shape.key(item));
            if !items.contains(&touched) {
                items.push(touched);
            }
        }
    };
    match operation {
        "PutItem" => touch(request.get("TableName"), request.get("Item")),
        "UpdateItem" | "DeleteItem" => touch(request.get("TableName"), request.get("Key")),
        "BatchWriteItem" => {
            for (table, requests) in request.get("RequestItems").and_then(Value::as_object).into_iter().flatten() {
                let table = Value::String(table.clone());
                for request in requests.as_array().into_iter().flatten() {
                    let item = request.pointer("/PutRequest/Item").or_else(|| request.pointer("/DeleteRequest/Key"));
                    touch(Some(&table), item);
                }
            }
        }
        "TransactWriteItems" => {
            let actions = request.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
            for (kind, action) in actions.filter_map(Value::as_object).flatten() {
                let item = match kind.as_str() {
                    "Put" => action.get("Item"),
                    "Update" | "Delete" => action.get("Key"),
                    _ => None,
                };
                touch(action.get("TableName"), item);
            }
        }
        other if writes(other) => return Touched::Anything,
        _ => {}
    }
    Touched::Items(items)
}
