//! The rulebook: what marketing and sales have agreed on, in plain words.
//!
//! [`Rulebook::parse`] reads a YAML document in steps, one module each: `yaml` (nodes with their positions), `parse`
//! (the shape: `ast`), `check` (names, types, contradictions; produces the compiled rulebook), with `cover` (which
//! leads a condition holds for, and so which rules can never win). All problems are reported at once.
//! [`Rulebook::notes`] reports what else is worth knowing, and [`unstaffed`] reports when a pool has no rep at work.
//! [`Rulebook::decide`] is pure, and so is [`Rulebook::explain`], which never takes part in a decision.
//!
//! The sections of a document:
//!
//! - `block`: rules that `disqualify` or `hold` a lead before anything else; they cannot use the score.
//! - `score`: lines that give or take points, see `scoring`. `mql`: any of these lines makes a lead an MQL.
//! - `route`: rules for MQLs, from top to bottom; the first match wins, and the last has no `if`. A rule that gives the
//!   lead to `account.owner` or `account.deal_owner` does not match a lead without one.
//! - `lookups`: derived fields (`region` from `country`). `conditions`: named conditions, used as `is: NAME`.
//!
//! `docs/rulebook.md` is the reference, for the people who write rulebooks; a test reads, checks and decides every
//! example in it. [`Rulebook::json_schema`] is for their editors.
//!
//! Every field in a condition must match; a list means any of its values. Values stay text until the field's type reads
//! them, so `NO` is Norway and `01067` keeps its zero. Text comparison ignores case, accents and repeated spaces. A
//! test of a value that the lead does not have fails, except for `absent`, so `not: { country: DE }` holds for such a
//! lead.

mod ast;
mod check;
mod condition;
mod cover;
mod date;
mod diagnostic;
mod did;
mod diff;
mod document;
mod explain;
mod facts;
mod field;
mod index;
mod lead_value;
mod lookup;
pub mod map;
mod matcher;
mod parse;
mod reading;
mod references;
mod rule;
mod rulebook;
mod schema;
mod scoring;
mod staffing;
mod symbols;
mod table;
mod threshold;
mod time_span;
mod typed;
mod value;
mod work;
mod yaml;

pub use self::diagnostic::{Diagnostic, Severity};
pub use self::diff::{About, Change, What, diff, diff_with, renamed};
pub use self::document::Checked;
pub use self::explain::{Explanation, NearMiss};
pub use self::facts::Facts;
pub use self::index::IndexSize;
pub use self::references::References;
pub use self::rule::Verdict;
pub use self::rulebook::Rulebook;
pub use self::staffing::{Staffing, unstaffed};
pub use self::table::{RowProblem, Table};
pub use self::threshold::MqlUpTo;
pub use self::typed::TypedLead;
pub use self::work::Work;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
