//! Asynchronous function calls by rules: from the bus's own queue, with two retries, then the dead-letter queue.
//!
//! On AWS the retries come after one and two minutes. Here they come after one and two seconds, so that demos and tests
//! see them.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::failure_attributes;
use crate::aws_error::AwsError;
use crate::lambda::{Failure, Lambda};
use crate::sqs::{BUS_QUEUE, Message, Outgoing, Queues};

/// Limit on concurrent calls.
const AT_ONCE: usize = 10;
/// Limit on calls per event, including the first one.
const MOST_CALLS: i64 = 3;
/// Wait before the first retry of an event.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// How long a call hides its event: longer than any function runs.
const HIDDEN: Duration = Duration::from_mins(16);

/// A pending call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) function: String,
    pub(super) payload: String,
    pub(super) rule_arn: String,
    pub(super) target_arn: String,
    pub(super) dead_letter_queue: Option<String>,
    /// The original event, for the dead-letter queue.
    pub(super) event: String,
}

impl Call {
    pub(super) fn to_body(&self) -> String {
        // A structure of strings can always be written as JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Makes the calls until the queues are closed.
pub(super) async fn run(queues: Queues, lambda: Lambda) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let permit = Arc::new(permit);
        let Ok(messages) = queues.receive(BUS_QUEUE, 1, Duration::from_secs(20), HIDDEN).await else { return };
        for message in messages {
            let (queues, lambda) = (queues.clone(), lambda.clone());
            let permit = Arc::clone(&permit);
            tokio::spawn(async move {
                let _working = permit;
                if let Err(cause) = make(&queues, &lambda, &message).await {
                    tracing::error!(cause = %cause, "event call cannot be settled; it is repeated");
                }
            });
        }
    }
}

async fn make(queues: &Queues, lambda: &Lambda, message: &Message) -> Result<(), AwsError> {
    let call: Call = serde_json::from_str(&message.body)
        .map_err(|cause| AwsError::server(format!("a call cannot be read: {cause}")))?;
    match lambda.invoke(&call.function, call.payload.clone().into_bytes()).await {
        Ok(_) => {}
        // Lambda tries for six hours. So many tries, one per second, mean that something is wrong.
        Err(Failure::Throttled) if message.receive_count < 100 => {
            return queues.change_visibility(BUS_QUEUE, &message.receipt_handle, FIRST_RETRY).await;
        }
        Err(cause) if message.receive_count < MOST_CALLS && cause.was_called() => {
            let tries = u32::try_from(message.receive_count).unwrap_or(1);
            return queues.change_visibility(BUS_QUEUE, &message.receipt_handle, FIRST_RETRY * tries).await;
        }
        Err(cause) => {
            let retries = message.receive_count - 1;
            if let Some(queue) = call.dead_letter_queue {
                let cause = cause.to_string();
                let attributes =
                    failure_attributes(&call.rule_arn, &call.target_arn, "SDK_CLIENT_ERROR", &cause, retries);
                queues.send_all(vec![Outgoing { queue, body: call.event, attributes }]).await?;
            } else {
                tracing::error!(rule = %call.rule_arn, target = %call.target_arn, "event dropped after its retries");
            }
        }
    }
    queues.delete(BUS_QUEUE, std::slice::from_ref(&message.receipt_handle)).await
}
