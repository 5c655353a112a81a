//! What a lead scored, with every point's reason. How a score is made is decided by the rulebook.

use serde::{Deserialize, Serialize};

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
    /// Which line makes it an MQL, in words (`score is 60 or more`); absent if none does, also if it was one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mql_by: Option<String>,
    /// The products the person is interested in, the most interesting first; at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interest: Vec<Interest>,
    /// Every line that counted, in the rulebook's order.
    pub lines: Vec<ScoreLine>,
}

impl Score {
    /// Whether two scores come to the same. The lines they are made of may differ: a point that takes the place of another
    /// one is no news.
    pub fn same_figures(&self, other: &Self) -> bool {
        let figures = |score: &Self| (score.total, score.fit, score.engagement, score.account, score.mql);
        figures(self) == figures(other) && self.grade == other.grade
    }
}

/// How interested a person is in a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    /// The product, in lower case.
    pub product: String,
    /// The points engagement gives for what they did about it, 0 to 100.
    pub points: u8,
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
