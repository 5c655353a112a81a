//! Why a decision came out as it did, in words. Explaining reads the rulebook; it never takes part in deciding.

use serde::{Deserialize, Serialize};

use super::diagnostic::join;
use super::reading::{Fields, Origin, Reading};
use super::{Facts, IfNobody, IfUnavailable, NOT_AN_MQL, Outcome, Rule, Rulebook, Ruling, Section, Winner};

/// Most near misses that are kept.
const MAX_NEAR_MISSES: usize = 5;

/// Why the rulebook decided as it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The rule that won.
    pub rule: String,
    /// The section it stands in.
    pub section: Section,
    /// What made it win, with the lead's values (`country is DE`); empty if it takes every lead. At section
    /// [`Section::Mql`]: what the lead lacked, line by line.
    pub reasons: Vec<String>,
    /// Earlier rules of the section that did not win, those that failed on one condition only first; at most 5.
    pub near_misses: Vec<NearMiss>,
    /// What the rulebook's lookups found (`region of DE is dach`).
    pub lookups: Vec<String>,
    /// All of it in one or two sentences.
    pub sentence: String,
}

/// A rule that came before the winning one and did not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearMiss {
    /// The rule.
    pub rule: String,
    /// Its first condition that failed (`company.employees is 40, needed 1000 or more`).
    pub failed: String,
}

pub(super) fn explain(rulebook: &Rulebook, facts: &Facts<'_>, reading: &Reading<'_>) -> Explanation {
    let (winner, ruling) = rulebook.decide_reading(facts, reading);
    let (section, rules): (Section, &[Rule]) = match winner {
        Winner::Block(_) => (Section::Block, &rulebook.block),
        Winner::NotAnMql => (Section::Mql, &[]),
        Winner::Route(_) | Winner::Last => (Section::Route, &rulebook.route),
    };
    let reasons = match winner {
        Winner::Block(rule) | Winner::Route(rule) => rule.condition.reasons(reading),
        Winner::NotAnMql => rulebook.scoring.mql.iter().map(|line| join(&line.failures(reading), "and")).collect(),
        Winner::Last => Vec::new(),
    };
    let earlier = rules.iter().take_while(|rule| rule.name != ruling.rule);
    let misses = misses(earlier, &rulebook.fields, reading);
    let close = misses.iter().find(|miss| miss.close).map(|miss| &miss.near);
    let sentence = sentence(section, &ruling, &reasons, close);
    let lookups = lookups(&rulebook.fields, reading);
    let near_misses = misses.into_iter().map(|miss| miss.near).collect();
    Explanation { rule: ruling.rule, section, reasons, near_misses, lookups, sentence }
}

/// A rule that did not fit, and by how much.
struct Miss {
    /// How many of its conditions failed.
    failures: usize,
    /// Whether only one of several conditions failed, so that people will ask about it.
    close: bool,
    near: NearMiss,
}

fn misses<'r>(earlier: impl Iterator<Item = &'r Rule>, fields: &Fields, reading: &Reading<'_>) -> Vec<Miss> {
    let mut misses: Vec<Miss> = Vec::new();
    for rule in earlier {
        let failures = rule.failures(fields, reading);
        let close = failures.len() == 1 && rule.conditions() > 1;
        let count = failures.len();
        let Some(failed) = failures.into_iter().next() else { continue };
        misses.push(Miss { failures: count, close, near: NearMiss { rule: rule.name.clone(), failed } });
    }
    misses.sort_by_key(|miss| miss.failures > 1);
    misses.truncate(MAX_NEAR_MISSES);
    misses
}

fn lookups(fields: &Fields, reading: &Reading<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let show = |slot: usize| reading.value(slot).map(|value| value.show(false));
    for (slot, field) in fields.iter().enumerate() {
        let of = match &field.origin {
            Origin::Lookup { from, .. } => show(*from),
            Origin::Cell { table, .. } => {
                let from = fields.table(*table).map(|lookup| lookup.from.as_slice()).unwrap_or_default();
                let known: Vec<String> = from.iter().filter_map(|slot| show(*slot)).collect();
                (!known.is_empty()).then(|| known.join(" "))
            }
            Origin::Schema(_) | Origin::Custom(_) => continue,
        };
        let Some(of) = of else { continue };
        found.push(match show(slot) {
            Some(value) => format!("{} of {of} is {value}", field.name),
            None => format!("{} of {of} is not known", field.name),
        });
    }
    found
}

fn sentence(section: Section, ruling: &Ruling, reasons: &[String], missed: Option<&NearMiss>) -> String {
    if section == Section::Mql {
        return format!("The lead is {NOT_AN_MQL}, so it goes to nurture: {}.", list(reasons));
    }
    let does = match &ruling.outcome {
        Outcome::Pool { pool, if_nobody: IfNobody::Wait } => format!("gives the lead to pool `{pool}`"),
        Outcome::Pool { pool, if_nobody: IfNobody::Pool(other) } => {
            format!("gives the lead to pool `{pool}`, or to `{other}` if nobody there can take it")
        }
        Outcome::Owner { rep, if_unavailable: IfUnavailable::Assign, .. } => format!("gives the lead to `{rep}`"),
        Outcome::Owner { rep, if_unavailable: IfUnavailable::Pool(pool), .. } => {
            format!("gives the lead to `{rep}`, or to pool `{pool}` if they cannot take it")
        }
        Outcome::Nurture { reason } => format!("keeps the lead in nurture (`{reason}`)"),
        Outcome::Disqualify { reason } => format!("refuses the lead (`{reason}`)"),
        Outcome::Hold { reason } => format!("holds the lead for a person to decide (`{reason}`)"),
    };
    let because = if reasons.is_empty() { "no earlier rule fits".to_owned() } else { list(reasons) };
    let sentence = format!("Rule `{}` {does}, because {because}.", ruling.rule);
    match missed {
        Some(NearMiss { rule, failed }) => format!("{sentence} Rule `{rule}` comes before it, but {failed}."),
        None => sentence,
    }
}

/// Joins reasons so that a comma within one does not look like the next.
fn list(reasons: &[String]) -> String {
    if reasons.iter().any(|reason| reason.contains([',', ':'])) { reasons.join("; ") } else { join(reasons, "and") }
}

impl Rule {
    /// What keeps the rule from winning.
    fn failures(&self, fields: &Fields, reading: &Reading<'_>) -> Vec<String> {
        let mut failures = self.condition.failures(reading);
        if let Some(field) = self.lacks(reading).and_then(|slot| fields.get(slot)) {
            failures.push(format!("{} is not known", field.name));
        }
        failures
    }

    /// How many conditions it has, an owner it needs counted as one.
    fn conditions(&self) -> usize {
        self.condition.conjuncts().len() + usize::from(self.target.slot().is_some())
    }
}
