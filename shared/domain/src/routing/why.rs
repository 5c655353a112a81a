//! Explanations: a decision in plain words, and the record that is kept of it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Candidate, Choice, Planned, PoolTried, TurnEntry};
use fairleader_lead::id::{LeadId, PoolId, RulebookVersion};
use fairleader_lead::ruling::Section;
use fairleader_lead::score::Score;
use fairleader_lead::state::{Stage, Standing, State, Wait};
use fairleader_rulebook::Explanation;

/// Limit on the members named in one sentence.
const MAX_NAMED: usize = 4;
/// Limit on the members named in one sentence of the details.
const MAX_LISTED: usize = 12;

/// Explanation of a decision: why a lead is where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// When the decision was made.
    pub at: Timestamp,
    /// The number of the event that records it.
    pub event: u64,
    /// The assignment that it made, or 0.
    #[serde(default)]
    pub assignment: u32,
    /// The stage of the lead after the decision.
    pub stage: Stage,
    /// The version of the rulebook.
    pub rulebook: RulebookVersion,
    /// The reasons from the rulebook.
    pub explanation: Explanation,
    /// The score, line by line.
    pub score: Score,
    /// How the rep was chosen.
    pub choice: Choice,
    /// A summary in at most three plain sentences: where the lead goes and why, its score, and who has it.
    #[serde(default)]
    pub summary: Vec<String>,
    /// The full explanation in plain sentences.
    pub sentences: Vec<String>,
}

impl Why {
    /// Builds the explanation of `planned`. Times are written in `zone`, the company's time zone.
    pub fn new(planned: &Planned, explanation: Explanation, score: Score, zone: &TimeZone) -> Self {
        let state = &planned.change.state;
        let rulebook = state.decided.as_ref().map(|decided| &decided.rulebook);
        let mut sentences = explanation.sentences(Some(&score), rulebook);
        let mut summary = vec![explanation.sentence.clone()];
        // `block` rules do not use the score.
        if explanation.section != Section::Block {
            sentences.extend(still_mql(&score, state, zone));
            summary.push(worth(&score));
        }
        summary.extend(planned.choice.summary(state, zone));
        sentences.extend(planned.choice.sentences(state, zone));
        Self {
            at: planned.change.at,
            event: state.last_event,
            assignment: state.assignment,
            stage: state.stage(),
            rulebook: rulebook.cloned().unwrap_or_else(|| RulebookVersion::new("")),
            explanation,
            score,
            choice: planned.choice.clone(),
            summary,
            sentences,
        }
    }

    /// Returns the keys of the turns in which `lead` was assigned: pool, version of the rotation, lead and assignment.
    /// A stored explanation does not have the members who could have taken the lead, because the turn has them.
    pub fn turns(&self, lead: &LeadId) -> Vec<(PoolId, u64, LeadId, u32)> {
        let asked = |tried: &PoolTried| Some((tried.pool.clone(), tried.turn?, lead.clone(), self.assignment));
        self.choice.pools.iter().filter_map(asked).collect()
    }

    /// Adds the members who could have taken the lead, from the turn of this assignment.
    pub fn complete(&mut self, taken: &TurnEntry) {
        for tried in self.choice.pools.iter_mut().filter(|tried| tried.turn.is_some()) {
            let owed = &taken.turn.lags_before;
            let free = owed.iter().map(|(rep, lag)| Candidate { rep: rep.clone(), stopped_by: None, lag: Some(*lag) });
            let stopped = std::mem::take(&mut tried.members).into_iter().filter(|member| member.stopped_by.is_some());
            tried.members = free.chain(stopped).collect();
        }
    }
}

impl Choice {
    /// Returns who has the lead, or why it has no owner, in one sentence. Returns `None` if it is not for sales.
    pub(super) fn summary(&self, state: &State, zone: &TimeZone) -> Option<String> {
        let said = match &state.standing {
            Standing::Waiting(Wait { pool, until, .. }) => {
                let members = self.pools.iter().flat_map(|tried| &tried.members);
                let stopped =
                    members.filter_map(|member| Some(format!("`{}` {}", member.rep, member.stopped_by?.words())));
                let stopped = stopped.take(MAX_NAMED).collect::<Vec<_>>().join("; ");
                let why = if stopped.is_empty() { String::new() } else { format!(" ({stopped})") };
                format!(
                    "No rep can take it now{why}, so it waits in pool `{pool}` until {} at the latest.",
                    local(*until, zone)
                )
            }
            Standing::Held { reason, .. } => on_hold(reason),
            _ => match (self.pools.last(), &self.named) {
                (Some(tried), _) => self.tried(tried),
                (None, Some(named)) => self.named_in_words(named),
                (None, None) => return None,
            },
        };
        Some(match &self.taken_from {
            Some(rep) => {
                let lower = said.chars().take(1).flat_map(char::to_lowercase).chain(said.chars().skip(1));
                format!("It was taken from `{rep}`, who had not accepted it; {}", lower.collect::<String>())
            }
            None => said,
        })
    }

    /// Returns the choice in plain sentences, with times in `zone`.
    pub(super) fn sentences(&self, state: &State, zone: &TimeZone) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(rep) = &self.taken_from {
            said.push(format!(
                "It was taken from `{rep}`, who had not accepted it yet, because this version sends it elsewhere."
            ));
        }
        if let Some(named) = &self.named {
            said.push(self.named_in_words(named));
        }
        for tried in &self.pools {
            said.push(self.tried(tried));
            let stopped = tried.members.iter().filter_map(|member| Some((&member.rep, member.stopped_by?)));
            let mut stopped: Vec<String> = stopped.map(|(rep, gate)| format!("`{rep}` {}", gate.words())).collect();
            let others = stopped.len().saturating_sub(MAX_LISTED);
            stopped.truncate(MAX_LISTED);
            if others > 0 {
                stopped.push(format!("and {others} others could not take it either"));
            }
            if !stopped.is_empty() {
                said.push(format!("{}.", stopped.join("; ")));
            }
        }
        match &state.standing {
            Standing::Waiting(Wait { pool, until, .. }) => said.push(format!(
                "It waits in pool `{pool}` for an available rep, until {} at the latest.",
                local(*until, zone)
            )),
            Standing::Held { reason, .. } => said.push(on_hold(reason)),
            _ => {}
        }
        said
    }

    fn named_in_words(&self, named: &Candidate) -> String {
        match named.stopped_by {
            None => format!("The rule names `{}`, who is available.", named.rep),
            Some(gate) if self.chosen.as_ref() == Some(&named.rep) => {
                format!("The rule names `{}`, who {} but gets it anyway.", named.rep, gate.words())
            }
            Some(gate) => format!("The rule names `{}`, who {}.", named.rep, gate.words()),
        }
    }

    fn tried(&self, tried: &PoolTried) -> String {
        let free: Vec<&Candidate> = tried.members.iter().filter(|member| member.stopped_by.is_none()).collect();
        let chosen = free.iter().find(|member| self.chosen.as_ref() == Some(&member.rep));
        match (chosen, free.len()) {
            (Some(chosen), 1) => format!("In pool `{}`, only `{}` was available.", tried.pool, chosen.rep),
            (Some(chosen), count) => format!(
                "In pool `{}`, it was the turn of `{}` ({}) among {count} available reps.",
                tried.pool,
                chosen.rep,
                owed(chosen.lag.unwrap_or(0))
            ),
            (None, _) if tried.members.is_empty() => format!("Pool `{}` has no members.", tried.pool),
            (None, _) => format!("In pool `{}`, no rep was available.", tried.pool),
        }
    }
}

fn on_hold(reason: &str) -> String {
    format!("It is on hold (`{reason}`) until a person decides.")
}

/// Writes the score in a sentence like `It scores 47 of 100 (grade C) and is an MQL: did demo.`
fn worth(score: &Score) -> String {
    let grade = score.grade.as_ref().map(|grade| format!(" (grade {grade})")).unwrap_or_default();
    let mql = match (&score.mql_by, score.mql) {
        (Some(by), _) => format!(" and is an MQL: {by}"),
        (None, true) => " and remains an MQL".to_owned(),
        (None, false) => String::new(),
    };
    format!("It scores {} of 100{grade}{mql}.", score.total)
}

/// Returns since when the lead has been an MQL, if no line makes it one any more.
fn still_mql(score: &Score, state: &State, zone: &TimeZone) -> Option<String> {
    let since = state.milestones.mql.filter(|_| score.mql && score.mql_by.is_none())?;
    Some(format!("It has been an MQL since {} and remains one.", local(since, zone)))
}

/// Formats a time as people write it: `3 March 2026, 10:00`.
fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-d %B %Y, %H:%M").to_string()
}

/// Describes a lag in words: `owed 0.67 leads`, `0.33 leads ahead of their share`, `level with their share`.
fn owed(lag: i64) -> String {
    match lag {
        0 => "level with their share".to_owned(),
        1.. => format!("owed {} leads", turns(lag)),
        _ => format!("{} leads ahead of their share", turns(lag.saturating_abs())),
    }
}

/// Formats billionths of a turn as a decimal number with two places, rounded half up (`0.67`, `-1.50`).
pub fn turns(billionths: i64) -> String {
    let sign = if billionths < 0 { "-" } else { "" };
    let hundredths = (billionths.unsigned_abs() + 5_000_000) / 10_000_000;
    format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
}
