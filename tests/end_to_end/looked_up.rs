//! Look-ups: leads by person, keys without their secrets, tables, parts of lists, and the API itself.

use fairleader_api::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::company::RULEBOOK;
use crate::harness::{Caller, Stack};

async fn found(by: &Caller<'_>, query: &str) -> Vec<Value> {
    by.get(&format!("/v1/leads?{query}")).await.expect(200)["leads"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finds_the_lead_of_an_address_or_mobile_number() {
    let stack = Stack::start().await;
    let ada = json!({"email": "Ada@Lovelace.example", "phone": "+49 170 1234567", "did": "demo"});
    let first = stack.submit(ada).await;
    assert_eq!(stack.at(&first, "assigned").await["owner"], "anna");
    let again = stack.submit(json!({"email": "ada+fair@lovelace.example", "did": "contact_me"})).await;
    stack.at(&again, "merged").await;

    let viewer = stack.by(Role::Viewer);
    for query in ["email=ADA%2Bnews@lovelace.example", "phone=%2B491701234567", "phone=+49%20170%201234567"] {
        let leads = found(&viewer, query).await;
        assert_eq!(leads.len(), 1, "{query}");
        assert_eq!((&leads[0]["lead_id"], &leads[0]["stage"]), (&json!(first), &json!("assigned")), "{query}");
        // The reply is a view without the fields that only storage and decisions need.
        for inner in ["version", "payload_hash", "last_event", "ledger"] {
            assert_eq!(leads[0].get(inner), None, "{inner}");
        }
        assert_eq!(leads[0]["profile"]["contact"]["email"].get("identity"), None);
    }
    assert_eq!(found(&viewer, "email=nobody@lovelace.example").await.len(), 0);
    // A rep finds only the leads they own, and a source finds none.
    assert_eq!(found(&stack.rep("anna").await, "email=ada@lovelace.example").await.len(), 1);
    assert_eq!(found(&stack.rep("ben").await, "email=ada@lovelace.example").await.len(), 0);
    stack.by(Role::Source).get("/v1/leads?email=ada@lovelace.example").await.expect(403);

    let wrong = ["", "?email=ada", "?phone=12", "?phone=%2B493090182000", "?email=a@b.example&phone=%2B491701234567"];
    for query in wrong {
        let refused = viewer.get(&format!("/v1/leads{query}")).await.expect(400);
        assert_eq!(refused["code"], "invalid_search", "{query}: {refused}");
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_keys_without_their_secrets() {
    let stack = Stack::start().await;
    let admin = stack.by(Role::Admin);
    let made = admin.post("/v1/keys", json!({"role": "source", "subject": "partner"})).await.expect(201);
    let of_mara = admin.post("/v1/keys", json!({"person": "mara"})).await.expect(201);
    let listed = admin.get("/v1/keys").await;
    for secret in [&made["key"], &of_mara["key"]] {
        assert!(!listed.text.contains(secret.as_str().unwrap()));
    }
    let keys = listed.expect(200);
    let key = |id: &Value| keys["keys"].as_array().unwrap().iter().find(|key| key["id"] == *id).cloned();
    let partner = key(&made["id"]).unwrap();
    assert_eq!((&partner["role"], &partner["subject"]), (&json!("source"), &json!("partner")));
    assert_eq!(partner["created_at"], "2026-03-03T09:00:00Z");
    assert_eq!(key(&of_mara["id"]).unwrap()["person"], "mara");

    let id = made["id"].as_str().unwrap();
    admin.delete(&format!("/v1/keys/{id}")).await.expect(204);
    // A wrong id does not look as if a key had stopped working.
    for unknown in [id, "ba78", made["key"].as_str().unwrap()] {
        let missing = admin.delete(&format!("/v1/keys/{unknown}")).await;
        assert_eq!((missing.status, &missing.body["code"]), (404, &json!("not_found")), "{}", missing.text);
        assert!(!missing.text.contains(unknown), "{}", missing.text);
    }
    let left = admin.get("/v1/keys").await.expect(200);
    assert!(left["keys"].as_array().unwrap().iter().all(|key| key["id"] != made["id"]));
    stack.by(Role::Sales).get("/v1/keys").await.expect(403);
    for (body, field) in [
        (json!({"role": "source"}), "/subject"),
        (json!({"subject": "x"}), "/role"),
        (json!({"person": "mara", "role": "admin"}), "/person"),
        (json!({"person": "mara", "secret": "x"}), "/secret"),
    ] {
        let refused = admin.post("/v1/keys", body).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], field, "{refused}");
    }
    assert_eq!(admin.get("/v1/keys?from=nonsense").await.expect(400)["code"], "invalid_cursor");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_keeps_a_table_whose_name_is_deleted() {
    let stack = Stack::start().await;
    let marketing = stack.by(Role::Marketing);
    let csv = [("content-type", "text/csv")];
    let table = "country,pool\nGB,watch\n";
    marketing.send(Method::PUT, "/v1/tables/desks", &csv, table).await.expect(200);
    let lookups = "lookups:\n  desk: { from: country, use: desks, gives: [pool] }\nblock:";
    let by_desk = RULEBOOK.replacen("block:", lookups, 1).replacen(
        "  - rule: Spain\n    if: { country: ES }\n    then: { pool: iberia, if_nobody: wait }\n",
        "  - rule: desks\n    if: { desk.pool: present }\n    then: { pool: from desk.pool, if_nobody: wait }\n",
        1,
    );
    let version = stack.upload(&by_desk).await;
    stack.approve(&version).await;
    marketing.post(&format!("/v1/rulebooks/{version}/activate"), Value::Null).await.expect(200);

    stack.by(Role::Viewer).delete("/v1/tables/desks").await.expect(403);
    for _ in 0..2 {
        marketing.delete("/v1/tables/desks").await.expect(204);
    }
    marketing.get("/v1/tables/desks").await.expect(404);
    assert_eq!(marketing.get("/v1/tables").await.expect(200)["tables"], json!([]));
    stack.pass(1);
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "country": "GB", "did": "demo"})).await;
    assert_eq!(stack.at(&lead, "assigned").await["pool"], "watch", "the active version has its own content");
    let yaml = [("content-type", "application/yaml")];
    let refused = marketing.send(Method::POST, "/v1/rulebooks", &yaml, by_desk).await;
    assert!(refused.status == 422 && refused.text.contains("`desks`"), "{}", refused.text);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_a_list_are_shown_page_by_page() {
    let stack = Stack::start().await;
    let marketing = stack.by(Role::Marketing);
    let begun = marketing.post("/v1/imports", json!({"name": "fair", "dry_run": true})).await.expect(201);
    let import = begun["import_id"].as_str().unwrap();
    for part in 1..=3 {
        let rows = "email\n".to_owned() + &"ada@lovelace.example\n".repeat(part);
        let path = format!("/v1/imports/{import}/parts/{part}");
        marketing.send(Method::PUT, &path, &[("content-type", "text/csv")], rows).await.expect(200);
    }
    let all = marketing.get(&format!("/v1/imports/{import}")).await.expect(200);
    assert_eq!((&all["rows"], &all["next"]), (&json!(6), &Value::Null));
    let later = marketing.get(&format!("/v1/imports/{import}?from=000001")).await.expect(200);
    let parts: Vec<_> = later["parts"].as_array().unwrap().iter().map(|part| part["part"].clone()).collect();
    assert_eq!((parts, &later["rows"]), (vec![json!(2), json!(3)], &json!(5)));
    let wrong = marketing.get(&format!("/v1/imports/{import}?from=1")).await.expect(400);
    assert_eq!(wrong["code"], "invalid_cursor");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn describes_the_api_without_a_key() {
    let stack = Stack::start().await;
    let described = stack.with_key("").get("/openapi.json").await;
    assert_eq!(described.header("content-type"), "application/json");
    assert_eq!(described.expect(200), fairleader_api::openapi::document());
    stack.finish().await;
}
