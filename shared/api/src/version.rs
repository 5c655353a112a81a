//! Revisions in HTTP: `ETag` in replies, `If-Match` in requests (RFC 9110, section 13.1.1).

use serde::Serialize;

use crate::{Call, Code, Problem, Reply, reply};

/// Returns the `ETag` of a revision: its number in quotes.
pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// Makes a JSON reply with the `ETag` of the revision that it shows.
pub fn json(status: u16, body: &impl Serialize, version: u64) -> Reply {
    reply::with_header(reply::json(status, body), "etag", &etag(version))
}

/// Returns the revision in `If-Match`. Returns `None` if the header is missing; then the write replaces any revision.
pub fn if_match(call: &Call<'_>) -> Result<Option<u64>, Problem> {
    let Some(given) = call.header("if-match") else { return Ok(None) };
    let number = given.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')?.parse().ok());
    number.map(Some).ok_or_else(|| {
        Problem::new(Code::InvalidIfMatch, format!("`{given}` is not an ETag"))
            .detail("send the ETag of the reply that you read, including the quotes: `If-Match: \"7\"`")
    })
}

/// Makes the reply for something that was changed since the caller read it. The reply shows `now`, the current state,
/// and its `ETag`; `None` means that it was deleted.
pub fn precondition_failed(what: &str, now: Option<&(impl Serialize, u64)>) -> Reply {
    let mut problem = Problem::new(Code::PreconditionFailed, format!("{what} was changed since you read it"))
        .detail("apply your change to `current` and send it with the ETag of this reply in If-Match");
    let Some((current, version)) = now else {
        problem.title = format!("{what} was deleted since you read it");
        problem.detail = Some("send it without If-Match to create it again".to_owned());
        return problem.reply();
    };
    match serde_json::to_value(current) {
        Ok(current) => problem.current = Some(Box::new(current)),
        Err(cause) => {
            tracing::error!(cause = %cause, "reply cannot be written");
            return Problem::internal().reply();
        }
    }
    reply::with_header(problem.reply(), "etag", &etag(*version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    fn read(value: Option<&str>) -> Result<Option<u64>, Code> {
        let mut request = Request::default();
        if let Some(value) = value {
            request.headers.insert("if-match", value.parse().unwrap());
        }
        if_match(&Call::of(&request)).map_err(|problem| problem.code)
    }

    #[test]
    fn accepts_one_strong_etag() {
        assert_eq!(read(None), Ok(None));
        assert_eq!(read(Some(&etag(7))), Ok(Some(7)));
        for wrong in ["7", "*", "W/\"7\"", "\"7\", \"8\"", "\"\"", "\"-1\""] {
            assert_eq!(read(Some(wrong)), Err(Code::InvalidIfMatch), "{wrong}");
        }
    }

    #[test]
    fn shows_the_current_state() {
        let reply = precondition_failed("rep `anna`", Some(&(serde_json::json!({"capacity": 3}), 8)));
        assert_eq!((reply.status_code, reply.headers["etag"].to_str().unwrap()), (412, "\"8\""));
        let body: serde_json::Value = serde_json::from_slice(reply.body.unwrap().as_ref()).unwrap();
        assert_eq!(body["current"]["capacity"], 3);
        let gone = precondition_failed("rep `anna`", None::<&((), u64)>);
        let body: serde_json::Value = serde_json::from_slice(gone.body.unwrap().as_ref()).unwrap();
        assert_eq!((&body["title"], body.get("current")), (&"rep `anna` was deleted since you read it".into(), None));
    }
}
