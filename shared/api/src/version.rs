//! Versions of what is kept, as HTTP says them: `ETag` in replies, `If-Match` in requests (RFC 9110, section 13.1.1).

use serde::Serialize;

use crate::{Call, Code, Problem, Reply, reply};

/// The `ETag` of a version: its number in quotes.
pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// A JSON reply that says which version it shows.
pub fn json(status: u16, body: &impl Serialize, version: u64) -> Reply {
    reply::with_header(reply::json(status, body), "etag", &etag(version))
}

/// The version that `If-Match` names; `None` if the header is missing, and the write takes whatever is there.
pub fn if_match(call: &Call<'_>) -> Result<Option<u64>, Problem> {
    let Some(given) = call.header("if-match") else { return Ok(None) };
    let number = given.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')?.parse().ok());
    number.map(Some).ok_or_else(|| {
        Problem::new(Code::InvalidIfMatch, format!("`{given}` is not the ETag of a reply"))
            .detail("send the ETag of the reply that you read, with its quotes, such as `If-Match: \"7\"`")
    })
}

/// It was changed since the caller read it. The reply carries what is there now (nothing if it was deleted), and its
/// `ETag`.
pub fn precondition_failed(what: &str, now: Option<&(impl Serialize, u64)>) -> Reply {
    let mut problem = Problem::new(Code::PreconditionFailed, format!("{what} was changed since you read it"))
        .detail("look at `current`, change that, and send it with the ETag of this reply in If-Match");
    let Some((current, version)) = now else {
        problem.title = format!("{what} was deleted since you read it");
        problem.detail = Some("leave If-Match out to create it again".to_owned());
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
    fn reads_one_strong_etag() {
        assert_eq!(read(None), Ok(None));
        assert_eq!(read(Some(&etag(7))), Ok(Some(7)));
        for wrong in ["7", "*", "W/\"7\"", "\"7\", \"8\"", "\"\"", "\"-1\""] {
            assert_eq!(read(Some(wrong)), Err(Code::InvalidIfMatch), "{wrong}");
        }
    }

    #[test]
    fn says_what_is_there_now() {
        let reply = precondition_failed("rep `anna`", Some(&(serde_json::json!({"capacity": 3}), 8)));
        assert_eq!((reply.status_code, reply.headers["etag"].to_str().unwrap()), (412, "\"8\""));
        let body: serde_json::Value = serde_json::from_slice(reply.body.unwrap().as_ref()).unwrap();
        assert_eq!(body["current"]["capacity"], 3);
        let gone = precondition_failed("rep `anna`", None::<&((), u64)>);
        let body: serde_json::Value = serde_json::from_slice(gone.body.unwrap().as_ref()).unwrap();
        assert_eq!((&body["title"], body.get("current")), (&"rep `anna` was deleted since you read it".into(), None));
    }
}
