//! The rules of `block` and `route`, and those that can never win.

use super::{Checker, Place};
use crate::rulebook::ast::{Guard, Rule as WrittenRule, Text};
use crate::rulebook::condition::{Condition, all_implied};
use crate::rulebook::{LastRule, Priority, Rule, Target, ValueOf};

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
    /// Compiles the rules of a section, `None` for a broken one, and finds those that can never win.
    pub(super) fn section(&mut self, written: &'d [WrittenRule], section: &str) -> Vec<Option<Rule>> {
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

    /// Every rule but the last, and the last, which must take every lead.
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
}
