//! Events whose first publication failed.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};
use serde_json::json;

use crate::harness::{PATIENCE, Setup, Stack, TEMPLATE, eventually};

async fn stream_arn(stack: &Stack) -> String {
    let described = stack.aws.tables.describe_table().table_name("fairleader-leads").send().await.unwrap();
    described.table().unwrap().latest_stream_arn().unwrap().to_owned()
}

/// Returns every record of the leads table's stream.
async fn records(stack: &Stack) -> Vec<Record> {
    let request = stack.aws.streams.get_shard_iterator().stream_arn(stream_arn(stack).await).shard_id("any");
    let begun = request.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.unwrap();
    let page = stack.aws.streams.get_records().set_shard_iterator(begun.shard_iterator).send().await.unwrap();
    page.records.unwrap()
}

fn number(record: &Record) -> String {
    record.dynamodb().unwrap().sequence_number().unwrap().to_owned()
}

async fn park(stack: &Stack, first: &str, last: &str) {
    let place = json!({
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000000000000000001-local",
            "startSequenceNumber": first,
            "endSequenceNumber": last,
            "batchSize": 2,
            "streamArn": stream_arn(stack).await,
        },
    });
    let request = stack.aws.queues.send_message().queue_url(stack.aws.queue_url("publish"));
    request.message_body(place.to_string()).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishes_again_from_a_place_in_the_stream() {
    let stack = Stack::start().await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;
    stack.settled().await;
    let records = records(&stack).await;
    let (first, last) = (number(&records[0]), number(records.last().unwrap()));
    let mut heard = stack.machine().bus.subscribe();
    park(&stack, &first, &last).await;
    let again = tokio::time::timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
    assert_eq!(
        (&again["detail"]["id"], &again["detail"]["type"]),
        (&json!(format!("{lead}#1")), &json!("LeadAssigned"))
    );
    stack.settled().await;
    stack.finish().await;
}

/// An unreadable record fails its batch. The event source gives the batch up, but its other events are still published.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishes_what_the_event_source_gave_up() {
    let template = TEMPLATE.replacen("MaximumRetryAttempts: 10", "MaximumRetryAttempts: 0", 1);
    let template = template.replacen("            BisectBatchOnFunctionError: true\n", "", 1);
    assert_ne!(template, TEMPLATE);
    let stack = Stack::with(Setup { template: Some(template), ..Setup::default() }).await;
    let event = |seq: u32, body: String| {
        [("lead_id", "l-poison".to_owned()), ("part", format!("event#{seq:012}")), ("body", body)]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
    };
    let good = json!({"id": "l-poison#2", "type": "LeadSung", "schema": 9, "lead_id": "l-poison", "seq": 2,
        "at": "2026-03-03T09:00:00Z", "key": "B flat"});
    let mut heard = stack.machine().bus.subscribe();
    // Written in one transaction, so that both are in one batch.
    let put = |item: [(String, AttributeValue); 3]| {
        let put = aws_sdk_dynamodb::types::Put::builder().table_name("fairleader-leads");
        let put = put.set_item(Some(item.into())).build().unwrap();
        aws_sdk_dynamodb::types::TransactWriteItem::builder().put(put).build()
    };
    let items = vec![put(event(1, "no event".to_owned())), put(event(2, good.to_string()))];
    stack.aws.tables.transact_write_items().set_transact_items(Some(items)).send().await.unwrap();
    let told = tokio::time::timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
    assert_eq!(
        (&told["detail"], &told["detail-type"]),
        (&good, &json!("LeadSung")),
        "an event of an unknown kind is published unchanged"
    );
    eventually("the queue to be empty", async || (stack.aws.messages("publish").await == 0).then_some(())).await;
    assert_eq!(stack.aws.messages("publish-dead-letters").await, 0);
    for seq in [1, 2] {
        let delete = stack.aws.tables.delete_item().table_name("fairleader-leads");
        let part = AttributeValue::S(format!("event#{seq:012}"));
        delete.key("lead_id", AttributeValue::S("l-poison".to_owned())).key("part", part).send().await.unwrap();
    }
    eventually("the event to be noted", async || stack.forget_event("l-poison#2")).await;
    stack.finish().await;
}
