//! Compares up to a few thousand terms at once. Each field has a column of bitmaps, one for every key (or range of
//! numbers) that a term tests, with a bit for each term that a lead with that key may meet. The bits that are set in
//! all columns are the terms left to compare.
//!
//! A column handles negations (the bitmap of a key lacks the terms that exclude it) and missing values. A superfluous
//! bit is allowed, because every term is compared in full; a missing bit is not.

use std::collections::BTreeMap;

use super::super::reading::{Fields, Reading};
use super::super::symbols::{Key, NONE, at, number};
use super::Index;
use super::term::{Asks, Part};

/// The most columns of a block.
const MAX_COLUMNS: usize = 12;
/// A field that fewer terms test gets no column, because comparing these terms costs less.
const MIN_ASKING: usize = 3;
/// A longer list of keys is left to the full comparison.
const MAX_KEYS: usize = 64;
/// The most numbers at which a column is cut.
pub(super) const MAX_CUTS: usize = 63;
/// The most bytes of bitmaps per term, for blocks of more than [`LARGE`] terms.
const BYTES_PER_TERM: usize = 512;
const LARGE: usize = 128;

const BITS: usize = 64;
/// How many words to combine before visiting the terms that are left.
const CHUNK: usize = 8;

/// A field of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    slot: u16,
    by: By,
    /// The bitmap of leads without a bitmap of their own in the column.
    otherwise: u32,
    /// [`By::Key`]: where its hash table of keys and bitmaps starts. [`By::Number`]: where its cuts start.
    from: u32,
    /// [`By::Key`]: the size of that table minus one. [`By::Number`]: where its cuts end.
    to: u32,
    /// [`By::Number`]: the bitmap of the lowest piece; the others follow.
    lowest: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Key,
    Number,
}

/// The input for a column: each term that tests the field, by its position in the block, with its tests.
type Asking<'s> = Vec<(usize, Vec<&'s Part>)>;

/// Bitmaps before they are stored.
struct Draft {
    slot: u16,
    by: By,
    otherwise: Vec<u64>,
    /// The keys, or the numbers at which the pieces after the lowest start.
    values: Vec<u32>,
    bitmaps: Vec<Vec<u64>>,
}

/// Builds the columns of a block over `terms`; `None` if they would be too large and the block has to be halved.
/// `settled` says for which slots every lead that gets here has the same key, `bounds` which numbers it may have. A
/// column of prefixes that would take more steps than `spare` is left out: without it, more terms are compared.
pub(super) fn columns(
    index: &mut Index,
    fields: &Fields,
    terms: &[&[Part]],
    settled: impl Fn(u16) -> bool,
    bounds: impl Fn(u16) -> (u32, u32),
    spare: &mut usize,
) -> Option<(u32, u32)> {
    let mut asking: BTreeMap<(u16, By), Asking<'_>> = BTreeMap::new();
    for (place, parts) in terms.iter().enumerate() {
        for part in *parts {
            let by = match &part.asks {
                Asks::Keys(keys) if keys.len() > MAX_KEYS || settled(part.slot) => continue,
                Asks::Keys(_) => By::Key,
                Asks::Range(..) => By::Number,
            };
            let asking = asking.entry((part.slot, by)).or_default();
            match asking.last_mut() {
                Some((last, parts)) if *last == place => parts.push(part),
                _ => asking.push((place, vec![part])),
            }
        }
    }
    let mut asking: Vec<((u16, By), Asking<'_>)> = asking.into_iter().collect();
    asking.retain(|(_, terms)| terms.len() >= MIN_ASKING);
    asking.sort_by_key(|(_, terms)| std::cmp::Reverse(terms.len()));
    asking.truncate(MAX_COLUMNS);
    let words = terms.len().div_ceil(BITS);
    let values: Vec<Vec<u32>> = asking.iter().map(|((slot, by), terms)| values(*by, terms, bounds(*slot))).collect();
    let bitmaps: usize = values.iter().map(|values| values.len() + 2).sum();
    if terms.len() > LARGE && bitmaps * words * size_of::<u64>() > BYTES_PER_TERM * terms.len() {
        return None;
    }
    let from = number(index.columns.len());
    for (((slot, by), asking), values) in asking.into_iter().zip(values) {
        if by == By::Number && values.is_empty() {
            continue;
        }
        let mut draft = Draft { slot, by, otherwise: full(terms.len()), values, bitmaps: Vec::new() };
        match by {
            By::Key if !draft.by_key(&asking, fields, spare) => continue,
            By::Key => {}
            By::Number => draft.by_number(&asking, bounds(slot)),
        }
        draft.store(index);
    }
    Some((from, number(index.columns.len())))
}

/// Returns the keys or cuts that the terms test, in ascending order.
fn values(by: By, asking: &Asking<'_>, (least, most): (u32, u32)) -> Vec<u32> {
    let mut values = Vec::new();
    for part in asking.iter().flat_map(|(_, parts)| parts) {
        match &part.asks {
            Asks::Keys(keys) => values.extend(keys),
            Asks::Range(from, to) => {
                values.extend([*from].iter().filter(|from| **from > least && **from <= most));
                values.extend((least..most).contains(to).then(|| to + 1));
            }
        }
    }
    if by == By::Number {
        return cuts(values, MAX_CUTS);
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// Returns at most `most` of these numbers, in order and evenly spread.
pub(super) fn cuts(mut ends: Vec<u32>, most: usize) -> Vec<u32> {
    ends.sort_unstable();
    let mut all = ends.clone();
    all.dedup();
    if all.len() <= most {
        return all;
    }
    let mut cuts: Vec<u32> = (1..=most).filter_map(|nth| ends.get(nth * ends.len() / (most + 1)).copied()).collect();
    cuts.dedup();
    cuts
}

/// Returns a bitmap with `bits` bits, all set.
fn full(bits: usize) -> Vec<u64> {
    let mut words = vec![u64::MAX; bits.div_ceil(BITS)];
    if let Some(last) = words.last_mut().filter(|_| !bits.is_multiple_of(BITS)) {
        *last = (1 << (bits % BITS)) - 1;
    }
    words
}

fn set(bitmap: &mut [u64], bit: usize, on: bool) {
    if let Some(word) = bitmap.get_mut(bit / BITS) {
        let mask = 1 << (bit % BITS);
        *word = if on { *word | mask } else { *word & !mask };
    }
}

impl Draft {
    /// Returns false if that takes more steps than `spare`.
    fn by_key(&mut self, asking: &Asking<'_>, fields: &Fields, spare: &mut usize) -> bool {
        // A lead with none of the keys meets only negated tests.
        for (term, parts) in asking {
            set(&mut self.otherwise, *term, parts.iter().all(|part| part.negated));
        }
        self.bitmaps = vec![self.otherwise.clone(); self.values.len()];
        // A lead with one prefix also has its shorter prefixes, so find the bitmaps in which each key counts.
        let symbols = fields.symbols(self.slot);
        let all = |key: u32| symbols.into_iter().flat_map(move |symbols| symbols.all(key));
        let mut stands_in: Vec<Vec<usize>> = vec![Vec::new(); self.values.len()];
        for (bitmap, key) in self.values.iter().enumerate() {
            for key in all(*key) {
                let Some(left) = spare.checked_sub(1) else { return false };
                *spare = left;
                let known = self.values.binary_search(&key).ok().and_then(|known| stands_in.get_mut(known));
                if let Some(bitmaps) = known {
                    bitmaps.push(bitmap);
                }
            }
        }
        for (term, parts) in asking {
            let keys = parts.iter().filter_map(|part| match &part.asks {
                Asks::Keys(keys) => Some(keys),
                Asks::Range(..) => None,
            });
            for known in keys.flatten().filter_map(|key| self.values.binary_search(key).ok()) {
                // A key that stands for itself only is what all but prefixes do.
                let steps = stands_in.get(known).map_or(0, |bitmaps| bitmaps.len().saturating_mul(parts.len()));
                let Some(left) = spare.checked_sub(if steps > parts.len() { steps } else { 0 }) else { return false };
                *spare = left;
                for bitmap in stands_in.get(known).into_iter().flatten() {
                    let Some(key) = self.values.get(*bitmap) else { continue };
                    let holds = |part: &&Part| match &part.asks {
                        Asks::Keys(keys) => all(*key).any(|key| keys.binary_search(&key).is_ok()) != part.negated,
                        Asks::Range(..) => true,
                    };
                    let on = parts.iter().all(holds);
                    self.bitmaps.get_mut(*bitmap).into_iter().for_each(|bitmap| set(bitmap, *term, on));
                }
            }
        }
        true
    }

    fn by_number(&mut self, asking: &Asking<'_>, (least, most): (u32, u32)) {
        let lows = [least].into_iter().chain(self.values.iter().copied());
        let highs = self.values.iter().map(|cut| cut.saturating_sub(1)).chain([most]);
        let pieces: Vec<(u32, u32)> = lows.zip(highs).collect();
        self.bitmaps = vec![self.otherwise.clone(); pieces.len()];
        for (term, parts) in asking {
            set(&mut self.otherwise, *term, parts.iter().all(|part| part.negated));
            for ((low, high), bitmap) in pieces.iter().zip(&mut self.bitmaps) {
                let may_hold = |part: &&Part| match &part.asks {
                    Asks::Range(from, to) if part.negated => low < from || to < high,
                    Asks::Range(from, to) => from <= high && low <= to,
                    Asks::Keys(_) => true,
                };
                set(bitmap, *term, parts.iter().all(may_hold));
            }
        }
    }

    fn store(self, index: &mut Index) {
        let words = self.otherwise.len();
        let otherwise = number(index.bitmaps.len());
        index.bitmaps.extend(self.otherwise);
        let lowest = number(index.bitmaps.len());
        index.bitmaps.extend(self.bitmaps.into_iter().flatten());
        let (from, to) = match self.by {
            By::Key => {
                let bitmap = |nth: usize| lowest.saturating_add(number(nth * words));
                let keys: Vec<(u32, u32)> =
                    self.values.iter().enumerate().map(|(nth, key)| (*key, bitmap(nth))).collect();
                super::table(&mut index.states, &keys)
            }
            By::Number => {
                let from = number(index.cuts.len());
                index.cuts.extend(self.values);
                (from, number(index.cuts.len()))
            }
        };
        index.columns.push(Column { slot: self.slot, by: self.by, otherwise, from, to, lowest });
    }
}

impl Index {
    /// Returns the bitmap of a lead in a column.
    fn bitmap(&self, column: &Column, words: usize, reading: &Reading<'_>) -> &[u64] {
        let from = match (column.by, reading.key(column.slot)) {
            (By::Key, Key::Of { is, begins }) => {
                let known = |key: u32| super::find(&self.states, column.from, column.to, key);
                let exact = if is == NONE { None } else { known(is) };
                let found = match exact {
                    None if begins != NONE => reading.begins(column.slot, begins).find_map(known),
                    exact => exact,
                };
                found.unwrap_or(column.otherwise)
            }
            (By::Number, Key::Number(value)) => {
                let cuts = self.cuts.get(at(column.from)..at(column.to)).unwrap_or_default();
                column.lowest.saturating_add(number(cuts.partition_point(|cut| *cut <= value) * words))
            }
            _ => column.otherwise,
        };
        self.bitmaps.get(at(from)..at(from) + words).unwrap_or_default()
    }

    /// Calls `visit` with the position of every term that a lead may meet, in order, until it returns false.
    pub(super) fn candidates(
        &self,
        (from, to): (u32, u32),
        terms: usize,
        reading: &Reading<'_>,
        mut visit: impl FnMut(usize) -> bool,
    ) {
        let words = terms.div_ceil(BITS);
        let mut bitmaps: [&[u64]; MAX_COLUMNS] = [&[]; MAX_COLUMNS];
        let columns = self.columns.get(at(from)..at(to)).unwrap_or_default();
        for (column, bitmap) in columns.iter().zip(&mut bitmaps) {
            *bitmap = self.bitmap(column, words, reading);
        }
        let bitmaps = bitmaps.get(..columns.len()).unwrap_or_default();
        for begin in (0..words).step_by(CHUNK) {
            let mut left = [0; CHUNK];
            let chunk = words.saturating_sub(begin).min(CHUNK);
            left.iter_mut().take(chunk).for_each(|left| *left = u64::MAX);
            for bitmap in bitmaps {
                let words = bitmap.get(begin..begin + chunk).unwrap_or_default();
                left.iter_mut().zip(words).for_each(|(left, word)| *left &= word);
            }
            for (word, mut left) in left.into_iter().enumerate() {
                while left != 0 {
                    if !visit((begin + word) * BITS + at(left.trailing_zeros())) {
                        return;
                    }
                    left &= left - 1;
                }
            }
        }
    }
}
