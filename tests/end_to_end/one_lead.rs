//! One lead, from the form to the rep who accepts it.

use fairleader_api::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Stack;

/// A lead who asks for a demo.
fn ada() -> Value {
    json!({"email": "Ada@Lovelace.example", "name": "Ada Lovelace", "job_title": "CTO", "company": "Lovelace Engines",
        "country": "GB", "employees": 400, "did": "demo", "budget": 5000})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_gets_an_owner_and_each_role_sees_its_part() {
    let stack = Stack::start().await;
    let (sales, source) = (stack.by(Role::Sales), stack.by(Role::Source));

    // The id is derived from source and key, so the snapshots below can show it.
    let accepted = stack.submit_as("ada-1", ada()).await;
    let id = stack.accepted(&accepted);
    let path = format!("/v1/leads/{id}");
    assert_eq!(accepted.body, json!({"lead_id": id, "status_url": path}));
    assert_eq!(accepted.header("location"), path);

    let lead = sales.get(&format!("{path}?wait=3s")).await.expect(200);
    assert_eq!(
        (&lead["stage"], &lead["owner"], &lead["pool"]),
        (&json!("assigned"), &json!("anna"), &json!("inbound"))
    );
    insta::assert_snapshot!("lead", format!("{lead:#}"));
    insta::assert_snapshot!("why", format!("{:#}", sales.get(&format!("{path}/why")).await.expect(200)));
    insta::assert_snapshot!("events", format!("{:#}", sales.get(&format!("{path}/events")).await.expect(200)));
    insta::assert_snapshot!("ledger", format!("{:#}", sales.get("/v1/pools/inbound/ledger").await.expect(200)));

    let (anna, ben) = (stack.rep("anna").await, stack.rep("ben").await);
    stack.indexed().await;
    insta::assert_snapshot!("inbox", format!("{:#}", anna.get("/v1/inbox").await.expect(200)));
    assert_eq!(ben.get("/v1/inbox").await.expect(200)["leads"], json!([]));

    // A source sees the stage of its lead, and no person's data.
    assert_eq!(source.get(&path).await.expect(200), json!({"lead_id": id, "stage": "assigned"}));
    for of_it in ["/why", "/events"] {
        source.get(&format!("{path}{of_it}")).await.expect(403);
    }
    let made = json!({"role": "source", "subject": "partner"});
    let partner = stack.by(Role::Admin).post("/v1/keys", made).await.expect(201)["key"].as_str().unwrap().to_owned();
    let partner = stack.with_key(&partner);

    // To other reps and sources the lead does not exist.
    assert_eq!(anna.get(&path).await.expect(200)["owner"], "anna");
    for (other, parts) in [(&ben, &["", "/why", "/events"][..]), (&partner, &[""])] {
        for of_it in parts {
            let theirs = other.get(&format!("{path}{of_it}")).await;
            let nothing = other.get(&format!("/v1/leads/no-such-lead{of_it}")).await;
            assert_eq!(theirs.header("retry-after"), nothing.header("retry-after"));
            assert_eq!(theirs.expect(404).to_string().replace(&id, "no-such-lead"), nothing.expect(404).to_string());
        }
    }

    let accept = format!("{path}/accept");
    ben.post(&accept, json!({"assignment": 1})).await.expect(404);
    source.post(&accept, json!({"assignment": 1})).await.expect(403);
    let old = anna.post(&accept, json!({"assignment": 0})).await.expect(409);
    assert_eq!(
        (&old["code"], &old["title"]),
        (&json!("old_assignment"), &json!("assignment 0 is over; the current assignment is 1"))
    );
    assert_eq!(stack.lead(&id).await["stage"], "assigned");
    stack.pass(7);
    let first = anna.post(&accept, json!({"assignment": 1})).await.expect(200);
    assert_eq!((&first["stage"], &first["accepted_at"]), (&json!("accepted"), &json!("2026-03-03T09:07:00Z")));
    assert_eq!(first["accepted_by"], "anna");
    stack.pass(7);
    assert_eq!(
        anna.send(Method::POST, &accept, &[], "").await.expect(200),
        first,
        "a repeat succeeds and changes nothing"
    );
    assert_eq!(stack.events(&id).await, ["LeadAssigned", "LeadAccepted"]);

    // Sales accepts another lead for its owner, and the event records it.
    let other = stack.submit(json!({"email": "grace@hopper.example", "did": "demo"})).await;
    let owner = stack.at(&other, "assigned").await["owner"].clone();
    let accept = format!("/v1/leads/{other}/accept");
    let accepted = stack.person("otto").await.post(&accept, json!({})).await.expect(200);
    assert_eq!((&accepted["owner"], &accepted["accepted_by"]), (&owner, &json!("otto")));
    assert_eq!(stack.lead(&other).await["accepted_by"], "otto");
    let events = stack.by(Role::Sales).get(&format!("/v1/leads/{other}/events")).await.expect(200);
    let told = &events["events"][1];
    assert_eq!((&told["type"], &told["owner"], &told["accepted_by"]), (&json!("LeadAccepted"), &owner, &json!("otto")));

    let counted = stack.finish().await;
    assert_eq!((counted.leads(), counted.stage("accepted"), counted.turns), (2, 2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turns_are_shared_by_weight_and_an_account_owner_pays_none() {
    let stack = Stack::start().await;
    let mut leads = Vec::new();
    for number in 0..30 {
        leads.push(stack.submit(json!({"email": format!("p{number}@c{number}.example"), "did": "demo"})).await);
    }
    let theirs = stack.submit(json!({"email": "buyer@acme.example", "did": "demo"})).await;
    assert_eq!(stack.at(&theirs, "assigned").await["owner"], "dora");
    for lead in &leads {
        stack.at(lead, "assigned").await;
    }
    let ledger = stack.by(Role::Sales).get("/v1/pools/inbound/ledger").await.expect(200);
    let got: Vec<_> = ledger["standings"].as_array().unwrap().iter().map(|one| (&one["rep"], &one["got"])).collect();
    assert_eq!(got, [(&json!("anna"), &json!(20)), (&json!("ben"), &json!(10))]);
    // A member of the pool may read the ledger; other reps may not.
    stack.rep("ben").await.get("/v1/pools/inbound/ledger").await.expect(200);
    stack.rep("carla").await.get("/v1/pools/inbound/ledger").await.expect(403);

    let counted = stack.finish().await;
    assert_eq!((counted.leads(), counted.turns), (31, 30));
    assert_eq!(counted.owned, [("anna", 20), ("ben", 10), ("dora", 1)].map(|(rep, n)| (rep.to_owned(), n)).into());
}
