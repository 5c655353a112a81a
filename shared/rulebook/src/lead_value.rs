//! A value of a lead, ready to compare.

use std::borrow::Cow;

use fairleader_lead::normalise::fold as letters;
use jiff::Timestamp;

use crate::field::Raw;
use crate::time_span;

/// A value, ready to compare.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Number(u32),
    Text {
        shown: &'a str,
        folded: Cow<'a, str>,
    },
    YesNo(bool),
    /// A point in time, and its age when the lead is decided on; both in milliseconds.
    Date {
        ms: i64,
        age: i64,
    },
}

impl<'a> Value<'a> {
    pub(crate) fn of(raw: Raw<'a>, now: Timestamp) -> Self {
        match raw {
            Raw::Number(number) => Self::Number(number),
            Raw::Text(shown) => Self::text(shown),
            Raw::YesNo(yes) => Self::YesNo(yes),
            Raw::Date(at) => Self::date(at, now),
        }
    }

    /// Folds a text.
    pub(crate) fn text(shown: &'a str) -> Self {
        Self::Text { shown, folded: fold(shown) }
    }

    pub(crate) fn date(at: Timestamp, now: Timestamp) -> Self {
        let ms = at.as_millisecond();
        Self::Date { ms, age: now.as_millisecond() - ms }
    }
}

/// The longest text of a lead to show in an explanation, in characters.
const MAX_SHOWN: usize = 60;

impl Value<'_> {
    /// Formats the value for people; free text goes in backticks.
    pub(crate) fn show(&self, free_text: bool) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::YesNo(true) => "yes".to_owned(),
            Self::YesNo(false) => "no".to_owned(),
            Self::Date { age, .. } => time_span::ago(*age),
            Self::Text { shown, .. } => {
                let mut text: String =
                    shown.chars().take(MAX_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
                if text.len() < shown.len() {
                    text.push('…');
                }
                if free_text { format!("`{text}`") } else { text }
            }
        }
    }
}

/// Returns text in the form used for comparison, without case, accents and repeated spaces. `Łódź` and `lodz` fold to
/// the same text, and so do `Straße` and `STRASSE`.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        let folded = letters::fold(text);
        return Cow::Owned(folded.split_whitespace().collect::<Vec<&str>>().join(" "));
    }
    // Most text is ASCII, and much of it is already folded: codes, words and domains.
    let plain = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
    if text.bytes().fold(true, |all, byte| all & plain(byte)) {
        return Cow::Borrowed(text);
    }
    let mut tidy = !text.ends_with(' ');
    let mut lower = true;
    let mut blank = true;
    for byte in text.bytes() {
        tidy &= byte.is_ascii_graphic() || (byte == b' ' && !blank);
        lower &= !byte.is_ascii_uppercase();
        blank = byte == b' ';
    }
    match (tidy, lower) {
        (true, true) => Cow::Borrowed(text),
        (true, false) => Cow::Owned(text.to_ascii_lowercase()),
        (false, _) => Cow::Owned(text.split_whitespace().collect::<Vec<&str>>().join(" ").to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_ignores_case_accents_and_spaces() {
        let pairs = [
            ("Łódź", "lodz"),
            ("  STRASSE\t 5 ", "Straße 5"),
            ("Tromsø", "TROMSO"),
            ("İzmir", "izmir"),
            ("Ångström", "angstrom"),
            ("ΟΔΟΣ", "οδος"),
            ("ﬁrst", "First"),
        ];
        for (a, b) in pairs {
            assert_eq!(fold(a), fold(b), "{a} {b}");
            assert_eq!(fold(&fold(a)), fold(a), "folding twice changes nothing: {a}");
        }
        assert_ne!(fold("01067"), fold("1067"));
    }

    proptest::proptest! {
        /// ASCII takes a shortcut to the same result.
        #[test]
        fn ascii_folds_like_other_text(text in "[ -~\\t\\n\\x0b\\x1f]{0,12}") {
            let plain = letters::fold(&text).split_whitespace().collect::<Vec<&str>>().join(" ");
            proptest::prop_assert_eq!(fold(&text), plain);
        }
    }

    #[test]
    fn shortens_long_text_to_one_line() {
        let long = format!("a\nb{}", "é".repeat(100));
        let shown = Value::text(&long).show(true);
        assert_eq!(shown.chars().count(), 60 + 1 + 2);
        assert!(shown.starts_with("`a b"), "{shown}");
    }
}
