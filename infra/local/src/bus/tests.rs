use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::lambda::fakes::{Script, function, lambda, script};
use crate::stack::{Queue, Target, TargetInput};

const WAIT: Duration = Duration::from_secs(20);

fn queue(name: &str) -> Queue {
    Queue {
        id: name.to_owned(),
        name: name.to_owned(),
        arn: format!("arn:aws:sqs:eu-central-1:000000000000:{name}"),
        url: format!("http://127.0.0.1:4566/000000000000/{name}"),
        visibility_timeout: Duration::from_mins(1),
        delay: Duration::ZERO,
        retention: Duration::from_hours(1),
        maximum_message_size: 1024 * 1024,
        receive_wait: Duration::ZERO,
        redrive: None,
    }
}

fn target(to: TargetTo, input: TargetInput) -> Target {
    Target { id: "t".to_owned(), to, input, dead_letter_queue: Some("dead".to_owned()) }
}

fn stack(pattern: &str, target: Target) -> Stack {
    Stack {
        queues: vec![queue("work"), queue("dead")],
        buses: vec!["leads".to_owned()],
        rules: vec![Rule {
            name: "freed".to_owned(),
            bus: "leads".to_owned(),
            pattern: pattern.to_owned(),
            targets: vec![target],
        }],
        functions: vec![function("F")],
        ..Stack::default()
    }
}

struct Fixture {
    bus: Bus,
    queues: Queues,
    _folder: TempDir,
}

const MERGED: &str =
    r#"{"source": ["fairleader"], "detail-type": ["LeadMerged"], "detail": {"freed_pool": [{"exists": true}]}}"#;

fn start(target: Target, script: Script) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let stack = stack(MERGED, target);
    let queues = Queues::open(&folder.path().join("queues.db"), &stack.queues).unwrap();
    let lambda = lambda(vec![(function("F"), script)]);
    let bus = Bus::start(&stack, queues.clone(), lambda).unwrap();
    Fixture { bus, queues, _folder: folder }
}

fn merged(bus: &str) -> Value {
    json!({ "Source": "fairleader", "DetailType": "LeadMerged", "Detail": r#"{"freed_pool":"north"}"#, "EventBusName": bus, "Time": 1_700_000_000.0 })
}

fn wake_pool() -> Target {
    target(
        TargetTo::Queue("work".to_owned()),
        TargetInput::Transformer {
            paths: BTreeMap::from([("pool".to_owned(), "$.detail.freed_pool".to_owned())]),
            template: r#"{"command": "wake_pool", "pool": <pool>}"#.to_owned(),
        },
    )
}

#[tokio::test]
async fn a_matching_event_is_queued_when_put_events_replies() {
    let fixture = start(wake_pool(), script(|event| async move { Ok(event) }));
    let mut tap = fixture.bus.subscribe();
    let mut other = merged("leads");
    other["Detail"] = "{}".into();
    let answer = fixture
        .bus
        .handle("PutEvents", json!({ "Entries": [merged("arn:aws:events:eu-central-1:000000000000:event-bus/leads"), other, merged("default")] }))
        .await
        .unwrap();
    assert_eq!(answer["FailedEntryCount"], 0);
    assert_eq!(fixture.queues.counts("work").await.unwrap().visible, 1);
    let message = &fixture.queues.receive("work", 1, Duration::ZERO, WAIT).await.unwrap()[0];
    assert_eq!(message.body, r#"{"command": "wake_pool", "pool": "north"}"#);
    let mut event = tap.recv().await.unwrap();
    assert_eq!(event["id"], answer["Entries"][0]["EventId"]);
    event["id"] = "…".into();
    assert_eq!(
        event,
        json!({
            "version": "0", "id": "…", "detail-type": "LeadMerged", "source": "fairleader", "account": "000000000000",
            "time": "2023-11-14T22:13:20Z", "region": "eu-central-1", "resources": [], "detail": { "freed_pool": "north" },
        })
    );
}

#[tokio::test]
async fn each_entry_has_its_own_result() {
    let fixture = start(wake_pool(), script(|event| async move { Ok(event) }));
    let with = |field: &str, value: Value| {
        let mut entry = merged("leads");
        entry[field] = value;
        entry
    };
    let entries = [
        merged("leads"),
        with("Source", Value::Null),
        with("DetailType", "".into()),
        with("Detail", "[1]".into()),
        with("Detail", "{".into()),
        with("EventBusName", "nowhere".into()),
    ];
    let answer = fixture.bus.handle("PutEvents", json!({ "Entries": entries })).await.unwrap();
    assert_eq!(answer["FailedEntryCount"], 5);
    let codes: Vec<&str> =
        answer["Entries"].as_array().unwrap().iter().map(|e| e["ErrorCode"].as_str().unwrap_or("")).collect();
    assert_eq!(
        codes,
        ["", "InvalidArgument", "InvalidArgument", "MalformedDetail", "MalformedDetail", "ResourceNotFoundException"]
    );

    let too_many: Vec<Value> = (0..11).map(|_| merged("leads")).collect();
    for entries in [
        json!([]),
        json!(too_many),
        json!([with("Detail", format!("{{\"x\":\"{}\"}}", "x".repeat(1024 * 1024)).into())]),
    ] {
        let error = fixture.bus.handle("PutEvents", json!({ "Entries": entries })).await.unwrap_err();
        assert_eq!(error.code, "ValidationException");
    }
    let error = fixture.bus.handle("PutRule", json!({})).await.unwrap_err();
    assert_eq!(error.code, "UnknownOperationException");
}

#[tokio::test]
async fn an_event_without_the_input_path_goes_to_the_dead_letter_queue() {
    let target = target(TargetTo::Queue("work".to_owned()), TargetInput::Path("$.detail.reason".to_owned()));
    let fixture = start(target, script(|event| async move { Ok(event) }));
    fixture.bus.handle("PutEvents", json!({ "Entries": [merged("leads")] })).await.unwrap();
    let dead = &fixture.queues.receive("dead", 1, Duration::ZERO, WAIT).await.unwrap()[0];
    assert!(dead.body.contains(r#""freed_pool":"north""#));
    assert_eq!(
        dead.attributes.0["RULE_ARN"].string_value.as_deref(),
        Some("arn:aws:events:eu-central-1:000000000000:rule/leads/freed")
    );
}

#[tokio::test]
async fn retries_a_failing_function_and_then_gives_up() {
    let calls = Arc::new(AtomicUsize::new(0));
    let fixture = start(
        target(TargetTo::Function("F".to_owned()), TargetInput::Event),
        script({
            let calls = Arc::clone(&calls);
            move |event| {
                let call = calls.fetch_add(1, Ordering::SeqCst);
                async move { if call == 0 || call > 1 { Err("not now".into()) } else { Ok(event) } }
            }
        }),
    );
    let put = || async { fixture.bus.handle("PutEvents", json!({ "Entries": [merged("leads")] })).await.unwrap() };
    put().await;
    let deadline = std::time::Instant::now() + WAIT;
    while !fixture.queues.idle().await.unwrap() {
        assert!(std::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2);

    put().await;
    let dead = &fixture.queues.receive("dead", 1, WAIT, WAIT).await.unwrap()[0];
    assert_eq!(calls.load(Ordering::SeqCst), 5);
    assert_eq!(dead.attributes.0["RETRY_ATTEMPTS"].string_value.as_deref(), Some("2"));
    assert_eq!(
        dead.attributes.0["TARGET_ARN"].string_value.as_deref(),
        Some("arn:aws:lambda:eu-central-1:000000000000:function:f")
    );
}

#[tokio::test]
async fn a_mistake_in_a_rule_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let queues = Queues::open(&folder.path().join("queues.db"), &[]).unwrap();
    let start = |stack: Stack| Bus::start(&stack, queues.clone(), lambda(Vec::new())).err().unwrap().to_string();
    let error = start(stack(r#"{"source": "fairleader"}"#, wake_pool()));
    assert!(error.starts_with("rule `freed` has an event pattern that cannot be read"), "{error}");
    let error = start(stack(MERGED, target(TargetTo::Queue("gone".to_owned()), TargetInput::Event)));
    assert_eq!(error, "target `t` of rule `freed` sends to `gone`, which the template does not declare");
    let mut elsewhere = stack(MERGED, wake_pool());
    elsewhere.buses.clear();
    assert_eq!(start(elsewhere), "rule `freed` listens to the bus `leads`, which the template does not declare");
}
