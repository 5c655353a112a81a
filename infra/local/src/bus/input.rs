//! The input of a target: the whole event, a part of it, a constant, or a filled-in template.
//!
//! Values are filled in as observed on AWS. Outside quotes a value is JSON: a string has its quotes, an object is an
//! object. Inside quotes it is text: a string is escaped without its own quotes, an object loses all quotes. A missing
//! value is an empty string. A template that is not a JSON object or array is text, and values are inserted bare.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::stack::TargetInput;

/// A target's input with parsed paths.
#[derive(Debug)]
pub(super) enum Input {
    Event,
    Part(JsonPath),
    Constant(String),
    Template(Template),
}

#[derive(Debug)]
pub(super) struct Template {
    paths: BTreeMap<String, JsonPath>,
    pieces: Vec<Piece>,
    is_json: bool,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Placeholder { name: String, quoted: bool },
}

/// A path in dot notation with indices and wildcards (`$.detail.items[0]`, `$.detail.items[*].id`).
#[derive(Debug)]
pub(super) struct JsonPath(Vec<Step>);

#[derive(Debug)]
enum Step {
    Field(String),
    Index(usize),
    All,
}

impl Input {
    /// Parses a target's input. An error says what is wrong.
    pub(super) fn parse(input: &TargetInput) -> Result<Self, String> {
        Ok(match input {
            TargetInput::Event => Self::Event,
            TargetInput::Path(path) => Self::Part(JsonPath::parse(path)?),
            TargetInput::Constant(text) => {
                serde_json::from_str::<Value>(text)
                    .map_err(|cause| format!("the input `{text}` is not JSON: {cause}"))?;
                Self::Constant(text.clone())
            }
            TargetInput::Transformer { paths, template } => Self::Template(Template::parse(paths, template)?),
        })
    }

    /// Returns the target's input for `event`.
    pub(super) fn render(&self, event: &Value, rule_name: &str, rule_arn: &str) -> Result<String, String> {
        match self {
            Self::Event => Ok(event.to_string()),
            Self::Constant(text) => Ok(text.clone()),
            Self::Part(path) => path
                .find(event)
                .map(|part| part.to_string())
                .ok_or_else(|| "the event has no value at the target's input path".to_owned()),
            Self::Template(template) => template.render(event, rule_name, rule_arn),
        }
    }
}

impl Template {
    fn parse(paths: &BTreeMap<String, String>, template: &str) -> Result<Self, String> {
        let paths: BTreeMap<String, JsonPath> = paths
            .iter()
            .map(|(name, path)| Ok((name.clone(), JsonPath::parse(path)?)))
            .collect::<Result<_, String>>()?;
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut quoted = false;
        let mut rest = template;
        while let Some(c) = rest.chars().next() {
            let after = rest.get(c.len_utf8()..).unwrap_or_default();
            match c {
                // An escaped character does not open or close a string.
                '\\' => {
                    let escaped = after.chars().next();
                    text.push(c);
                    text.extend(escaped);
                    rest = after.get(escaped.map_or(0, char::len_utf8)..).unwrap_or_default();
                    continue;
                }
                '"' => quoted = !quoted,
                '<' => {
                    if let Some((name, tail)) = after.split_once('>')
                        && (paths.contains_key(name) || name.starts_with("aws.events."))
                    {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                        pieces.push(Piece::Placeholder { name: name.to_owned(), quoted });
                        rest = tail;
                        continue;
                    }
                    if let Some((name, _)) = after.split_once('>')
                        && !name.is_empty()
                        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
                    {
                        return Err(format!("the template uses `<{name}>`, which its InputPathsMap does not define"));
                    }
                }
                _ => {}
            }
            text.push(c);
            rest = after;
        }
        pieces.push(Piece::Text(text));
        let is_json = template.trim_start().starts_with(['{', '[']);
        Ok(Self { paths, pieces, is_json })
    }

    fn render(&self, event: &Value, rule_name: &str, rule_arn: &str) -> Result<String, String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(fixed) => text.push_str(fixed),
                Piece::Placeholder { name, quoted } => {
                    let value = match self.paths.get(name) {
                        Some(path) => path.find(event).unwrap_or_default(),
                        None => predefined(name, event, rule_name, rule_arn),
                    };
                    let value = if value.is_null() { Value::String(String::new()) } else { value };
                    text.push_str(&match (&value, self.is_json && !quoted) {
                        (_, true) => value.to_string(),
                        (Value::String(bare), false) if *quoted => escaped(bare),
                        (Value::String(bare), false) => bare.clone(),
                        (_, false) => value.to_string().replace('"', ""),
                    });
                }
            }
        }
        if self.is_json && serde_json::from_str::<Value>(&text).is_err() {
            return Err("the filled-in template is not JSON".to_owned());
        }
        Ok(text)
    }
}

/// Returns a string as it is written between the quotes in JSON.
fn escaped(text: &str) -> String {
    let json = Value::from(text).to_string();
    json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

fn predefined(name: &str, event: &Value, rule_name: &str, rule_arn: &str) -> Value {
    match name {
        "aws.events.rule-name" => rule_name.into(),
        "aws.events.rule-arn" => rule_arn.into(),
        "aws.events.event.ingestion-time" => Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into(),
        "aws.events.event.json" => event.clone(),
        // The event without its detail.
        "aws.events.event" => {
            let mut event = event.clone();
            if let Some(fields) = event.as_object_mut() {
                fields.remove("detail");
            }
            event
        }
        _ => Value::Null,
    }
}

impl JsonPath {
    fn parse(path: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "the JSON path `{path}` cannot be read; write `$.detail.name`, `$.detail.items[0]` or `$.detail.items[*].id`"
            )
        };
        let mut rest = path.strip_prefix('$').ok_or_else(bad)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, tail) = after.split_at(end);
                match name {
                    "" => return Err(bad()),
                    "*" => steps.push(Step::All),
                    name => steps.push(Step::Field(name.to_owned())),
                }
                rest = tail;
            } else if let Some((inside, tail)) = rest.strip_prefix('[').and_then(|after| after.split_once(']')) {
                steps.push(match inside {
                    "*" => Step::All,
                    number => Step::Index(number.parse().map_err(|_| bad())?),
                });
                rest = tail;
            } else {
                return Err(bad());
            }
        }
        Ok(Self(steps))
    }

    /// Returns the value at the path; with a wildcard, an array of all values.
    fn find(&self, event: &Value) -> Option<Value> {
        let many = self.0.iter().any(|step| matches!(step, Step::All));
        let mut found = vec![event];
        for step in &self.0 {
            found = found
                .into_iter()
                .flat_map(|value| match (step, value) {
                    (Step::Field(name), Value::Object(fields)) => fields.get(name).into_iter().collect::<Vec<_>>(),
                    (Step::Index(index), Value::Array(items)) => items.get(*index).into_iter().collect(),
                    (Step::All, Value::Array(items)) => items.iter().collect(),
                    (Step::All, Value::Object(fields)) => fields.values().collect(),
                    _ => Vec::new(),
                })
                .collect();
        }
        if many {
            return Some(Value::Array(found.into_iter().cloned().collect()));
        }
        found.first().map(|value| (*value).clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(paths: &[(&str, &str)], template: &str) -> Result<String, String> {
        let paths = paths.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
        let input = Input::parse(&TargetInput::Transformer { paths, template: template.to_owned() })?;
        let event = json!({
            "id": "1",
            "detail": { "pool": "north \"A\"", "size": 3, "who": { "name": "x" }, "list": [{ "n": 1 }, { "n": 2 }] },
        });
        input.render(&event, "rule", "arn:rule")
    }

    #[test]
    fn values_are_json_outside_quotes_and_text_inside() {
        let paths =
            [("pool", "$.detail.pool"), ("size", "$.detail.size"), ("who", "$.detail.who"), ("no", "$.detail.no")];
        let cases = [
            (r#"{"pool": <pool>}"#, r#"{"pool": "north \"A\""}"#),
            (r#"{"text": "in <pool>"}"#, r#"{"text": "in north \"A\""}"#),
            (r#"{"size": <size>, "text": "<size>"}"#, r#"{"size": 3, "text": "3"}"#),
            (r#"{"who": <who>}"#, r#"{"who": {"name":"x"}}"#),
            (r#"{"text": "<who>"}"#, r#"{"text": "{name:x}"}"#),
            (r#"{"no": <no>}"#, r#"{"no": ""}"#),
            (r#"{"text": "a \"quoted\" <size>"}"#, r#"{"text": "a \"quoted\" 3"}"#),
            (r#""pool has <size>""#, r#""pool has 3""#),
            (r"pool has <size> < 5", r"pool has 3 < 5"),
            (r#"{"rule": <aws.events.rule-name>}"#, r#"{"rule": "rule"}"#),
        ];
        for (template, expected) in cases {
            assert_eq!(render(&paths, template).as_deref(), Ok(expected), "{template}");
        }
        let whole = render(&[], r#"{"event": <aws.events.event>}"#).unwrap();
        assert_eq!(whole, r#"{"event": {"id":"1"}}"#);
    }

    #[test]
    fn paths_reach_into_arrays() {
        assert_eq!(render(&[("n", "$.detail.list[1].n")], "[<n>]").as_deref(), Ok("[2]"));
        assert_eq!(render(&[("n", "$.detail.list[*].n")], "[<n>]").as_deref(), Ok("[[1,2]]"));
    }

    #[test]
    fn reports_mistakes_when_parsing() {
        assert_eq!(
            render(&[], r#"{"pool": <pol>}"#).unwrap_err(),
            "the template uses `<pol>`, which its InputPathsMap does not define"
        );
        assert!(
            render(&[("x", "detail.x")], "<x>").unwrap_err().starts_with("the JSON path `detail.x` cannot be read")
        );
        assert!(Input::parse(&TargetInput::Constant("{".to_owned())).unwrap_err().contains("is not JSON"));
    }

    #[test]
    fn selects_a_part_of_the_event() {
        let part = Input::parse(&TargetInput::Path("$.detail".to_owned())).unwrap();
        assert_eq!(part.render(&json!({ "detail": { "a": 1 } }), "", "").unwrap(), r#"{"a":1}"#);
        assert!(part.render(&json!({}), "", "").is_err());
    }
}
