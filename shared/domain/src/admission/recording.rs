//! Decisions on activities.

use jiff::Timestamp;

use super::deciding::{Admission, Decided, changed, kept_by_any, known, submission};
use super::snapshot::{Reader, Survivor, Unread};
use super::{AdmissionError, By, ContentKey, Holder, Outcome, Plan, Recorded, Reported, Submitted};
use crate::lifecycle::Command;
use crate::person;
use fairleader_lead::activity::Activity;
use fairleader_lead::id::{ActivityId, LeadId};
use fairleader_lead::submission::activity::derive_reused;

/// Decides on a reported activity.
pub(super) fn activity(reader: &mut Reader<'_>, reported: &Reported, now: Timestamp) -> Decided {
    match &reported.by {
        By::Lead(lead) => record(reader, reported, lead, &[], now),
        By::Address(first) => {
            if let Some(another) = known!(of_another_person(reader, reported, first)) {
                return activity(reader, &another, now);
            }
            match known!(doer(reader, first)).split_first() {
                Some((lead, others)) => record(reader, reported, lead, others, now),
                // The person is unknown: store a new lead first, then record the activity.
                None => Ok(submission(reader, first, now)?.map(|admission| match admission {
                    Admission::Last(plan, _) => Admission::First(plan),
                    other => other,
                })),
            }
        }
    }
}

/// Returns the report with ids of its own if the lead with its id, which the first activity with this key became, is
/// another person. Otherwise, the activity would be taken for a repeat.
fn of_another_person(
    reader: &mut Reader<'_>,
    reported: &Reported,
    first: &Submitted,
) -> Result<Result<Option<Reported>, AdmissionError>, Unread> {
    let holders: Vec<_> = first.identities.iter().map(|identity| reader.holder(&identity.key)).collect();
    let chain = known!(reader.merges(&first.lead_id));
    let Some(known) = chain.last().filter(|known| !known.state.is_unstored()) else { return Ok(Ok(None)) };
    for holder in holders {
        let Some(Holder::Lead(holder)) = holder? else { continue };
        if let Survivor::Lead(theirs) = known!(reader.survivor(holder))
            && theirs.state.lead_id == known.state.lead_id
        {
            return Ok(Ok(None));
        }
    }
    if !person::is_another(&known.who(), &first.profile) {
        return Ok(Ok(None));
    }
    let first = first.with_id_of_its_own();
    let activity = Activity { id: ActivityId::from(first.lead_id.as_str()), ..reported.activity.clone() };
    let Reported { source, received_at, content, .. } = reported.clone();
    Ok(Ok(Some(Reported { activity, source, received_at, content, by: By::Address(Box::new(first)) })))
}

/// Returns the leads of the person with an e-mail address. The activity goes to the first; an earlier attempt may have
/// recorded it for any of them.
fn doer(reader: &mut Reader<'_>, first: &Submitted) -> Result<Result<Vec<LeadId>, AdmissionError>, Unread> {
    let own = reader.lead(&first.lead_id);
    let holders: Vec<_> = first.identities.iter().map(|identity| reader.holder(&identity.key)).collect();
    let mut leads = match own? {
        // It was put on hold before it could be stored, so it must first be stored or merged like a submission.
        Some(own) if own.state.is_unstored() => return Ok(Ok(Vec::new())),
        // An earlier attempt stored it, even if another lead has the address now.
        Some(_) => vec![first.lead_id.clone()],
        None => Vec::new(),
    };
    for holder in holders {
        let Some(Holder::Lead(holder)) = holder? else { continue };
        if let Survivor::Lead(_) = known!(reader.survivor(holder)) {
            leads.push(holder.clone());
        }
    }
    Ok(Ok(leads))
}

/// Records the activity for the surviving lead of `lead`, unless it or one of `others` already has it.
fn record(reader: &mut Reader<'_>, reported: &Reported, lead: &LeadId, others: &[LeadId], now: Timestamp) -> Decided {
    let chain = known!(reader.merges(lead));
    let Some(target) = chain.last().filter(|target| !target.state.is_unstored()) else {
        return Ok(Err(AdmissionError::UnknownLead(lead.clone())));
    };
    let mut leads: Vec<&LeadId> = chain.iter().map(|known| &known.state.lead_id).collect();
    for other in others {
        leads.extend(known!(reader.merges(other)).into_iter().map(|known| &known.state.lead_id));
    }
    let Reported { activity, source, received_at, content, by: _ } = reported.clone();
    // It may have been recorded for a lead that was merged since.
    let Some((activity, reused_key_of)) = unrecorded(reader, &leads, activity, content.as_deref())? else {
        return Ok(Ok(Admission::Nothing(Outcome::repeat(Outcome::of(&target.state)))));
    };
    let command = Command::RecordActivity { activity: activity.clone(), reused_key_of };
    Ok(changed(&target.state, command, now).map(|change| {
        let lead = change.state.lead_id.clone();
        let mut plan = Plan::default();
        let mut profile = target.who();
        // An activity older than all those in the profile is only added to the history.
        if profile.remember(activity.clone()) {
            plan.profiles.push(target.reprofiled(profile));
        }
        let recorded = Recorded { activity, source, received_at, content };
        let outcome = Outcome::recorded(lead.clone(), Outcome::of(&change.state));
        plan.recorded = Some((lead, recorded));
        plan.changes.push(change);
        Admission::Last(plan, outcome)
    }))
}

/// Returns the activity, unless one of the leads has it. If one of them has another activity of the same idempotency
/// key, this one gets an id of its own, and the id of the other is returned too.
fn unrecorded(
    reader: &mut Reader<'_>,
    leads: &[&LeadId],
    activity: Activity,
    content: Option<&str>,
) -> Result<Option<(Activity, Option<ActivityId>)>, Unread> {
    let first = activity.id.clone();
    let kept = kept_by_any(reader, leads, &ContentKey::Activity(first.clone()));
    let Some(content) = content else { return Ok((!kept?).then_some((activity, None))) };
    // Both are read together.
    let same = kept_by_any(reader, leads, &ContentKey::SameActivity(first.clone(), content.to_owned()));
    if !kept? {
        return Ok(Some((activity, None)));
    }
    if same? {
        return Ok(None);
    }
    let id = derive_reused(&first, content);
    let kept = kept_by_any(reader, leads, &ContentKey::Activity(id.clone()))?;
    Ok((!kept).then_some((Activity { id, ..activity }, Some(first))))
}
