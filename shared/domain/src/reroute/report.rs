//! What a re-routing would do: a sum over open leads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Stays, goes, rule};
use crate::replay::{Goes, Past, destination};
use crate::report::{MAX_NAMED, keep_examples, thousands, wants_example};
use fairleader_lead::id::{LeadId, PoolId, RepId};
use fairleader_lead::pool::Pool;
use fairleader_lead::ruling::Outcome;
use fairleader_rulebook::{Facts, Rulebook};

/// Leads that come to a pool or rep, and those that leave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Sent there by the new version.
    pub comes: u64,
    /// Taken from there.
    pub leaves: u64,
}

/// A lead that goes elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The lead.
    pub lead_id: LeadId,
    /// Who has it; absent if it waits in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<RepId>,
    /// The pool they had it from, or in whose line it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolId>,
    /// Why the new version sends it elsewhere.
    pub why: String,
}

/// What a re-routing would do. Reports of several sets of leads [add](Report::add) up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Open leads that were looked at.
    pub leads: u64,
    /// Those that go elsewhere.
    pub goes: u64,
    /// Those of them that wait in a line.
    pub from_lines: u64,
    /// Why the others stay.
    pub stays: BTreeMap<Stays, u64>,
    /// By the pool they were assigned from or wait in, and the pool that the new version gives them to.
    pub pools: BTreeMap<PoolId, Moved>,
    /// By the owner who has them now, and the owner whom the new version names. Who in a pool gets a lead is decided when
    /// it is moved.
    pub owners: BTreeMap<RepId, Moved>,
    /// Leads in lines that the new version does not send to sales.
    pub elsewhere: u64,
    /// Some of those that go elsewhere; at most 20.
    pub examples: Vec<Example>,
}

impl Report {
    /// Looks at a lead. `was` is the version that decided on it, if it can be read still; `pool` finds a pool.
    pub fn look<'p>(
        &mut self,
        lead: Past<'_>,
        was: Option<&Rulebook>,
        new: &Rulebook,
        pool: impl Fn(&PoolId) -> Option<&'p Pool>,
        now: Timestamp,
    ) {
        let state = lead.state;
        let facts = Facts {
            profile: lead.profile,
            source: &state.source,
            received_at: state.milestones.received,
            account: lead.account,
            score: None,
            now,
        };
        let was = was.map(|was| rule(was, &facts, state).1.outcome);
        let (score, wanted) = rule(new, &facts, state);
        self.leads += 1;
        if let Err(stays) = goes(state, was.as_ref(), &wanted.outcome, pool) {
            *self.stays.entry(stays).or_default() += 1;
            return;
        }
        self.count(lead, &wanted.outcome);
        if self.wants_example(&state.lead_id) {
            self.examples.push(Example {
                lead_id: state.lead_id.clone(),
                owner: state.owner().cloned(),
                pool: state.pool().cloned(),
                why: new.explain(&Facts { score: Some(&score), ..facts }).sentence,
            });
            self.keep_examples();
        }
    }

    fn count(&mut self, lead: Past<'_>, wanted: &Outcome) {
        self.goes += 1;
        if let Some(pool) = lead.state.pool() {
            self.pools.entry(pool.clone()).or_default().leaves += 1;
        }
        match lead.state.owner() {
            Some(owner) => self.owners.entry(owner.clone()).or_default().leaves += 1,
            None => self.from_lines += 1,
        }
        match destination(wanted) {
            Goes::Pool(pool) => self.pools.entry(pool.clone()).or_default().comes += 1,
            Goes::Owner(rep) => self.owners.entry(rep.clone()).or_default().comes += 1,
            Goes::Nurture | Goes::Disqualified | Goes::Held => self.elsewhere += 1,
        }
    }

    /// Adds what was found for other leads.
    pub fn add(&mut self, other: Self) {
        self.leads += other.leads;
        self.goes += other.goes;
        self.from_lines += other.from_lines;
        self.elsewhere += other.elsewhere;
        other.stays.into_iter().for_each(|(why, count)| *self.stays.entry(why).or_default() += count);
        let add = |sum: &mut Moved, more: Moved| {
            sum.comes += more.comes;
            sum.leaves += more.leaves;
        };
        other.pools.into_iter().for_each(|(pool, more)| add(self.pools.entry(pool).or_default(), more));
        other.owners.into_iter().for_each(|(rep, more)| add(self.owners.entry(rep).or_default(), more));
        self.examples.extend(other.examples);
        self.keep_examples();
    }

    fn wants_example(&self, lead: &LeadId) -> bool {
        wants_example(&self.examples, |last| *lead < last.lead_id)
    }

    fn keep_examples(&mut self) {
        keep_examples(&mut self.examples, |a, b| a.lead_id.cmp(&b.lead_id));
    }

    /// The report in sentences for the people who decide on it.
    pub fn sentences(&self) -> Vec<String> {
        let Self { leads, goes, from_lines, .. } = *self;
        let (all, some, waited) = (thousands(leads), thousands(goes), thousands(from_lines));
        let mut said = Vec::new();
        let go = if goes == 1 { "goes" } else { "go" };
        said.push(match (goes, from_lines) {
            (0, _) => format!("None of {all} open leads goes elsewhere."),
            (_, 0) => format!("{some} of {all} open leads {go} elsewhere; no owner has accepted one of them yet."),
            _ => format!(
                "{some} of {all} open leads {go} elsewhere: {} that an owner has and has not accepted yet, {waited} out \
                 of a line.",
                thousands(goes - from_lines)
            ),
        });
        said.extend(moved("Pool", self.pools.iter().map(|(pool, moved)| (pool.as_str(), *moved))));
        said.extend(moved("Owner", self.owners.iter().map(|(rep, moved)| (rep.as_str(), *moved))));
        if self.elsewhere > 0 {
            said.push(format!("Out of a line, and not to sales: {}.", thousands(self.elsewhere)));
        }
        let stays = self.stays.iter().map(|(why, count)| format!("{} {}", thousands(*count), why.words()));
        let stays: Vec<String> = stays.collect();
        if !stays.is_empty() {
            said.push(format!("The rest stay: {}.", stays.join("; ")));
        }
        said
    }
}

/// ``Pool `east` gets 9, `north` loses 12.``
fn moved<'n>(what: &str, counts: impl Iterator<Item = (&'n str, Moved)>) -> Option<String> {
    let mut counts: Vec<(&str, Moved)> = counts.collect();
    counts.sort_by_key(|(_, moved)| std::cmp::Reverse(moved.comes + moved.leaves));
    let more = counts.len().saturating_sub(MAX_NAMED);
    let mut said: Vec<String> = counts
        .iter()
        .take(MAX_NAMED)
        .map(|(name, Moved { comes, leaves })| match (comes, leaves) {
            (comes, 0) => format!("`{name}` gets {}", thousands(*comes)),
            (0, leaves) => format!("`{name}` loses {}", thousands(*leaves)),
            (comes, leaves) => format!("`{name}` gets {} and loses {}", thousands(*comes), thousands(*leaves)),
        })
        .collect();
    if more > 0 {
        said.push(format!("{more} more"));
    }
    (!said.is_empty()).then(|| format!("{what} {}.", said.join(", ")))
}
