//! Events: the immutable history of a lead, which is also published on the bus.
//!
//! Events have ids, enums and numbers, and no personal data; consumers read that from the lead. They are stored in the
//! form in which they are published, so this form is a contract with every consumer: fields can be added, but not
//! changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::activity::Spend;
use crate::id::{ActivityId, ActorId, LeadId, PoolId, RepId, RulebookVersion};
use crate::ruling::Priority;
use crate::state::Stage;

/// Version of the envelope and of all events.
pub const SCHEMA: u32 = 1;

/// Entry in the history of a lead. It is published at least once. Events of a lead are ordered by `seq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `lead_id#seq`, the same for every delivery of the event.
    pub id: String,
    /// The version of this form.
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
    /// Creates event number `seq` of a lead.
    pub fn new(lead_id: LeadId, seq: u64, at: Timestamp, kind: EventKind) -> Self {
        Self { id: format!("{lead_id}#{seq}"), schema: SCHEMA, lead_id, seq, at, kind }
    }
}

/// Fields that every event has, of any kind and version.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Envelope {
    /// `lead_id#seq`.
    pub id: String,
    /// What happened: the name of an [`EventKind`], or of one that only a later version has.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of the form.
    pub schema: u32,
    /// The lead.
    pub lead_id: LeadId,
    /// Its number in the lead's history.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
}

/// Event in its stored and published form. Only its envelope is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventText {
    /// The fields that every event has.
    pub envelope: Envelope,
    /// The whole event, as JSON.
    pub text: String,
}

impl EventText {
    /// Reads the envelope of the event in `text`.
    ///
    /// # Errors
    /// Fails if it is not JSON, or has no envelope.
    pub fn read(text: String) -> Result<Self, serde_json::Error> {
        Ok(Self { envelope: serde_json::from_str(&text)?, text })
    }
}

/// What happened, with the details that consumers need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum EventKind {
    /// It was assigned to a rep.
    LeadAssigned {
        /// The rep.
        owner: RepId,
        /// The pool in which the assignment counts as a turn, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<PoolId>,
        /// The number of this assignment of the lead, from 1.
        assignment: u32,
        /// The rule that won.
        rule: String,
        /// The version of the rulebook.
        rulebook: RulebookVersion,
        /// The total score, 0 to 100.
        score: u8,
        /// The grade, if the rulebook has grades.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grade: Option<String>,
        /// The priority by the rule.
        #[serde(default, skip_serializing_if = "Priority::is_normal")]
        priority: Priority,
        /// The expected value by the rule, in whole units of the company's currency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<u32>,
        /// The previous owner, if it was taken from one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_owner: Option<RepId>,
        /// The pool of the previous owner's turn. A lead that waits there can take the free seat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_pool: Option<PoolId>,
    },
    /// No rep can take it yet.
    LeadWaiting {
        /// The pool with its waiting list.
        pool: PoolId,
        /// The rule that won.
        rule: String,
        /// The version of the rulebook.
        rulebook: RulebookVersion,
        /// The total score, 0 to 100.
        score: u8,
        /// The previous owner, if it was taken from one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_owner: Option<RepId>,
        /// The pool of the previous owner's turn. A lead that waits there can take the free seat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_pool: Option<PoolId>,
    },
    /// It is not ready for sales.
    LeadNurtured {
        /// The reason.
        reason: String,
        /// The rule that won.
        rule: String,
        /// The version of the rulebook.
        rulebook: RulebookVersion,
        /// The total score, 0 to 100.
        score: u8,
    },
    /// It was disqualified.
    LeadDisqualified {
        /// The reason.
        reason: String,
        /// The rule that won.
        rule: String,
        /// The version of the rulebook.
        rulebook: RulebookVersion,
    },
    /// It is on hold until a person decides.
    LeadHeld {
        /// The reason.
        reason: String,
        /// Its earlier stage.
        from: Stage,
    },
    /// It was released from hold.
    LeadReleased {
        /// Its new stage.
        to: Stage,
    },
    /// It was accepted by the owner, or by sales for them.
    LeadAccepted {
        /// The owner.
        owner: RepId,
        /// The accepted assignment.
        assignment: u32,
        /// Who accepted it for the owner. `None` if the owner did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accepted_by: Option<ActorId>,
    },
    /// It was merged into another lead of the same person.
    LeadMerged {
        /// The surviving lead.
        into: LeadId,
        /// The lead of another person, whose idempotency key was used again for this one. Missing if it has its own key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reused_key_of: Option<LeadId>,
        /// The previous owner, if it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_owner: Option<RepId>,
        /// The pool of the previous owner's turn. A lead that waits there can take the free seat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freed_pool: Option<PoolId>,
    },
    /// Another lead of the same person was merged into it.
    LeadAbsorbed {
        /// The merged lead.
        from: LeadId,
        /// Its new stage, if it was disqualified before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Stage>,
    },
    /// Its submission was sent again with other content.
    LeadResubmitted {
        /// Its new stage, if it was disqualified before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Stage>,
    },
    /// It was stored as a lead of its own, although its submission came with the idempotency key of a lead that is
    /// another person.
    KeyReused {
        /// The lead of the other person, which was named in the reply to the sender.
        of: LeadId,
    },
    /// An activity of the person was recorded.
    ActivityRecorded {
        /// The activity.
        activity: ActivityId,
        /// What they did, in words joined by `_`.
        did: String,
        /// When they did it. `at` of the event is when it was recorded.
        did_at: Timestamp,
        /// The channel, in words joined by `_`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
        /// How much effort it took them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spend: Option<Spend>,
        /// How they responded, in words joined by `_`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response: Option<String>,
        /// The earlier activity, if this one came with its idempotency key and other content.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reused_key_of: Option<ActivityId>,
    },
    /// Its score changed without a new decision.
    LeadScored {
        /// The total score, 0 to 100.
        score: u8,
        /// The score of the person and the company, 0 to 100.
        fit: u8,
        /// The score of their activities, 0 to 100.
        engagement: u8,
        /// The score of the account, 0 to 100.
        account: u8,
        /// The grade, if the rulebook has grades.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grade: Option<String>,
        /// Whether it is an MQL. A lead that was an MQL once remains one.
        mql: bool,
        /// Whether it became an MQL with this score.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        became_mql: bool,
        /// The version of the rulebook.
        rulebook: RulebookVersion,
    },
}

impl EventKind {
    /// Returns its name in `type`.
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
            Self::KeyReused { .. } => "KeyReused",
            Self::ActivityRecorded { .. } => "ActivityRecorded",
            Self::LeadScored { .. } => "LeadScored",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_text_of_an_unknown_kind() {
        let text = r#"{"id":"l-1#4","schema":7,"lead_id":"l-1","seq":4,"at":"2026-03-03T09:00:00Z","type":"LeadSung","key":"B"}"#;
        let read = EventText::read(text.to_owned()).unwrap();
        assert_eq!((read.envelope.kind.as_str(), read.envelope.schema, read.envelope.seq), ("LeadSung", 7, 4));
        assert_eq!(read.text, text);
        assert!(EventText::read(text.replace("seq", "sequence")).is_err());
    }

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
