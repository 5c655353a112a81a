//! A submission: what a form, a program or a row of a list says about a person, checked field by field.
//!
//! What is refused, and with which words, is decided in `check`; what the words mean is the business of `normalise`. Both
//! come with the feature `normalise`.

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

/// A checked submission: the sender's own words, trimmed, under the schema's field names. Nothing is normalised yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Submission {
    /// Field name -> text. Fields the schema does not know stand under `custom.<name>`.
    pub fields: BTreeMap<String, String>,
}

impl Submission {
    /// SHA-256 in hex of what was said: the same for the same fields, in whatever order and layout they came.
    ///
    /// Over each name and value in the names' order, each with its length in bytes and a colon before it.
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
