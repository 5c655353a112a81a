//! Replies that could grow without a limit: they come in pages.

use std::fmt::Write as _;

use fairleader_api::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_of_a_lead_comes_in_pages() {
    let stack = Stack::start().await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;
    for number in 0..4 {
        stack.act(json!({"lead_id": lead, "did": format!("webinar {number}")})).await;
    }
    stack.settled().await;
    let sales = stack.by(Role::Sales);
    for (what, list) in [("events", "events"), ("why", "decisions")] {
        let path = format!("/v1/leads/{lead}/{what}");
        let whole = sales.get(&path).await.expect(200);
        assert_eq!(whole["next"], Value::Null);
        let whole = whole[list].as_array().unwrap().clone();
        let (mut pages, mut from) = (Vec::new(), String::new());
        loop {
            let page = sales.get(&format!("{path}?limit=2{from}")).await.expect(200);
            let page_of = page[list].as_array().unwrap();
            assert!(page_of.len() <= 2);
            pages.extend(page_of.iter().cloned());
            match page["next"].as_str() {
                Some(next) => from = format!("&from={next}"),
                None => break,
            }
        }
        assert_eq!(pages, whole, "{what}");
        for (query, code) in [
            ("from=1", "invalid_cursor"),
            ("from=00000000000x", "invalid_cursor"),
            ("limit=0", "invalid_limit"),
            ("limit=1001", "invalid_limit"),
            ("limit=many", "invalid_limit"),
        ] {
            let refused = sales.get(&format!("{path}?{query}")).await;
            assert_eq!((refused.status, &refused.body["code"]), (400, &json!(code)), "{what}?{query}");
        }
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_table_comes_in_pages() {
    let stack = Stack::start().await;
    let marketing = stack.by(Role::Marketing);
    // A quotation mark takes two bytes in the event of the upload and four in the function's reply, which is JSON within
    // JSON: the upload fits into 6 MB, and one reply with all of it would not.
    let mut csv = "name,text\n".to_owned();
    for number in 0..30_000 {
        writeln!(csv, "{number},\"{}{}é\"", "\"\"".repeat(30), "x".repeat(56)).unwrap();
    }
    assert!((3_500_000..4_194_304).contains(&csv.len()), "{}", csv.len());
    let headers = [("content-type", "text/csv")];
    marketing.send(Method::PUT, "/v1/tables/quoted", &headers, csv.clone()).await.expect(200);
    let (mut read, mut pages, mut from) = (String::new(), 0, String::new());
    loop {
        let page = marketing.get(&format!("/v1/tables/quoted{from}")).await.expect(200);
        read.push_str(page["csv"].as_str().unwrap());
        pages += 1;
        match page["next"].as_str() {
            Some(next) => from = format!("?from={next}"),
            None => break,
        }
    }
    assert_eq!(pages, 5);
    assert!(read == csv, "the pages together are the table");
    marketing.send(Method::PUT, "/v1/tables/quoted", &headers, csv.replace("29999", "30000")).await.expect(200);
    let stale = marketing.get(&format!("/v1/tables/quoted{from}")).await.expect(400);
    assert_eq!(stale["code"], "invalid_cursor");
    stack.finish().await;
}
