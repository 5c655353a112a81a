//! Scores leads: fit, engagement, the account's own score, grades and MQL lines.
//!
//! A score has three parts, each from 0 to 100. **Fit** (who the person and company are) is the sum of the lines that
//! hold. **Engagement** (what they did) is the sum of the points of every activity that a line matches; points halve
//! with every half-life, and no line gives more than its `at_most`. **Account** is the account's own score. The total
//! is the sum of the parts times their shares. All arithmetic uses integers; halves round up.
//!
//! The points that engagement gives for activities about a product are also the person's interest in that product.

use std::collections::BTreeMap;

use fairleader_lead::score::{Interest, Score, ScoreLine};
use jiff::Timestamp;

use crate::condition::Condition;
use crate::did::Did;
use crate::facts::Facts;
use crate::reading::{Fields, Reading};

/// The most products for which a score keeps the interest.
const MAX_INTERESTS: usize = 5;
/// Points are calculated in thousandths until a line is rounded.
const MILLI: i64 = 1_000;

/// How a rulebook scores; checking ensures that the shares add up to 100.
#[derive(Clone, Debug)]
pub(crate) struct Scoring {
    pub(crate) fit: Part,
    pub(crate) engagement: Engagement,
    /// Share of the account's own score, in percent.
    pub(crate) account: u32,
    /// From best to worst.
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

/// The part of the score for what a person did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Engagement {
    /// In percent.
    pub(crate) share: u32,
    /// The half-life of an activity; `None` if it always counts in full.
    pub(crate) halves_every_ms: Option<i64>,
    pub(crate) lines: Vec<DidLine>,
}

/// A line that gives or takes points for every matching activity.
#[derive(Clone, Debug)]
pub(crate) struct DidLine {
    pub(crate) did: Did,
    /// The points of one new activity.
    pub(crate) points: i32,
    /// The most points that the line gives or takes in total.
    pub(crate) at_most: u32,
}

/// A grade with its lowest score.
#[derive(Clone, Debug)]
pub(crate) struct Grade {
    pub(crate) name: String,
    pub(crate) from: u8,
}

impl Scoring {
    /// Scores a lead. `fields` are the ones that the conditions were compiled with.
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
        let mut sum: i64 = 0;
        for line in self.fit.lines.iter().filter(|line| line.condition.holds(&reading)) {
            sum = sum.saturating_add(line.points.into());
            lines.push(ScoreLine { part: "fit".to_owned(), reason: line.reason.clone(), points: line.points });
        }
        let fit = percent(sum);
        let (engagement, interest) = self.engagement.score(&reading, &mut lines);
        let own = facts.account.and_then(|account| account.account.score);
        let account = own.map_or(0, |score| percent(score.into()));
        if own.is_some() && self.account > 0 {
            let reason = format!("account.score is {account}");
            lines.push(ScoreLine { part: "account".to_owned(), reason, points: account.into() });
        }
        let total = total([(fit, self.fit.share), (engagement, self.engagement.share), (account, self.account)]);
        let grade = self.grades.iter().find(|grade| total >= grade.from).map(|grade| grade.name.clone());
        Score { total, fit, engagement, account, grade, mql: false, mql_by: None, interest, lines }
    }
}

impl Engagement {
    /// Returns the points and the interest in each product, and adds to `lines` what counted.
    fn score(&self, reading: &Reading<'_>, lines: &mut Vec<ScoreLine>) -> (u8, Vec<Interest>) {
        let mut sum: i64 = 0;
        let mut products: BTreeMap<&str, i64> = BTreeMap::new();
        for line in &self.lines {
            let mut milli: i64 = 0;
            for activity in reading.activities.iter().filter(|activity| line.did.means(activity, reading)) {
                let given = self.left(line.points, activity.at, reading.now);
                milli = milli.saturating_add(given);
                if let Some(product) = activity.product.as_deref().filter(|_| given > 0) {
                    let known = products.entry(product).or_default();
                    *known = known.saturating_add(given);
                }
            }
            let most = i64::from(line.at_most).saturating_mul(MILLI);
            let points = whole(milli.clamp(-most, most));
            if points == 0 {
                continue;
            }
            sum = sum.saturating_add(points.into());
            let each =
                if points == line.points { String::new() } else { format!(" ({} points each when new)", line.points) };
            let reason = format!("{}{each}", line.did.reason(reading));
            lines.push(ScoreLine { part: "engagement".to_owned(), reason, points });
        }
        let mut interest: Vec<Interest> = products
            .into_iter()
            .map(|(product, milli)| Interest { product: product.to_owned(), points: percent(whole(milli).into()) })
            .filter(|interest| interest.points > 0)
            .collect();
        interest.sort_by(|a, b| b.points.cmp(&a.points).then_with(|| a.product.cmp(&b.product)));
        interest.truncate(MAX_INTERESTS);
        (percent(sum), interest)
    }

    /// Returns what is left of an activity's points at `now`, in thousandths.
    fn left(&self, points: i32, at: Timestamp, now: Timestamp) -> i64 {
        let full = i64::from(points) * MILLI;
        match self.halves_every_ms {
            None => full,
            Some(half_life) => decayed(full, now.as_millisecond().saturating_sub(at.as_millisecond()), half_life),
        }
    }
}

/// Rounds thousandths of a point to whole points, halves up.
fn whole(milli: i64) -> i32 {
    i32::try_from(milli.saturating_add(MILLI / 2).div_euclid(MILLI)).unwrap_or(i32::MAX)
}

/// The number of fractional bits of the factors below.
const BITS: u32 = 62;

/// The 2nd, 4th, 8th, … root of one half, with [`BITS`] fractional bits.
const ROOTS: [u128; 20] = {
    let mut roots = [0; 20];
    let mut root: u128 = 1 << (BITS - 1);
    let mut rest = roots.as_mut_slice();
    while let [first, others @ ..] = rest {
        root = (root << BITS).isqrt();
        *first = root;
        rest = others;
    }
    roots
};

/// Returns what is left of `amount` after `age`, halving every `half_life`, rounded towards zero; a negative age counts
/// as 0. Exact to a millionth, without floating point, so that every machine gets the same result.
fn decayed(amount: i64, age: i64, half_life: i64) -> i64 {
    let (age, half_life) = (u128::from(age.max(0).unsigned_abs()), u128::from(half_life.max(1).unsigned_abs()));
    let halvings = age / half_life;
    if halvings >= 63 {
        return 0;
    }
    // The fraction of the current half-life, bit by bit: each set bit multiplies by one root of one half.
    let mut begun = age % half_life;
    let mut factor: u128 = 1 << BITS;
    for root in ROOTS {
        begun *= 2;
        if begun >= half_life {
            begun -= half_life;
            factor = (factor * root) >> BITS;
        }
    }
    let left = (u128::from(amount.unsigned_abs()) * (factor >> halvings)) >> BITS;
    let left = i64::try_from(left).unwrap_or(i64::MAX);
    if amount < 0 { -left } else { left }
}

/// Limits points to 0..=100.
pub(crate) fn percent(points: i64) -> u8 {
    u8::try_from(points.clamp(0, 100)).unwrap_or(100)
}

/// Returns the sum of the parts times their shares in percent, halves rounded up.
pub(crate) fn total(parts: [(u8, u32); 3]) -> u8 {
    let sum: u32 = parts.iter().map(|(part, share)| u32::from(*part) * share).sum();
    percent(i64::from((sum + 50) / 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_is_exact_and_rounds_halves_up() {
        assert_eq!(total([(100, 40), (100, 30), (100, 30)]), 100);
        assert_eq!(total([(0, 40), (0, 30), (0, 30)]), 0);
        assert_eq!(total([(1, 50), (0, 50), (0, 0)]), 1, "0.5 is 1");
        assert_eq!(total([(1, 49), (0, 51), (0, 0)]), 0, "0.49 is 0");
        assert_eq!(total([(33, 33), (33, 33), (34, 34)]), 33, "33.34 is 33");
    }

    #[test]
    fn points_halve_every_half_life() {
        let days = |days: i64| days * 86_400_000;
        let left = |age| decayed(100_000, age, days(14));
        assert_eq!([left(-5), left(0), left(days(14)), left(days(28))], [100_000, 100_000, 50_000, 25_000]);
        assert_eq!(left(days(7)), 70_710, "the square root of one half is 0.70710678");
        assert_eq!(left(days(1)), 95_169, "2^(-1/14) is 0.951695");
        assert_eq!([left(days(14 * 62)), left(i64::MAX)], [0, 0]);
        assert_eq!(decayed(-40_000, days(14), days(14)), -20_000);
        assert_eq!([whole(1_499), whole(1_500), whole(-1_500), whole(-1_501)], [1, 2, -1, -2]);
        let mut before = 100_001;
        for hour in 0..2_000 {
            let now = left(hour * 3_600_000);
            assert!(now < before, "it never rises: hour {hour}");
            before = now;
        }
    }

    #[test]
    fn limits_points_to_0_to_100() {
        assert_eq!([-5, 0, 100, 101, i64::MAX].map(percent), [0, 0, 100, 100, 100]);
    }
}
