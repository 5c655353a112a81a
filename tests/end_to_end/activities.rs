//! Activities: what people do after they became a lead is recorded once, and the lead is rescored and decided again.

use std::collections::BTreeSet;

use fairleader_api::Role;
use fairleader_lead::submission::lead_id;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::aws::text;
use crate::company;
use crate::harness::{Setup, Stack, eventually};
use crate::one_person::claim;

/// The activities in a lead's profile, earliest first, without those that came with a submission.
async fn remembered(stack: &Stack, lead: &str) -> Vec<Value> {
    let lead = stack.lead(lead).await;
    let all = lead["profile"]["activities"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|activity| !activity["id"].as_str().unwrap().contains(':')).collect()
}

/// The full events of a lead.
async fn told(stack: &Stack, lead: &str) -> Vec<Value> {
    let answer = stack.by(Role::Sales).get(&format!("/v1/leads/{lead}/events")).await.expect(200);
    answer["events"].as_array().unwrap().clone()
}

async fn recorded(stack: &Stack, lead: &str) -> usize {
    stack.events(lead).await.iter().filter(|event| *event == "ActivityRecorded").count()
}

async fn inbox(stack: &Stack, rep: &str) -> Vec<String> {
    stack.indexed().await;
    let answer = stack.rep(rep).await.get("/v1/inbox").await.expect(200);
    answer["leads"].as_array().unwrap().iter().map(|lead| lead["lead_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_who_asks_for_a_demo_becomes_an_mql_and_gets_a_rep() {
    let stack = Stack::start().await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "newsletter"})).await;
    assert_eq!(stack.at(&lead, "nurturing").await.get("mql_at"), None);
    stack.pass(60 * 24);
    let webinar = json!({"email": "ADA+fair@Lovelace.example", "did": "Webinar registration", "channel": "Web",
        "spend": "high", "response": "Attended", "product": "Engine", "at": "2026-03-04T07:30:00+01:00"});
    let webinar = stack.act(webinar).await;
    eventually("the webinar to be recorded", async || (recorded(&stack, &lead).await == 1).then_some(())).await;
    stack.settled().await;
    let now = stack.lead(&lead).await;
    assert_eq!((&now["stage"], now.get("mql_at")), (&json!("nurturing"), None));
    assert_eq!(
        remembered(&stack, &lead).await,
        [json!({"id": webinar, "did": "webinar", "at": "2026-03-04T06:30:00Z", "channel": "web", "spend": "high",
            "response": "attended", "product": "engine"})]
    );

    stack.pass(10);
    let demo = stack.act(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    let now = stack.at(&lead, "assigned").await;
    assert_eq!((&now["owner"], &now["mql_at"]), (&json!("anna"), &json!("2026-03-04T09:10:00Z")));
    assert_eq!(now["profile"]["interest"], json!({"did": "demo", "product": "engine"}));

    stack.settled().await;
    let events = told(&stack, &lead).await;
    let names: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(names.first(), Some(&"LeadNurtured"));
    assert!(names.ends_with(&["ActivityRecorded", "LeadScored", "LeadAssigned"]), "{names:?}");
    let became: Vec<&Value> = events.iter().filter(|event| event["became_mql"] == true).collect();
    assert_eq!(became.len(), 1, "{events:?}");
    assert_eq!((&became[0]["mql"], &became[0]["at"]), (&json!(true), &now["mql_at"]));
    let first = events.iter().find(|event| event["type"] == "ActivityRecorded").unwrap();
    assert_eq!(
        first,
        &json!({"id": format!("{lead}#2"), "schema": 1, "lead_id": lead, "seq": 2, "at": "2026-03-04T09:00:00Z",
            "type": "ActivityRecorded", "activity": webinar, "did": "webinar", "did_at": "2026-03-04T06:30:00Z",
            "channel": "web", "spend": "high", "response": "attended"})
    );
    assert_eq!(remembered(&stack, &lead).await[1]["id"], json!(demo));
    assert_eq!(stack.finish().await.turns, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_ten_concurrent_repeats_of_an_activity_once() {
    let stack = Stack::start().await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;
    let webinar = json!({"lead_id": lead, "did": "webinar"});
    let answers = join_all((0..10).map(|_| stack.act_as("click-1", webinar.clone()))).await;
    let distinct: BTreeSet<_> = answers.iter().map(|answer| (answer.status, answer.text.clone())).collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");
    let path = format!("/v1/leads/{lead}");
    assert_eq!(answers[0].header("location"), path);
    assert_eq!(answers[0].clone().expect(202)["status_url"], json!(path));
    eventually("the activity to be recorded", async || (recorded(&stack, &lead).await == 1).then_some(())).await;
    // With the person's address instead of the lead's id, the same key is still the same activity.
    stack.act_as("click-1", json!({"email": "ada@lovelace.example", "did": "webinar"})).await.expect(202);
    stack.settled().await;
    assert_eq!((recorded(&stack, &lead).await, remembered(&stack, &lead).await.len()), (1, 1));
    stack.act_as("click-2", webinar).await.expect(202);
    eventually("another one to be recorded", async || (recorded(&stack, &lead).await == 2).then_some(())).await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reused_key_with_other_content_is_another_activity() {
    let stack = Stack::start().await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;
    let webinar = json!({"lead_id": lead, "did": "webinar"});
    let first = stack.act_as("click-1", webinar.clone()).await.expect(202);
    eventually("the first to be recorded", async || (recorded(&stack, &lead).await == 1).then_some(())).await;
    let call = json!({"lead_id": lead, "did": "call", "response": "Interested"});
    for (activity, minutes) in [(&call, 1), (&webinar, 1), (&call, 1)] {
        stack.pass(minutes);
        stack.act_as("click-1", activity.clone()).await.expect(202);
        stack.settled().await;
    }
    let answer = stack.by(Role::Sales).get(&format!("/v1/leads/{lead}/events")).await.expect(200);
    let told = answer["events"].as_array().unwrap().iter().filter(|event| event["type"] == "ActivityRecorded");
    let told: Vec<_> = told.map(|event| (&event["did"], &event["reused_key_of"], &event["activity"])).collect();
    let id = &first["activity_id"];
    assert_eq!((told.len(), told[0].0, told[0].1, told[0].2), (2, &json!("webinar"), &Value::Null, id));
    assert_eq!((told[1].0, told[1].1), (&json!("call"), id));
    assert_ne!(told[1].2, id);
    assert_eq!(remembered(&stack, &lead).await.len(), 2);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activity_of_an_unknown_address_creates_a_lead() {
    let stack = Stack::start().await;
    let demo = json!({"email": "ada@lovelace.example", "did": "demo", "product": "engine", "spend": "high"});
    let activity = stack.act(demo).await;
    stack.expect_lead(&activity);
    let lead = stack.at(&activity, "assigned").await;
    assert_eq!(lead["owner"], "anna");
    assert_eq!(
        lead["profile"]["activities"],
        json!([{"id": activity, "did": "demo", "at": "2026-03-03T09:00:00Z", "product": "engine", "spend": "high"}])
    );

    // Ten concurrent activities of an unknown person make one lead, no matter which came first.
    let acts = (0..10).map(|number| stack.act(json!({"email": "ben@mills.example", "did": format!("page {number}")})));
    let acts: BTreeSet<String> = join_all(acts).await.into_iter().collect();
    let ben = eventually("one of them to be a lead", async || {
        let items = stack.aws.scan("leads").await;
        items.iter().map(|item| text(item, "lead_id").to_owned()).find(|id| acts.contains(id))
    })
    .await;
    stack.expect_lead(&ben);
    eventually("all of them to be recorded", async || {
        let answer = stack.by(Role::Sales).get(&format!("/v1/leads/{ben}")).await.body;
        let all = answer["profile"]["activities"].as_array()?;
        (all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>() == acts).then_some(())
    })
    .await;
    let counted = stack.finish().await;
    assert_eq!((counted.leads(), counted.stage("assigned"), counted.stage("nurturing")), (2, 1, 1), "{counted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activity_moves_an_owned_lead_up_in_the_inbox() {
    let stack = Stack::start().await;
    stack.set_capacity("carla", 2).await;
    let mut leads = Vec::new();
    for name in ["first", "second", "third", "fourth"] {
        let address = format!("{name}@{name}.example");
        let lead = stack.submit(json!({"email": address, "country": "ES", "did": "contact_me"})).await;
        stack.at(&lead, if leads.len() < 2 { "assigned" } else { "waiting" }).await;
        leads.push(lead);
        stack.pass(1);
    }
    let [first, second, third, fourth] = [0, 1, 2, 3].map(|number| leads[number].clone());
    assert_eq!(inbox(&stack, "carla").await, [second.clone(), first.clone()], "the latest one first");
    stack.act(json!({"email": "first@first.example", "did": "demo"})).await;
    eventually("the inbox to be sorted again", async || {
        (inbox(&stack, "carla").await == [first.clone(), second.clone()]).then_some(())
    })
    .await;
    let lead = stack.lead(&first).await;
    assert_eq!((&lead["stage"], &lead["score"]["total"]), (&json!("assigned"), &json!(40)));
    assert_eq!(stack.events(&first).await, ["LeadAssigned", "ActivityRecorded", "LeadScored"]);

    // A lead on the waiting list moves up.
    stack.act(json!({"lead_id": third, "did": "demo"})).await;
    eventually("the waiting lead to be rescored", async || {
        (stack.lead(&third).await["score"]["total"] == 40).then_some(())
    })
    .await;
    stack.set_capacity("carla", 3).await;
    stack.at(&third, "assigned").await;
    stack.settled().await;
    assert_eq!(stack.lead(&fourth).await["stage"], "waiting");

    // An activity without points is recorded and does nothing else.
    stack.act(json!({"lead_id": second, "did": "unknown thing"})).await;
    eventually("it to be recorded", async || (recorded(&stack, &second).await == 1).then_some(())).await;
    stack.settled().await;
    assert_eq!(stack.events(&second).await, ["LeadAssigned", "ActivityRecorded"]);
    assert_eq!(stack.finish().await.turns, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activity_does_not_bring_a_disqualified_lead_back_and_follows_a_merge() {
    let mut company = company::small();
    company.rulebook = company.rulebook.replacen(
        "block:\n",
        "block:\n  - { rule: trials, if: { name.last: test }, then: { disqualify: junk } }\n",
        1,
    );
    let stack = Stack::with(Setup { company: Some(company), ..Setup::default() }).await;
    let refused = stack.submit(json!({"email": "ana@firm.example", "last_name": "test", "did": "demo"})).await;
    stack.at(&refused, "disqualified").await;
    stack.act(json!({"email": "ana@firm.example", "did": "demo"})).await;
    eventually("it to be recorded", async || (recorded(&stack, &refused).await == 1).then_some(())).await;

    let known = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&known, "assigned").await;
    let merged = stack.submit(json!({"email": "ada+2@lovelace.example", "did": "demo"})).await;
    stack.at(&merged, "merged").await;
    stack.act(json!({"lead_id": merged, "did": "webinar"})).await;
    eventually("it to be recorded", async || (recorded(&stack, &known).await == 1).then_some(())).await;
    stack.settled().await;
    assert_eq!(stack.events(&refused).await, ["LeadDisqualified", "ActivityRecorded"]);
    assert_eq!(stack.events(&merged).await, ["LeadMerged"]);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_activities_that_arrive_during_a_decision() {
    let stack = Stack::with(Setup::impatient().parameter("MaxReceiveCount", "10")).await;
    let mut leads = Vec::new();
    for number in 0..4 {
        let key = format!("race-{number}");
        let did = if number % 2 == 0 { "demo" } else { "newsletter" };
        let lead = json!({"email": format!("p{number}@c{number}.example"), "did": did});
        leads.push(stack.accepted(&stack.submit_as(&key, lead).await));
    }
    stack.pass(1);
    let mut acts = Vec::new();
    for lead in &leads {
        for page in 1..=5 {
            let at = format!("2026-03-03T08:0{page}:00Z");
            acts.push(stack.act(json!({"lead_id": lead, "did": format!("page {page}"), "at": at})));
        }
        acts.push(stack.act(json!({"lead_id": lead, "did": "contact_me"})));
    }
    assert_eq!(join_all(acts).await.into_iter().collect::<BTreeSet<_>>().len(), 24);
    for lead in &leads {
        stack.at(lead, "assigned").await;
        eventually("everything to be recorded", async || (recorded(&stack, lead).await == 6).then_some(())).await;
    }
    let counted = stack.finish().await;
    assert_eq!((counted.stage("assigned"), counted.turns), (4, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_an_activity_of_an_unknown_lead_id_and_creates_no_lead() {
    let stack = Stack::with(Setup::impatient()).await;
    let first = stack.submit(json!({"email": "ben@mills.example", "did": "demo"})).await;
    let source = stack.at(&first, "assigned").await["source"].as_str().unwrap().to_owned();
    let later = lead_id::derive(&source.as_str().into(), "later").to_string();
    stack.act(json!({"lead_id": later, "did": "webinar"})).await;
    let sales = stack.by(Role::Sales);
    let failed = eventually("the command to have failed", async || {
        let letters = sales.get("/v1/dead-letters").await.expect(200);
        letters["commands"].as_array().unwrap().iter().find(|command| command["lead_id"] == later).cloned()
    })
    .await;
    assert_eq!(failed["queue"], "fairleader-enrich");
    assert_eq!(failed["reason"], json!(format!("there is no lead `{later}`")));
    stack.by(Role::Sales).get(&format!("/v1/leads/{later}")).await.expect(404);
    let letters = sales.get("/v1/dead-letters").await.expect(200);
    assert_eq!(letters["held"], json!([]), "{letters}");

    // Once the lead is stored, the activity can be recorded.
    let lead = json!({"email": "ada@lovelace.example", "did": "demo"});
    assert_eq!(stack.accepted(&stack.submit_as("later", lead).await), later);
    stack.at(&later, "assigned").await;
    let redriven = sales.post(&format!("/v1/dead-letters/{later}/redrive"), Value::Null).await.expect(202);
    assert_eq!(redriven["commands"], 1);
    eventually("it to be recorded", async || (recorded(&stack, &later).await == 1).then_some(())).await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_activity_goes_to_the_lead_that_has_the_address_later() {
    let stack = Stack::with(Setup::impatient()).await;
    // The identities of these addresses are damaged, so no lead can be found by them.
    for address in ["ada@lovelace.example", "ben@mills.example"] {
        claim(&stack, address, None).await;
    }
    let mut held = Vec::new();
    for address in ["ada@lovelace.example", "ben@mills.example"] {
        let activity = stack.act(json!({"email": address, "did": "demo"})).await;
        stack.expect_lead(&activity);
        assert_eq!(stack.at(&activity, "held").await["reason"], "failed_in_fairleader-enrich");
        held.push(activity);
    }
    // After the repair they name a lead that was never stored.
    for address in ["ada@lovelace.example", "ben@mills.example"] {
        claim(&stack, address, Some("nobody")).await;
    }
    // Meanwhile another lead takes Ada's address; Ben stays unknown.
    let ada = stack.submit(json!({"email": "ada@lovelace.example", "did": "newsletter"})).await;
    stack.at(&ada, "nurturing").await;
    let sales = stack.by(Role::Sales);
    for activity in &held {
        sales.post(&format!("/v1/dead-letters/{activity}/redrive"), Value::Null).await.expect(202);
    }
    assert_eq!(stack.at(&held[0], "merged").await["merged_into"], json!(ada));
    stack.at(&held[1], "assigned").await;
    for lead in [&ada, &held[1]] {
        eventually("it to be recorded", async || (recorded(&stack, lead).await == 1).then_some(())).await;
    }
    stack.finish().await;
}
