//! What happened to a lead: the immutable history, and what goes on the bus.
//!
//! Events carry ids, enums and numbers, never a person's data: who needs that reads the lead.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::activity::Spend;
use crate::id::{ActivityId, ActorId, LeadId, PoolId, RepId, RulebookVersion};
use crate::ruling::Priority;
use crate::state::Stage;

/// Version of the envelope and of every event below.
pub const SCHEMA: u32 = 1;

/// One entry of a lead's history. Delivered at least once; order is by (`lead_id`, `seq`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `lead_id#seq`: the same for every delivery of the same event.
    pub id: String,
    /// Version of this form.
    pub schema: u32,
    /// The lead.
    pub lead_id: LeadId,
    /// Its number in the lead's history, from 1 without gaps.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// The `seq`-th event of `lead_id`.
    pub fn new(lead_id: LeadId, seq: u64, at: Timestamp, kind: EventKind) -> Self {
        Self { id: format!("{lead_id}#{seq}"), schema: SCHEMA, lead_id, seq, at, kind }
    }
}

/// What happened, with what others need to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum EventKind {
    /// A rep got it.
    LeadAssigned {
        /// The rep.
        owner: RepId,
        /// The pool whose turn it was; absent when a rule named the owner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<PoolId>,
        /// Which assignment of the lead this is, from 1.
        assignment: u32,
        /// The rule that said so.
        rule: String,
        /// Of this rulebook.
        rulebook: RulebookVersion,
        /// Total score, 0 to 100.
        score: u8,
        /// Grade, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grade: Option<String>,
        /// How urgent the rule says it is.
        #[serde(default, skip_serializing_if = "Priority::is_normal")]
        priority: Priority,
        /// What the rule expects it to be worth, in whole units of the company's currency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<u32>,
        /// The rep who had it until now, if it was taken from one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_owner: Option<RepId>,
        /// The pool that rep had it from: somebody who waits there can have the seat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_pool: Option<PoolId>,
    },
    /// Nobody can take it yet.
    LeadWaiting {
        /// In this pool's line.
        pool: PoolId,
        /// The rule that said so.
        rule: String,
        /// Of this rulebook.
        rulebook: RulebookVersion,
        /// Total score, 0 to 100.
        score: u8,
        /// The rep who had it until now, if it was taken from one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_owner: Option<RepId>,
        /// The pool that rep had it from: somebody who waits there can have the seat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_pool: Option<PoolId>,
    },
    /// Not ready for sales.
    LeadNurtured {
        /// Why.
        reason: String,
        /// The rule that said so.
        rule: String,
        /// Of this rulebook.
        rulebook: RulebookVersion,
        /// Total score, 0 to 100.
        score: u8,
    },
    /// Refused.
    LeadDisqualified {
        /// Why.
        reason: String,
        /// The rule that said so.
        rule: String,
        /// Of this rulebook.
        rulebook: RulebookVersion,
    },
    /// Stopped until a person decides.
    LeadHeld {
        /// Why.
        reason: String,
        /// Where it was.
        from: Stage,
    },
    /// Goes on after it was held.
    LeadReleased {
        /// Where it is again.
        to: Stage,
    },
    /// The owner confirmed it, or somebody for them.
    LeadAccepted {
        /// The owner.
        owner: RepId,
        /// The assignment that was confirmed.
        assignment: u32,
        /// Who confirmed it for the owner; absent when the owner did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accepted_by: Option<ActorId>,
    },
    /// Found to be the same person as another lead, which carries on.
    LeadMerged {
        /// The lead that carries on.
        into: LeadId,
        /// The rep who had it until now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_owner: Option<RepId>,
        /// The pool that rep had it from: somebody who waits there can have the seat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_pool: Option<PoolId>,
    },
    /// Another lead was found to be the same person.
    LeadAbsorbed {
        /// The lead that was merged into this one.
        from: LeadId,
        /// The stage it goes back to, if it had been refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Stage>,
    },
    /// The same submission came again with other content.
    LeadResubmitted {
        /// The stage it goes back to, if it had been refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Stage>,
    },
    /// The person did something.
    ActivityRecorded {
        /// The activity, in the lead's history.
        activity: ActivityId,
        /// What they did, in words joined by `_`.
        did: String,
        /// When they did it; the event's own `at` says when that was recorded.
        did_at: Timestamp,
        /// Through which channel, in words joined by `_`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
        /// How much it asked of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spend: Option<Spend>,
        /// How they responded, in words joined by `_`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response: Option<String>,
    },
    /// Its score is another one, and nobody had to decide on it for that.
    LeadScored {
        /// Total score, 0 to 100.
        score: u8,
        /// What the person and company are, 0 to 100.
        fit: u8,
        /// What they did, 0 to 100.
        engagement: u8,
        /// The account's own score, 0 to 100.
        account: u8,
        /// Grade, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grade: Option<String>,
        /// Whether it is an MQL: once one, always one.
        mql: bool,
        /// Whether it became one just now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        became_mql: bool,
        /// By this rulebook.
        rulebook: RulebookVersion,
    },
}

impl EventKind {
    /// The event's name, as it stands in `type`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LeadAssigned { .. } => "LeadAssigned",
            Self::LeadWaiting { .. } => "LeadWaiting",
            Self::LeadNurtured { .. } => "LeadNurtured",
            Self::LeadDisqualified { .. } => "LeadDisqualified",
            Self::LeadHeld { .. } => "LeadHeld",
            Self::LeadReleased { .. } => "LeadReleased",
            Self::LeadAccepted { .. } => "LeadAccepted",
            Self::LeadMerged { .. } => "LeadMerged",
            Self::LeadAbsorbed { .. } => "LeadAbsorbed",
            Self::LeadResubmitted { .. } => "LeadResubmitted",
            Self::ActivityRecorded { .. } => "ActivityRecorded",
            Self::LeadScored { .. } => "LeadScored",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_flat_and_reads_back() {
        let event = Event::new(
            LeadId::from("l-1"),
            3,
            "2026-03-03T09:00:00Z".parse().unwrap(),
            EventKind::LeadAccepted { owner: RepId::from("anna"), assignment: 1, accepted_by: None },
        );
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"id": "l-1#3", "schema": 1, "lead_id": "l-1", "seq": 3, "at": "2026-03-03T09:00:00Z",
                "type": "LeadAccepted", "owner": "anna", "assignment": 1})
        );
        assert_eq!(json["type"], event.kind.name());
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
}
