//! What can break between us and DynamoDB.

use aws_sdk_dynamodb::error::BuildError;

/// Something broke; the call may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB refused the request or could not be reached.
    #[error("{what} failed: {source}")]
    Service {
        /// What was tried, and on which table.
        what: String,
        /// What DynamoDB said.
        source: Box<aws_sdk_dynamodb::Error>,
    },
    /// A request could not be built.
    #[error("a request is incomplete: {0}")]
    Incomplete(#[from] BuildError),
    /// A stream cannot be read.
    #[cfg(feature = "stream")]
    #[error("reading the stream failed: {0}")]
    Stream(#[source] Box<aws_sdk_dynamodbstreams::Error>),
    /// An item lacks an attribute, or it has the wrong type.
    #[error("an item of `{table}` has no usable `{attribute}`")]
    Attribute {
        /// The table.
        table: String,
        /// The attribute.
        attribute: &'static str,
    },
    /// An item is for readers of a later version: this one would misread it.
    #[error("an item of `{table}` is for readers of version {schema}, this one is of version {readable}")]
    Newer {
        /// The table.
        table: String,
        /// The least version of readers that can read it.
        schema: u32,
        /// The version of this reader.
        readable: u32,
    },
    /// An item's body is not what it should be.
    #[error("an item's body cannot be read or written: {0}")]
    Body(#[from] serde_json::Error),
    /// DynamoDB left keys unread after several tries.
    #[error("{0} items were not read after several tries")]
    Unread(usize),
    /// Compressed content cannot be read or written.
    #[error("compressed content is damaged: {0}")]
    Compression(#[from] std::io::Error),
    /// A cursor that no page ended with.
    #[error("`{0}` is not a valid cursor")]
    Cursor(String),
    /// DynamoDB refused a transaction as a whole: one item is too large, or all together are.
    #[error("a transaction was refused: {0}")]
    Refused(String),
    /// Every try until the call's deadline lost its race.
    #[error(transparent)]
    OutOfTime(#[from] crate::OutOfTime),
    /// Others wrote the same item again and again.
    #[error("{0} was written by others each time it was tried")]
    Contended(&'static str),
    /// Stored content is not what its record says.
    #[error("{0}")]
    Damaged(String),
}

impl StoreError {
    pub(crate) fn service<E: Into<aws_sdk_dynamodb::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        |source| Self::Service { what, source: Box::new(source.into()) }
    }
}
