//! `audit`: who changed what is set up, when, and what it was before.
//!
//! | access | key |
//! |---|---|
//! | what was done to one thing, newest first | `subject` (`rep#anna`), `at` |
//! | what was done to all things of a kind | index `kind`: `kind`, `at` |
//! | everything that was done | index `time`: `log` (always `all`), `at` |
//!
//! An entry is written in the transaction of the change it tells of, so there is none without the other. `at` is the
//! revision that the thing has from then on: milliseconds, and one more than the revision before where the clock does not
//! say so. So a thing that is deleted and made again never has a revision for a second time, and a caller who names the
//! revision they saw can never mean another thing of the same name.
//!
//! The index `time` has one partition, which takes 1,000 entries a second. People make these changes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::item::{Item, body, get_number, get_text, item, number, record, text};
use crate::{StoreError, Table, Transaction};

/// How often a thing was changed; a write names the one it read.
pub(crate) const REVISION: &str = "revision";

const SUBJECT: &str = "subject";
const AT: &str = "at";
const KIND: &str = "kind";
const LOG: &str = "log";
const ALL: &str = "all";

/// The audit table.
#[derive(Clone, Debug)]
pub struct Audit(Table);

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A rep.
    Rep,
    /// A pool.
    Pool,
    /// An account.
    Account,
    /// A person.
    Person,
    /// A key.
    Key,
    /// A table of the rulebook.
    Table,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Rep, Self::Pool, Self::Account, Self::Person, Self::Key, Self::Table];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rep => "rep",
            Self::Pool => "pool",
            Self::Account => "account",
            Self::Person => "person",
            Self::Key => "key",
            Self::Table => "table",
        }
    }
}

/// Who changes something, and when.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// Who: a person, or the program whose key it is.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
}

/// Something and the revision it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// What it is.
    pub value: T,
    /// Its revision; 0 for what was written before there were any.
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

/// An item's revision.
pub(crate) fn revision(item: &Item, table: &str) -> Result<u64, StoreError> {
    if item.contains_key(REVISION) { get_number(item, table, REVISION) } else { Ok(0) }
}

/// What a write is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// There was nothing.
    Nothing,
    /// It had this revision.
    Revision(u64),
}

impl Seen {
    pub(crate) fn of<T>(seen: Option<&Versioned<T>>) -> Self {
        seen.map_or(Self::Nothing, Versioned::seen)
    }

    /// The condition that this is so still, of an item with the key attribute `key`; and its values.
    pub(crate) fn condition(self, key: &str) -> (String, Option<HashMap<String, AttributeValue>>) {
        match self {
            Self::Nothing => (format!("attribute_not_exists({key})"), None),
            Self::Revision(0) => (format!("attribute_exists({key}) AND attribute_not_exists({REVISION})"), None),
            Self::Revision(seen) => {
                (format!("{REVISION} = :seen"), Some(HashMap::from([(":seen".to_owned(), number(seen))])))
            }
        }
    }

    /// The revision after this one, for a change at `now`.
    fn next(self, now: Timestamp) -> u64 {
        let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
        match self {
            Self::Nothing => now.max(1),
            Self::Revision(seen) => now.max(seen.saturating_add(1)),
        }
    }
}

/// What was done, for those who ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who did it: a person, or the program whose key it was.
    pub by: String,
    /// The kind of thing (`rep`), see [`Kind`]; a later version may have others.
    pub kind: String,
    /// Which one.
    pub id: String,
    /// `created`, `changed` or `deleted`.
    pub action: String,
    /// The revision it has had since.
    pub revision: u64,
    /// What it was before; absent if it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
}

/// A page of the audit, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// What was done.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<String>,
}

/// What an entry keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EntryForm {
    at: Timestamp,
    by: String,
    action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
}

/// An entry that is to be written with its change.
pub(crate) struct Entry<'a> {
    audit: &'a Audit,
    item: Item,
    /// What the change is based on.
    pub(crate) seen: Seen,
    revision: u64,
}

impl Entry<'_> {
    /// The changed item, with its new revision.
    pub(crate) fn stamped(&self, mut item: Item) -> Item {
        item.insert(REVISION.to_owned(), number(self.revision));
        item
    }

    pub(crate) fn versioned<T>(&self, value: T) -> Versioned<T> {
        Versioned { value, revision: self.revision }
    }

    /// Adds the entry to the transaction of its change.
    pub(crate) fn record<L: Clone>(&self, transaction: &mut Transaction<L>, label: L) -> Result<(), StoreError> {
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
    /// The audit in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// An entry for a thing that is made or changed.
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
            // Something of that name may have been there before.
            Seen::Nothing => ("created", self.last(kind, id).await?.map_or(seen, Seen::Revision)),
        };
        self.made(kind, id, seen, action, after.next(edit.at), before, edit)
    }

    /// An entry for a thing that is deleted.
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

    #[expect(clippy::too_many_arguments, reason = "what an entry is made of")]
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

    /// The last revision that a thing had.
    async fn last(&self, kind: Kind, id: &str) -> Result<Option<u64>, StoreError> {
        let page = self.page(Some(kind), Some(id), 1, None).await?;
        Ok(page.entries.first().map(|entry| entry.revision))
    }

    /// What was done, newest first: to everything, to all of a kind, or to one thing, then as of now; at most `limit`
    /// entries. An `id` without a `kind` is not looked at.
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

/// The key that a cursor names.
fn start(cursor: &str) -> Option<Item> {
    let (at, subject) = cursor.split_once('.')?;
    let at = at.parse().ok()?;
    (subject.contains('#') && subject.len() <= 1_024).then(|| key(subject, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_never_comes_a_second_time() {
        let now: Timestamp = "2026-03-03T09:00:00Z".parse().unwrap();
        let ms = 1_772_528_400_000;
        assert_eq!(Seen::Nothing.next(now), ms);
        assert_eq!(Seen::Revision(0).next(now), ms, "what was written before there were revisions");
        assert_eq!(Seen::Revision(ms).next(now), ms + 1, "twice in a millisecond");
        assert_eq!(Seen::Revision(ms + 7).next(now), ms + 8, "a clock that was put back");
    }

    #[test]
    fn a_cursor_is_a_key() {
        let found = start("1772528400000.rep#a.b").unwrap();
        assert_eq!(found["subject"].as_s().unwrap(), "rep#a.b");
        assert_eq!(found["at"].as_n().unwrap(), "1772528400000");
        for wrong in ["", "rep#anna", "x.rep#anna", "1.anna", "1"] {
            assert_eq!(start(wrong), None, "{wrong}");
        }
    }
}
