//! State of a lead: its stage, its last decision and its milestones.
//!
//! Each [`Standing`] has only the values of its own stage, so a lead cannot have an owner while it waits, or a reason
//! while it is assigned. The lifecycle in the domain crate decides how a lead moves between stages. The store decides
//! how a state is stored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{ActorId, LeadId, PoolId, RepId, RulebookVersion, SourceId};
use crate::ruling::Priority;
use crate::score::Score;

/// Name of a [`Standing`] in events and replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Stored, and not decided yet.
    Stored,
    /// MQL with an owner in sales.
    Assigned,
    /// Accepted by its owner (SAL).
    Accepted,
    /// MQL that no rep can take yet, on the waiting list of a pool.
    Waiting,
    /// Not ready for sales. Marketing stays in contact.
    Nurturing,
    /// On hold, because of an error or by the rulebook, until a person decides.
    Held,
    /// Disqualified, with a reason.
    Disqualified,
    /// Merged into another lead of the same person.
    Merged,
}

impl Stage {
    /// Returns whether a lead at this stage has an owner and is one of their open leads.
    pub const fn is_owned(self) -> bool {
        matches!(self, Self::Assigned | Self::Accepted)
    }

    /// Returns whether a score can still change what happens to a lead at this stage.
    pub const fn is_undecided(self) -> bool {
        matches!(self, Self::Stored | Self::Waiting | Self::Nurturing)
    }

    /// Returns whether the score of a lead at this stage is updated without a new decision, because marketing or sales
    /// already has the lead.
    pub const fn is_rescored(self) -> bool {
        matches!(self, Self::Nurturing | Self::Assigned | Self::Accepted)
    }

    /// Returns its name in events, replies and items.
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

/// Stage with the values that only this stage has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Stored, and not decided yet.
    Stored {
        /// When the sweep queues it for a decision, unless it was decided before. Set when a lead is released. A new
        /// lead has none, because it is already queued.
        decide_by: Option<Timestamp>,
    },
    /// On the waiting list of a pool.
    Waiting(Wait),
    /// Assigned to a rep.
    Assigned(Owned),
    /// Accepted.
    Accepted {
        /// The owner, and how they got it.
        owned: Owned,
        /// When it was accepted, and by whom: the owner, or sales for them.
        accepted: Done,
    },
    /// In nurture.
    Nurturing(Nurture),
    /// On hold until a person decides.
    Held {
        /// Its earlier stage.
        from: HeldFrom,
        /// The reason: by the rulebook, by `route`, or the queue in which a command failed.
        reason: String,
    },
    /// Disqualified.
    Disqualified {
        /// The reason by the rulebook.
        reason: String,
    },
    /// Merged into another lead of the same person.
    Merged {
        /// The surviving lead.
        into: LeadId,
    },
}

/// Place on the waiting list of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The pool.
    pub pool: PoolId,
    /// When it was put on the list.
    pub since: Timestamp,
    /// When it goes to the fallback of the pool.
    pub until: Timestamp,
    /// Whether only members of the pool can take it. Otherwise, the rule also names an owner or another pool.
    pub pool_only: bool,
}

/// Current assignment of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The rep.
    pub owner: RepId,
    /// The turn in which they got it. `None` if it did not count as a turn.
    pub turn: Option<TurnTaken>,
    /// When they got it.
    pub since: Timestamp,
}

/// Position of a turn in the history of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnTaken {
    /// The pool.
    pub pool: PoolId,
    /// The version of the pool's rotation after the turn.
    pub version: u64,
}

/// Reason why a lead is in nurture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nurture {
    /// The rulebook decided it.
    Because {
        /// The reason by the rulebook.
        reason: String,
    },
    /// It was released from hold, and stays in nurture until the next decision.
    GoesOn {
        /// When the sweep queues it for that decision.
        decide_by: Timestamp,
    },
}

/// Earlier stage of a lead on hold. It decides where the lead goes when it is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldFrom {
    /// None: a command failed before it was stored. There may be no more than this state.
    Unstored,
    /// Stored, and not decided yet.
    Stored,
    /// On a waiting list.
    Waiting,
    /// In nurture.
    Nurturing,
}

/// Time and author of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: ActorId,
}

/// Last decision on a lead. It is kept when the stage changes later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The rule that won.
    pub rule: String,
    /// The version of the rulebook.
    pub rulebook: RulebookVersion,
    /// The priority by the rule.
    pub priority: Priority,
    /// The expected value by the rule, in whole units of the company's currency.
    pub value: Option<u32>,
}

/// When a lead first reached each milestone. A milestone does not change once it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestones {
    /// When its submission was received.
    pub received: Timestamp,
    /// When it became an MQL. A lower score later does not change this.
    pub mql: Option<Timestamp>,
    /// When it got its first owner.
    pub assigned: Option<Timestamp>,
    /// When it was first accepted, and by whom.
    pub accepted: Option<Done>,
}

/// Part of a lead that decisions read and change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The lead.
    pub lead_id: LeadId,
    /// The number of writes. Each write has the version that was read as its condition.
    pub version: u64,
    /// Its source.
    pub source: SourceId,
    /// SHA-256 of the submission, in hex. It distinguishes a repeat from a resubmission.
    pub payload_hash: String,
    /// Its stage.
    pub standing: Standing,
    /// The number of its last event. Events are numbered from 1, without gaps.
    pub last_event: u64,
    /// The number of its assignments so far, which is also the number of the current one.
    pub assignment: u32,
    /// Its score at the last decision, or a later one.
    pub score: Option<Score>,
    /// The last decision.
    pub decided: Option<Decided>,
    /// Its milestones.
    pub milestones: Milestones,
}

impl Standing {
    /// Returns its stage.
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Stored { .. } => Stage::Stored,
            Self::Waiting(_) => Stage::Waiting,
            Self::Assigned(_) => Stage::Assigned,
            Self::Accepted { .. } => Stage::Accepted,
            Self::Nurturing(_) => Stage::Nurturing,
            Self::Held { .. } => Stage::Held,
            Self::Disqualified { .. } => Stage::Disqualified,
            Self::Merged { .. } => Stage::Merged,
        }
    }

    /// Returns the current assignment, if the stage has an owner.
    pub const fn owned(&self) -> Option<&Owned> {
        match self {
            Self::Assigned(owned) | Self::Accepted { owned, .. } => Some(owned),
            _ => None,
        }
    }
}

impl HeldFrom {
    /// Returns the stage in events and replies.
    pub const fn stage(self) -> Stage {
        match self {
            Self::Unstored | Self::Stored => Stage::Stored,
            Self::Waiting => Stage::Waiting,
            Self::Nurturing => Stage::Nurturing,
        }
    }
}

impl Milestones {
    /// Creates the milestones of a lead that was received at `received`.
    pub const fn new(received: Timestamp) -> Self {
        Self { received, mql: None, assigned: None, accepted: None }
    }
}

impl State {
    /// Creates the state of a new lead.
    pub const fn stored(lead_id: LeadId, source: SourceId, received_at: Timestamp, payload_hash: String) -> Self {
        Self {
            lead_id,
            version: 1,
            source,
            payload_hash,
            standing: Standing::Stored { decide_by: None },
            last_event: 0,
            assignment: 0,
            score: None,
            decided: None,
            milestones: Milestones::new(received_at),
        }
    }

    /// Returns its stage.
    pub const fn stage(&self) -> Stage {
        self.standing.stage()
    }

    /// Returns the current assignment, if the stage has an owner.
    pub const fn owned(&self) -> Option<&Owned> {
        self.standing.owned()
    }

    /// Returns the owner.
    pub fn owner(&self) -> Option<&RepId> {
        self.owned().map(|owned| &owned.owner)
    }

    /// Returns the pool that it was assigned from or waits in. `None` if the assignment did not count as a turn.
    pub fn pool(&self) -> Option<&PoolId> {
        match &self.standing {
            Standing::Waiting(wait) => Some(&wait.pool),
            standing => standing.owned()?.turn.as_ref().map(|turn| &turn.pool),
        }
    }

    /// Returns why it is disqualified, on hold or in nurture.
    pub fn reason(&self) -> Option<&str> {
        match &self.standing {
            Standing::Nurturing(Nurture::Because { reason })
            | Standing::Held { reason, .. }
            | Standing::Disqualified { reason } => Some(reason),
            _ => None,
        }
    }

    /// Returns when the sweep must queue it.
    pub const fn due_at(&self) -> Option<Timestamp> {
        match &self.standing {
            Standing::Stored { decide_by } => *decide_by,
            Standing::Waiting(wait) => Some(wait.until),
            Standing::Nurturing(Nurture::GoesOn { decide_by }) => Some(*decide_by),
            _ => None,
        }
    }

    /// Returns the lead that it was merged into.
    pub const fn merged_into(&self) -> Option<&LeadId> {
        match &self.standing {
            Standing::Merged { into } => Some(into),
            _ => None,
        }
    }

    /// Returns its priority by the last decision.
    pub fn priority(&self) -> Priority {
        self.decided.as_ref().map_or(Priority::Normal, |decided| decided.priority)
    }

    /// Returns `score`, with [`Score::mql`] set if the lead has ever been an MQL: it remains one, even if its score
    /// falls. If no line of the score makes it one any more, [`Score::mql_by`] is `None`, and only [`Milestones::mql`]
    /// says since when it has been one.
    #[must_use]
    pub const fn keep_mql(&self, mut score: Score) -> Score {
        score.mql |= self.milestones.mql.is_some();
        score
    }

    /// Returns whether the lead was put on hold before it could be stored. There may be no profile.
    pub const fn is_unstored(&self) -> bool {
        matches!(self.standing, Standing::Held { from: HeldFrom::Unstored, .. })
    }
}
