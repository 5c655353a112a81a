//! SQS standard queues, kept in one SQLite file.
//!
//! Clients can rely on what AWS promises of standard queues. An accepted message is delivered at least once, stays
//! hidden while a consumer works on it, comes back unless it is deleted, and goes to the dead-letter queue after too
//! many receives. A reply to a send, delete or change of visibility means that the change is on disk.
//!
//! One thread owns the database (`writer`). It puts all waiting requests into one transaction, so that callers share
//! the cost of a commit, and serves waiting receives in the same transaction as the send. Queues are fair: a message
//! group with many messages does not delay the others (`store/fair.rs`). Pollers in this process call
//! [`Queues::receive`] and similar methods; clients use the JSON protocol ([`Queues::handle`]).
//!
//! A receipt handle belongs to one receive. Deleting with the handle of an earlier receive succeeds and deletes
//! nothing, as on AWS. Not implemented: FIFO queues, queue tags and policies, and the limit of 120,000 messages in
//! flight.

mod attributes;
mod clock;
mod errors;
mod protocol;
mod receipt;
mod store;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

pub use self::attributes::{AttributeValue, Attributes};
use self::clock::Clock;
pub use self::store::{Counts, Want};
use self::store::{NewMessage, Receipt, Received, md5_hex};
use self::writer::Request;
use crate::aws_error::AwsError;
use crate::stack::Queue;

/// Prefix of the bus's own queues. Clients cannot name them, because `$` is not allowed in names.
const HIDDEN: char = '$';

/// The queue of events for functions.
pub(crate) const BUS_QUEUE: &str = "$bus";

/// `SenderId` of all messages; senders are not distinguished on one machine.
pub(crate) const SENDER: &str = "AIDAFAIRLEADERLOCAL00";

/// The queues of the stack. Clones share them.
#[derive(Clone)]
pub struct Queues {
    shared: Arc<Shared>,
}

struct Shared {
    queues: Vec<Queue>,
    by_name: BTreeMap<String, usize>,
    clock: Clock,
    inbox: mpsc::Sender<Request>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// Why the queues cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened, or is not a queue database.
    #[error(
        "the queues in `{path}` cannot be opened: {cause}; if the file is damaged, restore the data folder from a \
        backup, or choose an empty folder with --data"
    )]
    Database {
        /// The file.
        path: String,
        /// SQLite's error.
        #[source]
        cause: rusqlite::Error,
    },
    /// A redrive policy names a missing queue.
    #[error("queue `{queue}` has the dead-letter queue `{dead_letter_queue}`, which the template does not declare")]
    UnknownDeadLetterQueue {
        /// The queue.
        queue: String,
        /// The missing queue.
        dead_letter_queue: String,
    },
    /// The thread that owns the database cannot be started.
    #[error("the thread for the queues cannot be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Message id, the same on every delivery.
    pub id: String,
    /// Receipt handle of this delivery, for deleting the message or changing its visibility.
    pub receipt_handle: String,
    /// The body.
    pub body: String,
    /// Message attributes.
    pub attributes: Attributes,
    /// MD5 of the body, in hexadecimal.
    pub md5_of_body: String,
    /// `ApproximateReceiveCount`, `SentTimestamp` and the others, as SQS names them.
    pub system_attributes: BTreeMap<String, String>,
    /// Number of receives so far, in all queues, including this one.
    pub receive_count: i64,
    /// Whether its group has so many messages that others go first.
    pub bulk: bool,
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Name of the queue.
    pub queue: String,
    /// The body.
    pub body: String,
    /// Message attributes.
    pub attributes: Attributes,
}

impl Queues {
    /// Opens or creates the file at `path`, with these queues. Messages of queues that are no longer declared stay in
    /// the file.
    ///
    /// Messages that were in flight are visible again at once: their consumers ended with the old process, so waiting
    /// for the visibility timeout would only delay them. Their receives stay counted, so that a message that crashes
    /// the process ends in the dead-letter queue.
    pub fn open(path: &Path, queues: &[Queue]) -> Result<Self, OpenError> {
        Self::open_at(path, queues, Timestamp::now().as_millisecond())
    }

    /// Opens the file when the system's clock shows `system`.
    fn open_at(path: &Path, queues: &[Queue], system: i64) -> Result<Self, OpenError> {
        let mut queues = queues.to_vec();
        queues.push(bus_queue());
        let by_name: BTreeMap<String, usize> =
            queues.iter().enumerate().map(|(index, queue)| (queue.name.clone(), index)).collect();
        let mut settings = Vec::with_capacity(queues.len());
        for queue in &queues {
            let redrive = match &queue.redrive {
                None => None,
                Some(redrive) => match by_name.get(&redrive.dead_letter_queue) {
                    Some(target) => Some((*target, i64::from(redrive.max_receive_count))),
                    None => {
                        return Err(OpenError::UnknownDeadLetterQueue {
                            queue: queue.name.clone(),
                            dead_letter_queue: redrive.dead_letter_queue.clone(),
                        });
                    }
                },
            };
            settings.push(store::Settings {
                name: queue.name.clone(),
                arn: queue.arn.clone(),
                retention_ms: millis(queue.retention),
                redrive,
            });
        }
        let store = store::Store::open(path, settings, system)
            .map_err(|cause| OpenError::Database { path: path.display().to_string(), cause })?;
        let clock = store.clock();
        let (inbox, requests) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("queues".to_owned())
            .spawn(move || writer::run(store, &requests))
            .map_err(OpenError::Thread)?;
        Ok(Self { shared: Arc::new(Shared { queues, by_name, clock, inbox, thread: Mutex::new(Some(thread)) }) })
    }

    /// Handles one call of the SQS JSON protocol: `operation` without its prefix (`SendMessage`), and the body.
    pub async fn handle(&self, operation: &str, body: Value) -> Result<Value, AwsError> {
        protocol::handle(self, operation, body).await
    }

    /// Sends one message. The message is on disk when this returns.
    pub async fn send(&self, queue: &str, body: String, attributes: Attributes) -> Result<(), AwsError> {
        self.send_all(vec![Outgoing { queue: queue.to_owned(), body, attributes }]).await
    }

    /// Sends all of these messages, or none on an error.
    pub async fn send_all(&self, messages: Vec<Outgoing>) -> Result<(), AwsError> {
        let mut new = Vec::with_capacity(messages.len());
        for message in messages {
            self.accepts(&message)?;
            let Outgoing { queue, body, attributes } = message;
            let index = self.index(&queue)?;
            new.push(self.new_message(index, body, &attributes, None, None)?.0);
        }
        self.write(new).await
    }

    /// Returns an error if [`Queues::send_all`] would reject this message.
    pub(crate) fn accepts(&self, message: &Outgoing) -> Result<(), AwsError> {
        protocol::check_content(self.queue(self.index(&message.queue)?)?, &message.body, &message.attributes)
    }

    /// Receives up to `max` messages, waiting up to `wait` for the first. They are hidden for `visibility`.
    ///
    /// Dropping the future returns the messages to the queue.
    pub async fn receive(
        &self,
        queue: &str,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Message>, AwsError> {
        self.receive_some(queue, Want::Any, max, wait, visibility).await
    }

    /// Receives like [`Queues::receive`], but only what is wanted.
    pub async fn receive_some(
        &self,
        queue: &str,
        want: Want,
        max: usize,
        longest_wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Message>, AwsError> {
        let received = self.take(self.index(queue)?, want, max, longest_wait, visibility).await?;
        received.into_iter().map(message).collect()
    }

    /// Deletes messages by their receipt handles. Handles of an earlier receive or of a deleted message have no effect.
    pub async fn delete(&self, queue: &str, receipt_handles: &[String]) -> Result<(), AwsError> {
        let index = self.index(queue)?;
        let receipts: Result<Vec<Receipt>, AwsError> =
            receipt_handles.iter().map(|handle| receipt::receipt(index, handle)).collect();
        self.remove(receipts?).await
    }

    /// Sets how long from now a received message stays hidden. Zero makes it visible at once.
    pub async fn change_visibility(
        &self,
        queue: &str,
        receipt_handle: &str,
        visibility: Duration,
    ) -> Result<(), AwsError> {
        let receipt = receipt::receipt(self.index(queue)?, receipt_handle)?;
        let outcomes = self.hide(vec![(receipt, visibility)]).await?;
        outcomes.into_iter().next().map_or(Ok(()), |outcome| errors::visibility_error(outcome, receipt_handle))
    }

    /// Returns the number of messages in `queue`.
    pub async fn counts(&self, queue: &str) -> Result<Counts, AwsError> {
        self.count(self.index(queue)?).await
    }

    /// Returns the number of messages in each queue, by name, including the bus's own queue.
    pub async fn all_counts(&self) -> Result<BTreeMap<String, Counts>, AwsError> {
        let mut all = BTreeMap::new();
        for (name, index) in &self.shared.by_name {
            all.insert(name.clone(), self.count(*index).await?);
        }
        Ok(all)
    }

    /// Returns whether all queues are empty, including dead-letter queues, with no message in flight.
    pub async fn idle(&self) -> Result<bool, AwsError> {
        self.ask(|reply| Request::Idle { reply }).await
    }

    /// Returns the position stored for `source` with [`Queues::keep_position`].
    pub(crate) async fn position(&self, source: &str) -> Result<Option<String>, AwsError> {
        let source = source.to_owned();
        self.ask(|reply| Request::Position { source, reply }).await
    }

    /// Stores a position (how far a stream was read) durably.
    pub(crate) async fn keep_position(&self, source: &str, position: &str) -> Result<(), AwsError> {
        let (source, position) = (source.to_owned(), position.to_owned());
        self.ask(|reply| Request::KeepPosition { source, position, reply }).await
    }

    /// Finishes all requests and closes the file. Later calls fail.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.shared.inbox.send(Request::Close { reply }).is_ok() {
            // An error means that the thread has ended already.
            closed.await.unwrap_or_default();
        }
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the thread of the queues panicked");
        }
    }

    fn index(&self, name: &str) -> Result<usize, AwsError> {
        self.shared.by_name.get(name).copied().ok_or_else(errors::no_such_queue)
    }

    fn queue(&self, index: usize) -> Result<&Queue, AwsError> {
        self.shared.queues.get(index).ok_or_else(errors::no_such_queue)
    }

    /// Returns the queues that clients can list.
    fn listed(&self) -> impl Iterator<Item = &Queue> {
        self.shared.queues.iter().filter(|queue| !queue.name.starts_with(HIDDEN))
    }

    fn new_message(
        &self,
        queue: usize,
        body: String,
        attributes: &Attributes,
        group: Option<String>,
        delay: Option<Duration>,
    ) -> Result<(NewMessage, Uuid), AwsError> {
        let id = Uuid::now_v7();
        let sent_at = self.shared.clock.now();
        let delay = delay.unwrap_or(self.queue(queue)?.delay);
        let attributes = attributes.to_stored()?;
        Ok((NewMessage { queue, id, body, attributes, group, sent_at, visible_at: sent_at + millis(delay) }, id))
    }

    async fn write(&self, messages: Vec<NewMessage>) -> Result<(), AwsError> {
        if messages.is_empty() {
            return Ok(());
        }
        self.ask(|reply| Request::Send { messages, reply }).await
    }

    async fn take(
        &self,
        queue: usize,
        want: Want,
        max: usize,
        longest_wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Received>, AwsError> {
        let deadline = Instant::now().checked_add(longest_wait).unwrap_or_else(Instant::now);
        let visibility_ms = millis(visibility);
        let inbox = self.shared.inbox.clone();
        let receive = |reply| Request::Receive { queue, want, max, visibility_ms, deadline, reply, inbox };
        let delivery = self.ask(receive).await?;
        Ok(delivery.take())
    }

    async fn remove(&self, receipts: Vec<Receipt>) -> Result<(), AwsError> {
        self.ask(|reply| Request::Delete { receipts, reply }).await
    }

    async fn hide(&self, changes: Vec<(Receipt, Duration)>) -> Result<Vec<store::Hidden>, AwsError> {
        let changes = changes.into_iter().map(|(receipt, visibility)| (receipt, millis(visibility))).collect();
        self.ask(|reply| Request::ChangeVisibility { changes, reply }).await
    }

    async fn count(&self, queue: usize) -> Result<Counts, AwsError> {
        self.ask(|reply| Request::Counts { queue, reply }).await
    }

    async fn purge(&self, queue: usize) -> Result<(), AwsError> {
        self.ask(|reply| Request::Purge { queue, reply }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(writer::Reply<T>) -> Request) -> Result<T, AwsError> {
        let (reply, answer) = oneshot::channel();
        self.shared.inbox.send(request(reply)).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

fn message(received: Received) -> Result<Message, AwsError> {
    Ok(Message {
        id: received.id.to_string(),
        receipt_handle: receipt::receipt_handle(&received.receipt),
        md5_of_body: md5_hex(received.body.as_bytes()),
        system_attributes: protocol::system_attributes(&received),
        attributes: Attributes::from_stored(received.attributes.as_deref())?,
        receive_count: received.receives,
        bulk: received.bulk,
        body: received.body,
    })
}

fn closed() -> AwsError {
    AwsError::server("the queues are closed")
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn bus_queue() -> Queue {
    Queue {
        id: BUS_QUEUE.to_owned(),
        name: BUS_QUEUE.to_owned(),
        arn: String::new(),
        url: String::new(),
        visibility_timeout: Duration::from_mins(15),
        delay: Duration::ZERO,
        retention: Duration::from_hours(14 * 24),
        // An event and its target. The bus limits the size of events.
        maximum_message_size: 8 * 1024 * 1024,
        receive_wait: Duration::ZERO,
        redrive: None,
    }
}

#[cfg(test)]
mod tests;
