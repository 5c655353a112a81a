//! Problems with input, by field, so that a person or a program can correct it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Problem with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901) to the field, or the header of a CSV column.
    pub pointer: String,
    /// What is wrong and what to do, in one sentence without a final stop.
    pub detail: String,
}

impl FieldProblem {
    /// Creates a problem with the top-level field `name`.
    pub fn field(name: &str, detail: impl Into<String>) -> Self {
        Self { pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")), detail: detail.into() }
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() { f.write_str(&self.detail) } else { write!(f, "{}: {}", self.pointer, self.detail) }
    }
}
