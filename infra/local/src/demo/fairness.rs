//! How many leads each rep got, and what plain round robin would have done.

use fairleader_lead::id::{PoolId, RepId};
use fairleader_lead::pool::Pool;
use fairleader_lead::state::Stage;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::facts::{Facts, Who};

/// What a pool member got and is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The pool.
    pub pool: PoolId,
    /// The member.
    pub rep: RepId,
    /// Leads that the member got.
    pub got: u64,
    /// Exact share of the leads so far, in billionths of a lead.
    pub share: i64,
    /// Leads owed, in billionths of a lead; negative if ahead of the share.
    pub lag: i64,
}

/// Where plain round robin over the roster (one lead each in turn) would have sent the assigned leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoundRobin {
    /// Number of assigned leads compared.
    pub leads: usize,
    /// Leads to a rep who was not at work.
    pub not_at_work: usize,
    /// Leads to a rep other than the account's owner, although the rulebook sends them to the owner.
    pub not_the_owner: usize,
    /// Leads to a rep outside the pool: another region, language or specialty.
    pub not_in_the_pool: usize,
    /// Leads to a rep who was at capacity.
    pub full: usize,
    /// Examples, in words.
    pub examples: Vec<String>,
}

impl RoundRobin {
    /// Returns the number of leads that would have gone to the wrong rep.
    pub fn wrong(&self) -> usize {
        self.not_at_work + self.not_the_owner + self.not_in_the_pool + self.full
    }

    /// Deals out the assigned leads in the order of the list, and counts the first thing wrong with each.
    pub fn compare(facts: &Facts, pools: &[Pool], now: Timestamp) -> Self {
        let mut result = Self::default();
        let mut dealt = vec![0_u32; facts.reps.len()];
        let mut examples = [None, None, None];
        let assigned = facts.leads.iter().filter(|lead| lead.state.stage == Stage::Assigned);
        for (turn, lead) in assigned.enumerate() {
            let Some(next) = turn.checked_rem(facts.reps.len()) else { break };
            let (Some(rep), Some(desk)) = (facts.reps.get(next), dealt.get_mut(next)) else { break };
            result.leads += 1;
            *desk += 1;
            let who = || who(&lead.profile);
            let owner = lead.state.owner.as_ref();
            let at_work = TimeZone::get(&rep.zone).is_ok_and(|zone| rep.hours.contains(now, &zone));
            let member = lead.state.pool.as_ref().and_then(|id| pools.iter().find(|pool| pool.pool_id == *id));
            match member {
                None if owner != Some(&rep.rep_id) => {
                    result.not_the_owner += 1;
                    let owner = owner.map(|owner| facts.name(owner)).unwrap_or_default();
                    examples[0]
                        .get_or_insert_with(|| format!("{} to {}, although {owner} owns the account", who(), rep.name));
                }
                Some(pool) if !pool.members.iter().any(|member| member.rep == rep.rep_id) => {
                    result.not_in_the_pool += 1;
                    examples[1]
                        .get_or_insert_with(|| format!("{} to {}, who is not in {}", who(), rep.name, pool.name));
                }
                _ if !at_work => {
                    result.not_at_work += 1;
                    examples[2].get_or_insert_with(|| format!("{} to {}, who is not at work", who(), rep.name));
                }
                _ if *desk > rep.capacity => result.full += 1,
                _ => {}
            }
        }
        result.examples = examples.into_iter().flatten().collect();
        result
    }
}

/// Describes a person in a few words: `Ada Lovelace of Acme (DE)`.
pub(super) fn who(profile: &Who) -> String {
    let contact = &profile.contact;
    let name: Vec<&str> = [&contact.first_name, &contact.last_name].into_iter().flatten().map(String::as_str).collect();
    let mut text = if name.is_empty() { "an unnamed person".to_owned() } else { name.join(" ") };
    if let Some(company) = &profile.company.name {
        text = format!("{text} of {company}");
    }
    if let Some(country) = &profile.place.country {
        text = format!("{text} ({country})");
    }
    text
}
