//! Finds rules that were added, removed, moved, renamed or changed.

use std::collections::BTreeMap;

use super::conditions::{Key, Voice, changes};
use super::order;
use super::outline::{Does, Place, Rule};
use super::{About, Change, What};
use crate::condition::Condition;
use fairleader_lead::id::PoolId;

/// Compares the rules of a section. `currencies` are those of the old and the new rulebook.
pub(super) fn compare(old: &[Rule<'_>], new: &[Rule<'_>], currencies: (&str, &str), found: &mut Vec<Change>) {
    // The previous position of each rule, if it is not new.
    let mut before: Vec<Option<usize>> = new.iter().map(|rule| old.iter().position(|o| o.name == rule.name)).collect();
    let mut gone: Vec<usize> = (0..old.len()).filter(|at| !before.contains(&Some(*at))).collect();
    for (rule, was) in new.iter().zip(&mut before).filter(|(_, was)| was.is_none()) {
        let same = |at: &usize| old.get(*at).is_some_and(|old| does_the_same(old, rule));
        if let Some(at) = gone.iter().position(same) {
            *was = Some(gone.remove(at));
        }
    }
    let pairs: Vec<(usize, usize)> = before.iter().enumerate().filter_map(|(now, was)| Some((now, (*was)?))).collect();
    let positions: Vec<usize> = pairs.iter().map(|(_, was)| *was).collect();
    let kept: BTreeMap<usize, bool> = pairs.iter().map(|(now, _)| *now).zip(order::kept(&positions)).collect();
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
            let is_kept = |at: &usize| kept.get(at) == Some(&true);
            let below = (now + 1..new.len()).find(is_kept).and_then(|at| new.get(at));
            let above = (0..now).rev().find(is_kept).and_then(|at| new.get(at));
            let place = match (below, above) {
                (Some(below), _) => format!(" before `{}`", below.name),
                (None, Some(above)) => format!(" after `{}`", above.name),
                (None, None) => String::new(),
            };
            found.push(change(What::Moved, format!("rule `{}` moved{place}", rule.name)));
        }
        let said = compare_rule(was, rule, currencies);
        found.extend(said.into_iter().map(|sentence| change(What::Changed, sentence)));
    }
    for rule in gone.into_iter().filter_map(|at| old.get(at)) {
        let sentence = format!("rule `{}` is removed; it {}", rule.name, whole(rule));
        found.push(Change::new(About::Rule, Some(rule.name), What::Removed, sentence));
    }
}

/// Returns ``gives the lead to pool `a`, if country is DE``.
fn whole(rule: &Rule<'_>) -> String {
    let does = rule.does.words();
    if *rule.condition == Condition::ALWAYS { does } else { format!("{does}, if {}", rule.condition.words()) }
}

fn does_the_same(old: &Rule<'_>, new: &Rule<'_>) -> bool {
    (old.does, old.priority, old.value) == (new.does, new.priority, new.value)
        && Key::written_out(old.condition) == Key::written_out(new.condition)
}

fn compare_rule(old: &Rule<'_>, new: &Rule<'_>, currencies: (&str, &str)) -> Vec<String> {
    let who = format!("rule `{}`", new.name);
    let mut said = Vec::new();
    if Key::of(old.condition) != Key::of(new.condition)
        && Key::written_out(old.condition) != Key::written_out(new.condition)
    {
        let voice = Voice { who: who.clone(), does: "takes" };
        said.extend(changes(&voice, old.condition, new.condition));
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
