//! Checks values against the shapes of their properties, and sorts properties into run, inert and refused.

use serde_json::Value;

use super::node::{Entry, Kind, Node};
use super::problem::{choices, suggestion};
use super::properties::{Fate, Property, Shape};
use super::scope::Scope;

/// Checks values and collects notices about inert properties.
#[derive(Debug)]
pub(super) struct Checker<'s, 'a> {
    pub scope: &'s Scope<'a>,
    /// Notices in the order in which they were found.
    pub notices: Vec<String>,
}

impl Checker<'_, '_> {
    /// Adds a notice unless it is there already.
    pub(super) fn notice(&mut self, why: &str) {
        if !self.notices.iter().any(|notice| notice == why) {
            self.notices.push(why.to_owned());
        }
    }

    /// Returns the properties in `node` that are run, resolved and checked. All others are noticed or reported.
    ///
    /// `of` names their owner in messages.
    pub(super) fn properties(&mut self, node: &Node, known: &[Property], path: &str, of: &str) -> Node {
        let worked_out = self.scope.value(node, path);
        self.record(&worked_out, known, path, of)
    }

    fn record(&mut self, node: &Node, known: &[Property], path: &str, of: &str) -> Node {
        let Kind::Map(entries) = &node.kind else {
            return self.mismatch(node, path, "a mapping");
        };
        let mut kept = Vec::new();
        for entry in entries {
            let inner = join(path, &entry.name);
            match known.iter().find(|property| property.name == entry.name).map(|property| property.fate) {
                Some(Fate::Run(shape)) => kept.push(Entry {
                    name: entry.name.clone(),
                    at: entry.at,
                    value: self.value(&entry.value, shape, &inner, of),
                }),
                Some(Fate::Inert(why)) => self.notice(why),
                Some(Fate::Refused(instead)) => {
                    self.scope.problem(
                        entry.at,
                        &inner,
                        format!("`{}` is not supported on one machine: {instead}", entry.name),
                    );
                }
                None => {
                    let hint = match suggestion(&entry.name, known.iter().map(|property| property.name)) {
                        Some(close) => format!("did you mean `{close}`?"),
                        None => "correct its name, or remove it".to_owned(),
                    };
                    self.scope.problem(entry.at, &inner, format!("{of} does not support `{}`; {hint}", entry.name));
                }
            }
        }
        for property in known {
            if property.needed && !entries.iter().any(|entry| entry.name == property.name) {
                self.scope.problem(node.at, path, format!("`{}` is missing; {of} needs it", property.name));
            }
        }
        Node { at: node.at, kind: Kind::Map(kept) }
    }

    fn value(&mut self, node: &Node, shape: Shape, path: &str, of: &str) -> Node {
        if matches!(node.kind, Kind::Broken) {
            return node.clone();
        }
        match shape {
            Shape::Any => node.clone(),
            Shape::Text => match node.text() {
                Some(_) => node.clone(),
                None => self.mismatch(node, path, "text"),
            },
            Shape::OneOf(words) => match node.text() {
                Some(text) if words.contains(&text) => node.clone(),
                Some(text) => {
                    let hint =
                        suggestion(text, words.iter().copied()).map(|close| format!("; did you mean `{close}`?"));
                    let expected = choices(words.iter().copied());
                    self.broken(node, path, format!("`{text}` is not one of {expected}{}", hint.unwrap_or_default()))
                }
                None => self.mismatch(node, path, &choices(words.iter().copied())),
            },
            Shape::Only(words, why) => match node.text() {
                Some(text) if words.contains(&text) => node.clone(),
                _ => self.broken(node, path, format!("{} is not supported on one machine: {why}", node.describe())),
            },
            Shape::Whole { least, most, unit } => self.whole(node, least, most, unit, path),
            Shape::YesNo => match node.text() {
                Some("true" | "false") => node.clone(),
                _ => self.mismatch(node, path, "`true` or `false`"),
            },
            Shape::List(inner) => match &node.kind {
                Kind::List(items) => self.list(node, items, *inner, path, of),
                _ => self.mismatch(node, path, "a list"),
            },
            Shape::OneOrMany(inner) => {
                if let Kind::List(items) = &node.kind {
                    return self.list(node, items, *inner, path, of);
                }
                let only = self.value(node, *inner, path, of);
                Node { at: node.at, kind: Kind::List(vec![only]) }
            }
            Shape::Record(known) => self.record(node, known, path, of),
            Shape::Names(inner) => match &node.kind {
                Kind::Map(entries) => {
                    let checked = entries.iter().map(|entry| Entry {
                        name: entry.name.clone(),
                        at: entry.at,
                        value: self.value(&entry.value, *inner, &join(path, &entry.name), of),
                    });
                    Node { at: node.at, kind: Kind::Map(checked.collect()) }
                }
                _ => self.mismatch(node, path, "a mapping"),
            },
            Shape::Json => match json(node) {
                Some(Value::Object(_)) => node.clone(),
                _ => self.mismatch(node, path, "a pattern: a mapping, or a JSON object as text"),
            },
        }
    }

    fn list(&mut self, node: &Node, items: &[Node], inner: Shape, path: &str, of: &str) -> Node {
        let mut checked = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            checked.push(self.value(item, inner, &format!("{path}[{index}]"), of));
        }
        Node { at: node.at, kind: Kind::List(checked) }
    }

    fn whole(&self, node: &Node, least: i64, most: i64, unit: &str, path: &str) -> Node {
        let of_unit = if unit.is_empty() { String::new() } else { format!(" of {unit}") };
        let range = match (least, most) {
            (i64::MIN, i64::MAX) => String::new(),
            (least, i64::MAX) => format!(" from {least}"),
            (least, most) => format!(" from {least} to {most}"),
        };
        match node.text().map(|text| (text, text.parse::<i64>())) {
            Some((_, Ok(number))) if (least..=most).contains(&number) => node.clone(),
            _ => self.mismatch(node, path, &format!("a whole number{of_unit}{range}")),
        }
    }

    fn mismatch(&self, node: &Node, path: &str, expected: &str) -> Node {
        if matches!(node.kind, Kind::Broken) {
            return node.clone();
        }
        self.broken(node, path, format!("found {}, expected {expected}", node.describe()))
    }

    fn broken(&self, node: &Node, path: &str, message: String) -> Node {
        self.scope.problem(node.at, path, message);
        Node::broken(node.at)
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Converts `node` to JSON: plain scalars get their YAML type, quoted ones stay text. Text that is a JSON document is
/// parsed.
pub(super) fn json(node: &Node) -> Option<Value> {
    match &node.kind {
        Kind::Text { text, .. } => serde_json::from_str(text).ok(),
        _ => Some(plain_json(node)),
    }
}

fn plain_json(node: &Node) -> Value {
    match &node.kind {
        Kind::Text { text, quoted: true } => Value::String(text.clone()),
        Kind::Text { text, quoted: false } => match text.as_str() {
            "null" | "~" | "" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            // Only numbers as JSON writes them: `01067` stays text.
            number => serde_json::from_str::<serde_json::Number>(number)
                .map_or_else(|_| Value::String(number.to_owned()), Value::Number),
        },
        Kind::List(items) => Value::Array(items.iter().map(plain_json).collect()),
        Kind::Map(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.name.clone(), plain_json(&entry.value))).collect())
        }
        Kind::Call { .. } | Kind::Absent | Kind::Broken => Value::Null,
    }
}
