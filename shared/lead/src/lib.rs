//! The vocabulary of the field: leads, accounts, reps, pools and people, and how raw input becomes a lead.
//!
//! Nothing here decides who gets a lead; `fairleader-rulebook` and `fairleader-domain` do. Everything is pure: no I/O,
//! no clock, no environment, no randomness.
//!
//! The feature `normalise` adds what turns raw input into a profile: checks, spellings, phone number metadata, the
//! public suffix list. Functions that only pass leads on do not need it.

pub mod account;
pub mod activity;
pub mod custom;
pub mod event;
pub mod hours;
pub mod id;
pub mod identity;
pub mod limit;
#[cfg(feature = "normalise")]
pub mod matching;
#[cfg(feature = "normalise")]
pub mod normalise;
pub mod people;
pub mod pool;
pub mod problem;
pub mod profile;
pub mod rep;
pub mod ruling;
pub mod score;
pub mod state;
pub mod submission;
