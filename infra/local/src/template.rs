//! Reads a SAM template into a [`Stack`], and rejects what cannot be run.
//!
//! Every property is *run*, *inert* (without effect on one machine, noted once) or *refused*; see
//! `template/properties.rs`. All problems are reported at once, each with its place and a fix.

mod check;
mod events;
mod node;
mod problem;
mod properties;
mod resources;
mod scope;

use std::collections::BTreeMap;

pub use problem::TemplateProblem;

use self::check::Checker;
use self::node::{At, Entry, Kind, Node};
use self::problem::{choices, suggestion};
use self::properties::{GLOBALS, NOT_GLOBAL, PARAMETER, RESOURCE, SECTIONS, TYPES, TypeFate};
use self::resources::Builder;
use self::scope::{Resource, Scope};
use crate::stack::Stack;

/// Values that a template is resolved with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `AWS::StackName`.
    pub stack_name: String,
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::AccountId`, twelve digits.
    pub account: String,
    /// Base URL of the proxy; queue URLs are `{endpoint_url}/{account}/{queue}`.
    pub endpoint_url: String,
    /// Values for parameters instead of their defaults.
    pub parameters: BTreeMap<String, String>,
}

/// Reads the template `text`. Problems name it `file`.
pub fn read(text: &str, file: &str, settings: &Settings) -> Result<Stack, Vec<TemplateProblem>> {
    let scope = Scope::new(settings);
    let (root, yaml) = node::read(text);
    for problem in yaml {
        scope.problem(problem.at, "", problem.message);
    }
    let Some(root) = root else {
        if text.trim().is_empty() {
            scope.problem(At { line: 1, column: 1 }, "", "the template is empty");
        }
        return Err(scope.problems.into_inner().finish(file));
    };
    let (scope, stack) = assemble(scope, &root);
    let problems = scope.problems.into_inner().finish(file);
    if problems.is_empty() { Ok(stack) } else { Err(problems) }
}

fn assemble<'a>(mut scope: Scope<'a>, root: &Node) -> (Scope<'a>, Stack) {
    // First everything that can be referred to: parameters, conditions, then the resources' names.
    let mut notices = Vec::new();
    for entry in root.get("Parameters").map(Node::entries).unwrap_or_default() {
        let value = parameter(&scope, entry, &mut notices);
        scope.parameters.insert(entry.name.clone(), value);
    }
    unknown_overrides(&scope, root);
    for entry in root.get("Conditions").map(Node::entries).unwrap_or_default() {
        scope.conditions.insert(entry.name.clone(), entry.value.clone());
    }
    for (name, node) in &scope.conditions {
        scope.holds(node, &format!("Conditions.{name}"));
    }
    let nothing = Node { at: root.at, kind: Kind::Map(Vec::new()) };
    let globals = root.at_path(&["Globals", "Function"]).unwrap_or(&nothing);
    for entry in root.get("Resources").map(Node::entries).unwrap_or_default() {
        let resource = declared(&scope, entry, globals);
        scope.resources.insert(entry.name.clone(), resource);
    }

    let mut checker = Checker { scope: &scope, notices };
    sections(&mut checker, root, globals);
    let mut builder = Builder::new(checker);
    for entry in root.get("Resources").map(Node::entries).unwrap_or_default() {
        resource(&mut builder, entry);
    }
    let stack = builder.finish();
    (scope, stack)
}

/// Returns a parameter's value: the override, else its default. Checks it against the parameter's limits.
fn parameter(scope: &Scope<'_>, entry: &Entry, notices: &mut Vec<String>) -> Node {
    let path = format!("Parameters.{}", entry.name);
    let mut checker = Checker { scope, notices: std::mem::take(notices) };
    let parameter = checker.properties(&entry.value, PARAMETER, &path, "a parameter");
    *notices = checker.notices;
    let (at, text) = match (scope.settings.parameters.get(&entry.name), parameter.get("Default")) {
        (Some(text), _) => (entry.at, text.clone()),
        (None, Some(Node { at, kind: Kind::Text { text, .. } })) => (*at, text.clone()),
        (None, Some(_)) => return Node::broken(entry.at),
        (None, None) => {
            scope.problem(entry.at, &path, format!("`{}` has no default; give it a value", entry.name));
            return Node::broken(entry.at);
        }
    };
    let limit = |name: &str| parameter.get(name).and_then(Node::text).and_then(|text| text.parse::<i64>().ok());
    let refuse = |expected: String| {
        scope.problem(
            at,
            &path,
            format!("the value `{text}` of `{}` is not allowed; it must be {expected}", entry.name),
        );
    };
    let allowed: Vec<&str> =
        parameter.get("AllowedValues").map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect();
    if !allowed.is_empty() && !allowed.contains(&text.as_str()) {
        refuse(choices(allowed));
    }
    if parameter.get("Type").and_then(Node::text) == Some("Number") {
        match text.parse::<i64>() {
            Err(_) if text.parse::<f64>().is_err() => refuse("a number".to_owned()),
            Ok(number) if limit("MinValue").is_some_and(|least| number < least) => {
                refuse(format!("at least {}", limit("MinValue").unwrap_or_default()));
            }
            Ok(number) if limit("MaxValue").is_some_and(|most| number > most) => {
                refuse(format!("at most {}", limit("MaxValue").unwrap_or_default()));
            }
            _ => {}
        }
    }
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if limit("MinLength").is_some_and(|least| length < least) {
        refuse(format!("at least {} characters long", limit("MinLength").unwrap_or_default()));
    }
    if limit("MaxLength").is_some_and(|most| length > most) {
        refuse(format!("at most {} characters long", limit("MaxLength").unwrap_or_default()));
    }
    if parameter.get("Type").and_then(Node::text) == Some("CommaDelimitedList") {
        let parts = text.split(',').map(|part| Node::text_at(at, part.trim())).collect();
        return Node { at, kind: Kind::List(parts) };
    }
    Node::text_at(at, text)
}

fn unknown_overrides(scope: &Scope<'_>, root: &Node) {
    let at = root.entries().iter().find(|entry| entry.name == "Parameters").map_or(root.at, |entry| entry.at);
    for name in scope.settings.parameters.keys() {
        if !scope.parameters.contains_key(name) {
            let hint = match suggestion(name, scope.parameters.keys().map(String::as_str)) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("use {}", choices(scope.parameters.keys().map(String::as_str))),
            };
            scope.problem(at, "Parameters", format!("the template has no parameter `{name}`; {hint}"));
        }
    }
}

/// Returns the part of a resource that others may refer to, with the globals merged in.
fn declared(scope: &Scope<'_>, entry: &Entry, globals: &Node) -> Resource {
    let kind = entry.value.get("Type").and_then(Node::text).unwrap_or_default().to_owned();
    let empty = Node { at: entry.value.at, kind: Kind::Map(Vec::new()) };
    let own = entry.value.get("Properties").unwrap_or(&empty);
    let properties = if kind == "AWS::Serverless::Function" { merged(globals, own) } else { own.clone() };
    let exists = entry.value.get("Condition").is_none_or(|condition| {
        let path = format!("Resources.{}.Condition", entry.name);
        // A missing condition has been reported. The resource is still read.
        condition.text().and_then(|name| scope.condition(name, condition.at, &path)).unwrap_or(true)
    });
    Resource { kind, properties, exists }
}

/// Merges a function's properties into the globals as SAM does: mappings are merged, lists are appended, and otherwise
/// the function's own value wins.
fn merged(global: &Node, own: &Node) -> Node {
    match (&global.kind, &own.kind) {
        (Kind::Map(globals), Kind::Map(owns)) => {
            let mut entries = owns.clone();
            for global in globals {
                match entries.iter_mut().find(|entry| entry.name == global.name) {
                    Some(entry) => entry.value = merged(&global.value, &entry.value),
                    None => entries.push(global.clone()),
                }
            }
            Node { at: own.at, kind: Kind::Map(entries) }
        }
        (Kind::List(globals), Kind::List(owns)) => {
            Node { at: own.at, kind: Kind::List(globals.iter().chain(owns).cloned().collect()) }
        }
        _ => own.clone(),
    }
}

/// Checks everything outside `Resources`.
fn sections(checker: &mut Checker<'_, '_>, root: &Node, globals: &Node) {
    // Only the names. The sections themselves are read one by one.
    let names = Node {
        at: root.at,
        kind: match &root.kind {
            Kind::Map(entries) => Kind::Map(
                entries
                    .iter()
                    .map(|entry| {
                        match SECTIONS.iter().find(|section| section.name == entry.name).map(|section| section.fate) {
                            Some(properties::Fate::Run(properties::Shape::Any)) => {
                                Entry { value: Node::broken(entry.at), ..entry.clone() }
                            }
                            _ => entry.clone(),
                        }
                    })
                    .collect(),
            ),
            other => other.clone(),
        },
    };
    checker.properties(&names, SECTIONS, "", "a template");
    if let Some(section) = root.get("Globals") {
        let names = section.entries().iter().map(|entry| Entry { value: Node::broken(entry.at), ..entry.clone() });
        let names = Node { at: section.at, kind: Kind::Map(names.collect()) };
        checker.properties(&names, GLOBALS, "Globals", "`Globals`");
    }
    for entry in globals.entries() {
        if NOT_GLOBAL.contains(&entry.name.as_str()) {
            let path = format!("Globals.Function.{}", entry.name);
            checker.scope.problem(
                entry.at,
                &path,
                format!("SAM does not allow `{}` in globals; set it on each function", entry.name),
            );
        }
    }
    checker.properties(globals, properties::FUNCTION, "Globals.Function", "a function");
    for entry in root.get("Outputs").map(Node::entries).unwrap_or_default() {
        if let Some(value) = entry.value.get("Value") {
            checker.scope.value(value, &format!("Outputs.{}.Value", entry.name));
        }
    }
}

/// Checks one resource and builds it.
fn resource(builder: &mut Builder<'_, '_>, entry: &Entry) {
    let scope = builder.checker.scope;
    let path = format!("Resources.{}", entry.name);
    let Some(declared) = scope.resources.get(&entry.name) else { return };
    if !declared.exists {
        return;
    }
    // The properties are resolved below, with the globals merged in.
    let beside = entry.value.entries().iter().filter(|inner| inner.name != "Properties").cloned().collect();
    let beside = Node { at: entry.value.at, kind: Kind::Map(beside) };
    if matches!(entry.value.kind, Kind::Map(_)) {
        builder.checker.properties(&beside, RESOURCE, &path, "a resource");
    } else {
        scope.problem(entry.value.at, &path, format!("found {}, expected a resource", entry.value.describe()));
        return;
    }
    if let Some(depends_on) = entry.value.get("DependsOn") {
        let ids = if depends_on.items().is_empty() { std::slice::from_ref(depends_on) } else { depends_on.items() };
        for id in ids {
            if let Some(text) = id.text().filter(|text| !scope.resources.contains_key(*text)) {
                let hint = suggestion(text, scope.resources.keys().map(String::as_str))
                    .map_or_else(|| "remove it".to_owned(), |close| format!("did you mean `{close}`?"));
                scope.problem(id.at, &format!("{path}.DependsOn"), format!("there is no resource `{text}`; {hint}"));
            }
        }
    }
    let Some(kind) = entry.value.get("Type") else { return };
    let kind_path = format!("{path}.Type");
    match TYPES.iter().find(|known| known.name == declared.kind).map(|known| known.fate) {
        Some(TypeFate::Run(known)) => {
            let path = format!("{path}.Properties");
            let properties = builder.checker.properties(&declared.properties, known, &path, &declared.kind);
            builder.resource(&entry.name, &declared.kind, &properties, &entry.value);
        }
        Some(TypeFate::Inert(why)) => {
            builder.checker.notice(why);
            // What it refers to must still exist.
            scope.value(&declared.properties, &format!("{path}.Properties"));
        }
        Some(TypeFate::Refused(instead)) => {
            scope.problem(
                kind.at,
                &kind_path,
                format!("`{}` is not supported on one machine: {instead}", declared.kind),
            );
        }
        None => {
            let hint = match suggestion(&declared.kind, TYPES.iter().map(|known| known.name)) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "give it a `Condition` that holds only on AWS".to_owned(),
            };
            scope.problem(kind.at, &kind_path, format!("`{}` is not a supported resource type; {hint}", declared.kind));
        }
    }
}

#[cfg(test)]
mod tests;
