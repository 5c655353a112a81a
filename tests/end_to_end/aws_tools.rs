//! The real AWS clients, used as `aws --endpoint-url` and boto3 use the services.

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::json;

use crate::aws::text;
use crate::harness::{Stack, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_and_queues_can_be_listed_and_read() {
    let stack = Stack::start().await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;

    let tables = stack.aws.tables.list_tables().send().await.unwrap();
    insta::assert_snapshot!("tables", tables.table_names().join("\n"));
    let described = stack.aws.tables.describe_table().table_name("fairleader-leads").send().await.unwrap();
    let described = described.table().unwrap();
    let mut indexes: Vec<_> =
        described.global_secondary_indexes().iter().filter_map(|index| index.index_name()).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, ["assignee", "due", "line"]);
    assert!(described.latest_stream_arn().is_some());
    let items = stack.aws.scan("leads").await;
    let mut parts: Vec<_> = items.iter().map(|item| text(item, "part")).collect();
    parts.sort_unstable();
    assert_eq!(parts, ["event#000000000001", "profile", "state", "why#000000000001"]);

    let listed = stack.aws.queues.list_queues().queue_name_prefix("fairleader-").send().await.unwrap();
    let names: Vec<_> = listed.queue_urls().iter().map(|url| url.rsplit('/').next().unwrap()).collect();
    insta::assert_snapshot!("queues", names.join("\n"));
    let url = stack.aws.queues.get_queue_url().queue_name("fairleader-publish-dead-letters").send().await.unwrap();
    let url = url.queue_url().unwrap();
    assert_eq!(url, stack.aws.queue_url("publish-dead-letters"));

    // No function reads this queue.
    stack.aws.queues.send_message().queue_url(url).message_body("hello").send().await.unwrap();
    let received = stack.aws.queues.receive_message().queue_url(url).wait_time_seconds(5).send().await.unwrap();
    let [message] = received.messages() else { panic!("{received:?}") };
    assert_eq!(message.body(), Some("hello"));
    stack
        .aws
        .queues
        .delete_message()
        .queue_url(url)
        .receipt_handle(message.receipt_handle().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(stack.aws.messages("publish-dead-letters").await, 0);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_put_on_the_bus_is_matched_by_the_templates_rule() {
    let stack = Stack::start().await;
    stack.set_capacity("carla", 0).await;
    let waits = stack.submit(json!({"email": "ana@molinos.example", "country": "ES", "did": "demo"})).await;
    stack.at(&waits, "waiting").await;
    stack.settled().await;
    // Carla has room now, but no pool is woken: her item is changed directly, not through the API.
    let mut profile = carla(&stack).await;
    let body = text(&profile, "body").replace(r#""capacity":0"#, r#""capacity":1"#);
    profile.insert("body".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(body));
    stack.aws.tables.put_item().table_name("fairleader-reps").set_item(Some(profile)).send().await.unwrap();

    let entry = |kind: &str, detail: serde_json::Value| {
        PutEventsRequestEntry::builder()
            .event_bus_name("fairleader-events")
            .source("fairleader")
            .detail_type(kind)
            .detail(detail.to_string())
            .build()
    };
    let unheard = [entry("LeadMerged", json!({"into": "x"})), entry("LeadAccepted", json!({"freed_owner": "carla"}))];
    let put = stack.aws.bus.put_events().set_entries(Some(unheard.into())).send().await.unwrap();
    assert_eq!(put.failed_entry_count(), 0);
    stack.settled().await;
    assert_eq!(stack.lead(&waits).await["stage"], "waiting", "the rule does not match these");

    let heard = entry("LeadMerged", json!({"freed_owner": "carla"}));
    let put = stack.aws.bus.put_events().entries(heard).send().await.unwrap();
    assert_eq!(put.failed_entry_count(), 0);
    assert_eq!(stack.at(&waits, "assigned").await["owner"], "carla");
    stack.finish().await;
}

async fn carla(stack: &Stack) -> crate::aws::Item {
    eventually("carla", async || {
        let reps = stack.aws.scan("reps").await;
        reps.into_iter().find(|item| text(item, "rep_id") == "carla" && text(item, "part") == "profile")
    })
    .await
}
