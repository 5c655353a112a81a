//! Repeated submissions, resubmissions, the same person again, and two leads that turn out to be one person.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use fairleader_api::Role;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::aws::text;
use crate::company::{self, RULEBOOK};
use crate::harness::{Setup, Stack, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_repeats_are_one_lead_and_other_content_is_a_resubmission() {
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
    let source = stack.by(fairleader_api::Role::Source);
    assert_eq!(stack.accepted(&source.send(reqwest::Method::POST, "/v1/leads", &headers, text).await), id);
    stack.settled().await;
    assert_eq!(stack.events(&id).await, ["LeadAssigned"]);

    let changed = json!({"email": "ada@lovelace.example", "did": "contact_me", "product": "mill"});
    assert_eq!(stack.accepted(&stack.submit_as("form-17", changed.clone()).await), id);
    stack.settled().await;
    let events: Vec<String> = stack.events(&id).await.into_iter().filter(|event| event != "LeadScored").collect();
    assert_eq!(events, ["LeadAssigned", "LeadResubmitted"], "whatever it is worth now");
    let lead = stack.lead(&id).await;
    assert_eq!(lead["profile"]["interest"], json!({"did": "contact_me", "product": "mill"}));
    assert_eq!((&lead["owner"], &lead["assignment"]), (&json!("anna"), &json!(1)));
    assert_eq!(
        activities(&stack, &id).await,
        [json!({"email": "ada@lovelace.example", "did": "contact_me", "product": "mill"})]
    );

    // A repeat of the resubmission changes nothing.
    stack.submit_as("form-17", changed).await.expect(202);
    let counted = stack.finish().await;
    assert_eq!((counted.leads(), counted.stage("assigned"), counted.turns), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reused_key_keeps_another_person_as_a_lead_of_their_own() {
    let stack = Stack::start().await;
    let ada = json!({"email": "ada@lovelace.example", "did": "demo"});
    let ben = json!({"email": "ben@books.example", "did": "demo", "message": "call me"});
    let first = stack.accepted(&stack.submit_as("form-17", ada.clone()).await);
    assert_eq!(stack.at(&first, "assigned").await["owner"], "anna");
    stack.settled().await;
    // Ten times at once, it is one other person.
    let answers = join_all((0..10).map(|_| stack.submit_as("form-17", ben.clone()))).await;
    assert!(answers.iter().all(|answer| stack.accepted(answer) == first));
    let path = "/v1/leads?email=ben%40books.example";
    let found = eventually("the other person to be a lead", async || {
        let found = stack.by(Role::Sales).get(path).await.expect(200);
        found["leads"].get(0).filter(|lead| lead["stage"] == "assigned").cloned()
    })
    .await;
    let other = found["lead_id"].as_str().unwrap().to_owned();
    stack.expect_lead(&other);
    assert_ne!(other, first);
    stack.submit_as("form-17", ada).await.expect(202);
    stack.settled().await;
    assert_eq!(stack.events(&first).await, ["LeadAssigned"], "nothing of it is in the first lead");
    assert_eq!(stack.events(&other).await, ["KeyReused", "LeadAssigned"]);
    let told = stack.by(Role::Sales).get(&format!("/v1/leads/{other}/events")).await.expect(200);
    assert_eq!(told["events"][0]["of"], json!(first));
    assert_eq!(stack.lead(&other).await["profile"]["interest"]["message"], "call me");

    // A person who is a lead already keeps it.
    let carla = stack.submit(json!({"email": "carla@faros.example", "did": "demo"})).await;
    stack.at(&carla, "assigned").await;
    stack.submit_as("form-17", json!({"email": "carla@faros.example", "did": "contact_me"})).await.expect(202);
    eventually("it to be merged", async || {
        stack.events(&carla).await.contains(&"LeadAbsorbed".to_owned()).then_some(())
    })
    .await;
    stack.settled().await;
    let told = stack.by(Role::Sales).get(&format!("/v1/leads/{carla}/events")).await.expect(200);
    let events = told["events"].as_array().unwrap();
    let from = events.iter().find(|event| event["type"] == "LeadAbsorbed").unwrap()["from"].as_str().unwrap();
    stack.expect_lead(from);
    let told = stack.by(Role::Sales).get(&format!("/v1/leads/{from}/events")).await.expect(200);
    assert_eq!(
        (&told["events"][0]["type"], &told["events"][0]["reused_key_of"]),
        (&json!("LeadMerged"), &json!(first))
    );
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("merged"), counted.turns), (3, 1, 3));
}

/// Returns the later submissions of a lead.
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
    assert_eq!(stack.events(&first).await, ["LeadAssigned", "LeadAbsorbed", "LeadScored"]);
    let lead = stack.lead(&first).await;
    assert_eq!((&lead["stage"], &lead["owner"], &lead["assignment"]), (&json!("assigned"), &json!("anna"), &json!(1)));
    assert_eq!(lead["profile"]["contact"]["job_title"], "CTO");
    assert_eq!(lead["profile"]["interest"]["did"], "contact_me");
    let why = stack.by(fairleader_api::Role::Viewer).get(&format!("/v1/leads/{again}/why")).await.expect(200);
    assert!(why["summary"].as_str().unwrap().contains(&first), "{why}");

    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("merged"), counted.turns), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_concurrent_submissions_of_one_person_merge_into_one_lead() {
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
async fn a_nurtured_lead_who_asks_for_a_demo_gets_a_rep() {
    let stack = Stack::start().await;
    let first = stack.submit(json!({"email": "ada@lovelace.example", "did": "newsletter"})).await;
    assert_eq!(stack.at(&first, "nurturing").await.get("owner"), None);
    stack.pass(60 * 24);
    let again = stack.submit(json!({"email": "Ada+demo@lovelace.example", "did": "demo"})).await;
    stack.at(&again, "merged").await;
    let lead = stack.at(&first, "assigned").await;
    assert_eq!((&lead["owner"], &lead["mql_at"]), (&json!("anna"), &json!("2026-03-04T09:00:00Z")));
    assert_eq!(stack.events(&first).await, ["LeadNurtured", "LeadAbsorbed", "LeadScored", "LeadAssigned"]);
    let counted = stack.finish().await;
    assert_eq!(counted.turns, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_two_assigned_leads_frees_a_seat_for_a_waiting_lead() {
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
    // The earlier lead remains. The seat of the later one goes to the waiting list, through stream, bus and rule.
    assert_eq!(stack.at(&by_phone, "merged").await["merged_into"], json!(by_mail));
    assert_eq!(stack.at(&waits, "assigned").await["owner"], "carla");
    assert_eq!(stack.events(&by_phone).await, ["LeadAssigned", "LeadMerged"]);
    assert_eq!(stack.events(&by_mail).await, ["LeadAssigned", "LeadAbsorbed", "LeadAbsorbed"]);
    assert_eq!(stack.open("carla").await, 2);
    let ledger = stack.by(Role::Sales).get("/v1/pools/iberia/ledger").await.expect(200);
    let back: Vec<_> = ledger["entries"].as_array().unwrap().iter().filter(|turn| turn["given_back"] == true).collect();
    assert_eq!((back.len(), &back[0]["lead_id"], &back[0]["taken_by"]), (1, &json!(by_phone), &json!("carla")));
    assert_eq!(ledger["standings"][0]["got"], 2, "the merged lead cost her no turn");

    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("merged"), counted.turns), (2, 2, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disqualified_person_who_submits_a_valid_form_gets_a_rep() {
    let block = "block:\n  - { rule: trials, if: { name.last: test }, then: { disqualify: junk } }\n";
    let mut company = company::small();
    company.rulebook = RULEBOOK.replacen("block:\n", block, 1);
    let stack = Stack::with(Setup { company: Some(company), ..Setup::default() }).await;
    let first = stack.submit(json!({"email": "ana@firm.example", "last_name": "test", "did": "demo"})).await;
    assert_eq!(stack.at(&first, "disqualified").await["reason"], "junk");
    stack.pass(60 * 24);
    let again = stack.submit(json!({"email": "ana@firm.example", "last_name": "Ruiz", "did": "demo"})).await;
    assert_eq!(stack.at(&again, "merged").await["merged_into"], json!(first));
    let lead = stack.at(&first, "assigned").await;
    assert_eq!((&lead["owner"], &lead["profile"]["contact"]["last_name"]), (&json!("anna"), &json!("Ruiz")));
    assert_eq!(stack.events(&first).await, ["LeadDisqualified", "LeadAbsorbed", "LeadAssigned"]);
    let counted = stack.finish().await;
    assert_eq!(counted.turns, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_lead_that_is_resubmitted_is_rescored_and_keeps_its_waiting_time() {
    let stack = Stack::start().await;
    let served = stack.submit(json!({"email": "berta@faros.example", "country": "ES", "did": "demo"})).await;
    stack.at(&served, "assigned").await;
    let waits = stack.submit(json!({"email": "ana@molinos.example", "country": "ES", "did": "contact_me"})).await;
    let before = stack.at(&waits, "waiting").await;
    stack.pass(5);
    let more = json!({"email": "ana@molinos.example", "country": "ES", "did": "demo", "job_title": "CEO"});
    let again = stack.submit(more).await;
    stack.at(&again, "merged").await;
    stack.settled().await;
    let after = stack.lead(&waits).await;
    assert_eq!((&before["score"]["total"], &after["score"]["total"]), (&json!(0), &json!(76)));
    assert_eq!((&before["waiting_since"], &before["due_at"]), (&after["waiting_since"], &after["due_at"]));
    let events = ["LeadWaiting", "LeadAbsorbed", "LeadWaiting"];
    assert_eq!(stack.events(&waits).await, events);
    stack.sweep().await;
    stack.settled().await;
    assert_eq!(stack.events(&waits).await, events, "waking the pool changes nothing");
    stack.finish().await;
}

/// A command to `enrich`.
fn store(lead: &str, hash: &str, submission: &Value) -> Value {
    json!({"schema": 1, "lead_id": lead, "source": "web", "group": "web", "received_at": "2026-03-03T09:00:00Z",
        "payload_hash": hash, "submission": submission, "trace": "test"})
}

/// Makes an address name a lead; without one, the identity becomes unreadable.
pub(crate) async fn claim(stack: &Stack, address: &str, lead: Option<&str>) {
    let put = stack.aws.tables.put_item().table_name("fairleader-identities");
    let put = put.item("identity", AttributeValue::S(format!("email:{address}")));
    let put = lead.into_iter().fold(put, |put, lead| put.item("lead_id", AttributeValue::S(lead.to_owned())));
    put.send().await.unwrap();
}

async fn send(stack: &Stack, queue: &str, command: &Value) {
    let request = stack.aws.queues.send_message().queue_url(stack.aws.queue_url(queue));
    request.message_body(command.to_string()).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_held_before_it_was_stored_is_stored_or_merged_later() {
    let stack = Stack::with(Setup::impatient()).await;
    let known = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&known, "assigned").await;
    for lead in ["held-known", "held-new"] {
        stack.expect_lead(lead);
        let route = json!({"schema": 1, "command": "route_lead", "lead_id": lead, "version": 0, "group": "test",
            "trace": "test"});
        send(&stack, "route", &route).await;
    }
    for lead in ["held-known", "held-new"] {
        assert_eq!(stack.at(lead, "held").await.get("held_from"), None);
    }
    // An address that it claimed before it failed is free again.
    claim(&stack, "carl@mills.example", Some("held-new")).await;
    let carl = stack.submit(json!({"email": "carl@mills.example", "did": "demo"})).await;
    stack.at(&carl, "assigned").await;

    send(&stack, "enrich", &store("held-known", "a", &json!({"email": "ada@lovelace.example", "did": "demo"}))).await;
    send(&stack, "enrich", &store("held-new", "b", &json!({"email": "ben@books.example", "did": "demo"}))).await;
    assert_eq!(stack.at("held-known", "merged").await["merged_into"], json!(known));
    stack.at("held-new", "assigned").await;
    assert_eq!(stack.events("held-known").await, ["LeadHeld", "LeadMerged"]);
    assert_eq!(stack.events("held-new").await, ["LeadHeld", "LeadReleased", "LeadAssigned"]);
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("merged"), counted.turns), (3, 1, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_concurrent_submissions_become_one_lead_within_two_seconds() {
    let stack = Stack::start().await;
    // Ten are equal; the other ten describe the same person in different ways.
    let sent = join_all((0..20).map(|number| {
        let lead = match number % 4 {
            0 | 1 => json!({"email": "ada@lovelace.example", "did": "demo"}),
            2 => json!({"email": format!("ADA+{number}@Lovelace.example"), "phone": "+49 171 3920012", "did": "demo"}),
            _ => json!({"phone": "+49 171 3920012", "email": "ada@lovelace.example", "last_name": "Lovelace"}),
        };
        stack.submit(lead)
    }))
    .await;
    let accepted = Instant::now();
    let ids: BTreeSet<String> = sent.into_iter().collect();
    eventually("all of them to be one lead", async || {
        let items = stack.aws.scan("leads").await;
        let state = |item: &&crate::aws::Item| text(item, "part") == "state" && ids.contains(text(item, "lead_id"));
        let stages: Vec<&str> = items.iter().filter(state).map(|item| text(item, "stage")).collect();
        let merged = stages.iter().filter(|stage| **stage == "merged").count();
        (stages.len() == 20 && merged == 19 && stages.contains(&"assigned")).then_some(())
    })
    .await;
    let settled = accepted.elapsed();
    println!("twenty submissions became one lead {settled:?} after the last was accepted");
    assert!(settled < Duration::from_secs(2), "{settled:?}");
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("merged"), counted.turns), (1, 19, 1), "{counted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_mailbox_is_one_person_only_with_the_family_name() {
    let stack = Stack::start().await;
    let from = |name: &str| json!({"email": "info@mills.example", "last_name": name, "did": "demo"});
    let ada = stack.submit(from("Lovelace")).await;
    stack.at(&ada, "assigned").await;
    let charles = stack.submit(from("Babbage")).await;
    stack.at(&charles, "assigned").await;
    let unnamed = stack.submit(json!({"email": "info@mills.example", "did": "demo"})).await;
    stack.at(&unnamed, "assigned").await;
    let again = stack.submit(from("LOVELACE")).await;
    assert_eq!(stack.at(&again, "merged").await["merged_into"], json!(ada));
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("merged"), counted.turns), (3, 1, 3));
}
