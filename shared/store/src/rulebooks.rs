//! `rulebooks`: every version of the rulebook, its review, and which version is active.
//!
//! | access | key |
//! |---|---|
//! | the text of a version | `version`, `chunk#` + 3 digits, deflated |
//! | the upload of a version | `version`, `about` |
//! | its review: approvals, objections, comments | `version`, `review`, under its `revision` |
//! | past, current and planned activations | `active`, `pointer`, under its `revision` |
//! | the latest version | `latest`, `pointer` |
//! | reroutes of open leads | `reroutes`, `pointer`, under its `revision` |
//!
//! Lookup tables are in the same table, see [`crate::LookupTables`].
//!
//! The transaction of an activation checks that the review did not change: an objection at the same time either stops
//! the activation or comes after it.
//!
//! A function caches compiled versions, and reads the small pointer every few seconds at most.

mod forms;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put};
use fairleader_domain::activation::Activations;
use fairleader_domain::approval::Review;
use fairleader_domain::reroute::Reroutes;
use fairleader_lead::id::RulebookVersion;
use fairleader_rulebook::{References, Rulebook, Table as Lookup};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::task::spawn_blocking;

use self::forms::{AboutForm, ActivationsForm, ReroutesForm, ReviewForm};
use crate::audit::REVISION;
use crate::item::{
    CURRENT_SCHEMA, Item, PART, SCHEMA, VERSION, body, get_number, get_text, item, number, readable, record, text,
};
use crate::packed::{chunk, pack, unpack};
use crate::table::Write;
use crate::{AllPools, LookupTables, Pools, StoreError, Table, Transaction, Tries};

const POINTER: &str = "pointer";
const ABOUT: &str = "about";
const REVIEW: &str = "review";
const POINTS_TO: &str = "points_to";
const ACTIVE: &str = "active";
const LATEST: &str = "latest";
const REROUTES: &str = "reroutes";

/// Maximum age of the cached pointer to the active version.
const POINTER_AGE: SignedDuration = SignedDuration::from_secs(3);
/// Limit on the cached compiled versions: the active one, those of older passes, and those that are compared.
const KEPT: usize = 4;
/// Versions on a page.
const PAGE: u32 = 20;

/// Table of rulebooks.
#[derive(Clone, Debug)]
pub struct Rulebooks(Table);

/// Upload of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Upload {
    /// When it was uploaded.
    #[serde(rename = "uploaded_at")]
    pub at: Timestamp,
    /// Who uploaded it: a person, or the program that holds the key.
    #[serde(rename = "uploaded_by")]
    pub by: String,
    /// What the change is for.
    pub purpose: Option<String>,
    /// Who is responsible for the change.
    pub owner: Option<String>,
    /// The lookup tables that it uses, with the SHA-256 (hex) of their content at the upload.
    pub tables: BTreeMap<String, String>,
}

/// Record of a version, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RulebookRecord {
    /// The version.
    pub version: RulebookVersion,
    /// Its upload.
    #[serde(flatten)]
    pub upload: Upload,
    /// Its review.
    #[serde(flatten)]
    pub review: Review,
    /// The revision of the review. A write names the revision that it read.
    #[serde(skip)]
    pub revision: u64,
}

/// Page of versions, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordPage {
    /// The versions.
    pub records: Vec<RulebookRecord>,
    /// Cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

/// Activations with their revision. A write names the revision that it read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredActivations {
    /// The activations.
    pub activations: Activations,
    revision: u64,
}

/// Reroutes with their revision. A write names the revision that it read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredReroutes {
    /// The reroutes.
    pub reroutes: Reroutes,
    revision: u64,
}

fn key(version: &str, part: &str) -> Item {
    item([(VERSION, text(version)), (PART, text(part))])
}

/// Returns the condition that an item still has this revision. A missing item has revision 0.
fn unchanged(revision: u64) -> (&'static str, Option<(&'static str, AttributeValue)>) {
    match revision {
        0 => ("attribute_not_exists(revision)", None),
        seen => ("revision = :seen", Some((":seen", number(seen)))),
    }
}

/// Returns the values of a condition.
fn values(value: Option<(&'static str, AttributeValue)>) -> Option<HashMap<String, AttributeValue>> {
    value.map(|(name, value)| HashMap::from([(name.to_owned(), value)]))
}

/// Builds an item with the next revision.
fn revised(key: Item, revision: u64, form: &impl Serialize) -> Result<Item, StoreError> {
    let mut revised = record(key, form)?;
    revised.insert(REVISION.to_owned(), number(revision));
    Ok(revised)
}

pub(crate) fn about_item(version: &str, upload: &Upload, chunks: usize) -> Result<Item, StoreError> {
    record(key(version, ABOUT), &AboutForm::new(upload.clone(), chunks))
}

/// Reads the upload of a version, and the number of chunks of its text.
pub(crate) fn about(item: &Item, table: &str) -> Result<(Upload, usize), StoreError> {
    Ok(body::<AboutForm>(item, table)?.split())
}

pub(crate) fn review_item(version: &str, revision: u64, review: &Review) -> Result<Item, StoreError> {
    revised(key(version, REVIEW), revision, &ReviewForm::from(review.clone()))
}

pub(crate) fn review(item: &Item, table: &str) -> Result<Review, StoreError> {
    Ok(body::<ReviewForm>(item, table)?.into())
}

pub(crate) fn activations_item(revision: u64, activations: &Activations) -> Result<Item, StoreError> {
    revised(key(ACTIVE, POINTER), revision, &ActivationsForm::from(activations.clone()))
}

pub(crate) fn activations(item: &Item, table: &str) -> Result<StoredActivations, StoreError> {
    let activations = body::<ActivationsForm>(item, table)?.into();
    Ok(StoredActivations { activations, revision: get_number(item, table, REVISION)? })
}

pub(crate) fn reroutes_item(revision: u64, reroutes: &Reroutes) -> Result<Item, StoreError> {
    revised(key(REROUTES, POINTER), revision, &ReroutesForm::from(reroutes.clone()))
}

pub(crate) fn reroutes(item: &Item, table: &str) -> Result<StoredReroutes, StoreError> {
    let reroutes = body::<ReroutesForm>(item, table)?.into();
    Ok(StoredReroutes { reroutes, revision: get_number(item, table, REVISION)? })
}

pub(crate) fn latest_item(version: &RulebookVersion) -> Item {
    let mut pointer = key(LATEST, POINTER);
    pointer.extend(item([(SCHEMA, number(CURRENT_SCHEMA)), (POINTS_TO, text(version.as_str()))]));
    pointer
}

/// Reads the latest version from its pointer.
pub(crate) fn latest(item: &Item, table: &str) -> Result<RulebookVersion, StoreError> {
    readable(item, table)?;
    Ok(RulebookVersion::from(get_text(item, table, POINTS_TO)?))
}

fn counted(version: &str) -> Option<u32> {
    (version.len() == 6 && version.bytes().all(|b| b.is_ascii_digit())).then(|| version.parse().ok())?
}

impl Rulebooks {
    /// Creates a client for the rulebooks in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Stores a text as the next version, trying until `deadline`.
    pub async fn create(
        &self,
        source: &str,
        upload: &Upload,
        deadline: Instant,
    ) -> Result<RulebookVersion, StoreError> {
        let packed = pack(source)?;
        let mut tries = Tries::until(deadline, ["latest rulebook"]);
        loop {
            tries.again("storing a rulebook").await?;
            let latest = self.latest().await?;
            let next = latest.as_ref().map_or(Some(1), |v| counted(v.as_str())?.checked_add(1));
            let Some(next) = next else {
                return Err(StoreError::Damaged(format!("the latest rulebook has the invalid version `{latest:?}`")));
            };
            let version = RulebookVersion::new(format!("{next:06}"));
            let mut transaction = Transaction::new(&self.0.client);
            let put = |item: Item| {
                Put::builder()
                    .table_name(&self.0.name)
                    .set_item(Some(item))
                    .condition_expression("attribute_not_exists(part)")
                    .build()
            };
            transaction.put((), put(about_item(version.as_str(), upload, packed.len())?)?);
            for (part, data) in &packed {
                transaction.put((), put(chunk(key(version.as_str(), part), data.clone()))?);
            }
            let moved = Put::builder().table_name(&self.0.name).set_item(Some(latest_item(&version)));
            let moved = match &latest {
                Some(seen) => moved
                    .condition_expression("points_to = :seen")
                    .expression_attribute_values(":seen", text(seen.as_str())),
                None => moved.condition_expression("attribute_not_exists(part)"),
            };
            transaction.put((), moved.build()?);
            // On a conflict, another upload got this number: try the next one.
            if transaction.commit().await?.is_done() {
                return Ok(version);
            }
        }
    }

    /// Reads the text and the record of a version.
    pub async fn read(&self, version: &RulebookVersion) -> Result<Option<(String, RulebookRecord)>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("version = :version")
            .expression_attribute_values(":version", text(version.as_str()))
            .consistent_read(true);
        let items = self.0.query_all(query).await?;
        let Some((record, chunks)) = self.record(version, &items)? else { return Ok(None) };
        let source = unpack(&items, &self.0, &format!("rulebook `{version}`"), chunks)?;
        Ok(Some((source, record)))
    }

    /// Reads the record of a version.
    pub async fn find(&self, version: &RulebookVersion) -> Result<Option<RulebookRecord>, StoreError> {
        let items = self.0.get_many(vec![key(version.as_str(), ABOUT), key(version.as_str(), REVIEW)]).await?;
        Ok(self.record(version, &items)?.map(|(record, _)| record))
    }

    /// Reads a page of records, newest first.
    pub async fn page(&self, from: Option<&str>) -> Result<RecordPage, StoreError> {
        let newest = match from {
            Some(cursor) => counted(cursor).ok_or_else(|| StoreError::Cursor(cursor.to_owned()))?.saturating_sub(1),
            None => self.latest().await?.and_then(|version| counted(version.as_str())).unwrap_or(0),
        };
        let oldest = newest.saturating_sub(PAGE - 1).max(1);
        let names: Vec<String> = (oldest..=newest).rev().map(|number| format!("{number:06}")).collect();
        let keys = names.iter().flat_map(|name| [key(name, ABOUT), key(name, REVIEW)]).collect();
        let mut found: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for item in self.0.get_many(keys).await? {
            found.entry(get_text(&item, &self.0.name, VERSION)?.to_owned()).or_default().push(item);
        }
        let mut records = Vec::new();
        for name in &names {
            let items = found.remove(name).unwrap_or_default();
            records.extend(self.record(&RulebookVersion::from(name.as_str()), &items)?.map(|(record, _)| record));
        }
        let next = names.last().filter(|_| oldest > 1).cloned();
        Ok(RecordPage { records, next })
    }

    /// Stores the review of a version, and `next` if it cancels a planned activation. Returns false on a conflict: the
    /// review or the activations were changed since they were read.
    pub async fn replace_review(
        &self,
        seen: &RulebookRecord,
        review: &Review,
        active: &StoredActivations,
        next: Option<&Activations>,
    ) -> Result<bool, StoreError> {
        let mut transaction = Transaction::new(&self.0.client);
        let said = review_item(seen.version.as_str(), seen.revision + 1, review)?;
        transaction.put((), self.put_unless_changed(said, seen.revision)?);
        match next {
            Some(next) => {
                let pointer = activations_item(active.revision + 1, next)?;
                transaction.put((), self.put_unless_changed(pointer, active.revision)?);
            }
            None => transaction.check((), self.check_unchanged(key(ACTIVE, POINTER), active.revision)?),
        }
        Ok(transaction.commit().await?.is_done())
    }

    fn put_unless_changed(&self, item: Item, revision: u64) -> Result<Put, StoreError> {
        let (condition, value) = unchanged(revision);
        let put = Put::builder().table_name(&self.0.name).set_item(Some(item)).condition_expression(condition);
        Ok(put.set_expression_attribute_values(values(value)).build()?)
    }

    fn check_unchanged(&self, key: Item, revision: u64) -> Result<ConditionCheck, StoreError> {
        let (condition, value) = unchanged(revision);
        let check =
            ConditionCheck::builder().table_name(&self.0.name).set_key(Some(key)).condition_expression(condition);
        Ok(check.set_expression_attribute_values(values(value)).build()?)
    }

    /// Reads the activations.
    pub async fn activations(&self) -> Result<StoredActivations, StoreError> {
        let found = self.0.get(key(ACTIVE, POINTER)).await?;
        Ok(found.map(|item| activations(&item, &self.0.name)).transpose()?.unwrap_or_default())
    }

    /// Adds the condition that the activations did not change since `active` was read.
    pub(crate) fn check_active<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        active: &StoredActivations,
    ) -> Result<(), StoreError> {
        transaction.check(label, self.check_unchanged(key(ACTIVE, POINTER), active.revision)?);
        Ok(())
    }

    /// Stores the activations. Returns false on a conflict: the activations were changed since `seen` was read, the
    /// review of the version in `approved` was, or a pool or rep that the version may name was deleted since `checked`
    /// was read.
    pub async fn replace_activations(
        &self,
        seen: &StoredActivations,
        next: &Activations,
        approved: Option<&RulebookRecord>,
        checked: Option<(&Pools, &AllPools)>,
    ) -> Result<bool, StoreError> {
        let mut transaction = Transaction::new(&self.0.client);
        let pointer = activations_item(seen.revision + 1, next)?;
        transaction.put((), self.put_unless_changed(pointer, seen.revision)?);
        if let Some(record) = approved {
            let review = key(record.version.as_str(), REVIEW);
            transaction.check((), self.check_unchanged(review, record.revision)?);
        }
        if let Some((pools, seen)) = checked {
            pools.check_directory(&mut transaction, (), seen)?;
        }
        Ok(transaction.commit().await?.is_done())
    }

    /// Returns the version that is active at `now`, if there is one.
    pub async fn active(&self, now: Timestamp) -> Result<Option<RulebookVersion>, StoreError> {
        Ok(self.activations().await?.activations.version(now).cloned())
    }

    /// Reads the reroutes.
    pub async fn reroutes(&self) -> Result<StoredReroutes, StoreError> {
        let found = self.0.get(key(REROUTES, POINTER)).await?;
        Ok(found.map(|item| reroutes(&item, &self.0.name)).transpose()?.unwrap_or_default())
    }

    /// Stores the reroutes. Returns false if they were changed since `seen` was read.
    pub async fn replace_reroutes(&self, seen: &StoredReroutes, next: &Reroutes) -> Result<bool, StoreError> {
        let item = reroutes_item(seen.revision + 1, next)?;
        let (condition, values) = unchanged(seen.revision);
        Ok(matches!(self.0.put_if(item, condition, values).await?, Write::Done))
    }

    async fn latest(&self) -> Result<Option<RulebookVersion>, StoreError> {
        self.0.get(key(LATEST, POINTER)).await?.map(|item| latest(&item, &self.0.name)).transpose()
    }

    /// Reads the record in the items of a version, and the number of chunks of its text.
    fn record(&self, version: &RulebookVersion, items: &[Item]) -> Result<Option<(RulebookRecord, usize)>, StoreError> {
        let mut came_in = None;
        let mut said = Review::default();
        let mut revision = 0;
        for item in items {
            match get_text(item, &self.0.name, PART)? {
                ABOUT => came_in = Some(about(item, &self.0.name)?),
                REVIEW => {
                    said = review(item, &self.0.name)?;
                    revision = get_number(item, &self.0.name, REVISION)?;
                }
                _ => {}
            }
        }
        Ok(came_in.map(|(upload, chunks)| {
            (RulebookRecord { version: version.clone(), upload, review: said, revision }, chunks)
        }))
    }
}

/// Reason why a rulebook cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulebookError {
    /// The table cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No version is active yet.
    #[error("no rulebook is active; upload one with POST /v1/rulebooks and activate it")]
    NoneActive,
    /// The version does not exist.
    #[error("there is no rulebook `{0}`")]
    NoSuchVersion(RulebookVersion),
    /// A version of this program with other rules for rulebooks stored it.
    #[error("rulebook `{version}` can no longer be read: {problem}")]
    Unreadable {
        /// The version.
        version: RulebookVersion,
        /// The first of its problems.
        problem: String,
    },
}

/// Cache of compiled rulebooks: the active version, and versions that current passes use.
#[derive(Debug)]
pub struct ActiveRulebook {
    rulebooks: Rulebooks,
    tables: LookupTables,
    seen: Mutex<Seen>,
    compiling: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Seen {
    activations: Option<(Activations, Timestamp)>,
    /// Compiled versions, the most recently used last.
    compiled: Vec<(RulebookVersion, Arc<Rulebook>)>,
    /// Lookup tables of the version compiled last, by name and SHA-256. The next version usually uses the same ones.
    tables: BTreeMap<(String, String), Arc<Lookup>>,
}

impl Seen {
    fn use_again(&mut self, version: &RulebookVersion) -> Option<Arc<Rulebook>> {
        let at = self.compiled.iter().position(|(known, _)| known == version)?;
        let used = self.compiled.remove(at);
        let rulebook = Arc::clone(&used.1);
        self.compiled.push(used);
        Some(rulebook)
    }

    /// Caches a version in place of the least recently used one.
    fn keep(&mut self, version: RulebookVersion, rulebook: Arc<Rulebook>) {
        self.compiled.retain(|(known, _)| *known != version);
        if self.compiled.len() >= KEPT {
            self.compiled.remove(0);
        }
        self.compiled.push((version, rulebook));
    }
}

impl ActiveRulebook {
    /// Creates an empty cache of `rulebooks`.
    pub fn new(rulebooks: Rulebooks) -> Self {
        Self {
            tables: LookupTables::new(rulebooks.0.clone()),
            rulebooks,
            seen: Mutex::default(),
            compiling: tokio::sync::Mutex::default(),
        }
    }

    /// Returns the version that is active at `now`, from a pointer that is at most a few seconds old. A planned version
    /// is used from its time on, even if the pointer is older.
    pub async fn version(&self, now: Timestamp) -> Result<RulebookVersion, RulebookError> {
        {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((activations, at)) = &seen.activations
                && now.duration_since(*at).abs() < POINTER_AGE
                && let Some(version) = activations.version(now)
            {
                return Ok(version.clone());
            }
        }
        let activations = self.rulebooks.activations().await?.activations;
        let version = activations.version(now).cloned().ok_or(RulebookError::NoneActive);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).activations = Some((activations, now));
        version
    }

    /// Returns a compiled version.
    pub async fn get(&self, version: &RulebookVersion) -> Result<Arc<Rulebook>, RulebookError> {
        if let Some(known) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).use_again(version) {
            return Ok(known);
        }
        // Many calls need a new version at once; one of them compiles it.
        let _first = self.compiling.lock().await;
        if let Some(known) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).use_again(version) {
            return Ok(known);
        }
        let found = self.rulebooks.read(version).await?;
        let (source, record) = found.ok_or_else(|| RulebookError::NoSuchVersion(version.clone()))?;
        let tables = self.tables_of(&record.upload.tables).await?;
        let references = References { tables, ..References::default() };
        let unreadable = |problem: String| RulebookError::Unreadable { version: version.clone(), problem };
        // A large rulebook takes a while to compile, and other calls must go on.
        let compiled = spawn_blocking(move || Rulebook::reuse(&source, &references)).await;
        let compiled = compiled.map_err(|cause| unreadable(cause.to_string()))?;
        let rulebook = Arc::new(compiled.map_err(|problems| {
            unreadable(problems.first().map(|problem| problem.message.clone()).unwrap_or_default())
        })?);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).keep(version.clone(), Arc::clone(&rulebook));
        Ok(rulebook)
    }

    /// Returns a compiled version. Returns `None` if it does not exist or can no longer be read.
    pub async fn readable(&self, version: &RulebookVersion) -> Result<Option<Arc<Rulebook>>, StoreError> {
        match self.get(version).await {
            Ok(rulebook) => Ok(Some(rulebook)),
            Err(RulebookError::Store(cause)) => Err(cause),
            Err(RulebookError::NoneActive | RulebookError::NoSuchVersion(_) | RulebookError::Unreadable { .. }) => {
                Ok(None)
            }
        }
    }

    /// Reads the tables that a version was uploaded with.
    async fn tables_of(&self, pinned: &BTreeMap<String, String>) -> Result<BTreeMap<String, Arc<Lookup>>, StoreError> {
        let known = self.seen.lock().unwrap_or_else(PoisonError::into_inner).tables.clone();
        let mut tables = BTreeMap::new();
        for (name, sha256) in pinned {
            let key = (name.clone(), sha256.clone());
            let table = match known.get(&key) {
                Some(table) => Arc::clone(table),
                None => self.tables.read(name, sha256).await?,
            };
            tables.insert(key, table);
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).tables.clone_from(&tables);
        Ok(tables.into_iter().map(|((name, _), table)| (name, table)).collect())
    }
}
