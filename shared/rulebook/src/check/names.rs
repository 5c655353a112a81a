//! Names: what the rulebook's own fields, conditions and rules may be called.

use std::collections::BTreeMap;

use super::{Checker, RESERVED};
use crate::ast::{Lookup, Text};
use crate::field;
use crate::parse::DID_KEYS;
use fairleader_lead::id::is_name;
use fairleader_lead::normalise::fold::words;
use fairleader_lead::ruling::NOT_AN_MQL;

impl Checker<'_, '_> {
    /// The names of the rulebook's own fields and conditions.
    pub(super) fn names(&mut self) {
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

    pub(super) fn bad_name(&mut self, name: &Text, what: &str) {
        let message = format!("`{}` cannot be the name of a {what}", name.text);
        let plain = words(&name.text).join("-");
        let help = if is_name(&plain) {
            format!("names are in lower case and without blanks; write `{plain}` if that is its name")
        } else {
            "use up to 64 small letters, digits, `-`, `_` and `.`; a letter or digit first".to_owned()
        };
        self.problems.error_help(name.span, "name", message, help);
    }

    pub(super) fn rule_names(&mut self) {
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
}
