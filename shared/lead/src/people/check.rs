//! The checks that a person has to pass before being stored.

use crate::limit::{self, MAX_EMAIL, shown};
use crate::normalise;
use crate::people::Person;
use crate::problem::FieldProblem;

/// Lists what is wrong with the fields of a person.
pub fn problems(person: &Person) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    found.extend(limit::title(&person.name, "a person"));
    if let Some(long) = limit::long("/email", &person.email, MAX_EMAIL) {
        found.push(long);
    } else if normalise::email::parse(&person.email).is_none() {
        let detail = format!("`{}` is not an e-mail address; write it like name@company.example", shown(&person.email));
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
        mara.name = "m".repeat(201);
        mara.email = format!("{}@x.example", "m".repeat(5_000));
        let found: Vec<String> = problems(&mara).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["/name: has 201 characters; the limit is 200", "/email: has 5010 characters; the limit is 254"]
        );
    }
}
