//! Checks a rulebook: resolves names, types values by the lead schema, and finds contradictions and dead rules.
//!
//! Checking continues after a problem, so that all problems are reported at once.

mod behaviour;
mod conditions;
mod literal;
mod lookups;
mod meant;
mod names;
mod reach;
mod rules;
mod score;
mod shadows;
mod targets;
mod usage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

pub(crate) use self::lookups::MAX_TABLES;
use self::rules::Draft;
use self::usage::Usage;
use super::ast::{Document, Lookup, Named as WrittenNamed, Text};
use super::condition::Named;
use super::diagnostic::Problems;
use super::index::Indexes;
use super::reading::Fields;
use crate::references::References;
use crate::rule::Rule;
use crate::rulebook::Rulebook;
use crate::scoring::Scoring;
use fairleader_lead::id::{PoolId, RepId};

/// How much a check reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Only what makes the rulebook unusable. Rules are not compared with each other.
    Use,
    /// Errors and warnings.
    Problems,
    /// Notes too.
    Notes,
}

/// Checks a document and compiles it. Returns `None` if a part is missing; `problems` says which.
pub(crate) fn check(
    document: &Document,
    references: &References,
    ask: Ask,
    problems: &mut Problems,
) -> Option<Rulebook> {
    let mut checker = Checker {
        document,
        references,
        ask,
        problems,
        fields: Fields::new(TimeZone::UTC),
        named: BTreeMap::new(),
        chain: Vec::new(),
        lookups: document.lookups.iter().rev().map(|lookup| (lookup.name.text.as_str(), lookup)).collect(),
        conditions: document.conditions.iter().rev().map(|named| (named.name.text.as_str(), named)).collect(),
        choices: BTreeMap::new(),
        broken: BTreeSet::new(),
        typed: document.fields.iter().map(|custom| custom.name.text.as_str()).collect(),
        scored: BTreeMap::new(),
        weight: 0,
        cells: 0,
        tables: BTreeSet::new(),
        pools: BTreeSet::new(),
        reps: BTreeSet::new(),
    };
    checker.rulebook()
}

/// The part of the rulebook that uses a condition, and what is known there.
#[derive(Clone, Copy)]
struct Place<'w> {
    /// `rule `x``, `a line of `mql``.
    what: &'w str,
    /// Whether the score is known at this point.
    scored: bool,
}

struct Checker<'d, 'p> {
    document: &'d Document,
    references: &'d References,
    ask: Ask,
    problems: &'p mut Problems,
    fields: Fields,
    /// Named conditions compiled so far; `None` if one is broken.
    named: BTreeMap<&'d str, Option<Arc<Named>>>,
    /// Named conditions being compiled, each used by the previous one.
    chain: Vec<&'d str>,
    lookups: BTreeMap<&'d str, &'d Lookup>,
    conditions: BTreeMap<&'d str, &'d WrittenNamed>,
    /// The values that the field in a slot may have, by their folded form.
    choices: BTreeMap<usize, BTreeMap<String, String>>,
    /// Lookups that could not be read in full; follow-up problems are not reported.
    broken: BTreeSet<usize>,
    /// Names of the custom fields with a type.
    typed: BTreeSet<&'d str>,
    /// For the named conditions that test something known only after scoring: that field.
    scored: BTreeMap<&'d str, Arc<str>>,
    /// The values that all conditions so far compare with.
    weight: usize,
    /// The cells of tables that all lookups so far read.
    cells: usize,
    /// The tables that lookups read.
    tables: BTreeSet<&'d str>,
    pools: BTreeSet<PoolId>,
    reps: BTreeSet<RepId>,
}

impl Checker<'_, '_> {
    fn rulebook(&mut self) -> Option<Rulebook> {
        let document = self.document;
        let zone = document.zone.as_ref().and_then(|zone| self.zone(zone));
        let currency = document.currency.as_ref().and_then(|currency| self.currency(currency));
        let days = zone.as_deref().and_then(|zone| TimeZone::get(zone).ok());
        self.fields = Fields::new(days.unwrap_or(TimeZone::UTC)).seeded(document.seed);
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
        self.rule_names();
        let block = self.section(&document.block, "block");
        let score = document.score.as_ref().map(|score| self.scoring(score));
        let mql = self.mql(&document.mql);
        let route = self.section(&document.route, "route");
        self.problems.about(None);
        if self.ask != Ask::Use {
            let usage = Usage::of(document);
            self.shadows(&block, score.as_ref(), &mql, &route, &usage);
            self.unused(&usage);
        }
        let block: Vec<Rule> = block.into_iter().filter_map(Draft::finish).collect();
        let mql = mql.into_iter().map(|(_, condition)| condition).collect();
        let route = route.into_iter().map(Draft::finish).collect();
        let (route, last) = self.last(&document.route, route)?;
        let mut fields = std::mem::replace(&mut self.fields, Fields::new(TimeZone::UTC));
        let indexes = Indexes::compile(&mut fields, &block, &route);
        Some(Rulebook {
            zone: zone?,
            currency: currency?,
            fields,
            block,
            scoring: Scoring { mql, ..score? },
            route,
            last,
            pools: std::mem::take(&mut self.pools),
            reps: std::mem::take(&mut self.reps),
            indexes,
        })
    }

    fn zone(&mut self, zone: &Text) -> Option<String> {
        if let Ok(known) = TimeZone::get(&zone.text) {
            return Some(known.iana_name().unwrap_or(&zone.text).to_owned());
        }
        let message = format!("unknown time zone `{}`", zone.text);
        let city = zone.text.replace(' ', "_");
        let names = jiff::tz::db().available().map(|name| name.to_string());
        let meant = names
            .into_iter()
            .find(|name| name.rsplit_once('/').is_some_and(|(_, last)| last.eq_ignore_ascii_case(&city)));
        let help = match meant {
            Some(name) => format!("did you mean `{name}`?"),
            None => "write a continent and a large city in it, such as `Europe/Berlin`".to_owned(),
        };
        self.problems.error_help(zone.span, "unknown-zone", message, help);
        None
    }

    fn currency(&mut self, currency: &Text) -> Option<String> {
        if currency.text.len() == 3 && currency.text.bytes().all(|b| b.is_ascii_uppercase()) {
            return Some(currency.text.clone());
        }
        let message = format!("`{}` is not a currency code", currency.text);
        let help = "write three capital letters, such as `EUR`".to_owned();
        self.problems.error_help(currency.span, "unknown-currency", message, help);
        None
    }
}

/// Keys of a condition that cannot be field names.
const RESERVED: [&str; 5] = ["all", "any", "not", "is", "did"];
