//! The HTTP API: requests, replies, problems, roles and the table of routes.
//!
//! Everything that callers see is defined here. Requests are strict: an unknown field is rejected by name. Replies are
//! views: stored items are never sent as they are. Neither tables nor business rules use these types.

mod call;
mod caller;
mod code;
pub mod key;
#[cfg(feature = "openapi")]
pub mod openapi;
mod problem;
pub mod reply;
pub mod route;
pub mod shape;
pub mod version;

pub use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest as Request, ApiGatewayV2httpResponse as Reply};

pub use self::call::{Call, admit, instant};
pub use self::caller::{Caller, Role};
pub use self::code::Code;
pub use self::problem::Problem;
