//! A compiled rule: its condition, and what it does with matching leads.

use std::borrow::Cow;

use fairleader_lead::id::{PoolId, RepId};
use fairleader_lead::ruling::{IfNobody, IfUnavailable, Outcome, Priority, Ruling};

use crate::condition::Condition;
use crate::facts::Facts;
use crate::field;
use crate::reading::Reading;

/// A [`Ruling`] that borrows from the rulebook, so a rule that always does the same needs no allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'r> {
    /// The rule that won, or [`fairleader_lead::ruling::NOT_AN_MQL`].
    pub rule: &'r str,
    /// What happens to the lead.
    pub outcome: Cow<'r, Outcome>,
    /// The lead's priority.
    pub priority: Priority,
    /// The lead's expected value in whole units of the company's currency, if the rule gives one.
    pub value: Option<u32>,
}

impl From<Verdict<'_>> for Ruling {
    fn from(Verdict { rule, outcome, priority, value }: Verdict<'_>) -> Self {
        Self { rule: rule.to_owned(), outcome: outcome.into_owned(), priority, value }
    }
}

/// A rule of `block` or `route`.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) condition: Condition,
    pub(crate) target: Target,
    pub(crate) priority: Priority,
    pub(crate) value: Option<ValueOf>,
}

/// The last rule of `route`, which takes every lead that reaches it.
#[derive(Clone, Debug)]
pub(crate) struct LastRule {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    pub(crate) priority: Priority,
    pub(crate) value: Option<ValueOf>,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Always has the same outcome.
    Fixed(Outcome),
    /// Gives the lead to a rep taken from the lead; without one, the rule does not match.
    Owner { owner: Rep, if_unavailable: IfUnavailable, counts_as_turn: bool },
    /// Gives the lead to the pool named in a field; without one, the rule does not match.
    Pool { slot: usize, if_nobody: IfNobody },
}

/// A rep taken from the lead, with the slot of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rep {
    /// `account.owner`.
    AccountOwner(usize),
    /// `account.deal_owner`.
    DealOwner(usize),
    /// A column of a table.
    Field(usize),
}

impl Rep {
    pub(crate) const fn slot(self) -> usize {
        match self {
            Self::AccountOwner(slot) | Self::DealOwner(slot) | Self::Field(slot) => slot,
        }
    }

    pub(crate) fn id(self, facts: &Facts<'_>, reading: &Reading<'_>) -> Option<RepId> {
        match self {
            Self::AccountOwner(_) => facts.account?.owner.clone(),
            Self::DealOwner(_) => field::deal_owner(facts).cloned(),
            Self::Field(slot) => reading.text(slot).map(RepId::new),
        }
    }
}

/// The expected value of a lead, in whole units of the company's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueOf {
    Fixed(u32),
    /// The number in this slot.
    Field(usize),
}

impl ValueOf {
    pub(crate) const fn slot(self) -> Option<usize> {
        match self {
            Self::Fixed(_) => None,
            Self::Field(slot) => Some(slot),
        }
    }

    pub(crate) fn amount(self, reading: &Reading<'_>) -> Option<u32> {
        match self {
            Self::Fixed(amount) => Some(amount),
            Self::Field(slot) => reading.number(slot),
        }
    }
}

impl Target {
    /// Returns the slot in which it needs a value.
    pub(crate) const fn slot(&self) -> Option<usize> {
        match self {
            Self::Fixed(_) => None,
            Self::Owner { owner, .. } => Some(owner.slot()),
            Self::Pool { slot, .. } => Some(*slot),
        }
    }
}

impl Rule {
    /// Returns its verdict on a lead that meets its condition; `None` if the lead lacks the owner or pool that it
    /// needs.
    pub(crate) fn verdict<'r>(&'r self, facts: &Facts<'_>, reading: &Reading<'_>) -> Option<Verdict<'r>> {
        let outcome = match &self.target {
            Target::Fixed(outcome) => Cow::Borrowed(outcome),
            Target::Owner { owner, if_unavailable, counts_as_turn } => Cow::Owned(Outcome::Owner {
                rep: owner.id(facts, reading)?,
                if_unavailable: if_unavailable.clone(),
                counts_as_turn: *counts_as_turn,
            }),
            Target::Pool { slot, if_nobody } => {
                Cow::Owned(Outcome::Pool { pool: PoolId::new(reading.text(*slot)?), if_nobody: if_nobody.clone() })
            }
        };
        let value = self.value.and_then(|value| value.amount(reading));
        Some(Verdict { rule: &self.name, outcome, priority: self.priority, value })
    }

    /// Returns the slot of the owner or pool that the rule needs and the lead lacks.
    pub(crate) fn lacks(&self, reading: &Reading<'_>) -> Option<usize> {
        self.target.slot().filter(|slot| reading.value(*slot).is_none())
    }
}

impl LastRule {
    pub(crate) fn verdict(&self, reading: &Reading<'_>) -> Verdict<'_> {
        let value = self.value.and_then(|value| value.amount(reading));
        Verdict { rule: &self.name, outcome: Cow::Borrowed(&self.outcome), priority: self.priority, value }
    }
}
