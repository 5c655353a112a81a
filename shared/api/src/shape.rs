//! The forms of requests and replies, by what they are about.
//!
//! What a request has is strict: an unknown field is refused by name. What a reply shows is chosen field by field.

/// Gives requests, and what is sent and shown in the same form, what they need.
macro_rules! requests {
    ($($item:item)*) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        $item
    )*};
}

/// Gives replies what they need.
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
