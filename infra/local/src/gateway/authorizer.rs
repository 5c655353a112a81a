//! The request authorizer. Its answers are cached per identity, and per route if the template says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::event::Incoming;
use crate::lambda::Lambda;
use crate::stack::Authorizer;

/// Limit on cached answers, so that guessed keys cannot fill the memory.
const REMEMBERED: usize = 10_000;

/// Result of the authorizer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Authorization {
    /// Allowed, with the caller's context for the function.
    Granted(Arc<Map<String, Value>>),
    /// Not allowed.
    Refused,
    /// A header is missing; the authorizer was not called.
    Unidentified,
    /// The authorizer failed or its answer is invalid.
    Failed,
}

/// The authorizer of the routes that need it.
pub(super) struct Guard {
    authorizer: Authorizer,
    answers: Mutex<HashMap<Vec<String>, (Instant, Authorization)>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    is_authorized: bool,
    #[serde(default)]
    context: Option<Map<String, Value>>,
}

impl Guard {
    pub(super) fn new(authorizer: Authorizer) -> Self {
        Self { authorizer, answers: Mutex::default() }
    }

    pub(super) async fn ask(&self, lambda: &Lambda, request: &Incoming<'_>) -> Authorization {
        let Some(identity) = self.identity(request) else { return Authorization::Unidentified };
        let caching = !self.authorizer.cache.is_zero();
        if caching && let Some(known) = self.recall(&identity) {
            return known;
        }
        let payload = request.authorizer_payload(&identity);
        let Ok(answer) = lambda.invoke(&self.authorizer.function, payload).await else { return Authorization::Failed };
        let answer = match serde_json::from_slice::<Answer>(&answer) {
            Ok(Answer { is_authorized: true, context }) => {
                Authorization::Granted(Arc::new(context.unwrap_or_default()))
            }
            Ok(Answer { is_authorized: false, .. }) => Authorization::Refused,
            Err(cause) => {
                tracing::error!(function = %self.authorizer.function, cause = %cause, "the authorizer's answer cannot be read");
                return Authorization::Failed;
            }
        };
        if caching {
            self.remember(identity, answer.clone());
        }
        answer
    }

    /// Returns the identity sources in the template's order; `None` if one is missing or empty.
    fn identity(&self, request: &Incoming<'_>) -> Option<Vec<String>> {
        let header = |name: &String| {
            let value = request.head.headers.get(name.to_lowercase())?.to_str().ok()?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        let mut identity: Vec<String> = self.authorizer.headers.iter().map(header).collect::<Option<_>>()?;
        if self.authorizer.per_route {
            identity.push(request.matched.route.key.clone());
        }
        Some(identity)
    }

    fn recall(&self, identity: &[String]) -> Option<Authorization> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, answer) = answers.get(identity)?;
        (*until > Instant::now()).then(|| answer.clone())
    }

    fn remember(&self, identity: Vec<String>, answer: Authorization) {
        let now = Instant::now();
        let Some(until) = now.checked_add(self.authorizer.cache) else { return };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= REMEMBERED {
            answers.retain(|_, (until, _)| *until > now);
            // Still full: forget all answers instead of searching for the oldest on each request.
            if answers.len() >= REMEMBERED {
                answers.clear();
            }
        }
        answers.insert(identity, (until, answer));
    }
}
