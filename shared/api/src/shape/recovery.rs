//! Leads on hold, and commands that failed.

use fairleader_lead::id::{LeadId, SourceId};
use jiff::Timestamp;

use super::lead::Stage;
use crate::Code;

requests! {
    /// Request to release leads on hold. It needs a `reason` or a `source`.
    pub struct RedriveMany {
        /// Only leads that are on hold for this reason, as in the list.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 200)))]
        pub reason: Option<String>,
        /// Only leads of this source.
        #[serde(default)]
        pub source: Option<SourceId>,
        /// The `next` of the previous call; the first leads if left out.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 2_000)))]
        pub cursor: Option<String>,
    }
}

replies! {
    /// Failed command of a lead on hold.
    pub struct FailedCommand {
        /// Its id.
        pub id: String,
        /// The queue in which it failed.
        pub queue: String,
        /// When it was stored as a failed command.
        pub at: Timestamp,
        /// Why a retry cannot succeed, if known.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reason: Option<String>,
    }

    /// Failed command with its lead.
    pub struct FailedCommandOf {
        /// The lead of the command.
        pub lead_id: LeadId,
        /// Its id.
        pub id: String,
        /// The queue in which it failed.
        pub queue: String,
        /// When it was stored as a failed command.
        pub at: Timestamp,
        /// Why a retry cannot succeed, if known.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reason: Option<String>,
    }

    /// Lead on hold.
    pub struct HeldLead {
        /// The lead.
        pub lead_id: LeadId,
        /// Why it is on hold.
        pub reason: Option<String>,
        /// Its stage before; `null` if it was put on hold before it could be stored.
        pub held_from: Option<Stage>,
        /// When it was received.
        pub received_at: Timestamp,
        /// Its failed commands, at most 20.
        pub commands: Vec<FailedCommand>,
        /// Number of further failed commands; missing if all are shown.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub commands_left_out: Option<u64>,
    }

    /// Leads on hold, and commands that failed.
    pub struct DeadLetters {
        /// The leads on hold on this page.
        pub held: Vec<HeldLead>,
        /// Cursor of the next page of leads; `null` on the last page.
        pub next: Option<String>,
        /// The failed commands on this page, latest first.
        pub commands: Vec<FailedCommandOf>,
        /// Cursor of the next page of commands; `null` on the last page.
        pub commands_next: Option<String>,
        /// Number of messages that cannot be read and need a manual check.
        pub unreadable: u64,
        /// Number of events that could not be published.
        pub unpublished_events: u64,
    }

    /// Lead that was released.
    pub struct Redriven {
        /// The lead.
        pub lead_id: LeadId,
        /// Number of commands that were queued for it.
        pub commands: u64,
    }

    /// Lead that stays on hold.
    pub struct NotRedriven {
        /// The lead.
        pub lead_id: LeadId,
        /// Why, for programs.
        #[cfg_attr(feature = "openapi", schemars(with = "String"))]
        pub code: Code,
        /// Why, for people.
        pub title: String,
        /// What to do about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub detail: Option<String>,
    }

    /// Result of one call that releases leads. Repeat it with `next` until that is `null`.
    pub struct RedrivenMany {
        /// The leads that were released.
        pub leads: Vec<LeadId>,
        /// Number of commands that were queued for them.
        pub commands: u64,
        /// The leads that match but stay on hold.
        pub not_released: Vec<NotRedriven>,
        /// Where the next call goes on; `null` if every lead on hold was looked at.
        pub next: Option<String>,
    }

    /// Events that were queued to be published again.
    pub struct RedrivenEvents {
        /// Number of events.
        pub events: u64,
    }
}
