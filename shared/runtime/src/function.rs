//! What a function is, and how it is driven.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::error;

use crate::{Env, SetupError};

/// Time kept at the end of a call to write what is under way and to answer.
const ANSWER_TIME: Duration = Duration::from_millis(1_500);

/// A function could not handle an event as a whole; it is delivered again.
pub type FunctionError = Box<dyn std::error::Error + Send + Sync>;

/// One Lambda function: built once, called with one event at a time.
pub trait Function: Sized + Send + Sync + 'static {
    /// What it is called with.
    type Event: DeserializeOwned + Send + 'static;
    /// What it answers.
    type Reply: Serialize + Send + 'static;

    /// Reads the environment and makes the clients, once.
    fn new(env: &Env) -> Result<Self, SetupError>;

    /// Handles one event.
    fn call(
        &self,
        event: Self::Event,
        invocation: Invocation,
    ) -> impl Future<Output = Result<Self::Reply, FunctionError>> + Send;
}

/// What is known of one call apart from its event.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Names the call in logs and replies.
    pub request_id: String,
    /// When work has to end, so that there is time to answer. Nothing that may wait begins after it.
    pub deadline: Instant,
}

impl Invocation {
    /// A call that is stopped after `timeout` from now.
    pub fn new(request_id: String, timeout: Duration) -> Self {
        Self { request_id, deadline: Instant::now() + timeout.saturating_sub(ANSWER_TIME) }
    }

    /// When the first of `parts` equal parts of the time that is left is over. Work that is done one after the other
    /// shares a call by this: what one does not need is there for the next.
    pub fn share(&self, parts: u32) -> Instant {
        let now = Instant::now();
        now + self.deadline.saturating_duration_since(now) / parts.max(1)
    }
}

/// Runs a function on Lambda until the instance is ended.
pub async fn run<F: Function>() -> Result<(), lambda_runtime::Error> {
    crate::log::init();
    let function = Arc::new(F::new(&Env::from_process())?);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<F::Event>| {
        let function = Arc::clone(&function);
        // Boxed: the handlers' futures are deep, and the runtime wraps them in many more layers.
        Box::pin(async move {
            let timeout = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
            let invocation = Invocation::new(event.context.request_id, timeout);
            let answer = function.call(event.payload, invocation).await;
            if let Err(cause) = &answer {
                error!(cause = %crate::Chain(cause.as_ref()), "call failed");
            }
            answer
        })
    }))
    .await
}

/// A function ready to be called with the JSON that Lambda would send.
pub trait Invoke: Send + Sync {
    /// Calls it with `payload`, a JSON document; the answer is one too.
    fn invoke<'a>(
        &'a self,
        payload: &'a [u8],
        invocation: Invocation,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, InvokeError>> + Send + 'a>>;
}

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The payload is not the event this function takes.
    #[error("the event cannot be read: {0}")]
    Event(#[source] serde_json::Error),
    /// The function failed.
    #[error("the function failed: {0}")]
    Function(#[source] FunctionError),
    /// The answer cannot be written as JSON.
    #[error("the answer cannot be written: {0}")]
    Reply(#[source] serde_json::Error),
}

/// Builds a function from its environment; [`load`] of some [`Function`].
pub type Load = fn(&Env) -> Result<Box<dyn Invoke>, SetupError>;

/// Builds `F` for being called through JSON.
pub fn load<F: Function>(env: &Env) -> Result<Box<dyn Invoke>, SetupError> {
    Ok(Box::new(Loaded(F::new(env)?)))
}

struct Loaded<F>(F);

impl<F: Function> Invoke for Loaded<F> {
    fn invoke<'a>(
        &'a self,
        payload: &'a [u8],
        invocation: Invocation,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, InvokeError>> + Send + 'a>> {
        Box::pin(async move {
            let event = serde_json::from_slice(payload).map_err(InvokeError::Event)?;
            let reply = self.0.call(event, invocation).await.map_err(InvokeError::Function)?;
            serde_json::to_vec(&reply).map_err(InvokeError::Reply)
        })
    }
}
