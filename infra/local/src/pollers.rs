//! Calls functions with messages, stream records and schedules, as Lambda's event source mappings and EventBridge
//! Scheduler do.

mod queue;
mod schedule;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use rustack_events_core::pattern::{EventPattern, matches, parse_event_pattern};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use self::schedule::Schedule;
pub(crate) use self::stream::position_key;
use crate::aws_error::AwsError;
use crate::lambda::{Failure, Lambda};
use crate::sqs::Queues;
use crate::stack::{EventSource, Function, Stack};

/// How long [`Pollers::stop`] waits for running calls.
const FINISH: Duration = Duration::from_secs(10);

/// Reads a table's stream. Takes the table name, the sequence number to continue after (`None`: from the oldest) and
/// the limit on records. Returns sequence numbers and records as Lambda gets them.
pub type StreamReader = Arc<
    dyn Fn(String, Option<String>, usize) -> BoxFuture<'static, Result<Vec<(String, Value)>, AwsError>> + Send + Sync,
>;

/// The event sources of all functions.
pub struct Pollers {
    stopping: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
    schedules: Vec<Arc<Schedule>>,
    lambda: Lambda,
}

/// Why the pollers cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A filter's pattern cannot be read.
    #[error("function `{function}` has a filter `{pattern}` that cannot be read: {cause}")]
    Filter {
        /// Logical id of the function.
        function: String,
        /// The pattern.
        pattern: String,
        /// The cause.
        cause: String,
    },
    /// An event source names a missing queue.
    #[error("function `{function}` listens to the queue `{queue}`, which the template does not declare")]
    UnknownQueue {
        /// Logical id of the function.
        function: String,
        /// The missing queue.
        queue: String,
    },
    /// An event source names a table that is missing or has no stream.
    #[error(
        "function `{function}` listens to the stream of table `{table}`, which has none; give it a StreamSpecification"
    )]
    NoStream {
        /// Logical id of the function.
        function: String,
        /// The table.
        table: String,
    },
}

/// Why a schedule cannot be run now.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// There is no such schedule.
    #[error("there is no schedule `{name}`; the schedules are {known}")]
    Unknown {
        /// The unknown name.
        name: String,
        /// The known schedules, in words.
        known: String,
    },
    /// The function failed.
    #[error("the schedule's function failed: {0}")]
    Failed(#[from] Failure),
}

/// Shared parts of every poller.
#[derive(Clone)]
struct Context {
    function: Function,
    queues: Queues,
    lambda: Lambda,
    stopping: watch::Receiver<bool>,
}

impl Context {
    /// Returns when the pollers are to stop.
    async fn stopped(&mut self) {
        // An error means that the sender is gone, which also means stop.
        self.stopping.wait_for(|stopping| *stopping).await.map(drop).unwrap_or_default();
    }

    /// Sleeps. Returns whether to go on.
    async fn sleep(&mut self, time: Duration) -> bool {
        tokio::select! {
            () = self.stopped() => false,
            () = tokio::time::sleep(time) => true,
        }
    }
}

impl Pollers {
    /// Starts all event sources of the stack's functions. `written` changes after every write to a table.
    pub fn start(
        stack: &Stack,
        queues: &Queues,
        lambda: &Lambda,
        reader: &StreamReader,
        written: &watch::Receiver<u64>,
    ) -> Result<Self, StartError> {
        let (stopping, stopped) = watch::channel(false);
        let mut starting: Vec<BoxFuture<'static, ()>> = Vec::new();
        let mut schedules = Vec::new();
        for function in &stack.functions {
            for source in &function.sources {
                let context = Context {
                    function: function.clone(),
                    queues: queues.clone(),
                    lambda: lambda.clone(),
                    stopping: stopped.clone(),
                };
                match source {
                    EventSource::Queue(source) => {
                        let filters = Filters::parse(function, &source.filters)?;
                        let queue = stack.queues.iter().find(|queue| queue.name == source.queue).ok_or_else(|| {
                            StartError::UnknownQueue { function: function.id.clone(), queue: source.queue.clone() }
                        })?;
                        starting.push(Box::pin(queue::run(context, source.clone(), queue.clone(), filters)));
                    }
                    EventSource::Stream(source) => {
                        let filters = Filters::parse(function, &source.filters)?;
                        let no_stream =
                            || StartError::NoStream { function: function.id.clone(), table: source.table.clone() };
                        let table = stack.tables.iter().find(|table| table.name == source.table);
                        let arn = table.and_then(|table| table.stream_arn.clone()).ok_or_else(no_stream)?;
                        if let Some(name) = &source.on_failure_queue
                            && !stack.queues.iter().any(|queue| queue.name == *name)
                        {
                            return Err(StartError::UnknownQueue {
                                function: function.id.clone(),
                                queue: name.clone(),
                            });
                        }
                        let poller = stream::Poller::new(
                            context,
                            source.clone(),
                            arn,
                            filters,
                            Arc::clone(reader),
                            written.clone(),
                        );
                        starting.push(Box::pin(poller.run()));
                    }
                    EventSource::Schedule { name, every, input } => {
                        let schedule = Arc::new(Schedule::new(function, name, *every, input.clone()));
                        schedules.push(Arc::clone(&schedule));
                        starting.push(Box::pin(schedule::run(context, schedule)));
                    }
                    // Handled by the gateway.
                    EventSource::Route { .. } => {}
                }
            }
        }
        // Start nothing unless everything can start.
        let mut tasks = JoinSet::new();
        for poller in starting {
            tasks.spawn(poller);
        }
        Ok(Self { stopping, tasks: Mutex::new(tasks), schedules, lambda: lambda.clone() })
    }

    /// Runs the schedules with this name (the event's name in the template) now, and waits for their functions.
    pub async fn tick(&self, name: &str) -> Result<(), TickError> {
        let mut found = false;
        for schedule in self.schedules.iter().filter(|schedule| schedule.name == name) {
            found = true;
            schedule.fire(&self.lambda).await?;
        }
        if found {
            return Ok(());
        }
        let known: Vec<String> = self.schedules.iter().map(|schedule| format!("`{}`", schedule.name)).collect();
        Err(TickError::Unknown { name: name.to_owned(), known: known.join(", ") })
    }

    /// Starts no new calls, waits some seconds for running ones, and abandons the rest. Their messages are delivered
    /// again after the next start.
    pub async fn stop(&self) {
        // An error means that every poller has ended already.
        self.stopping.send(true).unwrap_or_default();
        let mut tasks = self.tasks.lock().await;
        let finished = tokio::time::timeout(FINISH, async {
            while let Some(ended) = tasks.join_next().await {
                if let Err(cause) = ended {
                    tracing::error!(cause = %cause, "a poller failed");
                }
            }
        });
        if finished.await.is_err() {
            tracing::warn!("some calls are still running; their messages are delivered again after the next start");
            tasks.shutdown().await;
        }
    }
}

/// Filter criteria. The function gets only what matches one of them.
#[derive(Debug)]
struct Filters(Vec<EventPattern>);

impl Filters {
    fn parse(function: &Function, patterns: &[String]) -> Result<Self, StartError> {
        patterns
            .iter()
            .map(|pattern| {
                parse_event_pattern(pattern).map_err(|cause| StartError::Filter {
                    function: function.id.clone(),
                    pattern: pattern.clone(),
                    cause: cause.to_string(),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn pass(&self, record: &Value) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| matches(pattern, record))
    }
}

/// Result of a batch.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// All items succeeded.
    Succeeded,
    /// These items failed.
    Failed(Vec<String>),
    /// The reply is unclear, so all items count as failed.
    AllFailed,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchReply {
    batch_item_failures: Option<Vec<ItemFailure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

/// Reads a reply in the form of `ReportBatchItemFailures`. An empty reply is a success. An identifier that is empty or
/// not of this batch, or an unreadable reply, fails the whole batch (Lambda Developer Guide, "Success and failure
/// conditions").
fn verdict(reply: &[u8], known: impl Fn(&str) -> bool) -> Verdict {
    if reply.is_empty() {
        return Verdict::Succeeded;
    }
    let Ok(reply) = serde_json::from_slice::<Option<BatchReply>>(reply) else { return Verdict::AllFailed };
    let failures = reply.and_then(|reply| reply.batch_item_failures).unwrap_or_default();
    if failures.is_empty() {
        return Verdict::Succeeded;
    }
    let failed: Vec<String> = failures.into_iter().map(|failure| failure.item_identifier).collect();
    if failed.iter().all(|id| known(id)) { Verdict::Failed(failed) } else { Verdict::AllFailed }
}

#[cfg(test)]
mod tests;
