//! Checks custom fields, lookups, and the tables that lookups read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::usage::roots;
use super::{Checker, Place};
use crate::ast::{Custom, CustomKind, Lookup, LookupSource, Text};
use crate::diagnostic::{did_you_mean, join};
use crate::field;
use crate::field::Kind;
use crate::lead_value::fold;
use crate::lookup::{SameKey, TableLookup};
use crate::matcher::Matcher;
use crate::reading::{Field, Origin};
use crate::table::Table;
use crate::work::Work;
use fairleader_lead::id::{PoolId, RepId, is_name};
use fairleader_lead::normalise::country;

/// The most fields with which a lookup may search its table.
const MAX_KEYS: usize = 4;
/// The most tables of a rulebook.
pub(crate) const MAX_TABLES: usize = 20;
/// The most columns that a lookup takes from its table.
const MAX_GIVES: usize = 20;
/// The most cells of tables that all lookups read, counting a table for each lookup that uses it.
const MAX_CELLS: usize = 5_000_000;
/// The most rows of a table to report for the same reason.
const MAX_ROWS_SHOWN: usize = 10;

impl<'d> Checker<'d, '_> {
    /// Checks the type of a custom field.
    pub(super) fn custom(&mut self, custom: &Custom) {
        let name = &custom.name;
        let Some(key) = name.text.strip_prefix("custom.").filter(|key| !key.is_empty()) else {
            let message = format!("`fields` gives a type to `{}`, which is not a custom field", name.text);
            let help = format!("built-in fields have a type; define a custom field as `custom.{}: number`", name.text);
            self.problems.error_help(name.span, "custom-field", message, help);
            return;
        };
        let (kind, choices) = match &custom.kind {
            CustomKind::OneOf(words) => (Kind::OneOf, self.words_once(words)),
            CustomKind::Named(kind) => {
                let known = field::CUSTOM_KINDS.iter().find(|(known, _)| *known == kind.text);
                let Some((_, known)) = known else {
                    let known = field::CUSTOM_KINDS.iter().map(|(known, _)| *known);
                    let message = format!("`{}` has unknown type `{}`", name.text, kind.text);
                    let help = did_you_mean(self.problems.work(), &kind.text, known.clone()).unwrap_or_else(|| {
                        let known: Vec<String> = known.map(|known| format!("`{known}`")).collect();
                        format!("write one of {}, or list the values it may have", join(&known, "or"))
                    });
                    self.problems.error_help(kind.span, "custom-type", message, help);
                    return;
                };
                (*known, Vec::new())
            }
        };
        let origin = Origin::Custom(key.to_owned());
        self.fields.push(Field { name: name.text.clone(), kind, choices, origin });
    }

    /// Returns the values of a field without duplicates, and reports these.
    fn words_once(&mut self, words: &[Text]) -> Vec<String> {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut once = Vec::new();
        for word in words {
            if seen.insert(fold(&word.text).into_owned()) {
                once.push(word.text.clone());
            } else {
                let message = format!("duplicate value `{}`", word.text);
                self.problems.warn(word.span, "duplicate-value", message, None);
            }
        }
        once
    }

    pub(super) fn lookup(&mut self, lookup: &'d Lookup) {
        let what = format!("lookup `{}`", lookup.name.text);
        let mut from = Vec::new();
        for field in &lookup.from {
            if roots(&field.text).any(|root| self.lookups.contains_key(root)) {
                let message = format!("{what} reads `{}`, which is itself a lookup", field.text);
                let help = "read a field of the lead".to_owned();
                self.problems.error_help(field.span, "lookup-chain", message, help);
            } else if field.text == "did" {
                let message = format!("{what} reads `did`, which has many values");
                let help = "write a named condition under `conditions` instead".to_owned();
                self.problems.error_help(field.span, "lookup-field", message, help);
            } else if let Some(slot) = self.field(field, Place { what: &what, scored: false }) {
                from.push((field, slot));
            }
        }
        if from.len() < lookup.from.len() {
            return;
        }
        match (&lookup.source, from.as_slice()) {
            (LookupSource::Values(values), [(_, from)]) => self.lookup_values(lookup, *from, values, &what),
            (LookupSource::Values(_), [_, (second, _), ..]) => {
                let message = format!("{what} reads more than one field");
                let help = "a lookup with `values` reads one field; to read several, use a table".to_owned();
                self.problems.error_help(second.span, "lookup-field", message, help);
            }
            (LookupSource::Table { table, gives }, from) => self.lookup_table(lookup, from, table, gives, &what),
            (LookupSource::Values(_), []) => {}
        }
    }

    pub(super) fn lookup_values(
        &mut self,
        lookup: &'d Lookup,
        from: usize,
        values: &'d [(Text, Vec<Text>)],
        what: &str,
    ) {
        let mut seen: BTreeMap<Matcher, &str> = BTreeMap::new();
        let mut entries = Vec::new();
        let mut broken = false;
        for (key, values) in values {
            let mut matchers = Vec::new();
            for text in values {
                let Some(matcher) = self.value(from, text, values.len() == 1, what) else {
                    broken = true;
                    continue;
                };
                if let Some(other) = seen.get(&matcher) {
                    let message = format!("{what} lists `{}` under both `{other}` and `{}`", text.text, key.text);
                    self.problems.error_help(text.span, "duplicate-value", message, "keep one of them".to_owned());
                }
                seen.entry(matcher.clone()).or_insert(&key.text);
                matchers.push(matcher);
            }
            entries.push((key.text.clone(), matchers));
        }
        let choices = entries.iter().map(|(key, _)| key.clone()).collect();
        let origin = Origin::Lookup { from, entries };
        let slot = self.fields.push(Field { name: lookup.name.text.clone(), kind: Kind::OneOf, choices, origin });
        if broken {
            self.broken.insert(slot);
        }
    }

    pub(super) fn lookup_table(
        &mut self,
        lookup: &Lookup,
        from: &[(&Text, usize)],
        name: &'d Text,
        gives: &[Text],
        what: &str,
    ) {
        if self.tables.insert(&name.text) && self.tables.len() > MAX_TABLES {
            let message = format!("{what} uses table `{}`, but the limit is {MAX_TABLES} tables", name.text);
            let help = "put the columns of several tables into one".to_owned();
            self.problems.error_help(name.span, "too-large", message, help);
        }
        if self.tables.len() > MAX_TABLES {
            return;
        }
        let Some(table) = self.references.tables.get(&name.text) else {
            let message = format!("{what} uses unknown table `{}`", name.text);
            let help =
                did_you_mean(self.problems.work(), &name.text, self.references.tables.keys().map(String::as_str))
                    .unwrap_or_else(|| format!("upload the table first, as `{}.csv`", name.text));
            self.problems.error_help(name.span, "unknown-table", message, help);
            return;
        };
        if from.len() > MAX_KEYS {
            let message = format!("{what} reads more than {MAX_KEYS} fields");
            self.problems.error(lookup.name.span, "lookup-field", message);
            return;
        }
        if let Some(beyond) = gives.get(MAX_GIVES) {
            let message = format!("{what} takes more than {MAX_GIVES} columns from its table");
            self.problems.error_help(beyond.span, "too-large", message, "name each column once".to_owned());
            return;
        }
        let before = self.cells;
        self.cells = before.saturating_add(table.len().saturating_mul(from.len() + gives.len()));
        if self.cells > MAX_CELLS {
            if before <= MAX_CELLS {
                let message =
                    format!("with {what}, the lookups read more than {MAX_CELLS} cells of tables, each for itself");
                let help = "take all columns of a table with one lookup".to_owned();
                self.problems.error_help(lookup.name.span, "too-large", message, help);
            }
            return;
        }
        let column = |checker: &mut Self, text: &Text| {
            let found = table.column(&text.text);
            if found.is_none() {
                let message = format!("{what} needs column `{}`, which table `{}` does not have", text.text, name.text);
                let columns = table.columns().iter().map(String::as_str);
                let help = did_you_mean(checker.problems.work(), &text.text, columns)
                    .unwrap_or_else(|| format!("its columns are {}", join(table.columns(), "and")));
                checker.problems.error_help(text.span, "unknown-column", message, help);
            }
            found
        };
        let keys: Vec<Option<usize>> = from.iter().map(|(field, _)| column(self, field)).collect();
        let shown: Vec<Option<usize>> = gives.iter().map(|name| column(self, name)).collect();
        let Some((keys, shown)) = keys.into_iter().collect::<Option<Vec<_>>>().zip(shown.into_iter().collect()) else {
            return;
        };
        let shown: Vec<usize> = shown;
        let postal = |(field, _): &(&Text, usize)| field.text == "postal_code";
        if let Some((field, _)) = from.iter().take(from.len() - 1).find(|entry| postal(entry)) {
            let message = format!("{what} reads `postal_code` before another field");
            let help = "put it last; it is matched by its longest prefix".to_owned();
            self.problems.error_help(field.span, "lookup-field", message, help);
            return;
        }
        let prefix = from.last().is_some_and(postal);
        for ((field, slot), column) in from.iter().zip(&keys) {
            self.table_keys(table, (field, *slot), *column, name);
        }
        let slots = from.iter().map(|(_, slot)| *slot).collect();
        let (ready, repeats) = TableLookup::new(Arc::clone(table), slots, &keys, prefix);
        for SameKey { first, second } in repeats.iter().take(MAX_ROWS_SHOWN) {
            let line = |row: usize| table.rows().get(row).map_or(0, |row| row.line);
            let message =
                format!("lines {} and {} of table `{}` have the same keys", line(*first), line(*second), name.text);
            self.problems.error_help(name.span, "table-row", message, "keep one of them".to_owned());
        }
        let number = self.fields.push_table(ready);
        let cell = |column: usize| Origin::Cell { table: number, column };
        for (text, column) in gives.iter().zip(&shown) {
            let kind = match text.text.as_str() {
                "owner" => Kind::Rep,
                _ => Kind::Word,
            };
            self.table_cells(table, text, *column);
            let name = format!("{}.{}", lookup.name.text, text.text);
            self.fields.push(Field { name, kind, choices: Vec::new(), origin: cell(*column) });
        }
        if let Some(first) = shown.first() {
            let name = lookup.name.text.clone();
            self.fields.push(Field { name, kind: Kind::Word, choices: Vec::new(), origin: cell(*first) });
        }
    }

    /// Checks that the keys of a table are possible values of the field.
    pub(super) fn table_keys(&mut self, table: &Table, (field, slot): (&Text, usize), column: usize, name: &Text) {
        let Some(kind) = self.fields.get(slot).map(|field| field.kind) else { return };
        if matches!(kind, Kind::Number { .. } | Kind::Date | Kind::YesNo) {
            let message = format!("table `{}` cannot be looked up by `{}`, which is not text", name.text, field.text);
            self.problems.error_help(field.span, "lookup-field", message, "use a rule with ranges".to_owned());
            return;
        }
        let work = self.problems.work().clone();
        let words: BTreeSet<Cow<'_, str>> = match kind {
            Kind::Choice(words) => words.iter().map(|word| fold(word)).collect(),
            _ => BTreeSet::new(),
        };
        let mut wrong = table.rows().iter().filter_map(|row| {
            let cell = row.cell(column).filter(|cell| *cell != "*")?;
            let known = match kind {
                Kind::Country => field::is_country(&cell.to_ascii_uppercase()),
                Kind::Choice(_) => words.contains(&fold(cell)),
                _ => true,
            };
            let (line, table) = (row.line, &name.text);
            let message = || format!("line {line} of table `{table}`: `{cell}` is not a valid {}", field.text);
            (!known).then(|| (message(), meant(&work, kind, cell)))
        });
        let found: Vec<(String, Option<String>)> = wrong.by_ref().take(MAX_ROWS_SHOWN).collect();
        let more = wrong.count();
        for (message, help) in found {
            self.problems.error_help(name.span, "table-row", message, help);
        }
        if more > 0 {
            let message = format!("{more} more lines of table `{}` have an invalid `{}`", name.text, field.text);
            self.problems.error(name.span, "table-row", message);
        }
    }

    /// Checks that the pools and owners in a table exist.
    pub(super) fn table_cells(&mut self, table: &Table, text: &Text, column: usize) {
        let known = |cell: &str| match text.text.as_str() {
            "pool" => {
                is_name(cell) && self.references.pools.as_ref().is_none_or(|pools| pools.contains(&PoolId::new(cell)))
            }
            "owner" => {
                is_name(cell) && self.references.reps.as_ref().is_none_or(|reps| reps.contains(&RepId::new(cell)))
            }
            _ => true,
        };
        let mut wrong: BTreeMap<&str, u64> = BTreeMap::new();
        for row in table.rows() {
            if let Some(cell) = row.cell(column).filter(|cell| !known(cell)) {
                wrong.entry(cell).or_insert(row.line);
            }
        }
        let kind = if text.text == "owner" { "rep" } else { "pool" };
        for (cell, line) in wrong.into_iter().take(MAX_ROWS_SHOWN) {
            let message = format!("line {line} of table `{}` names unknown {kind} `{cell}`", table.name());
            let (pools, reps) = (&self.references.pools, &self.references.reps);
            let near = if kind == "rep" {
                did_you_mean(self.problems.work(), cell, reps.iter().flatten().map(RepId::as_str))
            } else {
                did_you_mean(self.problems.work(), cell, pools.iter().flatten().map(PoolId::as_str))
            };
            let help = near.unwrap_or_else(|| format!("create the {kind} first"));
            self.problems.error_help(text.span, "table-row", message, help);
        }
        if text.text == "pool" {
            let pools = table.rows().iter().filter_map(|row| row.cell(column)).filter(|cell| is_name(cell));
            self.pools.extend(pools.map(PoolId::new));
        }
        if text.text == "owner" {
            let reps = table.rows().iter().filter_map(|row| row.cell(column)).filter(|cell| is_name(cell));
            self.reps.extend(reps.map(RepId::new));
        }
    }
}

/// Returns the help for a key of a table that its field never has.
fn meant(work: &Work, kind: Kind, cell: &str) -> Option<String> {
    match kind {
        Kind::Country => {
            let code = match cell.to_ascii_uppercase().as_str() {
                "UK" => Some("GB".to_owned()),
                "EL" => Some("GR".to_owned()),
                _ => country::code(cell).map(str::to_owned),
            };
            Some(code.map_or_else(|| "write a two-letter code, such as `DE`".to_owned(), |c| format!("write `{c}`")))
        }
        Kind::Choice(words) => did_you_mean(work, cell, words.iter().copied()),
        _ => None,
    }
}
