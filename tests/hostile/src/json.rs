//! Mutations of JSON that keep it JSON, mostly.

use serde_json::Value;

use crate::{Random, hostile_json, hostile_text};

/// Stands for a hostile value until the text is written, because not every hostile value is JSON.
const MARK: &str = "\u{e000}hostile";

/// Returns JSON text in which up to three values or names are hostile, missing, repeated or somewhere else.
pub fn mutated_json(random: &mut Random, value: &Value) -> String {
    let mut value = value.clone();
    for _ in 0..=random.below(3) {
        mutate(&mut value, random);
    }
    let mut text = value.to_string();
    let mark = format!("\"{MARK}\"");
    while let Some(at) = text.find(&mark) {
        text.replace_range(at..at + mark.len(), &hostile_json(random));
    }
    text
}

fn mutate(root: &mut Value, random: &mut Random) {
    let count = nodes(root);
    let taken = pick(root, &mut random.below(count)).cloned().unwrap_or_default();
    let mut at = random.below(count);
    let Some(node) = pick(root, &mut at) else { return };
    match (random.below(8), node) {
        (0, node) => *node = taken,
        (1, Value::Object(fields)) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            if !names.is_empty() {
                fields.remove(random.pick(&names));
            }
        }
        (2, Value::Object(fields)) => drop(fields.insert(hostile_text(random), taken)),
        (3, Value::Array(entries)) => {
            let again = entries.clone();
            entries.extend(again);
        }
        (4, Value::String(text)) => *text = format!("{text}{}", hostile_text(random)),
        (5, Value::String(text)) => *text = hostile_text(random),
        (6, node) if node.is_number() => *node = Value::from(i64::from_le_bytes(random.next().to_le_bytes())),
        (_, node) => *node = Value::from(MARK),
    }
}

fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(entries) => entries.iter().map(nodes).sum(),
        Value::Object(fields) => fields.values().map(nodes).sum(),
        _ => 0,
    }
}

/// Returns the node with this number, in the order of the text.
fn pick<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(entries) => entries.iter_mut().find_map(|entry| pick(entry, left)),
        Value::Object(fields) => fields.values_mut().find_map(|field| pick(field, left)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mutated_json_is_mostly_json() {
        let value = json!({"email": "ada@lovelace.example", "age": 36, "tags": ["a", {"b": null}]});
        let all: Vec<String> = (0..1_000).map(|case| mutated_json(&mut Random::of_case(1, case), &value)).collect();
        let readable = all.iter().filter(|text| serde_json::from_str::<Value>(text).is_ok()).count();
        assert!((500..1_000).contains(&readable), "{readable}");
        let same =
            all.iter().filter(|text| serde_json::from_str::<Value>(text).is_ok_and(|read| read == value)).count();
        assert!(same < 200, "{same}");
    }
}
