//! Events as they are stored in `leads`: what the bus is told, and what every change writes.
//!
//! | access | key |
//! |---|---|
//! | one event | `lead_id`, `event#` + 12 digits |

use fairleader_lead::event::Event;
use fairleader_lead::id::LeadId;

use crate::item::{Item, PART, body, item, text};
use crate::{StoreError, Table};

pub(crate) const LEAD: &str = "lead_id";
pub(crate) const EVENT: &str = "event#";

/// Key of a part of a lead.
pub(crate) fn key(lead: &LeadId, part: &str) -> Item {
    item([(LEAD, text(lead.as_str())), (PART, text(part))])
}

pub(crate) fn numbered(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:012}")
}

/// An event with its key, as the stream shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent(pub Event);

impl StoredEvent {
    /// The event in the `body` of an item whose `part` says that it is one.
    pub fn read(part: &str, body: &str) -> Result<Option<Self>, StoreError> {
        if part.starts_with(EVENT) { Ok(Some(Self(serde_json::from_str(body)?))) } else { Ok(None) }
    }
}

/// The events in the leads table.
#[derive(Clone, Debug)]
pub struct Events(Table);

impl Events {
    /// The events in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// One event of a lead's history.
    pub async fn at(&self, lead: &LeadId, seq: u64) -> Result<Option<Event>, StoreError> {
        self.0.get(key(lead, &numbered(EVENT, seq))).await?.map(|item| body(&item, &self.0.name)).transpose()
    }
}
