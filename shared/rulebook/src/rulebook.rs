//! A checked and compiled rulebook, and how it decides.

use std::borrow::Cow;
use std::collections::BTreeSet;

use fairleader_lead::id::{PoolId, RepId};
use fairleader_lead::ruling::{NOT_AN_MQL, NOT_AN_MQL_REASON, Outcome, Priority, Ruling};
use fairleader_lead::score::Score;
use jiff::tz::TimeZone;

use crate::facts::Facts;
use crate::index::{Index, Indexes};
use crate::reading::{Fields, Reading};
use crate::rule::{LastRule, Rule, Verdict};
use crate::scoring::Scoring;
use crate::table::Table;

/// A checked and compiled rulebook.
#[derive(Clone, Debug)]
pub struct Rulebook {
    pub(crate) zone: String,
    pub(crate) currency: String,
    pub(crate) fields: Fields,
    pub(crate) block: Vec<Rule>,
    pub(crate) scoring: Scoring,
    /// Every rule of `route` but the last.
    pub(crate) route: Vec<Rule>,
    pub(crate) last: LastRule,
    pub(crate) pools: BTreeSet<PoolId>,
    pub(crate) reps: BTreeSet<RepId>,
    /// Finds the matching rules of `block` and `route`.
    pub(crate) indexes: Indexes,
}

impl Rulebook {
    /// Returns the tables that its lookups read.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.fields.tables().iter().map(|lookup| lookup.table.as_ref())
    }

    /// Returns the IANA name of the company's time zone.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Returns the company's time zone.
    pub const fn time_zone(&self) -> &TimeZone {
        self.fields.zone()
    }

    /// Returns the company's currency (ISO 4217).
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// Returns every pool that a rule or a table names.
    pub const fn pools(&self) -> &BTreeSet<PoolId> {
        &self.pools
    }

    /// Returns every rep that a rule names, or a table that rules read owners from.
    pub const fn reps(&self) -> &BTreeSet<RepId> {
        &self.reps
    }

    /// Returns the names of all rules in order, `block` before `route`.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        let rules = self.block.iter().chain(&self.route).map(|rule| &rule.name);
        rules.chain([&self.last.name]).map(String::as_str)
    }

    /// Scores a lead and says whether it is an MQL; ignores any score in `facts`.
    pub fn score(&self, facts: &Facts<'_>) -> Score {
        self.scoring.score(&self.fields, facts)
    }

    /// Returns the ruling of the first matching `block` rule, if any. Needs no score.
    pub fn blocked(&self, facts: &Facts<'_>) -> Option<Ruling> {
        let reading = self.fields.read(facts);
        self.first_block(facts, &reading).map(|(_, verdict)| verdict.into())
    }

    /// Decides on a lead: `block` first, then whether it is an MQL (according to its score), then `route`. A lead
    /// without a score is scored first.
    pub fn decide(&self, facts: &Facts<'_>) -> Ruling {
        self.with_score(facts, |facts, reading| self.decide_reading(facts, reading).1.into())
    }

    pub(crate) fn with_score<T>(&self, facts: &Facts<'_>, then: impl Fn(&Facts<'_>, &Reading<'_>) -> T) -> T {
        if facts.score.is_some() {
            return then(facts, &self.fields.read(facts));
        }
        let score = self.score(facts);
        let facts = Facts { score: Some(&score), ..*facts };
        then(&facts, &self.fields.read(&facts))
    }

    pub(crate) fn decide_reading(&self, facts: &Facts<'_>, reading: &Reading<'_>) -> (Winner<'_>, Verdict<'_>) {
        if let Some((rule, verdict)) = self.first_block(facts, reading) {
            return (Winner::Block(rule), verdict);
        }
        if !facts.score.is_some_and(|score| score.mql) {
            return (Winner::NotAnMql, not_an_mql());
        }
        match first(&self.route, &self.indexes.route, facts, reading) {
            Some((rule, verdict)) => (Winner::Route(rule), verdict),
            None => (Winner::Last, self.last.verdict(reading)),
        }
    }

    pub(crate) fn first_block(&self, facts: &Facts<'_>, reading: &Reading<'_>) -> Option<(&Rule, Verdict<'_>)> {
        first(&self.block, &self.indexes.block, facts, reading)
    }
}

pub(crate) fn not_an_mql() -> Verdict<'static> {
    let outcome = Cow::Owned(Outcome::Nurture { reason: NOT_AN_MQL_REASON.to_owned() });
    Verdict { rule: NOT_AN_MQL, outcome, priority: Priority::default(), value: None }
}

/// The part of the rulebook that decided.
pub(crate) enum Winner<'r> {
    /// A rule of `block`.
    Block(&'r Rule),
    /// No line of `mql` held.
    NotAnMql,
    /// A rule of `route` other than the last.
    Route(&'r Rule),
    /// The last rule of `route`.
    Last,
}

/// Returns the first matching rule.
pub(crate) fn first<'r>(
    rules: &'r [Rule],
    index: &Index,
    facts: &Facts<'_>,
    reading: &Reading<'_>,
) -> Option<(&'r Rule, Verdict<'r>)> {
    index.first(reading, |number, holds| {
        let rule = rules.get(number).filter(|rule| holds || rule.condition.holds(reading))?;
        Some((rule, rule.verdict(facts, reading)?))
    })
}
