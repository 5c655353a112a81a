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
use crate::work::Purse;

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
    /// What the questions may take.
    purse: Purse,
}

impl<'s> Covering<'s> {
    /// Prepares for questions about `cubes`; questions about other cubes work too, but cost more.
    pub(crate) fn new<'c>(space: &'s Space, cubes: impl IntoIterator<Item = &'c Cube>, purse: Purse) -> Self {
        let rarity = Rarity::of(space, cubes);
        let rare: Vec<usize> = space.dims.iter().zip(&rarity).map(|(dim, of)| of.rarest(&dim.whole)).collect();
        Self { space, point: rare.clone(), rarity, rare, purse }
    }

    /// Returns an empty collection of earlier regions.
    pub(crate) fn nothing<'c>(&self) -> Earlier<'c> {
        Earlier::new(self.space.dims.len())
    }

    /// Adds a region to those that others are compared with. `None`, and nothing is added, if that takes too much work.
    pub(crate) fn add<'c>(&self, region: &'c [Cube], earlier: &mut Earlier<'c>) -> Option<()> {
        self.purse.ask();
        earlier.add(region, &self.rarity, &self.rare, &self.purse)
    }

    /// Indexes regions, to find those that meet each other.
    pub(crate) fn meeting(&self, regions: &[&[Cube]]) -> Meeting {
        Meeting::new(regions, self.rarity.iter().map(|rarity| (rarity.size(), rarity.sum())))
    }

    /// Returns whether the regions of `earlier` cover `region`, and names as few of them as possible.
    pub(crate) fn covered(&mut self, region: &[Cube], earlier: &Earlier<'_>) -> Covered {
        self.purse.ask();
        let purse = std::mem::take(&mut self.purse);
        let covered = self.question(region, earlier, &purse).unwrap_or(Covered::Unknown);
        self.purse = purse;
        covered
    }

    fn question(&mut self, region: &[Cube], earlier: &Earlier<'_>, purse: &Purse) -> Option<Covered> {
        for cube in region {
            if self.at(cube, purse, |point| earlier.first(cube, point, purse))?.is_none() {
                return Some(Covered::No);
            }
        }
        // A single region that covers everything makes the clearest message. It must contain any point of the region.
        let having = match region.first() {
            Some(cube) => self.at(cube, purse, |point| earlier.having(cube, point, purse))?,
            None => Vec::new(),
        };
        for position in having {
            if all_within(region, earlier.region(position), purse)? {
                return Some(Covered::By(vec![position]));
            }
        }
        let first_of_all = |piece: &Cube, point: &[usize]| earlier.first(piece, point, purse);
        let Some(mut used) = self.cover(region, purse, first_of_all)? else { return Some(Covered::No) };
        // Some of the regions used may have turned out to be unnecessary.
        if used.len() <= MAX_TRIED {
            for position in used.clone() {
                let left: Vec<usize> = used.iter().copied().filter(|other| *other != position).collect();
                let some: Vec<(usize, &[Cube])> = left.iter().map(|at| (*at, earlier.region(*at))).collect();
                // Without an answer it is kept.
                if let Some(Some(_)) = self.cover(region, purse, |_, point| first(&some, point, purse)) {
                    used = left;
                }
            }
        }
        Some(Covered::By(used))
    }

    /// Returns whether `other` covers `region`; `None` if `purse` allows no answer.
    pub(crate) fn within(&mut self, region: &[Cube], other: &[Cube], purse: &Purse) -> Option<bool> {
        let covered = self.cover(region, purse, |_, point| first(&[(0, other)], point, purse))?;
        Some(covered.is_some())
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
    fn at<T>(&mut self, cube: &Cube, purse: &Purse, ask: impl FnOnce(&[usize]) -> Option<T>) -> Option<T> {
        purse.take(cube.size())?;
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

    /// Subtracts other regions from a region, and returns those that were needed; `Some(None)` if something is left.
    /// `first` finds one that contains a point in a piece of the region. `None` if `purse` allows no answer.
    #[expect(clippy::option_option, reason = "the outer one says whether the allowance was enough for an answer")]
    fn cover<'c>(
        &mut self,
        region: &[Cube],
        purse: &Purse,
        first: impl Fn(&Cube, &[usize]) -> Option<Option<(usize, &'c Cube)>>,
    ) -> Option<Option<Vec<usize>>> {
        let mut used = BTreeSet::new();
        let mut left: Vec<Cube> = region.to_vec();
        while let Some(piece) = left.pop() {
            let Some((position, other)) = self.at(&piece, purse, |point| first(&piece, point))? else {
                return Some(None);
            };
            used.insert(position);
            // Every side of the other cube may leave a piece.
            purse.take(left.len() + other.size() + other.sides().len().saturating_mul(piece.size()))?;
            left.extend(piece.minus(other, |dim| self.space.whole(dim)));
        }
        Some(Some(used.into_iter().collect()))
    }
}

/// Returns whether each cube of a region is within one of another region; `None` if `purse` allows no answer.
pub(crate) fn all_within(region: &[Cube], other: &[Cube], purse: &Purse) -> Option<bool> {
    for mine in region {
        let mut is_within = false;
        for cube in other {
            purse.take(1 + cube.shallow())?;
            if mine.within(cube) {
                is_within = true;
                break;
            }
        }
        if !is_within {
            return Some(false);
        }
    }
    Some(true)
}

/// Returns the first cube of a few regions that contains a point, with the position of its region. `None` if `purse`
/// allows no answer.
#[expect(clippy::option_option, reason = "the outer one says whether the allowance was enough for an answer")]
fn first<'c>(regions: &[(usize, &'c [Cube])], point: &[usize], purse: &Purse) -> Option<Option<(usize, &'c Cube)>> {
    for (position, cubes) in regions {
        for cube in *cubes {
            purse.take(1 + cube.sides().len())?;
            if cube.has(point) {
                return Some(Some((*position, cube)));
            }
        }
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rarity::nodes;
    use super::super::space::Of;
    use super::*;
    use crate::work::Work;

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
            let mut covering = Covering::new(&space, regions.iter().flatten(), Work::default().covering());
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
                covering.add(region, &mut earlier).unwrap();
            }
            let slices: Vec<&[Cube]> = regions.iter().map(Vec::as_slice).collect();
            let meeting = covering.meeting(&slices);
            for (at, region) in regions.iter().enumerate() {
                let found = meeting.after(at, region);
                prop_assert!(found.is_sorted() && found.iter().all(|other| (at + 1..regions.len()).contains(other)));
                let missed = (at + 1..regions.len()).filter(|other| !found.contains(other));
                for other in missed {
                    let meet = super::super::meet(region, &regions[other], &Work::default().notes());
                    prop_assert_eq!(meet, Some(false), "{} and {} meet", at, other);
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
