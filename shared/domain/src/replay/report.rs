//! The result of a replay: a sum over leads.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Capacity, Decided, Goes, destination};
use crate::report::{MAX_NAMED, keep_examples, thousands, wants_example};
use fairleader_lead::id::{LeadId, PoolId, RepId};
use fairleader_rulebook::MqlUpTo;

/// Points between two thresholds.
const STEP: u8 = 5;

/// Number of thresholds that are tried: 0, 5, … 100.
pub const THRESHOLDS: usize = 21;

/// Count with the active rulebook and with the draft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeAfter {
    /// With the active rulebook.
    pub before: u64,
    /// With the draft.
    pub after: u64,
}

impl BeforeAfter {
    fn add(&mut self, other: Self) {
        self.before += other.before;
        self.after += other.after;
    }
}

/// Leads whose decision would change, by kind of change. A lead can count in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// With any of the changes below.
    pub leads: u64,
    /// Decided by a different rule. A rule that is only renamed is the same rule.
    pub rule: u64,
    /// Sent to a different pool, named owner or outcome.
    pub destination: u64,
    /// MQLs with the draft only.
    pub became_mql: u64,
    /// MQLs with the active rulebook only.
    pub no_longer_mql: u64,
    /// Given a different grade.
    pub grade: u64,
}

/// Leads received in a week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Week {
    /// All leads.
    pub leads: u64,
    /// The MQLs among them.
    pub mqls: BeforeAfter,
    /// How many would be MQLs with the draft if its lines of `mql` required a score of at least 0, 5, … 100; see
    /// [`fairleader_rulebook::Rulebook::mql_up_to`]. Blocked leads are not counted.
    pub at_threshold: [u64; THRESHOLDS],
}

/// Lead whose decision would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The largest change, largest first: 0 different destination, 1 MQL or not, 2 different rule, 3 different grade.
    rank: u8,
    /// The lead.
    pub lead_id: LeadId,
    /// The decision of the active rulebook.
    pub before: String,
    /// The decision of the draft.
    pub after: String,
}

/// Result of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The number of leads replayed.
    pub leads: u64,
    /// Leads whose decision would change.
    pub changed: Changed,
    /// The MQLs.
    pub mqls: BeforeAfter,
    /// Leads by the rule that decides, under its name in either rulebook.
    pub rules: BTreeMap<String, BeforeAfter>,
    /// Leads by the pool that a rule gives them to.
    pub pools: BTreeMap<PoolId, BeforeAfter>,
    /// Leads by the owner that a rule names or takes from the account.
    pub owners: BTreeMap<RepId, BeforeAfter>,
    /// Leads for nurture.
    pub nurture: BeforeAfter,
    /// Disqualified leads.
    pub disqualified: BeforeAfter,
    /// Leads on hold until a person decides.
    pub held: BeforeAfter,
    /// Leads received when no eligible rep was at work, by the pool in which they wait.
    pub waiting: BTreeMap<PoolId, BeforeAfter>,
    /// Leads by the ISO week in which they were received (`2026-W10`).
    pub weeks: BTreeMap<String, Week>,
    /// Leads for which the active rulebook now picks a different rule than the original decision: the rulebook, the
    /// lead, the account or a table has changed since.
    pub unlike_then: u64,
    /// Some of the leads whose decision would change, largest changes first; at most 20.
    pub examples: Vec<Example>,
}

/// Differences between two decisions on a lead.
pub(super) struct Differences {
    pub(super) rule: bool,
    pub(super) destination: bool,
    /// `true` if it became an MQL, `false` if it no longer is one.
    pub(super) mql: Option<bool>,
    pub(super) grade: bool,
}

impl Differences {
    fn rank(&self) -> Option<u8> {
        if self.destination {
            Some(0)
        } else if self.mql.is_some() {
            Some(1)
        } else if self.rule {
            Some(2)
        } else {
            self.grade.then_some(3)
        }
    }
}

impl Report {
    /// Adds the report of other leads.
    pub fn add(&mut self, other: Self) {
        self.leads += other.leads;
        let changed = &mut self.changed;
        changed.leads += other.changed.leads;
        changed.rule += other.changed.rule;
        changed.destination += other.changed.destination;
        changed.became_mql += other.changed.became_mql;
        changed.no_longer_mql += other.changed.no_longer_mql;
        changed.grade += other.changed.grade;
        self.mqls.add(other.mqls);
        self.nurture.add(other.nurture);
        self.disqualified.add(other.disqualified);
        self.held.add(other.held);
        self.unlike_then += other.unlike_then;
        other.rules.into_iter().for_each(|(rule, count)| self.rules.entry(rule).or_default().add(count));
        other.pools.into_iter().for_each(|(pool, count)| self.pools.entry(pool).or_default().add(count));
        other.owners.into_iter().for_each(|(rep, count)| self.owners.entry(rep).or_default().add(count));
        other.waiting.into_iter().for_each(|(pool, count)| self.waiting.entry(pool).or_default().add(count));
        for (name, week) in other.weeks {
            let sum = self.weeks.entry(name).or_default();
            sum.leads += week.leads;
            sum.mqls.add(week.mqls);
            sum.at_threshold.iter_mut().zip(week.at_threshold).for_each(|(sum, count)| *sum += count);
        }
        self.examples.extend(other.examples);
        self.keep_examples();
    }

    pub(super) fn count(&mut self, before: &Decided, after: &Decided, differences: &Differences, as_then: bool) {
        self.leads += 1;
        let count = |counter: &mut u64, yes: bool| *counter += u64::from(yes);
        let changed = &mut self.changed;
        count(&mut changed.leads, differences.rank().is_some());
        count(&mut changed.rule, differences.rule);
        count(&mut changed.destination, differences.destination);
        count(&mut changed.became_mql, differences.mql == Some(true));
        count(&mut changed.no_longer_mql, differences.mql == Some(false));
        count(&mut changed.grade, differences.grade);
        count(&mut self.unlike_then, !as_then);
        let sides = [(before, BeforeAfter { before: 1, after: 0 }), (after, BeforeAfter { before: 0, after: 1 })];
        for (decided, one) in sides {
            if decided.mql {
                self.mqls.add(one);
            }
            self.rules.entry(decided.ruling.rule.clone()).or_default().add(one);
            match destination(&decided.ruling.outcome) {
                Goes::Pool(pool) => self.pools.entry(pool.clone()).or_default().add(one),
                Goes::Owner(rep) => self.owners.entry(rep.clone()).or_default().add(one),
                Goes::Nurture => self.nurture.add(one),
                Goes::Disqualified => self.disqualified.add(one),
                Goes::Held => self.held.add(one),
            }
            if let Some(pool) = &decided.waits_in {
                self.waiting.entry(pool.clone()).or_default().add(one);
            }
        }
    }

    pub(super) fn week(&mut self, name: &str, before: &Decided, after: &Decided, up_to: MqlUpTo) {
        let week = self.weeks.entry(name.to_owned()).or_default();
        week.leads += 1;
        week.mqls.add(BeforeAfter { before: before.mql.into(), after: after.mql.into() });
        for (count, threshold) in week.at_threshold.iter_mut().zip((0_u8..).step_by(STEP.into())) {
            *count += u64::from(!after.blocked && up_to.includes(threshold));
        }
    }

    pub(super) fn wants_example(&self, differences: &Differences, lead: &LeadId) -> bool {
        let Some(rank) = differences.rank() else { return false };
        wants_example(&self.examples, |last| (rank, lead) < (last.rank, &last.lead_id))
    }

    pub(super) fn example(&mut self, differences: &Differences, lead: &LeadId, before: String, after: String) {
        if let Some(rank) = differences.rank() {
            self.examples.push(Example { rank, lead_id: lead.clone(), before, after });
            self.keep_examples();
        }
    }

    fn keep_examples(&mut self) {
        keep_examples(&mut self.examples, |a, b| (a.rank, &a.lead_id).cmp(&(b.rank, &b.lead_id)));
    }

    /// Returns the report in sentences, for the people who decide on the draft.
    pub fn sentences(&self, capacity: Capacity) -> Vec<String> {
        let mut said = vec![self.changes()];
        let gains = gains("pool", self.pools.iter().map(|(pool, count)| (pool.as_str(), *count)));
        said.extend(gains);
        let named = self.owners.iter().map(|(rep, count)| (rep.as_str(), *count));
        said.extend(self::gains("owner", named));
        let others = [("nurture", self.nurture), ("disqualified", self.disqualified), ("on hold", self.held)];
        let others: Vec<String> = others
            .into_iter()
            .filter(|(_, count)| count.before != count.after)
            .map(|(name, count)| format!("{name} {} -> {}", thousands(count.before), thousands(count.after)))
            .collect();
        if !others.is_empty() {
            said.push(format!("Other outcomes: {}.", others.join(", ")));
        }
        said.extend(self.mqls_a_week(capacity));
        said.extend(self.waiting());
        if self.unlike_then > 0 {
            said.push(format!(
                "For {} of {} leads, the active rulebook now picks a different rule than the original decision: the \
                 rulebook, the leads, the accounts or the tables have changed since.",
                thousands(self.unlike_then),
                thousands(self.leads)
            ));
        }
        said
    }

    fn changes(&self) -> String {
        let Changed { leads, rule, destination, became_mql, no_longer_mql, grade } = self.changed;
        if leads == 0 {
            return format!("None of {} leads would be decided differently.", thousands(self.leads));
        }
        let parts = [
            (rule, "decided by a different rule"),
            (destination, "sent to a different pool, owner or outcome"),
            (became_mql, "newly MQL"),
            (no_longer_mql, "no longer MQL"),
            (grade, "given a different grade"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{} {what}", thousands(count)))
            .collect();
        let verb = if leads == 1 { "changes" } else { "change" };
        format!("{} of {} leads {verb}: {}.", thousands(leads), thousands(self.leads), parts.join(", "))
    }

    fn mqls_a_week(&self, capacity: Capacity) -> Vec<String> {
        let mut said = Vec::new();
        let BeforeAfter { before, after } = self.mqls;
        let mut text = format!("MQLs: {} -> {}", thousands(before), thousands(after));
        let busiest = self.weeks.iter().max_by_key(|(_, week)| week.mqls.after);
        if let Some((name, week)) = busiest.filter(|_| after > 0) {
            let weeks = u64::try_from(self.weeks.len()).unwrap_or(u64::MAX).max(1);
            let average = (after + weeks / 2) / weeks;
            let count = thousands(week.mqls.after);
            // Writing to a `String` cannot fail.
            write!(text, "; {} a week on average, {count} in the busiest week ({name})", thousands(average)).ok();
        }
        said.push(format!("{text}."));
        if capacity.seats > 0 && !self.weeks.is_empty() {
            let fits =
                (0..=100_u8).step_by(STEP.into()).zip(self.busiest()).find(|(_, count)| *count <= capacity.seats);
            let room = format!(
                "The reps it can assign to ({}) have room for {} open leads at a time",
                thousands(capacity.reps),
                thousands(capacity.seats)
            );
            said.push(match fits {
                Some((0, _)) => format!("{room}, more than any week brought."),
                Some((threshold, count)) => format!(
                    "{room}; with a score threshold of {threshold}, even the busiest week stays within it ({} MQLs).",
                    thousands(count)
                ),
                None => format!("{room}, and no score threshold keeps the busiest week within it."),
            });
        }
        said
    }

    /// Returns the MQLs of the busiest week at each threshold.
    pub fn busiest(&self) -> [u64; THRESHOLDS] {
        let mut most = [0; THRESHOLDS];
        for week in self.weeks.values() {
            most.iter_mut().zip(week.at_threshold).for_each(|(most, count)| *most = count.max(*most));
        }
        most
    }

    fn waiting(&self) -> Option<String> {
        let mut sum = BeforeAfter::default();
        self.waiting.values().for_each(|count| sum.add(*count));
        if sum == BeforeAfter::default() {
            return None;
        }
        let counts = self.waiting.iter().map(|(pool, count)| (pool.as_str(), *count));
        let pools = largest(counts, |count| count.before.max(count.after));
        let pools = pools
            .iter()
            .map(|(name, count)| format!("`{name}` {} -> {}", thousands(count.before), thousands(count.after)));
        Some(format!(
            "Received when no eligible rep was at work: {} -> {} leads ({}).",
            thousands(sum.before),
            thousands(sum.after),
            pools.collect::<Vec<String>>().join(", ")
        ))
    }
}

/// Returns the largest counts, as many as one sentence names.
fn largest<'n>(
    counts: impl Iterator<Item = (&'n str, BeforeAfter)>,
    much: impl Fn(BeforeAfter) -> u64,
) -> Vec<(&'n str, BeforeAfter)> {
    let mut counts: Vec<(&str, BeforeAfter)> = counts.filter(|(_, count)| much(*count) > 0).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(much(*count)));
    counts.truncate(MAX_NAMED);
    counts
}

/// Writes a sentence like ``Pool `dach` gains 31 (120 -> 151), `inbound` loses 28 (60 -> 32).``
fn gains<'n>(what: &str, counts: impl Iterator<Item = (&'n str, BeforeAfter)>) -> Option<String> {
    let named = largest(counts, |count| count.before.abs_diff(count.after));
    let said: Vec<String> = named
        .iter()
        .map(|(name, BeforeAfter { before, after })| {
            let (verb, by) = if after > before { ("gains", after - before) } else { ("loses", before - after) };
            format!("`{name}` {verb} {} ({} -> {})", thousands(by), thousands(*before), thousands(*after))
        })
        .collect();
    let capital: String = what.chars().take(1).flat_map(char::to_uppercase).chain(what.chars().skip(1)).collect();
    (!said.is_empty()).then(|| format!("{capital} {}.", said.join(", ")))
}
