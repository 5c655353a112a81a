//! The roster: versions (`ETag`, `If-Match`), the audit, and what cannot be deleted while something names it.

use aws_sdk_dynamodb::types::AttributeValue;
use fairleader_api::Role;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::aws::text;
use crate::harness::{Reply, Setup, Stack};

fn gina(capacity: u32) -> Value {
    json!({"rep_id": "gina", "name": "Gina", "email": "gina@fairleader.example", "zone": "Europe/Berlin",
        "hours": "always", "capacity": capacity})
}

async fn put_if(stack: &Stack, path: &str, seen: &str, body: &Value) -> Reply {
    let headers = [("content-type", "application/json"), ("if-match", seen)];
    stack.by(Role::Sales).send(Method::PUT, path, &headers, body.to_string()).await
}

async fn audit(stack: &Stack, query: &str) -> Vec<(String, String, Value)> {
    let page = stack.by(Role::Admin).get(&format!("/v1/audit{query}")).await.expect(200);
    let entry = |entry: &Value| {
        let word = |name: &str| entry[name].as_str().unwrap().to_owned();
        (format!("{} {} {}", word("action"), word("kind"), word("id")), word("by"), entry["before"].clone())
    };
    page["entries"].as_array().unwrap().iter().map(entry).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_conditional_on_its_version_and_audited() {
    let stack = Stack::start().await;
    let sales = stack.by(Role::Sales);
    let first = sales.put("/v1/reps/gina", gina(2)).await;
    assert_eq!((first.status, first.header("etag")), (200, sales.get("/v1/reps/gina").await.header("etag")));
    let seen = first.header("etag").to_owned();
    let same = put_if(&stack, "/v1/reps/gina", &seen, &gina(2)).await;
    assert_eq!((same.status, same.header("etag")), (200, seen.as_str()), "a repeat is no change");

    let second = put_if(&stack, "/v1/reps/gina", &seen, &gina(3)).await;
    assert_eq!(second.status, 200, "{}", second.text);
    assert_ne!(second.header("etag"), seen);
    let late = put_if(&stack, "/v1/reps/gina", &seen, &gina(4)).await;
    assert_eq!((late.status, &late.body["code"]), (412, &json!("precondition_failed")));
    assert_eq!((&late.body["current"]["capacity"], late.header("etag")), (&json!(3), second.header("etag")));
    assert_eq!(put_if(&stack, "/v1/reps/gina", "3", &gina(4)).await.status, 400);

    // Of concurrent changes based on the same version the first wins; the others get 412.
    let seen = second.header("etag").to_owned();
    let replies = join_all((10..20).map(|n| {
        let (stack, seen) = (&stack, &seen);
        async move { put_if(stack, "/v1/reps/gina", seen, &gina(n)).await }
    }))
    .await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 412).count(), 9);

    let headers = [("if-match", seen.as_str())];
    assert_eq!(sales.send(Method::DELETE, "/v1/reps/gina", &headers, "").await.status, 412);
    assert_eq!(sales.delete("/v1/reps/gina").await.status, 204);
    assert_eq!(put_if(&stack, "/v1/reps/gina", &seen, &gina(5)).await.status, 412, "deleted since");
    assert_eq!(sales.put("/v1/reps/gina", gina(6)).await.status, 200);

    let done = audit(&stack, "?kind=rep&id=gina").await;
    let what: Vec<&str> = done.iter().map(|(what, ..)| what.as_str()).collect();
    assert_eq!(
        what,
        ["created rep gina", "deleted rep gina", "changed rep gina", "changed rep gina", "created rep gina"],
        "newest first, one for each change"
    );
    assert!(done.iter().all(|(_, by, _)| by == "sales"));
    assert_eq!((&done[0].2, &done[3].2["capacity"], &done[4].2), (&Value::Null, &json!(2), &Value::Null));
    stack.indexed().await;
    assert_eq!(audit(&stack, "?kind=rep").await[..5], done[..]);
    for (query, code) in
        [("?id=gina", "invalid_filter"), ("?kind=ship", "invalid_filter"), ("?from=x", "invalid_cursor")]
    {
        let refused = sales.get(&format!("/v1/audit{query}")).await;
        assert_eq!((refused.status, &refused.body["code"]), (400, &json!(code)), "{query}");
    }
    assert_eq!(stack.rep("anna").await.get("/v1/audit").await.status, 403);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audits_every_kind_of_change() {
    let stack = Stack::start().await;
    let (sales, admin) = (stack.by(Role::Sales), stack.by(Role::Admin));
    sales
        .put("/v1/accounts/acme", json!({"name": "Acme", "status": "customer", "domains": ["acme.example"]}))
        .await
        .expect(200);
    let pool = json!({"name": "Spare", "members": [{"rep": "frida"}]});
    sales.put("/v1/pools/spare", pool).await.expect(200);
    sales.put("/v1/pools/spare", json!({"name": "Spare", "members": []})).await.expect(200);
    assert_eq!(sales.delete("/v1/pools/spare").await.status, 204);
    admin.put("/v1/people/zoe", json!({"name": "Zoe", "email": "zoe@x.example", "role": "viewer"})).await.expect(200);
    let key = admin.post("/v1/keys", json!({"role": "viewer", "subject": "board"})).await.expect(201);
    let key = key["id"].as_str().unwrap();
    assert_eq!(admin.delete(&format!("/v1/keys/{key}")).await.status, 204);
    let csv = [("content-type", "text/csv")];
    stack.by(Role::Marketing).send(Method::PUT, "/v1/tables/spare", &csv, "country,name\nDE,x\n").await.expect(200);
    stack.indexed().await;
    let all = audit(&stack, "").await;
    // The clock of the test stands still, so the order between things is not known.
    let entry = |wanted: &str| all.iter().find(|(what, ..)| what == wanted).unwrap_or_else(|| panic!("no {wanted}"));
    for (what, by) in [
        ("created table spare", "marketing"),
        (&format!("deleted key {key}"), "admin"),
        (&format!("created key {key}"), "admin"),
        ("created person zoe", "admin"),
        ("deleted pool spare", "sales"),
        ("changed pool spare", "sales"),
        ("created pool spare", "sales"),
        ("changed account acme", "sales"),
    ] {
        assert_eq!(entry(what).1, by, "{what}");
    }
    assert_eq!(entry("changed pool spare").2["members"], json!([{"rep": "frida", "weight": 1}]), "what it was before");
    assert_eq!(entry("created pool spare").2, Value::Null);
    // Sales sees the roster, not who has which key.
    let sales_sees = sales.get("/v1/audit").await.expect(200)["entries"].as_array().unwrap().clone();
    assert!(sales_sees.iter().any(|entry| entry["kind"] == "pool"));
    assert!(sales_sees.iter().all(|entry| entry["kind"] != "key" && entry["kind"] != "person"));
    assert_eq!(sales.get("/v1/audit?kind=key").await.status, 400);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_deleted_rep_stops_working() {
    // Nothing is cached, so a change takes effect at once.
    let stack = Stack::with(Setup::default().parameter("AuthorizerCacheSeconds", "0")).await;
    let frida = stack.rep("frida").await;
    let paths = ["/v1/inbox", "/v1/reps", "/v1/rulebooks", "/v1/leads/x"];
    frida.get("/v1/inbox").await.expect(200);
    stack.by(Role::Sales).delete("/v1/reps/frida").await.expect(204);
    for path in paths {
        frida.get(path).await.expect(403);
    }
    frida.put("/v1/me/availability", json!({"on": true})).await.expect(403);
    stack.rep("anna").await.get("/v1/inbox").await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_and_its_domains_change_together() {
    let stack = Stack::start().await;
    let sales = stack.by(Role::Sales);
    let of = |domains: &[&str]| json!({"name": "Nord", "status": "customer", "domains": domains});
    let first = sales.put("/v1/accounts/nord", of(&["nord.example"])).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let seen = first.header("etag").to_owned();
    sales.put("/v1/accounts/nord", of(&["nord.example", "north.example"])).await.expect(200);
    // A change that is based on an old version takes no domain.
    let late = put_if(&stack, "/v1/accounts/nord", &seen, &of(&["nord.example", "nordic.example"])).await;
    assert_eq!(late.status, 412, "{}", late.text);
    sales.put("/v1/accounts/nordic", of(&["nordic.example"])).await.expect(200);
    let taken = sales.put("/v1/accounts/nord", of(&["nordic.example"])).await;
    assert_eq!(taken.body["errors"][0]["detail"], "`nordic.example` belongs to account `nordic`");
    // Two at once for one domain: one has it.
    let (a, b) = (of(&["twice.example"]), of(&["twice.example"]));
    let both = tokio::join!(sales.put("/v1/accounts/a", a), sales.put("/v1/accounts/b", b));
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422]);
    assert_eq!(sales.delete("/v1/accounts/nord").await.status, 204);
    assert_eq!(sales.delete("/v1/accounts/nord").await.status, 204);
    for domain in ["nord.example", "north.example"] {
        sales.put("/v1/accounts/heir", of(&[domain])).await.expect(200);
    }
    let many: Vec<String> = (0..41).map(|n| format!("d{n}.example")).collect();
    let many = sales.put("/v1/accounts/heir", json!({"name": "x", "status": "prospect", "domains": many})).await;
    assert_eq!((many.status, &many.body["errors"][0]["pointer"]), (422, &json!("/domains")));
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rep_that_something_names_cannot_be_deleted() {
    let stack = Stack::start().await;
    let sales = stack.by(Role::Sales);
    let refused = async |rep: &str| {
        let reply = sales.delete(&format!("/v1/reps/{rep}")).await;
        assert_eq!(reply.status, 409, "{rep}: {}", reply.text);
        (reply.body["code"].as_str().unwrap().to_owned(), reply.body["title"].as_str().unwrap().to_owned())
    };
    assert_eq!(refused("anna").await, ("still_a_member".to_owned(), "`anna` is a member of inbound".to_owned()));
    assert_eq!(refused("dora").await, ("still_named".to_owned(), "`dora` is named by account `acme`".to_owned()));

    sales.put("/v1/reps/gina", gina(2)).await.expect(200);
    sales
        .put(
            "/v1/reps/hugo",
            json!({"name": "Hugo", "email": "h@x.example", "zone": "UTC", "hours": "always", "capacity": 1}),
        )
        .await
        .expect(200);
    let csv = [("content-type", "text/csv")];
    let table = "country,name,owner\nFR,France,gina\n";
    stack.by(Role::Marketing).send(Method::PUT, "/v1/tables/desks", &csv, table).await.expect(200);
    let rules = crate::company::RULEBOOK.replacen(
        "lookups:\n",
        "lookups:\n  desk: { from: country, use: desks, gives: [name, owner] }\n",
        1,
    );
    let rules = if rules == crate::company::RULEBOOK {
        format!("lookups:\n  desk: {{ from: country, use: desks, gives: [name, owner] }}\n{rules}")
    } else {
        rules
    };
    let rules = rules.replacen(
        "route:\n",
        "route:\n  - rule: desks\n    if: { desk.owner: present }\n    then: { owner: from desk.owner }\n  \
         - rule: hugo\n    if: { country: PT }\n    then: { owner: hugo }\n",
        1,
    );
    let version = stack.upload(&rules).await;
    stack.approve(&version).await;
    stack.person("otto").await.post(&format!("/v1/rulebooks/{version}/activate"), Value::Null).await.expect(200);
    for rep in ["gina", "hugo"] {
        let expected = format!("the active rulebook {version} names rep `{rep}`");
        assert_eq!(refused(rep).await, ("still_named".to_owned(), expected));
    }

    // Nothing names Frida. Her profile and her load are deleted together, so no lead can be assigned to her later.
    assert_eq!(sales.delete("/v1/reps/frida").await.status, 204);
    let left = stack.aws.scan("reps").await;
    assert!(left.iter().all(|item| text(item, "rep_id") != "frida"));
    let seat = stack.aws.tables.update_item().table_name("fairleader-reps");
    let seat = seat
        .key("rep_id", AttributeValue::S("frida".to_owned()))
        .key("part", AttributeValue::S("load".to_owned()))
        .update_expression("ADD #open :one")
        .condition_expression("attribute_exists(rep_id)")
        .expression_attribute_names("#open", "open")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    seat.send().await.unwrap_err();
    stack.finish().await;
}
