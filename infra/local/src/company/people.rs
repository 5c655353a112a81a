//! `people.csv`: the people who maintain the rulebook and the roster, and approve rulebooks.

use fairleader_lead::id::PersonId;
use fairleader_lead::normalise::email;
use fairleader_lead::people::{Person, PersonRole};

use super::known::Known;
use super::problems::Problems;
use super::sheet::{Column, Row, Sheet, nearest, required};

pub(super) const COLUMNS: &[Column] = &[required("person"), required("name"), required("email"), required("role")];

const ROLES: [PersonRole; 4] = [PersonRole::Marketing, PersonRole::Sales, PersonRole::Admin, PersonRole::Viewer];

/// Reads the people of a sheet. A row with a problem gives no person, or one that is not used.
pub(super) fn read(sheet: &Sheet, problems: &mut Problems) -> Vec<Person> {
    let known = Known::of(sheet, "person");
    sheet.rows().filter_map(|row| person(row, &known, problems)).collect()
}

fn person(row: &Row, known: &Known, problems: &mut Problems) -> Option<Person> {
    let person_id = row.id("person", "a person", problems);
    if let Some(line) = person_id.and_then(|id| known.before(id, row.line())) {
        let message = format!(
            "`{}` is already used in line {line}; give each person a different id",
            person_id.unwrap_or_default()
        );
        row.problem("person", message, problems);
    }
    let address = row.cell("email").and_then(|text| {
        let address = email::parse(text);
        if address.is_none() {
            let message = format!("`{text}` is not an e-mail address; write it like name@company.example");
            row.problem("email", message, problems);
        }
        address
    });
    let role = row.cell("role").and_then(|text| {
        let role = ROLES.into_iter().find(|role| role.as_str() == text.to_lowercase());
        if role.is_none() {
            let names = ROLES.map(PersonRole::as_str);
            let hint = nearest(text, names)
                .map_or_else(|| format!("use one of {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
            row.problem("role", format!("`{text}` is not a role; {hint}"), problems);
        }
        role
    });
    Some(Person {
        person_id: PersonId::from(person_id?),
        name: row.cell("name")?.to_owned(),
        email: address?.address,
        role: role?,
    })
}
