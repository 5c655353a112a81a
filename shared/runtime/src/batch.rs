//! Batches of queue messages: each is handled for itself, and only those that failed are delivered again.

use std::error::Error;
use std::fmt;
use std::future::Future;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{StreamExt, stream};
use tracing::error;

use crate::FunctionError;

/// Handles every message of a batch with at most `at_once` in progress, and reports those that failed.
pub async fn each<F, O>(event: SqsEvent, at_once: usize, handle: F) -> SqsBatchResponse
where
    F: Fn(SqsMessage) -> O,
    O: Future<Output = Result<(), FunctionError>>,
{
    let outcomes: Vec<_> = stream::iter(event.records)
        .map(|message| {
            let id = message.message_id.clone().unwrap_or_default();
            let handled = handle(message);
            async move { handled.await.err().map(|cause| failed(id, &cause)) }
        })
        .buffer_unordered(at_once)
        .collect()
        .await;
    retry(outcomes.into_iter().flatten())
}

/// Logs that one message failed, and gives back its id.
pub fn failed(message_id: String, cause: &FunctionError) -> String {
    error!(message.id = %message_id, cause = %Chain(cause.as_ref()), "message failed");
    message_id
}

/// An error with everything that led to it, for the log: `the message was not sent: service error: …`.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut said = self.0.to_string();
        let mut next = self.0.source();
        while let Some(cause) = next {
            let words = cause.to_string();
            // Some errors say their cause themselves.
            if !said.contains(&words) {
                write!(f, ": {words}")?;
                said = words;
            }
            next = cause.source();
        }
        Ok(())
    }
}

/// The reply that has these messages delivered again and the rest of their batch deleted.
pub fn retry(message_ids: impl IntoIterator<Item = String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for id in message_ids {
        response.add_failure(id);
    }
    response
}
