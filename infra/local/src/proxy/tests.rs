use std::net::SocketAddr;
use std::time::SystemTime;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use aws_sdk_dynamodb::{Client, Config};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::oneshot;

use super::*;
use crate::stack::Stack;
use crate::template::{self, Settings};

const OPERATOR_SECRET: &str = "only the owner knows";

const TEMPLATE: &str = r"
Resources:
  Leads:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: leads
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }, { AttributeName: owner, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      GlobalSecondaryIndexes:
        - { IndexName: owner, KeySchema: [{ AttributeName: owner, KeyType: HASH }], Projection: { ProjectionType: KEYS_ONLY } }
      StreamSpecification: { StreamViewType: NEW_IMAGE }
  Secrets:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: secrets
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
  Queue: { Type: AWS::SQS::Queue, Properties: { QueueName: work } }
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: bus } }
  Route:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: route } }
    Properties:
      FunctionName: fl-route
      Policies:
        - Statement:
            - { Effect: Allow, Action: [dynamodb:GetItem, dynamodb:PutItem, dynamodb:Query], Resource: !GetAtt Leads.Arn }
            - { Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn }
            - { Effect: Allow, Action: events:PutEvents, Resource: !GetAtt Bus.Arn }
";

struct Running {
    address: SocketAddr,
    key: AccessKey,
    inside: InProcess,
    tables: Tables,
    _folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

async fn running() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = Settings {
        stack_name: "test".to_owned(),
        region: "us-east-1".to_owned(),
        account: "000000000000".to_owned(),
        endpoint_url: format!("http://{address}"),
        parameters: std::collections::BTreeMap::new(),
    };
    let stack: Stack = template::read(TEMPLATE, "t.yaml", &settings).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tables = Tables::open(&folder.path().join("tables.db"), &stack.tables).unwrap();
    let keys = Keys::new(&stack.functions, OPERATOR_SECRET).unwrap();
    let key = keys.of("Route").unwrap().clone();
    // A service that returns what it received.
    let echo: Handler = Arc::new(|call: Call| {
        Box::pin(async move {
            let who = match &call.principal {
                Principal::Function(function) => function.id.clone(),
                Principal::Operator => "operator".to_owned(),
            };
            match call.operation.as_str() {
                "GetQueueUrl" => Err(AwsError::client("com.amazonaws.sqs#QueueDoesNotExist", "no such queue")
                    .query_code("AWS.SimpleQueueService.NonExistentQueue;Sender")),
                operation => Ok(json!({ "operation": operation, "who": who, "body": call.body })),
            }
        })
    });
    let proxy = Arc::new(Proxy::new(Services {
        tables: tables.clone(),
        queues: Arc::clone(&echo),
        bus: echo,
        keys,
        region: settings.region,
        account: settings.account,
    }));
    let inside = InProcess::default();
    inside.connect(&proxy);
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(proxy.serve(listener, async {
        stopped.await.unwrap_or_default();
    }));
    Running { address, key, inside, tables, _folder: folder, _stop: stop }
}

impl Running {
    /// The two ways in.
    fn ways(&self) -> [(&'static str, SharedHttpClient); 2] {
        [("port", aws_smithy_http_client::Builder::new().build_http()), ("in the process", self.inside.client())]
    }

    fn client(&self, id: &str, secret: &str) -> Client {
        self.client_by(aws_smithy_http_client::Builder::new().build_http(), id, secret)
    }

    fn client_by(&self, way: SharedHttpClient, id: &str, secret: &str) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://{}", self.address))
            .credentials_provider(Credentials::new(id, secret, None, None, "test"))
            .http_client(way)
            .build();
        Client::from_conf(config)
    }

    fn function(&self) -> Client {
        self.client(&self.key.id, &self.key.secret)
    }

    fn operator(&self) -> Client {
        self.client(OPERATOR_KEY_ID, OPERATOR_SECRET)
    }

    /// Makes a call by hand. Returns the status, `x-amzn-query-error` and body.
    async fn raw(&self, target: &str, key: &str, body: &str) -> (u16, Option<String>, String) {
        let secret = if key == self.key.id { &self.key.secret } else { OPERATOR_SECRET };
        let url = format!("http://{}/000000000000/work", self.address);
        let mut request = http::Request::post(&url).header("x-amz-target", target).body(body.to_owned()).unwrap();
        let identity = Credentials::new(key, secret, None, None, "test").into();
        let params = SigningParams::builder().identity(&identity).region("us-east-1").name("x").time(SystemTime::now());
        let params = params.settings(SigningSettings::default()).build().unwrap().into();
        let headers = [("x-amz-target", target)].into_iter();
        let signable = SignableRequest::new("POST", &url, headers, SignableBody::Bytes(body.as_bytes())).unwrap();
        sign(signable, &params).unwrap().into_parts().0.apply_to_request_http1x(&mut request);
        let request = reqwest::Request::try_from(request).unwrap();
        let response = reqwest::Client::new().execute(request).await.unwrap();
        let query = response.headers().get("x-amzn-query-error").map(|value| value.to_str().unwrap().to_owned());
        assert!(response.headers().contains_key("x-amzn-requestid"));
        (response.status().as_u16(), query, response.text().await.unwrap())
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_may_do_what_its_policy_allows() {
    let running = running().await;
    let client = running.function();
    client.put_item().table_name("leads").item("id", text("1")).item("owner", text("ann")).send().await.unwrap();
    let found = client.get_item().table_name("leads").key("id", text("1")).send().await.unwrap();
    assert_eq!(found.item().unwrap()["owner"], text("ann"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_may_not_do_what_its_policy_does_not_allow() {
    let running = running().await;
    let client = running.function();
    let error =
        client.get_item().table_name("secrets").key("id", text("1")).send().await.unwrap_err().into_service_error();
    insta::assert_snapshot!(error.meta().message().unwrap(), @"User: arn:aws:sts::000000000000:assumed-role/fl-route/fl-route is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/secrets because no identity-based policy allows the dynamodb:GetItem action");
    // A permission on the table does not cover its index, and one item of a transaction is enough to reject it.
    let query = client
        .query()
        .table_name("leads")
        .index_name("owner")
        .key_condition_expression("#o = :o")
        .expression_attribute_names("#o", "owner")
        .expression_attribute_values(":o", text("ann"));
    let error = query.send().await.unwrap_err().into_service_error();
    assert!(error.meta().message().unwrap().contains("table/leads/index/owner"), "{error:?}");
    let put = Put::builder().table_name("leads").item("id", text("2")).build().unwrap();
    let check = ConditionCheck::builder()
        .table_name("secrets")
        .key("id", text("1"))
        .condition_expression("attribute_not_exists(id)");
    let error = client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put).build())
        .transact_items(TransactWriteItem::builder().condition_check(check.build().unwrap()).build())
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.meta().message().unwrap().contains("dynamodb:ConditionCheckItem"), "{error:?}");
    let found = running.operator().get_item().table_name("leads").key("id", text("2")).send().await.unwrap();
    assert!(found.item().is_none());
    let error =
        client.execute_statement().statement("SELECT * FROM secrets").send().await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("AccessDeniedException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_condition_returns_the_item() {
    let running = running().await;
    let client = running.function();
    let put = || {
        let put = client
            .put_item()
            .table_name("leads")
            .item("id", text("1"))
            .condition_expression("attribute_not_exists(id)");
        put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld).send()
    };
    put().await.unwrap();
    let error = put().await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception());
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(error) = error else {
        panic!()
    };
    assert_eq!(error.item().unwrap()["id"], text("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_request_is_worded_as_on_aws() {
    let running = running().await;
    let error = running
        .function()
        .put_item()
        .table_name("leads")
        .item("id", AttributeValue::N("1".to_owned()))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    insta::assert_snapshot!(error.meta().message().unwrap(), @"One or more parameter values were invalid: Type mismatch for key id expected: S actual: N");
    let (status, _, body) = running.raw("DynamoDB_20120810.PutItem", OPERATOR_KEY_ID, r#"{"TableName": 3}"#).await;
    assert_eq!(status, 400);
    insta::assert_snapshot!(body, @r#"{"Message":"NUMBER_VALUE cannot be converted to String","__type":"com.amazon.coral.service#SerializationException"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_in_reject_the_same_calls() {
    let running = running().await;
    for (name, way) in running.ways() {
        let function = running.client_by(way.clone(), &running.key.id, &running.key.secret);
        let put = function.put_item().table_name("leads").item("id", text(name)).send().await;
        put.unwrap_or_else(|refused| panic!("{name}: {refused:?}"));

        let code = async |id: &str, secret: &str, table: &str| {
            let client = running.client_by(way.clone(), id, secret);
            let refused = client.get_item().table_name(table).key("id", text("1")).send().await.unwrap_err();
            let status = refused.raw_response().map(|response| response.status().as_u16());
            (status, refused.into_service_error().meta().code().map(str::to_owned))
        };
        let expected = |code: &str| (Some(400), Some(code.to_owned()));
        let (id, secret) = (running.key.id.as_str(), running.key.secret.as_str());
        assert_eq!(code(id, secret, "secrets").await, expected("AccessDeniedException"), "{name}");
        assert_eq!(code(id, "guessed", "leads").await, expected("InvalidSignatureException"), "{name}");
        // The operator's id alone opens nothing.
        for secret in ["fairleader", "", secret] {
            assert_eq!(code(OPERATOR_KEY_ID, secret, "leads").await, expected("InvalidSignatureException"), "{name}");
        }
        assert_eq!(code("AKIANOBODY", secret, "leads").await, expected("UnrecognizedClientException"), "{name}");
    }
    let found = running.operator().scan().table_name("leads").send().await.unwrap();
    assert_eq!(found.count(), 2, "what each way wrote");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_the_process_needs_a_proxy_and_no_port() {
    let running = running().await;
    let tables = async |way: SharedHttpClient| {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            // No server listens there.
            .endpoint_url("http://127.0.0.1:1")
            .credentials_provider(Credentials::new(OPERATOR_KEY_ID, OPERATOR_SECRET, None, None, "test"))
            .http_client(way);
        Client::from_conf(config.build()).list_tables().send().await
    };
    assert_eq!(tables(running.inside.client()).await.unwrap().table_names(), ["leads", "secrets"]);
    let failed = tables(InProcess::default().client()).await.unwrap_err();
    assert!(failed.as_service_error().is_none(), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_an_unknown_key() {
    let running = running().await;
    let error = running.client("AKIANOBODY", "x").list_tables().send().await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("UnrecognizedClientException"));
    let (status, query, _) = running.raw("AmazonSQS.SendMessage", "AKIANOBODY", "{}").await;
    assert_eq!((status, query.as_deref()), (403, Some("InvalidClientTokenId;Sender")));
    let unsigned = reqwest::Client::new().post(format!("http://{}/", running.address));
    let unsigned = unsigned.header("x-amz-target", "AmazonSQS.SendMessage");
    let answer = unsigned.try_clone().unwrap().send().await.unwrap().text().await.unwrap();
    assert!(answer.contains("MissingAuthenticationToken"), "{answer}");
    let half = "AWS4-HMAC-SHA256 Credential=fairleader/20260101/us-east-1/x/aws4_request, Signature=0";
    let answer = unsigned.header("authorization", half).send().await.unwrap().text().await.unwrap();
    assert!(answer.contains("IncompleteSignatureException"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_may_do_everything() {
    let running = running().await;
    let tables = running.operator().list_tables().send().await.unwrap();
    assert_eq!(tables.table_names(), ["leads", "secrets"]);
    let (status, _, body) = running.raw("AWSEvents.ListRules", OPERATOR_KEY_ID, "{}").await;
    assert_eq!((status, body.as_str()), (200, r#"{"body":{},"operation":"ListRules","who":"operator"}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_also_cover_queues_and_the_bus() {
    let running = running().await;
    let url = format!("http://{}/000000000000", running.address);
    let key = running.key.id.as_str();
    let send = |queue: &str| json!({ "QueueUrl": format!("{url}/{queue}"), "Entries": [] }).to_string();
    let (status, _, _) = running.raw("AmazonSQS.SendMessageBatch", key, &send("work")).await;
    assert_eq!(status, 200);
    let (status, query, body) = running.raw("AmazonSQS.SendMessage", key, &send("other")).await;
    assert_eq!((status, query.as_deref()), (403, Some("AccessDenied;Sender")), "{body}");
    let (status, _, body) = running.raw("AmazonSQS.DeleteMessageBatch", key, &send("work")).await;
    assert!(
        status == 403 && body.contains("sqs:DeleteMessage on resource: arn:aws:sqs:us-east-1:000000000000:work"),
        "{body}"
    );
    let (_, query, _) = running.raw("AmazonSQS.GetQueueUrl", OPERATOR_KEY_ID, r#"{"QueueName":"x"}"#).await;
    assert_eq!(query.as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue;Sender"));
    let (status, ..) = running.raw("AWSEvents.PutEvents", key, r#"{"Entries":[{"EventBusName":"bus"}]}"#).await;
    assert_eq!(status, 200);
    let (status, _, body) = running.raw("AWSEvents.PutEvents", key, r#"{"Entries":[{"EventBusName":"bus"},{}]}"#).await;
    assert!(status == 400 && body.contains("event-bus/default"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_what_no_client_sends() {
    let running = running().await;
    let (status, _, body) = running.raw("Lambda.Invoke", OPERATOR_KEY_ID, "{}").await;
    assert!(status == 400 && body.contains("`Lambda.Invoke` is not a supported call"), "{body}");
    let get = reqwest::get(format!("http://{}/", running.address)).await.unwrap();
    assert_eq!(get.status(), 404);
    let rebound = reqwest::Client::new().post(format!("http://{}/", running.address)).header("host", "evil.example");
    assert_eq!(rebound.send().await.unwrap().status(), 403);
    let large = "x".repeat(LARGEST_BODY + 1);
    let (status, ..) = running.raw("DynamoDB_20120810.PutItem", OPERATOR_KEY_ID, &large).await;
    assert_eq!(status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_writes_notify_stream_readers() {
    let running = running().await;
    let mut written = running.tables.written();
    let client = running.function();
    client.get_item().table_name("leads").key("id", text("1")).send().await.unwrap();
    assert!(!written.has_changed().unwrap());
    client.put_item().table_name("leads").item("id", text("1")).send().await.unwrap();
    written.changed().await.unwrap();
    let records = running.tables.read_stream("leads", None, 10).await.unwrap();
    assert_eq!(records[0].record["dynamodb"]["NewImage"], json!({ "id": { "S": "1" } }));
}
