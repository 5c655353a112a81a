//! Long work gives way to single leads.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use fairleader_api::Role;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Setup, Stack, eventually};

/// Returns a list with this many good rows. Nothing makes them MQLs, so they take no rep's time.
fn list(rows: usize) -> String {
    (0..rows).fold("email,company,country\n".to_owned(), |mut list, row| {
        writeln!(list, "p{row}@firm{row}.example,Firm {row},FR").unwrap();
        list
    })
}

/// Begins an import and sends a part.
async fn import(stack: &Stack, list: String) -> crate::harness::Reply {
    let marketing = stack.by(Role::Marketing);
    let begun = marketing.post("/v1/imports", json!({"name": "long list"})).await.expect(201);
    let path = format!("/v1/imports/{}/parts/1", begun["import_id"].as_str().unwrap());
    marketing.send(Method::PUT, &path, &[("content-type", "text/csv")], list).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_lead_overtakes_a_long_list() {
    const ROWS: usize = 1_500;
    let stack = Stack::start().await;
    let part = import(&stack, list(ROWS)).await.expect(200);
    assert_eq!(part["accepted"], ROWS);
    let mut left = Vec::new();
    for number in 0..3 {
        let begun = Instant::now();
        let lead = stack.submit(json!({"email": format!("single{number}@acme.example"), "did": "demo"})).await;
        stack.at(&lead, "assigned").await;
        let counts = stack.machine().queues.all_counts().await.unwrap();
        left.push(counts.values().map(fairleader_local::sqs::Counts::total).sum::<u64>());
        println!("decided after {:?}, with {} messages of the list to go", begun.elapsed(), left[number]);
    }
    assert!(left.iter().all(|left| *left > 300), "they waited for the list: {left:?}");
    let rows = stack.aws.scan("imports").await;
    assert!(!rows.is_empty());
    eventually("the list to be done", async || stack.machine().settled().await.then_some(())).await;
    for item in stack.aws.scan("leads").await {
        if crate::aws::text(&item, "part") == "state" {
            stack.expect_lead(crate::aws::text(&item, "lead_id"));
        }
    }
    assert_eq!(stack.finish().await.leads(), ROWS + 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_with_too_many_rows_is_refused_at_once() {
    let stack = Stack::start().await;
    let begun = Instant::now();
    // Two million rows in just below 4 MB.
    let short = "email\n".to_owned() + &"a\n".repeat(2_000_000);
    let refused = import(&stack, short).await;
    insta::assert_snapshot!(refused.shown(), @r#"
    413
    {
      "code": "too_large",
      "detail": "the limit is 20000 rows; split the list into more parts, each with the header line; nothing was imported",
      "status": 413,
      "title": "the part has more than 20000 rows"
    }
    "#);
    assert_eq!(import(&stack, list(20_001)).await.expect(413)["code"], "too_large");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let blank = list(5) + &"\n,,\n".repeat(30_000);
    assert_eq!(import(&stack, blank).await.expect(200)["rows"], 5);
    stack.settled().await;
    for item in stack.aws.scan("leads").await {
        if crate::aws::text(&item, "part") == "state" {
            stack.expect_lead(crate::aws::text(&item, "lead_id"));
        }
    }
    assert_eq!(stack.finish().await.leads(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intake_accepts_leads_when_all_other_calls_are_taken() {
    // 50 calls are reserved for each of `intake` and `authorize`.
    const OTHERS: usize = 6;
    let stack = Stack::with(Setup { concurrency: 100 + OTHERS, ..Setup::default() }).await;
    let callers = [stack.by(Role::Source), stack.by(Role::Sales)];
    let ids: Vec<String> = (0..4).map(|number| format!("missing-{number}")).collect();
    let polls = join_all(callers.iter().flat_map(|caller| {
        ids.iter().map(move |id| async move { caller.get(&format!("/v1/leads/{id}?wait=5s")).await.status })
    }));
    let others = async {
        let sales = stack.by(Role::Viewer);
        eventually("all calls to be taken", async || (sales.get("/v1/reps").await.status == 503).then_some(())).await;
        let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
        assert_eq!(sales.get("/v1/reps").await.status, 503, "the calls are still taken");
        lead
    };
    let (polls, lead) = tokio::join!(polls, others);
    // Some find no free call.
    assert!(polls.iter().filter(|status| **status == 404).count() >= OTHERS - 2, "{polls:?}");
    stack.at(&lead, "assigned").await;
    let refused = stack.by(Role::Viewer).get("/v1/leads/missing").await;
    assert_eq!((refused.status, &refused.body["code"]), (404, &Value::from("not_found")));
    stack.finish().await;
}
