//! Client for an SQS queue.

use std::collections::BTreeMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::delete_message::DeleteMessageError;
use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesError;
use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::operation::send_message::SendMessageError;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use aws_types::SdkConfig;
use fairleader_lead::id::{PoolId, RepId};
use serde::Serialize;

use crate::RouteCommand;

/// Limit on the messages in one request.
const BATCH: usize = 10;
/// Size limit of a request, in bytes. SQS accepts 1 MiB, but bills in steps of 64 KB, so larger requests save nothing.
const BATCH_BYTES: usize = 256 * 1024;
/// Attempts to send the entries that SQS rejected, before the caller gets an error.
const ATTEMPTS: usize = 3;

/// Delay of wakes in seconds, after which an index shows a write. It is the smallest delay in SQS.
const INDEX_SETTLES: i32 = 1;

/// SQS queue.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

/// Message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    body: String,
    group: Option<String>,
    delay: Option<i32>,
}

impl Outgoing {
    /// Creates a message with `command` as JSON. Messages of one `group` do not delay those of another (SQS fair
    /// queues).
    pub fn new(command: &impl Serialize, group: Option<&str>) -> Result<Self, SendError> {
        Ok(Self {
            body: serde_json::to_string(command).map_err(SendError::Unwritable)?,
            group: group.filter(|name| !name.is_empty()).map(group_id),
            delay: None,
        })
    }

    /// Delays the delivery of the message by `seconds`, at most 900.
    #[must_use]
    pub fn delayed(self, seconds: i32) -> Self {
        Self { delay: Some(seconds), ..self }
    }

    /// Creates a message that wakes a pool from the front of its waiting list, with a short delay.
    ///
    /// The waiting list is read from a global secondary index. DynamoDB updates it "within a fraction of a second,
    /// under normal conditions" (developer guide, global secondary indexes). An earlier wake could miss the best lead.
    pub fn wake_pool(pool: PoolId, group: &str) -> Result<Self, SendError> {
        Ok(Self::new(&RouteCommand::wake_pool(pool), Some(group))?.delayed(INDEX_SETTLES))
    }

    /// Creates a message that wakes every pool that `rep` is in.
    ///
    /// # Errors
    ///
    /// Returns an error if the command cannot be written as JSON.
    pub fn wake_rep(rep: RepId, group: &str) -> Result<Self, SendError> {
        Self::new(&RouteCommand::wake_rep(rep), Some(group))
    }

    /// Creates a message from the body of a received one, to send it again unchanged.
    pub fn raw(body: String) -> Self {
        Self { body, group: None, delay: None }
    }
}

/// Returns a valid message group id: at most 128 characters; letters, digits and punctuation only.
fn group_id(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(128).collect()
}

/// Message that was received by the function itself, not by its event source.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its body.
    pub body: String,
    /// The receipt handle, to delete it.
    pub receipt: String,
}

/// Reason why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The command cannot be written as JSON.
    #[error("the command cannot be written: {0}")]
    Unwritable(#[source] serde_json::Error),
    /// A required part of the message is missing.
    #[error("the message is incomplete: {0}")]
    Incomplete(#[from] aws_sdk_sqs::error::BuildError),
    /// SQS rejected the request or could not be reached.
    #[error("the message was not sent")]
    One(#[source] Box<SdkError<SendMessageError>>),
    /// SQS rejected the request or could not be reached.
    #[error("the messages were not sent")]
    Batch(#[source] Box<SdkError<SendMessageBatchError>>),
    /// SQS rejected some of the messages.
    #[error("{count} messages were rejected; the error of the first is {code}")]
    Refused {
        /// Their number.
        count: usize,
        /// The error code of the first.
        code: String,
    },
}

/// Reason why a queue could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Receiving failed.
    #[error("messages could not be received")]
    Receive(#[source] Box<SdkError<ReceiveMessageError>>),
    /// Deleting failed.
    #[error("the message was not deleted")]
    Delete(#[source] Box<SdkError<DeleteMessageError>>),
    /// Counting failed.
    #[error("the messages in the queue could not be counted")]
    Count(#[source] Box<SdkError<GetQueueAttributesError>>),
}

impl Queue {
    /// Creates a client for the queue at `url`.
    pub fn new(config: &SdkConfig, url: &str) -> Self {
        Self { client: Client::new(config), url: url.to_owned() }
    }

    /// Sends one message.
    pub async fn send(&self, message: Outgoing) -> Result<(), SendError> {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(message.body)
            .set_message_group_id(message.group)
            .set_delay_seconds(message.delay)
            .send()
            .await
            .map_err(|cause| SendError::One(Box::new(cause)))?;
        Ok(())
    }

    /// Sends `messages` in requests of up to ten. On an error, some may have been sent. Sending all of them again is
    /// safe, because commands are idempotent.
    pub async fn send_all(&self, messages: Vec<Outgoing>) -> Result<(), SendError> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut bytes = 0;
        for message in messages {
            if batch.len() == BATCH || bytes + message.body.len() > BATCH_BYTES {
                self.send_batch(std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += message.body.len();
            batch.push(message);
        }
        self.send_batch(batch).await
    }

    async fn send_batch(&self, mut messages: Vec<Outgoing>) -> Result<(), SendError> {
        let mut refused = (0, String::new());
        for _ in 0..ATTEMPTS {
            match messages.len() {
                0 => return Ok(()),
                1 => {
                    let Some(only) = messages.pop() else { return Ok(()) };
                    return self.send(only).await;
                }
                _ => {}
            }
            let entries = messages
                .iter()
                .enumerate()
                .map(|(i, message)| {
                    SendMessageBatchRequestEntry::builder()
                        .id(i.to_string())
                        .message_body(&message.body)
                        .set_message_group_id(message.group.clone())
                        .set_delay_seconds(message.delay)
                        .build()
                })
                .collect::<Result<Vec<_>, _>>()?;
            let answer = self
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(|cause| SendError::Batch(Box::new(cause)))?;
            let failed: BTreeMap<&str, &str> = answer.failed().iter().map(|entry| (entry.id(), entry.code())).collect();
            refused = (failed.len(), failed.values().next().map(|code| (*code).to_owned()).unwrap_or_default());
            let mut index = 0_usize;
            messages.retain(|_| {
                let again = failed.contains_key(index.to_string().as_str());
                index += 1;
                again
            });
        }
        let (count, code) = refused;
        if messages.is_empty() { Ok(()) } else { Err(SendError::Refused { count, code }) }
    }

    /// Receives up to ten messages. It uses long polling for a second, which queries all servers and so misses no
    /// message.
    pub async fn receive(&self) -> Result<Vec<Received>, ReceiveError> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(1)
            .send()
            .await
            .map_err(|cause| ReceiveError::Receive(Box::new(cause)))?;
        Ok(answer
            .messages
            .unwrap_or_default()
            .into_iter()
            .filter_map(|message| Some(Received { body: message.body?, receipt: message.receipt_handle? }))
            .collect())
    }

    /// Deletes a received message.
    pub async fn delete(&self, receipt: &str) -> Result<(), ReceiveError> {
        self.client
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .send()
            .await
            .map_err(|cause| ReceiveError::Delete(Box::new(cause)))?;
        Ok(())
    }

    /// Returns the approximate number of messages, including those in flight.
    pub async fn count(&self) -> Result<u64, ReceiveError> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .set_attribute_names(Some(names.to_vec()))
            .send()
            .await
            .map_err(|cause| ReceiveError::Count(Box::new(cause)))?;
        let attributes = answer.attributes.unwrap_or_default();
        Ok(names.iter().filter_map(|name| attributes.get(name)?.parse::<u64>().ok()).sum())
    }
}
