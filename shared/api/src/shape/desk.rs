//! What reps do, and what people look up.

use std::collections::BTreeMap;

use fairleader_lead::id::{ActorId, LeadId, PoolId, RepId};
use fairleader_lead::ruling::Priority;
use jiff::Timestamp;

use super::lead::Stage;

requests! {
    /// What a rep may say when they accept a lead.
    #[derive(Default)]
    pub struct Accept {
        /// The assignment that is meant; the current one if it is left out.
        #[serde(default)]
        pub assignment: Option<u32>,
    }

    /// Whether a rep takes leads.
    pub struct Availability {
        /// On or off.
        pub on: bool,
    }
}

replies! {
    /// A lead after it was accepted.
    pub struct AcceptedByOwner {
        /// The lead.
        pub lead_id: LeadId,
        /// Where it stands.
        pub stage: Stage,
        /// Who has it.
        pub owner: Option<RepId>,
        /// Which assignment of the lead it is.
        pub assignment: u32,
        /// When it was confirmed.
        pub accepted_at: Option<Timestamp>,
        /// Who confirmed it: its owner, or the person who did it for them.
        pub accepted_by: Option<ActorId>,
    }

    /// A rep who was switched.
    pub struct AvailabilityOfRep {
        /// The rep.
        pub rep: RepId,
        /// Whether they take leads now.
        pub on: bool,
    }

    /// A lead in an inbox.
    pub struct OpenLead {
        /// The lead.
        pub lead_id: LeadId,
        /// Where it stands.
        pub stage: Stage,
        /// Which assignment of the lead it is; commands name it.
        pub assignment: u32,
        /// Total score, 0 to 100.
        pub score: Option<u8>,
        /// Grade, if it has one.
        pub grade: Option<String>,
        /// How urgent it is.
        pub priority: Priority,
        /// What it is expected to be worth, in whole units of the company's currency.
        pub value: Option<u32>,
        /// What the person is called.
        pub name: Option<String>,
        /// Where they work.
        pub company: Option<String>,
        /// What they did last.
        pub did: Option<String>,
        /// When it came in.
        pub received_at: Timestamp,
        /// When the rep got it.
        pub assigned_at: Option<Timestamp>,
        /// The rule that gave it to them.
        pub rule: Option<String>,
    }

    /// The open leads of a rep, best first.
    pub struct Inbox {
        /// The rep.
        pub rep: RepId,
        /// A page of their leads.
        pub leads: Vec<OpenLead>,
        /// Where the next page begins; `null` on the last one.
        pub next: Option<String>,
    }

    /// What a member of a pool is owed.
    pub struct Standing {
        /// The rep.
        pub rep: RepId,
        /// Turns they had.
        pub got: u64,
        /// Turns that were their share, as a decimal number.
        pub share: String,
        /// Turns they are owed, as a decimal number; below zero if they are ahead.
        pub owed: String,
        /// The same in billionths of a turn.
        pub owed_billionths: i64,
    }

    /// A turn of a pool.
    pub struct LedgerEntry {
        /// Its number.
        pub turn: u64,
        /// The lead it was for.
        pub lead_id: LeadId,
        /// Which assignment of the lead it was.
        pub assignment: u32,
        /// Whether it was given back.
        pub given_back: bool,
        /// Who had it.
        pub taken_by: RepId,
        /// What each member was credited, in turns.
        pub credits: BTreeMap<String, String>,
        /// What each member was owed before, in turns.
        pub owed_before: BTreeMap<String, String>,
    }

    /// Who of a pool is owed what, and every turn that led there.
    pub struct Ledger {
        /// The pool.
        pub pool: PoolId,
        /// Turns all in all.
        pub turns: u64,
        /// What each member is owed.
        pub standings: Vec<Standing>,
        /// A page of turns.
        pub entries: Vec<LedgerEntry>,
        /// Where the next page begins; `null` on the last one.
        pub next: Option<String>,
    }
}
