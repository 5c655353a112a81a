//! `rulebooks`: every version of the rulebook, compressed, and which one is active.
//!
//! | access | key |
//! |---|---|
//! | a version's text | `version`, `chunk#` + 3 digits, deflated |
//! | what is known of a version | `version`, `about` |
//! | the active version | `active`, `pointer` |
//! | the latest version | `latest`, `pointer` |
//!
//! A function keeps the versions it has compiled, and asks for the small pointer at most every few seconds.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::types::Put;
use fairleader_domain::id::RulebookVersion;
use fairleader_domain::rulebook::{References, Rulebook};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::item::{
    BODY, CURRENT_SCHEMA, Item, PART, SCHEMA, VERSION, body, bytes, get_bytes, get_text, item, json, number, text,
};
use crate::{Committed, StoreError, Table, Transaction};

const POINTER: &str = "pointer";
const ABOUT: &str = "about";
const CHUNK: &str = "chunk#";
const POINTS_TO: &str = "points_to";
const DATA: &str = "data";

/// An item holds 400 KB, keys and names included.
const CHUNK_BYTES: usize = 350_000;
/// How old the answer to "which version is active" may be.
const POINTER_AGE: SignedDuration = SignedDuration::from_secs(3);
/// How often storing a version is tried when others are faster.
const ATTEMPTS: usize = 10;
/// Most compiled versions kept: the active one, and those of passes that began before it.
const KEPT: usize = 4;

/// The rulebooks table.
#[derive(Clone, Debug)]
pub struct Rulebooks(Table);

/// What is known of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct About {
    created_at: Timestamp,
    created_by: String,
    chunks: usize,
    bytes: usize,
}

fn key(version: &str, part: &str) -> Item {
    item([(VERSION, text(version)), (PART, text(part))])
}

fn pointer(name: &str, to: &RulebookVersion) -> Item {
    let mut pointer = key(name, POINTER);
    pointer.extend(item([(SCHEMA, number(CURRENT_SCHEMA)), (POINTS_TO, text(to.as_str()))]));
    pointer
}

impl Rulebooks {
    /// The rulebooks in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Stores a text as the next version.
    pub async fn create(&self, source: &str, by: &str, now: Timestamp) -> Result<RulebookVersion, StoreError> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(source.as_bytes())?;
        let packed = encoder.finish()?;
        for _ in 0..ATTEMPTS {
            let latest = self.points_to("latest").await?;
            let next = latest.as_ref().map_or(Some(1), |v| v.as_str().parse::<u32>().ok()?.checked_add(1));
            let Some(next) = next else {
                return Err(StoreError::Damaged(format!("the latest rulebook has the version `{latest:?}`")));
            };
            let version = RulebookVersion::new(format!("{next:06}"));
            let about = About {
                created_at: now,
                created_by: by.to_owned(),
                chunks: packed.chunks(CHUNK_BYTES).len(),
                bytes: source.len(),
            };
            let mut transaction = Transaction::new(&self.0.client);
            let put = |item: Item| {
                Put::builder()
                    .table_name(&self.0.name)
                    .set_item(Some(item))
                    .condition_expression("attribute_not_exists(part)")
                    .build()
            };
            let mut record = key(version.as_str(), ABOUT);
            record.extend(item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(&about)?)]));
            transaction.put((), put(record)?);
            for (i, chunk) in packed.chunks(CHUNK_BYTES).enumerate() {
                let mut part = key(version.as_str(), &format!("{CHUNK}{i:03}"));
                part.insert(DATA.to_owned(), bytes(chunk.to_vec()));
                transaction.put((), put(part)?);
            }
            let moved = Put::builder().table_name(&self.0.name).set_item(Some(pointer("latest", &version)));
            let moved = match &latest {
                Some(seen) => moved
                    .condition_expression("points_to = :seen")
                    .expression_attribute_values(":seen", text(seen.as_str())),
                None => moved.condition_expression("attribute_not_exists(part)"),
            };
            transaction.put((), moved.build()?);
            match transaction.commit().await? {
                Committed::Done => return Ok(version),
                // Somebody else made this version; ours is the next one.
                Committed::Stale(_) | Committed::Busy => {}
                Committed::Refused(reason) => return Err(StoreError::Damaged(reason)),
            }
        }
        Err(StoreError::Contended("the next version of the rulebook"))
    }

    /// A version's text.
    pub async fn source(&self, version: &RulebookVersion) -> Result<Option<String>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("version = :version")
            .expression_attribute_values(":version", text(version.as_str()))
            .consistent_read(true);
        let items = self.0.query_all(query).await?;
        let mut packed = Vec::new();
        let mut chunks = 0_usize;
        let mut about: Option<About> = None;
        for item in &items {
            if get_text(item, &self.0.name, PART)?.starts_with(CHUNK) {
                packed.extend_from_slice(get_bytes(item, &self.0.name, DATA)?);
                chunks += 1;
            } else {
                about = Some(body(item, &self.0.name)?);
            }
        }
        let Some(about) = about else { return Ok(None) };
        if chunks != about.chunks {
            let all = about.chunks;
            return Err(StoreError::Damaged(format!("of rulebook `{version}` there are {chunks} of {all} chunks")));
        }
        let mut source = String::with_capacity(about.bytes);
        DeflateDecoder::new(packed.as_slice()).read_to_string(&mut source)?;
        Ok(Some(source))
    }

    /// Makes a version the active one.
    pub async fn activate(&self, version: &RulebookVersion) -> Result<(), StoreError> {
        self.0.put(pointer("active", version)).await
    }

    /// The active version, if there is one.
    pub async fn active(&self) -> Result<Option<RulebookVersion>, StoreError> {
        self.points_to("active").await
    }

    async fn points_to(&self, name: &str) -> Result<Option<RulebookVersion>, StoreError> {
        match self.0.get(key(name, POINTER)).await? {
            Some(item) => Ok(Some(RulebookVersion::from(get_text(&item, &self.0.name, POINTS_TO)?))),
            None => Ok(None),
        }
    }
}

/// A rulebook cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulebookError {
    /// The table cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing was activated yet.
    #[error("no rulebook is active; upload one with POST /v1/rulebooks and activate it")]
    NoneActive,
    /// There is no such version.
    #[error("there is no rulebook `{0}`")]
    NoSuchVersion(RulebookVersion),
    /// It was stored by a version of this program that read it differently.
    #[error("rulebook `{version}` cannot be read any more: {problem}")]
    Unreadable {
        /// The version.
        version: RulebookVersion,
        /// The first of its problems.
        problem: String,
    },
}

/// The rulebook that is active, and those that passes under way began with, compiled.
#[derive(Debug)]
pub struct ActiveRulebook {
    rulebooks: Rulebooks,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    active: Option<(RulebookVersion, Timestamp)>,
    compiled: BTreeMap<RulebookVersion, Arc<Rulebook>>,
}

impl ActiveRulebook {
    /// Keeps what it reads from `rulebooks`.
    pub fn new(rulebooks: Rulebooks) -> Self {
        Self { rulebooks, seen: Mutex::default() }
    }

    /// The version that is active, as of a few seconds ago at most.
    pub async fn version(&self, now: Timestamp) -> Result<RulebookVersion, RulebookError> {
        {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((version, at)) = &seen.active
                && now.duration_since(*at).abs() < POINTER_AGE
            {
                return Ok(version.clone());
            }
        }
        let version = self.rulebooks.active().await?.ok_or(RulebookError::NoneActive)?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).active = Some((version.clone(), now));
        Ok(version)
    }

    /// A version, compiled.
    pub async fn get(&self, version: &RulebookVersion) -> Result<Arc<Rulebook>, RulebookError> {
        if let Some(known) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).compiled.get(version) {
            return Ok(Arc::clone(known));
        }
        let source =
            self.rulebooks.source(version).await?.ok_or_else(|| RulebookError::NoSuchVersion(version.clone()))?;
        let checked =
            Rulebook::parse(&source, &References::default()).map_err(|problems| RulebookError::Unreadable {
                version: version.clone(),
                problem: problems.first().map(|problem| problem.message.clone()).unwrap_or_default(),
            })?;
        let rulebook = Arc::new(checked.rulebook);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.compiled.len() >= KEPT {
            seen.compiled.pop_first();
        }
        seen.compiled.insert(version.clone(), Arc::clone(&rulebook));
        Ok(rulebook)
    }
}
