//! Checks the names of lookups, conditions and rules.

use std::collections::BTreeMap;

use super::{Checker, RESERVED};
use crate::ast::{Lookup, Text};
use crate::field;
use crate::parse::DID_KEYS;
use fairleader_lead::id::is_name;
use fairleader_lead::normalise::fold::words;
use fairleader_lead::ruling::NOT_AN_MQL;

impl Checker<'_, '_> {
    /// Checks the names of lookups and conditions.
    pub(super) fn names(&mut self) {
        let reserved = |name: &str| RESERVED.contains(&name) || DID_KEYS.contains(&name);
        for Lookup { name, .. } in &self.document.lookups {
            if field::find(&name.text).is_some() || reserved(&name.text) || name.text.starts_with("custom.") {
                let message = format!("a lookup cannot be named `{}`; the name is reserved", name.text);
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
        let message = format!("`{}` is not a valid name for a {what}", name.text);
        let plain = words(&name.text).join("-");
        let help = if is_name(&plain) {
            format!("names are lower case without spaces; write `{plain}` if that is what you mean")
        } else {
            "use up to 64 lower-case letters, digits, `-`, `_` and `.`, starting with a letter or digit".to_owned()
        };
        self.problems.error_help(name.span, "name", message, help);
    }

    pub(super) fn rule_names(&mut self) {
        let document = self.document;
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for rule in document.block.iter().chain(&document.route) {
            let name = &rule.name;
            self.problems.about(Some(&name.text));
            // `parse` has already reported a missing name.
            if name.text.is_empty() {
                continue;
            }
            if name.text == NOT_AN_MQL {
                let message = format!("a rule cannot be named `{NOT_AN_MQL}`; the name is reserved");
                self.problems.error(name.span, "name", message);
            } else if name.text.chars().count() > 100 || name.text.contains(char::is_control) {
                let message = format!("`{}` is not a valid name for a rule", name.text);
                self.problems.error_help(name.span, "name", message, "use one line of 1 to 100 characters".to_owned());
            } else if let Some(line) = seen.get(name.text.as_str()) {
                let message = format!("duplicate rule name `{}`, first used on line {line}", name.text);
                let help = "give each rule its own name; decisions name the rule that won".to_owned();
                self.problems.error_help(name.span, "duplicate-rule", message, help);
            }
            seen.entry(&name.text).or_insert(name.span.line);
        }
    }
}
