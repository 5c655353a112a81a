//! The two threads behind the tables: one runs the calls, the other flushes.
//!
//! The engine commits each call without flushing (`synchronous = NORMAL`: after a power failure the last commits may be
//! missing, but never half of one). The first thread runs one call after the other, those of the front lane first. The
//! second takes all waiting replies, flushes the engine's write-ahead log once, and then sends them. Meanwhile the first
//! thread goes on, and its writes are flushed next. Reads also wait while anything is unflushed, so no reply depends on
//! data that could still be lost.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use bytes::Bytes;
use dynoxide::Database;
use tokio::sync::oneshot;

use super::engine::{self, Reply};
use super::line::Line;
use super::repeats::Repeats;
use crate::lane::Lane;

/// Passes calls to the threads. Dropping it waits for running calls.
pub(super) struct Worker {
    calls: Arc<Line<Job>>,
    threads: Vec<JoinHandle<()>>,
}

enum Job {
    Call { operation: String, body: Bytes, reply: oneshot::Sender<Option<Reply>> },
    Settle { done: oneshot::Sender<()> },
}

/// A caller who waits for the flush.
enum Waiting {
    Call(oneshot::Sender<Option<Reply>>, Option<Reply>),
    Settle(oneshot::Sender<()>),
}

impl Worker {
    /// Starts the threads for the database in the file at `path`.
    pub(super) fn start(database: &Database, path: &Path) -> io::Result<Self> {
        // The engine's name for `synchronous = NORMAL`.
        database.disable_bulk_loading().map_err(io::Error::other)?;
        let log = Log::open(path)?;
        let calls = Arc::new(Line::new());
        let (answers, waiting) = channel();
        let unflushed = Arc::new(AtomicUsize::new(0));
        let engine = {
            let (database, jobs, unflushed) = (database.clone(), Arc::clone(&calls), Arc::clone(&unflushed));
            std::thread::Builder::new().name("tables".to_owned()).spawn(move || {
                let jobs = Taken(jobs);
                work(&database, &jobs.0, &answers, &unflushed);
            })?
        };
        let flusher = std::thread::Builder::new()
            .name("tables-flush".to_owned())
            .spawn(move || flush(&log, &waiting, &unflushed))?;
        Ok(Self { calls, threads: vec![engine, flusher] })
    }

    /// Runs a call in the lane of the task, or in the back lane if it is a scan. Returns `None`, with nothing written,
    /// if it must go through the engine's server.
    pub(super) async fn call(&self, operation: &str, body: Bytes) -> Option<Reply> {
        let (reply, answered) = oneshot::channel();
        let lane = if operation == "Scan" { Lane::Back } else { Lane::current() };
        self.calls.push(Job::Call { operation: operation.to_owned(), body, reply }, lane);
        answered.await.unwrap_or_else(|_| Some(Reply::internal("the tables are closed, or their engine failed")))
    }

    /// Waits until everything that is visible now is on disk.
    pub(super) async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        self.calls.push(Job::Settle { done }, Lane::Front);
        // If a thread has ended, there is nothing to wait for. Its callers got an error.
        settled.await.unwrap_or_default();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.calls.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the tables panicked");
            }
        }
    }
}

/// The line of the thread that takes its jobs. When the thread ends, also by a panic, callers of waiting jobs get an error.
struct Taken(Arc<Line<Job>>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Runs calls one after another, until the line is closed or a flush failed.
fn work(database: &Database, jobs: &Line<Job>, answers: &Sender<Waiting>, unflushed: &AtomicUsize) {
    let mut repeats = Repeats::default();
    while let Some(job) = jobs.next() {
        let waiting = match job {
            Job::Settle { done } => Waiting::Settle(done),
            Job::Call { operation, body, reply } => {
                let result = if operation == "TransactWriteItems" {
                    engine::transact(database, &mut repeats, &body, Instant::now())
                } else {
                    engine::in_process(database, &operation, &body)
                };
                let wrote = engine::writes(&operation) && result.as_ref().is_some_and(|reply| reply.status == 200);
                if !wrote && unflushed.load(Ordering::SeqCst) == 0 {
                    // Nothing that it read can be lost. A caller who no longer waits does not need the reply.
                    reply.send(result).unwrap_or_default();
                    continue;
                }
                Waiting::Call(reply, result)
            }
        };
        unflushed.fetch_add(1, Ordering::SeqCst);
        if answers.send(waiting).is_err() {
            // After a failed flush it is unknown what is on disk. Only a restart can find out.
            return;
        }
    }
}

/// Flushes, and sends the replies that waited for it. If a flush fails, this thread ends, and then the other one.
fn flush(log: &Log, answers: &Receiver<Waiting>, unflushed: &AtomicUsize) {
    while let Ok(first) = answers.recv() {
        let mut waiting = vec![first];
        waiting.extend(answers.try_iter());
        let flushed = log.flush();
        let count = waiting.len();
        for waiter in waiting {
            match (waiter, &flushed) {
                (Waiting::Settle(done), Ok(())) => done.send(()).unwrap_or_default(),
                (Waiting::Call(reply, result), Ok(())) => reply.send(result).unwrap_or_default(),
                (Waiting::Settle(_), Err(_)) => {}
                (Waiting::Call(reply, _), Err(error)) => {
                    let failed = Reply::internal(format!("writes cannot be flushed to disk: {error}"));
                    reply.send(Some(failed)).unwrap_or_default();
                }
            }
        }
        if flushed.is_err() {
            return;
        }
        unflushed.fetch_sub(count, Ordering::SeqCst);
    }
}

/// The engine's write-ahead log, opened a second time for flushing. SQLite keeps the same file while it is open.
struct Log(File);

impl Log {
    fn open(database: &Path) -> io::Result<Self> {
        let mut name = database.as_os_str().to_owned();
        name.push("-wal");
        let log = Self(File::options().write(true).open(PathBuf::from(name))?);
        log.flush()?;
        // The log's directory entry must survive a power failure too.
        #[cfg(unix)]
        if let Some(folder) = database.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(log)
    }

    fn flush(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
