//! Explains decisions in words. Explaining only reads the rulebook and never takes part in deciding.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::diagnostic::join;
use super::reading::{Fields, Origin, Reading};
use crate::facts::Facts;
use crate::rule::{Rep, Rule, Target, ValueOf};
use crate::rulebook::{Rulebook, Winner};
use fairleader_lead::id::RulebookVersion;
use fairleader_lead::ruling::{IfNobody, IfUnavailable, NOT_AN_MQL, Outcome, Priority, Ruling, Section};
use fairleader_lead::score::Score;

impl Rulebook {
    /// Explains in words why [`Rulebook::decide`] decides as it does.
    pub fn explain(&self, facts: &Facts<'_>) -> Explanation {
        self.with_score(facts, |facts, reading| explain(self, facts, reading))
    }
}

/// The most near misses to keep.
const MAX_NEAR_MISSES: usize = 5;

/// The reasons for a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The rule that won.
    pub rule: String,
    /// The section of the rule.
    pub section: Section,
    /// Why it won, with the lead's values (`country is DE`); empty if it takes every lead. For [`Section::Mql`]: what
    /// the lead lacked, line by line.
    pub reasons: Vec<String>,
    /// Earlier rules of the section that did not match; those that failed on a single condition come first. At most 5.
    pub near_misses: Vec<NearMiss>,
    /// What the lookups used by the winning rule and the near misses found (`region is dach for DE`).
    pub lookups: Vec<String>,
    /// The explanation in one or two sentences.
    pub sentence: String,
}

/// A rule that came before the winning one and did not match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearMiss {
    /// The rule.
    pub rule: String,
    /// Its first condition that failed (`company.employees is 40, needed 1000 or more`).
    pub failed: String,
}

impl Explanation {
    /// Returns the explanation in a few sentences: which rule decided what and why, what was looked up, how the score
    /// adds up, and which version of the rulebook decided.
    pub fn sentences(&self, score: Option<&Score>, version: Option<&RulebookVersion>) -> Vec<String> {
        let mut said = vec![self.sentence.clone()];
        if !self.lookups.is_empty() {
            said.push(format!("Looked up: {}.", self.lookups.join("; ")));
        }
        // `block` decides before scoring.
        if let Some(score) = score.filter(|_| self.section != Section::Block) {
            said.extend(score_sentences(score));
        }
        if let Some(version) = version {
            said.push(format!("Decided by version {version} of the rulebook."));
        }
        said
    }
}

/// `Score 47 of 100 (grade C): fit 60, engagement 35, account 0.`, and how each part adds up.
fn score_sentences(score: &Score) -> Vec<String> {
    let Score { total, fit, engagement, account, .. } = score;
    let grade = score.grade.as_ref().map(|grade| format!(" (grade {grade})")).unwrap_or_default();
    let mut said = vec![format!("Score {total} of 100{grade}: fit {fit}, engagement {engagement}, account {account}.")];
    for (part, title) in [("fit", "Fit"), ("engagement", "Engagement")] {
        let lines = score.lines.iter().filter(|line| line.part == part);
        let lines: Vec<String> = lines.map(|line| format!("{:+} because {}", line.points, line.reason)).collect();
        if !lines.is_empty() {
            said.push(format!("{title}: {}.", lines.join("; ")));
        }
    }
    if let Some(by) = &score.mql_by {
        said.push(format!("It is an MQL: {by}."));
    }
    said
}

pub(super) fn explain(rulebook: &Rulebook, facts: &Facts<'_>, reading: &Reading<'_>) -> Explanation {
    let (winner, verdict) = rulebook.decide_reading(facts, reading);
    let ruling = Ruling::from(verdict);
    let fields = &rulebook.fields;
    let (section, rules): (Section, &[Rule]) = match winner {
        Winner::Block(_) => (Section::Block, &rulebook.block),
        Winner::NotAnMql => (Section::Mql, &[]),
        Winner::Route(_) | Winner::Last => (Section::Route, &rulebook.route),
    };
    let (reasons, value) = match winner {
        Winner::Block(rule) | Winner::Route(rule) => (rule.condition.reasons(reading), rule.value),
        Winner::NotAnMql => {
            let lines = rulebook.scoring.mql.iter().map(|line| join(&line.failures(reading), "and"));
            (lines.filter(|failed| !failed.is_empty()).collect(), None)
        }
        Winner::Last => (Vec::new(), rulebook.last.value),
    };
    let earlier = rules.iter().take_while(|rule| rule.name != ruling.rule);
    let misses = misses(earlier, fields, reading);
    let mut slots = BTreeSet::new();
    match winner {
        Winner::Block(rule) | Winner::Route(rule) => rule.slots(&mut slots),
        Winner::NotAnMql => rulebook.scoring.mql.iter().for_each(|line| slots_of(line, &mut slots)),
        Winner::Last => value.iter().for_each(|value| slots.extend(value.slot())),
    }
    for miss in &misses {
        miss.rule.slots(&mut slots);
    }
    let close = misses.iter().find(|miss| miss.close).map(|miss| &miss.near);
    let target = match winner {
        Winner::Block(rule) | Winner::Route(rule) => rule.read_off(facts, fields),
        Winner::NotAnMql | Winner::Last => None,
    };
    let extras = extras(&ruling, value, fields, &rulebook.currency);
    let sentence = sentence(section, &ruling, target.as_deref(), &extras, &reasons, close);
    let lookups = lookups(&slots, fields, reading);
    let near_misses = misses.into_iter().map(|miss| miss.near).collect();
    Explanation { rule: ruling.rule, section, reasons, near_misses, lookups, sentence }
}

/// A rule that did not match.
struct Miss<'r> {
    rule: &'r Rule,
    /// Whether only one of several conditions failed, which makes the rule worth mentioning.
    close: bool,
    near: NearMiss,
}

/// Returns the near misses to keep. There may be many earlier rules, so only these are put in words.
fn misses<'r>(earlier: impl Iterator<Item = &'r Rule>, fields: &Fields, reading: &Reading<'_>) -> Vec<Miss<'r>> {
    let mut by_one: Vec<&'r Rule> = Vec::new();
    let mut by_more: Vec<&'r Rule> = Vec::new();
    for rule in earlier {
        let misses = if rule.short_of(reading) == 1 { &mut by_one } else { &mut by_more };
        if misses.len() < MAX_NEAR_MISSES {
            misses.push(rule);
        }
        if by_one.len() == MAX_NEAR_MISSES {
            break;
        }
    }
    let near = by_one.into_iter().map(|rule| (rule, rule.conditions() > 1));
    let near = near.chain(by_more.into_iter().map(|rule| (rule, false)));
    let misses = near.filter_map(|(rule, close)| {
        let failed = rule.failures(fields, reading).into_iter().next()?;
        Some(Miss { rule, close, near: NearMiss { rule: rule.name.clone(), failed } })
    });
    misses.take(MAX_NEAR_MISSES).collect()
}

/// Returns what the lookups at these slots found, each once, including lookups that they depend on.
fn lookups(slots: &BTreeSet<usize>, fields: &Fields, reading: &Reading<'_>) -> Vec<String> {
    let mut wanted = slots.clone();
    // A lookup depends only on lower slots.
    for slot in (0..fields.iter().count()).rev().filter(|slot| slots.last() >= Some(slot)) {
        if !wanted.contains(&slot) {
            continue;
        }
        match fields.get(slot).map(|field| &field.origin) {
            Some(Origin::Lookup { from, .. }) => _ = wanted.insert(*from),
            Some(Origin::Cell { table, .. }) => {
                wanted.extend(fields.table(*table).iter().flat_map(|lookup| &lookup.from));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    let mut last_table = None;
    for slot in wanted {
        let Some(field) = fields.get(slot) else { continue };
        match &field.origin {
            Origin::Lookup { from, .. } => found.extend(reading.value(*from).map(|of| {
                let of = of.show(false);
                match reading.value(slot) {
                    Some(value) => format!("{} is {} for {of}", field.name, value.show(false)),
                    None => format!("{} is unknown for {of}", field.name),
                }
            })),
            Origin::Cell { table, .. } if last_table != Some(*table) => {
                last_table = Some(*table);
                found.extend(row_found(*table, fields, reading));
            }
            Origin::Cell { .. } | Origin::Schema(_) | Origin::Custom(_) => {}
        }
    }
    found
}

/// `line 3 of table territories matches DE 01234: territory is Saxony, territory.pool is east`.
fn row_found(table: usize, fields: &Fields, reading: &Reading<'_>) -> Option<String> {
    let lookup = fields.table(table)?;
    let asked = lookup.from.iter().filter_map(|slot| reading.value(*slot)).map(|value| value.show(false));
    let asked = asked.collect::<Vec<String>>().join(" ");
    let asked = if asked.is_empty() { "a lead without any of these values".to_owned() } else { asked };
    let name = lookup.table.name();
    let Some(row) = lookup.find(reading).and_then(|row| lookup.table.rows().get(row)) else {
        return Some(format!("no line of table `{name}` matches {asked}"));
    };
    let mut shown = BTreeSet::new();
    let cells = fields.iter().enumerate().filter_map(|(slot, field)| match field.origin {
        // The first column is also the lookup's own value.
        Origin::Cell { table: of, column } if of == table && shown.insert(column) => {
            Some(format!("{} is {}", field.name, reading.value(slot)?.show(false)))
        }
        _ => None,
    });
    let cells: Vec<String> = cells.collect();
    Some(format!("line {} of table `{name}` matches {asked}: {}", row.line, cells.join(", ")))
}

/// Returns the priority and the expected value, unless they are the default.
fn extras(ruling: &Ruling, value: Option<ValueOf>, fields: &Fields, currency: &str) -> String {
    let priority =
        (ruling.priority != Priority::default()).then(|| format!(", with priority {}", ruling.priority.as_str()));
    let worth = ruling.value.map(|amount| {
        let from = value.and_then(ValueOf::slot).and_then(|slot| fields.get(slot));
        let from = from.map(|field| format!(" ({})", field.name)).unwrap_or_default();
        format!(", worth {amount} {currency}{from}")
    });
    priority.into_iter().chain(worth).collect()
}

fn sentence(
    section: Section,
    ruling: &Ruling,
    target: Option<&str>,
    extras: &str,
    reasons: &[String],
    missed: Option<&NearMiss>,
) -> String {
    if section == Section::Mql {
        return format!("The lead is {NOT_AN_MQL}, so it goes to nurture: {}.", list(reasons));
    }
    // The field that a pool or rep was taken from.
    let by = target.map(|target| format!(" ({target})")).unwrap_or_default();
    let does = match &ruling.outcome {
        Outcome::Pool { pool, if_nobody: IfNobody::Wait } => format!("gives the lead to pool `{pool}`{by}"),
        Outcome::Pool { pool, if_nobody: IfNobody::Pool(other) } => {
            format!("gives the lead to pool `{pool}`{by}, or to pool `{other}` if no rep there can take it")
        }
        Outcome::Owner { rep, if_unavailable: IfUnavailable::Assign, .. } => format!("gives the lead to `{rep}`{by}"),
        Outcome::Owner { rep, if_unavailable: IfUnavailable::Pool(pool), .. } => {
            format!("gives the lead to `{rep}`{by}, or to pool `{pool}` if they cannot take it")
        }
        Outcome::Nurture { reason } => format!("keeps the lead in nurture (`{reason}`)"),
        Outcome::Disqualify { reason } => format!("disqualifies the lead (`{reason}`)"),
        Outcome::Hold { reason } => format!("holds the lead for review (`{reason}`)"),
    };
    let because = if reasons.is_empty() { "no earlier rule matches".to_owned() } else { list(reasons) };
    let sentence = format!("Rule `{}` {does}{extras}, because {because}.", ruling.rule);
    match missed {
        Some(NearMiss { rule, failed }) => {
            format!("{sentence} Rule `{rule}` comes earlier but does not match: {failed}.")
        }
        None => sentence,
    }
}

/// Joins reasons, with semicolons if one of them contains a comma or a colon.
fn list(reasons: &[String]) -> String {
    if reasons.iter().any(|reason| reason.contains([',', ':'])) { reasons.join("; ") } else { join(reasons, "and") }
}

/// Collects the slots that a condition uses.
fn slots_of(condition: &Condition, slots: &mut BTreeSet<usize>) {
    condition.each_test(&mut |test| _ = slots.insert(test.slot));
}

impl Rule {
    /// Returns how many things would have to change for the rule to win.
    fn short_of(&self, reading: &Reading<'_>) -> usize {
        self.condition.short_of(reading) + usize::from(self.lacks(reading).is_some())
    }

    /// Collects the slots that it uses.
    fn slots(&self, slots: &mut BTreeSet<usize>) {
        slots_of(&self.condition, slots);
        slots.extend(self.target.slot());
        slots.extend(self.value.and_then(ValueOf::slot));
    }

    /// Returns the field that its pool or rep is taken from, and the parent account it is inherited from.
    fn read_off(&self, facts: &Facts<'_>, fields: &Fields) -> Option<String> {
        let name = fields.get(self.target.slot()?)?.name.clone();
        let parent = facts.account.filter(|_| matches!(self.target, Target::Owner { owner: Rep::AccountOwner(_), .. }));
        let parent = parent.filter(|of| of.owner_from.as_ref().is_some_and(|from| *from != of.account.account_id));
        let parent = parent.and_then(|of| of.owner_from.as_ref());
        Some(parent.map_or_else(|| name.clone(), |parent| format!("{name} of its parent `{parent}`")))
    }

    /// Returns what keeps the rule from winning.
    fn failures(&self, fields: &Fields, reading: &Reading<'_>) -> Vec<String> {
        let mut failures = self.condition.failures(reading);
        if let Some(field) = self.lacks(reading).and_then(|slot| fields.get(slot)) {
            failures.push(format!("{} is unknown", field.name));
        }
        failures
    }

    /// Returns how many conditions it has, counting an owner or pool that it needs.
    fn conditions(&self) -> usize {
        self.condition.conjuncts().len() + usize::from(self.target.slot().is_some())
    }
}

#[cfg(test)]
mod tests;
