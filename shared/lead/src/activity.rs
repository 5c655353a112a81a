//! What people do: the behaviour that scores, MQL lines and rules look at.
//!
//! A lead's [`crate::profile::Profile`] remembers its most recent activities, so that a decision reads them with the lead
//! and not one by one. Everything a person ever did stays in the lead's history; what is remembered here only decides.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::ActivityId;

/// Most activities that a lead's profile remembers. Older ones stay in its history, but no rule sees them any more;
/// with a half-life of weeks they would hardly count.
pub const MAX_REMEMBERED: usize = 50;

/// Something a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The same for every delivery of the same activity.
    pub id: ActivityId,
    /// What, in lower-case words joined by `_`: `contact_me`, `demo`, `webinar`, `pricing`, …
    pub did: String,
    /// When.
    pub at: Timestamp,
    /// Through which channel, in lower-case words joined by `_`: `web`, `email`, `event`, `call`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// How much it asked of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend: Option<Spend>,
    /// How they responded, in lower-case words joined by `_`: `registered`, `attended`, `no_show`, `clicked`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// The product it was about, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
}

/// How much an activity asked of the person: a click is little, a day at a trade fair is much.
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

/// Adds an activity to those remembered, the earliest first; false if it is there already. Of the same instant the one
/// with the lesser id comes first, so the order of arrival does not count. Beyond [`MAX_REMEMBERED`] the earliest is
/// forgotten.
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
    fn the_most_recent_activities_are_remembered_once_in_any_order_of_arrival() {
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
