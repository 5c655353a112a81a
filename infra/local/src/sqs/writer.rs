//! The thread that owns the database: group commit, and waiting receives.
//!
//! All requests in the inbox go into one transaction. Those that arrive during the commit form the next one. A receive
//! that finds nothing is parked. Parked receives are served in order, in the transaction in which a message arrives or
//! when one becomes visible. Replies are sent after the commit. A receive whose caller is gone by then is undone first.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::store::{Counts, Hidden, NewMessage, Receipt, Received, Store, Want};
use crate::aws_error::AwsError;

/// Limit on the requests in a transaction.
const MOST_AT_ONCE: usize = 512;

/// How often expired messages are deleted, and some space is given back even if requests never pause.
const EXPIRE_EVERY: Duration = Duration::from_secs(30);

/// Pause between two steps that give space back to the disk, in which requests go first.
const SHRINK_PAUSE: Duration = Duration::from_millis(50);

pub(super) type Reply<T> = oneshot::Sender<Result<T, AwsError>>;

pub(super) enum Request {
    Send {
        messages: Vec<NewMessage>,
        reply: Reply<()>,
    },
    Receive {
        queue: usize,
        want: Want,
        max: usize,
        visibility_ms: i64,
        deadline: Instant,
        reply: Reply<Delivery>,
        /// Where the delivery returns if its caller is gone.
        inbox: Sender<Request>,
    },
    GiveBack {
        receipts: Vec<Receipt>,
    },
    Delete {
        receipts: Vec<Receipt>,
        reply: Reply<()>,
    },
    ChangeVisibility {
        changes: Vec<(Receipt, i64)>,
        reply: Reply<Vec<Hidden>>,
    },
    Purge {
        queue: usize,
        reply: Reply<()>,
    },
    Counts {
        queue: usize,
        reply: Reply<Counts>,
    },
    Idle {
        reply: Reply<bool>,
    },
    Position {
        source: String,
        reply: Reply<Option<String>>,
    },
    KeepPosition {
        source: String,
        position: String,
        reply: Reply<()>,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

/// Received messages on their way to the caller. If the caller is gone, the receive is undone, so that the messages are
/// not delayed.
pub(super) struct Delivery {
    messages: Vec<Received>,
    inbox: Sender<Request>,
}

impl Delivery {
    pub(super) fn take(mut self) -> Vec<Received> {
        std::mem::take(&mut self.messages)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.messages.is_empty() {
            let receipts = self.messages.iter().map(|message| message.receipt).collect();
            // If the queues are closed, all messages become visible at the next start.
            self.inbox.send(Request::GiveBack { receipts }).unwrap_or_default();
        }
    }
}

/// A waiting receive.
struct Parked {
    want: Want,
    max: usize,
    visibility_ms: i64,
    deadline: Instant,
    reply: Reply<Delivery>,
    inbox: Sender<Request>,
}

#[derive(Default)]
struct Line {
    parked: VecDeque<Parked>,
    /// Whether messages may have arrived or become visible since the line was last served.
    dirty: bool,
    /// When the next message becomes visible; kept only while receives are parked.
    next_visible: Option<i64>,
}

/// A reply to send after the transaction.
type Answer = Box<dyn FnOnce(Result<(), &AwsError>)>;

struct Served {
    reply: Reply<Delivery>,
    messages: Vec<Received>,
    inbox: Sender<Request>,
}

struct Writer {
    store: Store,
    lines: Vec<Line>,
    expire_at: Instant,
    /// Receives to undo first, because their callers are gone.
    returned: Vec<Receipt>,
    /// When to give space back, if messages were deleted.
    shrink_at: Option<Instant>,
}

/// Runs until all senders of `inbox` are gone, or a request closes it.
pub(super) fn run(store: Store, inbox: &Receiver<Request>) {
    let mut writer = Writer::new(store);
    loop {
        let mut requests = Vec::new();
        match inbox.recv_timeout(writer.until_wake_up()) {
            Ok(first) => requests.push(first),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        requests.extend(inbox.try_iter().take(MOST_AT_ONCE));
        let mut closing = None;
        if let Some(place) = requests.iter().position(|request| matches!(request, Request::Close { .. })) {
            requests.truncate(place + 1);
            if let Some(Request::Close { reply }) = requests.pop() {
                closing = Some(reply);
            }
        }
        let idle = requests.is_empty();
        writer.round(requests);
        writer.shrink(idle);
        if let Some(reply) = closing {
            // Parked receives and the file are closed before the reply.
            drop(writer);
            reply.send(()).unwrap_or_default();
            return;
        }
    }
}

impl Writer {
    fn new(store: Store) -> Self {
        let lines = (0..store.queues()).map(|_| Line::default()).collect();
        Self {
            store,
            lines,
            expire_at: Instant::now(),
            returned: Vec::new(),
            shrink_at: Some(Instant::now() + SHRINK_PAUSE),
        }
    }

    /// Returns the time until the next scheduled work.
    fn until_wake_up(&self) -> Duration {
        if !self.returned.is_empty() {
            return Duration::ZERO;
        }
        let now = self.store.clock().now();
        let mut wait = self.expire_at.saturating_duration_since(Instant::now());
        if let Some(at) = self.shrink_at {
            wait = wait.min(at.saturating_duration_since(Instant::now()));
        }
        for line in self.lines.iter().filter(|line| !line.parked.is_empty()) {
            for parked in &line.parked {
                wait = wait.min(parked.deadline.saturating_duration_since(Instant::now()));
            }
            if let Some(at) = line.next_visible {
                wait = wait.min(Duration::from_millis(u64::try_from(at - now).unwrap_or(0)));
            }
        }
        wait
    }

    /// Gives some space back to the disk if messages were deleted. Unless nothing else is to do, it waits.
    fn shrink(&mut self, idle: bool) {
        let Some(at) = self.shrink_at else { return };
        if Instant::now() < at {
            return;
        }
        if !idle {
            self.shrink_at = Some(Instant::now() + SHRINK_PAUSE);
            return;
        }
        self.shrink_at = match self.store.shrink() {
            Ok(more) => more.then(|| Instant::now() + SHRINK_PAUSE),
            Err(cause) => {
                tracing::warn!(cause = %cause, "the file of the queues cannot be made smaller");
                None
            }
        };
    }

    /// Notes that messages were deleted.
    fn deleted(&mut self) {
        self.shrink_at.get_or_insert_with(|| Instant::now() + SHRINK_PAUSE);
    }

    /// Runs one transaction and sends its replies.
    fn round(&mut self, requests: Vec<Request>) {
        let mut answers = Vec::with_capacity(requests.len());
        let mut served = Vec::new();
        match self.transact(requests, &mut answers, &mut served) {
            Ok(()) => {
                for answer in answers {
                    answer(Ok(()));
                }
                self.deliver(served);
            }
            Err(cause) => {
                self.store.roll_back();
                tracing::error!(cause = %cause, "queue transaction failed");
                let error = AwsError::server(format!("the queue database failed: {cause}"));
                for answer in answers {
                    answer(Err(&error));
                }
                for Served { reply, .. } in served {
                    drop(reply.send(Err(error.clone())));
                }
                // Parked receives are served with the next message. Until then callers retry.
                for line in &mut self.lines {
                    for parked in line.parked.drain(..) {
                        drop(parked.reply.send(Err(error.clone())));
                    }
                }
            }
        }
    }

    /// Delivers received messages. Receives of callers that are gone are undone directly and not through the inbox, so
    /// that the caller's next request already finds the messages.
    fn deliver(&mut self, served: Vec<Served>) {
        for Served { reply, messages, inbox } in served {
            if let Err(Ok(delivery)) = reply.send(Ok(Delivery { messages, inbox })) {
                self.returned.extend(delivery.take().iter().map(|message| message.receipt));
            }
        }
    }

    fn transact(
        &mut self,
        requests: Vec<Request>,
        answers: &mut Vec<Answer>,
        served: &mut Vec<Served>,
    ) -> Result<(), rusqlite::Error> {
        let now = self.store.clock().now();
        self.store.begin()?;
        if self.expire_at <= Instant::now() {
            self.store.expire(now)?;
            self.deleted();
            self.expire_at = Instant::now() + EXPIRE_EVERY;
        }
        // If this fails, the messages return after their visibility timeout.
        for receipt in std::mem::take(&mut self.returned) {
            self.store.give_back(&receipt, now)?;
            self.touch(receipt.queue);
        }
        for request in requests {
            if let Some(answer) = self.apply(request, now)? {
                answers.push(answer);
            }
        }
        self.serve(now, served)?;
        self.store.commit()
    }

    fn touch(&mut self, queue: usize) {
        if let Some(line) = self.lines.get_mut(queue) {
            line.dirty = true;
        }
    }

    fn apply(&mut self, request: Request, now: i64) -> Result<Option<Answer>, rusqlite::Error> {
        Ok(match request {
            Request::Send { messages, reply } => {
                for message in &messages {
                    self.store.send(message)?;
                    self.touch(message.queue);
                }
                Some(answer(reply, ()))
            }
            Request::GiveBack { receipts } => {
                for receipt in &receipts {
                    self.store.give_back(receipt, now)?;
                    self.touch(receipt.queue);
                }
                None
            }
            Request::Receive { queue, want, max, visibility_ms, deadline, reply, inbox } => {
                if let Some(line) = self.lines.get_mut(queue) {
                    line.parked.push_back(Parked { want, max, visibility_ms, deadline, reply, inbox });
                    line.dirty = true;
                }
                None
            }
            Request::Delete { receipts, reply } => {
                for receipt in &receipts {
                    self.store.delete(receipt)?;
                }
                self.deleted();
                Some(answer(reply, ()))
            }
            Request::ChangeVisibility { changes, reply } => {
                let mut outcomes = Vec::with_capacity(changes.len());
                for (receipt, visibility_ms) in changes {
                    outcomes.push(self.store.hide(&receipt, visibility_ms, now)?);
                    self.touch(receipt.queue);
                }
                Some(answer(reply, outcomes))
            }
            Request::Purge { queue, reply } => {
                self.store.purge(queue)?;
                self.deleted();
                Some(answer(reply, ()))
            }
            Request::Counts { queue, reply } => Some(answer(reply, self.store.counts(queue, now)?)),
            Request::Idle { reply } => Some(answer(reply, self.store.is_empty()?)),
            Request::Position { source, reply } => Some(answer(reply, self.store.position(&source)?)),
            Request::KeepPosition { source, position, reply } => {
                self.store.keep_position(&source, &position)?;
                Some(answer(reply, ()))
            }
            // `run` removes it before.
            Request::Close { .. } => None,
        })
    }

    /// Serves waiting receives, and ends those that waited long enough.
    fn serve(&mut self, now: i64, served: &mut Vec<Served>) -> Result<(), rusqlite::Error> {
        for line in &mut self.lines {
            line.dirty |= line.next_visible.is_some_and(|at| at <= now);
        }
        // A message that moves to a dead-letter queue makes that queue's line dirty, so repeat until no line is.
        while let Some(queue) = self.lines.iter().position(|line| line.dirty && !line.parked.is_empty()) {
            self.serve_line(queue, now, served)?;
        }
        let instant = Instant::now();
        for line in self.lines.iter_mut().filter(|line| line.parked.iter().any(|parked| parked.deadline <= instant)) {
            for parked in std::mem::take(&mut line.parked) {
                if parked.deadline <= instant {
                    served.push(Served { reply: parked.reply, messages: Vec::new(), inbox: parked.inbox });
                } else {
                    line.parked.push_back(parked);
                }
            }
        }
        Ok(())
    }

    fn serve_line(&mut self, queue: usize, now: i64, served: &mut Vec<Served>) -> Result<(), rusqlite::Error> {
        let Some(line) = self.lines.get_mut(queue) else { return Ok(()) };
        line.dirty = false;
        line.next_visible = None;
        let mut moved_to = None;
        // Those that get nothing, in order. One that wants no bulk does not stop one that does.
        let mut kept = VecDeque::new();
        let mut only_bulk = false;
        while let Some(parked) = line.parked.pop_front() {
            if parked.reply.is_closed() {
                continue;
            }
            if parked.want == Want::Quiet && only_bulk {
                kept.push_back(parked);
                continue;
            }
            let messages =
                self.store.receive(queue, parked.want, parked.max, parked.visibility_ms, now, &mut moved_to)?;
            if messages.is_empty() {
                only_bulk = parked.want == Want::Quiet;
                kept.push_back(parked);
                if !only_bulk {
                    break;
                }
            } else {
                served.push(Served { reply: parked.reply, messages, inbox: parked.inbox });
            }
        }
        kept.append(&mut line.parked);
        line.parked = kept;
        if !line.parked.is_empty() {
            line.next_visible = self.store.next_visible(queue, now)?;
        }
        if let Some(target) = moved_to {
            self.touch(target);
        }
        Ok(())
    }
}

fn answer<T: 'static>(reply: Reply<T>, value: T) -> Answer {
    // The caller may be gone. The request is done anyway.
    Box::new(move |outcome| drop(reply.send(outcome.map(|()| value).map_err(Clone::clone))))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use uuid::Uuid;

    use super::super::store::Settings;
    use super::*;

    #[test]
    fn undoes_the_receive_of_a_gone_caller_before_other_requests() {
        let folder = tempfile::tempdir().unwrap();
        let work = Settings { name: "work".to_owned(), arn: String::new(), retention_ms: 3_600_000, redrive: None };
        let store = Store::open(&folder.path().join("queues.db"), vec![work], 1_000_000).unwrap();
        let sent_at = store.clock().now();
        let mut writer = Writer::new(store);
        let id = Uuid::from_u128(1);
        let body = "x".to_owned();
        let message = NewMessage { queue: 0, id, body, attributes: None, group: None, sent_at, visible_at: sent_at };
        let (inbox, _requests) = channel();
        let (reply, delivered) = oneshot::channel();
        let deadline = Instant::now() + Duration::from_mins(1);
        let receive =
            Request::Receive { queue: 0, want: Want::Any, max: 1, visibility_ms: 60_000, deadline, reply, inbox };
        let send = Request::Send { messages: vec![message], reply: oneshot::channel().0 };

        // The caller cancels after the commit and before the delivery, and then asks for the count.
        let mut served = Vec::new();
        writer.transact(vec![send, receive], &mut Vec::new(), &mut served).unwrap();
        assert_eq!(served.len(), 1);
        drop(delivered);
        let (reply, mut counted) = oneshot::channel();
        writer.deliver(served);
        assert_eq!(writer.until_wake_up(), Duration::ZERO);
        writer.round(vec![Request::Counts { queue: 0, reply }]);
        let counts = counted.try_recv().unwrap().unwrap();
        assert_eq!(counts, Counts { visible: 1, in_flight: 0, delayed: 0 });
        assert!(writer.until_wake_up() > Duration::ZERO);
    }
}
