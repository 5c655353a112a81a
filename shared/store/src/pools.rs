//! `pools`: who shares a stream of leads, and what each is owed.
//!
//! | access | key |
//! |---|---|
//! | what is set about a pool | `pool_id`, `definition`, under its revision |
//! | what its members are owed | `pool_id`, `rotation`, under its version |
//! | the names of all pools | `#all`, `directory`, under its revision |
//! | the pool that a sweep ended with that was cut short | `#all`, `swept` |
//! | every turn, and why | `pool_id`, `turns#` + 12 digits, the rotation's version: one item a transaction |
//! | turns as they were written before | `pool_id`, `ledger#` + 12 digits |
//!
//! The directory's revision rises whenever a pool is made, changed or deleted, and whenever a rep is deleted: so a pool
//! cannot take in a rep who is just being deleted, nor the other way round.

mod turns;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, Update};
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

/// The pools table.
#[derive(Clone, Debug)]
pub struct Pools(Table);

/// A page of a pool's turns, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnPage {
    /// The turns.
    pub entries: Vec<TurnEntry>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<String>,
}

/// Every pool, and the revision of the directory that names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllPools {
    /// In order of id.
    pub pools: Vec<Versioned<Pool>>,
    /// What a write that rests on them names.
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

/// What is set about a pool.
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

/// What the members of a pool are owed.
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

/// No pool can be called that: names begin with a letter or digit.
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
    /// The pools in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// What is set about one pool, and its revision.
    pub async fn find(&self, id: &PoolId) -> Result<Option<Versioned<Pool>>, StoreError> {
        let found = self.0.get(key(id, DEFINITION)).await?;
        found.map(|item| Versioned::of(pool(&item, &self.0.name)?, &item, &self.0.name)).transpose()
    }

    /// Writes what is set about a pool if it is as it was seen, and no pool was changed nor any rep deleted since `all`
    /// was read; `None` if not. What its members are owed stays as it is.
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
        let item = entry.stamped(pool_item(pool)?);
        let (condition, values) = entry.seen.condition(POOL);
        let put = Put::builder().table_name(&self.0.name).set_item(Some(item)).condition_expression(condition);
        transaction.put((), put.set_expression_attribute_values(values).build()?);
        transaction.update((), self.directory(all.revision, Some(("ADD", id)))?);
        entry.record(&mut transaction, ())?;
        Ok(transaction.commit().await?.is_done().then(|| entry.versioned(pool.clone())))
    }

    /// Deletes a pool's definition if it is as it was seen, and neither a pool nor the active rulebook was changed since;
    /// `false` if not. What its members are owed and its turns stay, for the record.
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
        let (condition, values) = entry.seen.condition(POOL);
        let delete = Delete::builder().table_name(&self.0.name).set_key(Some(key(id, DEFINITION)));
        let delete = delete.condition_expression(condition).set_expression_attribute_values(values);
        transaction.delete((), delete.build()?);
        transaction.update((), self.directory(all.revision, Some(("DELETE", id)))?);
        rulebooks.check_active(&mut transaction, (), active)?;
        entry.record(&mut transaction, ())?;
        Ok(transaction.commit().await?.is_done())
    }

    /// Adds to `transaction` that whatever rests on the directory has to be read again, if it is as it was seen.
    pub(crate) fn touch<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        seen: &AllPools,
    ) -> Result<(), StoreError> {
        transaction.update(label, self.directory(seen.revision, None)?);
        Ok(())
    }

    /// The directory's next revision, with a pool entered or struck off.
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

    /// These pools as they are now; those that do not exist are left out.
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

    /// What is set about every pool, in order of id.
    pub async fn definitions(&self) -> Result<Vec<Pool>, StoreError> {
        Ok(self.all().await?.pools.into_iter().map(|pool| pool.value).collect())
    }

    /// What is set about every pool, with revisions.
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

    /// Adds a pool's turns: the rotation under the version it was read with, and the item that keeps them.
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

    /// Adds that the turn goes back by which a lead was given to its owner: everybody stands as if that lead had never come.
    /// `false` if it is not kept any more, and nothing is added.
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

    /// Turns: of each pool the one that its rotation had `version` after, which was about an assignment of a lead; by that.
    /// Those that are not there are left out.
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

    /// A pool's turns, newest first, those of at most `limit` transactions.
    pub async fn turns_page(&self, pool: &PoolId, limit: i32, from: Option<&str>) -> Result<TurnPage, StoreError> {
        let start = from.map(|cursor| turns::start(cursor).ok_or_else(|| StoreError::Cursor(cursor.to_owned())));
        let start = start.transpose()?.map(|part| key(pool, &part));
        // Those of an older version come after all of those of this one: `l` is before `t`.
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
            // The rotation itself stands between the two.
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

    /// The pool that the last sweep ended with, if it had no time for all that wait.
    pub async fn swept_to(&self) -> Result<Option<PoolId>, StoreError> {
        self.0.get(swept()).await?.map(|item| body(&item, &self.0.name)).transpose()
    }

    /// Keeps the pool that a sweep ended with, or that it had time for all.
    pub async fn set_swept_to(&self, pool: Option<&PoolId>) -> Result<(), StoreError> {
        let Some(pool) = pool else { return self.0.delete(swept()).await };
        self.0.put(record(swept(), pool)?).await
    }
}

impl AllPools {
    /// One of them.
    pub fn get(&self, id: &PoolId) -> Option<&Versioned<Pool>> {
        self.pools.iter().find(|pool| pool.value.pool_id == *id)
    }
}
