//! Transactions with labelled operations, so that a cancellation names those that failed.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};

use crate::StoreError;

/// Writes that succeed or fail together. `L` is the label of each.
#[derive(Debug)]
pub struct Transaction<L> {
    client: Client,
    actions: Vec<TransactWriteItem>,
    labels: Vec<L>,
}

/// Result of a transaction.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Committed<L> {
    /// Everything was written.
    Done,
    /// Conflict: nothing was written, because the conditions of these failed. Read and decide again.
    Stale(Vec<L>),
    /// Conflict: nothing was written, because another write to the same items was in progress. The transaction can be
    /// retried.
    Busy,
}

/// Result of a transaction that can be split.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Tried<L> {
    /// DynamoDB processed it.
    Committed(Committed<L>),
    /// Nothing was written, because DynamoDB rejected the request: an item or the transaction is too large.
    Refused(String),
}

impl<L> Committed<L> {
    /// Returns whether everything was written.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl<L: Clone> Transaction<L> {
    pub(crate) fn new(client: &Client) -> Self {
        Self { client: client.clone(), actions: Vec::new(), labels: Vec::new() }
    }

    pub(crate) fn put(&mut self, label: L, put: Put) {
        self.actions.push(TransactWriteItem::builder().put(put).build());
        self.labels.push(label);
    }

    pub(crate) fn update(&mut self, label: L, update: Update) {
        self.actions.push(TransactWriteItem::builder().update(update).build());
        self.labels.push(label);
    }

    pub(crate) fn delete(&mut self, label: L, delete: Delete) {
        self.actions.push(TransactWriteItem::builder().delete(delete).build());
        self.labels.push(label);
    }

    pub(crate) fn check(&mut self, label: L, check: ConditionCheck) {
        self.actions.push(TransactWriteItem::builder().condition_check(check).build());
        self.labels.push(label);
    }

    /// Writes everything or nothing. A rejected request is an error, because a retry would be rejected too.
    pub async fn commit(self) -> Result<Committed<L>, StoreError> {
        match self.try_commit().await? {
            Tried::Committed(committed) => Ok(committed),
            Tried::Refused(reason) => Err(StoreError::Refused(reason)),
        }
    }

    /// Writes everything or nothing. A rejected request is a value, for callers that can split the transaction.
    pub async fn try_commit(self) -> Result<Tried<L>, StoreError> {
        if self.actions.is_empty() {
            return Ok(Tried::Committed(Committed::Done));
        }
        let answer = self.client.transact_write_items().set_transact_items(Some(self.actions)).send().await;
        let Err(cause) = answer else { return Ok(Tried::Committed(Committed::Done)) };
        if let SdkError::ServiceError(service) = &cause {
            match service.err() {
                TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                    let codes: Vec<&str> =
                        cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
                    let stale: Vec<L> = self
                        .labels
                        .iter()
                        .zip(&codes)
                        .filter(|(_, code)| **code == "ConditionalCheckFailed")
                        .map(|(label, _)| label.clone())
                        .collect();
                    if !stale.is_empty() {
                        return Ok(Tried::Committed(Committed::Stale(stale)));
                    }
                    if codes.iter().any(|code| {
                        matches!(*code, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded")
                    }) {
                        return Ok(Tried::Committed(Committed::Busy));
                    }
                    return Ok(Tried::Refused(codes.join(", ")));
                }
                TransactWriteItemsError::TransactionInProgressException(_) => {
                    return Ok(Tried::Committed(Committed::Busy));
                }
                other if other.code() == Some("ValidationException") => {
                    return Ok(Tried::Refused(other.message().unwrap_or("no reason given").to_owned()));
                }
                _ => {}
            }
        }
        Err(StoreError::service("a transaction")(cause))
    }
}
