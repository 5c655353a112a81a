//! Items: attribute names, conversion of values, and compatibility between versions of this program.
//!
//! # Two versions at once
//!
//! During a deploy and after a rollback, two versions of this program read and write the same items. So every item has
//! its own stored form, a private struct of the module that writes it, with four rules:
//!
//! 1. A reader ignores attributes, fields and parts that it does not know.
//! 2. A new field is optional. Its default means what its absence has always meant.
//! 3. `schema` is *the lowest version of readers that can read the item*, not the version of its writer. A new optional
//!    field does not change it, so older readers can still read the item. It rises only with a change that older readers
//!    would misread; they reject the item instead ([`StoreError::Newer`]). Such a change takes two releases: the first
//!    reads the new form, a later one writes it.
//! 4. An item without `schema` has schema 1.
//!
//! Values inside an item (ids, timestamps, stages, hours, scores) are written by their own types. `golden.rs` checks
//! all of this with items that an older version wrote.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// Item, or its key.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Sort key of tables that keep several parts under one id.
pub(crate) const PART: &str = "part";
/// Attribute with the lowest version of readers that can read an item.
pub(crate) const SCHEMA: &str = "schema";
/// Attribute with the version of an item. A write names the version that it read.
pub(crate) const VERSION: &str = "version";
/// Attribute with everything that no condition and no index needs, as JSON text.
pub(crate) const BODY: &str = "body";

/// Schema of the items that this version writes.
pub(crate) const CURRENT_SCHEMA: u32 = 1;
/// Highest schema that this version reads.
const READABLE: u32 = 1;

/// Declares the stored form of a type that has the same fields, and both conversions. A new field of the type does not
/// compile until its stored form is given here.
macro_rules! stored {
    ($(#[$meta:meta])* $form:ident of $domain:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        pub(crate) struct $form {
            $($(#[$field_meta])* $field: $kind,)*
        }

        impl From<$domain> for $form {
            fn from($domain { $($field),* }: $domain) -> Self {
                Self { $($field),* }
            }
        }

        impl From<$form> for $domain {
            fn from($form { $($field),* }: $form) -> Self {
                Self { $($field),* }
            }
        }
    };
}
pub(crate) use stored;

/// Converts every element.
pub(crate) fn each<A, B: From<A>>(from: Vec<A>) -> Vec<B> {
    from.into_iter().map(B::from).collect()
}

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

/// Converts `form` to a body.
pub(crate) fn json(form: &impl Serialize) -> Result<AttributeValue, StoreError> {
    Ok(AttributeValue::S(serde_json::to_string(form)?))
}

/// Builds a key, or an item from its first attributes.
pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Builds an item with a body.
pub(crate) fn record(key: Item, form: &impl Serialize) -> Result<Item, StoreError> {
    let mut record = key;
    record.extend(item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(form)?)]));
    Ok(record)
}

/// Fails if an item has a schema that this version cannot read.
pub(crate) fn readable(item: &Item, table: &str) -> Result<(), StoreError> {
    let schema: u32 = if item.contains_key(SCHEMA) { get_number(item, table, SCHEMA)? } else { 1 };
    if schema > READABLE {
        return Err(StoreError::Newer { table: table.to_owned(), schema, readable: READABLE });
    }
    Ok(())
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

/// Returns the text of an item's body.
pub(crate) fn body_text<'a>(item: &'a Item, table: &str) -> Result<&'a str, StoreError> {
    readable(item, table)?;
    get_text(item, table, BODY)
}

/// Reads an item's body as its stored form.
pub(crate) fn body<T: DeserializeOwned>(item: &Item, table: &str) -> Result<T, StoreError> {
    Ok(serde_json::from_str(body_text(item, table)?)?)
}
