//! A condition as alternatives that can be compared with integers: the terms of its disjunctive normal form.

use super::super::condition::{Condition, How, Matcher, Test};
use super::super::reading::{Fields, Reading};
use super::super::symbols::{ABSENT, Key, NONE, Symbols, at, number};

/// Most alternatives one condition is written out in. A part that would make more is left to the condition itself.
const MAX_TERMS: usize = 8;

/// What must hold, all of it, for one alternative of a condition.
#[derive(Clone, Debug, Default)]
pub(super) struct Term {
    pub(super) parts: Vec<Part>,
    /// Whether the condition asks for more than `parts` say, so that it has to be asked itself.
    pub(super) more: bool,
}

/// A test of one field, ready to be stored.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) slot: u16,
    pub(super) negated: bool,
    pub(super) asks: Asks,
}

/// What a [`Part`] asks for.
#[derive(Clone, Debug)]
pub(super) enum Asks {
    /// Any of these keys, in their order.
    Keys(Vec<u32>),
    /// A number from the first to the second, both included.
    Range(u32, u32),
}

impl Term {
    fn more() -> Self {
        Self { parts: Vec::new(), more: true }
    }

    fn and(&self, other: &Self) -> Self {
        let parts = self.parts.iter().chain(&other.parts).cloned().collect();
        Self { parts, more: self.more || other.more }
    }
}

/// The alternatives of a condition. It holds for a lead exactly if all parts of one of them do and, where that one says
/// that there is more, the condition itself holds too.
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
    // The parts with the fewest alternatives first, so that it is the largest that is left out if it gets too many.
    each.sort_by_key(Vec::len);
    each.iter().fold(vec![Term::default()], |terms, part| {
        if terms.len().saturating_mul(part.len()) > MAX_TERMS {
            return terms.into_iter().map(|term| Term { more: true, ..term }).collect();
        }
        terms.iter().flat_map(|term| part.iter().map(|other| term.and(other))).collect()
    })
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
    terms
}

/// Takes `other` into `known` if both ask for nothing but keys of the same field.
fn join(known: &mut Term, other: &Term) -> bool {
    match (known.parts.as_mut_slice(), other.parts.as_slice()) {
        (
            [Part { slot, negated: false, asks: Asks::Keys(keys) }],
            [Part { slot: same, negated: false, asks: Asks::Keys(more) }],
        ) if slot == same && !known.more && !other.more => {
            keys.extend(more);
            keys.sort_unstable();
            keys.dedup();
            true
        }
        _ => false,
    }
}

/// The alternatives of a test, or, negated, the one that rules all of them out. `None` if only the test itself can tell.
fn test(test: &Test, negated: bool, fields: &mut Fields) -> Option<Vec<Term>> {
    // A search within the text decides nothing that could be looked up; so does a point in time, for it moves.
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
        parts.push(Part { slot, negated, asks: Asks::Keys(keys) });
    }
    if negated {
        return Some(vec![Term { parts, more: false }]);
    }
    (parts.len() <= MAX_TERMS).then(|| parts.into_iter().map(|part| Term { parts: vec![part], more: false }).collect())
}

/// A [`Part`] as it is stored, in 12 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal {
    slot: u16,
    negated: bool,
    form: Form,
    /// By `form`: a key, the start of a set, or the lowest number.
    one: u32,
    /// By `form`: another key, the end of a set, or the highest number.
    other: u32,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// One of two keys, which may be the same.
    Keys,
    /// One of the keys that stand from `one` to `other` among the sets.
    Set,
    Range,
}

impl Literal {
    /// Stores a part; a list of keys goes to `sets`.
    pub(super) fn new(part: &Part, sets: &mut Vec<u32>) -> Self {
        let (form, one, other) = match &part.asks {
            Asks::Range(from, to) => (Form::Range, *from, *to),
            Asks::Keys(keys) => match keys.as_slice() {
                [] => (Form::Keys, NONE - 1, NONE - 1),
                [one] => (Form::Keys, *one, *one),
                [one, other] => (Form::Keys, *one, *other),
                keys => {
                    let from = number(sets.len());
                    sets.extend(keys);
                    (Form::Set, from, number(sets.len()))
                }
            },
        };
        Self { slot: part.slot, negated: part.negated, form, one, other }
    }

    /// Whether it holds for a lead.
    pub(super) fn holds(self, sets: &[u32], reading: &Reading<'_>) -> bool {
        let found = match (self.form, reading.key(self.slot)) {
            (Form::Range, Key::Number(number)) => (self.one..=self.other).contains(&number),
            (Form::Keys, Key::Of { is, begins }) => {
                let asked = |key: u32| key == self.one || key == self.other;
                asked(is) || (begins != NONE && reading.begins(self.slot, begins).any(asked))
            }
            (Form::Set, Key::Of { is, begins }) => {
                let set = sets.get(at(self.one)..at(self.other)).unwrap_or_default();
                let asked = |key: u32| set.binary_search(&key).is_ok();
                asked(is) || (begins != NONE && reading.begins(self.slot, begins).any(asked))
            }
            _ => false,
        };
        found != self.negated
    }
}
