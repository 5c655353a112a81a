//! Types of requests and replies, by topic.
//!
//! Requests are strict: an unknown field is rejected by name. Replies show only the fields that are chosen here.

/// Derives what requests need, and types that are both sent and shown.
macro_rules! requests {
    ($($item:item)*) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        $item
    )*};
}

/// Derives what replies need.
macro_rules! replies {
    ($($item:item)*) => {$(
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        $item
    )*};
}

pub mod access;
pub mod desk;
pub mod imports;
pub mod intake;
pub mod lead;
pub mod recovery;
pub mod roster;
pub mod rulebook_problem;
#[cfg(feature = "decisions")]
pub mod rulebooks;
