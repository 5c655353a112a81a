//! Expands a condition into alternatives that compare integers: the terms of its disjunctive normal form.

use super::super::condition::{Condition, Test};
use super::super::reading::{Fields, Reading};
use super::super::symbols::{ABSENT, Key, NONE, Symbols, at, number};
use crate::matcher::{How, Matcher};

/// The most alternatives of one condition. A part that would exceed this is left to the condition itself.
const MAX_TERMS: usize = 8;

/// The most tests of one alternative that compare integers; the rest is left to the condition itself.
const MAX_PARTS: usize = 32;

/// The most keys of one test; the head of a stored part has no room for more.
const MAX_KEYS: usize = (1 << 14) - 1;

/// One alternative of a condition: tests that must all hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Term {
    pub(super) parts: Vec<Part>,
    /// Whether the condition requires more than `parts`, so that it has to be tested itself.
    pub(super) more: bool,
}

/// A test of one field, ready to store.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) slot: u16,
    pub(super) negated: bool,
    pub(super) asks: Asks,
}

/// What a [`Part`] requires.
#[derive(Clone, Debug)]
pub(super) enum Asks {
    /// Any of these keys, in ascending order.
    Keys(Vec<u32>),
    /// A number from the first to the second, both included.
    Range(u32, u32),
}

impl Term {
    fn more() -> Self {
        Self { parts: Vec::new(), more: true }
    }

    /// Adds the tests of another alternative.
    fn add(&mut self, other: &Self) {
        let room = MAX_PARTS.saturating_sub(self.parts.len());
        self.more |= other.more || other.parts.len() > room;
        self.parts.extend(other.parts.iter().take(room).cloned());
    }

    fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.add(other);
        both
    }
}

/// Returns the alternatives of a condition. It holds for a lead exactly if all parts of an alternative hold and, if
/// that alternative has `more`, the condition itself holds too.
pub(super) fn terms(condition: &Condition, fields: &mut Fields) -> Vec<Term> {
    expand(condition, false, fields)
}

fn expand(condition: &Condition, negated: bool, fields: &mut Fields) -> Vec<Term> {
    match condition {
        Condition::All(parts) if negated => any(parts, negated, fields),
        Condition::Any(parts) if negated => all(parts, negated, fields),
        Condition::All(parts) => all(parts, negated, fields),
        Condition::Any(parts) => any(parts, negated, fields),
        Condition::Not(inner) => expand(inner, !negated, fields),
        Condition::Named(named) => expand(&named.condition, negated, fields),
        Condition::Test(test) => self::test(test, negated, fields).unwrap_or_else(|| vec![Term::more()]),
        Condition::Did(_) => vec![Term::more()],
    }
}

fn all(parts: &[Condition], negated: bool, fields: &mut Fields) -> Vec<Term> {
    let mut each: Vec<Vec<Term>> = parts.iter().map(|part| expand(part, negated, fields)).collect();
    // Start with the fewest alternatives, so that the largest part is the one left out if there are too many.
    each.sort_by_key(Vec::len);
    let mut terms = vec![Term::default()];
    for part in &each {
        match part.as_slice() {
            [one] => terms.iter_mut().for_each(|term| term.add(one)),
            several if terms.len().saturating_mul(several.len()) > MAX_TERMS => {
                for term in &mut terms {
                    term.more = true;
                }
            }
            several => terms = terms.iter().flat_map(|term| several.iter().map(|other| term.and(other))).collect(),
        }
    }
    terms
}

fn any(parts: &[Condition], negated: bool, fields: &mut Fields) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    for part in parts {
        for term in expand(part, negated, fields) {
            if !terms.iter_mut().any(|known| join(known, &term)) {
                terms.push(term);
            }
        }
        if terms.len() > MAX_TERMS {
            return vec![Term::more()];
        }
    }
    // Keys that were joined are sorted once, not with every one of them.
    for part in terms.iter_mut().flat_map(|term| &mut term.parts) {
        if let Asks::Keys(keys) = &mut part.asks {
            keys.sort_unstable();
            keys.dedup();
        }
    }
    terms
}

/// Merges `other` into `known` if both test only keys of the same field.
fn join(known: &mut Term, other: &Term) -> bool {
    match (known.parts.as_mut_slice(), other.parts.as_slice()) {
        (
            [Part { slot, negated: false, asks: Asks::Keys(keys) }],
            [Part { slot: same, negated: false, asks: Asks::Keys(more) }],
        ) if slot == same && !known.more && !other.more => {
            if keys.len() + more.len() > MAX_KEYS {
                return false;
            }
            keys.extend(more);
            true
        }
        _ => false,
    }
}

/// Returns the alternatives of a test or, if negated, the one that excludes all of them. `None` if the test cannot be
/// compared by integers.
fn test(test: &Test, negated: bool, fields: &mut Fields) -> Option<Vec<Term>> {
    // Searches within a text and points in time have no keys to look up.
    let lookable = |matcher: &Matcher| match matcher {
        Matcher::Present | Matcher::Absent | Matcher::Number { .. } | Matcher::YesNo(_) => true,
        Matcher::Text { how, .. } => matches!(how, How::Is | How::StartsWith),
        Matcher::Date { .. } | Matcher::Age { .. } => false,
    };
    let slot = u16::try_from(test.slot).ok().filter(|_| test.any_of.iter().all(lookable))?;
    let symbols = fields.symbols_mut(test.slot)?;
    let mut keys = Vec::new();
    let mut parts = Vec::new();
    for matcher in &test.any_of {
        match matcher {
            Matcher::Absent => keys.push(ABSENT),
            Matcher::Present => parts.push(Part { slot, negated: !negated, asks: Asks::Keys(vec![ABSENT]) }),
            Matcher::YesNo(yes) => keys.push(Symbols::yes_no(*yes)),
            Matcher::Number { from, to } => parts.push(Part { slot, negated, asks: Asks::Range(*from, *to) }),
            Matcher::Text { how: How::Is, folded, .. } => keys.push(symbols.insert_is(folded)),
            Matcher::Text { folded, .. } => keys.push(symbols.insert_begins(folded)),
            Matcher::Date { .. } | Matcher::Age { .. } => return None,
        }
    }
    if !keys.is_empty() {
        keys.sort_unstable();
        keys.dedup();
        if keys.len() > MAX_KEYS {
            return None;
        }
        parts.push(Part { slot, negated, asks: Asks::Keys(keys) });
    }
    if negated {
        let more = parts.len() > MAX_PARTS;
        parts.truncate(MAX_PARTS);
        return Some(vec![Term { parts, more }]);
    }
    (parts.len() <= MAX_TERMS).then(|| parts.into_iter().map(|part| Term { parts: vec![part], more: false }).collect())
}

impl Part {
    /// Returns the length of its code.
    pub(super) const fn code(&self) -> usize {
        match &self.asks {
            Asks::Keys(keys) => 1 + keys.len(),
            Asks::Range(..) => 3,
        }
    }
}

// Parts are stored one after the other in a list of numbers, so that comparing a term reads contiguous memory. A part
// is its head, followed by its keys, or by the lowest and the highest number.
const NEGATED: u32 = 1 << 16;
const RANGE: u32 = 1 << 17;
/// The shift of the number of keys in a head; the slot is in the lowest bits.
const KEYS: u32 = 18;

/// Appends a part to `code`.
pub(super) fn encode(part: &Part, code: &mut Vec<u32>) {
    let head = u32::from(part.slot) | if part.negated { NEGATED } else { 0 };
    match &part.asks {
        Asks::Range(from, to) => code.extend([head | RANGE, *from, *to]),
        Asks::Keys(keys) => {
            code.push(head | number(keys.len()) << KEYS);
            code.extend(keys);
        }
    }
}

/// Returns whether all stored parts hold for a lead.
pub(super) fn hold(mut code: &[u32], reading: &Reading<'_>) -> bool {
    while let Some((head, rest)) = code.split_first() {
        let slot = u16::try_from(head & u32::from(u16::MAX)).unwrap_or_default();
        let length = if head & RANGE == 0 { head >> KEYS } else { 2 };
        let Some((values, next)) = rest.split_at_checked(at(length)) else { return false };
        let found = match (reading.key(slot), values) {
            (Key::Number(number), [from, to]) if head & RANGE != 0 => (from..=to).contains(&&number),
            (Key::Of { is, begins }, keys) if head & RANGE == 0 => {
                let asked =
                    |key: u32| if keys.len() <= 8 { keys.contains(&key) } else { keys.binary_search(&key).is_ok() };
                asked(is) || (begins != NONE && reading.begins(slot, begins).any(asked))
            }
            _ => false,
        };
        if found == (head & NEGATED != 0) {
            return false;
        }
        code = next;
    }
    true
}
