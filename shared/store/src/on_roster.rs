//! Which reps are on the roster, for functions that read nothing else of `reps`.

use fairleader_lead::id::RepId;

use crate::item::{Item, PART, item, text};
use crate::{StoreError, Table};

pub(crate) const REP: &str = "rep_id";
pub(crate) const PROFILE: &str = "profile";

/// Roster, to look up whether a rep is on it.
#[derive(Clone, Debug)]
pub struct OnRoster(Table);

/// Builds the key of a part of a rep.
pub(crate) fn rep_key(rep: &RepId, part: &str) -> Item {
    item([(REP, text(rep.as_str())), (PART, text(part))])
}

impl OnRoster {
    /// Creates a client for the reps in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Returns whether the rep is on the roster.
    pub async fn has(&self, rep: &RepId) -> Result<bool, StoreError> {
        Ok(self.0.get(rep_key(rep, PROFILE)).await?.is_some())
    }
}
