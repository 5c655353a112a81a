//! Fairleader's tables in DynamoDB, one module each.
//!
//! Every module begins with its access patterns, and its keys are built in one place. Names of functions imply their
//! condition: `create` fails if the item exists, `replace` names the version that it read. A conflict is a value; the
//! caller reads and decides again. An error means that something failed.
//!
//! Items are flat: their keys, attributes for conditions and indexes, and everything else as one JSON text in `body`.
//! Nothing queries inside a body. A DynamoDB map would be several times larger than its JSON, because every value
//! carries its type. A private struct of the module defines the body; `item` describes compatibility between versions.
//!
//! Without the feature `decisions` there are only keys, people and events, for functions that make no decisions.

#![cfg_attr(not(feature = "decisions"), allow(dead_code, reason = "shared with the modules of the feature"))]

#[cfg(feature = "decisions")]
mod accounts;
#[cfg(feature = "decisions")]
mod admissions;
mod audit;
mod error;
mod events;
mod given_up;
#[cfg(feature = "decisions")]
#[cfg(test)]
mod golden;
#[cfg(feature = "decisions")]
mod identities;
#[cfg(feature = "decisions")]
mod imports;
mod item;
mod keys;
#[cfg(feature = "decisions")]
mod leads;
#[cfg(feature = "decisions")]
mod lookup_tables;
mod on_roster;
#[cfg(feature = "decisions")]
mod packed;
mod people;
#[cfg(feature = "decisions")]
mod pools;
#[cfg(feature = "decisions")]
mod reps;
#[cfg(feature = "decisions")]
mod rulebooks;
#[cfg(feature = "stream")]
mod stream;
mod table;
mod transaction;
mod tries;

#[cfg(feature = "decisions")]
pub use accounts::{AccountTables, Accounts};
#[cfg(feature = "decisions")]
pub use admissions::Admissions;
pub use audit::{Audit, AuditEntry, AuditPage, Edit, Kind, Versioned};
pub use error::StoreError;
pub use events::{Events, is_event};
pub use given_up::GivenUp;
#[cfg(feature = "decisions")]
pub use identities::Identities;
#[cfg(feature = "decisions")]
pub use imports::{Import, Imports, PartResult, ROWS_PER_ITEM, RowResult};
pub use keys::{KeyDeleted, KeyRecord, Keys, PersonKey};
#[cfg(feature = "decisions")]
pub use leads::{
    DeadLetter, EventPage, LINE_SHARDS, LeadPage, Leads, LetterPage, Loaded, OpenLeads, PastPage, WhyPage, due_shards,
};
#[cfg(feature = "decisions")]
pub use lookup_tables::{LookupTables, NamedTable};
pub use on_roster::OnRoster;
pub use people::{Enrolled, People};
#[cfg(feature = "decisions")]
pub use pools::{AllPools, Pools, TurnPage};
#[cfg(feature = "decisions")]
pub use reps::{RepDeleted, Reps};
#[cfg(feature = "decisions")]
pub use rulebooks::{
    ActiveRulebook, RecordPage, RulebookError, RulebookRecord, Rulebooks, StoredActivations, StoredReroutes, Upload,
};
#[cfg(feature = "stream")]
pub use stream::EventStream;
pub use table::{Look, Table};
pub use transaction::{Committed, Transaction, Tried};
pub use tries::{OutOfTime, Tries};
