//! `reps`: the people who talk to leads.
//!
//! | access | key |
//! |---|---|
//! | what is set about a rep | `rep_id`, `profile` |
//! | what changes from lead to lead | `rep_id`, `load` |

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use fairleader_domain::gate::{RepNow, Roster};
use fairleader_domain::routing::{Room, Seats};
use fairleader_lead::id::RepId;
use fairleader_lead::rep::{Rep, RepLoad};

use crate::item::{BODY, CURRENT_SCHEMA, Item, PART, SCHEMA, body, get_number, get_text, item, json, number, text};
use crate::{StoreError, Table, Transaction};

const REP: &str = "rep_id";
const PROFILE: &str = "profile";
const LOAD: &str = "load";
const OPEN: &str = "open";
const ON: &str = "on";

/// The reps table.
#[derive(Clone, Debug)]
pub struct Reps(Table);

fn key(rep: &RepId, part: &str) -> Item {
    item([(REP, text(rep.as_str())), (PART, text(part))])
}

impl Reps {
    /// The reps in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// Writes what is set about a rep; their load stays as it is.
    pub async fn put(&self, rep: &Rep) -> Result<(), StoreError> {
        let mut item = key(&rep.rep_id, PROFILE);
        item.extend(crate::item::item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(rep)?)]));
        self.0.put(item).await
    }

    /// One rep as they are now.
    pub async fn get(&self, rep: &RepId) -> Result<Option<RepNow>, StoreError> {
        Ok(self.roster(std::slice::from_ref(rep)).await?.remove(rep))
    }

    /// These reps as they are now; those who are not on the roster are left out.
    pub async fn roster(&self, reps: &[RepId]) -> Result<Roster, StoreError> {
        let mut unique: Vec<&RepId> = reps.iter().collect();
        unique.sort();
        unique.dedup();
        let keys = unique.into_iter().flat_map(|rep| [key(rep, PROFILE), key(rep, LOAD)]).collect();
        self.read(self.0.get_many(keys).await?)
    }

    /// Everyone on the roster.
    pub async fn all(&self) -> Result<Roster, StoreError> {
        self.read(self.0.scan_all().await?)
    }

    fn read(&self, items: Vec<Item>) -> Result<Roster, StoreError> {
        let mut loads = BTreeMap::new();
        let mut reps = Vec::new();
        for item in items {
            if get_text(&item, &self.0.name, PART)? == PROFILE {
                reps.push(body::<Rep>(&item, &self.0.name)?);
            } else {
                let rep = RepId::from(get_text(&item, &self.0.name, REP)?);
                let open = if item.contains_key(OPEN) { get_number(&item, &self.0.name, OPEN)? } else { 0 };
                let on = !matches!(item.get(ON), Some(AttributeValue::Bool(false)));
                loads.insert(rep, RepLoad { open, on });
            }
        }
        Ok(reps
            .into_iter()
            .map(|rep| {
                let load = loads.get(&rep.rep_id).copied().unwrap_or_default();
                (rep.rep_id.clone(), RepNow { rep, load })
            })
            .collect())
    }

    /// Adds a change of a rep's open leads. Seats taken from a pool need room and a rep who is on, at the moment of the
    /// commit, even if as many are given back; seats given back have to be taken.
    pub fn seat<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        rep: &RepId,
        seats: Seats,
    ) -> Result<(), StoreError> {
        let mut conditions = Vec::new();
        let mut update = Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(key(rep, LOAD)))
            .update_expression("ADD #open :delta")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":delta", number(seats.delta));
        if let Room::Within(capacity) = seats.room {
            // What there may be before, so that there is room for all of them.
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
        if !conditions.is_empty() {
            update = update.condition_expression(conditions.join(" AND "));
        }
        transaction.update(label, update.build()?);
        Ok(())
    }

    /// Switches a rep on or off.
    pub async fn switch(&self, rep: &RepId, on: bool) -> Result<(), StoreError> {
        self.0
            .client
            .update_item()
            .table_name(&self.0.name)
            .set_key(Some(key(rep, LOAD)))
            .update_expression("SET #on = :on")
            .expression_attribute_names("#on", ON)
            .expression_attribute_values(":on", AttributeValue::Bool(on))
            .send()
            .await
            .map_err(StoreError::service(self.0.what("writing to")))?;
        Ok(())
    }

    /// Takes a rep off the roster. `false` if they have open leads, and nothing is changed.
    ///
    /// The load goes first: as long as the profile is there, a repeat completes it.
    pub async fn delete(&self, rep: &RepId) -> Result<bool, StoreError> {
        let answer = self
            .0
            .client
            .delete_item()
            .table_name(&self.0.name)
            .set_key(Some(key(rep, LOAD)))
            .condition_expression("attribute_not_exists(#open) OR #open = :none")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":none", number(0))
            .send()
            .await;
        match answer {
            Ok(_) => {}
            Err(cause)
                if cause.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                return Ok(false);
            }
            Err(cause) => return Err(StoreError::service(self.0.what("deleting from"))(cause)),
        }
        self.0.delete(key(rep, PROFILE)).await?;
        Ok(true)
    }
}
