//! Lookup tables: they can be changed at any time, while a version of the rulebook keeps the content it was uploaded
//! with.

use std::fmt::Write as _;

use fairleader_api::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::company::RULEBOOK;
use crate::harness::{Caller, Reply, Stack};

/// The rulebook, with a route by territory.
fn by_territory() -> String {
    let lookups =
        "lookups:\n  territory: { from: [country, postal_code], use: territories, gives: [name, pool] }\nblock:";
    RULEBOOK.replacen("block:", lookups, 1).replace(
        "  - rule: Spain\n    if: { country: ES }\n    then: { pool: iberia, if_nobody: wait }\n",
        "  - rule: territories\n    if: { territory.pool: present }\n    then: { pool: from territory.pool, if_nobody: wait }\n",
    )
}

async fn put(by: &Caller<'_>, csv: impl Into<Vec<u8>>) -> Reply {
    by.send(Method::PUT, "/v1/tables/territories", &[("content-type", "text/csv")], csv).await
}

fn from_saxony(name: &str) -> Value {
    json!({"email": format!("{name}@{name}.example"), "country": "DE", "postal_code": "01067", "did": "demo"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_keeps_the_tables_it_was_uploaded_with() {
    let stack = Stack::start().await;
    let (marketing, viewer) = (stack.by(Role::Marketing), stack.by(Role::Viewer));
    let yaml = [("content-type", "application/yaml")];
    let missing = marketing.send(Method::POST, "/v1/rulebooks", &yaml, by_territory()).await;
    assert_eq!(missing.status, 422, "{}", missing.text);
    assert!(missing.text.contains("`territories`"), "{}", missing.text);

    let first = "country,postal_code,name,pool\nDE,01,Saxony,watch\n";
    let kept = put(&marketing, first).await.expect(200);
    // The same content is no change, even with the byte order mark that spreadsheets write.
    stack.pass(1);
    assert_eq!(put(&marketing, format!("\u{feff}{first}")).await.expect(200), kept);
    let second = stack.upload(&by_territory()).await;
    assert_eq!(
        viewer.get(&format!("/v1/rulebooks/{second}")).await.expect(200)["record"]["tables"],
        json!({"territories": kept["sha256"]})
    );
    stack.approve(&second).await;
    marketing.post(&format!("/v1/rulebooks/{second}/activate"), Value::Null).await.expect(200);

    let moved = put(&marketing, first.replace("watch", "iberia")).await.expect(200);
    assert_ne!(moved["sha256"], kept["sha256"]);
    stack.pass(1);
    let lead = stack.submit(from_saxony("ada")).await;
    assert_eq!(stack.at(&lead, "assigned").await["pool"], "watch", "the version keeps its content");

    let third = stack.upload(&by_territory()).await;
    stack.approve(&third).await;
    marketing.post(&format!("/v1/rulebooks/{third}/activate"), Value::Null).await.expect(200);
    // Pools in a table count as named by the rulebook.
    assert_eq!(stack.by(Role::Sales).delete("/v1/pools/iberia").await.body["code"], "still_named");
    stack.pass(1);
    let lead = stack.submit(from_saxony("ben")).await;
    assert_eq!(stack.at(&lead, "assigned").await["pool"], "iberia");
    // A rollback also restores the version's table.
    let mara = stack.person("mara").await;
    mara.post("/v1/rulebooks/rollback", json!({"from": third, "reason": "wrong pool"})).await.expect(200);
    stack.pass(1);
    let lead = stack.submit(from_saxony("carl")).await;
    assert_eq!(stack.at(&lead, "assigned").await["pool"], "watch");

    let listed = viewer.get("/v1/tables").await.expect(200);
    assert_eq!(listed["tables"], json!([moved]));
    let shown = viewer.get("/v1/tables/territories").await.expect(200);
    assert_eq!((&shown["table"], &shown["csv"]), (&moved, &json!(first.replace("watch", "iberia"))));
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_a_large_table_and_rejects_a_wrong_one() {
    let stack = Stack::start().await;
    let marketing = stack.by(Role::Marketing);
    let mut said = String::new();
    for (title, csv) in [
        ("empty", b"".to_vec()),
        ("no rows", b"country,pool\n".to_vec()),
        ("not text", vec![0xff, 0xfe]),
        ("rows of other lengths", b"country,pool\nDE\nAT,inbound,x\n".to_vec()),
    ] {
        writeln!(said, "## {title}\n{}\n", put(&marketing, csv).await.shown()).unwrap();
    }
    insta::assert_snapshot!("tables_refused", said);
    put(&marketing, vec![b'x'; 4 * 1024 * 1024 + 1]).await.expect(413);
    put(&stack.by(Role::Viewer), "country,pool\nDE,inbound\n").await.expect(403);
    let name = marketing.send(Method::PUT, "/v1/tables/Territories", &[], "country,pool\nDE,inbound\n").await;
    assert_eq!((name.status, &name.body["code"]), (422, &json!("invalid_id")), "{}", name.text);
    marketing.get("/v1/tables/territories").await.expect(404);

    // Digits that hardly repeat, so that the table does not fit into one item even when compressed.
    let mut large = "id,name\n".to_owned();
    let mut random = 1_u64;
    for number in 0..70_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        writeln!(large, "{number},{random:016x}{:016x}", random.rotate_left(17)).unwrap();
    }
    assert!(large.len() < 4 * 1024 * 1024);
    let kept = put(&marketing, large.clone()).await.expect(200);
    assert_eq!(kept["rows"], 70_000);
    let shown = marketing.get("/v1/tables/territories").await.expect(200);
    assert!(large.starts_with(shown["csv"].as_str().unwrap()) && shown["next"].is_string());
    stack.finish().await;
}
