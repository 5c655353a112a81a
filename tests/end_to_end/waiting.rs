//! Nobody is free: the line, who gets out of it first, and what happens to those who wait too long.

use fairleader_api::Role;
use serde_json::{Value, json};

use crate::harness::Stack;

fn from_spain(name: &str, title: &str, employees: u32) -> Value {
    let address = format!("{name}@{name}.example");
    json!({"email": address, "country": "ES", "did": "demo", "job_title": title, "employees": employees})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_lead_in_the_line_gets_the_next_seat() {
    let stack = Stack::start().await;
    let served = stack.submit(from_spain("first", "Intern", 5)).await;
    stack.at(&served, "assigned").await;
    stack.pass(1);
    let low = stack.submit(from_spain("low", "Intern", 5)).await;
    stack.at(&low, "waiting").await;
    stack.pass(1);
    let high = stack.submit(from_spain("high", "CEO", 5000)).await;
    stack.at(&high, "waiting").await;
    stack.pass(1);
    let middle = stack.submit(from_spain("middle", "CEO", 5)).await;
    stack.at(&middle, "waiting").await;

    let why = stack.by(Role::Sales).get(&format!("/v1/leads/{low}/why")).await.expect(200);
    let said = why["decisions"][0]["summary"].as_str().unwrap();
    assert!(said.contains("`carla` is at capacity"), "{said}");
    assert!(said.contains("so it waits in pool `iberia`"), "{said}");

    // One more seat: the best one, not the one who waited longest.
    stack.set_capacity("carla", 2).await;
    assert_eq!(stack.at(&high, "assigned").await["owner"], "carla");
    stack.settled().await;
    for waits in [&low, &middle] {
        assert_eq!(stack.lead(waits).await["stage"], "waiting");
    }

    // Room alone is not enough while she is switched off; switching on is.
    let carla = stack.rep("carla").await;
    carla.put("/v1/me/availability", json!({"on": false})).await.expect(200);
    stack.set_capacity("carla", 3).await;
    stack.settled().await;
    assert_eq!(stack.lead(&middle).await["stage"], "waiting");
    carla.put("/v1/me/availability", json!({"on": true})).await.expect(200);
    stack.at(&middle, "assigned").await;
    stack.settled().await;
    assert_eq!(stack.lead(&low).await["stage"], "waiting");
    assert_eq!(stack.open("carla").await, 3);

    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("waiting"), counted.turns), (3, 1, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_too_long_goes_to_the_fallback_or_to_a_person() {
    let stack = Stack::start().await;
    for rep in ["anna", "ben", "carla"] {
        stack.set_capacity(rep, 0).await;
    }
    let inbound = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    let spanish = stack.submit(from_spain("ana", "CEO", 5)).await;
    for lead in [&inbound, &spanish] {
        assert_eq!(stack.at(lead, "waiting").await["due_at"], "2026-03-03T10:00:00Z");
    }

    stack.pass(59);
    stack.sweep().await;
    stack.settled().await;
    for lead in [&inbound, &spanish] {
        assert_eq!(stack.lead(lead).await["stage"], "waiting", "its hour is not over");
    }

    stack.pass(2);
    // Twice at once does no harm.
    tokio::join!(stack.sweep(), stack.sweep());
    let lead = stack.at(&inbound, "assigned").await;
    assert_eq!((&lead["owner"], &lead["pool"]), (&json!("emil"), &json!("watch")));
    let lead = stack.at(&spanish, "held").await;
    assert_eq!((&lead["reason"], &lead["held_from"]), (&json!("waited_too_long"), &json!("waiting")));
    assert_eq!(stack.events(&spanish).await, ["LeadWaiting", "LeadHeld"]);
    let held = stack.by(Role::Sales).get("/v1/dead-letters").await.expect(200);
    assert_eq!((&held["held"][0]["lead_id"], &held["held"][0]["commands"]), (&json!(spanish), &json!([])));

    // The person decides that it shall go on, now that there is room.
    stack.set_capacity("carla", 1).await;
    stack.by(Role::Sales).post(&format!("/v1/dead-letters/{spanish}/redrive"), Value::Null).await.expect(202);
    assert_eq!(stack.at(&spanish, "assigned").await["owner"], "carla");

    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.turns), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capacity_is_never_exceeded_however_many_come_at_once() {
    let stack = Stack::start().await;
    stack.set_capacity("carla", 7).await;
    let sent = (0..40).map(|number| stack.submit(from_spain(&format!("p{number}"), "CEO", 5)));
    futures::future::join_all(sent).await;
    stack.settled().await;
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("waiting"), counted.turns), (7, 33, 7));
}
