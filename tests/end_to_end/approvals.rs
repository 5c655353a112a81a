//! Changing the rulebook: approval by two people, activation now or at a given time, and rollback.

use std::fmt::Write as _;

use fairleader_api::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::company::RULEBOOK;
use crate::harness::{Reply, Setup, Stack};

/// The rulebook, with every other lead going to the pool `watch`.
fn to_watch() -> String {
    RULEBOOK.replace("then: { pool: inbound, if_nobody: wait }", "then: { pool: watch, if_nobody: wait }")
}

fn demo(name: &str) -> Value {
    json!({"email": format!("{name}@{name}.example"), "did": "demo"})
}

fn why(reply: &Reply) -> &str {
    reply.body["title"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_in_marketing_and_another_in_sales_must_approve() {
    let stack = Stack::start().await;
    let (mara, otto) = (stack.person("mara").await, stack.person("otto").await);
    let yaml = [("content-type", "application/yaml")];
    let path = "/v1/rulebooks?purpose=The%20watch%20desk%20takes%20over%20%E2%80%93%20for%20now&owner=otto";
    let kept = mara.send(Method::POST, path, &yaml, to_watch()).await.expect(201);
    assert_eq!((&kept["version"], &kept["approval"]), (&json!("000002"), &json!("two_people")));
    let unknown = mara.send(Method::POST, "/v1/rulebooks?owner=nobody", &yaml, to_watch()).await;
    assert_eq!((unknown.status, &unknown.body["errors"][0]["pointer"]), (422, &json!("/owner")), "{}", unknown.text);

    let mut said = String::new();
    let mut note = |title: &str, reply: &Reply| writeln!(said, "## {title}\n{}\n", reply.shown()).unwrap();
    let at = |verb: &str| format!("/v1/rulebooks/000002/{verb}");
    note("nobody agreed yet", &mara.post(&at("activate"), Value::Null).await);
    // A program's key cannot approve, whatever its role. Nor can a person of neither side.
    for role in [Role::Marketing, Role::Admin] {
        let refused = stack.by(role).post(&at("approve"), Value::Null).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("not_a_person")), "{}", refused.text);
    }
    note("a program approves", &stack.by(Role::Sales).post(&at("approve"), Value::Null).await);
    note("an admin approves", &stack.new_person("ada", "admin").await.post(&at("approve"), Value::Null).await);
    stack.new_person("vera", "viewer").await.post(&at("approve"), Value::Null).await.expect(403);

    mara.post(&at("approve"), json!({"comment": "as agreed on Monday"})).await.expect(200);
    mara.post(&at("approve"), Value::Null).await.expect(200);
    note("one side agreed", &otto.post(&at("activate"), Value::Null).await);
    // A person who changes sides cannot approve twice.
    let moved = stack.new_person("mara", "sales").await;
    note("the same person for the other side", &moved.post(&at("approve"), Value::Null).await);
    let mara = stack.new_person("mara", "marketing").await;

    note("an objection without a reason", &otto.post(&at("object"), json!({"reason": " "})).await);
    otto.post(&at("object"), json!({"reason": "the fair is not over"})).await.expect(200);
    note("an objection", &mara.post(&at("activate"), Value::Null).await);
    mara.post(&at("comments"), json!({"text": "It is over on Friday."})).await.expect(200);
    let others = mara.post(&at("withdraw"), json!({"person": "otto"})).await;
    assert_eq!(others.status, 403, "{}", others.text);
    note("nothing to take back", &stack.new_person("nils", "sales").await.post(&at("withdraw"), Value::Null).await);
    otto.post(&at("withdraw"), Value::Null).await.expect(200);
    let refused = otto.post(&at("activate"), Value::Null).await;
    assert_eq!((refused.status, why(&refused)), (409, "rulebook 000002 is not approved: needs approval from sales"));
    let agreed = otto.post(&at("approve"), Value::Null).await.expect(200);
    assert_eq!(agreed["waits_for"], Value::Null);

    let active = otto.post(&at("activate"), Value::Null).await.expect(200);
    assert_eq!((&active["active"], &active["planned"]), (&json!(true), &Value::Null));
    stack.pass(1);
    let lead = stack.submit(demo("ada")).await;
    assert_eq!(stack.at(&lead, "assigned").await["owner"], "emil");

    note("the record", &stack.by(Role::Viewer).get("/v1/rulebooks").await);
    insta::assert_snapshot!("approvals", said);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_all_concurrent_approvals() {
    let stack = Stack::start().await;
    stack.upload(&to_watch()).await;
    let mut people = vec![stack.person("mara").await, stack.person("otto").await];
    for number in 0..6 {
        people.push(stack.new_person(&format!("p{number}"), if number % 2 == 0 { "sales" } else { "marketing" }).await);
    }
    let approvals = people.iter().map(|person| person.post("/v1/rulebooks/000002/approve", Value::Null));
    for reply in futures::future::join_all(approvals).await {
        reply.expect(200);
    }
    let record = stack.by(Role::Viewer).get("/v1/rulebooks/000002").await.expect(200)["record"].clone();
    assert_eq!(record["approvals"].as_array().unwrap().len(), people.len(), "{record:#}");
    stack.by(Role::Sales).post("/v1/rulebooks/000002/activate", Value::Null).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_objection_is_heard_after_any_number_of_comments() {
    let stack = Stack::start().await;
    let version = stack.upload(&to_watch()).await;
    stack.approve(&version).await;
    let (mara, otto) = (stack.person("mara").await, stack.person("otto").await);
    let at = |verb: &str| format!("/v1/rulebooks/{version}/{verb}");
    let mut number = 0;
    let full = loop {
        let reply = mara.post(&at("comments"), json!({"text": format!("remark {number}")})).await;
        if reply.status != 200 {
            break reply;
        }
        number += 1;
    };
    assert_eq!((full.status, &full.body["code"], number), (409, &json!("too_much_said"), 80), "{}", full.text);
    otto.post(&at("object"), json!({"reason": "too early"})).await.expect(200);
    let refused = stack.by(Role::Sales).post(&at("activate"), Value::Null).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("not_approved")), "{}", refused.text);
    otto.post(&at("approve"), Value::Null).await.expect(200);
    stack.by(Role::Sales).post(&at("activate"), Value::Null).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_with_one_address_cannot_approve_for_both_sides() {
    let stack = Stack::start().await;
    let version = stack.upload(&to_watch()).await;
    let admin = stack.by(Role::Admin);
    let mut twins = Vec::new();
    for (person, email, role) in [("uno", "Twin@x.example", "marketing"), ("due", "twin+2@x.example", "sales")] {
        let about = json!({"name": person, "email": email, "role": role});
        admin.put(&format!("/v1/people/{person}"), about).await.expect(200);
        let made = admin.post("/v1/keys", json!({"person": person})).await.expect(201);
        twins.push(stack.with_key(made["key"].as_str().unwrap()));
    }
    let path = format!("/v1/rulebooks/{version}/approve");
    twins[0].post(&path, Value::Null).await.expect(200);
    let refused = twins[1].post(&path, Value::Null).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("approved_by_one_person")), "{}", refused.text);
    assert!(!refused.text.contains('@'), "{}", refused.text);
    let record = stack.person("otto").await.post(&path, Value::Null).await;
    assert!(!record.text.contains('@'), "the record shows no address: {}", record.text);
    assert_eq!(record.expect(200)["waits_for"], Value::Null);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_version_becomes_active_by_itself() {
    let stack = Stack::start().await;
    let sales = stack.by(Role::Sales);
    let second = stack.upload(&to_watch()).await;
    let plan = json!({"at": "2026-03-03T10:00:00Z"});
    let activate = format!("/v1/rulebooks/{second}/activate");
    sales.post(&activate, plan.clone()).await.expect(409);
    stack.approve(&second).await;
    let past = sales.post(&activate, json!({"at": "2026-03-03T08:00:00Z"})).await;
    assert_eq!(
        (past.status, why(&past)),
        (422, "`2026-03-03T08:00:00Z` is not in the future; leave out `at` to activate the version now")
    );
    let planned = sales.post(&activate, plan.clone()).await.expect(200);
    assert_eq!((&planned["active"], &planned["planned"]["version"]), (&json!(false), &json!(second)));
    assert_eq!(sales.post(&activate, plan.clone()).await.expect(200), planned, "a repeat changes nothing");

    // The plan is cancelled and made again; an objection cancels it too.
    assert_eq!(sales.delete(&activate).await.expect(200)["planned"], Value::Null);
    sales.post(&activate, plan.clone()).await.expect(200);
    let otto = stack.person("otto").await;
    let objected = otto.post(&format!("/v1/rulebooks/{second}/object"), json!({"reason": "not yet"})).await.expect(200);
    assert_eq!(objected["planned_activation"], "cancelled");
    assert_eq!(sales.get("/v1/rulebooks").await.expect(200)["planned"], Value::Null);
    otto.post(&format!("/v1/rulebooks/{second}/approve"), Value::Null).await.expect(200);
    sales.post(&activate, plan.clone()).await.expect(200);
    // A pool that the planned version names cannot be deleted.
    assert_eq!(sales.delete("/v1/pools/watch").await.status, 409);

    stack.pass(59);
    let before = stack.submit(demo("before")).await;
    assert_eq!(stack.at(&before, "assigned").await["rulebook"], "000001");
    stack.pass(1);
    let after = stack.submit(demo("after")).await;
    let lead = stack.at(&after, "assigned").await;
    assert_eq!((&lead["rulebook"], &lead["owner"]), (&json!("000002"), &json!("emil")));
    assert_eq!(sales.get("/v1/rulebooks/active").await.expect(200)["version"], "000002");
    sales.post(&activate, plan).await.expect(200);
    assert_eq!(sales.delete(&activate).await.status, 409);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolls_back_in_one_call_and_a_repeat_changes_nothing() {
    let stack = Stack::start().await;
    let sales = stack.by(Role::Sales);
    let (mara, otto) = (stack.person("mara").await, stack.person("otto").await);
    let rollback = "/v1/rulebooks/rollback";
    let nothing = otto.post(rollback, json!({"reason": "wrong pool"})).await;
    assert_eq!((nothing.status, why(&nothing)), (409, "cannot roll back: no version was active before 000001"));
    let second = stack.upload(&to_watch()).await;
    stack.approve(&second).await;
    sales.post(&format!("/v1/rulebooks/{second}/activate"), Value::Null).await.expect(200);
    stack.pass(1);

    // A person rolls back, with a reason.
    let from = json!({"from": second, "reason": "the watch desk is not staffed"});
    let program = sales.post(rollback, from.clone()).await;
    assert_eq!((program.status, &program.body["code"]), (403, &json!("not_a_person")), "{}", program.text);
    for body in [Value::Null, json!({}), json!({"from": second}), json!({"from": second, "reason": " "})] {
        let refused = otto.post(rollback, body).await;
        assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid_body")), "{}", refused.text);
    }
    // An objection to the earlier version stops it.
    mara.post("/v1/rulebooks/000001/object", json!({"reason": "it forgets Spain"})).await.expect(200);
    let refused = otto.post(rollback, from.clone()).await;
    assert_eq!(
        (refused.status, &refused.body["code"], why(&refused)),
        (409, &json!("objected_to"), "cannot roll back to rulebook 000001: Mara objected: it forgets Spain")
    );
    mara.post("/v1/rulebooks/000001/withdraw", Value::Null).await.expect(200);

    let back = otto.post(rollback, from.clone()).await.expect(200);
    assert_eq!((&back["version"], &back["active"]), (&json!("000001"), &json!(true)));
    assert_eq!(
        (&back["history"][0]["by"], &back["history"][0]["reason"]),
        (&json!("otto"), &json!("the watch desk is not staffed"))
    );
    // A repeat changes nothing, even if there is an objection by then.
    mara.post("/v1/rulebooks/000001/object", json!({"reason": "it forgets Spain"})).await.expect(200);
    assert_eq!(otto.post(rollback, from).await.expect(200), back);
    let other = otto.post(rollback, json!({"from": "000009", "reason": "wrong pool"})).await;
    assert_eq!((other.status, why(&other)), (409, "cannot roll back from version 000009: version 000001 is active"));
    let history = &sales.get("/v1/rulebooks").await.expect(200)["history"];
    let causes: Vec<&str> = history.as_array().unwrap().iter().map(|entry| entry["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["rolled_back", "activated", "activated"]);
    stack.pass(1);
    let lead = stack.submit(demo("ada")).await;
    assert_eq!(stack.at(&lead, "assigned").await["pool"], "inbound");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approval_can_be_switched_off_and_replies_show_it() {
    let stack = Stack::with(Setup::default().parameter("RulebookApproval", "off")).await;
    let version = stack.upload(&to_watch()).await;
    let active =
        stack.by(Role::Marketing).post(&format!("/v1/rulebooks/{version}/activate"), Value::Null).await.expect(200);
    assert_eq!((&active["active"], &active["approval"]), (&json!(true), &json!("off")));
    assert_eq!(stack.by(Role::Viewer).get("/v1/rulebooks").await.expect(200)["approval"], "off");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_key_stops_working_when_they_are_deleted() {
    // No role is cached, so a change takes effect at once.
    let stack = Stack::with(Setup::default().parameter("AuthorizerCacheSeconds", "0")).await;
    let admin = stack.by(Role::Admin);
    let wrong = admin.put("/v1/people/nils", json!({"name": " ", "email": "nils", "role": "sales"})).await;
    assert_eq!((wrong.status, wrong.body["errors"].as_array().unwrap().len()), (422, 2), "{}", wrong.text);
    admin.put("/v1/people/nils", json!({"name": "N", "email": "n@b.example", "role": "boss"})).await.expect(422);
    let nobody = admin.post("/v1/keys", json!({"person": "nils"})).await;
    assert_eq!((nobody.status, &nobody.body["errors"][0]["pointer"]), (422, &json!("/person")), "{}", nobody.text);
    stack.by(Role::Sales).get("/v1/people").await.expect(403);

    let nils = stack.new_person("nils", "sales").await;
    nils.get("/v1/reps").await.expect(200);
    nils.delete("/v1/reps/frida").await.expect(204);
    // The key has the person's current role.
    stack.new_person("nils", "viewer").await;
    nils.delete("/v1/reps/emil").await.expect(403);
    let people = admin.get("/v1/people").await.expect(200);
    let ids: Vec<&str> =
        people["people"].as_array().unwrap().iter().map(|person| person["person_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["mara", "nils", "otto"]);

    admin.delete("/v1/people/nils").await.expect(204);
    admin.delete("/v1/people/nils").await.expect(204);
    admin.get("/v1/people/nils").await.expect(404);
    nils.get("/v1/reps").await.expect(403);
    // Nor does it work for a new person with the same id.
    let other = stack.new_person("nils", "sales").await;
    nils.get("/v1/reps").await.expect(403);
    other.get("/v1/reps").await.expect(200);
    stack.finish().await;
}
