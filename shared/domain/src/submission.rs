//! A submission: what a form, a program or a row of a list says about a person, checked field by field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A checked submission: the sender's own words, trimmed, under the schema's field names. Nothing is normalised yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Submission {
    /// Field name -> text. Fields the schema does not know stand under `custom.<name>`.
    pub fields: BTreeMap<String, String>,
}
