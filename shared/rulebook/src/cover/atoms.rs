//! Sets of atoms, and boxes made of them.

/// The atoms `from..to`.
pub(super) type Stretch = (usize, usize);

/// A set of atoms of one dimension: ascending non-empty stretches with a gap between any two. A rulebook needs few of
/// them (one for a prefix, two for all but one value), however many atoms there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Atoms(Vec<Stretch>);

impl Atoms {
    /// Returns the first `size` atoms.
    pub(super) fn all(size: usize) -> Self {
        Self::of([(0, size)])
    }

    /// Returns a single atom.
    pub(super) fn one(atom: usize) -> Self {
        Self(vec![(atom, atom + 1)])
    }

    /// Returns the atoms of these stretches, which may be in any order and may be empty.
    pub(super) fn of(stretches: impl IntoIterator<Item = Stretch>) -> Self {
        let mut stretches: Vec<Stretch> = stretches.into_iter().filter(|(from, to)| from < to).collect();
        stretches.sort_unstable();
        stretches.dedup_by(|(from, to), (_, before)| {
            let joins = *from <= *before;
            if joins {
                *before = (*before).max(*to);
            }
            joins
        });
        Self(stretches)
    }

    /// Returns the set of these atoms.
    pub(super) fn each(atoms: impl IntoIterator<Item = usize>) -> Self {
        Self::of(atoms.into_iter().map(|atom| (atom, atom + 1)))
    }

    pub(super) fn stretches(&self) -> &[Stretch] {
        &self.0
    }

    /// Returns the stretches that end after an atom.
    fn after(&self, atom: usize) -> &[Stretch] {
        self.0.get(self.0.partition_point(|(_, to)| *to <= atom)..).unwrap_or_default()
    }

    pub(super) fn contains(&self, atom: usize) -> bool {
        self.after(atom).first().is_some_and(|(from, _)| *from <= atom)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the set with fewer stretches, to iterate over, and the other, to search.
    const fn few_and_many<'a>(&'a self, other: &'a Self) -> (&'a Self, &'a Self) {
        if self.0.len() <= other.0.len() { (self, other) } else { (other, self) }
    }

    /// Returns whether both sets have an atom in common.
    fn meets(&self, other: &Self) -> bool {
        let (few, many) = self.few_and_many(other);
        few.0.iter().any(|(from, to)| many.after(*from).first().is_some_and(|(other, _)| other < to))
    }

    /// Returns whether `other` contains every atom of this set.
    pub(super) fn within(&self, other: &Self) -> bool {
        let has =
            |(from, to): &Stretch| other.after(*from).first().is_some_and(|(first, end)| first <= from && to <= end);
        self.0.iter().all(has)
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        let (few, many) = self.few_and_many(other);
        let both = few.0.iter().flat_map(|(from, to)| {
            let meeting = many.after(*from).iter().take_while(|(other, _)| other < to);
            meeting.map(|(other, end)| (*other.max(from), *end.min(to)))
        });
        Self(both.collect())
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        Self::of(self.0.iter().chain(&other.0).copied())
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for (from, to) in &self.0 {
            let mut at = *from;
            for (taken, end) in other.after(*from).iter().take_while(|(taken, _)| taken < to) {
                if at < *taken {
                    left.push((at, *taken));
                }
                at = *end;
            }
            if at < *to {
                left.push((at, *to));
            }
        }
        Self(left)
    }

    /// Returns the atoms in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().flat_map(|(from, to)| *from..*to)
    }
}

/// The points whose atom, in every dimension listed here, is in the given set; other dimensions are unrestricted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cube {
    /// By ascending dimension; no set is empty.
    sides: Vec<(usize, Atoms)>,
}

impl Cube {
    /// Returns the points with one of `atoms` in dimension `dim`; `None` if there are none.
    pub(super) fn of(dim: usize, atoms: Atoms) -> Option<Self> {
        (!atoms.is_empty()).then(|| Self { sides: vec![(dim, atoms)] })
    }

    pub(super) fn sides(&self) -> &[(usize, Atoms)] {
        &self.sides
    }

    /// Returns the steps of copying it: its sides and stretches.
    pub(crate) fn size(&self) -> usize {
        1 + self.sides.iter().map(|(_, atoms)| 1 + atoms.0.len()).sum::<usize>()
    }

    /// Returns the steps of comparing it with another one, which looks stretches up: of each list, a few.
    pub(crate) fn shallow(&self) -> usize {
        let of = |atoms: &Atoms| if atoms.0.len() <= 4 { 1 } else { 1 + atoms.0.len() / 4 };
        1 + self.sides.iter().map(|(_, atoms)| of(atoms)).sum::<usize>()
    }

    /// Returns its set for a dimension.
    pub(super) fn side(&self, dim: usize) -> Option<&Atoms> {
        let at = self.sides.binary_search_by_key(&dim, |(dim, _)| *dim).ok()?;
        self.sides.get(at).map(|(_, atoms)| atoms)
    }

    fn set(&mut self, dim: usize, atoms: Atoms) {
        match self.sides.binary_search_by_key(&dim, |(dim, _)| *dim) {
            Ok(at) => {
                if let Some(side) = self.sides.get_mut(at) {
                    side.1 = atoms;
                }
            }
            Err(at) => self.sides.insert(at, (dim, atoms)),
        }
    }

    /// Returns whether it contains the point with these atoms, one for each dimension.
    pub(super) fn has(&self, point: &[usize]) -> bool {
        self.sides.iter().all(|(dim, atoms)| point.get(*dim).is_some_and(|atom| atoms.contains(*atom)))
    }

    /// Returns whether both cubes have a point in common.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let mut theirs = other.sides.iter().peekable();
        for (dim, mine) in &self.sides {
            while theirs.next_if(|(other, _)| other < dim).is_some() {}
            if theirs.next_if(|(other, _)| other == dim).is_some_and(|(_, theirs)| !mine.meets(theirs)) {
                return false;
            }
        }
        true
    }

    /// Returns whether `other` contains every point of this cube.
    pub(crate) fn within(&self, other: &Self) -> bool {
        other.sides.iter().all(|(dim, theirs)| self.side(*dim).is_some_and(|mine| mine.within(theirs)))
    }

    /// Returns the common points; `None` if there are none.
    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        for (dim, theirs) in &other.sides {
            let atoms = self.side(*dim).map_or_else(|| theirs.clone(), |mine| mine.and(theirs));
            if atoms.is_empty() {
                return None;
            }
            both.set(*dim, atoms);
        }
        Some(both)
    }

    /// Returns a cube with exactly the points of both, if there is one: if they differ in at most one dimension, or if
    /// one contains the other.
    pub(super) fn or(&self, other: &Self) -> Option<Self> {
        if other.within(self) {
            return Some(self.clone());
        }
        if self.within(other) {
            return Some(other.clone());
        }
        let same_dims = self.sides.len() == other.sides.len()
            && self.sides.iter().zip(&other.sides).all(|((mine, _), (theirs, _))| mine == theirs);
        let mut differing = self.sides.iter().zip(&other.sides).filter(|(mine, theirs)| mine.1 != theirs.1);
        let ((dim, mine), (_, theirs)) = differing.next().filter(|_| same_dims)?;
        if differing.next().is_some() {
            return None;
        }
        let mut either = self.clone();
        either.set(*dim, mine.or(theirs));
        Some(either)
    }

    /// Returns the points of this cube that are not in `other`, which meets it, as disjoint cubes. `whole` gives all
    /// atoms of a dimension.
    pub(super) fn minus<'a>(&self, other: &Self, whole: impl Fn(usize) -> Option<&'a Atoms>) -> Vec<Self> {
        let mut rest = self.clone();
        let mut pieces = Vec::new();
        for (dim, theirs) in &other.sides {
            let Some(mine) = rest.side(*dim).or_else(|| whole(*dim)).cloned() else { continue };
            let outside = mine.minus(theirs);
            if !outside.is_empty() {
                let mut piece = rest.clone();
                piece.set(*dim, outside);
                pieces.push(piece);
                rest.set(*dim, mine.and(theirs));
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// More atoms than the sets below can have.
    const SIZE: usize = 24;

    fn stretches() -> impl Strategy<Value = Vec<Stretch>> {
        prop::collection::vec((0..20_usize, 0..4_usize).prop_map(|(from, count)| (from, from + count)), 0..6)
    }

    fn plain(stretches: &[Stretch]) -> BTreeSet<usize> {
        stretches.iter().flat_map(|(from, to)| *from..*to).collect()
    }

    proptest! {
        #[test]
        fn behaves_like_a_set(one in stretches(), other in stretches()) {
            let (a, b) = (Atoms::of(one.clone()), Atoms::of(other.clone()));
            let (one, other) = (plain(&one), plain(&other));
            prop_assert!(a.stretches().windows(2).all(|pair| pair[0].1 < pair[1].0), "{a:?}");
            prop_assert_eq!(&a, &Atoms::each(one.iter().rev().copied()));
            prop_assert_eq!(a.iter().collect::<BTreeSet<usize>>(), one.clone());
            prop_assert_eq!(a.and(&b), Atoms::each(one.intersection(&other).copied()));
            prop_assert_eq!(a.or(&b), Atoms::each(one.union(&other).copied()));
            prop_assert_eq!(a.minus(&b), Atoms::each(one.difference(&other).copied()));
            prop_assert_eq!(a.meets(&b), !one.is_disjoint(&other));
            prop_assert_eq!(a.within(&b), one.is_subset(&other));
            prop_assert_eq!(a.is_empty(), one.is_empty());
            prop_assert!((0..SIZE).all(|atom| a.contains(atom) == one.contains(&atom)));
        }
    }
}
