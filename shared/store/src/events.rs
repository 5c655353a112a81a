//! Events as they are stored in `leads`: what the bus is told, and what every change writes.
//!
//! | access | key |
//! |---|---|
//! | one event | `lead_id`, `event#` + 12 digits |
//!
//! An event is stored as the text that goes on the bus, see [`fairleader_lead::event`]: whoever passes it on reads its
//! envelope only, so that a kind which they do not know passes too.

use fairleader_lead::event::EventText;
use fairleader_lead::id::LeadId;

use crate::item::{Item, PART, body_text, item, text};
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

/// Whether a part of a lead is an event.
pub fn is_event(part: &str) -> bool {
    part.starts_with(EVENT)
}

/// The event in an item.
pub(crate) fn event(item: &Item, table: &str) -> Result<EventText, StoreError> {
    Ok(EventText::read(body_text(item, table)?.to_owned())?)
}

/// The events in the leads table.
#[derive(Clone, Debug)]
pub struct Events(Table);

impl Events {
    /// The events in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// One event of a lead's history, as it is stored.
    pub async fn at(&self, lead: &LeadId, seq: u64) -> Result<Option<EventText>, StoreError> {
        self.0.get(key(lead, &numbered(EVENT, seq))).await?.map(|item| event(&item, &self.0.name)).transpose()
    }
}
