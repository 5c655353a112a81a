//! Errors as AWS services answer them.

/// Error reply of an AWS service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// HTTP status.
    pub status: u16,
    /// The error's shape, as in `__type` (`com.amazonaws.sqs#QueueDoesNotExist`).
    pub code: String,
    /// The message.
    pub message: String,
    /// For SQS: the error's name in the older query protocol, sent as `x-amzn-query-error` (`…;Sender`).
    pub query_code: Option<String>,
}

impl AwsError {
    /// Builds an error that the caller caused (status 400).
    pub fn client(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into(), query_code: None }
    }

    /// Builds an error of the service (status 500).
    pub fn server(message: impl Into<String>) -> Self {
        Self { status: 500, code: "InternalFailure".to_owned(), message: message.into(), query_code: None }
    }

    /// Adds the error's name in the query protocol.
    #[must_use]
    pub fn query_code(mut self, code: impl Into<String>) -> Self {
        self.query_code = Some(code.into());
        self
    }
}
