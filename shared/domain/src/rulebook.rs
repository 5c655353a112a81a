//! The rulebook: what marketing and sales agreed on, in plain words.
//!
//! [`Rulebook::parse`] reads a YAML document in steps, each with a file of its own: `yaml` (nodes with their places),
//! `parse` (the shape: `ast`), `check` (names, types, contradictions; gives the compiled rulebook), with `cover` (which
//! leads a condition holds for, so which rules can never win). All problems are reported at once; [`Rulebook::notes`]
//! says what is worth knowing besides, and [`unstaffed`] when nobody is there. [`Rulebook::decide`] is pure, and so is
//! [`Rulebook::explain`], which never takes part in a decision.
//!
//! What a document may say:
//!
//! - `block`: rules that `disqualify` or `hold` a lead before anything else; they know no score.
//! - `score`: lines that give or take points, see [`crate::scoring`]; `mql`: any of these lines makes a lead an MQL.
//! - `route`: rules for MQLs, top down, the first match wins; the last has no `if`. A rule that gives the lead to
//!   `account.owner` or `account.deal_owner` does not fit a lead for which there is none.
//! - `lookups`: fields of the rulebook's own (`region` from `country`); `conditions`: named ones, used as `is: NAME`.
//!
//! `docs/rulebook.md` is the reference, for the people who write rulebooks; a test reads, checks and decides every
//! example in it. [`Rulebook::json_schema`] is for their editors.
//!
//! In a condition every field named must pass; a list means any of. Values stay text until the field's type reads them,
//! so `NO` is Norway and `01067` keeps its zero. Text is compared without regard to case, accents and the number of
//! blanks. A test of a value the lead does not have fails, except for `absent`, so `not: { country: DE }` holds for
//! such a lead.

mod ast;
mod check;
mod condition;
mod cover;
mod date;
mod diagnostic;
mod did;
mod diff;
mod explain;
mod field;
mod index;
mod lookup;
pub mod map;
mod parse;
mod reading;
mod schema;
mod staffing;
mod symbols;
mod table;
mod threshold;
mod typed;
mod value;
mod yaml;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use self::diagnostic::{Diagnostic, Severity};
pub use self::diff::{About, Change, What, diff};
pub use self::explain::{Explanation, NearMiss};
pub use self::index::IndexSize;
pub use self::staffing::{Staffing, unstaffed};
pub use self::table::{RowProblem, Table};
pub use self::threshold::MqlUpTo;
pub use self::typed::TypedLead;

pub(crate) use self::condition::Condition;
pub(crate) use self::did::Did;
pub(crate) use self::reading::{Fields, Reading};

use self::check::Ask;
use self::diagnostic::Problems;
use self::index::{Index, Indexes};
use crate::account::AccountFacts;
use crate::id::{PoolId, RepId, SourceId};
use crate::lead::Profile;
use crate::scoring::{Score, Scoring};

/// The rule that a ruling names when no line of `mql` held. No rule may be called that.
pub const NOT_AN_MQL: &str = "not an MQL";

/// The reason of the nurture outcome when no line of `mql` held.
pub const NOT_AN_MQL_REASON: &str = "not_an_mql";

/// What a rulebook may look at when it decides on a lead.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Who the lead is.
    pub profile: &'a Profile,
    /// Where it came from.
    pub source: &'a SourceId,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its account, if it has one.
    pub account: Option<&'a AccountFacts>,
    /// Its score, once it has one.
    pub score: Option<&'a Score>,
    /// The instant it is decided on; ages and half-lives count up to it.
    pub now: Timestamp,
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

/// What a rulebook may refer to; names that are not here are reported.
#[derive(Clone, Debug, Default)]
pub struct References {
    /// Every pool there is; with `None` any pool may be named.
    pub pools: Option<BTreeSet<PoolId>>,
    /// Every rep there is; with `None` any rep may be named.
    pub reps: Option<BTreeSet<RepId>>,
    /// Every table there is, by its name.
    pub tables: BTreeMap<String, Arc<Table>>,
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
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(crate) const fn is_normal(&self) -> bool {
        matches!(self, Self::Normal)
    }
}

/// A rulebook that passed every check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The rulebook, ready to decide.
    pub rulebook: Rulebook,
    /// What works, but was probably not meant.
    pub warnings: Vec<Diagnostic>,
}

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

/// A [`Ruling`] that borrows from the rulebook what it can: nothing is allocated for a rule that always does the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'r> {
    /// The rule that won, or [`NOT_AN_MQL`].
    pub rule: &'r str,
    /// What it wants.
    pub outcome: Cow<'r, Outcome>,
    /// How urgent the lead is.
    pub priority: Priority,
    /// What it is expected to be worth, in whole units of the company's currency, where the rule says so.
    pub value: Option<u32>,
}

impl From<Verdict<'_>> for Ruling {
    fn from(Verdict { rule, outcome, priority, value }: Verdict<'_>) -> Self {
        Self { rule: rule.to_owned(), outcome: outcome.into_owned(), priority, value }
    }
}

/// A checked and compiled rulebook.
#[derive(Clone, Debug)]
pub struct Rulebook {
    zone: String,
    currency: String,
    fields: Fields,
    block: Vec<Rule>,
    scoring: Scoring,
    /// Every rule of `route` but the last.
    route: Vec<Rule>,
    last: LastRule,
    pools: BTreeSet<PoolId>,
    /// Finds the rules of `block` and `route` that fit.
    indexes: Indexes,
}

/// A rule of `block` or `route`.
#[derive(Clone, Debug)]
struct Rule {
    name: String,
    condition: Condition,
    target: Target,
    priority: Priority,
    value: Option<ValueOf>,
}

/// The last rule of `route`, which takes every lead that gets there.
#[derive(Clone, Debug)]
struct LastRule {
    name: String,
    outcome: Outcome,
    priority: Priority,
    value: Option<ValueOf>,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// Always the same.
    Fixed(Outcome),
    /// Gives the lead to a rep read off the lead; if there is none, the rule does not fit.
    Owner { owner: Rep, if_unavailable: IfUnavailable, counts_as_turn: bool },
    /// Gives the lead to the pool named in a field; if there is none, the rule does not fit.
    Pool { slot: usize, if_nobody: IfNobody },
}

/// A rep read off the lead, with the slot of the field they stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rep {
    /// `account.owner`.
    AccountOwner(usize),
    /// `account.deal_owner`.
    DealOwner(usize),
    /// A column of a table.
    Field(usize),
}

impl Rep {
    const fn slot(self) -> usize {
        match self {
            Self::AccountOwner(slot) | Self::DealOwner(slot) | Self::Field(slot) => slot,
        }
    }

    fn id(self, facts: &Facts<'_>, reading: &Reading<'_>) -> Option<RepId> {
        match self {
            Self::AccountOwner(_) => facts.account?.owner.clone(),
            Self::DealOwner(_) => field::deal_owner(facts).cloned(),
            Self::Field(slot) => reading.text(slot).map(RepId::new),
        }
    }
}

/// What a lead is expected to be worth, in whole units of the company's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueOf {
    Fixed(u32),
    /// What stands in this slot.
    Field(usize),
}

impl ValueOf {
    const fn slot(self) -> Option<usize> {
        match self {
            Self::Fixed(_) => None,
            Self::Field(slot) => Some(slot),
        }
    }

    fn amount(self, reading: &Reading<'_>) -> Option<u32> {
        match self {
            Self::Fixed(amount) => Some(amount),
            Self::Field(slot) => reading.number(slot),
        }
    }
}

impl Target {
    /// The slot it needs a value in.
    const fn slot(&self) -> Option<usize> {
        match self {
            Self::Fixed(_) => None,
            Self::Owner { owner, .. } => Some(owner.slot()),
            Self::Pool { slot, .. } => Some(*slot),
        }
    }
}

impl Rule {
    /// What it wants for a lead that meets its condition; `None` if it needs an owner or a pool that the lead lacks.
    fn verdict<'r>(&'r self, facts: &Facts<'_>, reading: &Reading<'_>) -> Option<Verdict<'r>> {
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

    /// The slot of the owner or pool that the rule needs and the lead does not have.
    fn lacks(&self, reading: &Reading<'_>) -> Option<usize> {
        self.target.slot().filter(|slot| reading.value(*slot).is_none())
    }
}

impl Rulebook {
    /// Reads and checks a YAML document; what it names must be among `references`.
    ///
    /// # Errors
    /// Everything that is wrong with it, warnings included, in the order of the source.
    pub fn parse(text: &str, references: &References) -> Result<Checked, Vec<Diagnostic>> {
        Self::read_for(Ask::Problems, text, references)
    }

    /// Reads a YAML document that was checked when it came in, to decide by it. What its rules do to each other is not
    /// looked at again: that takes time, and a check that has become sharper must not stop a rulebook that is in use.
    ///
    /// # Errors
    /// What cannot be read, or not be decided by.
    pub fn reuse(text: &str, references: &References) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self::read_for(Ask::Use, text, references)?.rulebook)
    }

    fn read_for(ask: Ask, text: &str, references: &References) -> Result<Checked, Vec<Diagnostic>> {
        let mut problems = Problems::default();
        let rulebook = yaml::read(text, &mut problems).and_then(|root| {
            let document = parse::parse(&root, &mut problems);
            check::check(&document, references, ask, &mut problems)
        });
        let warnings = problems.finish()?;
        match rulebook {
            Some(rulebook) => Ok(Checked { rulebook, warnings }),
            // A part is missing only with a problem that says so.
            None => Err(warnings),
        }
    }

    /// What is worth knowing about a YAML document though nothing is wrong with it: rules whose order decides,
    /// neighbours that do the same, and what is left for the last rule. Empty for one that [`Rulebook::parse`] refuses.
    ///
    /// This takes longer than checking alone, and most people want it only now and then, so it is asked for by itself.
    pub fn notes(text: &str, references: &References) -> Vec<Diagnostic> {
        let mut problems = Problems::default();
        let Some(root) = yaml::read(text, &mut problems) else { return Vec::new() };
        let document = parse::parse(&root, &mut problems);
        check::check(&document, references, Ask::Notes, &mut problems);
        let found = problems.finish().unwrap_or_default();
        found.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Note).collect()
    }

    /// The tables that a YAML document uses, by name; empty for a text that cannot be read.
    pub fn tables_used(text: &str) -> BTreeSet<String> {
        let mut problems = Problems::default();
        let Some(root) = yaml::read(text, &mut problems) else { return BTreeSet::new() };
        let document = parse::parse(&root, &mut problems);
        let tables = document.lookups.into_iter().filter_map(|lookup| match lookup.source {
            ast::LookupSource::Table { table, .. } => Some(table.text),
            ast::LookupSource::Values(_) => None,
        });
        tables.collect()
    }

    /// The tables it looks things up in.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.fields.tables().iter().map(|lookup| lookup.table.as_ref())
    }

    /// The company's time zone, by its IANA name.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// The company's time zone.
    pub const fn time_zone(&self) -> &TimeZone {
        self.fields.zone()
    }

    /// The company's currency, ISO 4217.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// Every pool that a rule names.
    pub const fn pools(&self) -> &BTreeSet<PoolId> {
        &self.pools
    }

    /// The names of all rules, of `block` first, each section in its order.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        let rules = self.block.iter().chain(&self.route).map(|rule| &rule.name);
        rules.chain([&self.last.name]).map(String::as_str)
    }

    /// Scores a lead and says whether it is an MQL; what `facts` has for a score is not looked at.
    pub fn score(&self, facts: &Facts<'_>) -> Score {
        self.scoring.score(&self.fields, facts)
    }

    /// What the `block` rules want, if one of them fits. Needs no score.
    pub fn blocked(&self, facts: &Facts<'_>) -> Option<Ruling> {
        let reading = self.fields.read(facts);
        self.first_block(facts, &reading).map(|(_, verdict)| verdict.into())
    }

    /// Decides on a lead: `block` first, then whether it is an MQL (as its score says), then `route`. A lead that comes
    /// without a score is scored here.
    pub fn decide(&self, facts: &Facts<'_>) -> Ruling {
        self.with_score(facts, |facts, reading| self.decide_reading(facts, reading).1.into())
    }

    /// Says in words why [`Rulebook::decide`] decides as it does.
    pub fn explain(&self, facts: &Facts<'_>) -> Explanation {
        self.with_score(facts, |facts, reading| explain::explain(self, facts, reading))
    }

    fn with_score<T>(&self, facts: &Facts<'_>, then: impl Fn(&Facts<'_>, &Reading<'_>) -> T) -> T {
        if facts.score.is_some() {
            return then(facts, &self.fields.read(facts));
        }
        let score = self.score(facts);
        let facts = Facts { score: Some(&score), ..*facts };
        then(&facts, &self.fields.read(&facts))
    }

    fn decide_reading(&self, facts: &Facts<'_>, reading: &Reading<'_>) -> (Winner<'_>, Verdict<'_>) {
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

    fn first_block(&self, facts: &Facts<'_>, reading: &Reading<'_>) -> Option<(&Rule, Verdict<'_>)> {
        first(&self.block, &self.indexes.block, facts, reading)
    }
}

impl LastRule {
    fn verdict(&self, reading: &Reading<'_>) -> Verdict<'_> {
        let value = self.value.and_then(|value| value.amount(reading));
        Verdict { rule: &self.name, outcome: Cow::Borrowed(&self.outcome), priority: self.priority, value }
    }
}

fn not_an_mql() -> Verdict<'static> {
    let outcome = Cow::Owned(Outcome::Nurture { reason: NOT_AN_MQL_REASON.to_owned() });
    Verdict { rule: NOT_AN_MQL, outcome, priority: Priority::default(), value: None }
}

/// What a decision came from.
enum Winner<'r> {
    /// A rule of `block`.
    Block(&'r Rule),
    /// No line of `mql` held.
    NotAnMql,
    /// A rule of `route` with an `if`.
    Route(&'r Rule),
    /// The last rule of `route`.
    Last,
}

/// The first rule that fits.
fn first<'r>(
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

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
