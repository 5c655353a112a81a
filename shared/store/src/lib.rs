//! Fairleader's tables in DynamoDB, one module each.
//!
//! Every module begins with its access patterns, and its keys are built in one place. Verbs carry their condition:
//! `create` refuses what is there, `replace` names the version it read. A lost race is a value that the caller deals
//! with by reading again and deciding again; an error is something that broke.
//!
//! Items are flat: their keys, what conditions and indexes need as attributes of their own, and everything else as one
//! JSON text in `body`. Nothing queries inside a body, and on the wire a map costs several times its JSON, because
//! every value in it carries its type.

mod accounts;
mod error;
mod identities;
mod imports;
mod item;
mod keys;
mod leads;
mod lookup_tables;
mod packed;
mod people;
mod pools;
mod reps;
mod rulebooks;
mod table;
mod transaction;

pub use accounts::Accounts;
pub use error::StoreError;
pub use identities::{Claim, Identities, person_identities};
pub use imports::{Import, Imports, PartResult, RowResult};
pub use keys::{KeyRecord, Keys, PersonKey};
pub use leads::{
    Absorbed, Created, DeadLetter, LeadPage, Leads, LetterPage, Loaded, OpenLeads, PastPage, Recorded, StoredEvent,
    due_shards,
};
pub use lookup_tables::{LookupTables, NamedTable};
pub use people::{Enrolled, People};
pub use pools::{LedgerPage, Pools};
pub use reps::Reps;
pub use rulebooks::{
    ActiveRulebook, RecordPage, RulebookError, RulebookRecord, Rulebooks, StoredActivations, StoredReroutes, Upload,
};
pub use table::Table;
pub use transaction::{Committed, Transaction};
