//! Tables that rulebooks look things up in, kept in the `rulebooks` table by what they hold.
//!
//! | access | key |
//! |---|---|
//! | a table's text | `table:` + SHA-256, `chunk#` + 3 digits, deflated |
//! | what is known of that text | `table:` + SHA-256, `about` |
//! | which text a name stands for now | `tables`, `name#` + the name |
//!
//! A text is kept once, however many names and versions of the rulebook point to it, and never changes. The name is
//! moved last, so it always points to a text that is there as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairleader_rulebook::Table as Lookup;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{BODY, CURRENT_SCHEMA, Item, PART, SCHEMA, VERSION, body, get_text, item, json, number, text};
use crate::packed::{chunk, pack, unpack};
use crate::{StoreError, Table};

const TABLES: &str = "tables";
const CONTENT: &str = "table:";
const NAME: &str = "name#";
const ABOUT: &str = "about";

/// The tables of rulebooks.
#[derive(Clone, Debug)]
pub struct LookupTables(Table);

/// What a table's name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTable {
    /// The name.
    pub name: String,
    /// SHA-256 of the text, in hex.
    pub sha256: String,
    /// Its columns, in the order of the text.
    pub columns: Vec<String>,
    /// Length of the text in bytes.
    pub bytes: usize,
    /// Rows in it, without the header.
    pub rows: usize,
    /// When the name was pointed to this text.
    pub uploaded_at: Timestamp,
    /// By whom.
    pub uploaded_by: String,
}

/// What is known of a text.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct About {
    chunks: usize,
}

fn key(content: &str, part: &str) -> Item {
    item([(VERSION, text(content)), (PART, text(part))])
}

fn content_key(sha256: &str) -> String {
    format!("{CONTENT}{sha256}")
}

impl LookupTables {
    /// The tables of the rulebooks in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Keeps a text, and points its name to it. What the name stands for already is left as it is.
    pub async fn put(&self, table: &NamedTable, content: &str) -> Result<NamedTable, StoreError> {
        if let Some(current) = self.named(&table.name).await?
            && current.sha256 == table.sha256
        {
            return Ok(current);
        }
        let stored = content_key(&table.sha256);
        if self.0.get(key(&stored, ABOUT)).await?.is_none() {
            let chunks = pack(content)?;
            let about = About { chunks: chunks.len() };
            for (part, data) in chunks {
                self.0.put(chunk(key(&stored, &part), data)).await?;
            }
            let mut record = key(&stored, ABOUT);
            record.extend(item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(&about)?)]));
            self.0.put(record).await?;
        }
        let mut name = key(TABLES, &format!("{NAME}{}", table.name));
        name.extend(item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(table)?)]));
        self.0.put(name).await?;
        Ok(table.clone())
    }

    /// What a name stands for now.
    pub async fn named(&self, name: &str) -> Result<Option<NamedTable>, StoreError> {
        let found = self.0.get(key(TABLES, &format!("{NAME}{name}"))).await?;
        found.map(|item| body(&item, &self.0.name)).transpose()
    }

    /// Every name and what it stands for now, in order of name.
    pub async fn all(&self) -> Result<Vec<NamedTable>, StoreError> {
        self.items(TABLES).await?.iter().map(|item| body(item, &self.0.name)).collect()
    }

    /// The text with this SHA-256 (hex).
    pub async fn content(&self, sha256: &str) -> Result<Option<String>, StoreError> {
        let items = self.items(&content_key(sha256)).await?;
        for item in &items {
            if get_text(item, &self.0.name, PART)? == ABOUT {
                let about: About = body(item, &self.0.name)?;
                return Ok(Some(unpack(&items, &self.0, &format!("table {sha256}"), about.chunks)?));
            }
        }
        Ok(None)
    }

    /// The tables of a version of the rulebook, by their names and the SHA-256 (hex) of their texts, read.
    pub async fn load(&self, pinned: &BTreeMap<String, String>) -> Result<BTreeMap<String, Arc<Lookup>>, StoreError> {
        let mut tables = BTreeMap::new();
        for (name, sha256) in pinned {
            tables.insert(name.clone(), self.read(name, sha256).await?);
        }
        Ok(tables)
    }

    /// One table, read.
    pub(crate) async fn read(&self, name: &str, sha256: &str) -> Result<Arc<Lookup>, StoreError> {
        let damaged = |why: &dyn std::fmt::Display| StoreError::Damaged(format!("table `{name}` ({sha256}) {why}"));
        let content = self.content(sha256).await?.ok_or_else(|| damaged(&"is not there"))?;
        let table = Lookup::parse(name, &content).map_err(|problems| {
            damaged(&problems.first().map_or_else(|| "cannot be read".to_owned(), ToString::to_string))
        })?;
        Ok(Arc::new(table))
    }

    async fn items(&self, version: &str) -> Result<Vec<Item>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("version = :version")
            .expression_attribute_values(":version", text(version))
            .consistent_read(true);
        self.0.query_all(query).await
    }

    /// Forgets a name. The text stays, because versions of the rulebook may point to it.
    pub async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.0.delete(key(TABLES, &format!("{NAME}{name}"))).await
    }
}
