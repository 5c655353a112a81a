//! The demo's report, as text and as JSON.

use std::io::{self, Write};

use fairleader_domain::routing::turns;
use fairleader_lead::pool::Pool;
use fairleader_lead::state::Stage;
use jiff::Timestamp;
use serde::Serialize;

use super::fairness::{RoundRobin, Standing};
use super::story::{Story, five};
use super::{Facts, story};

/// Report of the demo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rows of the list.
    pub rows: usize,
    /// Number of rows by where they are now. The numbers sum to `rows`.
    pub totals: Vec<(&'static str, usize)>,
    /// Five example leads.
    pub stories: Vec<Story>,
    /// Share, leads and lag of every pool member who had a turn.
    pub standings: Vec<Standing>,
    /// Comparison with plain round robin.
    pub round_robin: RoundRobin,
}

impl Report {
    /// Builds the report.
    pub fn new(facts: &Facts, pools: &[Pool], now: Timestamp) -> Self {
        let owned = facts.count(Stage::Assigned) + facts.count(Stage::Accepted);
        Self {
            rows: facts.leads.len() + facts.rejected.len(),
            totals: vec![
                ("with a sales rep", owned),
                ("on a pool's waiting list", facts.count(Stage::Waiting)),
                ("in nurture", facts.count(Stage::Nurturing)),
                ("on hold until a person decides", facts.count(Stage::Held)),
                ("disqualified by a rule", facts.count(Stage::Disqualified)),
                ("merged with an earlier lead", facts.count(Stage::Merged)),
                ("rejected as invalid", facts.rejected.len()),
                ("not yet decided", facts.count(Stage::Stored)),
            ],
            stories: five(facts),
            standings: facts.standings.clone(),
            round_robin: RoundRobin::compare(facts, pools, now),
        }
    }

    /// Writes the report as text.
    pub fn write(&self, out: &mut impl Write, facts: &Facts) -> io::Result<()> {
        writeln!(out, "Where the {} rows of the list are now", self.rows)?;
        let sum: usize = self.totals.iter().map(|(_, count)| count).sum();
        for (name, count) in self.totals.iter().filter(|(name, count)| *count > 0 || *name != "not yet decided") {
            writeln!(out, "  {count:>4}  {name}")?;
        }
        writeln!(out, "  {sum:>4}  in total")?;

        writeln!(out, "\nFive examples")?;
        for story::Story { title, sentence } in &self.stories {
            writeln!(out, "  {title}: {sentence}")?;
        }

        writeln!(out, "\nLeads per rep, by pool (lag = leads owed to the rep; each pool's lags sum to zero)")?;
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
            "\nPlain round robin over the roster would have sent {wrong} of these {} leads to the wrong rep:",
            self.round_robin.leads
        )?;
        for (count, what) in [
            (self.round_robin.not_in_the_pool, "to a rep of another region, language or specialty"),
            (self.round_robin.not_the_owner, "to a rep who does not own the account"),
            (self.round_robin.not_at_work, "to a rep who is not at work"),
            (self.round_robin.full, "to a rep who is at capacity"),
        ] {
            writeln!(out, "  {count:>4}  {what}")?;
        }
        for example in &self.round_robin.examples {
            writeln!(out, "  for example: {example}")?;
        }
        Ok(())
    }
}
