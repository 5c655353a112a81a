//! Lookup tables of rulebooks, stored in the table `rulebooks` by the hash of their content.
//!
//! | access | key |
//! |---|---|
//! | the content of a table | `table:` + SHA-256, `chunk#` + 3 digits, deflated |
//! | the record of that content | `table:` + SHA-256, `about` |
//! | the current content of a name | `tables`, `name#` + the name, under its revision |
//!
//! Content is stored once, however many names and versions of the rulebook point to it, and never changes. The name is
//! written last, so it always points to complete content.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairleader_rulebook::Table as Lookup;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::audit::{Audit, Edit, Kind, Seen, Versioned};
use crate::item::{Item, PART, VERSION, body, get_text, item, record, stored, text};
use crate::packed::{chunk, pack, unpack};
use crate::{StoreError, Table, Transaction};

const TABLES: &str = "tables";
const CONTENT: &str = "table:";
const NAME: &str = "name#";
const ABOUT: &str = "about";

/// Lookup tables of rulebooks.
#[derive(Clone, Debug)]
pub struct LookupTables(Table);

/// Lookup table with its current content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedTable {
    /// The name.
    pub name: String,
    /// SHA-256 of the content, in hex.
    pub sha256: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// Size of the content, in bytes.
    pub bytes: usize,
    /// Number of rows, without the header.
    pub rows: usize,
    /// When this content was uploaded.
    pub uploaded_at: Timestamp,
    /// Who uploaded it.
    pub uploaded_by: String,
}

stored! {
    NamedTableForm of NamedTable {
        name: String,
        sha256: String,
        columns: Vec<String>,
        bytes: usize,
        rows: usize,
        uploaded_at: Timestamp,
        uploaded_by: String,
    }
}

/// Record of content.
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

fn name_key(name: &str) -> Item {
    key(TABLES, &format!("{NAME}{name}"))
}

pub(crate) fn named_item(table: &NamedTable) -> Result<Item, StoreError> {
    record(name_key(&table.name), &NamedTableForm::from(table.clone()))
}

pub(crate) fn named(item: &Item, table: &str) -> Result<NamedTable, StoreError> {
    Ok(body::<NamedTableForm>(item, table)?.into())
}

pub(crate) fn about_item(sha256: &str, chunks: usize) -> Result<Item, StoreError> {
    record(key(&content_key(sha256), ABOUT), &About { chunks })
}

/// Returns the number of chunks of a text.
pub(crate) fn chunks(item: &Item, table: &str) -> Result<usize, StoreError> {
    Ok(body::<About>(item, table)?.chunks)
}

impl LookupTables {
    /// Creates a client for the lookup tables in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Stores content that names can point to.
    async fn keep(&self, sha256: &str, content: &str) -> Result<(), StoreError> {
        let stored = content_key(sha256);
        if self.0.get(key(&stored, ABOUT)).await?.is_some() {
            return Ok(());
        }
        let packed = pack(content)?;
        let count = packed.len();
        for (part, data) in packed {
            self.0.put(chunk(key(&stored, &part), data)).await?;
        }
        self.0.put(about_item(sha256, count)?).await
    }

    /// Stores content and points its name to it. Returns `None` if the name changed since `seen`. Storing the current
    /// content again changes nothing.
    pub async fn replace(
        &self,
        audit: &Audit,
        seen: Option<&Versioned<NamedTable>>,
        table: &NamedTable,
        content: &str,
        edit: &Edit<'_>,
    ) -> Result<Option<Versioned<NamedTable>>, StoreError> {
        if let Some(current) = seen.filter(|seen| seen.value.sha256 == table.sha256) {
            return Ok(Some(current.clone()));
        }
        self.keep(&table.sha256, content).await?;
        let before = seen.map(|seen| NamedTableForm::from(seen.value.clone()));
        let entry = audit.entry(Kind::Table, &table.name, Seen::of(seen), before.as_ref(), edit).await?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.put(&mut transaction, (), &self.0, named_item(table)?, PART)?;
        Ok(transaction.commit().await?.is_done().then(|| entry.versioned(table.clone())))
    }

    /// Deletes a name. Returns false if it changed since `seen`. The content stays for the versions of the rulebook
    /// that use it.
    pub async fn remove(
        &self,
        audit: &Audit,
        seen: &Versioned<NamedTable>,
        edit: &Edit<'_>,
    ) -> Result<bool, StoreError> {
        let table = &seen.value;
        let before = NamedTableForm::from(table.clone());
        let entry = audit.deletion(Kind::Table, &table.name, seen.seen(), &before, edit)?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.delete(&mut transaction, (), &self.0, name_key(&table.name), PART)?;
        Ok(transaction.commit().await?.is_done())
    }

    /// Reads the table with this name.
    pub async fn named(&self, name: &str) -> Result<Option<NamedTable>, StoreError> {
        Ok(self.find(name).await?.map(|found| found.value))
    }

    /// Reads the table with this name, and its revision.
    pub async fn find(&self, name: &str) -> Result<Option<Versioned<NamedTable>>, StoreError> {
        let found = self.0.get(name_key(name)).await?;
        found.map(|item| Versioned::of(named(&item, &self.0.name)?, &item, &self.0.name)).transpose()
    }

    /// Reads every table, by name.
    pub async fn all(&self) -> Result<Vec<NamedTable>, StoreError> {
        self.items(TABLES).await?.iter().map(|item| named(item, &self.0.name)).collect()
    }

    /// Reads the content with this SHA-256 (hex).
    pub async fn content(&self, sha256: &str) -> Result<Option<String>, StoreError> {
        let items = self.items(&content_key(sha256)).await?;
        for item in &items {
            if get_text(item, &self.0.name, PART)? == ABOUT {
                let chunks = chunks(item, &self.0.name)?;
                return Ok(Some(unpack(&items, &self.0, &format!("table {sha256}"), chunks)?));
            }
        }
        Ok(None)
    }

    /// Reads and parses the tables of a version of the rulebook, given by name and SHA-256 (hex).
    pub async fn load(&self, pinned: &BTreeMap<String, String>) -> Result<BTreeMap<String, Arc<Lookup>>, StoreError> {
        let mut tables = BTreeMap::new();
        for (name, sha256) in pinned {
            tables.insert(name.clone(), self.read(name, sha256).await?);
        }
        Ok(tables)
    }

    /// Reads and parses one table.
    pub(crate) async fn read(&self, name: &str, sha256: &str) -> Result<Arc<Lookup>, StoreError> {
        let damaged = |why: &dyn std::fmt::Display| StoreError::Damaged(format!("table `{name}` ({sha256}) {why}"));
        let content = self.content(sha256).await?.ok_or_else(|| damaged(&"is missing"))?;
        let of = name.to_owned();
        // A large table takes a while to parse, and other calls must go on.
        let table = spawn_blocking(move || Lookup::parse(&of, &content)).await.map_err(|cause| damaged(&cause))?;
        let table = table.map_err(|problems| {
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
}
