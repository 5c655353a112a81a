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

/// Says what is wrong with a body that is not JSON, and where: `the body is not JSON: it ends at line 1, column 1`.
/// Does not repeat the body.
pub fn not_json(cause: &serde_json::Error) -> String {
    let said = cause.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    let wrong = match said {
        _ if cause.is_eof() && cause.column() == 0 && cause.line() <= 1 => {
            return "the body is not JSON: it is empty".to_owned();
        }
        _ if cause.is_eof() => "it ends",
        "expected `:`" => "`:` is missing",
        "expected `,` or `]`" => "`,` or `]` is missing",
        "expected `,` or `}`" => "`,` or `}` is missing",
        "expected value" | "expected ident" => "there is no valid value",
        "key must be a string" => "there is no field name in double quotes",
        "trailing comma" => "nothing follows the comma",
        "trailing characters" => "text follows its end",
        "recursion limit exceeded" => "it is nested too deeply",
        "invalid number" | "number out of range" => "there is no valid number",
        "invalid escape" => "there is no valid character after `\\`",
        "control character (\\u0000-\\u001F) found while parsing a string" => "there is a control character in a text",
        _ => "there is no valid text",
    };
    format!("the body is not JSON: {wrong} at line {}, column {}", cause.line(), cause.column())
}
