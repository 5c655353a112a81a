//! `reps`: sales reps and their load.
//!
//! | access | key |
//! |---|---|
//! | the settings of a rep | `rep_id`, `profile`, under its revision |
//! | their open leads and availability | `rep_id`, `load` |
//! | every rep | the whole table |
//!
//! Taking a seat requires a load item. It is created and deleted with the profile, so a decision that was made just
//! before cannot assign a lead to a deleted rep.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Update};
use fairleader_domain::gate::{RepNow, Roster};
use fairleader_domain::routing::{Room, Seats};
use fairleader_lead::hours::WeeklyHours;
use fairleader_lead::id::RepId;
use fairleader_lead::rep::{Rep, RepLoad};

use crate::audit::{Audit, Edit, Kind, Seen, Versioned, revision};
use crate::item::{CURRENT_SCHEMA, Item, PART, SCHEMA, body, get_number, get_text, number, readable, record, stored};
use crate::on_roster::{PROFILE, REP, rep_key as key};
use crate::{AllPools, Committed, Pools, Rulebooks, StoreError, StoredActivations, Table, Transaction};

const LOAD: &str = "load";
const OPEN: &str = "open";
const ON: &str = "on";

/// Table of reps.
#[derive(Clone, Debug)]
pub struct Reps(Table);

/// Result of deleting a rep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepDeleted {
    /// The rep was deleted.
    Done,
    /// The rep has open leads; nothing was changed.
    OpenLeads,
    /// Conflict: the rep, a pool or the active rulebook was changed since it was read; nothing was changed.
    Stale,
}

/// Label of a write in a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Load,
    Other,
}

stored! {
    RepForm of Rep {
        rep_id: RepId,
        name: String,
        email: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        manager: Option<RepId>,
        zone: String,
        hours: WeeklyHours,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        languages: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        skills: Vec<String>,
        capacity: u32,
    }
}

pub(crate) fn rep_item(rep: &Rep) -> Result<Item, StoreError> {
    record(key(&rep.rep_id, PROFILE), &RepForm::from(rep.clone()))
}

/// Reads the reps in `items`, with their revision and whether they have a load item. Ignores unknown parts.
pub(crate) fn read(items: &[Item], table: &str) -> Result<Vec<(Versioned<RepNow>, bool)>, StoreError> {
    let mut loads = BTreeMap::new();
    let mut reps = Vec::new();
    for item in items {
        match get_text(item, table, PART)? {
            PROFILE => reps.push((Rep::from(body::<RepForm>(item, table)?), revision(item, table)?)),
            LOAD => {
                readable(item, table)?;
                let open = if item.contains_key(OPEN) { get_number(item, table, OPEN)? } else { 0 };
                let on = !matches!(item.get(ON), Some(AttributeValue::Bool(false)));
                loads.insert(RepId::from(get_text(item, table, REP)?), RepLoad { open, on });
            }
            _ => {}
        }
    }
    let now = reps.into_iter().map(|(rep, revision)| {
        let load = loads.get(&rep.rep_id).copied();
        (Versioned { value: RepNow { rep, load: load.unwrap_or_default() }, revision }, load.is_some())
    });
    Ok(now.collect())
}

fn roster(reps: Vec<(Versioned<RepNow>, bool)>) -> Roster {
    reps.into_iter().map(|(now, _)| (now.value.rep.rep_id.clone(), now.value)).collect()
}

impl Reps {
    /// Creates a client for the reps in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Reads a rep with their load.
    pub async fn get(&self, rep: &RepId) -> Result<Option<RepNow>, StoreError> {
        Ok(self.find(rep).await?.map(|found| found.value))
    }

    /// Reads a rep with their load, and the revision of their settings.
    pub async fn find(&self, rep: &RepId) -> Result<Option<Versioned<RepNow>>, StoreError> {
        Ok(self.these(std::slice::from_ref(rep)).await?.pop().map(|(now, _)| now))
    }

    async fn these(&self, reps: &[RepId]) -> Result<Vec<(Versioned<RepNow>, bool)>, StoreError> {
        let unique: BTreeSet<&RepId> = reps.iter().collect();
        let keys = unique.into_iter().flat_map(|rep| [key(rep, PROFILE), key(rep, LOAD)]).collect();
        read(&self.0.get_many(keys).await?, &self.0.name)
    }

    /// Reads reps with their load. Unknown reps are left out.
    pub async fn roster(&self, reps: &[RepId]) -> Result<Roster, StoreError> {
        Ok(roster(self.these(reps).await?))
    }

    /// Reads reps with their load, and creates missing load items, so that seats can be taken. A rep that an older
    /// version stored may have no load item until their first lead.
    pub async fn seatable(&self, reps: &[RepId]) -> Result<Roster, StoreError> {
        let these = self.these(reps).await?;
        for (now, _) in these.iter().filter(|(_, has_load)| !has_load) {
            let rep = &now.value.rep.rep_id;
            let mut transaction = Transaction::new(&self.0.client);
            self.check_there(&mut transaction, (), rep)?;
            transaction.update((), self.load_made(rep)?);
            match transaction.commit().await? {
                // On a conflict, the rep was deleted, or another request created the load item.
                Committed::Done | Committed::Stale(_) | Committed::Busy => {}
            }
        }
        Ok(roster(these))
    }

    /// Reads every rep.
    pub async fn all(&self) -> Result<Roster, StoreError> {
        Ok(roster(read(&self.0.scan_all().await?, &self.0.name)?))
    }

    /// Stores the settings of a rep. Returns `None` if they were changed since `seen`. The load does not change.
    pub async fn replace(
        &self,
        audit: &Audit,
        seen: Option<&Versioned<RepNow>>,
        rep: &Rep,
        edit: &Edit<'_>,
    ) -> Result<Option<Versioned<RepNow>>, StoreError> {
        let before = seen.map(|seen| RepForm::from(seen.value.rep.clone()));
        let id = &rep.rep_id;
        let entry = audit.entry(Kind::Rep, id.as_str(), Seen::of(seen), before.as_ref(), edit).await?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.put(&mut transaction, (), &self.0, rep_item(rep)?, REP)?;
        if seen.is_none() {
            transaction.update((), self.load_made(id)?);
        }
        let load = seen.map(|seen| seen.value.load).unwrap_or_default();
        Ok(transaction.commit().await?.is_done().then(|| entry.versioned(RepNow { rep: rep.clone(), load })))
    }

    /// Builds the write that creates a rep's load item, unless it exists.
    fn load_made(&self, rep: &RepId) -> Result<Update, StoreError> {
        Ok(Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(key(rep, LOAD)))
            .update_expression("SET #open = if_not_exists(#open, :none), #schema = :schema")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_names("#schema", SCHEMA)
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":schema", number(CURRENT_SCHEMA))
            .build()?)
    }

    /// Adds the condition that a rep exists.
    pub(crate) fn check_there<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        rep: &RepId,
    ) -> Result<(), StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.0.name)
            .set_key(Some(key(rep, PROFILE)))
            .condition_expression("attribute_exists(rep_id)");
        transaction.check(label, check.build()?);
        Ok(())
    }

    /// Adds a change of a rep's open leads. To take a seat in a pool, the rep must be on and below capacity at commit
    /// time, even if as many seats are given back. Only taken seats can be given back.
    pub fn seat<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        rep: &RepId,
        seats: Seats,
    ) -> Result<(), StoreError> {
        let mut conditions = vec!["attribute_exists(rep_id)"];
        let mut update = Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(key(rep, LOAD)))
            .update_expression("ADD #open :delta")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":delta", number(seats.delta));
        if let Room::Within(capacity) = seats.room {
            // The highest load before the change that leaves room for all of them.
            let room = i64::from(capacity) - i64::from(seats.delta);
            conditions.push("(attribute_not_exists(#open) OR #open <= :room)");
            conditions.push("(attribute_not_exists(#on) OR #on = :on)");
            update = update
                .expression_attribute_names("#on", ON)
                .expression_attribute_values(":room", number(room))
                .expression_attribute_values(":on", AttributeValue::Bool(true));
        }
        if seats.delta < 0 {
            conditions.push("#open >= :back");
            update = update.expression_attribute_values(":back", number(seats.delta.unsigned_abs()));
        }
        transaction.update(label, update.condition_expression(conditions.join(" AND ")).build()?);
        Ok(())
    }

    /// Switches a rep on or off. Returns false if the rep does not exist.
    pub async fn switch(&self, rep: &RepId, on: bool) -> Result<bool, StoreError> {
        if self.switched(rep, on).await? {
            return Ok(true);
        }
        // Either an older version stored the rep without a load item, or the rep was deleted.
        self.seatable(std::slice::from_ref(rep)).await?;
        self.switched(rep, on).await
    }

    /// Switches a rep on or off. Returns false if there is no load item.
    async fn switched(&self, rep: &RepId, on: bool) -> Result<bool, StoreError> {
        let answer = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .set_key(Some(key(rep, LOAD)))
            .update_expression("SET #on = :on")
            .condition_expression("attribute_exists(rep_id)")
            .expression_attribute_names("#on", ON)
            .expression_attribute_values(":on", AttributeValue::Bool(on))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(cause)
                if cause.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(cause) => Err(StoreError::service(self.0.what("writing to"))(cause)),
        }
    }

    /// Deletes a rep: their settings and their load, in one transaction. Its conditions are that they have no open
    /// leads, and that no pool and not the active rulebook was changed since it was checked that none names them.
    #[expect(clippy::too_many_arguments, reason = "the state that must not have changed")]
    pub async fn remove(
        &self,
        audit: &Audit,
        pools: &Pools,
        all: &AllPools,
        rulebooks: &Rulebooks,
        active: &StoredActivations,
        seen: &Versioned<RepNow>,
        edit: &Edit<'_>,
    ) -> Result<RepDeleted, StoreError> {
        let before = RepForm::from(seen.value.rep.clone());
        let rep = &seen.value.rep.rep_id;
        let entry = audit.deletion(Kind::Rep, rep.as_str(), seen.seen(), &before, edit)?;
        let mut transaction = Transaction::new(&self.0.client);
        entry.delete(&mut transaction, Part::Other, &self.0, key(rep, PROFILE), REP)?;
        let load = Delete::builder()
            .table_name(&self.0.name)
            .set_key(Some(key(rep, LOAD)))
            .condition_expression("attribute_not_exists(#open) OR #open = :none")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":none", number(0));
        transaction.delete(Part::Load, load.build()?);
        pools.touch(&mut transaction, Part::Other, all)?;
        rulebooks.check_active(&mut transaction, Part::Other, active)?;
        Ok(match transaction.commit().await? {
            Committed::Done => RepDeleted::Done,
            Committed::Stale(parts) if parts.contains(&Part::Load) => RepDeleted::OpenLeads,
            Committed::Stale(_) | Committed::Busy => RepDeleted::Stale,
        })
    }
}
