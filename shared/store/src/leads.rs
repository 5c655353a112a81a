//! `leads`: who the person is, where the lead stands, and everything that happened to it.
//!
//! | access | key |
//! |---|---|
//! | a lead | `lead_id`, `profile` and `state` |
//! | its history | `lead_id`, `event#` + 12 digits |
//! | its decisions, explained | `lead_id`, `why#` + 12 digits, the number of the event that tells of it |
//! | everything the person did | `lead_id`, `activity#` + id |
//! | what came in for it later | `lead_id`, `activity#` + the lead it came as, `#` and hash of the content |
//! | commands that failed for it | `lead_id`, `dead#` + hash of the command |
//! | what has to happen | index `due`: shard, instant in ms |
//! | a rep's inbox, held leads | index `assignee`: `rep#…`, `held`; best first |
//! | a pool's line, the pools that have one | index `line`: shard; pool, priority and lead |
//! | commands that failed for any lead | index `assignee`: `dead`; latest first |
//! | all open leads | every rep's inbox and every shard of the lines, one after the other |
//! | past leads | the whole table, a page at a time |
//!
//! The `state` item is the one that everything else is guarded by: whoever changes anything that a decision could read
//! names the version of the state they read, in the same transaction.

mod lines;
mod open;
mod past;
mod state_item;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::Put;
use fairleader_domain::lifecycle::Change;
use fairleader_domain::routing::Why;
use fairleader_lead::activity::Activity;
use fairleader_lead::event::Event;
use fairleader_lead::id::{ActivityId, LeadId, RepId, SourceId};
use fairleader_lead::profile::Profile;
use fairleader_lead::ruling::Priority;
use fairleader_lead::state::{Standing, State};
use fairleader_lead::submission::Submission;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::events::{EVENT, LEAD, key, numbered};
use crate::item::{
    BODY, CURRENT_SCHEMA, Item, PART, SCHEMA, VERSION, body, get_text, item, json, millis, number, text,
};
use crate::table::Write;
use crate::{StoreError, Table, Transaction};

const STAGE: &str = "stage";
const PAYLOAD_HASH: &str = "payload_hash";
const DUE_SHARD: &str = "due_shard";
const DUE_AT: &str = "due_at";
const ASSIGNEE: &str = "assignee";
const PRIORITY: &str = "priority";

const PROFILE: &str = "profile";
const STATE: &str = "state";
const WHY: &str = "why#";
const ACTIVITY: &str = "activity#";
const DEAD: &str = "dead#";

/// Where commands that failed stand in the `assignee` index.
const DEAD_LETTERS: &str = "dead";
/// Longest lead id in bytes that a cursor may name; keys hold more.
const MAX_ID: usize = 255;

/// Shards of the `due` index: a partition takes 1,000 writes a second, and no stack decides on more than 8,000 leads in one.
const DUE_SHARDS: u8 = 8;

pub use self::lines::LINE_SHARDS;
pub use self::open::OpenLeads;
pub use self::past::PastPage;
use self::state_item::StateItem;

/// The leads table.
#[derive(Clone, Debug)]
pub struct Leads(Table);

/// A lead as a decision needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Where it stands.
    pub state: State,
    /// Who it is.
    pub profile: Profile,
}

/// What became of storing a new lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is there now.
    New,
    /// It was there before, like this.
    Existing(Box<State>),
    /// Another attempt is storing it with other content and has come as far as the profile. It, or its repeat, goes on.
    Underway,
}

/// What came in for a lead after it was stored: the same submission with other content, or another one of the same
/// person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absorbed {
    /// When it was accepted.
    pub received_at: Timestamp,
    /// SHA-256 of the content, in hex.
    pub payload_hash: String,
    /// The lead it came as; this lead itself for a resubmission.
    pub lead_id: LeadId,
    /// The content.
    pub submission: Submission,
}

/// Something the person did, as it stays in the lead's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// What.
    #[serde(flatten)]
    pub activity: Activity,
    /// Who said so.
    pub source: SourceId,
    /// When that was accepted.
    pub received_at: Timestamp,
}

/// A command that failed too often, kept with its lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Name of the queue it failed in.
    pub queue: String,
    /// The command, as it was.
    pub command: String,
    /// When it was put here.
    pub at: Timestamp,
}

/// A page of an index, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadPage {
    /// The leads, in order.
    pub leads: Vec<LeadId>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<String>,
}

/// A page of the commands that failed, latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterPage {
    /// The commands: their lead, their id, and what is kept.
    pub letters: Vec<(LeadId, String, DeadLetter)>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<String>,
}

/// A hash that is the same on every machine (FNV-1a, 32 bits), to spread leads over shards.
fn spread(lead: &LeadId, shards: u8) -> u32 {
    let hash =
        lead.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % u32::from(shards)
}

fn due_shard(lead: &LeadId) -> String {
    format!("s{}", spread(lead, DUE_SHARDS))
}

/// All shards of the `due` index.
pub fn due_shards() -> impl Iterator<Item = String> {
    (0..DUE_SHARDS).map(|shard| format!("s{shard}"))
}

/// Where a lead stands in the `assignee` index, if it does.
fn assignee(state: &State) -> Option<String> {
    match &state.standing {
        Standing::Assigned(owned) | Standing::Accepted { owned, .. } => Some(format!("rep#{}", owned.owner)),
        Standing::Held { .. } => Some("held".to_owned()),
        _ => None,
    }
}

/// The most urgent, then the highest score, then the most recent, first; read backwards. A score needs three digits, and
/// milliseconds need 14 until the year 5138.
fn priority(state: &State) -> i64 {
    let urgency = match state.priority() {
        Priority::Low => 0,
        Priority::Normal => 1,
        Priority::High => 2,
        Priority::Urgent => 3,
    };
    let score = state.score.as_ref().map_or(0, |score| i64::from(score.total));
    (urgency * 1_000 + score) * 100_000_000_000_000 + state.milestones.received.as_millisecond().max(0)
}

fn state_item(state: &State) -> Result<Item, StoreError> {
    let mut item = key(&state.lead_id, STATE);
    item.extend(crate::item::item([
        (SCHEMA, number(CURRENT_SCHEMA)),
        (VERSION, number(state.version)),
        (STAGE, text(state.stage().as_str())),
        (BODY, json(&StateItem::from(state))?),
    ]));
    if let Some(due) = state.due_at() {
        item.insert(DUE_SHARD.to_owned(), text(due_shard(&state.lead_id)));
        item.insert(DUE_AT.to_owned(), millis(due));
    }
    if let Some(assignee) = assignee(state) {
        item.insert(ASSIGNEE.to_owned(), text(assignee));
        item.insert(PRIORITY.to_owned(), number(priority(state)));
    }
    item.extend(lines::stands(state).into_iter().flatten());
    Ok(item)
}

/// The state in an item.
fn read_state(item: &Item, table: &str) -> Result<State, StoreError> {
    body::<StateItem>(item, table)?.into_state()
}

/// A cursor's last part and what is before it.
fn split(cursor: &str) -> Result<(&str, &str), StoreError> {
    cursor.rsplit_once('.').ok_or_else(|| StoreError::Cursor(cursor.to_owned()))
}

/// The key in the `assignee` index after which a page begins; `None` if there can be no such key.
fn start(assignee: &str, lead: &str, part: &str, priority: &str) -> Option<Item> {
    let priority: i64 = priority.parse().ok()?;
    let mut start = (1..=MAX_ID).contains(&lead.len()).then(|| key(&LeadId::from(lead), part))?;
    start.extend(item([(ASSIGNEE, text(assignee)), (PRIORITY, number(priority))]));
    Some(start)
}

/// A profile with the hash of the content it was first made of: the hash that the state has, or will have.
fn profile_item(lead: &LeadId, profile: &Profile, payload_hash: &str) -> Result<Item, StoreError> {
    let mut item = with_body(lead, PROFILE, profile)?;
    item.insert(PAYLOAD_HASH.to_owned(), text(payload_hash));
    Ok(item)
}

fn with_body(lead: &LeadId, part: &str, value: &impl Serialize) -> Result<Item, StoreError> {
    let mut item = key(lead, part);
    item.extend(crate::item::item([(SCHEMA, number(CURRENT_SCHEMA)), (BODY, json(value)?)]));
    Ok(item)
}

impl Leads {
    /// The leads in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    fn table(&self) -> &str {
        &self.0.name
    }

    /// Begins a transaction in which leads take part.
    pub fn transaction<L: Clone>(&self) -> Transaction<L> {
        Transaction::new(&self.0.client)
    }

    /// Stores a new lead. The profile goes first: a state is only there once everything a decision reads is. What an
    /// earlier attempt wrote stays as it is; if that was made of other content, the state has to be that attempt's too.
    pub async fn create(&self, state: &State, profile: &Profile) -> Result<Created, StoreError> {
        if !self.create_profile(&state.lead_id, profile, &state.payload_hash).await? {
            let existing = self.state(&state.lead_id).await?;
            return Ok(existing.map_or(Created::Underway, |existing| Created::Existing(Box::new(existing))));
        }
        match self.0.put_if(state_item(state)?, "attribute_not_exists(lead_id)", []).await? {
            Write::Done => Ok(Created::New),
            Write::Refused(Some(existing)) => Ok(Created::Existing(Box::new(read_state(&existing, self.table())?))),
            Write::Refused(None) => Err(StoreError::Attribute { table: self.table().to_owned(), attribute: BODY }),
        }
    }

    /// Where a lead stands.
    pub async fn state(&self, lead: &LeadId) -> Result<Option<State>, StoreError> {
        self.0.get(key(lead, STATE)).await?.map(|item| read_state(&item, self.table())).transpose()
    }

    /// A lead; `None` until it is stored.
    pub async fn load(&self, lead: &LeadId) -> Result<Option<Loaded>, StoreError> {
        Ok(self.load_all(std::slice::from_ref(lead)).await?.pop())
    }

    /// Many leads, in any order; those that are not stored are left out.
    pub async fn load_all(&self, leads: &[LeadId]) -> Result<Vec<Loaded>, StoreError> {
        let mut ids: Vec<&LeadId> = leads.iter().collect();
        ids.sort();
        ids.dedup();
        let keys = ids.iter().flat_map(|lead| [key(lead, STATE), key(lead, PROFILE)]).collect();
        let mut profiles = std::collections::BTreeMap::new();
        let mut states = Vec::with_capacity(ids.len());
        for item in self.0.get_many(keys).await? {
            let lead = LeadId::from(get_text(&item, self.table(), LEAD)?);
            match get_text(&item, self.table(), PART)? {
                PROFILE => {
                    profiles.insert(lead, body::<Profile>(&item, self.table())?);
                }
                _ => states.push(read_state(&item, self.table())?),
            }
        }
        Ok(states
            .into_iter()
            .filter_map(|state| Some(Loaded { profile: profiles.remove(&state.lead_id)?, state }))
            .collect())
    }

    /// Adds a change to `transaction`: the state under the version it was read with, and its event.
    pub fn change<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        change: &Change,
    ) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(self.table())
            .set_item(Some(state_item(&change.state)?))
            .condition_expression("version = :seen")
            .expression_attribute_values(":seen", number(change.expected_version))
            .build()?;
        transaction.put(label.clone(), put);
        self.event(transaction, label, change)
    }

    /// Adds a lead that nothing was known of with its first change: a duplicate that was recognised before it was
    /// anything else, whose profile has to be there already, or a lead that is held because it could not be stored.
    pub fn create_changed<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        change: &Change,
    ) -> Result<(), StoreError> {
        self.add(transaction, label.clone(), state_item(&change.state)?)?;
        self.event(transaction, label, change)
    }

    fn event<L: Clone>(&self, transaction: &mut Transaction<L>, label: L, change: &Change) -> Result<(), StoreError> {
        let lead = &change.state.lead_id;
        let event = Event::new(lead.clone(), change.state.last_event, change.at, change.event.clone());
        self.add(transaction, label, with_body(lead, &numbered(EVENT, event.seq), &event)?)
    }

    /// Adds the explanation of a decision.
    pub fn explain<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        lead: &LeadId,
        why: &Why,
    ) -> Result<(), StoreError> {
        let item = with_body(lead, &numbered(WHY, why.event), why)?;
        transaction.put(label, Put::builder().table_name(self.table()).set_item(Some(item)).build()?);
        Ok(())
    }

    /// Adds a new profile. The state has to change in the same transaction, to `state`, or decisions would not notice.
    pub fn reprofile<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        state: &State,
        profile: &Profile,
    ) -> Result<(), StoreError> {
        let item = profile_item(&state.lead_id, profile, &state.payload_hash)?;
        transaction.put(label, Put::builder().table_name(self.table()).set_item(Some(item)).build()?);
        Ok(())
    }

    /// Adds what came in for `lead` later; refused (by `label`) when this very content came before.
    pub fn absorb<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        lead: &LeadId,
        absorbed: &Absorbed,
    ) -> Result<(), StoreError> {
        let part = format!("{ACTIVITY}{}#{}", absorbed.lead_id, absorbed.payload_hash);
        self.add(transaction, label, with_body(lead, &part, absorbed)?)
    }

    /// Adds something the person did to the history of `lead`; refused (by `label`) when it is there already.
    pub fn record<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        lead: &LeadId,
        recorded: &Recorded,
    ) -> Result<(), StoreError> {
        let part = format!("{ACTIVITY}{}", recorded.activity.id);
        self.add(transaction, label, with_body(lead, &part, recorded)?)
    }

    /// Whether an activity is in the history of `lead`.
    pub async fn has_recorded(&self, lead: &LeadId, activity: &ActivityId) -> Result<bool, StoreError> {
        Ok(self.0.get(key(lead, &format!("{ACTIVITY}{activity}"))).await?.is_some())
    }

    /// Adds an item that must not be there yet.
    fn add<L: Clone>(&self, transaction: &mut Transaction<L>, label: L, item: Item) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(self.table())
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(lead_id)")
            .build()?;
        transaction.put(label, put);
        Ok(())
    }

    /// Stores who the lead is if nothing is known of it yet. `false` if a profile is there that was made of other
    /// content.
    pub async fn create_profile(
        &self,
        lead: &LeadId,
        profile: &Profile,
        payload_hash: &str,
    ) -> Result<bool, StoreError> {
        let item = profile_item(lead, profile, payload_hash)?;
        match self.0.put_if(item, "attribute_not_exists(lead_id)", []).await? {
            Write::Done => Ok(true),
            Write::Refused(kept) => {
                let kept = kept.as_ref().and_then(|kept| kept.get(PAYLOAD_HASH));
                Ok(kept.is_none_or(|kept| *kept == text(payload_hash)))
            }
        }
    }

    /// A lead's history, oldest first.
    pub async fn events(&self, lead: &LeadId) -> Result<Vec<Event>, StoreError> {
        self.parts(lead, EVENT).await
    }

    /// A lead's decisions, explained, oldest first.
    pub async fn whys(&self, lead: &LeadId) -> Result<Vec<Why>, StoreError> {
        self.parts(lead, WHY).await
    }

    async fn parts<T: serde::de::DeserializeOwned>(&self, lead: &LeadId, prefix: &str) -> Result<Vec<T>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .table_name(self.table())
            .key_condition_expression("lead_id = :lead AND begins_with(part, :prefix)")
            .expression_attribute_values(":lead", text(lead.as_str()))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true);
        self.0.query_all(query).await?.iter().map(|item| body(item, self.table())).collect()
    }

    /// A rep's open leads, best first.
    pub async fn inbox(&self, rep: &RepId, limit: i32, from: Option<&str>) -> Result<LeadPage, StoreError> {
        self.page(&format!("rep#{rep}"), limit, from).await
    }

    /// Leads on hold, best first.
    pub async fn held(&self, limit: i32, from: Option<&str>) -> Result<LeadPage, StoreError> {
        self.page("held", limit, from).await
    }

    fn by_assignee(&self, assignee: &str, limit: i32) -> QueryFluentBuilder {
        self.0
            .client
            .query()
            .table_name(self.table())
            .index_name("assignee")
            .key_condition_expression("assignee = :assignee")
            .expression_attribute_values(":assignee", text(assignee))
            .scan_index_forward(false)
            .limit(limit)
    }

    async fn page(&self, assignee: &str, limit: i32, from: Option<&str>) -> Result<LeadPage, StoreError> {
        // A cursor is the last lead seen and its priority.
        let start = from.map(|cursor| {
            let (lead, priority) = split(cursor)?;
            start(assignee, lead, STATE, priority).ok_or_else(|| StoreError::Cursor(cursor.to_owned()))
        });
        let query = self.by_assignee(assignee, limit).set_exclusive_start_key(start.transpose()?);
        let answer = query.send().await.map_err(StoreError::service(self.0.what("querying")))?;
        let leads = answer
            .items()
            .iter()
            .map(|item| Ok(LeadId::from(get_text(item, self.table(), LEAD)?)))
            .collect::<Result<_, StoreError>>()?;
        let next = match answer.last_evaluated_key() {
            Some(last) => {
                let priority: i64 = crate::item::get_number(last, self.table(), PRIORITY)?;
                Some(format!("{}.{priority}", get_text(last, self.table(), LEAD)?))
            }
            None => None,
        };
        Ok(LeadPage { leads, next })
    }

    /// Leads of one shard whose deadline has passed at `now`, earliest first, at most `limit`, with that deadline in ms.
    pub async fn due(&self, shard: &str, now: Timestamp, limit: i32) -> Result<Vec<(LeadId, i64)>, StoreError> {
        let answer = self
            .0
            .client
            .query()
            .table_name(self.table())
            .index_name("due")
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":now", millis(now))
            .limit(limit)
            .send()
            .await
            .map_err(StoreError::service(self.0.what("querying")))?;
        answer
            .items()
            .iter()
            .map(|item| {
                let lead = LeadId::from(get_text(item, self.table(), LEAD)?);
                Ok((lead, crate::item::get_number(item, self.table(), DUE_AT)?))
            })
            .collect()
    }

    /// Claims a due lead by moving its hint to `again_at`. `false` if somebody else did, or it is no longer due.
    /// Only the index moves; the deadline in the state stays what it was.
    pub async fn claim_due(&self, lead: &LeadId, seen: i64, again_at: Timestamp) -> Result<bool, StoreError> {
        let answer = self
            .0
            .client
            .update_item()
            .table_name(self.table())
            .set_key(Some(key(lead, STATE)))
            .update_expression("SET due_at = :again")
            .condition_expression("due_at = :seen")
            .expression_attribute_values(":again", millis(again_at))
            .expression_attribute_values(":seen", number(seen))
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

    /// Keeps a command that failed too often; keeping it twice is the same as once.
    pub async fn keep_dead_letter(&self, lead: &LeadId, id: &str, letter: &DeadLetter) -> Result<(), StoreError> {
        let mut item = with_body(lead, &format!("{DEAD}{id}"), letter)?;
        item.extend(crate::item::item([(ASSIGNEE, text(DEAD_LETTERS)), (PRIORITY, millis(letter.at))]));
        self.0.put(item).await
    }

    /// The commands that failed, whatever became of their leads since; latest first.
    pub async fn all_dead_letters(&self, limit: i32, from: Option<&str>) -> Result<LetterPage, StoreError> {
        // A cursor is the last command's lead, its id and its instant.
        let start = from.map(|cursor| {
            let (rest, at) = split(cursor)?;
            let (lead, id) = split(rest)?;
            start(DEAD_LETTERS, lead, &format!("{DEAD}{id}"), at).ok_or_else(|| StoreError::Cursor(cursor.to_owned()))
        });
        let query = self.by_assignee(DEAD_LETTERS, limit).set_exclusive_start_key(start.transpose()?);
        let answer = query.send().await.map_err(StoreError::service(self.0.what("querying")))?;
        let mut letters = Vec::new();
        for found in answer.items() {
            let (lead, id) = self.letter_named(found)?;
            // The index is a little behind: what was sent again in the meantime is left out.
            if let Some(kept) = self.0.get(key(&lead, &format!("{DEAD}{id}"))).await? {
                letters.push((lead, id, body(&kept, self.table())?));
            }
        }
        let next = match answer.last_evaluated_key() {
            Some(last) => {
                let (lead, id) = self.letter_named(last)?;
                let at: i64 = crate::item::get_number(last, self.table(), PRIORITY)?;
                Some(format!("{lead}.{id}.{at}"))
            }
            None => None,
        };
        Ok(LetterPage { letters, next })
    }

    /// The lead and the id in the key of a command that failed.
    fn letter_named(&self, item: &Item) -> Result<(LeadId, String), StoreError> {
        let lead = LeadId::from(get_text(item, self.table(), LEAD)?);
        Ok((lead, get_text(item, self.table(), PART)?.trim_start_matches(DEAD).to_owned()))
    }

    /// The commands that failed for a lead, with their ids.
    pub async fn dead_letters(&self, lead: &LeadId) -> Result<Vec<(String, DeadLetter)>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .table_name(self.table())
            .key_condition_expression("lead_id = :lead AND begins_with(part, :prefix)")
            .expression_attribute_values(":lead", text(lead.as_str()))
            .expression_attribute_values(":prefix", text(DEAD))
            .consistent_read(true);
        self.0
            .query_all(query)
            .await?
            .iter()
            .map(|item| {
                let id = get_text(item, self.table(), PART)?.trim_start_matches(DEAD).to_owned();
                Ok((id, body(item, self.table())?))
            })
            .collect()
    }

    /// Forgets a command that was sent again.
    pub async fn drop_dead_letter(&self, lead: &LeadId, id: &str) -> Result<(), StoreError> {
        self.0.delete(key(lead, &format!("{DEAD}{id}"))).await
    }
}
