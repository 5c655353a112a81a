//! The business rules of Fairleader.
//!
//! Everything here is pure: no I/O, no clock, no environment, no randomness. Functions gather a snapshot, call one
//! function of this crate, and commit what it returns, so the same snapshot always gives the same decision.

pub mod account;
pub mod activation;
pub mod activity;
pub mod approval;
pub mod event;
pub mod gate;
pub mod hours;
pub mod id;
pub mod lead;
pub mod lifecycle;
pub mod normalise;
pub mod people;
pub mod person;
pub mod pool;
pub mod problem;
pub mod rep;
pub mod replay;
mod report;
pub mod reroute;
pub mod rotation;
pub mod routing;
pub mod rulebook;
pub mod scoring;
pub mod submission;
