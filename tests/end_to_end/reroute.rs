//! Rerouting: open leads that no rep talks to yet go where the new rulebook sends them, from its start on.

use fairleader_api::Role;
use fairleader_local::api::Api;
use fairleader_local::commands::reroute;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::company::RULEBOOK;
use crate::harness::Stack;

/// The rulebook with Portugal moved to the pool of Spain, and a named owner for Austria.
fn moved() -> String {
    RULEBOOK.replace("if: { country: ES }", "if: { country: [ES, PT] }").replace(
        "  - rule: everyone else",
        "  - rule: Austria\n    if: { country: AT }\n    then: { owner: frida, if_unavailable: assign }\n  - rule: everyone else",
    )
}

fn from(name: &str, country: &str) -> Value {
    json!({"email": format!("{name}@{name}.example"), "country": country, "did": "demo"})
}

async fn ledger(stack: &Stack, pool: &str) -> Value {
    stack.by(Role::Sales).get(&format!("/v1/pools/{pool}/ledger")).await.expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reroutes_open_leads_that_are_not_accepted_yet() {
    let stack = Stack::start().await;
    let mut leads = Vec::new();
    for (name, country) in [("p1", "PT"), ("p2", "PT"), ("p3", "PT"), ("a1", "AT"), ("d1", "DE"), ("e1", "ES")] {
        let lead = stack.submit(from(name, country)).await;
        stack.at(&lead, "assigned").await;
        leads.push(lead);
    }
    let [first, second, talked_to, austrian, german, spanish] = <[String; 6]>::try_from(leads).unwrap();
    let owner = stack.lead(&talked_to).await["owner"].as_str().unwrap().to_owned();
    let path = format!("/v1/leads/{talked_to}/accept");
    stack.rep(&owner).await.post(&path, json!({"assignment": 1})).await.expect(200);

    let version = stack.upload(&moved()).await;
    stack.approve(&version).await;
    let sales = stack.by(Role::Sales);
    let path = format!("/v1/rulebooks/{version}/reroute");
    let api = Api::new(stack.api_url(), stack.machine().keys.of(Role::Sales)).unwrap();
    stack.indexed().await;
    let preview = reroute::preview(&api, &version, |_| {}).await.unwrap();
    insta::assert_snapshot!(preview.sentences.join("\n"), @"
    3 of 6 open leads would move, all assigned but not accepted yet.
    Pool `inbound` loses 3, `iberia` gets 2.
    Owner `anna` loses 2, `ben` loses 1, `frida` gets 1.
    The rest stay: 1 already accepted by the owner; 2 with the same destination.
    ");
    assert_eq!(preview.report.examples.len(), 3);

    // It cannot begin while the version is not active, but can be planned for when it is.
    let refused = sales.post(&path, Value::Null).await.expect(409);
    assert_eq!(refused["code"], "not_active");
    let (activate, day) = (format!("/v1/rulebooks/{version}/activate"), "2026-03-03T12:00:00Z");
    stack.person("otto").await.post(&activate, json!({"at": day})).await.expect(200);
    sales.post(&path, json!({"at": "2026-03-03T11:59:00Z"})).await.expect(409);
    let planned = sales.post(&path, json!({"at": day})).await.expect(202);
    assert_eq!((&planned["state"], &planned["begins_after"]), (&json!("planned"), &json!("2026-03-03T12:00:30Z")));
    sales.post(&path, json!({"at": day})).await.expect(202);

    stack.pass(120);
    stack.sweep().await;
    stack.settled().await;
    assert_eq!(stack.lead(&first).await["pool"], "inbound", "its day has not come");

    stack.pass(61);
    // Two concurrent sweeps do no harm.
    tokio::join!(stack.sweep(), stack.sweep());
    stack.settled().await;
    let done = sales.get(&path).await.expect(200);
    assert_eq!(done["state"], "done");
    assert!(done["queued"].as_u64().unwrap() >= 6, "a moved lead may be queued twice: {done}");

    // Carla is at capacity, so both are on the waiting list of her pool.
    for lead in [&first, &second] {
        let lead = stack.lead(lead).await;
        assert_eq!((&lead["stage"], &lead["pool"]), (&json!("waiting"), &json!("iberia")));
    }
    let lead = stack.lead(&austrian).await;
    assert_eq!((&lead["owner"], &lead["assignment"], &lead["rulebook"]), (&json!("frida"), &json!(2), &json!(version)));
    assert_eq!(stack.lead(&talked_to).await["owner"], owner.as_str());
    for (lead, rulebook) in [(&german, "000001"), (&spanish, "000001")] {
        assert_eq!(stack.lead(lead).await["rulebook"], rulebook, "it goes where it went before");
    }
    let events = stack.by(Role::Sales).get(&format!("/v1/leads/{first}/events")).await.expect(200);
    let last = &events["events"][1];
    assert_eq!((&last["type"], &last["freed_pool"]), (&json!("LeadWaiting"), &json!("inbound")), "{events}");
    let why = stack.by(Role::Sales).get(&format!("/v1/leads/{austrian}/why")).await.expect(200);
    let said = why["decisions"][0]["summary"].as_str().unwrap();
    assert!(said.starts_with("Rule `Austria` gives the lead to `frida`"), "{said}");
    let taken = "It was taken from `anna`, who had not accepted it; the rule names `frida`, who is available.";
    assert!(said.ends_with(taken), "{said}");

    // Three turns were given back; owners who kept their leads still pay for them.
    let inbound = ledger(&stack, "inbound").await;
    let back = inbound["entries"].as_array().unwrap().iter().filter(|entry| entry["given_back"] == true).count();
    assert_eq!((back, &inbound["turns"]), (3, &json!(8)));
    assert_eq!(stack.open("anna").await + stack.open("ben").await, 2);

    // The next free seat in the new pool goes to one of them.
    stack.set_capacity("carla", 2).await;
    stack.settled().await;
    let given = [stack.lead(&first).await, stack.lead(&second).await];
    assert_eq!(given.iter().filter(|lead| lead["owner"] == "carla").count(), 1);

    // A repeat moves nothing.
    assert_eq!(sales.post(&path, Value::Null).await.expect(202)["state"], "planned");
    stack.pass(1);
    stack.sweep().await;
    stack.settled().await;
    assert_eq!(stack.lead(&austrian).await["assignment"], 2);
    let preview = reroute::preview(&api, &version, |_| {}).await.unwrap();
    assert_eq!(preview.report.goes, 0, "{preview:?}");
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("waiting"), counted.stage("accepted")), (4, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rep_who_accepts_during_a_reroute_keeps_the_lead_or_is_rejected() {
    let stack = Stack::start().await;
    stack.set_capacity("carla", 100).await;
    let sent = (0..24).map(|number| stack.submit(from(&format!("p{number}"), "PT")));
    let leads = join_all(sent).await;
    stack.settled().await;
    let version = stack.upload(&moved()).await;
    stack.approve(&version).await;
    let otto = stack.person("otto").await;
    otto.post(&format!("/v1/rulebooks/{version}/activate"), Value::Null).await.expect(200);
    otto.post(&format!("/v1/rulebooks/{version}/reroute"), Value::Null).await.expect(202);
    let (anna, ben) = (stack.rep("anna").await, stack.rep("ben").await);
    let mut owners = Vec::new();
    for lead in &leads {
        owners.push(stack.lead(lead).await["owner"].as_str().unwrap().to_owned());
    }
    stack.pass(1);
    let accept = async |lead: &String, owner: &String| {
        let rep = if owner == "anna" { &anna } else { &ben };
        rep.post(&format!("/v1/leads/{lead}/accept"), json!({"assignment": 1})).await.status
    };
    let ((), answers) = tokio::join!(stack.sweep(), async {
        let mut answers = Vec::new();
        for (lead, owner) in leads.iter().zip(&owners) {
            answers.push(accept(lead, owner).await);
        }
        answers
    });
    stack.settled().await;
    let mut kept = 0;
    for ((lead, owner), answer) in leads.iter().zip(&owners).zip(answers) {
        let now = stack.lead(lead).await;
        let has = (now["owner"].as_str().unwrap(), now["stage"].as_str().unwrap(), now["assignment"].as_u64().unwrap());
        if answer == 200 {
            assert_eq!(has, (owner.as_str(), "accepted", 1));
            kept += 1;
        } else {
            // A lead that moved to another owner is no longer visible to them.
            assert!(matches!(answer, 403 | 404 | 409), "{answer}");
            assert_eq!(has, ("carla", "assigned", 2));
        }
    }
    let counted = stack.finish().await;
    assert_eq!((counted.stage("accepted"), counted.stage("assigned"), counted.turns), (kept, 24 - kept, 48 - kept));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_is_no_longer_active_moves_nothing() {
    let stack = Stack::start().await;
    let lead = stack.submit(from("p1", "PT")).await;
    stack.at(&lead, "assigned").await;
    let version = stack.upload(&moved()).await;
    stack.approve(&version).await;
    let otto = stack.person("otto").await;
    otto.post(&format!("/v1/rulebooks/{version}/activate"), Value::Null).await.expect(200);
    let path = format!("/v1/rulebooks/{version}/reroute");
    otto.post(&path, Value::Null).await.expect(202);
    otto.post("/v1/rulebooks/rollback", json!({"reason": "wrong pool"})).await.expect(200);
    stack.pass(1);
    stack.sweep().await;
    stack.settled().await;
    let ended = otto.get(&path).await.expect(200);
    assert_eq!((&ended["state"], &ended["queued"]), (&json!("superseded"), &json!(0)));
    assert_eq!(stack.lead(&lead).await["pool"], "inbound");

    // A planned reroute can be cancelled.
    otto.post(&format!("/v1/rulebooks/{version}/activate"), Value::Null).await.expect(200);
    otto.post(&path, json!({"at": "2026-03-04T00:00:00Z"})).await.expect(202);
    let ended = otto.send(Method::DELETE, &path, &[], String::new()).await.expect(200);
    assert_eq!(ended["state"], "cancelled");
    stack.pass(24 * 60);
    stack.sweep().await;
    stack.settled().await;
    assert_eq!(stack.lead(&lead).await["pool"], "inbound");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_what_cannot_be_planned() {
    let stack = Stack::start().await;
    let sales = stack.by(Role::Sales);
    let post = async |path: &str, body: Value, status: u16| sales.post(path, body).await.expect(status);
    assert_eq!(post("/v1/rulebooks/000009/reroute", Value::Null, 404).await["code"], "not_found");
    assert_eq!(post("/v1/rulebooks/000009/reroute", json!({"preview": true}), 404).await["code"], "not_found");
    let path = "/v1/rulebooks/000001/reroute";
    assert_eq!(post(path, json!({"at": "2026-01-01T00:00:00Z"}), 422).await["code"], "invalid_body");
    assert_eq!(post(path, json!({"at": "soon"}), 422).await["code"], "invalid_body");
    assert_eq!(post(path, json!({"cursor": "8.rep#anna"}), 422).await["code"], "invalid_body");
    let both = json!({"preview": true, "at": "2027-01-01T00:00:00Z"});
    assert_eq!(post(path, both, 422).await["title"], "`at` was rejected");
    assert_eq!(post(path, json!({"preview": true, "cursor": "nonsense"}), 400).await["code"], "invalid_cursor");
    sales.get(path).await.expect(404);
    stack.by(Role::Viewer).post(path, Value::Null).await.expect(403);
    stack.finish().await;
}
