//! The template, resolved: what `infra/template.yaml` declares, as plain values that the engines are started from.
//!
//! `crate::template` makes a [`Stack`]; everything else in this crate only reads it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

/// Everything that runs.
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
    /// What is in the template but has no meaning on one machine, one sentence each, without repetition.
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
    /// Attribute that expires items, if any.
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
    /// How long a sent message stays hidden at first.
    pub delay: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// Largest message in bytes.
    pub maximum_message_size: usize,
    /// How long a receive waits for a message if it does not say so itself.
    pub receive_wait: Duration,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
}

/// A queue's redrive policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// Name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// Receives after which a message goes there.
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
    /// Its id within the rule.
    pub id: String,
    /// What gets the event.
    pub to: TargetTo,
    /// What of the event it gets.
    pub input: TargetInput,
    /// Name of the queue for events that could not be delivered.
    pub dead_letter_queue: Option<String>,
}

/// What gets an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetTo {
    /// A queue, by name.
    Queue(String),
    /// A function, by logical id.
    Function(String),
}

/// What of an event a target gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetInput {
    /// The event.
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
    /// Name of its binary, the crate below `functions/`.
    pub binary: String,
    /// Longest time of a call.
    pub timeout: Duration,
    /// Memory size in MB, as the template has it; not enforced on one machine.
    pub memory_mb: u32,
    /// Most calls at a time, if limited.
    pub reserved_concurrency: Option<usize>,
    /// Its variables.
    pub environment: BTreeMap<String, String>,
    /// What it may do.
    pub policy: Vec<Statement>,
    /// What calls it.
    pub sources: Vec<EventSource>,
}

/// A statement of an IAM policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// `Allow` or `Deny`.
    pub allow: bool,
    /// Actions, `*` and `?` as wildcards (`dynamodb:GetItem`, `sqs:*`).
    pub actions: Vec<String>,
    /// ARNs, `*` and `?` as wildcards.
    pub resources: Vec<String>,
}

/// What calls a function.
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
        /// How often.
        every: Duration,
        /// What the function is called with instead of the scheduled event, JSON.
        input: Option<String>,
    },
    /// A route of the HTTP API.
    Route {
        /// Method in upper case, or `ANY`.
        method: String,
        /// Path with `{name}` and `{name+}` parameters, or `$default`.
        path: String,
        /// Whether the API's authorizer is asked first.
        authorized: bool,
    },
}

/// A queue that calls a function.
#[derive(Clone, Debug)]
pub struct QueueSource {
    /// Queue name.
    pub queue: String,
    /// Most messages in a call.
    pub batch_size: usize,
    /// How long to collect a batch.
    pub window: Duration,
    /// Whether the function says which messages failed (`ReportBatchItemFailures`).
    pub partial_failures: bool,
    /// Most calls at a time from this source.
    pub maximum_concurrency: Option<usize>,
    /// Patterns, JSON; a message that matches none is dropped. Empty: all pass.
    pub filters: Vec<String>,
}

/// A stream that calls a function.
#[derive(Clone, Debug)]
pub struct StreamSource {
    /// Table name.
    pub table: String,
    /// Most records in a call.
    pub batch_size: usize,
    /// How long to collect a batch.
    pub window: Duration,
    /// Whether to begin with the oldest record kept (`TRIM_HORIZON`) rather than with what comes next (`LATEST`).
    pub from_horizon: bool,
    /// Whether the function says which record failed first.
    pub partial_failures: bool,
    /// Whether a failed batch is cut in two.
    pub bisect: bool,
    /// How often a failed batch is tried again; `None` as long as its records are kept.
    pub maximum_retries: Option<u32>,
    /// Name of the queue that is told where a discarded batch was.
    pub on_failure_queue: Option<String>,
    /// Patterns, JSON; a record that matches none is skipped. Empty: all pass.
    pub filters: Vec<String>,
}

/// The HTTP API.
#[derive(Clone, Debug)]
pub struct Api {
    /// Logical id in the template.
    pub id: String,
    /// The authorizer of routes that need one.
    pub authorizer: Option<Authorizer>,
    /// Requests a second, on average; `None` for no limit.
    pub rate_limit: Option<u32>,
    /// Requests at once.
    pub burst_limit: Option<u32>,
}

/// The API's authorizer: a function with payload 2.0 and simple responses.
#[derive(Clone, Debug)]
pub struct Authorizer {
    /// Logical id of the function.
    pub function: String,
    /// How long an answer is kept; zero for not at all.
    pub cache: Duration,
    /// Headers that must be there, and that the cached answer belongs to.
    pub headers: Vec<String>,
    /// Whether the cached answer belongs to the route too (`$context.routeKey`).
    pub per_route: bool,
}
