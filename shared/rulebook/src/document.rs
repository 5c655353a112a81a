//! Turns a YAML document into a rulebook: reads it, checks it, and reports all problems.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::ast;
use crate::check::{self, Ask, MAX_TABLES};
use crate::diagnostic::{Diagnostic, Problems, Severity, Span};
use crate::parse;
use crate::references::References;
use crate::rulebook::Rulebook;
use crate::work::Work;
use crate::yaml;

/// A rulebook that passed every check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The rulebook, ready to decide.
    pub rulebook: Rulebook,
    /// What works, but probably not as intended.
    pub warnings: Vec<Diagnostic>,
}

impl Rulebook {
    /// Reads and checks a YAML document; everything it names must be in `references`.
    ///
    /// # Errors
    /// All problems, including warnings, in source order.
    pub fn parse(text: &str, references: &References) -> Result<Checked, Vec<Diagnostic>> {
        Self::parse_with(text, references, &Work::default())
    }

    /// Does the same as [`Rulebook::parse`], and counts its steps in `work`.
    ///
    /// # Errors
    /// All problems, including warnings, in source order. If `work` is stopped, they are not complete.
    pub fn parse_with(text: &str, references: &References, work: &Work) -> Result<Checked, Vec<Diagnostic>> {
        Self::read_for(Ask::Problems, text, references, work)
    }

    /// Reads a YAML document that was checked when it was uploaded. Rules are not compared with each other again: that
    /// takes time, and a check that has become stricter must not stop a rulebook that is in use.
    ///
    /// # Errors
    /// The problems that make the rulebook unusable.
    pub fn reuse(text: &str, references: &References) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self::read_for(Ask::Use, text, references, &Work::default())?.rulebook)
    }

    fn read_for(ask: Ask, text: &str, references: &References, work: &Work) -> Result<Checked, Vec<Diagnostic>> {
        let mut problems = Problems::new(work.clone());
        let rulebook = yaml::read(text, &mut problems).and_then(|root| {
            let document = ast::Document { seed: seed(text), ..parse::parse(&root, &mut problems) };
            check::check(&document, references, ask, &mut problems)
        });
        if work.is_stopped() {
            problems.error(Span::default(), "stopped", "the check was stopped before its end");
        }
        let warnings = problems.finish()?;
        match rulebook {
            Some(rulebook) => Ok(Checked { rulebook, warnings }),
            // If a part is missing, a problem says so.
            None => Err(warnings),
        }
    }

    /// Returns what is worth knowing about a YAML document although it is not a problem: rules whose order matters,
    /// neighbours that do the same, and which leads reach the last rule. Empty for a document that [`Rulebook::parse`]
    /// rejects.
    ///
    /// Separate from the check because it takes longer and is needed only now and then.
    pub fn notes(text: &str, references: &References) -> Vec<Diagnostic> {
        let mut problems = Problems::default();
        let Some(root) = yaml::read(text, &mut problems) else { return Vec::new() };
        let document = parse::parse(&root, &mut problems);
        check::check(&document, references, Ask::Notes, &mut problems);
        let found = problems.finish().unwrap_or_default();
        found.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Note).collect()
    }

    /// Returns the names of the tables that a YAML document uses; empty if the document cannot be read.
    pub fn tables_used(text: &str) -> BTreeSet<String> {
        let mut problems = Problems::default();
        let Some(root) = yaml::read(text, &mut problems) else { return BTreeSet::new() };
        let document = parse::parse(&root, &mut problems);
        let tables = document.lookups.into_iter().filter_map(|lookup| match lookup.source {
            ast::LookupSource::Table { table, .. } => Some(table.text),
            ast::LookupSource::Values(_) => None,
        });
        tables.fold(BTreeSet::new(), |mut used, table| {
            // The check refuses more.
            if used.len() < MAX_TABLES {
                used.insert(table);
            }
            used
        })
    }
}

/// Returns a number that depends on everything in a text.
fn seed(text: &str) -> u64 {
    Sha256::digest(text.as_bytes()).iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}
