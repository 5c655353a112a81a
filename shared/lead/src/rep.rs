//! A sales rep: who they are, when they work, what they can take.

#[cfg(feature = "normalise")]
mod check;

use serde::{Deserialize, Serialize};

use crate::hours::WeeklyHours;
use crate::id::RepId;

#[cfg(feature = "normalise")]
pub use self::check::problems;

/// What is set about a rep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rep {
    /// Their identifier.
    pub rep_id: RepId,
    /// Their name, as colleagues say it.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// Whom they report to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<RepId>,
    /// IANA time zone (`Europe/Berlin`) in which `hours` are meant.
    pub zone: String,
    /// When they work, in their zone.
    pub hours: WeeklyHours,
    /// Languages they speak, ISO 639-1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// What they know, words of the company's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// Most open leads at a time.
    pub capacity: u32,
}

/// What changes about a rep from lead to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepLoad {
    /// Leads they own that are not finished.
    pub open: u32,
    /// Whether they take leads now.
    pub on: bool,
}

impl Default for RepLoad {
    fn default() -> Self {
        Self { open: 0, on: true }
    }
}

/// Most open leads that a rep may be set to take.
pub const MAX_CAPACITY: u32 = 10_000;
