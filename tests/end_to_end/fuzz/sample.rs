//! Values that fit the OpenAPI document, to begin with.

use fairleader_hostile::Random;
use serde_json::{Map, Value, json};

use super::known::Known;

/// Limit on the entries of a list.
const ENTRIES: usize = 3;
/// How deep a value may be.
const DEEPEST: usize = 8;

/// Makes values by the schemas of the document.
pub(super) struct Samples {
    document: Value,
}

impl Samples {
    pub(super) fn new() -> Self {
        Self { document: fairleader_api::openapi::document() }
    }

    /// Returns the body that an operation takes, by its path and method; `None` if it is not JSON.
    pub(super) fn body(&self, path: &str, method: &str, random: &mut Random, known: &Known) -> Option<Value> {
        let takes = &self.document["paths"][path][method.to_lowercase()]["requestBody"]["content"];
        let schema = takes.get("application/json")?.get("schema")?;
        Some(self.sample("", schema, random, known, 0))
    }

    /// Returns a value for a field called `name`.
    fn sample(&self, name: &str, schema: &Value, random: &mut Random, known: &Known, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(to) = schema["$ref"].as_str() {
            let to = self.document.pointer(to.trim_start_matches('#')).unwrap();
            return self.sample(name, to, random, known, depth + 1);
        }
        for kind in ["anyOf", "oneOf"] {
            if let Some(all) = schema[kind].as_array() {
                let one = &all[random.below(all.len())];
                return self.sample(name, one, random, known, depth + 1);
            }
        }
        if let Some(all) = schema["enum"].as_array() {
            return random.pick(all).clone();
        }
        let kind = match &schema["type"] {
            // A text is what people send, wherever it may be one.
            Value::Array(kinds) if kinds.contains(&json!("string")) && !random.one_in(4) => "string",
            Value::Array(kinds) => random.pick(kinds).as_str().unwrap(),
            kind => kind.as_str().unwrap_or("object"),
        };
        match kind {
            "string" => Value::from(known.text(name, schema["format"].as_str(), random)),
            "integer" | "number" => json!(
                random
                    .below(1 + schema["maximum"].as_u64().map_or(200, |most| usize::try_from(most.min(500)).unwrap()))
            ),
            "boolean" => json!(random.one_in(2)),
            "null" => Value::Null,
            "array" => {
                let count = random.below(ENTRIES + 1);
                let entries = (0..count).map(|_| self.sample(name, &schema["items"], random, known, depth + 1));
                entries.collect()
            }
            _ => self.object(schema, random, known, depth),
        }
    }

    fn object(&self, schema: &Value, random: &mut Random, known: &Known, depth: usize) -> Value {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut fields = Map::new();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            // The body of a `PUT` may repeat the id in the path; it seldom would be the same one.
            let repeats = name.ends_with("_id") && name != "lead_id";
            if required.contains(&name.as_str()) || (!repeats && random.one_in(5)) {
                fields.insert(name.clone(), self.sample(name, schema, random, known, depth + 1));
            }
        }
        if fields.contains_key("email") && fields.contains_key("lead_id") {
            fields.remove("lead_id");
        }
        Value::Object(fields)
    }
}
