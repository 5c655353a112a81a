//! Replies to bad input. Nothing of it is stored.

use std::fmt::Write as _;

use fairleader_api::Role;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Caller, Setup, Stack};

/// A transcript of requests and their replies.
#[derive(Default)]
struct Said(String);

impl Said {
    async fn ask(&mut self, title: &str, by: &Caller<'_>, method: Method, path: &str, body: impl Into<Vec<u8>>) {
        self.ask_with(title, by, method, path, &[], body).await;
    }

    async fn ask_with(
        &mut self,
        title: &str,
        by: &Caller<'_>,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) {
        let reply = by.send(method.clone(), path, headers, body).await;
        let shown = path.split('?').next().unwrap_or_default();
        writeln!(self.0, "## {title}\n{method} {shown}\n{}\n", reply.shown()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_a_submission_field_by_field() {
    let stack = Stack::start().await;
    let source = stack.by(Role::Source);
    let mut said = Said::default();
    let large = json!({"email": "ada@lovelace.example", "message": "x".repeat(64 * 1024)}).to_string();
    let wrong = json!({"email": "anna(at)x", "first_name": 7, "employees": [1], "consent_email": "perhaps",
        "preferred_channel": "pigeon", "job_title": "x".repeat(300), "basket": {"a": 1}});
    let cases: [(&str, Vec<u8>); 11] = [
        ("no body", Vec::new()),
        ("malformed JSON", br#"{"email": "ada@lovelace.example","#.into()),
        ("not an object", b"[1, 2]".into()),
        ("not text", vec![0xff, 0xfe, 0x00]),
        ("nobody to reach", br#"{"name": "Ada Lovelace", "email": "  "}"#.into()),
        ("a number that cannot be called and no address", br#"{"phone": "call me"}"#.into()),
        ("everything wrong at once", wrong.to_string().into()),
        ("a field twice", br#"{"email": "a@b.example", "email": "c@d.example"}"#.into()),
        ("too many fields of their own", many_fields().into()),
        (
            "nested without end",
            format!(r#"{{"email": "a@b.example", "x": {}{}}}"#, "[".repeat(500), "]".repeat(500)).into(),
        ),
        ("more than 64 KB", large.into()),
    ];
    for (title, body) in cases {
        said.ask(title, &source, Method::POST, "/v1/leads", body).await;
    }
    let good = r#"{"email": "ada@lovelace.example"}"#;
    for (title, key) in [("an empty key", " ".to_owned()), ("a key too long", "k".repeat(256))] {
        let headers = [("idempotency-key", key.as_str())];
        said.ask_with(title, &source, Method::POST, "/v1/leads", &headers, good).await;
    }
    insta::assert_snapshot!("submissions", said.0);
    assert_eq!(stack.finish().await.leads(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_an_activity_field_by_field() {
    let stack = Stack::start().await;
    let source = stack.by(Role::Source);
    let mut said = Said::default();
    let large = json!({"email": "ada@lovelace.example", "did": "x".repeat(64 * 1024)}).to_string();
    let wrong = json!({"email": "anna(at)x", "did": "?!", "channel": ["web"], "spend": "much", "response": 7,
        "product": "x".repeat(300), "at": "2026-03-04T09:00:00Z", "respnse": "attended"});
    let cases: [(&str, Vec<u8>); 6] = [
        ("malformed JSON", br#"{"email": "ada@lovelace.example","#.into()),
        ("nothing in it", b"{}".into()),
        ("everything wrong at once", wrong.to_string().into()),
        ("no id of a lead", br#"{"lead_id": "17", "did": "demo"}"#.into()),
        (
            "two people",
            br#"{"lead_id": "24c875e2-d32c-565d-a365-9f2e35ff9e4f", "email": "a@b.example", "did": "demo"}"#.into(),
        ),
        ("more than 64 KB", large.into()),
    ];
    for (title, body) in cases {
        said.ask(title, &source, Method::POST, "/v1/activities", body).await;
    }
    let good = r#"{"email": "ada@lovelace.example", "did": "demo"}"#;
    let long = "k".repeat(256);
    let headers = [("idempotency-key", long.as_str())];
    said.ask_with("a key too long", &source, Method::POST, "/v1/activities", &headers, good).await;
    said.ask("a viewer", &stack.by(Role::Viewer), Method::POST, "/v1/activities", good).await;
    insta::assert_snapshot!("activities", said.0);
    assert_eq!(stack.finish().await.leads(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_an_idempotency_key_that_cannot_be_used() {
    let stack = Stack::start().await;
    let (source, marketing) = (stack.by(Role::Source), stack.by(Role::Marketing));
    let import = marketing.post("/v1/imports", json!({"name": "fair", "dry_run": true})).await.expect(201);
    let part = format!("/v1/imports/{}/parts/1", import["import_id"].as_str().unwrap());
    let long = "k".repeat(256);
    for key in ["", "Schl\u{fc}ssel", long.as_str()] {
        let headers = [("idempotency-key", key)];
        for (caller, method, path, body) in [
            (&source, Method::POST, "/v1/leads", r#"{"email": "ada@lovelace.example"}"#),
            (&source, Method::POST, "/v1/activities", r#"{"email": "ada@lovelace.example", "did": "demo"}"#),
            (&marketing, Method::POST, "/v1/imports", r#"{"name": "fair"}"#),
            (&marketing, Method::PUT, &part, "email\nada@lovelace.example\n"),
        ] {
            let refused = caller.send(method, path, &headers, body).await;
            let code = &refused.body["code"];
            assert_eq!((refused.status, code), (400, &json!("invalid_idempotency_key")), "{path} {}", refused.text);
        }
    }
    assert_eq!(stack.finish().await.leads(), 0);
}

fn many_fields() -> String {
    let mut lead = json!({"email": "a@b.example"});
    for number in 0..51 {
        lead[format!("field {number}")] = json!(number);
    }
    lead.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_callers_without_the_role() {
    let stack = Stack::start().await;
    let mut said = Said::default();
    let good = r#"{"email": "ada@lovelace.example", "did": "demo"}"#;
    said.ask("no key", &stack.with_key(""), Method::POST, "/v1/leads", good).await;
    said.ask("an unknown key", &stack.with_key("fl_guessed"), Method::POST, "/v1/leads", good).await;
    let basic = [("authorization", "Basic YTpi")];
    said.ask_with("another scheme", &stack.with_key(""), Method::POST, "/v1/leads", &basic, good).await;
    said.ask("no such route", &stack.by(Role::Admin), Method::GET, "/v2/leads", "").await;
    said.ask("a viewer sends a lead", &stack.by(Role::Viewer), Method::POST, "/v1/leads", good).await;
    said.ask("a source looks at the roster", &stack.by(Role::Source), Method::GET, "/v1/reps", "").await;
    said.ask("marketing changes the roster", &stack.by(Role::Marketing), Method::PUT, "/v1/reps/anna", "{}").await;
    said.ask("sales makes keys", &stack.by(Role::Sales), Method::POST, "/v1/keys", "{}").await;
    said.ask("a viewer brings a list in", &stack.by(Role::Viewer), Method::POST, "/v1/imports", "{}").await;
    said.ask("no such lead", &stack.by(Role::Sales), Method::GET, "/v1/leads/no-such-lead", "").await;
    said.ask("not a time", &stack.by(Role::Sales), Method::GET, "/v1/leads/x?wait=soon", "").await;
    insta::assert_snapshot!("rights", said.0);
    assert_eq!(stack.finish().await.leads(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_rejects_a_body_too_large_for_lambda() {
    let stack = Stack::start().await;
    let source = stack.by(Role::Source);
    for megabytes in [7, 11] {
        let reply = source.send(Method::POST, "/v1/leads", &[], vec![b' '; megabytes * 1024 * 1024]).await;
        assert_eq!(
            (reply.status, reply.text.as_str()),
            (413, r#"{"message":"Request Entity Too Large"}"#),
            "{megabytes}"
        );
    }
    assert_eq!(stack.finish().await.leads(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_an_unreadable_list_as_a_whole() {
    let stack = Stack::start().await;
    let marketing = stack.by(Role::Marketing);
    let mut said = Said::default();
    said.ask("a list without a name", &marketing, Method::POST, "/v1/imports", r#"{"name": " ", "source": "A B"}"#)
        .await;
    said.ask("a setting nobody knows", &marketing, Method::POST, "/v1/imports", r#"{"name": "fair", "dryrun": true}"#)
        .await;
    let begun = marketing.post("/v1/imports", json!({"name": "fair"})).await.expect(201);
    let import = begun["import_id"].as_str().unwrap();
    let part = |number: &str| format!("/v1/imports/{import}/parts/{number}");
    let cases: [(&str, &str, &[u8]); 6] = [
        ("no usable header", "1", b"Name,Company\nAda,Acme\n"),
        ("an empty file", "1", b""),
        ("a spreadsheet", "1", b"PK\x03\x04\x14\x00"),
        ("a column twice", "1", b"E-Mail;email address\nada@lovelace.example;\n"),
        ("part zero", "0", b"email\nada@lovelace.example\n"),
        ("a part that is no number", "first", b"email\nada@lovelace.example\n"),
    ];
    for (title, number, body) in cases {
        said.ask(title, &marketing, Method::PUT, &part(number), body).await;
    }
    let large = format!("email\n{}", "ada@lovelace.example\n".repeat(200_000));
    said.ask("more than 4 MB", &marketing, Method::PUT, &part("1"), large).await;
    said.ask("no such import", &marketing, Method::PUT, "/v1/imports/none/parts/1", "email\na@b.example\n").await;
    insta::assert_snapshot!("lists", said.0.replace(import, "[import]"));
    let whole = marketing.get(&format!("/v1/imports/{import}")).await.expect(200);
    assert_eq!((&whole["rows"], &whole["parts"]), (&json!(0), &json!([])));
    assert_eq!(stack.finish().await.leads(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_a_rulebook_with_all_its_problems() {
    let stack = Stack::with(Setup::default().empty()).await;
    let marketing = stack.by(Role::Marketing);
    let rulebook = "\
company: { zone: Europe/Berlin, currency: EUR }
score:
  fit:
    share: 70%
    lines:
      - { if: { job.levle: c_level }, points: 60 }
mql:
  - { score: 60+ }
route:
  - rule: Spain
    if: { contry: ES }
    then: { pool: iberia }
  - rule: large ones
    if: { company.employees: a lot }
    then: { owner: nobody, if_unavailable: { pool: inbound } }
";
    let mut shown = String::new();
    for text in [rulebook, "route: [", "", "\u{0}"] {
        let refused = marketing.send(Method::POST, "/v1/rulebooks", &[], text).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        writeln!(shown, "{}: {}", refused.body["title"].as_str().unwrap(), refused.body["detail"].as_str().unwrap())
            .unwrap();
        for problem in refused.body["problems"].as_array().unwrap() {
            writeln!(shown, "{}", problem["rendered"].as_str().unwrap()).unwrap();
        }
    }
    let not_text = marketing.send(Method::POST, "/v1/rulebooks", &[], vec![b'a', 0xff]).await;
    writeln!(shown, "{}", not_text.shown()).unwrap();
    insta::assert_snapshot!("rulebook", shown);

    let active = marketing.get("/v1/rulebooks/active").await.expect(404);
    assert_eq!(active["title"], "no rulebook is active yet");
    marketing.get("/v1/rulebooks/000001").await.expect(404);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_an_invalid_roster_by_field() {
    let stack = Stack::start().await;
    let admin = stack.by(Role::Admin);
    let mut said = Said::default();
    let rep = json!({"name": "", "email": "anna", "zone": "Mars/Olympus", "hours": "always", "capacity": 20_000,
        "languages": ["klingon"]});
    let cases = [
        ("a rep with everything wrong", "/v1/reps/gina", rep.to_string()),
        (
            "hours nobody keeps",
            "/v1/reps/gina",
            json!({"name": "Gina", "email": "g@x.example", "zone": "Europe/Berlin",
            "hours": "mon-fri 25:00-26:00", "capacity": 2})
            .to_string(),
        ),
        ("a name that cannot be an id", "/v1/reps/Gina%20B", "{}".to_owned()),
        ("another id in the body", "/v1/reps/gina", r#"{"rep_id": "anna"}"#.to_owned()),
        ("malformed JSON", "/v1/reps/gina", "{".to_owned()),
        (
            "a pool of people nobody knows",
            "/v1/pools/new",
            json!({"name": "", "longest_wait_minutes": 0,
            "fallback": "new", "members": [{"rep": "nobody"}, {"rep": "anna"}, {"rep": "anna"}]})
            .to_string(),
        ),
        (
            "an account with a domain that is taken",
            "/v1/accounts/other",
            json!({"name": "Other", "status": "prospect",
            "domains": ["www.acme.example", "not a domain"]})
            .to_string(),
        ),
        (
            "an account of people nobody knows",
            "/v1/accounts/other",
            json!({"name": "Other", "status": "open_deal", "domains": ["other.example", "acme.example"],
            "owner": "nobody", "deal_owner": "nobody", "parent": "none"})
            .to_string(),
        ),
        ("a status nobody knows", "/v1/accounts/other", json!({"name": "Other", "status": "friend"}).to_string()),
    ];
    for (title, path, body) in cases {
        said.ask(title, &admin, Method::PUT, path, body).await;
    }
    let taken = json!({"name": "Other", "status": "prospect", "domains": ["acme.example"]});
    said.ask("a domain that is taken", &admin, Method::PUT, "/v1/accounts/other", taken.to_string()).await;
    // A rejected account claims no domain.
    let free = json!({"name": "Third", "status": "prospect", "domains": ["other.example"]});
    admin.put("/v1/accounts/third", free).await.expect(200);
    said.ask("a key for nobody", &admin, Method::POST, "/v1/keys", r#"{"role": "rep", "subject": "nobody"}"#).await;
    said.ask("a role nobody knows", &admin, Method::POST, "/v1/keys", r#"{"role": "king", "subject": "anna"}"#).await;
    insta::assert_snapshot!("roster", said.0);
    for gone in ["/v1/reps/gina", "/v1/pools/new", "/v1/accounts/other"] {
        admin.get(gone).await.expect(404);
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_ids_are_not_found_and_invalid_cursors_are_rejected() {
    let stack = Stack::start().await;
    let admin = stack.by(Role::Admin);
    let long = "x".repeat(256);
    for path in [
        "/v1/rulebooks/latest".to_owned(),
        "/v1/rulebooks/1".to_owned(),
        "/v1/rulebooks/%23all%23".to_owned(),
        "/v1/imports/nope/rows".to_owned(),
        "/v1/imports/nope/rows?from=nonsense".to_owned(),
        format!("/v1/imports/{long}"),
        format!("/v1/reps/{long}"),
        format!("/v1/leads/{long}"),
        format!("/v1/pools/{long}/ledger"),
    ] {
        let reply = admin.get(&path).await;
        assert_eq!((reply.status, &reply.body["code"]), (404, &json!("not_found")), "{path}: {}", reply.text);
    }
    for version in ["active", "latest", "00001"] {
        admin.post(&format!("/v1/rulebooks/{version}/activate"), json!(null)).await.expect(404);
    }
    let begun = admin.post("/v1/imports", json!({"name": "fair"})).await.expect(201);
    for path in [
        "/v1/inbox?rep=anna&from=nonsense".to_owned(),
        "/v1/inbox?rep=anna&from=lead.first".to_owned(),
        format!("/v1/inbox?rep=anna&from={long}.1"),
        "/v1/dead-letters?from=.1".to_owned(),
        "/v1/pools/inbound/ledger?from=1".to_owned(),
        format!("/v1/imports/{}/rows?from=1.1", begun["import_id"].as_str().unwrap()),
    ] {
        let reply = admin.get(&path).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("invalid_cursor")), "{path}: {}", reply.text);
    }
    stack.finish().await;
}
