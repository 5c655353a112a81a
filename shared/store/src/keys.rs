//! `keys`: what opens the API, hashed. One item each, by `key_hash`: a key itself is kept nowhere.

use fairleader_lead::id::PersonId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{BODY, CURRENT_SCHEMA, Item, SCHEMA, body, get_text, item, json, number, text};
use crate::{StoreError, Table};

const KEY_HASH: &str = "key_hash";
/// Keys on a page.
const PAGE: i32 = 100;

/// The keys table.
#[derive(Clone, Debug)]
pub struct Keys(Table);

/// What a key opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// What its holder may do: a role's name. For a person the role they have at the time counts.
    pub role: String,
    /// Who holds it: a source, a rep, or a name.
    pub subject: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The person it belongs to; absent if it belongs to a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonKey>,
}

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonKey {
    /// The person.
    pub person_id: PersonId,
    /// Their `enrolled`, see [`crate::Enrolled`]: the key is theirs and nobody else's.
    pub enrolled: String,
}

fn key(hash: &str) -> Item {
    item([(KEY_HASH, text(hash))])
}

impl Keys {
    /// The keys in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// What the key with this SHA-256 (hex) opens.
    pub async fn get(&self, hash: &str) -> Result<Option<KeyRecord>, StoreError> {
        self.0.get(key(hash)).await?.map(|item| body(&item, &self.0.name)).transpose()
    }

    /// Keeps a key by its SHA-256 (hex).
    pub async fn put(&self, hash: &str, record: &KeyRecord) -> Result<(), StoreError> {
        let mut item = key(hash);
        item.extend(crate::item::item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(record)?)]));
        self.0.put(item).await
    }

    /// Forgets a key.
    pub async fn delete(&self, hash: &str) -> Result<(), StoreError> {
        self.0.delete(key(hash)).await
    }

    /// A page of keys by their SHA-256 (hex), in no particular order, from the one after `from` on; and where the next
    /// page begins.
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
        let keys = answer.items().iter().map(|item| Ok((hash(item)?, body(item, &self.0.name)?)));
        let keys = keys.collect::<Result<_, StoreError>>()?;
        Ok((keys, answer.last_evaluated_key().map(hash).transpose()?))
    }
}
