//! Calls that wait for a decision: their budget, and that they tell nothing about leads of others.

use std::time::{Duration, Instant};

use fairleader_api::Role;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Caller, Reply, Stack};

/// Calls of one key that may wait at the same time.
const PER_KEY: usize = 4;
/// How long the calls of these tests wait.
const WAIT: Duration = Duration::from_secs(3);

/// Asks for a lead and waits; returns the reply and the time it took.
async fn wait_for(caller: &Caller<'_>, lead: &str) -> (Reply, Duration) {
    let begun = Instant::now();
    let reply = caller.get(&format!("/v1/leads/{lead}?wait={}ms", WAIT.as_millis())).await;
    (reply, begun.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_waits_for_many_leads_stops_nothing_else() {
    let stack = Stack::start().await;
    let source = stack.by(Role::Source);
    let ids: Vec<String> = (0..60).map(|number| format!("missing-{number}")).collect();
    let polls = join_all(ids.iter().map(|id| wait_for(&source, id)));
    let others = async {
        // The polls are waiting by now.
        tokio::time::sleep(WAIT / 4).await;
        let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
        // Another holder has a budget of its own.
        wait_for(&stack.by(Role::Sales), &lead).await.0
    };
    let (polls, reply) = tokio::join!(polls, others);
    assert_eq!(reply.expect(200)["stage"], "assigned");
    let waited = polls.iter().filter(|(_, took)| *took >= WAIT).count();
    assert_eq!(waited, PER_KEY, "the others are answered at once");
    for (reply, _) in &polls {
        assert_eq!((reply.status, reply.header("retry-after")), (404, "1"), "{}", reply.text);
    }
    // Their places are free again.
    assert!(wait_for(&source, "missing-0").await.1 >= WAIT);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_of_another_source_looks_like_one_that_does_not_exist() {
    let stack = Stack::start().await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;
    let made = json!({"role": "source", "subject": "partner"});
    let made = stack.by(Role::Admin).post("/v1/keys", made).await.expect(201);
    let partner = stack.with_key(made["key"].as_str().unwrap());
    let ben = stack.rep("ben").await;
    for caller in [&partner, &ben] {
        let shown = |(reply, took): (Reply, Duration), id: &str| {
            assert!(took >= WAIT && took < WAIT * 2, "{took:?}");
            let body: Value = serde_json::from_str(&reply.text.replace(id, "ID")).unwrap();
            (reply.status, reply.header("retry-after").to_owned(), body)
        };
        let foreign = shown(wait_for(caller, &lead).await, &lead);
        let missing = shown(wait_for(caller, "missing").await, "missing");
        assert_eq!(foreign, missing);
        assert_eq!(foreign.0, 404);
    }
    // Its own source and its owner need not wait.
    let (reply, took) = wait_for(&stack.by(Role::Source), &lead).await;
    assert!(reply.status == 200 && took < WAIT, "{took:?}");
    stack.finish().await;
}
