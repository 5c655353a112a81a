//! Five example leads, in one sentence each.

use fairleader_lead::normalise::fold::fold;
use fairleader_lead::state::Stage;
use serde::Serialize;

use super::facts::{Facts, LeadFacts};
use super::fairness::who;

/// An example lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// What it is an example of.
    pub title: &'static str,
    /// The lead in one sentence, or a note that the list has no such lead.
    pub sentence: String,
}

/// Finds a junk lead, a "gerente" who wants a demo, a subsidiary, a repeat, and a lead that is not ready.
pub(super) fn five(facts: &Facts) -> Vec<Story> {
    let told = |title, sentence: Option<String>| Story {
        title,
        sentence: sentence.unwrap_or_else(|| "this list has none".to_owned()),
    };
    vec![
        told("Junk", junk(facts)),
        told("A gerente asks for a demo", gerente(facts)),
        told("A subsidiary", subsidiary(facts)),
        told("The same person again", repeat(facts)),
        told("Not ready yet", not_ready(facts)),
    ]
}

fn at(facts: &Facts, stage: Stage) -> impl Iterator<Item = &LeadFacts> {
    facts.leads.iter().filter(move |lead| lead.state.stage == stage)
}

fn owner(facts: &Facts, lead: &LeadFacts) -> Option<String> {
    lead.state.owner.as_ref().map(|owner| facts.name(owner))
}

fn junk(facts: &Facts) -> Option<String> {
    let lead = at(facts, Stage::Disqualified).find(|lead| lead.state.reason.as_deref() == Some("junk"))?;
    let rule = lead.state.rule.as_deref()?;
    Some(format!("row {}, {}, was disqualified as junk by the rule \"{rule}\".", lead.row, who(&lead.profile)))
}

fn gerente(facts: &Facts) -> Option<String> {
    let lead = at(facts, Stage::Assigned).find(|lead| {
        let title = lead.profile.contact.job_title.as_deref().map(fold);
        title.is_some_and(|title| title.contains("gerente")) && lead.profile.interest.did.as_deref() == Some("demo")
    })?;
    let title = lead.profile.contact.job_title.as_deref()?;
    let level = lead.profile.contact.job_level.as_deref()?.replace('_', "-");
    Some(format!(
        "row {}, {}, has the title \"{title}\", which means {level} level, and went to {} at once.",
        lead.row,
        who(&lead.profile),
        owner(facts, lead)?
    ))
}

fn subsidiary(facts: &Facts) -> Option<String> {
    at(facts, Stage::Assigned).find_map(|lead| {
        let account = facts.accounts.get(lead.profile.account_id.as_ref()?)?;
        let parent = facts.accounts.get(account.parent.as_ref()?)?;
        let inherited = account.owner.is_none() && parent.owner.is_some() && parent.owner == lead.state.owner;
        inherited.then_some(())?;
        Some(format!(
            "row {}, {}, belongs to {}, so it went to {}, who owns the account of the parent company {}.",
            lead.row,
            who(&lead.profile),
            account.name,
            owner(facts, lead)?,
            parent.name
        ))
    })
}

fn repeat(facts: &Facts) -> Option<String> {
    at(facts, Stage::Merged).find_map(|lead| {
        let first = facts.lead(lead.state.merged_into.as_ref()?)?;
        let owner = owner(facts, first)?;
        Some(format!(
            "row {}, {}, is the same person as row {}. The two leads were merged, and {owner} keeps the lead.",
            lead.row,
            who(&lead.profile),
            first.row
        ))
    })
}

fn not_ready(facts: &Facts) -> Option<String> {
    let lead = at(facts, Stage::Nurturing).find(|lead| lead.state.reason.as_deref() == Some("not_an_mql"))?;
    let score = lead.state.score.as_ref()?.total;
    let did = lead.profile.interest.did.as_deref().unwrap_or("nothing yet").replace('_', " ");
    Some(format!(
        "row {}, {}, scores {score} of 100 and has done only \"{did}\", so the lead stays with marketing.",
        lead.row,
        who(&lead.profile)
    ))
}
