//! Sets of atoms, and boxes made of them.

/// The number of bits in a word.
const WORD: usize = 64;

/// A set of the atoms of one dimension, one bit each. Sets that are compared have the same length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Atoms(Vec<u64>);

impl Atoms {
    /// No atom of a dimension of `size` atoms.
    pub(super) fn none(size: usize) -> Self {
        Self(vec![0; size.div_ceil(WORD)])
    }

    /// The first `size` atoms.
    pub(super) fn all(size: usize) -> Self {
        let mut all = Self::none(size);
        (0..size).for_each(|atom| all.insert(atom));
        all
    }

    /// Just this one, of `size`.
    pub(super) fn one(size: usize, atom: usize) -> Self {
        let mut one = Self::none(size);
        one.insert(atom);
        one
    }

    pub(super) fn insert(&mut self, atom: usize) {
        if let Some(word) = self.0.get_mut(atom / WORD) {
            *word |= 1 << (atom % WORD);
        }
    }

    pub(super) fn contains(&self, atom: usize) -> bool {
        self.0.get(atom / WORD).is_some_and(|word| word & (1 << (atom % WORD)) != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether both have an atom.
    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Whether `other` has every atom of this set.
    pub(super) fn within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & !b).collect())
    }

    /// Every atom, the lowest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = usize::try_from(rest.trailing_zeros()).ok().filter(|bit| *bit < WORD)?;
                rest &= rest - 1;
                Some(at * WORD + bit)
            })
        })
    }
}

/// The points whose atom lies, in every dimension named here, in the set given for it; other dimensions are free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cube {
    /// In the order of dimensions; no set is empty.
    sides: Vec<(usize, Atoms)>,
}

impl Cube {
    /// The points with one of `atoms` in dimension `dim`; `None` if there are none.
    pub(super) fn of(dim: usize, atoms: Atoms) -> Option<Self> {
        (!atoms.is_empty()).then(|| Self { sides: vec![(dim, atoms)] })
    }

    pub(super) fn sides(&self) -> &[(usize, Atoms)] {
        &self.sides
    }

    /// What it says of a dimension.
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

    /// Whether it has the point with these atoms, one for each dimension.
    pub(super) fn has(&self, point: &[usize]) -> bool {
        self.sides.iter().all(|(dim, atoms)| point.get(*dim).is_some_and(|atom| atoms.contains(*atom)))
    }

    /// Whether both have a point.
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

    /// Whether `other` has every point of this one.
    pub(crate) fn within(&self, other: &Self) -> bool {
        other.sides.iter().all(|(dim, theirs)| self.side(*dim).is_some_and(|mine| mine.within(theirs)))
    }

    /// The points of both; `None` if there are none.
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

    /// One cube with the points of both, if there is one: they differ in one dimension at most, or one has the other.
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

    /// The points of this one that `other`, which meets it, does not have; as cubes of which no two meet. `whole` is every
    /// atom of a dimension.
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
