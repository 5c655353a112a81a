//! The same submission again, the same person again, and two leads that turn out to be one person.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::aws::text;
use crate::harness::Stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_at_once_is_once_and_other_content_is_kept_as_a_resubmission() {
    let stack = Stack::start().await;
    let demo = json!({"email": "ada@lovelace.example", "did": "demo", "product": "engine"});
    let answers = join_all((0..10).map(|_| stack.submit_as("form-17", demo.clone()))).await;
    let id = stack.accepted(&answers[0]);
    let distinct: BTreeSet<_> = answers.iter().map(|answer| (answer.status, answer.text.clone())).collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");
    stack.at(&id, "assigned").await;
    stack.settled().await;
    assert_eq!(stack.events(&id).await, ["LeadAssigned"]);

    // The same fields in another order and layout are the same content.
    let text = r#"{ "product" : "engine", "did":"demo","email":  "ada@lovelace.example" }"#;
    let headers = [("idempotency-key", "form-17")];
    let source = stack.by(fairleader_runtime::http::Role::Source);
    assert_eq!(stack.accepted(&source.send(reqwest::Method::POST, "/v1/leads", &headers, text).await), id);
    stack.settled().await;
    assert_eq!(stack.events(&id).await, ["LeadAssigned"]);

    let changed = json!({"email": "ada@lovelace.example", "did": "contact_me", "product": "mill"});
    assert_eq!(stack.accepted(&stack.submit_as("form-17", changed.clone()).await), id);
    stack.settled().await;
    assert_eq!(stack.events(&id).await, ["LeadAssigned", "LeadResubmitted"]);
    let lead = stack.lead(&id).await;
    assert_eq!(lead["profile"]["interest"], json!({"did": "contact_me", "product": "mill"}));
    assert_eq!((&lead["owner"], &lead["assignment"]), (&json!("anna"), &json!(1)));
    assert_eq!(
        activities(&stack, &id).await,
        [json!({"email": "ada@lovelace.example", "did": "contact_me", "product": "mill"})]
    );

    // And a repeat of that is a repeat.
    stack.submit_as("form-17", changed).await.expect(202);
    let counted = stack.finish().await;
    assert_eq!((counted.leads(), counted.stage("assigned"), counted.turns), (1, 1, 1));
}

/// What came in for a lead later.
async fn activities(stack: &Stack, id: &str) -> Vec<Value> {
    let items = stack.aws.scan("leads").await;
    let of_it = items.iter().filter(|item| text(item, "lead_id") == id && text(item, "part").starts_with("activity#"));
    of_it.map(|item| crate::aws::body(item)["submission"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_person_keeps_their_rep() {
    let stack = Stack::start().await;
    let first = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    assert_eq!(stack.at(&first, "assigned").await["owner"], "anna");
    stack.pass(5);
    let again = stack
        .submit(json!({"email": "ADA+fair@Lovelace.example", "did": "contact_me", "job_title": "CTO", "country": "GB"}))
        .await;
    let merged = stack.at(&again, "merged").await;
    assert_eq!(merged["merged_into"], json!(first));
    stack.settled().await;
    assert_eq!(stack.events(&again).await, ["LeadMerged"]);
    assert_eq!(stack.events(&first).await, ["LeadAssigned", "LeadAbsorbed"]);
    let lead = stack.lead(&first).await;
    assert_eq!((&lead["stage"], &lead["owner"], &lead["assignment"]), (&json!("assigned"), &json!("anna"), &json!(1)));
    assert_eq!(lead["profile"]["contact"]["job_title"], "CTO");
    assert_eq!(lead["profile"]["interest"]["did"], "contact_me");
    let why = stack.by(fairleader_runtime::http::Role::Viewer).get(&format!("/v1/leads/{again}/why")).await.expect(200);
    assert!(why["summary"].as_str().unwrap().contains(&first), "{why}");

    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("merged"), counted.turns), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_submissions_of_one_person_at_once_are_one_lead_with_nine_merged_into_it() {
    let stack = Stack::start().await;
    let sent = join_all((0..10).map(|number| {
        let address = format!("ada+{number}@lovelace.example");
        stack.submit(json!({"email": address, "did": "demo"}))
    }));
    assert_eq!(sent.await.into_iter().collect::<BTreeSet<_>>().len(), 10);
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("merged"), counted.turns), (1, 9, 1), "{counted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_not_ready_and_asks_for_a_demo_later_gets_a_rep() {
    let stack = Stack::start().await;
    let first = stack.submit(json!({"email": "ada@lovelace.example", "did": "newsletter"})).await;
    assert_eq!(stack.at(&first, "nurturing").await.get("owner"), None);
    stack.pass(60 * 24);
    let again = stack.submit(json!({"email": "Ada+demo@lovelace.example", "did": "demo"})).await;
    stack.at(&again, "merged").await;
    let lead = stack.at(&first, "assigned").await;
    assert_eq!((&lead["owner"], &lead["mql_at"]), (&json!("anna"), &json!("2026-03-04T09:00:00Z")));
    assert_eq!(stack.events(&first).await, ["LeadNurtured", "LeadAbsorbed", "LeadAssigned"]);
    let counted = stack.finish().await;
    assert_eq!(counted.turns, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_leads_that_turn_out_to_be_one_person_free_a_seat_for_whoever_waits() {
    let stack = Stack::start().await;
    stack.set_capacity("carla", 2).await;
    let by_mail = stack.submit(json!({"email": "ana@molinos.example", "country": "ES", "did": "demo"})).await;
    assert_eq!(stack.at(&by_mail, "assigned").await["owner"], "carla");
    stack.pass(1);
    let by_phone = stack.submit(json!({"phone": "+34 612 345 678", "country": "ES", "did": "demo"})).await;
    assert_eq!(stack.at(&by_phone, "assigned").await["owner"], "carla");
    stack.pass(1);
    let waits = stack.submit(json!({"email": "berta@faros.example", "country": "ES", "did": "demo"})).await;
    stack.at(&waits, "waiting").await;

    stack.pass(1);
    let both = json!({"email": "ana@molinos.example", "phone": "+34 612 345 678", "country": "ES", "did": "demo"});
    let third = stack.submit(both).await;
    stack.at(&third, "merged").await;
    // The earlier one carries on; the seat of the later one goes to the line, by way of stream, bus and rule.
    assert_eq!(stack.at(&by_phone, "merged").await["merged_into"], json!(by_mail));
    assert_eq!(stack.at(&waits, "assigned").await["owner"], "carla");
    assert_eq!(stack.events(&by_phone).await, ["LeadAssigned", "LeadMerged"]);
    assert_eq!(stack.events(&by_mail).await, ["LeadAssigned", "LeadAbsorbed", "LeadAbsorbed"]);
    assert_eq!(stack.open("carla").await, 2);

    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("merged"), counted.turns), (2, 2, 3));
}
