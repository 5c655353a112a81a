//! A function can do only what its policies in the template allow.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_dynamodb::types::AttributeValue;
use fairleader_api::Role;
use fairleader_local::machine::REGION;
use fairleader_local::proxy::{self, InProcess, Proxy, Services};
use fairleader_local::sqs::Queues;
use fairleader_local::tables::Tables;
use fairleader_local::template::{self, Settings};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::aws::Aws;
use crate::harness::{Setup, Stack, TEMPLATE, logged};

/// Returns the template with one change in the part that begins with `place`.
fn changed(place: &str, from: &str, to: &str) -> String {
    let (before, after) = TEMPLATE.split_once(place).expect("the place");
    assert!(after.contains(from), "`{from}` is not found after `{place}`");
    format!("{before}{place}{}", after.replacen(from, to, 1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn denies_a_function_a_table_its_policy_does_not_name() {
    let template = changed(
        "  DeskFunction:\n",
        "              Resource: !GetAtt LeadsTable.Arn\n",
        "              Resource: !GetAtt PoolsTable.Arn\n",
    );
    let stack = Stack::with(Setup { template: Some(template), ..Setup::default() }).await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.settled().await;

    let answer = stack.by(Role::Sales).get(&format!("/v1/leads/{lead}")).await;
    // The reply tells the caller nothing about tables; the operator finds the cause in the log.
    insta::assert_snapshot!(answer.shown(), @r#"
    500
    {
      "code": "internal",
      "detail": "try again; if it happens again, ask the operator of this installation",
      "status": 500,
      "title": "internal error"
    }
    "#);
    let refusals = logged("is not authorized to perform: dynamodb:GetItem");
    assert!(
        refusals.iter().any(|line| line.contains("DeskFunction") && line.contains("table/fairleader-leads")),
        "{refusals:#?}"
    );

    // Other functions are not affected: the lead has its owner.
    assert_eq!(stack.finish().await.stage("assigned"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intake_can_neither_read_nor_write_leads() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let settings = Settings {
        stack_name: "fairleader".to_owned(),
        region: REGION.to_owned(),
        account: "000000000000".to_owned(),
        endpoint_url: url.clone(),
        parameters: BTreeMap::new(),
    };
    let stack = template::read(TEMPLATE, "infra/template.yaml", &settings).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let queues = Queues::open(&folder.path().join("queues.db"), &stack.queues).unwrap();
    let keys = proxy::Keys::new(&stack.functions, "the operator's").unwrap();
    let intake = keys.of("IntakeFunction").unwrap().clone();
    let behind = queues.clone();
    let proxy = Arc::new(Proxy::new(Services {
        tables: Tables::open(&folder.path().join("tables.db"), &stack.tables).unwrap(),
        queues: Arc::new(move |call| {
            let queues = behind.clone();
            Box::pin(async move { queues.handle(&call.operation, call.body).await })
        }),
        bus: Arc::new(|_| Box::pin(async { Ok(Value::Null) })),
        keys,
        region: REGION.to_owned(),
        account: "000000000000".to_owned(),
    }));
    let inside = InProcess::default();
    inside.connect(&proxy);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(proxy.serve(listener, async move { stopped.await.unwrap_or_default() }));
    let outside = Aws::with_key(&url, &intake.id, &intake.secret);
    let within = Aws::inside(&inside, &url, &intake.id, &intake.secret);
    for door in [&outside, &within] {
        opens_one_queue_only(door).await;
    }
    for (key, secret, code) in [
        ("FLGUESSED", "guessed", "UnrecognizedClientException"),
        (intake.id.as_str(), "guessed", "InvalidSignatureException"),
    ] {
        for stranger in [Aws::with_key(&url, key, secret), Aws::inside(&inside, &url, key, secret)] {
            let refused = stranger.tables.list_tables().send().await.unwrap_err();
            assert_eq!(refused.code(), Some(code), "{}", DisplayErrorContext(&refused));
        }
    }

    stop.send(()).unwrap();
    // Do not wait for connections that the clients keep open.
    serving.abort();
    queues.close().await;
}

/// Checks that intake's key can only send to the queue `enrich`.
async fn opens_one_queue_only(door: &Aws) {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    for table in ["leads", "identities", "keys", "reps", "pools", "accounts", "rulebooks", "imports", "people"] {
        let name = format!("fairleader-{table}");
        let reads = door.tables.scan().table_name(&name).send().await.unwrap_err();
        assert_eq!(reads.code(), Some("AccessDeniedException"), "{table}: {}", DisplayErrorContext(&reads));
        let writes = door.tables.put_item().table_name(&name).item("lead_id", text("l-1")).item("part", text("state"));
        let writes = writes.send().await.unwrap_err();
        assert_eq!(writes.code(), Some("AccessDeniedException"), "{table}: {}", DisplayErrorContext(&writes));
    }
    let send = |queue: &str| door.queues.send_message().queue_url(door.queue_url(queue)).message_body("{}").send();
    send("enrich").await.unwrap();
    let refused = send("route").await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"), "{}", DisplayErrorContext(&refused));
    let reads = door.queues.receive_message().queue_url(door.queue_url("enrich")).send().await.unwrap_err();
    assert_eq!(reads.code(), Some("AccessDenied"), "{}", DisplayErrorContext(&reads));
    let puts = door.bus.put_events().entries(
        aws_sdk_eventbridge::types::PutEventsRequestEntry::builder()
            .event_bus_name("fairleader-events")
            .source("x")
            .detail_type("x")
            .detail("{}")
            .build(),
    );
    let puts = puts.send().await.unwrap_err();
    assert_eq!(puts.code(), Some("AccessDeniedException"), "{}", DisplayErrorContext(&puts));
}
