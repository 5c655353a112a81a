//! A type for each kind of identifier, so that a rep's id cannot be used as a pool's.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64)))] String);

        impl $name {
            /// Creates the identifier from its text, without checking it.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// Returns the identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self(value.to_owned())
            }
        }
    };
}

id! {
    /// Id of a lead: UUIDv5 of its source and key, or UUIDv7; lower case with hyphens.
    LeadId
}
id! {
    /// Id of a sales rep, chosen by sales operations (`anna`): 1 to 64 characters of `a-z 0-9 - _ .`.
    RepId
}
id! {
    /// Id of a pool of reps (`dach-inbound`), in the same form as a [`RepId`].
    PoolId
}
id! {
    /// Id of an account, in the same form as a [`RepId`].
    AccountId
}
id! {
    /// Id of a person who manages rules, leads or the roster (`mara`), in the same form as a [`RepId`].
    PersonId
}
id! {
    /// Rep, person or name of a key that did something to a lead.
    ActorId
}
id! {
    /// Id of an activity: UUIDv5 of its source and key or of the lead's id, else UUIDv7; lower case with hyphens.
    ActivityId
}
id! {
    /// Id of a lead's source: a web form, an ad account, a partner, an imported list.
    SourceId
}
id! {
    /// Version of the rulebook: six digits, counted up from `000001`.
    RulebookVersion
}

/// Length limit of the id of a rep, pool, account or source, in bytes.
pub const MAX_NAME: usize = 64;

/// Returns whether `name` is a valid id for a rep, pool, account or source: 1 to 64 characters of `a-z 0-9 - _ .`,
/// starting with a letter or digit. Such an id is safe in a key, a path and a log.
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_safe_names() {
        for good in ["anna", "dach-inbound", "7even", "a.b_c"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "Anna", "a b", "-a", "a#b", "a/b", "ä", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
