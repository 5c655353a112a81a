//! The score of a lead, with the reason for every point. The rulebook decides how it is computed.

use serde::{Deserialize, Serialize};

/// Fit and interest of a lead, with the reason for every point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// The overall score, 0 to 100: the sum of each part times its share. Shares add up to 100 %.
    pub total: u8,
    /// Points for who the person and company are, 0 to 100.
    pub fit: u8,
    /// Points for what they did, 0 to 100.
    pub engagement: u8,
    /// The score of the account, 0 to 100.
    pub account: u8,
    /// Letter by the rulebook's thresholds; missing below the lowest threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// Whether it is ready for sales.
    pub mql: bool,
    /// The line that makes it an MQL, in words (`score is 60 or more`). Missing if no line does, even if it already was
    /// an MQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mql_by: Option<String>,
    /// The products that the person is interested in, strongest interest first; at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interest: Vec<Interest>,
    /// Every line that applied, in the order of the rulebook.
    pub lines: Vec<ScoreLine>,
}

impl Score {
    /// Returns whether both scores have the same figures. Their lines may differ.
    pub fn same_figures(&self, other: &Self) -> bool {
        let figures = |score: &Self| (score.total, score.fit, score.engagement, score.account, score.mql);
        figures(self) == figures(other) && self.grade == other.grade
    }
}

/// Interest of a person in a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    /// The product, in lower case.
    pub product: String,
    /// The engagement points for activities about the product, 0 to 100.
    pub points: u8,
}

/// Line of the rulebook that added or subtracted points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreLine {
    /// `fit`, `engagement` or `account`.
    pub part: String,
    /// The condition in words (`job.level is c_level or vp`).
    pub reason: String,
    /// Points before the part is capped to 0..=100 and multiplied by its share.
    pub points: i32,
}
