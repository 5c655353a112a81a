//! The forms of what has no Rust type of its own: what sources send, texts, problems, and what the gateway says.

use std::borrow::Cow;

use fairleader_lead::problem::FieldProblem;
use fairleader_lead::submission::schema::{FIELDS, FieldKind};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::shape::rulebooks::RulebookProblem;

/// A schema as it is written.
fn schema(written: Value) -> Schema {
    Schema::try_from(written).unwrap_or_default()
}

/// A lead as sources send it: the fields of the lead schema, and fields of the sender's own.
#[derive(Debug)]
pub struct Submission;

impl JsonSchema for Submission {
    fn schema_name() -> Cow<'static, str> {
        "Submission".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let properties: Map<String, Value> =
            FIELDS.iter().map(|field| (field.name.to_owned(), field_schema(field.kind, field.longest))).collect();
        schema(json!({
            "description": "A lead. An e-mail address or a telephone number has to be there; fields of other names \
                            are kept as the sender's own.",
            "type": "object",
            "properties": properties,
            "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
        }))
    }
}

fn field_schema(kind: FieldKind, longest: usize) -> Value {
    match kind {
        FieldKind::Text | FieldKind::Lines => {
            json!({ "type": ["string", "number", "boolean", "null"], "maxLength": longest })
        }
        FieldKind::Email => {
            json!({ "type": ["string", "null"], "maxLength": longest, "description": "An e-mail address." })
        }
        FieldKind::Number => {
            json!({ "type": ["integer", "string", "null"], "description": "A number, or a range such as `50-999`." })
        }
        FieldKind::Flag => json!({ "type": ["boolean", "string", "integer", "null"], "description": "Yes or no." }),
        FieldKind::Channel => {
            json!({ "type": ["string", "null"], "description": "`email`, `phone`, `sms` or `whatsapp`." })
        }
    }
}

/// Something that a person did.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivityReport {
    /// The person's e-mail address; this or `lead_id`.
    pub email: Option<String>,
    /// The person's lead; this or `email`.
    pub lead_id: Option<String>,
    /// What they did.
    pub did: String,
    /// Through which channel.
    pub channel: Option<String>,
    /// How much it asked of them: `low`, `medium` or `high`.
    pub spend: Option<String>,
    /// How they responded.
    pub response: Option<String>,
    /// The product it was about.
    pub product: Option<String>,
    /// When; now if it is left out.
    pub at: Option<String>,
}

/// A table or list: its first line names the columns.
#[derive(Debug)]
pub struct Csv;

impl JsonSchema for Csv {
    fn schema_name() -> Cow<'static, str> {
        "Csv".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(json!({ "type": "string", "description": "CSV in UTF-8. The first line names the columns." }))
    }
}

/// A rulebook.
#[derive(Debug)]
pub struct Yaml;

impl JsonSchema for Yaml {
    fn schema_name() -> Cow<'static, str> {
        "Yaml".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(json!({ "type": "string", "description": "A rulebook in YAML, see docs/rulebook.md." }))
    }
}

/// What went wrong, in the form of RFC 9457.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemReply {
    /// HTTP status.
    pub status: u16,
    /// Stable word for programs.
    pub code: String,
    /// What is wrong, for people.
    pub title: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// What is wrong with a rulebook, place by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<RulebookProblem>,
    /// What is there now, where a precondition failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Value>,
}

/// What the gateway says by itself.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GatewayMessage {
    /// What is wrong.
    pub message: Option<String>,
}

/// This document.
#[derive(Debug)]
pub struct OpenApi;

impl JsonSchema for OpenApi {
    fn schema_name() -> Cow<'static, str> {
        "OpenApi".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(json!({ "type": "object", "description": "An OpenAPI document, version 3.1." }))
    }
}
