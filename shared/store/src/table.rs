//! A table and its client: the calls that every module needs.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use aws_types::SdkConfig;

use crate::StoreError;
use crate::item::{Item, PART};

/// Limit on the keys in one `BatchGetItem`.
const BATCH: usize = 100;
/// Limit on the items of a page, where every page is read. It keeps pages short on one machine, where all tables share
/// one engine.
pub(crate) const PAGE: i32 = 250;
/// Attempts to read keys that DynamoDB left unprocessed.
const ATTEMPTS: usize = 5;
/// Length limit of a partition key, in bytes.
const LONGEST_KEY: usize = 2_048;
/// Length limit of a sort key, in bytes.
const LONGEST_PART: usize = 1_024;

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

    /// Reads one item, strongly consistent. No item has a key that DynamoDB refuses.
    pub(crate) async fn get(&self, key: Item) -> Result<Option<Item>, StoreError> {
        if !is_storable(&key) {
            return Ok(None);
        }
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
    ///
    /// DynamoDB refuses a batch as a whole if one of its keys is empty or too long. Such a batch is bisected, so that
    /// all other keys are read; no item can have the refused one.
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
        let mut batches: Vec<Vec<Item>> = keys.chunks(BATCH).map(<[Item]>::to_vec).collect();
        while let Some(batch) = batches.pop() {
            if let Some(refused) = self.get_batch(batch.clone(), consistent, &mut found).await? {
                let (one, other) = halves(batch);
                if !other.is_empty() {
                    batches.extend([one, other]);
                } else if one.iter().all(is_storable) {
                    return Err(StoreError::Refused(refused));
                }
            }
        }
        Ok(found)
    }

    /// Reads a batch into `found`. Returns why DynamoDB refused the request as a whole, as it does for a single key
    /// that no item can have. Then `found` is unchanged.
    async fn get_batch(
        &self,
        mut left: Vec<Item>,
        consistent: bool,
        found: &mut Vec<Item>,
    ) -> Result<Option<String>, StoreError> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(20 << attempt)).await;
            }
            let request = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(consistent).build()?;
            let answer = self.client.batch_get_item().request_items(&self.name, request).send().await;
            let mut answer = match answer {
                Ok(answer) => answer,
                Err(cause) if attempt == 0 && cause.code() == Some("ValidationException") => {
                    return Ok(Some(cause.message().unwrap_or("no reason given").to_owned()));
                }
                Err(cause) => return Err(StoreError::service(self.what("reading from"))(cause)),
            };
            if let Some(items) = answer.responses.as_mut().and_then(|tables| tables.remove(&self.name)) {
                found.extend(items);
            }
            left = answer
                .unprocessed_keys
                .and_then(|mut tables| tables.remove(&self.name))
                .map(|request| request.keys)
                .unwrap_or_default();
            if left.is_empty() {
                return Ok(None);
            }
        }
        Err(StoreError::Unread(left.len()))
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
        let mut pages = query.limit(PAGE).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(item.map_err(StoreError::service(self.what("querying")))?);
        }
        Ok(found)
    }

    /// Reads the whole table. For small tables only.
    pub(crate) async fn scan_all(&self) -> Result<Vec<Item>, StoreError> {
        let scan = self.client.scan().table_name(&self.name).limit(PAGE).consistent_read(true);
        let mut pages = scan.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(item.map_err(StoreError::service(self.what("scanning")))?);
        }
        Ok(found)
    }
}

/// Returns whether an item can have this key: no part of it is empty or too long.
fn is_storable(key: &Item) -> bool {
    key.iter().all(|(name, value)| {
        let longest = if name == PART { LONGEST_PART } else { LONGEST_KEY };
        value.as_s().map_or(true, |text| (1..=longest).contains(&text.len()))
    })
}

/// Splits a batch into two halves. The second one is empty if there is only one key.
fn halves(mut batch: Vec<Item>) -> (Vec<Item>, Vec<Item>) {
    let other = batch.split_off(batch.len().div_ceil(2));
    (batch, other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{item, text};

    #[test]
    fn tells_keys_that_no_item_can_have() {
        for (key, expected) in
            [("", false), ("a", true), (&"x".repeat(LONGEST_KEY), true), (&"x".repeat(LONGEST_KEY + 1), false)]
        {
            assert_eq!(is_storable(&item([("identity", text(key))])), expected, "{} bytes", key.len());
        }
        let long = "x".repeat(LONGEST_PART + 1);
        assert!(!is_storable(&item([("lead_id", text("l-1")), (PART, text(&long))])));
    }

    #[test]
    fn halves_end_at_a_single_key() {
        for size in 1..=BATCH {
            let batch: Vec<Item> = (0..size).map(|number| item([("identity", text(number.to_string()))])).collect();
            let (one, other) = halves(batch.clone());
            assert_eq!([one.clone(), other.clone()].concat(), batch);
            assert!(one.len() < size || other.is_empty());
        }
    }
}
