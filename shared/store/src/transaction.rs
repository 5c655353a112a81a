//! Transactions whose operations have names, so that a cancellation says which one failed.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};

use crate::StoreError;

/// Writes that happen together or not at all. `L` names each of them.
#[derive(Debug)]
pub struct Transaction<L> {
    client: Client,
    actions: Vec<TransactWriteItem>,
    labels: Vec<L>,
}

/// What became of a transaction.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Committed<L> {
    /// Everything was written.
    Done,
    /// Nothing was written, because the conditions of these did not hold. Read again and decide again.
    Stale(Vec<L>),
    /// Nothing was written, because others were writing to the same items. The same may be tried again.
    Busy,
}

/// What became of a transaction whose caller can do with less.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Tried<L> {
    /// DynamoDB dealt with it.
    Committed(Committed<L>),
    /// Nothing was written, because the request as a whole was refused: one item is too large, or all together are.
    Refused(String),
}

impl<L> Committed<L> {
    /// Whether everything was written.
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

    /// Writes everything, or nothing. That the whole is refused is an error: it would be again.
    pub async fn commit(self) -> Result<Committed<L>, StoreError> {
        match self.try_commit().await? {
            Tried::Committed(committed) => Ok(committed),
            Tried::Refused(reason) => Err(StoreError::Refused(reason)),
        }
    }

    /// Writes everything, or nothing; for those who can take what is refused as a whole apart.
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
