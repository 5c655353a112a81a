//! The `Events` of a SAM function: what calls it.

use std::time::Duration;

use super::check;
use super::node::{Entry, Kind, Node};
use super::problem::suggestion;
use super::properties::{EVENTS, TypeFate};
use super::resources::{Builder, flag, number, text};
use crate::stack::{EventSource, Function, QueueSource, Rule, StreamSource, Target, TargetTo};

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

impl Builder<'_, '_> {
    /// Reads the events of `function`.
    pub(super) fn events(&mut self, function: &mut Function, node: Option<&Node>, path: &str) {
        let Some(node) = node else { return };
        if !matches!(node.kind, Kind::Map(_) | Kind::Broken) {
            self.problem(node.at, path, format!("found {}, expected a mapping of events", node.describe()));
        }
        for entry in node.entries() {
            self.event(function, entry, &format!("{path}.{}", entry.name));
        }
    }

    fn event(&mut self, function: &mut Function, entry: &Entry, path: &str) {
        for inner in entry.value.entries() {
            if !["Type", "Properties"].contains(&inner.name.as_str()) {
                self.problem(inner.at, path, format!("an event has no `{}`, only `Type` and `Properties`", inner.name));
            }
        }
        let Some(kind) = entry.value.get("Type") else {
            self.problem(entry.at, path, "`Type` is missing; an event needs it");
            return;
        };
        let Some(name) = kind.text() else { return };
        let known = match EVENTS.iter().find(|known| known.name == name).map(|known| known.fate) {
            Some(TypeFate::Run(known)) => known,
            Some(TypeFate::Refused(instead) | TypeFate::Inert(instead)) => {
                self.problem(
                    kind.at,
                    path,
                    format!("events of type `{name}` are not supported on one machine: {instead}"),
                );
                return;
            }
            None => {
                let hint = suggestion(name, EVENTS.iter().map(|known| known.name))
                    .map_or_else(|| "remove it".to_owned(), |close| format!("did you mean `{close}`?"));
                self.problem(kind.at, path, format!("`{name}` is not a supported event type; {hint}"));
                return;
            }
        };
        let empty = Node { at: entry.value.at, kind: Kind::Map(Vec::new()) };
        let properties = entry.value.get("Properties").unwrap_or(&empty);
        let path = format!("{path}.Properties");
        let properties = self.checker.properties(properties, known, &path, &format!("an event of type `{name}`"));
        let source = match name {
            "SQS" => self.queue_source(function, &properties, &path),
            "DynamoDB" => self.stream_source(&properties, &path),
            "Schedule" => self.schedule(&entry.name, &properties, "Schedule", &path),
            "ScheduleV2" => self.schedule(&entry.name, &properties, "ScheduleExpression", &path),
            "HttpApi" => self.route(function, entry, &properties, &path),
            _ => {
                self.bus_event(function, entry, &properties, &path);
                None
            }
        };
        function.sources.extend(source);
    }

    fn queue_source(&self, function: &Function, properties: &Node, path: &str) -> Option<EventSource> {
        let node = properties.get("Queue")?;
        let queue = self.queue_named(node, &format!("{path}.Queue"))?;
        self.visibility(function, node, &queue, path);
        let batch_size = number(properties, "BatchSize").unwrap_or(10);
        let window = window(properties);
        if batch_size > 10 && window.is_zero() {
            self.problem(properties.at, path, format!("a batch of {batch_size} takes time to collect; set `MaximumBatchingWindowInSeconds` to 1 or more, or use at most 10 messages"));
        }
        Some(EventSource::Queue(QueueSource {
            queue,
            batch_size,
            window,
            partial_failures: partial_failures(properties),
            maximum_concurrency: properties
                .get("ScalingConfig")
                .and_then(|scaling| number(scaling, "MaximumConcurrency")),
            filters: filters(properties),
        }))
    }

    /// Reports a queue that delivers a message again while the function may still process it. AWS rejects such a queue.
    fn visibility(&self, function: &Function, node: &Node, queue: &str, path: &str) {
        let scope = self.checker.scope;
        let own = scope
            .resources
            .iter()
            .find(|(id, resource)| resource.kind == "AWS::SQS::Queue" && scope.name_of(id) == queue);
        let visible = own.and_then(|(_, resource)| resource.properties.get("VisibilityTimeout"));
        let visible = visible.and_then(|node| scope.value(node, path).text()?.parse().ok()).unwrap_or(30);
        let timeout = function.timeout.as_secs();
        if visible < timeout {
            self.problem(
                node.at,
                &format!("{path}.Queue"),
                format!("messages of `{queue}` are delivered again after {visible} s, but `{}` may take {timeout} s; raise `VisibilityTimeout`, ideally to six times that", function.id),
            );
        }
    }

    fn stream_source(&self, properties: &Node, path: &str) -> Option<EventSource> {
        let scope = self.checker.scope;
        let node = properties.get("Stream")?;
        let arn = node.text()?;
        let table = scope.resources.iter().find(|(id, resource)| {
            resource.kind == "AWS::DynamoDB::Table"
                && resource.properties.get("StreamSpecification").is_some()
                && scope.stream_arn(id) == arn
        });
        let Some((id, _)) = table else {
            self.problem(
                node.at,
                &format!("{path}.Stream"),
                format!("`{arn}` is not the ARN of a stream in this template; write `!GetAtt Table.StreamArn`"),
            );
            return None;
        };
        let failures = properties.at_path(&["DestinationConfig", "OnFailure", "Destination"]);
        Some(EventSource::Stream(StreamSource {
            table: scope.name_of(id),
            batch_size: number(properties, "BatchSize").unwrap_or(100),
            window: window(properties),
            from_horizon: text(properties, "StartingPosition") == "TRIM_HORIZON",
            partial_failures: partial_failures(properties),
            bisect: flag(properties, "BisectBatchOnFunctionError"),
            // On AWS -1 means no limit. It does not parse as u32.
            maximum_retries: number(properties, "MaximumRetryAttempts"),
            on_failure_queue: failures
                .and_then(|node| self.queue_named(node, &format!("{path}.DestinationConfig.OnFailure.Destination"))),
            filters: filters(properties),
        }))
    }

    fn schedule(&self, name: &str, properties: &Node, property: &str, path: &str) -> Option<EventSource> {
        let node = properties.get(property)?;
        let expression = node.text()?;
        let Some(every) = rate(expression) else {
            let message = if expression.trim_start().starts_with("cron(") {
                format!(
                    "`{expression}` is not supported on one machine: write `rate(1 minute)` instead of `cron()`, and let the function decide whether it is time"
                )
            } else {
                format!(
                    "`{expression}` is not a supported schedule; write `rate(1 minute)`, `rate(2 hours)` or `rate(1 day)`"
                )
            };
            self.problem(node.at, &format!("{path}.{property}"), message);
            return None;
        };
        let input = properties.get("Input").and_then(Node::text).map(str::to_owned);
        Some(EventSource::Schedule { name: name.to_owned(), every, input })
    }

    fn route(&mut self, function: &Function, entry: &Entry, properties: &Node, path: &str) -> Option<EventSource> {
        let scope = self.checker.scope;
        let apis = scope
            .resources
            .iter()
            .filter(|(_, resource)| resource.kind == "AWS::Serverless::HttpApi" && resource.exists);
        let Some(node) = properties.get("ApiId") else {
            self.problem(
                properties.at,
                path,
                "`ApiId` is missing: SAM's implicit API is not supported; write `ApiId: !Ref Api`",
            );
            return None;
        };
        let id = node.text()?;
        let Some(api) = apis.map(|(name, _)| name).find(|name| name.to_lowercase() == id) else {
            self.problem(
                node.at,
                &format!("{path}.ApiId"),
                format!("`{id}` is not an HTTP API of this template; write `!Ref Api`"),
            );
            return None;
        };
        let (method, route) = match (properties.get("Method"), properties.get("Path")) {
            (None, None) => ("ANY".to_owned(), "$default".to_owned()),
            (Some(method), Some(route)) => (self.method(method, path)?, self.path(route, path)?),
            _ => {
                self.problem(
                    properties.at,
                    path,
                    "`Method` and `Path` go together; omit both for the route of everything else",
                );
                return None;
            }
        };
        let authorized = self.authorized(api, properties, path)?;
        let shown = if route == "$default" { route.clone() } else { format!("{method} {route}") };
        if let Some(owner) = self.routes.insert(normal(&shown), function.id.clone()) {
            self.problem(
                entry.at,
                path,
                format!("`{shown}` already belongs to `{owner}`; a route belongs to one function"),
            );
        }
        Some(EventSource::Route { method, path: route, authorized })
    }

    fn method(&self, node: &Node, path: &str) -> Option<String> {
        let upper = node.text()?.to_uppercase();
        match upper.as_str() {
            "ANY" | "*" | "X-AMAZON-APIGATEWAY-ANY-METHOD" => Some("ANY".to_owned()),
            known if METHODS.contains(&known) => Some(upper),
            _ => {
                self.problem(
                    node.at,
                    &format!("{path}.Method"),
                    format!("`{upper}` is not a method; use one of {} or ANY", METHODS.join(", ")),
                );
                None
            }
        }
    }

    fn path(&self, node: &Node, path: &str) -> Option<String> {
        let route = node.text()?;
        if route == "$default" || route.starts_with('/') {
            return Some(route.to_owned());
        }
        self.problem(node.at, &format!("{path}.Path"), format!("`{route}` is not a path; it begins with `/`"));
        None
    }

    /// Returns whether the API's authorizer is called before this route.
    fn authorized(&self, api: &str, properties: &Node, path: &str) -> Option<bool> {
        let scope = self.checker.scope;
        let auth = scope.resources.get(api).and_then(|api| api.properties.get("Auth"));
        let Some(own) = properties.at_path(&["Auth", "Authorizer"]) else {
            return Some(auth.and_then(|auth| auth.get("DefaultAuthorizer")).is_some());
        };
        match own.text()? {
            "NONE" => Some(false),
            name if auth.and_then(|auth| auth.at_path(&["Authorizers", name])).is_some() => Some(true),
            name => {
                self.problem(
                    own.at,
                    &format!("{path}.Auth.Authorizer"),
                    format!("the API has no authorizer `{name}`; use one of its `Authorizers`, or `NONE`"),
                );
                None
            }
        }
    }

    fn bus_event(&mut self, function: &Function, entry: &Entry, properties: &Node, path: &str) {
        let bus = self.bus_named(properties.get("EventBusName"), properties.at, &format!("{path}.EventBusName"));
        let pattern = self.event_pattern(properties.get("Pattern"), &format!("{path}.Pattern"));
        let (Some(bus), Some(pattern)) = (bus, pattern) else { return };
        let own_name = properties.get("RuleName").and_then(Node::text).map(str::to_owned);
        let made_up = format!("{}-{}{}", self.checker.scope.settings.stack_name, function.id, entry.name);
        let target = Target {
            id: function.id.clone(),
            to: TargetTo::Function(function.id.clone()),
            input: self.target_input(properties, path),
            dead_letter_queue: self.dead_letters(properties, path),
        };
        self.stack.rules.push(Rule { name: own_name.unwrap_or(made_up), bus, pattern, targets: vec![target] });
    }
}

fn window(properties: &Node) -> Duration {
    Duration::from_secs(number(properties, "MaximumBatchingWindowInSeconds").unwrap_or(0))
}

fn partial_failures(properties: &Node) -> bool {
    properties.get("FunctionResponseTypes").is_some_and(|types| !types.items().is_empty())
}

fn filters(properties: &Node) -> Vec<String> {
    let filters = properties.at_path(&["FilterCriteria", "Filters"]).map(Node::items).unwrap_or_default();
    filters
        .iter()
        .filter_map(|filter| filter.get("Pattern"))
        .filter_map(|node| Some(check::json(node)?.to_string()))
        .collect()
}

/// Parses `rate(5 minutes)`.
fn rate(expression: &str) -> Option<Duration> {
    let inner = expression.trim().strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = inner.trim().split_once(' ')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let seconds = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    count.checked_mul(seconds).map(Duration::from_secs)
}

/// Returns the route without the names of its parameters: `/a/{x}` and `/a/{y}` are the same route.
fn normal(route: &str) -> String {
    let mut normal = String::new();
    let mut rest = route;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        normal.push_str(before);
        normal.push_str(if name.ends_with('+') { "{+}" } else { "{}" });
        rest = after;
    }
    normal.push_str(rest);
    normal
}
