use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::stack::Redrive;

const WAIT: Duration = Duration::from_secs(10);
const HIDE: Duration = Duration::from_mins(1);

fn queue(name: &str) -> Queue {
    Queue {
        id: name.to_owned(),
        name: name.to_owned(),
        arn: format!("arn:aws:sqs:eu-central-1:000000000000:{name}"),
        url: format!("http://127.0.0.1:4566/000000000000/{name}"),
        visibility_timeout: Duration::from_mins(1),
        delay: Duration::ZERO,
        retention: Duration::from_hours(14 * 24),
        maximum_message_size: 1024 * 1024,
        receive_wait: Duration::ZERO,
        redrive: None,
    }
}

/// Declares `work`, whose messages go to `dead` after two receives.
fn declared() -> Vec<Queue> {
    let mut work = queue("work");
    work.redrive = Some(Redrive { dead_letter_queue: "dead".to_owned(), max_receive_count: 2 });
    vec![work, queue("dead")]
}

struct Fixture {
    queues: Queues,
    folder: TempDir,
}

fn open() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let queues = Queues::open(&folder.path().join("queues.db"), &declared()).unwrap();
    Fixture { queues, folder }
}

impl Fixture {
    async fn call(&self, operation: &str, mut body: Value) -> Result<Value, AwsError> {
        if body.get("QueueUrl").is_none() {
            body["QueueUrl"] = "http://127.0.0.1:4566/000000000000/work".into();
        }
        self.queues.handle(operation, body).await
    }

    async fn send(&self, body: &str) {
        self.queues.send("work", body.to_owned(), Attributes::default()).await.unwrap();
    }

    async fn reopen(self) -> Self {
        self.queues.close().await;
        let queues = Queues::open(&self.folder.path().join("queues.db"), &declared()).unwrap();
        Self { queues, folder: self.folder }
    }
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

#[tokio::test]
async fn keeps_attributes_and_checksums_of_a_message() {
    let fixture = open();
    let sent = fixture
        .call(
            "SendMessage",
            json!({
                "MessageBody": "hello",
                "MessageAttributes": { "timestamp": { "DataType": "Number", "StringValue": "1493147359900" } },
                "MessageGroupId": "web-form",
            }),
        )
        .await
        .unwrap();
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    // As AWS replied for this attribute (from localstack's tests).
    assert_eq!(sent["MD5OfMessageAttributes"], "235c5c510d26fb653d073faed50ae77c");

    let received = fixture
        .call(
            "ReceiveMessage",
            json!({ "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["time.*", "timestamp"] }),
        )
        .await
        .unwrap();
    let message = &received["Messages"][0];
    assert_eq!(message["MessageId"], sent["MessageId"]);
    assert_eq!(message["Body"], "hello");
    assert_eq!(message["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    assert_eq!(message["MessageAttributes"]["timestamp"]["StringValue"], "1493147359900");
    assert_eq!(message["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(message["Attributes"]["MessageGroupId"], "web-form");
    assert_eq!(fixture.queues.counts("work").await.unwrap(), Counts { visible: 0, in_flight: 1, delayed: 0 });

    fixture.call("DeleteMessage", json!({ "ReceiptHandle": message["ReceiptHandle"] })).await.unwrap();
    assert!(fixture.queues.idle().await.unwrap());
}

#[test]
fn the_checksum_covers_text_and_binary_attributes_in_order() {
    let attributes: Attributes = serde_json::from_value(json!({
        "category": { "DataType": "String", "StringValue": "test" },
        "ordinal": { "DataType": "Number", "StringValue": "1" },
    }))
    .unwrap();
    assert_eq!(attributes.md5().as_deref(), Some("d21ae90c49061e927f57df5f5d72be1f"));
    let binary: Attributes =
        serde_json::from_value(json!({ "b": { "DataType": "Binary", "BinaryValue": "AQI=" } })).unwrap();
    assert_eq!(binary.md5(), Some(md5_hex(b"\0\0\0\x01b\0\0\0\x06Binary\x02\0\0\0\x02\x01\x02")));
}

#[tokio::test]
async fn a_send_wakes_a_waiting_receive() {
    let fixture = Arc::new(open());
    let waiting = tokio::spawn({
        let fixture = Arc::clone(&fixture);
        async move { fixture.queues.receive("work", 10, WAIT, HIDE).await.unwrap() }
    });
    // Parked by now or not, the receive must return well before its ten seconds.
    tokio::task::yield_now().await;
    let started = Instant::now();
    fixture.send("one").await;
    assert_eq!(bodies(&waiting.await.unwrap()), ["one"]);
    assert!(started.elapsed() < WAIT / 2);
}

#[tokio::test]
async fn a_message_that_becomes_visible_wakes_a_waiting_receive() {
    let fixture = open();
    fixture.send("one").await;
    let first = fixture.queues.receive("work", 1, Duration::ZERO, Duration::from_millis(50)).await.unwrap();
    let started = Instant::now();
    let second = fixture.queues.receive("work", 1, WAIT, HIDE).await.unwrap();
    assert!(started.elapsed() < WAIT / 2);
    assert_eq!(second[0].id, first[0].id);
    assert_eq!(second[0].receive_count, 2);

    // The handle of the first receive no longer deletes anything, and reports no error.
    fixture.queues.delete("work", &[first[0].receipt_handle.clone()]).await.unwrap();
    assert_eq!(fixture.queues.counts("work").await.unwrap().in_flight, 1);
    let refused = fixture.queues.change_visibility("work", &first[0].receipt_handle, HIDE).await.unwrap_err();
    assert_eq!(refused.code, "com.amazonaws.sqs#InvalidParameterValue");

    fixture.queues.change_visibility("work", &second[0].receipt_handle, Duration::ZERO).await.unwrap();
    assert_eq!(fixture.queues.counts("work").await.unwrap().visible, 1);
}

#[tokio::test]
async fn a_late_handle_never_deletes_another_message() {
    let fixture = open();
    fixture.send("first").await;
    let first = fixture.queues.receive("work", 1, Duration::ZERO, HIDE).await.unwrap();
    fixture.queues.delete("work", &[first[0].receipt_handle.clone()]).await.unwrap();
    fixture.send("second").await;
    fixture.queues.receive("work", 1, Duration::ZERO, HIDE).await.unwrap();
    fixture.queues.delete("work", &[first[0].receipt_handle.clone()]).await.unwrap();
    assert_eq!(fixture.queues.counts("work").await.unwrap().in_flight, 1);
}

#[tokio::test]
async fn an_empty_queue_answers_when_the_wait_is_over() {
    let fixture = open();
    let answer = fixture.queues.receive("work", 1, Duration::from_millis(20), HIDE).await.unwrap();
    assert!(answer.is_empty());
    assert_eq!(fixture.call("ReceiveMessage", json!({})).await.unwrap(), json!({}));
}

#[tokio::test]
async fn a_delayed_message_comes_later() {
    let fixture = open();
    fixture.call("SendMessage", json!({ "MessageBody": "later", "DelaySeconds": 1 })).await.unwrap();
    assert_eq!(fixture.queues.counts("work").await.unwrap(), Counts { visible: 0, in_flight: 0, delayed: 1 });
    assert!(fixture.queues.receive("work", 1, Duration::ZERO, HIDE).await.unwrap().is_empty());
    assert_eq!(bodies(&fixture.queues.receive("work", 1, WAIT, HIDE).await.unwrap()), ["later"]);
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letter_queue() {
    let fixture = open();
    fixture.send("poison").await;
    let at_the_dead_letters = tokio::spawn({
        let queues = fixture.queues.clone();
        async move { queues.receive("dead", 1, WAIT, HIDE).await.unwrap() }
    });
    let mut sent = String::new();
    for count in 1..=2 {
        let received = fixture.queues.receive("work", 1, WAIT, Duration::from_millis(1)).await.unwrap();
        assert_eq!(received[0].receive_count, count);
        sent.clone_from(&received[0].system_attributes["SentTimestamp"]);
    }
    // The third receive exceeds the limit.
    assert!(fixture.queues.receive("work", 1, Duration::from_millis(50), HIDE).await.unwrap().is_empty());
    let dead = at_the_dead_letters.await.unwrap();
    assert_eq!(bodies(&dead), ["poison"]);
    assert_eq!(dead[0].receive_count, 3);
    assert_eq!(dead[0].system_attributes["SentTimestamp"], sent);
    assert_eq!(dead[0].system_attributes["DeadLetterQueueSourceArn"], "arn:aws:sqs:eu-central-1:000000000000:work");
}

#[tokio::test]
async fn messages_and_their_counts_survive_a_restart() {
    let fixture = open();
    fixture.send("one").await;
    fixture.send("two").await;
    let received = fixture.queues.receive("work", 1, Duration::ZERO, HIDE).await.unwrap();
    assert_eq!(bodies(&received), ["one"]);
    fixture.call("SendMessage", json!({ "MessageBody": "later", "DelaySeconds": 900 })).await.unwrap();

    let fixture = fixture.reopen().await;
    assert_eq!(fixture.queues.counts("work").await.unwrap(), Counts { visible: 2, in_flight: 0, delayed: 1 });
    let again = fixture.queues.receive("work", 10, Duration::ZERO, HIDE).await.unwrap();
    let mut counts: Vec<(&str, i64)> = again.iter().map(|m| (m.body.as_str(), m.receive_count)).collect();
    counts.sort_unstable();
    assert_eq!(counts, [("one", 2), ("two", 1)]);
}

#[tokio::test]
async fn an_accepted_message_is_on_disk() {
    let fixture = open();
    fixture.send("accepted").await;
    // A killed process leaves the files without closing them.
    let copy = tempfile::tempdir().unwrap();
    for file in ["queues.db", "queues.db-wal"] {
        std::fs::copy(fixture.folder.path().join(file), copy.path().join(file)).unwrap();
    }
    let queues = Queues::open(&copy.path().join("queues.db"), &declared()).unwrap();
    assert_eq!(bodies(&queues.receive("work", 1, Duration::ZERO, HIDE).await.unwrap()), ["accepted"]);
}

#[tokio::test]
async fn a_cancelled_receive_loses_no_message() {
    let fixture = open();
    for round in 0..20 {
        let mut receive = Box::pin(fixture.queues.receive("work", 1, WAIT, HIDE));
        assert!(futures::poll!(&mut receive).is_pending());
        // The receive is parked. It is cancelled at some moment while the message is delivered to it.
        let mut sending = Box::pin(futures::future::maybe_done(fixture.send("kept")));
        // The send has started, and may already be done in the other thread.
        let _begun = futures::poll!(&mut sending);
        if round % 2 == 0 {
            sending.await;
            drop(receive);
        } else {
            drop(receive);
            sending.await;
        }
        let message = fixture.queues.receive("work", 1, WAIT, HIDE).await.unwrap();
        assert_eq!(message[0].receive_count, 1, "round {round}");
        fixture.queues.delete("work", &[message[0].receipt_handle.clone()]).await.unwrap();
    }
}

#[tokio::test]
async fn a_batch_reports_failures_by_entry() {
    let fixture = open();
    let answer = fixture
        .call(
            "SendMessageBatch",
            json!({ "Entries": [
                { "Id": "good", "MessageBody": "x" },
                { "Id": "control", "MessageBody": "\u{1}" },
                { "Id": "late", "MessageBody": "x", "DelaySeconds": 901 },
            ]}),
        )
        .await
        .unwrap();
    assert_eq!(answer["Successful"][0]["Id"], "good");
    let failed: Vec<_> = answer["Failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["Id"].as_str().unwrap(), f["Code"].as_str().unwrap()))
        .collect();
    assert_eq!(failed, [("control", "InvalidMessageContents"), ("late", "InvalidParameterValue")]);
    assert_eq!(fixture.queues.counts("work").await.unwrap().visible, 1);

    let received = fixture.queues.receive("work", 1, Duration::ZERO, HIDE).await.unwrap();
    let answer = fixture
        .call(
            "DeleteMessageBatch",
            json!({ "Entries": [
                { "Id": "a", "ReceiptHandle": received[0].receipt_handle },
                { "Id": "b", "ReceiptHandle": "nonsense" },
            ]}),
        )
        .await
        .unwrap();
    assert_eq!(answer["Successful"][0]["Id"], "a");
    assert_eq!(answer["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
    assert!(fixture.queues.idle().await.unwrap());
}

#[tokio::test]
async fn rejects_what_aws_rejects() {
    let fixture = open();
    let many: Vec<Value> = (0..11).map(|n| json!({ "Id": n.to_string(), "MessageBody": "x" })).collect();
    let same = json!([{ "Id": "a", "MessageBody": "x" }, { "Id": "a", "MessageBody": "x" }]);
    let big = "x".repeat(600 * 1024);
    let cases = [
        ("SendMessage", json!({ "QueueUrl": "http://x/0/nowhere", "MessageBody": "x" }), "QueueDoesNotExist"),
        ("SendMessage", json!({ "QueueUrl": "http://x/0/$bus", "MessageBody": "x" }), "QueueDoesNotExist"),
        ("SendMessage", json!({}), "MissingParameter"),
        ("SendMessage", json!({ "MessageBody": "" }), "MissingParameter"),
        ("SendMessage", json!({ "MessageBody": "\u{FFFF}" }), "InvalidMessageContents"),
        ("SendMessage", json!({ "MessageBody": "x".repeat(1024 * 1024 + 1) }), "InvalidParameterValue"),
        ("SendMessage", json!({ "MessageBody": "x", "MessageGroupId": "a b" }), "InvalidParameterValue"),
        (
            "SendMessage",
            json!({ "MessageBody": "x", "MessageAttributes": { "aws.x": { "DataType": "String", "StringValue": "v" } } }),
            "InvalidParameterValue",
        ),
        ("SendMessage", json!({ "MessageBody": 5 }), "SerializationException"),
        ("SendMessageBatch", json!({ "Entries": [] }), "EmptyBatchRequest"),
        ("SendMessageBatch", json!({ "Entries": many }), "TooManyEntriesInBatchRequest"),
        ("SendMessageBatch", json!({ "Entries": same }), "BatchEntryIdsNotDistinct"),
        ("SendMessageBatch", json!({ "Entries": [{ "Id": "a b", "MessageBody": "x" }] }), "InvalidBatchEntryId"),
        (
            "SendMessageBatch",
            json!({ "Entries": [{ "Id": "a", "MessageBody": big }, { "Id": "b", "MessageBody": big }] }),
            "BatchRequestTooLong",
        ),
        ("ReceiveMessage", json!({ "MaxNumberOfMessages": 11 }), "InvalidParameterValue"),
        ("ReceiveMessage", json!({ "WaitTimeSeconds": 21 }), "InvalidParameterValue"),
        ("DeleteMessage", json!({ "ReceiptHandle": "nonsense" }), "ReceiptHandleIsInvalid"),
        ("GetQueueAttributes", json!({ "AttributeNames": ["Colour"] }), "InvalidAttributeName"),
        ("CreateQueue", json!({ "QueueName": "new" }), "UnsupportedOperation"),
        ("DeleteQueue", json!({}), "UnsupportedOperation"),
    ];
    for (operation, body, code) in cases {
        let error = fixture.call(operation, body).await.unwrap_err();
        assert_eq!(error.code.rsplit('#').next().unwrap(), code, "{operation}: {error}");
    }
    let error = fixture.call("GetQueueUrl", json!({ "QueueName": "nowhere" })).await.unwrap_err();
    assert_eq!(error.query_code.as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue;Sender"));
}

#[tokio::test]
async fn queues_describe_themselves() {
    let fixture = open();
    let url = "http://127.0.0.1:4566/000000000000/work";
    assert_eq!(fixture.call("GetQueueUrl", json!({ "QueueName": "work" })).await.unwrap()["QueueUrl"], url);
    assert_eq!(fixture.call("CreateQueue", json!({ "QueueName": "work" })).await.unwrap()["QueueUrl"], url);
    let listed = fixture.call("ListQueues", json!({})).await.unwrap();
    assert_eq!(listed["QueueUrls"].as_array().unwrap().len(), 2);
    fixture.send("x").await;
    let all = fixture.call("GetQueueAttributes", json!({ "AttributeNames": ["All"] })).await.unwrap();
    assert_eq!(all["Attributes"]["ApproximateNumberOfMessages"], "1");
    assert_eq!(
        all["Attributes"]["RedrivePolicy"],
        r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:000000000000:dead","maxReceiveCount":2}"#
    );
    fixture.call("PurgeQueue", json!({})).await.unwrap();
    assert!(fixture.queues.idle().await.unwrap());
}

#[tokio::test]
async fn expired_messages_are_not_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queues.db");
    let mut short = queue("short");
    short.retention = Duration::ZERO;
    let queues = Queues::open(&path, std::slice::from_ref(&short)).unwrap();
    queues.send("short", "old".to_owned(), Attributes::default()).await.unwrap();
    let wait = Duration::from_millis(20);
    // Waiting past its expiry must neither deliver it nor spin.
    assert!(queues.receive("short", 1, wait, HIDE).await.unwrap().is_empty());
    queues.close().await;
    let queues = Queues::open(&path, &[short]).unwrap();
    assert!(queues.receive("short", 1, wait, HIDE).await.unwrap().is_empty());
    assert!(queues.idle().await.unwrap());
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_deletes_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queues.db");
    let system = Timestamp::now().as_millisecond();
    let days = |days: i64| days * 24 * 60 * 60 * 1000;
    let queues = Queues::open_at(&path, &declared(), system).unwrap();
    queues.send("work", "accepted".to_owned(), Attributes::default()).await.unwrap();
    queues.close().await;
    // Each start deletes what is expired.
    for _ in 0..3 {
        let queues = Queues::open_at(&path, &declared(), system + days(20)).unwrap();
        assert_eq!(queues.counts("work").await.unwrap().visible, 1);
        queues.close().await;
    }
    let queues = Queues::open_at(&path, &declared(), system + days(20)).unwrap();
    queues.send("work", "later".to_owned(), Attributes::default()).await.unwrap();
    let received = queues.receive("work", 10, WAIT, HIDE).await.unwrap();
    assert_eq!(bodies(&received), ["accepted", "later"]);
    // Clients see the system's time.
    let sent: i64 = received[1].system_attributes["SentTimestamp"].parse().unwrap();
    assert!((sent - system - days(20)).abs() < 60_000, "{sent}");
    queues.close().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_stops_no_retry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queues.db");
    let system = Timestamp::now().as_millisecond();
    let queues = Queues::open_at(&path, &declared(), system).unwrap();
    for body in ["retried", "waiting"] {
        queues.send("work", body.to_owned(), Attributes::default()).await.unwrap();
    }
    assert_eq!(bodies(&queues.receive("work", 1, WAIT, HIDE).await.unwrap()), ["retried"]);
    queues.close().await;

    let queues = Queues::open_at(&path, &declared(), system - 24 * 60 * 60 * 1000).unwrap();
    let received = queues.receive("work", 10, WAIT, Duration::from_millis(50)).await.unwrap();
    assert_eq!(received.len(), 2);
    // It failed, and comes back when its visibility timeout is over.
    let again = queues.receive("work", 1, WAIT, HIDE).await.unwrap();
    assert_eq!(bodies(&again), ["waiting"]);
    assert_eq!(again[0].receive_count, 2);
    queues.close().await;
}

#[tokio::test]
async fn a_damaged_file_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queues.db");
    std::fs::write(&path, "x".repeat(5000)).unwrap();
    let refusal = Queues::open(&path, &declared()).err().unwrap().to_string();
    insta::assert_snapshot!(
        refusal.replace(&folder.path().display().to_string(), "DATA"),
        @"the queues in `DATA/queues.db` cannot be opened: file is not a database; if the file is damaged, restore the data folder from a backup, or choose an empty folder with --data"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_senders_and_receivers_lose_and_repeat_nothing() {
    let fixture = Arc::new(open());
    let senders: Vec<_> = (0..20)
        .map(|sender| {
            let queues = fixture.queues.clone();
            tokio::spawn(async move {
                for n in 0..25 {
                    queues.send("work", format!("{sender}-{n}"), Attributes::default()).await.unwrap();
                }
            })
        })
        .collect();
    let receivers: Vec<_> = (0..5)
        .map(|_| {
            let queues = fixture.queues.clone();
            tokio::spawn(async move {
                let mut got = Vec::new();
                loop {
                    let messages = queues.receive("work", 10, Duration::from_millis(300), HIDE).await.unwrap();
                    if messages.is_empty() {
                        return got;
                    }
                    let handles: Vec<String> = messages.iter().map(|m| m.receipt_handle.clone()).collect();
                    queues.delete("work", &handles).await.unwrap();
                    got.extend(messages.into_iter().map(|m| m.body));
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let mut all = Vec::new();
    for receiver in receivers {
        all.extend(receiver.await.unwrap());
    }
    let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (500, 500));
    assert!(fixture.queues.idle().await.unwrap());
}

#[tokio::test]
async fn a_redrive_policy_must_name_a_queue() {
    let folder = tempfile::tempdir().unwrap();
    let mut work = queue("work");
    work.redrive = Some(Redrive { dead_letter_queue: "gone".to_owned(), max_receive_count: 1 });
    let error = Queues::open(&folder.path().join("queues.db"), &[work]).err().unwrap();
    assert_eq!(error.to_string(), "queue `work` has the dead-letter queue `gone`, which the template does not declare");
}

/// Sends messages in a group.
async fn send_in(fixture: &Fixture, group: &str, bodies: impl IntoIterator<Item = String>) {
    let bodies: Vec<String> = bodies.into_iter().collect();
    for chunk in bodies.chunks(10) {
        let entries: Vec<Value> = chunk
            .iter()
            .enumerate()
            .map(|(id, body)| json!({ "Id": id.to_string(), "MessageBody": body, "MessageGroupId": group }))
            .collect();
        let sent = fixture.call("SendMessageBatch", json!({ "Entries": entries })).await.unwrap();
        assert_eq!(sent["Successful"].as_array().unwrap().len(), chunk.len());
    }
}

#[tokio::test]
async fn a_group_with_many_messages_does_not_delay_others() {
    let fixture = open();
    send_in(&fixture, "list", (0..300).map(|number| format!("list {number}"))).await;
    let receive = |want| fixture.queues.receive_some("work", want, 10, Duration::ZERO, HIDE);
    let bulk = receive(Want::Any).await.unwrap();
    assert_eq!(bodies(&bulk), (0..10).map(|number| format!("list {number}")).collect::<Vec<_>>());
    assert!(bulk.iter().all(|message| message.bulk));
    assert!(receive(Want::Quiet).await.unwrap().is_empty());

    send_in(&fixture, "web", ["web 0".to_owned()]).await;
    fixture.send("no group").await;
    let quiet = receive(Want::Any).await.unwrap();
    assert!(quiet.iter().all(|message| !message.bulk));
    let mut found = bodies(&quiet);
    found.sort_unstable();
    assert_eq!(found, ["no group", "web 0"], "and nothing else, so that their call is short");
    // A receive that wants no bulk does not keep one that does from it.
    let waiting = fixture.queues.receive_some("work", Want::Quiet, 10, WAIT, HIDE);
    let both = async {
        let bulk = receive(Want::Any).await.unwrap();
        assert_eq!((bulk.len(), bulk[0].bulk), (10, true));
        send_in(&fixture, "web", ["web 1".to_owned()]).await;
    };
    let (quiet, ()) = tokio::join!(waiting, both);
    assert_eq!(bodies(&quiet.unwrap()), ["web 1"]);
}

#[tokio::test]
async fn groups_take_turns_by_messages_in_flight() {
    let fixture = open();
    for group in ["a", "b", "c"] {
        send_in(&fixture, group, (0..20).map(|_| group.to_owned())).await;
    }
    let mut counts = BTreeMap::new();
    for _ in 0..3 {
        for message in fixture.queues.receive("work", 10, Duration::ZERO, HIDE).await.unwrap() {
            *counts.entry(message.body).or_insert(0) += 1;
        }
    }
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [10, 10, 10]);
}

#[tokio::test]
async fn every_group_has_a_turn_even_if_there_are_many() {
    let fixture = open();
    for number in 0..150 {
        send_in(&fixture, &format!("group-{number:03}"), [number.to_string()]).await;
    }
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..15 {
        let received = fixture.queues.receive("work", 10, Duration::ZERO, HIDE).await.unwrap();
        assert_eq!(received.len(), 10);
        seen.extend(received.into_iter().map(|message| message.body));
    }
    assert_eq!(seen.len(), 150);
}

/// Returns the size of the file and its log.
fn size(folder: &TempDir) -> u64 {
    ["queues.db", "queues.db-wal"].iter().map(|name| folder.path().join(name).metadata().unwrap().len()).sum()
}

#[tokio::test]
async fn the_file_shrinks_after_a_burst() {
    const MB: u64 = 1024 * 1024;
    let fixture = open();
    let body = "x".repeat(20_000);
    send_in(&fixture, "list", (0..1_000).map(|_| body.clone())).await;
    fixture.send("stays").await;
    assert!(size(&fixture.folder) > 20 * MB);
    loop {
        let received = fixture.queues.receive("work", 10, Duration::ZERO, HIDE).await.unwrap();
        let done = received.iter().filter(|message| message.body != "stays");
        let done: Vec<String> = done.map(|message| message.receipt_handle.clone()).collect();
        if received.is_empty() {
            break;
        }
        fixture.queues.delete("work", &done).await.unwrap();
    }
    let begun = Instant::now();
    while size(&fixture.folder) > 4 * MB {
        assert!(begun.elapsed() < WAIT * 3, "{} bytes are left", size(&fixture.folder));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What is left is still there, in flight.
    assert_eq!(fixture.queues.counts("work").await.unwrap(), Counts { visible: 0, in_flight: 1, delayed: 0 });
    let fixture = fixture.reopen().await;
    assert_eq!(bodies(&fixture.queues.receive("work", 10, WAIT, HIDE).await.unwrap()), ["stays"]);
}

#[tokio::test]
async fn a_file_from_before_can_shrink_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queues.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(
        "CREATE TABLE queues (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
         CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, visible_at INTEGER NOT NULL,
             receives INTEGER NOT NULL, receives_before INTEGER NOT NULL, first_received_at INTEGER,
             sent_at INTEGER NOT NULL, message_id BLOB NOT NULL, message_group TEXT, dead_letter_source TEXT,
             attributes TEXT, body TEXT NOT NULL);
         INSERT INTO queues VALUES (1, 'work');",
    )
    .unwrap();
    let now = Timestamp::now().as_millisecond();
    for body in ["kept", "gone"] {
        old.execute(
            "INSERT INTO messages (queue, visible_at, receives, receives_before, sent_at, message_id, body)
             VALUES (1, ?1, 0, 0, ?1, zeroblob(16), ?2)",
            rusqlite::params![now, body],
        )
        .unwrap();
    }
    old.execute("DELETE FROM messages WHERE body = 'gone'", []).unwrap();
    drop(old);
    let queues = Queues::open(&path, &declared()).unwrap();
    assert_eq!(bodies(&queues.receive("work", 10, WAIT, HIDE).await.unwrap()), ["kept"]);
    queues.close().await;
    let mode = |connection: rusqlite::Connection| {
        connection.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(mode(rusqlite::Connection::open(&path).unwrap()), 2);
}
