//! An SQS queue as a function sees it.

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

/// Most messages in one request.
const BATCH: usize = 10;
/// Largest request in bytes. SQS takes 1 MiB; a request is billed by 64 KB, so nothing is gained by coming close.
const BATCH_BYTES: usize = 256 * 1024;
/// How often entries that SQS did not take are sent again before the caller has to deal with them.
const ATTEMPTS: usize = 3;

/// Seconds after which an index shows a write; the least delay that SQS has.
const INDEX_SETTLES: i32 = 1;

/// A queue that commands are sent to.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    body: String,
    group: Option<String>,
    delay: Option<i32>,
}

impl Outgoing {
    /// `command` as JSON. Messages of one `group` do not delay those of another (SQS fair queues).
    pub fn new(command: &impl Serialize, group: Option<&str>) -> Result<Self, SendError> {
        Ok(Self {
            body: serde_json::to_string(command).map_err(SendError::Unwritable)?,
            group: group.filter(|name| !name.is_empty()).map(group_id),
            delay: None,
        })
    }

    /// The message, received no sooner than `seconds` after it is sent, at most 900.
    #[must_use]
    pub fn delayed(self, seconds: i32) -> Self {
        Self { delay: Some(seconds), ..self }
    }

    /// Wakes a pool from the front of its line, a moment after it is sent.
    ///
    /// The line is read from a global secondary index, which DynamoDB brings up to date "within a fraction of a
    /// second, under normal conditions" (its developer guide, on global secondary indexes). A wake that came before
    /// that would give the seat to a lead behind the best one.
    pub fn wake_pool(pool: PoolId, group: &str) -> Result<Self, SendError> {
        Ok(Self::new(&RouteCommand::wake_pool(pool), Some(group))?.delayed(INDEX_SETTLES))
    }

    /// Wakes every pool that `rep` is in.
    ///
    /// # Errors
    ///
    /// Returns an error if the command cannot be written as JSON.
    pub fn wake_rep(rep: RepId, group: &str) -> Result<Self, SendError> {
        Self::new(&RouteCommand::wake_rep(rep), Some(group))
    }

    /// A message as it was received, to be sent again.
    pub fn raw(body: String) -> Self {
        Self { body, group: None, delay: None }
    }
}

/// A message group id: at most 128 characters, letters, digits and punctuation only.
fn group_id(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(128).collect()
}

/// A message that was received by hand, not by an event source.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its body.
    pub body: String,
    /// What deletes it.
    pub receipt: String,
}

/// A message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The command cannot be written as JSON.
    #[error("the command cannot be written: {0}")]
    Unwritable(#[source] serde_json::Error),
    /// The message could not be built from its parts.
    #[error("the message is incomplete: {0}")]
    Incomplete(#[from] aws_sdk_sqs::error::BuildError),
    /// SQS refused the request or could not be reached.
    #[error("the message was not sent")]
    One(#[source] Box<SdkError<SendMessageError>>),
    /// SQS refused the request or could not be reached.
    #[error("the messages were not sent")]
    Batch(#[source] Box<SdkError<SendMessageBatchError>>),
    /// SQS did not take some of the messages.
    #[error("{count} messages were not taken, the first because of {code}")]
    Refused {
        /// How many.
        count: usize,
        /// SQS's code for the first.
        code: String,
    },
}

/// A queue could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Receiving failed.
    #[error("no messages could be received")]
    Receive(#[source] Box<SdkError<ReceiveMessageError>>),
    /// Deleting failed.
    #[error("the message was not deleted")]
    Delete(#[source] Box<SdkError<DeleteMessageError>>),
    /// Counting failed.
    #[error("the queue's messages could not be counted")]
    Count(#[source] Box<SdkError<GetQueueAttributesError>>),
}

impl Queue {
    /// The queue at `url`.
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

    /// Sends all of `messages`, in requests of up to ten. On an error some may have been sent; sending all of them
    /// again is safe, because commands can be repeated.
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

    /// Receives up to ten messages. It asks all of the queue's servers and waits up to a second, so that no message is
    /// missed that is there.
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

    /// Deletes a message that was received.
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

    /// About how many messages there are, those being worked on included.
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
