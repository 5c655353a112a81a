//! A lead as one rulebook reads it, for deciding on the same lead more than once.

use super::reading::Reading;
use crate::facts::Facts;
use crate::index::{IndexSize, Indexes};
use crate::rule::Verdict;
use crate::rulebook::Rulebook;

/// A lead with every value that its rulebook uses, ready to compare.
///
/// Reading looks up the texts that rules name and searches the tables; deciding compares numbers. [`Rulebook::decide`]
/// does both.
#[derive(Debug)]
pub struct TypedLead<'a> {
    rulebook: &'a Rulebook,
    facts: Facts<'a>,
    reading: Reading<'a>,
}

impl<'a> TypedLead<'a> {
    /// Decides as [`Rulebook::decide`] does.
    pub fn decide(&self) -> Verdict<'a> {
        self.rulebook.decide_reading(&self.facts, &self.reading).1
    }
}

impl Rulebook {
    /// Reads a lead without scoring it: if `facts` has no score, the lead is not an MQL.
    pub fn read<'a>(&'a self, facts: &Facts<'a>) -> TypedLead<'a> {
        TypedLead { rulebook: self, facts: *facts, reading: self.fields.read(facts) }
    }

    /// Returns the size of this rulebook's index, including the texts that rules name.
    pub fn index_size(&self) -> IndexSize {
        let size = self.indexes.size();
        IndexSize { bytes: size.bytes + self.fields.prepared_bytes(), ..size }
    }

    /// Compiles the rules again, as [`Rulebook::parse`] has already done. Only benchmarks need this.
    #[doc(hidden)]
    #[must_use]
    pub fn compiled(mut self) -> Self {
        self.indexes = Indexes::compile(&mut self.fields, &self.block, &self.route);
        self
    }
}
