//! Length limits of the texts that people and programs send, and the checks of them.
//!
//! Every field of a request has a limit: what is stored fits into an item, and an id fits into a key.

use crate::id::{MAX_NAME, is_name};
use crate::problem::FieldProblem;

/// Length limit of a name for people: of a person, rep, pool, account or list. In characters.
pub const MAX_TITLE: usize = 200;
/// Length limit of a word in the company's own vocabulary: a tier, a skill. In characters.
pub const MAX_WORD: usize = 64;
/// Length limit of an e-mail address, in characters.
pub const MAX_EMAIL: usize = 254;
/// Length limit of a domain, in characters.
pub const MAX_DOMAIN: usize = 253;
/// Length limit of the name of a time zone, in characters.
pub const MAX_ZONE: usize = 64;
/// Length limit of weekly working hours, in characters.
pub const MAX_HOURS: usize = 1_000;
/// Limit on the languages of a rep.
pub const MAX_LANGUAGES: usize = 50;
/// Limit on the skills of a rep.
pub const MAX_SKILLS: usize = 100;
/// Limit on the domains of an account. With their changes they have to fit into one transaction.
pub const MAX_DOMAINS: usize = 40;

/// Characters of a wrong value that a message repeats.
const SHOWN: usize = 60;

/// Shortens input for use in a message: its first 60 characters.
pub fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Returns the problem with a text that is longer than `longest` characters.
pub fn long(pointer: impl Into<String>, text: &str, longest: usize) -> Option<FieldProblem> {
    let count = text.chars().count();
    let detail = || format!("has {count} characters; the limit is {longest}");
    (count > longest).then(|| FieldProblem { pointer: pointer.into(), detail: detail() })
}

/// Returns the problem with a name for people that is blank or too long. `who` is `a rep`, `an account`, …
pub fn title(name: &str, who: &str) -> Option<FieldProblem> {
    if name.trim().is_empty() {
        return Some(FieldProblem::field("name", format!("is empty; {who} needs a name")));
    }
    long("/name", name, MAX_TITLE)
}

/// Returns the problem with a word that is blank or too long.
pub fn word(pointer: impl Into<String>, text: &str) -> Option<FieldProblem> {
    if text.trim().is_empty() {
        return Some(FieldProblem { pointer: pointer.into(), detail: "is empty; leave it out".to_owned() });
    }
    long(pointer, text, MAX_WORD)
}

/// Returns the problem with an id that names something else.
pub fn name(pointer: impl Into<String>, id: &str) -> Option<FieldProblem> {
    let detail = || {
        let such = if id.is_empty() { "is empty".to_owned() } else { format!("`{}` cannot be an id", shown(id)) };
        format!("{such}; use 1 to {MAX_NAME} characters of `a-z 0-9 - _ .`")
    };
    (!is_name(id)).then(|| FieldProblem { pointer: pointer.into(), detail: detail() })
}

/// Returns the problem with a list of more than `most` entries; `what` names them.
pub fn many(field: &str, count: usize, most: usize, what: &str) -> Option<FieldProblem> {
    (count > most).then(|| FieldProblem::field(field, format!("has {count} {what}; the limit is {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(problem: Option<FieldProblem>) -> String {
        problem.map(|problem| problem.to_string()).unwrap_or_default()
    }

    #[test]
    fn names_the_field_and_its_limit() {
        assert_eq!(said(title("Anna", "a rep")), "");
        assert_eq!(said(title(" ", "a rep")), "/name: is empty; a rep needs a name");
        assert_eq!(said(title(&"ä".repeat(200), "a rep")), "");
        assert_eq!(said(title(&"ä".repeat(201), "a rep")), "/name: has 201 characters; the limit is 200");
        assert_eq!(said(word("/tier", "")), "/tier: is empty; leave it out");
        assert_eq!(said(word("/tier", &"x".repeat(65))), "/tier: has 65 characters; the limit is 64");
        assert_eq!(said(name("/owner", "anna")), "");
        assert_eq!(said(name("/owner", "")), "/owner: is empty; use 1 to 64 characters of `a-z 0-9 - _ .`");
        assert_eq!(
            said(name("/owner", &"x".repeat(5_000))),
            format!("/owner: `{}…` cannot be an id; use 1 to 64 characters of `a-z 0-9 - _ .`", "x".repeat(60))
        );
        assert_eq!(said(many("skills", 101, 100, "skills")), "/skills: has 101 skills; the limit is 100");
    }
}
