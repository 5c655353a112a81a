//! Problems: replies to requests that failed, as described in RFC 9457.

use std::error::Error;
use std::fmt;

use fairleader_lead::problem::FieldProblem;
use serde::Serialize;
use serde_json::Value;

use crate::shape::rulebook_problem::RulebookProblem;
use crate::{Caller, Code, Reply, Role, reply};

/// Problem details of a failed request (RFC 9457).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable word for programs (`invalid_submission`).
    pub code: Code,
    /// What happened, for people.
    pub title: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The fields to correct.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// The problems of a rulebook, with line and column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<RulebookProblem>,
    /// The current state, if a precondition failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Box<Value>>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)
    }
}

impl Error for Problem {}

impl Problem {
    /// Makes a problem without a detail.
    pub fn new(code: Code, title: impl Into<String>) -> Self {
        Self {
            status: code.status(),
            code,
            title: title.into(),
            detail: None,
            errors: Vec::new(),
            problems: Vec::new(),
            current: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the fields to correct.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.errors = errors;
        self
    }

    /// Makes the problem for an internal error. The cause is only in the log.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "internal error")
            .detail("try again; if it happens again, ask the operator of this installation")
    }

    /// Makes the problem for a role that does not allow the request. `roles` are those that do.
    pub fn forbidden(caller: Option<&Caller>, roles: &[Role]) -> Self {
        let needed: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let problem = Self::new(Code::Forbidden, "this key is not allowed to do this");
        match caller {
            Some(caller) => problem.detail(format!(
                "the key of `{}` has the role {}; this needs {}",
                caller.subject,
                caller.role.as_str(),
                needed.join(" or ")
            )),
            None => problem,
        }
    }

    /// Makes the problem for something that does not exist, or that the caller cannot see.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(Code::NotFound, what)
    }

    /// Makes the problem for a body with these wrong fields.
    pub fn invalid_body(errors: Vec<FieldProblem>) -> Self {
        Self::new(Code::InvalidBody, "the request body was rejected")
            .detail("correct the fields listed in `errors` and send it again; nothing was changed")
            .errors(errors)
    }

    /// Makes the problem for a cursor that does not come from an earlier reply.
    pub fn invalid_cursor(from: &str) -> Self {
        Self::new(Code::InvalidCursor, format!("`{from}` is not a valid cursor"))
            .detail("send the `next` of the previous page unchanged and percent-encoded, or leave it out")
    }

    /// Makes the problem for a write that still conflicts after all retries.
    pub fn busy() -> Self {
        Self::new(Code::Busy, "conflict: it was changed by other requests each time").detail("try again")
    }

    /// Returns the reply, as `application/problem+json`.
    pub fn reply(&self) -> Reply {
        let text = serde_json::to_string(self).unwrap_or_else(|_| r#"{"status":500,"code":"internal"}"#.to_owned());
        reply::text(self.status, "application/problem+json", text)
    }
}
