//! Finds rules that can never win, rules that have no effect, and rules whose order matters.

use super::rules::Draft;
use super::usage::Usage;
use super::{Ask, Checker};
use crate::ast::Rule as WrittenRule;
use crate::condition::Condition;
use crate::cover::{Covered, Covering, Cube, Earlier, Regions, Space, all_within, meet};
use crate::diagnostic::{Span, join};
use crate::rule::Target;
use crate::scoring::Scoring;
use crate::work::{Purse, Work};

/// The most rules that one message names.
const MAX_NAMED: usize = 3;
/// The most rules to count; beyond this a message says "many more".
const MAX_COUNTED: usize = 50;
/// The most lines that one message names.
const MAX_LINES: usize = 12;
/// The most properties to name of the leads that are left for the last rule.
const MAX_SIDES: usize = 6;

/// A rule with the leads it matches.
struct Placed<'a, 'd> {
    draft: &'a Draft<'d>,
    cubes: Vec<Cube>,
    /// Whether it can win.
    alive: bool,
}

impl Placed<'_, '_> {
    fn takes_all(&self) -> bool {
        self.draft.condition == Some(Condition::ALWAYS)
    }
}

impl<'d> Checker<'d, '_> {
    /// Compares all conditions with each other.
    pub(super) fn shadows(
        &mut self,
        block: &[Draft<'d>],
        score: Option<&Scoring>,
        mql: &[(Span, Condition)],
        route: &[Draft<'d>],
        usage: &Usage<'d>,
    ) {
        let rules = || block.iter().chain(route);
        let lines = score.into_iter().flat_map(|score| score.fit.lines.iter().map(|line| &line.condition));
        let conditions = rules().filter_map(|draft| draft.condition.as_ref());
        let conditions = conditions.chain(lines).chain(mql.iter().map(|(_, condition)| condition));
        let needed = rules().filter_map(|draft| draft.target.as_ref()?.slot());
        let work = self.problems.work().clone();
        let space = Space::new(&self.fields, conditions, needed, &work);
        let mut regions = Regions::new(&space, &work);
        let mut too_much: Vec<&Draft<'d>> = Vec::new();
        let mut placed: Vec<Placed<'_, 'd>> = Vec::new();
        for draft in rules() {
            let Some(condition) = &draft.condition else { continue };
            match regions.of(condition, draft.target.as_ref().and_then(Target::slot)) {
                Some(cubes) => placed.push(Placed { draft, cubes, alive: true }),
                None => too_much.push(draft),
            }
        }
        let mql: Vec<(Span, Vec<Cube>)> =
            mql.iter().filter_map(|(span, condition)| Some((*span, regions.of(condition, None)?))).collect();
        let mut covering = Covering::new(&space, placed.iter().flat_map(|rule| &rule.cubes), work.covering());
        too_much.extend(self.never_win(&mut covering, &mut placed));
        self.too_much(&too_much);
        let in_route = placed.partition_point(|rule| rule.draft.section == "block");
        let (block, route) = placed.split_at(in_route);
        let purse = work.redundant();
        for section in [block, route] {
            self.redundant(&mut covering, section, &purse);
        }
        self.repeated_lines(&space, &mql, &purse);
        if let Some(score) = score {
            self.reach(score, &mut regions, usage, &purse);
        }
        self.not_proved(&work, &purse);
        // Notes are of little use while the rulebook has errors.
        if self.ask == Ask::Notes && !self.problems.has_errors() {
            for section in [block, route] {
                self.order_decides(&covering, section, &work.notes());
            }
            self.left_for_last(&mut covering, &placed);
        }
        self.problems.about(None);
    }

    /// Reports the rules that can never win, and returns those too complex to tell.
    fn never_win<'a>(&mut self, covering: &mut Covering<'_>, placed: &mut [Placed<'a, 'd>]) -> Vec<&'a Draft<'d>> {
        let mut unknown = Vec::new();
        let mut dead = Vec::new();
        {
            let mut earlier = covering.nothing();
            // The rules in `earlier`, by their position in `placed`.
            let mut compared: Vec<usize> = Vec::new();
            for (at, rule) in placed.iter().enumerate() {
                self.problems.about(Some(&rule.draft.name.text));
                if rule.cubes.is_empty() {
                    dead.push(at);
                    self.never_fits(rule.draft);
                    continue;
                }
                let covered = covering.covered(&rule.cubes, &earlier);
                // The last rule catches the unexpected, so it may be left with no leads.
                let spare = self.is_last(rule.draft);
                match covered {
                    Covered::By(by) => {
                        let by = by.iter().filter_map(|position| placed.get(*compared.get(*position)?));
                        if spare && !by.clone().any(Placed::takes_all) {
                            continue;
                        }
                        dead.push(at);
                        let by: Vec<&Draft<'d>> = by.map(|rule| rule.draft).collect();
                        self.covered(rule.draft, &by);
                        // Earlier rules already take all of its leads, so it adds nothing to `earlier`.
                        continue;
                    }
                    Covered::Unknown => {
                        unknown.push(rule.draft);
                        // Later rules are compared with it as far as the work allows.
                        if rule.draft.target.is_some() && covering.add(&rule.cubes, &mut earlier).is_some() {
                            compared.push(at);
                        }
                        continue;
                    }
                    Covered::No => {}
                }
                // A rule whose `then` is broken may take nothing.
                if rule.draft.target.is_some() {
                    match covering.add(&rule.cubes, &mut earlier) {
                        Some(()) => compared.push(at),
                        None => unknown.push(rule.draft),
                    }
                }
            }
        }
        for at in dead {
            if let Some(rule) = placed.get_mut(at) {
                rule.alive = false;
            }
        }
        unknown
    }

    /// Returns whether this is the last rule of `route`, without an `if`.
    fn is_last(&self, draft: &Draft<'d>) -> bool {
        let last = draft.section == "route" && draft.number + 1 == self.document.route.len();
        last && draft.condition == Some(Condition::ALWAYS)
    }

    /// Reports a rule that no lead can match, whatever comes before it.
    fn never_fits(&mut self, draft: &Draft<'d>) {
        if draft.contradictory {
            return;
        }
        let what = WrittenRule::what(draft.name);
        let needed = draft.target.as_ref().and_then(|target| self.fields.get(target.slot()?));
        let message = match needed {
            Some(field) => {
                format!(
                    "{what} can never win: no lead that matches its `if` has `{}`, which its `then` needs",
                    field.name
                )
            }
            None => format!("{what} can never win: no lead can match its `if`"),
        };
        let help = "remove the tests that cannot be true together, or use `any` if one of them is enough".to_owned();
        self.problems.error_help(draft.at, "contradiction", message, help);
    }

    fn covered(&mut self, draft: &Draft<'d>, by: &[&Draft<'d>]) {
        let what = WrittenRule::what(draft.name);
        let place = |cover: &&Draft<'d>| format!("{} on line {}", WrittenRule::what(cover.name), cover.name.span.line);
        let always = by.iter().any(|cover| cover.condition == Some(Condition::ALWAYS));
        let (why, help) = match by {
            [cover] if always => {
                (format!("{} comes first and takes every lead", place(cover)), "move the rule without `if` to the end")
            }
            [cover] => (
                format!("{} takes every lead it matches", place(cover)),
                "move it up, narrow the earlier rule, or remove one of them",
            ),
            covers => {
                let mut places: Vec<String> = covers.iter().take(MAX_NAMED).map(place).collect();
                if covers.len() > MAX_NAMED {
                    places.push(format!("{} more", covers.len() - MAX_NAMED));
                }
                (
                    format!("{} together take every lead it matches", join(&places, "and")),
                    "move it up, narrow one of the earlier rules, or remove it",
                )
            }
        };
        let message = format!("{what} can never win: {why}");
        self.problems.error_help(draft.name.span, "never-wins", message, help.to_owned());
    }

    fn too_much(&mut self, unknown: &[&Draft<'d>]) {
        let Some(first) = unknown.iter().min_by_key(|draft| draft.name.span) else { return };
        self.problems.about(Some(&first.name.text));
        let message = match unknown.len() {
            1 => format!("{} is too complex to compare with the other rules", WrittenRule::what(first.name)),
            n => format!(
                "{} and {} more are too complex to compare with the other rules",
                WrittenRule::what(first.name),
                n - 1
            ),
        };
        let help = "whether it can win is not checked; use a lookup, or split it into several rules".to_owned();
        self.problems.warn(first.name.span, "not-compared", message, help);
    }

    /// Says that parts without effect may have gone unnoticed.
    fn not_proved(&mut self, work: &Work, purse: &Purse) {
        self.problems.about(None);
        let what = match (purse.is_spent(), work.is_spent_on_contradictions()) {
            (_, true) => "not every rule was searched for tests that cannot both be true",
            (true, false) => "not every rule and line was compared with the others to see whether it has an effect",
            (false, false) => return,
        };
        let help = "the rulebook is too complex for that; use lookups, or fewer alternatives in a condition".to_owned();
        self.problems.warn(Span::default(), "not-compared", what, help);
    }

    /// Reports rules that the next one makes unnecessary, and neighbours that could be merged.
    fn redundant(&mut self, covering: &mut Covering<'_>, section: &[Placed<'_, 'd>], purse: &Purse) {
        for pair in section.windows(2) {
            let [one, next] = pair else { continue };
            if one.draft.target.is_none()
                || !one.alive
                || !next.alive
                || !one.draft.does_as(next.draft)
                || one.draft.number + 1 != next.draft.number
            {
                continue;
            }
            self.problems.about(Some(&one.draft.name.text));
            let (mine, theirs) = (WrittenRule::what(one.draft.name), WrittenRule::what(next.draft.name));
            purse.ask();
            if covering.within(&one.cubes, &next.cubes, purse) == Some(true) {
                let message = format!("{mine} has no effect: {theirs} follows, takes the same leads and does the same");
                let help = "remove it, unless you want its name in reports".to_owned();
                self.problems.warn(one.draft.name.span, "redundant", message, help);
            } else if self.ask == Ask::Notes {
                let message = format!("{mine} and {theirs}, which follows it, do the same");
                let help = "they could be one rule with `any`".to_owned();
                self.problems.note(one.draft.name.span, "same-result", message, help);
            }
        }
    }

    /// Reports lines of `mql` that other lines make unnecessary.
    fn repeated_lines(&mut self, space: &Space, lines: &[(Span, Vec<Cube>)], purse: &Purse) {
        self.problems.about(None);
        let work = self.problems.work().clone();
        let mut covering = Covering::new(space, lines.iter().flat_map(|(_, cubes)| cubes), work.redundant());
        let numbers = || 0..lines.len();
        let before = by_those_before(&mut covering, lines, numbers());
        let after = by_those_before(&mut covering, lines, numbers().rev());
        for (((span, cubes), before), after) in lines.iter().zip(before).zip(after.into_iter().rev()) {
            // If two lines say the same, report only the later one.
            let mut says_same = |by: &[usize]| {
                purse.ask();
                let mut others = by.iter().filter_map(|at| lines.get(*at));
                others.any(|(_, other)| covering.within(other, cubes, purse) == Some(true))
            };
            let by = match (before, after) {
                (Some(by), _) => by,
                (_, Some(by)) if !says_same(&by) => by,
                _ => continue,
            };
            let named = by.iter().take(MAX_LINES).filter_map(|at| lines.get(*at));
            let mut places: Vec<String> = named.map(|(span, _)| span.line.to_string()).collect();
            if by.len() > MAX_LINES {
                places.push(format!("{} more", by.len() - MAX_LINES));
            }
            let message = match places.as_slice() {
                [one] => format!("this line of `mql` has no effect: line {one} holds whenever it does"),
                all => format!(
                    "this line of `mql` has no effect: one of lines {} holds whenever it does",
                    join(all, "and")
                ),
            };
            self.problems.warn(*span, "redundant", message, "remove it".to_owned());
        }
    }

    /// Notes rules that take leads from later rules which would do something else with them.
    fn order_decides(&mut self, covering: &Covering<'_>, section: &[Placed<'_, 'd>], purse: &Purse) {
        purse.ask();
        let regions: Vec<&[Cube]> = section.iter().map(|rule| rule.cubes.as_slice()).collect();
        let meeting = covering.meeting(&regions);
        for (at, one) in section.iter().enumerate().filter(|(_, rule)| rule.alive) {
            self.problems.about(Some(&one.draft.name.text));
            let near = meeting.after(at, &one.cubes);
            let Some(later) = taken_from(one, near.iter().filter_map(|later| section.get(*later)), purse) else {
                let message =
                    format!("from {} on, the order of rules is not analysed", WrittenRule::what(one.draft.name));
                let help = "there are too many rules to compare every pair".to_owned();
                self.problems.note(one.draft.name.span, "not-compared", message, help);
                break;
            };
            if later.is_empty() {
                continue;
            }
            let mut named: Vec<String> = later.iter().take(MAX_NAMED).cloned().collect();
            match later.len() {
                0..=MAX_NAMED => {}
                MAX_COUNTED => named.push("many more".to_owned()),
                count => named.push(format!("{} more", count - MAX_NAMED)),
            }
            let message = format!(
                "{} also matches leads of {}; it takes them because it comes first",
                WrittenRule::what(one.draft.name),
                join(&named, "and")
            );
            self.problems.note(one.draft.name.span, "order-decides", message, None);
        }
    }

    /// Notes what the leads that reach the last rule have in common.
    fn left_for_last(&mut self, covering: &mut Covering<'_>, placed: &[Placed<'_, 'd>]) {
        let Some((last, earlier)) = placed.split_last().filter(|(last, _)| self.is_last(last.draft)) else { return };
        let mut all = covering.nothing();
        for rule in earlier {
            if covering.add(&rule.cubes, &mut all).is_none() {
                return;
            }
        }
        let what = WrittenRule::what(last.draft.name);
        let message = match covering.left(&all) {
            None => format!("{what} gets no leads: the rules before it take them all"),
            Some(common) if common.is_empty() => format!("{what} gets leads of every kind"),
            Some(common) => {
                let mut sides: Vec<String> =
                    common.iter().take(MAX_SIDES).map(|side| covering.words(side, &self.fields)).collect();
                if common.len() > MAX_SIDES {
                    sides.push(format!("{} more", common.len() - MAX_SIDES));
                }
                format!("{what} gets only leads for which all of this holds: {}", sides.join("; "))
            }
        };
        self.problems.about(Some(&last.draft.name.text));
        self.problems.note(last.draft.name.span, "last-rule", message, None);
    }
}

/// Returns the names of the first later rules that `one` takes leads from, and that would do something else with them;
/// `None` if `purse` allows no answer.
fn taken_from<'p, 'a: 'p, 'd: 'p>(
    one: &Placed<'a, 'd>,
    near: impl Iterator<Item = &'p Placed<'a, 'd>>,
    purse: &Purse,
) -> Option<Vec<String>> {
    let mut named = Vec::new();
    for later in near {
        purse.take(4)?;
        if later.alive
            && !one.draft.does_as(later.draft)
            && meet(&one.cubes, &later.cubes, purse)?
            && !all_within(&one.cubes, &later.cubes, purse)?
        {
            named.push(format!("`{}`", later.draft.name.text));
        }
        if named.len() == MAX_COUNTED {
            break;
        }
    }
    Some(named)
}

/// Returns, for each line, which of the lines before it in `order` cover it.
fn by_those_before(
    covering: &mut Covering<'_>,
    lines: &[(Span, Vec<Cube>)],
    order: impl Iterator<Item = usize>,
) -> Vec<Option<Vec<usize>>> {
    let mut before: Earlier<'_> = covering.nothing();
    let mut numbers: Vec<usize> = Vec::new();
    let mut covered = Vec::new();
    for number in order {
        let Some((_, cubes)) = lines.get(number) else { continue };
        covered.push(match covering.covered(cubes, &before) {
            Covered::By(by) if !cubes.is_empty() => {
                let mut by: Vec<usize> = by.iter().filter_map(|position| numbers.get(*position)).copied().collect();
                by.sort_unstable();
                Some(by)
            }
            _ => None,
        });
        if covering.add(cubes, &mut before).is_some() {
            numbers.push(number);
        }
    }
    covered
}
