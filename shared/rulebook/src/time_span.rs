//! Durations as people write and read them: `14 days`, `3 days ago`.

/// One second in milliseconds.
const SECOND: i64 = 1_000;

/// A duration in milliseconds, and as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Length {
    pub(crate) ms: i64,
    pub(crate) shown: String,
}

/// The help for a duration that cannot be read.
pub(crate) const LENGTH_HELP: &str =
    "write a number of minutes, hours, days or weeks, such as `14 days`; for a month write `30 days`";

/// Parses `14 days` or `2 hours`; a day has 24 hours and a week 7 days. Returns `None` for anything else, for 0 and for
/// more than 100 years.
pub(crate) fn length(text: &str) -> Option<Length> {
    let (number, unit) = text.trim().split_once(' ')?;
    let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
    let (unit, singular) = match unit.trim() {
        "minute" | "minutes" => (60 * SECOND, "minute"),
        "hour" | "hours" => (3_600 * SECOND, "hour"),
        "day" | "days" => (86_400 * SECOND, "day"),
        "week" | "weeks" => (604_800 * SECOND, "week"),
        _ => return None,
    };
    let ms = number.checked_mul(unit).filter(|ms| *ms <= 36_525 * 86_400 * SECOND)?;
    let plural = if number == 1 { "" } else { "s" };
    Some(Length { ms, shown: format!("{number} {singular}{plural}") })
}

/// Formats a duration in the largest unit that gives a whole number: `2 weeks`, `36 hours`.
pub(crate) fn span(ms: i64) -> String {
    let units = [(604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute")];
    let whole = units.into_iter().find(|(unit, _)| ms % (unit * SECOND) == 0);
    let (unit, name) = whole.unwrap_or((60, "minute"));
    let number = ms / (unit * SECOND);
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}

/// Formats an age in the largest unit that fits: `3 days ago`, `in 2 hours`, `just now`.
pub(crate) fn ago(age_ms: i64) -> String {
    let seconds = age_ms.unsigned_abs() / SECOND.unsigned_abs();
    let (number, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    if age_ms < 0 { format!("in {number} {unit}{plural}") } else { format!("{number} {unit}{plural} ago") }
}
