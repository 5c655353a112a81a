use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::*;
use crate::lambda::fakes::{self, Script, function, script};
use crate::stack::{Api, Authorizer, EventSource};

fn route(key: &str, authorized: bool) -> EventSource {
    let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
    EventSource::Route { method: method.to_owned(), path: path.to_owned(), authorized }
}

/// A running gateway with a function `F` and an authorizer `A`.
struct Fixture {
    url: String,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap_or_default();
        }
    }
}

/// Starts a gateway. `authorize` is the authorizer.
async fn start(routes: Vec<EventSource>, act: Script, authorize: Script, change: impl FnOnce(&mut Stack)) -> Fixture {
    let mut called = function("F");
    called.sources = routes;
    let mut stack = Stack {
        functions: vec![called, function("A")],
        api: Some(Api {
            id: "Api".to_owned(),
            authorizer: Some(Authorizer {
                function: "A".to_owned(),
                cache: Duration::from_mins(1),
                headers: vec!["Authorization".to_owned()],
                per_route: true,
            }),
            rate_limit: None,
            burst_limit: None,
        }),
        ..Stack::default()
    };
    change(&mut stack);
    let lambda = fakes::lambda(stack.functions.iter().cloned().zip([act, authorize]).collect());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(Gateway::new(&stack, lambda).serve(listener, async { stopped.await.unwrap_or_default() }));
    Fixture { url, client: reqwest::Client::new(), stop: Some(stop) }
}

fn echo() -> Script {
    script(|event| async move { Ok(json!({ "statusCode": 200, "body": event.to_string() })) })
}

fn nobody() -> Script {
    script(|_| async { Ok(json!({ "isAuthorized": false })) })
}

impl Fixture {
    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("{}{path}", self.url))
    }

    async fn fails(&self, request: reqwest::RequestBuilder, status: u16, message: &str) {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.text().await.unwrap(), format!(r#"{{"message":"{message}"}}"#));
    }
}

async fn json_of(request: reqwest::RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_request_becomes_a_payload_2_0_event() {
    let fixture = start(vec![route("POST /v1/leads/{id}", false)], echo(), nobody(), |_| {}).await;
    let mut event = json_of(
        fixture
            .request("POST", "/v1/leads/a%20b?x=1&y=%C3%A9&x=2+3")
            .header("X-Multi", "a")
            .header("X-Multi", "b")
            .header("Cookie", "one=1; two=2")
            .header("User-Agent", "test")
            .header("Content-Type", "application/json; charset=utf-8")
            .body(r#"{"email":"x"}"#),
    )
    .await;
    let typed: aws_lambda_events::event::apigw::ApiGatewayV2httpRequest =
        serde_json::from_value(event.clone()).unwrap();
    assert_eq!(typed.query_string_parameters.first("y"), Some("é"));
    assert_eq!(typed.request_context.http.source_ip.as_deref(), Some("127.0.0.1"));

    let host = fixture.url.trim_start_matches("http://");
    assert_eq!(event["headers"]["host"], host);
    event["headers"]["host"] = "…".into();
    let context = &mut event["requestContext"];
    assert_eq!(context["requestId"].as_str().unwrap().len(), 36);
    assert!(context["timeEpoch"].as_i64().unwrap() > 1_700_000_000_000);
    assert!(context["time"].as_str().unwrap().ends_with(" +0000"));
    for changing in ["requestId", "timeEpoch", "time"] {
        context[changing] = "…".into();
    }
    assert_eq!(
        event,
        json!({
            "version": "2.0",
            "routeKey": "POST /v1/leads/{id}",
            "rawPath": "/v1/leads/a b",
            "rawQueryString": "x=1&y=%C3%A9&x=2+3",
            "cookies": ["one=1", "two=2"],
            "headers": {
                "accept": "*/*",
                "content-length": "13",
                "content-type": "application/json; charset=utf-8",
                "host": "…",
                "user-agent": "test",
                "x-forwarded-for": "127.0.0.1",
                "x-forwarded-proto": "http",
                "x-multi": "a,b",
            },
            "queryStringParameters": { "x": "1,2 3", "y": "é" },
            "pathParameters": { "id": "a b" },
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "api",
                "domainName": "127.0.0.1",
                "domainPrefix": "127",
                "http": {
                    "method": "POST",
                    "path": "/v1/leads/a b",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "test",
                },
                "requestId": "…",
                "routeKey": "POST /v1/leads/{id}",
                "stage": "$default",
                "time": "…",
                "timeEpoch": "…",
            },
            "body": r#"{"email":"x"}"#,
            "isBase64Encoded": false,
        })
    );
}

#[tokio::test]
async fn other_bodies_than_text_become_base64() {
    let fixture = start(vec![route("$default", false)], echo(), nobody(), |_| {}).await;
    let cases: [(Option<&str>, &[u8], &str, bool); 5] = [
        (Some("application/octet-stream"), b"abc", "YWJj", true),
        (Some("application/x-www-form-urlencoded"), b"a=b", "YT1i", true),
        (Some("text/csv"), b"a,b", "a,b", false),
        (Some("text/csv"), b"\xff", "/w==", true),
        (None, b"abc", "abc", false),
    ];
    for (kind, body, expected, base64) in cases {
        let mut request = fixture.request("PUT", "/anything").body(body.to_vec());
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        let event = json_of(request).await;
        assert_eq!(
            (event["body"].as_str(), event["isBase64Encoded"].as_bool()),
            (Some(expected), Some(base64)),
            "{kind:?}"
        );
        assert_eq!(event["routeKey"], "$default");
    }
    let empty = json_of(fixture.request("GET", "/")).await;
    assert_eq!((empty.get("body"), &empty["isBase64Encoded"]), (None, &json!(false)));
}

#[tokio::test]
async fn sends_the_functions_reply() {
    let replies = script(|event| async move {
        Ok(match event["rawPath"].as_str().unwrap() {
            "/full" => json!({
                "statusCode": 201,
                "headers": { "X-Number": 3, "Content-Type": "application/json", "Content-Length": "999" },
                "multiValueHeaders": { "x-ignored": ["a"] },
                "cookies": ["a=1; Secure", "b=2"],
                "body": "{}",
            }),
            "/binary" => json!({ "statusCode": "200", "body": "AAH/", "isBase64Encoded": true }),
            "/object" => json!({ "any": "thing" }),
            "/string" => json!("hello"),
            "/empty" => json!({ "statusCode": 204, "headers": null, "body": null }),
            "/bad-status" => json!({ "statusCode": 99 }),
            "/bad-body" => json!({ "statusCode": 200, "body": {} }),
            _ => return Err("no".into()),
        })
    });
    let fixture = start(vec![route("$default", false)], replies, nobody(), |_| {}).await;
    let get = async |path: &str| fixture.request("GET", path).send().await.unwrap();

    let full = get("/full").await;
    assert_eq!(full.status(), 201);
    assert_eq!(full.headers()["x-number"], "3");
    assert!(full.headers().get("x-ignored").is_none());
    assert!(full.headers().get("apigw-requestid").is_some());
    let cookies: Vec<_> = full.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; Secure", "b=2"]);
    assert_eq!(full.text().await.unwrap(), "{}");

    let binary = get("/binary").await;
    assert_eq!(binary.headers()["content-type"], "text/plain;charset=UTF-8");
    assert_eq!(&binary.bytes().await.unwrap()[..], [0, 1, 255]);
    let object = get("/object").await;
    assert_eq!(object.headers()["content-type"], "application/json");
    assert_eq!(object.text().await.unwrap(), r#"{"any":"thing"}"#);
    assert_eq!(get("/string").await.text().await.unwrap(), "hello");
    assert_eq!(get("/empty").await.status(), 204);
    for broken in ["/bad-status", "/bad-body", "/error"] {
        fixture.fails(fixture.request("GET", broken), 500, "Internal Server Error").await;
    }
}

#[tokio::test]
async fn the_gateways_own_errors_are_as_on_aws() {
    let fixture = start(vec![route("POST /v1/leads", false)], echo(), nobody(), |_| {}).await;
    fixture.fails(fixture.request("GET", "/v1/leads"), 404, "Not Found").await;
    fixture.fails(fixture.request("POST", "/v1/leads/"), 404, "Not Found").await;
    let big = |bytes: usize| fixture.request("POST", "/v1/leads").body(vec![b'x'; bytes]);
    fixture.fails(big(LARGEST_BODY + 1), 413, "Request Entity Too Large").await;
    fixture.fails(big(7 * 1024 * 1024), 413, "Request Entity Too Large").await;
    let long = fixture.request("POST", "/v1/leads").header("x-long", "x".repeat(LARGEST_HEADERS));
    fixture.fails(long, 431, "Request Header Fields Too Large").await;

    let throttled =
        start(vec![route("GET /", false)], echo(), nobody(), |stack| stack.functions[0].reserved_concurrency = Some(0))
            .await;
    throttled.fails(throttled.request("GET", "/"), 503, "Service Unavailable").await;

    let limited = start(vec![route("GET /", false)], echo(), nobody(), |stack| {
        let api = stack.api.as_mut().unwrap();
        (api.rate_limit, api.burst_limit) = (Some(0), Some(2));
    })
    .await;
    for _ in 0..2 {
        json_of(limited.request("GET", "/")).await;
    }
    limited.fails(limited.request("GET", "/"), 429, "Too Many Requests").await;
}

#[tokio::test]
async fn caches_the_authorizers_answers() {
    let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
    let authorize = script({
        let asked = Arc::clone(&asked);
        move |event| {
            asked.lock().unwrap().push(event.clone());
            async move {
                match event["headers"]["authorization"].as_str() {
                    Some("good") => {
                        Ok(json!({ "isAuthorized": true, "context": { "role": "source", "subject": "web" } }))
                    }
                    Some("broken") => Err("no".into()),
                    Some("nonsense") => Ok(json!("yes")),
                    _ => Ok(json!({ "isAuthorized": false })),
                }
            }
        }
    });
    let routes = vec![route("POST /v1/leads", true), route("GET /v1/inbox", true), route("GET /open", false)];
    let fixture = start(routes, echo(), authorize, |_| {}).await;
    let with = |method: &str, path: &str, key: &str| fixture.request(method, path).header("Authorization", key);
    let times = || asked.lock().unwrap().len();

    fixture.fails(fixture.request("POST", "/v1/leads"), 401, "Unauthorized").await;
    assert_eq!(times(), 0);
    json_of(fixture.request("GET", "/open")).await;
    assert_eq!(times(), 0);

    for _ in 0..2 {
        let event = json_of(with("POST", "/v1/leads", "good")).await;
        assert_eq!(event["requestContext"]["authorizer"], json!({ "lambda": { "role": "source", "subject": "web" } }));
    }
    assert_eq!(times(), 1);
    {
        let asked = asked.lock().unwrap();
        assert_eq!(asked[0]["type"], "REQUEST");
        assert_eq!(asked[0]["identitySource"], json!(["good", "POST /v1/leads"]));
        assert_eq!(asked[0]["routeArn"], "arn:aws:execute-api:eu-central-1:000000000000:api/$default/POST/v1/leads");
        assert_eq!(asked[0].get("body"), None);
    }
    // Another route asks again.
    json_of(with("GET", "/v1/inbox", "good")).await;
    assert_eq!(times(), 2);
    for _ in 0..2 {
        fixture.fails(with("POST", "/v1/leads", "bad"), 403, "Forbidden").await;
    }
    assert_eq!(times(), 3);
    // A failure is not cached.
    for broken in ["broken", "broken", "nonsense"] {
        fixture.fails(with("POST", "/v1/leads", broken), 500, "Internal Server Error").await;
    }
    assert_eq!(times(), 6);
}

#[tokio::test]
async fn without_a_cache_every_request_asks() {
    let asked = Arc::new(AtomicUsize::new(0));
    let authorize = script({
        let asked = Arc::clone(&asked);
        move |_| {
            asked.fetch_add(1, Ordering::SeqCst);
            async { Ok(json!({ "isAuthorized": true })) }
        }
    });
    let fixture = start(vec![route("GET /", true)], echo(), authorize, |stack| {
        stack.api.as_mut().unwrap().authorizer.as_mut().unwrap().cache = Duration::ZERO;
    })
    .await;
    for _ in 0..2 {
        let event = json_of(fixture.request("GET", "/").header("authorization", "k")).await;
        assert_eq!(event["requestContext"]["authorizer"], json!({ "lambda": {} }));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn shutdown_lets_requests_finish() {
    let (entered, go) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let slow = script({
        let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
        move |_| {
            let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
            async move {
                entered.notify_one();
                go.notified().await;
                Ok(json!("done"))
            }
        }
    });
    let mut fixture = start(vec![route("GET /", false)], slow, nobody(), |_| {}).await;
    let running = tokio::spawn(fixture.request("GET", "/").send());
    entered.notified().await;
    fixture.stop.take().unwrap().send(()).unwrap();
    go.notify_one();
    assert_eq!(running.await.unwrap().unwrap().text().await.unwrap(), "done");
}

#[test]
fn a_stack_without_an_api_has_no_routes() {
    let empty = Gateway::new(&Stack::default(), fakes::lambda(Vec::new()));
    assert!(empty.shared.routes.find("GET", "/").is_none());
}
