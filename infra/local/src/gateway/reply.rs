//! Turns a function's answer (payload format 2.0) into an HTTP reply.
//!
//! An object with `statusCode` is a reply; any other JSON is the body of a 200. `multiValueHeaders` belongs to format
//! 1.0 and is ignored. Several values of a header are one text with commas, and cookies are in `cookies`.

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

/// Reads an answer. Returns `None` if the gateway cannot send it.
pub(super) fn read(answer: &[u8]) -> Option<Response> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    match answer {
        Value::Object(fields) if fields.contains_key("statusCode") => structured(&fields),
        // Inferred: a 200 with the JSON, or a string's text.
        Value::String(text) => Some(inferred(text)),
        other => Some(inferred(other.to_string())),
    }
}

fn inferred(body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn structured(fields: &Map<String, Value>) -> Option<Response> {
    let status = match fields.get("statusCode")? {
        Value::String(text) => text.parse().ok()?,
        number => u16::try_from(number.as_u64()?).ok()?,
    };
    let body = match fields.get("body") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) if fields.get("isBase64Encoded") == Some(&Value::Bool(true)) => {
            BASE64.decode(text).ok()?
        }
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(_) => return None,
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational())?;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    if let Some(Value::Object(given)) = fields.get("headers") {
        for (name, value) in given {
            let value = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                Value::Null => continue,
                Value::Array(_) | Value::Object(_) => return None,
            };
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            // The server sets these itself.
            if matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection" | "date") {
                continue;
            }
            headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
        }
    }
    if let Some(Value::Array(cookies)) = fields.get("cookies") {
        for cookie in cookies {
            headers.append(SET_COOKIE, HeaderValue::from_bytes(cookie.as_str()?.as_bytes()).ok()?);
        }
    }
    Some(response)
}
