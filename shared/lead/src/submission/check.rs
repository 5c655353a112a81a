//! The checks that a submission has to pass.
//!
//! Checks reject what the sender can and must correct: a missing or invalid address, a wrong type, text that is far too
//! long. They accept what a person may well have typed into a form and what can be handled later: an odd phone number,
//! an unknown country.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::normalise::{choice, country, email, phone};
use crate::problem::FieldProblem;
use crate::profile::PhoneKind;
use crate::submission::schema::{self, Field, FieldKind, LONGEST_CUSTOM_NAME, LONGEST_CUSTOM_VALUE, MOST_CUSTOM};
use crate::submission::{Submission, json, list};

/// Prefix of the fields that are not in the schema.
const CUSTOM: &str = "custom.";

impl Submission {
    /// Checks a JSON object with the fields in [`schema::FIELDS`]. Other fields are kept as custom fields.
    ///
    /// Blank text and null count as missing. Control and other invisible characters are removed, not rejected: they
    /// come from copying, and people cannot see them in a form. JSON nested deeper than 128 levels counts as malformed.
    ///
    /// # Errors
    ///
    /// Returns every problem at once, each with a JSON pointer. Malformed JSON is one problem with an empty pointer.
    ///
    /// ```
    /// use fairleader_lead::submission::Submission;
    ///
    /// let submission = Submission::from_json(br#"{"email": " ada@acme.example ", "budget": 5000}"#).unwrap();
    /// assert_eq!(submission.fields["email"], "ada@acme.example");
    /// assert_eq!(submission.fields["custom.budget"], "5000");
    ///
    /// let problems = Submission::from_json(br#"{"email": "anna(at)x"}"#).unwrap_err();
    /// assert_eq!(problems[0].to_string(), "/email: `anna(at)x` is not an e-mail address; write it like name@company.example");
    /// ```
    pub fn from_json(bytes: &[u8]) -> Result<Self, Vec<FieldProblem>> {
        let members = json::members(bytes).map_err(|detail| vec![FieldProblem { pointer: String::new(), detail }])?;
        Self::from_members(&members)
    }

    pub(super) fn from_members(members: &[(String, Value)]) -> Result<Self, Vec<FieldProblem>> {
        let mut check = Check::default();
        let mut seen = BTreeSet::new();
        for (name, value) in members {
            if !seen.insert(name) {
                check.problem(FieldProblem::field(name, twice(name)));
                continue;
            }
            match schema::find(name) {
                Some(field) => check.known_json(field, value),
                None => check.custom_json(name, value),
            }
        }
        check.finish(|name| FieldProblem::field(name, ""))
    }

    /// Checks a row of a list in the same way as [`Self::from_json`]. Problems name the column by its header in the
    /// file.
    ///
    /// A record with fewer cells than the header, or with text beyond the last column, is rejected as a whole, because
    /// its cells may be in the wrong columns.
    ///
    /// # Errors
    ///
    /// Returns every problem at once.
    pub fn from_row(header: &list::Header, record: &csv::StringRecord) -> Result<Self, Vec<FieldProblem>> {
        if let Some(problem) = header.shape_problem(record) {
            return Err(vec![problem]);
        }
        let mut check = Check::default();
        for (column, cell) in header.columns().iter().zip(record) {
            let pointer = || column.title.clone();
            match &column.holds {
                list::Holds::Field(field) => check.known(field, cell, pointer),
                list::Holds::Custom(name) => check.custom(name, cell, pointer),
                list::Holds::Nothing => {}
            }
        }
        check.finish(|name| FieldProblem {
            pointer: header.title_of(name).unwrap_or(name).to_owned(),
            detail: String::new(),
        })
    }
}

/// Collects checked fields and every problem with them.
#[derive(Default)]
struct Check {
    fields: BTreeMap<String, String>,
    problems: Vec<FieldProblem>,
    /// Whether an e-mail address was given, valid or not.
    has_email: bool,
    custom: usize,
}

impl Check {
    fn problem(&mut self, problem: FieldProblem) {
        self.problems.push(problem);
    }

    fn known_json(&mut self, field: &Field, value: &Value) {
        let pointer = || FieldProblem::field(field.name, "").pointer;
        match (value, field.kind) {
            (Value::Null, _) => {}
            (Value::String(text), _) => self.known(field, text, pointer),
            (Value::Number(number), FieldKind::Number) => self.known(field, &number.to_string(), pointer),
            (Value::Bool(flag), FieldKind::Flag) => self.known(field, &flag.to_string(), pointer),
            (other, kind) => {
                self.has_email |= kind == FieldKind::Email;
                let wanted = match kind {
                    FieldKind::Number => "a number or text",
                    FieldKind::Flag => "true, false or text",
                    _ => "text",
                };
                let advice = if matches!(other, Value::Number(_)) && kind != FieldKind::Flag {
                    "; put it in quotes"
                } else {
                    ""
                };
                let detail = format!("must be {wanted}, not {}{advice}", json::kind(other));
                self.problem(FieldProblem::field(field.name, detail));
            }
        }
    }

    fn custom_json(&mut self, name: &str, value: &Value) {
        let pointer = || FieldProblem::field(name, "").pointer;
        match value {
            Value::Null => {}
            Value::String(text) => self.custom(name, text, pointer),
            Value::Bool(_) | Value::Number(_) => self.custom(name, &value.to_string(), pointer),
            Value::Array(_) | Value::Object(_) => {
                let detail = format!(
                    "is not a lead field, and a custom field cannot hold {}; send text, a number, true or false",
                    json::kind(value)
                );
                self.problem(FieldProblem::field(name, detail));
            }
        }
    }

    /// Checks and stores a field of the schema.
    fn known(&mut self, field: &Field, text: &str, pointer: impl FnOnce() -> String) {
        let text = clean(text, field.kind == FieldKind::Lines);
        if text.is_empty() {
            return;
        }
        self.has_email |= field.kind == FieldKind::Email;
        match refusal(field, &text) {
            Some(detail) => self.problem(FieldProblem { pointer: pointer(), detail }),
            None => _ = self.fields.insert(field.name.to_owned(), text),
        }
    }

    /// Checks and stores a field that is not in the schema.
    fn custom(&mut self, name: &str, text: &str, pointer: impl FnOnce() -> String) {
        let text = clean(text, true);
        if text.is_empty() {
            return;
        }
        self.custom += 1;
        let detail = match schema::custom_name(name.strip_prefix(CUSTOM).unwrap_or(name)) {
            None => format!(
                "is not a valid name for a custom field; use 1 to {LONGEST_CUSTOM_NAME} letters, digits, spaces, `_`, `-` \
                 or `.`"
            ),
            Some(_) if text.chars().count() > LONGEST_CUSTOM_VALUE => too_long(&text, LONGEST_CUSTOM_VALUE),
            Some(name) => {
                if self.fields.insert(format!("{CUSTOM}{name}"), text).is_none() {
                    return;
                }
                format!("is a duplicate of the custom field `{name}`; send it once")
            }
        };
        self.problem(FieldProblem { pointer: pointer(), detail });
    }

    /// Runs the checks that involve several fields. `blame` creates a problem for a field, without detail.
    fn finish(mut self, blame: impl Fn(&str) -> FieldProblem) -> Result<Submission, Vec<FieldProblem>> {
        if self.custom > MOST_CUSTOM {
            let detail = format!(
                "the submission has {} fields that are not in the lead schema; the limit is {MOST_CUSTOM} custom \
                 fields",
                self.custom
            );
            self.problem(FieldProblem { pointer: String::new(), detail });
        }
        if !self.has_email {
            match self.fields.get("phone") {
                None => {
                    let detail = "is missing; send an e-mail address or a phone number (`phone`) so that the person \
                                  can be reached";
                    self.problem(FieldProblem { detail: detail.to_owned(), ..blame("email") });
                }
                Some(number) => {
                    let hint = self.fields.get("country").and_then(|text| country::code(text));
                    if phone::read(number, hint).phone.kind == PhoneKind::Invalid {
                        let detail = format!(
                            "`{}` is not a valid phone number, and there is no e-mail address; write the number with its \
                             country code, like +49 30 901820",
                            shown(number)
                        );
                        self.problem(FieldProblem { detail, ..blame("phone") });
                    }
                }
            }
        }
        if self.problems.is_empty() { Ok(Submission { fields: self.fields }) } else { Err(self.problems) }
    }
}

/// Returns why `field` cannot hold `text`, or `None` if it can.
fn refusal(field: &Field, text: &str) -> Option<String> {
    if text.chars().count() > field.longest {
        return Some(too_long(text, field.longest));
    }
    match field.kind {
        FieldKind::Email if email::parse(text).is_none() => {
            Some(format!("`{}` is not an e-mail address; write it like name@company.example", shown(text)))
        }
        FieldKind::Flag if choice::flag(text).is_none() => {
            Some(format!("`{}` is neither yes nor no; write true or false", shown(text)))
        }
        FieldKind::Channel if choice::channel(text).is_none() => {
            Some(format!("`{}` is not a channel; write email, phone, sms or whatsapp", shown(text)))
        }
        _ => None,
    }
}

pub(super) fn too_long(text: &str, longest: usize) -> String {
    format!("has {} characters; the limit is {longest}", text.chars().count())
}

/// Says that a field appears twice.
pub(super) fn twice(name: &str) -> String {
    format!("`{}` appears twice; send it once", shown(name))
}

/// Shortens input for use in an error message: its first 60 characters.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String = text.chars().take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

/// Removes what people do not type on purpose: surrounding whitespace, control characters, zero-width spaces and marks
/// that change the writing direction.
///
/// In a single line, runs of whitespace become one space. With `lines`, line breaks are kept as `\n`.
pub(super) fn clean(text: &str, lines: bool) -> String {
    let unseen = |c: &char| {
        (c.is_control() && !c.is_whitespace())
            || matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let visible: String = text.chars().filter(|c| !unseen(c)).collect();
    if lines {
        let unix = visible.replace("\r\n", "\n").replace('\r', "\n");
        let plain: String = unix.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
        plain.trim().to_owned()
    } else {
        visible.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests;
