//! `keys`: keys of the API, by their hash. The keys themselves are not stored.
//!
//! | access | key |
//! |---|---|
//! | the role and holder of a key | `key_hash` |
//! | every key | the whole table |

use std::time::Instant;

use fairleader_lead::id::PersonId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::{Audit, Edit, Kind, Seen, Versioned};
use crate::item::{Item, body, get_text, item, record, stored, text};
use crate::{StoreError, Table, Transaction, Tries};

const KEY_HASH: &str = "key_hash";
/// Keys on a page.
const PAGE: i32 = 100;

/// Result of deleting a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyDeleted {
    /// The key was deleted.
    Done,
    /// There is no such key.
    Missing,
    /// Conflict with another request; nothing was changed.
    Stale,
}

/// Table of keys.
#[derive(Clone, Debug)]
pub struct Keys(Table);

/// Record of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The name of its role. For the key of a person, the person's current role counts instead.
    pub role: String,
    /// Its holder: the id of a source or rep, or a name.
    pub subject: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// The person who holds it; `None` for a program.
    pub person: Option<PersonKey>,
}

/// Holder of a personal key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonKey {
    /// The person.
    pub person_id: PersonId,
    /// Their `enrolled`, see [`crate::Enrolled`]. It excludes a later person with the same id.
    pub enrolled: String,
}

stored! {
    PersonKeyForm of PersonKey {
        person_id: PersonId,
        enrolled: String,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeyForm {
    role: String,
    subject: String,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<PersonKeyForm>,
}

impl From<KeyRecord> for KeyForm {
    fn from(KeyRecord { role, subject, created_at, person }: KeyRecord) -> Self {
        Self { role, subject, created_at, person: person.map(Into::into) }
    }
}

impl From<KeyForm> for KeyRecord {
    fn from(KeyForm { role, subject, created_at, person }: KeyForm) -> Self {
        Self { role, subject, created_at, person: person.map(Into::into) }
    }
}

fn key(hash: &str) -> Item {
    item([(KEY_HASH, text(hash))])
}

pub(crate) fn key_item(hash: &str, opens: &KeyRecord) -> Result<Item, StoreError> {
    record(key(hash), &KeyForm::from(opens.clone()))
}

pub(crate) fn key_record(item: &Item, table: &str) -> Result<KeyRecord, StoreError> {
    Ok(body::<KeyForm>(item, table)?.into())
}

impl Keys {
    /// Creates a client for the keys in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Reads the record of the key with this SHA-256 (hex).
    pub async fn get(&self, hash: &str) -> Result<Option<KeyRecord>, StoreError> {
        self.0.get(key(hash)).await?.map(|item| key_record(&item, &self.0.name)).transpose()
    }

    /// Stores a new key under its SHA-256 (hex), trying until `deadline`.
    pub async fn create(
        &self,
        audit: &Audit,
        hash: &str,
        opens: &KeyRecord,
        edit: &Edit<'_>,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        // A random key conflicts with none that is stored; the table may be busy.
        let mut tries = Tries::until(deadline, [hash]);
        loop {
            tries.again("storing a key").await?;
            if self.try_to_create(audit, hash, opens, edit).await? {
                return Ok(());
            }
        }
    }

    async fn try_to_create(
        &self,
        audit: &Audit,
        hash: &str,
        opens: &KeyRecord,
        edit: &Edit<'_>,
    ) -> Result<bool, StoreError> {
        let entry = audit.entry(Kind::Key, hash, Seen::Nothing, None::<&KeyForm>, edit).await?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.put(&mut transaction, (), &self.0, key_item(hash, opens)?, KEY_HASH)?;
        Ok(transaction.commit().await?.is_done())
    }

    /// Deletes a key.
    pub async fn remove(&self, audit: &Audit, hash: &str, edit: &Edit<'_>) -> Result<KeyDeleted, StoreError> {
        let Some(item) = self.0.get(key(hash)).await? else { return Ok(KeyDeleted::Missing) };
        let seen = Versioned::of(key_record(&item, &self.0.name)?, &item, &self.0.name)?;
        let before = KeyForm::from(seen.value.clone());
        let entry = audit.deletion(Kind::Key, hash, seen.seen(), &before, edit)?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.delete(&mut transaction, (), &self.0, key(hash), KEY_HASH)?;
        Ok(if transaction.commit().await?.is_done() { KeyDeleted::Done } else { KeyDeleted::Stale })
    }

    /// Reads a page of keys with their SHA-256 (hex), in no particular order, and the cursor of the next page.
    pub async fn page(&self, from: Option<&str>) -> Result<(Vec<(String, KeyRecord)>, Option<String>), StoreError> {
        let is_hash = |hash: &str| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(cursor) = from.filter(|cursor| !is_hash(cursor)) {
            return Err(StoreError::Cursor(cursor.to_owned()));
        }
        let scan = self.0.client.scan().table_name(&self.0.name).limit(PAGE).consistent_read(true);
        let answer = scan
            .set_exclusive_start_key(from.map(key))
            .send()
            .await
            .map_err(StoreError::service(self.0.what("scanning")))?;
        let hash = |item: &Item| Ok::<_, StoreError>(get_text(item, &self.0.name, KEY_HASH)?.to_owned());
        let keys = answer.items().iter().map(|item| Ok((hash(item)?, key_record(item, &self.0.name)?)));
        let keys = keys.collect::<Result<_, StoreError>>()?;
        Ok((keys, answer.last_evaluated_key().map(hash).transpose()?))
    }
}
