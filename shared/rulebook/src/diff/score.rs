//! Compares how two rulebooks score and grade leads, and make MQLs of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::conditions::{Digest, Voice, changes};
use super::outline::did_condition;
use super::{About, Change, What};
use crate::condition::Condition;
use crate::scoring::{DidLine, Grade, Scoring};
use crate::work::Work;

/// Compares scores, grades and MQL lines.
pub(super) fn compare(old: &Scoring, new: &Scoring, work: &Work, found: &mut Vec<Change>) {
    let mut score = |what, sentence| found.push(Change::new(About::Score, None, what, sentence));
    let shares = [
        ("fit", old.fit.share, new.fit.share),
        ("engagement", old.engagement.share, new.engagement.share),
        ("the account's own score", old.account, new.account),
    ];
    for (part, before, after) in shares.into_iter().filter(|(_, before, after)| before != after) {
        score(What::Changed, format!("{part} now counts for {after}% of the score (before: {before}%)"));
    }
    let (before, after) = (old.engagement.halves_every_ms, new.engagement.halves_every_ms);
    if before != after {
        score(
            What::Changed,
            match (before.map(span), after.map(span)) {
                (Some(before), Some(after)) => {
                    format!("the points of an activity now halve every {after} (before: every {before})")
                }
                (None, Some(after)) => {
                    format!("the points of an activity now halve every {after} (before: never)")
                }
                (before, None) => {
                    format!("the points of an activity no longer halve (before: every {})", before.unwrap_or_default())
                }
            },
        );
    }
    let fit = |scoring: &Scoring| {
        let lines = scoring.fit.lines.iter();
        lines.map(|line| Line::new(line.condition.clone(), line.points, 0)).collect()
    };
    lines(fit(old), fit(new), &mut score);
    let engagement = |scoring: &Scoring| {
        let line = |line: &DidLine| Line::new(did_condition(&line.did), line.points, line.at_most);
        scoring.engagement.lines.iter().map(line).collect()
    };
    lines(engagement(old), engagement(new), &mut score);
    grades(&old.grades, &new.grades, found);
    mql(&old.mql, &new.mql, work, found);
}

/// Formats a duration in the largest unit that gives a whole number.
fn span(ms: i64) -> String {
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute")];
    let fitting = units.into_iter().find(|(unit, _)| ms % unit == 0);
    let (number, unit) = fitting.map_or((ms, "millisecond"), |(length, unit)| (ms / length, unit));
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

/// A line that gives or takes points, or makes an MQL.
struct Line {
    key: Digest,
    written_out: Digest,
    condition: Condition,
    points: i32,
    /// The most that a line of engagement gives; 0 for others.
    at_most: u32,
}

impl Line {
    fn new(condition: Condition, points: i32, at_most: u32) -> Self {
        let (key, written_out) = (Digest::of(&condition), Digest::written_out(&condition));
        Self { key, written_out, condition, points, at_most }
    }

    fn gives(&self) -> (i32, u32) {
        (self.points, self.at_most)
    }

    fn points(&self) -> String {
        let plural = if self.points.abs() == 1 { "" } else { "s" };
        let most =
            if self.at_most < 100 && self.at_most > 0 { format!(" (at most {})", self.at_most) } else { String::new() };
        format!("{} point{plural}{most}", self.points)
    }
}

/// Lines by what makes them equal, in order.
struct Known<K>(BTreeMap<K, VecDeque<usize>>);

impl<K: Ord> Known<K> {
    fn of(lines: &[Line], key: impl Fn(&Line) -> K) -> Self {
        let mut known: BTreeMap<K, VecDeque<usize>> = BTreeMap::new();
        for (at, line) in lines.iter().enumerate() {
            known.entry(key(line)).or_default().push_back(at);
        }
        Self(known)
    }

    /// Returns the position of the first line with this key that was not taken before.
    fn take(&mut self, key: &K) -> Option<usize> {
        self.0.get_mut(key)?.pop_front()
    }
}

/// Removes from both lists the lines that they have in common.
fn cancel<K: Ord>(old: &mut Vec<Line>, new: &mut Vec<Line>, key: impl Fn(&Line) -> K) {
    let mut known = Known::of(old, &key);
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    new.retain(|line| match known.take(&key(line)) {
        Some(at) => !taken.insert(at),
        None => true,
    });
    let mut at = 0..;
    old.retain(|_| at.next().is_some_and(|at| !taken.contains(&at)));
}

fn lines(mut old: Vec<Line>, mut new: Vec<Line>, score: &mut impl FnMut(What, String)) {
    cancel(&mut old, &mut new, |line| (line.key, line.gives()));
    cancel(&mut old, &mut new, |line| (line.written_out, line.gives()));
    let mut known = Known::of(&old, |line| line.key);
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    for line in new {
        let words = line.condition.words();
        match known.take(&line.key).and_then(|at| Some((at, old.get(at)?))) {
            Some((at, before)) => {
                taken.insert(at);
                let (before, after) = (before.points(), line.points());
                score(What::Changed, format!("score: {words} now gives {after} (before: {before})"));
            }
            None => score(What::Added, format!("score: a new line gives {} if {words}", line.points())),
        }
    }
    for (_, line) in old.into_iter().enumerate().filter(|(at, _)| !taken.contains(at)) {
        let (points, words) = (line.points(), line.condition.words());
        score(What::Removed, format!("score: the line that gives {points} if {words} is removed"));
    }
}

fn grades(old: &[Grade], new: &[Grade], found: &mut Vec<Change>) {
    let mut grade = |name: &str, what, sentence| found.push(Change::new(About::Grade, Some(name), what, sentence));
    for Grade { name, from } in new {
        match old.iter().find(|grade| grade.name == *name) {
            None => grade(name, What::Added, format!("grade `{name}` is new and starts at {from}")),
            Some(before) if before.from != *from => {
                let sentence = format!("grade `{name}` now starts at {from} (before: {})", before.from);
                grade(name, What::Changed, sentence);
            }
            Some(_) => {}
        }
    }
    for Grade { name, .. } in old.iter().filter(|old| new.iter().all(|grade| grade.name != old.name)) {
        grade(name, What::Removed, format!("grade `{name}` is removed"));
    }
}

fn mql(old: &[Condition], new: &[Condition], work: &Work, found: &mut Vec<Change>) {
    let mut mql = |what, sentence| found.push(Change::new(About::Mql, None, what, sentence));
    let read = |lines: &[Condition]| lines.iter().map(|line| Line::new(line.clone(), 0, 0)).collect();
    let (mut old, mut new): (Vec<Line>, Vec<Line>) = (read(old), read(new));
    // A repeated line makes no difference.
    for lines in [&mut old, &mut new] {
        let mut seen = BTreeSet::new();
        lines.retain(|line| seen.insert(line.key));
    }
    cancel(&mut old, &mut new, |line| line.key);
    cancel(&mut old, &mut new, |line| line.written_out);
    // A single line was replaced by another.
    if let ([before], [after]) = (old.as_slice(), new.as_slice()) {
        let voice = Voice { who: "an MQL line".to_owned(), does: "takes" };
        for sentence in changes(&voice, &before.condition, &after.condition, work) {
            mql(What::Changed, sentence);
        }
        return;
    }
    for line in &new {
        mql(What::Added, format!("a lead is now also an MQL if {}", line.condition.words()));
    }
    for line in &old {
        mql(What::Removed, format!("a lead is no longer an MQL just because {}", line.condition.words()));
    }
}
