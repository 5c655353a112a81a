//! A lead as one rulebook sees it: the value of every field its conditions look at, read and made ready to compare
//! once.
//!
//! Conditions name a field by its slot here, so a decision folds each text once, however many rules look at it.

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

/// Every field a rulebook looks at; its index is its slot.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    list: Vec<Field>,
    /// The first slot of every name.
    slots: BTreeMap<String, usize>,
    tables: Vec<TableLookup>,
    /// The company's: where a day begins.
    zone: TimeZone,
    /// What compiling adds, by slot; see [`Fields::prepare`].
    prepared: Vec<Prepared>,
}

/// What makes reading a field quick.
#[derive(Clone, Debug, Default)]
struct Prepared {
    /// The keys that rules ask of it.
    symbols: Symbols,
    /// At [`Origin::Lookup`], if all it knows are exact texts.
    exact: Option<Exact>,
}

/// A field a rulebook looks at.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Its name in the rulebook.
    pub(crate) name: String,
    /// Its type.
    pub(crate) kind: Kind,
    /// The words it may have, at [`Kind::OneOf`].
    pub(crate) choices: Vec<String>,
    /// Where its value comes from.
    pub(crate) origin: Origin,
}

/// Where a field's value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// The lead schema.
    Schema(&'static Spec),
    /// The sender's own field of this name. What cannot be read as the field's type counts as absent.
    Custom(String),
    /// A lookup of the rulebook, by the value in slot `from`, which is lower than the lookup's own.
    Lookup { from: usize, entries: Vec<(String, Vec<Matcher>)> },
    /// A column of the row that a lookup finds in its table; the slots it is asked with are lower than this one.
    Cell { table: usize, column: usize },
}

impl Fields {
    /// No fields yet; days begin in `zone`.
    pub(crate) const fn new(zone: TimeZone) -> Self {
        Self { list: Vec::new(), slots: BTreeMap::new(), tables: Vec::new(), zone, prepared: Vec::new() }
    }

    /// The company's time zone.
    pub(crate) const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The slot of the field of this name.
    pub(crate) fn slot(&self, name: &str) -> Option<usize> {
        self.slots.get(name).copied()
    }

    /// Adds a field that is not there yet; its slot.
    pub(crate) fn push(&mut self, field: Field) -> usize {
        let slot = self.list.len();
        self.slots.entry(field.name.clone()).or_insert(slot);
        self.list.push(field);
        slot
    }

    /// Adds a table for [`Origin::Cell`]; its number.
    pub(crate) fn push_table(&mut self, table: TableLookup) -> usize {
        self.tables.push(table);
        self.tables.len() - 1
    }

    /// The table of this number.
    pub(crate) fn table(&self, number: usize) -> Option<&TableLookup> {
        self.tables.get(number)
    }

    /// Every table.
    pub(crate) fn tables(&self) -> &[TableLookup] {
        &self.tables
    }

    /// Every field, in the order of slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }

    /// The field at `slot`.
    pub(crate) fn get(&self, slot: usize) -> Option<&Field> {
        self.list.get(slot)
    }

    /// Whether the value at `slot` is known only once a lead has its score.
    pub(crate) fn is_scored(&self, slot: usize) -> bool {
        self.get(slot).is_some_and(|field| matches!(field.origin, Origin::Schema(spec) if spec.scored))
    }

    /// Makes ready for compiling, once all fields are there.
    pub(crate) fn prepare(&mut self) {
        let exact = |field: &Field| match &field.origin {
            Origin::Lookup { entries, .. } => Exact::new(entries),
            Origin::Schema(_) | Origin::Custom(_) | Origin::Cell { .. } => None,
        };
        let prepared = self.list.iter().map(|field| Prepared { symbols: Symbols::default(), exact: exact(field) });
        self.prepared = prepared.collect();
    }

    /// The keys that rules ask of the field at `slot`.
    pub(crate) fn symbols_mut(&mut self, slot: usize) -> Option<&mut Symbols> {
        self.prepared.get_mut(slot).map(|prepared| &mut prepared.symbols)
    }

    /// The keys that rules ask of the field at `slot`.
    pub(crate) fn symbols(&self, slot: u16) -> Option<&Symbols> {
        self.prepared.get(usize::from(slot)).map(|prepared| &prepared.symbols)
    }

    /// Ends compiling, once the rules have said all the keys they ask for.
    pub(crate) fn finish(&mut self) {
        self.prepared.iter_mut().for_each(|prepared| prepared.symbols.finish());
    }

    /// Bytes that compiling has added.
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
        // The columns of a table stand side by side, so it is asked once, when the first of them is read.
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
    /// A field of the sender's own, read as the type that the rulebook gives it.
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

/// A whole number as people write it: `1200`, `1,200`, `1 200`, `1.200`. `None` for anything else.
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

/// A field of the sender's own. Forms and lists write the same name with capitals here and without them there.
fn sent<'a>(custom: &'a BTreeMap<String, String>, name: &str) -> Option<&'a String> {
    custom.get(name).or_else(|| custom.iter().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, text)| text))
}

/// A point in time as senders write it: RFC 3339, or a day (`2026-12-20`, `20.12.2026`), which begins in the company's
/// zone. `12/20/2026` is none: who writes so may mean the day or the month first.
fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let day = || Some(Date::strptime("%d.%m.%Y", text).ok()?.to_datetime(Time::midnight()));
    let local: DateTime = text.parse().ok().or_else(day)?;
    Some(local.to_zoned(zone.clone()).ok()?.timestamp())
}

/// The values a rulebook looks at, of one lead.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    values: Vec<Option<Value<'a>>>,
    /// Every value as rules compare it.
    keys: Vec<Key>,
    fields: &'a Fields,
    /// What the person did, the earliest first.
    pub(crate) activities: &'a [Activity],
    /// The instant it is decided on.
    pub(crate) now: Timestamp,
}

impl<'a> Reading<'a> {
    /// The value at `slot`, if the lead has one.
    pub(crate) fn value(&self, slot: usize) -> Option<&Value<'a>> {
        self.values.get(slot).and_then(Option::as_ref)
    }

    /// The value at `slot` as rules compare it.
    pub(crate) fn key(&self, slot: u16) -> Key {
        self.keys.get(usize::from(slot)).copied().unwrap_or(Key::Other)
    }

    /// This key and those of the shorter texts that its text begins with.
    pub(crate) fn begins(&self, slot: u16, longest: u32) -> impl Iterator<Item = u32> {
        let symbols = self.fields.symbols(slot);
        let known = |key: u32| (key != NONE).then_some(key);
        std::iter::successors(known(longest), move |key| known(symbols?.shorter(*key)))
    }

    /// The text at `slot`.
    pub(crate) fn text(&self, slot: usize) -> Option<&'a str> {
        match self.value(slot) {
            Some(Value::Text { shown, .. }) => Some(shown),
            _ => None,
        }
    }

    /// The number at `slot`.
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
    fn own_fields_are_found_and_dated_as_senders_write_them() {
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
