//! A request that was admitted, and what handlers read from it.

use std::time::Instant;

use aws_lambda_events::encodings::Body;
use fairleader_lead::id::is_name;
use fairleader_lead::limit::shown;
use fairleader_lead::problem::{FieldProblem, not_json};
use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use serde_path_to_error::Segment;

use crate::route::{Access, Routes};
use crate::{Caller, Code, Problem, Request};

/// Length limit of an id in a path, in bytes.
const MAX_ID: usize = 255;
/// Characters that a long message keeps at its beginning, where the input is.
const HEAD: usize = 120;
/// Characters that a long message keeps at its end, where the advice is.
const TAIL: usize = 240;
/// Length limit of an `Idempotency-Key`, in bytes.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// Admitted request.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    request: &'a Request,
    caller: Option<Caller>,
    /// When the work on it must end, so that there is time to reply.
    pub deadline: Instant,
}

/// Finds the route of a request and checks that the role of the caller allows it.
pub fn admit<R: Routes>(request: &Request, deadline: Instant) -> Result<(R, Call<'_>), Problem> {
    let key = request.route_key.as_deref().unwrap_or_default();
    let route = R::find(key).ok_or_else(|| Problem::not_found(format!("there is no route `{key}`")))?;
    let caller = Caller::of(request);
    match (&route.operation().access, &caller) {
        (Access::Anyone, _) => {}
        (access, Some(caller)) if access.admits(caller.role) => {}
        (access, caller) => return Err(Problem::forbidden(caller.as_ref(), &access.roles())),
    }
    if request.path_parameters.values().any(|id| id.len() > MAX_ID) {
        return Err(Problem::not_found(format!("an id has at most {MAX_ID} bytes")));
    }
    Ok((route, Call { request, caller, deadline }))
}

impl<'a> Call<'a> {
    #[cfg(test)]
    pub(crate) fn of(request: &'a Request) -> Self {
        Self { request, caller: None, deadline: Instant::now() }
    }

    /// Returns the caller. Fails with `forbidden` if the route needs no key and none was sent.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(|| Problem::forbidden(None, &[]))
    }

    /// Returns the path parameter `name`, or an empty text if the route does not have it.
    pub fn path(&self, name: &str) -> &'a str {
        self.request.path_parameters.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Returns the first value of the query parameter `name`.
    pub fn query(&self, name: &str) -> Option<&'a str> {
        self.request.query_string_parameters.first(name)
    }

    /// Returns the header `name`, if it was sent and is text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.request.headers.get(name)?.to_str().ok()
    }

    /// Returns the `Idempotency-Key`, without the spaces around it. Fails with `invalid_idempotency_key` if it is empty,
    /// too long or not ASCII text. Such a key is never ignored: its sender relies on it when they retry.
    pub fn idempotency_key(&self) -> Result<Option<&'a str>, Problem> {
        let Some(value) = self.request.headers.get("idempotency-key") else { return Ok(None) };
        let refused = |detail: String| {
            Err(Problem::new(Code::InvalidIdempotencyKey, "the Idempotency-Key is not valid").detail(detail))
        };
        let Ok(key) = value.to_str().map(str::trim) else {
            return refused(format!(
                "it has characters that are not ASCII; send 1 to {MAX_IDEMPOTENCY_KEY} ASCII characters, such as a UUID"
            ));
        };
        match key.len() {
            1..=MAX_IDEMPOTENCY_KEY => Ok(Some(key)),
            length => refused(format!("it has {length} bytes; send 1 to {MAX_IDEMPOTENCY_KEY} bytes")),
        }
    }

    /// Returns the body as bytes. Decodes the gateway's base64.
    pub fn body(&self) -> Vec<u8> {
        let text = self.request.body.as_deref().unwrap_or_default();
        Body::from_maybe_encoded(self.request.is_base64_encoded, text).as_ref().to_vec()
    }

    /// Reads the body as JSON. An error names the field, or line and column if the body is not JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body = self.body();
        let mut json = serde_json::Deserializer::from_slice(&body);
        let read = serde_path_to_error::deserialize(&mut json).map_err(unfit)?;
        json.end().map_err(|cause| no_json(&cause))?;
        Ok(read)
    }

    /// Reads the body as JSON. Returns the default if there is no body, or `null`.
    pub fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        if matches!(self.body().trim_ascii(), b"" | b"null") { Ok(T::default()) } else { self.json() }
    }

    /// Reads the body of a `PUT` to a path that ends in `{id}`. The id must be a valid name. The body can leave `field`
    /// out; otherwise it must match the id.
    pub fn named<T: DeserializeOwned>(&self, field: &str) -> Result<T, Problem> {
        let id = self.name("id", "an id")?;
        let mut body: Map<String, Value> = self.json()?;
        let given = body.entry(field).or_insert_with(|| json!(id));
        if given != id {
            let detail = format!("{} does not match `{id}` in the path", shown(&given.to_string()));
            return Err(Problem::invalid_body(vec![FieldProblem::field(field, detail)]));
        }
        serde_path_to_error::deserialize(Value::Object(body)).map_err(unfit)
    }

    /// Returns the path parameter `parameter`. Fails with `invalid_id` if it is not a valid name; `what` says for what.
    pub fn name(&self, parameter: &str, what: &str) -> Result<&'a str, Problem> {
        let name = self.path(parameter);
        if is_name(name) {
            return Ok(name);
        }
        Err(Problem::new(Code::InvalidId, format!("`{name}` cannot be {what}"))
            .detail("use 1 to 64 characters of `a-z 0-9 - _ .`; begin with a letter or digit"))
    }
}

/// Makes the problem for a body that does not match its type.
fn unfit(cause: serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let pointer: String = cause.path().iter().filter_map(step).collect();
    let cause = cause.into_inner();
    if cause.is_data() {
        let (pointer, detail) = (shortened(&pointer), shortened(&in_words(&cause.to_string())));
        Problem::invalid_body(vec![FieldProblem { pointer, detail }])
    } else {
        no_json(&cause)
    }
}

/// Removes the middle of a long message, so that a reply does not grow with the input that it repeats.
fn shortened(said: &str) -> String {
    let count = said.chars().count();
    if count <= HEAD + TAIL {
        return said.to_owned();
    }
    let head = said.chars().take(HEAD).chain(['…']);
    head.chain(said.chars().skip(count - TAIL)).collect()
}

/// Makes the problem for a body that is not JSON. No field can be named.
fn no_json(cause: &serde_json::Error) -> Problem {
    Problem::invalid_body(Vec::new()).detail(format!("{}; send a JSON object", not_json(cause)))
}

/// Writes one step of a JSON pointer (RFC 6901).
fn step(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// Rewrites a message of serde: without Rust types, and without the position, because the field is named.
fn in_words(said: &str) -> String {
    let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
    let Some((is, expected)) = said.rsplit_once(", expected ") else { return said.to_owned() };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not below 0 and not too large",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "a sequence" => "a list: `[…]`",
        "a map" => "an object: `{…}`",
        "a boolean" => "`true` or `false`",
        name if name.starts_with("struct ") => "an object: `{…}`",
        other => other,
    };
    format!("{is}, expected {expected}")
}

/// Reads an optional timestamp in a body.
pub fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    let advice = "write date, time and zone, such as `2027-04-01T06:00:00Z` or `2027-04-01T08:00:00+02:00`";
    text.parse().map(Some).map_err(|_| D::Error::custom(format!("`{text}` is not a timestamp; {advice}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(default)]
        members: Vec<Member>,
        #[serde(default, deserialize_with = "instant")]
        at: Option<Timestamp>,
    }

    #[derive(Debug, Deserialize)]
    struct Member {
        weight: u32,
    }

    fn wrong(body: &str) -> String {
        let mut request = Request::default();
        request.body = Some(body.to_owned());
        let problem = Call::of(&request).json::<Sample>().unwrap_err();
        match problem.errors.as_slice() {
            [error] => format!("{}: {}", error.pointer, error.detail),
            _ => problem.detail.unwrap_or_default(),
        }
    }

    #[test]
    fn refuses_a_key_that_cannot_be_used_and_never_ignores_it() {
        let key = |value: Option<&[u8]>| {
            let mut request = Request::default();
            if let Some(value) = value {
                request.headers.insert("idempotency-key", http::HeaderValue::from_bytes(value).unwrap());
            }
            let read = Call::of(&request).idempotency_key().map(|key| key.map(str::to_owned));
            read.map_err(|problem| (problem.code, problem.detail.unwrap_or_default()))
        };
        assert_eq!(key(None), Ok(None));
        assert_eq!(key(Some(b" form-17 ")), Ok(Some("form-17".to_owned())));
        assert_eq!(key(Some(&[b'k'; MAX_IDEMPOTENCY_KEY])), Ok(Some("k".repeat(MAX_IDEMPOTENCY_KEY))));
        for (value, said) in [
            (&b""[..], "it has 0 bytes"),
            (b"  ", "it has 0 bytes"),
            (&[b'k'; MAX_IDEMPOTENCY_KEY + 1], "it has 256 bytes"),
            ("schlüssel".as_bytes(), "it has characters that are not ASCII"),
            (b"\xfc", "it has characters that are not ASCII"),
        ] {
            let (code, detail) = key(Some(value)).unwrap_err();
            assert!(code == Code::InvalidIdempotencyKey && detail.starts_with(said), "{detail}");
        }
    }

    #[test]
    fn names_the_wrong_field_of_a_body() {
        assert_eq!(
            wrong(r#"{"members": ["anna"]}"#),
            "/members/0: invalid type: string \"anna\", expected an object: `{…}`"
        );
        assert_eq!(
            wrong(r#"{"members": [{"weight": 1}, {"weight": -1}]}"#),
            "/members/1/weight: invalid value: integer `-1`, expected a whole number that is not below 0 and not too large"
        );
        assert_eq!(wrong(r#"{"members": [{}]}"#), "/members/0: missing field `weight`");
        assert_eq!(wrong(r#"{"memers": []}"#), "/memers: unknown field `memers`, expected `members` or `at`");
        assert_eq!(
            wrong(r#"{"at": "tomorrow"}"#),
            "/at: `tomorrow` is not a timestamp; write date, time and zone, such as `2027-04-01T06:00:00Z` or \
             `2027-04-01T08:00:00+02:00`"
        );
        assert_eq!(
            wrong("{} {}"),
            "the body is not JSON: text follows its end at line 1, column 4; send a JSON object"
        );
        let long = wrong(&format!(r#"{{"at": "{}"}}"#, "x".repeat(5_000_000)));
        assert!(long.chars().count() < 400 && long.ends_with("or `2027-04-01T08:00:00+02:00`"), "{long}");
        assert!(wrong(&format!(r#"{{"{}": 1}}"#, "x".repeat(5_000_000))).chars().count() < 800);
        assert_eq!(wrong("{"), "the body is not JSON: it ends at line 1, column 1; send a JSON object");
        let mut request = Request::default();
        request.body = Some(r#"{"at": "2027-04-01T08:00:00+02:00", "members": [{"weight": 2}]}"#.to_owned());
        let read: Sample = Call::of(&request).json().unwrap();
        assert_eq!((read.at.unwrap().to_string(), read.members[0].weight), ("2027-04-01T06:00:00Z".to_owned(), 2));
    }
}
