//! Gives a rulebook its meaning: resolves names, types values by the lead schema, and finds what cannot be meant.
//!
//! Every problem is reported, not only the first; so checking goes on after one, with what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::ast::{Condition as Written, Document, Guard, Line, Lookup, Part, Rule as WrittenRule, Score, Text, Then};
use super::condition::{Condition, Matcher, Named, Test, all_implied};
use super::diagnostic::{Problems, Span, did_you_mean, join};
use super::field::{self, ACCOUNT_OWNER, DEAL_OWNER, FIELDS, Kind};
use super::reading::{Field, Fields, Origin};
use super::value::{self, WrongValue};
use super::{IfNobody, IfUnavailable, LastRule, NOT_AN_MQL, Outcome, Owner, References, Rule, Rulebook, Target};
use crate::id::{PoolId, RepId, is_name};
use crate::scoring::{self, Scoring};

/// Most tests one condition may take, named conditions counted wherever they are used.
const MAX_SIZE: usize = 5_000;
/// Most named conditions that may use each other in a row.
const MAX_CHAIN: usize = 32;

/// Checks what was written and compiles it. `None` if a part is missing; then `problems` says which.
pub(crate) fn check(document: &Document, references: Option<&References>, problems: &mut Problems) -> Option<Rulebook> {
    let mut checker = Checker {
        document,
        references,
        problems,
        fields: Fields::default(),
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
    references: Option<&'d References>,
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
}

impl Draft<'_> {
    fn finish(self) -> Option<Rule> {
        Some(Rule { name: self.name.text.clone(), condition: self.condition?, target: self.target? })
    }

    /// Whether a lead that fits both this rule's condition and that of `later` is always taken by this rule.
    fn takes_before(&self, later: &Self) -> bool {
        match (&self.target, &later.target) {
            (Some(Target::Fixed(_)), _) => true,
            (Some(Target::Owner { owner, .. }), Some(Target::Owner { owner: theirs, .. })) => owner == theirs,
            _ => false,
        }
    }
}

impl<'d> Checker<'d, '_> {
    fn rulebook(&mut self) -> Option<Rulebook> {
        let document = self.document;
        let zone = document.zone.as_ref().and_then(|zone| self.zone(zone));
        let currency = document.currency.as_ref().and_then(|currency| self.currency(currency));
        self.names();
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
            fields: std::mem::take(&mut self.fields),
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

    /// The names of the rulebook's own fields and conditions.
    fn names(&mut self) {
        let reserved = |name: &str| matches!(name, "all" | "any" | "not" | "is");
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

    fn lookup(&mut self, lookup: &'d Lookup) {
        let what = format!("lookup `{}`", lookup.name.text);
        if self.document.lookups.iter().any(|other| other.name.text == lookup.from.text) {
            let message = format!("{what} reads `{}`, which is a lookup too", lookup.from.text);
            let help = "read a field of the lead".to_owned();
            self.problems.error_help(lookup.from.span, "lookup-chain", message, help);
            return;
        }
        let Some(from) = self.field(&lookup.from, Place { what: &what, scored: false }) else { return };
        let mut seen: Vec<(Matcher, &str)> = Vec::new();
        let mut entries = Vec::new();
        for (key, values) in &lookup.values {
            let mut matchers = Vec::new();
            for text in values {
                let Some(matcher) = self.value(from, text, &what) else { continue };
                if let Some((_, other)) = seen.iter().find(|(known, _)| *known == matcher) {
                    let message = format!("{what} puts `{}` under `{other}` and again under `{}`", text.text, key.text);
                    self.problems.error_help(text.span, "duplicate-value", message, "keep one of them".to_owned());
                }
                seen.push((matcher.clone(), &key.text));
                matchers.push(matcher);
            }
            entries.push((key.text.clone(), matchers));
        }
        self.fields.push(Field { name: lookup.name.text.clone(), origin: Origin::Lookup { from, entries } });
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
        Draft { name: &rule.name, condition, target }
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
                Target::Fixed(Outcome::Pool { pool: self.pool(pool, what)?, if_nobody })
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
        if let Some(known) = self.references.map(|references| &references.pools).filter(|pools| !pools.contains(&id)) {
            let message = format!("{what} names unknown pool `{}`", pool.text);
            let help = did_you_mean(&pool.text, known.iter().map(PoolId::as_str))
                .unwrap_or_else(|| "create the pool first".to_owned());
            self.problems.error_help(pool.span, "unknown-pool", message, help);
            return None;
        }
        self.pools.insert(id.clone());
        Some(id)
    }

    /// An owner read off the lead, or a rep named in the rulebook.
    fn owner(&mut self, owner: &Text, what: &str) -> Option<Result<Owner, RepId>> {
        match owner.text.as_str() {
            ACCOUNT_OWNER => return Some(Ok(Owner::Account(self.schema_slot(ACCOUNT_OWNER)?))),
            DEAL_OWNER => return Some(Ok(Owner::Deal(self.schema_slot(DEAL_OWNER)?))),
            other if other.starts_with("account.") => {
                let message = format!("{what} gives the lead to `{other}`, which is no owner");
                let help = format!("write `{ACCOUNT_OWNER}`, `{DEAL_OWNER}` or the name of a rep");
                self.problems.error_help(owner.span, "unknown-owner", message, help);
                return None;
            }
            _ => {}
        }
        self.rep(owner, what).map(Err)
    }

    fn rep(&mut self, rep: &Text, what: &str) -> Option<RepId> {
        if !is_name(&rep.text) {
            self.bad_name(rep, "rep");
            return None;
        }
        let id = RepId::new(rep.text.as_str());
        if let Some(known) = self.references.map(|references| &references.reps).filter(|reps| !reps.contains(&id)) {
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
            (_, Some(Rule { target: Target::Owner { .. }, .. })) => (
                format!("{what} is the last of `route`, but not every lead has that owner"),
                "end with a rule that can take every lead, such as one with a `pool`",
            ),
            (_, Some(Rule { target: Target::Fixed(outcome), .. })) => {
                return Some((rules.into_iter().flatten().collect(), LastRule { name, outcome }));
            }
            (_, None) => return None,
        };
        self.problems.error_help(text.name.span, "no-last-rule", problem.0, problem.1.to_owned());
        self.problems.about(None);
        None
    }

    fn scoring(&mut self, score: &Score) -> Scoring {
        let parts = [("fit", &score.fit), ("engagement", &score.engagement), ("account", &score.account)];
        let mut sum = Some(0_u32);
        for (_, part) in parts {
            let share = part.as_ref().map_or(Some(0), |part| part.share.as_ref().and_then(share));
            sum = sum.zip(share).map(|(sum, share)| sum + share);
        }
        for text in parts.iter().filter_map(|(_, part)| part.as_ref()?.share.as_ref()) {
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
            let shares =
                parts.iter().filter_map(|(name, part)| Some(format!("{name} {}", part.as_ref()?.share.as_ref()?.text)));
            let shares: Vec<String> = shares.collect();
            let message = format!("the shares of the score add up to {sum} %, not 100 %");
            let help = if shares.is_empty() { None } else { Some(format!("they are {}", join(&shares, "and"))) };
            self.problems.error_help(score.name.span, "shares", message, help);
        }
        Scoring {
            fit: self.part(score.fit.as_ref(), "a line of `score.fit`"),
            engagement: self.part(score.engagement.as_ref(), "a line of `score.engagement`"),
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
        let points = line.points.text.parse::<i32>().ok().filter(|points| (-100..=100).contains(points));
        if points.is_none() {
            let message = format!("`{}` is no number of points", line.points.text);
            let help = "write a whole number from -100 to 100".to_owned();
            self.problems.error_help(line.points.span, "points", message, help);
        }
        let condition = condition?;
        Some(scoring::Line { reason: condition.words(), condition, points: points? })
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
                self.used.insert(&field.text);
            }
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
        if let Some(lookup) = document.lookups.iter().find(|lookup| lookup.name.text == name) {
            self.used.insert(&lookup.name.text);
            // Absent if the lookup itself is broken, which is reported there.
            return self.fields.slot(name);
        }
        if let Some(custom) = name.strip_prefix("custom.").filter(|custom| !custom.is_empty()) {
            let origin = Origin::Custom(custom.to_owned());
            return Some(
                self.fields.slot(name).unwrap_or_else(|| self.fields.push(Field { name: name.to_owned(), origin })),
            );
        }
        let Some(spec) = field::find(name) else {
            let lookups = document.lookups.iter().map(|lookup| lookup.name.text.as_str());
            let known = FIELDS.iter().map(|spec| spec.name).chain(lookups).chain(["all", "any", "not", "is"]);
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

    fn schema_slot(&mut self, name: &str) -> Option<usize> {
        let spec = field::find(name)?;
        let field = || Field { name: name.to_owned(), origin: Origin::Schema(spec) };
        Some(self.fields.slot(name).unwrap_or_else(|| self.fields.push(field())))
    }

    fn kind(&self, slot: usize) -> Kind {
        match self.fields.get(slot).map(|field| &field.origin) {
            Some(Origin::Schema(spec)) => spec.kind,
            Some(Origin::Lookup { .. }) => Kind::Word,
            Some(Origin::Custom(_)) | None => Kind::Text,
        }
    }

    fn value(&mut self, slot: usize, text: &Text, what: &str) -> Option<Matcher> {
        let kind = self.kind(slot);
        let field = self.fields.get(slot)?;
        let owned: Vec<&str> = match (&field.origin, kind) {
            (Origin::Lookup { entries, .. }, _) => entries.iter().map(|(key, _)| key.as_str()).collect(),
            (_, Kind::Grade) => {
                self.document.score.iter().flat_map(|score| &score.grades).map(|(name, _)| name.text.as_str()).collect()
            }
            _ => Vec::new(),
        };
        let choices = match (&field.origin, kind) {
            (_, Kind::Choice(words)) => Some(words),
            (Origin::Lookup { .. }, _) | (_, Kind::Grade) => Some(owned.as_slice()),
            _ => None,
        };
        match value::read(kind, &text.text, choices) {
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

const NOT_YET: &str = "the score is worked out after `block` and by the lines of `score`; test it in `mql` or `route`";

/// A share in percent.
fn share(text: &Text) -> Option<u32> {
    let share: u32 = text.text.strip_suffix('%')?.trim().parse().ok()?;
    (share <= 100).then_some(share)
}
