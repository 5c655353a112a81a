//! What every Fairleader function shares: the [`Function`] trait, its [`Env`], batches of queue messages, HTTP replies.
//!
//! A function is a value that is built once from its environment and then called with one event at a time. On Lambda
//! [`run`] drives it; on one machine `infra/local` builds many of them in one process with [`load`], each with an
//! environment of its own, and calls them through the same JSON that Lambda would send.

mod batch;
mod clock;
mod env;
mod function;
#[cfg(feature = "http")]
pub mod http;
mod log;
mod pause;

pub use batch::{Chain, about, each, failed, message_span, retry};
pub use clock::Clock;
pub use env::{Env, SetupError};
pub use function::{Function, FunctionError, Invocation, Invoke, InvokeError, Load, load, run};
pub use pause::pause;
