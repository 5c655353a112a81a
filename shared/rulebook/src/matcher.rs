//! Matchers: what a value is compared with.

use crate::lead_value::{Value, fold};

/// A test of a single value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Matcher {
    /// The lead has a value.
    Present,
    /// The lead has no value.
    Absent,
    /// A number from `from` to `to`, both included; `u32::MAX` means no upper limit.
    Number { from: u32, to: u32 },
    /// Yes or no.
    YesNo(bool),
    /// A point in time from `from` to `to`, both included, in milliseconds since 1970.
    Date { from: i64, to: i64, shown: String },
    /// A point in time from `from` to `to` milliseconds ago, both included; negative values are in the future.
    Age { from: i64, to: i64, shown: String },
    /// Text.
    Text { how: How, shown: String, folded: String },
}

/// How text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    Is,
    StartsWith,
    EndsWith,
    Contains,
    Word,
}

impl How {
    /// The comparisons that start with a keyword.
    pub(crate) const KEYWORDS: [(&'static str, Self); 4] = [
        ("starts with ", Self::StartsWith),
        ("ends with ", Self::EndsWith),
        ("contains ", Self::Contains),
        ("word ", Self::Word),
    ];

    /// Returns whether folded text matches.
    pub(crate) fn holds(self, text: &str, wanted: &str) -> bool {
        match self {
            Self::Is => text == wanted,
            Self::StartsWith => text.starts_with(wanted),
            Self::EndsWith => text.ends_with(wanted),
            Self::Contains => text.contains(wanted),
            Self::Word => text.match_indices(wanted).any(|(at, found)| {
                let (before, rest) = text.split_at(at);
                let after = rest.get(found.len()..).unwrap_or_default();
                !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
            }),
        }
    }
}

impl Matcher {
    /// Creates a text matcher; `free` text is shown in backticks.
    pub(crate) fn text(how: How, wanted: &str, free: bool) -> Self {
        let shown = if free { format!("`{wanted}`") } else { wanted.to_owned() };
        Self::Text { how, shown, folded: fold(wanted).into_owned() }
    }

    /// Returns the steps of comparing it with another one.
    pub(crate) const fn cost(&self) -> usize {
        match self {
            Self::Text { folded, .. } => 1 + folded.len() / 16,
            _ => 1,
        }
    }

    /// Returns whether it holds for a value, or for a missing one.
    pub(crate) fn holds(&self, value: Option<&Value<'_>>) -> bool {
        match (self, value) {
            (Self::Absent, None) | (Self::Present, Some(_)) => true,
            (Self::Number { from, to }, Some(Value::Number(number))) => (from..=to).contains(&number),
            (Self::YesNo(wanted), Some(Value::YesNo(yes))) => wanted == yes,
            (Self::Date { from, to, .. }, Some(Value::Date { ms, .. })) => (from..=to).contains(&ms),
            (Self::Age { from, to, .. }, Some(Value::Date { age, .. })) => (from..=to).contains(&age),
            (Self::Text { how, folded: wanted, .. }, Some(Value::Text { folded, .. })) => how.holds(folded, wanted),
            _ => false,
        }
    }

    /// Returns what it requires, to follow "is" or "needed".
    pub(crate) fn object(&self) -> String {
        match self {
            Self::Present => "any value".to_owned(),
            Self::Absent => "no value".to_owned(),
            Self::Number { from, to } if from == to => from.to_string(),
            Self::Number { from, to: u32::MAX } => format!("{from} or more"),
            Self::Number { from: 0, to } => format!("under {}", to.saturating_add(1)),
            Self::Number { from, to } => format!("{from} to {to}"),
            Self::YesNo(true) => "yes".to_owned(),
            Self::YesNo(false) => "no".to_owned(),
            Self::Date { shown, .. } | Self::Age { shown, .. } => shown.clone(),
            Self::Text { how, shown, .. } => match how {
                How::Is => shown.clone(),
                How::StartsWith => format!("text starting with {shown}"),
                How::EndsWith => format!("text ending with {shown}"),
                How::Contains => format!("text containing {shown}"),
                How::Word => format!("text with the word {shown}"),
            },
        }
    }

    /// Returns what it requires, to follow the field's name.
    pub(crate) fn predicate(&self) -> String {
        match self {
            Self::Present => "is present".to_owned(),
            Self::Absent => "is absent".to_owned(),
            Self::Text { how, shown, .. } => match how {
                How::Is => format!("is {shown}"),
                How::StartsWith => format!("starts with {shown}"),
                How::EndsWith => format!("ends with {shown}"),
                How::Contains => format!("contains {shown}"),
                How::Word => format!("has the word {shown}"),
            },
            Self::Number { .. } | Self::YesNo(_) | Self::Date { .. } | Self::Age { .. } => {
                format!("is {}", self.object())
            }
        }
    }

    /// Returns whether it requires a specific value, so that "is" can precede it.
    pub(crate) fn is_plain(&self) -> bool {
        !matches!(self, Self::Present | Self::Absent) && !matches!(self, Self::Text { how, .. } if *how != How::Is)
    }

    /// Returns whether `other` holds for every value that `self` holds for. May return false negatives.
    pub(crate) fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absent, _) => matches!(other, Self::Absent),
            (_, Self::Present) => true,
            (Self::Number { from, to }, Self::Number { from: other_from, to: other_to }) => {
                other_from <= from && to <= other_to
            }
            (Self::YesNo(a), Self::YesNo(b)) => a == b,
            (Self::Date { from, to, .. }, Self::Date { from: other_from, to: other_to, .. })
            | (Self::Age { from, to, .. }, Self::Age { from: other_from, to: other_to, .. }) => {
                other_from <= from && to <= other_to
            }
            (Self::Text { how: How::Is, folded, .. }, Self::Text { how, folded: wanted, .. }) => {
                how.holds(folded, wanted)
            }
            (Self::Text { how: a, folded: x, .. }, Self::Text { how: b, folded: y, .. }) => a == b && x == y,
            _ => false,
        }
    }

    /// Returns whether no value satisfies both. May return false negatives.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absent, Self::Absent) => false,
            (Self::Absent, _) | (_, Self::Absent) => true,
            (Self::Number { from, to }, Self::Number { from: other_from, to: other_to }) => {
                to < other_from || other_to < from
            }
            (Self::YesNo(a), Self::YesNo(b)) => a != b,
            (Self::Date { from, to, .. }, Self::Date { from: other_from, to: other_to, .. })
            | (Self::Age { from, to, .. }, Self::Age { from: other_from, to: other_to, .. }) => {
                to < other_from || other_to < from
            }
            (Self::Text { how: How::Is, folded, .. }, Self::Text { how, folded: wanted, .. })
            | (Self::Text { how, folded: wanted, .. }, Self::Text { how: How::Is, folded, .. }) => {
                !how.holds(folded, wanted)
            }
            _ => false,
        }
    }
}
