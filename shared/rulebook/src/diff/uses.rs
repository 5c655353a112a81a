//! Finds the rules and lines that use a field, a lookup or a named condition: in one pass, for all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::outline::{Lookup, Outline};
use crate::condition::Condition;
use crate::matcher::{How, Matcher};
use crate::work::Work;

/// Something that rules use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted<'n> {
    /// A custom field or a lookup.
    Field(&'n str),
    /// Some entries of a lookup.
    Entries(&'n str, &'n BTreeSet<String>),
    /// A named condition.
    Condition(&'n str),
}

/// A use, as it is found in a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Use<'r> {
    Field(&'r str),
    Condition(&'r str),
    /// A value of a lookup; `None` if any of them may matter.
    Value(&'r str, Option<&'r str>),
}

/// A part of a rulebook that uses others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User<'r> {
    Rule(&'r str),
    Score,
    Mql,
}

impl User<'_> {
    fn words(self) -> String {
        match self {
            Self::Rule(name) => format!("rule `{name}`"),
            Self::Score => "the score".to_owned(),
            Self::Mql => "the MQL lines".to_owned(),
        }
    }
}

/// All uses of a rulebook.
#[derive(Debug, Default)]
pub(super) struct Uses<'r> {
    users: Vec<User<'r>>,
    /// The users of everything, by position and in order.
    of: BTreeMap<Use<'r>, Vec<usize>>,
}

impl<'r> Uses<'r> {
    /// Finds the uses of a rulebook, each use of a named condition included.
    pub(super) fn of(outline: &Outline<'r>) -> Self {
        let mut uses = Self::default();
        for rule in outline.block.iter().chain(&outline.route) {
            uses.users.push(User::Rule(rule.name));
            uses.condition(rule.condition, outline);
            for field in rule.fields() {
                uses.field(field, outline);
            }
        }
        uses.users.push(User::Score);
        outline.scoring.fit.lines.iter().for_each(|line| uses.condition(&line.condition, outline));
        uses.users.push(User::Mql);
        outline.scoring.mql.iter().for_each(|line| uses.condition(line, outline));
        uses
    }

    fn add(&mut self, used: Use<'r>) {
        let last = self.users.len().saturating_sub(1);
        let users = self.of.entry(used).or_default();
        if users.last() != Some(&last) {
            users.push(last);
        }
    }

    fn condition(&mut self, condition: &'r Condition, outline: &Outline<'r>) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                for part in parts {
                    self.condition(part, outline);
                }
            }
            Condition::Not(inner) => self.condition(inner, outline),
            Condition::Named(named) => {
                self.add(Use::Condition(&named.name));
                self.condition(&named.condition, outline);
            }
            Condition::Test(test) => {
                if self.field(&test.field, outline) == Some(&*test.field) {
                    for value in &test.any_of {
                        self.add(Use::Value(
                            &test.field,
                            match value {
                                Matcher::Text { how: How::Is, shown, .. } => Some(shown.as_str()),
                                _ => None,
                            },
                        ));
                    }
                }
            }
            Condition::Did(_) => {}
        }
    }

    /// Adds the use of a field and, if a lookup gives it, of what the lookup reads. Returns the name of the lookup.
    fn field(&mut self, field: &'r str, outline: &Outline<'r>) -> Option<&'r str> {
        let shorter = field.match_indices('.').filter_map(|(at, _)| field.get(..at));
        let found = shorter.chain([field]).find_map(|name| outline.lookups.get_key_value(name));
        let Some((name, lookup)) = found else {
            self.add(Use::Field(field));
            return None;
        };
        let name = *name;
        self.add(Use::Field(name));
        if field != name {
            self.add(Use::Value(name, None));
        }
        match lookup {
            Lookup::Values { from, .. } => self.add(Use::Field(from)),
            Lookup::Table { from, .. } => from.iter().for_each(|from| self.add(Use::Field(from))),
        }
        Some(name)
    }

    /// Adds the users of `wanted`, as sentences name them. `None` if `work` does not allow it.
    pub(super) fn extend(&self, wanted: Wanted<'_>, found: &mut BTreeSet<String>, work: &Work) -> Option<()> {
        let mut add = |used: &Use<'_>| {
            let users = self.of.get(used).map(Vec::as_slice).unwrap_or_default();
            if !work.compares(1 + users.len().saturating_mul(10)) {
                return None;
            }
            found.extend(users.iter().filter_map(|user| self.users.get(*user)).map(|user| user.words()));
            Some(())
        };
        match wanted {
            Wanted::Field(name) => add(&Use::Field(name)),
            Wanted::Condition(name) => add(&Use::Condition(name)),
            Wanted::Entries(name, keys) => {
                add(&Use::Value(name, None))?;
                keys.iter().try_for_each(|key| add(&Use::Value(name, Some(key.as_str()))))
            }
        }
    }
}
