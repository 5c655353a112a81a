//! Errors of SQS, with their names in the JSON protocol and in the older query protocol.

use super::store::Hidden;
use crate::aws_error::AwsError;

pub(super) fn no_such_queue() -> AwsError {
    AwsError::client("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.")
        .query_code("AWS.SimpleQueueService.NonExistentQueue;Sender")
}

pub(super) fn invalid_parameter(message: impl Into<String>) -> AwsError {
    AwsError::client("com.amazonaws.sqs#InvalidParameterValue", message).query_code("InvalidParameterValue;Sender")
}

pub(super) fn missing(parameter: &str) -> AwsError {
    AwsError::client(
        "com.amazonaws.sqs#MissingParameter",
        format!("The request must contain the parameter {parameter}."),
    )
    .query_code("MissingParameter;Sender")
}

pub(super) fn unsupported(message: impl Into<String>) -> AwsError {
    AwsError::client("com.amazonaws.sqs#UnsupportedOperation", message)
        .query_code("AWS.SimpleQueueService.UnsupportedOperation;Sender")
}

pub(super) fn bad_receipt(handle: &str) -> AwsError {
    AwsError::client(
        "com.amazonaws.sqs#ReceiptHandleIsInvalid",
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
    .query_code("ReceiptHandleIsInvalid;Sender")
}

pub(super) fn batch_error(name: &str, message: impl Into<String>) -> AwsError {
    AwsError::client(format!("com.amazonaws.sqs#{name}"), message)
        .query_code(format!("AWS.SimpleQueueService.{name};Sender"))
}

pub(super) fn visibility_error(outcome: Hidden, handle: &str) -> Result<(), AwsError> {
    match outcome {
        Hidden::Changed => Ok(()),
        Hidden::NotInFlight => Err(AwsError::client(
            "com.amazonaws.sqs#MessageNotInflight",
            format!("The message that the receipt handle {handle} belongs to is not in flight."),
        )
        .query_code("AWS.SimpleQueueService.MessageNotInflight;Sender")),
        Hidden::Gone => Err(invalid_parameter(format!(
            "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available \
             for visibility timeout change."
        ))),
    }
}
