//! Indexes regions by their atoms, to find the regions that meet another one without comparing all of them.

use std::collections::BTreeMap;

use super::atoms::{Atoms, Cube};

/// The most list entries per cube in one dimension, on average.
const MAX_PLACES: u64 = 64;
/// The most list entries in all dimensions.
const MAX_ALL_PLACES: u64 = 20_000_000;

/// An ordered list of regions, indexed by atom in the dimensions that most of them restrict.
#[derive(Debug)]
pub(crate) struct Meeting {
    regions: usize,
    dims: BTreeMap<usize, Places>,
}

/// The regions by the atoms of one dimension, each list in order.
#[derive(Debug)]
struct Places {
    /// The regions that contain each atom.
    with: Vec<Vec<usize>>,
    /// The regions with a cube that does not restrict the dimension.
    open: Vec<usize>,
}

impl Places {
    /// Returns the lists of regions after `after` that a cube restricting this dimension may meet.
    fn lists<'p>(&'p self, cube: &'p Cube, dim: usize, after: usize) -> impl Iterator<Item = &'p [usize]> {
        let atoms = cube.side(dim).into_iter().flat_map(Atoms::iter);
        let with = atoms.filter_map(|atom| self.with.get(atom)).map(Vec::as_slice);
        with.chain([self.open.as_slice()])
            .map(move |list| list.get(list.partition_point(|region| *region <= after)..).unwrap_or_default())
    }
}

impl Meeting {
    /// Indexes `regions`. `sizes` gives the size of each dimension, and the sum of its counts of cubes per atom.
    pub(super) fn new(regions: &[&[Cube]], sizes: impl Iterator<Item = (usize, u64)>) -> Self {
        let mut naming: BTreeMap<usize, u64> = BTreeMap::new();
        let mut cubes = 0;
        for cube in regions.iter().copied().flatten() {
            cubes += 1;
            for (dim, _) in cube.sides() {
                *naming.entry(*dim).or_default() += 1;
            }
        }
        let mut all = 0;
        let useful = |(dim, (size, places)): (usize, (usize, u64))| {
            let most = naming.get(&dim).is_some_and(|naming| naming * 2 >= cubes);
            let fits = most && places <= MAX_PLACES * cubes && all + places <= MAX_ALL_PLACES;
            all += if fits { places } else { 0 };
            fits.then(|| (dim, Places { with: vec![Vec::new(); size], open: Vec::new() }))
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

    /// Returns the regions after position `after` that may meet `region`, in order.
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

/// Adds a region to a list, if it is not the last entry already.
fn put(list: &mut Vec<usize>, region: usize) {
    if list.last() != Some(&region) {
        list.push(region);
    }
}
