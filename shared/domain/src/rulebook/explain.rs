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
    let (near_misses, one_off) = near_misses(rules.iter().take_while(|rule| rule.name != ruling.rule), reading);
    let sentence = sentence(section, &ruling, &reasons, near_misses.first().filter(|_| one_off));
    let lookups = lookups(&rulebook.fields, reading);
    Explanation { rule: ruling.rule, section, reasons, near_misses, lookups, sentence }
}

/// The near misses, and whether the first of them failed on one condition only.
fn near_misses<'r>(earlier: impl Iterator<Item = &'r Rule>, reading: &Reading<'_>) -> (Vec<NearMiss>, bool) {
    let mut misses: Vec<(bool, NearMiss)> = Vec::new();
    for rule in earlier {
        let failures = rule.failures(reading);
        let several = failures.len() > 1;
        let Some(failed) = failures.into_iter().next() else { continue };
        misses.push((several, NearMiss { rule: rule.name.clone(), failed }));
    }
    misses.sort_by_key(|(several, _)| *several);
    misses.truncate(MAX_NEAR_MISSES);
    let one_off = misses.first().is_some_and(|(several, _)| !several);
    (misses.into_iter().map(|(_, miss)| miss).collect(), one_off)
}

fn lookups(fields: &Fields, reading: &Reading<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (slot, field) in fields.iter().enumerate() {
        let Origin::Lookup { from, .. } = &field.origin else { continue };
        let Some(value) = reading.value(*from) else { continue };
        let value = value.show(false);
        found.push(match reading.value(slot) {
            Some(key) => format!("{} of {value} is {}", field.name, key.show(false)),
            None => format!("{} of {value} is not known", field.name),
        });
    }
    found
}

fn sentence(section: Section, ruling: &Ruling, reasons: &[String], missed: Option<&NearMiss>) -> String {
    if section == Section::Mql {
        return format!("The lead is {NOT_AN_MQL}, so it goes to nurture: {}.", join(reasons, "and"));
    }
    let does = match &ruling.outcome {
        Outcome::Pool { pool, if_nobody: IfNobody::Wait } => format!("gives the lead to pool `{pool}`"),
        Outcome::Pool { pool, if_nobody: IfNobody::Pool(other) } => format!("gives the lead to pool `{pool}`, or to `{other}` if nobody there can take it"),
        Outcome::Owner { rep, if_unavailable: IfUnavailable::Assign, .. } => format!("gives the lead to `{rep}`"),
        Outcome::Owner { rep, if_unavailable: IfUnavailable::Pool(pool), .. } => {
            format!("gives the lead to `{rep}`, or to pool `{pool}` if they cannot take it")
        }
        Outcome::Nurture { reason } => format!("keeps the lead in nurture (`{reason}`)"),
        Outcome::Disqualify { reason } => format!("refuses the lead (`{reason}`)"),
        Outcome::Hold { reason } => format!("holds the lead for a person to decide (`{reason}`)"),
    };
    let because = if reasons.is_empty() { "no earlier rule fits".to_owned() } else { join(reasons, "and") };
    let mut sentence = format!("Rule `{}` {does}, because {because}.", ruling.rule);
    if let Some(NearMiss { rule, failed }) = missed {
        sentence.push_str(&format!(" Rule `{rule}` comes before it, but {failed}."));
    }
    sentence
}

impl Rule {
    /// What keeps the rule from winning.
    fn failures(&self, reading: &Reading<'_>) -> Vec<String> {
        let mut failures = self.condition.failures(reading);
        if let Some(field) = self.lacks_owner(reading) {
            failures.push(format!("{field} is not known"));
        }
        failures
    }
}
