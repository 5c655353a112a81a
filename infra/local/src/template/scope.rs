//! Resolves names in a template: parameters, conditions, pseudo parameters, and `Ref` and `GetAtt` of each resource
//! type.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::Settings;
use super::node::{At, Entry, Kind, Node};
use super::problem::{Problems, choices, suggestion};

/// The part of a resource that others may refer to.
#[derive(Debug)]
pub(super) struct Resource {
    pub kind: String,
    pub properties: Node,
    /// Whether its condition is true.
    pub exists: bool,
}

/// Everything that can be referred to.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub settings: &'a Settings,
    pub parameters: BTreeMap<String, Node>,
    pub conditions: BTreeMap<String, Node>,
    pub resources: BTreeMap<String, Resource>,
    pub problems: RefCell<Problems>,
    /// While positive, problems are not reported here: they are reported where the value is defined.
    muted: Cell<usize>,
    /// The resources whose names are being resolved.
    naming: RefCell<Vec<String>>,
    depth: Cell<usize>,
}

/// A chain of references longer than this is a cycle.
const LONGEST_CHAIN: usize = 40;

const PSEUDO: &[&str] = &[
    "AWS::StackName",
    "AWS::Region",
    "AWS::AccountId",
    "AWS::Partition",
    "AWS::URLSuffix",
    "AWS::NoValue",
    "AWS::StackId",
];

impl<'a> Scope<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            parameters: BTreeMap::new(),
            conditions: BTreeMap::new(),
            resources: BTreeMap::new(),
            problems: RefCell::default(),
            muted: Cell::new(0),
            naming: RefCell::default(),
            depth: Cell::new(0),
        }
    }

    /// Reports a problem.
    pub(super) fn problem(&self, at: At, path: &str, message: impl Into<String>) {
        if self.muted.get() == 0 {
            self.problems.borrow_mut().add(at, path, message);
        }
    }

    fn broken(&self, at: At, path: &str, message: impl Into<String>) -> Node {
        self.problem(at, path, message);
        Node::broken(at)
    }

    /// Does `work` one reference deeper. Returns `None` and reports a problem if the references form a cycle.
    fn deeper<T>(&self, at: At, path: &str, work: impl FnOnce() -> T) -> Option<T> {
        if self.depth.get() >= LONGEST_CHAIN {
            // Reported even while muted: there is no other report of it.
            self.problems.borrow_mut().add(at, path, "this refers to itself; break the cycle");
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        let result = work();
        self.depth.set(self.depth.get() - 1);
        Some(result)
    }

    fn muted<T>(&self, work: impl FnOnce() -> T) -> T {
        self.muted.set(self.muted.get() + 1);
        let result = work();
        self.muted.set(self.muted.get() - 1);
        result
    }

    /// Resolves every function in `node`. What cannot be resolved is reported and becomes [`Kind::Broken`].
    pub(super) fn value(&self, node: &Node, path: &str) -> Node {
        match &node.kind {
            Kind::Text { .. } | Kind::Absent | Kind::Broken => node.clone(),
            Kind::List(items) => {
                let items = items.iter().enumerate().map(|(index, item)| self.value(item, &format!("{path}[{index}]")));
                Node {
                    at: node.at,
                    kind: Kind::List(items.filter(|item| !matches!(item.kind, Kind::Absent)).collect()),
                }
            }
            Kind::Map(entries) => {
                let entries = entries.iter().map(|entry| Entry {
                    name: entry.name.clone(),
                    at: entry.at,
                    value: self.value(&entry.value, &format!("{path}.{}", entry.name)),
                });
                let kept = entries.filter(|entry| !matches!(entry.value.kind, Kind::Absent)).collect();
                Node { at: node.at, kind: Kind::Map(kept) }
            }
            Kind::Call { function, argument } => {
                let mut result = self
                    .deeper(node.at, path, || self.call(function, argument, node.at, path))
                    .unwrap_or_else(|| Node::broken(node.at));
                if matches!(result.kind, Kind::Text { .. }) {
                    result.at = node.at;
                }
                result
            }
        }
    }

    /// Returns `node` as text. Reports anything else and returns `None`.
    pub(super) fn text(&self, node: &Node, path: &str) -> Option<String> {
        let value = self.value(node, path);
        match value.kind {
            Kind::Text { text, .. } => Some(text),
            Kind::Broken => None,
            _ => {
                self.problem(node.at, path, format!("found {}, expected text", value.describe()));
                None
            }
        }
    }

    fn call(&self, function: &str, argument: &Node, at: At, path: &str) -> Node {
        match function {
            "Ref" => match self.text(argument, path) {
                Some(name) => self.reference(&name, at, path),
                None => Node::broken(at),
            },
            "Fn::GetAtt" => self.get_attribute(argument, at, path),
            "Fn::Sub" => self.substitute(argument, at, path),
            "Fn::Join" => self.join(argument, at, path),
            "Fn::Select" => self.select(argument, at, path),
            "Fn::Split" => self.split(argument, at, path),
            "Fn::If" => match argument.items() {
                [condition, yes, no] => {
                    match self.text(condition, path).and_then(|name| self.condition(&name, condition.at, path)) {
                        Some(true) => self.value(yes, path),
                        Some(false) => self.value(no, path),
                        None => Node::broken(at),
                    }
                }
                _ => self.broken(
                    at,
                    path,
                    "`!If` takes three items: a condition, the value if it is true, the value if it is false",
                ),
            },
            "Condition" | "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" => self.broken(
                at,
                path,
                format!("`{function}` is allowed only in the section `Conditions`; use `!If` with a condition's name"),
            ),
            "Fn::Base64" | "Fn::Cidr" | "Fn::FindInMap" | "Fn::GetAZs" | "Fn::ImportValue" | "Fn::Transform"
            | "Fn::Length" | "Fn::ToJsonString" | "Fn::ForEach" => self.broken(
                at,
                path,
                format!("`{function}` is not supported on one machine; use a parameter or `!Sub`"),
            ),
            unknown => self.broken(
                at,
                path,
                format!(
                    "there is no function `{unknown}`; use {}",
                    choices(["Ref", "GetAtt", "Sub", "Join", "Select", "Split", "If"])
                ),
            ),
        }
    }

    fn reference(&self, name: &str, at: At, path: &str) -> Node {
        let settings = self.settings;
        match name {
            "AWS::NoValue" => return Node { at, kind: Kind::Absent },
            "AWS::StackName" => return Node::text_at(at, &settings.stack_name),
            "AWS::Region" => return Node::text_at(at, &settings.region),
            "AWS::AccountId" => return Node::text_at(at, &settings.account),
            "AWS::Partition" => return Node::text_at(at, "aws"),
            "AWS::URLSuffix" => return Node::text_at(at, "amazonaws.com"),
            "AWS::StackId" => {
                return Node::text_at(at, self.arn("cloudformation", &format!("stack/{}/local", settings.stack_name)));
            }
            _ => {}
        }
        if let Some(value) = self.parameters.get(name) {
            return Node { at, kind: value.kind.clone() };
        }
        let Some(resource) = self.resource(name, at, path) else { return Node::broken(at) };
        let text = match resource.kind.as_str() {
            "AWS::SQS::Queue" => self.queue_url(&self.name_of(name)),
            "AWS::Serverless::HttpApi" => name.to_lowercase(),
            _ => self.name_of(name),
        };
        Node::text_at(at, text)
    }

    /// Returns the resource `name` if it exists and its condition is true. Reports anything else.
    fn resource(&self, name: &str, at: At, path: &str) -> Option<&Resource> {
        let Some(resource) = self.resources.get(name) else {
            let known = self.resources.keys().chain(self.parameters.keys()).map(String::as_str);
            let hint = match suggestion(name, known.chain(PSEUDO.iter().copied())) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "use a logical id from `Resources` or `Parameters`".to_owned(),
            };
            self.problem(at, path, format!("there is no resource or parameter `{name}`; {hint}"));
            return None;
        };
        if !resource.exists {
            self.problem(
                at,
                path,
                format!("`{name}` does not exist, because its condition is false; put this in an `!If` with the same condition"),
            );
            return None;
        }
        Some(resource)
    }

    fn get_attribute(&self, argument: &Node, at: At, path: &str) -> Node {
        let (id, attribute) = match argument.items() {
            [] => match argument.text().and_then(|text| text.split_once('.')) {
                Some((id, attribute)) => (id.to_owned(), attribute.to_owned()),
                None => {
                    return self.broken(at, path, "`!GetAtt` takes a resource and an attribute: `!GetAtt Queue.Arn`");
                }
            },
            [id, attribute] => match (self.text(id, path), self.text(attribute, path)) {
                (Some(id), Some(attribute)) => (id, attribute),
                _ => return Node::broken(at),
            },
            _ => return self.broken(at, path, "`!GetAtt` takes a resource and an attribute: `!GetAtt Queue.Arn`"),
        };
        self.attribute(&id, &attribute, at, path)
    }

    fn attribute(&self, id: &str, attribute: &str, at: At, path: &str) -> Node {
        let Some(resource) = self.resource(id, at, path) else { return Node::broken(at) };
        let known: &[&str] = match resource.kind.as_str() {
            "AWS::DynamoDB::Table" => &["Arn", "StreamArn"],
            "AWS::SQS::Queue" => &["Arn", "QueueName", "QueueUrl"],
            "AWS::Events::EventBus" => &["Arn", "Name"],
            "AWS::Events::Rule"
            | "AWS::Serverless::Function"
            | "AWS::Logs::LogGroup"
            | "AWS::CloudWatch::Alarm"
            | "AWS::CloudWatch::CompositeAlarm" => &["Arn"],
            _ => &[],
        };
        if !known.contains(&attribute) {
            let hint = if known.is_empty() {
                "use `!Ref`".to_owned()
            } else {
                format!("it has {}", choices(known.iter().copied()))
            };
            return self.broken(at, path, format!("`{id}` ({}) has no attribute `{attribute}`; {hint}", resource.kind));
        }
        let text = match attribute {
            "StreamArn" if resource.properties.get("StreamSpecification").is_none() => {
                return self.broken(at, path, format!("`{id}` has no stream; give it a `StreamSpecification`"));
            }
            "StreamArn" => self.stream_arn(id),
            "QueueUrl" => self.queue_url(&self.name_of(id)),
            "QueueName" | "Name" => self.name_of(id),
            _ => self.arn_of(id),
        };
        Node::text_at(at, text)
    }

    fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.settings.region, self.settings.account)
    }

    /// Returns the URL of the queue `name`.
    pub(super) fn queue_url(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.settings.endpoint_url.trim_end_matches('/'), self.settings.account)
    }

    /// Returns the ARN of the stream of the table `id`.
    pub(super) fn stream_arn(&self, id: &str) -> String {
        format!("{}/stream/2026-01-01T00:00:00.000", self.arn_of(id))
    }

    /// Returns the name on AWS of the resource `id`: its name property, else one made from the stack's name.
    pub(super) fn name_of(&self, id: &str) -> String {
        let made_up = || format!("{}-{id}", self.settings.stack_name);
        let property = self.resources.get(id).and_then(|resource| {
            let property = match resource.kind.as_str() {
                "AWS::DynamoDB::Table" => "TableName",
                "AWS::SQS::Queue" => "QueueName",
                "AWS::Serverless::Function" => "FunctionName",
                "AWS::Logs::LogGroup" => "LogGroupName",
                "AWS::CloudWatch::Alarm" => "AlarmName",
                _ => "Name",
            };
            Some((property, resource.properties.get(property)?))
        });
        let Some((property, node)) = property else { return made_up() };
        let path = format!("Resources.{id}.Properties.{property}");
        if self.naming.borrow().iter().any(|other| other == id) {
            // Reported even while muted: there is no other report of it.
            self.problems.borrow_mut().add(node.at, &path, "this name refers to itself; break the cycle");
            return made_up();
        }
        self.naming.borrow_mut().push(id.to_owned());
        let name = self.muted(|| self.text(node, &path));
        self.naming.borrow_mut().pop();
        name.unwrap_or_else(made_up)
    }

    /// Returns the ARN of the resource `id`.
    pub(super) fn arn_of(&self, id: &str) -> String {
        let name = self.name_of(id);
        let Some(resource) = self.resources.get(id) else { return name };
        match resource.kind.as_str() {
            "AWS::DynamoDB::Table" => self.arn("dynamodb", &format!("table/{name}")),
            "AWS::SQS::Queue" => self.arn("sqs", &name),
            "AWS::Events::EventBus" => self.arn("events", &format!("event-bus/{name}")),
            "AWS::Events::Rule" => {
                let bus = resource.properties.get("EventBusName").and_then(|node| self.muted(|| self.text(node, id)));
                match bus {
                    Some(bus) => self.arn("events", &format!("rule/{bus}/{name}")),
                    None => self.arn("events", &format!("rule/{name}")),
                }
            }
            "AWS::Serverless::Function" => self.arn("lambda", &format!("function:{name}")),
            "AWS::Logs::LogGroup" => self.arn("logs", &format!("log-group:{name}:*")),
            "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm" => {
                self.arn("cloudwatch", &format!("alarm:{name}"))
            }
            _ => name,
        }
    }

    fn substitute(&self, argument: &Node, at: At, path: &str) -> Node {
        let (template, own) = match argument.items() {
            [] => (argument, None),
            [template, own] => (template, Some(own)),
            _ => return self.broken(at, path, "`!Sub` takes text, or a list of text and a mapping of names"),
        };
        let Some(mut rest) = template.text() else {
            return self.broken(at, path, "`!Sub` takes text, or a list of text and a mapping of names");
        };
        let mut text = String::new();
        let mut complete = true;
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return self.broken(
                    at,
                    path,
                    "a `${` is not closed; write `}` after the name, or `${!` for a literal `${`",
                );
            };
            rest = after;
            let name = name.trim();
            if let Some(literal) = name.strip_prefix('!') {
                text.push_str("${");
                text.push_str(literal);
                text.push('}');
                continue;
            }
            let value = match (own.and_then(|own| own.get(name)), name.split_once('.')) {
                (Some(value), _) => self.value(value, path),
                (None, Some((id, attribute))) => self.attribute(id, attribute, at, path),
                (None, None) => self.reference(name, at, path),
            };
            match value.kind {
                Kind::Text { text: value, .. } => text.push_str(&value),
                Kind::Broken => complete = false,
                _ => {
                    self.problem(at, path, format!("`${{{name}}}` is {}, not text", value.describe()));
                    complete = false;
                }
            }
        }
        text.push_str(rest);
        if complete { Node::text_at(at, text) } else { Node::broken(at) }
    }

    fn join(&self, argument: &Node, at: At, path: &str) -> Node {
        let [separator, parts] = argument.items() else {
            return self.broken(at, path, "`!Join` takes a separator and a list");
        };
        let (separator, parts) = (self.text(separator, path), self.value(parts, path));
        if matches!(parts.kind, Kind::Broken) {
            return parts;
        }
        let texts: Option<Vec<String>> = parts.items().iter().map(|part| self.text(part, path)).collect();
        match (separator, texts) {
            (Some(separator), Some(texts)) => Node::text_at(at, texts.join(&separator)),
            _ => Node::broken(at),
        }
    }

    fn select(&self, argument: &Node, at: At, path: &str) -> Node {
        let [index, list] = argument.items() else {
            return self.broken(at, path, "`!Select` takes an index and a list");
        };
        let (Some(index), list) = (self.text(index, path), self.value(list, path)) else { return Node::broken(at) };
        if matches!(list.kind, Kind::Broken) {
            return list;
        }
        match index.parse().ok().and_then(|index: usize| list.items().get(index)) {
            Some(item) => item.clone(),
            None => {
                self.broken(at, path, format!("`!Select` asks for item {index} of a list of {}", list.items().len()))
            }
        }
    }

    fn split(&self, argument: &Node, at: At, path: &str) -> Node {
        let [separator, text] = argument.items() else {
            return self.broken(at, path, "`!Split` takes a separator and text");
        };
        match (self.text(separator, path), self.text(text, path)) {
            (Some(separator), Some(text)) => {
                let parts = text.split(separator.as_str()).map(|part| Node::text_at(at, part)).collect();
                Node { at, kind: Kind::List(parts) }
            }
            _ => Node::broken(at),
        }
    }

    /// Returns whether the condition `name` is true; `None` if it is missing or cannot be resolved.
    pub(super) fn condition(&self, name: &str, at: At, path: &str) -> Option<bool> {
        let Some(node) = self.conditions.get(name) else {
            let hint = match suggestion(name, self.conditions.keys().map(String::as_str)) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "add it to the section `Conditions`".to_owned(),
            };
            self.problem(at, path, format!("there is no condition `{name}`; {hint}"));
            return None;
        };
        // Its own problems are reported where it is defined.
        self.deeper(at, path, || self.muted(|| self.holds(node, &format!("Conditions.{name}")))).flatten()
    }

    /// Returns whether a value in `Conditions` is true.
    pub(super) fn holds(&self, node: &Node, path: &str) -> Option<bool> {
        let (function, argument) = match &node.kind {
            Kind::Call { function, argument } => (function.as_str(), argument.as_ref()),
            // The long form of `!Condition` is an ordinary mapping elsewhere.
            Kind::Map(entries) => match entries.as_slice() {
                [entry] if entry.name == "Condition" => ("Condition", &entry.value),
                _ => ("", node),
            },
            _ => ("", node),
        };
        let holds = |node: &Node| self.deeper(node.at, path, || self.holds(node, path)).flatten();
        match (function, argument.items()) {
            ("Condition", _) => self.text(argument, path).and_then(|name| self.condition(&name, argument.at, path)),
            ("Fn::Equals", [left, right]) => Some(self.text(left, path)? == self.text(right, path)?),
            ("Fn::Not", [inner]) => holds(inner).map(|holds| !holds),
            ("Fn::And", all @ [_, _, ..]) => all.iter().map(holds).try_fold(true, |so_far, next| Some(so_far && next?)),
            ("Fn::Or", any @ [_, _, ..]) => any.iter().map(holds).try_fold(false, |so_far, next| Some(so_far || next?)),
            _ => {
                self.problem(
                    node.at,
                    path,
                    "a condition is `!Equals [a, b]`, `!Not [c]`, `!And [c, d]`, `!Or [c, d]` or `!Condition Name`",
                );
                None
            }
        }
    }
}
