//! The trait of a function, and how it is run on Lambda and on one machine.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::error;

use crate::{Env, SetupError};

/// Time reserved at the end of a call for finishing writes and replying.
const ANSWER_TIME: Duration = Duration::from_millis(1_500);

/// Error of a whole call. The event is delivered again.
pub type FunctionError = Box<dyn std::error::Error + Send + Sync>;

/// Lambda function. It is built once and called with one event at a time.
pub trait Function: Sized + Send + Sync + 'static {
    /// The event that it is called with.
    type Event: DeserializeOwned + Send + 'static;
    /// Its reply.
    type Reply: Serialize + Send + 'static;

    /// Reads the environment and creates the clients.
    fn new(env: &Env) -> Result<Self, SetupError>;

    /// Handles one event.
    fn call(
        &self,
        event: Self::Event,
        invocation: Invocation,
    ) -> impl Future<Output = Result<Self::Reply, FunctionError>> + Send;
}

/// Details of one call apart from its event.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Id of the call, for logs and replies.
    pub request_id: String,
    /// When work must end, so that there is time to reply. Nothing that can wait starts after it.
    pub deadline: Instant,
}

impl Invocation {
    /// Creates the details of a call that times out after `timeout` from now.
    pub fn new(request_id: String, timeout: Duration) -> Self {
        Self { request_id, deadline: Instant::now() + timeout.saturating_sub(ANSWER_TIME) }
    }

    /// Divides the remaining time into `parts` equal parts and returns the end of the first. Consecutive tasks share a
    /// call in this way: time that one does not need is left for the next.
    pub fn share(&self, parts: u32) -> Instant {
        let now = Instant::now();
        now + self.deadline.saturating_duration_since(now) / parts.max(1)
    }
}

/// Runs a function on Lambda until the instance ends.
pub async fn run<F: Function>() -> Result<(), lambda_runtime::Error> {
    crate::log::init();
    let function = Arc::new(F::new(&Env::from_process())?);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<F::Event>| {
        let function = Arc::clone(&function);
        // Boxed, because the futures of the handlers are large and the runtime wraps them in more layers.
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

/// Function that can be called with the JSON that Lambda would send.
pub trait Invoke: Send + Sync {
    /// Calls the function with `payload`, a JSON document. Returns the reply as JSON.
    fn invoke<'a>(
        &'a self,
        payload: &'a [u8],
        invocation: Invocation,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, InvokeError>> + Send + 'a>>;
}

/// Reason why a call returned no reply.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The payload is not an event of this function.
    #[error("the event cannot be read: {0}")]
    Event(#[source] serde_json::Error),
    /// The function failed.
    #[error("the function failed: {0}")]
    Function(#[source] FunctionError),
    /// The reply cannot be written as JSON.
    #[error("the reply cannot be written: {0}")]
    Reply(#[source] serde_json::Error),
}

/// Constructor of a function: [`load`] of some [`Function`].
pub type Load = fn(&Env) -> Result<Box<dyn Invoke>, SetupError>;

/// Builds `F`, to be called with JSON.
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
