//! Waiting lists: one sparse index of all waiting leads, by pool and best first.
//!
//! The index has the keys `line_shard` (`pool#3`, `beyond#3`: who can take the lead, and a shard by the lead's id) and
//! `line_place` (pool, `#`, priority, `#`, lead). All pools share the shards. So one query of a shard finds the next
//! pool with a waiting list, and pools without one cost nothing. Writing costs no more than separate indexes would: a
//! lead is in this index while it waits, and in the index `assignee` while it has an owner.
//!
//! Cost of reading, in request units of half a 4 KB item: listing the pools with waiting leads takes one query per
//! shard and pool and one per shard, so 8 units a minute while no lead waits; waking a pool takes one query per shard
//! and page.
//!
//! An alternative is an item per pool that says whether leads wait. Every transaction that adds a waiting lead would
//! write that item, so these transactions would conflict, and it could only be deleted once the index shows every
//! waiting lead. An index of the leads themselves is only wrong while it lags behind.

use std::collections::BTreeSet;

use fairleader_domain::routing::waiting::{Line, Place, Reach};
use fairleader_lead::id::{LeadId, PoolId};
use fairleader_lead::state::{Standing, State};
use futures::future::try_join_all;

use super::{LeadPage, Leads, priority, spread};
use crate::events::{LEAD, key};
use crate::item::{Item, get_text, item, text};
use crate::{StoreError, Table};

const LINE_SHARD: &str = "line_shard";
const LINE_PLACE: &str = "line_place";
const INDEX: &str = "line";

/// Number of shards. A partition accepts 1,000 writes a second; this is enough for 8,000 new waiting leads a second.
pub const LINE_SHARDS: u8 = 8;

/// Lists the shards of the index `line`.
pub(super) fn shards() -> impl Iterator<Item = String> {
    Reach::ALL.into_iter().flat_map(|reach| (0..LINE_SHARDS).map(move |shard| hash(reach, u32::from(shard))))
}

fn hash(reach: Reach, shard: u32) -> String {
    match reach {
        Reach::Pool => format!("pool#{shard}"),
        Reach::Beyond => format!("beyond#{shard}"),
    }
}

/// Builds a range key. Priorities are not negative and have at most 18 digits.
fn range(pool: &PoolId, place: &Place) -> String {
    format!("{pool}#{:020}#{}", place.priority, place.lead_id)
}

/// Returns the index attributes of a lead, if it waits.
pub(super) fn stands(state: &State) -> Option<Item> {
    let Standing::Waiting(wait) = &state.standing else { return None };
    let place = Place { priority: priority(state), lead_id: state.lead_id.clone() };
    let shard = hash(Reach::of(wait), spread(&state.lead_id, LINE_SHARDS));
    Some(item([(LINE_SHARD, text(shard)), (LINE_PLACE, text(range(&wait.pool, &place)))]))
}

/// Reads the pool and the place from a range key.
fn parse(range: &str) -> Option<(PoolId, Place)> {
    let (pool, rest) = range.split_once('#')?;
    let (priority, lead) = rest.split_once('#')?;
    Some((PoolId::from(pool), Place { priority: priority.parse().ok()?, lead_id: LeadId::from(lead) }))
}

fn read(table: &Table, item: &Item) -> Result<(PoolId, Place), StoreError> {
    parse(get_text(item, &table.name, LINE_PLACE)?)
        .ok_or_else(|| StoreError::Attribute { table: table.name.clone(), attribute: LINE_PLACE })
}

impl Leads {
    /// Reads the best leads on the waiting list of a pool, at most `limit`.
    pub async fn line(&self, pool: &PoolId, limit: i32) -> Result<Vec<LeadId>, StoreError> {
        let lines = Reach::ALL
            .into_iter()
            .flat_map(|reach| (0..LINE_SHARDS).map(move |shard| Line { pool: pool.clone(), reach, shard }));
        let pages = lines.map(|line| async move { self.places(&line, None, limit).await });
        let mut found: Vec<Place> = try_join_all(pages).await?.into_iter().flat_map(|(places, _)| places).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(usize::try_from(limit).unwrap_or(0));
        Ok(found.into_iter().map(|place| place.lead_id).collect())
    }

    /// Reads a page of one shard of a pool's waiting list, best first: at most `limit` places after `after`, and
    /// whether there may be more.
    pub async fn places(
        &self,
        line: &Line,
        after: Option<&Place>,
        limit: i32,
    ) -> Result<(Vec<Place>, bool), StoreError> {
        let Line { pool, reach, shard } = line;
        // Digits and `#` sort before `:`, so this is the end of the pool's waiting list.
        let until = after.map_or_else(|| format!("{pool}#:"), |after| range(pool, after));
        let answer = self
            .0
            .client
            .query()
            .table_name(self.table())
            .index_name(INDEX)
            .key_condition_expression("line_shard = :shard AND line_place BETWEEN :begin AND :until")
            .expression_attribute_values(":shard", text(hash(*reach, u32::from(*shard))))
            .expression_attribute_values(":begin", text(format!("{pool}#")))
            .expression_attribute_values(":until", text(until))
            .scan_index_forward(false)
            // The place `after` is read again if it is still in the index.
            .limit(limit.saturating_add(1))
            .send()
            .await
            .map_err(StoreError::service(self.0.what("querying")))?;
        let places = answer.items().iter().map(|item| Ok(read(&self.0, item)?.1));
        let places = places.filter(|place| match (place, after) {
            (Ok(place), Some(after)) => place < after,
            _ => true,
        });
        Ok((places.collect::<Result<_, StoreError>>()?, answer.last_evaluated_key().is_some()))
    }

    /// Lists the pools with waiting leads, by shard. A shard that cannot be read does not affect the others.
    pub async fn waiting_pools(&self) -> Vec<Result<BTreeSet<PoolId>, StoreError>> {
        futures::future::join_all(shards().map(|shard| self.waiting_in(shard))).await
    }

    /// Lists the pools with waiting leads in a shard, one query per pool: it skips to the end of each waiting list.
    async fn waiting_in(&self, shard: String) -> Result<BTreeSet<PoolId>, StoreError> {
        let mut pools = BTreeSet::new();
        // Every pool id sorts after this.
        let mut after = "#".to_owned();
        loop {
            let answer = self
                .0
                .client
                .query()
                .table_name(self.table())
                .index_name(INDEX)
                .key_condition_expression("line_shard = :shard AND line_place > :after")
                .expression_attribute_values(":shard", text(&shard))
                .expression_attribute_values(":after", text(after))
                .limit(1)
                .send()
                .await
                .map_err(StoreError::service(self.0.what("querying")))?;
            let Some(found) = answer.items().first() else { return Ok(pools) };
            let (pool, _) = read(&self.0, found)?;
            after = format!("{pool}#:");
            pools.insert(pool);
        }
    }

    /// Reads a page of one shard of all waiting lists.
    pub(super) async fn shard(&self, shard: &str, limit: i32, from: Option<&str>) -> Result<LeadPage, StoreError> {
        let start = from.map(|cursor| {
            let (_, place) = parse(cursor).ok_or_else(|| StoreError::Cursor(cursor.to_owned()))?;
            let mut start = key(&place.lead_id, super::STATE);
            start.extend(item([(LINE_SHARD, text(shard)), (LINE_PLACE, text(cursor))]));
            Ok::<_, StoreError>(start)
        });
        let answer = self
            .0
            .client
            .query()
            .table_name(self.table())
            .index_name(INDEX)
            .key_condition_expression("line_shard = :shard")
            .expression_attribute_values(":shard", text(shard))
            .set_exclusive_start_key(start.transpose()?)
            .limit(limit)
            .send()
            .await
            .map_err(StoreError::service(self.0.what("querying")))?;
        let leads = answer.items().iter().map(|item| Ok(LeadId::from(get_text(item, self.table(), LEAD)?)));
        let leads = leads.collect::<Result<_, StoreError>>()?;
        let next = answer.last_evaluated_key().map(|last| get_text(last, self.table(), LINE_PLACE).map(str::to_owned));
        Ok(LeadPage { leads, next: next.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_pool_and_priority() {
        let at = |pool: &str, priority, lead: &str| {
            range(&PoolId::from(pool), &Place { priority, lead_id: LeadId::from(lead) })
        };
        let keys = [
            at("dach", 5, "l-1"),
            at("dach", 40, "l-0"),
            at("dach", 3_100_999_999_999_999_999, "l-1"),
            "dach#:".to_owned(),
            at("dach-2", 1, "l-1"),
            at("dach.2", 1, "l-1"),
            at("dach_2", 1, "l-1"),
            at("dacha", 1, "l-1"),
        ];
        assert!(keys.is_sorted(), "{keys:?}");
        let place = Place { priority: 5, lead_id: LeadId::from("l#1") };
        let pool = PoolId::from("dach");
        assert_eq!(parse(&range(&pool, &place)), Some((pool, place)));
        assert_eq!(parse("dach"), None);
    }
}
