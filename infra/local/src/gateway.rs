//! API Gateway's HTTP API: turns HTTP requests into events of payload format 2.0, with authorizer and gateway errors.
//!
//! The gateway's own errors are as on AWS, where an HTTP API cannot change them: `{"message": …}`. All other replies
//! come from the function.

mod authorizer;
mod event;
mod reply;
mod routes;
mod throttle;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::net::TcpListener;

use self::authorizer::{Authorization, Guard};
use self::event::Incoming;
use self::routes::Routes;
use self::throttle::Bucket;
use crate::attack_log::{self, Kind};
use crate::connections::{self, BodyError, Limits};
use crate::lambda::{Failure, LARGEST_REQUEST, Lambda, place};
use crate::stack::Stack;

/// Limit on a request body, in bytes.
const LARGEST_BODY: usize = 10 * 1024 * 1024;
/// Limit on the request line and headers, in bytes.
const LARGEST_HEADERS: usize = 10_240;
/// Limit on the time of an integration.
const LONGEST_CALL: Duration = Duration::from_secs(30);

/// The HTTP API of the stack. Clones share it.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
}

struct Shared {
    api_id: String,
    account: String,
    region: String,
    routes: Routes,
    guard: Option<Guard>,
    bucket: Option<Bucket>,
    lambda: Lambda,
}

impl Gateway {
    /// Builds the API from the routes of all functions. Without an API in the stack there are no routes, and every
    /// reply is 404.
    pub fn new(stack: &Stack, lambda: Lambda) -> Self {
        let arn = stack.functions.first().map_or("", |function| function.arn.as_str());
        let (region, account) = place(arn);
        let api = stack.api.as_ref();
        Self {
            shared: Arc::new(Shared {
                api_id: api.map_or_else(|| "local".to_owned(), |api| api.id.to_lowercase()),
                account: account.to_owned(),
                region: region.to_owned(),
                routes: Routes::new(&stack.functions),
                guard: api.and_then(|api| api.authorizer.clone()).map(Guard::new),
                bucket: api
                    .and_then(|api| api.rate_limit.map(|rate| Bucket::new(rate, api.burst_limit.unwrap_or(rate)))),
                lambda,
            }),
        }
    }

    /// Serves on `listener` until `shutdown` is ready, then finishes running requests.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let service = move |request: Request, from: SocketAddr| {
            let gateway = self.clone();
            async move { gateway.answer(request, from).await }
        };
        connections::serve(listener, Limits::of_api(), service, shutdown).await
    }

    /// Handles one request.
    pub async fn answer(&self, request: Request, from: SocketAddr) -> Response {
        let request_id = uuid::Uuid::now_v7().to_string();
        let mut response = match self.run(request, from, &request_id).await {
            Ok(response) => response,
            Err(refusal) => {
                refusal.count();
                refusal.response()
            }
        };
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(HeaderName::from_static("apigw-requestid"), id);
        }
        response
    }

    async fn run(&self, request: Request, from: SocketAddr, request_id: &str) -> Result<Response, Refusal> {
        let shared = &self.shared;
        let (head, body) = request.into_parts();
        let headers: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if headers + head.uri.path_and_query().map_or(0, |target| target.as_str().len()) > LARGEST_HEADERS {
            return Err(Refusal::HeadersTooLarge);
        }
        let matched = shared.routes.find(head.method.as_str(), head.uri.path()).ok_or(Refusal::NotFound)?;
        if shared.bucket.as_ref().is_some_and(|bucket| !bucket.take()) {
            return Err(Refusal::TooManyRequests);
        }
        let incoming = Incoming {
            head: &head,
            from,
            request_id,
            api_id: &shared.api_id,
            account: &shared.account,
            region: &shared.region,
            matched: &matched,
        };
        let context = match &shared.guard {
            Some(guard) if matched.route.authorized => match guard.ask(&shared.lambda, &incoming).await {
                Authorization::Granted(context) => Some(context),
                Authorization::Unidentified => return Err(Refusal::Unauthorized),
                Authorization::Refused => return Err(Refusal::Forbidden),
                Authorization::Failed => return Err(Refusal::Internal),
            },
            _ => None,
        };
        let body = connections::read(body, LARGEST_BODY).await.map_err(|failed| match failed {
            BodyError::TooLarge => Refusal::BodyTooLarge,
            BodyError::TooSlow => Refusal::RequestTimeout,
            BodyError::Broken => Refusal::BadRequest,
        })?;
        let payload = incoming.payload(&body, context.as_deref());
        // A caller without a key can send this to an open route, so it is not logged as a failed call.
        if payload.len() > LARGEST_REQUEST {
            return Err(Refusal::BodyTooLarge);
        }
        let call = shared.lambda.invoke(&matched.route.function, payload);
        let answer = tokio::time::timeout(LONGEST_CALL, call).await.map_err(|_| Refusal::Unavailable)?;
        let answer = answer.map_err(|failure| match failure {
            Failure::RequestTooLarge(_) => Refusal::BodyTooLarge,
            Failure::Throttled => Refusal::Unavailable,
            _ => Refusal::Internal,
        })?;
        reply::read(&answer).ok_or_else(|| {
            tracing::error!(function = %matched.route.function, request.id = request_id, "invalid reply of the function");
            Refusal::Internal
        })
    }
}

/// An error reply of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    RequestTimeout,
    BodyTooLarge,
    TooManyRequests,
    HeadersTooLarge,
    Internal,
    Unavailable,
}

impl Refusal {
    /// Counts what a caller without a key can cause, for the log.
    fn count(self) {
        attack_log::count(match self {
            Self::BadRequest | Self::HeadersTooLarge => Kind::RequestUnreadable,
            Self::Unauthorized | Self::Forbidden => Kind::CallUnauthorised,
            Self::RequestTimeout => Kind::RequestTooSlow,
            Self::BodyTooLarge => Kind::RequestTooLarge,
            Self::TooManyRequests => Kind::RequestThrottled,
            Self::NotFound | Self::Internal | Self::Unavailable => return,
        });
    }

    fn response(self) -> Response {
        let (status, message) = match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "Bad Request"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
            Self::HeadersTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        };
        let mut response = Response::new(Body::from(format!(r#"{{"message":"{message}"}}"#)));
        *response.status_mut() = status;
        response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

#[cfg(test)]
mod tests;
