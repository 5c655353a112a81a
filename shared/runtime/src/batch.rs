//! Batches of queue messages: each message is handled on its own, and only failed ones are delivered again.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::iter::successors;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use fairleader_lead::id::LeadId;
use futures::{StreamExt, stream};
use tracing::field::Empty;
use tracing::{Instrument, Span, error, info_span};

use crate::FunctionError;

/// Opens the span of one message. Log lines in it name the message, and also its lead and trace after a call of
/// [`about`].
pub fn message_span(message_id: &str) -> Span {
    info_span!("message", message.id = message_id, lead.id = Empty, trace.id = Empty)
}

/// Records the lead and trace of a message in its span. The trace follows the lead from function to function.
pub fn about(span: &Span, lead: &LeadId, trace: &str) {
    span.record("lead.id", lead.as_str());
    span.record("trace.id", trace);
}

/// Handles every message of a batch in its own [span](message_span), at most `at_once` at a time, and reports those
/// that failed.
pub async fn each<F, O>(event: SqsEvent, at_once: usize, handle: F) -> SqsBatchResponse
where
    F: Fn(SqsMessage) -> O,
    O: Future<Output = Result<(), FunctionError>>,
{
    let outcomes: Vec<_> = stream::iter(event.records)
        .map(|message| {
            let id = message.message_id.clone().unwrap_or_default();
            let span = message_span(&id);
            let handled = span.in_scope(|| handle(message));
            async move { handled.await.err().map(|cause| failed(id, &cause)) }.instrument(span)
        })
        .buffer_unordered(at_once)
        .collect()
        .await;
    retry(outcomes.into_iter().flatten())
}

/// Logs that a message failed, and returns its id.
pub fn failed(message_id: String, cause: &FunctionError) -> String {
    error!(message.id = %message_id, cause = %Chain(cause.as_ref()), "message failed");
    message_id
}

/// Error with all its causes, for the log: `the message was not sent: service error: …`.
///
/// Errors of `serde_json` can quote personal data from the input, so only their kind and position are shown.
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
            // Some errors already include their cause.
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

/// Makes the reply that has these messages delivered again and the others deleted.
pub fn retry(message_ids: impl IntoIterator<Item = String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for id in message_ids {
        response.add_failure(id);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn log_lines_name_message_lead_and_trace() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().json().with_current_span(false).with_writer(move || writer.clone()).finish();
        let message = |id: &str| {
            let mut message = SqsMessage::default();
            message.message_id = Some(id.to_owned());
            message
        };
        let mut batch = SqsEvent::default();
        batch.records = vec![message("m-1"), message("m-2")];
        let guard = tracing::subscriber::set_default(subscriber);
        let answer = each(batch, 2, |message| async move {
            let number = message.message_id.unwrap_or_default().replace("m-", "");
            about(&Span::current(), &LeadId::new(format!("l-{number}")), &format!("t-{number}"));
            tokio::task::yield_now().await;
            if number == "2" { Err("it broke".into()) } else { Ok(()) }
        })
        .await;
        message_span("m-3").in_scope(|| tracing::info!("unread"));
        drop(guard);
        assert_eq!(answer.batch_item_failures.len(), 1);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let spans: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["spans"].take()).collect();
        let expected = serde_json::json!([
            [{"name": "message", "message.id": "m-2", "lead.id": "l-2", "trace.id": "t-2"}],
            [{"name": "message", "message.id": "m-3"}],
        ]);
        assert_eq!(serde_json::Value::from(spans), expected, "{text}");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("a body cannot be read: {0}")]
    struct Unreadable(#[from] serde_json::Error);

    #[test]
    fn does_not_quote_invalid_json() {
        let cause = serde_json::from_str::<u32>(r#""ada@acme.example""#).unwrap_err();
        assert!(cause.to_string().contains("ada@acme.example"));
        let said = Chain(&Unreadable::from(cause)).to_string();
        assert_eq!(said, "a body cannot be read: Data error at line 1 column 18");
    }
}
