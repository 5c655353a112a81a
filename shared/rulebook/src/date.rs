//! Dates and durations as a rulebook writes them: `within 7 days`, `before 2026-04-01`.

use crate::time_span::{LENGTH_HELP, length};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::diagnostic::{WrongValue, wrong};
use crate::matcher::Matcher;

/// Reads a date into a matcher; days start and end in the company's `zone`.
pub(crate) fn read(text: &str, zone: &TimeZone) -> Result<Matcher, WrongValue> {
    as_written(text, zone).map_err(|problem| match instead(text) {
        Some(help) if problem.code == "wrong-type" => WrongValue { help: Some(help), ..problem },
        _ => problem,
    })
}

fn as_written(text: &str, zone: &TimeZone) -> Result<Matcher, WrongValue> {
    let age = |from, to, shown: String| Ok(Matcher::Age { from, to, shown });
    let span =
        |of: &str| length(of).ok_or_else(|| wrong("wrong-type", "which is not a duration", LENGTH_HELP.to_owned()));
    if let Some(rest) = text.strip_prefix("within ") {
        let length = span(rest)?;
        return age(0, length.ms, format!("within {}", length.shown));
    }
    if let Some(rest) = text.strip_prefix("in the next ") {
        let length = span(rest)?;
        return age(-length.ms, 0, format!("in the next {}", length.shown));
    }
    if let Some(rest) = text.strip_prefix("more than ").and_then(|rest| rest.strip_suffix(" ago")) {
        let length = span(rest)?;
        return age(length.ms + 1, i64::MAX, format!("more than {} ago", length.shown));
    }
    let (from, to) = if let Some(day) = text.strip_prefix("before ") {
        (i64::MIN, start(date(day)?, zone)? - 1)
    } else if let Some(day) = text.strip_prefix("since ") {
        (start(date(day)?, zone)?, i64::MAX)
    } else if let Some((first, last)) = text.split_once(" to ") {
        let (first, last) = (date(first)?, date(last)?);
        if last < first {
            return Err(wrong("empty-range", "which is an empty range", format!("write `{last} to {first}`")));
        }
        (start(first, zone)?, end(last, zone)?)
    } else {
        let day = date(text)?;
        (start(day, zone)?, end(day, zone)?)
    };
    Ok(Matcher::Date { from, to, shown: text.to_owned() })
}

/// Returns what to write instead of a date in another format.
fn instead(text: &str) -> Option<String> {
    let day = |text: &str| text.trim().parse::<Date>().ok();
    for word in ["after ", "> ", ">"] {
        if let Some(day) = text.strip_prefix(word).and_then(day) {
            return Some(format!("write `since {}`", day.tomorrow().ok()?));
        }
    }
    for word in ["from ", ">= ", ">="] {
        if let Some(day) = text.strip_prefix(word).and_then(day) {
            return Some(format!("write `since {day}`"));
        }
    }
    for word in ["until ", "till ", "up to ", "<= ", "<="] {
        if let Some(day) = text.strip_prefix(word).and_then(day) {
            return Some(format!("write `before {}`", day.tomorrow().ok()?));
        }
    }
    let span = |text: &str| length(text).map(|length| length.shown);
    for word in ["in the last ", "the last ", "last ", "past ", "less than "] {
        if let Some(span) = text.strip_prefix(word).map(|rest| rest.trim_end_matches(" ago")).and_then(span) {
            return Some(format!("write `within {span}`"));
        }
    }
    for word in ["older than ", "before "] {
        if let Some(span) = text.strip_prefix(word).and_then(span) {
            return Some(format!("write `more than {span} ago`"));
        }
    }
    if let Some(span) = text.strip_prefix("next ").and_then(span) {
        return Some(format!("write `in the next {span}`"));
    }
    let span = text.strip_suffix(" ago").and_then(span)?;
    Some(format!("write `within {span}` or `more than {span} ago`"))
}

fn date(text: &str) -> Result<Date, WrongValue> {
    let strict = text.trim();
    strict.parse::<Date>().ok().filter(|_| strict.len() == 10).ok_or_else(|| {
        let help = "write a day as `2026-04-01`, `before 2026-04-01`, `since 2026-04-01` or `2026-04-01 to 2026-06-30`, \
                    or relative to now as `within 7 days`, `more than 30 days ago` or `in the next 90 days`";
        wrong("wrong-type", "which is not a date", help.to_owned())
    })
}

/// Returns the first millisecond of a day.
fn start(day: Date, zone: &TimeZone) -> Result<i64, WrongValue> {
    let zoned = day.to_zoned(zone.clone()).map_err(|_| wrong("wrong-value", "which is not a valid day", None))?;
    Ok(zoned.timestamp().as_millisecond())
}

/// Returns the last millisecond of a day.
fn end(day: Date, zone: &TimeZone) -> Result<i64, WrongValue> {
    let next = day.tomorrow().map_err(|_| wrong("wrong-value", "which is not a valid day", None))?;
    Ok(start(next, zone)? - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time_span::Length;
    use crate::time_span::ago;

    #[test]
    fn reads_durations() {
        let pairs = [
            ("1 minute", Some((60_000, "1 minute"))),
            ("1 days", Some((86_400_000, "1 day"))),
            ("2 weeks", Some((1_209_600_000, "2 weeks"))),
            ("0 days", None),
            ("days", None),
            ("3 months", None),
            ("7", None),
            ("99999999999999 weeks", None),
        ];
        for (text, expected) in pairs {
            assert_eq!(length(text), expected.map(|(ms, shown)| Length { ms, shown: shown.to_owned() }), "{text}");
        }
    }

    #[test]
    fn days_follow_the_company_time_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let range = |text: &str| match read(text, &zone) {
            Ok(Matcher::Date { from, to, .. } | Matcher::Age { from, to, .. }) => Some((from, to)),
            _ => None,
        };
        // The clocks go forward on this day: it has 23 hours.
        let spring = (at("2026-03-28T23:00:00Z"), at("2026-03-29T21:59:59.999Z"));
        assert_eq!(range("2026-03-29"), Some(spring));
        assert_eq!(range("before 2026-03-29"), Some((i64::MIN, spring.0 - 1)));
        assert_eq!(range("since 2026-03-29"), Some((spring.0, i64::MAX)));
        assert_eq!(range("2026-03-29 to 2026-03-29"), Some(spring));
        assert_eq!(range("within 2 hours"), Some((0, 7_200_000)));
        assert_eq!(range("in the next 1 hour"), Some((-3_600_000, 0)));
        assert_eq!(range("more than 1 minute ago"), Some((60_001, i64::MAX)));
        for bad in ["yesterday", "2026-02-30", "20260301", "2026-03-02 to 2026-03-01", "within 7", "01/02/2026", ""] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    #[test]
    fn suggests_the_spelling_of_a_date() {
        let pairs = [
            ("last 7 days", "write `within 7 days`"),
            ("less than 2 weeks ago", "write `within 2 weeks`"),
            ("7 days ago", "write `within 7 days` or `more than 7 days ago`"),
            ("before 30 days", "write `more than 30 days ago`"),
            ("older than 30 days", "write `more than 30 days ago`"),
            ("next 90 days", "write `in the next 90 days`"),
            ("after 2026-01-31", "write `since 2026-02-01`"),
            ("until 2026-01-31", "write `before 2026-02-01`"),
            ("from 2026-01-31", "write `since 2026-01-31`"),
        ];
        for (text, help) in pairs {
            assert_eq!(read(text, &TimeZone::UTC).unwrap_err().help.as_deref(), Some(help), "{text}");
        }
    }

    #[test]
    fn shows_ages_in_the_largest_unit() {
        let all = [0, 59_999, 60_000, 7_200_000, 86_400_000, 200_000_000, -7_200_000].map(ago);
        let expected = ["just now", "just now", "1 minute ago", "2 hours ago", "1 day ago", "2 days ago", "in 2 hours"];
        assert_eq!(all, expected);
    }
}
