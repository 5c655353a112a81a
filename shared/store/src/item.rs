//! Items: attribute names, and values into and out of them.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// An item, or its key.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Sort key of tables that keep several parts under one id.
pub(crate) const PART: &str = "part";
/// Version of an item's form.
pub(crate) const SCHEMA: &str = "schema";
/// Version that a write has to name.
pub(crate) const VERSION: &str = "version";
/// Everything that no condition and no index needs, as JSON text.
pub(crate) const BODY: &str = "body";

/// Version of the form that this code writes.
pub(crate) const CURRENT_SCHEMA: u32 = 1;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(format!("{value}"))
}

pub(crate) fn millis(at: Timestamp) -> AttributeValue {
    number(at.as_millisecond())
}

pub(crate) fn bytes(value: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// `value` as a body.
pub(crate) fn json(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    Ok(AttributeValue::S(serde_json::to_string(value)?))
}

/// A key, or the beginning of an item.
pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn get_text<'a>(item: &'a Item, table: &str, name: &'static str) -> Result<&'a str, StoreError> {
    match item.get(name) {
        Some(AttributeValue::S(value)) => Ok(value),
        _ => Err(StoreError::Attribute { table: table.to_owned(), attribute: name }),
    }
}

pub(crate) fn get_number<T: std::str::FromStr>(item: &Item, table: &str, name: &'static str) -> Result<T, StoreError> {
    match item.get(name) {
        Some(AttributeValue::N(value)) => value.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| StoreError::Attribute { table: table.to_owned(), attribute: name })
}

pub(crate) fn get_bytes<'a>(item: &'a Item, table: &str, name: &'static str) -> Result<&'a [u8], StoreError> {
    match item.get(name) {
        Some(AttributeValue::B(value)) => Ok(value.as_ref()),
        _ => Err(StoreError::Attribute { table: table.to_owned(), attribute: name }),
    }
}

/// An item's body.
pub(crate) fn body<T: DeserializeOwned>(item: &Item, table: &str) -> Result<T, StoreError> {
    Ok(serde_json::from_str(get_text(item, table, BODY)?)?)
}
