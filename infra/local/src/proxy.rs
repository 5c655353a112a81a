//! The address of all AWS clients. It identifies the caller, checks permissions, and passes the call on.
//!
//! Every function has its own access key and the permissions of its policies in the template. The operator's key may do
//! everything, for `aws --endpoint-url`, boto3 and tests. Its id is `fairleader`; its secret is made at the first start of
//! a data folder and kept there, readable by the owner only.
//!
//! There are two ways in: a port for programs ([`Proxy::serve`]), and direct calls for the functions, which run in the
//! same process ([`InProcess`]). Both end in [`Proxy::answer`], which checks key, signature and policy.

mod access;
mod in_process;
mod keys;
mod signature;

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

pub use self::in_process::InProcess;
use self::keys::Holder;
pub use self::keys::{AccessKey, FunctionIdentity, Keys, OPERATOR_KEY_ID, Principal, new_secret};
use self::signature::{Authorization, Signatures, host};
use crate::attack_log::{self, Kind};
use crate::aws_error::AwsError;
use crate::connections::{self, BodyError, Limits};
use crate::faults::{self, Faults, Injector};
use crate::iam::{self, Verdict};
use crate::stack::Table;
use crate::tables::{Reply, Tables};

/// An allowed call of a service.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation (`SendMessage`).
    pub operation: String,
    /// The request's body.
    pub body: Value,
    /// The caller.
    pub principal: Principal,
}

/// A service behind the proxy.
pub type Handler = Arc<dyn Fn(Call) -> BoxFuture<'static, Result<Value, AwsError>> + Send + Sync>;

/// The services, and the keys of their callers.
pub struct Services {
    /// DynamoDB and its streams.
    pub tables: Tables,
    /// SQS.
    pub queues: Handler,
    /// EventBridge.
    pub bus: Handler,
    /// The callers' keys.
    pub keys: Keys,
    /// Region in ARNs.
    pub region: String,
    /// Account in ARNs.
    pub account: String,
}

/// Proxy between the clients and the services.
pub struct Proxy {
    services: Services,
    signatures: Signatures,
    injector: Injector,
}

/// The services that the proxy knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Tables,
    Streams,
    Queues,
    Bus,
}

/// Limit on the size of a body, in bytes: DynamoDB's limit.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

impl Proxy {
    /// Returns a proxy for these services.
    pub fn new(services: Services) -> Self {
        Self { services, signatures: Signatures::default(), injector: Injector::default() }
    }

    /// Adds faults. `tables` are the stack's tables.
    pub async fn with_faults(self, faults: &Faults, tables: &[Table]) -> Result<Self, faults::StartError> {
        let injector = Injector::start(faults, &self.services.tables, tables).await?;
        Ok(Self { injector, ..self })
    }

    /// Removes expired items, which DynamoDB does by itself.
    pub async fn sweep_expired(&self) -> anyhow::Result<()> {
        if self.services.tables.sweep_expired().await? > 0 {
            self.injector.refresh().await;
        }
        Ok(())
    }

    /// Serves calls on `listener` until `shutdown` is done, then finishes running calls.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let service = move |request: Request, _| serve_one(Arc::clone(&self), request);
        connections::serve(listener, Limits::of_aws(), service, shutdown).await
    }

    /// Handles one request from either way in.
    pub async fn answer(&self, head: &Parts, body: Bytes) -> http::Response<Bytes> {
        match self.recognise(head) {
            Err(Refused { service, error }) => written(service, Err(error)),
            Ok(Recognised { service, operation, authorization, holder }) => {
                let secret = &holder.key.secret;
                let answer = if self.signatures.is_valid(&authorization, secret, head, &body) {
                    self.call(service, operation, &holder.principal, body).await
                } else {
                    attack_log::count(Kind::AwsCallRefused);
                    Err(wrong_signature(service))
                };
                written(Some(service), answer)
            }
        }
    }

    /// Reads the operation and the claimed caller.
    fn recognise<'a>(&'a self, head: &'a Parts) -> Result<Recognised<'a>, Refused> {
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let called = target.and_then(service);
        let refused = |error| Refused { service: called.map(|(service, _)| service), error };
        checked(head).map_err(refused)?;
        let (service, operation) = called.ok_or_else(|| refused(unknown_target(target)))?;
        let (holder, authorization) = holder(&self.services.keys, service, &head.headers).map_err(refused)?;
        Ok(Recognised { service, operation, authorization, holder })
    }

    async fn call(&self, service: Service, operation: &str, principal: &Principal, body: Bytes) -> Answer {
        match service {
            Service::Tables | Service::Streams => {
                if let Principal::Function(function) = principal {
                    self.may(function, access::tables(&self.services, service, operation, &body)?)?;
                }
                Ok(Answered::Tables(self.injector.call(&self.services.tables, operation, body).await))
            }
            Service::Queues | Service::Bus => {
                let body: Value = serde_json::from_slice(&body).map_err(|error| {
                    AwsError::client("com.amazon.coral.service#SerializationException", format!("not JSON: {error}"))
                })?;
                if let Principal::Function(function) = principal {
                    let needs = match service {
                        Service::Queues => access::queues(&self.services, operation, &body),
                        _ => access::bus(&self.services, operation, &body),
                    };
                    self.may(function, needs)?;
                }
                let handler = if service == Service::Queues { &self.services.queues } else { &self.services.bus };
                let call = Call { operation: operation.to_owned(), body, principal: principal.clone() };
                handler(call).await.map(Answered::Json)
            }
        }
    }

    /// Returns an error unless the function's policies allow all of `needs`.
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
    /// A reply of the tables, as it is.
    Tables(Reply),
    Json(Value),
}

/// Handles a request to the port.
async fn serve_one(proxy: Arc<Proxy>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    // Unknown callers are rejected before they send up to 16 MB.
    if let Err(refused) = proxy.recognise(&head) {
        attack_log::count(Kind::AwsCallRefused);
        return written(refused.service, Err(refused.error)).map(Body::from);
    }
    match connections::read(body, LARGEST_BODY).await {
        Ok(body) => proxy.answer(&head, body).await.map(Body::from),
        Err(failed) => {
            let (kind, status, code, message) = match failed {
                BodyError::TooLarge => {
                    let message = "the request is larger than 16 MB";
                    (Kind::RequestTooLarge, 413, "RequestEntityTooLargeException", message)
                }
                BodyError::TooSlow => {
                    (Kind::RequestTooSlow, 408, "RequestTimeoutException", "the request did not arrive in time")
                }
                BodyError::Broken => {
                    (Kind::RequestUnreadable, 400, "IncompleteBody", "the request's body ended too early")
                }
            };
            attack_log::count(kind);
            let error = AwsError::client(code, message);
            written(None, Err(AwsError { status, ..error })).map(Body::from)
        }
    }
}

/// A request with a known key, before its signature is checked.
struct Recognised<'a> {
    service: Service,
    operation: &'a str,
    authorization: Authorization<'a>,
    holder: &'a Holder,
}

/// A request that is rejected before its body is read.
struct Refused {
    service: Option<Service>,
    error: AwsError,
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
        Some(target) => format!("`{}` is not a supported call", target.chars().take(100).collect::<String>()),
        None => "the header X-Amz-Target is missing".to_owned(),
    };
    AwsError::client(
        "com.amazon.coral.service#UnknownOperationException",
        format!("{what}; this address serves DynamoDB, SQS and EventBridge in AWS JSON"),
    )
}

/// Rejects requests that no AWS client sends, so that web pages cannot reach this address through a browser.
fn checked(head: &Parts) -> Result<(), AwsError> {
    if head.method != Method::POST {
        let error = AwsError::client("com.amazon.coral.service#UnknownOperationException", "use the method POST");
        return Err(AwsError { status: 404, ..error });
    }
    let host = host(head);
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

/// Returns the caller by the access key id in the signature's scope.
fn holder<'a>(
    keys: &'a Keys,
    service: Service,
    headers: &'a HeaderMap,
) -> Result<(&'a Holder, Authorization<'a>), AwsError> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return Err(AwsError::client(
            "com.amazon.coral.service#MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        ));
    };
    let authorization = authorization.to_str().ok().and_then(Authorization::read).ok_or_else(|| {
        AwsError::client(
            "com.amazon.coral.service#IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters of AWS4-HMAC-SHA256",
        )
    })?;
    let holder = keys.holder(authorization.key_id).ok_or_else(|| {
        let message = "The security token included in the request is invalid.";
        let error = AwsError::client("com.amazon.coral.service#UnrecognizedClientException", message);
        for_queues(service, error, "InvalidClientTokenId;Sender")
    })?;
    Ok((holder, authorization))
}

fn wrong_signature(service: Service) -> AwsError {
    let error = AwsError::client(
        "com.amazon.coral.service#InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details.",
    );
    for_queues(service, error, "SignatureDoesNotMatch;Sender")
}

/// SQS rejects unknown callers with another status than the other services, and adds the query protocol's code.
fn for_queues(service: Service, error: AwsError, query_code: &str) -> AwsError {
    if service == Service::Queues { AwsError { status: 403, ..error }.query_code(query_code) } else { error }
}

fn written(service: Option<Service>, answer: Answer) -> http::Response<Bytes> {
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
    let mut response = http::Response::new(body);
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
