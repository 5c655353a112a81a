//! Templates and calls of SQS that nobody meant: nothing panics, every problem names its place, and the queues go on.

use std::collections::BTreeMap;
use std::time::Duration;

use fairleader_hostile::examine;
use fairleader_local::machine::REGION;
use fairleader_local::sqs::{Attributes, Queues};
use fairleader_local::template::{self, Settings};
use serde_json::Value;

use crate::harness::TEMPLATE;

/// A template with many mistakes.
const MISTAKES: &[u8] = include_bytes!("../../infra/local/src/template/tests/mistakes.yaml");
/// How long a receive may wait for messages.
const RECEIVES: Duration = Duration::from_millis(5);

fn settings() -> Settings {
    Settings {
        stack_name: "fairleader".to_owned(),
        region: REGION.to_owned(),
        account: "000000000000".to_owned(),
        endpoint_url: "http://127.0.0.1:4566".to_owned(),
        parameters: BTreeMap::new(),
    }
}

#[test]
fn templates_name_the_place_of_every_problem() {
    let (mut accepted, settings) = (0, settings());
    examine("template", &[TEMPLATE.as_bytes(), MISTAKES], |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        match template::read(text, "template.yaml", &settings) {
            Ok(_) => accepted += 1,
            Err(problems) => {
                assert!(!problems.is_empty(), "refused without a reason");
                let lines = text.lines().count();
                for problem in problems {
                    assert!((1..=lines + 1).contains(&problem.line) && problem.column >= 1, "{problem}");
                    assert!(!problem.message.trim().is_empty(), "{problem:?}");
                }
            }
        }
    });
    assert!(accepted > 0, "no template was accepted");
}

#[test]
fn queues_answer_every_call_and_go_on() {
    let stack = template::read(TEMPLATE, "infra/template.yaml", &settings()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let queues = Queues::open(&folder.path().join("queues.db"), &stack.queues).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut answered: BTreeMap<String, u32> = BTreeMap::new();
    examine("sqs", &[], |input| {
        let Ok(mut body) = serde_json::from_slice::<Value>(input) else { return };
        let operation = body.as_object_mut().and_then(|fields| fields.remove("operation"));
        let operation = operation.as_ref().and_then(Value::as_str).unwrap_or("SendMessage").to_owned();
        let patience = if operation == "ReceiveMessage" { RECEIVES } else { Duration::from_secs(20) };
        let call = runtime.block_on(async { tokio::time::timeout(patience, queues.handle(&operation, body)).await });
        match call {
            Ok(Ok(_)) => *answered.entry(operation).or_default() += 1,
            Ok(Err(refused)) => {
                assert_eq!(refused.status, 400, "{operation}: {refused}");
                assert!(!refused.code.is_empty() && !refused.message.is_empty(), "{operation}: {refused:?}");
            }
            Err(_) => assert_eq!(operation, "ReceiveMessage", "only a receive waits"),
        }
    });
    println!("answered: {answered:?}");
    for operation in ["SendMessage", "SendMessageBatch", "ReceiveMessage", "GetQueueAttributes", "ListQueues"] {
        assert!(answered.contains_key(operation), "{operation} was always refused");
    }
    runtime.block_on(async {
        queues.send("fairleader-route", "after".to_owned(), Attributes::default()).await.unwrap();
        let received = queues.receive("fairleader-route", 10, Duration::from_secs(5), Duration::from_mins(1)).await;
        let received = received.unwrap();
        let last = received.iter().find(|message| message.body == "after").expect("the message after all the others");
        queues.delete("fairleader-route", std::slice::from_ref(&last.receipt_handle)).await.unwrap();
        queues.close().await;
    });
}
