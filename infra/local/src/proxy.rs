//! The one address that AWS clients are pointed at: it finds out who calls, whether they may, and passes the call on.
//!
//! Every function has an access key of its own and may do what its policies in the template say; one operator key may
//! do everything, for `aws --endpoint-url`, boto3 and tests: `AWS_ACCESS_KEY_ID=fairleader`, and any secret. Signatures
//! are not verified: the listener is on the loopback interface, and the keys of functions cannot be guessed.

mod access;
mod keys;

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::ListenerExt;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

pub use self::keys::{AccessKey, FunctionIdentity, Keys, OPERATOR_KEY_ID, OPERATOR_SECRET, Principal};
use crate::aws_error::AwsError;
use crate::iam::{self, Verdict};
use crate::tables::{Reply, Tables};

/// A call of a service, after it was allowed.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is asked for (`SendMessage`).
    pub operation: String,
    /// The request.
    pub body: Value,
    /// Who asks.
    pub principal: Principal,
}

/// A service behind the proxy.
pub type Handler = Arc<dyn Fn(Call) -> BoxFuture<'static, Result<Value, AwsError>> + Send + Sync>;

/// The services and those who may call them.
pub struct Proxy {
    /// DynamoDB and its streams.
    pub tables: Tables,
    /// SQS.
    pub queues: Handler,
    /// EventBridge.
    pub bus: Handler,
    /// Who may call.
    pub keys: Keys,
    /// Region in ARNs.
    pub region: String,
    /// Account in ARNs.
    pub account: String,
}

/// The services the proxy knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Tables,
    Streams,
    Queues,
    Bus,
}

/// Largest body; DynamoDB's own limit.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

impl Proxy {
    /// Answers calls on `listener` until `shutdown` is done and those under way are answered.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let router = Router::new().fallback(answer).with_state(Arc::new(self));
        let listener = listener.tap_io(|stream| {
            // Without it small answers wait for the client's acknowledgement.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(cause = %error, "cannot switch Nagle's algorithm off");
            }
        });
        axum::serve(listener, router).with_graceful_shutdown(shutdown).await
    }

    async fn call(&self, service: Service, operation: &str, principal: &Principal, body: Bytes) -> Answer {
        match service {
            Service::Tables | Service::Streams => {
                if let Principal::Function(function) = principal {
                    self.may(function, access::tables(self, service, operation, &body)?)?;
                }
                // Faults are injected here, between the decision to pass a call on and passing it on.
                Ok(Answered::Tables(self.tables.call(operation, body).await))
            }
            Service::Queues | Service::Bus => {
                let body: Value = serde_json::from_slice(&body).map_err(|error| {
                    AwsError::client("com.amazon.coral.service#SerializationException", format!("not JSON: {error}"))
                })?;
                if let Principal::Function(function) = principal {
                    let needs = match service {
                        Service::Queues => access::queues(self, operation, &body),
                        _ => access::bus(self, operation, &body),
                    };
                    self.may(function, needs)?;
                }
                let handler = if service == Service::Queues { &self.queues } else { &self.bus };
                let call = Call { operation: operation.to_owned(), body, principal: principal.clone() };
                handler(call).await.map(Answered::Json)
            }
        }
    }

    /// Refuses unless the function's policies allow all of `needs`.
    #[expect(clippy::unused_self, reason = "reads as `the proxy asks whether the function may`")]
    fn may(&self, function: &FunctionIdentity, needs: Vec<access::Need>) -> Result<(), AwsError> {
        for need in needs {
            match iam::verdict(&function.policy, &need.action, &need.resource) {
                Verdict::Allowed => {}
                verdict => {
                    tracing::warn!(function.id, action = need.action, resource = need.resource, "call refused");
                    return Err(iam::denied(&function.name, &need.action, &need.resource, verdict));
                }
            }
        }
        Ok(())
    }
}

type Answer = Result<Answered, AwsError>;

enum Answered {
    /// As the tables wrote it.
    Tables(Reply),
    Json(Value),
}

async fn answer(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let service = target.and_then(service);
    let reply = match (checked(&head.method, &head.headers), service) {
        (Err(error), _) => Err(error),
        (Ok(()), None) => Err(unknown_target(target)),
        (Ok(()), Some((service, operation))) => match authenticated(&proxy.keys, service, &head.headers) {
            Err(error) => Err(error),
            Ok(principal) => match axum::body::to_bytes(body, LARGEST_BODY).await {
                Err(_) => Err(AwsError {
                    status: 413,
                    ..AwsError::client("RequestEntityTooLargeException", "the request is larger than 16 MB")
                }),
                Ok(body) => proxy.call(service, operation, principal, body).await,
            },
        },
    };
    written(service.map(|(service, _)| service), reply)
}

fn service(target: &str) -> Option<(Service, &str)> {
    let (prefix, operation) = target.split_once('.')?;
    let service = match prefix {
        "DynamoDB_20120810" => Service::Tables,
        "DynamoDBStreams_20120810" => Service::Streams,
        "AmazonSQS" => Service::Queues,
        "AWSEvents" => Service::Bus,
        _ => return None,
    };
    Some((service, operation))
}

fn unknown_target(target: Option<&str>) -> AwsError {
    let what = match target {
        Some(target) => format!("`{}` is not a call that is known here", target.chars().take(100).collect::<String>()),
        None => "the header X-Amz-Target is missing".to_owned(),
    };
    AwsError::client(
        "com.amazon.coral.service#UnknownOperationException",
        format!("{what}; this address answers calls of DynamoDB, SQS and EventBridge in AWS JSON"),
    )
}

/// Refuses what no AWS client sends, so that a web page cannot use its visitor's browser to get here.
fn checked(method: &Method, headers: &HeaderMap) -> Result<(), AwsError> {
    if method != Method::POST {
        let error = AwsError::client("com.amazon.coral.service#UnknownOperationException", "calls are made with POST");
        return Err(AwsError { status: 404, ..error });
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
        let error = AwsError::client(
            "AccessDeniedException",
            "this address is for programs on this machine: call it as 127.0.0.1",
        );
        return Err(AwsError { status: 403, ..error });
    }
    Ok(())
}

/// Who calls, by the access key id in the signature's scope.
fn authenticated<'a>(keys: &'a Keys, service: Service, headers: &HeaderMap) -> Result<&'a Principal, AwsError> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(authorization) = authorization else {
        return Err(AwsError::client(
            "com.amazon.coral.service#MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        ));
    };
    let key_id = authorization
        .split_once("Credential=")
        .and_then(|(_, scope)| scope.split_once('/'))
        .map_or("", |(key_id, _)| key_id);
    keys.principal(key_id).ok_or_else(|| {
        let message = "The security token included in the request is invalid.";
        match service {
            Service::Queues => {
                let error = AwsError::client("com.amazon.coral.service#UnrecognizedClientException", message);
                AwsError { status: 403, ..error }.query_code("InvalidClientTokenId;Sender")
            }
            _ => AwsError::client("com.amazon.coral.service#UnrecognizedClientException", message),
        }
    })
}

fn written(service: Option<Service>, answer: Answer) -> Response {
    let content_type = match service {
        Some(Service::Bus) => "application/x-amz-json-1.1",
        _ => "application/x-amz-json-1.0",
    };
    let mut query_code = None;
    let (status, body) = match answer {
        Ok(Answered::Tables(reply)) => (reply.status, reply.body),
        Ok(Answered::Json(value)) => (200, Bytes::from(value.to_string())),
        Err(error) => {
            let body = json!({ "__type": error.code, "message": error.message });
            query_code = error.query_code;
            (error.status, Bytes::from(body.to_string()))
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(&Uuid::now_v7().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(code) = query_code.and_then(|code| HeaderValue::from_str(&code).ok()) {
        headers.insert("x-amzn-query-error", code);
    }
    response
}

#[cfg(test)]
mod tests;
