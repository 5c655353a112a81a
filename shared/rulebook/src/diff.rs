//! Compares two rulebooks and describes the differences in sentences that salespeople understand.
//!
//! [`diff`] compares meaning, not notation: the order within a list, formatting, the case of words and writing out a
//! named condition make no difference. It returns nothing only if both rulebooks decide every lead in the same way.

mod conditions;
mod order;
mod outline;
mod rules;
mod score;
mod tables;
mod uses;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use self::conditions::{Digest, Voice, without};
use self::outline::{Lookup, Outline};
use self::uses::{Uses, Wanted};
use super::diagnostic::{cut, join};
use crate::matcher::Matcher;
use crate::rulebook::Rulebook;
use crate::work::Work;

/// The most affected parts that a sentence names.
const MAX_NAMED: usize = 5;
/// The most affected parts in [`Change::touches`].
const MAX_TOUCHES: usize = 50;
/// The most changes to list; the others are counted.
const MAX_CHANGES: usize = 500;

/// A difference between two rulebooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The kind of part that changed.
    pub about: About,
    /// The part's name in the new rulebook, or in the old one if it was removed; absent for parts without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its previous name, if it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// The kind of change.
    pub what: What,
    /// Other parts that this change affects (``rule `dach` ``, `the score`), at most 50; empty for rules themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touches: Vec<String>,
    /// The change in words, without an initial capital or a final stop.
    pub sentence: String,
}

/// A part of a rulebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The company's zone or currency.
    Company,
    /// The type of a custom field.
    Field,
    /// A lookup.
    Lookup,
    /// The contents of a table.
    Table,
    /// A named condition.
    Condition,
    /// A rule of `block` or `route`.
    Rule,
    /// A share, a line or the half-life of the score.
    Score,
    /// A grade.
    Grade,
    /// A line of `mql`.
    Mql,
}

/// The kind of a [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is new.
    Added,
    /// It was removed.
    Removed,
    /// It has a new name but does the same.
    Renamed,
    /// Its position changed.
    Moved,
    /// It does something else.
    Changed,
}

impl Change {
    fn new(about: About, name: Option<&str>, what: What, sentence: String) -> Self {
        let sentence = cut(sentence);
        Self { about, name: name.map(str::to_owned), was: None, what, touches: Vec::new(), sentence }
    }

    fn renamed(about: About, was: &str, name: &str, what: &str) -> Self {
        let sentence = format!("{what} `{was}` is now called `{name}`");
        Self { was: Some(was.to_owned()), ..Self::new(about, Some(name), What::Renamed, sentence) }
    }

    fn touching(mut self, touches: Option<BTreeSet<String>>) -> Self {
        let Some(touches) = touches else {
            self.sentence.push_str("; it was too much work to find what this affects");
            return self;
        };
        if !touches.is_empty() {
            let mut named: Vec<String> = touches.iter().take(MAX_NAMED).cloned().collect();
            if let Some(more) = touches.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
                named.push(format!("{more} more"));
            }
            self.sentence.push_str("; this affects ");
            self.sentence.push_str(&join(&named, "and"));
            self.touches = touches.into_iter().take(MAX_TOUCHES).collect();
        }
        self
    }
}

/// Returns what `new` does differently from `old`, in the order of the sections; empty if both decide every lead in the
/// same way.
///
/// ```
/// use fairleader_rulebook::{References, Rulebook, diff};
///
/// let old = "company: { zone: Europe/Berlin, currency: EUR }
/// score: { fit: { share: 100% } }
/// mql: [{ source: present }]
/// route:
///   - { rule: dach, if: { country: [DE, AT] }, then: { pool: dach } }
///   - { rule: rest, then: { pool: inbound } }
/// ";
/// let parse = |text: &str| Rulebook::parse(text, &References::default()).unwrap().rulebook;
/// let changes = diff(&parse(old), &parse(&old.replace("[DE, AT]", "[at, LI, DE]")));
/// assert_eq!(changes[0].sentence, "rule `dach` now also takes leads with country LI");
/// ```
pub fn diff(old: &Rulebook, new: &Rulebook) -> Vec<Change> {
    diff_with(old, new, &Work::default())
}

/// Does the same as [`diff`], and counts its steps in `work`. If `work` is stopped, the changes mean nothing.
pub fn diff_with(old: &Rulebook, new: &Rulebook, work: &Work) -> Vec<Change> {
    let (old, new) = (&Outline::of(old), &Outline::of(new));
    let users = &Users { old: Uses::of(old), new: Uses::of(new), work };
    let mut found = Vec::new();
    company(old, new, &mut found);
    fields(old, new, users, &mut found);
    lookups(old, new, users, &mut found);
    named(old, new, users, &mut found);
    let currencies = (old.currency, new.currency);
    rules::compare(&old.block, &new.block, currencies, work, &mut found);
    score::compare(old.scoring, new.scoring, work, &mut found);
    rules::compare(&old.route, &new.route, currencies, work, &mut found);
    if let Some(more) = found.len().checked_sub(MAX_CHANGES).filter(|more| *more > 0) {
        found.truncate(MAX_CHANGES);
        let sentence = format!("{more} more changes are not listed");
        found.push(Change::new(About::Rule, None, What::Changed, sentence));
    }
    found
}

/// Returns the rules that have a new name in `new` but do the same, by their previous name.
pub fn renamed(old: &Rulebook, new: &Rulebook, work: &Work) -> BTreeMap<String, String> {
    let (old, new) = (Outline::of(old), Outline::of(new));
    let sections = [(&old.block, &new.block), (&old.route, &new.route)];
    sections.into_iter().flat_map(|(old, new)| rules::renamed(old, new, work)).collect()
}

/// The uses of both rulebooks.
struct Users<'r, 'w> {
    old: Uses<'r>,
    new: Uses<'r>,
    work: &'w Work,
}

impl Users<'_, '_> {
    /// Returns the parts that use `wanted` in either rulebook; `None` if that takes too much work.
    fn of(&self, wanted: Wanted<'_>) -> Option<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        self.old.extend(wanted, &mut found, self.work)?;
        self.new.extend(wanted, &mut found, self.work)?;
        Some(found)
    }
}

fn company(old: &Outline<'_>, new: &Outline<'_>, found: &mut Vec<Change>) {
    let mut changed = |what: &str, before: &str, after: &str| {
        if before != after {
            let sentence = format!("the company's {what} is now {after} (before: {before})");
            found.push(Change::new(About::Company, None, What::Changed, sentence));
        }
    };
    changed("time zone", old.zone, new.zone);
    changed("currency", old.currency, new.currency);
}

fn fields(old: &Outline<'_>, new: &Outline<'_>, users: &Users<'_, '_>, found: &mut Vec<Change>) {
    let names: BTreeSet<&str> = old.customs.keys().chain(new.customs.keys()).copied().collect();
    for name in names {
        let kind = |outline: &Outline<'_>| outline.customs.get(name).cloned().unwrap_or_else(|| "text".to_owned());
        let (before, after) = (kind(old), kind(new));
        if before != after {
            let sentence = format!("field `{name}` is now read as {after} (before: as {before})");
            let change = Change::new(About::Field, Some(name), What::Changed, sentence);
            found.push(change.touching(users.of(Wanted::Field(name))));
        }
    }
}

fn lookups(old: &Outline<'_>, new: &Outline<'_>, users: &Users<'_, '_>, found: &mut Vec<Change>) {
    let mut tables: BTreeMap<String, Change> = BTreeMap::new();
    let names: BTreeSet<&str> = old.lookups.keys().chain(new.lookups.keys()).copied().collect();
    for name in names {
        let change = |what, sentence| {
            let change = Change::new(About::Lookup, Some(name), what, sentence);
            change.touching(users.of(Wanted::Field(name)))
        };
        match (old.lookups.get(name), new.lookups.get(name)) {
            (None, Some(new)) => found.push(change(What::Added, format!("lookup `{name}` is new: {}", new.words()))),
            (Some(_), None) => found.push(change(What::Removed, format!("lookup `{name}` is removed"))),
            (Some(before), Some(after)) => {
                let said = compare_lookups(before, after, users.work);
                if !said.is_empty() {
                    let keys = changed_entries(before, after);
                    let wanted = keys.as_ref().map_or(Wanted::Field(name), |keys| Wanted::Entries(name, keys));
                    let sentence = format!("lookup `{name}`: {}", said.join("; "));
                    let change = Change::new(About::Lookup, Some(name), What::Changed, sentence);
                    found.push(change.touching(users.of(wanted)));
                }
                if let (Lookup::Table { table: before, .. }, Lookup::Table { table: after, from, gives }) =
                    (before, after)
                    && before.name() == after.name()
                    && let Some(said) = tables::compare(before, after, from, gives)
                {
                    let sentence = format!("table `{}`: {said}", after.name());
                    let change = Change::new(About::Table, Some(after.name()), What::Changed, sentence.clone());
                    let users = users.of(Wanted::Field(name));
                    tables.entry(sentence).or_insert_with(|| change.touching(users));
                }
            }
            (None, None) => {}
        }
    }
    found.extend(tables.into_values());
}

impl Lookup<'_> {
    /// Returns `reads country` or ``reads country and postal_code in table `territories` ``.
    fn source(&self) -> String {
        match self {
            Self::Values { from, .. } => format!("reads {from}"),
            Self::Table { table, from, .. } => format!("reads {} in table `{}`", join(from, "and"), table.name()),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Values { entries, .. } => {
                let entries: Vec<String> = entries.iter().map(|(key, values)| entry(key, values)).collect();
                format!("{}: {}", self.source(), entries.join("; "))
            }
            Self::Table { gives, .. } => {
                let gives: Vec<&str> = gives.iter().copied().collect();
                format!("{} and gives {}", self.source(), join(&gives, "and"))
            }
        }
    }
}

/// Returns `` `dach` for DE, AT or CH ``.
fn entry(key: &str, values: &[Matcher]) -> String {
    let values: Vec<String> = values.iter().map(Matcher::object).collect();
    format!("`{key}` for {}", join(&values, "or"))
}

fn compare_lookups(old: &Lookup<'_>, new: &Lookup<'_>, work: &Work) -> Vec<String> {
    let (before, after) = (old.source(), new.source());
    if before != after {
        return vec![format!("it now {} (before: it {before})", new.words())];
    }
    let mut said = Vec::new();
    match (old, new) {
        (Lookup::Values { entries: old, .. }, Lookup::Values { entries: new, .. }) => {
            compare_entries(old, new, work, &mut said);
        }
        (Lookup::Table { gives: old, .. }, Lookup::Table { gives: new, .. }) => {
            let columns = |columns: BTreeSet<&&str>| {
                columns.into_iter().map(|column| format!("`{column}`")).collect::<Vec<String>>()
            };
            let more = columns(new.difference(old).collect());
            let less = columns(old.difference(new).collect());
            if !more.is_empty() {
                said.push(format!("it now also gives {}", join(&more, "and")));
            }
            if !less.is_empty() {
                said.push(format!("it no longer gives {}", join(&less, "and")));
            }
        }
        (_, new) => said.push(format!("it {}", new.words())),
    }
    said
}

/// Returns the entries that differ; `None` if the lookups differ in more than entries.
fn changed_entries(old: &Lookup<'_>, new: &Lookup<'_>) -> Option<BTreeSet<String>> {
    let (Lookup::Values { from, entries: old }, Lookup::Values { from: now_from, entries: new }) = (old, new) else {
        return None;
    };
    let (before, after) = (by_key(old), by_key(new));
    let values = |entries: &Entries<'_>, key: &str| entries.get(key).map(|(_, values)| conditions::values(values));
    let keys: BTreeSet<&String> = old.iter().chain(*new).map(|(key, _)| key).collect();
    let changed = keys.into_iter().filter(|key| values(&before, key) != values(&after, key)).cloned();
    let changed: BTreeSet<String> = changed.collect();
    (from == now_from && !changed.is_empty()).then_some(changed)
}

/// The entries of a lookup by their key, with their position.
type Entries<'e> = BTreeMap<&'e str, (usize, &'e [Matcher])>;

/// Returns the entries by key; of entries with one key, the first counts.
fn by_key(entries: &[(String, Vec<Matcher>)]) -> Entries<'_> {
    let entries = entries.iter().enumerate().rev();
    entries.map(|(at, (key, values))| (key.as_str(), (at, values.as_slice()))).collect()
}

fn compare_entries(
    old: &[(String, Vec<Matcher>)],
    new: &[(String, Vec<Matcher>)],
    work: &Work,
    said: &mut Vec<String>,
) {
    let (before, after) = (by_key(old), by_key(new));
    for (key, values) in new {
        let Some((_, known)) = before.get(key.as_str()) else {
            said.push(format!("{} is new", entry(key, values)));
            continue;
        };
        if let Some(more) = without(values, &conditions::values(known)) {
            said.push(format!("`{key}` now also has {more}"));
        }
        if let Some(less) = without(known, &conditions::values(values)) {
            said.push(format!("`{key}` no longer has {less}"));
        }
    }
    for (key, values) in old.iter().filter(|(key, _)| !after.contains_key(key.as_str())) {
        said.push(format!("{} is removed", entry(key, values)));
    }
    // The first matching entry is taken, so the order of entries that can match the same value counts.
    let both: Vec<(&str, usize, &[Matcher])> = new
        .iter()
        .filter_map(|(key, values)| Some((key.as_str(), before.get(key.as_str())?.0, values.as_slice())))
        .collect();
    if both.is_sorted_by_key(|(_, was, _)| *was) {
        return;
    }
    if compare_order(&both, work, said).is_none() {
        said.push("the order of its values changed, and more of them than were compared may match the same".to_owned());
    }
}

/// Names the entries that swapped places with one that can match the same value; `None` if that takes too much work.
fn compare_order(both: &[(&str, usize, &[Matcher])], work: &Work, said: &mut Vec<String>) -> Option<()> {
    for (at, (second, second_was, values)) in both.iter().enumerate() {
        for (first, first_was, others) in both.iter().take(at) {
            work.compares(1).then_some(())?;
            if first_was > second_was && overlap(others, values, work)? {
                said.push(format!("`{first}` now comes before `{second}` where both match"));
            }
        }
    }
    Some(())
}

/// Returns whether a value may match both; `None` if that takes too much work.
fn overlap(one: &[Matcher], other: &[Matcher], work: &Work) -> Option<bool> {
    for mine in one {
        for theirs in other {
            work.compares(mine.cost() + theirs.cost()).then_some(())?;
            if !mine.excludes(theirs) {
                return Some(true);
            }
        }
    }
    Some(false)
}

fn named(old: &Outline<'_>, new: &Outline<'_>, users: &Users<'_, '_>, found: &mut Vec<Change>) {
    let gone: Vec<&str> = old.conditions.keys().filter(|name| !new.conditions.contains_key(*name)).copied().collect();
    let mut gone: BTreeSet<&str> = gone.into_iter().collect();
    let mut same: BTreeMap<Digest, VecDeque<&str>> = BTreeMap::new();
    for name in &gone {
        let digest = old.conditions.get(name).map(|before| Digest::written_out(&before.condition));
        same.entry(digest.unwrap_or_default()).or_default().push_back(name);
    }
    for (name, after) in &new.conditions {
        let change = |what, sentence| {
            let change = Change::new(About::Condition, Some(name), what, sentence);
            change.touching(users.of(Wanted::Condition(name)))
        };
        let Some(before) = old.conditions.get(name) else {
            let before = same.get_mut(&Digest::written_out(&after.condition)).and_then(VecDeque::pop_front);
            if let Some(before) = &before {
                gone.remove(before);
            }
            found.push(match before {
                Some(before) => Change::renamed(About::Condition, before, name, "condition"),
                None => change(What::Added, format!("condition `{name}` is new: {}", after.condition.words())),
            });
            continue;
        };
        if conditions::same(&before.condition, &after.condition) {
            continue;
        }
        let voice = Voice { who: format!("condition `{name}`"), does: "holds for" };
        let said = conditions::changes(&voice, &before.condition, &after.condition, users.work);
        found.extend(said.into_iter().map(|sentence| change(What::Changed, sentence)));
    }
    for name in gone {
        let change = Change::new(About::Condition, Some(name), What::Removed, format!("condition `{name}` is removed"));
        found.push(change.touching(users.of(Wanted::Condition(name))));
    }
}

#[cfg(test)]
mod tests;
