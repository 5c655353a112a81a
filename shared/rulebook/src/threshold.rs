//! The highest score threshold at which a lead is an MQL, and the reps a rulebook names. A replay uses both to weigh
//! other thresholds against the available reps.

use std::collections::BTreeSet;

use super::condition::{Condition, Test};
use super::field::SCORE;
use super::reading::Reading;
use crate::facts::Facts;
use crate::matcher::Matcher;
use crate::rule::Target;
use crate::rulebook::Rulebook;
use fairleader_lead::id::RepId;
use fairleader_lead::ruling::Outcome;

/// The highest possible score.
const MOST: u32 = 100;

/// The score threshold up to which a lead is an MQL; lower thresholds let in more leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MqlUpTo {
    /// Not an MQL at any threshold.
    Never,
    /// An MQL as long as the required score is not higher than this.
    Threshold(u8),
    /// An MQL at any threshold: it meets a line without a minimum score.
    Always,
}

impl MqlUpTo {
    /// Returns whether the lead is an MQL if the score has to be at least `threshold`.
    pub fn includes(self, threshold: u8) -> bool {
        match self {
            Self::Never => false,
            Self::Threshold(highest) => threshold <= highest,
            Self::Always => true,
        }
    }

    fn always_if(holds: bool) -> Self {
        if holds { Self::Always } else { Self::Never }
    }
}

impl Rulebook {
    /// Returns the threshold up to which the lead is an MQL, if every line of `mql` with a minimum score (`60+`,
    /// `60-80`, `not: { score: under 60 }`) used that threshold instead. All other tests stay the same, including those
    /// of fit, engagement, interest, grade, an exact score and a maximum score. A lead without a score is scored first.
    pub fn mql_up_to(&self, facts: &Facts<'_>) -> MqlUpTo {
        self.with_score(facts, |facts, reading| {
            let Some(total) = facts.score.map(|score| score.total) else { return MqlUpTo::Never };
            let lead = Scored { reading, total, slot: self.fields.slot(SCORE) };
            self.scoring.mql.iter().map(|line| lead.up_to(line, true)).max().unwrap_or(MqlUpTo::Never)
        })
    }

    /// Returns every rep that a rule names, but not owners taken from a lead.
    pub fn named_reps(&self) -> BTreeSet<&RepId> {
        let fixed = self.block.iter().chain(&self.route).filter_map(|rule| match &rule.target {
            Target::Fixed(outcome) => Some(outcome),
            Target::Owner { .. } | Target::Pool { .. } => None,
        });
        let outcomes = fixed.chain([&self.last.outcome]);
        outcomes
            .filter_map(|outcome| match outcome {
                Outcome::Owner { rep, .. } => Some(rep),
                _ => None,
            })
            .collect()
    }
}

/// A lead with its score.
struct Scored<'r> {
    reading: &'r Reading<'r>,
    total: u8,
    /// The slot of the score, if the rulebook uses it.
    slot: Option<usize>,
}

impl Scored<'_> {
    /// Returns the threshold up to which `condition` holds, or does not hold if `holds` is false. In that case a
    /// maximum score contains the threshold, and `all` and `any` swap.
    fn up_to(&self, condition: &Condition, holds: bool) -> MqlUpTo {
        match condition {
            Condition::All(parts) if holds => self.all(parts, holds),
            Condition::All(parts) => self.any(parts, holds),
            Condition::Any(parts) if holds => self.any(parts, holds),
            Condition::Any(parts) => self.all(parts, holds),
            Condition::Not(inner) => self.up_to(inner, !holds),
            Condition::Named(named) => self.up_to(&named.condition, holds),
            Condition::Test(test) if Some(test.slot) == self.slot => self.test(test, holds),
            Condition::Test(_) | Condition::Did(_) => MqlUpTo::always_if(condition.holds(self.reading) == holds),
        }
    }

    fn all(&self, parts: &[Condition], holds: bool) -> MqlUpTo {
        parts.iter().map(|part| self.up_to(part, holds)).min().unwrap_or(MqlUpTo::Always)
    }

    fn any(&self, parts: &[Condition], holds: bool) -> MqlUpTo {
        parts.iter().map(|part| self.up_to(part, holds)).max().unwrap_or(MqlUpTo::Never)
    }

    fn test(&self, test: &Test, holds: bool) -> MqlUpTo {
        let each = test.any_of.iter().map(|matcher| self.matcher(matcher, test.slot, holds));
        let found = if holds { each.max() } else { each.min() };
        found.unwrap_or(MqlUpTo::always_if(!holds))
    }

    fn matcher(&self, matcher: &Matcher, slot: usize, holds: bool) -> MqlUpTo {
        match *matcher {
            Matcher::Number { from, to } if holds && (to == u32::MAX || (0 < from && from < to)) => {
                if u32::from(self.total) <= to { MqlUpTo::Threshold(self.total) } else { MqlUpTo::Never }
            }
            Matcher::Number { from: 0, to } if !holds && to < MOST => MqlUpTo::Threshold(self.total),
            _ => MqlUpTo::always_if(matcher.holds(self.reading.value(slot)) == holds),
        }
    }
}

#[cfg(test)]
mod tests;
