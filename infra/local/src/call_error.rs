//! Why a command that calls the API failed, as shown to the user.

use reqwest::StatusCode;
use serde_json::Value;

use crate::api::{ApiError, innermost};

/// Why a command that calls the API failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// A call failed.
    #[error("{}", said(.0))]
    Api(#[from] ApiError),
    /// A reply does not have the expected form.
    #[error("the API sent an unexpected reply: {0}")]
    Unexpected(#[from] serde_json::Error),
}

/// Returns the message, with what to do if the user can do something. A rejected rulebook is shown as `check` shows it.
fn said(error: &ApiError) -> String {
    let (said, status) = match error {
        ApiError::Refused { said, status, .. } => (said, *status),
        ApiError::NoAnswer { source, .. } if source.is_connect() => {
            let server = source.url().map(|url| format!(" at `{}`", url.origin().ascii_serialization()));
            let (server, cause) = (server.unwrap_or_default(), innermost(source));
            return format!(
                "no server answers{server} ({cause}); start one with `fairleader up`, or correct the address"
            );
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
            "the server rejected this key; use a key with the role marketing, sales or admin, such as those in keys.json"
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
    fn shows_the_problems_of_an_error_reply() {
        let refused = |said: &str| {
            let (method, path) = (Method::POST, "/v1/rulebooks/replay".to_owned());
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            CallError::from(ApiError::Refused { method, path, status, said: said.to_owned() }).to_string()
        };
        let problems = r#"{"title": "the rulebook has 1 problem", "problems": [{"rendered": "error: x\n"}]}"#;
        assert_eq!(refused(problems), "the rulebook has 1 problem\nerror: x\n");
        assert_eq!(refused(r#"{"title": "no", "detail": "fix it"}"#), "no: fix it");
        assert!(refused("gone").ends_with(": gone"));
    }
}
