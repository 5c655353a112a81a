//! `people`: who looks after rules, leads and the roster. One item each, by `person_id`.
//!
//! | access | key |
//! |---|---|
//! | a person | `person_id` |
//! | everybody | the whole table |
//!
//! `enrolled` is drawn when a person comes in and stays until they are deleted. Personal keys name it, so a key of
//! somebody who was deleted does not open anything for the next person with the same id.

use aws_sdk_dynamodb::types::ReturnValue;
use fairleader_lead::id::PersonId;
use fairleader_lead::people::Person;

use crate::item::{BODY, CURRENT_SCHEMA, Item, SCHEMA, body, get_text, item, json, number, text};
use crate::{StoreError, Table};

const PERSON: &str = "person_id";
const ENROLLED: &str = "enrolled";

/// The people table.
#[derive(Clone, Debug)]
pub struct People(Table);

/// A person who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The person.
    pub person: Person,
    /// Tells them from somebody who had the same id before.
    pub enrolled: String,
}

fn key(person: &PersonId) -> Item {
    item([(PERSON, text(person.as_str()))])
}

impl People {
    /// The people in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Writes a person. `enrolled`, a value never used before, is only kept for somebody who was not there.
    pub async fn put(&self, person: &Person, enrolled: &str) -> Result<Enrolled, StoreError> {
        let answer = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .set_key(Some(key(&person.person_id)))
            .update_expression("SET #schema = :schema, #body = :body, #enrolled = if_not_exists(#enrolled, :enrolled)")
            .expression_attribute_names("#schema", SCHEMA)
            .expression_attribute_names("#body", BODY)
            .expression_attribute_names("#enrolled", ENROLLED)
            .expression_attribute_values(":schema", number(CURRENT_SCHEMA))
            .expression_attribute_values(":body", json(person)?)
            .expression_attribute_values(":enrolled", text(enrolled))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(StoreError::service(self.0.what("writing to")))?;
        self.read(&answer.attributes.unwrap_or_default())
    }

    /// A person.
    pub async fn get(&self, person: &PersonId) -> Result<Option<Enrolled>, StoreError> {
        self.0.get(key(person)).await?.map(|item| self.read(&item)).transpose()
    }

    /// Everybody, in order of id.
    pub async fn all(&self) -> Result<Vec<Person>, StoreError> {
        let items = self.0.scan_all().await?;
        let mut people =
            items.iter().map(|item| Ok(self.read(item)?.person)).collect::<Result<Vec<_>, StoreError>>()?;
        people.sort_by(|a, b| a.person_id.cmp(&b.person_id));
        Ok(people)
    }

    /// Deletes a person; their keys open nothing any more.
    pub async fn delete(&self, person: &PersonId) -> Result<(), StoreError> {
        self.0.delete(key(person)).await
    }

    fn read(&self, item: &Item) -> Result<Enrolled, StoreError> {
        Ok(Enrolled { person: body(item, &self.0.name)?, enrolled: get_text(item, &self.0.name, ENROLLED)?.to_owned() })
    }
}
