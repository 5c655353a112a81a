//! Replaying a draft on past leads: the figures are those of the domain crate, and nothing is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use fairleader_api::Role;
use fairleader_domain::replay::{Desks, Past, Replay, Report};
use fairleader_lead::id::RulebookVersion;
use fairleader_local::api::Api;
use fairleader_local::commands::replay::{self, Draft};
use fairleader_local::demo;
use fairleader_local::machine::StarterKeys;
use fairleader_rulebook::{References, Rulebook, diff};
use fairleader_store::Loaded;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::aws::{self, Item};
use crate::company::{self, RULEBOOK};
use crate::crash::Server;
use crate::harness::{Stack, within, write};

const YAML: [(&str, &str); 1] = [("content-type", "application/yaml")];

/// A draft in which Spain also gets France, and a newsletter makes a large company an MQL.
fn draft() -> String {
    RULEBOOK
        .replace("if: { country: ES }", "if: { country: [ES, FR] }")
        .replace("  - { score: 60+ }\n", "  - { score: 40+ }\n")
        .replace("rule: everyone else", "rule: the rest")
}

/// Submits leads of several countries and kinds; two of them are the same person.
async fn submit_some(stack: &Stack) {
    let mut sent = Vec::new();
    for n in 0..24 {
        let country = ["ES", "FR", "DE"][n % 3];
        let (employees, did) = (if n % 2 == 0 { 5_000 } else { 20 }, if n % 4 == 0 { "demo" } else { "newsletter" });
        let title = if n % 5 < 2 { "CEO" } else { "Clerk" };
        let person = if n == 23 { 20 } else { n };
        let lead = json!({"email": format!("p{person}@firm{person}.example"), "name": "Robin Fielding", "country": country,
            "employees": employees, "did": did, "job_title": title});
        sent.push(stack.submit(lead).await);
    }
    sent.push(stack.submit(json!({"email": "buyer@acme.example", "country": "FR", "did": "newsletter"})).await);
    stack.settled().await;
}

async fn tables(stack: &Stack) -> BTreeMap<&'static str, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in ["leads", "identities", "accounts", "reps", "pools", "rulebooks"] {
        let shown = |item: &Item| {
            let fields: BTreeMap<_, _> = item.iter().map(|(name, value)| (name, format!("{value:?}"))).collect();
            format!("{fields:?}")
        };
        let mut items: Vec<String> = stack.aws.scan(table).await.iter().map(shown).collect();
        items.sort();
        all.insert(table, items);
    }
    all
}

fn parse(text: &str) -> Rulebook {
    Rulebook::parse(text, &References::default()).unwrap().rulebook
}

/// Returns the domain's report on the leads in the table.
async fn expected(stack: &Stack) -> Report {
    let (in_force, new, small) = (parse(RULEBOOK), parse(&draft()), company::small());
    let desks = Desks::new(small.pools, small.reps);
    let renamed = fairleader_rulebook::renamed(&in_force, &new, &fairleader_rulebook::Work::default());
    let replay = Replay::with(&in_force, &new, &desks, &renamed);
    let mut report = Report::default();
    for Loaded { state, profile } in stack.aws.leads.past(Timestamp::UNIX_EPOCH, None).await.unwrap().leads {
        // Acme is the only account.
        let account = profile.account_id.as_ref().map(|_| fairleader_lead::account::AccountFacts {
            account: company::small().accounts[0].clone(),
            owner: company::small().accounts[0].owner.clone(),
            owner_from: None,
        });
        replay.add(&mut report, Past { state: &state, profile: &profile, account: account.as_ref() });
    }
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replays_a_draft_on_past_leads_and_writes_nothing() {
    let stack = Stack::start().await;
    submit_some(&stack).await;
    let expected = expected(&stack).await;
    assert!(expected.leads == 24 && expected.changed.destination > 3, "{expected:?}");

    let marketing = stack.by(Role::Marketing);
    let kept = marketing.send(Method::POST, "/v1/rulebooks", &YAML, draft()).await.expect(201);
    assert_eq!(kept["version"], "000002");
    let before = tables(&stack).await;
    let answer = marketing.post("/v1/rulebooks/000002/replay?since=7d", Value::Null).await.expect(200);
    assert_eq!(serde_json::from_value::<Report>(answer["report"].clone()).unwrap(), expected);
    assert_eq!(
        (&answer["in_force"], &answer["draft"], &answer["next"]),
        (&json!("000001"), &json!("000002"), &Value::Null)
    );
    assert_eq!(answer["capacity"], json!({"reps": 4, "seats": 301}), "anna, ben and emil, and carla with one lead");
    insta::assert_snapshot!(
        answer["sentences"].as_array().unwrap().iter().map(|said| said.as_str().unwrap()).collect::<Vec<_>>().join("\n"),
        @"
    8 of 24 leads change: 8 decided by a different rule, 8 sent to a different pool, owner or outcome, 5 newly MQL.
    Pool `iberia` gains 6 (3 -> 9), `inbound` loses 1 (5 -> 4).
    Other outcomes: nurture 16 -> 11.
    MQLs: 8 -> 13; 13 a week on average, 13 in the busiest week (2026-W10).
    The reps it can assign to (4) have room for 301 open leads at a time, more than any week brought.
    "
    );

    // A draft that was never uploaded, as the command sends it.
    let api = Api::new(stack.api_url(), stack.machine().keys.of(Role::Sales)).unwrap();
    let found = replay::replay(&api, &Draft::Text(draft()), "90d", |_| {}).await.unwrap();
    assert_eq!((found.report, found.draft), (expected.clone(), None));
    assert_eq!(found.changes, diff(&parse(RULEBOOK), &parse(&draft())));
    let same = replay::replay(&api, &Draft::Version(RulebookVersion::from("000001")), "90d", |_| {}).await.unwrap();
    assert_eq!((same.report.leads, same.report.changed.leads, same.changes.len()), (24, 0, 0));

    assert_eq!(tables(&stack).await, before, "a replay writes nothing");
    assert!(stack.machine().settled().await, "and queues nothing");
    // A day later, no lead was received in the last hour.
    stack.pass(24 * 60);
    let none = marketing.post("/v1/rulebooks/000002/replay?since=1h", Value::Null).await.expect(200);
    assert_eq!(none["report"]["leads"], 0);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn describes_differences_in_words() {
    let stack = Stack::start().await;
    let marketing = stack.by(Role::Marketing);
    marketing.send(Method::POST, "/v1/rulebooks", &YAML, draft()).await.expect(201);
    let told = marketing.get("/v1/rulebooks/000002/diff").await;
    insta::assert_snapshot!(told.shown(), @r#"
    200
    {
      "changes": [
        {
          "about": "mql",
          "sentence": "an MQL line now needs score 40 or more (before: 60 or more)",
          "what": "changed"
        },
        {
          "about": "rule",
          "name": "Spain",
          "sentence": "rule `Spain` now also takes leads with country FR",
          "what": "changed"
        },
        {
          "about": "rule",
          "name": "the rest",
          "sentence": "rule `everyone else` is now called `the rest`",
          "was": "everyone else",
          "what": "renamed"
        }
      ],
      "from": "000001",
      "version": "000002"
    }
    "#);
    let back = marketing.get("/v1/rulebooks/000001/diff?from=000002").await.expect(200);
    assert_eq!(back["changes"][0]["sentence"], "an MQL line now needs score 60 or more (before: 40 or more)");
    assert_eq!(marketing.get("/v1/rulebooks/000001/diff?from=active").await.expect(200)["changes"], json!([]));
    stack.by(Role::Viewer).get("/v1/rulebooks/000002/diff").await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_what_cannot_be_replayed() {
    let stack = Stack::start().await;
    let marketing = stack.by(Role::Marketing);
    let code = async |path: &str, status: u16| marketing.post(path, Value::Null).await.expect(status)["code"].clone();
    assert_eq!(code("/v1/rulebooks/000009/replay", 404).await, "not_found");
    assert_eq!(code("/v1/rulebooks/000001/replay?since=soon", 422).await, "invalid_since");
    assert_eq!(code("/v1/rulebooks/000001/replay?cursor=1.2", 400).await, "invalid_cursor");
    assert_eq!(code("/v1/rulebooks/000001/replay?cursor=000001.1.nonsense", 400).await, "invalid_cursor");
    let wrong = draft().replace("pool: iberia", "pool: ibria");
    let refused = marketing.send(Method::POST, "/v1/rulebooks/replay", &YAML, wrong).await.expect(422);
    assert_eq!(refused["problems"][0]["help"], "did you mean `iberia`?");
    stack.by(Role::Viewer).post("/v1/rulebooks/000001/replay", Value::Null).await.expect(403);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parts_of_a_long_replay_add_up() {
    /// Two on a page.
    const FILLERS: usize = 90;
    let stack = Stack::start().await;
    for n in 0..6 {
        let lead = json!({"email": format!("p{n}@firm{n}.example"), "country": "FR", "did": "demo"});
        stack.submit(lead).await;
    }
    stack.settled().await;
    // A page has at most 1 MB of the table, and a call reads at most forty pages.
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for n in 0..FILLERS {
        let put = stack.aws.tables.put_item().table_name("fairleader-leads");
        let put = put.item("lead_id", text(&format!("filler-{n}"))).item("part", text("activity#filler"));
        put.item("body", text(&"x".repeat(360_000))).send().await.unwrap();
    }
    let sales = stack.by(Role::Sales);
    let first = sales.post("/v1/rulebooks/000001/replay", Value::Null).await.expect(200);
    assert!(first["next"].is_string(), "they are more than a call reads");
    let api = Api::new(stack.api_url(), stack.machine().keys.of(Role::Sales)).unwrap();
    let found = replay::replay(&api, &Draft::Text(draft()), "90d", |_| {}).await.unwrap();
    assert_eq!((found.report.leads, found.report.changed.destination), (6, 6));
    for n in 0..FILLERS {
        let delete = stack.aws.tables.delete_item().table_name("fairleader-leads");
        let delete = delete.key("lead_id", text(&format!("filler-{n}"))).key("part", text("activity#filler"));
        delete.send().await.unwrap();
    }
    stack.finish().await;
}

/// Runs the program and returns its exit code, standard output and standard error.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fairleader"));
    let ended = program.args(arguments).current_dir(folder).env_remove("FAIRLEADER_KEY").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(ended.stdout), text(ended.stderr));
    assert!(!err.contains("panicked"), "{err}");
    (ended.status.code().unwrap(), out, err)
}

/// Returns a port on which no server listens.
fn nobodys_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_gives_the_same_report_from_a_server_and_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let data = at.join("data");
    let server = Server::start(&data, &[]).await;
    let keys: StarterKeys = serde_json::from_str(&std::fs::read_to_string(data.join("keys.json")).unwrap()).unwrap();
    demo::install(&Api::new(server.api_url(), keys.of(Role::Admin)).unwrap(), &company::small()).await.unwrap();
    let source = Api::new(server.api_url(), keys.of(Role::Source)).unwrap();
    for n in 0..6 {
        let headers = [("content-type", "application/json"), ("idempotency-key", &*format!("form-{n}"))];
        let country = if n % 2 == 0 { "ES" } else { "FR" };
        let lead = json!({"email": format!("p{n}@firm{n}.example"), "country": country, "did": "demo"});
        source.call(Method::POST, "/v1/leads", &headers, lead.to_string().into_bytes()).await.unwrap();
    }
    let aws = server.aws();
    within(Duration::from_mins(1), "six leads to be decided on", async || {
        let items = aws.scan("leads").await;
        let decided = items.iter().filter(|item| aws::text(item, "part").starts_with("event#"));
        (decided.count() == 6 && aws.working().await == 0).then_some(())
    })
    .await;

    write(at, "draft.yaml", &draft());
    write(at, "wrong.yaml", &draft().replace("pool: iberia", "pool: ibria"));
    let own = server.api_url().to_owned();
    let nobody = format!("http://127.0.0.1:{}", nobodys_port());
    let shown = |arguments: &[&str]| {
        let (code, out, err) = run(at, arguments);
        let since = out.lines().next().and_then(|line| line.rsplit_once("received since ")).map_or("", |(_, day)| day);
        let out = if since.is_empty() { out } else { out.replace(since, "DAY") };
        let week =
            out.split_once("in the busiest week (").and_then(|(_, rest)| rest.split_once(')')).map(|(week, _)| week);
        let out = week.map_or(out.clone(), |week| out.replace(week, "WEEK"));
        let text = format!("$ fairleader {}\n{out}{err}[exit code {code}]\n", arguments.join(" "));
        text.replace(&own, "OWN").replace(&nobody, "NOBODY").replace(keys.of(Role::Viewer), "VIEWERS")
    };
    let on_server = shown(&["replay", "draft.yaml", "--data", "data"]);
    let mut said = String::new();
    for arguments in [
        &["replay", "000001", "--data", "data", "--since", "1w"][..],
        &["replay", "000009", "--data", "data"],
        &["replay", "wrong.yaml", "--data", "data"],
        &["replay", "none.yaml", "--data", "data"],
        &["replay", "draft.yaml", "--data", "nowhere"],
        &["replay", "draft.yaml", "--data", "data", "--since", "soon"],
        &["replay", "draft.yaml", "--url", &own, "--key", "guessed"],
        &["replay", "draft.yaml", "--url", &own, "--key", keys.of(Role::Viewer)],
        &["replay", "draft.yaml", "--url", &nobody, "--key", "any"],
        &["replay", "draft.yaml", "--url", "localhost:3000", "--key", "any"],
        &["replay", "draft.yaml", "--url", &own],
        &["replay", "draft.yaml"],
    ] {
        writeln!(said, "{}", shown(arguments)).unwrap();
    }
    insta::assert_snapshot!("command", format!("{on_server}\n{said}"));

    let (code, out, err) = run(at, &["replay", "draft.yaml", "--url", &own, "--key", keys.of(Role::Sales), "--json"]);
    let found: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert_eq!((code, &found["report"]["leads"], &found["in_force"]), (0, &json!(6), &json!("000001")));
    server.kill();
    // Without a server, the folder gives the same report and is not changed.
    assert_eq!(shown(&["replay", "draft.yaml", "--data", "data"]), on_server);
    Server::start(&data, &[]).await.kill();
}
