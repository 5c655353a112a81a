//! Calls a function with the records of a table's stream, as Lambda's DynamoDB pollers do: one batch at a time, in
//! order.
//!
//! The position is stored in the queues' file after every batch, so a restart repeats at most the running batch. A
//! failed batch is retried from the record that failed. After too many retries it is given up: its position (not its
//! content) goes to the on-failure queue, and the stream goes on.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Context, Filters, StreamReader, Verdict, verdict};
use crate::lambda::Failure;
use crate::sqs::Attributes;
use crate::stack::StreamSource;

/// First and longest wait before a retry.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// Shortest time between two reads. Lambda reads a shard four times per second. Reading after every write would make
/// batches of one record, at a high cost.
const PACE: Duration = Duration::from_millis(20);
/// Longest wait for a write before the stream is read anyway.
const LOOK: Duration = Duration::from_secs(2);
/// The position is stored after this many records that the filters skipped.
const SKIPPED: usize = 1000;
/// Records per read while looking for the end of a stream.
const SEEK: usize = 1000;

/// Sequence number and record.
type Record = (String, Value);

pub(super) struct Poller {
    context: Context,
    source: StreamSource,
    stream_arn: String,
    filters: Filters,
    reader: StreamReader,
    written: watch::Receiver<u64>,
    /// Key of the position in the file.
    key: String,
    position: Option<String>,
    /// Records skipped since the position was last stored.
    skipped: usize,
    /// Earliest time of the next read.
    next_read: Instant,
}

/// Records of one call.
struct Batch {
    records: Vec<Record>,
    tries: u32,
}

/// The poller must stop.
struct Stopped;

/// Returns the key of a function's position in a table's stream.
pub(crate) fn position_key(function: &str, table: &str) -> String {
    format!("{function}/{table}")
}

impl Poller {
    pub(super) fn new(
        context: Context,
        source: StreamSource,
        stream_arn: String,
        filters: Filters,
        reader: StreamReader,
        written: watch::Receiver<u64>,
    ) -> Self {
        let key = position_key(&context.function.id, &source.table);
        let next_read = Instant::now();
        Self { context, source, stream_arn, filters, reader, written, key, position: None, skipped: 0, next_read }
    }

    /// Polls until stopped. A running batch is finished first.
    pub(super) async fn run(mut self) {
        if self.find_start().await.is_ok() {
            while self.step().await.is_ok() {}
        }
        if self.skipped > 0 {
            self.keep_position().await.unwrap_or_default();
        }
    }

    async fn find_start(&mut self) -> Result<(), Stopped> {
        let kept = loop {
            match self.context.queues.position(&self.key).await {
                Ok(kept) => break kept,
                Err(cause) => self.trouble("position cannot be read", &cause.to_string()).await?,
            }
        };
        match kept {
            // Empty: the function has started, and the stream had no records yet.
            Some(position) => self.position = Some(position).filter(|position| !position.is_empty()),
            None if self.source.from_horizon => {}
            None => {
                loop {
                    let records = self.read(SEEK).await?;
                    match records.into_iter().next_back() {
                        Some((sequence, _)) => self.position = Some(sequence),
                        None => break,
                    }
                }
                self.keep_position().await?;
            }
        }
        Ok(())
    }

    /// Processes one batch, or waits for records.
    async fn step(&mut self) -> Result<(), Stopped> {
        let early = self.next_read.saturating_duration_since(Instant::now());
        if !early.is_zero() && !self.context.sleep(early).await {
            return Err(Stopped);
        }
        // Marked before reading, so that a later write ends the wait below at once.
        self.written.mark_unchanged();
        let most = self.source.batch_size.max(1);
        let mut records = self.read(most).await?;
        self.next_read = Instant::now() + PACE;
        if records.is_empty() {
            return self.wait(LOOK).await;
        }
        let until = Instant::now() + self.source.window;
        while records.len() < most && Instant::now() < until {
            self.wait(until.saturating_duration_since(Instant::now())).await?;
            self.written.mark_unchanged();
            records = self.read(most).await?;
        }
        let end = records.last().map(|(sequence, _)| sequence.clone());
        let all = records.len();
        records.retain(|(_, record)| self.filters.pass(record));
        if records.is_empty() {
            self.position = end;
            self.skipped += all;
            if self.skipped >= SKIPPED {
                self.keep_position().await?;
            }
            return Ok(());
        }
        self.process(records).await?;
        self.position = end;
        self.keep_position().await
    }

    /// Calls the function until every record has succeeded or is given up.
    async fn process(&mut self, records: Vec<Record>) -> Result<(), Stopped> {
        let mut batches = VecDeque::from([Batch { records, tries: 0 }]);
        let mut backoff = BACKOFF.0;
        while let Some(mut batch) = batches.pop_front() {
            if self.is_stopping() {
                return Err(Stopped);
            }
            let failed_at = match self.call(&batch.records).await {
                Ok(None) => {
                    backoff = BACKOFF.0;
                    self.advance(&batch.records).await?;
                    continue;
                }
                Ok(Some(0)) | Err(Failure::RequestTooLarge(_)) => 0,
                Ok(Some(place)) => place,
                Err(cause) if cause.was_called() => 0,
                // The function was not called, so this does not count as a try.
                Err(_) => {
                    batches.push_front(batch);
                    self.rest(&mut backoff).await?;
                    continue;
                }
            };
            if failed_at > 0 {
                // The records before are done. The rest starts again with no tries.
                let rest = batch.records.split_off(failed_at.min(batch.records.len()));
                self.advance(&batch.records).await?;
                batches.push_front(Batch { records: rest, tries: 0 });
                backoff = BACKOFF.0;
            } else if self.source.bisect && batch.records.len() > 1 {
                // Splitting does not count as a try (Lambda Developer Guide).
                let second = batch.records.split_off(batch.records.len() / 2);
                batches.push_front(Batch { records: second, tries: 0 });
                batches.push_front(batch);
            } else {
                batch.tries = batch.tries.saturating_add(1);
                if self.source.maximum_retries.is_some_and(|most| batch.tries > most) {
                    self.give_up(&batch).await?;
                    self.advance(&batch.records).await?;
                    backoff = BACKOFF.0;
                    continue;
                }
                batches.push_front(batch);
            }
            self.rest(&mut backoff).await?;
        }
        Ok(())
    }

    /// Calls the function once. Returns the index of the first record that failed, if any.
    async fn call(&self, records: &[Record]) -> Result<Option<usize>, Failure> {
        let bodies: Vec<&Value> = records.iter().map(|(_, record)| record).collect();
        let payload = json!({ "Records": bodies }).to_string().into_bytes();
        let reply = self.context.lambda.invoke(&self.context.function.id, payload).await?;
        if !self.source.partial_failures {
            return Ok(None);
        }
        Ok(match verdict(&reply, |id| records.iter().any(|(sequence, _)| sequence == id)) {
            Verdict::Succeeded => None,
            Verdict::Failed(sequences) => records.iter().position(|(sequence, _)| sequences.contains(sequence)),
            Verdict::AllFailed => Some(0),
        })
    }

    /// Sends the position of abandoned records to the on-failure queue, in Lambda's format.
    async fn give_up(&mut self, batch: &Batch) -> Result<(), Stopped> {
        let (Some(first), Some(last)) = (batch.records.first(), batch.records.last()) else { return Ok(()) };
        tracing::error!(
            function = %self.context.function.id,
            first = %first.0,
            last = %last.0,
            records = batch.records.len(),
            "stream records given up"
        );
        let Some(queue) = self.source.on_failure_queue.clone() else { return Ok(()) };
        let document = json!({
            "requestContext": {
                "requestId": Uuid::now_v7().to_string(),
                "functionArn": self.context.function.arn,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": batch.tries,
            },
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
            "version": "1.0",
            "timestamp": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "DDBStreamBatchInfo": {
                "shardId": "shardId-00000000000000000001-local",
                "startSequenceNumber": first.0,
                "endSequenceNumber": last.0,
                "approximateArrivalOfFirstRecord": arrival(&first.1),
                "approximateArrivalOfLastRecord": arrival(&last.1),
                "batchSize": batch.records.len(),
                "streamArn": self.stream_arn,
            },
        })
        .to_string();
        // Going on without the report would lose the records.
        while let Err(cause) = self.context.queues.send(&queue, document.clone(), Attributes::default()).await {
            self.trouble("failed batch cannot be reported", &cause.to_string()).await?;
        }
        Ok(())
    }

    /// Marks these records as done.
    async fn advance(&mut self, records: &[Record]) -> Result<(), Stopped> {
        if let Some((sequence, _)) = records.last() {
            self.position = Some(sequence.clone());
            self.keep_position().await?;
        }
        Ok(())
    }

    async fn keep_position(&mut self) -> Result<(), Stopped> {
        let position = self.position.clone().unwrap_or_default();
        while let Err(cause) = self.context.queues.keep_position(&self.key, &position).await {
            self.trouble("position cannot be stored", &cause.to_string()).await?;
        }
        self.skipped = 0;
        Ok(())
    }

    async fn read(&mut self, most: usize) -> Result<Vec<Record>, Stopped> {
        loop {
            match (self.reader)(self.source.table.clone(), self.position.clone(), most).await {
                Ok(records) => return Ok(records),
                Err(cause) => self.trouble("stream cannot be read", &cause.to_string()).await?,
            }
        }
    }

    /// Waits for a write, at most for `most`.
    async fn wait(&mut self, most: Duration) -> Result<(), Stopped> {
        let mut written = self.written.clone();
        let go_on = tokio::select! {
            () = self.context.stopped() => false,
            changed = written.changed() => changed.is_ok() || self.context.sleep(most.min(Duration::from_millis(100))).await,
            () = tokio::time::sleep(most) => true,
        };
        if go_on { Ok(()) } else { Err(Stopped) }
    }

    async fn rest(&mut self, backoff: &mut Duration) -> Result<(), Stopped> {
        let now = *backoff;
        *backoff = (now * 2).min(BACKOFF.1);
        if self.context.sleep(now).await { Ok(()) } else { Err(Stopped) }
    }

    async fn trouble(&mut self, what: &str, cause: &str) -> Result<(), Stopped> {
        tracing::error!(table = %self.source.table, function = %self.context.function.id, cause, "{what}");
        if self.context.sleep(Duration::from_secs(1)).await { Ok(()) } else { Err(Stopped) }
    }

    fn is_stopping(&self) -> bool {
        *self.context.stopping.borrow()
    }
}

/// Returns the time of the record in the stream.
fn arrival(record: &Value) -> Option<String> {
    let seconds = record.pointer("/dynamodb/ApproximateCreationDateTime")?.as_f64()?;
    let seconds = format!("{seconds:.0}").parse().ok()?;
    Some(Timestamp::from_second(seconds).ok()?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Returns a reader of these records, for tests.
#[cfg(test)]
pub(super) fn reader_of(records: std::sync::Arc<std::sync::Mutex<Vec<Record>>>) -> StreamReader {
    std::sync::Arc::new(move |_, after, limit| {
        let records = records.lock().unwrap();
        let from = after.map_or(0, |after| records.iter().position(|(s, _)| *s == after).unwrap() + 1);
        let page: Vec<Record> = records[from..].iter().take(limit).cloned().collect();
        Box::pin(async move { Ok(page) })
    })
}
