//! Leads on hold, and commands that failed.

use fairleader_lead::id::LeadId;
use jiff::Timestamp;

use super::lead::Stage;

replies! {
    /// A command that failed for a lead that is on hold.
    pub struct FailedCommand {
        /// Its id.
        pub id: String,
        /// The queue it failed in.
        pub queue: String,
        /// When it was put aside.
        pub at: Timestamp,
        /// Why it can never succeed as things are, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reason: Option<String>,
    }

    /// A command that failed, for any lead.
    pub struct FailedCommandOf {
        /// The lead it was for.
        pub lead_id: LeadId,
        /// Its id.
        pub id: String,
        /// The queue it failed in.
        pub queue: String,
        /// When it was put aside.
        pub at: Timestamp,
        /// Why it can never succeed as things are, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reason: Option<String>,
    }

    /// A lead on hold.
    pub struct HeldLead {
        /// The lead.
        pub lead_id: LeadId,
        /// Why.
        pub reason: Option<String>,
        /// Where it was before; `null` if it was held before it could be stored.
        pub held_from: Option<Stage>,
        /// When it came in.
        pub received_at: Timestamp,
        /// What failed for it.
        pub commands: Vec<FailedCommand>,
    }

    /// Leads on hold, and commands that failed.
    pub struct DeadLetters {
        /// A page of the leads on hold.
        pub held: Vec<HeldLead>,
        /// Where their next page begins; `null` on the last one.
        pub next: Option<String>,
        /// A page of the commands that failed, latest first.
        pub commands: Vec<FailedCommandOf>,
        /// Where their next page begins; `null` on the last one.
        pub commands_next: Option<String>,
        /// Messages that need a look by hand.
        pub unreadable: u64,
        /// Events that could not be published.
        pub unpublished_events: u64,
    }

    /// A lead that goes on.
    pub struct Redriven {
        /// The lead.
        pub lead_id: LeadId,
        /// Commands that were sent for it.
        pub commands: u64,
    }

    /// Events that are published again.
    pub struct RedrivenEvents {
        /// How many.
        pub events: u64,
    }
}
