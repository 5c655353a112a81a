//! Regions by the atoms they have, so that those which meet another are found without comparing it with all.

use std::collections::BTreeMap;

use super::atoms::{Atoms, Cube};

/// Most places in which a cube stands in the lists of one dimension, on average.
const MAX_PLACES: u64 = 64;

/// Regions in an order, and in the dimensions that most of them name, those that may be met by what has an atom.
#[derive(Debug)]
pub(crate) struct Meeting {
    regions: usize,
    dims: BTreeMap<usize, Places>,
}

/// The regions by one dimension, each list in their order.
#[derive(Debug)]
struct Places {
    /// Those with each atom.
    with: Vec<Vec<usize>>,
    /// Those with a cube that does not name the dimension.
    open: Vec<usize>,
}

impl Places {
    /// The lists in which a cube that names atoms of the dimension may find those after a region which it meets.
    fn lists<'p>(&'p self, cube: &'p Cube, dim: usize, after: usize) -> impl Iterator<Item = &'p [usize]> {
        let atoms = cube.side(dim).into_iter().flat_map(Atoms::iter);
        let with = atoms.filter_map(|atom| self.with.get(atom)).map(Vec::as_slice);
        with.chain([self.open.as_slice()])
            .map(move |list| list.get(list.partition_point(|region| *region <= after)..).unwrap_or_default())
    }
}

impl Meeting {
    /// `sizes` are those of the dimensions, and how many cubes name each atom of them altogether.
    pub(super) fn new(regions: &[&[Cube]], sizes: impl Iterator<Item = (usize, u64)>) -> Self {
        let mut naming: BTreeMap<usize, u64> = BTreeMap::new();
        let mut cubes = 0;
        for cube in regions.iter().copied().flatten() {
            cubes += 1;
            for (dim, _) in cube.sides() {
                *naming.entry(*dim).or_default() += 1;
            }
        }
        let useful = |(dim, (size, places)): (usize, (usize, u64))| {
            let most = naming.get(&dim).is_some_and(|naming| naming * 2 >= cubes);
            (most && places <= MAX_PLACES * cubes)
                .then(|| (dim, Places { with: vec![Vec::new(); size], open: Vec::new() }))
        };
        let mut dims: BTreeMap<usize, Places> = sizes.enumerate().filter_map(useful).collect();
        for (dim, places) in &mut dims {
            for (number, region) in regions.iter().enumerate() {
                for cube in *region {
                    let Some(atoms) = cube.side(*dim) else {
                        put(&mut places.open, number);
                        continue;
                    };
                    for atom in atoms.iter() {
                        places.with.get_mut(atom).into_iter().for_each(|list| put(list, number));
                    }
                }
            }
        }
        Self { regions: regions.len(), dims }
    }

    /// All regions after one that may meet a region, in their order.
    pub(crate) fn after(&self, after: usize, region: &[Cube]) -> Vec<usize> {
        let mut found = Vec::new();
        for cube in region {
            let count =
                |(dim, places): &(&usize, &Places)| places.lists(cube, **dim, after).map(<[usize]>::len).sum::<usize>();
            let named = self.dims.iter().filter(|(dim, _)| cube.side(**dim).is_some());
            let Some((dim, places)) = named.min_by_key(count) else {
                return (after + 1..self.regions).collect();
            };
            found.extend(places.lists(cube, *dim, after).flatten());
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Adds a region to a list, once.
fn put(list: &mut Vec<usize>, region: usize) {
    if list.last() != Some(&region) {
        list.push(region);
    }
}
