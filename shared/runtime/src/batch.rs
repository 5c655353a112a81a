//! Batches of queue messages: each is handled for itself, and only those that failed are delivered again.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::iter::successors;

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
///
/// What `serde_json` finds wrong may quote what it read, and with it a person's data; only its kind and place are said.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoting = successors(Some(self.0), |&cause| cause.source())
            .find_map(|cause| cause.downcast_ref::<serde_json::Error>());
        let words = |cause: &dyn Error| match quoting {
            Some(quoting) => cause.to_string().replace(&quoting.to_string(), &without_quotes(quoting)),
            None => cause.to_string(),
        };
        let mut said = words(self.0);
        f.write_str(&said)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let words = words(cause);
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

fn without_quotes(cause: &serde_json::Error) -> String {
    format!("{:?} error at line {} column {}", cause.classify(), cause.line(), cause.column())
}

/// The reply that has these messages delivered again and the rest of their batch deleted.
pub fn retry(message_ids: impl IntoIterator<Item = String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for id in message_ids {
        response.add_failure(id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("a body cannot be read: {0}")]
    struct Unreadable(#[from] serde_json::Error);

    #[test]
    fn the_log_says_where_json_is_wrong_and_does_not_quote_it() {
        let cause = serde_json::from_str::<u32>(r#""ada@acme.example""#).unwrap_err();
        assert!(cause.to_string().contains("ada@acme.example"));
        let said = Chain(&Unreadable::from(cause)).to_string();
        assert_eq!(said, "a body cannot be read: Data error at line 1 column 18");
    }
}
