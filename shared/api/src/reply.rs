//! Replies: JSON, text, or without a body.

use aws_lambda_events::encodings::Body;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;

use crate::{Problem, Reply};

/// Makes a reply with a JSON body.
pub fn json(status: u16, body: &impl Serialize) -> Reply {
    match serde_json::to_string(body) {
        Ok(body) => text(status, "application/json", body),
        Err(cause) => {
            tracing::error!(cause = %cause, "reply cannot be written");
            Problem::internal().reply()
        }
    }
}

/// Makes a reply with a text body of this media type.
pub fn text(status: u16, content_type: &'static str, body: String) -> Reply {
    let mut reply = Reply::default();
    reply.status_code = i64::from(status);
    reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply.body = Some(Body::Text(body));
    reply
}

/// Makes a reply without a body (204).
pub fn no_content() -> Reply {
    let mut reply = Reply::default();
    reply.status_code = 204;
    reply
}

/// Adds a header to a reply, unless the value is not allowed in a header.
#[must_use]
pub fn with_header(mut reply: Reply, name: &'static str, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers.insert(HeaderName::from_static(name), value);
    }
    reply
}
