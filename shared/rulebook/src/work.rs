//! Counts the steps of checking and comparing rulebooks, so that no rulebook takes too long. A step is one comparison
//! or copy of something small, a few nanoseconds. Steps are counted instead of time, so that the same rulebook always
//! gets the same answer.
//!
//! Every kind of work has an allowance of its own. What it buys: see the constants. When an allowance is used up, that
//! work is left undone and the answer says so; nothing is guessed.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// For suggestions (`did you mean …?`). The problems that are told first use it up first.
const SUGGESTIONS: u64 = 4_000_000;
/// For finding two tests of a rule that cannot both be true.
const CONTRADICTIONS: u64 = 10_000_000;
/// For laying out the space of leads.
const SPACE: u64 = 8_000_000;
/// For the regions of conditions: for each of them, for all together beyond that, and the most for one.
const REGIONS: Allowance = Allowance { each: 300, common: 12_000_000, most: 2_000_000 };
/// For finding out whether earlier rules cover a rule.
const COVERING: Allowance = Allowance { each: 1_000, common: 20_000_000, most: 4_000_000 };
/// For rules without effect, repeated lines and scores out of reach.
const REDUNDANT: Allowance = Allowance { each: 0, common: 10_000_000, most: 1_000_000 };
/// For notes, which are made only on request.
const NOTES: Allowance = Allowance { each: 0, common: 60_000_000, most: 60_000_000 };
/// For finding pairs in a comparison of two rulebooks.
const COMPARISON: u64 = 20_000_000;

/// What one kind of work may take.
#[derive(Clone, Copy, Debug, Default)]
struct Allowance {
    /// For each question; no other question can use it up.
    each: u64,
    /// For all questions together, beyond `each`.
    common: u64,
    /// The most of `common` for one question.
    most: u64,
}

/// The work of one check or comparison: counts its steps, and ends it when nobody waits for the answer any more.
///
/// ```
/// use fairleader_rulebook::{References, Rulebook, Work};
///
/// let work = Work::default();
/// assert!(Rulebook::parse_with("company: {}", &References::default(), &work).is_err());
/// assert!(work.steps() > 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Work(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    stop: Option<Arc<AtomicBool>>,
    steps: Cell<u64>,
    suggestions: Cell<u64>,
    contradictions: Cell<u64>,
    space: Cell<u64>,
    comparison: Cell<u64>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            stop: None,
            steps: Cell::new(0),
            suggestions: Cell::new(SUGGESTIONS),
            contradictions: Cell::new(CONTRADICTIONS),
            space: Cell::new(SPACE),
            comparison: Cell::new(COMPARISON),
        }
    }
}

impl Work {
    /// Creates work that ends soon after `stop` is set.
    pub fn until(stop: Arc<AtomicBool>) -> Self {
        Self(Rc::new(Inner { stop: Some(stop), ..Inner::default() }))
    }

    /// Returns how many steps were taken so far.
    pub fn steps(&self) -> u64 {
        self.0.steps.get()
    }

    /// Returns whether the work was stopped. Its answer means nothing then.
    pub fn is_stopped(&self) -> bool {
        self.0.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Counts steps that need no allowance, because their number grows only with the length of the text.
    pub(crate) fn count(&self, steps: usize) {
        self.0.steps.set(self.0.steps.get().saturating_add(wide(steps)));
    }

    fn take(&self, from: &Cell<u64>, steps: usize) -> bool {
        let left = from.get().checked_sub(wide(steps)).filter(|_| !self.is_stopped());
        from.set(left.unwrap_or_default());
        if left.is_some() {
            self.count(steps);
        }
        left.is_some()
    }

    /// Returns whether there is an allowance for this many steps towards a suggestion.
    pub(crate) fn suggests(&self, steps: usize) -> bool {
        self.take(&self.0.suggestions, steps)
    }

    /// Returns whether there is an allowance for this many steps of looking for contradictions.
    pub(crate) fn contradicts(&self, steps: usize) -> bool {
        self.take(&self.0.contradictions, steps)
    }

    /// Returns whether there is an allowance for this many steps of laying out the space of leads.
    pub(crate) fn lays_out(&self, steps: usize) -> bool {
        self.take(&self.0.space, steps)
    }

    /// Returns whether there is an allowance for this many steps of a comparison.
    pub(crate) fn compares(&self, steps: usize) -> bool {
        self.take(&self.0.comparison, steps)
    }

    /// Returns whether the search for contradictions was given up.
    pub(crate) fn is_spent_on_contradictions(&self) -> bool {
        self.0.contradictions.get() == 0
    }

    /// Returns the allowance for the regions of conditions.
    pub(crate) fn regions(&self) -> Purse {
        self.purse(REGIONS)
    }

    /// Returns the allowance for finding covered rules.
    pub(crate) fn covering(&self) -> Purse {
        self.purse(COVERING)
    }

    /// Returns the allowance for finding parts without effect.
    pub(crate) fn redundant(&self) -> Purse {
        self.purse(REDUNDANT)
    }

    /// Returns the allowance for notes.
    pub(crate) fn notes(&self) -> Purse {
        self.purse(NOTES)
    }

    fn purse(&self, of: Allowance) -> Purse {
        Purse {
            work: self.clone(),
            of,
            common: Cell::new(of.common),
            own: Cell::new(0),
            drawn: Cell::new(0),
            spent: Cell::new(false),
        }
    }
}

/// An allowance for questions that come one after the other. A question that takes long cannot use up what the others
/// need: each has a share of its own.
#[derive(Debug, Default)]
pub(crate) struct Purse {
    work: Work,
    of: Allowance,
    common: Cell<u64>,
    /// What is left of the current question's share.
    own: Cell<u64>,
    /// What the current question took from `common`.
    drawn: Cell<u64>,
    /// Whether a question stayed without an answer.
    spent: Cell<bool>,
}

impl Purse {
    /// Starts the next question.
    pub(crate) fn ask(&self) {
        self.own.set(self.of.each);
        self.drawn.set(0);
    }

    /// Returns whether a question stayed without an answer.
    pub(crate) const fn is_spent(&self) -> bool {
        self.spent.get()
    }

    /// Takes steps for the current question. `None` if it may not take that many; the question stays without an answer.
    pub(crate) fn take(&self, steps: usize) -> Option<()> {
        let steps = wide(steps);
        let own = self.own.get();
        let beyond = steps.saturating_sub(own);
        let drawn = self.drawn.get().saturating_add(beyond);
        let common = self.common.get().checked_sub(beyond);
        let Some(common) = common.filter(|_| drawn <= self.of.most && !self.work.is_stopped()) else {
            self.spent.set(true);
            return None;
        };
        self.own.set(own.saturating_sub(steps));
        self.drawn.set(drawn);
        self.common.set(common);
        self.work.0.steps.set(self.work.0.steps.get().saturating_add(steps));
        Some(())
    }
}

fn wide(steps: usize) -> u64 {
    u64::try_from(steps).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_question_leaves_the_others_their_share() {
        let work = Work::default();
        let purse = work.purse(Allowance { each: 10, common: 100, most: 60 });
        purse.ask();
        assert_eq!(purse.take(70), Some(()), "its own 10, and 60 of all");
        assert_eq!(purse.take(1), None, "no more for this question");
        purse.ask();
        assert_eq!(purse.take(50), Some(()));
        assert_eq!(purse.take(1), None, "the common part is used up");
        purse.ask();
        assert_eq!(purse.take(10), Some(()), "its own share is left");
        assert_eq!(purse.take(1), None);
        assert_eq!(work.steps(), 130);
    }

    #[test]
    fn ends_when_stopped() {
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work::until(Arc::clone(&stop));
        assert!(work.suggests(1) && work.covering().take(1).is_some());
        stop.store(true, Ordering::Relaxed);
        assert!(!work.suggests(1) && work.covering().take(1).is_none() && work.is_stopped());
    }
}
