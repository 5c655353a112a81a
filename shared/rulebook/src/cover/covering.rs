//! Finds out whether some regions together cover another.
//!
//! Looks for a point that none of them contains, at the rarest atoms: most rules can win, and for those the first point
//! tried shows it. If a cube contains the point, it is subtracted from the region, and each remaining piece is treated
//! in the same way. When no piece is left, the region is covered. [`Earlier`] finds the cubes that may contain a point,
//! so a rule is not compared with all others.

use std::collections::BTreeSet;

use super::atoms::{Atoms, Cube};
use super::earlier::Earlier;
use super::meeting::Meeting;
use super::rarity::Rarity;
use super::space::{Dim, Space};

/// The most cubes to test for one question before giving up.
const MAX_STEPS: usize = 1_000_000;
/// The most cubes to test for all questions together; with 100,000 rules, a question takes a few thousand steps.
const MAX_ALL_STEPS: usize = 1_000_000_000;
/// The most atoms to test when finding out what is left.
const MAX_ASKED: usize = 2_000;
/// The most covering regions to try one by one when reducing them to those that are needed.
const MAX_TRIED: usize = 12;

/// Whether some regions cover another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Covered {
    /// None of them contains some point.
    No,
    /// These regions, by position, contain every point; if there are at most 12, all of them are needed.
    By(Vec<usize>),
    /// It takes too much work to tell.
    Unknown,
}

/// Answers whether regions cover each other.
pub(crate) struct Covering<'s> {
    pub(super) space: &'s Space,
    rarity: Vec<Rarity>,
    /// The rarest atom of each dimension.
    rare: Vec<usize>,
    /// The same, except in the dimensions in which the current point was moved.
    point: Vec<usize>,
    /// How many steps are left for all questions.
    steps: usize,
}

impl<'s> Covering<'s> {
    /// Prepares for questions about `cubes`; questions about other cubes work too, but cost more.
    pub(crate) fn new<'c>(space: &'s Space, cubes: impl IntoIterator<Item = &'c Cube>) -> Self {
        let rarity = Rarity::of(space, cubes);
        let rare: Vec<usize> = space.dims.iter().zip(&rarity).map(|(dim, of)| of.rarest(&dim.whole)).collect();
        Self { space, point: rare.clone(), rarity, rare, steps: MAX_ALL_STEPS }
    }

    /// Returns an empty collection of earlier regions.
    pub(crate) fn nothing<'c>(&self) -> Earlier<'c> {
        Earlier::new(self.space.dims.len())
    }

    /// Adds a region to those that others are compared with.
    pub(crate) fn add<'c>(&self, region: &'c [Cube], earlier: &mut Earlier<'c>) {
        earlier.add(region, &self.rarity, &self.rare);
    }

    /// Indexes regions, to find those that meet each other.
    pub(crate) fn meeting(&self, regions: &[&[Cube]]) -> Meeting {
        Meeting::new(regions, self.rarity.iter().map(|rarity| (rarity.size(), rarity.sum())))
    }

    /// Returns whether the regions of `earlier` cover `region`, and names as few of them as possible.
    pub(crate) fn covered(&mut self, region: &[Cube], earlier: &Earlier<'_>) -> Covered {
        let mut looked = 0;
        let covered = self.ask(region, earlier, &mut looked);
        self.steps = self.steps.saturating_sub(looked);
        covered
    }

    fn ask(&mut self, region: &[Cube], earlier: &Earlier<'_>, looked: &mut usize) -> Covered {
        if self.steps == 0 {
            return Covered::Unknown;
        }
        for cube in region {
            if self.at(cube, |point| earlier.first(cube, point, looked)).is_none() {
                return Covered::No;
            }
        }
        // A single region that covers everything makes the clearest message. It must contain any point of the region.
        let having = region.first().map(|cube| self.at(cube, |point| earlier.having(cube, point, looked)));
        let alone = |position: &usize| {
            let cubes = earlier.region(*position);
            region.iter().all(|mine| cubes.iter().any(|cube| mine.within(cube)))
        };
        if let Some(position) = having.into_iter().flatten().find(alone) {
            return Covered::By(vec![position]);
        }
        let mut used = match self.cover(region, looked, |piece, point, looked| earlier.first(piece, point, looked)) {
            Covered::By(used) => used,
            other => return other,
        };
        // Some of the regions used may have turned out to be unnecessary.
        if used.len() <= MAX_TRIED {
            for position in used.clone() {
                let left: Vec<usize> = used.iter().copied().filter(|other| *other != position).collect();
                let some: Vec<(usize, &[Cube])> = left.iter().map(|at| (*at, earlier.region(*at))).collect();
                if let Covered::By(_) = self.cover(region, looked, |_, point, looked| first(&some, point, looked)) {
                    used = left;
                }
            }
        }
        Covered::By(used)
    }

    /// Returns whether `other` is known to cover `region`.
    pub(crate) fn within(&mut self, region: &[Cube], other: &[Cube]) -> bool {
        let covered = self.cover(region, &mut 0, |_, point, looked| first(&[(0, other)], point, looked));
        matches!(covered, Covered::By(_))
    }

    /// Returns what all points outside `earlier` have in common, dimension by dimension; an empty list if nothing is
    /// known. `None` if `earlier` covers every point.
    pub(crate) fn left(&mut self, earlier: &Earlier<'_>) -> Option<Vec<Cube>> {
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
                let cube = Cube::of(dim, Atoms::one(*atom));
                !cube.is_some_and(|cube| matches!(self.covered(&[cube], earlier), Covered::By(_)))
            };
            let left = Atoms::each(whole.iter().filter(is_left));
            if !whole.within(&left) {
                common.extend(Cube::of(dim, left));
            }
        }
        Some(common)
    }

    /// Moves the point to the rarest atoms of a cube, and asks about it.
    fn at<T>(&mut self, cube: &Cube, ask: impl FnOnce(&[usize]) -> T) -> T {
        for (dim, atoms) in cube.sides() {
            if let (Some(place), Some(rarity)) = (self.point.get_mut(*dim), self.rarity.get(*dim)) {
                *place = rarity.rarest(atoms);
            }
        }
        let answer = ask(&self.point);
        for (dim, _) in cube.sides() {
            if let (Some(place), Some(rare)) = (self.point.get_mut(*dim), self.rare.get(*dim)) {
                *place = *rare;
            }
        }
        answer
    }

    /// Subtracts other regions from a region. `first` finds one that contains a point in a piece of the region, and
    /// counts the cubes it tests.
    fn cover<'c>(
        &mut self,
        region: &[Cube],
        looked: &mut usize,
        first: impl Fn(&Cube, &[usize], &mut usize) -> Option<(usize, &'c Cube)>,
    ) -> Covered {
        let most = *looked + MAX_STEPS;
        let mut used = BTreeSet::new();
        let mut left: Vec<Cube> = region.to_vec();
        while let Some(piece) = left.pop() {
            let found = self.at(&piece, |point| first(&piece, point, looked));
            let Some((position, other)) = found else { return Covered::No };
            *looked += left.len();
            if *looked > most {
                return Covered::Unknown;
            }
            used.insert(position);
            left.extend(piece.minus(other, |dim| self.space.whole(dim)));
        }
        Covered::By(used.into_iter().collect())
    }
}

/// Returns the first cube of a few regions that contains a point, with the position of its region.
fn first<'c>(regions: &[(usize, &'c [Cube])], point: &[usize], looked: &mut usize) -> Option<(usize, &'c Cube)> {
    let cubes = regions.iter().flat_map(|(position, cubes)| cubes.iter().map(|cube| (*position, cube)));
    cubes.inspect(|_| *looked += 1).find(|(_, cube)| cube.has(point))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rarity::nodes;
    use super::super::space::Of;
    use super::*;

    const SIZES: [usize; 3] = [2, 5, 9];

    /// Returns a space of [`SIZES`], with an atom in the last dimension that no lead has.
    fn space() -> Space {
        let mut space = Space::default();
        space.dims.extend(SIZES.map(|size| {
            let whole = if size == 9 { Atoms::of([(0, 4), (5, 9)]) } else { Atoms::all(size) };
            Dim { whole, size, of: Of::Value(0) }
        }));
        space
    }

    fn cube() -> impl Strategy<Value = Cube> {
        let side = |size: usize| {
            prop::option::of(
                (0..size, 1..=size).prop_map(move |(from, count)| Atoms::of([(from, (from + count).min(size))])),
            )
        };
        (side(SIZES[0]), side(SIZES[1]), side(SIZES[2]), any::<bool>()).prop_map(|(a, b, c, all_but)| {
            let space = space();
            [a, b, c].into_iter().enumerate().fold(Cube::default(), |sum, (dim, atoms)| {
                let whole = space.whole(dim).unwrap();
                let atoms = atoms.map(|atoms| if all_but { whole.minus(&atoms) } else { whole.and(&atoms) });
                atoms.and_then(|atoms| sum.and(&Cube::of(dim, atoms)?)).unwrap_or(sum)
            })
        })
    }

    fn points(space: &Space) -> Vec<Vec<usize>> {
        let of = |dim: usize| space.whole(dim).unwrap().iter().collect::<Vec<usize>>();
        let (a, b, c) = (of(0), of(1), of(2));
        a.iter().flat_map(|a| b.iter().flat_map(|b| c.iter().map(|c| vec![*a, *b, *c]))).collect()
    }

    fn has(region: &[Cube], point: &[usize]) -> bool {
        region.iter().any(|cube| cube.has(point))
    }

    proptest! {
        /// The answers are the same as when comparing every point with every cube.
        #[test]
        fn agrees_with_comparing_every_point(
            regions in prop::collection::vec(prop::collection::vec(cube(), 1..4), 1..14),
        ) {
            let space = space();
            let points = points(&space);
            let mut covering = Covering::new(&space, regions.iter().flatten());
            let mut earlier = covering.nothing();
            for (at, region) in regions.iter().enumerate() {
                let mine: Vec<&Vec<usize>> = points.iter().filter(|point| has(region, point)).collect();
                let by = |some: &[usize]| mine.iter().all(|point| some.iter().any(|at| has(&regions[*at], point)));
                match covering.covered(region, &earlier) {
                    Covered::By(used) => {
                        prop_assert!(by(&used), "{used:?}");
                        prop_assert!(used.iter().all(|at| *at < regions.len()));
                        for one in used.iter().filter(|_| used.len() <= MAX_TRIED) {
                            let others: Vec<usize> = used.iter().copied().filter(|other| other != one).collect();
                            prop_assert!(!by(&others), "{one} of {used:?} can be left out");
                        }
                    }
                    Covered::No => prop_assert!(!by(&(0..at).collect::<Vec<usize>>())),
                    Covered::Unknown => prop_assert!(false, "that few cubes are compared"),
                }
                prop_assert_eq!(covering.point.clone(), covering.rare.clone());
                covering.add(region, &mut earlier);
            }
            let slices: Vec<&[Cube]> = regions.iter().map(Vec::as_slice).collect();
            let meeting = covering.meeting(&slices);
            for (at, region) in regions.iter().enumerate() {
                let found = meeting.after(at, region);
                prop_assert!(found.is_sorted() && found.iter().all(|other| (at + 1..regions.len()).contains(other)));
                let missed = (at + 1..regions.len()).filter(|other| !found.contains(other));
                for other in missed {
                    prop_assert!(!super::super::meet(region, &regions[other]), "{at} and {other} meet");
                }
            }
        }

        #[test]
        fn finds_the_rarest_atom(cubes in prop::collection::vec(cube(), 0..14), asked in cube()) {
            let space = space();
            for (dim, rarity) in Rarity::of(&space, &cubes).iter().enumerate() {
                let count = |atom: usize| cubes.iter().filter_map(|cube| cube.side(dim)).filter(|side| side.contains(atom)).count();
                let atoms = asked.side(dim).or_else(|| space.whole(dim)).unwrap();
                prop_assert_eq!(Some(rarity.rarest(atoms)), atoms.iter().min_by_key(|atom| count(*atom)));
                let sum: usize = atoms.iter().map(count).sum();
                prop_assert_eq!(rarity.mean(atoms), u64::try_from(sum / atoms.iter().count()).unwrap());
            }
        }

        #[test]
        fn nodes_cover_exactly_the_stretch(size in 1..40_usize, from in 0..40_usize, to in 0..40_usize) {
            let (from, to) = (from.min(size), to.min(size));
            let few: Vec<usize> = nodes(size, (from, to)).collect();
            for atom in 0..size {
                let above = std::iter::successors(Some(size + atom), |node| Some(node / 2)).take_while(|node| *node > 0);
                prop_assert_eq!(above.filter(|node| few.contains(node)).count(), usize::from((from..to).contains(&atom)));
            }
        }
    }
}
