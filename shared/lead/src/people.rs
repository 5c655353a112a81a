//! The people who manage rules, leads and the roster, and their roles.
//!
//! A person is not the same as a key: programs have keys too, but only people can approve something. Signing in is
//! handled elsewhere.

#[cfg(feature = "normalise")]
mod check;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::PersonId;

#[cfg(feature = "normalise")]
pub use self::check::problems;

/// Role of a person, which decides what they are allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PersonRole {
    /// Manages rules, lists and nurture.
    Marketing,
    /// Manages reps, pools and leads.
    Sales,
    /// May do everything except approve: approvals come from marketing and sales.
    Admin,
    /// May read everything and change nothing.
    Viewer,
}

impl PersonRole {
    /// Returns the word for the role in requests, replies and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Sales => "sales",
            Self::Admin => "admin",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for PersonRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Person who manages rules, leads or the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their identifier.
    pub person_id: PersonId,
    /// Their name.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// Their role.
    pub role: PersonRole,
}
