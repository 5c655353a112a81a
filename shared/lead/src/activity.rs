//! Activities: the behaviour that scores, MQL conditions and rules use.
//!
//! A lead's [`crate::profile::Profile`] remembers its most recent activities, so that a decision reads them together
//! with the lead and not one by one. The lead's history keeps every activity; the profile only keeps what decisions
//! need.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::ActivityId;

/// Limit on the activities that a profile remembers. Older ones stay in the history, but rules no longer see them. With
/// a half-life of weeks, they would hardly count.
pub const MAX_REMEMBERED: usize = 50;

/// Action of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The same for every delivery of the same activity.
    pub id: ActivityId,
    /// What they did, in lower-case words joined by `_`: `contact_me`, `demo`, `webinar`, `pricing`, …
    pub did: String,
    /// When they did it.
    pub at: Timestamp,
    /// The channel, in lower-case words joined by `_`: `web`, `email`, `event`, `call`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// How much effort it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend: Option<Spend>,
    /// How they responded, in lower-case words joined by `_`: `registered`, `attended`, `no_show`, `clicked`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// The product it was about, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
}

/// Effort that an activity took: a click is low, a day at a trade fair is high.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Spend {
    /// A moment.
    Low,
    /// Minutes, or personal data.
    Medium,
    /// Hours, or money.
    High,
}

/// Adds an activity to those remembered, earliest first. Returns false if it is a duplicate.
///
/// Activities at the same time are sorted by id, so the order of arrival does not matter. Beyond [`MAX_REMEMBERED`],
/// the earliest are forgotten.
pub fn remember(remembered: &mut Vec<Activity>, activity: Activity) -> bool {
    if remembered.iter().any(|known| known.id == activity.id) {
        return false;
    }
    let at = remembered.partition_point(|known| (known.at, &known.id) < (activity.at, &activity.id));
    remembered.insert(at, activity);
    let too_many = remembered.len().saturating_sub(MAX_REMEMBERED);
    remembered.drain(..too_many);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(id: &str, second: i64) -> Activity {
        Activity {
            id: ActivityId::from(id),
            did: "webinar".to_owned(),
            at: Timestamp::from_second(second).unwrap(),
            channel: None,
            spend: None,
            response: None,
            product: None,
        }
    }

    #[test]
    fn forgets_activities_beyond_the_limit_in_any_order() {
        let all: Vec<Activity> = (0..60).map(|n| activity(&format!("a{n}"), n / 2)).collect();
        let mut forwards = Vec::new();
        let mut backwards = Vec::new();
        for one in &all {
            assert!(remember(&mut forwards, one.clone()));
        }
        for one in all.iter().rev() {
            remember(&mut backwards, one.clone());
        }
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.len(), MAX_REMEMBERED);
        assert!(!remember(&mut forwards, activity("a59", 3)), "the same activity twice");
        assert_eq!(forwards.last().map(|last| last.id.as_str()), Some("a59"));
    }
}
