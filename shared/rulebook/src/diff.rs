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

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::conditions::{Key, Voice, without};
use self::outline::{Lookup, Outline, Wanted};
use super::diagnostic::join;
use crate::matcher::Matcher;
use crate::rulebook::Rulebook;

/// The most affected parts that a sentence names.
const MAX_NAMED: usize = 5;

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
    /// Other parts that this change affects (``rule `dach` ``, `the score`); empty for rules themselves.
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
        Self { about, name: name.map(str::to_owned), was: None, what, touches: Vec::new(), sentence }
    }

    fn renamed(about: About, was: &str, name: &str, what: &str) -> Self {
        let sentence = format!("{what} `{was}` is now called `{name}`");
        Self { was: Some(was.to_owned()), ..Self::new(about, Some(name), What::Renamed, sentence) }
    }

    fn touching(mut self, touches: &BTreeSet<String>) -> Self {
        if !touches.is_empty() {
            let all: Vec<String> = touches.iter().cloned().collect();
            let mut named: Vec<String> = all.iter().take(MAX_NAMED).cloned().collect();
            if let Some(more) = all.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
                named.push(format!("{more} more"));
            }
            self.sentence.push_str("; this affects ");
            self.sentence.push_str(&join(&named, "and"));
            self.touches = all;
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
    let (old, new) = (&Outline::of(old), &Outline::of(new));
    let mut found = Vec::new();
    company(old, new, &mut found);
    fields(old, new, &mut found);
    lookups(old, new, &mut found);
    named(old, new, &mut found);
    rules::compare(&old.block, &new.block, (old.currency, new.currency), &mut found);
    score::compare(old.scoring, new.scoring, &mut found);
    rules::compare(&old.route, &new.route, (old.currency, new.currency), &mut found);
    found
}

/// Returns the parts that use `wanted` in either rulebook.
fn users(old: &Outline<'_>, new: &Outline<'_>, wanted: Wanted<'_>) -> BTreeSet<String> {
    old.users(&wanted).into_iter().chain(new.users(&wanted)).collect()
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

fn fields(old: &Outline<'_>, new: &Outline<'_>, found: &mut Vec<Change>) {
    let names: BTreeSet<&str> = old.customs.keys().chain(new.customs.keys()).copied().collect();
    for name in names {
        let kind = |outline: &Outline<'_>| outline.customs.get(name).cloned().unwrap_or_else(|| "text".to_owned());
        let (before, after) = (kind(old), kind(new));
        if before != after {
            let sentence = format!("field `{name}` is now read as {after} (before: as {before})");
            let change = Change::new(About::Field, Some(name), What::Changed, sentence);
            found.push(change.touching(&users(old, new, Wanted::Field(name))));
        }
    }
}

fn lookups(old: &Outline<'_>, new: &Outline<'_>, found: &mut Vec<Change>) {
    let mut tables: BTreeMap<String, Change> = BTreeMap::new();
    let names: BTreeSet<&str> = old.lookups.keys().chain(new.lookups.keys()).copied().collect();
    for name in names {
        let change = |what, sentence| {
            let change = Change::new(About::Lookup, Some(name), what, sentence);
            change.touching(&users(old, new, Wanted::Field(name)))
        };
        match (old.lookups.get(name), new.lookups.get(name)) {
            (None, Some(new)) => found.push(change(What::Added, format!("lookup `{name}` is new: {}", new.words()))),
            (Some(_), None) => found.push(change(What::Removed, format!("lookup `{name}` is removed"))),
            (Some(before), Some(after)) => {
                let said = compare_lookups(before, after);
                if !said.is_empty() {
                    let keys = changed_entries(before, after);
                    let wanted = keys.as_ref().map_or(Wanted::Field(name), |keys| Wanted::Entries(name, keys));
                    let sentence = format!("lookup `{name}`: {}", said.join("; "));
                    let change = Change::new(About::Lookup, Some(name), What::Changed, sentence);
                    found.push(change.touching(&users(old, new, wanted)));
                }
                if let (Lookup::Table { table: before, .. }, Lookup::Table { table: after, from, gives }) =
                    (before, after)
                    && before.name() == after.name()
                    && let Some(said) = tables::compare(before, after, from, gives)
                {
                    let sentence = format!("table `{}`: {said}", after.name());
                    let change = Change::new(About::Table, Some(after.name()), What::Changed, sentence.clone());
                    let users = users(old, new, Wanted::Field(name));
                    tables.entry(sentence).or_insert_with(|| change.touching(&users));
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

fn compare_lookups(old: &Lookup<'_>, new: &Lookup<'_>) -> Vec<String> {
    let (before, after) = (old.source(), new.source());
    if before != after {
        return vec![format!("it now {} (before: it {before})", new.words())];
    }
    let mut said = Vec::new();
    match (old, new) {
        (Lookup::Values { entries: old, .. }, Lookup::Values { entries: new, .. }) => {
            compare_entries(old, new, &mut said);
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
    let values = |entries, key: &str| find(entries, key).map(conditions::values);
    let keys = old.iter().chain(*new).map(|(key, _)| key);
    let changed: BTreeSet<String> = keys.filter(|key| values(old, key) != values(new, key)).cloned().collect();
    (from == now_from && !changed.is_empty()).then_some(changed)
}

/// Returns the values of an entry.
fn find<'e>(entries: &'e [(String, Vec<Matcher>)], key: &str) -> Option<&'e [Matcher]> {
    entries.iter().find(|(known, _)| known == key).map(|(_, values)| values.as_slice())
}

fn compare_entries(old: &[(String, Vec<Matcher>)], new: &[(String, Vec<Matcher>)], said: &mut Vec<String>) {
    for (key, after) in new {
        let Some(before) = find(old, key) else {
            said.push(format!("{} is new", entry(key, after)));
            continue;
        };
        if let Some(more) = without(after, &conditions::values(before)) {
            said.push(format!("`{key}` now also has {more}"));
        }
        if let Some(less) = without(before, &conditions::values(after)) {
            said.push(format!("`{key}` no longer has {less}"));
        }
    }
    for (key, values) in old.iter().filter(|(key, _)| find(new, key).is_none()) {
        said.push(format!("{} is removed", entry(key, values)));
    }
    // The first matching entry is taken, so the order of entries that can match the same value counts.
    let keys = |entries: &[(String, Vec<Matcher>)], others: &[(String, Vec<Matcher>)]| {
        let keys = entries.iter().map(|(key, _)| key.clone()).filter(|key| find(others, key).is_some());
        keys.collect::<Vec<String>>()
    };
    let (before, after) = (keys(old, new), keys(new, old));
    for (at, second) in after.iter().enumerate() {
        for first in after.iter().take(at) {
            let place = |key: &String| before.iter().position(|known| known == key);
            if place(first) > place(second) && overlap(find(new, first), find(new, second)) {
                said.push(format!("`{first}` now comes before `{second}` where both match"));
            }
        }
    }
}

/// Returns whether a value may match both.
fn overlap(one: Option<&[Matcher]>, other: Option<&[Matcher]>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    one.iter().any(|a| other.iter().any(|b| !a.excludes(b)))
}

fn named(old: &Outline<'_>, new: &Outline<'_>, found: &mut Vec<Change>) {
    let gone: Vec<&str> = old.conditions.keys().filter(|name| !new.conditions.contains_key(*name)).copied().collect();
    let mut gone: BTreeSet<&str> = gone.into_iter().collect();
    for (name, after) in &new.conditions {
        let change = |what, sentence| {
            let change = Change::new(About::Condition, Some(name), what, sentence);
            change.touching(&users(old, new, Wanted::Condition(name)))
        };
        let Some(before) = old.conditions.get(name) else {
            let key = Key::written_out(&after.condition);
            let same = |name: &&&str| {
                old.conditions.get(**name).is_some_and(|before| Key::written_out(&before.condition) == key)
            };
            let before = gone.iter().find(same).copied();
            gone.retain(|name| Some(*name) != before);
            found.push(match before {
                Some(before) => Change::renamed(About::Condition, before, name, "condition"),
                None => change(What::Added, format!("condition `{name}` is new: {}", after.condition.words())),
            });
            continue;
        };
        if Key::of(&before.condition) == Key::of(&after.condition)
            || Key::written_out(&before.condition) == Key::written_out(&after.condition)
        {
            continue;
        }
        let voice = Voice { who: format!("condition `{name}`"), does: "holds for" };
        let said = conditions::changes(&voice, &before.condition, &after.condition);
        found.extend(said.into_iter().map(|sentence| change(What::Changed, sentence)));
    }
    for name in gone {
        let change = Change::new(About::Condition, Some(name), What::Removed, format!("condition `{name}` is removed"));
        found.push(change.touching(&users(old, new, Wanted::Condition(name))));
    }
}

#[cfg(test)]
mod tests;
