//! `pools`: who shares a stream of leads, and what each is owed.
//!
//! | access | key |
//! |---|---|
//! | what is set about a pool | `pool_id`, `definition` |
//! | what its members are owed | `pool_id`, `rotation`, under its version |
//! | the names of all pools | `#all`, `directory` |
//! | the pool that a sweep ended with that was cut short | `#all`, `swept` |
//! | every turn, and why | `pool_id`, `ledger#` + 12 digits, the rotation's version: one item a transaction |

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put};
use fairleader_domain::rotation::Rotation;
use fairleader_domain::routing::{LedgerEntry, PoolNow, PoolTurns};
use fairleader_lead::id::{LeadId, PoolId};
use fairleader_lead::pool::Pool;

use crate::item::{BODY, CURRENT_SCHEMA, Item, PART, SCHEMA, VERSION, body, get_text, item, json, number, text};
use crate::{StoreError, Table, Transaction};

const POOL: &str = "pool_id";
const DEFINITION: &str = "definition";
const ROTATION: &str = "rotation";
const LEDGER: &str = "ledger#";
const POOLS: &str = "pools";

/// The pools table.
#[derive(Clone, Debug)]
pub struct Pools(Table);

/// A page of a ledger, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerPage {
    /// The turns.
    pub entries: Vec<LedgerEntry>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<String>,
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

impl Pools {
    /// The pools in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Writes what is set about a pool; what its members are owed stays as it is.
    pub async fn put(&self, pool: &Pool) -> Result<(), StoreError> {
        let mut item = key(&pool.pool_id, DEFINITION);
        item.extend(crate::item::item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(pool)?)]));
        self.0.put(item).await?;
        self.enter(&pool.pool_id, "ADD").await
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
                definitions.push(body::<Pool>(&item, &self.0.name)?);
            } else {
                let pool = PoolId::from(get_text(&item, &self.0.name, POOL)?);
                rotations.insert(pool, body::<Rotation>(&item, &self.0.name)?);
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
        let names = match self.0.get(directory()).await?.as_ref().and_then(|item| item.get(POOLS)) {
            Some(AttributeValue::Ss(names)) => names.clone(),
            _ => Vec::new(),
        };
        let keys = names.into_iter().map(|name| key(&PoolId::new(name), DEFINITION)).collect();
        let mut found: Vec<Pool> =
            self.0.get_many(keys).await?.iter().map(|item| body(item, &self.0.name)).collect::<Result<_, _>>()?;
        found.sort_by(|a, b| a.pool_id.cmp(&b.pool_id));
        Ok(found)
    }

    /// Enters a pool in the directory, or strikes it off.
    async fn enter(&self, pool: &PoolId, verb: &str) -> Result<(), StoreError> {
        self.0
            .client
            .update_item()
            .table_name(&self.0.name)
            .set_key(Some(directory()))
            .update_expression(format!("{verb} {POOLS} :pool"))
            .expression_attribute_values(":pool", AttributeValue::Ss(vec![pool.as_str().to_owned()]))
            .send()
            .await
            .map_err(StoreError::service(self.0.what("writing to")))?;
        Ok(())
    }

    /// Adds a pool's turns: the rotation under the version it was read with, and their ledger item.
    pub fn turn<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        turns: &PoolTurns,
    ) -> Result<(), StoreError> {
        let mut rotation = key(&turns.pool, ROTATION);
        rotation.extend(item([
            (SCHEMA, number(CURRENT_SCHEMA)),
            (VERSION, number(turns.rotation.version)),
            (BODY, json(&turns.rotation)?),
        ]));
        let put = Put::builder()
            .table_name(&self.0.name)
            .set_item(Some(rotation))
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
        let mut ledger = key(&turns.pool, &format!("{LEDGER}{:012}", turns.rotation.version));
        ledger.extend(item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(&turns.entries)?)]));
        let put = Put::builder()
            .table_name(&self.0.name)
            .set_item(Some(ledger))
            .condition_expression("attribute_not_exists(pool_id)")
            .build()?;
        transaction.put(label, put);
        Ok(())
    }

    /// Entries of ledgers: of each pool the one that its rotation had `version` after, which is about an assignment of a
    /// lead. Those that are not there are left out.
    pub async fn turns(
        &self,
        wanted: &[(PoolId, u64, LeadId, u32)],
    ) -> Result<BTreeMap<LeadId, LedgerEntry>, StoreError> {
        let mut keys: Vec<(&PoolId, u64)> = wanted.iter().map(|(pool, version, ..)| (pool, *version)).collect();
        keys.sort_unstable();
        keys.dedup();
        let keys = keys.into_iter().map(|(pool, version)| key(pool, &format!("{LEDGER}{version:012}"))).collect();
        let mut entries = BTreeMap::new();
        for item in self.0.get_many(keys).await? {
            let pool = PoolId::from(get_text(&item, &self.0.name, POOL)?);
            for entry in body::<Vec<LedgerEntry>>(&item, &self.0.name)? {
                let asked = wanted.iter().any(|(of, _, lead, assignment)| {
                    *of == pool && *lead == entry.lead_id && *assignment == entry.assignment
                });
                if asked && !entry.given_back {
                    entries.insert(entry.lead_id.clone(), entry);
                }
            }
        }
        Ok(entries)
    }

    /// A pool's turns, newest first, those of at most `limit` transactions.
    pub async fn ledger(&self, pool: &PoolId, limit: i32, from: Option<&str>) -> Result<LedgerPage, StoreError> {
        if let Some(cursor) = from.filter(|cursor| cursor.len() != 12 || !cursor.bytes().all(|b| b.is_ascii_digit())) {
            return Err(StoreError::Cursor(cursor.to_owned()));
        }
        let answer = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("pool_id = :pool AND begins_with(part, :prefix)")
            .expression_attribute_values(":pool", text(pool.as_str()))
            .expression_attribute_values(":prefix", text(LEDGER))
            .set_exclusive_start_key(from.map(|cursor| key(pool, &format!("{LEDGER}{cursor}"))))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(limit)
            .send()
            .await
            .map_err(StoreError::service(self.0.what("querying")))?;
        let mut entries = Vec::new();
        for item in answer.items() {
            entries.extend(body::<Vec<LedgerEntry>>(item, &self.0.name)?.into_iter().rev());
        }
        let next = match answer.last_evaluated_key() {
            Some(last) => Some(get_text(last, &self.0.name, PART)?.trim_start_matches(LEDGER).to_owned()),
            None => None,
        };
        Ok(LedgerPage { entries, next })
    }

    /// Deletes a pool's definition. What its members are owed and its ledger stay, for the record.
    pub async fn delete(&self, pool: &PoolId) -> Result<(), StoreError> {
        self.enter(pool, "DELETE").await?;
        self.0.delete(key(pool, DEFINITION)).await
    }

    /// The pool that the last sweep ended with, if it had no time for all that wait.
    pub async fn swept_to(&self) -> Result<Option<PoolId>, StoreError> {
        self.0.get(swept()).await?.map(|item| body(&item, &self.0.name)).transpose()
    }

    /// Keeps the pool that a sweep ended with, or that it had time for all.
    pub async fn set_swept_to(&self, pool: Option<&PoolId>) -> Result<(), StoreError> {
        let Some(pool) = pool else { return self.0.delete(swept()).await };
        let mut item = swept();
        item.extend(crate::item::item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(pool)?)]));
        self.0.put(item).await
    }
}
