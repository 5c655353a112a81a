//! Output for each lead. Leads are identified by number, company and country, never by name or address.

use std::io::Write;

use fairleader_lead::problem::FieldProblem;
use fairleader_lead::profile::Profile;
use fairleader_lead::ruling::{Outcome, Priority, Section};
use serde_json::json;

use crate::offline::OfflineError;
use crate::offline::decide::Decided;

/// Writes the output.
pub(super) struct Tell<'w, O, E> {
    pub(super) out: &'w mut O,
    /// For invalid lines, unless the output is JSON.
    pub(super) err: &'w mut E,
    pub(super) explain: bool,
    pub(super) json: bool,
    /// Whether the header was written.
    pub(super) begun: bool,
}

/// Number of leads per kind of destination.
#[derive(Debug, Default)]
pub(super) struct Totals {
    reps: usize,
    pools: usize,
    nurture: usize,
    held: usize,
    refused: usize,
    pub(super) wrong: usize,
}

impl Totals {
    pub(super) const fn count(&mut self, decided: &Decided) {
        let place = match decided.ruling.outcome {
            Outcome::Owner { .. } => &mut self.reps,
            Outcome::Pool { .. } => &mut self.pools,
            Outcome::Nurture { .. } => &mut self.nurture,
            Outcome::Hold { .. } => &mut self.held,
            Outcome::Disqualify { .. } => &mut self.refused,
        };
        *place += 1;
    }
}

impl<O: Write, E: Write> Tell<'_, O, E> {
    /// Writes the header before the first lead.
    fn head(&mut self) -> Result<(), OfflineError> {
        if !self.json && !self.explain && !std::mem::replace(&mut self.begun, true) {
            let line = row(["lead", "score", "MQL", "goes to", "rule", "company"].map(str::to_owned));
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// Writes one decided lead.
    pub(super) fn lead(&mut self, number: usize, line: u64, decided: &Decided) -> Result<(), OfflineError> {
        self.head()?;
        if self.json {
            writeln!(self.out, "{}", self.object(number, line, decided))?;
        } else if self.explain {
            let extras = extras(decided).map(|extras| format!(", {extras}")).unwrap_or_default();
            writeln!(self.out, "Lead {number}, {}: {}{extras}", label(&decided.profile), decided.goes_to())?;
            for sentence in decided.sentences() {
                writeln!(self.out, "  {sentence}")?;
            }
            let close = decided.explanation.sentence.as_str();
            let others = decided.explanation.near_misses.iter().filter(|near| !close.contains(&near.failed));
            let others: Vec<String> = others.map(|near| format!("`{}`: {}", near.rule, near.failed)).collect();
            if !others.is_empty() && decided.explanation.section == Section::Route {
                writeln!(self.out, "  Earlier rules that did not match: {}.", others.join("; "))?;
            }
            writeln!(self.out)?;
        } else {
            let score = decided.score.as_ref();
            let grade = score.and_then(|score| score.grade.clone()).unwrap_or_default();
            let cells = [
                number.to_string(),
                score.map_or_else(|| "-".to_owned(), |score| format!("{:>3} {grade}", score.total)),
                score.map_or("-", |score| if score.mql { "yes" } else { "no" }).to_owned(),
                [Some(decided.goes_to()), extras(decided)].into_iter().flatten().collect::<Vec<_>>().join(", "),
                decided.ruling.rule.clone(),
                label(&decided.profile),
            ];
            writeln!(self.out, "{}", row(cells))?;
        }
        Ok(())
    }

    /// Reports a line that could not be read as a lead.
    pub(super) fn wrong(&mut self, line: u64, problems: &[FieldProblem]) -> Result<(), OfflineError> {
        if self.json {
            writeln!(self.out, "{}", json!({"line": line, "problems": problems}))?;
        } else {
            for problem in problems {
                writeln!(self.err, "line {line}: {problem}")?;
            }
        }
        Ok(())
    }

    /// Writes the totals.
    pub(super) fn totals(&mut self, totals: &Totals) -> Result<(), OfflineError> {
        if self.json {
            return Ok(());
        }
        let Totals { reps, pools, nurture, held, refused, wrong } = totals;
        let counts = [
            (*pools, "to pools"),
            (*reps, "to named reps"),
            (*nurture, "in nurture"),
            (*held, "on hold"),
            (*refused, "refused"),
            (*wrong, "invalid"),
        ];
        let all: usize = counts.iter().map(|(count, _)| count).sum();
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        let before = if self.explain { "" } else { "\n" };
        let sum = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
        writeln!(self.out, "{before}{all} lead{}{sum}", if all == 1 { "" } else { "s" })?;
        Ok(())
    }

    fn object(&self, number: usize, line: u64, decided: &Decided) -> serde_json::Value {
        let Decided { profile, ruling, score, explanation } = decided;
        let mut object = json!({
            "lead": number,
            "line": line,
            "company": profile.company.name,
            "country": profile.place.country,
            "section": explanation.section,
            "rule": ruling.rule,
            "goes_to": decided.goes_to(),
            "outcome": ruling.outcome,
            "priority": ruling.priority,
            "value": ruling.value,
            "score": score,
        });
        if let Some(fields) = object.as_object_mut().filter(|_| self.explain) {
            fields.insert("explanation".to_owned(), json!(explanation));
            fields.insert("sentences".to_owned(), json!(decided.sentences()));
        }
        object
    }
}

/// Returns `urgent, worth 12000` if the rule sets a priority or a value.
fn extras(decided: &Decided) -> Option<String> {
    let priority = decided.ruling.priority;
    let priority = (priority != Priority::default()).then(|| priority.as_str().to_owned());
    let value = decided.ruling.value.map(|value| format!("worth {value}"));
    let extras: Vec<String> = priority.into_iter().chain(value).collect();
    (!extras.is_empty()).then(|| extras.join(", "))
}

/// Returns the company and country of a lead.
fn label(profile: &Profile) -> String {
    let company = profile.company.name.as_deref().or(profile.company.domain.as_deref()).unwrap_or("no company");
    match &profile.place.country {
        Some(country) => format!("{company} ({country})"),
        None => company.to_owned(),
    }
}

/// Formats one line of the table, without trailing blanks.
fn row(cells: [String; 6]) -> String {
    let [number, score, mql, goes_to, rule, label] = cells;
    format!("{number:>4}  {score:<6}  {mql:<3}  {goes_to:<28}  {rule:<40}  {label}").trim_end().to_owned()
}
