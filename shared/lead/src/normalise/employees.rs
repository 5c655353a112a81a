//! Numbers of employees, as written in forms and lists.

use super::fold::fold;

/// Words before a number that make it an upper limit.
const UP_TO: &[&str] = &[
    "<",
    "≤",
    "under",
    "less than",
    "fewer than",
    "up to",
    "below",
    "unter",
    "bis",
    "weniger als",
    "menos de",
    "hasta",
    "ate",
    "moins de",
    "jusqu'a",
    "meno di",
    "fino a",
    "minder dan",
    "tot",
    "mindre an",
    "upp till",
];

/// Month names: spreadsheets turn `1-10` and `11-50` into dates.
const MONTHS: &[(&str, u32)] = &[
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("may", 5),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
    ("mai", 5),
    ("okt", 10),
    ("dez", 12),
    ("ene", 1),
    ("abr", 4),
    ("ago", 8),
    ("dic", 12),
];

/// Reads a number of employees. A range (`1.000-5.000`) gives its lower end, and an upper limit (`under 50`) gives 1.
///
/// Full stops, commas, apostrophes and spaces separate thousands if three digits follow. Otherwise a fraction follows,
/// which counts only before a unit (`1.5k`). Returns `None` if there is no number or it is too large.
///
/// ```
/// use fairleader_lead::normalise::employees;
///
/// assert_eq!(employees::parse("1.000-5.000"), Some(1_000));
/// assert_eq!(employees::parse("ca. 200"), Some(200));
/// assert_eq!(employees::parse("10k"), Some(10_000));
/// ```
pub fn parse(text: &str) -> Option<u32> {
    let folded = fold(text);
    let text = folded.trim();
    if let Some(month) = spreadsheet_month(text) {
        return Some(month);
    }
    let digits_at = text.find(|c: char| c.is_ascii_digit())?;
    let (before, number) = text.split_at_checked(digits_at)?;
    if before.trim_end().ends_with(['-', '−']) {
        return None;
    }
    let lead = before.trim_end();
    if UP_TO.iter().any(|word| ends_with_word(lead, word)) {
        return Some(1);
    }
    read_number(number)
}

/// Recovers the number from a range that a spreadsheet turned into a date: 11 for `Nov-50`.
fn spreadsheet_month(text: &str) -> Option<u32> {
    let (name, rest) = text.split_once(['-', '.'])?;
    rest.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
    MONTHS.iter().find(|(month, _)| *month == name).map(|(_, number)| *number)
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
}

/// Reads a number at the start of `text`, which starts with a digit.
fn read_number(text: &str) -> Option<u32> {
    let (mut whole, mut rest) = take_digits(text);
    let mut joined = whole.to_owned();
    let mut fraction = "";
    while whole.len() <= 3
        && let Some(after) = rest.strip_prefix(['.', ',', '\'', '’', ' ', '\u{a0}', '\u{202f}'])
    {
        let (group, next) = take_digits(after);
        if group.len() == 3 {
            joined.push_str(group);
            (whole, rest) = (group, next);
        } else {
            if rest.starts_with(['.', ',']) && !group.is_empty() {
                (fraction, rest) = (group, next);
            }
            break;
        }
    }
    let unit: String = rest.trim_start().chars().take_while(|c| c.is_alphabetic()).collect();
    let number: u32 = joined.parse().ok()?;
    let (factor, places) = match unit.as_str() {
        "k" | "tsd" | "thousand" | "tausend" | "mil" | "mille" | "duizend" | "mila" => (1_000, 3),
        "m" | "mio" | "mn" | "million" | "millionen" => (1_000_000, 6),
        _ => return Some(number),
    };
    let padded: String = fraction.chars().chain(std::iter::repeat('0')).take(places).collect();
    number.checked_mul(factor)?.checked_add(padded.parse().ok()?)
}

fn take_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_as_forms_write_them() {
        for (text, expected) in [
            ("200", 200),
            ("200.0", 200),
            ("1.000-5.000", 1_000),
            ("1,000 to 5,000", 1_000),
            ("1 000 – 5 000", 1_000),
            ("1'000", 1_000),
            ("50-999", 50),
            ("1000+", 1_000),
            ("ca. 200", 200),
            ("~ 200 Mitarbeiter", 200),
            ("11 bis 50", 11),
            ("11 a 50", 11),
            ("10k", 10_000),
            ("10 k", 10_000),
            ("1.5k", 1_500),
            ("2,5 Tsd.", 2_500),
            ("> 500", 500),
            ("más de 1.000 empleados", 1_000),
            ("1,200,000", 1_200_000),
            ("1.5 million", 1_500_000),
            ("50 000", 50_000),
            ("< 50", 1),
            ("under 50", 1),
            ("bis 50", 1),
            ("hasta 10", 1),
            ("moins de 10", 1),
            ("jusqu'à 10", 1),
            ("1-10", 1),
            ("Nov-50", 11),
            ("2-Oct", 2),
            ("0", 0),
            ("２００", 200),
            ("1.00", 1),
            ("5 1000", 5),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        for text in ["", "many", "n/a", "-5", "99999999999", "9999999k", "k", "Nov-x"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
