//! Finds the first rule that matches a lead without testing every rule.
//!
//! # How
//!
//! Every condition is expanded into a few alternatives (`term`), each a list of tests that must all hold. A tree splits
//! these terms (`tree`): a node tests one field and has a branch for each key that a term requires, or for each range
//! of numbers, and one more, the *rest*, for terms that do not test the field. So a lead follows at most two branches
//! of a node (more only if rules name prefixes of the same text), and every branch knows its lowest rule: a branch that
//! cannot improve on the best rule found so far is not visited. Where a split would cost more than it saves, the terms
//! form a block (`block`): bitmaps for the remaining fields, which are compared all at once.
//!
//! **Neither decides; both only rule terms out.** The remaining terms are compared in full, in the order of the rules.
//! What cannot be compared by integers (searches within a text, activities, points in time, conditions with too many
//! alternatives) is left to the condition itself. A rule that needs an owner or a pool that the lead lacks is skipped,
//! and the search continues.
//!
//! # Why both
//!
//! Bitmaps alone grow with the number of rules: 1,563 words per field at 100,000 rules. A tree alone follows both
//! branches at every field that only some rules test, and ends in dozens of small leaves: on the benchmark's rulebooks
//! it took 0.5 microseconds at 1,000 rules and 1.3 at 10,000. The field that splits best (there, the country) divides
//! the number of rules by dozens, and bitmaps compare the remaining rules 64 at a time: 0.17 and 0.21 microseconds on
//! the same machine, with a quarter of the entries. The costs of a node, a block and its terms (`tree`) come from these
//! measurements, which `cargo bench -p fairleader-rulebook` repeats.
//!
//! # Bounds
//!
//! A rule has at most 8 terms and 16 entries. If the total is more than 8 entries per term, the tree is grown again
//! with fewer copies. Terms that test more keys than they may have copies stay in the rest. A block has at most 512
//! bytes of bitmaps per term; one that would need more is halved.

mod block;
mod term;
mod tree;

use super::reading::{Fields, Reading};
use super::symbols::{Key, NONE, at, number};
use crate::rule::Rule;

use self::block::Column;
use self::term::{Part, encode, hold};
use self::tree::Seed;

/// The indexes of a rulebook.
#[derive(Clone, Debug, Default)]
pub(super) struct Indexes {
    pub(super) block: Index,
    pub(super) route: Index,
}

impl Indexes {
    /// Compiles the rules of both sections, and adds the texts they name to `fields`.
    pub(super) fn compile(fields: &mut Fields, block: &[Rule], route: &[Rule]) -> Self {
        fields.prepare();
        let [block, route] = [block, route].map(|rules| seeds(fields, rules));
        fields.finish();
        Self { block: tree::grow(&block, fields), route: tree::grow(&route, fields) }
    }

    /// Returns their total size.
    pub(super) fn size(&self) -> IndexSize {
        let [block, route] = [&self.block, &self.route].map(Index::size);
        IndexSize {
            nodes: block.nodes + route.nodes,
            entries: block.entries + route.entries,
            bytes: block.bytes + route.bytes,
        }
    }
}

/// The size of a rulebook's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexSize {
    /// Nodes of its trees.
    pub nodes: usize,
    /// How many times rules appear in leaves and blocks.
    pub entries: usize,
    /// Bytes on the heap, including the texts that rules name.
    pub bytes: usize,
}

fn seeds(fields: &mut Fields, rules: &[Rule]) -> Vec<Seed> {
    let mut seeds = Vec::with_capacity(rules.len());
    for (rule, of) in rules.iter().enumerate() {
        let terms = term::terms(&of.condition, fields);
        let siblings = number(terms.len());
        seeds.extend(terms.into_iter().map(|term| Seed { rule: number(rule), term, siblings }));
    }
    seeds
}

/// The terms of a section's rules as a tree, stored in a few lists that refer to each other by position.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    root: Branch,
    nodes: Vec<Node>,
    /// The branches of [`Node::Keys`], each a small hash table.
    keyed: Vec<(u32, Branch)>,
    /// The columns of [`Node::Block`], and the bitmaps of their keys, each column a small hash table.
    columns: Vec<Column>,
    states: Vec<(u32, u32)>,
    bitmaps: Vec<u64>,
    cuts: Vec<u32>,
    /// The branches of [`Node::Numbers`].
    pieces: Vec<Branch>,
    /// The terms of [`Node::Block`]: their rules, and the positions of their code.
    terms: Vec<(u32, u32)>,
    /// The tests of terms. The code of a term is a head (twice its length, plus one if the rule's condition has to be
    /// tested as well), then its parts. A leaf is the number of its terms, then the rule and code of each.
    code: Vec<u32>,
    /// How many times terms appear in leaves and blocks.
    entries: usize,
}

/// A branch of the tree, with its lowest rule.
#[derive(Clone, Copy, Debug)]
struct Branch {
    least: u32,
    /// The node; with [`LEAF`], the position of a leaf in the code.
    to: u32,
}

/// Marks a branch that leads to a leaf.
const LEAF: u32 = 1 << 31;

impl Branch {
    /// An empty branch.
    const NONE: Self = Self { least: NONE, to: NONE };
}

impl Default for Branch {
    fn default() -> Self {
        Self::NONE
    }
}

#[derive(Clone, Copy, Debug)]
enum Node {
    /// Terms in the order of their rules, compared by columns of bitmaps; see `block`.
    Block { from: u32, to: u32, columns: u32, columns_end: u32 },
    /// The two halves of a block that would have been too large; the rules of the first come first.
    Pair { first: Branch, second: Branch },
    /// Splits by the keys of a field; `mask` is the size of its table minus one.
    Keys { slot: u16, table: u32, mask: u32, rest: Branch },
    /// Splits by the numbers of a field: the pieces start at `cuts[from..to]`, the lowest at 0.
    Numbers { slot: u16, from: u32, to: u32, pieces: u32, rest: Branch },
}

/// Returns where to look for a key first.
fn place(key: u32, mask: u32) -> usize {
    at((key.wrapping_mul(0x9E37_79B1) >> 7) & mask)
}

/// Appends a hash table of values by their keys to `all`, at most half full to keep searches short. Returns where it
/// starts, and its size minus one.
fn table<T: Copy + Default>(all: &mut Vec<(u32, T)>, keyed: &[(u32, T)]) -> (u32, u32) {
    let size = (keyed.len() * 2).next_power_of_two();
    let mask = number(size - 1);
    let mut table = vec![(NONE, T::default()); size];
    for one in keyed {
        let mut position = place(one.0, mask);
        while table.get(position).is_some_and(|(taken, _)| *taken != NONE) {
            position = (position + 1) & at(mask);
        }
        if let Some(free) = table.get_mut(position) {
            *free = *one;
        }
    }
    let from = number(all.len());
    all.extend(table);
    (from, mask)
}

/// Returns the value of a key in a table.
fn find<T: Copy>(all: &[(u32, T)], from: u32, mask: u32, key: u32) -> Option<T> {
    let mut position = place(key, mask);
    loop {
        match all.get(at(from) + position) {
            Some((known, found)) if *known == key => return Some(*found),
            Some((known, _)) if *known != NONE => position = (position + 1) & at(mask),
            _ => return None,
        }
    }
}

impl Index {
    /// Stores the code of a term and returns its position.
    fn code<'p>(&mut self, parts: impl IntoIterator<Item = &'p Part>, more: bool) -> u32 {
        let head = self.code.len();
        self.code.push(0);
        parts.into_iter().for_each(|part| encode(part, &mut self.code));
        let length = number(self.code.len() - head - 1);
        self.code.get_mut(head).into_iter().for_each(|head| *head = length << 1 | u32::from(more));
        number(head)
    }

    fn child(&self, table: u32, mask: u32, key: u32) -> Branch {
        if key == NONE { Branch::NONE } else { find(&self.keyed, table, mask, key).unwrap_or_default() }
    }

    /// Returns the first matching rule: of the rules with a term that holds for the lead, the lowest for which `fits`
    /// returns something. `fits` gets the rule's number, and whether its condition is known to hold.
    pub(super) fn first<T>(&self, reading: &Reading<'_>, fits: impl Fn(usize, bool) -> Option<T>) -> Option<T> {
        let mut search = Search { index: self, reading, fits, best: NONE, found: None };
        search.visit(self.root);
        search.found
    }

    fn size(&self) -> IndexSize {
        let bytes = [
            self.nodes.capacity() * size_of::<Node>(),
            self.keyed.capacity() * size_of::<(u32, Branch)>(),
            self.columns.capacity() * size_of::<Column>(),
            self.states.capacity() * size_of::<(u32, u32)>(),
            self.bitmaps.capacity() * size_of::<u64>(),
            self.cuts.capacity() * size_of::<u32>(),
            self.pieces.capacity() * size_of::<Branch>(),
            self.terms.capacity() * size_of::<(u32, u32)>(),
            self.code.capacity() * size_of::<u32>(),
        ];
        IndexSize { nodes: self.nodes.len(), entries: self.entries, bytes: bytes.iter().sum() }
    }
}

struct Search<'i, 'r, F, T> {
    index: &'i Index,
    reading: &'i Reading<'r>,
    fits: F,
    /// The lowest rule found so far.
    best: u32,
    found: Option<T>,
}

impl<T, F: Fn(usize, bool) -> Option<T>> Search<'_, '_, F, T> {
    fn visit(&mut self, branch: Branch) {
        if branch.least >= self.best {
            return;
        }
        let index = self.index;
        if branch.to & LEAF != 0 {
            return self.leaf(index.code.get(at(branch.to & !LEAF)..).unwrap_or_default());
        }
        match index.nodes.get(at(branch.to)) {
            Some(Node::Block { from, to, columns, columns_end }) => {
                let terms = index.terms.get(at(*from)..at(*to)).unwrap_or_default();
                let reading = self.reading;
                index.candidates((*columns, *columns_end), terms.len(), reading, |nth| {
                    let Some((rule, code)) = terms.get(nth) else { return false };
                    *rule < self.best && self.misses(*rule, index.code.get(at(*code)..).unwrap_or_default()).is_some()
                });
            }
            Some(Node::Pair { first, second }) => self.both(*first, *second),
            Some(Node::Keys { slot, table, mask, rest }) => {
                let Key::Of { is, begins } = self.reading.key(*slot) else { return self.visit(*rest) };
                let exact = index.child(*table, *mask, is);
                if begins == NONE {
                    return self.both(exact, *rest);
                }
                let reading = self.reading;
                for key in reading.begins(*slot, begins) {
                    self.visit(index.child(*table, *mask, key));
                }
                self.both(exact, *rest);
            }
            Some(Node::Numbers { slot, from, to, pieces, rest }) => {
                let Key::Number(number) = self.reading.key(*slot) else { return self.visit(*rest) };
                let cuts = index.cuts.get(at(*from)..at(*to)).unwrap_or_default();
                let piece = cuts.partition_point(|cut| *cut <= number);
                let piece = index.pieces.get(at(*pieces) + piece).copied().unwrap_or_default();
                self.both(piece, *rest);
            }
            None => {}
        }
    }

    /// Visits the branch with the lower rule first, because a match there may make the other one unnecessary.
    fn both(&mut self, one: Branch, other: Branch) {
        let (first, second) = if one.least <= other.least { (one, other) } else { (other, one) };
        self.visit(first);
        self.visit(second);
    }

    fn leaf(&mut self, code: &[u32]) {
        let Some((terms, mut code)) = code.split_first() else { return };
        for _ in 0..*terms {
            let Some((rule, term)) = code.split_first().filter(|(rule, _)| **rule < self.best) else { return };
            let Some(rest) = self.misses(*rule, term) else { return };
            code = rest;
        }
    }

    /// Compares the term at the start of `code`. Returns `None` if it wins, so that no later term matters, or else the
    /// rest.
    fn misses<'c>(&mut self, rule: u32, code: &'c [u32]) -> Option<&'c [u32]> {
        let (head, code) = code.split_first()?;
        let (term, rest) = code.split_at_checked(at(head >> 1))?;
        if !hold(term, self.reading) {
            return Some(rest);
        }
        let Some(found) = (self.fits)(at(rule), head & 1 == 0) else { return Some(rest) };
        self.found = Some(found);
        self.best = rule;
        None
    }
}

#[cfg(test)]
mod tests;
