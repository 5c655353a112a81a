//! The people who look after rules, leads and the roster: who they are, and for whom they speak.
//!
//! A person is not a key: programs have keys too, and only a person can approve something. How somebody signs in is not
//! known here.

#[cfg(feature = "normalise")]
mod check;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::PersonId;

#[cfg(feature = "normalise")]
pub use self::check::problems;

/// What a person does in the company, and so what they may do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PersonRole {
    /// Looks after rules, lists and nurture.
    Marketing,
    /// Looks after reps, pools and leads.
    Sales,
    /// May do everything, and approves nothing: that is for the two sides.
    Admin,
    /// Looks, changes nothing.
    Viewer,
}

impl PersonRole {
    /// The role as it is written.
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

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Their identifier.
    pub person_id: PersonId,
    /// What they are called.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// For whom they speak.
    pub role: PersonRole,
}
