//! The business decisions of Fairleader.
//!
//! Everything here is pure: no I/O, no clock, no environment, no randomness. A Lambda function gathers a snapshot,
//! calls one function of this crate, and commits the result. The same snapshot always gives the same decision.

pub mod activation;
pub mod admission;
pub mod approval;
pub mod gate;
pub mod lifecycle;
pub mod person;
pub mod replay;
mod report;
pub mod reroute;
pub mod rotation;
pub mod routing;
