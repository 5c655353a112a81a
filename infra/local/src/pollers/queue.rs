//! Calls a function with a queue's messages, as Lambda's SQS pollers do.
//!
//! One long poll is open while the function may be called once more. The next one opens when a batch is handed over. So
//! a message starts its call as soon as it is in the queue, and batches grow when calls cannot keep up.
//!
//! Messages of a group that has many of them get at most half of the calls, and their calls take the back lane. So
//! another message always finds a free call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::{Context, Filters, Verdict, verdict};
use crate::aws_error::AwsError;
use crate::lambda::{Failure, LARGEST_REQUEST, place};
use crate::lane::Lane;
use crate::sqs::{AttributeValue, Message, Want};
use crate::stack::{Queue, QueueSource};

/// Default limit on concurrent calls. AWS starts with five too.
const AT_ONCE: usize = 5;
/// Duration of a long poll.
const LONG_POLL: Duration = Duration::from_secs(20);
/// Size of a message's envelope in a payload, at most.
const ENVELOPE: usize = 1024;

/// Polls until stopped, then waits for running calls.
pub(super) async fn run(mut context: Context, source: QueueSource, queue: Queue, filters: Filters) {
    let at_once = source.maximum_concurrency.unwrap_or(AT_ONCE).clamp(1, 1000);
    let permits = Arc::new(Semaphore::new(at_once));
    let bulk_permits = Arc::new(Semaphore::new((at_once / 2).max(1)));
    let shared = Arc::new(Shared { context: context.clone(), source, queue, filters });
    loop {
        let permit = tokio::select! {
            () = context.stopped() => break,
            permit = Arc::clone(&permits).acquire_owned() => permit,
        };
        let Ok(permit) = permit else { break };
        let for_bulk = Arc::clone(&bulk_permits).try_acquire_owned().ok();
        let want = if for_bulk.is_some() { Want::Any } else { Want::Quiet };
        let batch = tokio::select! {
            // Dropping the receive returns its messages to the queue.
            () = context.stopped() => break,
            batch = shared.collect(want) => batch,
            // Another bulk call has ended.
            _ = bulk_permits.acquire(), if for_bulk.is_none() => continue,
        };
        match batch {
            Ok(batch) if batch.is_empty() => {}
            Ok(batch) => {
                let shared = Arc::clone(&shared);
                let for_bulk = for_bulk.filter(|_| batch.iter().all(|message| message.bulk));
                let lane = if for_bulk.is_some() { Lane::Back } else { Lane::Front };
                tokio::spawn(lane.run(async move {
                    shared.process(batch).await;
                    drop((permit, for_bulk));
                }));
            }
            Err(cause) => {
                tracing::error!(queue = %shared.queue.name, cause = %cause, "queue cannot be read");
                if !context.sleep(Duration::from_secs(1)).await {
                    break;
                }
            }
        }
    }
    let all = u32::try_from(at_once).unwrap_or(u32::MAX);
    // The semaphore is never closed.
    permits.acquire_many(all).await.map(drop).unwrap_or_default();
}

struct Shared {
    context: Context,
    source: QueueSource,
    queue: Queue,
    filters: Filters,
}

impl Shared {
    /// Collects a batch: the messages that are there and, with a window, those that arrive until it ends or the batch
    /// is full.
    async fn collect(&self, want: Want) -> Result<Vec<Message>, AwsError> {
        let queues = &self.context.queues;
        let hidden = self.queue.visibility_timeout;
        let receive = |max, wait| queues.receive_some(&self.queue.name, want, max, wait, hidden);
        let most = self.source.batch_size.max(1);
        let mut batch = receive(most, LONG_POLL).await?;
        if batch.is_empty() || self.source.window.is_zero() {
            return Ok(batch);
        }
        let until = Instant::now() + self.source.window;
        while batch.len() < most {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            batch.extend(receive(most - batch.len(), left).await?);
        }
        Ok(batch)
    }

    async fn process(&self, batch: Vec<Message>) {
        let mut done = Vec::new();
        let mut batch: Vec<Message> = if self.filters.is_empty() {
            batch
        } else {
            let (wanted, unwanted): (Vec<_>, Vec<_>) = batch.into_iter().partition(|message| self.wants(message));
            done.extend(unwanted.into_iter().map(|message| message.receipt_handle));
            wanted
        };
        // As many calls as the payload limit requires: nearly always one.
        while !batch.is_empty() {
            let mut bytes = 0;
            let fits = batch
                .iter()
                .take_while(|message| {
                    // In JSON a body can take more than twice its length.
                    bytes += json_len(&message.body) + ENVELOPE;
                    bytes < LARGEST_REQUEST
                })
                .count()
                .max(1);
            let rest = batch.split_off(fits);
            done.extend(self.call(batch).await);
            batch = rest;
        }
        if !done.is_empty()
            && let Err(cause) = self.context.queues.delete(&self.queue.name, &done).await
        {
            tracing::error!(queue = %self.queue.name, cause = %cause, "processed messages cannot be deleted");
        }
    }

    /// Returns whether a filter matches the body, as JSON if it is JSON, else as text.
    fn wants(&self, message: &Message) -> bool {
        let mut record = record(message, &self.queue);
        if self.filters.pass(&record) {
            return true;
        }
        match serde_json::from_str::<Value>(&message.body) {
            Ok(body) => {
                if let Some(field) = record.get_mut("body") {
                    *field = body;
                }
                self.filters.pass(&record)
            }
            Err(_) => false,
        }
    }

    /// Calls the function. Returns the receipt handles of the processed messages.
    async fn call(&self, batch: Vec<Message>) -> Vec<String> {
        let records: Vec<Value> = batch.iter().map(|message| record(message, &self.queue)).collect();
        let payload = json!({ "Records": records }).to_string().into_bytes();
        let reply = match self.invoke(payload).await {
            Ok(reply) => reply,
            Err(Failure::Throttled) => {
                for message in &batch {
                    let given_back = self.context.queues.change_visibility(
                        &self.queue.name,
                        &message.receipt_handle,
                        Duration::ZERO,
                    );
                    if let Err(cause) = given_back.await {
                        tracing::warn!(queue = %self.queue.name, cause = %cause, "message cannot be given back");
                    }
                }
                return Vec::new();
            }
            // The messages return after their visibility timeout.
            Err(_) => return Vec::new(),
        };
        let failed: BTreeSet<String> = if self.source.partial_failures {
            match verdict(&reply, |id| batch.iter().any(|message| message.id == id)) {
                Verdict::Succeeded => BTreeSet::new(),
                Verdict::Failed(ids) => ids.into_iter().collect(),
                Verdict::AllFailed => {
                    tracing::error!(function = %self.context.function.id, "invalid reply; its batch is delivered again");
                    return Vec::new();
                }
            }
        } else {
            BTreeSet::new()
        };
        batch
            .into_iter()
            .filter(|message| !failed.contains(&message.id))
            .map(|message| message.receipt_handle)
            .collect()
    }

    /// Calls the function. While it is throttled, waits as long as the messages are safely hidden.
    async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let until = Instant::now() + self.queue.visibility_timeout / 2;
        let mut wait = Duration::from_millis(10);
        let mut context = self.context.clone();
        loop {
            match context.lambda.invoke(&context.function.id, payload.clone()).await {
                Err(Failure::Throttled) if Instant::now() < until => {
                    if !context.sleep(wait).await {
                        return Err(Failure::Throttled);
                    }
                    wait = (wait * 2).min(Duration::from_secs(1));
                }
                answer => return answer,
            }
        }
    }
}

/// Returns an upper bound of the length of a string in JSON.
fn json_len(text: &str) -> usize {
    let extra = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\') || *byte < 0x20).count();
    text.len() + extra * 5
}

/// Returns the record of a message as Lambda passes it to a function.
fn record(message: &Message, queue: &Queue) -> Value {
    let mut record = Map::new();
    record.insert("messageId".to_owned(), message.id.clone().into());
    record.insert("receiptHandle".to_owned(), message.receipt_handle.clone().into());
    record.insert("body".to_owned(), message.body.clone().into());
    record.insert("attributes".to_owned(), json!(message.system_attributes));
    let attributes: Map<String, Value> =
        message.attributes.0.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
    record.insert("messageAttributes".to_owned(), attributes.into());
    if let Some(md5) = message.attributes.md5() {
        record.insert("md5OfMessageAttributes".to_owned(), md5.into());
    }
    record.insert("md5OfBody".to_owned(), message.md5_of_body.clone().into());
    record.insert("eventSource".to_owned(), "aws:sqs".into());
    record.insert("eventSourceARN".to_owned(), queue.arn.clone().into());
    record.insert("awsRegion".to_owned(), place(&queue.arn).0.into());
    Value::Object(record)
}

fn attribute(value: &AttributeValue) -> Value {
    let mut attribute = Map::new();
    if let Some(text) = &value.string_value {
        attribute.insert("stringValue".to_owned(), text.clone().into());
    }
    if let Some(binary) = &value.binary_value {
        attribute.insert("binaryValue".to_owned(), binary.clone().into());
    }
    attribute.insert("stringListValues".to_owned(), json!([]));
    attribute.insert("binaryListValues".to_owned(), json!([]));
    attribute.insert("dataType".to_owned(), value.data_type.clone().into());
    Value::Object(attribute)
}
