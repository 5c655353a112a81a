//! What people do after they were taken in: recorded once, worth a new score, and a reason to look at them again.

use std::collections::BTreeSet;

use fairleader_api::Role;
use fairleader_lead::submission::lead_id;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::aws::text;
use crate::company;
use crate::harness::{Setup, Stack, eventually};
use crate::one_person::claim;

/// What a lead remembers that its person did, the earliest first, beside what they did by a submission.
async fn remembered(stack: &Stack, lead: &str) -> Vec<Value> {
    let lead = stack.lead(lead).await;
    let all = lead["profile"]["activities"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|activity| !activity["id"].as_str().unwrap().contains(':')).collect()
}

/// A lead's events in full.
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
async fn a_subscriber_who_attends_a_webinar_and_asks_for_a_demo_becomes_an_mql_and_gets_a_rep() {
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
async fn the_same_activity_ten_times_at_once_is_one_activity() {
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
    // By the person's address it is the same one still, and a lead's key names no activity.
    stack.act_as("click-1", json!({"email": "ada@lovelace.example", "did": "webinar"})).await.expect(202);
    stack.settled().await;
    assert_eq!((recorded(&stack, &lead).await, remembered(&stack, &lead).await.len()), (1, 1));
    stack.act_as("click-2", webinar).await.expect(202);
    eventually("another one to be recorded", async || (recorded(&stack, &lead).await == 2).then_some(())).await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_nobody_is_known_by_becomes_a_lead() {
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

    // Ten things at once that somebody unknown did: one lead, whichever came first.
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
async fn what_an_owned_lead_does_raises_its_score_and_its_place_in_the_inbox() {
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
    eventually("the inbox to be sorted anew", async || {
        (inbox(&stack, "carla").await == [first.clone(), second.clone()]).then_some(())
    })
    .await;
    let lead = stack.lead(&first).await;
    assert_eq!((&lead["stage"], &lead["score"]["total"]), (&json!("assigned"), &json!(40)));
    assert_eq!(stack.events(&first).await, ["LeadAssigned", "ActivityRecorded", "LeadScored"]);

    // Whoever waits moves forward in the line.
    stack.act(json!({"lead_id": third, "did": "demo"})).await;
    eventually("the one who waits to be worth more", async || {
        (stack.lead(&third).await["score"]["total"] == 40).then_some(())
    })
    .await;
    stack.set_capacity("carla", 3).await;
    stack.at(&third, "assigned").await;
    stack.settled().await;
    assert_eq!(stack.lead(&fourth).await["stage"], "waiting");

    // What is worth nothing is recorded, and that is all.
    stack.act(json!({"lead_id": second, "did": "unknown thing"})).await;
    eventually("it to be recorded", async || (recorded(&stack, &second).await == 1).then_some(())).await;
    stack.settled().await;
    assert_eq!(stack.events(&second).await, ["LeadAssigned", "ActivityRecorded"]);
    assert_eq!(stack.finish().await.turns, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_refused_stays_so_and_whoever_was_merged_is_somebody_else() {
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
async fn what_people_do_while_they_are_decided_on_is_not_lost() {
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
async fn an_activity_of_an_unknown_lead_is_kept_and_makes_no_lead() {
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

    // Once the lead is there, the activity is recorded.
    let lead = json!({"email": "ada@lovelace.example", "did": "demo"});
    assert_eq!(stack.accepted(&stack.submit_as("later", lead).await), later);
    stack.at(&later, "assigned").await;
    let redriven = sales.post(&format!("/v1/dead-letters/{later}/redrive"), Value::Null).await.expect(202);
    assert_eq!(redriven["commands"], 1);
    eventually("it to be recorded", async || (recorded(&stack, &later).await == 1).then_some(())).await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_for_an_address_comes_to_whoever_has_it_in_the_end() {
    let stack = Stack::with(Setup::impatient()).await;
    // Their identities are damaged, so nothing can be found by them.
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
    // Repaired, they lead to a lead that was never stored.
    for address in ["ada@lovelace.example", "ben@mills.example"] {
        claim(&stack, address, Some("nobody")).await;
    }
    // Somebody else becomes Ada in the meantime; Ben stays unknown.
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
