//! Stored form of the turns of one transaction: one item with what every member was owed before the first turn, and the
//! changes of each turn.
//!
//! A turn credits every member who could take the lead; in a large pool these are hundreds. But there are few different
//! amounts, because members with the same weight get the same, or a billionth more. So each amount is stored once, with
//! the positions of the members who got it. What members were owed before later turns is computed.

use std::collections::BTreeMap;
use std::fmt::Write;

use fairleader_domain::rotation::{TURN, Turn};
use fairleader_domain::routing::TurnEntry;
use fairleader_lead::id::{LeadId, PoolId, RepId};
use serde::{Deserialize, Serialize};

use super::{ROTATION, key};
use crate::StoreError;
use crate::item::{Item, PART, body, get_text, record};

/// Key prefix of the turns of a transaction.
pub(crate) const TURNS: &str = "turns#";
/// Key prefix of turns in the old format, with every member in every turn.
pub(crate) const LEDGER: &str = "ledger#";
/// Prefix of a cursor among the items in the old format.
const OLDER: &str = "ledger.";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct TurnsForm {
    /// Members that a turn credited, by id, and what they were owed before all of these turns.
    members: Vec<(RepId, i64)>,
    turns: Vec<TurnForm>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct TurnForm {
    number: u64,
    lead_id: LeadId,
    assignment: u32,
    taken_by: RepId,
    /// Amounts in billionths, each with the positions of the members who got it, see [`places`].
    credits: Vec<(i64, String)>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    given_back: bool,
}

/// Turn in the old format.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LedgerForm {
    lead_id: LeadId,
    assignment: u32,
    number: u64,
    taken_by: RepId,
    credits: BTreeMap<RepId, i64>,
    lags_before: BTreeMap<RepId, i64>,
    #[serde(default)]
    given_back: bool,
}

impl From<LedgerForm> for TurnEntry {
    fn from(form: LedgerForm) -> Self {
        let LedgerForm { lead_id, assignment, number, taken_by, credits, lags_before, given_back } = form;
        Self { lead_id, assignment, turn: Turn { number, taken_by, credits, lags_before }, given_back }
    }
}

/// Builds the item of turns. `version` is that of the rotation after them.
pub(crate) fn turns_item(pool: &PoolId, version: u64, entries: &[TurnEntry]) -> Result<Item, StoreError> {
    let mut owed: BTreeMap<&RepId, i64> = BTreeMap::new();
    for (rep, lag) in entries.iter().flat_map(|entry| &entry.turn.lags_before) {
        owed.entry(rep).or_insert(*lag);
    }
    let place: BTreeMap<&RepId, usize> = owed.keys().enumerate().map(|(at, rep)| (*rep, at)).collect();
    let turns = entries.iter().map(|entry| {
        let mut amounts: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (rep, amount) in &entry.turn.credits {
            if let Some(place) = place.get(rep) {
                amounts.entry(*amount).or_default().push(*place);
            }
        }
        TurnForm {
            number: entry.turn.number,
            lead_id: entry.lead_id.clone(),
            assignment: entry.assignment,
            taken_by: entry.turn.taken_by.clone(),
            credits: amounts.into_iter().map(|(amount, at)| (amount, places(&at))).collect(),
            given_back: entry.given_back,
        }
    });
    let turns = turns.collect();
    let members = owed.into_iter().map(|(rep, lag)| (rep.clone(), lag)).collect();
    record(key(pool, &format!("{TURNS}{version:012}")), &TurnsForm { members, turns })
}

/// Reads the turns in an item of either format.
pub(crate) fn turns(item: &Item, table: &str) -> Result<Vec<TurnEntry>, StoreError> {
    let part = get_text(item, table, PART)?;
    if part.starts_with(LEDGER) {
        return Ok(body::<Vec<LedgerForm>>(item, table)?.into_iter().map(TurnEntry::from).collect());
    }
    let TurnsForm { members, turns } = body(item, table)?;
    let (names, mut owed): (Vec<RepId>, Vec<i64>) = members.into_iter().unzip();
    turns.into_iter().map(|form| entry(form, &names, &mut owed).ok_or_else(|| damaged(part))).collect()
}

fn damaged(part: &str) -> StoreError {
    StoreError::Damaged(format!("the turns in `{part}` name unknown members"))
}

/// Reads a turn, and updates what members are owed after it.
fn entry(form: TurnForm, names: &[RepId], owed: &mut [i64]) -> Option<TurnEntry> {
    let TurnForm { number, lead_id, assignment, taken_by, credits: amounts, given_back } = form;
    let (mut credits, mut lags_before) = (BTreeMap::new(), BTreeMap::new());
    for (amount, at) in amounts {
        for place in placed(&at)? {
            let (rep, lag) = (names.get(place)?, owed.get_mut(place)?);
            credits.insert(rep.clone(), amount);
            lags_before.insert(rep.clone(), *lag);
            *lag = lag.saturating_add(amount);
            if *rep == taken_by {
                *lag = if given_back { lag.saturating_add(TURN) } else { lag.saturating_sub(TURN) };
            }
        }
    }
    Some(TurnEntry { lead_id, assignment, turn: Turn { number, taken_by, credits, lags_before }, given_back })
}

/// Writes positions in ascending order as text, in the shorter of two formats: runs (`0-3,7`), or `x` and a bit set in
/// hexadecimal, with the first position in the highest bit of the first digit.
fn places(at: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for place in at {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *place => *last = *place,
            _ => runs.push((*place, *place)),
        }
    }
    let mut text = String::new();
    for (first, last) in runs {
        let comma = if text.is_empty() { "" } else { "," };
        let run = if first == last { format!("{comma}{first}") } else { format!("{comma}{first}-{last}") };
        text.push_str(&run);
    }
    let digits = at.last().map_or(0, |last| last / 4 + 1);
    if digits + 1 >= text.len() {
        return text;
    }
    let mut bits = vec![0_u8; digits];
    for place in at {
        if let Some(digit) = bits.get_mut(place / 4) {
            *digit |= 8 >> (place % 4);
        }
    }
    bits.iter().fold("x".to_owned(), |mut text, digit| {
        // Writing to a string cannot fail.
        write!(text, "{digit:x}").unwrap_or_default();
        text
    })
}

fn placed(text: &str) -> Option<Vec<usize>> {
    if let Some(digits) = text.strip_prefix('x') {
        let mut at = Vec::new();
        for (i, digit) in digits.chars().enumerate() {
            let bits = digit.to_digit(16)?;
            at.extend((0..4).filter(|bit| bits & (8 >> bit) != 0).map(|bit| i * 4 + bit));
        }
        return Some(at);
    }
    let mut at = Vec::new();
    for run in text.split(',').filter(|run| !run.is_empty()) {
        let (first, last) = run.split_once('-').unwrap_or((run, run));
        at.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(at)
}

/// Returns the cursor of the next page, from the last part of this one.
pub(super) fn cursor(part: &str) -> String {
    match part.strip_prefix(TURNS) {
        Some(version) => version.to_owned(),
        // Items in the old format come after the rotation.
        None => format!("{OLDER}{}", part.strip_prefix(LEDGER).unwrap_or_default()),
    }
}

/// Reads the part in a cursor.
pub(super) fn start(cursor: &str) -> Option<String> {
    let is_version = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    match cursor.strip_prefix(OLDER) {
        Some("") => Some(ROTATION.to_owned()),
        Some(version) => is_version(version).then(|| format!("{LEDGER}{version}")),
        None => is_version(cursor).then(|| format!("{TURNS}{cursor}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_read_back(at in proptest::collection::btree_set(0_usize..600, 0..600)) {
            let at: Vec<usize> = at.into_iter().collect();
            let text = places(&at);
            prop_assert!(text.len() <= 151, "{} for {} places", text.len(), at.len());
            prop_assert_eq!(placed(&text), Some(at));
        }
    }

    #[test]
    fn writes_positions_in_the_shorter_format() {
        assert_eq!(places(&[0, 1, 2, 3, 700]), "0-3,700");
        assert_eq!(places(&[0, 2, 4, 6, 8, 10]), "xaaa");
        assert_eq!(places(&[499]), "499");
        for wrong in ["xg", "1-", "a", "1,b"] {
            assert_eq!(placed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_cursor_continues_after_its_page() {
        for part in ["turns#000000000012", "ledger#000000000011", "rotation"] {
            assert_eq!(start(&cursor(part)).as_deref(), Some(part));
        }
        for wrong in ["", "1", "ledger.1", "turns#000000000012", "00000000001x"] {
            assert_eq!(start(wrong), None, "{wrong}");
        }
    }
}
