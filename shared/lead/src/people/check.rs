//! The checks that a person has to pass before being stored.

use crate::normalise;
use crate::people::Person;
use crate::problem::FieldProblem;

/// Length limit of a person's name, in characters.
const MAX_PERSON_NAME: usize = 200;

/// Lists what is wrong with the fields of a person.
pub fn problems(person: &Person) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    if person.name.trim().is_empty() {
        found.push(FieldProblem::field("name", "is empty; a person needs a name"));
    }
    if person.name.chars().count() > MAX_PERSON_NAME {
        let detail = format!("is too long; the limit is {MAX_PERSON_NAME} characters");
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
    use crate::id::PersonId;
    use crate::people::PersonRole;

    #[test]
    fn requires_a_name_and_an_address() {
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
                "/name: is empty; a person needs a name",
                "/email: `mara` is not an e-mail address; write it like name@company.example"
            ]
        );
    }
}
