//! Batches of queue messages: each is handled for itself, and only those that failed are delivered again.

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
    error!(message.id = %message_id, cause = %cause, "message failed");
    message_id
}

/// The reply that has these messages delivered again and the rest of their batch deleted.
pub fn retry(message_ids: impl IntoIterator<Item = String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for id in message_ids {
        response.add_failure(id);
    }
    response
}
