//! What went wrong with a request, in the form of RFC 9457.

use std::error::Error;
use std::fmt;

use fairleader_lead::problem::FieldProblem;
use serde::Serialize;
use serde_json::Value;

use crate::shape::rulebook_problem::RulebookProblem;
use crate::{Caller, Code, Reply, Role, reply};

/// What went wrong with a request, in the form of RFC 9457.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable word for programs (`invalid_submission`).
    pub code: Code,
    /// What is wrong, for people.
    pub title: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// What is wrong with a rulebook, place by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<RulebookProblem>,
    /// What is there now, where a precondition failed.
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
    /// A problem without a detail.
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

    /// Says what to do.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what is wrong field by field.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.errors = errors;
        self
    }

    /// Something failed on our side; the cause is in the log only.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "something failed on our side")
            .detail("try again; if it stays, ask whoever runs Fairleader")
    }

    /// The caller's role may not do this.
    pub fn forbidden(caller: Option<&Caller>, roles: &[Role]) -> Self {
        let needed: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let problem = Self::new(Code::Forbidden, "this key may not do that");
        match caller {
            Some(caller) => problem.detail(format!(
                "the key of `{}` has the role {}; needed is {}",
                caller.subject,
                caller.role.as_str(),
                needed.join(" or ")
            )),
            None => problem,
        }
    }

    /// There is no such thing.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(Code::NotFound, what)
    }

    /// The body has wrong fields.
    pub fn invalid_body(errors: Vec<FieldProblem>) -> Self {
        Self::new(Code::InvalidBody, "the body cannot be taken as it is")
            .detail("mend the fields named in `errors` and send it again; nothing was changed")
            .errors(errors)
    }

    /// No page begins there.
    pub fn invalid_cursor(from: &str) -> Self {
        Self::new(Code::InvalidCursor, format!("`{from}` is not where a page begins"))
            .detail("send the `next` of the page before as it was, percent-encoded, or leave it out")
    }

    /// Others wrote the same thing each time it was tried.
    pub fn busy() -> Self {
        Self::new(Code::Busy, "others changed it again and again in this moment").detail("try again")
    }

    /// The reply that says so.
    pub fn reply(&self) -> Reply {
        let text = serde_json::to_string(self).unwrap_or_else(|_| r#"{"status":500,"code":"internal"}"#.to_owned());
        reply::text(self.status, "application/problem+json", text)
    }
}
