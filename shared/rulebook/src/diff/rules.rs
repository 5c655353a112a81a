//! Finds rules that were added, removed, moved, renamed or changed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::conditions::{Digest, Voice, changes, same};
use super::order;
use super::outline::{Does, Place, Rule};
use super::{About, Change, What};
use crate::condition::Condition;
use crate::work::Work;
use fairleader_lead::id::PoolId;

/// Compares the rules of a section. `currencies` are those of the old and the new rulebook.
pub(super) fn compare(
    old: &[Rule<'_>],
    new: &[Rule<'_>],
    currencies: (&str, &str),
    work: &Work,
    found: &mut Vec<Change>,
) {
    let (before, gone) = positions(old, new, work);
    let pairs: Vec<(usize, usize)> = before.iter().enumerate().filter_map(|(now, was)| Some((now, (*was)?))).collect();
    let positions: Vec<usize> = pairs.iter().map(|(_, was)| *was).collect();
    let kept: BTreeMap<usize, bool> = pairs.iter().map(|(now, _)| *now).zip(order::kept(&positions)).collect();
    let stayed: BTreeSet<usize> = kept.iter().filter(|(_, kept)| **kept).map(|(now, _)| *now).collect();
    for (now, (rule, was)) in new.iter().zip(&before).enumerate() {
        let change = |what, sentence| Change::new(About::Rule, Some(rule.name), what, sentence);
        let Some(was) = was.and_then(|was| old.get(was)) else {
            let place = match now.checked_sub(1).and_then(|at| new.get(at)) {
                Some(above) => format!("after `{}`", above.name),
                None => "at the top".to_owned(),
            };
            let sentence = format!("rule `{}` is added {place}: it {}", rule.name, whole(rule));
            found.push(change(What::Added, sentence));
            continue;
        };
        if was.name != rule.name {
            found.push(Change::renamed(About::Rule, was.name, rule.name, "rule"));
        }
        if kept.get(&now) == Some(&false) {
            let below = stayed.range(now + 1..).next().and_then(|at| new.get(*at));
            let above = stayed.range(..now).next_back().and_then(|at| new.get(*at));
            let place = match (below, above) {
                (Some(below), _) => format!(" before `{}`", below.name),
                (None, Some(above)) => format!(" after `{}`", above.name),
                (None, None) => String::new(),
            };
            found.push(change(What::Moved, format!("rule `{}` moved{place}", rule.name)));
        }
        let said = compare_rule(was, rule, currencies, work);
        found.extend(said.into_iter().map(|sentence| change(What::Changed, sentence)));
    }
    for rule in gone.into_iter().filter_map(|at| old.get(at)) {
        let sentence = format!("rule `{}` is removed; it {}", rule.name, whole(rule));
        found.push(Change::new(About::Rule, Some(rule.name), What::Removed, sentence));
    }
}

/// Returns the rules that are only renamed: previous and new name.
pub(super) fn renamed(old: &[Rule<'_>], new: &[Rule<'_>], work: &Work) -> Vec<(String, String)> {
    let (before, _) = positions(old, new, work);
    let pairs = before.into_iter().zip(new).filter_map(|(was, now)| Some((old.get(was?)?.name, now.name)));
    pairs.filter(|(was, now)| was != now).map(|(was, now)| (was.to_owned(), now.to_owned())).collect()
}

/// Returns the previous position of each new rule, if it is not new, and the positions of the rules that are gone. A
/// rule with another name is the same if it does the same.
fn positions(old: &[Rule<'_>], new: &[Rule<'_>], work: &Work) -> (Vec<Option<usize>>, BTreeSet<usize>) {
    let names: BTreeMap<&str, usize> = old.iter().enumerate().rev().map(|(at, rule)| (rule.name, at)).collect();
    let mut before: Vec<Option<usize>> = new.iter().map(|rule| names.get(rule.name).copied()).collect();
    let kept: BTreeSet<usize> = before.iter().copied().flatten().collect();
    let mut gone: BTreeSet<usize> = (0..old.len()).filter(|at| !kept.contains(at)).collect();
    if gone.is_empty() || kept.len() == new.len() {
        return (before, gone);
    }
    let mut same: BTreeMap<(String, Digest), VecDeque<usize>> = BTreeMap::new();
    for at in &gone {
        if let Some(rule) = old.get(*at).filter(|rule| work.compares(rule.condition.weight())) {
            same.entry(meaning(rule)).or_default().push_back(*at);
        }
    }
    for (rule, was) in new.iter().zip(&mut before).filter(|(_, was)| was.is_none()) {
        // Without an allowance it counts as new.
        if same.is_empty() || !work.compares(rule.condition.weight()) {
            break;
        }
        *was = same.get_mut(&meaning(rule)).and_then(VecDeque::pop_front);
        if let Some(at) = was {
            gone.remove(at);
        }
    }
    (before, gone)
}

/// Returns what is equal for rules that do the same.
fn meaning(rule: &Rule<'_>) -> (String, Digest) {
    let Rule { does, priority, value, .. } = rule;
    (format!("{does:?} {priority:?} {value:?}"), Digest::written_out(rule.condition))
}

/// Returns ``gives the lead to pool `a`, if country is DE``.
fn whole(rule: &Rule<'_>) -> String {
    let does = rule.does.words();
    if *rule.condition == Condition::ALWAYS { does } else { format!("{does}, if {}", rule.condition.words()) }
}

fn compare_rule(old: &Rule<'_>, new: &Rule<'_>, currencies: (&str, &str), work: &Work) -> Vec<String> {
    let who = format!("rule `{}`", new.name);
    let mut said = Vec::new();
    if !same(old.condition, new.condition) {
        let voice = Voice { who: who.clone(), does: "takes" };
        said.extend(changes(&voice, old.condition, new.condition, work));
    }
    if old.does != new.does {
        said.extend(targets(&who, &old.does, &new.does));
    }
    if old.priority != new.priority {
        let (before, after) = (old.priority.as_str(), new.priority.as_str());
        said.push(format!("{who} now gives leads the priority {after} (before: {before})"));
    }
    if old.value != new.value {
        let before = old.value.map(|value| value.words(currencies.0));
        said.push(match (before, new.value.map(|value| value.words(currencies.1))) {
            (Some(before), Some(after)) => format!("{who} now expects a lead to be worth {after} (before: {before})"),
            (None, Some(after)) => format!("{who} now expects a lead to be worth {after}"),
            (_, None) => format!("{who} no longer says what a lead is worth"),
        });
    }
    said
}

fn targets(who: &str, old: &Does<'_>, new: &Does<'_>) -> Vec<String> {
    let mut said = Vec::new();
    match (old, new) {
        (Does::Pool { pool: before, if_nobody: old_next }, Does::Pool { pool: after, if_nobody: new_next }) => {
            if before != after {
                let before = match (before, after) {
                    (Place::Named(before), Place::Named(_)) => format!("`{before}`"),
                    _ => before.pool(),
                };
                said.push(format!("{who} now gives leads to {} instead of {before}", after.pool()));
            }
            if old_next != new_next {
                let then = |pool: Option<&PoolId>| match pool {
                    Some(pool) => format!("goes to pool `{pool}`"),
                    None => "waits".to_owned(),
                };
                let (before, after) = (then(*old_next), then(*new_next));
                said.push(format!("{who}: a lead that no rep there can take now {after} (before: it {before})"));
            }
        }
        (
            Does::Owner { owner: before, if_unavailable: old_next, counts_as_turn: counted },
            Does::Owner { owner: after, if_unavailable: new_next, counts_as_turn: counts },
        ) => {
            if before != after {
                said.push(format!("{who} now gives leads to {} instead of {}", after.rep(), before.rep()));
            }
            if old_next != new_next {
                let then = |pool: Option<&PoolId>| match pool {
                    Some(pool) => format!("goes to pool `{pool}`"),
                    None => "is still assigned to them".to_owned(),
                };
                let (before, after) = (then(*old_next), then(*new_next));
                said.push(format!("{who}: a lead that the owner cannot take now {after} (before: it {before})"));
            }
            if counted != counts {
                let costs = if *counts { "now costs" } else { "no longer costs" };
                said.push(format!("{who} {costs} the owner a turn"));
            }
        }
        _ => said.push(format!("{who} now {} (before: it {})", new.words(), old.words())),
    }
    said
}
