//! A table and its client: the calls that every module needs.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use aws_types::SdkConfig;

use crate::StoreError;
use crate::item::Item;

/// Limit on the keys in one `BatchGetItem`.
const BATCH: usize = 100;
/// Attempts to read keys that DynamoDB left unprocessed.
const ATTEMPTS: usize = 5;

/// DynamoDB table.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// Result of a conditional write.
#[derive(Debug)]
pub(crate) enum Write {
    /// The item was written.
    Done,
    /// The condition failed. Contains the current item, if there is one.
    Refused(Option<Item>),
}

/// Consistency of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Eventually consistent, at half the price. Enough for a first read, because a plan is only committed if its
    /// conditions still hold.
    Glance,
    /// Strongly consistent, for every later read: after a conflict, or to confirm that nothing can be committed.
    Now,
}

impl Table {
    /// Creates a client for the table `name`.
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        Self { client: Client::new(config), name: name.to_owned() }
    }

    pub(crate) fn what(&self, verb: &str) -> String {
        format!("{verb} `{}`", self.name)
    }

    /// Reads one item, strongly consistent.
    pub(crate) async fn get(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::service(self.what("reading from")))?;
        Ok(answer.item)
    }

    /// Reads many items, strongly consistent, in any order. Missing items are left out. Keys must differ.
    pub(crate) async fn get_many(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        self.get_batches(keys, true).await
    }

    /// Reads many items like [`Self::get_many`], with the consistency `how`.
    #[cfg(feature = "decisions")]
    pub(crate) async fn look_at(&self, keys: Vec<Item>, how: Look) -> Result<Vec<Item>, StoreError> {
        self.get_batches(keys, how == Look::Now).await
    }

    async fn get_batches(&self, keys: Vec<Item>, consistent: bool) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        let mut keys = keys.into_iter().peekable();
        while keys.peek().is_some() {
            let mut left: Vec<Item> = keys.by_ref().take(BATCH).collect();
            for attempt in 0..ATTEMPTS {
                if attempt > 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(20 << attempt)).await;
                }
                let request = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(consistent).build()?;
                let mut answer = self
                    .client
                    .batch_get_item()
                    .request_items(&self.name, request)
                    .send()
                    .await
                    .map_err(StoreError::service(self.what("reading from")))?;
                if let Some(items) = answer.responses.as_mut().and_then(|tables| tables.remove(&self.name)) {
                    found.extend(items);
                }
                left = answer
                    .unprocessed_keys
                    .and_then(|mut tables| tables.remove(&self.name))
                    .map(|request| request.keys)
                    .unwrap_or_default();
                if left.is_empty() {
                    break;
                }
            }
            if !left.is_empty() {
                return Err(StoreError::Unread(left.len()));
            }
        }
        Ok(found)
    }

    /// Writes an item unconditionally.
    pub(crate) async fn put(&self, item: Item) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .send()
            .await
            .map_err(StoreError::service(self.what("writing to")))?;
        Ok(())
    }

    /// Writes an item if `condition` holds for the current one.
    pub(crate) async fn put_if(
        &self,
        item: Item,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<Write, StoreError> {
        let values: HashMap<String, AttributeValue> =
            values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let answer = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Write::Done),
            Err(SdkError::ServiceError(refused)) if refused.err().is_conditional_check_failed_exception() => {
                match refused.into_err() {
                    PutItemError::ConditionalCheckFailedException(failure) => Ok(Write::Refused(failure.item)),
                    other => Err(StoreError::service(self.what("writing to"))(aws_sdk_dynamodb::Error::from(other))),
                }
            }
            Err(cause) => Err(StoreError::service(self.what("writing to"))(cause)),
        }
    }

    /// Deletes an item, if it exists.
    pub(crate) async fn delete(&self, key: Item) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .send()
            .await
            .map_err(StoreError::service(self.what("deleting from")))?;
        Ok(())
    }

    /// Reads every page of a query.
    pub(crate) async fn query_all(&self, query: QueryFluentBuilder) -> Result<Vec<Item>, StoreError> {
        let mut pages = query.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(item.map_err(StoreError::service(self.what("querying")))?);
        }
        Ok(found)
    }

    /// Reads the whole table. For small tables only.
    pub(crate) async fn scan_all(&self) -> Result<Vec<Item>, StoreError> {
        let mut pages = self.client.scan().table_name(&self.name).consistent_read(true).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(item.map_err(StoreError::service(self.what("scanning")))?);
        }
        Ok(found)
    }
}
