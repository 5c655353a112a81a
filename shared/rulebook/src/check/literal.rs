//! Finds texts that are compared letter by letter although a range, several values or a pattern was probably meant.
//!
//! Any text can be a value, so these are warnings, each with a way to confirm that the text is meant literally. Domains
//! are stricter: a text that cannot be a domain is an error.

use jiff::tz::TimeZone;

use crate::diagnostic::{WrongValue, wrong};
use crate::field::Kind;
use crate::matcher::{How, Matcher};
use crate::value;
use crate::work::Work;

/// The most values to suggest as a list.
const MAX_LISTED: usize = 8;

/// Words after a `not` that belongs to the value: `not specified`, `not a customer`.
const NOT_ITSELF: [&str; 28] = [
    "a",
    "an",
    "any",
    "applicable",
    "assigned",
    "at",
    "available",
    "decided",
    "defined",
    "disclosed",
    "for",
    "found",
    "given",
    "in",
    "interested",
    "known",
    "listed",
    "on",
    "provided",
    "qualified",
    "relevant",
    "set",
    "sold",
    "specified",
    "stated",
    "sure",
    "the",
    "yet",
];

/// What was probably meant by a text that is compared literally.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// Continues the message `FIELD is compared with VALUE, …`.
    pub(super) message: &'static str,
    pub(super) help: String,
}

/// The context of a comparison, which makes some texts more likely than others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compared<'f> {
    pub(super) field: &'f str,
    /// Whether it is a custom field without a type.
    pub(super) untyped: bool,
    /// Whether it is compared with a single text, not with a list.
    pub(super) alone: bool,
}

/// Returns what makes a text invalid as a domain.
pub(super) fn wrong_domain(field: &str, text: &str) -> Option<WrongValue> {
    if !matches!(field, "email.domain" | "company.domain") {
        return None;
    }
    let (keyword, wanted) = searched(text).map_or(("", text), |(keyword, _, wanted)| (keyword, wanted));
    let (message, rest) = match wanted.rsplit_once('@').or_else(|| wanted.split_once("://")) {
        Some((_, rest)) if wanted.contains('@') => ("but a domain is the part after the `@`", rest),
        Some((_, rest)) => ("but a domain has no `://`", rest),
        None => return None,
    };
    let domain = rest.split('/').next().unwrap_or_default().trim();
    let help = match keyword {
        _ if domain.is_empty() => "write the domain alone, such as `acme.example`".to_owned(),
        "" | "ends with " => format!("write `{domain}`"),
        keyword => format!("write `{keyword}{domain}`"),
    };
    Some(wrong("wrong-value", message, help))
}

/// Returns what was probably meant by `text`, if the text itself is unlikely to be meant.
pub(super) fn doubt(compared: Compared<'_>, text: &str) -> Option<Doubt> {
    let field = compared.field;
    if let Some((_, how, wanted)) = searched(text) {
        return doubt_searched(text, how, wanted);
    }
    if let Some(doubt) = pattern(text) {
        return Some(doubt);
    }
    if let Some(excluded) = excluded(text) {
        let is_word = text.starts_with(char::is_alphabetic);
        return Some(Doubt {
            message: if is_word {
                "in which `not` is part of the text"
            } else {
                "in which the sign is part of the text"
            },
            help: format!(
                "to exclude it write `not: {{ {field}: {excluded} }}`; to match this text write `starts with {text}`"
            ),
        });
    }
    if compared.untyped
        && let Some(kind) = typed(text)
    {
        return Some(Doubt {
            message: "which is text, because the field has no type",
            help: format!(
                "give it a type: `fields: {{ {field}: {kind} }}`; if this exact text is sent, `{field}: text`"
            ),
        });
    }
    if field == "postal_code"
        && let Some(help) = codes(text)
    {
        return Some(Doubt { message: "which is a single text, not a range", help });
    }
    let several: Vec<&str> = match text.split(" or ").map(str::trim).collect::<Vec<&str>>() {
        parts if parts.len() > 1 => parts,
        _ if compared.alone && !matches!(field, "company.name" | "account.name" | "message") => words_apart(text),
        _ => Vec::new(),
    };
    if several.len() < 2 || several.len() > MAX_LISTED || several.iter().any(|part| part.is_empty()) {
        return None;
    }
    let list = several.join(", ");
    let whole = if text.contains(',') { format!("\"contains {text}\"") } else { format!("contains {text}") };
    Some(Doubt {
        message: "which is a single text, not several values",
        help: format!("write several values as a list: `[{list}]`; if it is a single text, write `{whole}`"),
    })
}

/// Handles `contains a or contains b` and `starts with 01*`.
fn doubt_searched(text: &str, how: How, wanted: &str) -> Option<Doubt> {
    let parts: Vec<&str> = text.split(" or ").map(str::trim).collect();
    if parts.len() > 1 && parts.iter().all(|part| searched(part).is_some()) {
        return Some(Doubt {
            message: "which is a single text, not several values",
            help: format!("write several values as a list: `[{}]`", parts.join(", ")),
        });
    }
    let bare = wanted.trim_matches('*');
    (bare != wanted && !bare.is_empty())
        .then(|| Doubt { message: "in which `*` is just a character", help: format!("write `{}{bare}`", keyword(how)) })
}

/// Handles `spring*` and `*.edu`: returns the search that was meant.
fn pattern(text: &str) -> Option<Doubt> {
    let after = text.strip_suffix('*').map(|rest| rest.strip_suffix('.').unwrap_or(rest));
    let bare = after.unwrap_or(text);
    let before = bare.strip_prefix(".*").or_else(|| bare.strip_prefix('*'));
    let bare = before.unwrap_or(bare);
    if bare.contains('*') && !bare.chars().all(|c| c == '*') {
        return None;
    }
    let how = match (before, after) {
        (None, None) => return None,
        _ if bare.trim_matches('*').is_empty() => {
            return Some(Doubt {
                message: "in which `*` is just a character",
                help: "to match any value write `present`".to_owned(),
            });
        }
        (Some(_), Some(_)) => How::Contains,
        (None, Some(_)) => How::StartsWith,
        (Some(_), None) => How::EndsWith,
    };
    Some(Doubt {
        message: "in which `*` is just a character",
        help: format!("write `{}{}`", keyword(how), bare.trim()),
    })
}

/// Returns what `not keel` or `!= keel` excludes.
fn excluded(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix("!=").or_else(|| text.strip_prefix('!')).or_else(|| text.strip_prefix("<>")) {
        return Some(rest.trim()).filter(|rest| !rest.is_empty());
    }
    let rest = text.strip_prefix("not ").or_else(|| text.strip_prefix("NOT "))?.trim();
    let first = rest.split(' ').next().unwrap_or_default().to_lowercase();
    (!rest.is_empty() && !NOT_ITSELF.contains(&first.as_str())).then_some(rest)
}

/// Returns the field type that a text seems to be written for: `10000+`, `since 2026-01-01`.
fn typed(text: &str) -> Option<&'static str> {
    let number = text.strip_suffix('+').or_else(|| text.strip_prefix("under "));
    let number = number.or_else(|| text.trim_start_matches(['<', '>', '=']).ne(text).then_some(text));
    let is_range = text.split_once('-').is_some_and(|(from, to)| !from.is_empty() && !to.is_empty());
    if number.is_some() || is_range {
        let read = value::read(&Work::default(), Kind::Number { most: u32::MAX }, text, None, &TimeZone::UTC);
        let meant = read.is_ok() || read.is_err_and(|wrong| wrong.help.is_some_and(|help| !help.contains(',')));
        if meant {
            return Some("number");
        }
    }
    // A plain day may be the exact text that is sent.
    let is_day = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    (!is_day && value::read(&Work::default(), Kind::Date, text, None, &TimeZone::UTC).is_ok()).then_some("date")
}

/// Splits at commas and similar separators, if every part is a single word.
fn words_apart(text: &str) -> Vec<&str> {
    let parts: Vec<&str> = text.split([',', ';', '|']).map(str::trim).collect();
    let is_word = |part: &&str| part.chars().any(char::is_alphanumeric) && !part.contains(char::is_whitespace);
    if parts.iter().all(is_word) { parts } else { Vec::new() }
}

/// Returns how to write the postal codes `10000-19999`.
fn codes(text: &str) -> Option<String> {
    let (from, to) = ["-", "–", " to ", ".."].into_iter().find_map(|between| text.split_once(between))?;
    let (from, to) = (from.trim(), to.trim());
    let digits = |code: &str| !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit());
    if from.len() != to.len() || from >= to || !digits(from) || !digits(to) || from.len() > 9 {
        return None;
    }
    let mut beginnings = Vec::new();
    cover(from, to, "", &mut beginnings);
    Some(match beginnings.as_slice() {
        [one] => format!("write `starts with {one}`"),
        several if several.len() <= MAX_LISTED => {
            let list: Vec<String> = several.iter().map(|one| format!("starts with {one}")).collect();
            format!("write `[{}]`", list.join(", "))
        }
        _ => "put the prefixes in a table and use it under `lookups`".to_owned(),
    })
}

/// Collects the prefixes, each starting with `before`, that match exactly the codes from `from` to `to`.
fn cover(from: &str, to: &str, before: &str, found: &mut Vec<String>) {
    if from.bytes().all(|b| b == b'0') && to.bytes().all(|b| b == b'9') {
        return found.push(before.to_owned());
    }
    let (Some((first, from)), Some((last, to))) = (from.split_at_checked(1), to.split_at_checked(1)) else {
        return;
    };
    for digit in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        if digit < first || digit > last || found.len() > MAX_LISTED {
            continue;
        }
        let low = if digit == first { from.to_owned() } else { "0".repeat(from.len()) };
        let high = if digit == last { to.to_owned() } else { "9".repeat(to.len()) };
        cover(&low, &high, &format!("{before}{digit}"), found);
    }
}

/// Returns the keyword that a text starts with, its meaning, and the rest of the text.
fn searched(text: &str) -> Option<(&'static str, How, &str)> {
    How::KEYWORDS.into_iter().find_map(|(keyword, how)| Some((keyword, how, text.strip_prefix(keyword)?.trim())))
}

fn keyword(how: How) -> &'static str {
    How::KEYWORDS.into_iter().find(|(_, other)| *other == how).map_or("", |(keyword, _)| keyword)
}

/// Returns whether a field of this type can be compared with any text.
pub(super) fn takes_any_text(kind: Kind, matcher: &Matcher) -> bool {
    matches!(kind, Kind::Text | Kind::Word) && matches!(matcher, Matcher::Text { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(field: &str, text: &str) -> String {
        let compared = Compared { field, untyped: field.starts_with("custom."), alone: true };
        doubt(compared, text).map_or_else(|| "fine".to_owned(), |doubt| format!("{}: {}", doubt.message, doubt.help))
    }

    #[test]
    fn suggests_what_was_meant() {
        let values = [
            ("postal_code", "10000-19999"),
            ("postal_code", "10000-29999"),
            ("postal_code", "01000 to 01299"),
            ("postal_code", "12345-98765"),
            ("postal_code", "01*"),
            ("campaign.name", "spring*"),
            ("email.domain", "*.edu"),
            ("message", "*price*"),
            ("message", ".*price.*"),
            ("source", "*"),
            ("city", "starts with Mün*"),
            ("product", "not keel"),
            ("product", "!= keel"),
            ("job.title", "CEO, CTO"),
            ("job.title", "CEO; CTO"),
            ("industry", "sales, marketing"),
            ("state", "Bayern or Hessen"),
            ("message", "contains price or contains offer"),
            ("custom.budget", "10000+"),
            ("custom.budget", "50-99"),
            ("custom.budget", "under 50"),
            ("custom.budget", ">= 10000"),
            ("custom.renewal", "before 2026-04-01"),
            ("custom.renewal", "within 7 days"),
        ];
        let said: Vec<String> =
            values.iter().map(|(field, text)| format!("{field}: {text} – {}", said(field, text))).collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn accepts_plain_values() {
        let values = [
            ("industry", "Research and Development"),
            ("industry", "Mining, Quarrying, and Oil and Gas Extraction"),
            ("industry", "Hospital & Health Care, other"),
            ("product", "C++"),
            ("product", "not applicable"),
            ("product", "Not sure"),
            ("industry", "R&D"),
            ("name.last", "Smith-Miller"),
            ("company.name", "Smith, Sons & Co"),
            ("company.name", "Acme, Inc."),
            ("company.name", "E*Trade"),
            ("campaign.name", "2025-2026"),
            ("campaign.name", "spring-fair"),
            ("postal_code", "01067"),
            ("postal_code", "12345-6789"),
            ("postal_code", "00-950"),
            ("postal_code", "100-0001"),
            ("postal_code", "SW1A 1AA"),
            ("city", "New York, NY"),
            ("job.title", "Head of Sales, EMEA"),
            ("message", "contains price, offer"),
            ("message", "word not"),
            ("custom.phone", "030-12345 ext"),
            ("custom.version", "1.10"),
            ("custom.when", "2026-03-01"),
            ("custom.answer", "yes"),
            ("custom.plan", "A+"),
            ("custom.plan", "enterprise-2"),
        ];
        for (field, text) in values {
            assert_eq!(said(field, text), "fine", "{field}: {text}");
        }
        // In a list, a comma within a text is intended.
        let listed = Compared { field: "job.title", untyped: false, alone: false };
        assert_eq!(doubt(listed, "Director, Sales"), None);
    }

    #[test]
    fn rejects_invalid_domains() {
        let help = |text: &str| wrong_domain("email.domain", text).and_then(|wrong| wrong.help);
        let pairs = [
            ("@acme.com", "write `acme.com`"),
            ("anna@acme.com", "write `acme.com`"),
            ("ends with @acme.com", "write `acme.com`"),
            ("contains @acme", "write `contains acme`"),
            ("https://acme.com/about", "write `acme.com`"),
            ("@", "write the domain alone, such as `acme.example`"),
        ];
        for (text, expected) in pairs {
            assert_eq!(help(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(help("acme.com"), None);
        assert_eq!(wrong_domain("message", "@acme.com"), None);
    }

    #[test]
    fn prefixes_match_exactly_the_range() {
        for (from, to) in [(0_u32, 999), (100, 199), (5, 17), (120, 999), (250, 349), (7, 8)] {
            let mut found = Vec::new();
            cover(&format!("{from:03}"), &format!("{to:03}"), "", &mut found);
            if found.len() > MAX_LISTED {
                continue;
            }
            for code in 0..1000_u32 {
                let taken = found.iter().any(|one| format!("{code:03}").starts_with(one.as_str()));
                assert_eq!(taken, (from..=to).contains(&code), "{code} of {from}-{to}: {found:?}");
            }
        }
    }
}
