//! Checks every reply that a test gets against the OpenAPI document: its status, and its body field by field.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

/// The document's own address.
const ADDRESS: &str = "http://fairleader.example/openapi.json";

/// The document, in which no reply may have a field that is not described.
static STRICT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = fairleader_api::openapi::document();
    for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
        close(schema);
    }
    document
});

static COMPILED: LazyLock<Mutex<HashMap<String, (Schemas, SchemaIndex)>>> = LazyLock::new(Mutex::default);

/// Forbids fields that are not described.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

/// Returns the document's path for a request; of several the one with the most fixed parts.
fn described_path(path: &str) -> Option<&'static str> {
    let asked: Vec<&str> = path.split('?').next().unwrap_or_default().split('/').collect();
    let fits = |known: &str| {
        let known: Vec<&str> = known.split('/').collect();
        known.len() == asked.len()
            && known.iter().zip(&asked).all(|(known, asked)| known.starts_with('{') || known == asked)
    };
    let paths = STRICT["paths"].as_object().unwrap().keys();
    paths.filter(|known| fits(known)).min_by_key(|known| known.matches('{').count()).map(String::as_str)
}

/// Fails the test if the document does not describe this reply.
pub(crate) fn check(method: &str, path: &str, status: u16, content_type: &str, text: &str) {
    let Some(known) = described_path(path) else { return };
    let method = method.to_lowercase();
    let Some(operation) = STRICT["paths"][known].get(&method) else { return };
    let asked = format!("{method} {known}: {status} {text}");
    let reply = operation["responses"].get(status.to_string()).unwrap_or_else(|| panic!("not described: {asked}"));
    let Some(content) = reply.get("content") else {
        assert!(text.is_empty(), "a body is not described: {asked}");
        return;
    };
    let media = content_type.split(';').next().unwrap_or_default();
    assert!(content.get(media).is_some(), "`{media}` is not described: {asked}");
    if !media.ends_with("json") {
        return;
    }
    let step = |part: &str| part.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D");
    let place = format!(
        "{ADDRESS}#/paths/{}/{method}/responses/{status}/content/{}/schema",
        step(known),
        step(media).replace('+', "%2B")
    );
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let (schemas, schema) = compiled.entry(place.clone()).or_insert_with(|| {
        let mut compiler = Compiler::new();
        compiler.add_resource(ADDRESS, STRICT.clone()).unwrap();
        let mut schemas = Schemas::new();
        let schema = compiler.compile(&place, &mut schemas).unwrap_or_else(|cause| panic!("{place}: {cause:#}"));
        (schemas, schema)
    });
    let body: Value = serde_json::from_str(text).unwrap_or_else(|cause| panic!("{cause}: {asked}"));
    if let Err(wrong) = schemas.validate(&body, *schema) {
        panic!("{wrong:#}\n{asked}");
    }
}
