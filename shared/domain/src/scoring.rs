//! Fit lines, grades and the MQL threshold.
//!
//! A score has three parts, each 0 to 100: **fit** (who the person and company are) and **engagement** (what they did) add
//! up the points of the rulebook's lines that hold; **account** is the account's own score. The total is each part times
//! its share. Integers throughout; halves round up.

use serde::{Deserialize, Serialize};

use crate::rulebook::{Condition, Facts, Fields};

/// How well a lead fits and how interested it is, with every point's reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// The one number, 0 to 100: each part times its share, shares summing to 100 %.
    pub total: u8,
    /// What the person and company are, 0 to 100.
    pub fit: u8,
    /// What they did, 0 to 100.
    pub engagement: u8,
    /// The account's own score, 0 to 100.
    pub account: u8,
    /// Letter by the rulebook's thresholds; absent when below the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// Whether it is ready for sales.
    pub mql: bool,
    /// Which line made it an MQL, in words (`score is 60 or more`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mql_by: Option<String>,
    /// Every line that counted, in the rulebook's order.
    pub lines: Vec<ScoreLine>,
}

/// A line of the rulebook that gave or took points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreLine {
    /// `fit`, `engagement` or `account`.
    pub part: String,
    /// The condition in words (`job.level is c_level or vp`).
    pub reason: String,
    /// Points before the part is capped to 0..=100 and shared.
    pub points: i32,
}

/// How a rulebook scores; checked: the shares add up to 100.
#[derive(Clone, Debug)]
pub(crate) struct Scoring {
    pub(crate) fit: Part,
    pub(crate) engagement: Part,
    /// Share of the account's own score, in percent.
    pub(crate) account: u32,
    /// From the best to the worst.
    pub(crate) grades: Vec<Grade>,
    /// Any of these makes a lead an MQL.
    pub(crate) mql: Vec<Condition>,
}

/// A part of the score that adds up points.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// In percent.
    pub(crate) share: u32,
    pub(crate) lines: Vec<Line>,
}

/// A line that gives or takes points.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) condition: Condition,
    /// The condition in words.
    pub(crate) reason: String,
    pub(crate) points: i32,
}

/// A letter and the lowest total it is given for.
#[derive(Clone, Debug)]
pub(crate) struct Grade {
    pub(crate) name: String,
    pub(crate) from: u8,
}

impl Scoring {
    /// Scores a lead. `fields` are those the conditions were compiled with.
    pub(crate) fn score(&self, fields: &Fields, facts: &Facts<'_>) -> Score {
        let mut score = self.without_mql(fields, facts);
        let facts = Facts { score: Some(&score), ..*facts };
        let reading = fields.read(&facts);
        let line = self.mql.iter().find(|line| line.holds(&reading));
        let mql_by = line.map(Condition::words);
        score.mql = mql_by.is_some();
        score.mql_by = mql_by;
        score
    }

    fn without_mql(&self, fields: &Fields, facts: &Facts<'_>) -> Score {
        let reading = fields.read(&Facts { score: None, ..*facts });
        let mut lines = Vec::new();
        let mut add_up = |part: &Part, name: &str| {
            let mut sum: i64 = 0;
            for line in part.lines.iter().filter(|line| line.condition.holds(&reading)) {
                sum = sum.saturating_add(i64::from(line.points));
                lines.push(ScoreLine { part: name.to_owned(), reason: line.reason.clone(), points: line.points });
            }
            percent(sum)
        };
        let fit = add_up(&self.fit, "fit");
        let engagement = add_up(&self.engagement, "engagement");
        let own = facts.account.and_then(|account| account.account.score);
        let account = own.map_or(0, |score| percent(score.into()));
        if own.is_some() && self.account > 0 {
            let reason = format!("account.score is {account}");
            lines.push(ScoreLine { part: "account".to_owned(), reason, points: account.into() });
        }
        let total = total([(fit, self.fit.share), (engagement, self.engagement.share), (account, self.account)]);
        let grade = self.grades.iter().find(|grade| total >= grade.from).map(|grade| grade.name.clone());
        Score { total, fit, engagement, account, grade, mql: false, mql_by: None, lines }
    }
}

/// Caps points to 0..=100.
fn percent(points: i64) -> u8 {
    u8::try_from(points.clamp(0, 100)).unwrap_or(100)
}

/// Each part times its share in percent, halves rounded up.
fn total(parts: [(u8, u32); 3]) -> u8 {
    let sum: u32 = parts.iter().map(|(part, share)| u32::from(*part) * share).sum();
    percent(i64::from((sum + 50) / 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_exact_and_halves_round_up() {
        assert_eq!(total([(100, 40), (100, 30), (100, 30)]), 100);
        assert_eq!(total([(0, 40), (0, 30), (0, 30)]), 0);
        assert_eq!(total([(1, 50), (0, 50), (0, 0)]), 1, "0.5 is 1");
        assert_eq!(total([(1, 49), (0, 51), (0, 0)]), 0, "0.49 is 0");
        assert_eq!(total([(33, 33), (33, 33), (34, 34)]), 33, "33.34 is 33");
    }

    #[test]
    fn points_are_capped() {
        assert_eq!([-5, 0, 100, 101, i64::MAX].map(percent), [0, 0, 100, 100, 100]);
    }
}
