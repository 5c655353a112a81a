//! Errors of the store.

use aws_sdk_dynamodb::error::BuildError;

/// Error of the store. A conflict is not an error, but a value.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB rejected the request or could not be reached.
    #[error("{what} failed: {source}")]
    Service {
        /// The operation and table.
        what: String,
        /// The error of DynamoDB.
        source: Box<aws_sdk_dynamodb::Error>,
    },
    /// A request could not be built.
    #[error("a request is incomplete: {0}")]
    Incomplete(#[from] BuildError),
    /// A stream cannot be read.
    #[cfg(feature = "stream")]
    #[error("reading the stream failed: {0}")]
    Stream(#[source] Box<aws_sdk_dynamodbstreams::Error>),
    /// An attribute of an item is missing or has the wrong type.
    #[error("in an item of `{table}`, `{attribute}` is missing or has the wrong type")]
    Attribute {
        /// The table.
        table: String,
        /// The attribute.
        attribute: &'static str,
    },
    /// An item needs a newer version of this program. This version would misread it.
    #[error("an item of `{table}` has schema {schema}; this version reads schemas up to {readable}")]
    Newer {
        /// The table.
        table: String,
        /// The schema that a reader needs.
        schema: u32,
        /// The schema that this version reads.
        readable: u32,
    },
    /// The body of an item does not have the expected format.
    #[error("the body of an item cannot be read or written: {0}")]
    Body(#[from] serde_json::Error),
    /// DynamoDB returned no result for some keys, even after retries.
    #[error("{0} items were still unread after several attempts")]
    Unread(usize),
    /// Compressed content cannot be read or written.
    #[error("compressed content is damaged: {0}")]
    Compression(#[from] std::io::Error),
    /// The cursor does not come from an earlier page.
    #[error("`{0}` is not a valid cursor")]
    Cursor(String),
    /// DynamoDB rejected a whole transaction, because an item or the transaction is too large.
    #[error("a transaction was rejected: {0}")]
    Refused(String),
    /// Every attempt until the deadline of the call ended in a conflict.
    #[error(transparent)]
    OutOfTime(#[from] crate::OutOfTime),
    /// Stored content does not match its record.
    #[error("{0}")]
    Damaged(String),
}

impl StoreError {
    pub(crate) fn service<E: Into<aws_sdk_dynamodb::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        |source| Self::Service { what, source: Box::new(source.into()) }
    }
}
