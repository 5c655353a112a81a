//! `leads`: profile, state, history and explanations of every lead.
//!
//! | access | key |
//! |---|---|
//! | a lead | `lead_id`, `profile` and `state` |
//! | its history | `lead_id`, `event#` + 12 digits |
//! | explanations of its decisions | `lead_id`, `why#` + 12 digits, the number of the event that records it |
//! | activities of the person | `lead_id`, `activity#` + id |
//! | later submissions | `lead_id`, `activity#` + the id of the submission's own lead, `#` and hash of the content |
//! | its failed commands | `lead_id`, `dead#` + hash of the command |
//! | leads by deadline | index `due`: shard, time in ms |
//! | a rep's inbox, leads on hold | index `assignee`: `rep#…`, `held`; best first |
//! | a pool's waiting list, pools with one | index `line`: shard; pool, priority and lead |
//! | failed commands of any lead | index `assignee`: `dead`; latest first |
//! | all open leads | every rep's inbox and every shard of the waiting lists, one after the other |
//! | past leads | the whole table, page by page |
//!
//! The version of the `state` item guards everything else: a write of anything that a decision reads names the version
//! of the state that it read, in the same transaction.

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

/// Key of failed commands in the `assignee` index.
const DEAD_LETTERS: &str = "dead";
/// Length limit of a lead id in a cursor, in bytes.
const MAX_ID: usize = 255;

/// Shards of the `due` index. A partition accepts 1,000 writes a second; this is enough for 8,000 decisions a second.
const DUE_SHARDS: u8 = 8;

pub use self::lines::LINE_SHARDS;
pub use self::open::OpenLeads;
pub use self::past::PastPage;
use self::state_item::StateItem;

/// Table of leads.
#[derive(Clone, Debug)]
pub struct Leads(Table);

/// Lead with its state and profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Its state.
    pub state: State,
    /// Its profile.
    pub profile: Profile,
}

/// Failed command, stored with its lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Name of the queue in which it failed.
    pub queue: String,
    /// The command, unchanged.
    pub command: String,
    /// When it was stored here.
    pub at: Timestamp,
    /// Why a retry cannot succeed, if known.
    pub reason: Option<String>,
}

/// Page of leads, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadPage {
    /// The leads, in order.
    pub leads: Vec<LeadId>,
    /// Cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

/// Page of the events of a lead, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<EventText>,
    /// Cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

/// Page of the explanations of a lead, latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhyPage {
    /// The explanations.
    pub whys: Vec<Why>,
    /// Cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

/// Page of failed commands, latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterPage {
    /// The commands, each with its lead and id.
    pub letters: Vec<(LeadId, String, DeadLetter)>,
    /// Cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

/// Returns the shard of a lead, from a hash that is the same on every machine (FNV-1a, 32 bits).
fn spread(lead: &LeadId, shards: u8) -> u32 {
    let hash =
        lead.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % u32::from(shards)
}

fn due_shard(lead: &LeadId) -> String {
    format!("s{}", spread(lead, DUE_SHARDS))
}

/// Lists the shards of the `due` index.
pub fn due_shards() -> impl Iterator<Item = String> {
    (0..DUE_SHARDS).map(|shard| format!("s{shard}"))
}

/// Returns the key of a lead in the `assignee` index, if it is in the index.
fn assignee(state: &State) -> Option<String> {
    match &state.standing {
        Standing::Assigned(owned) | Standing::Accepted { owned, .. } => Some(format!("rep#{}", owned.owner)),
        Standing::Held { .. } => Some("held".to_owned()),
        _ => None,
    }
}

/// Returns the sort key: priority, then score, then time received, each higher first; the index is read backwards. A
/// score needs three digits, and milliseconds need 14 until the year 5138.
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

/// Splits the last part off a cursor.
fn split(cursor: &str) -> Result<(&str, &str), StoreError> {
    cursor.rsplit_once('.').ok_or_else(|| StoreError::Cursor(cursor.to_owned()))
}

/// Returns the key in the `assignee` index after which a page begins. Returns `None` if no such key is possible.
fn start(assignee: &str, lead: &str, part: &str, priority: &str) -> Option<Item> {
    let priority: i64 = priority.parse().ok()?;
    let mut start = (1..=MAX_ID).contains(&lead.len()).then(|| key(&LeadId::from(lead), part))?;
    start.extend(item([(ASSIGNEE, text(assignee)), (PRIORITY, number(priority))]));
    Some(start)
}

pub(crate) fn state(item: &Item, table: &str) -> Result<State, StoreError> {
    body::<StateItem>(item, table)?.into_state()
}

/// Builds the item of a profile, with its own version. Profiles by an older version of this program have none.
pub(crate) fn profile_item(lead: &LeadId, profile: &Profile, version: u64) -> Result<Item, StoreError> {
    let mut item = record(key(lead, PROFILE), profile)?;
    item.insert(VERSION.to_owned(), number(version));
    Ok(item)
}

/// Returns the part of the key for a submission or activity.
fn content_part(key: &ContentKey) -> String {
    match key {
        ContentKey::Submission(lead, hash) => format!("{ACTIVITY}{lead}#{hash}"),
        ContentKey::Activity(id) | ContentKey::SameActivity(id, _) => format!("{ACTIVITY}{id}"),
    }
}

pub(crate) fn profile(item: &Item, table: &str) -> Result<Profile, StoreError> {
    body(item, table)
}

/// Builds the item of an explanation. Its key has the number of the event that records the decision.
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
    /// Creates a client for the leads in `table`.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    fn table(&self) -> &str {
        &self.0.name
    }

    /// Starts a transaction that includes leads.
    pub fn transaction<L: Clone>(&self) -> Transaction<L> {
        Transaction::new(&self.0.client)
    }

    /// Adds a new lead to `transaction`. Its condition fails if the id exists. The profile must be stored with it.
    pub(crate) fn store<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        state: &State,
    ) -> Result<(), StoreError> {
        self.add(transaction, label, state_item(state)?)
    }

    /// Adds the profile of a lead. The state must change in the same transaction, or decisions would not see the
    /// change.
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
            // This includes profiles that were written before they had a version.
            0 => put.condition_expression("attribute_not_exists(version)"),
            _ => put
                .condition_expression("version = :seen")
                .expression_attribute_values(":seen", number(expected_version)),
        };
        transaction.put(label, put.build()?);
        Ok(())
    }

    /// Reads leads, and checks which of these submissions and activities are stored.
    pub(crate) async fn known(
        &self,
        leads: &BTreeSet<LeadId>,
        contents: &BTreeSet<Content>,
        how: Look,
    ) -> Result<(BTreeMap<LeadId, Option<Known>>, BTreeMap<Content, bool>), StoreError> {
        let mut known: BTreeMap<LeadId, Option<Known>> = leads.iter().map(|lead| (lead.clone(), None)).collect();
        let mut kept: BTreeMap<Content, bool> = contents.iter().map(|content| (content.clone(), false)).collect();
        let mut by_key: BTreeMap<(LeadId, String), Vec<&Content>> = BTreeMap::new();
        for content in contents {
            by_key.entry((content.lead.clone(), content_part(&content.key))).or_default().push(content);
        }
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
                    for content in by_key.get(&(lead, part.to_owned())).into_iter().flatten() {
                        let same = match &content.key {
                            ContentKey::SameActivity(_, hash) => {
                                body::<RecordedForm>(&item, self.table())?.content.is_none_or(|kept| kept == *hash)
                            }
                            ContentKey::Submission(..) | ContentKey::Activity(_) => true,
                        };
                        kept.insert((*content).clone(), same);
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

    /// Reads the state of a lead.
    pub async fn state(&self, lead: &LeadId) -> Result<Option<State>, StoreError> {
        self.0.get(key(lead, STATE)).await?.map(|item| state(&item, self.table())).transpose()
    }

    /// Reads a lead. Returns `None` until it is stored.
    pub async fn load(&self, lead: &LeadId) -> Result<Option<Loaded>, StoreError> {
        Ok(self.load_all(std::slice::from_ref(lead)).await?.pop())
    }

    /// Reads many leads, in any order. Leads that are not stored are left out.
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

    /// Adds a change to `transaction`: the state, conditional on the version that was read, and its event.
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

    /// Adds a new lead together with its first change: a duplicate that was recognised at once, whose profile must be
    /// stored, or a lead that is put on hold because it could not be stored.
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

    /// Adds a later submission for `lead`. Its condition (`label`) fails if the same content is stored.
    pub(crate) fn absorb<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        lead: &LeadId,
        absorbed: &Absorbed,
    ) -> Result<(), StoreError> {
        self.add(transaction, label, absorbed_item(lead, absorbed)?)
    }

    /// Adds an activity of the person for `lead`. Its condition (`label`) fails if it is stored.
    pub(crate) fn record<L: Clone>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        lead: &LeadId,
        recorded: &Recorded,
    ) -> Result<(), StoreError> {
        self.add(transaction, label, recorded_item(lead, recorded)?)
    }

    /// Adds an item that must not exist.
    fn add<L: Clone>(&self, transaction: &mut Transaction<L>, label: L, item: Item) -> Result<(), StoreError> {
        let put = Put::builder()
            .table_name(self.table())
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(lead_id)")
            .build()?;
        transaction.put(label, put);
        Ok(())
    }

    /// Reads a page of at most `limit` events of a lead, oldest first, as stored.
    pub async fn events(&self, lead: &LeadId, limit: i32, from: Option<&str>) -> Result<EventPage, StoreError> {
        let (items, next) = self.numbered_parts(lead, EVENT, true, limit, from).await?;
        let events = items.iter().map(|item| event(item, self.table())).collect::<Result<_, _>>()?;
        Ok(EventPage { events, next })
    }

    /// Reads a page of at most `limit` explanations of a lead, latest first. The reps who could have taken it are
    /// stored with the pool's turn, see [`Why::turns`] and [`Why::complete`].
    pub async fn whys(&self, lead: &LeadId, limit: i32, from: Option<&str>) -> Result<WhyPage, StoreError> {
        let (items, next) = self.numbered_parts(lead, WHY, false, limit, from).await?;
        let whys = items.iter().map(|item| why(item, self.table())).collect::<Result<_, _>>()?;
        Ok(WhyPage { whys, next })
    }

    /// Reads a page of numbered parts of a lead. The cursor is the number of the last part.
    async fn numbered_parts(
        &self,
        lead: &LeadId,
        prefix: &str,
        forward: bool,
        limit: i32,
        from: Option<&str>,
    ) -> Result<(Vec<Item>, Option<String>), StoreError> {
        let start = from.map(|cursor| match cursor.parse::<u64>() {
            Ok(number) if cursor == format!("{number:012}") => Ok(key(lead, &numbered(prefix, number))),
            _ => Err(StoreError::Cursor(cursor.to_owned())),
        });
        let query = self.by_prefix(lead, prefix).scan_index_forward(forward).limit(limit);
        let query = query.set_exclusive_start_key(start.transpose()?);
        let answer = query.send().await.map_err(StoreError::service(self.0.what("querying")))?;
        let last = answer.last_evaluated_key().map(|last| get_text(last, self.table(), PART)).transpose()?;
        let next = last.map(|last| last.trim_start_matches(prefix).to_owned());
        Ok((answer.items.unwrap_or_default(), next))
    }

    async fn parts(&self, lead: &LeadId, prefix: &str) -> Result<Vec<Item>, StoreError> {
        self.0.query_all(self.by_prefix(lead, prefix)).await
    }

    fn by_prefix(&self, lead: &LeadId, prefix: &str) -> QueryFluentBuilder {
        self.0
            .client
            .query()
            .table_name(self.table())
            .key_condition_expression("lead_id = :lead AND begins_with(part, :prefix)")
            .expression_attribute_values(":lead", text(lead.as_str()))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true)
    }

    /// Reads a page of a rep's open leads, best first.
    pub async fn inbox(&self, rep: &RepId, limit: i32, from: Option<&str>) -> Result<LeadPage, StoreError> {
        self.page(&format!("rep#{rep}"), limit, from).await
    }

    /// Reads a page of the leads on hold, best first.
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
        // A cursor consists of the last lead and its priority.
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

    /// Reads leads of one shard whose deadline has passed at `now`, earliest first, with the deadline in ms.
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

    /// Claims a due lead by moving it to `again_at` in the index. Returns false if another request did, or it is no
    /// longer due. The deadline in the state does not change.
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

    /// Stores a failed command. Idempotent.
    pub async fn keep_dead_letter(&self, lead: &LeadId, id: &str, letter: &DeadLetter) -> Result<(), StoreError> {
        self.0.put(letter_item(lead, id, letter)?).await
    }

    /// Reads a page of failed commands, latest first, whatever the state of their leads.
    pub async fn all_dead_letters(&self, limit: i32, from: Option<&str>) -> Result<LetterPage, StoreError> {
        // A cursor consists of the lead, the id and the time of the last command.
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
            // The index lags behind: commands that were redriven in the meantime are left out.
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

    /// Returns the lead and the id in the key of a failed command.
    fn letter_named(&self, item: &Item) -> Result<(LeadId, String), StoreError> {
        let lead = LeadId::from(get_text(item, self.table(), LEAD)?);
        Ok((lead, get_text(item, self.table(), PART)?.trim_start_matches(DEAD).to_owned()))
    }

    /// Reads the failed commands of a lead, with their ids.
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

    /// Deletes a failed command that was redriven.
    pub async fn drop_dead_letter(&self, lead: &LeadId, id: &str) -> Result<(), StoreError> {
        self.0.delete(key(lead, &format!("{DEAD}{id}"))).await
    }
}
