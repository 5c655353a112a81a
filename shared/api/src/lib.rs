//! What the HTTP API takes and gives: requests, replies, problems, roles, and the table of routes.
//!
//! Everything that callers see has its form here. Requests are strict: an unknown field is refused by name. Replies are
//! views: what a table keeps is never sent as it is. Neither tables nor business rules know these types.

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
