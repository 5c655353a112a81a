//! Lists: every row has a result, and sending a part again changes nothing.

use std::collections::BTreeSet;

use fairleader_api::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Reply, Stack};

const LIST: &str = "\
E-Mail;Vorname;Nachname;Firma;Land;Anfrageart
ada@lovelace.example;Ada;Lovelace;Lovelace Engines;GB;demo
not an address;Nobody;;;;demo
;;;Nobody Ltd;;demo

ADA+again@lovelace.example;Ada;Lovelace;Lovelace Engines;GB;demo
ana@molinos.example;Ana;García;\"Molinos; S.A.\";Spanien;demo
short;row
";

async fn begin(stack: &Stack, dry_run: bool) -> String {
    let new = json!({"name": "trade fair", "source": "fair", "dry_run": dry_run});
    let begun = stack.by(Role::Marketing).post("/v1/imports", new).await.expect(201);
    begun["import_id"].as_str().unwrap().to_owned()
}

async fn put(stack: &Stack, import: &str, part: u32, list: &str) -> Reply {
    let path = format!("/v1/imports/{import}/parts/{part}");
    stack.by(Role::Marketing).send(Method::PUT, &path, &[("content-type", "text/csv")], list).await
}

/// Returns the results of all rows, and the number of pages.
async fn rows(stack: &Stack, import: &str) -> (Vec<Value>, usize) {
    let (mut all, mut pages, mut from) = (Vec::new(), 0, String::new());
    loop {
        let page = stack.by(Role::Marketing).get(&format!("/v1/imports/{import}/rows{from}")).await.expect(200);
        all.extend(page["rows"].as_array().unwrap().iter().cloned());
        pages += 1;
        match page["next"].as_str() {
            Some(next) => from = format!("?from={}", next.replace('#', "%23")),
            None => return (all, pages),
        }
    }
}

fn leads(rows: &[Value]) -> Vec<String> {
    rows.iter().filter_map(|row| row["lead_id"].as_str()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_row_has_a_result_and_blocks_no_other() {
    let stack = Stack::start().await;
    let import = begin(&stack, false).await;
    let done = put(&stack, &import, 1, LIST).await;
    insta::assert_snapshot!("part", done.shown().replace(&import, "[import]"));
    let (results, _) = rows(&stack, &import).await;
    assert_eq!(results.len(), 6);
    for lead in leads(&results) {
        stack.expect_lead(&lead);
    }
    let whole = stack.by(Role::Marketing).get(&format!("/v1/imports/{import}")).await.expect(200);
    assert_eq!((&whole["rows"], &whole["accepted"], &whole["rejected"]), (&json!(6), &json!(3), &json!(3)));

    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("merged")), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_stores_nothing() {
    let stack = Stack::start().await;
    let import = begin(&stack, true).await;
    let done = put(&stack, &import, 1, LIST).await.expect(200);
    assert_eq!((&done["accepted"], &done["rejected"], &done["dry_run"]), (&json!(3), &json!(3), &json!(true)));
    assert_eq!(rows(&stack, &import).await.0.len(), 6);
    assert_eq!(stack.finish().await.leads(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_part_changes_nothing_and_other_content_is_rejected() {
    let stack = Stack::start().await;
    let import = begin(&stack, false).await;
    let first = put(&stack, &import, 1, LIST).await.expect(200);
    stack.settled().await;
    assert_eq!(put(&stack, &import, 1, LIST).await.expect(200), first);
    // The same rows in another part are the same leads.
    assert_eq!(put(&stack, &import, 2, LIST).await.expect(200)["accepted"], 3);
    let other = LIST.replace("demo", "webinar");
    let refused = put(&stack, &import, 1, &other).await;
    insta::assert_snapshot!(refused.shown(), @r#"
    409
    {
      "code": "part_exists",
      "detail": "use the next part number for more rows; the imported rows are leads already",
      "status": 409,
      "title": "part 1 was already imported with different content"
    }
    "#);

    let (results, pages) = rows(&stack, &import).await;
    assert!(results.len() == 12 && pages >= 2, "each of two small parts is a page: {pages}");
    assert_eq!(leads(&results).iter().collect::<BTreeSet<_>>().len(), 3);
    for lead in leads(&results) {
        stack.expect_lead(&lead);
    }
    let counted = stack.finish().await;
    assert_eq!((counted.leads(), counted.turns), (3, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_begins_the_same_import() {
    let stack = Stack::start().await;
    let new = json!({"name": "trade fair"}).to_string();
    let headers = [("idempotency-key", "fair-2026")];
    let marketing = stack.by(Role::Marketing);
    let first = marketing.send(Method::POST, "/v1/imports", &headers, new.clone()).await.expect(201);
    assert_eq!(marketing.send(Method::POST, "/v1/imports", &headers, new).await.expect(201), first);
    let other = json!({"name": "trade fair", "dry_run": true}).to_string();
    let refused = marketing.send(Method::POST, "/v1/imports", &headers, other).await.expect(409);
    assert_eq!(refused["code"], "import_exists");
    stack.finish().await;
}
