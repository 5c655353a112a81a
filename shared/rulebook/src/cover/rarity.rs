//! Counts how many cubes contain each atom of a dimension, and finds the rarest atom of a set.

use super::atoms::{Atoms, Cube, Stretch};
use super::space::Space;

/// The counts of one dimension.
#[derive(Debug)]
pub(super) struct Rarity {
    size: usize,
    /// A binary tree over the atoms, with the root at 1 and the atoms from `size` on: the lowest count below each node,
    /// and the first atom that has it.
    least: Vec<(u32, usize)>,
    /// The sum of the counts of all atoms before each one.
    before: Vec<u64>,
}

impl Rarity {
    /// Counts the atoms of every dimension of a space.
    pub(super) fn of<'c>(space: &Space, cubes: impl IntoIterator<Item = &'c Cube>) -> Vec<Self> {
        // How many cubes start (first) and end (second) at each atom.
        let mut steps: Vec<Vec<(u32, u32)>> = space.dims.iter().map(|dim| vec![(0, 0); dim.size + 1]).collect();
        for (dim, atoms) in cubes.into_iter().flat_map(Cube::sides) {
            let Some(steps) = steps.get_mut(*dim) else { continue };
            for (from, to) in atoms.stretches() {
                steps.get_mut(*from).into_iter().for_each(|(more, _)| *more += 1);
                steps.get_mut(*to).into_iter().for_each(|(_, less)| *less += 1);
            }
        }
        steps.into_iter().map(|steps| Self::from_steps(&steps)).collect()
    }

    fn from_steps(steps: &[(u32, u32)]) -> Self {
        let size = steps.len().saturating_sub(1);
        let mut least = vec![(u32::MAX, usize::MAX); size];
        let mut before = Vec::with_capacity(size + 1);
        let (mut count, mut sum) = (0, 0);
        for (atom, (more, less)) in steps.iter().enumerate() {
            before.push(sum);
            if atom < size {
                count = count + more - less;
                sum += u64::from(count);
                least.push((count, atom));
            }
        }
        for node in (1..size).rev() {
            let below = least.get(2 * node..2 * node + 2).and_then(|pair| pair.iter().min()).copied();
            if let Some((node, below)) = least.get_mut(node).zip(below) {
                *node = below;
            }
        }
        Self { size, least, before }
    }

    /// Returns how many atoms the dimension has.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// Returns the sum of the counts of all atoms.
    pub(super) fn sum(&self) -> u64 {
        self.before.last().copied().unwrap_or_default()
    }

    /// Returns the atom that the fewest cubes contain.
    pub(super) fn rarest(&self, atoms: &Atoms) -> usize {
        let least = atoms.stretches().iter().filter_map(|stretch| self.least(*stretch)).min();
        least.map_or(0, |(_, atom)| atom)
    }

    fn least(&self, (from, to): Stretch) -> Option<(u32, usize)> {
        nodes(self.size, (from, to)).filter_map(|node| self.least.get(node)).min().copied()
    }

    /// Returns how many cubes contain an atom of a set, on average.
    pub(super) fn mean(&self, atoms: &Atoms) -> u64 {
        let (mut sum, mut count) = (0, 0_u64);
        for (from, to) in atoms.stretches() {
            if let (Some(from), Some(to)) = (self.before.get(*from), self.before.get(*to)) {
                sum += to - from;
            }
            count += u64::try_from(to - from).unwrap_or(u64::MAX);
        }
        sum / count.max(1)
    }
}

/// Returns the smallest set of nodes, in a binary tree over `size` atoms, that covers exactly the atoms of a stretch.
pub(super) fn nodes(size: usize, (from, to): Stretch) -> impl Iterator<Item = usize> {
    let (mut from, mut to) = (from + size, to + size);
    std::iter::from_fn(move || {
        (from < to).then(|| {
            let ends = [(from % 2 == 1).then_some(from), (to % 2 == 1).then(|| to - 1)];
            (from, to) = (from.div_ceil(2), to / 2);
            ends
        })
    })
    .flatten()
    .flatten()
}
