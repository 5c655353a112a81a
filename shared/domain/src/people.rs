//! The people who look after rules, leads and the roster: who they are, and for whom they speak.
//!
//! A person is not a key: programs have keys too, and only a person can approve something. How somebody signs in is not
//! known here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::PersonId;
use crate::normalise;
use crate::problem::FieldProblem;

/// Longest name of a person, in characters.
const MAX_PERSON_NAME: usize = 200;

/// What a person does in the company, and so what they may do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonRole {
    /// Looks after rules, lists and nurture.
    Marketing,
    /// Looks after reps, pools and leads.
    Sales,
    /// May do everything, and approves nothing: that is for the two sides.
    Admin,
    /// Looks, changes nothing.
    Viewer,
}

impl PersonRole {
    /// The role as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Sales => "sales",
            Self::Admin => "admin",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for PersonRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Their identifier.
    pub person_id: PersonId,
    /// What they are called.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// For whom they speak.
    pub role: PersonRole,
}

/// What is wrong with a person's fields.
pub fn problems(person: &Person) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    if person.name.trim().is_empty() {
        found.push(FieldProblem::field("name", "a person needs a name"));
    }
    if person.name.chars().count() > MAX_PERSON_NAME {
        let detail = format!("a name has at most {MAX_PERSON_NAME} characters");
        found.push(FieldProblem::field("name", detail));
    }
    if normalise::email::parse(&person.email).is_none() {
        let detail = format!("`{}` is not an e-mail address; write it like name@company.example", person.email);
        found.push(FieldProblem::field("email", detail));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_needs_a_name_and_an_address() {
        let mut mara = Person {
            person_id: PersonId::from("mara"),
            name: "Mara Lindqvist".to_owned(),
            email: "mara@harbourlight.example".to_owned(),
            role: PersonRole::Marketing,
        };
        assert_eq!(problems(&mara), []);
        mara.name = " ".to_owned();
        mara.email = "mara".to_owned();
        let found: Vec<String> = problems(&mara).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "/name: a person needs a name",
                "/email: `mara` is not an e-mail address; write it like name@company.example"
            ]
        );
    }
}
