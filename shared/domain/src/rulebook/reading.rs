//! A lead as one rulebook sees it: the value of every field its conditions look at, read and made ready to compare once.
//!
//! Conditions name a field by its slot here, so a decision folds each text once, however many rules look at it.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Facts;
use super::condition::Matcher;
use super::field::{Raw, Spec};

/// Every field a rulebook looks at; its index is its slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<Field>);

/// A field a rulebook looks at.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Its name in the rulebook.
    pub(crate) name: String,
    /// Where its value comes from.
    pub(crate) origin: Origin,
}

/// Where a field's value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// The lead schema.
    Schema(&'static Spec),
    /// The sender's own field of this name.
    Custom(String),
    /// A lookup of the rulebook, by the value in slot `from`, which is lower than the lookup's own.
    Lookup { from: usize, entries: Vec<(String, Vec<Matcher>)> },
}

impl Fields {
    /// The slot of the field of this name.
    pub(crate) fn slot(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|field| field.name == name)
    }

    /// Adds a field that is not there yet; its slot.
    pub(crate) fn push(&mut self, field: Field) -> usize {
        self.0.push(field);
        self.0.len() - 1
    }

    /// Every field, in the order of slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.0.iter()
    }

    /// The field at `slot`.
    pub(crate) fn get(&self, slot: usize) -> Option<&Field> {
        self.0.get(slot)
    }

    /// Whether the value at `slot` is known only once a lead has its score.
    pub(crate) fn is_scored(&self, slot: usize) -> bool {
        self.get(slot).is_some_and(|field| matches!(field.origin, Origin::Schema(spec) if spec.scored))
    }

    /// Reads a lead.
    pub(crate) fn read<'a>(&'a self, facts: &Facts<'a>) -> Reading<'a> {
        let mut reading = Reading { values: Vec::with_capacity(self.0.len()) };
        for field in &self.0 {
            let value = field.read(facts, &reading);
            reading.values.push(value);
        }
        reading
    }
}

impl Field {
    fn read<'a>(&'a self, facts: &Facts<'a>, so_far: &Reading<'a>) -> Option<Value<'a>> {
        match &self.origin {
            Origin::Schema(spec) => spec.get(facts).map(Value::from),
            Origin::Custom(name) => facts.profile.custom.get(name).map(|text| Value::from(Raw::Text(text))),
            Origin::Lookup { from, entries } => {
                let value = so_far.value(*from)?;
                let (key, _) = entries.iter().find(|(_, of)| of.iter().any(|matcher| matcher.holds(Some(value))))?;
                Some(Value::from(Raw::Text(key)))
            }
        }
    }
}

/// The values a rulebook looks at, of one lead.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    values: Vec<Option<Value<'a>>>,
}

impl<'a> Reading<'a> {
    /// The value at `slot`, if the lead has one.
    pub(crate) fn value(&self, slot: usize) -> Option<&Value<'a>> {
        self.values.get(slot).and_then(Option::as_ref)
    }
}

/// A value, ready to compare.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Number(u32),
    Text { shown: &'a str, folded: Cow<'a, str> },
    YesNo(bool),
}

impl<'a> From<Raw<'a>> for Value<'a> {
    fn from(raw: Raw<'a>) -> Self {
        match raw {
            Raw::Number(number) => Self::Number(number),
            Raw::Text(shown) => Self::Text { shown, folded: fold(shown) },
            Raw::YesNo(yes) => Self::YesNo(yes),
        }
    }
}

/// Longest text of a lead that is shown in an explanation, in characters.
const MAX_SHOWN: usize = 60;

impl Value<'_> {
    /// The value for people; free text in backticks.
    pub(crate) fn show(&self, free_text: bool) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::YesNo(true) => "yes".to_owned(),
            Self::YesNo(false) => "no".to_owned(),
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

/// Text as it is compared: without regard to case, accents and the number of blanks. `Łódź` and `lodz` fold alike, so do
/// `Straße` and `STRASSE`.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.' | b'@' | b'/');
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            // Letters that Unicode does not take apart, but people type without.
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'ı' => out.push('i'),
            'ς' => out.push('σ'),
            c if c.is_whitespace() => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_ignores_case_accents_and_blanks() {
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

    #[test]
    fn a_long_text_is_cut_and_stays_on_one_line() {
        let long = format!("a\nb{}", "é".repeat(100));
        let shown = Value::from(Raw::Text(&long)).show(true);
        assert_eq!(shown.chars().count(), 60 + 1 + 2);
        assert!(shown.starts_with("`a b"), "{shown}");
    }
}
