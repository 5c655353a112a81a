//! Identifiers as types of their own, so that a rep can never stand where a pool belongs.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the identifier as it is written.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The identifier as text.
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
    /// A lead: UUIDv5 of its source and key, or UUIDv7; lower-case with hyphens.
    LeadId
}
id! {
    /// A sales rep, as sales operations call them (`anna`), 1 to 64 characters of `a-z 0-9 - _ .`.
    RepId
}
id! {
    /// A pool of reps (`dach-inbound`), written like a [`RepId`].
    PoolId
}
id! {
    /// A company sales knows about, written like a [`RepId`].
    AccountId
}
id! {
    /// Somebody who looks after rules, leads or the roster (`mara`), written like a [`RepId`].
    PersonId
}
id! {
    /// Who did something to a lead: a rep, a person, or the name of a key, as they signed in.
    ActorId
}
id! {
    /// Something a person did: UUIDv5 of its source and key or of the lead's id, else UUIDv7; lower-case with hyphens.
    ActivityId
}
id! {
    /// Where a lead came from: a web form, an ad account, a partner, an imported list.
    SourceId
}
id! {
    /// A version of the rulebook, six digits counted up from `000001`.
    RulebookVersion
}

/// Longest name of a rep, pool, account or source, in bytes.
pub const MAX_NAME: usize = 64;

/// Whether `name` may name a rep, pool, account or source: 1 to 64 characters of `a-z 0-9 - _ .`,
/// the first one a letter or digit. Such a name is safe in a key, a path and a log.
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_keys_and_paths() {
        for good in ["anna", "dach-inbound", "7even", "a.b_c"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "Anna", "a b", "-a", "a#b", "a/b", "ä", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
