//! The checks that a rep has to pass before being added to the roster.

use jiff::tz::TimeZone;

use crate::limit::{self, MAX_EMAIL, MAX_HOURS, MAX_LANGUAGES, MAX_SKILLS, MAX_ZONE, shown};
use crate::normalise;
use crate::problem::FieldProblem;
use crate::rep::{MAX_CAPACITY, Rep};

/// Lists what is wrong with the settings of a rep.
pub fn problems(rep: &Rep) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    found.extend(limit::title(&rep.name, "a rep"));
    if let Some(long) = limit::long("/email", &rep.email, MAX_EMAIL) {
        found.push(long);
    } else if normalise::email::parse(&rep.email).is_none() {
        let detail = format!("`{}` is not an e-mail address; write it like name@company.example", shown(&rep.email));
        found.push(FieldProblem::field("email", detail));
    }
    found.extend(rep.manager.as_ref().and_then(|manager| limit::name("/manager", manager.as_str())));
    if rep.zone.len() > MAX_ZONE || TimeZone::get(&rep.zone).is_err() {
        let detail = format!("`{}` is not a time zone; use an IANA name like Europe/Berlin", shown(&rep.zone));
        found.push(FieldProblem::field("zone", detail));
    }
    found.extend(limit::long("/hours", &rep.hours.to_string(), MAX_HOURS));
    if rep.capacity > MAX_CAPACITY {
        let detail = format!("is {}; the limit is {MAX_CAPACITY} open leads", rep.capacity);
        found.push(FieldProblem::field("capacity", detail));
    }
    found.extend(limit::many("languages", rep.languages.len(), MAX_LANGUAGES, "languages"));
    for (i, language) in rep.languages.iter().enumerate().take(MAX_LANGUAGES) {
        if normalise::country::language(language) != Some(language) {
            found.push(FieldProblem {
                pointer: format!("/languages/{i}"),
                detail: format!("`{}` is not a language code; use two letters like de (ISO 639-1)", shown(language)),
            });
        }
    }
    found.extend(limit::many("skills", rep.skills.len(), MAX_SKILLS, "skills"));
    for (i, skill) in rep.skills.iter().enumerate().take(MAX_SKILLS) {
        found.extend(limit::word(format!("/skills/{i}"), skill));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RepId;

    #[test]
    fn bounds_every_field() {
        let rep = Rep {
            rep_id: RepId::from("anna"),
            name: "n".repeat(201),
            email: format!("{}@x.example", "a".repeat(5_000)),
            manager: Some(RepId::from("")),
            zone: "Europe/".repeat(1_000),
            hours: format!("mon 09:00-10:00{}", ", tue 09:00-10:00".repeat(100)).parse().unwrap(),
            languages: vec!["de".to_owned(); 51],
            skills: std::iter::once(String::new()).chain(vec!["s".repeat(65); 100]).collect(),
            capacity: 3,
        };
        let found = problems(&rep);
        let fields: Vec<&str> = found.iter().map(|problem| problem.pointer.as_str()).collect();
        let first =
            ["/name", "/email", "/manager", "/zone", "/hours", "/languages", "/skills", "/skills/0", "/skills/1"];
        assert_eq!(fields.get(..first.len()), Some(first.as_slice()));
        assert_eq!(fields.len(), 7 + 100);
        assert!(found.iter().all(|problem| problem.detail.len() < 200), "{found:?}");
    }
}
