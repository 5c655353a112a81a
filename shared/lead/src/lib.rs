//! The words of the field: what leads, accounts, reps, pools and people are, and how raw input becomes a lead.
//!
//! Nothing here decides who gets a lead; that is for `fairleader-rulebook` and `fairleader-domain`. Everything is pure:
//! no I/O, no clock, no environment, no randomness.
//!
//! The feature `normalise` adds what turns raw input into a profile: checks, spellings, telephone metadata, the public
//! suffix list. Functions that only pass leads on do without.

pub mod account;
pub mod activity;
pub mod event;
pub mod hours;
pub mod id;
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
