//! A decision in plain words, and what is kept of it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Candidate, Choice, Planned, PoolTried};
use fairleader_lead::id::RulebookVersion;
use fairleader_lead::ruling::Section;
use fairleader_lead::score::Score;
use fairleader_lead::state::{Stage, Standing, State, Wait};
use fairleader_rulebook::Explanation;

/// Most members that one sentence names.
const MAX_NAMED: usize = 4;

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
    /// The gist, in three plain sentences at most: where it goes and why, its score, who has it.
    #[serde(default)]
    pub summary: Vec<String>,
    /// The whole in plain sentences.
    pub sentences: Vec<String>,
}

impl Why {
    /// Puts together what is kept of `planned`. Sentences tell instants in `zone`, the company's.
    pub fn new(planned: &Planned, explanation: Explanation, score: Score, zone: &TimeZone) -> Self {
        let state = &planned.change.state;
        let rulebook = state.decided.as_ref().map(|decided| &decided.rulebook);
        let mut sentences = explanation.sentences(Some(&score), rulebook);
        let mut summary = vec![explanation.sentence.clone()];
        // `block` knows no score.
        if explanation.section != Section::Block {
            sentences.extend(still_mql(&score, state, zone));
            summary.push(worth(&score));
        }
        summary.extend(planned.choice.summary(state, zone));
        sentences.extend(planned.choice.sentences(state, zone));
        Self {
            at: planned.change.at,
            event: state.last_event,
            stage: state.stage(),
            rulebook: rulebook.cloned().unwrap_or_else(|| RulebookVersion::new("")),
            explanation,
            score,
            choice: planned.choice.clone(),
            summary,
            sentences,
        }
    }
}

impl Choice {
    /// Who has the lead, or why nobody has, in one sentence; `None` if it is not for sales.
    pub(super) fn summary(&self, state: &State, zone: &TimeZone) -> Option<String> {
        let said = match &state.standing {
            Standing::Waiting(Wait { pool, until, .. }) => {
                let members = self.pools.iter().flat_map(|tried| &tried.members);
                let stopped =
                    members.filter_map(|member| Some(format!("`{}` {}", member.rep, member.stopped_by?.words())));
                let stopped = stopped.take(MAX_NAMED).collect::<Vec<_>>().join("; ");
                let why = if stopped.is_empty() { String::new() } else { format!(" ({stopped})") };
                format!(
                    "Nobody can take it now{why}, so it waits in the line of pool `{pool}`, at the longest until {}.",
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

    /// The choice in plain words, with instants in `zone`.
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
            let stopped: Vec<String> = tried
                .members
                .iter()
                .filter_map(|member| member.stopped_by.map(|gate| format!("`{}` {}", member.rep, gate.words())))
                .collect();
            if !stopped.is_empty() {
                said.push(format!("{}.", stopped.join("; ")));
            }
        }
        match &state.standing {
            Standing::Waiting(Wait { pool, until, .. }) => said.push(format!(
                "It waits in the line of pool `{pool}` until somebody is free, at the longest until {}.",
                local(*until, zone)
            )),
            Standing::Held { reason, .. } => said.push(on_hold(reason)),
            _ => {}
        }
        said
    }

    fn named_in_words(&self, named: &Candidate) -> String {
        match named.stopped_by {
            None => format!("The rule names `{}`, who can take it.", named.rep),
            Some(gate) if self.chosen.as_ref() == Some(&named.rep) => {
                format!("The rule names `{}`, who {}, but gets it all the same.", named.rep, gate.words())
            }
            Some(gate) => format!("The rule names `{}`, who {}.", named.rep, gate.words()),
        }
    }

    fn tried(&self, tried: &PoolTried) -> String {
        let free: Vec<&Candidate> = tried.members.iter().filter(|member| member.stopped_by.is_none()).collect();
        let chosen = free.iter().find(|member| self.chosen.as_ref() == Some(&member.rep));
        match (chosen, free.len()) {
            (Some(chosen), 1) => format!("In pool `{}` only `{}` could take it.", tried.pool, chosen.rep),
            (Some(chosen), count) => format!(
                "In pool `{}` it was the turn of `{}` ({}) among {count} who could take it.",
                tried.pool,
                chosen.rep,
                owed(chosen.lag)
            ),
            (None, _) if tried.members.is_empty() => format!("Pool `{}` has no members.", tried.pool),
            (None, _) => format!("In pool `{}` nobody could take it.", tried.pool),
        }
    }
}

fn on_hold(reason: &str) -> String {
    format!("It is on hold (`{reason}`) until a person decides.")
}

/// `It scores 47 of 100 (grade C) and is an MQL: did demo.`
fn worth(score: &Score) -> String {
    let grade = score.grade.as_ref().map(|grade| format!(" (grade {grade})")).unwrap_or_default();
    let mql = match (&score.mql_by, score.mql) {
        (Some(by), _) => format!(" and is an MQL: {by}"),
        (None, true) => " and stays the MQL it was".to_owned(),
        (None, false) => String::new(),
    };
    format!("It scores {} of 100{grade}{mql}.", score.total)
}

/// Since when a lead is an MQL that no line makes one any more.
fn still_mql(score: &Score, state: &State, zone: &TimeZone) -> Option<String> {
    let since = state.milestones.mql.filter(|_| score.mql && score.mql_by.is_none())?;
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
