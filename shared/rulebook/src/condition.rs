//! Compiled conditions: whether they hold for a lead, how to put them in words, and how they relate to each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostic::{cut, join};
use super::did::Did;
use super::reading::Reading;
use crate::matcher::{How, Matcher};
use crate::work::Work;

/// The most parts of a condition to name in an explanation.
const MAX_PARTS_SHOWN: usize = 50;
/// The most values of one test to name.
pub(crate) const MAX_VALUES_SHOWN: usize = 50;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// All of these hold; an empty list holds for every lead.
    All(Vec<Condition>),
    /// At least one of these holds.
    Any(Vec<Condition>),
    /// This does not hold. `not: { country: DE }` holds for a lead without a country.
    Not(Box<Condition>),
    /// A named condition.
    Named(Arc<Named>),
    /// A test of one field.
    Test(Test),
    /// A test of the person's activities.
    Did(Arc<Did>),
}

/// A condition with a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) condition: Condition,
    /// The most tests it may need, with the conditions that it uses counted in full.
    pub(crate) size: usize,
    /// The values of all its tests, counted in the same way.
    pub(crate) weight: usize,
}

/// A test of one field: at least one of the matchers holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Test {
    /// The field, by its slot in [`Reading`].
    pub(crate) slot: usize,
    /// Its name.
    pub(crate) field: Arc<str>,
    /// Whether its values are free text, shown in backticks.
    pub(crate) free_text: bool,
    pub(crate) any_of: Vec<Matcher>,
}

impl Test {
    fn holds(&self, reading: &Reading<'_>) -> bool {
        let value = reading.value(self.slot);
        self.any_of.iter().any(|matcher| matcher.holds(value))
    }

    /// Returns whether no value passes both tests; `None` if `work` allows no answer.
    fn excludes(&self, other: &Self, work: &Work) -> Option<bool> {
        for mine in &self.any_of {
            for theirs in &other.any_of {
                if !work.contradicts(mine.cost() + theirs.cost()) {
                    return None;
                }
                if !mine.excludes(theirs) {
                    return Some(false);
                }
            }
        }
        Some(true)
    }

    fn words(&self, most: usize) -> String {
        let plain = self.any_of.iter().all(Matcher::is_plain);
        let say = if plain { Matcher::object } else { Matcher::predicate };
        let is = if plain { " is" } else { "" };
        format!("{}{is} {}", self.field, join(&some(&self.any_of, most, say), "or"))
    }

    pub(crate) fn wanted(&self) -> String {
        join(&some(&self.any_of, MAX_VALUES_SHOWN, Matcher::object), "or")
    }

    /// `country is DE`, `country is unknown`.
    fn state(&self, reading: &Reading<'_>) -> String {
        match reading.value(self.slot) {
            Some(value) => format!("{} is {}", self.field, value.show(self.free_text)),
            None => format!("{} is unknown", self.field),
        }
    }

    fn reason(&self, reading: &Reading<'_>) -> String {
        let value = reading.value(self.slot);
        let state = self.state(reading);
        match self.any_of.iter().find(|matcher| matcher.holds(value)) {
            Some(Matcher::Number { from, to }) if from != to => {
                format!("{state} ({})", Matcher::Number { from: *from, to: *to }.object())
            }
            Some(matcher @ (Matcher::Date { .. } | Matcher::Age { .. })) => format!("{state} ({})", matcher.object()),
            Some(matcher @ Matcher::Text { how, .. }) if *how != How::Is => {
                format!("{state}, which {}", matcher.predicate())
            }
            _ => state,
        }
    }
}

impl Condition {
    /// The condition that holds for every lead.
    pub(crate) const ALWAYS: Self = Self::All(Vec::new());

    /// Returns whether it holds.
    pub(crate) fn holds(&self, reading: &Reading<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(reading)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(reading)),
            Self::Not(inner) => !inner.holds(reading),
            Self::Named(named) => named.condition.holds(reading),
            Self::Test(test) => test.holds(reading),
            Self::Did(did) => did.holds(reading),
        }
    }

    /// Returns the condition in words, without a lead's values: `job.level is c_level or vp`. A long text is cut.
    pub(crate) fn words(&self) -> String {
        cut(self.words_within(MAX_VALUES_SHOWN))
    }

    /// Returns the condition in words, with at most `most` values of each list: `country is AT, BE or 23 others`.
    pub(crate) fn words_within(&self, most: usize) -> String {
        match self {
            Self::All(parts) if parts.is_empty() => "every lead".to_owned(),
            Self::All(parts) => Self::words_of(parts, " and ", most),
            Self::Any(parts) => Self::words_of(parts, " or ", most),
            Self::Not(inner) => format!("not ({})", inner.words_within(most)),
            Self::Named(named) => format!("it meets `{}`", named.name),
            Self::Test(test) => test.words(most),
            Self::Did(did) => did.words(),
        }
    }

    fn words_of(parts: &[Self], and: &str, most: usize) -> String {
        let words = parts.iter().map(|part| match part {
            Self::All(inner) | Self::Any(inner) if inner.len() > 1 => format!("({})", part.words_within(most)),
            _ => part.words_within(most),
        });
        words.collect::<Vec<String>>().join(and)
    }

    /// Returns why it holds for this lead, one reason per part: `company.employees is 1200 (1000 or more)`.
    pub(crate) fn reasons(&self, reading: &Reading<'_>) -> Vec<String> {
        match self {
            Self::All(parts) => parts.iter().take(MAX_PARTS_SHOWN).flat_map(|part| part.reasons(reading)).collect(),
            Self::Any(parts) => {
                let held = parts.iter().find(|part| part.holds(reading));
                held.map(|part| part.reasons(reading)).unwrap_or_default()
            }
            Self::Not(inner) => match inner.as_ref() {
                Self::Test(test) => vec![format!("{}, not {}", test.state(reading), test.wanted())],
                Self::Did(did) => vec![format!("never {}", did.words())],
                inner => vec![format!("not ({})", inner.words())],
            },
            Self::Named(named) => {
                let reasons = named.condition.reasons(reading);
                vec![cut(format!("it meets `{}`: {}", named.name, join(&reasons, "and")))]
            }
            Self::Test(test) => vec![test.reason(reading)],
            Self::Did(did) => vec![did.reason(reading)],
        }
    }

    /// Returns every part that fails for this lead: `company.employees is 40, needed 1000 or more`. Empty if it holds.
    pub(crate) fn failures(&self, reading: &Reading<'_>) -> Vec<String> {
        if self.holds(reading) {
            return Vec::new();
        }
        match self {
            Self::All(parts) => {
                let failed = parts.iter().filter(|part| !part.holds(reading)).take(MAX_PARTS_SHOWN);
                failed.flat_map(|part| part.failures(reading)).collect()
            }
            Self::Any(parts) => {
                let each: Vec<String> = parts
                    .iter()
                    .take(MAX_PARTS_SHOWN)
                    .map(|part| join(&part.failures(reading), "and"))
                    .chain((parts.len() > MAX_PARTS_SHOWN).then(|| format!("{} more", parts.len() - MAX_PARTS_SHOWN)))
                    .collect();
                vec![cut(each.join("; and "))]
            }
            Self::Not(inner) => vec![match inner.as_ref() {
                Self::Test(test) => format!("{}, needed anything but {}", test.state(reading), test.wanted()),
                Self::Did(did) => format!("{}, which rules it out", did.reason(reading)),
                inner => format!("this must not hold: {}", inner.words()),
            }],
            Self::Named(named) => {
                let failures = named.condition.failures(reading);
                vec![cut(format!("it does not meet `{}`: {}", named.name, join(&failures, "and")))]
            }
            // "x is unknown" already implies that a value was needed.
            Self::Test(test) if test.any_of == [Matcher::Present] => vec![test.state(reading)],
            Self::Test(test) => vec![format!("{}, needed {}", test.state(reading), test.wanted())],
            Self::Did(did) => vec![did.failure(reading)],
        }
    }

    /// Returns how many of its parts would have to change for it to hold; for alternatives, the smallest number.
    pub(crate) fn short_of(&self, reading: &Reading<'_>) -> usize {
        match self {
            _ if self.holds(reading) => 0,
            Self::All(parts) => parts.iter().map(|part| part.short_of(reading)).sum(),
            Self::Any(parts) => parts.iter().map(|part| part.short_of(reading)).min().unwrap_or(1),
            Self::Named(named) => named.condition.short_of(reading),
            Self::Not(_) | Self::Test(_) | Self::Did(_) => 1,
        }
    }

    /// Visits every test in it.
    pub(crate) fn each_test(&self, visit: &mut dyn FnMut(&Test)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_test(visit)),
            Self::Not(inner) => inner.each_test(visit),
            Self::Named(named) => named.condition.each_test(visit),
            Self::Test(test) => visit(test),
            Self::Did(_) => {}
        }
    }

    /// Returns the most tests that it may need.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().fold(1, |sum, part| sum.saturating_add(part.size())),
            Self::Not(inner) => inner.size(),
            Self::Named(named) => named.size,
            Self::Test(_) | Self::Did(_) => 1,
        }
    }

    /// Returns how many values its tests compare with, counting named conditions in full.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().fold(1, |sum, part| sum.saturating_add(part.weight())),
            Self::Not(inner) => inner.weight(),
            Self::Named(named) => named.weight,
            Self::Test(test) => test.any_of.len().max(1),
            Self::Did(did) => did.weight(),
        }
    }

    /// Returns the conditions that must all hold.
    pub(crate) fn conjuncts(&self) -> Vec<&Self> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::conjuncts).collect(),
            Self::Named(named) => named.condition.conjuncts(),
            other => vec![other],
        }
    }

    /// Returns two tests, in words, that must both hold but cannot. Looks as far as `work` allows.
    pub(crate) fn contradiction(&self, work: &Work) -> Option<(String, String)> {
        if !work.contradicts(self.size()) {
            return None;
        }
        let parts = self.conjuncts();
        let tests = parts.iter().filter_map(|part| match part {
            Self::Test(test) => Some(test),
            _ => None,
        });
        let mut by_slot: BTreeMap<usize, Vec<&Test>> = BTreeMap::new();
        for test in tests.clone() {
            by_slot.entry(test.slot).or_default().push(test);
        }
        // The tests of a slot are visited in order, so the next one is always the first that was not visited.
        let mut visited: BTreeMap<usize, usize> = BTreeMap::new();
        for one in tests {
            let nth = visited.entry(one.slot).or_default();
            *nth += 1;
            for other in by_slot.get(&one.slot).and_then(|tests| tests.get(*nth..)).unwrap_or_default() {
                if one.excludes(other, work)? {
                    let most = MAX_VALUES_SHOWN;
                    return Some((one.words(most), other.words(most)));
                }
            }
        }
        None
    }
}

/// Applies `say` to the first `most` items, and adds how many others there are.
pub(crate) fn some<T>(all: &[T], most: usize, say: impl Fn(&T) -> String) -> Vec<String> {
    // Naming a single remaining item is as short as counting it.
    let shown = if all.len() <= most.saturating_add(1) { all.len() } else { most };
    let mut said: Vec<String> = all.iter().take(shown).map(say).collect();
    if shown < all.len() {
        said.push(format!("{} others", all.len() - shown));
    }
    said
}
