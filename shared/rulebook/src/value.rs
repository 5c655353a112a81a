//! Reads a value in a rulebook according to the type of the field it is compared with.

use crate::time_span;
use jiff::tz::TimeZone;

use super::date;
use super::diagnostic::{join, nearest};
use super::field::{Kind, is_country};
use crate::diagnostic::{WrongValue, wrong};
use crate::lead_value::fold;
use crate::matcher::{How, Matcher};
use crate::work::Work;
use fairleader_lead::normalise::country;

/// Reads `text` into a matcher. `choices` are the possible values, if the field has a fixed list of them.
/// Days start in `zone`. Suggestions are looked for as far as `work` allows.
pub(crate) fn read(
    work: &Work,
    kind: Kind,
    text: &str,
    choices: Option<&[&str]>,
    zone: &TimeZone,
) -> Result<Matcher, WrongValue> {
    match text {
        "present" => return Ok(Matcher::Present),
        "absent" => return Ok(Matcher::Absent),
        _ => {}
    }
    if let Some(choices) = choices {
        return choice(work, kind, text, choices);
    }
    match kind {
        Kind::Number { most } => number(text, most),
        Kind::YesNo => match text {
            "yes" => Ok(Matcher::YesNo(true)),
            "no" => Ok(Matcher::YesNo(false)),
            _ => Err(wrong(
                "wrong-type",
                "which is neither yes nor no",
                match text.to_ascii_lowercase().as_str() {
                    "true" | "on" | "y" | "1" => "write `yes`",
                    "false" | "off" | "n" | "0" => "write `no`",
                    _ => "write `yes`, `no`, `present` or `absent`",
                }
                .to_owned(),
            )),
        },
        Kind::Date => date::read(text, zone).map_err(|found| match span_within(text) {
            Some(meant) => WrongValue { help: Some(format!("write `{meant}`")), ..found },
            None => found,
        }),
        Kind::Country => country_code(text),
        Kind::Language => language(text),
        Kind::Text => free_text(text, true),
        Kind::Word | Kind::Rep | Kind::Grade | Kind::Choice(_) | Kind::OneOf => free_text(text, false),
    }
}

fn free_text(text: &str, free: bool) -> Result<Matcher, WrongValue> {
    for (keyword, how) in How::KEYWORDS {
        if let Some(wanted) = text.strip_prefix(keyword) {
            return searched(how, wanted.trim(), keyword);
        }
        if text == keyword.trim_end() && how != How::Word {
            return searched(how, "", keyword);
        }
    }
    if fold(text).is_empty() {
        return Err(wrong("wrong-value", "which is empty", "write `absent` for leads without a value".to_owned()));
    }
    Ok(Matcher::text(How::Is, text, free))
}

fn searched(how: How, wanted: &str, keyword: &str) -> Result<Matcher, WrongValue> {
    if fold(wanted).is_empty() {
        let help = format!("write the text after `{}`", keyword.trim_end());
        return Err(wrong("wrong-value", "which does not say what to look for", help));
    }
    Ok(Matcher::text(how, wanted, true))
}

fn choice(work: &Work, kind: Kind, text: &str, choices: &[&str]) -> Result<Matcher, WrongValue> {
    let folded = fold(text);
    if let Some(known) = choices.iter().find(|known| fold(known) == folded) {
        return Ok(Matcher::text(How::Is, known, false));
    }
    let spelt = text.replace([' ', '-'], "_");
    if let Some(help) = several_or_not(text) {
        return Err(wrong("unknown-value", "which is not one of its values", help));
    }
    if !work.suggests(choices.len()) {
        return Err(wrong("unknown-value", "which is not one of its values", None));
    }
    let help = match nearest(work, &spelt, choices.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if choices.is_empty() && kind == Kind::Grade => {
            "add `grades:` under `score`, such as `grades: { A: 80+, B: 60+ }`".to_owned()
        }
        None if choices.is_empty() => "the rulebook defines no values for it".to_owned(),
        None => {
            let known: Vec<String> = choices.iter().map(|known| format!("`{known}`")).collect();
            format!("write one of {}", join(&known, "or"))
        }
    };
    Err(wrong("unknown-value", "which is not one of its values", help))
}

fn country_code(text: &str) -> Result<Matcher, WrongValue> {
    let code = text.to_ascii_uppercase();
    if is_country(&code) {
        return Ok(Matcher::text(How::Is, &code, false));
    }
    let help = match code.as_str() {
        "UK" => "write `GB`, the code of the United Kingdom".to_owned(),
        "EL" => "write `GR`, the code of Greece".to_owned(),
        _ if text.chars().count() == 2 => "write a two-letter code, such as `DE`".to_owned(),
        _ => several_or_not(text)
            .or_else(|| country::code(text).map(|code| format!("write `{code}`")))
            .unwrap_or_else(|| "write a two-letter code, such as `DE`".to_owned()),
    };
    Err(wrong("unknown-value", "which is not a country code", help))
}

/// Returns what to write for several values in one text, or for all values but one.
fn several_or_not(text: &str) -> Option<String> {
    if let Some(excluded) = text.strip_prefix("not ").or_else(|| text.strip_prefix('!')) {
        return Some(format!("to exclude it write `not: {{ FIELD: {} }}`", excluded.trim()));
    }
    let parts: Vec<&str> = text.split([',', ';', '|']).flat_map(|part| part.split(" or ")).map(str::trim).collect();
    (parts.len() > 1).then(|| format!("write several values as a list: `[{}]`", parts.join(", ")))
}

fn language(text: &str) -> Result<Matcher, WrongValue> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Ok(Matcher::text(How::Is, &text.to_ascii_lowercase(), false));
    }
    let help = several_or_not(text)
        .or_else(|| country::language(text).map(|code| format!("write `{code}`")))
        .unwrap_or_else(|| "write a two-letter code, such as `de`".to_owned());
    Err(wrong("unknown-value", "which is not a language code", help))
}

/// Returns `within 7 days` for `within 7d`.
fn span_within(text: &str) -> Option<String> {
    for (before, after) in [("within ", ""), ("in the next ", ""), ("more than ", " ago")] {
        if let Some(span) = text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) {
            return span_meant(span).map(|span| format!("{before}{span}{after}"));
        }
    }
    None
}

/// Returns what to write instead of a duration in another format: `7 days` for `7d`, `1 week` for `a week`.
pub(crate) fn span_meant(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(at)?;
    let (number, unit) = if digits.is_empty() {
        let (word, unit) = unit.split_once(' ').unwrap_or(("one", unit));
        let words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
        let number = match word {
            "a" | "an" | "1" => 1,
            word => words.iter().position(|known| *known == word)? + 1,
        };
        (number.to_string(), unit)
    } else {
        (digits.to_owned(), unit)
    };
    let unit = match unit.trim().trim_start_matches('-').trim_end_matches('.') {
        "min" | "mins" | "minute" | "minutes" => "minutes",
        "h" | "hr" | "hrs" | "hour" | "hours" => "hours",
        "d" | "day" | "days" => "days",
        "w" | "wk" | "wks" | "week" | "weeks" => "weeks",
        _ => return None,
    };
    time_span::length(&format!("{number} {unit}")).map(|length| length.shown)
}

/// Returns the whole number that is meant by `10k`, `10,000` or `10000 EUR`.
pub(crate) fn whole_meant(text: &str) -> Option<u32> {
    let text = text.trim().trim_matches(['€', '$', '£']).trim();
    let at =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | '_' | ' '))).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(at)?;
    let factor: u32 = match unit.trim() {
        "k" | "K" => 1_000,
        "m" | "M" => 1_000_000,
        unit if unit.len() == 3 && unit.bytes().all(|b| b.is_ascii_uppercase()) => 1,
        "" => 1,
        _ => return None,
    };
    let mut groups = number.trim().split(['.', ',', '\'', '_', ' ']);
    let first = groups.next().filter(|first| !first.is_empty())?;
    // `1.5k` and `12,50` do not have groups of thousands.
    let rest: Vec<&str> = groups.collect();
    if rest.iter().any(|group| group.len() != 3) || (!rest.is_empty() && (first.len() > 3 || factor > 1)) {
        return None;
    }
    format!("{first}{}", rest.concat()).parse::<u32>().ok()?.checked_mul(factor)
}

/// Reads `1000+`, `50-999`, `under 50` or `40`.
fn number(text: &str, most: u32) -> Result<Matcher, WrongValue> {
    let matcher = if let Some(from) = text.strip_suffix('+') {
        let from = whole(from, text)?;
        if from == u32::MAX { None } else { Some((from, u32::MAX)) }
    } else if let Some(end) = text.strip_prefix("under ") {
        whole(end, text)?.checked_sub(1).map(|to| (0, to))
    } else if let Some((from, to)) = text.split_once('-').filter(|(from, _)| !from.trim().is_empty()) {
        Some((whole(from, text)?, whole(to, text)?))
    } else {
        let exact = whole(text, text)?;
        Some((exact, exact))
    };
    match matcher {
        Some((from, to)) if from > to => {
            let help = format!("write `{to}-{from}`");
            Err(wrong("empty-range", "which is an empty range", help))
        }
        None => Err(wrong("empty-range", "which is an empty range", None)),
        Some((from, to)) if from > most || (to > most && to != u32::MAX) => {
            Err(wrong("out-of-range", format!("which is outside 0 to {most}"), None))
        }
        Some((from, to)) => Ok(Matcher::Number { from, to }),
    }
}

/// Reads a whole number; the error says what to write instead of `all`.
fn whole(digits: &str, all: &str) -> Result<u32, WrongValue> {
    let digits = digits.trim();
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return digits.parse().map_err(|_| wrong("wrong-type", "which is too large", None));
    }
    Err(wrong("wrong-type", "which is not a whole number or range", Some(instead(all))))
}

/// Returns what to write instead of a number in another format.
fn instead(all: &str) -> String {
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let before = [
        (">=", 0, "+"),
        ("<=", 0, "-"),
        (">", 1, "+"),
        ("<", 0, "<"),
        ("at least ", 0, "+"),
        ("from ", 0, "+"),
        ("over ", 1, "+"),
        ("above ", 1, "+"),
        ("more than ", 1, "+"),
        ("at most ", 0, "-"),
        ("up to ", 0, "-"),
        ("less than ", 0, "<"),
        ("fewer than ", 0, "<"),
        ("below ", 0, "<"),
    ];
    for (sign, shift, form) in before {
        let Some(number) = all.strip_prefix(sign).and_then(number) else { continue };
        return match form {
            "-" => format!("write `0-{number}`"),
            "<" => format!("write `under {number}`"),
            _ => format!("write `{}+`", number.saturating_add(shift)),
        };
    }
    for words in [" or more", " and more", " or above", " and above"] {
        if let Some(number) = all.strip_suffix(words).and_then(number) {
            return format!("write `{number}+`");
        }
    }
    for between in [" to ", "–", "—", "..", " and "] {
        let ends = all.trim_start_matches("between ").split_once(between);
        if let Some((from, to)) = ends.and_then(|(from, to)| number(from).zip(number(to))) {
            return format!("write `{from}-{to}`");
        }
    }
    let digits: String = all.chars().filter(|c| !matches!(c, ',' | '.' | '_' | '\'' | ' ')).collect();
    let bare = digits.strip_suffix('+').unwrap_or(&digits);
    if digits.len() < all.len() && !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
        return format!("write `{digits}`");
    }
    "write `40`, `50-999`, `1000+` or `under 50`".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: Kind = Kind::Number { most: u32::MAX };

    fn range(text: &str) -> Option<(u32, u32)> {
        match read(&Work::default(), NUMBER, text, None, &TimeZone::UTC) {
            Ok(Matcher::Number { from, to }) => Some((from, to)),
            _ => None,
        }
    }

    #[test]
    fn reads_numbers_and_ranges() {
        assert_eq!(range("40"), Some((40, 40)));
        assert_eq!(range("1000+"), Some((1000, u32::MAX)));
        assert_eq!(range("50-999"), Some((50, 999)));
        assert_eq!(range("50 - 999"), Some((50, 999)));
        assert_eq!(range("under 50"), Some((0, 49)));
        for bad in ["999-50", "under 0", "1e5", "1,000+", "-5", "", "+", "99999999999", "yes"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    #[test]
    fn suggests_the_spelling_of_a_number() {
        let pairs = [
            (">= 60", "write `60+`"),
            ("> 60", "write `61+`"),
            ("<= 60", "write `0-60`"),
            ("< 60", "write `under 60`"),
            ("over 60", "write `61+`"),
            ("1,000+", "write `1000+`"),
            ("more than 60", "write `61+`"),
            ("60 or more", "write `60+`"),
            ("50 to 99", "write `50-99`"),
            ("between 50 and 99", "write `50-99`"),
            ("50–99", "write `50-99`"),
            ("at most 60", "write `0-60`"),
            ("less than 60", "write `under 60`"),
            ("1e5", "write `40`, `50-999`, `1000+` or `under 50`"),
        ];
        for (text, help) in pairs {
            assert_eq!(
                read(&Work::default(), NUMBER, text, None, &TimeZone::UTC).unwrap_err().help.as_deref(),
                Some(help),
                "{text}"
            );
        }
    }

    #[test]
    fn suggests_the_spelling_of_a_value() {
        let pairs = [
            (Kind::Country, "Germany", "write `DE`"),
            (Kind::Country, "DE, AT", "write several values as a list: `[DE, AT]`"),
            (Kind::Country, "not DE", "to exclude it write `not: { FIELD: DE }`"),
            (Kind::Language, "German", "write `de`"),
            (Kind::Language, "de or fr", "write several values as a list: `[de, fr]`"),
            (Kind::Country, "Atlantis", "write a two-letter code, such as `DE`"),
        ];
        for (kind, text, help) in pairs {
            assert_eq!(
                read(&Work::default(), kind, text, None, &TimeZone::UTC).unwrap_err().help.as_deref(),
                Some(help),
                "{text}"
            );
        }
        let choices: &[&str] = &["vp", "c_level"];
        let found =
            read(&Work::default(), Kind::Choice(&[]), "vp or c_level", Some(choices), &TimeZone::UTC).unwrap_err();
        assert_eq!(found.help.as_deref(), Some("write several values as a list: `[vp, c_level]`"));
    }

    #[test]
    fn understands_other_spellings_of_durations_and_amounts() {
        let spans = [
            ("7d", Some("7 days")),
            ("a week", Some("1 week")),
            ("two weeks", Some("2 weeks")),
            ("24h", Some("24 hours")),
            ("1 day.", Some("1 day")),
            ("week", Some("1 week")),
            ("a month", None),
            ("7", None),
            ("soon", None),
        ];
        for (text, meant) in spans {
            assert_eq!(span_meant(text).as_deref(), meant, "{text}");
        }
        let help = read(&Work::default(), Kind::Date, "within a week", None, &TimeZone::UTC).unwrap_err().help;
        assert_eq!(help.as_deref(), Some("write `within 1 week`"));
        let amounts = [
            ("10k", Some(10_000)),
            ("10,000", Some(10_000)),
            ("1.000.000", Some(1_000_000)),
            ("€ 5000", Some(5_000)),
            ("5000 EUR", Some(5_000)),
            ("2M", Some(2_000_000)),
            ("1.5k", None),
            ("12,50", None),
            ("10000000k", None),
            ("much", None),
            ("", None),
        ];
        for (text, meant) in amounts {
            assert_eq!(whole_meant(text), meant, "{text}");
        }
    }

    #[test]
    fn the_field_type_decides_how_a_text_is_read() {
        assert_eq!(
            read(&Work::default(), Kind::Country, "NO", None, &TimeZone::UTC),
            Ok(Matcher::text(How::Is, "NO", false))
        );
        assert_eq!(read(&Work::default(), Kind::YesNo, "no", None, &TimeZone::UTC), Ok(Matcher::YesNo(false)));
        assert_eq!(
            read(&Work::default(), Kind::Word, "01067", None, &TimeZone::UTC),
            Ok(Matcher::text(How::Is, "01067", false))
        );
        assert_eq!(
            read(&Work::default(), Kind::Word, "1e5", None, &TimeZone::UTC),
            Ok(Matcher::text(How::Is, "1e5", false))
        );
        assert_eq!(
            read(&Work::default(), Kind::Word, "yes", None, &TimeZone::UTC),
            Ok(Matcher::text(How::Is, "yes", false))
        );
        assert_eq!(
            read(&Work::default(), Kind::Country, "UK", None, &TimeZone::UTC).unwrap_err().help.unwrap(),
            "write `GB`, the code of the United Kingdom"
        );
    }
}
