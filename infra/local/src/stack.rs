//! The resolved template: what `infra/template.yaml` declares, as plain values for the engines.
//!
//! `crate::template` builds a [`Stack`]. Everything else in this crate only reads it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

/// Everything that the template declares.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    /// Tables, in the template's order.
    pub tables: Vec<Table>,
    /// Queues, dead-letter queues among them.
    pub queues: Vec<Queue>,
    /// Event buses, by name.
    pub buses: Vec<String>,
    /// Rules on buses.
    pub rules: Vec<Rule>,
    /// Functions.
    pub functions: Vec<Function>,
    /// The HTTP API, if there is one.
    pub api: Option<Api>,
    /// Notices about parts of the template that have no effect on one machine, one sentence each.
    pub notices: Vec<String>,
}

/// A DynamoDB table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Logical id in the template.
    pub id: String,
    /// Table name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// The `CreateTable` request, as JSON.
    pub create: Value,
    /// Attribute with the expiry time of items, if any.
    pub ttl_attribute: Option<String>,
    /// ARN of its stream, if it has one.
    pub stream_arn: Option<String>,
}

/// An SQS standard queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Logical id in the template.
    pub id: String,
    /// Queue name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// URL that clients use.
    pub url: String,
    /// How long a received message stays hidden.
    pub visibility_timeout: Duration,
    /// How long a sent message stays hidden before its first delivery.
    pub delay: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// Largest message in bytes.
    pub maximum_message_size: usize,
    /// How long a receive waits for a message by default.
    pub receive_wait: Duration,
    /// Where messages go after too many receives.
    pub redrive: Option<Redrive>,
}

/// A queue's redrive policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// Name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// Number of receives after which a message goes there.
    pub max_receive_count: u32,
}

/// An EventBridge rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Rule name.
    pub name: String,
    /// Name of the bus it listens to.
    pub bus: String,
    /// Event pattern, JSON.
    pub pattern: String,
    /// Where matching events go.
    pub targets: Vec<Target>,
}

/// A target of a rule.
#[derive(Clone, Debug)]
pub struct Target {
    /// Id within the rule.
    pub id: String,
    /// The queue or function that gets the event.
    pub to: TargetTo,
    /// Which part of the event it gets.
    pub input: TargetInput,
    /// Name of the queue for events that could not be delivered.
    pub dead_letter_queue: Option<String>,
}

/// A queue or function that gets an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetTo {
    /// A queue, by name.
    Queue(String),
    /// A function, by logical id.
    Function(String),
}

/// Which part of an event a target gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetInput {
    /// The whole event.
    Event,
    /// The part at this JSON path.
    Path(String),
    /// This text, whatever the event.
    Constant(String),
    /// A template with `<name>` placeholders, filled from JSON paths.
    Transformer {
        /// Placeholder -> JSON path.
        paths: BTreeMap<String, String>,
        /// The template.
        template: String,
    },
}

/// A Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Logical id in the template.
    pub id: String,
    /// Function name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Name of its binary, the crate under `functions/`.
    pub binary: String,
    /// Limit on the time of a call.
    pub timeout: Duration,
    /// Memory size in MB; not enforced on one machine.
    pub memory_mb: u32,
    /// Limit on concurrent calls, if any.
    pub reserved_concurrency: Option<usize>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Permissions.
    pub policy: Vec<Statement>,
    /// Event sources that call it.
    pub sources: Vec<EventSource>,
}

/// A statement of an IAM policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// `Allow` or `Deny`.
    pub allow: bool,
    /// Actions, with `*` and `?` as wildcards (`dynamodb:GetItem`, `sqs:*`).
    pub actions: Vec<String>,
    /// ARNs, with `*` and `?` as wildcards.
    pub resources: Vec<String>,
}

/// A source of calls of a function.
#[derive(Clone, Debug)]
pub enum EventSource {
    /// Messages of a queue.
    Queue(QueueSource),
    /// Records of a table's stream.
    Stream(StreamSource),
    /// A schedule.
    Schedule {
        /// Name of the event in the template.
        name: String,
        /// Period of the schedule.
        every: Duration,
        /// JSON input of the function instead of the scheduled event.
        input: Option<String>,
    },
    /// A route of the HTTP API.
    Route {
        /// Method in upper case, or `ANY`.
        method: String,
        /// Path with `{name}` and `{name+}` parameters, or `$default`.
        path: String,
        /// Whether the API's authorizer is called first.
        authorized: bool,
    },
}

/// A queue that calls a function.
#[derive(Clone, Debug)]
pub struct QueueSource {
    /// Queue name.
    pub queue: String,
    /// Limit on messages per call.
    pub batch_size: usize,
    /// How long to wait for a full batch.
    pub window: Duration,
    /// Whether the function reports which messages failed (`ReportBatchItemFailures`).
    pub partial_failures: bool,
    /// Limit on concurrent calls from this source.
    pub maximum_concurrency: Option<usize>,
    /// JSON patterns. A message that matches none is dropped. Empty: all pass.
    pub filters: Vec<String>,
}

/// A stream that calls a function.
#[derive(Clone, Debug)]
pub struct StreamSource {
    /// Table name.
    pub table: String,
    /// Limit on records per call.
    pub batch_size: usize,
    /// How long to wait for a full batch.
    pub window: Duration,
    /// Whether to start at the oldest record (`TRIM_HORIZON`) instead of the next new one (`LATEST`).
    pub from_horizon: bool,
    /// Whether the function reports which record failed first.
    pub partial_failures: bool,
    /// Whether a failed batch is split in two.
    pub bisect: bool,
    /// Limit on retries of a failed batch; `None`: until its records expire.
    pub maximum_retries: Option<u32>,
    /// Name of the queue that gets the position of a discarded batch.
    pub on_failure_queue: Option<String>,
    /// JSON patterns. A record that matches none is skipped. Empty: all pass.
    pub filters: Vec<String>,
}

/// The HTTP API.
#[derive(Clone, Debug)]
pub struct Api {
    /// Logical id in the template.
    pub id: String,
    /// The authorizer of routes that need one.
    pub authorizer: Option<Authorizer>,
    /// Limit on requests per second, on average; `None`: no limit.
    pub rate_limit: Option<u32>,
    /// Limit on requests at once.
    pub burst_limit: Option<u32>,
}

/// The API's authorizer: a function with payload 2.0 and simple responses.
#[derive(Clone, Debug)]
pub struct Authorizer {
    /// Logical id of the function.
    pub function: String,
    /// How long an answer is cached; zero for not at all.
    pub cache: Duration,
    /// Required headers. They are the key of the cached answer.
    pub headers: Vec<String>,
    /// Whether the route is part of that key too (`$context.routeKey`).
    pub per_route: bool,
}
