//! Commands of reps, inboxes and ledgers.

use std::collections::BTreeMap;

use fairleader_lead::id::{ActorId, LeadId, PoolId, RepId};
use fairleader_lead::ruling::Priority;
use jiff::Timestamp;

use super::lead::Stage;

requests! {
    /// Acceptance of a lead.
    #[derive(Default)]
    pub struct Accept {
        /// The assignment to accept; the current one if left out.
        #[serde(default)]
        pub assignment: Option<u32>,
    }

    /// Availability of the calling rep.
    pub struct Availability {
        /// Whether they take new leads.
        pub on: bool,
    }
}

replies! {
    /// Lead after it was accepted.
    pub struct AcceptedByOwner {
        /// The lead.
        pub lead_id: LeadId,
        /// Its stage.
        pub stage: Stage,
        /// Its owner.
        pub owner: Option<RepId>,
        /// Number of the assignment, from 1.
        pub assignment: u32,
        /// When it was accepted.
        pub accepted_at: Option<Timestamp>,
        /// Who accepted it: its owner, or the person who did so for them.
        pub accepted_by: Option<ActorId>,
    }

    /// Availability of a rep after a change.
    pub struct AvailabilityOfRep {
        /// The rep.
        pub rep: RepId,
        /// Whether they take new leads now.
        pub on: bool,
    }

    /// Lead in an inbox.
    pub struct OpenLead {
        /// The lead.
        pub lead_id: LeadId,
        /// Its stage.
        pub stage: Stage,
        /// Number of the current assignment, for commands.
        pub assignment: u32,
        /// Total score, 0 to 100.
        pub score: Option<u8>,
        /// Grade, if it has one.
        pub grade: Option<String>,
        /// Its priority.
        pub priority: Priority,
        /// Expected value, in whole units of the company's currency.
        pub value: Option<u32>,
        /// Full name of the person.
        pub name: Option<String>,
        /// Name of their company.
        pub company: Option<String>,
        /// Their latest activity.
        pub did: Option<String>,
        /// When it was received.
        pub received_at: Timestamp,
        /// When it was assigned to the rep.
        pub assigned_at: Option<Timestamp>,
        /// The rule that assigned it.
        pub rule: Option<String>,
    }

    /// Open leads of a rep, best first.
    pub struct Inbox {
        /// The rep.
        pub rep: RepId,
        /// The leads on this page.
        pub leads: Vec<OpenLead>,
        /// Cursor of the next page; `null` on the last page.
        pub next: Option<String>,
    }

    /// Account of a pool member in the rotation.
    pub struct Standing {
        /// The rep.
        pub rep: RepId,
        /// Turns they took.
        pub got: u64,
        /// Turns that were their fair share, as a decimal number.
        pub share: String,
        /// Turns they are owed, as a decimal number. Negative if they took more than their share.
        pub owed: String,
        /// `owed` in billionths of a turn.
        pub owed_billionths: i64,
    }

    /// Turn in a pool: one lead that was given to one of its members.
    pub struct LedgerEntry {
        /// Its number in the pool.
        pub turn: u64,
        /// The lead it was for.
        pub lead_id: LeadId,
        /// Number of the lead's assignment.
        pub assignment: u32,
        /// Whether the turn was given back.
        pub given_back: bool,
        /// The member who took it.
        pub taken_by: RepId,
        /// Share of the turn that each eligible member was credited, in turns.
        pub credits: BTreeMap<String, String>,
        /// What each eligible member was owed before, in turns.
        pub owed_before: BTreeMap<String, String>,
    }

    /// Ledger of a pool: what each member is owed, and every turn.
    pub struct Ledger {
        /// The pool.
        pub pool: PoolId,
        /// Number of turns so far.
        pub turns: u64,
        /// What each member is owed.
        pub standings: Vec<Standing>,
        /// The turns on this page.
        pub entries: Vec<LedgerEntry>,
        /// Cursor of the next page; `null` on the last page.
        pub next: Option<String>,
    }
}
