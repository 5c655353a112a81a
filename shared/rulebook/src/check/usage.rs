//! Finds unused parts of a rulebook, which are probably mistakes.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use super::targets::source;
use crate::ast::{Condition as Written, Document, Guard, LookupSource, Text, Then};
use crate::diagnostic::join;
use crate::lead_value::fold;

/// The most values of a lookup that one message names.
const MAX_NAMED: usize = 3;

/// The longest name of a lookup.
const MAX_NAME: usize = 64;

/// What `block`, `score`, `mql` and `route` use, directly or through named conditions.
#[derive(Default)]
pub(super) struct Usage<'d> {
    named: BTreeMap<&'d str, &'d Written>,
    /// Named conditions.
    conditions: BTreeSet<&'d str>,
    /// Tested fields, with the values they are compared with.
    tested: BTreeMap<&'d str, Vec<&'d Text>>,
    /// Fields whose value is used directly (`from FIELD`).
    taken: BTreeSet<&'d str>,
}

impl<'d> Usage<'d> {
    pub(super) fn of(document: &'d Document) -> Self {
        let named = document.conditions.iter().map(|named| (named.name.text.as_str(), &named.condition)).collect();
        let mut usage = Self { named, ..Self::default() };
        for rule in document.block.iter().chain(&document.route) {
            if let Guard::If(condition) = &rule.guard {
                usage.condition(condition);
            }
            let from = match &rule.then {
                Some(Then::Pool { pool, .. }) => Some(pool),
                Some(Then::Owner { owner, .. }) => Some(owner),
                _ => None,
            };
            usage.taken.extend(from.into_iter().chain(&rule.value).filter_map(|text| source(&text.text)));
        }
        let fit = document.score.iter().flat_map(|score| &score.fit).flat_map(|part| &part.lines);
        fit.map(|line| &line.condition).chain(&document.mql).for_each(|condition| usage.condition(condition));
        usage
    }

    fn condition(&mut self, written: &'d Written) {
        match written {
            Written::All(parts) | Written::Any(parts) => parts.iter().for_each(|part| self.condition(part)),
            Written::Not(inner) => self.condition(inner),
            Written::Is(names) => {
                for name in names {
                    if self.conditions.insert(&name.text)
                        && let Some(condition) = self.named.get(name.text.as_str()).copied()
                    {
                        self.condition(condition);
                    }
                }
            }
            Written::Test { field, values } => self.tested.entry(&field.text).or_default().extend(values),
            Written::Did(_) | Written::Broken(_) => {}
        }
    }

    /// Returns the values that a field is compared with.
    pub(super) fn values(&self, field: &str) -> &[&'d Text] {
        self.tested.get(field).map(Vec::as_slice).unwrap_or_default()
    }

    fn fields(&self) -> impl Iterator<Item = &'d str> {
        self.tested.keys().chain(&self.taken).copied()
    }
}

/// Returns a field's name and every part of it that ends before a full stop; one of them may be a lookup.
pub(super) fn roots(field: &str) -> impl Iterator<Item = &str> {
    let shorter = field.match_indices('.').map(|(at, _)| at).take_while(|at| *at <= MAX_NAME);
    let shorter = shorter.filter_map(|at| field.get(..at));
    [field].into_iter().chain(shorter)
}

impl<'d> Checker<'d, '_> {
    /// Reports lookups, conditions and custom fields that are never used.
    pub(super) fn unused(&mut self, usage: &Usage<'d>) {
        let document = self.document;
        let roots: BTreeSet<&str> = usage.fields().flat_map(roots).collect();
        for lookup in &document.lookups {
            if !roots.contains(lookup.name.text.as_str()) {
                self.never_used(&lookup.name, "lookup");
            } else if let LookupSource::Values(values) = &lookup.source {
                self.unused_keys(&lookup.name, values, usage);
            }
        }
        for named in &document.conditions {
            if !usage.conditions.contains(named.name.text.as_str()) {
                self.never_used(&named.name, "condition");
            }
        }
        // A field used only by an unused lookup or condition is not reported as well.
        let mut everywhere = Usage::default();
        document.conditions.iter().for_each(|named| everywhere.condition(&named.condition));
        let asked: BTreeSet<&str> =
            document.lookups.iter().flat_map(|lookup| &lookup.from).map(|f| f.text.as_str()).collect();
        for custom in &document.fields {
            let name = custom.name.text.as_str();
            let used = roots.contains(name) || asked.contains(name) || everywhere.tested.contains_key(name);
            if !used && name.starts_with("custom.") {
                self.never_used(&custom.name, "field");
            }
        }
    }

    fn never_used(&mut self, name: &Text, what: &str) {
        let message = format!("{what} `{}` is never used", name.text);
        self.problems.warn(name.span, "unused", message, "remove it, or use it in a rule".to_owned());
    }

    /// Reports values of a lookup that no rule tests: leads with them are treated as if the lookup found nothing.
    fn unused_keys(&mut self, name: &Text, values: &[(Text, Vec<Text>)], usage: &Usage<'d>) {
        let asked: BTreeSet<String> =
            usage.values(&name.text).iter().map(|text| fold(&text.text).into_owned()).collect();
        let keys: BTreeSet<String> = values.iter().map(|(key, _)| fold(&key.text).into_owned()).collect();
        // `present` and `absent` test all values, and an unknown value is probably a misspelt one.
        if usage.taken.contains(name.text.as_str()) || asked.iter().any(|asked| !keys.contains(asked)) {
            return;
        }
        let idle: Vec<&Text> =
            values.iter().map(|(key, _)| key).filter(|key| !asked.contains(fold(&key.text).as_ref())).collect();
        let Some(first) = idle.first() else { return };
        let mut named: Vec<String> = idle.iter().take(MAX_NAMED).map(|key| format!("`{}`", key.text)).collect();
        if idle.len() > MAX_NAMED {
            named.push(format!("{} more", idle.len() - MAX_NAMED));
        }
        let message = format!("no rule tests whether `{}` is {}", name.text, join(&named, "or"));
        self.problems.warn(first.span, "unused", message, "remove it, or use it in a rule".to_owned());
    }
}
