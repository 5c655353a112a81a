//! `audit`: who changed which setting, when, and what it was before.
//!
//! | access | key |
//! |---|---|
//! | changes of one item, newest first | `subject` (`rep#anna`), `at` |
//! | changes of all items of a kind | index `kind`: `kind`, `at` |
//! | all changes | index `time`: `log` (always `all`), `at` |
//!
//! An entry is written in the same transaction as its change. `at` is the new revision of the item: the time in
//! milliseconds, but always greater than the revision before. So an item that is deleted and created again never gets
//! the same revision twice, and `If-Match` can never match another item with the same id.
//!
//! The index `time` has one partition, which accepts 1,000 entries a second. That is enough for changes by people.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put};
use fairleader_lead::id::LeadId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::item::{Item, body, get_number, get_text, item, number, record, text};
use crate::{StoreError, Table, Transaction};

/// Attribute with the revision of an item. A write names the revision that it read.
pub(crate) const REVISION: &str = "revision";

const SUBJECT: &str = "subject";
const AT: &str = "at";
const KIND: &str = "kind";
const LOG: &str = "log";
const ALL: &str = "all";

/// Table of audit entries.
#[derive(Clone, Debug)]
pub struct Audit(Table);

/// Kind of a changed item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rep.
    Rep,
    /// Pool.
    Pool,
    /// Account.
    Account,
    /// Person.
    Person,
    /// Key.
    Key,
    /// Lookup table of rulebooks.
    Table,
    /// Lead that was released from hold.
    Lead,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [Self::Rep, Self::Pool, Self::Account, Self::Person, Self::Key, Self::Table, Self::Lead];

    /// Returns the word for the kind in entries and queries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rep => "rep",
            Self::Pool => "pool",
            Self::Account => "account",
            Self::Person => "person",
            Self::Key => "key",
            Self::Table => "table",
            Self::Lead => "lead",
        }
    }
}

/// Author and time of a change.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// The person, or the program that holds the key.
    pub by: &'a str,
    /// The time.
    pub at: Timestamp,
}

/// Value with its revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Its revision; 0 if it was written before revisions existed.
    pub revision: u64,
}

impl<T> Versioned<T> {
    pub(crate) fn of(value: T, item: &Item, table: &str) -> Result<Self, StoreError> {
        Ok(Self { value, revision: revision(item, table)? })
    }

    pub(crate) fn seen(&self) -> Seen {
        Seen::Revision(self.revision)
    }
}

/// Returns the revision of an item.
pub(crate) fn revision(item: &Item, table: &str) -> Result<u64, StoreError> {
    if item.contains_key(REVISION) { get_number(item, table, REVISION) } else { Ok(0) }
}

/// State that a write is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The item did not exist.
    Nothing,
    /// The item had this revision.
    Revision(u64),
}

impl Seen {
    pub(crate) fn of<T>(seen: Option<&Versioned<T>>) -> Self {
        seen.map_or(Self::Nothing, Versioned::seen)
    }

    /// Returns the condition that this is still the state of an item with the key attribute `key`, and its values.
    pub(crate) fn condition(self, key: &str) -> (String, Option<HashMap<String, AttributeValue>>) {
        match self {
            Self::Nothing => (format!("attribute_not_exists({key})"), None),
            Self::Revision(0) => (format!("attribute_exists({key}) AND attribute_not_exists({REVISION})"), None),
            Self::Revision(seen) => {
                (format!("{REVISION} = :seen"), Some(HashMap::from([(":seen".to_owned(), number(seen))])))
            }
        }
    }

    /// Returns the next revision, for a change at `now`.
    fn next(self, now: Timestamp) -> u64 {
        let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
        match self {
            Self::Nothing => now.max(1),
            Self::Revision(seen) => now.max(seen.saturating_add(1)),
        }
    }
}

/// Entry of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When the change was made.
    pub at: Timestamp,
    /// Who made it: a person, or the program that holds the key.
    pub by: String,
    /// The kind of item (`rep`), see [`Kind`]. A newer version may have other kinds.
    pub kind: String,
    /// The id of the item.
    pub id: String,
    /// `created`, `changed`, `deleted` or, for a lead, `released`.
    pub action: String,
    /// Its revision after the change.
    pub revision: u64,
    /// The item before the change; missing if it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
}

/// Page of the audit, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

/// Body of an entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EntryForm {
    at: Timestamp,
    by: String,
    action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
}

/// Entry to write with its change.
pub(crate) struct Entry<'a> {
    audit: &'a Audit,
    item: Item,
    /// The state that the change is based on.
    pub(crate) seen: Seen,
    revision: u64,
}

impl Entry<'_> {
    /// Adds the new revision to the changed item.
    fn stamped(&self, mut item: Item) -> Item {
        item.insert(REVISION.to_owned(), number(self.revision));
        item
    }

    pub(crate) fn versioned<T>(&self, value: T) -> Versioned<T> {
        Versioned { value, revision: self.revision }
    }

    /// Adds a new or changed item with its revision, and this entry. The item must be as it was seen; `attribute` is an
    /// attribute of its key.
    pub(crate) fn put<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        table: &Table,
        item: Item,
        attribute: &str,
    ) -> Result<(), StoreError> {
        let (condition, values) = self.seen.condition(attribute);
        let put = Put::builder().table_name(&table.name).set_item(Some(self.stamped(item)));
        let put = put.condition_expression(condition).set_expression_attribute_values(values);
        transaction.put(label.clone(), put.build()?);
        self.record(transaction, label)
    }

    /// Adds the deletion of the item with this key, and this entry. The item must be as it was seen; `attribute` is an
    /// attribute of its key.
    pub(crate) fn delete<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        table: &Table,
        key: Item,
        attribute: &str,
    ) -> Result<(), StoreError> {
        let (condition, values) = self.seen.condition(attribute);
        let delete = Delete::builder().table_name(&table.name).set_key(Some(key));
        let delete = delete.condition_expression(condition).set_expression_attribute_values(values);
        transaction.delete(label.clone(), delete.build()?);
        self.record(transaction, label)
    }

    fn record<L: Clone>(&self, transaction: &mut Transaction<L>, label: L) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(&self.audit.0.name)
            .set_item(Some(self.item.clone()))
            .condition_expression("attribute_not_exists(subject)");
        transaction.put(label, put.build()?);
        Ok(())
    }
}

fn subject(kind: &str, id: &str) -> String {
    format!("{kind}#{id}")
}

fn key(subject: &str, at: u64) -> Item {
    item([(SUBJECT, text(subject)), (AT, number(at))])
}

impl Audit {
    /// Creates a client for the audit in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Makes an entry for an item that is created or changed.
    pub(crate) async fn entry(
        &self,
        kind: Kind,
        id: &str,
        seen: Seen,
        before: Option<&impl Serialize>,
        edit: &Edit<'_>,
    ) -> Result<Entry<'_>, StoreError> {
        let before = before.map(serde_json::to_value).transpose()?;
        let (action, after) = match seen {
            Seen::Revision(_) => ("changed", seen),
            // An item with this id may have existed before.
            Seen::Nothing => ("created", self.last(kind, id).await?.map_or(seen, Seen::Revision)),
        };
        self.made(kind, id, seen, action, after.next(edit.at), before, edit)
    }

    /// Makes an entry for an item that is deleted.
    pub(crate) fn deletion(
        &self,
        kind: Kind,
        id: &str,
        seen: Seen,
        before: &impl Serialize,
        edit: &Edit<'_>,
    ) -> Result<Entry<'_>, StoreError> {
        let before = serde_json::to_value(before)?;
        self.made(kind, id, seen, "deleted", seen.next(edit.at), Some(before), edit)
    }

    /// Adds an entry for a lead that is released from hold in this transaction. `before` says how it was held.
    pub fn release<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        lead: &LeadId,
        before: &impl Serialize,
        edit: &Edit<'_>,
    ) -> Result<(), StoreError> {
        let before = Some(serde_json::to_value(before)?);
        let at = Seen::Nothing.next(edit.at);
        let entry = self.made(Kind::Lead, lead.as_str(), Seen::Nothing, "released", at, before, edit)?;
        entry.record(transaction, label)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of an entry")]
    fn made(
        &self,
        kind: Kind,
        id: &str,
        seen: Seen,
        action: &str,
        revision: u64,
        before: Option<Value>,
        edit: &Edit<'_>,
    ) -> Result<Entry<'_>, StoreError> {
        let form = EntryForm { at: edit.at, by: edit.by.to_owned(), action: action.to_owned(), before };
        let mut item = record(key(&subject(kind.as_str(), id), revision), &form)?;
        item.extend([(KIND.to_owned(), text(kind.as_str())), (LOG.to_owned(), text(ALL))]);
        Ok(Entry { audit: self, item, seen, revision })
    }

    /// Returns the last revision of an item.
    async fn last(&self, kind: Kind, id: &str) -> Result<Option<u64>, StoreError> {
        let page = self.page(Some(kind), Some(id), 1, None).await?;
        Ok(page.entries.first().map(|entry| entry.revision))
    }

    /// Reads a page of at most `limit` entries, newest first: all, those of a kind, or those of one item, which are
    /// strongly consistent. An `id` without a `kind` is ignored.
    pub async fn page(
        &self,
        kind: Option<Kind>,
        id: Option<&str>,
        limit: i32,
        from: Option<&str>,
    ) -> Result<AuditPage, StoreError> {
        let (index, attribute, value) = match (kind, id) {
            (Some(kind), Some(id)) => (None, SUBJECT, subject(kind.as_str(), id)),
            (Some(kind), None) => (Some(KIND), KIND, kind.as_str().to_owned()),
            (None, _) => (Some("time"), LOG, ALL.to_owned()),
        };
        let start =
            from.map(|cursor| start(cursor).ok_or_else(|| StoreError::Cursor(cursor.to_owned()))).transpose()?;
        let start = start.map(|mut start| {
            start.insert(attribute.to_owned(), text(value.as_str()));
            start
        });
        let answer = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .set_index_name(index.map(str::to_owned))
            .key_condition_expression("#by = :value")
            .expression_attribute_names("#by", attribute)
            .expression_attribute_values(":value", text(value.as_str()))
            .set_consistent_read(index.is_none().then_some(true))
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            .limit(limit)
            .send()
            .await
            .map_err(StoreError::service(self.0.what("querying")))?;
        let entries = answer.items().iter().map(|item| entry(item, &self.0.name)).collect::<Result<_, _>>()?;
        let next = match answer.last_evaluated_key() {
            Some(last) => {
                let at: u64 = get_number(last, &self.0.name, AT)?;
                Some(format!("{at}.{}", get_text(last, &self.0.name, SUBJECT)?))
            }
            None => None,
        };
        Ok(AuditPage { entries, next })
    }
}

pub(crate) fn entry(item: &Item, table: &str) -> Result<AuditEntry, StoreError> {
    let (kind, id) = get_text(item, table, SUBJECT)?
        .split_once('#')
        .ok_or_else(|| StoreError::Attribute { table: table.to_owned(), attribute: SUBJECT })?;
    let EntryForm { at, by, action, before } = body(item, table)?;
    let revision = get_number(item, table, AT)?;
    Ok(AuditEntry { at, by, kind: kind.to_owned(), id: id.to_owned(), action, revision, before })
}

/// Reads the key in a cursor.
fn start(cursor: &str) -> Option<Item> {
    let (at, subject) = cursor.split_once('.')?;
    let at = at.parse().ok()?;
    (subject.contains('#') && subject.len() <= 1_024).then(|| key(subject, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_always_rise() {
        let now: Timestamp = "2026-03-03T09:00:00Z".parse().unwrap();
        let ms = 1_772_528_400_000;
        assert_eq!(Seen::Nothing.next(now), ms);
        assert_eq!(Seen::Revision(0).next(now), ms, "written before revisions existed");
        assert_eq!(Seen::Revision(ms).next(now), ms + 1, "twice in a millisecond");
        assert_eq!(Seen::Revision(ms + 7).next(now), ms + 8, "a clock that was set back");
    }

    #[test]
    fn reads_keys_from_cursors() {
        let found = start("1772528400000.rep#a.b").unwrap();
        assert_eq!(found["subject"].as_s().unwrap(), "rep#a.b");
        assert_eq!(found["at"].as_n().unwrap(), "1772528400000");
        for wrong in ["", "rep#anna", "x.rep#anna", "1.anna", "1"] {
            assert_eq!(start(wrong), None, "{wrong}");
        }
    }
}
