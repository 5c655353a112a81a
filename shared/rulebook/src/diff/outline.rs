//! A compiled rulebook as [`super::diff`] sees it: everything that affects decisions, by name, without slots.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::condition::{Condition, Named};
use crate::diagnostic::join;
use crate::did::Did;
use crate::field::{CUSTOM_KINDS, Kind};
use crate::matcher::Matcher;
use crate::reading::{Field, Origin};
use crate::rule::{Rep, Rule as Compiled, Target, ValueOf};
use crate::rulebook::Rulebook;
use crate::scoring::Scoring;
use crate::table::Table;
use fairleader_lead::id::PoolId;
use fairleader_lead::ruling::{IfNobody, IfUnavailable, Outcome, Priority};

/// Everything that affects decisions.
pub(super) struct Outline<'r> {
    pub(super) zone: &'r str,
    pub(super) currency: &'r str,
    /// The types of custom fields, in words, except for plain text.
    pub(super) customs: BTreeMap<&'r str, String>,
    pub(super) lookups: BTreeMap<&'r str, Lookup<'r>>,
    pub(super) conditions: BTreeMap<&'r str, &'r Named>,
    pub(super) block: Vec<Rule<'r>>,
    pub(super) route: Vec<Rule<'r>>,
    pub(super) scoring: &'r Scoring,
}

/// A lookup.
pub(super) enum Lookup<'r> {
    /// The rulebook lists its values.
    Values { from: &'r str, entries: &'r [(String, Vec<Matcher>)] },
    /// A table holds its values.
    Table { table: &'r Arc<Table>, from: Vec<&'r str>, gives: BTreeSet<&'r str> },
}

/// A rule of `block` or `route`.
#[derive(Clone, Debug)]
pub(super) struct Rule<'r> {
    pub(super) name: &'r str,
    pub(super) condition: &'r Condition,
    pub(super) does: Does<'r>,
    pub(super) priority: Priority,
    pub(super) value: Option<Amount<'r>>,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does<'r> {
    Pool { pool: Place<'r>, if_nobody: Option<&'r PoolId> },
    Owner { owner: Place<'r>, if_unavailable: Option<&'r PoolId>, counts_as_turn: bool },
    Nurture(&'r str),
    Disqualify(&'r str),
    Hold(&'r str),
}

/// How a rule names its pool or rep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'r> {
    Named(&'r str),
    From(&'r str),
}

/// How a rule gives the expected value of a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount<'r> {
    Fixed(u32),
    From(&'r str),
}

impl<'r> Outline<'r> {
    pub(super) fn of(rulebook: &'r Rulebook) -> Self {
        let mut outline = Self {
            zone: &rulebook.zone,
            currency: &rulebook.currency,
            customs: customs(rulebook),
            lookups: lookups(rulebook),
            conditions: BTreeMap::new(),
            block: rulebook.block.iter().map(|rule| Rule::of(rulebook, rule)).collect(),
            route: rulebook.route.iter().map(|rule| Rule::of(rulebook, rule)).collect(),
            scoring: &rulebook.scoring,
        };
        let last = &rulebook.last;
        outline.route.push(Rule {
            name: &last.name,
            condition: const { &Condition::ALWAYS },
            does: Does::fixed(&last.outcome),
            priority: last.priority,
            value: last.value.map(|value| Amount::of(rulebook, value)),
        });
        let scored = rulebook.scoring.fit.lines.iter().map(|line| &line.condition).chain(&rulebook.scoring.mql);
        let rules = rulebook.block.iter().chain(&rulebook.route).map(|rule| &rule.condition);
        rules.chain(scored).for_each(|condition| collect(condition, &mut outline.conditions));
        outline
    }
}

fn collect<'r>(condition: &'r Condition, found: &mut BTreeMap<&'r str, &'r Named>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| collect(part, found)),
        Condition::Not(inner) => collect(inner, found),
        Condition::Named(named) => {
            if found.insert(&named.name, named).is_none() {
                collect(&named.condition, found);
            }
        }
        Condition::Test(_) | Condition::Did(_) => {}
    }
}

fn customs(rulebook: &Rulebook) -> BTreeMap<&str, String> {
    let customs = rulebook.fields.iter().filter(|field| matches!(field.origin, Origin::Custom(_)));
    customs.filter(|field| field.kind != Kind::Text).map(|field| (field.name.as_str(), kind(field))).collect()
}

fn kind(field: &Field) -> String {
    if field.kind == Kind::OneOf {
        let mut words = field.choices.clone();
        words.sort();
        return format!("one of {}", join(&words, "or"));
    }
    let known = CUSTOM_KINDS.iter().find(|(_, kind)| *kind == field.kind);
    known.map_or_else(|| format!("{:?}", field.kind), |(name, _)| (*name).to_owned())
}

fn lookups(rulebook: &Rulebook) -> BTreeMap<&str, Lookup<'_>> {
    let fields = &rulebook.fields;
    let name = |slot: &usize| fields.get(*slot).map_or("", |field| field.name.as_str());
    let mut found = BTreeMap::new();
    for field in fields.iter() {
        if let Origin::Lookup { from, entries } = &field.origin {
            found.insert(field.name.as_str(), Lookup::Values { from: name(from), entries });
        }
    }
    for (number, lookup) in fields.tables().iter().enumerate() {
        let cells: Vec<(&str, &str)> = fields
            .iter()
            .filter_map(|field| match field.origin {
                Origin::Cell { table, column } if table == number => {
                    Some((field.name.as_str(), lookup.table.columns().get(column)?.as_str()))
                }
                _ => None,
            })
            .collect();
        // The lookup's own name is the shortest of its fields; the others end in a column name.
        let Some((own, _)) = cells.iter().min_by_key(|(name, _)| name.len()) else { continue };
        let from = lookup.from.iter().map(name).collect();
        let gives = cells.iter().map(|(_, column)| *column).collect();
        found.insert(own, Lookup::Table { table: &lookup.table, from, gives });
    }
    found
}

impl<'r> Rule<'r> {
    fn of(rulebook: &'r Rulebook, rule: &'r Compiled) -> Self {
        Self {
            name: &rule.name,
            condition: &rule.condition,
            does: Does::of(rulebook, &rule.target),
            priority: rule.priority,
            value: rule.value.map(|value| Amount::of(rulebook, value)),
        }
    }

    /// Returns the fields that it reads in addition to its condition.
    pub(super) fn fields(&self) -> Vec<&'r str> {
        let mut fields = Vec::new();
        if let Does::Pool { pool: Place::From(field), .. } | Does::Owner { owner: Place::From(field), .. } = self.does {
            fields.push(field);
        }
        if let Some(Amount::From(field)) = self.value {
            fields.push(field);
        }
        fields
    }
}

fn field_name(rulebook: &Rulebook, slot: usize) -> &str {
    rulebook.fields.get(slot).map_or("", |field| field.name.as_str())
}

impl<'r> Does<'r> {
    fn of(rulebook: &'r Rulebook, target: &'r Target) -> Self {
        match target {
            Target::Fixed(outcome) => Self::fixed(outcome),
            Target::Owner { owner, if_unavailable, counts_as_turn } => {
                let (Rep::AccountOwner(slot) | Rep::DealOwner(slot) | Rep::Field(slot)) = *owner;
                let owner = Place::From(field_name(rulebook, slot));
                Self::Owner { owner, if_unavailable: second(if_unavailable), counts_as_turn: *counts_as_turn }
            }
            Target::Pool { slot, if_nobody } => {
                Self::Pool { pool: Place::From(field_name(rulebook, *slot)), if_nobody: next(if_nobody) }
            }
        }
    }

    fn fixed(outcome: &'r Outcome) -> Self {
        match outcome {
            Outcome::Pool { pool, if_nobody } => {
                Self::Pool { pool: Place::Named(pool.as_str()), if_nobody: next(if_nobody) }
            }
            Outcome::Owner { rep, if_unavailable, counts_as_turn } => Self::Owner {
                owner: Place::Named(rep.as_str()),
                if_unavailable: second(if_unavailable),
                counts_as_turn: *counts_as_turn,
            },
            Outcome::Nurture { reason } => Self::Nurture(reason),
            Outcome::Disqualify { reason } => Self::Disqualify(reason),
            Outcome::Hold { reason } => Self::Hold(reason),
        }
    }

    /// Returns ``gives the lead to pool `a` ``.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Pool { pool, if_nobody: None } => format!("gives the lead to {}", pool.pool()),
            Self::Pool { pool, if_nobody: Some(other) } => {
                format!("gives the lead to {}, or to pool `{other}` if no rep there can take it", pool.pool())
            }
            Self::Owner { owner, if_unavailable: None, .. } => format!("gives the lead to {}", owner.rep()),
            Self::Owner { owner, if_unavailable: Some(pool), .. } => {
                format!("gives the lead to {}, or to pool `{pool}` if they cannot take it", owner.rep())
            }
            Self::Nurture(reason) => format!("keeps the lead in nurture (`{reason}`)"),
            Self::Disqualify(reason) => format!("disqualifies the lead (`{reason}`)"),
            Self::Hold(reason) => format!("holds the lead for review (`{reason}`)"),
        }
    }
}

fn next(if_nobody: &IfNobody) -> Option<&PoolId> {
    match if_nobody {
        IfNobody::Wait => None,
        IfNobody::Pool(pool) => Some(pool),
    }
}

fn second(if_unavailable: &IfUnavailable) -> Option<&PoolId> {
    match if_unavailable {
        IfUnavailable::Assign => None,
        IfUnavailable::Pool(pool) => Some(pool),
    }
}

impl Place<'_> {
    pub(super) fn pool(&self) -> String {
        match self {
            Self::Named(name) => format!("pool `{name}`"),
            Self::From(field) => format!("the pool in `{field}`"),
        }
    }

    pub(super) fn rep(&self) -> String {
        match self {
            Self::Named(name) => format!("`{name}`"),
            Self::From(field) => format!("the rep in `{field}`"),
        }
    }
}

impl<'r> Amount<'r> {
    fn of(rulebook: &'r Rulebook, value: ValueOf) -> Self {
        match value {
            ValueOf::Fixed(amount) => Self::Fixed(amount),
            ValueOf::Field(slot) => Self::From(field_name(rulebook, slot)),
        }
    }

    pub(super) fn words(&self, currency: &str) -> String {
        match self {
            Self::Fixed(amount) => format!("{amount} {currency}"),
            Self::From(field) => format!("the value of `{field}`"),
        }
    }
}

/// Returns a line of engagement as a condition, so that it can be compared.
pub(super) fn did_condition(did: &Did) -> Condition {
    Condition::Did(Arc::new(did.clone()))
}
