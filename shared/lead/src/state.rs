//! Where a lead stands: its stage, who has it, and what a decision has to know of its past.
//!
//! How a lead moves from stage to stage is decided by the lifecycle of the domain crate.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{LeadId, PoolId, RepId, RulebookVersion, SourceId};
use crate::ruling::Priority;
use crate::score::Score;

/// Where a lead stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Kept, not yet decided on.
    Stored,
    /// An MQL with an owner in sales.
    Assigned,
    /// The owner confirmed it (SAL).
    Accepted,
    /// An MQL that nobody can take yet; it stands in a pool's waiting line.
    Waiting,
    /// Not ready for sales; marketing keeps in touch.
    Nurturing,
    /// Stopped by a fault or by the rulebook, until a person decides.
    Held,
    /// Refused, with a reason.
    Disqualified,
    /// The same person as another lead, which carries on.
    Merged,
}

impl Stage {
    /// Whether a lead at this stage has an owner and counts towards their open leads.
    pub const fn is_owned(self) -> bool {
        matches!(self, Self::Assigned | Self::Accepted)
    }

    /// Whether a score can still change what happens to a lead at this stage.
    pub const fn is_undecided(self) -> bool {
        matches!(self, Self::Stored | Self::Waiting | Self::Nurturing)
    }

    /// Whether a lead at this stage keeps a score that follows what is known of it, without being decided on anew for
    /// every point: marketing or sales has it.
    pub const fn is_rescored(self) -> bool {
        matches!(self, Self::Nurturing | Self::Assigned | Self::Accepted)
    }

    /// The stage as it is written in events, replies and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Assigned => "assigned",
            Self::Accepted => "accepted",
            Self::Waiting => "waiting",
            Self::Nurturing => "nurturing",
            Self::Held => "held",
            Self::Disqualified => "disqualified",
            Self::Merged => "merged",
        }
    }
}

/// Everything about a lead that decisions read and change; one item, guarded by `version`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The lead.
    pub lead_id: LeadId,
    /// Where it stands.
    pub stage: Stage,
    /// Rises by one with every write; every write names the version it read.
    pub version: u64,
    /// Where it came from.
    pub source: SourceId,
    /// When the submission was accepted.
    pub received_at: Timestamp,
    /// SHA-256 of the submission, in hex: tells a repeat from a resubmission.
    pub payload_hash: String,
    /// Number of the last event; events are numbered without gaps from 1.
    pub last_event: u64,
    /// How often the lead was given to an owner; names the current assignment.
    pub assignment: u32,
    /// Who has it, at the stages where somebody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<RepId>,
    /// The pool it was assigned from or waits in; absent when the owner was named by a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolId>,
    /// Where the turn stands that its owner got it by: the version that the pool's rotation had after it. Absent if it was
    /// nobody's turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<u64>,
    /// The score it was decided with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// Rulebook version of the last decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rulebook: Option<RulebookVersion>,
    /// Name of the rule that won the last decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How urgent that rule says it is.
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
    /// What that rule expects it to be worth, in whole units of the company's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
    /// Why it is disqualified, held or in nurture: a word of the rulebook or of [`fairleader_domain::lifecycle`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The stage a held lead came from, where it may go back to; absent if it was held before it could be stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_from: Option<Stage>,
    /// When it first reached MQL; decay does not revoke it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mql_at: Option<Timestamp>,
    /// When the current owner got it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_at: Option<Timestamp>,
    /// When the current owner confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// When it began to wait, at stage `waiting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// Whether only members of its pool can take it, at stage `waiting`; if not, a rule names an owner or another pool too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pool_only: bool,
    /// The earliest instant at which something has to happen to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// The lead it was merged into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<LeadId>,
}

impl State {
    /// A lead that was just stored.
    pub fn stored(lead_id: LeadId, source: SourceId, received_at: Timestamp, payload_hash: String) -> Self {
        Self {
            lead_id,
            stage: Stage::Stored,
            version: 1,
            source,
            received_at,
            payload_hash,
            last_event: 0,
            assignment: 0,
            owner: None,
            pool: None,
            ledger: None,
            score: None,
            rulebook: None,
            rule: None,
            priority: Priority::Normal,
            value: None,
            reason: None,
            held_from: None,
            mql_at: None,
            assigned_at: None,
            accepted_at: None,
            waiting_since: None,
            pool_only: false,
            due_at: None,
            merged_into: None,
        }
    }

    /// The score that counts for the lead: once it was an MQL it stays one, whatever its score does. If no line makes it
    /// one any more, [`Score::mql_by`] stays empty, and [`State::mql_at`] says since when it is one.
    #[must_use]
    pub fn keep_mql(&self, mut score: Score) -> Score {
        score.mql |= self.mql_at.is_some();
        score
    }

    /// Whether the lead was held before it could be stored: perhaps nobody knows who it is.
    pub fn is_unstored(&self) -> bool {
        self.stage == Stage::Held && self.held_from.is_none()
    }
}
