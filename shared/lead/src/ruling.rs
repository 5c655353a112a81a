//! Rulings: what a rulebook decided for a lead, as data that is stored, sent and shown.

use serde::{Deserialize, Serialize};

use crate::id::{PoolId, RepId};

/// Name that a ruling gives as its rule if no line of `mql` matched. No real rule can have this name.
pub const NOT_AN_MQL: &str = "not an MQL";

/// Reason of the nurture outcome if no line of `mql` matched.
pub const NOT_AN_MQL_REASON: &str = "not_an_mql";

/// Section of a rulebook that made a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// A rule of `block`.
    Block,
    /// No line of `mql` matched.
    Mql,
    /// A rule of `route`.
    Route,
}

/// Decision of a rulebook for a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The rule that matched, or [`NOT_AN_MQL`].
    pub rule: String,
    /// What happens to the lead.
    pub outcome: Outcome,
    /// How urgent the lead is.
    #[serde(default)]
    pub priority: Priority,
    /// Its expected value in whole units of the company's currency, if the rule sets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
}

/// Outcome that the rulebook wants for a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Give it to a member of a pool.
    Pool {
        /// The pool.
        pool: PoolId,
        /// What to do if no member can take it.
        if_nobody: IfNobody,
    },
    /// Give it to one rep.
    Owner {
        /// The rep.
        rep: RepId,
        /// What to do if they cannot take it.
        if_unavailable: IfUnavailable,
        /// Whether it costs the rep a turn in the pool named by `if_unavailable`, if they are a member of it.
        counts_as_turn: bool,
    },
    /// Keep in touch; the lead is not ready for sales.
    Nurture {
        /// The reason in one word (`not_an_mql`).
        reason: String,
    },
    /// Reject the lead.
    Disqualify {
        /// The reason in one word (`junk`).
        reason: String,
    },
    /// Stop until a person decides.
    Hold {
        /// The reason in one word.
        reason: String,
    },
}

/// Fallback if no member of a pool can take a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfNobody {
    /// Put it on the pool's waiting list.
    Wait,
    /// Try another pool; if no member is available there either, put it on that pool's waiting list.
    Pool(PoolId),
}

/// Fallback if a named owner cannot take a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfUnavailable {
    /// Assign it to them anyway: owning the account matters more than working hours.
    Assign,
    /// Try a pool instead; if no member is available there either, put it on that pool's waiting list.
    Pool(PoolId),
}

/// Urgency of a lead. Leads with a higher priority come first on waiting lists and in inboxes, whatever their score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// After all other leads.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Before normal leads.
    High,
    /// Before all other leads.
    Urgent,
}

impl Priority {
    /// Every priority, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// Returns the word for it in rulebooks, replies and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// Returns whether it is the default.
    pub const fn is_normal(&self) -> bool {
        matches!(self, Self::Normal)
    }
}
