use std::time::{Duration, Instant};

use super::*;

const STREAM: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/leads/stream/1";

fn leads() -> Table {
    Table {
        id: "Leads".to_owned(),
        name: "leads".to_owned(),
        arn: "arn:aws:dynamodb:us-east-1:000000000000:table/leads".to_owned(),
        create: json!({
            "TableName": "leads",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "id", "AttributeType": "S" },
                { "AttributeName": "owner", "AttributeType": "S" },
            ],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "GlobalSecondaryIndexes": [{
                "IndexName": "owner",
                "KeySchema": [{ "AttributeName": "owner", "KeyType": "HASH" }],
                "Projection": { "ProjectionType": "KEYS_ONLY" },
            }],
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
        }),
        ttl_attribute: None,
        stream_arn: Some(STREAM.to_owned()),
    }
}

fn open(folder: &tempfile::TempDir, table: Table) -> Result<Tables, OpenError> {
    Tables::open(&folder.path().join("tables.db"), &[table])
}

async fn put(tables: &Tables, id: &str) {
    let body = json!({ "TableName": "leads", "Item": { "id": { "S": id } } });
    let reply = tables.call("PutItem", body.to_string().into()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

fn connection(folder: &tempfile::TempDir) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.path().join("tables.db")).unwrap()
}

#[tokio::test]
async fn items_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(&folder, leads()).unwrap();
    put(&tables, "1").await;
    drop(tables);
    let tables = open(&folder, leads()).unwrap();
    let get = json!({ "TableName": "leads", "Key": { "id": { "S": "1" } } });
    let reply = tables.call("GetItem", get.to_string().into()).await;
    assert_eq!(reply.body, r#"{"Item":{"id":{"S":"1"}}}"#);
}

#[tokio::test]
async fn rejects_a_table_that_differs_from_the_template() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder, leads()).unwrap());
    let refusal = |change: fn(&mut Value)| {
        let mut table = leads();
        change(&mut table.create);
        let refusal = open(&folder, table).err().unwrap().to_string();
        refusal.replace(&folder.path().display().to_string(), "DATA")
    };
    insta::assert_snapshot!(refusal(|create| create["KeySchema"][0]["AttributeName"] = json!("owner")), @"table `leads` in `DATA/tables.db` has the key id (S), but the template has owner (S); existing tables are not changed: restore the template, or start with an empty data folder");
    insta::assert_snapshot!(refusal(|create| create["GlobalSecondaryIndexes"][0]["Projection"]["ProjectionType"] = json!("ALL")), @"table `leads` in `DATA/tables.db` has the indexes owner: owner (S) [KEYS_ONLY], but the template has owner: owner (S) [ALL]; existing tables are not changed: restore the template, or start with an empty data folder");
    insta::assert_snapshot!(refusal(|create| create["GlobalSecondaryIndexes"] = Value::Null), @"table `leads` in `DATA/tables.db` has the indexes owner: owner (S) [KEYS_ONLY], but the template has none; existing tables are not changed: restore the template, or start with an empty data folder");
    insta::assert_snapshot!(refusal(|create| create["StreamSpecification"] = Value::Null), @"table `leads` in `DATA/tables.db` has the stream NEW_IMAGE, but the template has none; existing tables are not changed: restore the template, or start with an empty data folder");
    insta::assert_snapshot!(refusal(|create| create["AttributeDefinitions"][0]["AttributeType"] = json!("N")), @"table `leads` in `DATA/tables.db` has the key id (S), but the template has id (N); existing tables are not changed: restore the template, or start with an empty data folder");
}

#[tokio::test]
async fn items_expire() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table { ttl_attribute: Some("until".to_owned()), ..leads() };
    let tables = open(&folder, table.clone()).unwrap();
    let past = jiff::Timestamp::now().as_second() - 60;
    let body = json!({ "TableName": "leads", "Item": { "id": { "S": "old" }, "until": { "N": past.to_string() } } });
    assert_eq!(tables.call("PutItem", body.to_string().into()).await.status, 200);
    put(&tables, "young").await;
    assert_eq!(tables.sweep_expired().await.unwrap(), 1);
    let last = tables.read_stream("leads", None, 10).await.unwrap().pop().unwrap().record;
    assert_eq!(
        (&last["eventName"], &last["userIdentity"]["principalId"]),
        (&json!("REMOVE"), &json!("dynamodb.amazonaws.com"))
    );
    drop(tables);
    // The same template changes nothing. Another one changes which attribute expires items.
    drop(open(&folder, table).unwrap());
    drop(open(&folder, leads()).unwrap());
    let enabled: i64 = connection(&folder).query_row("SELECT ttl_enabled FROM _tables", [], |row| row.get(0)).unwrap();
    assert_eq!(enabled, 0);
}

#[tokio::test]
async fn reads_a_stream_in_order_from_any_position() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(&folder, leads()).unwrap();
    assert_eq!(tables.stream_end("leads").await.unwrap(), None);
    for id in ["1", "2", "3"] {
        put(&tables, id).await;
    }
    let first = tables.read_stream("leads", None, 2).await.unwrap();
    let ids: Vec<_> =
        first.iter().map(|record| record.record["dynamodb"]["Keys"]["id"]["S"].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "2"]);
    let rest = tables.read_stream("leads", Some(&first[1].sequence), 10).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(tables.stream_end("leads").await.unwrap().as_ref(), Some(&rest[0].sequence));
    assert!(first[0].sequence < first[1].sequence && first[1].sequence.len() == 21);
    let mut record = first[0].record.clone();
    for varying in ["/eventID", "/dynamodb/ApproximateCreationDateTime", "/dynamodb/SequenceNumber"] {
        *record.pointer_mut(varying).unwrap() = json!("…");
    }
    insta::assert_json_snapshot!(record, @r#"
    {
      "awsRegion": "us-east-1",
      "dynamodb": {
        "ApproximateCreationDateTime": "…",
        "Keys": {
          "id": {
            "S": "1"
          }
        },
        "NewImage": {
          "id": {
            "S": "1"
          }
        },
        "SequenceNumber": "…",
        "SizeBytes": 32,
        "StreamViewType": "NEW_IMAGE"
      },
      "eventID": "…",
      "eventName": "INSERT",
      "eventSource": "aws:dynamodb",
      "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/leads/stream/1",
      "eventVersion": "1.1"
    }
    "#);
    // Lambda's type can read it.
    let event = json!({ "Records": [first[0].record] });
    let event: aws_lambda_events::event::dynamodb::Event = serde_json::from_value(event).unwrap();
    assert_eq!(event.records[0].event_name, "INSERT");
    assert!(tables.read_stream("leads", Some("7"), 10).await.is_err());
    assert!(tables.read_stream("reps", None, 10).await.is_err());
}

#[tokio::test]
async fn trims_what_all_readers_have_read_and_numbers_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(&folder, leads()).unwrap();
    for id in ["1", "2", "3", "4"] {
        put(&tables, id).await;
    }
    let records = tables.read_stream("leads", None, 10).await.unwrap();
    assert_eq!(tables.trim_stream("leads", &records[3].sequence).await.unwrap(), 0, "no record is a day old yet");
    connection(&folder).execute("UPDATE _stream_records SET created_at = created_at - 90000", []).unwrap();
    assert_eq!(tables.trim_stream("leads", &records[1].sequence).await.unwrap(), 2, "no further than the readers are");
    assert_eq!(tables.trim_stream("leads", &records[3].sequence).await.unwrap(), 1, "the newest stays");
    put(&tables, "5").await;
    let left = tables.read_stream("leads", Some(&records[2].sequence), 10).await.unwrap();
    assert_eq!(left.len(), 2);
    assert_eq!(left[0].sequence, records[3].sequence);
    assert!(left[1].sequence > records[3].sequence);
}

/// The statements of dynoxide 3.2.0, `src/storage.rs`.
const ENGINES: [&str; 2] = [
    "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = ?1",
    "SELECT event_name, keys_json, new_image, old_image, sequence_number, created_at, user_identity, event_id
             FROM _stream_records
             WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3
             ORDER BY CAST(sequence_number AS INTEGER) ASC
             LIMIT ?4",
];

#[tokio::test]
async fn the_engines_statements_use_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let _tables = open(&folder, leads()).unwrap();
    let connection = connection(&folder);
    for statement in ENGINES {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let parameters = vec![rusqlite::types::Null; plan.parameter_count()];
        let steps: Vec<String> = plan
            .query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(steps.len(), 1, "one step, without sorting: {steps:?}");
        assert!(steps[0].contains("INDEX fairleader_stream_position (table_name=?"), "{steps:?}");
    }
}

#[tokio::test]
async fn a_long_stream_does_not_slow_writes() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(&folder, leads()).unwrap();
    let short = best_of_three(&tables).await;
    connection(&folder)
        .execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
             INSERT INTO _stream_records (table_name, event_name, keys_json, sequence_number, shard_id, created_at, event_id)
             SELECT 'leads', 'INSERT', '{}', CAST(i AS TEXT), 'shardId-00000001-leads', 0, 'x' FROM n",
            [],
        )
        .unwrap();
    let long = best_of_three(&tables).await;
    // Scanning 200,000 records takes 20 ms or more for each of the 20 writes. With the index it takes almost nothing.
    assert!(long < short + Duration::from_millis(250), "{long:?} instead of {short:?}");
}

/// Returns the best time of 20 writes.
async fn best_of_three(tables: &Tables) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        for id in 0..20 {
            put(tables, &id.to_string()).await;
        }
        best = best.min(start.elapsed());
    }
    best
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_calls_are_all_answered_and_stored() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(&folder, leads()).unwrap();
    let ids: Vec<String> = (0..200).map(|id| id.to_string()).collect();
    futures::future::join_all(ids.iter().map(|id| put(&tables, id))).await;
    drop(tables);
    let tables = open(&folder, leads()).unwrap();
    assert_eq!(tables.read_stream("leads", None, 1000).await.unwrap().len(), 200);
    let scan = tables.call("Scan", json!({ "TableName": "leads", "Select": "COUNT" }).to_string().into()).await;
    let scan: Value = serde_json::from_slice(&scan.body).unwrap();
    assert_eq!(scan["Count"], 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_short_even_without_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(&folder, leads()).unwrap();
    let ids: Vec<String> = (0..600).map(|id| id.to_string()).collect();
    futures::future::join_all(ids.iter().map(|id| put(&tables, id))).await;
    let (mut sizes, mut start) = (Vec::new(), Value::Null);
    loop {
        let mut request = json!({ "TableName": "leads" });
        if !start.is_null() {
            request["ExclusiveStartKey"] = start;
        }
        let page = tables.call("Scan", request.to_string().into()).await;
        let page: Value = serde_json::from_slice(&page.body).unwrap();
        sizes.push(page["Items"].as_array().unwrap().len());
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            break;
        }
    }
    assert_eq!(sizes, [250, 250, 100]);
}
