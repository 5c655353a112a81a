//! The tables, queues and bus of a machine, through the AWS clients with the operator's key.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use fairleader_local::machine::REGION;
use fairleader_local::proxy::{InProcess, OPERATOR_KEY_ID};
use fairleader_runtime::{Clock, Env};
use fairleader_store::{Leads, Table};
use serde_json::Value;

/// An item of a table.
pub(crate) type Item = HashMap<String, AttributeValue>;

fn env(url: &str, key: &str, secret: &str) -> Env {
    let variables = [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ];
    let variables: BTreeMap<_, _> = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Env::new(variables, Clock::System)
}

/// Clients of one machine's services.
#[derive(Clone, Debug)]
pub(crate) struct Aws {
    pub(crate) tables: aws_sdk_dynamodb::Client,
    pub(crate) queues: aws_sdk_sqs::Client,
    pub(crate) bus: aws_sdk_eventbridge::Client,
    pub(crate) streams: aws_sdk_dynamodbstreams::Client,
    /// The leads, through the same type that functions use.
    pub(crate) leads: Leads,
    url: String,
}

impl Aws {
    /// Connects to the services at `url` as the operator, with the secret of its data folder.
    pub(crate) fn operator(url: &str, secret: &str) -> Self {
        Self::with_key(url, OPERATOR_KEY_ID, secret)
    }

    /// Connects to the services at `url` with any key.
    pub(crate) fn with_key(url: &str, key: &str, secret: &str) -> Self {
        Self::of(url, &env(url, key, secret))
    }

    /// Connects inside the process, as functions do, with any key.
    pub(crate) fn inside(way: &InProcess, url: &str, key: &str, secret: &str) -> Self {
        Self::of(url, &env(url, key, secret).with_http_client(way.client()))
    }

    fn of(url: &str, env: &Env) -> Self {
        let config = env.sdk_config().unwrap();
        Self {
            tables: aws_sdk_dynamodb::Client::new(&config),
            queues: aws_sdk_sqs::Client::new(&config),
            bus: aws_sdk_eventbridge::Client::new(&config),
            streams: aws_sdk_dynamodbstreams::Client::new(&config),
            leads: Leads::new(Table::new(&config, "fairleader-leads")),
            url: url.to_owned(),
        }
    }

    /// Returns every item of the table `fairleader-{table}`.
    pub(crate) async fn scan(&self, table: &str) -> Vec<Item> {
        let pages = self.tables.scan().table_name(format!("fairleader-{table}")).consistent_read(true);
        pages.into_paginator().items().send().collect::<Result<_, _>>().await.unwrap()
    }

    /// Returns the URL of the queue `fairleader-{queue}`.
    pub(crate) fn queue_url(&self, queue: &str) -> String {
        format!("{}/000000000000/fairleader-{queue}", self.url)
    }

    /// Counts the messages in a queue, visible or not.
    pub(crate) async fn messages(&self, queue: &str) -> u64 {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let asked = self.queues.get_queue_attributes().queue_url(self.queue_url(queue));
        let answer = asked.set_attribute_names(Some(counts.to_vec())).send().await.unwrap();
        let attributes = answer.attributes().unwrap();
        counts.iter().map(|name| attributes[name].parse::<u64>().unwrap()).sum()
    }

    /// Counts the messages in the queues for commands, without dead letters.
    pub(crate) async fn working(&self) -> u64 {
        let mut count = 0;
        for queue in ["enrich", "score", "route", "publish"] {
            count += self.messages(queue).await;
        }
        count
    }
}

/// Returns a text attribute; empty if it is missing.
pub(crate) fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// Returns a number attribute, if the item has it.
pub(crate) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// Returns the JSON in an item's body.
pub(crate) fn body(item: &Item) -> Value {
    serde_json::from_str(text(item, "body")).unwrap_or(Value::Null)
}
