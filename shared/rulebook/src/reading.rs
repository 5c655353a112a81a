//! A lead as one rulebook sees it: the value of every field its conditions use, read and prepared once.
//!
//! Conditions refer to a field by its slot, so a decision folds each text once, however many rules use it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::field::{Kind, Spec};
use super::lookup::{Exact, TableLookup};
use super::symbols::{Key, NONE, Symbols};
use crate::facts::Facts;
use crate::lead_value::{Value, fold};
use crate::matcher::Matcher;
use fairleader_lead::activity::Activity;
use fairleader_lead::normalise::{choice, country};

/// Every field that a rulebook uses; its index is its slot.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    list: Vec<Field>,
    /// The first slot of every name.
    slots: BTreeMap<String, usize>,
    tables: Vec<TableLookup>,
    /// The company's time zone, in which days start.
    zone: TimeZone,
    /// What compiling adds to each slot; see [`Fields::prepare`].
    prepared: Vec<Prepared>,
    /// Keys the hashes of texts.
    seed: u64,
}

/// Lookup tables that make reading a field fast.
#[derive(Clone, Debug, Default)]
struct Prepared {
    /// The keys that rules test.
    symbols: Symbols,
    /// For an [`Origin::Lookup`] with exact texts only.
    exact: Option<Exact>,
}

/// A field that a rulebook uses.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Its name in the rulebook.
    pub(crate) name: String,
    /// Its type.
    pub(crate) kind: Kind,
    /// The values of a [`Kind::OneOf`].
    pub(crate) choices: Vec<String>,
    /// Where its value comes from.
    pub(crate) origin: Origin,
}

/// Where a field's value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// The lead schema.
    Schema(&'static Spec),
    /// The custom field of this name. A value that cannot be read as the field's type counts as absent.
    Custom(String),
    /// A lookup by the value in slot `from`, which is lower than the lookup's own slot.
    Lookup { from: usize, entries: Vec<(String, Vec<Matcher>)> },
    /// A column of the row that a lookup finds in its table; the slots it looks up by are lower than this one.
    Cell { table: usize, column: usize },
}

impl Fields {
    /// Creates an empty set of fields; days start in `zone`.
    pub(crate) const fn new(zone: TimeZone) -> Self {
        Self { list: Vec::new(), slots: BTreeMap::new(), tables: Vec::new(), zone, prepared: Vec::new(), seed: 0 }
    }

    /// Sets the number that keys the hashes of texts; it depends on the whole rulebook.
    pub(crate) const fn seeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The company's time zone.
    pub(crate) const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Returns the slot of the field of this name.
    pub(crate) fn slot(&self, name: &str) -> Option<usize> {
        self.slots.get(name).copied()
    }

    /// Adds a new field and returns its slot.
    pub(crate) fn push(&mut self, field: Field) -> usize {
        let slot = self.list.len();
        self.slots.entry(field.name.clone()).or_insert(slot);
        self.list.push(field);
        slot
    }

    /// Adds a table for [`Origin::Cell`] and returns its number.
    pub(crate) fn push_table(&mut self, table: TableLookup) -> usize {
        self.tables.push(table);
        self.tables.len() - 1
    }

    /// Returns the table of this number.
    pub(crate) fn table(&self, number: usize) -> Option<&TableLookup> {
        self.tables.get(number)
    }

    /// Returns all tables.
    pub(crate) fn tables(&self) -> &[TableLookup] {
        &self.tables
    }

    /// Returns all fields in slot order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }

    /// Returns the field at `slot`.
    pub(crate) fn get(&self, slot: usize) -> Option<&Field> {
        self.list.get(slot)
    }

    /// Returns whether the value at `slot` is known only after scoring.
    pub(crate) fn is_scored(&self, slot: usize) -> bool {
        self.get(slot).is_some_and(|field| matches!(field.origin, Origin::Schema(spec) if spec.scored))
    }

    /// Starts compiling, once all fields were added.
    pub(crate) fn prepare(&mut self) {
        let seed = self.seed;
        let exact = |field: &Field| match &field.origin {
            Origin::Lookup { entries, .. } => Exact::new(entries, seed),
            Origin::Schema(_) | Origin::Custom(_) | Origin::Cell { .. } => None,
        };
        let prepared = self.list.iter().map(|field| Prepared { symbols: Symbols::new(seed), exact: exact(field) });
        self.prepared = prepared.collect();
    }

    /// Returns the keys that rules test in the field at `slot`.
    pub(crate) fn symbols_mut(&mut self, slot: usize) -> Option<&mut Symbols> {
        self.prepared.get_mut(slot).map(|prepared| &mut prepared.symbols)
    }

    /// Returns the keys that rules test in the field at `slot`.
    pub(crate) fn symbols(&self, slot: u16) -> Option<&Symbols> {
        self.prepared.get(usize::from(slot)).map(|prepared| &prepared.symbols)
    }

    /// Finishes compiling, once all keys of the rules were added.
    pub(crate) fn finish(&mut self) {
        self.prepared.iter_mut().for_each(|prepared| prepared.symbols.finish());
    }

    /// Returns the number of bytes that compiling added.
    pub(crate) fn prepared_bytes(&self) -> usize {
        let each = self.prepared.iter().map(|prepared| prepared.symbols.bytes());
        each.sum::<usize>() + self.prepared.capacity() * size_of::<Prepared>()
    }

    /// Reads a lead.
    pub(crate) fn read<'a>(&'a self, facts: &Facts<'a>) -> Reading<'a> {
        let mut reading = Reading {
            values: Vec::with_capacity(self.list.len()),
            keys: Vec::with_capacity(self.prepared.len()),
            fields: self,
            activities: &facts.profile.activities,
            now: facts.now,
        };
        // The columns of a table are adjacent, so it is searched only once, for the first of them.
        let mut asked: Option<(usize, Option<usize>)> = None;
        for (slot, field) in self.list.iter().enumerate() {
            let prepared = self.prepared.get(slot);
            let value = match &field.origin {
                Origin::Schema(spec) => spec.get(facts).map(|raw| Value::of(raw, facts.now)),
                Origin::Custom(name) => {
                    sent(&facts.profile.custom, name).and_then(|text| field.custom(text, &self.zone, facts.now))
                }
                Origin::Lookup { from, entries } => reading.value(*from).and_then(|value| {
                    if let Some(exact) = prepared.and_then(|prepared| prepared.exact.as_ref()) {
                        let (entry, folded) = exact.find(value)?;
                        let (shown, _) = entries.get(entry)?;
                        return Some(Value::Text { shown, folded: Cow::Borrowed(folded) });
                    }
                    let (key, _) = entries.iter().find(|(_, of)| of.iter().any(|m| m.holds(Some(value))))?;
                    Some(Value::text(key))
                }),
                Origin::Cell { table: number, column } => self.tables.get(*number).and_then(|lookup| {
                    let row = match asked {
                        Some((table, row)) if table == *number => row,
                        _ => lookup.find(&reading),
                    };
                    asked = Some((*number, row));
                    lookup.table.cell(row?, *column).map(Value::text)
                }),
            };
            reading.keys.extend(prepared.map(|prepared| prepared.symbols.key(value.as_ref())));
            reading.values.push(value);
        }
        reading
    }
}

impl Field {
    /// Reads a custom field as the type that the rulebook gives it.
    fn custom<'a>(&'a self, text: &'a str, zone: &TimeZone, now: Timestamp) -> Option<Value<'a>> {
        match self.kind {
            Kind::Number { most } => whole(text).filter(|number| *number <= most).map(Value::Number),
            Kind::YesNo => choice::flag(text).map(Value::YesNo),
            Kind::Date => instant(text, zone).map(|at| Value::date(at, now)),
            Kind::Country => country::code(text).map(Value::text),
            Kind::Language => country::language(text).map(Value::text),
            Kind::OneOf => {
                let folded = fold(text);
                self.choices.iter().find(|known| fold(known) == folded).map(|known| Value::text(known))
            }
            _ => Some(Value::text(text)),
        }
        .filter(|value| !matches!(value, Value::Text { folded, .. } if folded.is_empty()))
    }
}

/// Parses a whole number as people write it: `1200`, `1,200`, `1 200`, `1.200`. `None` for anything else.
fn whole(text: &str) -> Option<u32> {
    let text = text.trim();
    let groups: Vec<&str> = text.split([',', '.', ' ', '\'', '\u{a0}']).collect();
    let grouped = groups.iter().skip(1).all(|group| group.len() == 3) && groups.first()?.len() <= 3;
    let digits = if groups.len() == 1 || grouped { groups.concat() } else { return None };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Returns the value of a custom field, ignoring the case of its name: forms and lists spell the same name differently.
fn sent<'a>(custom: &'a BTreeMap<String, String>, name: &str) -> Option<&'a String> {
    custom.get(name).or_else(|| custom.iter().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, text)| text))
}

/// Parses a point in time as senders write it: RFC 3339, or a day (`2026-12-20`, `20.12.2026`), which starts in the
/// company's zone. Rejects `12/20/2026`, because the day and the month could be confused.
fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let day = || Some(Date::strptime("%d.%m.%Y", text).ok()?.to_datetime(Time::midnight()));
    let local: DateTime = text.parse().ok().or_else(day)?;
    Some(local.to_zoned(zone.clone()).ok()?.timestamp())
}

/// The values of one lead that a rulebook uses.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    values: Vec<Option<Value<'a>>>,
    /// Every value in the form that rules compare.
    keys: Vec<Key>,
    fields: &'a Fields,
    /// The person's activities, earliest first.
    pub(crate) activities: &'a [Activity],
    /// The time of the decision.
    pub(crate) now: Timestamp,
}

impl<'a> Reading<'a> {
    /// Returns the value at `slot`, if the lead has one.
    pub(crate) fn value(&self, slot: usize) -> Option<&Value<'a>> {
        self.values.get(slot).and_then(Option::as_ref)
    }

    /// Returns the value at `slot` in the form that rules compare.
    pub(crate) fn key(&self, slot: u16) -> Key {
        self.keys.get(usize::from(slot)).copied().unwrap_or(Key::Other)
    }

    /// Returns this key and the keys of all shorter prefixes of its text.
    pub(crate) fn begins(&self, slot: u16, longest: u32) -> impl Iterator<Item = u32> {
        let symbols = self.fields.symbols(slot);
        let known = |key: u32| (key != NONE).then_some(key);
        std::iter::successors(known(longest), move |key| known(symbols?.shorter(*key)))
    }

    /// Returns the text at `slot`.
    pub(crate) fn text(&self, slot: usize) -> Option<&'a str> {
        match self.value(slot) {
            Some(Value::Text { shown, .. }) => Some(shown),
            _ => None,
        }
    }

    /// Returns the number at `slot`.
    pub(crate) fn number(&self, slot: usize) -> Option<u32> {
        match self.value(slot) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_custom_fields_as_senders_write_them() {
        let custom =
            BTreeMap::from([("Renewal".to_owned(), "x".to_owned()), ("renewal date".to_owned(), "y".to_owned())]);
        assert_eq!(sent(&custom, "renewal").map(String::as_str), Some("x"));
        assert_eq!(sent(&custom, "Renewal Date").map(String::as_str), Some("y"));
        assert_eq!(sent(&custom, "renew"), None);
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let read = |text: &str| instant(text, &zone).map(|at| at.to_string());
        for same in ["2026-12-20", "20.12.2026", " 20.12.2026 ", "2026-12-19T23:00:00Z", "2026-12-20T00:00"] {
            assert_eq!(read(same).as_deref(), Some("2026-12-19T23:00:00Z"), "{same}");
        }
        for wrong in ["12/20/2026", "32.01.2026", "20.12.", "soon"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
