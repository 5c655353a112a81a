//! Checks the rules of `block` and `route`.

use super::{Checker, Place};
use crate::ast::{Guard, Rule as WrittenRule, Text};
use crate::condition::Condition;
use crate::diagnostic::Span;
use crate::rule::{LastRule, Rule, Target, ValueOf};
use fairleader_lead::ruling::Priority;

/// A rule with parts that may be broken.
pub(super) struct Draft<'d> {
    pub(super) name: &'d Text,
    /// Its section, and its position there, from 0.
    pub(super) section: &'static str,
    pub(super) number: usize,
    /// Where its `if` starts, or its name if it has no `if`.
    pub(super) at: Span,
    pub(super) condition: Option<Condition>,
    pub(super) target: Option<Target>,
    priority: Priority,
    value: Option<ValueOf>,
    /// Whether its condition was already reported as never holding.
    pub(super) contradictory: bool,
}

impl Draft<'_> {
    pub(super) fn finish(self) -> Option<Rule> {
        Some(Rule {
            name: self.name.text.clone(),
            condition: self.condition?,
            target: self.target?,
            priority: self.priority,
            value: self.value,
        })
    }

    /// Returns whether both rules do the same with a lead.
    pub(super) fn does_as(&self, other: &Self) -> bool {
        (&self.target, self.priority, self.value) == (&other.target, other.priority, other.value)
    }
}

impl<'d> Checker<'d, '_> {
    /// Compiles the rules of a section.
    pub(super) fn section(&mut self, written: &'d [WrittenRule], section: &'static str) -> Vec<Draft<'d>> {
        let drafts = written.iter().enumerate().map(|(number, rule)| self.rule(rule, section, number)).collect();
        self.problems.about(None);
        drafts
    }

    fn rule(&mut self, rule: &'d WrittenRule, section: &'static str, number: usize) -> Draft<'d> {
        self.problems.about(Some(&rule.name.text));
        let what = WrittenRule::what(&rule.name);
        let place = Place { what: &what, scored: section != "block" };
        let condition = match &rule.guard {
            Guard::Always if section == "block" => {
                let message = format!("{what} has no `if`, so it blocks every lead");
                self.problems.error_help(rule.name.span, "blocks-all", message, "say which leads with `if`".to_owned());
                None
            }
            Guard::Always => Some(Condition::ALWAYS),
            Guard::If(condition) => self.condition(condition, place),
        };
        let at = match &rule.guard {
            Guard::If(written) => written.span(),
            Guard::Always => rule.name.span,
        };
        let condition = self.used(condition, at);
        let work = self.problems.work().clone();
        let contradiction = condition.as_ref().and_then(|condition| condition.contradiction(&work));
        let contradictory = contradiction.is_some();
        if let (Guard::If(written), Some((one, other))) = (&rule.guard, contradiction) {
            let message = format!("{what} can never win: `{one}` and `{other}` cannot both be true");
            let help = "use `any` if one of them is enough".to_owned();
            self.problems.error_help(written.span(), "contradiction", message, help);
        }
        let target = rule.then.as_ref().and_then(|then| self.target(then, &what, section));
        let priority = rule.priority.as_ref().and_then(|text| self.priority(text)).unwrap_or_default();
        let value = rule.value.as_ref().and_then(|text| self.value_of(text, place));
        Draft { name: &rule.name, section, number, at, condition, target, priority, value, contradictory }
    }

    /// Splits off the last rule, which must take every lead.
    pub(super) fn last(
        &mut self,
        written: &[WrittenRule],
        mut rules: Vec<Option<Rule>>,
    ) -> Option<(Vec<Rule>, LastRule)> {
        let text = written.last()?;
        let last = rules.pop()?;
        let name = text.name.text.clone();
        self.problems.about(Some(&name));
        let what = WrittenRule::what(&text.name);
        let problem = match (&text.guard, last) {
            (Guard::If(_), _) => (
                format!("{what} is the last of `route` and has an `if`, so some leads match no rule"),
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
}
