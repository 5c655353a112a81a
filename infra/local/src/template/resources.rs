//! Builds the parts of the stack from checked properties.
//!
//! A value with a reported problem is [`Kind::Broken`] and reads as its default here. Such a stack is discarded.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::check::{self, Checker};
use super::node::{At, Entry, Kind, Node};
use super::properties::POLICY;
use crate::stack::{
    Api, Authorizer, Function, Queue, Redrive, Rule, Stack, Statement, Table, Target, TargetInput, TargetTo,
};

/// Builds the stack.
#[derive(Debug)]
pub(super) struct Builder<'s, 'a> {
    pub checker: Checker<'s, 'a>,
    pub stack: Stack,
    /// Normalised routes so far, with their functions.
    pub routes: BTreeMap<String, String>,
}

impl<'s, 'a> Builder<'s, 'a> {
    pub(super) fn new(checker: Checker<'s, 'a>) -> Self {
        Self { checker, stack: Stack::default(), routes: BTreeMap::new() }
    }

    pub(super) fn finish(mut self) -> Stack {
        self.stack.notices = self.checker.notices;
        self.stack
    }

    /// Builds the resource `id`. `whole` is the whole resource from the file.
    pub(super) fn resource(&mut self, id: &str, kind: &str, properties: &Node, whole: &Node) {
        match kind {
            "AWS::DynamoDB::Table" => self.table(id, properties),
            "AWS::SQS::Queue" => self.queue(id, properties),
            "AWS::Events::EventBus" => self.stack.buses.push(self.checker.scope.name_of(id)),
            "AWS::Events::Rule" => self.rule(id, properties),
            "AWS::Serverless::HttpApi" => self.api(id, properties),
            "AWS::Serverless::Function" => self.function(id, properties, whole),
            _ => {}
        }
    }

    pub(super) fn problem(&self, at: At, path: &str, message: impl Into<String>) {
        self.checker.scope.problem(at, path, message);
    }

    fn table(&mut self, id: &str, properties: &Node) {
        let scope = self.checker.scope;
        let path = format!("Resources.{id}.Properties");
        self.table_keys(properties, &path);
        let name = scope.name_of(id);
        let mut create = Map::new();
        create.insert("TableName".to_owned(), json!(name));
        create.insert("BillingMode".to_owned(), json!("PAY_PER_REQUEST"));
        for property in ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
            if let Some(node) = properties.get(property) {
                create.insert(property.to_owned(), texts_json(node));
            }
        }
        let view = properties.at_path(&["StreamSpecification", "StreamViewType"]).and_then(Node::text);
        if let Some(view) = view {
            create.insert("StreamSpecification".to_owned(), json!({ "StreamEnabled": true, "StreamViewType": view }));
        }
        let expires = properties.get("TimeToLiveSpecification").filter(|ttl| flag(ttl, "Enabled"));
        self.stack.tables.push(Table {
            id: id.to_owned(),
            arn: scope.arn_of(id),
            name,
            create: Value::Object(create),
            ttl_attribute: expires.and_then(|ttl| ttl.get("AttributeName")).and_then(Node::text).map(str::to_owned),
            stream_arn: view.map(|_| scope.stream_arn(id)),
        });
    }

    /// Checks that keys are among the attributes, and that attributes are in a key.
    fn table_keys(&self, properties: &Node, path: &str) {
        let names = |node: &Node| -> Vec<(At, String)> {
            let named = node.items().iter().filter_map(|item| item.get("AttributeName"));
            named.filter_map(|name| Some((name.at, name.text()?.to_owned()))).collect()
        };
        let Some(defined) = properties.get("AttributeDefinitions").map(names) else { return };
        let indexes = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"].map(|kind| properties.get(kind));
        let indexes = indexes.into_iter().flatten().flat_map(Node::items);
        let schemas = std::iter::once(properties).chain(indexes).filter_map(|owner| owner.get("KeySchema"));
        let used: Vec<(At, String)> = schemas.flat_map(names).collect();
        for (at, name) in &used {
            if !defined.iter().any(|(_, other)| other == name) {
                self.problem(
                    *at,
                    path,
                    format!("the key attribute `{name}` is not in `AttributeDefinitions`; add it there with its type"),
                );
            }
        }
        for (at, name) in &defined {
            if !used.iter().any(|(_, other)| other == name) {
                self.problem(
                    *at,
                    path,
                    format!("the attribute `{name}` is in no key; only key attributes are defined here, so remove it"),
                );
            }
        }
    }

    fn queue(&mut self, id: &str, properties: &Node) {
        let scope = self.checker.scope;
        let name = scope.name_of(id);
        let redrive = properties.get("RedrivePolicy").and_then(|policy| {
            let path = format!("Resources.{id}.Properties.RedrivePolicy.deadLetterTargetArn");
            Some(Redrive {
                dead_letter_queue: self.queue_named(policy.get("deadLetterTargetArn")?, &path)?,
                max_receive_count: number(policy, "maxReceiveCount")?,
            })
        });
        let seconds =
            |property: &str, default: u64| Duration::from_secs(number(properties, property).unwrap_or(default));
        self.stack.queues.push(Queue {
            id: id.to_owned(),
            arn: scope.arn_of(id),
            url: scope.queue_url(&name),
            name,
            visibility_timeout: seconds("VisibilityTimeout", 30),
            delay: seconds("DelaySeconds", 0),
            retention: seconds("MessageRetentionPeriod", 345_600),
            maximum_message_size: number(properties, "MaximumMessageSize").unwrap_or(262_144),
            receive_wait: seconds("ReceiveMessageWaitTimeSeconds", 0),
            redrive,
        });
    }

    /// Returns the resource of type `kind` whose ARN is in `node`. Reports anything else with `hint`.
    fn resource_by_arn(&self, node: &Node, kind: &str, path: &str, hint: &str) -> Option<String> {
        let arn = node.text()?;
        let scope = self.checker.scope;
        let found = scope.resources.iter().find(|(id, resource)| resource.kind == kind && scope.arn_of(id) == arn);
        if found.is_none() {
            self.problem(node.at, path, format!("`{arn}` is {hint}"));
        }
        found.map(|(id, _)| id.clone())
    }

    /// Returns the name of the queue whose ARN is in `node`.
    pub(super) fn queue_named(&self, node: &Node, path: &str) -> Option<String> {
        let hint = "not the ARN of a queue in this template; write `!GetAtt Queue.Arn`";
        self.resource_by_arn(node, "AWS::SQS::Queue", path, hint).map(|id| self.checker.scope.name_of(&id))
    }

    /// Returns the logical id of the function whose ARN is in `node`.
    fn function_named(&self, node: &Node, path: &str) -> Option<String> {
        let hint = "not the ARN of a function in this template; write `!GetAtt Function.Arn`";
        self.resource_by_arn(node, "AWS::Serverless::Function", path, hint)
    }

    /// Returns the bus whose name or ARN is in `node`.
    pub(super) fn bus_named(&self, node: Option<&Node>, at: At, path: &str) -> Option<String> {
        let scope = self.checker.scope;
        let Some(node) = node else {
            self.problem(at, path, "`EventBusName` is missing: the account's default bus is not supported; write `!Ref` of a bus in this template");
            return None;
        };
        let text = node.text()?;
        let buses = scope.resources.iter().filter(|(_, resource)| resource.kind == "AWS::Events::EventBus");
        let found = buses.map(|(id, _)| id).find(|id| scope.name_of(id) == text || scope.arn_of(id) == text);
        if found.is_none() {
            self.problem(node.at, path, format!("`{text}` is not a bus of this template; write `!Ref Bus`"));
        }
        found.map(|id| scope.name_of(id))
    }

    fn rule(&mut self, id: &str, properties: &Node) {
        let path = format!("Resources.{id}.Properties");
        let bus = self.bus_named(properties.get("EventBusName"), properties.at, &format!("{path}.EventBusName"));
        let pattern = self.event_pattern(properties.get("EventPattern"), &format!("{path}.EventPattern"));
        let mut targets = Vec::new();
        for (index, node) in properties.get("Targets").map(Node::items).unwrap_or_default().iter().enumerate() {
            let path = format!("{path}.Targets[{index}]");
            let Some(arn) = node.get("Arn") else { continue };
            let to = match arn.text() {
                Some(text) if text.starts_with("arn:aws:lambda:") => {
                    self.function_named(arn, &format!("{path}.Arn")).map(TargetTo::Function)
                }
                Some(_) => self.queue_named(arn, &format!("{path}.Arn")).map(TargetTo::Queue),
                None => None,
            };
            let Some(to) = to else { continue };
            targets.push(Target {
                id: text(node, "Id"),
                to,
                input: self.target_input(node, &path),
                dead_letter_queue: self.dead_letters(node, &path),
            });
        }
        if let (Some(bus), Some(pattern)) = (bus, pattern) {
            let name = self.checker.scope.name_of(id);
            self.stack.rules.push(Rule { name, bus, pattern, targets });
        }
    }

    /// Returns an event pattern as JSON text. Reports one that cannot be read.
    pub(super) fn event_pattern(&self, node: Option<&Node>, path: &str) -> Option<String> {
        let node = node.filter(|node| !matches!(node.kind, Kind::Broken))?;
        let pattern = check::json(node)?.to_string();
        match rustack_events_core::pattern::parse_event_pattern(&pattern) {
            Ok(_) => Some(pattern),
            Err(error) => {
                self.problem(node.at, path, format!("this event pattern cannot be read: {error}"));
                None
            }
        }
    }

    /// Returns which part of the event a target gets.
    pub(super) fn target_input(&self, node: &Node, path: &str) -> TargetInput {
        let given = ["Input", "InputPath", "InputTransformer"].map(|property| node.get(property));
        if given.iter().flatten().count() > 1 {
            self.problem(node.at, path, "only one of `Input`, `InputPath` and `InputTransformer` is allowed; keep one");
        }
        match given {
            [Some(input), ..] => TargetInput::Constant(input.text().unwrap_or_default().to_owned()),
            [_, Some(path), _] => TargetInput::Path(path.text().unwrap_or_default().to_owned()),
            [.., Some(transformer)] => TargetInput::Transformer {
                paths: texts(transformer.get("InputPathsMap")),
                template: text(transformer, "InputTemplate"),
            },
            [None, None, None] => TargetInput::Event,
        }
    }

    /// Returns the queue in `DeadLetterConfig`.
    pub(super) fn dead_letters(&self, node: &Node, path: &str) -> Option<String> {
        let arn = node.at_path(&["DeadLetterConfig", "Arn"])?;
        self.queue_named(arn, &format!("{path}.DeadLetterConfig.Arn"))
    }

    fn api(&mut self, id: &str, properties: &Node) {
        let path = format!("Resources.{id}.Properties");
        if let Some(first) = &self.stack.api {
            let message = format!("the template already has the HTTP API `{}`; one machine runs only one", first.id);
            self.problem(properties.at, &path, message);
            return;
        }
        let authorizers = properties.at_path(&["Auth", "Authorizers"]).map(Node::entries).unwrap_or_default();
        if let [_, second, ..] = authorizers {
            self.problem(
                second.at,
                &format!("{path}.Auth.Authorizers"),
                "one machine runs only one authorizer; let its function distinguish credentials",
            );
        }
        if let Some(name) = properties.at_path(&["Auth", "DefaultAuthorizer"])
            && let Some(text) = name.text()
            && !authorizers.iter().any(|entry| entry.name == text)
        {
            self.problem(
                name.at,
                &format!("{path}.Auth.DefaultAuthorizer"),
                format!("there is no authorizer `{text}` in `Authorizers`"),
            );
        }
        let authorizer = authorizers.first().and_then(|entry| self.authorizer(entry, &path));
        let limits = properties.get("DefaultRouteSettings");
        self.stack.api = Some(Api {
            id: id.to_owned(),
            authorizer,
            rate_limit: limits.and_then(|limits| number(limits, "ThrottlingRateLimit")),
            burst_limit: limits.and_then(|limits| number(limits, "ThrottlingBurstLimit")),
        });
    }

    fn authorizer(&self, entry: &Entry, path: &str) -> Option<Authorizer> {
        let path = format!("{path}.Auth.Authorizers.{}", entry.name);
        let identity = entry.value.get("Identity");
        let list = |name: &str| -> Vec<String> {
            let items = identity.and_then(|identity| identity.get(name)).map(Node::items).unwrap_or_default();
            items.iter().filter_map(Node::text).map(str::to_owned).collect()
        };
        Some(Authorizer {
            function: self.function_named(entry.value.get("FunctionArn")?, &format!("{path}.FunctionArn"))?,
            // SAM's documented default.
            cache: Duration::from_secs(
                identity.and_then(|identity| number(identity, "ReauthorizeEvery")).unwrap_or(300),
            ),
            headers: list("Headers"),
            per_route: !list("Context").is_empty(),
        })
    }

    fn function(&mut self, id: &str, properties: &Node, whole: &Node) {
        let scope = self.checker.scope;
        let path = format!("Resources.{id}");
        let binary = whole.at_path(&["Metadata", "BuildProperties", "Binary"]).and_then(Node::text);
        if binary.is_none() {
            self.problem(
                whole.at,
                &path,
                "`Metadata.BuildProperties.Binary` is missing; it names the crate under `functions/`",
            );
        }
        let policy = self.policies(properties.get("Policies"), &format!("{path}.Properties.Policies"));
        let mut function = Function {
            id: id.to_owned(),
            name: scope.name_of(id),
            arn: scope.arn_of(id),
            binary: binary.unwrap_or_default().to_owned(),
            // Lambda's defaults.
            timeout: Duration::from_secs(number(properties, "Timeout").unwrap_or(3)),
            memory_mb: number(properties, "MemorySize").unwrap_or(128),
            reserved_concurrency: number(properties, "ReservedConcurrentExecutions"),
            environment: texts(properties.at_path(&["Environment", "Variables"])),
            policy,
            sources: Vec::new(),
        };
        self.events(&mut function, properties.get("Events"), &format!("{path}.Properties.Events"));
        self.stack.functions.push(function);
    }

    /// Returns the statements of a function's policies, which must be written out.
    fn policies(&mut self, node: Option<&Node>, path: &str) -> Vec<Statement> {
        let Some(node) = node else { return Vec::new() };
        let listed = matches!(node.kind, Kind::List(_));
        let policies = if listed { node.items() } else { std::slice::from_ref(node) };
        let mut statements = Vec::new();
        for (index, policy) in policies.iter().enumerate() {
            let path = if listed { format!("{path}[{index}]") } else { path.to_owned() };
            match (&policy.kind, policy.entries()) {
                (Kind::Broken, _) => continue,
                (Kind::Text { text, .. }, _) => {
                    self.problem(policy.at, &path, format!("the managed policy `{text}` is not supported; write out what the function needs as `Statement`"));
                    continue;
                }
                (Kind::Map(_), [entry]) if entry.name != "Statement" && entry.name != "Version" => {
                    self.problem(entry.at, &path, format!("the SAM policy template `{}` is not supported; write out what the function needs as `Statement`", entry.name));
                    continue;
                }
                _ => {}
            }
            let checked = self.checker.properties(policy, POLICY, &path, "a policy");
            for statement in checked.get("Statement").map(Node::items).unwrap_or_default() {
                let list = |name: &str| -> Vec<String> {
                    let items = statement.get(name).map(Node::items).unwrap_or_default();
                    items.iter().filter_map(Node::text).map(str::to_owned).collect()
                };
                statements.push(Statement {
                    allow: text(statement, "Effect") == "Allow",
                    actions: list("Action"),
                    resources: list("Resource"),
                });
            }
        }
        statements
    }
}

/// Returns the number in the property `name`, which was checked before.
pub(super) fn number<N: std::str::FromStr>(node: &Node, name: &str) -> Option<N> {
    node.get(name)?.text()?.parse().ok()
}

/// Returns the text in the property `name`; empty if it is missing.
pub(super) fn text(node: &Node, name: &str) -> String {
    node.get(name).and_then(Node::text).unwrap_or_default().to_owned()
}

/// Returns whether the property `name` is `true`.
pub(super) fn flag(node: &Node, name: &str) -> bool {
    node.get(name).and_then(Node::text) == Some("true")
}

fn texts(node: Option<&Node>) -> BTreeMap<String, String> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.name.clone(), entry.value.text()?.to_owned()))).collect()
}

/// Converts to JSON with every scalar as text, as in key schemas and attributes.
fn texts_json(node: &Node) -> Value {
    match &node.kind {
        Kind::List(items) => Value::Array(items.iter().map(texts_json).collect()),
        Kind::Map(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.name.clone(), texts_json(&entry.value))).collect())
        }
        _ => Value::String(node.text().unwrap_or_default().to_owned()),
    }
}
