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

mod forms;
mod lines;
mod open;
mod past;
mod state_item;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::Put;
use fairleader_domain::admission::{Absorbed, Content, ContentKey, Known, Recorded, Reprofiled};
use fairleader_domain::lifecycle::Change;
use fairleader_domain::routing::Why;
use fairleader_lead::event::{Event, EventText};
use fairleader_lead::id::{LeadId, RepId};
use fairleader_lead::profile::Profile;
use fairleader_lead::ruling::Priority;
use fairleader_lead::state::{Standing, State};
use jiff::Timestamp;

use self::forms::{AbsorbedForm, LetterForm, RecordedForm, WhyForm};
use crate::events::{EVENT, LEAD, event, key, numbered};
use crate::item::{Item, PART, VERSION, body, get_number, get_text, item, millis, number, record, text};
use crate::{Look, StoreError, Table, Transaction};

const STAGE: &str = "stage";
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

/// A command that failed too often, kept with its lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Name of the queue it failed in.
    pub queue: String,
    /// The command, as it was.
    pub command: String,
    /// When it was put here.
    pub at: Timestamp,
    /// Why it can never succeed as things are, where that is known.
    pub reason: Option<String>,
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

pub(crate) fn state_item(state: &State) -> Result<Item, StoreError> {
    let mut item = record(key(&state.lead_id, STATE), &StateItem::from(state))?;
    item.extend([(VERSION.to_owned(), number(state.version)), (STAGE.to_owned(), text(state.stage().as_str()))]);
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

pub(crate) fn state(item: &Item, table: &str) -> Result<State, StoreError> {
    body::<StateItem>(item, table)?.into_state()
}

/// A profile under its own version. Those that an older version wrote have none.
pub(crate) fn profile_item(lead: &LeadId, profile: &Profile, version: u64) -> Result<Item, StoreError> {
    let mut item = record(key(lead, PROFILE), profile)?;
    item.insert(VERSION.to_owned(), number(version));
    Ok(item)
}

/// Where something that came in is kept.
fn content_part(key: &ContentKey) -> String {
    match key {
        ContentKey::Submission(lead, hash) => format!("{ACTIVITY}{lead}#{hash}"),
        ContentKey::Activity(id) => format!("{ACTIVITY}{id}"),
    }
}

pub(crate) fn profile(item: &Item, table: &str) -> Result<Profile, StoreError> {
    body(item, table)
}

/// The number of the event that tells of a decision names its explanation.
pub(crate) fn why_item(lead: &LeadId, why: &Why) -> Result<Item, StoreError> {
    record(key(lead, &numbered(WHY, why.event)), &WhyForm::from(why.clone()))
}

pub(crate) fn why(item: &Item, table: &str) -> Result<Why, StoreError> {
    Ok(body::<WhyForm>(item, table)?.into())
}

pub(crate) fn absorbed_item(lead: &LeadId, absorbed: &Absorbed) -> Result<Item, StoreError> {
    let part = ContentKey::Submission(absorbed.lead_id.clone(), absorbed.payload_hash.clone());
    record(key(lead, &content_part(&part)), &AbsorbedForm::from(absorbed.clone()))
}

#[cfg(test)]
pub(crate) fn absorbed(item: &Item, table: &str) -> Result<Absorbed, StoreError> {
    Ok(body::<AbsorbedForm>(item, table)?.into())
}

#[cfg(test)]
pub(crate) fn recorded(item: &Item, table: &str) -> Result<Recorded, StoreError> {
    Ok(body::<RecordedForm>(item, table)?.into())
}

pub(crate) fn recorded_item(lead: &LeadId, recorded: &Recorded) -> Result<Item, StoreError> {
    let part = ContentKey::Activity(recorded.activity.id.clone());
    record(key(lead, &content_part(&part)), &RecordedForm::from(recorded.clone()))
}

pub(crate) fn letter_item(lead: &LeadId, id: &str, letter: &DeadLetter) -> Result<Item, StoreError> {
    let mut item = record(key(lead, &format!("{DEAD}{id}")), &LetterForm::from(letter.clone()))?;
    item.extend([(ASSIGNEE.to_owned(), text(DEAD_LETTERS)), (PRIORITY.to_owned(), millis(letter.at))]);
    Ok(item)
}

pub(crate) fn letter(item: &Item, table: &str) -> Result<DeadLetter, StoreError> {
    Ok(body::<LetterForm>(item, table)?.into())
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

    /// Adds a new lead to `transaction`; there must not be one of its id. Its profile has to be stored with it.
    pub(crate) fn store<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        state: &State,
    ) -> Result<(), StoreError> {
        self.add(transaction, label, state_item(state)?)
    }

    /// Adds who a lead is. Its state has to change in the same transaction, or decisions would not notice.
    pub(crate) fn profile<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        profile: &Reprofiled,
    ) -> Result<(), StoreError> {
        let Reprofiled { lead, profile, expected_version } = profile;
        let item = profile_item(lead, profile, expected_version.saturating_add(1))?;
        let put = Put::builder().table_name(self.table()).set_item(Some(item));
        let put = match expected_version {
            // Also one that was written before profiles had a version.
            0 => put.condition_expression("attribute_not_exists(version)"),
            _ => put
                .condition_expression("version = :seen")
                .expression_attribute_values(":seen", number(expected_version)),
        };
        transaction.put(label, put.build()?);
        Ok(())
    }

    /// Leads as they are, and whether things that came in for leads are kept.
    pub(crate) async fn known(
        &self,
        leads: &BTreeSet<LeadId>,
        contents: &BTreeSet<Content>,
        how: Look,
    ) -> Result<(BTreeMap<LeadId, Option<Known>>, BTreeMap<Content, bool>), StoreError> {
        let mut known: BTreeMap<LeadId, Option<Known>> = leads.iter().map(|lead| (lead.clone(), None)).collect();
        let mut kept: BTreeMap<Content, bool> = contents.iter().map(|content| (content.clone(), false)).collect();
        let by_key: BTreeMap<(LeadId, String), &Content> =
            contents.iter().map(|content| ((content.lead.clone(), content_part(&content.key)), content)).collect();
        let parts = leads.iter().flat_map(|lead| [key(lead, STATE), key(lead, PROFILE)]);
        let keys: Vec<Item> = parts.chain(by_key.keys().map(|(lead, part)| key(lead, part))).collect();
        if keys.is_empty() {
            return Ok((known, kept));
        }
        let mut profiles: BTreeMap<LeadId, (Profile, u64)> = BTreeMap::new();
        for item in self.0.look_at(keys, how).await? {
            let lead = LeadId::from(get_text(&item, self.table(), LEAD)?);
            match get_text(&item, self.table(), PART)? {
                STATE => {
                    let state = state(&item, self.table())?;
                    known.insert(lead, Some(Known { state, profile: None, profile_version: 0 }));
                }
                PROFILE => {
                    let version = get_number(&item, self.table(), VERSION).unwrap_or(0);
                    profiles.insert(lead, (profile(&item, self.table())?, version));
                }
                part => {
                    if let Some(content) = by_key.get(&(lead, part.to_owned())) {
                        kept.insert((*content).clone(), true);
                    }
                }
            }
        }
        for (lead, (profile, version)) in profiles {
            if let Some(Some(known)) = known.get_mut(&lead) {
                (known.profile, known.profile_version) = (Some(profile), version);
            }
        }
        Ok((known, kept))
    }

    /// Where a lead stands.
    pub async fn state(&self, lead: &LeadId) -> Result<Option<State>, StoreError> {
        self.0.get(key(lead, STATE)).await?.map(|item| state(&item, self.table())).transpose()
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
        let mut profiles = BTreeMap::new();
        let mut states = Vec::with_capacity(ids.len());
        for item in self.0.get_many(keys).await? {
            let lead = LeadId::from(get_text(&item, self.table(), LEAD)?);
            match get_text(&item, self.table(), PART)? {
                PROFILE => {
                    profiles.insert(lead, profile(&item, self.table())?);
                }
                _ => states.push(state(&item, self.table())?),
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
        self.add(transaction, label, record(key(lead, &numbered(EVENT, event.seq)), &event)?)
    }

    /// Adds the explanation of a decision.
    pub fn explain<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        lead: &LeadId,
        why: &Why,
    ) -> Result<(), StoreError> {
        let item = why_item(lead, why)?;
        transaction.put(label, Put::builder().table_name(self.table()).set_item(Some(item)).build()?);
        Ok(())
    }

    /// Adds what came in for `lead` later; refused (by `label`) when this very content came before.
    pub(crate) fn absorb<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        lead: &LeadId,
        absorbed: &Absorbed,
    ) -> Result<(), StoreError> {
        self.add(transaction, label, absorbed_item(lead, absorbed)?)
    }

    /// Adds something the person did to the history of `lead`; refused (by `label`) when it is there already.
    pub(crate) fn record<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        lead: &LeadId,
        recorded: &Recorded,
    ) -> Result<(), StoreError> {
        self.add(transaction, label, recorded_item(lead, recorded)?)
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

    /// A lead's history, oldest first, as it is stored.
    pub async fn events(&self, lead: &LeadId) -> Result<Vec<EventText>, StoreError> {
        self.parts(lead, EVENT).await?.iter().map(|item| event(item, self.table())).collect()
    }

    /// A lead's decisions, explained, oldest first. Who could have taken it is in the pool's turn, see
    /// [`Why::turns`] and [`Why::complete`].
    pub async fn whys(&self, lead: &LeadId) -> Result<Vec<Why>, StoreError> {
        self.parts(lead, WHY).await?.iter().map(|item| why(item, self.table())).collect()
    }

    async fn parts(&self, lead: &LeadId, prefix: &str) -> Result<Vec<Item>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .table_name(self.table())
            .key_condition_expression("lead_id = :lead AND begins_with(part, :prefix)")
            .expression_attribute_values(":lead", text(lead.as_str()))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true);
        self.0.query_all(query).await
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
        self.0.put(letter_item(lead, id, letter)?).await
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
                letters.push((lead, id, letter(&kept, self.table())?));
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
        self.parts(lead, DEAD)
            .await?
            .iter()
            .map(|item| {
                let id = get_text(item, self.table(), PART)?.trim_start_matches(DEAD).to_owned();
                Ok((id, letter(item, self.table())?))
            })
            .collect()
    }

    /// Forgets a command that was sent again.
    pub async fn drop_dead_letter(&self, lead: &LeadId, id: &str) -> Result<(), StoreError> {
        self.0.delete(key(lead, &format!("{DEAD}{id}"))).await
    }
}
