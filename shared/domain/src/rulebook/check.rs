//! Gives a rulebook its meaning: resolves names, types values by the lead schema, and finds what cannot be meant.
//!
//! Every problem is reported, not only the first; so checking goes on after one, with what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::ast::{
    Condition as Written, Custom, CustomKind, Did as WrittenDid, DidLine, Document, Engagement, Guard, Line, Lookup,
    LookupSource, Part, Rule as WrittenRule, Score, Text, Then,
};
use super::condition::{Condition, How, Matcher, Named, Test, all_implied};
use super::date::{self, LENGTH_HELP};
use super::diagnostic::{Problems, Span, did_you_mean, join};
use super::did::Did;
use super::field::{self, ACCOUNT_OWNER, DEAL_OWNER, FIELDS, Kind};
use super::index::Indexes;
use super::lookup::{SameKey, TableLookup};
use super::parse::DID_KEYS;
use super::reading::{Field, Fields, Origin, fold};
use super::table::Table;
use super::value::{self, WrongValue};
use super::{
    IfNobody, IfUnavailable, LastRule, NOT_AN_MQL, Outcome, Priority, References, Rep, Rule, Rulebook, Target, ValueOf,
};
use crate::activity::Spend;
use crate::id::{PoolId, RepId, is_name};
use crate::normalise::choice;
use crate::scoring::{self, Scoring};

/// Most tests one condition may take, named conditions counted wherever they are used.
const MAX_SIZE: usize = 5_000;
/// Most named conditions that may use each other in a row.
const MAX_CHAIN: usize = 32;
/// Most fields a lookup may ask its table with.
const MAX_KEYS: usize = 4;
/// Most rows of a table that are reported for the same reason.
const MAX_ROWS_SHOWN: usize = 10;

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

/// A rule of which a part may be broken.
struct Draft<'d> {
    name: &'d Text,
    condition: Option<Condition>,
    target: Option<Target>,
    priority: Priority,
    value: Option<ValueOf>,
}

impl Draft<'_> {
    fn finish(self) -> Option<Rule> {
        Some(Rule {
            name: self.name.text.clone(),
            condition: self.condition?,
            target: self.target?,
            priority: self.priority,
            value: self.value,
        })
    }

    /// Whether a lead that fits both this rule's condition and that of `later` is always taken by this rule.
    fn takes_before(&self, later: &Self) -> bool {
        match (&self.target, &later.target) {
            (Some(Target::Fixed(_)), _) => true,
            (Some(mine), Some(theirs)) => mine.slot().is_some() && mine.slot() == theirs.slot(),
            _ => false,
        }
    }
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
        let block: Vec<Rule> = block.into_iter().flatten().collect();
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
            indexes,
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

    /// The names of the rulebook's own fields and conditions.
    fn names(&mut self) {
        let reserved = |name: &str| RESERVED.contains(&name) || DID_KEYS.contains(&name);
        for Lookup { name, .. } in &self.document.lookups {
            if field::find(&name.text).is_some() || reserved(&name.text) || name.text.starts_with("custom.") {
                let message = format!("a lookup cannot be called `{}`; that name is taken", name.text);
                self.problems.error(name.span, "name", message);
            } else if !is_name(&name.text) {
                self.bad_name(name, "lookup");
            }
        }
        for named in &self.document.conditions {
            if !is_name(&named.name.text) {
                self.bad_name(&named.name, "condition");
            }
        }
    }

    fn bad_name(&mut self, name: &Text, what: &str) {
        let message = format!("`{}` cannot be the name of a {what}", name.text);
        let help = "use up to 64 of `a-z 0-9 - _ .`, a letter or digit first".to_owned();
        self.problems.error_help(name.span, "name", message, help);
    }

    /// The type of a field of the sender's own.
    fn custom(&mut self, custom: &Custom) {
        let name = &custom.name;
        let Some(key) = name.text.strip_prefix("custom.").filter(|key| !key.is_empty()) else {
            let message = format!("`fields` gives a type to `{}`, which is no field of the sender's own", name.text);
            let help = format!("the lead schema knows the types of its fields; write `custom.{}: number`", name.text);
            self.problems.error_help(name.span, "custom-field", message, help);
            return;
        };
        let (kind, choices) = match &custom.kind {
            CustomKind::OneOf(words) => (Kind::OneOf, words.iter().map(|word| word.text.clone()).collect()),
            CustomKind::Named(kind) => {
                let known = field::CUSTOM_KINDS.iter().find(|(known, _)| *known == kind.text);
                let Some((_, known)) = known else {
                    let known = field::CUSTOM_KINDS.iter().map(|(known, _)| *known);
                    let message = format!("`{}` is `{}`, which is no type", name.text, kind.text);
                    let help = did_you_mean(&kind.text, known.clone()).unwrap_or_else(|| {
                        let known: Vec<String> = known.map(|known| format!("`{known}`")).collect();
                        format!("write {} or a list of words", known.join(", "))
                    });
                    self.problems.error_help(kind.span, "custom-type", message, help);
                    return;
                };
                (*known, Vec::new())
            }
        };
        let origin = Origin::Custom(key.to_owned());
        self.fields.push(Field { name: name.text.clone(), kind, choices, origin });
    }

    fn lookup(&mut self, lookup: &'d Lookup) {
        let what = format!("lookup `{}`", lookup.name.text);
        let mut from = Vec::new();
        for field in &lookup.from {
            let root = field.text.split('.').next().unwrap_or_default();
            if self.document.lookups.iter().any(|other| other.name.text == field.text || other.name.text == root) {
                let message = format!("{what} reads `{}`, which is a lookup too", field.text);
                let help = "read a field of the lead".to_owned();
                self.problems.error_help(field.span, "lookup-chain", message, help);
            } else if field.text == "did" {
                let message = format!("{what} reads `did`, and a person can do many things");
                let help = "write a named condition under `conditions` instead".to_owned();
                self.problems.error_help(field.span, "lookup-field", message, help);
            } else if let Some(slot) = self.field(field, Place { what: &what, scored: false }) {
                from.push((field, slot));
            }
        }
        if from.len() < lookup.from.len() {
            return;
        }
        match (&lookup.source, from.as_slice()) {
            (LookupSource::Values(values), [(_, from)]) => self.lookup_values(lookup, *from, values, &what),
            (LookupSource::Values(_), [_, (second, _), ..]) => {
                let message = format!("{what} reads more than one field");
                let help = "values written here are those of one field; a table can be asked with several".to_owned();
                self.problems.error_help(second.span, "lookup-field", message, help);
            }
            (LookupSource::Table { table, gives }, from) => self.lookup_table(lookup, from, table, gives, &what),
            (LookupSource::Values(_), []) => {}
        }
    }

    fn lookup_values(&mut self, lookup: &'d Lookup, from: usize, values: &'d [(Text, Vec<Text>)], what: &str) {
        let mut seen: Vec<(Matcher, &str)> = Vec::new();
        let mut entries = Vec::new();
        for (key, values) in values {
            let mut matchers = Vec::new();
            for text in values {
                let Some(matcher) = self.value(from, text, what) else { continue };
                if let Some((_, other)) = seen.iter().find(|(known, _)| *known == matcher) {
                    let message = format!("{what} puts `{}` under `{other}` and again under `{}`", text.text, key.text);
                    self.problems.error_help(text.span, "duplicate-value", message, "keep one of them".to_owned());
                }
                seen.push((matcher.clone(), &key.text));
                matchers.push(matcher);
            }
            entries.push((key.text.clone(), matchers));
        }
        let choices = entries.iter().map(|(key, _)| key.clone()).collect();
        let origin = Origin::Lookup { from, entries };
        self.fields.push(Field { name: lookup.name.text.clone(), kind: Kind::OneOf, choices, origin });
    }

    fn lookup_table(&mut self, lookup: &Lookup, from: &[(&Text, usize)], name: &Text, gives: &[Text], what: &str) {
        let Some(table) = self.references.tables.get(&name.text) else {
            let message = format!("{what} uses unknown table `{}`", name.text);
            let help = did_you_mean(&name.text, self.references.tables.keys().map(String::as_str))
                .unwrap_or_else(|| format!("bring it in first, as `{}.csv`", name.text));
            self.problems.error_help(name.span, "unknown-table", message, help);
            return;
        };
        if from.len() > MAX_KEYS {
            let message = format!("{what} reads more than {MAX_KEYS} fields");
            self.problems.error(lookup.name.span, "lookup-field", message);
            return;
        }
        let column = |checker: &mut Self, text: &Text| {
            let found = table.column(&text.text);
            if found.is_none() {
                let message =
                    format!("{what} needs a column `{}`, which table `{}` does not have", text.text, name.text);
                let columns = table.columns().iter().map(String::as_str);
                let help = did_you_mean(&text.text, columns)
                    .unwrap_or_else(|| format!("its columns are {}", join(table.columns(), "and")));
                checker.problems.error_help(text.span, "unknown-column", message, help);
            }
            found
        };
        let keys: Vec<Option<usize>> = from.iter().map(|(field, _)| column(self, field)).collect();
        let shown: Vec<Option<usize>> = gives.iter().map(|name| column(self, name)).collect();
        let Some((keys, shown)) = keys.into_iter().collect::<Option<Vec<_>>>().zip(shown.into_iter().collect()) else {
            return;
        };
        let shown: Vec<usize> = shown;
        let postal = |(field, _): &(&Text, usize)| field.text == "postal_code";
        if let Some((field, _)) = from.iter().take(from.len() - 1).find(|entry| postal(entry)) {
            let message = format!("{what} reads `postal_code` before another field");
            let help = "put it last; of it the longest beginning counts".to_owned();
            self.problems.error_help(field.span, "lookup-field", message, help);
            return;
        }
        let prefix = from.last().is_some_and(postal);
        for ((field, slot), column) in from.iter().zip(&keys) {
            self.table_keys(table, (field, *slot), *column, name);
        }
        let slots = from.iter().map(|(_, slot)| *slot).collect();
        let (ready, repeats) = TableLookup::new(Arc::clone(table), slots, &keys, prefix);
        for SameKey { first, second } in repeats.iter().take(MAX_ROWS_SHOWN) {
            let line = |row: usize| table.rows().get(row).map_or(0, |row| row.line);
            let message =
                format!("lines {} and {} of table `{}` have the same keys", line(*first), line(*second), name.text);
            self.problems.error_help(name.span, "table-row", message, "keep one of them".to_owned());
        }
        let number = self.fields.push_table(ready);
        let cell = |column: usize| Origin::Cell { table: number, column };
        for (text, column) in gives.iter().zip(&shown) {
            let kind = match text.text.as_str() {
                "owner" => Kind::Rep,
                _ => Kind::Word,
            };
            self.table_cells(table, text, *column);
            let name = format!("{}.{}", lookup.name.text, text.text);
            self.fields.push(Field { name, kind, choices: Vec::new(), origin: cell(*column) });
        }
        if let Some(first) = shown.first() {
            let name = lookup.name.text.clone();
            self.fields.push(Field { name, kind: Kind::Word, choices: Vec::new(), origin: cell(*first) });
        }
    }

    /// The keys of a table must be values that its field can have.
    fn table_keys(&mut self, table: &Table, (field, slot): (&Text, usize), column: usize, name: &Text) {
        let Some(kind) = self.fields.get(slot).map(|field| field.kind) else { return };
        if matches!(kind, Kind::Number { .. } | Kind::Date | Kind::YesNo) {
            let message = format!("table `{}` cannot be asked with `{}`, which is no text", name.text, field.text);
            self.problems.error_help(field.span, "lookup-field", message, "use a rule with ranges".to_owned());
            return;
        }
        let mut wrong = table.rows().iter().filter_map(|row| {
            let cell = row.cell(column).filter(|cell| *cell != "*")?;
            let known = match kind {
                Kind::Country => field::is_country(&cell.to_ascii_uppercase()),
                Kind::Choice(words) => words.iter().any(|word| fold(word) == fold(cell)),
                _ => true,
            };
            (!known).then(|| format!("line {} of table `{}`: `{cell}` is no {}", row.line, name.text, field.text))
        });
        let found: Vec<String> = wrong.by_ref().take(MAX_ROWS_SHOWN).collect();
        let more = wrong.count();
        for message in found {
            self.problems.error(name.span, "table-row", message);
        }
        if more > 0 {
            let message = format!("{more} more lines of table `{}` have a wrong `{}`", name.text, field.text);
            self.problems.error(name.span, "table-row", message);
        }
    }

    /// Pools and owners that a table gives must exist.
    fn table_cells(&mut self, table: &Table, text: &Text, column: usize) {
        let known = |cell: &str| match text.text.as_str() {
            "pool" => {
                is_name(cell) && self.references.pools.as_ref().is_none_or(|pools| pools.contains(&PoolId::new(cell)))
            }
            "owner" => {
                is_name(cell) && self.references.reps.as_ref().is_none_or(|reps| reps.contains(&RepId::new(cell)))
            }
            _ => true,
        };
        let mut wrong: BTreeMap<&str, u64> = BTreeMap::new();
        for row in table.rows() {
            if let Some(cell) = row.cell(column).filter(|cell| !known(cell)) {
                wrong.entry(cell).or_insert(row.line);
            }
        }
        let kind = if text.text == "owner" { "rep" } else { "pool" };
        for (cell, line) in wrong.into_iter().take(MAX_ROWS_SHOWN) {
            let message = format!("line {line} of table `{}` names unknown {kind} `{cell}`", table.name());
            self.problems.error_help(text.span, "table-row", message, format!("create the {kind} first"));
        }
        if text.text == "pool" {
            let pools = table.rows().iter().filter_map(|row| row.cell(column)).filter(|cell| is_name(cell));
            self.pools.extend(pools.map(PoolId::new));
        }
    }

    /// The named condition, compiled once however often it is used.
    fn named(&mut self, name: &'d str, used_at: Span) -> Option<Arc<Named>> {
        if let Some(done) = self.named.get(name) {
            return done.clone();
        }
        let document = self.document;
        let written = document.conditions.iter().find(|named| named.name.text == name)?;
        if self.chain.contains(&name) || self.chain.len() >= MAX_CHAIN {
            let names: Vec<String> = self.chain.iter().chain([&name]).map(|name| format!("`{name}`")).collect();
            let message = if self.chain.contains(&name) {
                format!("condition `{name}` uses itself: {}", names.join(" uses "))
            } else {
                format!("more than {MAX_CHAIN} conditions use each other in a row")
            };
            self.problems.error_help(used_at, "cycle", message, "write one of them out in full".to_owned());
            return None;
        }
        self.chain.push(name);
        let what = format!("condition `{name}`");
        let condition = self.condition(&written.condition, Place { what: &what, scored: true });
        self.chain.pop();
        let named = condition.map(|condition| {
            let size = condition.size();
            Arc::new(Named { name: name.to_owned(), condition, size })
        });
        self.named.insert(name, named.clone());
        named
    }

    fn rule_names(&mut self) {
        let document = self.document;
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for rule in document.block.iter().chain(&document.route) {
            let name = &rule.name;
            self.problems.about(Some(&name.text));
            // A missing name is reported by `parse`.
            if name.text.is_empty() {
                continue;
            }
            if name.text == NOT_AN_MQL {
                let message = format!("a rule cannot be called `{NOT_AN_MQL}`; that name is taken");
                self.problems.error(name.span, "name", message);
            } else if name.text.chars().count() > 100 || name.text.contains(char::is_control) {
                let message = format!("`{}` cannot be the name of a rule", name.text);
                self.problems.error_help(name.span, "name", message, "use one line of 1 to 100 characters".to_owned());
            } else if let Some(line) = seen.get(name.text.as_str()) {
                let message = format!("there are two rules `{}`, the first in line {line}", name.text);
                let help = "give each its own name; decisions name the rule that won".to_owned();
                self.problems.error_help(name.span, "duplicate-rule", message, help);
            }
            seen.entry(&name.text).or_insert(name.span.line);
        }
    }

    /// Compiles the rules of a section, `None` for a broken one, and finds those that can never win.
    fn section(&mut self, written: &'d [WrittenRule], section: &str) -> Vec<Option<Rule>> {
        let drafts: Vec<Draft<'d>> = written.iter().map(|rule| self.rule(rule, section)).collect();
        // What every rule asks for, worked out once: each is compared with all before it.
        let asked = drafts.iter().map(|draft| Some((draft, draft.condition.as_ref()?.conjuncts())));
        let asked: Vec<(&Draft<'d>, Vec<&Condition>)> = asked.flatten().collect();
        for (at, (later, theirs)) in asked.iter().enumerate() {
            let covers =
                |(draft, mine): &&(&Draft<'d>, Vec<&Condition>)| draft.takes_before(later) && all_implied(theirs, mine);
            let Some((cover, _)) = asked.iter().take(at).find(covers) else { continue };
            self.problems.about(Some(&later.name.text));
            let what = WrittenRule::what(later.name);
            let place = format!("{} in line {}", WrittenRule::what(cover.name), cover.name.span.line);
            let (why, help) = if cover.condition == Some(Condition::ALWAYS) {
                (format!("{place} takes every lead before it"), "move the rule without `if` to the end")
            } else {
                (
                    format!("{place} takes every lead it fits"),
                    "move it up, narrow the earlier rule, or remove one of them",
                )
            };
            let message = format!("{what} can never win: {why}");
            self.problems.error_help(later.name.span, "never-wins", message, help.to_owned());
        }
        self.problems.about(None);
        drafts.into_iter().map(Draft::finish).collect()
    }

    fn rule(&mut self, rule: &'d WrittenRule, section: &str) -> Draft<'d> {
        self.problems.about(Some(&rule.name.text));
        let what = WrittenRule::what(&rule.name);
        let condition = match &rule.guard {
            Guard::Always if section == "block" => {
                let message = format!("{what} has no `if`, so it blocks every lead");
                self.problems.error_help(rule.name.span, "blocks-all", message, "say which leads with `if`".to_owned());
                None
            }
            Guard::Always => Some(Condition::ALWAYS),
            Guard::If(condition) => self.condition(condition, Place { what: &what, scored: section != "block" }),
            Guard::Broken => None,
        };
        if let (Guard::If(written), Some((one, other))) =
            (&rule.guard, condition.as_ref().and_then(Condition::contradiction))
        {
            let message = format!("{what} can never win: `{one}` and `{other}` exclude each other");
            let help = "use `any` if one of them is enough".to_owned();
            self.problems.error_help(written.span(), "contradiction", message, help);
        }
        let target = rule.then.as_ref().and_then(|then| self.target(then, &what, section));
        let priority = rule.priority.as_ref().and_then(|text| self.priority(text)).unwrap_or_default();
        let value = rule.value.as_ref().and_then(|text| self.value_of(text, &what));
        Draft { name: &rule.name, condition, target, priority, value }
    }

    fn priority(&mut self, text: &Text) -> Option<Priority> {
        let found = Priority::ALL.into_iter().find(|priority| priority.as_str() == text.text);
        if found.is_none() {
            let message = format!("`{}` is no priority", text.text);
            let known: Vec<String> = Priority::ALL.iter().map(|known| format!("`{}`", known.as_str())).collect();
            let help = did_you_mean(&text.text, Priority::ALL.iter().map(|known| known.as_str()))
                .unwrap_or_else(|| format!("write {}", join(&known, "or")));
            self.problems.error_help(text.span, "priority", message, help);
        }
        found
    }

    /// `12000`, or `from FIELD` with a field that is a number.
    fn value_of(&mut self, text: &Text, what: &str) -> Option<ValueOf> {
        if let Some(field) = from(text) {
            let slot = self.field(&field, Place { what, scored: true })?;
            if matches!(self.kind(slot), Kind::Number { .. }) {
                return Some(ValueOf::Field(slot));
            }
            let message = format!("{what} estimates the value by `{}`, which is no number", field.text);
            let help = format!("give it a type: `fields: {{ {}: number }}`", field.text);
            self.problems.error_help(field.span, "value", message, help);
            return None;
        }
        let amount = text.text.parse::<u32>().ok().filter(|_| text.text.bytes().all(|b| b.is_ascii_digit()));
        if amount.is_none() {
            let message = format!("`{}` is no value", text.text);
            let help =
                "write a whole number in the company's currency, such as `12000`, or `from custom.budget`".to_owned();
            self.problems.error_help(text.span, "value", message, help);
        }
        amount.map(ValueOf::Fixed)
    }

    fn target(&mut self, then: &Then, what: &str, section: &str) -> Option<Target> {
        let key = match then {
            Then::Pool { pool, .. } => Some(("pool", pool)),
            Then::Owner { owner, .. } => Some(("owner", owner)),
            Then::Nurture(reason) => Some(("nurture", reason)),
            Then::Disqualify(_) | Then::Hold(_) => None,
        };
        if let (Some((key, value)), "block") = (key, section) {
            let message = format!("{what} stands in `block` but says `{key}`");
            let help = "in `block` write `disqualify` or `hold`; other rules belong to `route`".to_owned();
            self.problems.error_help(value.span, "wrong-section", message, help);
        }
        Some(match then {
            Then::Pool { pool, if_nobody } => {
                let if_nobody = match if_nobody {
                    Some(pool) => IfNobody::Pool(self.pool(pool, what)?),
                    None => IfNobody::Wait,
                };
                match from(pool) {
                    Some(field) => Target::Pool { slot: self.pool_from(&field, what)?, if_nobody },
                    None => Target::Fixed(Outcome::Pool { pool: self.pool(pool, what)?, if_nobody }),
                }
            }
            Then::Owner { owner, if_unavailable, counts_as_turn } => {
                let owner = self.owner(owner, what);
                let if_unavailable = match if_unavailable {
                    Some(pool) => IfUnavailable::Pool(self.pool(pool, what)?),
                    None => IfUnavailable::Assign,
                };
                let counts_as_turn = *counts_as_turn;
                match owner? {
                    Ok(owner) => Target::Owner { owner, if_unavailable, counts_as_turn },
                    Err(rep) => Target::Fixed(Outcome::Owner { rep, if_unavailable, counts_as_turn }),
                }
            }
            Then::Nurture(reason) => Target::Fixed(Outcome::Nurture { reason: self.reason(reason)? }),
            Then::Disqualify(reason) => Target::Fixed(Outcome::Disqualify { reason: self.reason(reason)? }),
            Then::Hold(reason) => Target::Fixed(Outcome::Hold { reason: self.reason(reason)? }),
        })
    }

    fn pool(&mut self, pool: &Text, what: &str) -> Option<PoolId> {
        if !is_name(&pool.text) {
            self.bad_name(pool, "pool");
            return None;
        }
        let id = PoolId::new(pool.text.as_str());
        if let Some(known) = self.references.pools.as_ref().filter(|pools| !pools.contains(&id)) {
            let message = format!("{what} names unknown pool `{}`", pool.text);
            let help = did_you_mean(&pool.text, known.iter().map(PoolId::as_str))
                .unwrap_or_else(|| "create the pool first".to_owned());
            self.problems.error_help(pool.span, "unknown-pool", message, help);
            return None;
        }
        self.pools.insert(id.clone());
        Some(id)
    }

    /// The slot of a field that names a pool.
    fn pool_from(&mut self, field: &Text, what: &str) -> Option<usize> {
        let slot = self.field(field, Place { what, scored: true })?;
        match self.fields.get(slot).map(|field| (&field.origin, field.choices.clone())) {
            Some((Origin::Lookup { .. }, keys)) => {
                for key in keys {
                    self.pool(&Text { text: key, span: field.span }, what);
                }
                Some(slot)
            }
            Some((Origin::Cell { .. }, _)) if column_of(&field.text) == Some("pool") => Some(slot),
            _ => {
                let message = format!("{what} takes the pool from `{}`, which names no pool", field.text);
                let help =
                    "write `from LOOKUP.pool`, with a lookup that gives the column `pool` of its table".to_owned();
                self.problems.error_help(field.span, "pool-from", message, help);
                None
            }
        }
    }

    /// An owner read off the lead, or a rep named in the rulebook.
    fn owner(&mut self, owner: &Text, what: &str) -> Option<Result<Rep, RepId>> {
        let (field, was_from) = match from(owner) {
            Some(field) => (field, true),
            None => (owner.clone(), false),
        };
        match field.text.as_str() {
            ACCOUNT_OWNER => return Some(Ok(Rep::AccountOwner(self.schema_slot(ACCOUNT_OWNER)?))),
            DEAL_OWNER => return Some(Ok(Rep::DealOwner(self.schema_slot(DEAL_OWNER)?))),
            other if other.starts_with("account.") || was_from && column_of(other) != Some("owner") => {
                let message = format!("{what} gives the lead to `{other}`, which is no owner");
                let help = format!("write `{ACCOUNT_OWNER}`, `{DEAL_OWNER}`, `from LOOKUP.owner` or the name of a rep");
                self.problems.error_help(owner.span, "unknown-owner", message, help);
                return None;
            }
            _ => {}
        }
        if was_from {
            return self.field(&field, Place { what, scored: true }).map(|slot| Ok(Rep::Field(slot)));
        }
        self.rep(owner, what).map(Err)
    }

    fn rep(&mut self, rep: &Text, what: &str) -> Option<RepId> {
        if !is_name(&rep.text) {
            self.bad_name(rep, "rep");
            return None;
        }
        let id = RepId::new(rep.text.as_str());
        if let Some(known) = self.references.reps.as_ref().filter(|reps| !reps.contains(&id)) {
            let message = format!("{what} names unknown rep `{}`", rep.text);
            let names = known.iter().map(RepId::as_str).chain([ACCOUNT_OWNER, DEAL_OWNER]);
            let help = did_you_mean(&rep.text, names).unwrap_or_else(|| "add the rep first".to_owned());
            self.problems.error_help(rep.span, "unknown-rep", message, help);
            return None;
        }
        Some(id)
    }

    fn reason(&mut self, reason: &Text) -> Option<String> {
        if is_name(&reason.text) {
            return Some(reason.text.clone());
        }
        let message = format!("`{}` cannot be a reason", reason.text);
        let help = "write one word of `a-z 0-9 - _ .`, such as `junk` or `no_budget`".to_owned();
        self.problems.error_help(reason.span, "reason", message, help);
        None
    }

    /// Every rule but the last, and the last, which must take every lead.
    fn last(&mut self, written: &[WrittenRule], mut rules: Vec<Option<Rule>>) -> Option<(Vec<Rule>, LastRule)> {
        let text = written.last()?;
        let last = rules.pop()?;
        let name = text.name.text.clone();
        self.problems.about(Some(&name));
        let what = WrittenRule::what(&text.name);
        let problem = match (&text.guard, last) {
            (Guard::If(_), _) => (
                format!("{what} is the last of `route` and has an `if`, so some leads fit no rule"),
                "end with a rule for everyone else: `- { rule: everyone else, then: { pool: NAME } }`",
            ),
            (_, Some(Rule { target: Target::Owner { .. } | Target::Pool { .. }, .. })) => (
                format!("{what} is the last of `route`, but not every lead has that owner or pool"),
                "end with a rule that can take every lead, such as one with a `pool`",
            ),
            (_, Some(Rule { target: Target::Fixed(outcome), priority, value, .. })) => {
                let last = LastRule { name, outcome, priority, value };
                return Some((rules.into_iter().flatten().collect(), last));
            }
            (_, None) => return None,
        };
        self.problems.error_help(text.name.span, "no-last-rule", problem.0, problem.1.to_owned());
        self.problems.about(None);
        None
    }

    fn scoring(&mut self, score: &Score) -> Scoring {
        let parts = [
            ("fit", score.fit.as_ref().map(|part| part.share.as_ref())),
            ("engagement", score.engagement.as_ref().map(|part| part.share.as_ref())),
            ("account", score.account.as_ref().map(|part| part.share.as_ref())),
        ];
        let mut sum = Some(0_u32);
        for (_, part) in parts {
            let share = part.map_or(Some(0), |text| text.and_then(share));
            sum = sum.zip(share).map(|(sum, share)| sum + share);
        }
        for text in parts.iter().filter_map(|(_, part)| (*part)?) {
            if share(text).is_none() {
                let message = format!("`{}` is no share", text.text);
                self.problems.error_help(
                    text.span,
                    "wrong-share",
                    message,
                    "write a whole percentage, such as `40%`".to_owned(),
                );
            }
        }
        if let Some(sum) = sum.filter(|sum| *sum != 100) {
            let shares = parts.iter().filter_map(|(name, part)| Some(format!("{name} {}", (*part)??.text)));
            let shares: Vec<String> = shares.collect();
            let message = format!("the shares of the score add up to {sum} %, not 100 %");
            let help = if shares.is_empty() { None } else { Some(format!("they are {}", join(&shares, "and"))) };
            self.problems.error_help(score.name.span, "shares", message, help);
        }
        Scoring {
            fit: self.part(score.fit.as_ref(), "a line of `score.fit`"),
            engagement: self.engagement(score.engagement.as_ref()),
            account: self.part(score.account.as_ref(), "a line of `score.account`").share,
            grades: self.grades(&score.grades),
            mql: Vec::new(),
        }
    }

    fn part(&mut self, part: Option<&Part>, what: &str) -> scoring::Part {
        let Some(part) = part else { return scoring::Part::default() };
        let lines: Vec<scoring::Line> = part.lines.iter().filter_map(|line| self.line(line, what)).collect();
        scoring::Part { share: part.share.as_ref().and_then(share).unwrap_or(0), lines }
    }

    fn line(&mut self, line: &Line, what: &str) -> Option<scoring::Line> {
        let condition = self.condition(&line.condition, Place { what, scored: false });
        let points = self.points(&line.points, -100);
        let condition = condition?;
        Some(scoring::Line { reason: condition.words(), condition, points: points? })
    }

    fn points(&mut self, text: &Text, least: i32) -> Option<i32> {
        let points = text.text.parse::<i32>().ok().filter(|points| (least..=100).contains(points));
        if points.is_none() {
            let message = format!("`{}` is no number of points", text.text);
            self.problems.error_help(text.span, "points", message, format!("write a whole number from {least} to 100"));
        }
        points
    }

    fn engagement(&mut self, part: Option<&Engagement>) -> scoring::Engagement {
        let Some(part) = part else { return scoring::Engagement::default() };
        let halves_every = part.halves_every.as_ref().and_then(|text| self.length(text, "`halves_every`"));
        scoring::Engagement {
            share: part.share.as_ref().and_then(share).unwrap_or(0),
            halves_every_ms: halves_every.map(|length| length.ms),
            lines: part.lines.iter().filter_map(|line| self.did_line(line)).collect(),
        }
    }

    fn did_line(&mut self, line: &DidLine) -> Option<scoring::DidLine> {
        let what = "a line of `score.engagement`";
        let did = self.did(&line.did, what);
        let points = self.points(&line.points, -100);
        let at_most = match &line.at_most {
            Some(text) => self.points(text, 0)?,
            None => 100,
        };
        let (did, points) = did.zip(points)?;
        if did.wants_nothing() {
            let message = format!("{what} gives points for `did: absent`");
            let help = "engagement counts what a person did; test `did: absent` in a rule or under `fit`".to_owned();
            self.problems.error_help(line.did.key.span, "did", message, help);
            return None;
        }
        if line.at_most.is_some() && at_most < points.abs() {
            let message = format!("`at_most: {at_most}` is less than the {points} points of one activity");
            self.problems.warn(line.points.span, "points", message, None);
        }
        Some(scoring::DidLine { did, points, at_most: at_most.unsigned_abs() })
    }

    fn length(&mut self, text: &Text, what: &str) -> Option<date::Length> {
        let length = date::length(&text.text);
        if length.is_none() {
            let message = format!("{what} is `{}`, which is no span of time", text.text);
            self.problems.error_help(text.span, "length", message, LENGTH_HELP.to_owned());
        }
        length
    }

    /// A condition on what a person did.
    fn did(&mut self, written: &WrittenDid, what: &str) -> Option<Did> {
        let within = written.within.as_ref().map(|text| self.length(text, "`within`"));
        let times = written.times.as_ref().map(|text| self.times(text));
        let spend: Vec<Option<Spend>> = written.spend.iter().map(|text| self.spend(text)).collect();
        let mut words = |key: &str, texts: &[Text]| {
            let words: Vec<Option<Matcher>> = texts.iter().map(|text| self.did_word(key, text, what)).collect();
            words.into_iter().collect::<Option<Vec<Matcher>>>()
        };
        let did = words("did", &written.words);
        let response = words("response", &written.response);
        let channel = words("channel", &written.channel);
        let product = words("product", &written.product);
        // What could not be read at all was reported by `parse`.
        let did = did.filter(|did| !did.is_empty())?;
        if did.len() > 1 && did.iter().any(|matcher| matches!(matcher, Matcher::Absent | Matcher::Present)) {
            let message = format!("{what} mixes `absent` or `present` with other values of `did`");
            let help = "use `any` with two conditions".to_owned();
            self.problems.error_help(written.key.span, "did", message, help);
            return None;
        }
        let did = Did {
            words: did,
            within: match within {
                Some(within) => Some(within?),
                None => None,
            },
            spend: spend.into_iter().collect::<Option<_>>()?,
            response: response?,
            channel: channel?,
            product: product?,
            times: match times {
                Some(times) => Some(times?),
                None => None,
            },
        };
        if did.wants_nothing() && did.times.is_some() {
            let message = format!("{what} says both `did: absent` and `times`");
            self.problems.error_help(written.key.span, "did", message, "leave one of them out".to_owned());
            return None;
        }
        Some(did)
    }

    fn times(&mut self, text: &Text) -> Option<(u32, u32)> {
        let most = u32::try_from(crate::activity::MAX_REMEMBERED).unwrap_or(u32::MAX);
        match value::read(Kind::Number { most }, &text.text, None, &TimeZone::UTC) {
            Ok(Matcher::Number { from, to }) if from > 0 => Some((from, to)),
            Ok(_) => {
                let message = format!("`times` is `{}`, which holds without anything done", text.text);
                let help = "write `times: 2+`, or `not: { did: … }` for never".to_owned();
                self.problems.error_help(text.span, "times", message, help);
                None
            }
            Err(WrongValue { message, help, .. }) => {
                let message = format!("`times` is `{}`, {message}", text.text);
                self.problems.error_help(text.span, "times", message, help);
                None
            }
        }
    }

    fn spend(&mut self, text: &Text) -> Option<Spend> {
        match text.text.as_str() {
            "low" => Some(Spend::Low),
            "medium" => Some(Spend::Medium),
            "high" => Some(Spend::High),
            other => {
                let message = format!("`spend` is `{other}`, which it never is");
                let help = "write `low`, `medium` or `high`".to_owned();
                self.problems.error_help(text.span, "unknown-value", message, help);
                None
            }
        }
    }

    /// A word of an activity: as intake writes them, so `Request a demo` is `demo`.
    fn did_word(&mut self, key: &str, text: &Text, what: &str) -> Option<Matcher> {
        match value::read(Kind::Word, &text.text, None, &TimeZone::UTC) {
            Ok(Matcher::Text { how: How::Is, .. }) if key == "did" => {
                Some(Matcher::text(How::Is, &choice::did(&text.text)?, false))
            }
            Ok(Matcher::Text { how: How::Is, .. }) if key != "product" => {
                let words = crate::normalise::fold::words(&text.text).join("_");
                Some(Matcher::text(How::Is, &words, false))
            }
            Ok(matcher) => Some(matcher),
            Err(WrongValue { code, message, help }) => {
                let message = format!("{what} compares `{key}` with `{}`, {message}", text.text);
                self.problems.error_help(text.span, code, message, help);
                None
            }
        }
    }

    fn grades(&mut self, written: &[(Text, Text)]) -> Vec<scoring::Grade> {
        let mut grades: Vec<scoring::Grade> = Vec::new();
        for (name, text) in written {
            let from = text.text.strip_suffix('+').and_then(|from| from.parse::<u8>().ok()).filter(|from| *from <= 100);
            let Some(from) = from else {
                let message = format!("grade `{}` begins at `{}`, which is no score", name.text, text.text);
                self.problems.error_help(
                    text.span,
                    "grade",
                    message,
                    "write the lowest score of the grade, such as `80+`".to_owned(),
                );
                continue;
            };
            if let Some(better) = grades.last().filter(|better| better.from <= from) {
                let message = format!(
                    "grade `{}` can never be given: `{}` at {}+ comes first",
                    name.text, better.name, better.from
                );
                self.problems.error_help(
                    text.span,
                    "grade",
                    message,
                    "order grades from the best to the worst".to_owned(),
                );
            }
            grades.push(scoring::Grade { name: name.text.clone(), from });
        }
        grades
    }

    fn mql(&mut self, written: &[Written]) -> Vec<Condition> {
        let place = Place { what: "a line of `mql`", scored: true };
        let mut lines = Vec::new();
        for line in written {
            let Some(condition) = self.condition(line, place) else { continue };
            if let Some((one, other)) = condition.contradiction() {
                let message = format!("a line of `mql` can never hold: `{one}` and `{other}` exclude each other");
                self.problems.error_help(
                    line.span(),
                    "contradiction",
                    message,
                    "write them as two lines if one is enough".to_owned(),
                );
            }
            lines.push(condition);
        }
        lines
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

    fn condition(&mut self, written: &Written, place: Place<'_>) -> Option<Condition> {
        let condition = match written {
            Written::All(parts) => Condition::All(self.each(parts, place)?),
            Written::Any(parts) => Condition::Any(self.each(parts, place)?),
            Written::Not(inner) => Condition::Not(Box::new(self.condition(inner, place)?)),
            Written::Is(names) => {
                let parts: Vec<Option<Condition>> = names.iter().map(|name| self.is(name, place)).collect();
                let mut parts = parts.into_iter().collect::<Option<Vec<Condition>>>()?;
                if parts.len() > 1 { Condition::Any(parts) } else { parts.pop()? }
            }
            Written::Test { field, values } => Condition::Test(self.test(field, values, place)?),
            Written::Did(did) => Condition::Did(Arc::new(self.did(did, place.what)?)),
        };
        if condition.size() > MAX_SIZE {
            let message = format!("{} takes more than {MAX_SIZE} tests", place.what);
            self.problems.error_help(written.span(), "too-large", message, "use a lookup, or several rules".to_owned());
            return None;
        }
        Some(condition)
    }

    fn each(&mut self, parts: &[Written], place: Place<'_>) -> Option<Vec<Condition>> {
        let parts: Vec<Option<Condition>> = parts.iter().map(|part| self.condition(part, place)).collect();
        parts.into_iter().collect()
    }

    fn is(&mut self, name: &Text, place: Place<'_>) -> Option<Condition> {
        let document = self.document;
        let Some(written) = document.conditions.iter().find(|named| named.name.text == name.text) else {
            let known = document.conditions.iter().map(|named| named.name.text.as_str());
            let message = format!("{} uses unknown condition `{}`", place.what, name.text);
            let help = did_you_mean(&name.text, known).unwrap_or_else(|| "name it under `conditions` first".to_owned());
            self.problems.error_help(name.span, "unknown-condition", message, help);
            return None;
        };
        self.mark_used(&written.name.text);
        let named = self.named(&written.name.text, name.span)?;
        if !place.scored {
            let mut scored = None;
            let fields = &self.fields;
            named.condition.each_test(&mut |test| {
                if fields.is_scored(test.slot) {
                    scored = Some(Arc::clone(&test.field));
                }
            });
            if let Some(field) = scored {
                let message =
                    format!("{} uses condition `{}`, which tests `{field}`, not known there", place.what, name.text);
                self.problems.error_help(name.span, "not-yet-scored", message, NOT_YET.to_owned());
                return None;
            }
        }
        Some(Condition::Named(named))
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

    fn test(&mut self, field: &Text, values: &[Text], place: Place<'_>) -> Option<Test> {
        let slot = self.field(field, place)?;
        let mut any_of: Vec<Matcher> = Vec::new();
        let mut broken = values.is_empty();
        for text in values {
            match self.value(slot, text, place.what) {
                Some(matcher) if any_of.contains(&matcher) => {
                    let message = format!("`{}` stands here twice", text.text);
                    self.problems.warn(text.span, "duplicate-value", message, None);
                }
                Some(matcher) => any_of.push(matcher),
                None => broken = true,
            }
        }
        if broken {
            return None;
        }
        let free_text = self.kind(slot) == Kind::Text;
        Some(Test { slot, field: Arc::from(field.text.as_str()), free_text, any_of })
    }

    fn field(&mut self, field: &Text, place: Place<'_>) -> Option<usize> {
        let name = field.text.as_str();
        let document = self.document;
        let is_lookup = |lookup: &&Lookup| {
            name.strip_prefix(&lookup.name.text).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if let Some(lookup) = document.lookups.iter().find(is_lookup) {
            self.used.insert(&lookup.name.text);
            return self.lookup_field(lookup, field, place);
        }
        if let Some(custom) = name.strip_prefix("custom.").filter(|custom| !custom.is_empty()) {
            let origin = Origin::Custom(custom.to_owned());
            let field = || Field { name: name.to_owned(), kind: Kind::Text, choices: Vec::new(), origin };
            return Some(self.fields.slot(name).unwrap_or_else(|| self.fields.push(field())));
        }
        let Some(spec) = field::find(name) else {
            let lookups = document.lookups.iter().map(|lookup| lookup.name.text.as_str());
            let known = FIELDS.iter().map(|spec| spec.name).chain(lookups).chain(RESERVED);
            let message = format!("{} tests unknown field `{name}`", place.what);
            let help = did_you_mean(name, known)
                .unwrap_or_else(|| format!("a field of the sender's own is written `custom.{name}`"));
            self.problems.error_help(field.span, "unknown-field", message, help);
            return None;
        };
        if spec.scored && !place.scored {
            let message = format!("{} tests `{name}`, which is not known there", place.what);
            self.problems.error_help(field.span, "not-yet-scored", message, NOT_YET.to_owned());
            return None;
        }
        self.schema_slot(name)
    }

    /// A lookup's value, or a column of its table.
    fn lookup_field(&mut self, lookup: &Lookup, field: &Text, place: Place<'_>) -> Option<usize> {
        if let Some(slot) = self.fields.slot(&field.text) {
            return Some(slot);
        }
        // A lookup that is broken as a whole is reported where it stands.
        self.fields.slot(&lookup.name.text)?;
        let message = format!("{} tests unknown field `{}`", place.what, field.text);
        let help = match &lookup.source {
            LookupSource::Table { gives, .. } => {
                let given: Vec<String> =
                    gives.iter().map(|column| format!("`{}.{}`", lookup.name.text, column.text)).collect();
                format!("the lookup gives {}", join(&given, "and"))
            }
            LookupSource::Values(_) => format!("write `{}`", lookup.name.text),
        };
        self.problems.error_help(field.span, "unknown-field", message, help);
        None
    }

    fn schema_slot(&mut self, name: &str) -> Option<usize> {
        let spec = field::find(name)?;
        let field =
            || Field { name: name.to_owned(), kind: spec.kind, choices: Vec::new(), origin: Origin::Schema(spec) };
        Some(self.fields.slot(name).unwrap_or_else(|| self.fields.push(field())))
    }

    fn kind(&self, slot: usize) -> Kind {
        self.fields.get(slot).map_or(Kind::Text, |field| field.kind)
    }

    fn value(&mut self, slot: usize, text: &Text, what: &str) -> Option<Matcher> {
        let field = self.fields.get(slot)?;
        let kind = field.kind;
        let grades = || self.document.score.iter().flat_map(|score| &score.grades).map(|(name, _)| name.text.as_str());
        let choices: Option<Vec<&str>> = match kind {
            Kind::Choice(words) => Some(words.to_vec()),
            Kind::OneOf => Some(field.choices.iter().map(String::as_str).collect()),
            Kind::Grade => Some(grades().collect()),
            _ => None,
        };
        match value::read(kind, &text.text, choices.as_deref(), self.fields.zone()) {
            Ok(matcher @ Matcher::Text { .. }) if kind == Kind::Rep => self.rep(text, what).map(|_| matcher),
            Ok(matcher) => Some(matcher),
            Err(WrongValue { code, message, help }) => {
                let message = format!("{what} compares `{}` with `{}`, {message}", field.name, text.text);
                self.problems.error_help(text.span, code, message, help);
                None
            }
        }
    }
}

/// Words of a condition that cannot be fields.
const RESERVED: [&str; 5] = ["all", "any", "not", "is", "did"];

/// The column of `LOOKUP.COLUMN`.
fn column_of(field: &str) -> Option<&str> {
    field.rsplit_once('.').map(|(_, column)| column)
}

/// The field of `from FIELD`.
fn from(text: &Text) -> Option<Text> {
    let field = text.text.strip_prefix("from ")?.trim();
    Some(Text { text: field.to_owned(), span: text.span })
}

const NOT_YET: &str = "the score is worked out after `block` and by the lines of `score`; test it in `mql` or `route`";

/// A share in percent.
fn share(text: &Text) -> Option<u32> {
    let share: u32 = text.text.strip_suffix('%')?.trim().parse().ok()?;
    (share <= 100).then_some(share)
}
