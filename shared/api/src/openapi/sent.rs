//! Schemas of bodies without a Rust type: submissions, texts, problems, and messages of the gateway.

use std::borrow::Cow;

use fairleader_lead::problem::FieldProblem;
use fairleader_lead::submission::schema::{FIELDS, FieldKind, LONGEST_CUSTOM_VALUE, MOST_CUSTOM};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::shape::rulebooks::RulebookProblem;

/// Makes a schema from JSON.
fn schema(written: Value) -> Schema {
    Schema::try_from(written).unwrap_or_default()
}

/// Lead as sources send it: the fields of the lead schema, and custom fields.
#[derive(Debug)]
pub struct Submission;

impl JsonSchema for Submission {
    fn schema_name() -> Cow<'static, str> {
        "Submission".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let properties: Map<String, Value> =
            FIELDS.iter().map(|field| (field.name.to_owned(), field_schema(field.kind, field.longest))).collect();
        let about = format!(
            "A lead. An e-mail address or a phone number is required. Other fields are stored as custom fields, at most \
             {MOST_CUSTOM} of them."
        );
        schema(json!({
            "description": about,
            "type": "object",
            "properties": properties,
            "additionalProperties": {
                "type": ["string", "number", "boolean", "null"],
                "maxLength": LONGEST_CUSTOM_VALUE,
            },
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
            let about = "A number, or a range like `50-999`.";
            json!({ "type": ["integer", "string", "null"], "maxLength": longest, "description": about })
        }
        FieldKind::Flag => {
            let types = ["boolean", "string", "integer", "null"];
            json!({ "type": types, "maxLength": longest, "description": "Yes or no." })
        }
        FieldKind::Channel => {
            let about = "`email`, `phone`, `sms` or `whatsapp`.";
            json!({ "type": ["string", "null"], "maxLength": longest, "description": about })
        }
    }
}

/// Activity of a person.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivityReport {
    /// E-mail address of the person. Send either this or `lead_id`.
    #[schemars(length(max = 320))]
    pub email: Option<String>,
    /// Lead of the person. Send either this or `email`.
    #[schemars(length(max = 64))]
    pub lead_id: Option<String>,
    /// What they did, in a word like `demo` or `webinar`.
    #[schemars(length(max = 64))]
    pub did: String,
    /// Channel of the activity.
    #[schemars(length(max = 64))]
    pub channel: Option<String>,
    /// How much time or effort it took them: `low`, `medium` or `high`.
    #[schemars(length(max = 64))]
    pub spend: Option<String>,
    /// Their response, such as `attended`.
    #[schemars(length(max = 64))]
    pub response: Option<String>,
    /// The product it was about.
    #[schemars(length(max = 200))]
    pub product: Option<String>,
    /// Time of the activity; now if left out.
    #[schemars(length(max = 64))]
    pub at: Option<String>,
}

/// Table or list. The first line names the columns.
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

/// Rulebook as text.
#[derive(Debug)]
pub struct Yaml;

impl JsonSchema for Yaml {
    fn schema_name() -> Cow<'static, str> {
        "Yaml".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema(json!({ "type": "string", "description": "A rulebook in YAML; see docs/rulebook.md." }))
    }
}

/// Problem details of a failed request (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemReply {
    /// HTTP status.
    pub status: u16,
    /// Stable word for programs (`invalid_submission`).
    pub code: String,
    /// What happened, for people.
    pub title: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The fields to correct.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// The first 100 errors and 100 warnings of a rulebook, with line and column, and a count of the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<RulebookProblem>,
    /// The current state, if a precondition failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Value>,
}

/// Error reply of the gateway itself.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GatewayMessage {
    /// What happened.
    pub message: Option<String>,
}

/// The OpenAPI document itself.
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
