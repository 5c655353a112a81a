use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn table() -> Table {
    Table {
        id: "Leads".to_owned(),
        name: "leads".to_owned(),
        arn: "arn:aws:dynamodb:us-east-1:000000000000:table/leads".to_owned(),
        create: json!({
            "TableName": "leads",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "id", "AttributeType": "S" },
                { "AttributeName": "part", "AttributeType": "N" },
                { "AttributeName": "owner", "AttributeType": "S" },
                { "AttributeName": "rank", "AttributeType": "S" },
            ],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }, { "AttributeName": "part", "KeyType": "RANGE" }],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "owner",
                    "KeySchema": [
                        { "AttributeName": "owner", "KeyType": "HASH" },
                        { "AttributeName": "rank", "KeyType": "RANGE" },
                    ],
                    "Projection": { "ProjectionType": "KEYS_ONLY" },
                },
                {
                    "IndexName": "named",
                    "KeySchema": [{ "AttributeName": "owner", "KeyType": "HASH" }],
                    "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": ["name"] },
                },
            ],
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
        }),
        ttl_attribute: Some("until".to_owned()),
        stream_arn: Some("arn:aws:dynamodb:us-east-1:000000000000:table/leads/stream/1".to_owned()),
    }
}

fn item(id: &str, rank: &str) -> Value {
    json!({
        "id": { "S": id }, "part": { "N": "1" }, "owner": { "S": "ann" }, "rank": { "S": rank },
        "name": { "S": format!("name of {id}") }, "secret": { "S": "x" },
    })
}

fn key(id: &str) -> Map<String, Value> {
    Shape::of(&table()).unwrap().key(&item(id, ""))
}

/// A history without a clock.
struct Timeline {
    history: History,
    shape: Shape,
}

impl Timeline {
    fn new() -> Self {
        Self { history: History::new(&[&table()]).unwrap(), shape: Shape::of(&table()).unwrap() }
    }

    fn put(&mut self, second: u32, id: &str, rank: &str) {
        self.history.note(SECOND * second, "leads", key(id), self.shape.shown(&item(id, rank)));
    }

    fn delete(&mut self, second: u32, id: &str) {
        self.history.note(SECOND * second, "leads", key(id), None);
    }

    fn ask(&mut self, second: u32, more: &Value) -> Value {
        let mut request = request();
        merge(&mut request, more);
        let reply = self.history.answer(SECOND * second, "Query", request.to_string().as_bytes()).unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// Returns the items in the index at a second, with their places.
    fn at(&mut self, second: u32) -> Vec<String> {
        places(&self.ask(second, &json!({})))
    }
}

fn request() -> Value {
    json!({
        "TableName": "leads",
        "IndexName": "owner",
        "KeyConditionExpression": "#o = :o",
        "ExpressionAttributeNames": { "#o": "owner" },
        "ExpressionAttributeValues": { ":o": { "S": "ann" } },
    })
}

/// Merges `more` into a request; mappings of names and values are extended.
fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        match into.get_mut(name) {
            Some(Value::Object(inner)) => inner.extend(value.as_object().unwrap().clone()),
            _ => into[name] = value.clone(),
        }
    }
}

fn places(answer: &Value) -> Vec<String> {
    let place = |item: &Value| format!("{}{}", item["id"]["S"].as_str().unwrap(), item["rank"]["S"].as_str().unwrap());
    answer["Items"].as_array().unwrap().iter().map(place).collect()
}

#[test]
fn shows_an_item_at_its_old_place() {
    let mut time = Timeline::new();
    time.put(1, "a", "5");
    time.put(2, "b", "7");
    time.put(3, "a", "9");
    time.delete(4, "b");
    let expected: [&[&str]; 6] = [&[], &["a5"], &["a5", "b7"], &["b7", "a9"], &["a9"], &["a9"]];
    // Forwards, backwards, back and forth.
    for second in [0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0, 3, 1, 5, 0, 4, 2] {
        let seen = time.at(second);
        assert_eq!(seen, expected[usize::try_from(second).unwrap()], "at {second}");
    }
    time.history.forget(SECOND * 3);
    assert_eq!((time.at(3), time.at(4)), (vec!["b7".to_owned(), "a9".to_owned()], vec!["a9".to_owned()]));
    assert_eq!(time.history.len(), 1);
}

#[test]
fn an_item_that_leaves_an_index_is_still_shown_before() {
    let mut time = Timeline::new();
    let mut plain = item("a", "1");
    plain.as_object_mut().unwrap().remove("owner");
    assert_eq!(time.shape.shown(&plain), None);
    time.put(1, "a", "1");
    let gone = time.shape.shown(&plain);
    time.history.note(SECOND * 2, "leads", key("a"), gone);
    assert_eq!((time.at(1), time.at(2)), (vec!["a1".to_owned()], Vec::new()));
}

#[test]
fn an_index_shows_its_projection() {
    let mut time = Timeline::new();
    time.put(1, "a", "1");
    let shown = &time.ask(1, &json!({}))["Items"][0];
    let mut attributes: Vec<&String> = shown.as_object().unwrap().keys().collect();
    attributes.sort_unstable();
    assert_eq!(attributes, ["id", "owner", "part", "rank"]);
    let named = &time.ask(1, &json!({ "IndexName": "named" }))["Items"][0];
    assert_eq!(named["name"]["S"], "name of a");
    assert_eq!(named.get("secret"), None);
}

#[test]
fn supports_conditions_on_the_sort_key() {
    let mut time = Timeline::new();
    for (id, rank) in [("a", "10"), ("b", "11"), ("c", "20"), ("d", "30")] {
        time.put(1, id, rank);
    }
    time.put(2, "a", "99");
    let mut ask = |condition: &str, values: Value| {
        let more = json!({
            "KeyConditionExpression": format!("#o = :o AND {condition}"),
            "ExpressionAttributeNames": { "#r": "rank" },
            "ExpressionAttributeValues": values,
        });
        places(&time.ask(1, &more))
    };
    assert_eq!(ask("#r = :a", json!({ ":a": { "S": "20" } })), ["c20"]);
    assert_eq!(ask("#r <= :a", json!({ ":a": { "S": "11" } })), ["a10", "b11"]);
    assert_eq!(ask("begins_with(#r, :a)", json!({ ":a": { "S": "1" } })), ["a10", "b11"]);
    assert_eq!(ask("#r BETWEEN :a AND :b", json!({ ":a": { "S": "11" }, ":b": { "S": "25" } })), ["b11", "c20"]);
}

#[test]
fn an_unchanged_item_is_on_exactly_one_page() {
    for forward in [true, false] {
        let mut time = Timeline::new();
        for number in 10..20 {
            time.put(1, &format!("s{number}"), &number.to_string());
        }
        // Ahead of the reader, behind it, where it stopped, and deleted.
        time.put(2, "x", "12");
        time.put(3, "x", "18");
        time.put(4, "x", "11");
        time.delete(5, "x");
        let mut seen = Vec::new();
        let mut start = Value::Null;
        for second in [2, 4, 3, 5, 2, 3, 4, 5, 2] {
            let mut more = json!({ "Limit": 2, "ScanIndexForward": forward });
            if !start.is_null() {
                more["ExclusiveStartKey"] = start;
            }
            let page = time.ask(second, &more);
            assert!(page["Count"].as_u64().unwrap() <= 2);
            seen.extend(places(&page));
            start = page.get("LastEvaluatedKey").cloned().unwrap_or_default();
            if start.is_null() {
                break;
            }
        }
        assert!(start.is_null(), "all pages were read");
        seen.retain(|place| !place.starts_with('x'));
        let mut expected: Vec<String> = (10..20).map(|number| format!("s{number}{number}")).collect();
        if !forward {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn any_moment_shows_the_writes_up_to_it() {
    let mut dice = Rng::with_seed(7);
    for _ in 0..20 {
        let mut time = Timeline::new();
        let mut states: Vec<BTreeMap<String, String>> = vec![BTreeMap::new()];
        for second in 1..=30 {
            let mut state = states.last().unwrap().clone();
            let id = char::from(dice.u8(b'a'..=b'h')).to_string();
            if dice.u8(0..3) == 0 {
                time.delete(second, &id);
                state.remove(&id);
            } else {
                let rank = dice.u8(10..20).to_string();
                time.put(second, &id, &rank);
                state.insert(id, rank);
            }
            states.push(state);
        }
        let mut oldest = 0;
        for _ in 0..60 {
            let moment = dice.u32(oldest..=30);
            if dice.u8(0..8) == 0 {
                time.history.forget(SECOND * moment);
                oldest = moment;
            }
            let state = &states[usize::try_from(moment).unwrap()];
            let mut expected: Vec<String> = state.iter().map(|(id, rank)| format!("{id}{rank}")).collect();
            let mut seen = time.at(moment);
            assert!(seen.is_sorted_by_key(|place| place[1..].to_owned()), "{seen:?}");
            seen.sort();
            expected.sort();
            assert_eq!(seen, expected, "at {moment}");
        }
    }
}

/// Tables in a folder, and their late indexes.
struct Late {
    tables: Tables,
    indexes: Arc<LateIndexes>,
    _folder: tempfile::TempDir,
}

impl Late {
    async fn start(most: Duration, before: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tables = Tables::open(&folder.path().join("tables.db"), &[table()]).unwrap();
        for item in before {
            let reply = tables.call("PutItem", json!({ "TableName": "leads", "Item": item }).to_string().into()).await;
            assert_eq!(reply.status, 200, "{reply:?}");
        }
        let late = LateIndexes::start(most, 7, tables.clone(), &[table()]).await.unwrap();
        Self { tables, indexes: Arc::new(late), _folder: folder }
    }

    async fn call(&self, operation: &str, request: &Value) -> Value {
        let reply = self.indexes.call(operation, request.to_string().into()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        serde_json::from_slice(&reply.body).unwrap()
    }

    async fn seen(&self) -> Vec<String> {
        places(&self.call("Query", &request()).await)
    }

    /// Returns the answer of the tables themselves.
    async fn real(&self) -> Vec<String> {
        let reply = self.tables.call("Query", request().to_string().into()).await;
        places(&serde_json::from_slice(&reply.body).unwrap())
    }
}

#[tokio::test]
async fn a_lag_longer_than_the_test_shows_the_start() {
    let late = Late::start(Duration::from_hours(1000), &[item("a", "1"), item("b", "2")]).await;
    late.call("PutItem", &json!({ "TableName": "leads", "Item": item("c", "3") })).await;
    late.call("PutItem", &json!({ "TableName": "leads", "Item": item("a", "9") })).await;
    late.call("DeleteItem", &json!({ "TableName": "leads", "Key": key("b") })).await;
    assert_eq!(late.real().await, ["c3", "a9"]);
    assert_eq!(late.seen().await, ["a1", "b2"]);
    let scanned = late.call("Scan", &json!({ "TableName": "leads", "IndexName": "owner" })).await;
    assert_eq!(places(&scanned), ["a1", "b2"]);
    // The table itself is not late.
    let got = late.call("GetItem", &json!({ "TableName": "leads", "Key": key("a") })).await;
    assert_eq!(got["Item"]["rank"]["S"], "9");
    let scanned = late.call("Scan", &json!({ "TableName": "leads" })).await;
    assert_eq!(places(&scanned), ["a9", "c3"]);
}

#[tokio::test]
async fn each_query_has_its_own_moment_within_the_lag() {
    let most = Duration::from_millis(200);
    let late = Late::start(most, &[item("a", "1")]).await;
    late.call("PutItem", &json!({ "TableName": "leads", "Item": item("a", "2") })).await;
    let written = Instant::now();
    let (mut old, mut new) = (0, 0);
    loop {
        let asked = written.elapsed();
        let seen = late.seen().await;
        if seen == ["a1"] {
            old += 1;
            assert!(asked <= most, "an old place after {asked:?}");
        } else {
            assert_eq!(seen, ["a2"]);
            new += 1;
        }
        if asked > most {
            break;
        }
    }
    assert!(old > 0 && new > 1, "{old} old and {new} new answers");
}

#[tokio::test]
async fn follows_every_kind_of_write() {
    let late = Late::start(Duration::ZERO, &[]).await;
    let same = async |expected: &[&str]| {
        assert_eq!(late.real().await, expected);
        assert_eq!(late.seen().await, expected);
    };
    late.call("PutItem", &json!({ "TableName": "leads", "Item": item("a", "1") })).await;
    same(&["a1"]).await;
    // The same key, written in another way.
    let update = json!({
        "TableName": "leads",
        "Key": { "id": { "S": "a" }, "part": { "N": "1.0" } },
        "UpdateExpression": "SET #r = :r",
        "ExpressionAttributeNames": { "#r": "rank" },
        "ExpressionAttributeValues": { ":r": { "S": "5" } },
    });
    late.call("UpdateItem", &update).await;
    same(&["a5"]).await;
    let put = |id: &str, rank: &str| json!({ "PutRequest": { "Item": item(id, rank) } });
    late.call("BatchWriteItem", &json!({ "RequestItems": { "leads": [put("b", "6"), put("c", "7")] } })).await;
    same(&["a5", "b6", "c7"]).await;
    let delete = json!({ "DeleteRequest": { "Key": key("b") } });
    late.call("BatchWriteItem", &json!({ "RequestItems": { "leads": [delete] } })).await;
    same(&["a5", "c7"]).await;
    let transaction = json!({ "TransactItems": [
        { "Put": { "TableName": "leads", "Item": item("d", "1") } },
        { "Update": {
            "TableName": "leads", "Key": key("c"), "UpdateExpression": "REMOVE #o",
            "ExpressionAttributeNames": { "#o": "owner" },
        } },
        { "Delete": { "TableName": "leads", "Key": key("a") } },
        { "ConditionCheck": {
            "TableName": "leads", "Key": key("x"), "ConditionExpression": "attribute_not_exists(id)",
        } },
    ] });
    late.call("TransactWriteItems", &transaction).await;
    same(&["d1"]).await;
    let statement = "DELETE FROM \"leads\" WHERE id = 'd' AND part = 1";
    late.call("ExecuteStatement", &json!({ "Statement": statement })).await;
    same(&[]).await;
    // The remover of expired items reports them.
    let mut old = item("e", "1");
    old["until"] = json!({ "N": (jiff::Timestamp::now().as_second() - 60).to_string() });
    late.call("PutItem", &json!({ "TableName": "leads", "Item": old })).await;
    assert_eq!(late.tables.sweep_expired().await.unwrap(), 1);
    late.indexes.refresh().await;
    same(&[]).await;
}

#[tokio::test]
async fn follows_concurrent_writes() {
    let late = Late::start(Duration::ZERO, &[]).await;
    let writes = (0..200).map(|number| {
        let item = item(&format!("l{}", number % 20), &number.to_string());
        let late = &late;
        async move { late.call("PutItem", &json!({ "TableName": "leads", "Item": item })).await }
    });
    futures::future::join_all(writes).await;
    let seen = late.seen().await;
    assert_eq!(seen.len(), 20);
    assert_eq!(seen, late.real().await);
}

#[tokio::test]
async fn rejects_a_malformed_query_as_the_tables_do() {
    let late = Late::start(Duration::from_secs(1), &[]).await;
    let request = json!({ "TableName": "leads", "IndexName": "owner", "KeyConditionExpression": "#o = :o" });
    let refused = late.indexes.call("Query", request.to_string().into()).await;
    let expected = late.tables.call("Query", request.to_string().into()).await;
    assert_eq!((refused.status, &refused.body), (400, &expected.body));
}
