//! Whether some regions together have every point of another.
//!
//! Looks for a point that none of them has, where few of them are likely to be: most rules can win, and for those the first
//! point tried shows it. Where a cube has the point, it is taken away from the region, and each piece that is left is
//! looked at in the same way; when no piece is left, the region is covered.

use std::collections::BTreeSet;

use super::atoms::{Atoms, Cube};
use super::space::{Dim, Space};

/// Most cubes that are looked at, each time a point is tried, before a question is given up.
const MAX_STEPS: usize = 1_000_000;
/// Most atoms that are asked about to say what is left.
const MAX_ASKED: usize = 2_000;
/// Most covering regions that are tried one by one to find those that are needed.
const MAX_TRIED: usize = 12;

/// Whether some regions have every point of another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Covered {
    /// There is a point that none of them has.
    No,
    /// Every point is in one of these, by number; of a dozen or fewer none can be left out.
    By(Vec<usize>),
    /// It takes too much work to say.
    Unknown,
}

/// Answers whether regions cover each other.
pub(crate) struct Covering<'s> {
    pub(super) space: &'s Space,
    /// For each atom of each dimension, how many cubes name it.
    named: Vec<Vec<u32>>,
    /// Of each dimension the atom that the fewest cubes name.
    rare: Vec<usize>,
}

impl<'s> Covering<'s> {
    /// `cubes` are those that questions will be about; others may be asked about too, at more cost.
    pub(crate) fn new<'c>(space: &'s Space, cubes: impl IntoIterator<Item = &'c Cube>) -> Self {
        let mut named: Vec<Vec<u32>> = space.dims.iter().map(|dim| vec![0; dim.size]).collect();
        for (dim, atoms) in cubes.into_iter().flat_map(Cube::sides) {
            let Some(counts) = named.get_mut(*dim) else { continue };
            for atom in atoms.iter() {
                if let Some(count) = counts.get_mut(atom) {
                    *count += 1;
                }
            }
        }
        let rare = space.dims.iter().zip(&named).map(|(dim, counts)| rarest(&dim.whole, counts)).collect();
        Self { space, named, rare }
    }

    /// Whether the regions of `earlier`, each with its number, have every point of `region`. Names as few as it can.
    pub(crate) fn covered(&self, region: &[Cube], earlier: &[(usize, &[Cube])]) -> Covered {
        let mut point = self.rare.clone();
        for cube in region {
            self.point(cube, &mut point);
            if !earlier.iter().any(|(_, cubes)| cubes.iter().any(|other| other.has(&point))) {
                return Covered::No;
            }
            point.clone_from(&self.rare);
        }
        let near: Vec<(usize, &[Cube])> =
            earlier.iter().copied().filter(|(_, cubes)| super::meet(region, cubes)).collect();
        // One that does it alone is the clearest to name.
        let alone = near.iter().find(|(_, cubes)| region.iter().all(|mine| cubes.iter().any(|c| mine.within(c))));
        if let Some((number, _)) = alone {
            return Covered::By(vec![*number]);
        }
        let mut used = match self.cover(region, &near) {
            Covered::By(used) => used,
            other => return other,
        };
        // Those used first may have been in vain.
        if used.len() <= MAX_TRIED {
            for number in used.clone() {
                let left: Vec<usize> = used.iter().copied().filter(|other| *other != number).collect();
                let of: Vec<(usize, &[Cube])> = near.iter().copied().filter(|(n, _)| left.contains(n)).collect();
                if matches!(self.cover(region, &of), Covered::By(_)) {
                    used = left;
                }
            }
        }
        Covered::By(used)
    }

    /// What all points that none of `earlier` has have in common, dimension by dimension; an empty list says nothing.
    /// `None` if every point is in one of them.
    pub(crate) fn left(&self, earlier: &[(usize, &[Cube])]) -> Option<Vec<Cube>> {
        if let Covered::By(_) = self.covered(&[Cube::default()], earlier) {
            return None;
        }
        let mut common = Vec::new();
        let mut asked = 0;
        for (dim, Dim { whole, size, .. }) in self.space.dims.iter().enumerate() {
            asked += size;
            if asked > MAX_ASKED {
                break;
            }
            let is_left = |atom: &usize| {
                let cube = Cube::of(dim, Atoms::one(*size, *atom));
                !cube.is_some_and(|cube| matches!(self.covered(&[cube], earlier), Covered::By(_)))
            };
            let left =
                whole.iter().filter(is_left).fold(Atoms::none(*size), |left, atom| left.or(&Atoms::one(*size, atom)));
            if !whole.within(&left) {
                common.extend(Cube::of(dim, left));
            }
        }
        Some(common)
    }

    /// Moves `point`, which stands where the fewest cubes are, into a cube.
    fn point(&self, cube: &Cube, point: &mut [usize]) {
        for (dim, atoms) in cube.sides() {
            if let (Some(place), Some(counts)) = (point.get_mut(*dim), self.named.get(*dim)) {
                *place = rarest(atoms, counts);
            }
        }
    }

    fn cover(&self, region: &[Cube], near: &[(usize, &[Cube])]) -> Covered {
        let mut used = BTreeSet::new();
        let mut steps = 0;
        let mut left: Vec<Cube> = region.to_vec();
        let cubes = || near.iter().flat_map(|(number, cubes)| cubes.iter().map(|cube| (*number, cube)));
        while let Some(piece) = left.pop() {
            let mut point = self.rare.clone();
            self.point(&piece, &mut point);
            let found = cubes().enumerate().find(|(_, (_, other))| other.has(&point));
            let Some((at, (number, other))) = found else { return Covered::No };
            steps += at + 1 + left.len();
            if steps > MAX_STEPS {
                return Covered::Unknown;
            }
            used.insert(number);
            left.extend(piece.minus(other, |dim| self.space.whole(dim)));
        }
        Covered::By(used.into_iter().collect())
    }
}

/// The atom that the fewest cubes name.
fn rarest(atoms: &Atoms, named: &[u32]) -> usize {
    atoms.iter().min_by_key(|atom| named.get(*atom).copied().unwrap_or_default()).unwrap_or_default()
}
