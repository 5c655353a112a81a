//! Grows the tree of an [`Index`]: which field to split by, where each term goes, and where blocks do better.

use std::collections::BTreeMap;

use super::super::reading::Fields;
use super::super::symbols::{NONE, at, number};
use super::term::{Asks, Part, Term};
use super::{Branch, Index, LEAF, Node, block, table};

/// What it costs to visit a node, about in nanoseconds. Tests make do with less, so that small rulebooks grow trees too.
const VISIT: usize = if cfg!(test) { 1 } else { 25 };
/// What it costs to begin with a block, and how many of its terms cost one more.
const BLOCK: usize = if cfg!(test) { 2 } else { 40 };
const TERMS: usize = if cfg!(test) { 1 } else { 16 };
/// So few terms are compared one by one.
const FEW: usize = if cfg!(test) { 2 } else { 8 };
/// Most nodes one above the other. What is left there is compared one by one.
const MAX_DEPTH: usize = 48;
/// Most numbers a node is cut at.
const MAX_CUTS: usize = 31;
/// Most neighbouring pieces a range of numbers is put into; a wider one stays with those that do not ask.
const MAX_SPAN: usize = 8;
/// How many leaves one rule may stand in, the most first. If that makes too many entries altogether, the next is tried.
const COPIES: [u32; 3] = [16, 4, 1];
/// How many entries there may be altogether for each term.
const ENTRIES_PER_TERM: usize = 8;

/// A term to be put into the tree.
pub(super) struct Seed {
    /// The rule's number.
    pub(super) rule: u32,
    pub(super) term: Term,
    /// How many terms the rule has.
    pub(super) siblings: u32,
}

/// A term on its way to the leaves, and how many of them it may still go to.
#[derive(Clone, Copy)]
struct Draft {
    seed: usize,
    copies: u32,
}

/// What the leads that get to a node have in common.
#[derive(Clone, Copy)]
enum Step {
    /// The lead has this key.
    Key(u16, u32),
    /// The lead's number lies between these, both included.
    Within(u16, u32, u32),
    /// The field was asked for, and these terms do not say.
    Rest(u16, Way),
}

/// How a field splits terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    ByKey,
    ByNumber,
}

/// A split that may be made.
struct Split {
    slot: u16,
    way: Way,
    /// The first number of every piece but the lowest, at [`Way::ByNumber`].
    cuts: Vec<u32>,
    /// What a decision costs after it.
    cost: usize,
}

struct Grower<'s> {
    index: Index,
    fields: &'s Fields,
    seeds: &'s [Seed],
    /// Where the code of each seed stands that its places in blocks share; [`NONE`] if it is in none yet.
    shared: Vec<u32>,
    path: Vec<Step>,
    /// By slot; empty between one split and the next.
    tallies: Vec<Tally>,
    /// How many entries may be made at most.
    most: usize,
}

/// Grows an index over `seeds`, which stand in the order of their rules.
pub(super) fn grow(seeds: &[Seed], fields: &Fields) -> Index {
    let mut index = Index::default();
    for copies in COPIES {
        let most = if copies == 1 { usize::MAX } else { seeds.len().saturating_mul(ENTRIES_PER_TERM) };
        let mut grower = Grower {
            index: Index::default(),
            fields,
            seeds,
            shared: vec![NONE; seeds.len()],
            path: Vec::new(),
            tallies: Vec::new(),
            most,
        };
        let drafts = seeds.iter().enumerate();
        let drafts = drafts.map(|(seed, of)| Draft { seed, copies: (copies / of.siblings.max(1)).max(1) });
        let drafts: Vec<Draft> = drafts.collect();
        grower.index.root = grower.branch(&drafts);
        index = grower.index;
        if index.entries <= most {
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
        // Too many entries already: this tree is given up for one with fewer copies, so the rest of it does not matter.
        let given_up = self.index.entries > self.most;
        let split = if given_up || self.path.len() >= MAX_DEPTH { None } else { self.split(drafts) };
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

    /// Terms to compare one by one, each with a copy of its code: what the path has settled comes last, for it holds for
    /// whoever gets here and only a winner is asked for it.
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

    /// Terms to compare by columns.
    fn block(&mut self, least: u32, drafts: &[Draft]) -> Branch {
        if drafts.len() <= FEW {
            return self.leaf(least, drafts);
        }
        let seeds = drafts.iter().filter_map(|draft| self.seeds.get(draft.seed));
        let terms: Vec<&[Part]> = seeds.map(|seed| seed.term.parts.as_slice()).collect();
        let path = &self.path;
        let known = |slot| spent(path, slot, Way::ByKey);
        let columns = block::columns(&mut self.index, self.fields, &terms, known, |slot| bounds(path, slot));
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

    /// The keys that a term asks of a field, if it may go to that many branches.
    fn keys_of(&self, draft: Draft, slot: u16) -> Option<&'s [u32]> {
        let keys = self.parts(draft).find_map(|part| match &part.asks {
            Asks::Keys(keys) if part.slot == slot && !part.negated => Some(keys.as_slice()),
            _ => None,
        });
        keys.filter(|keys| number(keys.len()) <= draft.copies)
    }

    /// The numbers that a term asks of a field, within those that get here; `None` if it asks for all of them.
    fn range_of(&self, draft: Draft, slot: u16) -> Option<(u32, u32)> {
        let (least, most) = bounds(&self.path, slot);
        let range = self.parts(draft).find_map(|part| match &part.asks {
            Asks::Range(from, to) if part.slot == slot && !part.negated => Some((*from, *to)),
            _ => None,
        });
        range.map(|(from, to)| (from.max(least), to.min(most))).filter(|range| *range != (least, most))
    }

    /// The first and last of the pieces between `cuts` that a term goes to, if it may go to that many.
    fn pieces(&self, draft: Draft, slot: u16, cuts: &[u32]) -> Option<(usize, usize)> {
        let (from, to) = self.range_of(draft, slot)?;
        let piece = |number: u32| cuts.partition_point(|cut| *cut <= number);
        let (first, last) = (piece(from), piece(to));
        // A range without a number in it, or none within the bounds, is found in no piece.
        let span = (last + 1).saturating_sub(first);
        (span <= MAX_SPAN && number(span) <= draft.copies).then_some((first, last))
    }

    /// The split after which the fewest terms are left to compare; `None` if none is worth its while.
    fn split(&mut self, drafts: &[Draft]) -> Option<Split> {
        if drafts.len() <= FEW {
            return None;
        }
        let mut ends: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
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
                        self.tallies.get_mut(slot)?.add(of);
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
        for (slot, tally) in (0..=u16::MAX).zip(&mut self.tallies) {
            if tally.asking > 0 {
                offer(Split { slot, way: Way::ByKey, cuts: Vec::new(), cost: tally.cost(drafts.len()) });
                tally.clear();
            }
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
        // Stable, so that the terms of a key stay in their order.
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

/// The bounds of the numbers that get to the end of a path.
fn bounds(path: &[Step], slot: u16) -> (u32, u32) {
    let within = path.iter().rev().find_map(|step| match step {
        Step::Within(of, from, to) if *of == slot => Some((*from, *to)),
        _ => None,
    });
    within.unwrap_or((0, u32::MAX))
}

/// Whether a test holds for whoever gets to the end of a path.
fn settled(path: &[Step], part: &Part) -> bool {
    !part.negated
        && path.iter().any(|step| match (step, &part.asks) {
            (Step::Key(slot, key), Asks::Keys(keys)) => *slot == part.slot && keys.contains(key),
            (Step::Within(slot, from, to), Asks::Range(low, high)) => *slot == part.slot && low <= from && to <= high,
            _ => false,
        })
}

/// Whether a path says already what can be said this way.
fn spent(path: &[Step], slot: u16, way: Way) -> bool {
    path.iter().any(|step| match step {
        Step::Key(of, _) => *of == slot && way == Way::ByKey,
        Step::Rest(of, by) => *of == slot && way == *by,
        Step::Within(..) => false,
    })
}

/// What it costs to compare a lead with so many terms.
fn compared(terms: usize) -> usize {
    BLOCK + terms / TERMS
}

/// What a split of `all` terms costs: leads are taken to be spread like the terms, so that a branch is visited the more
/// often the more terms stand in it.
fn cost(all: usize, asking: usize, sum: usize, squares: usize) -> usize {
    let rest = all.saturating_sub(asking);
    VISIT + compared(squares / sum.max(1)) + if rest == 0 { 0 } else { compared(rest) }
}

/// How many terms ask for each key of a field.
#[derive(Default)]
struct Tally {
    /// By key, which count up from zero.
    sizes: Vec<usize>,
    /// The keys counted.
    keys: Vec<u32>,
    /// How many terms ask for any.
    asking: usize,
    /// The sizes' squares added up.
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
