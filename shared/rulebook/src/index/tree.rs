//! Grows the tree of an [`Index`]: chooses the field to split by, distributes the terms, and uses blocks where they are
//! cheaper.

use std::collections::BTreeMap;

use super::super::reading::Fields;
use super::super::symbols::{NONE, at, number};
use super::term::{Asks, Part, Term};
use super::{Branch, Index, LEAF, Node, block, table};

/// The cost of visiting a node, roughly in nanoseconds. Lower in tests, so that small rulebooks grow trees too.
const VISIT: usize = if cfg!(test) { 1 } else { 25 };
/// The cost of starting a block, and the number of terms that add 1 to it.
const BLOCK: usize = if cfg!(test) { 2 } else { 40 };
const TERMS: usize = if cfg!(test) { 1 } else { 16 };
/// Up to this many terms are compared one by one.
const FEW: usize = if cfg!(test) { 2 } else { 8 };
/// The maximum depth of the tree. Terms left at this depth form a block.
const MAX_DEPTH: usize = 48;
/// The most numbers at which a node is cut.
const MAX_CUTS: usize = 31;
/// The most adjacent pieces that a range of numbers may span; a wider range goes to the rest.
const MAX_SPAN: usize = 8;
/// How many leaves one rule may appear in. If the first makes too many entries in total, the next is tried.
const COPIES: [u32; 3] = [16, 4, 1];
/// The most entries in total, per term.
const ENTRIES_PER_TERM: usize = 8;
/// How often the tests of all terms may be visited when looking for splits, on average, and the least of it.
const VISITS_PER_PART: usize = 32;
const MIN_VISITS: usize = 1_000_000;
/// With copies, the code may be twice as long as without, or this long.
const MIN_CODE: usize = 8_000_000;
/// The most steps for the columns of prefixes of all blocks.
const MAX_PREFIX_STEPS: usize = 20_000_000;

/// A term to put into the tree.
pub(super) struct Seed {
    /// The rule's number.
    pub(super) rule: u32,
    pub(super) term: Term,
    /// How many terms the rule has.
    pub(super) siblings: u32,
}

/// A term on its way to the leaves, and the number of leaves it may still go to.
#[derive(Clone, Copy)]
struct Draft {
    seed: usize,
    copies: u32,
}

/// What the leads that reach a node have in common.
#[derive(Clone, Copy)]
enum Step {
    /// The lead has this key.
    Key(u16, u32),
    /// The lead's number is between these, both included.
    Within(u16, u32, u32),
    /// The field was split by, and these terms do not test it.
    Rest(u16, Way),
}

/// How a field splits terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    ByKey,
    ByNumber,
}

/// A possible split.
struct Split {
    slot: u16,
    way: Way,
    /// The first number of every piece but the lowest, for [`Way::ByNumber`].
    cuts: Vec<u32>,
    /// The cost of a decision after the split.
    cost: usize,
}

struct Grower<'s> {
    index: Index,
    fields: &'s Fields,
    seeds: &'s [Seed],
    /// The position of the code of each seed, shared by all blocks; [`NONE`] if it is not in a block yet.
    shared: Vec<u32>,
    path: Vec<Step>,
    /// By slot; empty between splits.
    tallies: Vec<Tally>,
    /// The most entries allowed, and the most code.
    most: usize,
    most_code: usize,
    /// How many more tests to visit when looking for splits. Without any left, terms form blocks.
    visits: usize,
    /// How many more steps the columns of prefixes may take; see [`block::columns`].
    spare: usize,
}

/// Grows an index over `seeds`, which are in the order of their rules.
pub(super) fn grow(seeds: &[Seed], fields: &Fields) -> Index {
    let mut index = Index::default();
    let parts = seeds.iter().flat_map(|seed| &seed.term.parts);
    let visits = parts.clone().count().saturating_mul(VISITS_PER_PART).saturating_add(MIN_VISITS);
    let code = parts.fold(seeds.len(), |sum, part| sum.saturating_add(part.code()));
    for copies in COPIES {
        let most = if copies == 1 { usize::MAX } else { seeds.len().saturating_mul(ENTRIES_PER_TERM) };
        let most_code = if copies == 1 { usize::MAX } else { code.saturating_mul(2).max(MIN_CODE) };
        let mut grower = Grower {
            index: Index::default(),
            fields,
            seeds,
            shared: vec![NONE; seeds.len()],
            path: Vec::new(),
            tallies: Vec::new(),
            most,
            most_code,
            visits,
            spare: MAX_PREFIX_STEPS,
        };
        let drafts = seeds.iter().enumerate();
        let drafts = drafts.map(|(seed, of)| Draft { seed, copies: (copies / of.siblings.max(1)).max(1) });
        let drafts: Vec<Draft> = drafts.collect();
        grower.index.root = grower.branch(&drafts);
        index = grower.index;
        if index.entries <= most && index.code.len() <= most_code {
            break;
        }
    }
    index
}

impl<'s> Grower<'s> {
    fn parts(&self, draft: Draft) -> impl Iterator<Item = &'s Part> + use<'s> {
        self.seeds.get(draft.seed).into_iter().flat_map(|seed| &seed.term.parts)
    }

    fn branch(&mut self, drafts: &[Draft]) -> Branch {
        let least = drafts.first().and_then(|draft| self.seeds.get(draft.seed));
        let Some(least) = least.map(|seed| seed.rule) else { return Branch::NONE };
        // With too many entries this tree is abandoned for one with fewer copies, so the rest of it does not matter.
        let given_up = self.index.entries > self.most || self.index.code.len() > self.most_code;
        let tests: usize =
            drafts.iter().filter_map(|draft| self.seeds.get(draft.seed)).map(|s| s.term.parts.len()).sum();
        let visits = self.visits.checked_sub(tests).filter(|_| !given_up && self.path.len() < MAX_DEPTH);
        self.visits = visits.unwrap_or(self.visits);
        let split = if visits.is_none() { None } else { self.split(drafts) };
        let node = match split {
            None if given_up => return self.leaf(least, drafts),
            None => return self.block(least, drafts),
            Some(split) if split.way == Way::ByKey => self.by_key(split.slot, drafts),
            Some(split) => self.by_number(&split, drafts),
        };
        self.add(least, node)
    }

    fn add(&mut self, least: u32, node: Node) -> Branch {
        self.index.nodes.push(node);
        Branch { least, to: number(self.index.nodes.len() - 1) }
    }

    fn at(&mut self, step: Step, drafts: &[Draft]) -> Branch {
        self.path.push(step);
        let branch = self.branch(drafts);
        self.path.pop();
        branch
    }

    /// Adds terms to compare one by one, each with its own code. Tests that the path already settles come last, because
    /// they hold for every lead that gets here.
    fn leaf(&mut self, least: u32, drafts: &[Draft]) -> Branch {
        let at = number(self.index.code.len());
        self.index.code.push(number(drafts.len()));
        self.index.entries += drafts.len();
        for seed in drafts.iter().filter_map(|draft| self.seeds.get(draft.seed)) {
            let (settled, open): (Vec<&Part>, Vec<&Part>) =
                seed.term.parts.iter().partition(|part| settled(&self.path, part));
            self.index.code.push(seed.rule);
            self.index.code(open.into_iter().chain(settled), seed.term.more);
        }
        Branch { least, to: at | LEAF }
    }

    /// Adds terms to compare by columns.
    fn block(&mut self, least: u32, drafts: &[Draft]) -> Branch {
        if drafts.len() <= FEW {
            return self.leaf(least, drafts);
        }
        let seeds = drafts.iter().filter_map(|draft| self.seeds.get(draft.seed));
        let terms: Vec<&[Part]> = seeds.map(|seed| seed.term.parts.as_slice()).collect();
        let path = &self.path;
        let known = |slot| spent(path, slot, Way::ByKey);
        let bounds = |slot| bounds(path, slot);
        let columns = block::columns(&mut self.index, self.fields, &terms, known, bounds, &mut self.spare);
        let Some((columns, columns_end)) = columns else {
            let (first, second) = drafts.split_at(drafts.len() / 2);
            let [first, second] = [first, second].map(|half| {
                let seed = half.first().and_then(|draft| self.seeds.get(draft.seed));
                self.block(seed.map_or(least, |seed| seed.rule), half)
            });
            return self.add(least, Node::Pair { first, second });
        };
        let from = number(self.index.terms.len());
        for draft in drafts {
            let Some((seed, shared)) = self.seeds.get(draft.seed).zip(self.shared.get_mut(draft.seed)) else {
                continue;
            };
            if *shared == NONE {
                *shared = self.index.code(&seed.term.parts, seed.term.more);
            }
            self.index.terms.push((seed.rule, *shared));
        }
        self.index.entries += drafts.len();
        let to = number(self.index.terms.len());
        self.add(least, Node::Block { from, to, columns, columns_end })
    }

    /// Returns the keys that a term tests in a field, if it may go to that many branches.
    fn keys_of(&self, draft: Draft, slot: u16) -> Option<&'s [u32]> {
        let keys = self.parts(draft).find_map(|part| match &part.asks {
            Asks::Keys(keys) if part.slot == slot && !part.negated => Some(keys.as_slice()),
            _ => None,
        });
        keys.filter(|keys| number(keys.len()) <= draft.copies)
    }

    /// Returns the range that a term tests in a field, within the numbers that get here; `None` if it includes all of
    /// them.
    fn range_of(&self, draft: Draft, slot: u16) -> Option<(u32, u32)> {
        let (least, most) = bounds(&self.path, slot);
        let range = self.parts(draft).find_map(|part| match &part.asks {
            Asks::Range(from, to) if part.slot == slot && !part.negated => Some((*from, *to)),
            _ => None,
        });
        range.map(|(from, to)| (from.max(least), to.min(most))).filter(|range| *range != (least, most))
    }

    /// Returns the first and last of the pieces between `cuts` that a term goes to, if it may go to that many.
    fn pieces(&self, draft: Draft, slot: u16, cuts: &[u32]) -> Option<(usize, usize)> {
        let (from, to) = self.range_of(draft, slot)?;
        let piece = |number: u32| cuts.partition_point(|cut| *cut <= number);
        let (first, last) = (piece(from), piece(to));
        // A range that is empty, or empty within the bounds, is in no piece.
        let span = (last + 1).saturating_sub(first);
        (span <= MAX_SPAN && number(span) <= draft.copies).then_some((first, last))
    }

    /// Returns the cheapest split; `None` if comparing the terms costs less.
    fn split(&mut self, drafts: &[Draft]) -> Option<Split> {
        if drafts.len() <= FEW {
            return None;
        }
        let mut ends: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
        let mut touched: Vec<u16> = Vec::new();
        for draft in drafts {
            for part in self.parts(*draft).filter(|part| !part.negated) {
                match &part.asks {
                    Asks::Keys(_) if spent(&self.path, part.slot, Way::ByKey) => {}
                    Asks::Keys(of) if number(of.len()) > draft.copies => {}
                    Asks::Keys(of) => {
                        let slot = usize::from(part.slot);
                        if self.tallies.len() <= slot {
                            self.tallies.resize_with(slot + 1, Tally::default);
                        }
                        let tally = self.tallies.get_mut(slot)?;
                        if tally.asking == 0 {
                            touched.push(part.slot);
                        }
                        tally.add(of);
                    }
                    Asks::Range(..) if spent(&self.path, part.slot, Way::ByNumber) => {}
                    Asks::Range(from, to) => {
                        let (least, most) = bounds(&self.path, part.slot);
                        let ends = ends.entry(part.slot).or_default();
                        ends.extend([*from].iter().filter(|from| **from > least && **from <= most));
                        ends.extend((least..most).contains(to).then(|| to + 1));
                    }
                }
            }
        }
        let mut best: Option<Split> = None;
        let mut offer = |split: Split| {
            if best.as_ref().is_none_or(|best| split.cost < best.cost) {
                best = Some(split);
            }
        };
        touched.sort_unstable();
        for slot in touched {
            let Some(tally) = self.tallies.get_mut(usize::from(slot)) else { continue };
            offer(Split { slot, way: Way::ByKey, cuts: Vec::new(), cost: tally.cost(drafts.len()) });
            tally.clear();
        }
        for (slot, ends) in ends {
            let cuts = block::cuts(ends, MAX_CUTS);
            let mut sizes = vec![0_usize; cuts.len() + 1];
            let mut within = 0;
            for (first, last) in drafts.iter().filter_map(|draft| self.pieces(*draft, slot, &cuts)) {
                within += 1;
                sizes.get_mut(first..=last).into_iter().flatten().for_each(|size| *size += 1);
            }
            let sum = sizes.iter().sum();
            let squares = sizes.iter().map(|size| size * size).sum();
            offer(Split { slot, way: Way::ByNumber, cost: cost(drafts.len(), within, sum, squares), cuts });
        }
        best.filter(|best| best.cost + VISIT <= compared(drafts.len()))
    }

    fn by_key(&mut self, slot: u16, drafts: &[Draft]) -> Node {
        let mut keyed: Vec<(u32, Draft)> = Vec::new();
        let mut rest = Vec::new();
        for draft in drafts {
            match self.keys_of(*draft, slot) {
                Some(keys) => {
                    let copies = draft.copies / number(keys.len()).max(1);
                    keyed.extend(keys.iter().map(|key| (*key, Draft { copies, ..*draft })));
                }
                None => rest.push(*draft),
            }
        }
        // The sort is stable, so that the terms of a key stay in order.
        keyed.sort_by_key(|(key, _)| *key);
        let groups = keyed.chunk_by(|(key, _), (other, _)| key == other);
        let children = groups.filter_map(|group| {
            let (key, _) = group.first()?;
            let drafts: Vec<Draft> = group.iter().map(|(_, draft)| *draft).collect();
            Some((*key, self.at(Step::Key(slot, *key), &drafts)))
        });
        let children: Vec<(u32, Branch)> = children.collect();
        let rest = self.at(Step::Rest(slot, Way::ByKey), &rest);
        let (table, mask) = table(&mut self.index.keyed, &children);
        Node::Keys { slot, table, mask, rest }
    }

    fn by_number(&mut self, split: &Split, drafts: &[Draft]) -> Node {
        let Split { slot, cuts, .. } = split;
        let mut pieces: Vec<Vec<Draft>> = vec![Vec::new(); cuts.len() + 1];
        let mut rest = Vec::new();
        for draft in drafts {
            match self.pieces(*draft, *slot, cuts) {
                Some((first, last)) => {
                    let copies = draft.copies / number(last + 1 - first).max(1);
                    let into = pieces.get_mut(first..=last).into_iter().flatten();
                    into.for_each(|piece| piece.push(Draft { copies, ..*draft }));
                }
                None => rest.push(*draft),
            }
        }
        let (least, most) = bounds(&self.path, *slot);
        let lows = [least].into_iter().chain(cuts.iter().copied());
        let highs = cuts.iter().map(|cut| cut.saturating_sub(1)).chain([most]);
        let bounds: Vec<(u32, u32)> = lows.zip(highs).collect();
        let grown = pieces.into_iter().zip(bounds);
        let children: Vec<Branch> =
            grown.map(|(piece, (low, high))| self.at(Step::Within(*slot, low, high), &piece)).collect();
        let rest = self.at(Step::Rest(*slot, Way::ByNumber), &rest);
        let from = number(self.index.cuts.len());
        self.index.cuts.extend(cuts);
        let to = number(self.index.cuts.len());
        let pieces = number(self.index.pieces.len());
        self.index.pieces.extend(children);
        Node::Numbers { slot: *slot, from, to, pieces, rest }
    }
}

/// Returns the bounds of the numbers that reach the end of a path.
fn bounds(path: &[Step], slot: u16) -> (u32, u32) {
    let within = path.iter().rev().find_map(|step| match step {
        Step::Within(of, from, to) if *of == slot => Some((*from, *to)),
        _ => None,
    });
    within.unwrap_or((0, u32::MAX))
}

/// Returns whether a test holds for every lead that reaches the end of a path.
fn settled(path: &[Step], part: &Part) -> bool {
    !part.negated
        && path.iter().any(|step| match (step, &part.asks) {
            (Step::Key(slot, key), Asks::Keys(keys)) => *slot == part.slot && keys.binary_search(key).is_ok(),
            (Step::Within(slot, from, to), Asks::Range(low, high)) => *slot == part.slot && low <= from && to <= high,
            _ => false,
        })
}

/// Returns whether a path has already used this kind of split.
fn spent(path: &[Step], slot: u16, way: Way) -> bool {
    path.iter().any(|step| match step {
        Step::Key(of, _) => *of == slot && way == Way::ByKey,
        Step::Rest(of, by) => *of == slot && way == *by,
        Step::Within(..) => false,
    })
}

/// Returns the cost of comparing a lead with this many terms.
fn compared(terms: usize) -> usize {
    BLOCK + terms / TERMS
}

/// Returns the cost of a split of `all` terms. Leads are assumed to be distributed like the terms, so a branch with
/// more terms is visited more often.
fn cost(all: usize, asking: usize, sum: usize, squares: usize) -> usize {
    let rest = all.saturating_sub(asking);
    VISIT + compared(squares / sum.max(1)) + if rest == 0 { 0 } else { compared(rest) }
}

/// Counts the terms that test each key of a field.
#[derive(Default)]
struct Tally {
    /// The counts by key; keys start at zero.
    sizes: Vec<usize>,
    /// The keys counted.
    keys: Vec<u32>,
    /// How many terms test any key.
    asking: usize,
    /// The sum of the squares of the counts.
    squares: usize,
}

impl Tally {
    fn add(&mut self, keys: &[u32]) {
        self.asking += 1;
        for key in keys {
            if self.sizes.len() <= at(*key) {
                self.sizes.resize(at(*key) + 1, 0);
            }
            let Some(size) = self.sizes.get_mut(at(*key)) else { continue };
            self.squares += 2 * *size + 1;
            *size += 1;
            self.keys.push(*key);
        }
    }

    fn cost(&self, all: usize) -> usize {
        cost(all, self.asking, self.keys.len(), self.squares)
    }

    fn clear(&mut self) {
        for key in self.keys.drain(..) {
            if let Some(size) = self.sizes.get_mut(at(key)) {
                *size = 0;
            }
        }
        (self.asking, self.squares) = (0, 0);
    }
}
