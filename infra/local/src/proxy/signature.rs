//! Checks AWS Signature Version 4: the caller knows the key's secret, and the request was not changed since.
//!
//! The signing key of a scope (key, day, region, service) is derived once. Old signatures are accepted: the port is on
//! the loopback interface, and tests move clocks.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use http::HeaderMap;
use http::header::AsHeaderName;
use http::request::Parts;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Limit on cached signing keys. A client needs one per day and service.
const MOST_KEPT: usize = 256;

/// An `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authorization<'a> {
    /// The access key's id.
    pub(super) key_id: &'a str,
    /// `20260303/eu-central-1/dynamodb/aws4_request`
    scope: &'a str,
    /// `20260303`
    day: &'a str,
    region: &'a str,
    service: &'a str,
    /// Signed header names in lower case and in order, separated by semicolons.
    signed: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Parses the header. Returns `None` if a part is missing.
    pub(super) fn read(header: &'a str) -> Option<Self> {
        let parts = header.strip_prefix(ALGORITHM)?;
        let part = |name: &str| {
            let found = parts.split(',').filter_map(|part| part.trim().split_once('='));
            found.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
        };
        let (key_id, scope) = part("Credential")?.split_once('/')?;
        let mut scoped = scope.split('/');
        let (day, region, service) = (scoped.next()?, scoped.next()?, scoped.next()?);
        if scoped.next() != Some("aws4_request") || scoped.next().is_some() {
            return None;
        }
        let (signed, signature) = (part("SignedHeaders")?, part("Signature")?);
        Some(Self { key_id, scope, day, region, service, signed, signature })
    }
}

/// Returns the host of a request. In-process requests have it only in the URI.
pub(super) fn host(head: &Parts) -> &str {
    let named = value(&head.headers, http::header::HOST);
    named.or_else(|| head.uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default()
}

fn value(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Checks signatures and caches signing keys.
#[derive(Default)]
pub(super) struct Signatures {
    signing_keys: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Signatures {
    /// Returns whether the request was signed with this secret and is unchanged.
    pub(super) fn is_valid(&self, authorization: &Authorization<'_>, secret: &str, head: &Parts, body: &[u8]) -> bool {
        let Some(date) = value(&head.headers, "x-amz-date").filter(|date| date.starts_with(authorization.day)) else {
            return false;
        };
        let signed = |name: &str| authorization.signed.split(';').any(|signed| signed == name);
        // As on AWS, `host` and all headers that begin with `x-amz-` must be signed.
        if !signed("host")
            || head.headers.keys().any(|name| name.as_str().starts_with("x-amz-") && !signed(name.as_str()))
        {
            return false;
        }
        let Some(canonical) = canonical(authorization, head, body) else { return false };
        let mut to_sign = format!("{ALGORITHM}\n{date}\n{}\n", authorization.scope);
        write_hex(&mut to_sign, &Sha256::digest(canonical));
        let signature = self.sign(authorization, secret, &to_sign);
        signature.is_some_and(|signature| same(signature.as_bytes(), authorization.signature.as_bytes()))
    }

    fn sign(&self, authorization: &Authorization<'_>, secret: &str, to_sign: &str) -> Option<String> {
        let name = format!("{}/{}", authorization.key_id, authorization.scope);
        let mut keys = self.signing_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(&name) {
            return Some(calculate_signature(key, to_sign.as_bytes()));
        }
        let day = Date::strptime("%Y%m%d", authorization.day).ok()?.to_zoned(TimeZone::UTC).ok()?;
        let day = SystemTime::from(day.timestamp());
        let key = generate_signing_key(secret, day, authorization.region, authorization.service).as_ref().to_vec();
        let signature = calculate_signature(&key, to_sign.as_bytes());
        if keys.len() >= MOST_KEPT {
            keys.clear();
        }
        keys.insert(name, key);
        Some(signature)
    }
}

/// Compares in a time that tells nothing of where two signatures differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |differs, (left, right)| differs | (left ^ right)) == 0
}

/// Returns the canonical form of the request; `None` if a signed header is missing.
fn canonical(authorization: &Authorization<'_>, head: &Parts, body: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(512);
    text.push_str(head.method.as_str());
    text.push('\n');
    // Percent-encoded characters are encoded once more, for all services except S3.
    text.push_str(&head.uri.path().replace('%', "%25"));
    text.push('\n');
    let mut query: Vec<&str> =
        head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    text.push_str(&query.join("&"));
    text.push('\n');
    for name in authorization.signed.split(';') {
        text.push_str(name);
        text.push(':');
        if name == "host" {
            text.push_str(host(head));
        } else {
            let mut found = false;
            for value in head.headers.get_all(name) {
                if found {
                    text.push(',');
                }
                push_trimmed(&mut text, value.to_str().ok()?);
                found = true;
            }
            if !found {
                return None;
            }
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(authorization.signed);
    text.push('\n');
    write_hex(&mut text, &Sha256::digest(body));
    Some(text)
}

/// Adds a header's trimmed value, with each run of blanks as one blank.
fn push_trimmed(text: &mut String, value: &str) {
    for (number, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
        if number > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
}

fn write_hex(text: &mut String, bytes: &[u8]) {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4::SigningParams;
    use http::{HeaderValue, Request};

    use super::*;

    const SECRET: &str = "secret";

    /// Returns a request signed by the SDK's signer.
    fn signed(path: &str, body: &str) -> Parts {
        let uri = format!("http://127.0.0.1:4711{path}");
        let identity = Credentials::new("FLKEY", SECRET, None, None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region("eu-central-1")
            .name("dynamodb")
            .time("2026-03-03T09:00:00Z".parse::<jiff::Timestamp>().unwrap().into())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let headers = [("x-amz-target", "DynamoDB_20120810.GetItem"), ("content-type", "a  b ")];
        let signable =
            SignableRequest::new("POST", &uri, headers.into_iter(), SignableBody::Bytes(body.as_bytes())).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let mut request = Request::post(&uri).body(()).unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        instructions.apply_to_request_http1x(&mut request);
        request.into_parts().0
    }

    fn is_valid(head: &Parts, secret: &str, body: &str) -> bool {
        let header = value(&head.headers, "authorization").unwrap();
        Signatures::default().is_valid(&Authorization::read(header).unwrap(), secret, head, body.as_bytes())
    }

    #[test]
    fn accepts_signatures_of_the_sdk() {
        for path in ["/", "/000000000000/work", "/a%20b/%C3%A9?b=2&a=1"] {
            assert!(is_valid(&signed(path, "{}"), SECRET, "{}"), "{path}");
        }
        let signatures = Signatures::default();
        let head = signed("/", "{}");
        let header = value(&head.headers, "authorization").unwrap();
        for _ in 0..2 {
            assert!(signatures.is_valid(&Authorization::read(header).unwrap(), SECRET, &head, b"{}"));
        }
    }

    #[test]
    fn rejects_another_secret_and_changed_requests() {
        let head = signed("/", "{}");
        assert!(!is_valid(&head, "guessed", "{}"));
        assert!(!is_valid(&head, SECRET, "{ }"));
        let changed = |change: fn(&mut Parts)| {
            let mut head = signed("/", "{}");
            change(&mut head);
            is_valid(&head, SECRET, "{}")
        };
        assert!(!changed(|head| head.method = http::Method::PUT));
        assert!(!changed(|head| head.uri = "http://127.0.0.1:4711/other".parse().unwrap()));
        assert!(!changed(|head| head.uri = "http://127.0.0.1:4712/".parse().unwrap()));
        assert!(!changed(|head| {
            head.headers.insert("x-amz-target", HeaderValue::from_static("DynamoDB_20120810.DeleteItem"));
        }));
        assert!(!changed(|head| {
            head.headers.insert("x-amz-other", HeaderValue::from_static("not signed"));
        }));
        assert!(!changed(|head| {
            head.headers.insert("x-amz-date", HeaderValue::from_static("20260303T100000Z"));
        }));
        assert!(!changed(|head| {
            head.headers.remove("x-amz-target");
        }));
    }

    #[test]
    fn rejects_incomplete_headers() {
        let whole = "AWS4-HMAC-SHA256 Credential=K/20260303/r/s/aws4_request, SignedHeaders=host, Signature=0";
        assert!(Authorization::read(whole).is_some());
        for part in ["AWS4-HMAC-SHA256 ", "/s", "K/", "SignedHeaders=host, ", "Signature=0", "aws4_request"] {
            assert_eq!(Authorization::read(&whole.replace(part, "")), None, "{part}");
        }
    }
}
