//! The space of all leads: its dimensions, and the points for which a test holds.

use std::collections::{BTreeMap, BTreeSet};

use super::atoms::{Atoms, Cube};
use crate::condition::Condition;
use crate::did::Did;
use crate::field::Kind;
use crate::lead_value::fold;
use crate::matcher::{How, Matcher};
use crate::reading::{Fields, Origin};
use crate::work::{Purse, Work};

/// The most searches, or tests of activities, to compare for implications.
const MAX_RELATED: usize = 200;
/// The most implications to keep for one of them.
const MAX_IMPLIED_BY: usize = 8;

/// In a field: the lead has no value. In a dimension with two atoms: no.
pub(super) const ABSENT: usize = 0;
/// In a text field: a value that the rulebook does not mention.
pub(super) const OTHER: usize = 1;
/// The first atom for a value, or for values, that the rulebook mentions.
pub(super) const FIRST: usize = 2;

/// Fields that always have a value by the time a rule tests them.
const NEVER_ABSENT: [&str; 5] = ["source", "received_at", "score", "fit", "engagement"];

/// A dimension.
#[derive(Debug)]
pub(super) struct Dim {
    /// Every atom that a lead can have.
    pub(super) whole: Atoms,
    pub(super) size: usize,
    pub(super) of: Of,
}

/// The meaning of a dimension.
#[derive(Debug)]
pub(super) enum Of {
    /// The value at this slot.
    Value(usize),
    /// The age of the date at this slot.
    Age(usize),
    /// Whether a search finds the text at this slot, for texts that the rulebook does not mention.
    Search(usize, How, String),
    /// Whether something was done.
    Did(Box<Did>),
}

/// How the values of a slot are laid out.
#[derive(Debug)]
pub(super) enum Layout {
    /// Atoms from [`FIRST`] on are `known`: whole texts, or (`true`) texts with this prefix and no longer known one.
    Text { dim: usize, known: Vec<(String, bool)>, searches: Vec<Search> },
    /// Atom `1 + n` stands for the numbers from `starts[n]` up to the next start.
    Number { dim: usize, starts: Vec<u32> },
    /// Atom 1 is no, atom 2 is yes.
    YesNo { dim: usize },
    /// As for numbers; ages have a separate dimension, without an atom for a missing value.
    Date { dim: usize, starts: Vec<i64>, age: usize, ages: Vec<i64> },
    /// A lookup: the atoms of another slot for each value, in the order of the values.
    Derived { dim: usize, found: Vec<(String, Atoms)>, any: Atoms },
}

/// A search in texts that the rulebook does not mention.
#[derive(Debug)]
pub(super) struct Search {
    how: How,
    wanted: String,
    dim: usize,
    /// The dimensions of searches that imply this one.
    implied_by: Vec<usize>,
}

/// Whether something was done.
#[derive(Debug)]
struct Done {
    dim: usize,
    /// The dimensions of the tests that imply it.
    implied_by: Vec<usize>,
}

/// Everything that the rulebook tests in a slot.
#[derive(Default)]
struct Asked {
    known: BTreeSet<(String, bool)>,
    searches: BTreeSet<(How, String)>,
    numbers: BTreeSet<u32>,
    dates: BTreeSet<i64>,
    ages: BTreeSet<i64>,
}

/// All dimensions in which some conditions distinguish leads.
#[derive(Debug, Default)]
pub(crate) struct Space {
    pub(super) dims: Vec<Dim>,
    pub(super) layouts: BTreeMap<usize, Layout>,
    /// By the contents of a [`Did`].
    done: BTreeMap<String, Done>,
    /// For slots with the same table cell, the first of them.
    same: BTreeMap<usize, usize>,
}

impl Asked {
    fn add(&mut self, matcher: &Matcher) {
        match matcher {
            Matcher::Present | Matcher::Absent | Matcher::YesNo(_) => {}
            Matcher::Number { from, to } => self.numbers.extend([Some(*from), to.checked_add(1)].into_iter().flatten()),
            Matcher::Date { from, to, .. } => self.dates.extend([Some(*from), to.checked_add(1)].into_iter().flatten()),
            Matcher::Age { from, to, .. } => self.ages.extend([Some(*from), to.checked_add(1)].into_iter().flatten()),
            Matcher::Text { how: How::Is, folded, .. } => {
                self.known.insert((folded.clone(), false));
            }
            Matcher::Text { how: How::StartsWith, folded, .. } => {
                self.known.insert((folded.clone(), true));
            }
            Matcher::Text { how, folded, .. } => {
                self.searches.insert((*how, folded.clone()));
            }
        }
    }
}

/// Returns whether a matcher in a lookup corresponds to a set of atoms of the field it reads.
fn is_exact(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::Age { .. } => false,
        Matcher::Text { how, .. } => matches!(how, How::Is | How::StartsWith),
        _ => true,
    }
}

impl Space {
    /// Builds the space for these conditions, and for rules that need a value in one of the slots `needed`.
    pub(crate) fn new<'c>(
        fields: &Fields,
        conditions: impl IntoIterator<Item = &'c Condition>,
        needed: impl IntoIterator<Item = usize>,
        work: &Work,
    ) -> Self {
        let mut space = Self { same: same_cells(fields), ..Self::default() };
        let mut asked: BTreeMap<usize, Asked> = BTreeMap::new();
        for slot in needed {
            asked.entry(space.canonical(slot)).or_default();
        }
        let mut done: BTreeMap<String, Did> = BTreeMap::new();
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for condition in conditions {
            each(condition, &mut named, &mut |part| match part {
                Condition::Test(test) => {
                    let asked = asked.entry(space.canonical(test.slot)).or_default();
                    test.any_of.iter().for_each(|matcher| asked.add(matcher));
                }
                Condition::Did(did) => {
                    let (key, did, _) = positive(did);
                    done.insert(key, did);
                }
                _ => {}
            });
        }
        // A lookup of plain values is a view of the field it reads, so its values are tested in that field.
        let lookups: Vec<usize> = asked.keys().copied().filter(|slot| plain_lookup(fields, *slot).is_some()).collect();
        for slot in &lookups {
            let Some((from, entries)) = plain_lookup(fields, *slot) else { continue };
            let base = asked.entry(from).or_default();
            entries.iter().flat_map(|(_, matchers)| matchers).for_each(|matcher| base.add(matcher));
        }
        for (slot, asked) in asked.into_iter().filter(|(slot, _)| !lookups.contains(slot)) {
            space.lay_out(fields, slot, asked, work);
        }
        for slot in lookups {
            space.derive(fields, slot, work);
        }
        space.lay_out_done(done, work);
        space
    }

    fn canonical(&self, slot: usize) -> usize {
        self.same.get(&slot).copied().unwrap_or(slot)
    }

    fn push(&mut self, size: usize, whole: Atoms, of: Of) -> usize {
        self.dims.push(Dim { whole, size, of });
        self.dims.len() - 1
    }

    fn flag(&mut self, of: Of) -> usize {
        self.push(2, Atoms::all(2), of)
    }

    fn lay_out(&mut self, fields: &Fields, slot: usize, mut asked: Asked, work: &Work) {
        let Some(field) = fields.get(slot) else { return };
        let mut impossible: Vec<usize> = Vec::new();
        if NEVER_ABSENT.contains(&field.name.as_str()) {
            impossible.push(ABSENT);
        }
        let whole =
            |size: usize, impossible: &[usize]| Atoms::all(size).minus(&Atoms::each(impossible.iter().copied()));
        let layout = match field.kind {
            Kind::Number { most } => {
                asked.numbers.insert(0);
                // A score never exceeds its maximum. For other numbers, only the rulebook enforces one.
                let most = if fields.is_scored(slot) { most } else { u32::MAX };
                let starts: Vec<u32> = asked.numbers.into_iter().filter(|start| *start <= most).collect();
                let size = starts.len() + 1;
                Layout::Number { dim: self.push(size, whole(size, &impossible), Of::Value(slot)), starts }
            }
            Kind::YesNo => Layout::YesNo { dim: self.push(3, whole(3, &impossible), Of::Value(slot)) },
            Kind::Date => {
                asked.dates.insert(i64::MIN);
                asked.ages.insert(i64::MIN);
                let (starts, ages): (Vec<i64>, Vec<i64>) =
                    (asked.dates.into_iter().collect(), asked.ages.into_iter().collect());
                let size = starts.len() + 1;
                let dim = self.push(size, whole(size, &impossible), Of::Value(slot));
                let age = self.push(ages.len(), Atoms::all(ages.len()), Of::Age(slot));
                Layout::Date { dim, starts, age, ages }
            }
            kind => {
                // A field with fixed values has no other values.
                match kind {
                    Kind::Choice(words) => {
                        asked.known.extend(words.iter().map(|word| (fold(word).into_owned(), false)));
                    }
                    Kind::OneOf => {
                        asked.known.extend(field.choices.iter().map(|word| (fold(word).into_owned(), false)));
                    }
                    _ => {}
                }
                if matches!(kind, Kind::Choice(_) | Kind::OneOf) {
                    impossible.push(OTHER);
                }
                let known: Vec<(String, bool)> = asked.known.into_iter().collect();
                if matches!(kind, Kind::Choice(_) | Kind::OneOf) {
                    let prefixes = known.iter().enumerate().filter(|(_, (_, prefix))| *prefix);
                    impossible.extend(prefixes.map(|(at, _)| FIRST + at));
                }
                let size = FIRST + known.len();
                let dim = self.push(size, whole(size, &impossible), Of::Value(slot));
                let searches = self.lay_out_searches(slot, asked.searches, work);
                Layout::Text { dim, known, searches }
            }
        };
        self.layouts.insert(slot, layout);
    }

    fn lay_out_searches(&mut self, slot: usize, asked: BTreeSet<(How, String)>, work: &Work) -> Vec<Search> {
        let mut searches: Vec<Search> = Vec::new();
        for (how, wanted) in asked {
            let dim = self.flag(Of::Search(slot, how, wanted.clone()));
            searches.push(Search { how, wanted, dim, implied_by: Vec::new() });
        }
        let letters: usize = searches.iter().map(|search| 16 + search.wanted.len()).sum();
        if searches.len() > MAX_RELATED || !work.lays_out(searches.len() * letters / 4) {
            return searches;
        }
        let implied: Vec<Vec<usize>> = searches
            .iter()
            .map(|one| {
                let causes = searches.iter().filter(|other| other.dim != one.dim && other.implies(one));
                causes.map(|other| other.dim).take(MAX_IMPLIED_BY).collect()
            })
            .collect();
        for (search, implied_by) in searches.iter_mut().zip(implied) {
            search.implied_by = implied_by;
        }
        searches
    }

    /// Without an allowance for it, the lookup has no layout and rules that test it are not compared.
    fn derive(&mut self, fields: &Fields, slot: usize, work: &Work) {
        let Some((from, entries)) = plain_lookup(fields, slot) else { return };
        let Some((dim, whole)) = self.value_dim(from).and_then(|dim| Some((dim, self.dims.get(dim)?.whole.clone())))
        else {
            return;
        };
        // No entry matches a missing value.
        let whole = whole.minus(&Atoms::one(ABSENT));
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        let mut found: Vec<(String, Atoms)> = Vec::new();
        for (key, matchers) in entries {
            let exact: Option<Vec<Atoms>> = matchers.iter().map(|matcher| self.exact(from, matcher)).collect();
            let Some(exact) = exact else { return };
            let size: usize = exact.iter().flat_map(Atoms::stretches).map(|(from, to)| to - from).sum();
            if !work.lays_out(1 + size) {
                return;
            }
            // The first matching entry counts.
            let atoms = Atoms::each(exact.iter().flat_map(Atoms::iter).filter(|atom| taken.insert(*atom)));
            found.push((fold(key).into_owned(), atoms.and(&whole)));
        }
        let any = Atoms::each(taken).and(&whole);
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.layouts.insert(slot, Layout::Derived { dim, found, any });
    }

    fn lay_out_done(&mut self, asked: BTreeMap<String, Did>, work: &Work) {
        let dims: Vec<(String, Did, usize)> = asked
            .into_iter()
            .map(|(key, did)| {
                let dim = self.flag(Of::Did(Box::new(did.clone())));
                (key, did, dim)
            })
            .collect();
        let words: usize = dims.iter().map(|(_, did, _)| did.weight()).sum();
        let related = dims.len() <= MAX_RELATED && work.lays_out(words.saturating_mul(words));
        let others = if related { dims.as_slice() } else { &[] };
        for (key, did, dim) in &dims {
            let causes = others.iter().filter(|(_, other, at)| at != dim && other.implies(did));
            let implied_by = causes.map(|(_, _, dim)| *dim).take(MAX_IMPLIED_BY).collect();
            self.done.insert(key.clone(), Done { dim: *dim, implied_by });
        }
    }

    fn value_dim(&self, slot: usize) -> Option<usize> {
        Some(match self.layouts.get(&self.canonical(slot))? {
            Layout::Text { dim, .. }
            | Layout::Number { dim, .. }
            | Layout::YesNo { dim }
            | Layout::Date { dim, .. }
            | Layout::Derived { dim, .. } => *dim,
        })
    }

    fn dim(&self, dim: usize) -> Option<&Dim> {
        self.dims.get(dim)
    }

    /// Returns all atoms of a dimension.
    pub(super) fn whole(&self, dim: usize) -> Option<&Atoms> {
        self.dim(dim).map(|dim| &dim.whole)
    }

    /// Returns the atoms of the slot's own dimension for which a matcher holds, if no other dimension matters.
    fn exact(&self, slot: usize, matcher: &Matcher) -> Option<Atoms> {
        let layout = self.layouts.get(&self.canonical(slot))?;
        let whole = self.whole(self.value_dim(slot)?)?;
        let absent = match layout {
            Layout::Derived { any, .. } => whole.minus(any),
            _ => Atoms::one(ABSENT).and(whole),
        };
        let atoms = match (layout, matcher) {
            (_, Matcher::Absent) => return Some(absent),
            (_, Matcher::Present) => return Some(whole.minus(&absent)),
            (Layout::Number { starts, .. }, Matcher::Number { from, to }) => within(starts, *from, *to, 1),
            (Layout::Date { starts, .. }, Matcher::Date { from, to, .. }) => within(starts, *from, *to, 1),
            (Layout::YesNo { .. }, Matcher::YesNo(yes)) => Atoms::one(1 + usize::from(*yes)),
            (Layout::Text { known, .. }, Matcher::Text { how: How::Is, folded, .. }) => {
                let at =
                    known.binary_search_by(|(text, prefix)| (text.as_str(), *prefix).cmp(&(folded.as_str(), false)));
                Atoms::one(FIRST + at.ok()?)
            }
            (Layout::Text { known, .. }, Matcher::Text { how: How::StartsWith, folded, .. }) => {
                let (from, to) = beginning(known, folded);
                Atoms::of([(FIRST + from, FIRST + to)])
            }
            (Layout::Derived { found, .. }, Matcher::Text { how, folded, .. }) => {
                // Only a text with this prefix can equal it.
                let (from, to) = match how {
                    How::Is | How::StartsWith => beginning(found, folded),
                    _ => (0, found.len()),
                };
                let fitting = found.get(from..to).into_iter().flatten().filter(|(key, _)| how.holds(key, folded));
                Atoms::of(fitting.flat_map(|(_, atoms)| atoms.stretches().iter().copied()))
            }
            _ => return None,
        };
        Some(atoms.and(whole))
    }

    /// Returns the points for which a test of a slot holds, or does not hold: one list of cubes for each matcher that
    /// depends on more than one dimension, and one for all others. `None` if it cannot be expressed.
    pub(super) fn test(&self, slot: usize, any_of: &[Matcher], holds: bool, purse: &Purse) -> Option<Vec<Vec<Cube>>> {
        purse.take(any_of.len())?;
        let value = self.value_dim(slot)?;
        let whole = self.whole(value)?;
        let mut plain = Vec::new();
        let mut parts = Vec::new();
        for matcher in any_of {
            match (self.layouts.get(&self.canonical(slot))?, matcher) {
                (Layout::Text { known, searches, .. }, Matcher::Text { how, folded, .. })
                    if !matches!(how, How::Is | How::StartsWith) =>
                {
                    let asked = (*how, folded.as_str());
                    let at = searches.binary_search_by(|search| (search.how, search.wanted.as_str()).cmp(&asked));
                    let search = searches.get(at.ok()?)?;
                    purse.take(known.len() * 2)?;
                    parts.push(self.searched(value, known, search, holds)?);
                }
                (Layout::Date { age, ages, .. }, Matcher::Age { from, to, .. }) => {
                    let all = &self.dim(*age)?.whole;
                    let atoms = within(ages, *from, *to, 0);
                    let atoms = if holds { atoms } else { all.minus(&atoms) };
                    let absent = Atoms::one(ABSENT);
                    let dated =
                        Cube::of(value, whole.minus(&absent)).and_then(|dated| dated.and(&Cube::of(*age, atoms)?));
                    let undated = Cube::of(value, whole.and(&absent)).filter(|_| !holds);
                    parts.push(dated.into_iter().chain(undated).collect());
                }
                (layout, matcher) => {
                    if let (Layout::Derived { found, .. }, Matcher::Text { how, folded, .. }) = (layout, matcher) {
                        let (from, to) = match how {
                            How::Is | How::StartsWith => beginning(found, folded),
                            _ => (0, found.len() * 2),
                        };
                        purse.take(to - from)?;
                    }
                    let atoms = self.exact(slot, matcher)?;
                    purse.take(atoms.stretches().len())?;
                    plain.push(atoms);
                }
            }
        }
        let plain = Atoms::of(plain.iter().flat_map(|atoms| atoms.stretches().iter().copied()));
        let plain = if holds { plain } else { whole.minus(&plain) };
        if parts.is_empty() || !holds || !plain.is_empty() {
            parts.push(Cube::of(value, plain).into_iter().collect());
        }
        Some(parts)
    }

    fn searched(&self, value: usize, known: &[(String, bool)], search: &Search, holds: bool) -> Option<Vec<Cube>> {
        let whole = self.whole(value)?;
        let (mut found, mut open) = (Vec::new(), vec![OTHER]);
        for (at, (text, prefix)) in known.iter().enumerate() {
            let is_found = search.how.holds(text, &search.wanted);
            if is_found && (!prefix || search.how == How::Contains) {
                found.push(FIRST + at);
            } else if *prefix {
                open.push(FIRST + at);
            }
        }
        let (found, open) = (Atoms::each(found), Atoms::each(open));
        let decided = if holds { found.clone() } else { whole.minus(&found).minus(&open) };
        let decided = Cube::of(value, decided.and(whole));
        let open = Cube::of(value, open.and(whole));
        let rest = Self::flags(search.dim, &search.implied_by, holds);
        let open = rest.into_iter().filter_map(|flags| open.as_ref()?.and(&flags));
        Some(decided.into_iter().chain(open).collect())
    }

    /// Returns the points where this flag, or one that implies it, is set; or the one cube where none of them is.
    fn flags(dim: usize, implied_by: &[usize], holds: bool) -> Vec<Cube> {
        let dims = [dim].into_iter().chain(implied_by.iter().copied());
        let mut cubes = dims.filter_map(|dim| Cube::of(dim, Atoms::one(usize::from(holds))));
        if holds {
            return cubes.collect();
        }
        cubes.try_fold(Cube::default(), |sum, cube| sum.and(&cube)).into_iter().collect()
    }

    /// Returns the points for which a test of activities holds, or does not hold.
    pub(super) fn did(&self, did: &Did, holds: bool, purse: &Purse) -> Option<Vec<Cube>> {
        purse.take(did.weight().saturating_mul(8))?;
        let (key, _, straight) = positive(did);
        let Done { dim, implied_by } = self.done.get(&key)?;
        Some(Self::flags(*dim, implied_by, holds == straight))
    }
}

impl Search {
    /// Returns whether the other search finds every text that this one finds.
    fn implies(&self, other: &Self) -> bool {
        match other.how {
            How::Contains => self.wanted.contains(other.wanted.as_str()),
            how => how == self.how && how.holds(&self.wanted, &other.wanted),
        }
    }
}

/// Visits every test in a condition, and named conditions only once.
fn each<'c>(condition: &'c Condition, named: &mut BTreeSet<&'c str>, visit: &mut dyn FnMut(&'c Condition)) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| each(part, named, visit)),
        Condition::Not(inner) => each(inner, named, visit),
        Condition::Named(known) => {
            if named.insert(&known.name) {
                each(&known.condition, named, visit);
            }
        }
        Condition::Test(_) | Condition::Did(_) => visit(condition),
    }
}

/// Returns the intervals within `from..=to`; atom `first` is the first interval.
fn within<N: Ord + Copy>(starts: &[N], from: N, to: N, first: usize) -> Atoms {
    let begin = starts.partition_point(|start| *start < from);
    let end = starts.partition_point(|start| *start <= to);
    Atoms::of([(first + begin, first + end)])
}

/// Returns the range of the texts with this prefix in an ordered list.
fn beginning<T>(texts: &[(String, T)], with: &str) -> (usize, usize) {
    let from = texts.partition_point(|(text, _)| text.as_str() < with);
    let fitting = texts.get(from..).map_or(0, |texts| texts.partition_point(|(text, _)| text.starts_with(with)));
    (from, from + fitting)
}

/// Returns a test of activities in its positive form, and whether it holds when that form does: "nothing was done"
/// becomes the negation of "anything was done".
fn positive(did: &Did) -> (String, Did, bool) {
    let straight = !did.wants_nothing();
    let mut did = did.clone();
    if !straight {
        did.words = vec![Matcher::Present];
    }
    (format!("{did:?}"), did, straight)
}

/// A value of a lookup, and the values of the field that lead to it.
type Entry = (String, Vec<Matcher>);

/// Returns what a lookup reads and finds, if its values correspond to sets of atoms of the field it reads.
fn plain_lookup(fields: &Fields, slot: usize) -> Option<(usize, &[Entry])> {
    match &fields.get(slot)?.origin {
        Origin::Lookup { from, entries } => {
            entries.iter().flat_map(|(_, matchers)| matchers).all(is_exact).then_some((*from, entries.as_slice()))
        }
        _ => None,
    }
}

/// Returns, for each slot with a table cell, the first slot with the same cell.
fn same_cells(fields: &Fields) -> BTreeMap<usize, usize> {
    let mut first: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut same = BTreeMap::new();
    for (slot, field) in fields.iter().enumerate() {
        if let Origin::Cell { table, column } = field.origin {
            same.insert(slot, *first.entry((table, column)).or_insert(slot));
        }
    }
    same
}
