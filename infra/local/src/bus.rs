//! EventBridge: `PutEvents`, rules, and delivery to queues and functions.
//!
//! `PutEvents` replies when every matching target has its event on disk: in its queue, or, for a function, in the bus's
//! own queue. From there the function is called asynchronously, with up to two retries. Events that cannot be delivered
//! go to the target's dead-letter queue with AWS's attributes; without one they are dropped and logged, as on AWS.
//!
//! Patterns, JSON paths and templates are parsed at the start. An invalid one stops the start.

mod delivery;
mod entry;
mod input;

use std::sync::Arc;

use rustack_events_core::pattern::{EventPattern, matches, parse_event_pattern};
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use uuid::Uuid;

use self::input::Input;
use crate::aws_error::AwsError;
use crate::lambda::{Lambda, place};
use crate::sqs::{AttributeValue, Attributes, BUS_QUEUE, Outgoing, Queues};
use crate::stack::{Rule, Stack, TargetTo};

/// Number of events that a listener of [`Bus::subscribe`] may be behind.
const TAPPED: usize = 16_384;

/// The event buses of the stack. Clones share them.
#[derive(Clone)]
pub struct Bus {
    shared: Arc<Shared>,
}

struct Shared {
    buses: Vec<String>,
    rules: Vec<Ready>,
    queues: Queues,
    region: String,
    account: String,
    tap: broadcast::Sender<Value>,
    /// The task that calls functions, if a rule has one as its target.
    worker: Option<JoinHandle<()>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.abort();
        }
    }
}

/// A parsed rule.
struct Ready {
    name: String,
    arn: String,
    bus: String,
    pattern: EventPattern,
    targets: Vec<ReadyTarget>,
}

struct ReadyTarget {
    arn: String,
    to: TargetTo,
    input: Input,
    dead_letter_queue: Option<String>,
}

/// Why the bus cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A rule's event pattern cannot be read.
    #[error("rule `{rule}` has an event pattern that cannot be read: {cause}")]
    Pattern {
        /// The rule.
        rule: String,
        /// The cause.
        cause: String,
    },
    /// A target's input cannot be used.
    #[error("target `{target}` of rule `{rule}`: {cause}")]
    Input {
        /// The rule.
        rule: String,
        /// The target's id.
        target: String,
        /// The cause.
        cause: String,
    },
    /// A target or dead-letter queue is missing.
    #[error("target `{target}` of rule `{rule}` sends to `{to}`, which the template does not declare")]
    UnknownTarget {
        /// The rule.
        rule: String,
        /// The target's id.
        target: String,
        /// The missing name.
        to: String,
    },
    /// A rule listens to a missing bus.
    #[error("rule `{rule}` listens to the bus `{bus}`, which the template does not declare")]
    UnknownBus {
        /// The rule.
        rule: String,
        /// The missing name.
        bus: String,
    },
}

impl Bus {
    /// Starts the buses and rules of the stack. If a rule's target is a function, this must be called within a Tokio
    /// runtime.
    pub fn start(stack: &Stack, queues: Queues, lambda: Lambda) -> Result<Self, StartError> {
        let arn = stack.functions.first().map(|function| function.arn.as_str());
        let arn = arn.or_else(|| stack.queues.first().map(|queue| queue.arn.as_str())).unwrap_or_default();
        let (region, account) = place(arn);
        let mut buses = stack.buses.clone();
        // Every account has a default bus.
        buses.push("default".to_owned());
        let rules: Vec<Ready> =
            stack.rules.iter().map(|rule| ready(rule, stack, &buses, (region, account))).collect::<Result<_, _>>()?;
        let calls = rules.iter().flat_map(|rule| &rule.targets).any(|t| matches!(t.to, TargetTo::Function(_)));
        let worker = calls.then(|| tokio::spawn(delivery::run(queues.clone(), lambda)));
        let (tap, _) = broadcast::channel(TAPPED);
        let (region, account) = (region.to_owned(), account.to_owned());
        Ok(Self { shared: Arc::new(Shared { buses, rules, queues, region, account, tap, worker }) })
    }

    /// Returns a receiver of all events accepted from now on, as targets see them.
    pub fn subscribe(&self) -> broadcast::Receiver<Value> {
        self.shared.tap.subscribe()
    }

    /// Handles one call of the EventBridge JSON protocol (`AWSEvents.*`): `operation` without its prefix.
    pub async fn handle(&self, operation: &str, body: Value) -> Result<Value, AwsError> {
        match operation {
            "PutEvents" => self.put_events(body).await,
            "ListEventBuses" => {
                let buses: Vec<Value> = self
                    .shared
                    .buses
                    .iter()
                    .map(|name| json!({ "Name": name, "Arn": self.arn(&format!("event-bus/{name}")) }))
                    .collect();
                Ok(json!({ "EventBuses": buses }))
            }
            other => Err(AwsError::client(
                "UnknownOperationException",
                format!("{other} is not available on one machine; buses and rules come from infra/template.yaml"),
            )),
        }
    }

    fn arn(&self, resource: &str) -> String {
        format!("arn:aws:events:{}:{}:{resource}", self.shared.region, self.shared.account)
    }

    async fn put_events(&self, body: Value) -> Result<Value, AwsError> {
        let mut answers = Vec::new();
        let mut outgoing = Vec::new();
        let mut accepted = Vec::new();
        for entry in entry::read(body)? {
            match entry.check(&self.shared.buses) {
                Ok(entry) => {
                    let id = Uuid::now_v7().to_string();
                    let event = entry.event(&id, &self.shared.region, &self.shared.account);
                    for rule in self.shared.rules.iter().filter(|rule| rule.bus == entry.bus) {
                        if matches(&rule.pattern, &event) {
                            let deliver = |target| deliver(&self.shared.queues, rule, target, &event);
                            outgoing.extend(rule.targets.iter().filter_map(deliver));
                        }
                    }
                    answers.push(json!({ "EventId": id }));
                    accepted.push(event);
                }
                Err((code, message)) => answers.push(json!({ "ErrorCode": code, "ErrorMessage": message })),
            }
        }
        let failed = answers.len() - accepted.len();
        self.shared.queues.send_all(outgoing).await?;
        for event in accepted {
            // There may be no listener.
            self.shared.tap.send(event).unwrap_or_default();
        }
        Ok(json!({ "FailedEntryCount": failed, "Entries": answers }))
    }
}

/// Returns the message that delivers `event` to the target or to its dead-letter queue.
fn deliver(queues: &Queues, rule: &Ready, target: &ReadyTarget, event: &Value) -> Option<Outgoing> {
    let text = match target.input.render(event, &rule.name, &rule.arn) {
        Ok(text) => text,
        Err(cause) => return dead_letter(queues, rule, target, event, "INVALID_INPUT", &cause),
    };
    let (queue, body) = match &target.to {
        TargetTo::Queue(queue) => (queue.clone(), text),
        TargetTo::Function(function) => {
            let call = delivery::Call {
                function: function.clone(),
                payload: text,
                rule_arn: rule.arn.clone(),
                target_arn: target.arn.clone(),
                dead_letter_queue: target.dead_letter_queue.clone(),
                event: event.to_string(),
            };
            (BUS_QUEUE.to_owned(), call.to_body())
        }
    };
    let message = Outgoing { queue, body, attributes: Attributes::default() };
    // One message that its queue rejects must not fail the delivery of the others.
    match queues.accepts(&message) {
        Ok(()) => Some(message),
        Err(cause) => dead_letter(queues, rule, target, event, "INVALID_PARAMETER", &cause.message),
    }
}

fn dead_letter(
    queues: &Queues,
    rule: &Ready,
    target: &ReadyTarget,
    event: &Value,
    code: &str,
    cause: &str,
) -> Option<Outgoing> {
    tracing::error!(rule = %rule.name, target = %target.arn, code, cause, "event not delivered");
    let queue = target.dead_letter_queue.clone()?;
    let attributes = failure_attributes(&rule.arn, &target.arn, code, cause, 0);
    // The two characters that JSON does not escape and a queue rejects.
    let body = event.to_string().replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}");
    let message = Outgoing { queue, body, attributes };
    match queues.accepts(&message) {
        Ok(()) => Some(message),
        Err(cause) => {
            tracing::error!(rule = %rule.name, cause = %cause, "event dropped; its dead-letter queue rejected it");
            None
        }
    }
}

/// Returns the attributes that EventBridge adds to an event in a dead-letter queue.
fn failure_attributes(rule_arn: &str, target_arn: &str, code: &str, cause: &str, retries: i64) -> Attributes {
    let mut attributes = Attributes::default();
    let mut add = |name: &str, value: &str| {
        attributes.0.insert(name.to_owned(), AttributeValue::string(value));
    };
    add("RULE_ARN", rule_arn);
    add("TARGET_ARN", target_arn);
    add("ERROR_CODE", code);
    // An attribute must not be empty or contain control characters.
    add("ERROR_MESSAGE", &format!("{}.", cause.replace(char::is_control, " ")));
    if retries > 0 {
        add("EXHAUSTED_RETRY_CONDITION", "MaximumRetryAttempts");
        attributes.0.insert(
            "RETRY_ATTEMPTS".to_owned(),
            AttributeValue {
                data_type: "Number".to_owned(),
                string_value: Some(retries.to_string()),
                binary_value: None,
            },
        );
    }
    attributes
}

fn ready(rule: &Rule, stack: &Stack, buses: &[String], (region, account): (&str, &str)) -> Result<Ready, StartError> {
    if !buses.contains(&rule.bus) {
        return Err(StartError::UnknownBus { rule: rule.name.clone(), bus: rule.bus.clone() });
    }
    let pattern = parse_event_pattern(&rule.pattern)
        .map_err(|cause| StartError::Pattern { rule: rule.name.clone(), cause: cause.to_string() })?;
    let bus = if rule.bus == "default" { String::new() } else { format!("{}/", rule.bus) };
    let mut targets = Vec::with_capacity(rule.targets.len());
    for target in &rule.targets {
        let unknown = |to: &str| StartError::UnknownTarget {
            rule: rule.name.clone(),
            target: target.id.clone(),
            to: to.to_owned(),
        };
        let queue_arn = |name: &str| {
            stack
                .queues
                .iter()
                .find(|queue| queue.name == name)
                .map(|queue| queue.arn.clone())
                .ok_or_else(|| unknown(name))
        };
        let arn = match &target.to {
            TargetTo::Queue(name) => queue_arn(name)?,
            TargetTo::Function(id) => {
                let function = stack.functions.iter().find(|function| function.id == *id);
                function.map(|function| function.arn.clone()).ok_or_else(|| unknown(id))?
            }
        };
        if let Some(name) = &target.dead_letter_queue {
            queue_arn(name)?;
        }
        let input = Input::parse(&target.input).map_err(|cause| StartError::Input {
            rule: rule.name.clone(),
            target: target.id.clone(),
            cause,
        })?;
        targets.push(ReadyTarget {
            arn,
            to: target.to.clone(),
            input,
            dead_letter_queue: target.dead_letter_queue.clone(),
        });
    }
    Ok(Ready {
        name: rule.name.clone(),
        arn: format!("arn:aws:events:{region}:{account}:rule/{bus}{}", rule.name),
        bus: rule.bus.clone(),
        pattern,
        targets,
    })
}

#[cfg(test)]
mod tests;
