//! Compares two conditions part by part.
//!
//! Two conditions are equal if they compile to the same: the order of parts and values, the case of letters and
//! `2 weeks` for `14 days` make no difference.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use sha2::{Digest as _, Sha256};

use crate::condition::{Condition, Test};
use crate::diagnostic::join;
use crate::did::{Did, spend_word};
use crate::matcher::{How, Matcher};
use crate::work::Work;

/// A condition without its notation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    All(BTreeSet<Key>),
    Any(BTreeSet<Key>),
    Not(Box<Key>),
    Is(String),
    Test(String, BTreeSet<ValueKey>),
    Did(Box<DidKey>),
}

/// A matcher without its notation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum ValueKey {
    Present,
    Absent,
    Number(u32, u32),
    YesNo(bool),
    Date(i64, i64),
    Age(i64, i64),
    Text(&'static str, String),
}

/// A test of activities without its notation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct DidKey {
    words: BTreeSet<ValueKey>,
    within: Option<i64>,
    /// By their words.
    spend: BTreeSet<&'static str>,
    response: BTreeSet<ValueKey>,
    channel: BTreeSet<ValueKey>,
    product: BTreeSet<ValueKey>,
    times: Option<(u32, u32)>,
}

/// The SHA-256 of a [`Key`]: equal exactly if the keys are, and small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// Returns the digest of a condition with named conditions by name.
    pub(super) fn of(condition: &Condition) -> Self {
        Self::hash(&Key::of(condition))
    }

    /// Returns the digest of a condition with named conditions written out.
    pub(super) fn written_out(condition: &Condition) -> Self {
        Self::hash(&Key::written_out(condition))
    }

    fn hash(key: &Key) -> Self {
        let mut digest = Digester(Sha256::new());
        key.hash(&mut digest);
        Self(digest.0.finalize().into())
    }
}

/// Feeds what is hashed to SHA-256.
struct Digester(Sha256);

impl Hasher for Digester {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// Returns whether both conditions hold for the same leads, as far as their keys tell.
pub(super) fn same(old: &Condition, new: &Condition) -> bool {
    old == new || Key::of(old) == Key::of(new) || Key::written_out(old) == Key::written_out(new)
}

impl Key {
    /// Returns the key with named conditions by name.
    pub(super) fn of(condition: &Condition) -> Self {
        Self::read(condition, false)
    }

    /// Returns the key with named conditions written out.
    pub(super) fn written_out(condition: &Condition) -> Self {
        Self::read(condition, true)
    }

    fn read(condition: &Condition, out: bool) -> Self {
        match condition {
            Condition::All(_) => {
                let mut keys = BTreeSet::new();
                for part in parts_of(condition) {
                    match Self::read(part, out) {
                        Self::All(inner) => keys.extend(inner),
                        key => drop(keys.insert(key)),
                    }
                }
                Self::only(keys).unwrap_or_else(Self::All)
            }
            Condition::Any(parts) => {
                let mut keys = BTreeSet::new();
                for part in parts {
                    match Self::read(part, out) {
                        Self::Any(inner) => keys.extend(inner),
                        key => drop(keys.insert(key)),
                    }
                }
                Self::only(keys).unwrap_or_else(Self::Any)
            }
            Condition::Not(inner) => Self::Not(Box::new(Self::read(inner, out))),
            Condition::Named(named) if out => Self::read(&named.condition, true),
            Condition::Named(named) => Self::Is(named.name.clone()),
            Condition::Test(test) => Self::Test(test.field.to_string(), values(&test.any_of)),
            Condition::Did(did) => Self::Did(Box::new(DidKey::of(did))),
        }
    }

    /// Returns the only one of `keys`, or all of them.
    fn only(mut keys: BTreeSet<Self>) -> Result<Self, BTreeSet<Self>> {
        match keys.pop_first() {
            Some(first) if keys.is_empty() => Ok(first),
            first => {
                keys.extend(first);
                Err(keys)
            }
        }
    }
}

impl DidKey {
    pub(super) fn of(did: &Did) -> Self {
        Self {
            words: values(&did.words),
            within: did.within.as_ref().map(|within| within.ms),
            spend: did.spend.iter().copied().map(spend_word).collect(),
            response: values(&did.response),
            channel: values(&did.channel),
            product: values(&did.product),
            times: did.times,
        }
    }
}

impl ValueKey {
    pub(super) fn of(matcher: &Matcher) -> Self {
        match matcher {
            Matcher::Present => Self::Present,
            Matcher::Absent => Self::Absent,
            Matcher::Number { from, to } => Self::Number(*from, *to),
            Matcher::YesNo(yes) => Self::YesNo(*yes),
            Matcher::Date { from, to, .. } => Self::Date(*from, *to),
            Matcher::Age { from, to, .. } => Self::Age(*from, *to),
            Matcher::Text { how, folded, .. } => {
                let how = match how {
                    How::Is => "is",
                    How::StartsWith => "starts with",
                    How::EndsWith => "ends with",
                    How::Contains => "contains",
                    How::Word => "word",
                };
                Self::Text(how, folded.clone())
            }
        }
    }
}

/// Returns the values without their notation.
pub(super) fn values(matchers: &[Matcher]) -> BTreeSet<ValueKey> {
    matchers.iter().map(ValueKey::of).collect()
}

/// How sentences refer to the owner of a condition.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    /// ``rule `dach` ``.
    pub(super) who: String,
    /// What it does with a lead it matches: `takes`, `holds for`.
    pub(super) does: &'static str,
}

/// Returns the parts that must all hold; a named condition is one part.
fn parts_of(condition: &Condition) -> Vec<&Condition> {
    match condition {
        Condition::All(parts) => parts.iter().flat_map(parts_of).collect(),
        other => vec![other],
    }
}

/// The subject of a part; a part may have replaced another with the same subject.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject<'c> {
    Field(&'c str),
    AnythingBut(&'c str),
    Any,
    Did,
    Never,
}

fn subject(condition: &Condition) -> Option<Subject<'_>> {
    match condition {
        Condition::Test(test) => Some(Subject::Field(&test.field)),
        Condition::Did(_) => Some(Subject::Did),
        Condition::Any(_) => Some(Subject::Any),
        Condition::Not(inner) => match inner.as_ref() {
            Condition::Test(test) => Some(Subject::AnythingBut(&test.field)),
            Condition::Did(_) => Some(Subject::Never),
            _ => None,
        },
        Condition::All(_) | Condition::Named(_) => None,
    }
}

/// Describes the changes from `old` to `new`, one sentence each; none if both mean the same. With too many changes, a
/// single sentence says what held before and what holds now.
pub(super) fn changes(voice: &Voice, old: &Condition, new: &Condition, work: &Work) -> Vec<String> {
    let keyed = |condition| {
        let parts = parts_of(condition).into_iter();
        parts.map(|part| (Key::of(part), part)).collect::<BTreeMap<Key, &Condition>>()
    };
    let (before, after) = (keyed(old), keyed(new));
    let gone = before.iter().filter(|(key, _)| !after.contains_key(key)).map(|(_, part)| *part);
    let come = after.iter().filter(|(key, _)| !before.contains_key(key)).map(|(_, part)| *part);
    let (mut gone, come): (Vec<&Condition>, Vec<&Condition>) = (gone.collect(), come.collect());
    // Every part that is new is compared with every part that is gone, and with each alternative in it.
    let size = |parts: &[&Condition]| parts.iter().map(|part| 2 + part.size()).sum::<usize>();
    let pairs = size(&come).saturating_mul(4 + gone.len() + come.len());
    if !work.compares(pairs.saturating_add(size(&gone).saturating_mul(4 + come.len()))) {
        return vec![format!("{} now needs: {} (before: {})", voice.who, new.words(), old.words())];
    }
    let mut said = Vec::new();
    let mut added = Vec::new();
    for part in &come {
        // `a` became `a or b`, or `a or b` became `a`.
        if let Some((at, others)) = gone.iter().enumerate().find_map(|(at, old)| Some((at, beside(part, old)?))) {
            gone.remove(at);
            said.push(format!("{} now also {} leads if {others}", voice.who, voice.does));
            continue;
        }
        if let Some((at, others)) = gone.iter().enumerate().find_map(|(at, old)| Some((at, beside(old, part)?))) {
            gone.remove(at);
            said.push(format!("{} no longer {} leads just because {others}", voice.who, voice.does));
            continue;
        }
        let about = subject(part);
        let alone = |parts: &[&Condition]| parts.iter().filter(|other| subject(other) == about).count() == 1;
        let before = if about.is_some() && alone(&come) && alone(&gone) {
            gone.iter().position(|other| subject(other) == about).map(|at| gone.remove(at))
        } else {
            None
        };
        match before {
            Some(before) => said.extend(replaced(voice, before, part)),
            None => added.push(part.words()),
        }
    }
    let who = &voice.who;
    said.extend(added.iter().map(|words| format!("{who} now also needs: {words}")));
    said.extend(gone.iter().map(|part| format!("{who} no longer needs: {}", part.words())));
    said
}

/// Returns the other alternatives of `any` in words; `None` if `one` is not one of them.
fn beside(any: &Condition, one: &Condition) -> Option<String> {
    let Condition::Any(parts) = any else { return None };
    let key = Key::of(one);
    let others: Vec<String> = parts.iter().filter(|part| Key::of(part) != key).map(Condition::words).collect();
    (!others.is_empty() && others.len() < parts.len()).then(|| others.join(" or "))
}

/// Describes the change from `old` to `new`, which have the same subject.
fn replaced(voice: &Voice, old: &Condition, new: &Condition) -> Vec<String> {
    let Voice { who, does } = voice;
    match (old, new) {
        (Condition::Test(old), Condition::Test(new)) => {
            let field = &new.field;
            let values = |values: &str| format!("leads with {field} {values}");
            match gained_and_lost(old, new) {
                Some((gained, lost)) => {
                    let gained = gained.map(|gained| format!("{who} now also {does} {}", values(&gained)));
                    let lost = lost.map(|lost| format!("{who} no longer {does} {}", values(&lost)));
                    gained.into_iter().chain(lost).collect()
                }
                None => vec![format!("{who} now needs {field} {} (before: {})", new.wanted(), old.wanted())],
            }
        }
        (Condition::Not(old_inner), Condition::Not(new_inner)) => {
            if let (Condition::Test(old), Condition::Test(new)) = (old_inner.as_ref(), new_inner.as_ref())
                && let Some((gained, lost)) = gained_and_lost(old, new)
            {
                let field = &new.field;
                let shut = gained.map(|gained| format!("{who} no longer {does} leads with {field} {gained}"));
                let let_in = lost.map(|lost| format!("{who} now also {does} leads with {field} {lost}"));
                return shut.into_iter().chain(let_in).collect();
            }
            vec![format!("{who} now needs: {} (before: {})", new.words(), old.words())]
        }
        (Condition::Any(old), Condition::Any(new)) => {
            let keys = |parts: &[Condition]| parts.iter().map(Key::of).collect::<BTreeSet<Key>>();
            let (before, after) = (keys(old), keys(new));
            let words = |parts: &[Condition], without: &BTreeSet<Key>| {
                let parts = parts.iter().filter(|part| !without.contains(&Key::of(part)));
                let words: Vec<String> = parts.map(Condition::words).collect();
                (!words.is_empty()).then(|| words.join(" or "))
            };
            let gained = words(new, &before).map(|words| format!("{who} now also {does} leads if {words}"));
            let lost = words(old, &after).map(|words| format!("{who} no longer {does} leads just because {words}"));
            gained.into_iter().chain(lost).collect()
        }
        _ => vec![format!("{who} now needs: {} (before: {})", new.words(), old.words())],
    }
}

/// Returns the values that a test of words gained and lost, if it kept any; other tests are described as a whole.
fn gained_and_lost(old: &Test, new: &Test) -> Option<(Option<String>, Option<String>)> {
    let is_word = |matcher: &Matcher| matches!(matcher, Matcher::Text { how: How::Is, .. });
    if !old.any_of.iter().chain(&new.any_of).all(is_word) {
        return None;
    }
    let (before, after) = (values(&old.any_of), values(&new.any_of));
    if before.is_disjoint(&after) {
        return None;
    }
    Some((without(&new.any_of, &before), without(&old.any_of, &after)))
}

/// Returns the values that are not in `known`, in words; `None` if there are none.
pub(super) fn without(matchers: &[Matcher], known: &BTreeSet<ValueKey>) -> Option<String> {
    let others = matchers.iter().filter(|matcher| !known.contains(&ValueKey::of(matcher)));
    let words: Vec<String> = others.map(Matcher::object).collect();
    (!words.is_empty()).then(|| join(&words, "or"))
}
