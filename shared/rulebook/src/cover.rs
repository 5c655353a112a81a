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
pub(crate) use self::covering::{Covered, Covering, all_within};
pub(crate) use self::earlier::Earlier;
pub(crate) use self::space::Space;

use super::condition::Condition;
use crate::matcher::Matcher;
use crate::work::{Purse, Work};

/// The most cubes of one condition.
const MAX_CUBES: usize = 128;
/// The most sides and stretches of all regions together, which bounds their memory.
const MAX_KEPT: usize = 3_000_000;
/// The points for which a condition holds; `None` if that takes too many cubes or too much work.
pub(crate) type Region = Option<Vec<Cube>>;

/// Computes the regions of conditions, and those of named conditions only once.
pub(crate) struct Regions<'s> {
    space: &'s Space,
    purse: Purse,
    named: BTreeMap<(String, bool), Region>,
    /// The sides and stretches of all regions so far.
    kept: usize,
}

impl<'s> Regions<'s> {
    /// Creates an empty cache.
    pub(crate) fn new(space: &'s Space, work: &Work) -> Self {
        Self { space, purse: work.regions(), named: BTreeMap::new(), kept: 0 }
    }

    /// Returns where the condition holds and the slot `needed` has a value.
    pub(crate) fn of(&mut self, condition: &Condition, needed: Option<usize>) -> Region {
        self.purse.ask();
        let region = self.region(condition, true)?;
        let Some(slot) = needed else { return self.keep(region) };
        let present = self.union(self.space.test(slot, &[Matcher::Present], true, &self.purse)?)?;
        let region = self.intersection(&region, &present)?;
        self.keep(region)
    }

    /// Returns the region, unless all regions together are too large.
    fn keep(&mut self, region: Vec<Cube>) -> Region {
        let kept = region.iter().fold(self.kept, |sum, cube| sum.saturating_add(cube.size()));
        (kept <= MAX_KEPT).then(|| self.kept = kept)?;
        Some(region)
    }

    fn region(&mut self, condition: &Condition, holds: bool) -> Region {
        match condition {
            Condition::All(parts) => self.parts(parts, holds, holds),
            Condition::Any(parts) => self.parts(parts, holds, !holds),
            Condition::Not(inner) => self.region(inner, !holds),
            Condition::Named(named) => {
                let key = (named.name.clone(), holds);
                if let Some(known) = self.named.get(&key) {
                    let known = known.as_ref()?;
                    self.purse.take(known.iter().map(Cube::size).sum())?;
                    return Some(known.clone());
                }
                let region = self.region(&named.condition, holds).and_then(|region| self.keep(region));
                self.named.insert(key, region.clone());
                region
            }
            Condition::Test(test) => {
                let parts = self.space.test(test.slot, &test.any_of, holds, &self.purse)?;
                if holds { self.union(parts) } else { self.intersections(&parts) }
            }
            Condition::Did(did) => self.space.did(did, holds, &self.purse),
        }
    }

    /// Returns where all parts, or any of them, hold or do not hold.
    fn parts(&mut self, parts: &[Condition], holds: bool, all: bool) -> Region {
        let mut sum = if all { vec![Cube::default()] } else { Vec::new() };
        for part in parts {
            let region = self.region(part, holds)?;
            if all {
                sum = self.intersection(&sum, &region)?;
            } else {
                self.add_all(&mut sum, region)?;
            }
        }
        Some(sum)
    }

    fn union(&self, regions: Vec<Vec<Cube>>) -> Region {
        let mut sum = Vec::new();
        for region in regions {
            self.add_all(&mut sum, region)?;
        }
        Some(sum)
    }

    fn add_all(&self, sum: &mut Vec<Cube>, region: Vec<Cube>) -> Option<()> {
        for cube in region {
            self.add(sum, cube)?;
        }
        Some(())
    }

    fn intersections(&self, regions: &[Vec<Cube>]) -> Region {
        regions.iter().try_fold(vec![Cube::default()], |sum, region| self.intersection(&sum, region))
    }

    fn intersection(&self, one: &[Cube], other: &[Cube]) -> Region {
        let mut both = Vec::new();
        for mine in one {
            for theirs in other {
                self.purse.take(mine.size() + theirs.size())?;
                if let Some(cube) = mine.and(theirs) {
                    self.add(&mut both, cube)?;
                }
            }
        }
        Some(both)
    }

    /// Adds a cube, merging it with another one if possible.
    fn add(&self, sum: &mut Vec<Cube>, mut cube: Cube) -> Option<()> {
        let mut at = 0;
        while let Some(known) = sum.get(at) {
            self.purse.take(known.shallow() + cube.shallow())?;
            if let Some(either) = known.or(&cube) {
                self.purse.take(either.size())?;
                cube = either;
                sum.swap_remove(at);
                at = 0;
            } else {
                at += 1;
            }
        }
        sum.push(cube);
        (sum.len() <= MAX_CUBES).then_some(())
    }
}

/// Returns whether two regions have a point in common; `None` if `purse` allows no answer.
pub(crate) fn meet(one: &[Cube], other: &[Cube], purse: &Purse) -> Option<bool> {
    for mine in one {
        for theirs in other {
            purse.take(mine.shallow() + theirs.shallow())?;
            if mine.meets(theirs) {
                return Some(true);
            }
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests;
