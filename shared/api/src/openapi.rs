//! The OpenAPI document (3.1), generated from the table of routes and the types of requests and replies.

mod examples;
mod sent;

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

pub use self::sent::{ActivityReport, Csv, GatewayMessage, OpenApi, ProblemReply, Submission, Yaml};

use crate::Code;
use crate::route::{Access, Operation, Takes, media_type, operations_with_types};

/// Path of the schemas in the document.
const SCHEMAS: &str = "/components/schemas";

/// Function that registers a type and returns a reference to it.
pub type Refer = fn(&mut SchemaGenerator) -> Schema;

/// Row of the table of routes with its types.
#[derive(Clone, Copy, Debug)]
pub struct Typed {
    /// The row.
    pub operation: &'static Operation,
    /// The type of the request body.
    pub takes: Option<Refer>,
    /// The types of the replies, in the order of the names in the row.
    pub gives: &'static [Refer],
}

/// Registers `T` and returns a reference to it.
pub fn refer<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = SCHEMAS.into())
}

/// Generates the document.
pub fn document() -> Value {
    let mut requests = settings().for_deserialize().into_generator();
    let mut replies = settings().for_serialize().into_generator();
    let problem = refer::<ProblemReply>(&mut replies).to_value();
    let message = refer::<GatewayMessage>(&mut replies).to_value();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for row in operations_with_types() {
        let Typed { operation, takes, gives } = row;
        let body = takes.map(|refer| refer(&mut requests).to_value());
        let shown: Vec<Value> = gives.iter().map(|refer| refer(&mut replies).to_value()).collect();
        let method = operation.method.as_str().to_lowercase();
        let described = operation_object(operation, body, &shown, &problem, &message);
        paths.entry(operation.path).or_default().insert(method, described);
    }
    let mut schemas = replies.take_definitions(true);
    let mut paths = json!(paths);
    add_requests(&mut schemas, requests.take_definitions(true), &mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Fairleader",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": "Lead routing. Send your key as `Authorization: Bearer <key>`. Errors are RFC 9457 problem \
                documents with a stable `code`; 401, 429, 503 and some 403, 404 and 413 replies are the gateway's \
                own, as `{\"message\": …}`. Lists are paged: send the `next` of a page to get the next one.",
        },
        "servers": [{ "url": "http://127.0.0.1:3000", "description": "`fairleader` on your machine" }],
        "security": [{ "key": [] }],
        "tags": [
            { "name": "intake", "description": "Accepts leads and activities." },
            { "name": "desk", "description": "Commands of reps, and what people look up." },
            { "name": "roster", "description": "Reps, pools and accounts." },
            { "name": "rulebooks", "description": "Rules: versions, review, activation, replay, reroute, tables." },
            { "name": "imports", "description": "Import of lists, part by part." },
            { "name": "access", "description": "People and keys." },
            { "name": "recovery", "description": "Leads on hold, and commands that failed." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation_object(
    operation: &Operation,
    body: Option<Value>,
    replied: &[Value],
    problem: &Value,
    message: &Value,
) -> Value {
    let roles: Vec<&str> = operation.access.roles().iter().map(|role| role.as_str()).collect();
    let mut object = Map::new();
    object.insert("operationId".to_owned(), json!(operation.name));
    object.insert("tags".to_owned(), json!([operation.function]));
    object.insert("summary".to_owned(), json!(operation.summary));
    if operation.access == Access::Anyone {
        object.insert("security".to_owned(), json!([]));
        object.insert("description".to_owned(), json!("Needs no key."));
    } else {
        object.insert("description".to_owned(), json!(format!("Needs the role {}.", roles.join(" or "))));
    }
    object.insert("x-roles".to_owned(), json!(roles));
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        object.insert("parameters".to_owned(), json!(parameters));
    }
    if let (Some(Takes { kind, required }), Some(schema)) = (operation.takes, body) {
        // A body that may be left out may also be `null`, because some programs cannot leave it out.
        let schema = if required { schema } else { json!({ "anyOf": [schema, { "type": "null" }] }) };
        let mut content = json!({ "schema": schema });
        if let (Some(example), Some(fields)) = (examples::of(kind), content.as_object_mut()) {
            fields.insert("example".to_owned(), example);
        }
        object.insert(
            "requestBody".to_owned(),
            json!({ "required": required, "content": { media_type(kind): content } }),
        );
    }
    object.insert("responses".to_owned(), json!(responses(operation, replied, problem, message)));
    Value::Object(object)
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| {
        json!({
            "name": name, "in": "path", "required": true,
            "schema": { "type": "string", "maxLength": 255 },
            "example": examples::of_path(operation.path, name),
        })
    });
    let optional = |place: &'static str| move |(name, meaning): &(&str, &str)| json!({ "name": name, "in": place, "description": meaning, "schema": { "type": "string" } });
    let query = operation.query.iter().map(optional("query"));
    in_path.chain(query).chain(operation.headers.iter().map(optional("header"))).collect()
}

/// Lists the replies by status: success, every problem, and the gateway's own replies.
fn responses(operation: &Operation, replied: &[Value], problem: &Value, message: &Value) -> Map<String, Value> {
    let mut responses = Map::new();
    let all = std::iter::once((operation.status, operation.gives)).chain(operation.otherwise.iter().copied());
    let mut replied = replied.iter();
    for (status, kinds) in all {
        responses.insert(status.to_string(), good(operation.summary, kinds, &mut replied));
    }
    let mut problems: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in operation.problems() {
        problems.entry(code.status()).or_default().push(code);
    }
    let from_gateway =
        if operation.access == Access::Anyone { &[429, 503][..] } else { &[401, 403, 413, 429, 503][..] };
    let statuses = problems.keys().chain(from_gateway).copied().collect::<std::collections::BTreeSet<u16>>();
    for status in statuses {
        let codes = problems.get(&status).map(Vec::as_slice).unwrap_or_default();
        let mut content = Map::new();
        let mut said: Vec<String> =
            codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.meaning())).collect();
        if !codes.is_empty() {
            let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
            let schema = json!({
                "allOf": [problem, { "properties": { "status": { "const": status }, "code": { "enum": words } } }]
            });
            content.insert("application/problem+json".to_owned(), json!({ "schema": schema }));
        }
        if from_gateway.contains(&status) {
            content.insert("application/json".to_owned(), json!({ "schema": message }));
            said.push("Or a reply of the gateway itself.".to_owned());
        }
        let description = said.join(" ");
        responses.insert(status.to_string(), json!({ "description": description, "content": content }));
    }
    responses
}

/// Describes a successful reply. Takes its schemas from `replied`.
fn good<'a>(summary: &str, kinds: &[&str], replied: &mut impl Iterator<Item = &'a Value>) -> Value {
    let mut content: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (kind, schema) in kinds.iter().zip(replied) {
        content.entry(media_type(kind)).or_default().push(schema);
    }
    let content: BTreeMap<&str, Value> = content
        .into_iter()
        .map(|(media, schemas)| match schemas.as_slice() {
            [one] => (media, json!({ "schema": one })),
            several => (media, json!({ "schema": { "anyOf": several } })),
        })
        .collect();
    let mut good = json!({ "description": summary });
    if let Some(good) = good.as_object_mut().filter(|_| !content.is_empty()) {
        good.insert("content".to_owned(), json!(content));
    }
    good
}

/// Adds the types of requests. A type that is also used in replies gets a schema of its own, named `…Request`, if the
/// two differ.
fn add_requests(schemas: &mut Map<String, Value>, mut requests: Map<String, Value>, paths: &mut Value) {
    for schema in requests.values_mut() {
        id_is_in_the_path(schema);
    }
    let differ: Vec<String> = requests
        .iter()
        .filter(|(name, schema)| schemas.get(*name).is_some_and(|shown| shown != *schema))
        .map(|(name, _)| name.clone())
        .collect();
    let mut sent = json!(requests);
    for name in &differ {
        let (from, to) = (format!("#{SCHEMAS}/{name}"), format!("#{SCHEMAS}/{name}Request"));
        rename(&mut sent, &from, &to);
        for operation in paths.as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
            for method in operation.as_object_mut().into_iter().flat_map(|methods| methods.values_mut()) {
                if let Some(body) = method.get_mut("requestBody") {
                    rename(body, &from, &to);
                }
            }
        }
    }
    if let Value::Object(sent) = sent {
        for (name, schema) in sent {
            let name = if differ.contains(&name) { format!("{name}Request") } else { name };
            schemas.insert(name, schema);
        }
    }
}

/// Makes ids optional in a body, because the path has them.
fn id_is_in_the_path(schema: &mut Value) {
    let ids = ["rep_id", "pool_id", "account_id", "person_id"];
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|field| !field.as_str().is_some_and(|field| ids.contains(&field)));
    }
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, from, to)),
        Value::Object(fields) => fields.values_mut().for_each(|value| rename(value, from, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const KEPT: &str = include_str!("../../../docs/openapi.json");

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| references(value, found));
            }
            _ => {}
        }
    }

    #[test]
    fn the_document_in_docs_is_current() {
        assert!(format!("{:#}\n", document()) == KEPT, "update it with `cargo run -- openapi > docs/openapi.json`");
    }

    #[test]
    fn describes_every_route_with_roles_and_problems() {
        let document = document();
        let mut described = 0;
        for operation in crate::route::operations() {
            let method = operation.method.as_str().to_lowercase();
            let object = &document["paths"][operation.path][&method];
            assert_eq!(object["operationId"], operation.name);
            let roles: Vec<&str> = operation.access.roles().iter().map(|role| role.as_str()).collect();
            assert_eq!(object["x-roles"], json!(roles), "{operation}");
            for code in operation.problems() {
                let said = object["responses"][code.status().to_string()]["description"].as_str();
                assert!(
                    said.is_some_and(|said| said.contains(&format!("`{}`", code.as_str()))),
                    "{operation} {code:?}"
                );
            }
            described += 1;
        }
        let paths = document["paths"].as_object().unwrap().values();
        assert_eq!(paths.map(|path| path.as_object().unwrap().len()).sum::<usize>(), described);
    }

    #[test]
    fn every_code_is_used_by_a_route() {
        let used: BTreeSet<Code> = crate::route::operations().iter().flat_map(|row| row.problems()).collect();
        let unused: Vec<&Code> = Code::ALL.iter().filter(|code| !used.contains(code)).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }

    #[test]
    fn references_and_schemas_match() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        let schemas = document["components"]["schemas"].as_object().unwrap().keys();
        let there: BTreeSet<String> = schemas.map(|name| format!("#{SCHEMAS}/{name}")).collect();
        assert_eq!(found, there);
    }

    #[test]
    fn examples_match_their_schemas() {
        let document = document();
        let address = "http://fairleader.example/openapi.json";
        for operation in crate::route::operations() {
            let Some(takes) = operation.takes else { continue };
            let method = operation.method.as_str().to_lowercase();
            let content = &document["paths"][operation.path][&method]["requestBody"]["content"];
            let example = &content[media_type(takes.kind)]["example"];
            assert!(!example.is_null(), "{operation} has no example");
            let mut compiler = boon::Compiler::new();
            compiler.add_resource(address, document.clone()).unwrap();
            let mut schemas = boon::Schemas::new();
            let schema = &content[media_type(takes.kind)]["schema"];
            let schema = if takes.required { schema } else { &schema["anyOf"][0] };
            let schema = schema["$ref"].as_str().unwrap();
            let schema = compiler.compile(&format!("{address}{schema}"), &mut schemas).unwrap();
            if let Err(wrong) = schemas.validate(example, schema) {
                panic!("{operation}: {wrong:#}");
            }
        }
    }

    #[test]
    fn requests_allow_no_unknown_fields() {
        let document = document();
        for name in ["RepRequest", "PoolRequest", "AccountRequest", "NewKey", "NewImport", "Accept", "NewReroute"] {
            let schema = &document["components"]["schemas"][name];
            assert_eq!(schema["additionalProperties"], json!(false), "{name}: {schema}");
        }
    }
}
