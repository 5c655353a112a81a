//! Replays past leads with two rulebooks, the active one and a draft, and reports which decisions would differ.
//!
//! Both rulebooks decide on every lead as of the time it was received: ages are counted up to then, and later
//! activities are ignored. Profile, account, roster and tables are the current ones, because older ones are not kept.
//! The [`Report`] therefore also counts the leads for which the active rulebook picks a different rule than the
//! original decision did.
//!
//! A report is a sum: the reports of two sets of leads can be [added](Report::add) to get the report of both. Leads can
//! therefore be read page by page. A replay takes working hours into account, but not who had switched off new leads or
//! was at capacity.

mod report;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::report::{BeforeAfter, Changed, Example, Report, THRESHOLDS, Week};

use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::{PoolId, RepId};
use fairleader_lead::pool::Pool;
use fairleader_lead::profile::Profile;
use fairleader_lead::rep::Rep;
use fairleader_lead::ruling::{IfNobody, IfUnavailable, Outcome, Ruling, Section};
use fairleader_lead::score::Score;
use fairleader_lead::state::{Stage, State};
use fairleader_rulebook::{Explanation, Facts, Rulebook};

/// Limit on how far a replay looks back, in hours: ten years.
const MOST_HOURS: i64 = 10 * 366 * 24;

/// Stored lead.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// Its state, including when it was received.
    pub state: &'a State,
    /// Its profile.
    pub profile: &'a Profile,
    /// Its account, if it has one.
    pub account: Option<&'a AccountFacts>,
}

/// Reps and pools that leads can be given to.
#[derive(Clone, Debug, Default)]
pub struct Desks {
    pools: BTreeMap<PoolId, Pool>,
    /// Reps with their time zones; `None` if the zone is unknown.
    reps: BTreeMap<RepId, (Rep, Option<TimeZone>)>,
}

/// Number of leads that the reps of a rulebook can work on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// The number of reps: those that the rulebook names, and the members of the pools that it names and of their
    /// fallback pools. Owners taken from an account are not counted.
    pub reps: u64,
    /// How many leads they can have open at a time. If a lead stays open for a week, this is what they can take in a
    /// week; how long leads really stay open is not known here.
    pub seats: u64,
}

impl Desks {
    /// Creates the desks from reps and pools. A rep in an unknown time zone is never at work.
    pub fn new(pools: impl IntoIterator<Item = Pool>, reps: impl IntoIterator<Item = Rep>) -> Self {
        let with_zone = |rep: Rep| {
            let zone = TimeZone::get(&rep.zone).ok();
            (rep.rep_id.clone(), (rep, zone))
        };
        Self {
            pools: pools.into_iter().map(|pool| (pool.pool_id.clone(), pool)).collect(),
            reps: reps.into_iter().map(with_zone).collect(),
        }
    }

    /// Computes the capacity of the reps to whom `rulebook` can give leads.
    pub fn capacity(&self, rulebook: &Rulebook) -> Capacity {
        let mut pools = BTreeSet::new();
        let mut wanted: Vec<&PoolId> = rulebook.pools().iter().collect();
        while let Some(pool) = wanted.pop() {
            if let (true, Some(pool)) = (pools.insert(pool), self.pools.get(pool)) {
                wanted.extend(&pool.fallback);
            }
        }
        let members = pools.iter().filter_map(|pool| self.pools.get(pool)).flat_map(|pool| &pool.members);
        let reps: BTreeSet<&RepId> = members.map(|member| &member.rep).chain(rulebook.named_reps()).collect();
        let reps: Vec<&Rep> = reps.into_iter().filter_map(|rep| self.reps.get(rep)).map(|(rep, _)| rep).collect();
        Capacity {
            reps: u64::try_from(reps.len()).unwrap_or(u64::MAX),
            seats: reps.iter().map(|rep| u64::from(rep.capacity)).sum(),
        }
    }

    fn at_work(&self, rep: &RepId, at: Timestamp) -> bool {
        let found = self.reps.get(rep).and_then(|(rep, zone)| Some((rep, zone.as_ref()?)));
        found.is_some_and(|(rep, zone)| rep.hours.contains(at, zone))
    }

    fn staffed(&self, pool: &PoolId, at: Timestamp) -> bool {
        self.pools.get(pool).is_some_and(|pool| pool.members.iter().any(|member| self.at_work(&member.rep, at)))
    }

    /// Returns the pool whose waiting list a lead joins at `at` because no eligible rep is at work.
    fn waits_in<'o>(&self, outcome: &'o Outcome, at: Timestamp) -> Option<&'o PoolId> {
        let tried: Vec<&PoolId> = match outcome {
            Outcome::Pool { pool, if_nobody: IfNobody::Pool(second) } => vec![pool, second],
            Outcome::Pool { pool, if_nobody: IfNobody::Wait } => vec![pool],
            Outcome::Owner { rep, if_unavailable: IfUnavailable::Pool(pool), .. } if !self.at_work(rep, at) => {
                vec![pool]
            }
            _ => Vec::new(),
        };
        if tried.iter().any(|pool| self.staffed(pool, at)) { None } else { tried.last().copied() }
    }
}

/// Comparison of two rulebooks on past leads.
#[derive(Clone, Debug)]
pub struct Replay<'r> {
    in_force: &'r Rulebook,
    draft: &'r Rulebook,
    desks: &'r Desks,
    /// Rules that are only renamed: name in the active rulebook -> name in the draft.
    renamed: &'r BTreeMap<String, String>,
}

/// Decision of one rulebook on a lead.
struct Decided {
    score: Score,
    ruling: Ruling,
    /// Whether a rule of `block` stops the lead.
    blocked: bool,
    /// Whether it is an MQL and not blocked.
    mql: bool,
    waits_in: Option<PoolId>,
}

impl<'r> Replay<'r> {
    /// Compares `draft` with the active rulebook `in_force`, using the reps and pools of `desks`.
    /// `renamed` are the rules that are only renamed, see [`fairleader_rulebook::renamed`].
    pub const fn with(
        in_force: &'r Rulebook,
        draft: &'r Rulebook,
        desks: &'r Desks,
        renamed: &'r BTreeMap<String, String>,
    ) -> Self {
        Self { in_force, draft, desks, renamed }
    }

    /// Adds a lead to `report`. Leads that were merged into another one, or never stored, are skipped.
    pub fn add(&self, report: &mut Report, past: Past<'_>) {
        if past.state.stage() == Stage::Merged || past.state.is_unstored() {
            return;
        }
        let profile = as_received(past.profile, past.state.milestones.received);
        let facts = Facts {
            profile: &profile,
            source: &past.state.source,
            received_at: past.state.milestones.received,
            account: past.account,
            score: None,
            now: past.state.milestones.received,
        };
        let before = self.decide(self.in_force, &facts);
        let after = self.decide(self.draft, &facts);
        let rule = self.renamed.get(&before.ruling.rule).unwrap_or(&before.ruling.rule);
        let differences = report::Differences {
            rule: *rule != after.ruling.rule,
            destination: destination(&before.ruling.outcome) != destination(&after.ruling.outcome),
            mql: (before.mql != after.mql).then_some(after.mql),
            grade: before.score.grade != after.score.grade,
        };
        let as_then = past.state.decided.as_ref().is_none_or(|then| then.rule == before.ruling.rule);
        let lead_id = &past.state.lead_id;
        report.count(&before, &after, &differences, as_then);
        let up_to = self.draft.mql_up_to(&Facts { score: Some(&after.score), ..facts });
        report.week(&self.week(past.state.milestones.received), &before, &after, up_to);
        if report.wants_example(&differences, lead_id) {
            let example = |rulebook: &Rulebook, decided: &Decided| {
                let explained = rulebook.explain(&Facts { score: Some(&decided.score), ..facts });
                said(explained, decided)
            };
            report.example(&differences, lead_id, example(self.in_force, &before), example(self.draft, &after));
        }
    }

    fn decide(&self, rulebook: &Rulebook, facts: &Facts<'_>) -> Decided {
        let score = rulebook.score(facts);
        let ruling = rulebook.decide(&Facts { score: Some(&score), ..*facts });
        let blocked = rulebook.blocked(facts).is_some();
        let mql = score.mql && !blocked;
        let waits_in = self.desks.waits_in(&ruling.outcome, facts.now).cloned();
        Decided { score, ruling, blocked, mql, waits_in }
    }

    /// Returns the ISO 8601 week in the company's time zone: `2026-W10`.
    fn week(&self, at: Timestamp) -> String {
        let week = at.to_zoned(self.draft.time_zone().clone()).date().iso_week_date();
        format!("{:04}-W{:02}", week.year(), week.week())
    }
}

fn said(explained: Explanation, decided: &Decided) -> String {
    let grade = decided.score.grade.as_ref().map(|grade| format!(", grade {grade}")).unwrap_or_default();
    match explained.section {
        Section::Block => explained.sentence,
        Section::Mql | Section::Route => format!("{} (score {}{grade})", explained.sentence, decided.score.total),
    }
}

/// Returns the profile without activities after the lead was received.
fn as_received(profile: &Profile, at: Timestamp) -> Cow<'_, Profile> {
    if profile.activities.iter().all(|activity| activity.at <= at) {
        return Cow::Borrowed(profile);
    }
    let mut then = profile.clone();
    then.activities.retain(|activity| activity.at <= at);
    Cow::Owned(then)
}

/// Destination of a lead, regardless of who is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goes<'o> {
    Pool(&'o PoolId),
    Owner(&'o RepId),
    Nurture,
    Disqualified,
    Held,
}

pub(crate) fn destination(outcome: &Outcome) -> Goes<'_> {
    match outcome {
        Outcome::Pool { pool, .. } => Goes::Pool(pool),
        Outcome::Owner { rep, .. } => Goes::Owner(rep),
        Outcome::Nurture { .. } => Goes::Nurture,
        Outcome::Disqualify { .. } => Goes::Disqualified,
        Outcome::Hold { .. } => Goes::Held,
    }
}

/// Returns the time that is `text` before `now`, where `text` is like `90d`, `12w` or `36h`. Returns `None` for
/// anything else, and for more than ten years.
pub fn since(text: &str, now: Timestamp) -> Option<Timestamp> {
    let (number, unit) = text.trim().split_at_checked(text.trim().len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|_| number.bytes().all(|b| b.is_ascii_digit()))?;
    let hours = match unit {
        "h" => Some(number),
        "d" => number.checked_mul(24),
        "w" => number.checked_mul(168),
        _ => None,
    };
    let hours = hours.filter(|hours| (1..=MOST_HOURS).contains(hours))?;
    now.checked_sub(SignedDuration::from_hours(hours)).ok()
}

#[cfg(test)]
mod tests;
