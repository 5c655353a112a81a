//! `pools`: settings of pools, their rotations and their turns.
//!
//! | access | key |
//! |---|---|
//! | the settings of a pool | `pool_id`, `definition`, under its revision |
//! | its rotation: what its members are owed | `pool_id`, `rotation`, under its version |
//! | the directory: ids of all pools | `#all`, `directory`, under its revision |
//! | the last pool of a sweep that ran out of time | `#all`, `swept` |
//! | turns | `pool_id`, `turns#` + 12 digits, the version of the rotation: one item per transaction |
//! | turns in the old format | `pool_id`, `ledger#` + 12 digits |
//!
//! The revision of the directory rises when a pool is created, changed or deleted, and when a rep is deleted. So a rep
//! cannot be deleted and added to a pool at the same time.

mod turns;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, Update};
use fairleader_domain::rotation::{Rotation, Standing};
use fairleader_domain::routing::{PoolNow, PoolTurns, TurnEntry};
use fairleader_lead::id::{LeadId, PoolId, RepId};
use fairleader_lead::pool::{Member, Pool};
use fairleader_lead::state::TurnTaken;
use serde::{Deserialize, Serialize};

use crate::audit::{Audit, Edit, Kind, REVISION, Seen, Versioned, revision};
use crate::item::{Item, PART, VERSION, body, each, get_text, item, number, record, stored, text};
use crate::{Rulebooks, StoreError, StoredActivations, Table, Transaction};

pub(crate) use self::turns::{LEDGER, TURNS, turns, turns_item};

const POOL: &str = "pool_id";
const DEFINITION: &str = "definition";
const ROTATION: &str = "rotation";
const POOLS: &str = "pools";

/// Table of pools.
#[derive(Clone, Debug)]
pub struct Pools(Table);

/// Page of a pool's turns, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnPage {
    /// The turns.
    pub entries: Vec<TurnEntry>,
    /// Cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

/// Every pool, and the revision of the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllPools {
    /// The pools, by id.
    pub pools: Vec<Versioned<Pool>>,
    /// The revision of the directory. A write that depends on the pools names it.
    pub revision: u64,
}

stored! {
    MemberForm of Member {
        rep: RepId,
        #[serde(default = "one")]
        weight: u32,
    }
}

fn one() -> u32 {
    1
}

fn four_hours() -> u32 {
    240
}

/// Settings of a pool.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PoolForm {
    pool_id: PoolId,
    name: String,
    members: Vec<MemberForm>,
    #[serde(default = "four_hours")]
    longest_wait_minutes: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fallback: Option<PoolId>,
}

impl From<Pool> for PoolForm {
    fn from(Pool { pool_id, name, members, longest_wait_minutes, fallback }: Pool) -> Self {
        Self { pool_id, name, members: each(members), longest_wait_minutes, fallback }
    }
}

impl From<PoolForm> for Pool {
    fn from(PoolForm { pool_id, name, members, longest_wait_minutes, fallback }: PoolForm) -> Self {
        Self { pool_id, name, members: each(members), longest_wait_minutes, fallback }
    }
}

stored! {
    StandingForm of Standing {
        lag: i64,
        got: u64,
        share: i64,
        last_turn: u64,
    }
}

/// Rotation of a pool.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct RotationForm {
    version: u64,
    turns: u64,
    standings: BTreeMap<RepId, StandingForm>,
    #[serde(default)]
    last_eligible: Vec<RepId>,
}

impl From<Rotation> for RotationForm {
    fn from(Rotation { version, turns, standings, last_eligible }: Rotation) -> Self {
        let standings = standings.into_iter().map(|(rep, standing)| (rep, standing.into())).collect();
        Self { version, turns, standings, last_eligible }
    }
}

impl From<RotationForm> for Rotation {
    fn from(RotationForm { version, turns, standings, last_eligible }: RotationForm) -> Self {
        let standings = standings.into_iter().map(|(rep, standing)| (rep, standing.into())).collect();
        Self { version, turns, standings, last_eligible }
    }
}

fn key(pool: &PoolId, part: &str) -> Item {
    item([(POOL, text(pool.as_str())), (PART, text(part))])
}

/// Key of items about all pools. It cannot be a pool id: ids begin with a letter or digit.
const ALL: &str = "#all";

fn directory() -> Item {
    item([(POOL, text(ALL)), (PART, text("directory"))])
}

fn swept() -> Item {
    item([(POOL, text(ALL)), (PART, text("swept"))])
}

pub(crate) fn pool_item(pool: &Pool) -> Result<Item, StoreError> {
    record(key(&pool.pool_id, DEFINITION), &PoolForm::from(pool.clone()))
}

pub(crate) fn pool(item: &Item, table: &str) -> Result<Pool, StoreError> {
    Ok(body::<PoolForm>(item, table)?.into())
}

pub(crate) fn rotation_item(pool: &PoolId, rotation: &Rotation) -> Result<Item, StoreError> {
    let mut item = record(key(pool, ROTATION), &RotationForm::from(rotation.clone()))?;
    item.insert(VERSION.to_owned(), number(rotation.version));
    Ok(item)
}

pub(crate) fn rotation(item: &Item, table: &str) -> Result<Rotation, StoreError> {
    Ok(body::<RotationForm>(item, table)?.into())
}

impl Pools {
    /// Creates a client for the pools in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Reads the settings of a pool, and their revision.
    pub async fn find(&self, id: &PoolId) -> Result<Option<Versioned<Pool>>, StoreError> {
        let found = self.0.get(key(id, DEFINITION)).await?;
        found.map(|item| Versioned::of(pool(&item, &self.0.name)?, &item, &self.0.name)).transpose()
    }

    /// Stores the settings of a pool. Returns `None` on a conflict: a pool was changed or a rep deleted since `all` was
    /// read. The rotation does not change.
    pub async fn replace(
        &self,
        audit: &Audit,
        all: &AllPools,
        pool: &Pool,
        edit: &Edit<'_>,
    ) -> Result<Option<Versioned<Pool>>, StoreError> {
        let id = &pool.pool_id;
        let seen = all.get(id);
        let before = seen.map(|seen| PoolForm::from(seen.value.clone()));
        let entry = audit.entry(Kind::Pool, id.as_str(), Seen::of(seen), before.as_ref(), edit).await?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.put(&mut transaction, (), &self.0, pool_item(pool)?, POOL)?;
        transaction.update((), self.directory(all.revision, Some(("ADD", id)))?);
        Ok(transaction.commit().await?.is_done().then(|| entry.versioned(pool.clone())))
    }

    /// Deletes the settings of a pool. Returns false on a conflict: a pool or the active rulebook was changed since it
    /// was read. The rotation and the turns stay, for the record.
    pub async fn remove(
        &self,
        audit: &Audit,
        all: &AllPools,
        rulebooks: &Rulebooks,
        active: &StoredActivations,
        seen: &Versioned<Pool>,
        edit: &Edit<'_>,
    ) -> Result<bool, StoreError> {
        let before = PoolForm::from(seen.value.clone());
        let id = &seen.value.pool_id;
        let entry = audit.deletion(Kind::Pool, id.as_str(), seen.seen(), &before, edit)?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.delete(&mut transaction, (), &self.0, key(id, DEFINITION), POOL)?;
        transaction.update((), self.directory(all.revision, Some(("DELETE", id)))?);
        rulebooks.check_active(&mut transaction, (), active)?;
        Ok(transaction.commit().await?.is_done())
    }

    /// Adds a new revision of the directory to `transaction`, conditional on the revision that was read. Other writes
    /// that depend on the directory then conflict.
    pub(crate) fn touch<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        seen: &AllPools,
    ) -> Result<(), StoreError> {
        transaction.update(label, self.directory(seen.revision, None)?);
        Ok(())
    }

    /// Adds a new revision of the directory to `transaction`, whatever the current one is. A change that read the
    /// directory before, such as the deletion of a rep, then conflicts.
    pub(crate) fn bump<L: Clone>(&self, transaction: &mut Transaction<L>, label: L) -> Result<(), StoreError> {
        let update = Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(directory()))
            .update_expression(format!("ADD {REVISION} :one"))
            .expression_attribute_values(":one", number(1));
        transaction.update(label, update.build()?);
        Ok(())
    }

    /// Adds the condition that the directory has the revision that was read: no pool was changed since, and no rep was
    /// deleted.
    pub(crate) fn check_directory<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        seen: &AllPools,
    ) -> Result<(), StoreError> {
        let check = ConditionCheck::builder().table_name(&self.0.name).set_key(Some(directory()));
        let check = if seen.revision == 0 {
            check.condition_expression(format!("attribute_not_exists({REVISION})"))
        } else {
            check
                .condition_expression(format!("{REVISION} = :seen"))
                .expression_attribute_values(":seen", number(seen.revision))
        };
        transaction.check(label, check.build()?);
        Ok(())
    }

    /// Builds the update to the next revision of the directory, with a pool added or removed.
    fn directory(&self, seen: u64, change: Option<(&str, &PoolId)>) -> Result<Update, StoreError> {
        let names = change.map_or_else(String::new, |(verb, _)| format!(" {verb} {POOLS} :pool"));
        let mut update = Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(directory()))
            .update_expression(format!("SET {REVISION} = :next{names}"))
            .expression_attribute_values(":next", number(seen.saturating_add(1)));
        if let Some((_, pool)) = change {
            update = update.expression_attribute_values(":pool", AttributeValue::Ss(vec![pool.as_str().to_owned()]));
        }
        let update = if seen == 0 {
            update.condition_expression(format!("attribute_not_exists({REVISION})"))
        } else {
            update
                .condition_expression(format!("{REVISION} = :seen"))
                .expression_attribute_values(":seen", number(seen))
        };
        Ok(update.build()?)
    }

    /// Reads pools with their rotations. Pools that do not exist are left out.
    pub async fn now(&self, pools: &[PoolId]) -> Result<BTreeMap<PoolId, PoolNow>, StoreError> {
        let mut unique: Vec<&PoolId> = pools.iter().collect();
        unique.sort();
        unique.dedup();
        let keys = unique.into_iter().flat_map(|pool| [key(pool, DEFINITION), key(pool, ROTATION)]).collect();
        let mut definitions = Vec::new();
        let mut rotations = BTreeMap::new();
        for item in self.0.get_many(keys).await? {
            if get_text(&item, &self.0.name, PART)? == DEFINITION {
                definitions.push(pool(&item, &self.0.name)?);
            } else {
                let pool = PoolId::from(get_text(&item, &self.0.name, POOL)?);
                rotations.insert(pool, rotation(&item, &self.0.name)?);
            }
        }
        Ok(definitions
            .into_iter()
            .map(|pool| {
                let rotation = rotations.remove(&pool.pool_id).unwrap_or_default();
                (pool.pool_id.clone(), PoolNow { pool, rotation })
            })
            .collect())
    }

    /// Reads the settings of every pool, by id.
    pub async fn definitions(&self) -> Result<Vec<Pool>, StoreError> {
        Ok(self.all().await?.pools.into_iter().map(|pool| pool.value).collect())
    }

    /// Reads the settings of every pool, with revisions.
    pub async fn all(&self) -> Result<AllPools, StoreError> {
        let Some(item) = self.0.get(directory()).await? else { return Ok(AllPools::default()) };
        let names = match item.get(POOLS) {
            Some(AttributeValue::Ss(names)) => names.clone(),
            _ => Vec::new(),
        };
        let keys = names.into_iter().map(|name| key(&PoolId::new(name), DEFINITION)).collect();
        let found = self.0.get_many(keys).await?;
        let found = found.iter().map(|item| Versioned::of(pool(item, &self.0.name)?, item, &self.0.name));
        let mut pools = found.collect::<Result<Vec<_>, StoreError>>()?;
        pools.sort_by(|a, b| a.value.pool_id.cmp(&b.value.pool_id));
        Ok(AllPools { pools, revision: revision(&item, &self.0.name)? })
    }

    /// Adds turns of a pool: the rotation, conditional on the version that was read, and the item with the turns.
    pub fn turn<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        turns: &PoolTurns,
    ) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(&self.0.name)
            .set_item(Some(rotation_item(&turns.pool, &turns.rotation)?))
            .condition_expression(if turns.expected_version == 0 {
                "attribute_not_exists(pool_id)"
            } else {
                "version = :seen"
            })
            .set_expression_attribute_values(
                (turns.expected_version != 0)
                    .then(|| [(":seen".to_owned(), number(turns.expected_version))].into_iter().collect()),
            )
            .build()?;
        transaction.put(label.clone(), put);
        let put = Put::builder()
            .table_name(&self.0.name)
            .set_item(Some(turns_item(&turns.pool, turns.rotation.version, &turns.entries)?))
            .condition_expression("attribute_not_exists(pool_id)")
            .build()?;
        transaction.put(label, put);
        Ok(())
    }

    /// Adds the return of the turn in which a lead was assigned, so that every member stands as if the lead had never
    /// arrived. Returns false, and adds nothing, if the turn is no longer stored.
    pub async fn give_back<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        taken: &TurnTaken,
        lead: &LeadId,
        assignment: u32,
    ) -> Result<bool, StoreError> {
        let TurnTaken { pool, version } = taken;
        let turns = self.turns(&[(pool.clone(), *version, lead.clone(), assignment)]).await?;
        let now = self.0.get(key(pool, ROTATION)).await?;
        let (Some(entry), Some(now)) = (turns.into_values().next(), now) else { return Ok(false) };
        let back = PoolTurns::giving_back(pool.clone(), rotation(&now, &self.0.name)?, &entry);
        self.turn(transaction, label, &back)?;
        Ok(true)
    }

    /// Reads turns, given by pool, the version of the rotation after the turn, lead and assignment. Returns them by
    /// lead and assignment. Turns that are not stored are left out.
    pub async fn turns(
        &self,
        wanted: &[(PoolId, u64, LeadId, u32)],
    ) -> Result<BTreeMap<(LeadId, u32), TurnEntry>, StoreError> {
        let mut keys: Vec<(&PoolId, u64)> = wanted.iter().map(|(pool, version, ..)| (pool, *version)).collect();
        keys.sort_unstable();
        keys.dedup();
        let both = |(pool, version): (&PoolId, u64)| [TURNS, LEDGER].map(|of| key(pool, &format!("{of}{version:012}")));
        let mut entries = BTreeMap::new();
        for item in self.0.get_many(keys.into_iter().flat_map(both).collect()).await? {
            let pool = PoolId::from(get_text(&item, &self.0.name, POOL)?);
            for entry in turns(&item, &self.0.name)? {
                let asked = wanted.iter().any(|(of, _, lead, assignment)| {
                    *of == pool && *lead == entry.lead_id && *assignment == entry.assignment
                });
                if asked && !entry.given_back {
                    entries.insert((entry.lead_id.clone(), entry.assignment), entry);
                }
            }
        }
        Ok(entries)
    }

    /// Reads a page of a pool's turns, newest first: the turns of at most `limit` transactions.
    pub async fn turns_page(&self, pool: &PoolId, limit: i32, from: Option<&str>) -> Result<TurnPage, StoreError> {
        let start = from.map(|cursor| turns::start(cursor).ok_or_else(|| StoreError::Cursor(cursor.to_owned())));
        let start = start.transpose()?.map(|part| key(pool, &part));
        // Items in the old format follow those in the new one: `l` sorts before `t`.
        let answer = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("pool_id = :pool AND part BETWEEN :first AND :last")
            .expression_attribute_values(":pool", text(pool.as_str()))
            .expression_attribute_values(":first", text(LEDGER))
            .expression_attribute_values(":last", text(format!("{TURNS}~")))
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(limit)
            .send()
            .await
            .map_err(StoreError::service(self.0.what("querying")))?;
        let mut entries = Vec::new();
        for item in answer.items() {
            // The rotation itself is between the two.
            let part = get_text(item, &self.0.name, PART)?;
            if part.starts_with(TURNS) || part.starts_with(LEDGER) {
                entries.extend(turns(item, &self.0.name)?.into_iter().rev());
            }
        }
        let next = match answer.last_evaluated_key() {
            Some(last) => Some(turns::cursor(get_text(last, &self.0.name, PART)?)),
            None => None,
        };
        Ok(TurnPage { entries, next })
    }

    /// Reads the last pool of the previous sweep, if it ran out of time.
    pub async fn swept_to(&self) -> Result<Option<PoolId>, StoreError> {
        self.0.get(swept()).await?.map(|item| body(&item, &self.0.name)).transpose()
    }

    /// Stores the last pool of a sweep, or `None` if it had time for all.
    pub async fn set_swept_to(&self, pool: Option<&PoolId>) -> Result<(), StoreError> {
        let Some(pool) = pool else { return self.0.delete(swept()).await };
        self.0.put(record(swept(), pool)?).await
    }
}

impl AllPools {
    /// Returns one of the pools.
    pub fn get(&self, id: &PoolId) -> Option<&Versioned<Pool>> {
        self.pools.iter().find(|pool| pool.value.pool_id == *id)
    }
}
