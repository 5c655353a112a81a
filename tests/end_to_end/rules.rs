//! Versions of the rulebook, and the roster that it names.

use std::fmt::Write as _;

use fairleader_api::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::company::RULEBOOK;
use crate::harness::Stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activated_version_decides_later_leads_and_can_be_rolled_back() {
    let stack = Stack::start().await;
    let marketing = stack.by(Role::Marketing);
    let demo = |name: &str| json!({"email": format!("{name}@{name}.example"), "did": "demo"});
    let first = stack.submit(demo("first")).await;
    let lead = stack.at(&first, "assigned").await;
    assert_eq!((&lead["pool"], &lead["rulebook"]), (&json!("inbound"), &json!("000001")));

    let second_version = RULEBOOK.replace("then: { pool: inbound, if_nobody: wait }", "then: { pool: watch }");
    let yaml = [("content-type", "application/yaml")];
    let kept = marketing.send(Method::POST, "/v1/rulebooks", &yaml, second_version.clone()).await.expect(201);
    assert_eq!(kept["version"], "000002");
    // An uploaded version is not active yet.
    let between = stack.submit(demo("between")).await;
    assert_eq!(stack.at(&between, "assigned").await["rulebook"], "000001");
    assert_eq!(marketing.get("/v1/rulebooks/active").await.expect(200)["version"], "000001");

    stack.approve("000002").await;
    marketing.post("/v1/rulebooks/000002/activate", Value::Null).await.expect(200);
    let active = marketing.get("/v1/rulebooks/active").await.expect(200);
    assert_eq!((&active["version"], &active["active"]), (&json!("000002"), &json!(true)));
    assert_eq!(active["rulebook"], second_version);
    // Functions check for a new version every few seconds.
    stack.pass(1);
    let later = stack.submit(demo("later")).await;
    let lead = stack.at(&later, "assigned").await;
    assert_eq!((&lead["pool"], &lead["owner"], &lead["rulebook"]), (&json!("watch"), &json!("emil"), &json!("000002")));
    assert_eq!(stack.lead(&first).await["pool"], "inbound", "what was decided stays");

    marketing.post("/v1/rulebooks/000001/activate", Value::Null).await.expect(200);
    stack.pass(1);
    let back = stack.submit(demo("back")).await;
    assert_eq!(stack.at(&back, "assigned").await["pool"], "inbound");
    marketing.post("/v1/rulebooks/000009/activate", Value::Null).await.expect(404);
    stack.rep("anna").await.send(Method::POST, "/v1/rulebooks", &yaml, RULEBOOK).await.expect(403);

    assert_eq!(stack.finish().await.turns, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_deleting_what_is_still_in_use() {
    let stack = Stack::start().await;
    let sales = stack.by(Role::Sales);
    let acme = stack.submit(json!({"email": "buyer@acme.example", "did": "demo"})).await;
    assert_eq!(stack.at(&acme, "assigned").await["owner"], "dora");

    let mut said = String::new();
    for path in ["/v1/pools/inbound", "/v1/reps/anna", "/v1/reps/dora"] {
        let refused = sales.delete(path).await;
        assert_eq!(refused.status, 409, "{path}: {}", refused.text);
        writeln!(said, "DELETE {path}: {}", refused.shown()).unwrap();
    }
    // Without the account, the lead that she has still keeps her on the roster.
    let acme = sales.get("/v1/accounts/acme").await.expect(200);
    sales
        .put(
            "/v1/accounts/acme",
            json!({"owner": "emil", "name": acme["name"], "status": acme["status"], "domains": acme["domains"]}),
        )
        .await
        .expect(200);
    writeln!(said, "DELETE /v1/reps/dora: {}", sales.delete("/v1/reps/dora").await.shown()).unwrap();
    assert_eq!(stack.open("dora").await, 1, "a refused deletion leaves the load as it is");
    // A pool cannot have a deleted rep as a member.
    sales.delete("/v1/reps/frida").await.expect(204);
    sales.get("/v1/reps/frida").await.expect(404);
    let members = json!({"name": "x", "members": [{"rep": "frida"}, {"rep": "anna", "weight": 0}]});
    let refused = sales.put("/v1/pools/inbound", members).await;
    writeln!(said, "PUT /v1/pools/inbound: {}", refused.shown()).unwrap();
    insta::assert_snapshot!("still_needed", said);
    assert_eq!(sales.get("/v1/pools/inbound").await.expect(200)["members"].as_array().unwrap().len(), 2);
    stack.by(Role::Viewer).delete("/v1/reps/emil").await.expect(403);
    stack.finish().await;
}
