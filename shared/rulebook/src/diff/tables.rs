//! Compares two versions of a table that a lookup reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::join;
use crate::lead_value::fold;
use crate::lookup::postal;
use crate::table::{Row, Table};

/// The most rows to describe one by one.
const MAX_ROWS: usize = 3;

/// A row as a lookup sees it.
#[derive(Debug)]
struct Seen<'t> {
    /// Its keys, as written.
    shown: String,
    /// What it gives, by column.
    gives: BTreeMap<&'t str, &'t str>,
}

/// Describes what changes for a lookup by `from` that reads the columns `gives`; `None` if nothing does.
pub(super) fn compare(old: &Table, new: &Table, from: &[&str], gives: &BTreeSet<&str>) -> Option<String> {
    if old.hash() == new.hash() {
        return None;
    }
    let (before, after) = (rows(old, from, gives), rows(new, from, gives));
    let changed = after.iter().filter_map(|(key, after)| {
        let before = before.get(key)?;
        (before.gives != after.gives).then(|| became(before, after))
    });
    let mut changed: Vec<(bool, String)> = changed.collect();
    // Changes of destination matter most, so they come first.
    changed.sort_by_key(|(goes, _)| !goes);
    let changed: Vec<String> = changed.into_iter().map(|(_, said)| said).collect();
    let added: Vec<&Seen<'_>> =
        after.iter().filter(|(key, _)| !before.contains_key(*key)).map(|(_, row)| row).collect();
    let removed: Vec<&Seen<'_>> =
        before.iter().filter(|(key, _)| !after.contains_key(*key)).map(|(_, row)| row).collect();
    let counts = [(added.len(), "added"), (removed.len(), "removed"), (changed.len(), "changed")];
    let mut counts = counts.into_iter().filter(|(count, _)| *count > 0).enumerate().map(|(at, (count, verb))| {
        let noun = match (at, count) {
            (0, 1) => " row",
            (0, _) => " rows",
            _ => "",
        };
        format!("{count}{noun} {verb}")
    });
    let first = counts.next()?;
    let counted = counts.fold(first, |said, count| format!("{said}, {count}"));
    let all = changed.len() + added.len() + removed.len();
    let added = added.into_iter().map(|row| format!("{} is new and {}", row.shown, row.words()));
    let removed = removed.into_iter().map(|row| format!("{} is removed", row.shown));
    let mut told: Vec<String> = changed.into_iter().chain(added).chain(removed).take(MAX_ROWS).collect();
    if let Some(more) = all.checked_sub(told.len()).filter(|more| *more > 0) {
        told.push(format!("and {more} more"));
    }
    Some(format!("{counted}; {}", told.join("; ")))
}

/// Returns every row by its keys, as the lookup compares them.
fn rows<'t>(table: &'t Table, from: &[&str], gives: &BTreeSet<&str>) -> BTreeMap<Vec<String>, Seen<'t>> {
    let keys: Vec<(&str, Option<usize>)> = from.iter().map(|field| (*field, table.column(field))).collect();
    let columns: Vec<(&str, usize)> = table
        .columns()
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .filter(|(n, _)| gives.contains(n))
        .collect();
    let read = |row: &'t Row| {
        let cell = |column: Option<usize>| row.cell(column?).filter(|cell| *cell != "*");
        let key = keys.iter().map(|(field, column)| match cell(*column) {
            Some(code) if *field == "postal_code" => postal(code.trim_end_matches('*')),
            Some(cell) => fold(cell).into_owned(),
            None => String::new(),
        });
        let shown: Vec<&str> = keys.iter().filter_map(|(_, column)| cell(*column)).collect();
        let shown = if shown.is_empty() { "every other lead".to_owned() } else { shown.join(" ") };
        let gives = columns.iter().filter_map(|(name, at)| Some((*name, row.cell(*at)?))).collect();
        (key.collect(), Seen { shown, gives })
    };
    table.rows().iter().map(read).collect()
}

/// Returns ``DE 01 now goes to pool `east` instead of `dach` ``, and whether the destination changed.
fn became(before: &Seen<'_>, after: &Seen<'_>) -> (bool, String) {
    let columns: BTreeSet<&str> = before.gives.keys().chain(after.gives.keys()).copied().collect();
    let differing: Vec<&str> =
        columns.into_iter().filter(|column| before.gives.get(column) != after.gives.get(column)).collect();
    let goes = differing.iter().any(|column| matches!(*column, "pool" | "owner"));
    let said = differing.into_iter().map(|column| {
        let (was, is) = (before.gives.get(column), after.gives.get(column));
        let what = match column {
            "pool" => "pool ",
            "owner" => "",
            _ => return format!("has the {column} {} instead of {}", value(is), value(was)),
        };
        match (is, was) {
            (Some(is), Some(was)) => format!("goes to {what}`{is}` instead of `{was}`"),
            (Some(is), None) => format!("goes to {what}`{is}`"),
            (None, _) => format!("has no {column}"),
        }
    });
    (goes, format!("{} now {}", after.shown, join(&said.collect::<Vec<String>>(), "and")))
}

fn value(cell: Option<&&str>) -> String {
    cell.map_or_else(|| "nothing".to_owned(), |cell| format!("`{cell}`"))
}

impl Seen<'_> {
    fn words(&self) -> String {
        let said = self.gives.iter().map(|(column, cell)| match *column {
            "pool" => format!("goes to pool `{cell}`"),
            "owner" => format!("goes to `{cell}`"),
            column => format!("has the {column} `{cell}`"),
        });
        let said: Vec<String> = said.collect();
        if said.is_empty() { "gives nothing".to_owned() } else { join(&said, "and") }
    }
}
