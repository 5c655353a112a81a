//! From a YAML document to a rulebook: reads it, checks it, and says everything that is wrong with it.

use std::collections::BTreeSet;

use crate::ast;
use crate::check::{self, Ask};
use crate::diagnostic::{Diagnostic, Problems, Severity};
use crate::parse;
use crate::references::References;
use crate::rulebook::Rulebook;
use crate::yaml;

/// A rulebook that passed every check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The rulebook, ready to decide.
    pub rulebook: Rulebook,
    /// What works, but was probably not meant.
    pub warnings: Vec<Diagnostic>,
}

impl Rulebook {
    /// Reads and checks a YAML document; what it names must be among `references`.
    ///
    /// # Errors
    /// Everything that is wrong with it, warnings included, in the order of the source.
    pub fn parse(text: &str, references: &References) -> Result<Checked, Vec<Diagnostic>> {
        Self::read_for(Ask::Problems, text, references)
    }

    /// Reads a YAML document that was checked when it came in, to decide by it. What its rules do to each other is not
    /// looked at again: that takes time, and a check that has become sharper must not stop a rulebook that is in use.
    ///
    /// # Errors
    /// What cannot be read, or not be decided by.
    pub fn reuse(text: &str, references: &References) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self::read_for(Ask::Use, text, references)?.rulebook)
    }

    fn read_for(ask: Ask, text: &str, references: &References) -> Result<Checked, Vec<Diagnostic>> {
        let mut problems = Problems::default();
        let rulebook = yaml::read(text, &mut problems).and_then(|root| {
            let document = parse::parse(&root, &mut problems);
            check::check(&document, references, ask, &mut problems)
        });
        let warnings = problems.finish()?;
        match rulebook {
            Some(rulebook) => Ok(Checked { rulebook, warnings }),
            // A part is missing only with a problem that says so.
            None => Err(warnings),
        }
    }

    /// What is worth knowing about a YAML document though nothing is wrong with it: rules whose order decides,
    /// neighbours that do the same, and what is left for the last rule. Empty for one that [`Rulebook::parse`] refuses.
    ///
    /// This takes longer than checking alone, and most people want it only now and then, so it is asked for by itself.
    pub fn notes(text: &str, references: &References) -> Vec<Diagnostic> {
        let mut problems = Problems::default();
        let Some(root) = yaml::read(text, &mut problems) else { return Vec::new() };
        let document = parse::parse(&root, &mut problems);
        check::check(&document, references, Ask::Notes, &mut problems);
        let found = problems.finish().unwrap_or_default();
        found.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Note).collect()
    }

    /// The tables that a YAML document uses, by name; empty for a text that cannot be read.
    pub fn tables_used(text: &str) -> BTreeSet<String> {
        let mut problems = Problems::default();
        let Some(root) = yaml::read(text, &mut problems) else { return BTreeSet::new() };
        let document = parse::parse(&root, &mut problems);
        let tables = document.lookups.into_iter().filter_map(|lookup| match lookup.source {
            ast::LookupSource::Table { table, .. } => Some(table.text),
            ast::LookupSource::Values(_) => None,
        });
        tables.collect()
    }
}
