//! Events in `leads`. Every change of a lead stores one, and each is published on the bus.
//!
//! | access | key |
//! |---|---|
//! | one event | `lead_id`, `event#` + 12 digits |
//!
//! An event is stored as the text that is published, see [`fairleader_lead::event`]. Code that only passes events on
//! reads the envelope, so it also handles kinds of events that it does not know.

use fairleader_lead::event::EventText;
use fairleader_lead::id::LeadId;

use crate::item::{Item, PART, body_text, item, text};
use crate::{StoreError, Table};

pub(crate) const LEAD: &str = "lead_id";
pub(crate) const EVENT: &str = "event#";

/// Builds the key of a part of a lead.
pub(crate) fn key(lead: &LeadId, part: &str) -> Item {
    item([(LEAD, text(lead.as_str())), (PART, text(part))])
}

pub(crate) fn numbered(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:012}")
}

/// Returns whether a part of a lead is an event.
pub fn is_event(part: &str) -> bool {
    part.starts_with(EVENT)
}

/// Reads the event in an item.
pub(crate) fn event(item: &Item, table: &str) -> Result<EventText, StoreError> {
    Ok(EventText::read(body_text(item, table)?.to_owned())?)
}

/// Events in the table of leads.
#[derive(Clone, Debug)]
pub struct Events(Table);

impl Events {
    /// Creates a client for the events in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Reads event number `seq` of a lead, as stored.
    pub async fn at(&self, lead: &LeadId, seq: u64) -> Result<Option<EventText>, StoreError> {
        self.0.get(key(lead, &numbered(EVENT, seq))).await?.map(|item| event(&item, &self.0.name)).transpose()
    }
}
