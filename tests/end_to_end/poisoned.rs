//! Hostile input: it is refused by name, or stored like any other, and nothing else fails because of it.

use fairleader_api::Role;
use fairleader_lead::id::LeadId;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Stack;

/// A ligature that folds into 18 characters.
const LIGATURE: &str = "\u{fdfa}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poisoned_leads_fail_no_neighbours() {
    let stack = Stack::start().await;
    let account = json!({"name": LIGATURE.repeat(150), "status": "customer", "owner": "dora"});
    stack.by(Role::Sales).put("/v1/accounts/ligature", account).await.expect(200);
    let lead = |number: usize| {
        let mut lead = json!({"email": format!("ada@c{number}.example"), "did": "demo"});
        if number.is_multiple_of(4) {
            lead["company"] = json!(LIGATURE.repeat(62 + number * 3));
        }
        lead
    };
    let ids = join_all((0..40).map(|number| stack.submit(lead(number)))).await;
    for id in &ids {
        let found = stack.at(id, "assigned").await;
        assert!(["anna", "ben"].contains(&found["owner"].as_str().unwrap()), "{found}");
    }
    let long = json!({"email": "ada@gmail.com", "did": "demo", "company": LIGATURE.repeat(150)});
    let id = stack.submit(long).await;
    let found = stack.at(&id, "assigned").await;
    assert_eq!((&found["owner"], &found["profile"]["account_id"]), (&json!("dora"), &json!("ligature")));

    for count in [201, 400] {
        let lead = json!({"email": "ada@other.example", "company": LIGATURE.repeat(count)});
        let refused = stack.by(Role::Source).post("/v1/leads", lead).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/company", "{refused}");
    }
    let counted = stack.finish().await;
    assert_eq!((counted.leads(), counted.stage("assigned")), (41, 41));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_read_without_the_keys_that_no_item_can_have() {
    let stack = Stack::start().await;
    let ids = join_all((0..3).map(|n| stack.submit(json!({"email": format!("p{n}@c.example"), "did": "demo"})))).await;
    for id in &ids {
        stack.at(id, "assigned").await;
    }
    let poisoned = [LeadId::new("x".repeat(3_000)), LeadId::from("")];
    let mut keys: Vec<LeadId> = ids.iter().map(|id| LeadId::from(id.as_str())).collect();
    keys.extend(poisoned);
    let loaded = stack.aws.leads.load_all(&keys).await.unwrap();
    let mut found: Vec<String> = loaded.into_iter().map(|lead| lead.state.lead_id.to_string()).collect();
    let mut expected = ids;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert!(stack.aws.leads.state(&LeadId::from("")).await.unwrap().is_none());
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_many_custom_fields_can_always_be_stored() {
    let stack = Stack::start().await;
    let lead = |number: usize| {
        let mut lead = json!({"email": "ada@lovelace.example", "did": "demo"});
        for field in 0..50 {
            lead[format!("field {number}-{field}")] = json!("x".repeat(1_000));
        }
        lead
    };
    let first = stack.submit(lead(0)).await;
    stack.at(&first, "assigned").await;
    for number in 1..12 {
        stack.pass(1);
        let id = stack.submit(lead(number)).await;
        stack.at(&id, "merged").await;
    }
    let kept = stack.lead(&first).await;
    let custom = kept["profile"]["custom"].as_object().unwrap();
    assert!((50..=100).contains(&custom.len()), "{} fields", custom.len());
    assert!((0..50).all(|field| custom.contains_key(&format!("field 11-{field}"))), "the newest are kept");
    let dropped = kept["profile"]["dropped"].as_array().unwrap();
    assert!(dropped.len() == 100 && dropped.iter().all(|name| !custom.contains_key(name.as_str().unwrap())));
    assert_eq!(kept["stage"], "assigned");
    stack.finish().await;
}

/// Returns the request with one field replaced.
fn with(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_and_long_fields_are_refused_by_name() {
    let stack = Stack::start().await;
    let admin = stack.by(Role::Admin);
    let rep = json!({"name": "Gina", "email": "g@x.example", "zone": "Europe/Berlin", "hours": "always", "capacity": 2,
        "manager": "anna", "skills": ["crm"], "languages": ["de"]});
    let pool = json!({"name": "New", "members": [{"rep": "anna"}], "fallback": "watch"});
    let account = json!({"name": "New", "status": "open_deal", "domains": ["new.example"], "parent": "acme",
        "owner": "anna", "deal_owner": "anna", "tier": "mid"});
    let person = json!({"name": "Gina", "email": "g@x.example", "role": "sales"});
    let cases = [
        (
            Method::PUT,
            "/v1/reps/gina",
            rep,
            vec!["/name", "/email", "/zone", "/hours", "/manager", "/skills/0", "/languages/0"],
        ),
        (Method::PUT, "/v1/pools/new", pool, vec!["/name", "/members/0/rep", "/fallback"]),
        (
            Method::PUT,
            "/v1/accounts/new",
            account,
            vec!["/name", "/domains/0", "/parent", "/owner", "/deal_owner", "/tier"],
        ),
        (Method::PUT, "/v1/people/gina", person, vec!["/name", "/email"]),
        (Method::POST, "/v1/keys", json!({"person": "mara"}), vec!["/person"]),
        (Method::POST, "/v1/keys", json!({"role": "source", "subject": "web"}), vec!["/subject", "/role"]),
        (Method::POST, "/v1/imports", json!({"name": "fair", "source": "fair"}), vec!["/name", "/source"]),
        (Method::POST, "/v1/rulebooks/000001/comments", json!({"text": "x"}), vec!["/text"]),
        (Method::POST, "/v1/rulebooks/000001/object", json!({"reason": "x"}), vec!["/reason"]),
        (Method::POST, "/v1/rulebooks/000001/approve", json!({"comment": "x"}), vec!["/comment"]),
        (Method::POST, "/v1/rulebooks/000001/withdraw", json!({"person": "mara"}), vec!["/person"]),
        (
            Method::POST,
            "/v1/activities",
            json!({"email": "a@b.example", "did": "demo", "channel": "web",
            "response": "attended"}),
            vec!["/did"],
        ),
    ];
    for (method, path, body, fields) in &cases {
        for field in fields {
            for text in [String::new(), "x".repeat(2_050), "x".repeat(1_000_000)] {
                if text.len() > 64 * 1024 && *path == "/v1/activities" {
                    continue;
                }
                let sent = with(body, field, json!(text)).to_string();
                let reply = admin.send(method.clone(), path, &[], sent).await;
                let what = format!("{method} {path} {field} with {} bytes: {:.300}", text.len(), reply.text);
                assert_eq!(reply.status, 422, "{what}");
                let errors = reply.body["errors"].as_array().unwrap();
                assert!(errors.iter().any(|error| error["pointer"] == **field), "{what}");
                assert!(reply.text.len() < 3_000, "{what}");
            }
        }
    }
    for path in ["/v1/rulebooks?owner=", "/v1/inbox?rep=", "/v1/audit?kind=rep&id="] {
        for text in ["x".repeat(65), "x".repeat(2_050), "A%20B".to_owned()] {
            let method = if path.contains("owner") { Method::POST } else { Method::GET };
            let reply = admin.send(method, &format!("{path}{text}"), &[], "route: []").await;
            assert!(reply.status < 500, "{path} {}: {}", text.len(), reply.text);
            assert!(reply.status >= 400 || text.len() < 65, "{path} {}: {}", text.len(), reply.text);
        }
    }
    for path in ["/v1/inbox?rep=", "/v1/audit?kind=rep&id="] {
        let reply = admin.get(path).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.text);
    }
    stack.finish().await;
}
