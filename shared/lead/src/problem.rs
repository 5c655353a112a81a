//! What is wrong with input, said by field, so that a person or a program can mend it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901) to the field, or a CSV column's name.
    pub pointer: String,
    /// What is wrong and what to do, in one sentence without a final stop.
    pub detail: String,
}

impl FieldProblem {
    /// A problem of the top-level field `name`.
    pub fn field(name: &str, detail: impl Into<String>) -> Self {
        Self { pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")), detail: detail.into() }
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() { f.write_str(&self.detail) } else { write!(f, "{}: {}", self.pointer, self.detail) }
    }
}
