//! Gives a rulebook its meaning: resolves names, types values by the lead schema, and finds what cannot be meant.
//!
//! Every problem is reported, not only the first; so checking goes on after one, with what is left.

mod behaviour;
mod conditions;
mod lookups;
mod names;
mod rules;
mod score;
mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::ast::{Condition as Written, Document, Text};
use super::condition::Named;
use super::diagnostic::Problems;
use super::reading::Fields;
use super::{References, Rulebook};
use crate::id::PoolId;
use crate::scoring::Scoring;

/// Checks what was written and compiles it. `None` if a part is missing; then `problems` says which.
pub(crate) fn check(document: &Document, references: &References, problems: &mut Problems) -> Option<Rulebook> {
    let mut checker = Checker {
        document,
        references,
        problems,
        fields: Fields::new(TimeZone::UTC),
        named: BTreeMap::new(),
        chain: Vec::new(),
        used: BTreeSet::new(),
        pools: BTreeSet::new(),
    };
    checker.rulebook()
}

/// Who asks, and what may be asked there.
#[derive(Clone, Copy)]
struct Place<'w> {
    /// `rule `x``, `a line of `mql``.
    what: &'w str,
    /// Whether the score is known when this is decided.
    scored: bool,
}

struct Checker<'d, 'p> {
    document: &'d Document,
    references: &'d References,
    problems: &'p mut Problems,
    fields: Fields,
    /// Named conditions compiled so far; `None` if one is broken.
    named: BTreeMap<&'d str, Option<Arc<Named>>>,
    /// Named conditions being compiled, each used by the one before.
    chain: Vec<&'d str>,
    /// Lookups and named conditions that something uses.
    used: BTreeSet<&'d str>,
    pools: BTreeSet<PoolId>,
}

impl<'d> Checker<'d, '_> {
    fn rulebook(&mut self) -> Option<Rulebook> {
        let document = self.document;
        let zone = document.zone.as_ref().and_then(|zone| self.zone(zone));
        let currency = document.currency.as_ref().and_then(|currency| self.currency(currency));
        let days = zone.as_deref().and_then(|zone| TimeZone::get(zone).ok());
        self.fields = Fields::new(days.unwrap_or(TimeZone::UTC));
        self.names();
        for custom in &document.fields {
            self.custom(custom);
        }
        for lookup in &document.lookups {
            self.lookup(lookup);
        }
        for named in &document.conditions {
            self.named(&named.name.text, named.name.span);
        }
        // A condition that nothing but another condition uses is unused too, unless that one is used.
        self.used.clear();
        self.rule_names();
        let block = self.section(&document.block, "block");
        let score = document.score.as_ref().map(|score| self.scoring(score));
        let mql = self.mql(&document.mql);
        let route = self.section(&document.route, "route");
        self.problems.about(None);
        self.unused();
        let (route, last) = self.last(&document.route, route)?;
        Some(Rulebook {
            zone: zone?,
            currency: currency?,
            fields: std::mem::replace(&mut self.fields, Fields::new(TimeZone::UTC)),
            block: block.into_iter().flatten().collect(),
            scoring: Scoring { mql, ..score? },
            route,
            last,
            pools: std::mem::take(&mut self.pools),
        })
    }

    fn zone(&mut self, zone: &Text) -> Option<String> {
        if let Ok(known) = TimeZone::get(&zone.text) {
            return Some(known.iana_name().unwrap_or(&zone.text).to_owned());
        }
        let message = format!("`{}` is no time zone", zone.text);
        let help = "write the IANA name of one, such as `Europe/Berlin`".to_owned();
        self.problems.error_help(zone.span, "unknown-zone", message, help);
        None
    }

    fn currency(&mut self, currency: &Text) -> Option<String> {
        if currency.text.len() == 3 && currency.text.bytes().all(|b| b.is_ascii_uppercase()) {
            return Some(currency.text.clone());
        }
        let message = format!("`{}` is no currency", currency.text);
        let help = "write the three letters of ISO 4217, such as `EUR`".to_owned();
        self.problems.error_help(currency.span, "unknown-currency", message, help);
        None
    }

    fn unused(&mut self) {
        let lookups = self.document.lookups.iter().map(|lookup| (&lookup.name, "lookup"));
        let named = self.document.conditions.iter().map(|named| (&named.name, "condition"));
        for (name, what) in lookups.chain(named) {
            if !self.used.contains(name.text.as_str()) {
                let message = format!("{what} `{}` is never used", name.text);
                self.problems.warn(name.span, "unused", message, "remove it, or use it in a rule".to_owned());
            }
        }
    }

    /// Marks a lookup or named condition as used, and with it everything a condition is made of.
    fn mark_used(&mut self, name: &'d str) {
        if !self.used.insert(name) {
            return;
        }
        let document = self.document;
        if let Some(named) = document.conditions.iter().find(|named| named.name.text == name) {
            self.mark_parts(&named.condition);
        }
    }

    fn mark_parts(&mut self, written: &'d Written) {
        match written {
            Written::All(parts) | Written::Any(parts) => parts.iter().for_each(|part| self.mark_parts(part)),
            Written::Not(inner) => self.mark_parts(inner),
            Written::Is(names) => names.iter().for_each(|name| self.mark_used(&name.text)),
            Written::Test { field, .. } => {
                let root = field.text.split('.').next().unwrap_or_default();
                self.used.extend([field.text.as_str(), root]);
            }
            Written::Did(_) => {}
        }
    }
}

/// Words of a condition that cannot be fields.
const RESERVED: [&str; 5] = ["all", "any", "not", "is", "did"];
