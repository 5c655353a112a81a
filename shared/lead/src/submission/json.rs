//! The members of a JSON object in the order given, so that duplicates can be detected.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::problem::not_json;

/// Members of a JSON object, duplicates included.
pub(super) struct Members(pub(super) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// Reads the members of a JSON object. The error message does not repeat the input.
pub(super) fn members(bytes: &[u8]) -> Result<Vec<(String, Value)>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // Check the syntax first, so that a syntax error is reported with its position even if the input is not an object.
    serde_json::from_slice::<de::IgnoredAny>(bytes).map_err(|cause| not_json(&cause))?;
    let kind = match bytes.trim_ascii_start().first() {
        Some(b'{') => {
            return serde_json::from_slice::<Members>(bytes).map(|members| members.0).map_err(|cause| not_json(&cause));
        }
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    };
    Err(format!("the body must be an object like {{\"email\": \"name@company.example\"}}, not {kind}"))
}

/// Names the type of a value, as error messages call it.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
