//! Finds which leads a condition holds for, and whether earlier conditions leave it any.
//!
//! Every lead is a point in a space with one dimension per question that the rulebook asks. A field with words has one
//! atom for each word that the rulebook mentions, one for all other words and one for a missing value. A number or a
//! date has the intervals between the bounds mentioned. A search in texts that the rulebook does not mention, and each
//! test of activities, is a dimension with the atoms no and yes. Lookups of plain values are views of the field they
//! read. So a condition is a union of boxes ([`Cube`]), and a rule can never win if the boxes of the earlier rules
//! cover its own.
//!
//! Every lead has a point, but not every point is a lead (the space does not know that a text ending in `bank` also
//! ends in `ank`). So there are no false reports of covered rules, but a covered rule may go unnoticed. The work is
//! limited too; beyond the limit the answer is [`Covered::Unknown`].

mod atoms;
mod covering;
mod earlier;
mod meeting;
mod rarity;
mod space;
mod words;

use std::collections::BTreeMap;

pub(crate) use self::atoms::Cube;
pub(crate) use self::covering::{Covered, Covering};
pub(crate) use self::earlier::Earlier;
pub(crate) use self::space::Space;

use super::condition::Condition;
use crate::matcher::Matcher;

/// The most cubes of one condition.
const MAX_CUBES: usize = 128;
/// The points for which a condition holds; `None` if that takes too many cubes.
pub(crate) type Region = Option<Vec<Cube>>;

/// Computes the regions of conditions, and those of named conditions only once.
pub(crate) struct Regions<'s> {
    space: &'s Space,
    named: BTreeMap<(String, bool), Region>,
}

impl<'s> Regions<'s> {
    /// Creates an empty cache.
    pub(crate) const fn new(space: &'s Space) -> Self {
        Self { space, named: BTreeMap::new() }
    }

    /// Returns where the condition holds and the slot `needed` has a value.
    pub(crate) fn of(&mut self, condition: &Condition, needed: Option<usize>) -> Region {
        let region = self.region(condition, true)?;
        let Some(slot) = needed else { return Some(region) };
        let present = union(self.space.test(slot, &[Matcher::Present], true)?)?;
        intersection(&region, &present)
    }

    fn region(&mut self, condition: &Condition, holds: bool) -> Region {
        match condition {
            Condition::All(parts) => self.parts(parts, holds, holds),
            Condition::Any(parts) => self.parts(parts, holds, !holds),
            Condition::Not(inner) => self.region(inner, !holds),
            Condition::Named(named) => {
                let key = (named.name.clone(), holds);
                if let Some(known) = self.named.get(&key) {
                    return known.clone();
                }
                let region = self.region(&named.condition, holds);
                self.named.insert(key, region.clone());
                region
            }
            Condition::Test(test) => {
                let parts = self.space.test(test.slot, &test.any_of, holds)?;
                if holds { union(parts) } else { intersections(parts.into_iter().map(Some)) }
            }
            Condition::Did(did) => self.space.did(did, holds),
        }
    }

    /// Returns where all parts, or any of them, hold or do not hold.
    fn parts(&mut self, parts: &[Condition], holds: bool, all: bool) -> Region {
        if all {
            return intersections(parts.iter().map(|part| self.region(part, holds)));
        }
        let regions: Option<Vec<Vec<Cube>>> = parts.iter().map(|part| self.region(part, holds)).collect();
        union(regions?)
    }
}

fn union(regions: Vec<Vec<Cube>>) -> Region {
    let mut sum: Vec<Cube> = Vec::new();
    for cube in regions.into_iter().flatten() {
        add(&mut sum, cube);
        if sum.len() > MAX_CUBES {
            return None;
        }
    }
    Some(sum)
}

fn intersections(mut regions: impl Iterator<Item = Region>) -> Region {
    regions.try_fold(vec![Cube::default()], |sum, region| intersection(&sum, &region?))
}

fn intersection(one: &[Cube], other: &[Cube]) -> Region {
    let mut both = Vec::new();
    for cube in one.iter().flat_map(|cube| other.iter().filter_map(|other| cube.and(other))) {
        add(&mut both, cube);
        if both.len() > MAX_CUBES {
            return None;
        }
    }
    Some(both)
}

/// Adds a cube, merging it with another one if possible.
fn add(sum: &mut Vec<Cube>, cube: Cube) {
    let mut cube = cube;
    let mut at = 0;
    while let Some(known) = sum.get(at) {
        if let Some(either) = known.or(&cube) {
            cube = either;
            sum.swap_remove(at);
            at = 0;
        } else {
            at += 1;
        }
    }
    sum.push(cube);
}

/// Returns whether two regions have a point in common.
pub(crate) fn meet(one: &[Cube], other: &[Cube]) -> bool {
    one.iter().any(|cube| other.iter().any(|other| cube.meets(other)))
}

#[cfg(test)]
mod tests;
