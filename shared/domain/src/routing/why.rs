//! A decision in plain words, and what is kept of it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Candidate, Choice, Planned};
use crate::id::RulebookVersion;
use crate::lead::{Stage, State};
use crate::rulebook::{Explanation, Section};
use crate::scoring::Score;

/// Why a lead is where it is: what is kept of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// When it was decided.
    pub at: Timestamp,
    /// Number of the event that tells of it.
    pub event: u64,
    /// Where the lead went.
    pub stage: Stage,
    /// Rulebook version.
    pub rulebook: RulebookVersion,
    /// What the rulebook saw.
    pub explanation: Explanation,
    /// The score, line by line.
    pub score: Score,
    /// How the rep was chosen.
    pub choice: Choice,
    /// The whole in a few plain sentences.
    pub sentences: Vec<String>,
}

impl Why {
    /// Puts together what is kept of `planned`. Sentences tell instants in `zone`, the company's.
    pub fn new(planned: &Planned, explanation: Explanation, score: Score, zone: &TimeZone) -> Self {
        let state = &planned.change.state;
        let mut sentences = explanation.sentences(Some(&score), state.rulebook.as_ref());
        if explanation.section != Section::Block {
            sentences.extend(still_mql(&score, state, zone));
        }
        sentences.extend(planned.choice.sentences(state, zone));
        Self {
            at: planned.change.at,
            event: state.last_event,
            stage: state.stage,
            rulebook: state.rulebook.clone().unwrap_or_else(|| RulebookVersion::new("")),
            explanation,
            score,
            choice: planned.choice.clone(),
            sentences,
        }
    }
}

impl Choice {
    /// The choice in plain words, with instants in `zone`.
    pub(super) fn sentences(&self, state: &State, zone: &TimeZone) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(rep) = &self.taken_from {
            said.push(format!(
                "It was taken from `{rep}`, who had not accepted it yet, because this version sends it elsewhere."
            ));
        }
        if let Some(named) = &self.named {
            said.push(match named.stopped_by {
                None => format!("The rule names `{}`, who can take it.", named.rep),
                Some(gate) if self.chosen.as_ref() == Some(&named.rep) => {
                    format!("The rule names `{}`, who {}, but gets it all the same.", named.rep, gate.words())
                }
                Some(gate) => format!("The rule names `{}`, who {}.", named.rep, gate.words()),
            });
        }
        for tried in &self.pools {
            let free: Vec<&Candidate> = tried.members.iter().filter(|member| member.stopped_by.is_none()).collect();
            let chosen = free.iter().find(|member| self.chosen.as_ref() == Some(&member.rep));
            said.push(match (chosen, free.len()) {
                (Some(chosen), 1) => format!("In pool `{}` only `{}` could take it.", tried.pool, chosen.rep),
                (Some(chosen), count) => format!(
                    "In pool `{}` it was the turn of `{}` ({}) among {count} who could take it.",
                    tried.pool,
                    chosen.rep,
                    owed(chosen.lag)
                ),
                (None, _) if tried.members.is_empty() => format!("Pool `{}` has no members.", tried.pool),
                (None, _) => format!("In pool `{}` nobody could take it.", tried.pool),
            });
            let stopped: Vec<String> = tried
                .members
                .iter()
                .filter_map(|member| member.stopped_by.map(|gate| format!("`{}` {}", member.rep, gate.words())))
                .collect();
            if !stopped.is_empty() {
                said.push(format!("{}.", stopped.join("; ")));
            }
        }
        match (state.stage, &state.pool, state.due_at) {
            (Stage::Waiting, Some(pool), Some(until)) => said.push(format!(
                "It waits in the line of pool `{pool}` until somebody is free, at the longest until {}.",
                local(until, zone)
            )),
            (Stage::Held, ..) => said.push(format!(
                "It is on hold (`{}`) until a person decides.",
                state.reason.as_deref().unwrap_or("no reason given")
            )),
            _ => {}
        }
        said
    }
}

/// Since when a lead is an MQL that no line makes one any more.
fn still_mql(score: &Score, state: &State, zone: &TimeZone) -> Option<String> {
    let since = state.mql_at.filter(|_| score.mql && score.mql_by.is_none())?;
    Some(format!("It has been an MQL since {}, and stays one.", local(since, zone)))
}

/// An instant as people say it: `3 March 2026, 10:00`.
fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-d %B %Y, %H:%M").to_string()
}

/// A lag in words: `owed 0.67 leads`, `0.33 leads ahead`, `level`.
fn owed(lag: i64) -> String {
    match lag {
        0 => "level with their share".to_owned(),
        1.. => format!("owed {} leads", turns(lag)),
        _ => format!("{} leads ahead of their share", turns(lag.saturating_abs())),
    }
}

/// Billionths of a turn as a decimal number with two places, rounded half up (`0.67`, `-1.50`).
pub fn turns(billionths: i64) -> String {
    let sign = if billionths < 0 { "-" } else { "" };
    let hundredths = (billionths.unsigned_abs() + 5_000_000) / 10_000_000;
    format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
}
