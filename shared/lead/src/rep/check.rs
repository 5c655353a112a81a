//! The checks that a rep has to pass before being added to the roster.

use jiff::tz::TimeZone;

use crate::normalise;
use crate::problem::FieldProblem;
use crate::rep::{MAX_CAPACITY, Rep};

/// Lists what is wrong with the settings of a rep.
pub fn problems(rep: &Rep) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    if rep.name.trim().is_empty() {
        found.push(FieldProblem::field("name", "is empty; a rep needs a name"));
    }
    if normalise::email::parse(&rep.email).is_none() {
        let detail = format!("`{}` is not an e-mail address; write it like name@company.example", rep.email);
        found.push(FieldProblem::field("email", detail));
    }
    if TimeZone::get(&rep.zone).is_err() {
        let detail = format!("`{}` is not a time zone; use an IANA name like Europe/Berlin", rep.zone);
        found.push(FieldProblem::field("zone", detail));
    }
    if rep.capacity > MAX_CAPACITY {
        let detail = format!("is {}; the limit is {MAX_CAPACITY} open leads", rep.capacity);
        found.push(FieldProblem::field("capacity", detail));
    }
    for (i, language) in rep.languages.iter().enumerate() {
        if normalise::country::language(language) != Some(language) {
            found.push(FieldProblem {
                pointer: format!("/languages/{i}"),
                detail: format!("`{language}` is not a language code; use two letters like de (ISO 639-1)"),
            });
        }
    }
    found
}
