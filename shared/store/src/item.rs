//! Items: attribute names, values into and out of them, and how two versions of this program read each other's.
//!
//! # Versions that run at once
//!
//! During a deploy and after a rollback two versions of this program read and write the same items. So every item has a
//! stored form of its own, a private struct of the module that writes it, with four rules:
//!
//! 1. A reader takes what it knows and ignores everything else: attributes, fields and parts it does not know.
//! 2. A field that comes later is optional, with a default that means what its absence always meant.
//! 3. `schema` is *the least version of readers that can read the item*, not the version of its writer: a new optional
//!    field leaves it alone, so an older reader reads on. It rises only with a change that older readers would
//!    misunderstand, and it is refused by readers below it ([`StoreError::Newer`]) instead of being misread. Such a change
//!    takes two releases: one that reads the new form, and a later one that writes it.
//! 4. An item without `schema` is of version 1.
//!
//! Words and values inside an item (ids, instants, stages, hours, scores) are written as their own types write them.
//! `golden.rs` holds all of that against items which an older version wrote.

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
/// The least version of readers that can read an item.
pub(crate) const SCHEMA: &str = "schema";
/// Version that a write has to name.
pub(crate) const VERSION: &str = "version";
/// Everything that no condition and no index needs, as JSON text.
pub(crate) const BODY: &str = "body";

/// Who can read what this code writes.
pub(crate) const CURRENT_SCHEMA: u32 = 1;
/// What this code can read.
const READABLE: u32 = 1;

/// Declares the stored form of a type that has the same fields, and both ways between them. Whoever adds a field to the
/// type has to say here how it is stored.
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

/// Every element in another form.
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

/// `form` as a body.
pub(crate) fn json(form: &impl Serialize) -> Result<AttributeValue, StoreError> {
    Ok(AttributeValue::S(serde_json::to_string(form)?))
}

/// A key, or the beginning of an item.
pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// An item with a body.
pub(crate) fn record(key: Item, form: &impl Serialize) -> Result<Item, StoreError> {
    let mut record = key;
    record.extend(item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(form)?)]));
    Ok(record)
}

/// Refuses an item that this code would misread.
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

/// The text of an item's body.
pub(crate) fn body_text<'a>(item: &'a Item, table: &str) -> Result<&'a str, StoreError> {
    readable(item, table)?;
    get_text(item, table, BODY)
}

/// An item's body, in its stored form.
pub(crate) fn body<T: DeserializeOwned>(item: &Item, table: &str) -> Result<T, StoreError> {
    Ok(serde_json::from_str(body_text(item, table)?)?)
}
