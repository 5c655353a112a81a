//! Sales reps: who they are, when they work, how many leads they can take.

#[cfg(feature = "normalise")]
mod check;

use serde::{Deserialize, Serialize};

use crate::hours::WeeklyHours;
use crate::id::RepId;

#[cfg(feature = "normalise")]
pub use self::check::problems;

/// Settings of a rep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rep {
    /// Their identifier.
    pub rep_id: RepId,
    /// Their name, as colleagues use it.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// The rep they report to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<RepId>,
    /// The IANA time zone of `hours` (`Europe/Berlin`).
    pub zone: String,
    /// When they work, in their zone.
    pub hours: WeeklyHours,
    /// Languages they speak, ISO 639-1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Their skills, in the company's own words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// How many leads they can have open at a time.
    pub capacity: u32,
}

/// Load of a rep: what changes from lead to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepLoad {
    /// The number of open leads they own.
    pub open: u32,
    /// Whether they are taking leads now.
    pub on: bool,
}

impl Default for RepLoad {
    fn default() -> Self {
        Self { open: 0, on: true }
    }
}

/// Upper limit for the capacity of a rep.
pub const MAX_CAPACITY: u32 = 10_000;
