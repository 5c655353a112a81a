//! When a rep works: weekly hours in their own time zone, correct across daylight-saving changes.
//!
//! Hours are civil times ("Monday to Friday, nine to five, by the clock on the wall"). They are compared with the local
//! time in the rep's zone, never with an offset from UTC.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Weekly working hours, written `mon-fri 09:00-17:00, sat 10:00-14:00`, or `always`, or `never`.
///
/// A span can go past midnight (`22:00-06:00`); it belongs to the day on which it starts. A day can have several spans
/// (`mon 09:00-12:00, mon 13:00-17:00`).
///
/// ```
/// # use fairleader_lead::hours::WeeklyHours;
/// # use jiff::tz::TimeZone;
/// let hours: WeeklyHours = "mon-fri 09:00-17:00".parse()?;
/// let berlin = TimeZone::get("Europe/Berlin").unwrap();
/// assert!(hours.contains("2026-07-07T07:00:00Z".parse().unwrap(), &berlin)); // 09:00 in summer
/// assert!(!hours.contains("2026-01-06T07:00:00Z".parse().unwrap(), &berlin)); // 08:00 in winter
/// # Ok::<(), fairleader_lead::hours::HoursError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WeeklyHours {
    text: String,
    spans: Vec<Span>,
}

/// Span of hours, in minutes after midnight. `end` can be past the next midnight, at most 24 hours after `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    day: Weekday,
    start: u16,
    end: u16,
}

/// Reason why working hours cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// A part is not days and times.
    #[error("`{0}` is not a span of hours; write spans like `mon-fri 09:00-17:00`, separated by commas, or `always`")]
    Part(String),
    /// Not a day of the week.
    #[error("`{0}` is not a day; use mon, tue, wed, thu, fri, sat or sun")]
    Day(String),
    /// Not a time of day.
    #[error("`{0}` is not a time of day; write 00:00 to 24:00, like 09:00")]
    Time(String),
    /// A span is empty.
    #[error("`{0}` starts and ends at the same time; for the whole day write 00:00-24:00")]
    Empty(String),
}

const DAY_MINUTES: u16 = 24 * 60;

impl WeeklyHours {
    /// Returns whether the local time of `at` in `zone` is within these hours. The start is included, the end is not.
    pub fn contains(&self, at: Timestamp, zone: &TimeZone) -> bool {
        let local = at.to_zoned(zone.clone());
        let minute = u16::try_from(local.hour()).unwrap_or(0) * 60 + u16::try_from(local.minute()).unwrap_or(0);
        let (today, yesterday) = (local.weekday(), local.weekday().previous());
        self.spans.iter().any(|span| {
            (span.day == today && (span.start..span.end).contains(&minute))
                || (span.day == yesterday && (span.start..span.end).contains(&(minute + DAY_MINUTES)))
        })
    }
}

impl FromStr for WeeklyHours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let lower = text.trim().to_lowercase();
        let mut spans = Vec::new();
        match lower.as_str() {
            "always" => spans.extend(days_from(Weekday::Monday, Weekday::Sunday).map(|day| Span {
                day,
                start: 0,
                end: DAY_MINUTES,
            })),
            "never" => {}
            _ => {
                for part in lower.split(',').map(str::trim) {
                    spans.extend(spans_of(part)?);
                }
            }
        }
        Ok(Self { text: lower, spans })
    }
}

/// Reads `mon-fri 09:00-17:00` or `sat 10:00-14:00`.
fn spans_of(part: &str) -> Result<Vec<Span>, HoursError> {
    let unreadable = || HoursError::Part(part.to_owned());
    let (days, times) = part.split_once(char::is_whitespace).ok_or_else(unreadable)?;
    let (start, end) = times.trim().split_once('-').ok_or_else(unreadable)?;
    let (start, mut end) = (minute_of(start.trim())?, minute_of(end.trim())?);
    if start == end {
        return Err(HoursError::Empty(part.to_owned()));
    }
    if end < start {
        end += DAY_MINUTES;
    }
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    Ok(days_from(day_of(first)?, day_of(last)?).map(|day| Span { day, start, end }).collect())
}

fn day_of(word: &str) -> Result<Weekday, HoursError> {
    Ok(match word.trim() {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        other => return Err(HoursError::Day(other.to_owned())),
    })
}

/// Lists the days from `first` to `last`, wrapping around the end of the week.
fn days_from(first: Weekday, last: Weekday) -> impl Iterator<Item = Weekday> {
    let length = first.until(last);
    first.cycle_forward().take(usize::try_from(length).unwrap_or(0) + 1)
}

fn minute_of(text: &str) -> Result<u16, HoursError> {
    let wrong = || HoursError::Time(text.to_owned());
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    if minute.len() != 2 {
        return Err(wrong());
    }
    let (hour, minute): (u16, u16) = (hour.parse().map_err(|_| wrong())?, minute.parse().map_err(|_| wrong())?);
    let total = hour.checked_mul(60).and_then(|minutes| minutes.checked_add(minute)).ok_or_else(wrong)?;
    if minute > 59 || total > DAY_MINUTES { Err(wrong()) } else { Ok(total) }
}

impl fmt::Display for WeeklyHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for WeeklyHours {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        text.parse()
    }
}

impl From<WeeklyHours> for String {
    fn from(hours: WeeklyHours) -> Self {
        hours.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(hours: &str, zone: &str, at: &str) -> bool {
        let hours: WeeklyHours = hours.parse().unwrap();
        hours.contains(at.parse().unwrap(), &TimeZone::get(zone).unwrap())
    }

    #[test]
    fn includes_the_start_and_excludes_the_end() {
        let hours = "mon-fri 09:00-17:00";
        assert!(open(hours, "UTC", "2026-03-02T09:00:00Z"));
        assert!(open(hours, "UTC", "2026-03-02T16:59:59Z"));
        assert!(!open(hours, "UTC", "2026-03-02T17:00:00Z"));
        assert!(!open(hours, "UTC", "2026-03-01T12:00:00Z"), "Sunday");
    }

    #[test]
    fn spans_midnight_and_the_weekend() {
        assert!(open("fri-mon 22:00-06:00", "UTC", "2026-03-03T05:59:00Z"), "Monday's span, on Tuesday");
        assert!(!open("fri-mon 22:00-06:00", "UTC", "2026-03-06T05:59:00Z"), "no hours on Thursday");
        assert!(open("sat-sun 00:00-24:00", "UTC", "2026-03-01T23:59:00Z"));
    }

    #[test]
    fn follows_local_time_across_daylight_saving_changes() {
        let hours = "mon-sun 02:00-03:00";
        // In Berlin, 02:00 to 03:00 does not exist on 29 March 2026, and happens twice on 25 October.
        let day = |start: &str| -> usize {
            let start: Timestamp = start.parse().unwrap();
            let minutes = |m: i64| start + jiff::SignedDuration::from_mins(m);
            let zone = TimeZone::get("Europe/Berlin").unwrap();
            let hours: WeeklyHours = hours.parse().unwrap();
            (0..300).filter(|m| hours.contains(minutes(*m), &zone)).count()
        };
        assert_eq!(day("2026-03-28T23:00:00Z"), 0);
        assert_eq!(day("2026-10-24T22:00:00Z"), 120);
        assert_eq!(day("2026-06-09T22:00:00Z"), 60);
    }

    #[test]
    fn rejects_bad_hours_with_an_example() {
        let refused = |text: &str| text.parse::<WeeklyHours>().unwrap_err().to_string();
        assert!(refused("9 to 5").contains("mon-fri 09:00-17:00"));
        assert!(refused("mo-fr 09:00-17:00").contains("`mo` is not a day"));
        assert!(refused("mon 09:00-25:00").contains("`25:00`"));
        assert!(refused("mon 09:00-09:00").contains("00:00-24:00"));
    }
}
