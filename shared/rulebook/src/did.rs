//! Conditions on a person's activities: `did: [contact_me, demo], within: 7 days`.

use super::condition::{MAX_VALUES_SHOWN, some};
use super::diagnostic::join;
use super::reading::Reading;
use crate::lead_value::Value;
use crate::matcher::Matcher;
use crate::time_span;
use crate::time_span::Length;
use fairleader_lead::activity::{Activity, Spend};

/// Which activities match. An empty list does not narrow it, except for `did`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Did {
    /// What the person did: any of these words; `absent` is a matcher too.
    pub(crate) words: Vec<Matcher>,
    /// At most this long ago.
    pub(crate) within: Option<Length>,
    pub(crate) spend: Vec<Spend>,
    pub(crate) response: Vec<Matcher>,
    pub(crate) channel: Vec<Matcher>,
    pub(crate) product: Vec<Matcher>,
    /// How many times, from and to, both included; `u32::MAX` means no upper limit.
    pub(crate) times: Option<(u32, u32)>,
}

/// Returns the word for a [`Spend`].
pub(crate) const fn spend_word(spend: Spend) -> &'static str {
    match spend {
        Spend::Low => "low",
        Spend::Medium => "medium",
        Spend::High => "high",
    }
}

fn any(matchers: &[Matcher], value: Option<&str>) -> bool {
    let value = value.map(Value::text);
    matchers.is_empty() || matchers.iter().any(|matcher| matcher.holds(value.as_ref()))
}

impl Did {
    /// Returns how many values it compares with.
    pub(crate) const fn weight(&self) -> usize {
        let lists = self.response.len() + self.channel.len() + self.product.len() + self.spend.len();
        1 + self.words.len() + lists
    }

    /// Returns whether it requires that nothing was done.
    pub(crate) fn wants_nothing(&self) -> bool {
        self.words == [Matcher::Absent]
    }

    /// Returns whether an activity matches.
    pub(crate) fn means(&self, activity: &Activity, reading: &Reading<'_>) -> bool {
        let age = reading.now.as_millisecond() - activity.at.as_millisecond();
        self.within.as_ref().is_none_or(|within| age <= within.ms)
            && (self.wants_nothing() || any(&self.words, Some(&activity.did)))
            && (self.spend.is_empty() || activity.spend.is_some_and(|spend| self.spend.contains(&spend)))
            && any(&self.response, activity.response.as_deref())
            && any(&self.channel, activity.channel.as_deref())
            && any(&self.product, activity.product.as_deref())
    }

    /// Returns whether `other` holds whenever this one does, if both require that something was done. May return false
    /// negatives.
    pub(crate) fn implies(&self, other: &Self) -> bool {
        let narrower = |mine: &[Matcher], theirs: &[Matcher]| {
            let implied = |one: &Matcher| theirs.iter().any(|other| one.implies(other));
            theirs.is_empty() || !mine.is_empty() && mine.iter().all(implied)
        };
        let within = match (&self.within, &other.within) {
            (_, None) => true,
            (Some(mine), Some(theirs)) => mine.ms <= theirs.ms,
            (None, Some(_)) => false,
        };
        let spend = other.spend.is_empty()
            || !self.spend.is_empty() && self.spend.iter().all(|spend| other.spend.contains(spend));
        let least = self.times.map_or(1, |(from, _)| from);
        let often = other.times.is_none_or(|(from, to)| from <= least && to == u32::MAX);
        within
            && spend
            && often
            && narrower(&self.words, &other.words)
            && narrower(&self.response, &other.response)
            && narrower(&self.channel, &other.channel)
            && narrower(&self.product, &other.product)
    }

    fn meant<'a>(&self, reading: &Reading<'a>) -> impl DoubleEndedIterator<Item = &'a Activity> {
        reading.activities.iter().filter(|activity| self.means(activity, reading))
    }

    /// Returns whether it holds.
    pub(crate) fn holds(&self, reading: &Reading<'_>) -> bool {
        match self.times {
            _ if self.wants_nothing() => self.meant(reading).next().is_none(),
            None => self.meant(reading).next().is_some(),
            Some((from, to)) => {
                u32::try_from(self.meant(reading).count()).is_ok_and(|count| (from..=to).contains(&count))
            }
        }
    }

    /// Returns the condition in words: `did contact_me or demo within 7 days`.
    pub(crate) fn words(&self) -> String {
        format!("did {}", self.wanted())
    }

    /// Returns what it requires, to follow `did`.
    pub(crate) fn wanted(&self) -> String {
        let objects = |matchers: &[Matcher]| join(&some(matchers, MAX_VALUES_SHOWN, Matcher::object), "or");
        let what = if self.wants_nothing() {
            "nothing".to_owned()
        } else if self.words == [Matcher::Present] {
            "anything".to_owned()
        } else {
            objects(&self.words)
        };
        let times = match self.times {
            None => String::new(),
            Some((from, to)) if from == to => format!(" {from} times"),
            Some((from, u32::MAX)) => format!(" {from} times or more"),
            Some((from, to)) => format!(" {from} to {to} times"),
        };
        let spend: Vec<&str> = self.spend.iter().map(|spend| spend_word(*spend)).collect();
        let details = [
            ("spend", join(&spend, "or")),
            ("response", objects(&self.response)),
            ("channel", objects(&self.channel)),
            ("product", objects(&self.product)),
        ];
        let details: Vec<String> =
            details.iter().filter(|(_, of)| !of.is_empty()).map(|(name, of)| format!("{name} {of}")).collect();
        let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
        let within = self.within.as_ref().map(|within| format!(" within {}", within.shown)).unwrap_or_default();
        format!("{what}{times}{details}{within}")
    }

    /// Returns why it holds: `did demo 2 days ago`.
    pub(crate) fn reason(&self, reading: &Reading<'_>) -> String {
        let count = self.meant(reading).count();
        match self.meant(reading).next_back() {
            Some(last) if count > 1 => format!("{}, {count} times in all", done(last, reading)),
            Some(last) => done(last, reading),
            None => self.words(),
        }
    }

    /// Returns what the person did instead: `did webinar 3 days ago, needed demo within 7 days`. Names the latest
    /// activity of the kind asked for, or else the latest of any kind.
    pub(crate) fn failure(&self, reading: &Reading<'_>) -> String {
        let count = self.meant(reading).count();
        if let (Some(last), Some(_)) = (self.meant(reading).next_back(), self.times) {
            let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
            return format!("{}, {times}, needed {}", done(last, reading), self.wanted());
        }
        let same = reading.activities.iter().rfind(|activity| any(&self.words, Some(&activity.did)));
        let state = match (same, reading.activities.last()) {
            (Some(same), _) => format!("{}{}", done(same, reading), self.details(same)),
            (None, Some(last)) if reading.activities.len() > 1 => format!("last {}", done(last, reading)),
            (None, Some(last)) => done(last, reading),
            (None, None) => "no known activity".to_owned(),
        };
        format!("{state}, needed {}", self.wanted())
    }

    /// Returns the details of an activity that the condition tests besides the word.
    fn details(&self, activity: &Activity) -> String {
        let asked = [
            ("spend", !self.spend.is_empty(), activity.spend.map(spend_word)),
            ("response", !self.response.is_empty(), activity.response.as_deref()),
            ("channel", !self.channel.is_empty(), activity.channel.as_deref()),
            ("product", !self.product.is_empty(), activity.product.as_deref()),
        ];
        let asked = asked.iter().filter(|(_, asked, _)| *asked);
        let details: Vec<String> = asked.map(|(name, _, of)| format!("{name} {}", of.unwrap_or("unknown"))).collect();
        if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) }
    }
}

fn done(activity: &Activity, reading: &Reading<'_>) -> String {
    let age = reading.now.as_millisecond() - activity.at.as_millisecond();
    format!("did {} {}", activity.did, time_span::ago(age))
}
