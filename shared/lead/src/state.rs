//! Where a lead stands, what its last decision was, and the milestones it has passed.
//!
//! What belongs to one stage is part of that stage's [`Standing`], so a lead cannot have an owner while it waits or a
//! reason while it is assigned. How a lead moves from stage to stage is decided by the lifecycle of the domain crate; how
//! a state is stored is the store's business.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{ActorId, LeadId, PoolId, RepId, RulebookVersion, SourceId};
use crate::ruling::Priority;
use crate::score::Score;

/// The name of a [`Standing`], as events and replies say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Kept, not yet decided on.
    Stored,
    /// An MQL with an owner in sales.
    Assigned,
    /// The owner confirmed it (SAL).
    Accepted,
    /// An MQL that no rep can take yet; it stands in a pool's waiting line.
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

    /// Whether a lead at this stage keeps a score that follows what is known of it without a new decision for every
    /// point: marketing or sales has it.
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

/// A stage with everything that belongs to it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Kept, not yet decided on.
    Stored {
        /// When the sweep asks for a decision if there was none until then: set when the lead goes on after a stop.
        /// A lead that just came in needs none, because a queue has it.
        decide_by: Option<Timestamp>,
    },
    /// In a pool's waiting line.
    Waiting(Wait),
    /// A rep has it.
    Assigned(Owned),
    /// A rep has it and it is confirmed.
    Accepted {
        /// Who has it.
        owned: Owned,
        /// When it was confirmed, and by whom: the owner, or somebody for them.
        accepted: Done,
    },
    /// Marketing keeps in touch.
    Nurturing(Nurture),
    /// Stopped until a person decides.
    Held {
        /// Where it was.
        from: HeldFrom,
        /// Why: a word of the rulebook, of `route`, or the queue that a command failed in.
        reason: String,
    },
    /// Refused.
    Disqualified {
        /// Why, a word of the rulebook.
        reason: String,
    },
    /// The same person as another lead.
    Merged {
        /// The lead that carries on.
        into: LeadId,
    },
}

/// A place in a pool's waiting line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The pool.
    pub pool: PoolId,
    /// When it began to wait.
    pub since: Timestamp,
    /// When the pool's fallback takes it.
    pub until: Timestamp,
    /// Whether only members of the pool can take it; if not, a rule names an owner or another pool too.
    pub pool_only: bool,
}

/// What a lead's owner has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The rep.
    pub owner: RepId,
    /// The turn by which they got it; absent if it was no pool's turn.
    pub turn: Option<TurnTaken>,
    /// When they got it.
    pub since: Timestamp,
}

/// Where a turn stands in a pool's history of turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnTaken {
    /// The pool.
    pub pool: PoolId,
    /// The version that the pool's rotation had after the turn.
    pub version: u64,
}

/// Why a lead is in nurture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nurture {
    /// The rulebook sent it there.
    Because {
        /// Why, a word of the rulebook.
        reason: String,
    },
    /// It was held and let go: it stays here until it is decided on again.
    GoesOn {
        /// When the sweep asks for that decision.
        decide_by: Timestamp,
    },
}

/// Where a held lead was, and where it may go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldFrom {
    /// Nowhere: it failed before it could be stored, and there may be nothing but this state.
    Unstored,
    /// Not yet decided on.
    Stored,
    /// In a waiting line.
    Waiting,
    /// With marketing.
    Nurturing,
}

/// Something that was done by somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: ActorId,
}

/// What the last decision was, wherever the lead went after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The rule that won.
    pub rule: String,
    /// Of this rulebook.
    pub rulebook: RulebookVersion,
    /// How urgent the rule says the lead is.
    pub priority: Priority,
    /// What the rule expects it to be worth, in whole units of the company's currency.
    pub value: Option<u32>,
}

/// When the lead first reached each point of its way. Once set, a milestone stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestones {
    /// The submission was accepted.
    pub received: Timestamp,
    /// It became an MQL; decay does not revoke it.
    pub mql: Option<Timestamp>,
    /// It got its first owner.
    pub assigned: Option<Timestamp>,
    /// It was confirmed for the first time, and by whom.
    pub accepted: Option<Done>,
}

/// Everything about a lead that decisions read and change, guarded by `version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The lead.
    pub lead_id: LeadId,
    /// Rises by one with every write; every write names the version it read.
    pub version: u64,
    /// Where it came from.
    pub source: SourceId,
    /// SHA-256 of the submission, in hex: tells a repeat from a resubmission.
    pub payload_hash: String,
    /// Where it stands.
    pub standing: Standing,
    /// Number of the last event; events are numbered without gaps from 1.
    pub last_event: u64,
    /// How often the lead was given to an owner; names the current assignment.
    pub assignment: u32,
    /// What it is worth: the score of the last decision, or a later one.
    pub score: Option<Score>,
    /// The last decision.
    pub decided: Option<Decided>,
    /// The points it has passed.
    pub milestones: Milestones,
}

impl Standing {
    /// The stage's name.
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

    /// What the owner has, at the stages that have one.
    pub const fn owned(&self) -> Option<&Owned> {
        match self {
            Self::Assigned(owned) | Self::Accepted { owned, .. } => Some(owned),
            _ => None,
        }
    }
}

impl HeldFrom {
    /// The stage that events and replies name.
    pub const fn stage(self) -> Stage {
        match self {
            Self::Unstored | Self::Stored => Stage::Stored,
            Self::Waiting => Stage::Waiting,
            Self::Nurturing => Stage::Nurturing,
        }
    }
}

impl Milestones {
    /// Those of a submission that was accepted at `received`.
    pub const fn new(received: Timestamp) -> Self {
        Self { received, mql: None, assigned: None, accepted: None }
    }
}

impl State {
    /// A lead that was just stored.
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

    /// The name of the stage where it stands.
    pub const fn stage(&self) -> Stage {
        self.standing.stage()
    }

    /// What the owner has, at the stages that have one.
    pub const fn owned(&self) -> Option<&Owned> {
        self.standing.owned()
    }

    /// Who has it.
    pub fn owner(&self) -> Option<&RepId> {
        self.owned().map(|owned| &owned.owner)
    }

    /// The pool it was assigned from or waits in; absent when a rule named the owner.
    pub fn pool(&self) -> Option<&PoolId> {
        match &self.standing {
            Standing::Waiting(wait) => Some(&wait.pool),
            standing => standing.owned()?.turn.as_ref().map(|turn| &turn.pool),
        }
    }

    /// Why it is disqualified, held or in nurture.
    pub fn reason(&self) -> Option<&str> {
        match &self.standing {
            Standing::Nurturing(Nurture::Because { reason })
            | Standing::Held { reason, .. }
            | Standing::Disqualified { reason } => Some(reason),
            _ => None,
        }
    }

    /// The earliest instant at which something has to happen to it.
    pub const fn due_at(&self) -> Option<Timestamp> {
        match &self.standing {
            Standing::Stored { decide_by } => *decide_by,
            Standing::Waiting(wait) => Some(wait.until),
            Standing::Nurturing(Nurture::GoesOn { decide_by }) => Some(*decide_by),
            _ => None,
        }
    }

    /// The lead it was merged into.
    pub const fn merged_into(&self) -> Option<&LeadId> {
        match &self.standing {
            Standing::Merged { into } => Some(into),
            _ => None,
        }
    }

    /// How urgent the last decision says it is.
    pub fn priority(&self) -> Priority {
        self.decided.as_ref().map_or(Priority::Normal, |decided| decided.priority)
    }

    /// The score that counts for the lead: once it was an MQL it stays one, whatever its score does. If no line makes it
    /// one any more, [`Score::mql_by`] stays empty, and [`Milestones::mql`] says since when it is one.
    #[must_use]
    pub const fn keep_mql(&self, mut score: Score) -> Score {
        score.mql |= self.milestones.mql.is_some();
        score
    }

    /// Whether the lead was held before it could be stored: perhaps nothing else is known of it.
    pub const fn is_unstored(&self) -> bool {
        matches!(self.standing, Standing::Held { from: HeldFrom::Unstored, .. })
    }
}
