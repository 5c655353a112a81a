//! Waiting lists: which lead is assigned first, and what happens to leads that wait too long.

use fairleader_api::Role;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::aws::text;
use crate::company::{self, RULEBOOK};
use crate::harness::{Setup, Stack};

fn from_spain(name: &str, title: &str, employees: u32) -> Value {
    let address = format!("{name}@{name}.example");
    json!({"email": address, "country": "ES", "did": "demo", "job_title": title, "employees": employees})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_waiting_lead_gets_the_next_seat() {
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

    // One more seat goes to the best lead, not to the one that has waited longest.
    stack.set_capacity("carla", 2).await;
    assert_eq!(stack.at(&high, "assigned").await["owner"], "carla");
    stack.settled().await;
    for waits in [&low, &middle] {
        assert_eq!(stack.lead(waits).await["stage"], "waiting");
    }

    // Capacity is not enough while she is switched off; switching her on assigns the lead.
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
async fn a_lead_that_waits_too_long_goes_to_the_fallback_or_on_hold() {
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
    // Two concurrent sweeps do no harm.
    tokio::join!(stack.sweep(), stack.sweep());
    let lead = stack.at(&inbound, "assigned").await;
    assert_eq!((&lead["owner"], &lead["pool"]), (&json!("emil"), &json!("watch")));
    let lead = stack.at(&spanish, "held").await;
    assert_eq!((&lead["reason"], &lead["held_from"]), (&json!("waited_too_long"), &json!("waiting")));
    assert_eq!(stack.events(&spanish).await, ["LeadWaiting", "LeadHeld"]);
    stack.indexed().await;
    let held = stack.by(Role::Sales).get("/v1/dead-letters").await.expect(200);
    assert_eq!((&held["held"][0]["lead_id"], &held["held"][0]["commands"]), (&json!(spanish), &json!([])));

    // A person lets the lead continue now that a rep has room.
    stack.set_capacity("carla", 1).await;
    stack.by(Role::Sales).post(&format!("/v1/dead-letters/{spanish}/redrive"), Value::Null).await.expect(202);
    assert_eq!(stack.at(&spanish, "assigned").await["owner"], "carla");

    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.turns), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_leads_never_exceed_capacity() {
    let stack = Stack::start().await;
    stack.set_capacity("carla", 7).await;
    let sent = (0..40).map(|number| stack.submit(from_spain(&format!("p{number}"), "CEO", 5)));
    join_all(sent).await;
    stack.settled().await;
    assert_eq!(stack.open("carla").await, 7);

    // One wake walks the whole waiting list, page by page, and ends with the last seat.
    stack.set_capacity("carla", 38).await;
    stack.settled().await;
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("waiting"), counted.turns), (38, 2, 38));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leads_in_front_do_not_block_a_lead_whose_own_rep_is_free() {
    let stack = Stack::start().await;
    for rep in ["anna", "ben", "dora"] {
        stack.set_capacity(rep, 0).await;
    }
    // More leads than are decided together, and all of them better.
    let in_front = (0..12).map(|number| {
        let address = format!("p{number}@c{number}.example");
        stack.submit(json!({"email": address, "did": "demo", "job_title": "CEO", "employees": 5000}))
    });
    let in_front = join_all(in_front).await;
    let theirs = stack.submit(json!({"email": "buyer@acme.example", "did": "demo"})).await;
    for lead in in_front.iter().chain([&theirs]) {
        assert_eq!(stack.at(lead, "waiting").await["pool"], "inbound");
    }
    // The wakes that the changes of capacity asked for are over. Dora is in no pool, so only the sweep finds her lead.
    stack.settled().await;
    stack.set_capacity("dora", 1).await;
    stack.settled().await;
    assert_eq!(stack.lead(&theirs).await["stage"], "waiting");
    stack.pass(1);
    stack.sweep().await;
    assert_eq!(stack.at(&theirs, "assigned").await["owner"], "dora");
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("waiting"), counted.turns), (1, 12, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_freed_by_a_named_owner_goes_to_the_waiting_list_of_their_pool() {
    // Carla owns Acme; the new rulebook gives such companies to the pool.
    let mut company = company::small();
    for account in &mut company.accounts {
        account.owner = Some("carla".into());
    }
    let stack = Stack::with(Setup { company: Some(company), ..Setup::default() }).await;
    let acme = stack.submit(json!({"email": "buyer@acme.example", "did": "demo"})).await;
    let lead = stack.at(&acme, "assigned").await;
    assert_eq!((&lead["owner"], &lead["pool"]), (&json!("carla"), &Value::Null));
    let waits = stack.submit(from_spain("ana", "CEO", 5)).await;
    stack.at(&waits, "waiting").await;

    let named = "{ owner: account.owner, if_unavailable: { pool: inbound }, counts_as_turn: no }";
    assert!(RULEBOOK.contains(named));
    let version = stack.upload(&RULEBOOK.replace(named, "{ pool: inbound, if_nobody: wait }")).await;
    stack.approve(&version).await;
    let otto = stack.person("otto").await;
    otto.post(&format!("/v1/rulebooks/{version}/activate"), Value::Null).await.expect(200);
    otto.post(&format!("/v1/rulebooks/{version}/reroute"), Value::Null).await.expect(202);
    stack.pass(1);
    stack.sweep().await;
    assert_eq!(stack.at(&waits, "assigned").await["owner"], "carla");
    assert_eq!(stack.lead(&acme).await["pool"], "inbound");
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.turns), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_that_cannot_be_routed_blocks_no_other() {
    let stack = Stack::start().await;
    stack.set_capacity("carla", 0).await;
    let broken = stack.submit(from_spain("broken", "CEO", 5000)).await;
    let others = join_all((0..12).map(|number| stack.submit(from_spain(&format!("p{number}"), "CEO", 5)))).await;
    for lead in others.iter().chain([&broken]) {
        stack.at(lead, "waiting").await;
    }
    // The best lead loses its profile.
    let items = stack.aws.scan("leads").await;
    let profile = items.into_iter().find(|item| text(item, "lead_id") == broken && text(item, "part") == "profile");
    let profile = profile.unwrap();
    let delete = stack.aws.tables.delete_item().table_name("fairleader-leads");
    let delete = delete.key("lead_id", profile["lead_id"].clone()).key("part", profile["part"].clone());
    delete.send().await.unwrap();
    stack.set_capacity("carla", 20).await;
    for lead in &others {
        assert_eq!(stack.at(lead, "assigned").await["owner"], "carla");
    }
    // It keeps its place, and the next sweep tries again.
    stack.settled().await;
    stack.aws.tables.put_item().table_name("fairleader-leads").set_item(Some(profile)).send().await.unwrap();
    assert_eq!(stack.lead(&broken).await["stage"], "waiting");
    stack.pass(1);
    stack.sweep().await;
    stack.at(&broken, "assigned").await;
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.turns), (13, 13));
}
