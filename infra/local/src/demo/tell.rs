//! The report, for people and for programs.

use std::io::{self, Write};

use fairleader_domain::routing::turns;
use fairleader_lead::pool::Pool;
use fairleader_lead::state::Stage;
use jiff::Timestamp;
use serde::Serialize;

use super::fairness::{RoundRobin, Standing};
use super::story::{Story, five};
use super::{Facts, story};

/// What the demo tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rows of the list.
    pub rows: usize,
    /// Where they are now; sums to `rows`.
    pub totals: Vec<(&'static str, usize)>,
    /// Five of them.
    pub stories: Vec<Story>,
    /// Share, got and lag of every member of every pool that had a turn.
    pub standings: Vec<Standing>,
    /// The leads that plain round robin would have sent elsewhere.
    pub round_robin: RoundRobin,
}

impl Report {
    /// Puts the report together.
    pub fn new(facts: &Facts, pools: &[Pool], now: Timestamp) -> Self {
        let owned = facts.count(Stage::Assigned) + facts.count(Stage::Accepted);
        Self {
            rows: facts.leads.len() + facts.rejected.len(),
            totals: vec![
                ("with a sales rep", owned),
                ("waiting in a pool's line", facts.count(Stage::Waiting)),
                ("in nurture", facts.count(Stage::Nurturing)),
                ("on hold for a person to decide", facts.count(Stage::Held)),
                ("refused by the rulebook", facts.count(Stage::Disqualified)),
                ("merged with an earlier lead", facts.count(Stage::Merged)),
                ("rows that were no lead", facts.rejected.len()),
                ("not decided on", facts.count(Stage::Stored)),
            ],
            stories: five(facts),
            standings: facts.standings.clone(),
            round_robin: RoundRobin::compare(facts, pools, now),
        }
    }

    /// Tells it in plain text.
    pub fn write(&self, out: &mut impl Write, facts: &Facts) -> io::Result<()> {
        writeln!(out, "Where the {} rows of the list are now", self.rows)?;
        let sum: usize = self.totals.iter().map(|(_, count)| count).sum();
        for (name, count) in self.totals.iter().filter(|(name, count)| *count > 0 || *name != "not decided on") {
            writeln!(out, "  {count:>4}  {name}")?;
        }
        writeln!(out, "  {sum:>4}  in all")?;

        writeln!(out, "\nFive of them")?;
        for story::Story { title, sentence } in &self.stories {
            writeln!(out, "  {title}: {sentence}")?;
        }

        writeln!(out, "\nWho got how many, by pool (the lag is what they are owed; it sums to zero)")?;
        writeln!(out, "  {:<22} {:<22} {:>8} {:>5} {:>7}", "pool", "rep", "share", "got", "lag")?;
        let mut last = None;
        for standing in &self.standings {
            let pool = if last == Some(&standing.pool) { "" } else { standing.pool.as_str() };
            last = Some(&standing.pool);
            let (name, share, lag) = (facts.name(&standing.rep), turns(standing.share), turns(standing.lag));
            writeln!(out, "  {pool:<22} {name:<22} {share:>8} {:>5} {lag:>7}", standing.got)?;
        }

        let wrong = self.round_robin.wrong();
        writeln!(
            out,
            "\nPlain round robin over the roster would have sent {wrong} of these {} leads to the wrong place:",
            self.round_robin.leads
        )?;
        for (count, what) in [
            (self.round_robin.not_in_the_pool, "to a rep of another region, language or specialty"),
            (self.round_robin.not_the_owner, "past the rep who looks after the account"),
            (self.round_robin.not_at_work, "to a rep who is not at work"),
            (self.round_robin.full, "to a rep whose desk is full"),
        ] {
            writeln!(out, "  {count:>4}  {what}")?;
        }
        for example in &self.round_robin.examples {
            writeln!(out, "  for example {example}")?;
        }
        Ok(())
    }
}
