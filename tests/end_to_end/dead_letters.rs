//! Dead letters: commands that failed too often, and how they are sent again.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use fairleader_api::Role;
use fairleader_local::company::Company;
use serde_json::{Value, json};

use crate::aws::text;
use crate::company::{self, RULEBOOK};
use crate::harness::{Setup, Stack, eventually};

fn route(lead: &str, schema: u32) -> String {
    json!({"schema": schema, "command": "route_lead", "lead_id": lead, "version": 0, "group": "test", "trace": "test"})
        .to_string()
}

/// Sends messages to the queue of `route`, all in one request.
async fn send(stack: &Stack, bodies: Vec<String>) {
    let entries = bodies
        .into_iter()
        .enumerate()
        .map(|(i, body)| {
            SendMessageBatchRequestEntry::builder().id(format!("m{i}")).message_body(body).build().unwrap()
        })
        .collect();
    let request = stack.aws.queues.send_message_batch().queue_url(stack.aws.queue_url("route"));
    let answer = request.set_entries(Some(entries)).send().await.unwrap();
    assert!(answer.failed().is_empty(), "{:?}", answer.failed());
}

/// Switches a rep on or off in the table only, so that no pool is woken.
async fn switch_quietly(stack: &Stack, rep: &str, on: bool) {
    let request = stack.aws.tables.update_item().table_name("fairleader-reps");
    request
        .key("rep_id", AttributeValue::S(rep.to_owned()))
        .key("part", AttributeValue::S("load".to_owned()))
        .update_expression("SET #on = :on")
        .expression_attribute_names("#on", "on")
        .expression_attribute_values(":on", AttributeValue::Bool(on))
        .send()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_message_holds_its_own_lead_and_blocks_no_other() {
    let stack = Stack::with(Setup::impatient()).await;
    for rep in ["anna", "ben"] {
        switch_quietly(&stack, rep, false).await;
    }
    let mut leads = Vec::new();
    for number in 0..10 {
        let lead = json!({"email": format!("p{number}@c{number}.example"), "did": "demo"});
        leads.push(stack.accepted(&stack.submit_as(&format!("poison-{number}"), lead).await));
    }
    for lead in &leads {
        stack.at(lead, "waiting").await;
    }
    stack.settled().await;
    for rep in ["anna", "ben"] {
        switch_quietly(&stack, rep, true).await;
    }

    let (poisoned, good) = leads.split_last().unwrap();
    let mut batch: Vec<String> = good.iter().map(|lead| route(lead, 1)).collect();
    batch.insert(4, route(poisoned, 99));
    send(&stack, batch).await;
    for lead in good {
        stack.at(lead, "assigned").await;
    }
    let lead = stack.at(poisoned, "held").await;
    assert_eq!((&lead["reason"], &lead["held_from"]), (&json!("failed_in_fairleader-route"), &json!("waiting")));
    for lead in good {
        assert_eq!(stack.events(lead).await, ["LeadWaiting", "LeadAssigned"], "each of them once");
    }
    let sales = stack.by(Role::Sales);
    stack.indexed().await;
    insta::assert_snapshot!("dead_letters", format!("{:#}", sales.get("/v1/dead-letters").await.expect(200)));

    // The lead is decided again; the poison message itself is not sent again.
    sales.post(&format!("/v1/dead-letters/{poisoned}/redrive"), Value::Null).await.expect(202);
    stack.at(poisoned, "assigned").await;
    assert_eq!(stack.events(poisoned).await, ["LeadWaiting", "LeadHeld", "LeadReleased", "LeadAssigned"]);
    assert_eq!(sales.get("/v1/dead-letters").await.expect(200)["commands"], json!([]));

    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("held"), counted.turns), (10, 0, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_command_of_an_owned_lead_is_listed_and_can_be_cleared() {
    let stack = Stack::with(Setup::impatient()).await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;
    send(&stack, vec![route(&lead, 99)]).await;
    let sales = stack.by(Role::Sales);
    let letters = eventually("the command to be listed", async || {
        let letters = sales.get("/v1/dead-letters").await.expect(200);
        (letters["commands"] != json!([])).then_some(letters)
    })
    .await;
    assert_eq!((&letters["held"], &letters["commands"][0]["lead_id"]), (&json!([]), &json!(lead)));
    for cursor in ["nonsense", "a.b", "a.b.first"] {
        let refused = sales.get(&format!("/v1/dead-letters?commands_from={cursor}")).await;
        assert_eq!((refused.status, &refused.body["code"]), (400, &json!("invalid_cursor")), "{cursor}");
    }
    sales.post(&format!("/v1/dead-letters/{lead}/redrive"), Value::Null).await.expect(202);
    assert_eq!(sales.get("/v1/dead-letters").await.expect(200)["commands"], json!([]));
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.turns), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_held_by_a_rule_continues_with_another_rulebook() {
    let stack = Stack::with(Setup::default().empty()).await;
    let holding = RULEBOOK.replace("then: { pool: inbound, if_nobody: wait }", "then: { hold: review }");
    stack.install(&Company { rulebook: holding, ..company::small() }).await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    assert_eq!(stack.at(&lead, "held").await["reason"], "review");
    let sales = stack.by(Role::Sales);
    let redrive = format!("/v1/dead-letters/{lead}/redrive");
    insta::assert_snapshot!(sales.post(&redrive, Value::Null).await.shown().replace(&lead, "[lead]"), @r#"
    409
    {
      "code": "held_by_rule",
      "detail": "activate a rulebook that does not hold it, then redrive it",
      "status": 409,
      "title": "rule `everyone else` of the active rulebook 000001 holds lead `[lead]`"
    }
    "#);

    stack.install(&company::small()).await;
    stack.pass(1);
    sales.post(&redrive, Value::Null).await.expect(202);
    assert_eq!(stack.at(&lead, "assigned").await["owner"], "anna");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_leads_can_be_released_together() {
    const LEADS: usize = 25;
    let stack = Stack::with(Setup::default().empty()).await;
    let holding = RULEBOOK.replace("then: { pool: inbound, if_nobody: wait }", "then: { hold: review }");
    stack.install(&Company { rulebook: holding, ..company::small() }).await;
    let mut leads = Vec::new();
    for number in 0..LEADS {
        leads.push(stack.submit(json!({"email": format!("p{number}@c{number}.example"), "did": "demo"})).await);
    }
    for lead in &leads {
        stack.at(lead, "held").await;
    }
    stack.indexed().await;
    let sales = stack.by(Role::Sales);
    let redrive = async |body: Value| sales.post("/v1/dead-letters/redrive", body).await;
    stack.by(Role::Marketing).post("/v1/dead-letters/redrive", json!({"reason": "review"})).await.expect(403);
    let everything = redrive(json!({})).await.expect(422);
    assert_eq!(everything["errors"][0]["pointer"], "/reason");
    assert_eq!(redrive(json!({"reason": "review", "cursor": "x"})).await.expect(400)["code"], "invalid_cursor");
    for other in [json!({"reason": "other"}), json!({"source": "elsewhere"})] {
        let none = redrive(other).await.expect(202);
        assert_eq!((&none["leads"], &none["not_released"], &none["next"]), (&json!([]), &json!([]), &Value::Null));
    }
    // The active rulebook would hold them again.
    let kept = redrive(json!({"reason": "review"})).await.expect(202);
    assert_eq!((kept["leads"].as_array().unwrap().len(), kept["not_released"].as_array().unwrap().len()), (0, LEADS));
    assert_eq!(kept["not_released"][0]["code"], "held_by_rule");

    stack.install(&company::small()).await;
    stack.pass(1);
    let released = redrive(json!({"reason": "review", "source": "web"})).await.expect(202);
    assert_eq!(
        (&released["commands"], &released["not_released"], &released["next"]),
        (&json!(LEADS), &json!([]), &Value::Null)
    );
    let mut named: Vec<&str> = released["leads"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    named.sort_unstable();
    leads.sort();
    assert_eq!(named, leads);
    stack.settled().await;
    for lead in &leads {
        let stage = stack.lead(lead).await["stage"].clone();
        assert!(stage == "assigned" || stage == "waiting", "{stage}");
    }
    assert_eq!(redrive(json!({"reason": "review"})).await.expect(202)["leads"], json!([]), "a repeat does no harm");
    let audit = sales.get("/v1/audit?kind=lead").await.expect(200);
    let entries = audit["entries"].as_array().unwrap();
    assert_eq!(entries.len(), LEADS);
    let entry = json!({"reason": "review", "held_from": "stored"});
    assert!(entries.iter().all(|found| found["action"] == "released" && found["before"] == entry), "{entries:#?}");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_lead_continues_once_the_cause_is_fixed() {
    let stack = Stack::with(Setup::impatient().empty()).await;
    // No rulebook is active, so nothing can be decided.
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    let held = stack.at(&lead, "held").await;
    assert_eq!((&held["reason"], &held["held_from"]), (&json!("failed_in_fairleader-enrich"), &json!("stored")));
    let sales = stack.by(Role::Sales);
    stack.indexed().await;
    let letters = sales.get("/v1/dead-letters").await.expect(200);
    assert_eq!(letters["held"][0]["lead_id"], json!(lead));
    assert_eq!(letters["held"][0]["commands"][0]["queue"], "fairleader-enrich");

    stack.install(&company::small()).await;
    stack.pass(1);
    let redrive = format!("/v1/dead-letters/{lead}/redrive");
    assert_eq!(sales.post(&redrive, Value::Null).await.expect(202), json!({"lead_id": lead, "commands": 1}));
    assert_eq!(stack.at(&lead, "assigned").await["owner"], "anna");
    assert_eq!(stack.events(&lead).await, ["LeadHeld", "LeadReleased", "LeadAssigned"]);
    assert_eq!(sales.get("/v1/dead-letters").await.expect(200)["held"], json!([]));
    sales.post(&redrive, Value::Null).await.expect(404);
    // A viewer may not do it.
    stack.by(Role::Viewer).post(&redrive, Value::Null).await.expect(403);

    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.turns), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_command_stays_in_the_queue() {
    let stack = Stack::with(Setup::impatient()).await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;
    send(&stack, vec!["hello".to_owned(), route("no-such-lead", 1), r#"{"schema": 1}"#.to_owned()]).await;
    let sales = stack.by(Role::Sales);
    eventually("the unreadable ones to be counted", async || {
        (sales.get("/v1/dead-letters").await.expect(200)["unreadable"] == 2).then_some(())
    })
    .await;
    // A command for an unknown lead puts that lead on hold, so that it can be seen.
    stack.at("no-such-lead", "held").await;
    stack.expect_lead("no-such-lead");
    let refused = sales.post("/v1/dead-letters/no-such-lead/redrive", Value::Null).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("never_stored")), "{}", refused.text);
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.stage("held")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drops_stale_commands_without_dead_letters() {
    let stack = Stack::with(Setup::impatient()).await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;
    stack.settled().await;
    // The same command twice in one batch, because queues deliver at least once.
    send(&stack, vec![route(&lead, 1), route(&lead, 1)]).await;
    stack.settled().await;
    let items = stack.aws.scan("leads").await;
    let dead: Vec<_> = items.iter().map(|item| text(item, "part")).filter(|part| part.starts_with("dead#")).collect();
    assert!(dead.is_empty(), "{dead:?}");
    assert_eq!(stack.events(&lead).await, ["LeadAssigned"]);
    stack.finish().await;
}
