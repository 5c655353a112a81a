//! Why a command that calls the API has no result, told to whoever typed it.

use reqwest::StatusCode;
use serde_json::Value;

use crate::api::{ApiError, innermost};

/// A command that calls the API has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// A call failed.
    #[error("{}", said(.0))]
    Api(#[from] ApiError),
    /// An answer has not the form it should have.
    #[error("the API answered something unexpected: {0}")]
    Unexpected(#[from] serde_json::Error),
}

/// What to do, where the caller can do something; a refused rulebook is told as it would be in a terminal.
fn said(error: &ApiError) -> String {
    let (said, status) = match error {
        ApiError::Refused { said, status, .. } => (said, *status),
        ApiError::NoAnswer { source, .. } if source.is_connect() => {
            let server = source.url().map(|url| format!(" at `{}`", url.origin().ascii_serialization()));
            let (server, cause) = (server.unwrap_or_default(), innermost(source));
            return format!("no server answers{server} ({cause}); start one with `fairleader up`, or mend the address");
        }
        ApiError::NoAnswer { .. } => return error.to_string(),
    };
    let body: Value = serde_json::from_str(said).unwrap_or(Value::Null);
    let problems = body.get("problems").and_then(Value::as_array);
    let rendered = problems.into_iter().flatten().filter_map(|problem| problem.get("rendered")?.as_str());
    match (body.get("title").and_then(Value::as_str), rendered.collect::<String>()) {
        (Some(title), rendered) if !rendered.is_empty() => format!("{title}\n{rendered}"),
        (Some(title), _) => match body.get("detail").and_then(Value::as_str) {
            Some(detail) => format!("{title}: {detail}"),
            None => title.to_owned(),
        },
        _ if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            "the server does not take this key; use one of marketing, sales or an admin (keys.json has the first ones)"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Method;

    use super::*;

    #[test]
    fn a_refusal_is_told_by_its_problems() {
        let refused = |said: &str| {
            let (method, path) = (Method::POST, "/v1/rulebooks/replay".to_owned());
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            CallError::from(ApiError::Refused { method, path, status, said: said.to_owned() }).to_string()
        };
        let problems = r#"{"title": "the rulebook has 1 problem", "problems": [{"rendered": "error: x\n"}]}"#;
        assert_eq!(refused(problems), "the rulebook has 1 problem\nerror: x\n");
        assert_eq!(refused(r#"{"title": "no", "detail": "mend it"}"#), "no: mend it");
        assert!(refused("gone").ends_with(": gone"));
    }
}
