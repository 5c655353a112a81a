//! A rulebook as a process: its steps in order, each in words, for a diagram or a text.
//!
//! The map only describes the rulebook and decides nothing. Long lists of values are shortened, with a count of the
//! rest.

mod prose;

use crate::time_span;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::condition::{Condition, Named, some};
use super::reading::{Field, Origin};
use crate::matcher::Matcher;
use crate::rule::{Rule, Target, ValueOf};
use crate::rulebook::Rulebook;
use fairleader_lead::ruling::{IfNobody, IfUnavailable, NOT_AN_MQL_REASON, Outcome, Priority};

/// The most values of a list to name.
const MOST_VALUES: usize = 8;

/// Display names of pools and reps; an id without one is shown as it is.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Pool names by pool id.
    pub pools: BTreeMap<String, String>,
    /// Rep names by rep id.
    pub reps: BTreeMap<String, String>,
}

/// The whole process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Map {
    /// The company's time zone, by its IANA name.
    pub zone: String,
    /// The company's currency, ISO 4217.
    pub currency: String,
    /// Rules that come before everything else.
    pub block: Vec<Step>,
    /// How the score is calculated.
    pub score: ScoreMap,
    /// Any of these makes a lead an MQL, in words.
    pub mql: Vec<String>,
    /// What happens to a lead that is not an MQL.
    pub not_an_mql: Destination,
    /// Rules for MQLs, in order; the last one takes every lead that reaches it.
    pub route: Vec<Step>,
    /// The terms that the rulebook defines and uses: lookups and named conditions.
    pub words: Vec<Word>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its position in its section, from 1.
    pub number: usize,
    /// Its name.
    pub rule: String,
    /// What must hold, in words: all of these. Empty for the last rule.
    pub conditions: Vec<String>,
    /// Where it sends the lead.
    pub goes: Destination,
    /// The lead's priority, unless it is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The lead's expected value, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Where a rule sends a lead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Destination {
    /// The kind of destination.
    pub kind: Kind,
    /// The pool, rep or reason, or the field that holds it.
    pub name: String,
    /// Whether `name` is a field that holds the pool or rep.
    pub read_off: bool,
    /// The display name of the pool or rep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What happens if no rep there can take the lead, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<String>,
}

/// The kind of a [`Destination`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One rep.
    Owner,
    /// A pool of reps.
    Pool,
    /// Left with marketing.
    Nurture,
    /// Held until a person decides.
    Hold,
    /// Disqualified.
    Disqualify,
}

impl Kind {
    /// Every kind, in the order of a legend.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Pool, Self::Nurture, Self::Hold, Self::Disqualify];

    /// Describes the kind in a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Owner => "to one rep",
            Self::Pool => "to a pool of reps",
            Self::Nurture => "kept in nurture",
            Self::Hold => "held for review",
            Self::Disqualify => "disqualified",
        }
    }
}

/// How the score is calculated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScoreMap {
    /// Points for who the person and company are.
    pub fit: PartMap,
    /// Points for what the person did.
    pub engagement: PartMap,
    /// The half-life of an activity's points, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halves_every: Option<String>,
    /// Share of the account's own score, in percent.
    pub account: u32,
    /// Each grade with its lowest score, best first.
    pub grades: Vec<(String, u8)>,
}

/// A part of the score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartMap {
    /// In percent.
    pub share: u32,
    /// Points, and the condition that gives them, in words.
    pub lines: Vec<(i32, String)>,
}

/// A term that the rulebook defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Word {
    /// The term.
    pub word: String,
    /// What it means.
    pub meaning: String,
    /// One line per value, if it has several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl Rulebook {
    /// Describes the rulebook as a process. `names` are the display names of pools and reps.
    pub fn map(&self, names: &Names) -> Map {
        let reader = Reader { rulebook: self, names };
        let last = Step {
            number: self.route.len() + 1,
            rule: self.last.name.clone(),
            conditions: Vec::new(),
            goes: reader.fixed(&self.last.outcome),
            priority: priority(self.last.priority),
            value: self.last.value.map(|value| reader.value(value)),
        };
        let route = reader.steps(&self.route).into_iter().chain([last]).collect();
        Map {
            zone: self.zone.clone(),
            currency: self.currency.clone(),
            block: reader.steps(&self.block),
            score: reader.score(),
            mql: self.scoring.mql.iter().map(said).collect(),
            not_an_mql: reader.fixed(&Outcome::Nurture { reason: NOT_AN_MQL_REASON.to_owned() }),
            route,
            words: reader.words(),
        }
    }
}

/// Turns parts of a rulebook into words.
struct Reader<'r> {
    rulebook: &'r Rulebook,
    names: &'r Names,
}

impl Reader<'_> {
    fn steps(&self, rules: &[Rule]) -> Vec<Step> {
        let steps = (1..).zip(rules).map(|(number, rule)| Step {
            number,
            rule: rule.name.clone(),
            conditions: self.conditions(rule),
            goes: self.goes(&rule.target),
            priority: priority(rule.priority),
            value: rule.value.map(|value| self.value(value)),
        });
        steps.collect()
    }

    /// Returns what must hold, including the owner or pool that the rule needs.
    fn conditions(&self, rule: &Rule) -> Vec<String> {
        let parts = match &rule.condition {
            Condition::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut words: Vec<String> = parts.iter().map(said).collect();
        if let Some(slot) = rule.target.slot() {
            let needed = format!("{} is present", self.field(slot));
            if !words.contains(&needed) {
                words.push(needed);
            }
        }
        words
    }

    fn field(&self, slot: usize) -> &str {
        self.rulebook.fields.get(slot).map_or("", |field| &field.name)
    }

    fn value(&self, value: ValueOf) -> String {
        match value {
            ValueOf::Fixed(amount) => format!("{amount} {}", self.rulebook.currency),
            ValueOf::Field(slot) => format!("{} in {}", self.field(slot), self.rulebook.currency),
        }
    }

    fn goes(&self, target: &Target) -> Destination {
        let read_off = |kind, slot| Destination {
            kind,
            name: self.field(slot).to_owned(),
            read_off: true,
            title: None,
            otherwise: None,
        };
        match target {
            Target::Fixed(outcome) => self.fixed(outcome),
            Target::Owner { owner, if_unavailable, .. } => Destination {
                otherwise: Some(self.if_unavailable(if_unavailable)),
                ..read_off(Kind::Owner, owner.slot())
            },
            Target::Pool { slot, if_nobody } => {
                Destination { otherwise: Some(self.if_nobody(if_nobody)), ..read_off(Kind::Pool, *slot) }
            }
        }
    }

    fn fixed(&self, outcome: &Outcome) -> Destination {
        let (kind, name, title, otherwise) = match outcome {
            Outcome::Pool { pool, if_nobody } => {
                (Kind::Pool, pool.as_str(), self.names.pools.get(pool.as_str()), Some(self.if_nobody(if_nobody)))
            }
            Outcome::Owner { rep, if_unavailable, .. } => {
                let otherwise = self.if_unavailable(if_unavailable);
                (Kind::Owner, rep.as_str(), self.names.reps.get(rep.as_str()), Some(otherwise))
            }
            Outcome::Nurture { reason } => (Kind::Nurture, reason.as_str(), None, None),
            Outcome::Disqualify { reason } => (Kind::Disqualify, reason.as_str(), None, None),
            Outcome::Hold { reason } => (Kind::Hold, reason.as_str(), None, None),
        };
        let title = title.filter(|title| *title != name).cloned();
        Destination { kind, name: name.to_owned(), read_off: false, title, otherwise }
    }

    fn if_nobody(&self, if_nobody: &IfNobody) -> String {
        match if_nobody {
            IfNobody::Wait => "it waits until a rep can take it".to_owned(),
            IfNobody::Pool(pool) => format!("if no rep can take it, it goes to pool {}", self.pool(pool.as_str())),
        }
    }

    fn if_unavailable(&self, if_unavailable: &IfUnavailable) -> String {
        match if_unavailable {
            IfUnavailable::Assign => "even if they are unavailable".to_owned(),
            IfUnavailable::Pool(pool) => {
                format!("if they cannot take it, it goes to pool {}", self.pool(pool.as_str()))
            }
        }
    }

    fn pool(&self, pool: &str) -> String {
        match self.names.pools.get(pool).filter(|name| *name != pool) {
            Some(name) => format!("{pool} ({name})"),
            None => pool.to_owned(),
        }
    }

    fn score(&self) -> ScoreMap {
        let scoring = &self.rulebook.scoring;
        let fit = scoring.fit.lines.iter().map(|line| (line.points, said(&line.condition)));
        let engagement = scoring.engagement.lines.iter().map(|line| {
            // A part never has more than 100 points, so a limit of 100 or more needs no mention.
            let needless = line.at_most >= 100 || line.points.unsigned_abs() == line.at_most;
            let most = if needless { String::new() } else { format!(", at most {} in all", line.at_most) };
            (line.points, format!("{}{most}", line.did.words()))
        });
        ScoreMap {
            fit: PartMap { share: scoring.fit.share, lines: fit.collect() },
            engagement: PartMap { share: scoring.engagement.share, lines: engagement.collect() },
            halves_every: scoring.engagement.halves_every_ms.map(time_span::span),
            account: scoring.account,
            grades: scoring.grades.iter().map(|grade| (grade.name.clone(), grade.from)).collect(),
        }
    }

    /// Returns lookups in the order of the rulebook, then named conditions in order of use.
    fn words(&self) -> Vec<Word> {
        let fields = &self.rulebook.fields;
        let mut tables = BTreeSet::new();
        let mut words: Vec<Word> = Vec::new();
        for field in fields.iter() {
            match &field.origin {
                Origin::Lookup { from, entries } => words.push(self.lookup(field, *from, entries)),
                Origin::Cell { table, .. } if tables.insert(*table) => words.extend(self.table(*table)),
                Origin::Cell { .. } | Origin::Schema(_) | Origin::Custom(_) => {}
            }
        }
        let rulebook = self.rulebook;
        let (mut seen, mut named) = (BTreeSet::new(), Vec::new());
        let rules = rulebook.block.iter().chain(&rulebook.route).map(|rule| &rule.condition);
        let lines = rulebook.scoring.fit.lines.iter().map(|line| &line.condition);
        for condition in rules.chain(lines).chain(&rulebook.scoring.mql) {
            names(condition, &mut seen, &mut named);
        }
        words.extend(named.into_iter().map(|named| Word {
            word: named.name.clone(),
            meaning: named.condition.words_within(MOST_VALUES),
            values: Vec::new(),
        }));
        words
    }

    fn lookup(&self, field: &Field, from: usize, entries: &[(String, Vec<Matcher>)]) -> Word {
        let values =
            entries.iter().map(|(value, of)| format!("{value}: {}", some(of, MOST_VALUES, Matcher::object).join(", ")));
        Word {
            word: field.name.clone(),
            meaning: format!("looked up by {}", self.field(from)),
            values: values.collect(),
        }
    }

    fn table(&self, number: usize) -> Option<Word> {
        let lookup = self.rulebook.fields.table(number)?;
        let from: Vec<&str> = lookup.from.iter().map(|slot| self.field(*slot)).collect();
        let gives = self
            .rulebook
            .fields
            .iter()
            .filter(|field| matches!(field.origin, Origin::Cell { table, .. } if table == number));
        let gives: Vec<String> = gives.map(|field| field.name.clone()).collect();
        let (table, rows) = (lookup.table.name(), lookup.table.len());
        Some(Word {
            word: gives.join(", "),
            meaning: format!(
                "looked up in table `{table}` ({rows} row{}) by {}",
                if rows == 1 { "" } else { "s" },
                from.join(" and ")
            ),
            values: Vec::new(),
        })
    }
}

/// Puts a condition in words. Alternatives are separated by semicolons, because each may contain several values.
fn said(condition: &Condition) -> String {
    match condition {
        Condition::Any(parts) if parts.len() > 1 => {
            let parts: Vec<String> = parts.iter().map(|part| part.words_within(MOST_VALUES)).collect();
            format!("any of these: {}", parts.join("; "))
        }
        other => other.words_within(MOST_VALUES),
    }
}

fn priority(priority: Priority) -> Option<Priority> {
    (priority != Priority::default()).then_some(priority)
}

/// Collects the named conditions that a condition uses, each once.
fn names<'r>(condition: &'r Condition, seen: &mut BTreeSet<&'r str>, found: &mut Vec<&'r Named>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| names(part, seen, found)),
        Condition::Not(inner) => names(inner, seen, found),
        Condition::Named(named) => {
            if seen.insert(&named.name) {
                found.push(named);
                names(&named.condition, seen, found);
            }
        }
        Condition::Test(_) | Condition::Did(_) => {}
    }
}

#[cfg(test)]
mod tests;
