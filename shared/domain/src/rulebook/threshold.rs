//! What a rulebook says of a lead whatever its score, and whom it can give leads to: what a replay asks to weigh other
//! thresholds against the people there are.

use std::collections::BTreeSet;

use super::{Facts, Outcome, Rulebook, Target};
use crate::id::RepId;
use crate::scoring::Score;

impl Rulebook {
    /// Whether a line of `mql` holds for the lead even if its score were 0, such as one on what the person did.
    pub fn is_mql_whatever_its_score(&self, facts: &Facts<'_>) -> bool {
        let nothing = Score {
            total: 0,
            fit: 0,
            engagement: 0,
            account: 0,
            grade: None,
            mql: false,
            mql_by: None,
            interest: Vec::new(),
            lines: Vec::new(),
        };
        let reading = self.fields.read(&Facts { score: Some(&nothing), ..*facts });
        self.scoring.mql.iter().any(|line| line.holds(&reading))
    }

    /// Every rep that a rule names; owners read off a lead are not among them.
    pub fn named_reps(&self) -> BTreeSet<&RepId> {
        let fixed = self.block.iter().chain(&self.route).filter_map(|rule| match &rule.target {
            Target::Fixed(outcome) => Some(outcome),
            Target::Owner { .. } | Target::Pool { .. } => None,
        });
        let outcomes = fixed.chain([&self.last.outcome]);
        outcomes
            .filter_map(|outcome| match outcome {
                Outcome::Owner { rep, .. } => Some(rep),
                _ => None,
            })
            .collect()
    }
}
