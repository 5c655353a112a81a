//! Arranges regions on shelves, to find the regions that contain a point without testing all of them.

use super::atoms::{Atoms, Cube};
use super::rarity::{Rarity, nodes};
use crate::work::Purse;

/// Regions that others are compared with, in order of insertion.
///
/// In most dimensions, a query point is at the rarest atom; it is moved only in the dimensions that the query's cube
/// restricts. So every cube is on one shelf: that of a side which does not contain the rarest atom and, of these, the
/// one that the fewest other cubes share. A query has to look only at the shelves of the dimensions in which the point
/// was moved, and at the few cubes without such a side.
#[derive(Debug)]
pub(crate) struct Earlier<'c> {
    regions: Vec<&'c [Cube]>,
    /// Every cube, with the position of its region.
    cubes: Vec<(usize, &'c Cube)>,
    /// By dimension.
    shelves: Vec<Shelf>,
    /// Cubes that are on no shelf.
    anywhere: Vec<usize>,
}

/// Cubes by one of their sides: a binary tree over the atoms of the dimension, in which each stretch is stored at the
/// few nodes that make it up. Empty if there are no cubes.
#[derive(Clone, Debug, Default)]
struct Shelf {
    nodes: Vec<Vec<usize>>,
}

impl Shelf {
    fn put(&mut self, size: usize, atoms: &Atoms, cube: usize) {
        if self.nodes.is_empty() {
            self.nodes.resize_with(2 * size, Vec::new);
        }
        for node in atoms.stretches().iter().flat_map(|stretch| nodes(size, *stretch)) {
            self.nodes.get_mut(node).into_iter().for_each(|node| node.push(cube));
        }
    }

    /// Returns lists of the cubes whose side contains the atom.
    fn with(&self, atom: usize) -> impl Iterator<Item = &[usize]> {
        let leaf = Some(self.nodes.len() / 2 + atom).filter(|_| !self.nodes.is_empty());
        let up = std::iter::successors(leaf, |node| Some(node / 2).filter(|node| *node > 0));
        up.filter_map(|node| self.nodes.get(node)).map(Vec::as_slice)
    }
}

impl<'c> Earlier<'c> {
    /// Creates an empty collection for a space with this many dimensions.
    pub(super) fn new(dims: usize) -> Self {
        Self { regions: Vec::new(), cubes: Vec::new(), shelves: vec![Shelf::default(); dims], anywhere: Vec::new() }
    }

    /// Adds a region; `rare` is the rarest atom of each dimension. `None`, and nothing is added, if `purse` does not
    /// allow it.
    pub(super) fn add(&mut self, region: &'c [Cube], rarity: &[Rarity], rare: &[usize], purse: &Purse) -> Option<()> {
        let size = |(dim, atoms): &(usize, Atoms)| {
            let deep = rarity.get(*dim).map_or(0, |rarity| rarity.size().checked_ilog2().unwrap_or_default());
            1 + atoms.stretches().len().saturating_mul(1 + usize::try_from(deep).unwrap_or_default())
        };
        purse.take(region.iter().flat_map(Cube::sides).map(size).sum::<usize>() + region.len())?;
        for cube in region {
            let number = self.cubes.len();
            let apart = |(dim, atoms): &&(usize, Atoms)| rare.get(*dim).is_some_and(|rare| !atoms.contains(*rare));
            let shared = |(dim, atoms): &&(usize, Atoms)| rarity.get(*dim).map(|rarity| rarity.mean(atoms));
            let best = cube.sides().iter().filter(apart).min_by_key(shared);
            match best.and_then(|(dim, atoms)| Some((self.shelves.get_mut(*dim)?, rarity.get(*dim)?, atoms))) {
                Some((on, of, atoms)) => on.put(of.size(), atoms, number),
                None => self.anywhere.push(number),
            }
            self.cubes.push((self.regions.len(), cube));
        }
        self.regions.push(region);
        Some(())
    }

    pub(super) fn region(&self, position: usize) -> &'c [Cube] {
        self.regions.get(position).copied().unwrap_or_default()
    }

    /// Returns lists, each in order, of the cubes that may contain a point that was moved into `moved`.
    fn lists<'s>(&'s self, moved: &'s Cube, point: &'s [usize]) -> impl Iterator<Item = &'s [usize]> {
        let shelves = moved.sides().iter().filter_map(|(dim, _)| Some((self.shelves.get(*dim)?, *point.get(*dim)?)));
        [self.anywhere.as_slice()].into_iter().chain(shelves.flat_map(|(shelf, atom)| shelf.with(atom)))
    }

    /// Returns whether a cube contains a point; `None` if `purse` allows no answer.
    fn has(&self, cube: usize, point: &[usize], purse: &Purse) -> Option<bool> {
        let Some((_, cube)) = self.cubes.get(cube) else { return Some(false) };
        purse.take(1 + cube.sides().len())?;
        Some(cube.has(point))
    }

    /// Returns the first cube that contains a point which was moved into `moved`, with the position of its region.
    /// `None` if `purse` allows no answer.
    #[expect(clippy::option_option, reason = "the outer one says whether the allowance was enough for an answer")]
    pub(super) fn first(&self, moved: &Cube, point: &[usize], purse: &Purse) -> Option<Option<(usize, &'c Cube)>> {
        let mut best: Option<usize> = None;
        for list in self.lists(moved, point) {
            purse.take(1)?;
            for cube in list.iter().copied().take_while(|cube| best.is_none_or(|best| *cube < best)) {
                if self.has(cube, point, purse)? {
                    best = Some(cube);
                    break;
                }
            }
        }
        Some(best.and_then(|best| self.cubes.get(best).copied()))
    }

    /// Returns the positions of all regions that contain a point which was moved into `moved`, in order. `None` if
    /// `purse` allows no answer.
    pub(super) fn having(&self, moved: &Cube, point: &[usize], purse: &Purse) -> Option<Vec<usize>> {
        let mut regions: Vec<usize> = Vec::new();
        for list in self.lists(moved, point) {
            purse.take(1)?;
            for cube in list {
                if self.has(*cube, point, purse)? {
                    regions.extend(self.cubes.get(*cube).map(|(region, _)| *region));
                }
            }
        }
        regions.sort_unstable();
        regions.dedup();
        Some(regions)
    }
}
