//! Hostile input for tests: texts that break programs, mutations of good input, and a bounded run over them.
//!
//! [`examine`] gives a check the corpus of a target, mutations of it, and noise. The files in `corpus/` are good and bad
//! input of each target; a file that once made a check fail stays there.
//!
//! `FAIRLEADER_FUZZ_CASES` sets the number of cases of each target (1,000 by default), `FAIRLEADER_FUZZ_SEED` the seed
//! (1 by default). The same seed gives the same input.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "only tests use it, and a test fails at the first unexpected value"
)]

mod examine;
mod json;
mod mutation;
mod random;
mod texts;

pub use self::examine::{corpus, examine, setting};
pub use self::json::mutated_json;
pub use self::mutation::{mutated, noise};
pub use self::random::Random;
pub use self::texts::{hostile_json, hostile_text};
