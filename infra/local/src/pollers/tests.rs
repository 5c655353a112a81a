use std::collections::BTreeMap;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::lambda::fakes::{self, Script, function, script};
use crate::lane::Lane;
use crate::sqs::{AttributeValue, Attributes, Counts};
use crate::stack::{Queue, QueueSource, StreamSource, Table};

const DEADLINE: Duration = Duration::from_secs(20);

fn queue(name: &str) -> Queue {
    Queue {
        id: name.to_owned(),
        name: name.to_owned(),
        arn: format!("arn:aws:sqs:eu-central-1:000000000000:{name}"),
        url: format!("http://127.0.0.1:4566/000000000000/{name}"),
        visibility_timeout: Duration::from_millis(100),
        delay: Duration::ZERO,
        retention: Duration::from_hours(1),
        maximum_message_size: 1024 * 1024,
        receive_wait: Duration::ZERO,
        redrive: None,
    }
}

fn from_queue() -> QueueSource {
    QueueSource {
        queue: "work".to_owned(),
        batch_size: 10,
        window: Duration::ZERO,
        partial_failures: true,
        maximum_concurrency: None,
        filters: Vec::new(),
    }
}

fn from_stream() -> StreamSource {
    StreamSource {
        table: "leads".to_owned(),
        batch_size: 4,
        window: Duration::ZERO,
        from_horizon: true,
        partial_failures: true,
        bisect: true,
        maximum_retries: Some(0),
        on_failure_queue: Some("dead".to_owned()),
        filters: Vec::new(),
    }
}

/// A poller's surroundings, with one function `F` and one stream.
struct Fixture {
    pollers: Pollers,
    queues: Queues,
    stack: Stack,
    lambda: Lambda,
    records: Arc<StdMutex<Vec<(String, Value)>>>,
    written: watch::Sender<u64>,
    _folder: TempDir,
}

fn prepare(source: EventSource) -> Stack {
    let mut called = function("F");
    called.sources.push(source);
    Stack {
        queues: vec![queue("work"), queue("dead")],
        tables: vec![Table {
            id: "Leads".to_owned(),
            name: "leads".to_owned(),
            arn: String::new(),
            create: Value::Null,
            ttl_attribute: None,
            stream_arn: Some("arn:aws:dynamodb:eu-central-1:000000000000:table/leads/stream/x".to_owned()),
        }],
        functions: vec![called],
        ..Stack::default()
    }
}

fn open(stack: &Stack) -> (Queues, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Queues::open(&folder.path().join("queues.db"), &stack.queues).unwrap(), folder)
}

fn start_with(source: EventSource, script: Script, records: Vec<Value>, before: impl FnOnce(&mut Stack)) -> Fixture {
    let mut stack = prepare(source);
    before(&mut stack);
    let (queues, folder) = open(&stack);
    let lambda = fakes::lambda(vec![(stack.functions[0].clone(), script)]);
    let records = Arc::new(StdMutex::new(number(records)));
    let (written, seen) = watch::channel(0);
    let reader = stream::reader_of(Arc::clone(&records));
    let pollers = Pollers::start(&stack, &queues, &lambda, &reader, &seen).unwrap();
    Fixture { pollers, queues, stack, lambda, records, written, _folder: folder }
}

fn start(source: EventSource, script: Script) -> Fixture {
    start_with(source, script, Vec::new(), |_| {})
}

/// Gives records sequence numbers from 100 on.
fn number(records: Vec<Value>) -> Vec<(String, Value)> {
    let number = |(place, mut record): (usize, Value)| {
        let sequence = (100 + place).to_string();
        record["dynamodb"]["SequenceNumber"] = sequence.clone().into();
        record["dynamodb"]["ApproximateCreationDateTime"] = 1_700_000_000.into();
        (sequence, record)
    };
    records.into_iter().enumerate().map(number).collect()
}

fn inserts(number: usize) -> Vec<Value> {
    (0..number)
        .map(|n| json!({ "eventName": "INSERT", "dynamodb": { "Keys": { "n": { "N": n.to_string() } } } }))
        .collect()
}

async fn until<O: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> O) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < DEADLINE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl Fixture {
    async fn send(&self, body: &str) {
        self.queues.send("work", body.to_owned(), Attributes::default()).await.unwrap();
    }

    async fn until_idle(&self) {
        until("the queues are empty", || async { self.queues.idle().await.unwrap() }).await;
    }
}

/// Records every event and replies with `answer`.
fn recording(
    seen: &Arc<StdMutex<Vec<Value>>>,
    answer: impl Fn(&Value) -> Result<Value, &'static str> + Send + Sync + 'static,
) -> Script {
    let seen = Arc::clone(seen);
    script(move |event| {
        let answer = answer(&event).map_err(Into::into);
        seen.lock().unwrap().push(event);
        async move { answer }
    })
}

fn bodies(event: &Value) -> Vec<String> {
    event["Records"].as_array().unwrap().iter().map(|record| record["body"].as_str().unwrap().to_owned()).collect()
}

fn sequences(event: &Value) -> Vec<String> {
    let number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned();
    event["Records"].as_array().unwrap().iter().map(number).collect()
}

fn failed(ids: impl IntoIterator<Item = String>) -> Value {
    let items: Vec<Value> = ids.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": items })
}

#[tokio::test]
async fn calls_the_function_with_a_message_and_deletes_it() {
    let seen = Arc::default();
    let fixture = start(EventSource::Queue(from_queue()), recording(&seen, |_| Ok(Value::Null)));
    let attributes = Attributes(BTreeMap::from([("kind".to_owned(), AttributeValue::string("x"))]));
    fixture.queues.send("work", "hello".to_owned(), attributes).await.unwrap();
    fixture.until_idle().await;
    let mut event = seen.lock().unwrap()[0].clone();
    let record = &mut event["Records"][0];
    for changing in ["messageId", "receiptHandle"] {
        assert!(record[changing].as_str().is_some_and(|id| !id.is_empty()));
        record[changing] = "…".into();
    }
    for changing in ["SentTimestamp", "ApproximateFirstReceiveTimestamp"] {
        assert!(record["attributes"][changing].as_str().unwrap().parse::<i64>().is_ok());
        record["attributes"][changing] = "…".into();
    }
    assert_eq!(
        event,
        json!({ "Records": [{
            "messageId": "…",
            "receiptHandle": "…",
            "body": "hello",
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "…",
                "SenderId": "AIDAFAIRLEADERLOCAL00",
                "ApproximateFirstReceiveTimestamp": "…",
            },
            "messageAttributes": {
                "kind": { "stringValue": "x", "stringListValues": [], "binaryListValues": [], "dataType": "String" },
            },
            "md5OfMessageAttributes": "57dd03eb020678b56fd5c31e88f4cff1",
            "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:work",
            "awsRegion": "eu-central-1",
        }]})
    );
    // The functions' type can read it.
    let typed: aws_lambda_events::event::sqs::SqsEvent = serde_json::from_value(event).unwrap();
    assert_eq!(typed.records[0].body.as_deref(), Some("hello"));
    fixture.pollers.stop().await;
}

#[tokio::test]
async fn redelivers_only_failed_messages() {
    let seen = Arc::default();
    let answer = |event: &Value| {
        let records = event["Records"].as_array().unwrap();
        let bad = records.iter().filter(|r| r["body"] == "bad" && r["attributes"]["ApproximateReceiveCount"] == "1");
        Ok(failed(bad.map(|record| record["messageId"].as_str().unwrap().to_owned())))
    };
    let fixture = start(EventSource::Queue(from_queue()), recording(&seen, answer));
    for body in ["good", "bad", "fine"] {
        fixture.send(body).await;
    }
    fixture.until_idle().await;
    let mut all: Vec<String> = seen.lock().unwrap().iter().flat_map(bodies).collect();
    all.sort_unstable();
    assert_eq!(all, ["bad", "bad", "fine", "good"]);
}

#[tokio::test]
async fn a_failed_call_or_invalid_reply_fails_the_batch() {
    let seen = Arc::default();
    let tries = AtomicUsize::new(0);
    let answer = move |_: &Value| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Err("no"),
        1 => Ok(failed([String::new()])),
        2 => Ok(failed(["unknown".to_owned()])),
        3 => Ok(json!({ "batchItemFailures": "all" })),
        _ => Ok(json!({})),
    };
    let fixture = start(EventSource::Queue(from_queue()), recording(&seen, answer));
    fixture.send("x").await;
    fixture.until_idle().await;
    assert_eq!(seen.lock().unwrap().len(), 5);
}

#[test]
fn reads_replies_as_lambda_does() {
    let known = |id: &str| ["a", "b"].contains(&id);
    for success in ["", "null", "{}", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#, r#"{"other":1}"#]
    {
        assert_eq!(verdict(success.as_bytes(), known), Verdict::Succeeded, "{success}");
    }
    let one = r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#;
    assert_eq!(verdict(one.as_bytes(), known), Verdict::Failed(vec!["b".to_owned()]));
    for failure in [
        r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
        r#"{"batchItemFailures":[{"id":"a"}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#,
        "{",
        "3",
    ] {
        assert_eq!(verdict(failure.as_bytes(), known), Verdict::AllFailed, "{failure}");
    }
}

#[tokio::test]
async fn a_filter_drops_other_messages() {
    let seen = Arc::default();
    let mut source = from_queue();
    source.filters = vec![r#"{"body": {"kind": ["lead"]}}"#.to_owned()];
    let fixture = start(EventSource::Queue(source), recording(&seen, |_| Ok(Value::Null)));
    for body in [r#"{"kind":"lead"}"#, r#"{"kind":"note"}"#, "text"] {
        fixture.send(body).await;
    }
    fixture.until_idle().await;
    assert_eq!(seen.lock().unwrap().iter().flat_map(bodies).collect::<Vec<_>>(), [r#"{"kind":"lead"}"#]);
}

#[tokio::test]
async fn limits_concurrent_calls_and_batches_waiting_messages() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let largest = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let mut source = from_queue();
    source.maximum_concurrency = Some(2);
    let act = {
        let (running, most, largest, gate) =
            (Arc::clone(&running), Arc::clone(&most), Arc::clone(&largest), Arc::clone(&gate));
        script(move |event| {
            let (running, most, gate) = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&gate));
            largest.fetch_max(event["Records"].as_array().unwrap().len(), Ordering::SeqCst);
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(Value::Null)
            }
        })
    };
    let fixture = start_with(EventSource::Queue(source), act, Vec::new(), |stack| {
        stack.queues[0].visibility_timeout = DEADLINE;
    });
    fixture.send("1").await;
    until("one call runs", || async { running.load(Ordering::SeqCst) == 1 }).await;
    fixture.send("2").await;
    until("two calls run", || async { running.load(Ordering::SeqCst) == 2 }).await;
    for n in 0..20 {
        fixture.send(&n.to_string()).await;
    }
    assert_eq!(fixture.queues.counts("work").await.unwrap().visible, 20);
    gate.add_permits(100);
    fixture.until_idle().await;
    assert_eq!((most.load(Ordering::SeqCst), largest.load(Ordering::SeqCst)), (2, 10));
}

#[tokio::test]
async fn a_window_collects_a_batch() {
    let seen = Arc::default();
    let mut source = from_queue();
    source.window = Duration::from_secs(10);
    source.batch_size = 3;
    let fixture = start(EventSource::Queue(source), recording(&seen, |_| Ok(Value::Null)));
    for body in ["1", "2", "3"] {
        fixture.send(body).await;
    }
    fixture.until_idle().await;
    assert_eq!(seen.lock().unwrap().iter().map(bodies).collect::<Vec<_>>(), [["1", "2", "3"]]);
}

#[tokio::test]
async fn a_throttled_function_gets_its_messages_later() {
    let seen = Arc::default();
    let act = recording(&seen, |_| Ok(Value::Null));
    let fixture = start_with(EventSource::Queue(from_queue()), act, Vec::new(), |stack| {
        stack.functions[0].reserved_concurrency = Some(0);
    });
    fixture.send("x").await;
    until("it was received", || async { fixture.queues.counts("work").await.unwrap().in_flight == 1 }).await;
    fixture.pollers.stop().await;
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(fixture.queues.counts("work").await.unwrap(), Counts { visible: 1, in_flight: 0, delayed: 0 });
}

#[tokio::test]
async fn a_long_list_leaves_room_for_a_single_message() {
    let seen: Arc<StdMutex<Vec<(String, Lane)>>> = Arc::default();
    let go = Arc::new(tokio::sync::Semaphore::new(0));
    let act = script({
        let (seen, go) = (Arc::clone(&seen), Arc::clone(&go));
        move |event| {
            let (seen, go) = (Arc::clone(&seen), Arc::clone(&go));
            async move {
                seen.lock().unwrap().push((bodies(&event)[0].clone(), Lane::current()));
                go.acquire().await.unwrap().forget();
                Ok(Value::Null)
            }
        }
    });
    let source = QueueSource { maximum_concurrency: Some(4), ..from_queue() };
    let mut stack = prepare(EventSource::Queue(source));
    stack.queues[0].visibility_timeout = Duration::from_mins(1);
    let (queues, _folder) = open(&stack);
    let send = async |group: &str, count: usize| {
        let entry = |id: usize| json!({ "Id": id.to_string(), "MessageBody": group, "MessageGroupId": group });
        for _ in 0..count.div_ceil(10) {
            let entries: Vec<Value> = (0..count.min(10)).map(entry).collect();
            let body = json!({ "QueueUrl": "http://127.0.0.1:4566/000000000000/work", "Entries": entries });
            queues.handle("SendMessageBatch", body).await.unwrap();
        }
    };
    send("list", 200).await;
    let lambda = fakes::lambda(vec![(stack.functions[0].clone(), act)]);
    let reader = stream::reader_of(Arc::default());
    let (_written, changes) = watch::channel(0);
    let pollers = Pollers::start(&stack, &queues, &lambda, &reader, &changes).unwrap();
    let calls = |group: &str| seen.lock().unwrap().iter().filter(|(body, _)| body == group).count();
    until("two calls for the list", || async { calls("list") == 2 }).await;
    send("web", 1).await;
    until("a call for the single message", || async { calls("web") == 1 }).await;
    assert_eq!(calls("list"), 2, "the list gets half of the four calls");
    let lanes: Vec<Lane> = seen.lock().unwrap().iter().map(|(_, lane)| *lane).collect();
    assert_eq!(lanes, [Lane::Back, Lane::Back, Lane::Front]);
    go.add_permits(1000);
    until("the queues are empty", || async { queues.idle().await.unwrap() }).await;
    assert_eq!(calls("list"), 20);
    pollers.stop().await;
}

#[tokio::test]
async fn stopping_finishes_running_calls() {
    let (entered, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
    let act = script({
        let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
        move |_| {
            let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
            async move {
                entered.fetch_add(1, Ordering::SeqCst);
                go.notified().await;
                Ok(Value::Null)
            }
        }
    });
    let fixture = start(EventSource::Queue(from_queue()), act);
    fixture.send("x").await;
    until("the call runs", || async { entered.load(Ordering::SeqCst) == 1 }).await;
    go.notify_one();
    fixture.pollers.stop().await;
    assert!(fixture.queues.idle().await.unwrap());
    fixture.send("later").await;
    assert_eq!(fixture.queues.counts("work").await.unwrap().visible, 1);
}

#[tokio::test]
async fn reads_a_stream_in_order_and_goes_on_after_a_restart() {
    let seen = Arc::default();
    let mut source = from_stream();
    source.filters = vec![r#"{"eventName": ["INSERT"]}"#.to_owned()];
    let mut records = inserts(6);
    records[1]["eventName"] = "MODIFY".into();
    let act = recording(&seen, |_| Ok(Value::Null));
    let fixture = start_with(EventSource::Stream(source), act, records, |_| {});
    let got = || seen.lock().unwrap().iter().flat_map(sequences).collect::<Vec<_>>();
    until("all are read", || async { got().len() == 5 }).await;
    assert_eq!(got(), ["100", "102", "103", "104", "105"]);

    // A write wakes it.
    *fixture.records.lock().unwrap() = number(inserts(7));
    fixture.written.send_modify(|n| *n += 1);
    until("the new one is read", || async { got().len() == 6 }).await;
    fixture.pollers.stop().await;
    let key = position_key("F", "leads");
    assert_eq!(fixture.queues.position(&key).await.unwrap().as_deref(), Some("106"));

    *fixture.records.lock().unwrap() = number(inserts(8));
    let reader = stream::reader_of(Arc::clone(&fixture.records));
    let pollers =
        Pollers::start(&fixture.stack, &fixture.queues, &fixture.lambda, &reader, &fixture.written.subscribe())
            .unwrap();
    until("only the newest is read", || async { got().len() == 7 }).await;
    assert_eq!(got().last().unwrap(), "107");
    pollers.stop().await;
}

#[tokio::test]
async fn latest_starts_with_the_next_record() {
    let seen = Arc::default();
    let mut source = from_stream();
    source.from_horizon = false;
    let act = recording(&seen, |_| Ok(Value::Null));
    let fixture = start_with(EventSource::Stream(source), act, inserts(5), |_| {});
    until("it has begun", || async { fixture.queues.position("F/leads").await.unwrap().as_deref() == Some("104") })
        .await;
    *fixture.records.lock().unwrap() = number(inserts(6));
    fixture.written.send_modify(|n| *n += 1);
    until("the new one is read", || async { !seen.lock().unwrap().is_empty() }).await;
    assert_eq!(sequences(&seen.lock().unwrap()[0]), ["105"]);
}

#[tokio::test]
async fn isolates_and_reports_a_record_that_always_fails() {
    let seen = Arc::default();
    let answer =
        |event: &Value| if sequences(event).contains(&"102".to_owned()) { Err("poison") } else { Ok(Value::Null) };
    let fixture = start_with(EventSource::Stream(from_stream()), recording(&seen, answer), inserts(5), |_| {});
    until("all is done", || async { fixture.queues.position("F/leads").await.unwrap().as_deref() == Some("104") })
        .await;
    let calls: Vec<String> = seen.lock().unwrap().iter().map(|event| sequences(event).join(" ")).collect();
    assert_eq!(calls, ["100 101 102 103", "100 101", "102 103", "102", "103", "104"]);

    let dead = &fixture.queues.receive("dead", 1, Duration::ZERO, DEADLINE).await.unwrap()[0];
    let mut document: Value = serde_json::from_str(&dead.body).unwrap();
    document["timestamp"] = "…".into();
    document["requestContext"]["requestId"] = "…".into();
    assert_eq!(
        document,
        json!({
            "requestContext": {
                "requestId": "…",
                "functionArn": "arn:aws:lambda:eu-central-1:000000000000:function:f",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 1,
            },
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
            "version": "1.0",
            "timestamp": "…",
            "DDBStreamBatchInfo": {
                "shardId": "shardId-00000000000000000001-local",
                "startSequenceNumber": "102",
                "endSequenceNumber": "102",
                "approximateArrivalOfFirstRecord": "2023-11-14T22:13:20Z",
                "approximateArrivalOfLastRecord": "2023-11-14T22:13:20Z",
                "batchSize": 1,
                "streamArn": "arn:aws:dynamodb:eu-central-1:000000000000:table/leads/stream/x",
            },
        })
    );
}

#[tokio::test]
async fn retries_from_the_first_record_that_failed() {
    let seen = Arc::default();
    let tries = AtomicUsize::new(0);
    let answer = move |event: &Value| {
        let bad = sequences(event).into_iter().filter(|s| s == "102" || s == "103");
        Ok(if tries.fetch_add(1, Ordering::SeqCst) == 0 { failed(bad.rev()) } else { Value::Null })
    };
    let fixture = start_with(EventSource::Stream(from_stream()), recording(&seen, answer), inserts(4), |_| {});
    until("all is done", || async { fixture.queues.position("F/leads").await.unwrap().as_deref() == Some("103") })
        .await;
    let calls: Vec<String> = seen.lock().unwrap().iter().map(|event| sequences(event).join(" ")).collect();
    assert_eq!(calls, ["100 101 102 103", "102 103"]);
    assert!(fixture.queues.idle().await.unwrap());
}

#[tokio::test]
async fn a_schedule_runs_by_itself_and_on_request() {
    let seen: Arc<StdMutex<Vec<Value>>> = Arc::default();
    let hourly = EventSource::Schedule { name: "EveryHour".to_owned(), every: Duration::from_hours(1), input: None };
    let fixture = start(hourly, recording(&seen, |_| Ok(Value::Null)));
    fixture.pollers.tick("EveryHour").await.unwrap();
    let mut event = seen.lock().unwrap().remove(0);
    for changing in ["id", "time"] {
        assert!(event[changing].is_string());
        event[changing] = "…".into();
    }
    assert_eq!(
        event,
        json!({
            "version": "0", "id": "…", "detail-type": "Scheduled Event", "source": "aws.scheduler",
            "account": "000000000000", "time": "…", "region": "eu-central-1",
            "resources": ["arn:aws:scheduler:eu-central-1:000000000000:schedule/default/FEveryHour"],
            "detail": "{}",
        })
    );
    let error = fixture.pollers.tick("Never").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no schedule `Never`; the schedules are `EveryHour`");

    let seen: Arc<StdMutex<Vec<Value>>> = Arc::default();
    let often = EventSource::Schedule {
        name: "Often".to_owned(),
        every: Duration::from_millis(2),
        input: Some(r#"{"a":1}"#.to_owned()),
    };
    let fixture = start(often, recording(&seen, |_| Ok(Value::Null)));
    until("it ran", || async { seen.lock().unwrap().len() > 1 }).await;
    fixture.pollers.stop().await;
    assert_eq!(seen.lock().unwrap()[0], json!({ "a": 1 }));
}

#[tokio::test]
async fn a_mistake_in_an_event_source_stops_the_start() {
    let start = |source: EventSource| {
        let mut stack = prepare(source);
        stack.tables[0].stream_arn = None;
        let (queues, _folder) = open(&stack);
        let lambda = fakes::lambda(Vec::new());
        let reader = stream::reader_of(Arc::default());
        Pollers::start(&stack, &queues, &lambda, &reader, &watch::channel(0).1).err().unwrap().to_string()
    };
    let mut filtered = from_queue();
    filtered.filters = vec!["[]".to_owned()];
    assert_eq!(
        start(EventSource::Queue(filtered)),
        "function `F` has a filter `[]` that cannot be read: event pattern must be a JSON object"
    );
    let mut elsewhere = from_queue();
    elsewhere.queue = "gone".to_owned();
    assert_eq!(
        start(EventSource::Queue(elsewhere)),
        "function `F` listens to the queue `gone`, which the template does not declare"
    );
    assert!(start(EventSource::Stream(from_stream())).contains("which has none"));
}
