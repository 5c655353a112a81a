//! The frame around the handlers of HTTP functions: admits requests by the table of routes, and turns results into
//! replies.

use std::error::Error;
use std::time::Instant;

use fairleader_api::route::Routes;
#[cfg(feature = "tables")]
use fairleader_api::version;
use fairleader_api::{Call, Problem, Reply, Request, admit};
#[cfg(feature = "tables")]
use fairleader_store::{Edit, OutOfTime, StoreError, Versioned};
#[cfg(feature = "tables")]
use jiff::Timestamp;
#[cfg(feature = "tables")]
use serde::Serialize;
use tracing::error;

use crate::Chain;

/// Failure of a request.
#[derive(Debug)]
pub enum Failure {
    /// Problem that the caller can fix; it is the reply.
    Problem(Box<Problem>),
    /// Internal error; it is logged.
    Fault(Box<dyn Error + Send + Sync>),
}

/// Result of a handler.
pub type Answer = Result<Reply, Failure>;

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(fault: E) -> Self {
        if let Some(problem) = problem_of(&fault) {
            return Self::Problem(Box::new(problem));
        }
        let fault: Box<dyn Error + Send + Sync> = Box::new(fault);
        fault.downcast().map_or_else(Self::Fault, Self::Problem)
    }
}

/// Returns the problem for store errors that the caller can fix.
#[cfg(feature = "tables")]
fn problem_of(fault: &(dyn Error + 'static)) -> Option<Problem> {
    match fault.downcast_ref() {
        Some(StoreError::Cursor(from)) => Some(Problem::invalid_cursor(from)),
        Some(StoreError::OutOfTime(_)) => Some(Problem::busy()),
        _ => fault.is::<OutOfTime>().then(Problem::busy),
    }
}

#[cfg(not(feature = "tables"))]
fn problem_of(_: &(dyn Error + 'static)) -> Option<Problem> {
    None
}

/// Admits a request by the table of routes, answers it with `answer`, and makes the reply.
pub async fn serve<'r, R: Routes, F: Future<Output = Answer>>(
    request: &'r Request,
    deadline: Instant,
    answer: impl FnOnce(R, Call<'r>) -> F,
) -> Reply {
    let answer = match admit(request, deadline) {
        Ok((route, call)) => answer(route, call).await,
        Err(problem) => Err(problem.into()),
    };
    reply(request, answer)
}

/// Makes the reply to `request`. An internal error is logged with all its causes, and the caller sees none of them.
fn reply(request: &Request, answer: Answer) -> Reply {
    match answer {
        Ok(reply) => reply,
        Err(Failure::Problem(problem)) => problem.reply(),
        Err(Failure::Fault(cause)) => {
            let route = request.route_key.as_deref().unwrap_or_default();
            error!(route, cause = %Chain(cause.as_ref()), "request failed");
            Problem::internal().reply()
        }
    }
}

/// Returns who makes a change, and when, for the audit.
///
/// # Errors
///
/// Returns the problem to reply with if the caller is unknown.
#[cfg(feature = "tables")]
pub fn edit<'c>(call: &'c Call<'_>, at: Timestamp) -> Result<Edit<'c>, Problem> {
    Ok(Edit { by: &call.caller()?.subject, at })
}

/// Returns the 412 reply if `seen`, which is stored now, does not have the revision that the caller named in
/// `If-Match`. Without one, every revision is accepted. `what` names the thing (``rep `anna` ``), `view` shows it.
#[cfg(feature = "tables")]
pub fn changed<T, V: Serialize>(
    what: &str,
    wanted: Option<u64>,
    seen: Option<&Versioned<T>>,
    view: impl FnOnce(&T) -> V,
) -> Option<Reply> {
    let same = wanted.is_none_or(|wanted| seen.is_some_and(|seen| seen.revision == wanted));
    (!same).then(|| version::precondition_failed(what, seen.map(|seen| (view(&seen.value), seen.revision)).as_ref()))
}
