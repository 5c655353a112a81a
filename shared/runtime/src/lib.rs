//! The runtime of Fairleader's functions: the [`Function`] trait, its [`Env`], batches of queue messages, HTTP replies.
//!
//! A function is a value that is built once from its environment and then called with one event at a time. On Lambda,
//! [`run`] runs it. On one machine, `infra/local` builds all functions in one process with [`load`], each with its own
//! environment, and calls them with the same JSON that Lambda would send.

mod batch;
mod clock;
mod env;
mod function;
#[cfg(feature = "http")]
pub mod http;
mod log;

pub use batch::{Chain, about, each, failed, message_span, retry};
pub use clock::Clock;
pub use env::{Env, SetupError};
pub use function::{Function, FunctionError, Invocation, Invoke, InvokeError, Load, load, run};
pub use log::is_loggable;
