//! What a rulebook decided on a lead: data that is stored, sent and shown. How it is decided is the rulebook's business.

use serde::{Deserialize, Serialize};

use crate::id::{PoolId, RepId};

/// The rule that a ruling names when no line of `mql` held. No rule may be called that.
pub const NOT_AN_MQL: &str = "not an MQL";

/// The reason of the nurture outcome when no line of `mql` held.
pub const NOT_AN_MQL_REASON: &str = "not_an_mql";

/// The part of a rulebook that a decision came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// A rule of `block`.
    Block,
    /// No line of `mql` held.
    Mql,
    /// A rule of `route`.
    Route,
}

/// What the rulebook decided on a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The rule that won, or [`NOT_AN_MQL`].
    pub rule: String,
    /// What it wants.
    pub outcome: Outcome,
    /// How urgent the lead is.
    #[serde(default)]
    pub priority: Priority,
    /// What it is expected to be worth, in whole units of the company's currency, where the rule says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
}

/// What the rulebook wants to happen to a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Give it to a member of a pool.
    Pool {
        /// The pool.
        pool: PoolId,
        /// What to do when no member can take it.
        if_nobody: IfNobody,
    },
    /// Give it to one rep.
    Owner {
        /// The rep.
        rep: RepId,
        /// What to do when they cannot take it.
        if_unavailable: IfUnavailable,
        /// Whether it costs the rep a turn in the pool that `if_unavailable` names, if they are a member of it.
        counts_as_turn: bool,
    },
    /// Keep in touch; not ready for sales.
    Nurture {
        /// Why, a word (`not_an_mql`).
        reason: String,
    },
    /// Refuse it.
    Disqualify {
        /// Why, a word (`junk`).
        reason: String,
    },
    /// Stop until a person decides.
    Hold {
        /// Why, a word.
        reason: String,
    },
}

/// What to do when no member of a pool can take a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfNobody {
    /// Stand in the pool's waiting line.
    Wait,
    /// Try another pool, and if nobody is there either, wait in that pool's line.
    Pool(PoolId),
}

/// What to do when a named owner cannot take a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfUnavailable {
    /// Give it to them all the same: their account comes before their hours.
    Assign,
    /// Try a pool instead, and if nobody is there either, wait in that pool's line.
    Pool(PoolId),
}

/// How urgent a lead is: leads of a higher priority come first in waiting lines and inboxes, whatever their score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// After everybody else.
    Low,
    /// As most leads.
    #[default]
    Normal,
    /// Before most.
    High,
    /// Before everybody.
    Urgent,
}

impl Priority {
    /// Every priority, the lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// As it is written in rulebooks, replies and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// Whether it is the one of most leads.
    pub const fn is_normal(&self) -> bool {
        matches!(self, Self::Normal)
    }
}
