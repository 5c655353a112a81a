//! `people`: people who manage rules, leads and the roster.
//!
//! | access | key |
//! |---|---|
//! | a person | `person_id`, under their revision |
//! | every person | the whole table |
//!
//! `enrolled` is a unique value that a person gets when they are created. Personal keys name it, so the key of a
//! deleted person does not work for a later person with the same id.

use fairleader_lead::id::PersonId;
use fairleader_lead::people::{Person, PersonRole};

use crate::audit::{Audit, Edit, Kind, Seen, Versioned};
use crate::item::{Item, body, get_text, item, record, stored, text};
use crate::{StoreError, Table, Transaction};

const PERSON: &str = "person_id";
const ENROLLED: &str = "enrolled";

/// Table of people.
#[derive(Clone, Debug)]
pub struct People(Table);

/// Stored person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The person.
    pub person: Person,
    /// Unique value that distinguishes them from earlier people with the same id.
    pub enrolled: String,
}

stored! {
    PersonForm of Person {
        person_id: PersonId,
        name: String,
        email: String,
        role: PersonRole,
    }
}

fn key(person: &PersonId) -> Item {
    item([(PERSON, text(person.as_str()))])
}

pub(crate) fn person_item(enrolled: &Enrolled) -> Result<Item, StoreError> {
    let mut item = record(key(&enrolled.person.person_id), &PersonForm::from(enrolled.person.clone()))?;
    item.insert(ENROLLED.to_owned(), text(enrolled.enrolled.as_str()));
    Ok(item)
}

pub(crate) fn person(item: &Item, table: &str) -> Result<Versioned<Enrolled>, StoreError> {
    let person = body::<PersonForm>(item, table)?.into();
    Versioned::of(Enrolled { person, enrolled: get_text(item, table, ENROLLED)?.to_owned() }, item, table)
}

impl People {
    /// Creates a client for the people in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Reads a person.
    pub async fn get(&self, person: &PersonId) -> Result<Option<Enrolled>, StoreError> {
        Ok(self.find(person).await?.map(|found| found.value))
    }

    /// Reads a person and their revision.
    pub async fn find(&self, id: &PersonId) -> Result<Option<Versioned<Enrolled>>, StoreError> {
        self.0.get(key(id)).await?.map(|item| person(&item, &self.0.name)).transpose()
    }

    /// Reads every person, by id.
    pub async fn all(&self) -> Result<Vec<Person>, StoreError> {
        let items = self.0.scan_all().await?;
        let people = items.iter().map(|item| Ok(person(item, &self.0.name)?.value.person));
        let mut people = people.collect::<Result<Vec<_>, StoreError>>()?;
        people.sort_by(|a, b| a.person_id.cmp(&b.person_id));
        Ok(people)
    }

    /// Stores a person. Returns `None` if they were changed since `seen`. `enrolled`, a new unique value, is only used
    /// for a new person.
    pub async fn replace(
        &self,
        audit: &Audit,
        seen: Option<&Versioned<Enrolled>>,
        person: &Person,
        enrolled: &str,
        edit: &Edit<'_>,
    ) -> Result<Option<Versioned<Enrolled>>, StoreError> {
        let enrolled = seen.map_or(enrolled, |seen| seen.value.enrolled.as_str());
        let enrolled = Enrolled { person: person.clone(), enrolled: enrolled.to_owned() };
        let before = seen.map(|seen| PersonForm::from(seen.value.person.clone()));
        let id = person.person_id.as_str();
        let entry = audit.entry(Kind::Person, id, Seen::of(seen), before.as_ref(), edit).await?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.put(&mut transaction, (), &self.0, person_item(&enrolled)?, PERSON)?;
        Ok(transaction.commit().await?.is_done().then(|| entry.versioned(enrolled)))
    }

    /// Deletes a person, whose keys become invalid. Returns false if they were changed since `seen`.
    pub async fn remove(&self, audit: &Audit, seen: &Versioned<Enrolled>, edit: &Edit<'_>) -> Result<bool, StoreError> {
        let person = &seen.value.person;
        let before = PersonForm::from(person.clone());
        let entry = audit.deletion(Kind::Person, person.person_id.as_str(), seen.seen(), &before, edit)?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.delete(&mut transaction, (), &self.0, key(&person.person_id), PERSON)?;
        Ok(transaction.commit().await?.is_done())
    }
}
