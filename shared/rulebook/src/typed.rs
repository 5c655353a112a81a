//! A lead as one rulebook reads it, for whoever decides on the same lead more than once.

use super::reading::Reading;
use crate::facts::Facts;
use crate::index::{IndexSize, Indexes};
use crate::rule::Verdict;
use crate::rulebook::Rulebook;

/// A lead with every value that its rulebook looks at, read and made ready to compare.
///
/// Reading looks up the texts that rules name and asks the tables; deciding compares numbers. [`Rulebook::decide`] does
/// both.
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
    /// Reads a lead. Nothing is scored here: without a score in `facts` it is no MQL.
    pub fn read<'a>(&'a self, facts: &Facts<'a>) -> TypedLead<'a> {
        TypedLead { rulebook: self, facts: *facts, reading: self.fields.read(facts) }
    }

    /// What the index of this rulebook takes, the texts that rules name included.
    pub fn index_size(&self) -> IndexSize {
        let size = self.indexes.size();
        IndexSize { bytes: size.bytes + self.fields.prepared_bytes(), ..size }
    }

    /// Compiles the rules again, as [`Rulebook::parse`] has done already. Only a benchmark needs to.
    #[doc(hidden)]
    #[must_use]
    pub fn compiled(mut self) -> Self {
        self.indexes = Indexes::compile(&mut self.fields, &self.block, &self.route);
        self
    }
}
