//! A submission: what a form, a program or a row of a list says about a person, checked field by field.
//!
//! `check` decides what is rejected and with which message. `normalise` decides what the values mean. Both need the
//! feature `normalise`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

#[cfg(feature = "normalise")]
pub mod activity;
#[cfg(feature = "normalise")]
mod check;
#[cfg(feature = "normalise")]
mod json;
#[cfg(feature = "normalise")]
pub mod lead_id;
#[cfg(feature = "normalise")]
pub mod list;
#[cfg(feature = "normalise")]
pub mod sample;
#[cfg(feature = "normalise")]
pub mod schema;

/// A checked submission: the sender's own values, trimmed, under the schema's field names. Nothing is normalised yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Submission {
    /// Field name -> text. Fields that are not in the schema are stored as `custom.<name>`.
    pub fields: BTreeMap<String, String>,
}

impl Submission {
    /// Returns the SHA-256 of the fields in hex. It depends only on the fields, not on their order or layout.
    ///
    /// The hash covers each name and value, sorted by name, each prefixed with its length in bytes and a colon.
    pub fn payload_hash(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in &self.fields {
            hash.update(format!("{}:{name}{}:{value}", name.len(), value.len()));
        }
        hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string cannot fail.
            write!(hex, "{byte:02x}").ok();
            hex
        })
    }
}
