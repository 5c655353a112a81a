//! What every HTTP function does around its handlers: lets a request in by the table of routes, and makes a reply of
//! whatever its handler came to.

use std::error::Error;

use fairleader_api::{Problem, Reply, Request};
use tracing::error;

use crate::Chain;

pub use fairleader_api::admit;

/// Why a request has no result.
#[derive(Debug)]
pub enum Failure {
    /// The caller can do something about it, and is told what.
    Problem(Box<Problem>),
    /// Something broke; the log is told.
    Fault(Box<dyn Error + Send + Sync>),
}

/// What a handler comes to.
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

/// Failures of the tables that the caller can do something about.
#[cfg(feature = "tables")]
fn problem_of(fault: &(dyn Error + 'static)) -> Option<Problem> {
    if let Some(fairleader_store::StoreError::Cursor(from)) = fault.downcast_ref() {
        return Some(Problem::invalid_cursor(from));
    }
    fault.is::<fairleader_store::OutOfTime>().then(Problem::busy)
}

#[cfg(not(feature = "tables"))]
fn problem_of(_: &(dyn Error + 'static)) -> Option<Problem> {
    None
}

/// The reply to `request`. What broke is logged with all that led to it; the caller learns nothing of it.
pub fn reply(request: &Request, answer: Answer) -> Reply {
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
