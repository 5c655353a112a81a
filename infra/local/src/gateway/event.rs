//! Builds the events of a request in payload format 2.0, for functions and for the authorizer.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::request::Parts;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::routes::{Matched, decode};

/// An incoming request.
pub(super) struct Incoming<'a> {
    pub(super) head: &'a Parts,
    pub(super) from: SocketAddr,
    pub(super) request_id: &'a str,
    pub(super) api_id: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) matched: &'a Matched<'a>,
}

impl Incoming<'_> {
    /// Returns the function's event.
    pub(super) fn payload(&self, body: &[u8], authorizer: Option<&Map<String, Value>>) -> Vec<u8> {
        let mut event = self.common();
        if let (Some(context), Some(Value::Object(request))) = (authorizer, event.get_mut("requestContext")) {
            request.insert("authorizer".to_owned(), json!({ "lambda": context }));
        }
        let mut is_base64 = false;
        if !body.is_empty() {
            let text = std::str::from_utf8(body).ok().filter(|_| is_text(&self.head.headers));
            is_base64 = text.is_none();
            let body = text.map_or_else(|| BASE64.encode(body), str::to_owned);
            event.insert("body".to_owned(), body.into());
        }
        event.insert("isBase64Encoded".to_owned(), is_base64.into());
        Value::Object(event).to_string().into_bytes()
    }

    /// Returns the authorizer's event.
    pub(super) fn authorizer_payload(&self, identity: &[String]) -> Vec<u8> {
        let mut event = self.common();
        event.insert("type".to_owned(), "REQUEST".into());
        event.insert("identitySource".to_owned(), json!(identity));
        let route_arn = format!(
            "arn:aws:execute-api:{}:{}:{}/$default/{}{}",
            self.region, self.account, self.api_id, self.head.method, self.matched.path
        );
        event.insert("routeArn".to_owned(), route_arn.into());
        Value::Object(event).to_string().into_bytes()
    }

    fn common(&self) -> Map<String, Value> {
        let headers = &self.head.headers;
        let mut event = Map::new();
        event.insert("version".to_owned(), "2.0".into());
        event.insert("routeKey".to_owned(), self.matched.route.key.clone().into());
        event.insert("rawPath".to_owned(), self.matched.path.clone().into());
        let query = self.head.uri.query().unwrap_or_default();
        event.insert("rawQueryString".to_owned(), query.into());
        let cookies: Vec<&str> = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .map(str::trim)
            .filter(|cookie| !cookie.is_empty())
            .collect();
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), json!(cookies));
        }
        event.insert("headers".to_owned(), json!(self.headers()));
        if !query.is_empty() {
            event.insert("queryStringParameters".to_owned(), json!(parameters(query)));
        }
        if !self.matched.parameters.is_empty() {
            event.insert("pathParameters".to_owned(), json!(self.matched.parameters));
        }
        event.insert("requestContext".to_owned(), self.context());
        event
    }

    /// Returns the headers in lower case, with repeated ones joined by commas, without cookies, and with those that the
    /// gateway adds.
    fn headers(&self) -> BTreeMap<String, String> {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &self.head.headers {
            if name == COOKIE {
                continue;
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|present| {
                    present.push(',');
                    present.push_str(&value);
                })
                .or_insert_with(|| value.into_owned());
        }
        let from = self.from.ip().to_string();
        headers
            .entry("x-forwarded-for".to_owned())
            .and_modify(|present| {
                present.push_str(", ");
                present.push_str(&from);
            })
            .or_insert(from);
        headers.entry("x-forwarded-proto".to_owned()).or_insert_with(|| "http".to_owned());
        headers
    }

    fn context(&self) -> Value {
        let text = |name| self.head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let host = text(HOST);
        let domain = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let now = Timestamp::now();
        json!({
            "accountId": self.account,
            "apiId": self.api_id,
            "domainName": domain,
            "domainPrefix": domain.split('.').next(),
            "http": {
                "method": self.head.method.as_str(),
                "path": self.matched.path,
                "protocol": format!("{:?}", self.head.version),
                "sourceIp": self.from.ip().to_string(),
                "userAgent": text(USER_AGENT),
            },
            "requestId": self.request_id,
            "routeKey": self.matched.route.key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        })
    }
}

/// Returns whether a body of this type is passed on as text, as HTTP APIs do; here also without a type.
fn is_text(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || matches!(kind.as_str(), "application/json" | "application/javascript" | "application/xml")
}

/// Returns the decoded query parameters, with repeated ones joined by commas.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| decode(&text.replace('+', " "));
        let value = decode(value);
        parameters
            .entry(decode(name))
            .and_modify(|present| {
                present.push(',');
                present.push_str(&value);
            })
            .or_insert(value);
    }
    parameters
}
