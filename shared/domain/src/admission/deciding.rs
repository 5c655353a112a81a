//! Decisions on submissions.

use jiff::Timestamp;

use super::snapshot::{Reader, Survivor, Unread};
use super::{
    Absorbed, AdmissionError, Claim, Content, ContentKey, Freed, Holder, Known, Outcome, Plan, Reprofiled, Submitted,
};
use crate::lifecycle::{Change, Command, Transition, transition};
use crate::person::{self, Identity, Who};
use fairleader_lead::id::{AccountId, LeadId};
use fairleader_lead::identity::IdentityKey;
use fairleader_lead::matching;
use fairleader_lead::profile::Profile;
use fairleader_lead::state::{Milestones, State};
use fairleader_lead::submission::lead_id;

/// Decision on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Nothing changes, because everything is already stored.
    Nothing(Outcome),
    /// The last change for it.
    Last(Plan, Outcome),
    /// A change that must come first. Then it needs another decision.
    First(Plan),
}

/// Decision, or that something is unread.
pub(super) type Decided = Result<Result<Admission, AdmissionError>, Unread>;

/// Unwraps `Ok(Ok(…))` and returns all other results from the function.
macro_rules! known {
    ($value:expr) => {
        match $value? {
            Ok(value) => value,
            Err(cause) => return Ok(Err(cause)),
        }
    };
}
pub(super) use known;

/// Decides on a submission.
pub(super) fn submission(reader: &mut Reader<'_>, submitted: &Submitted, now: Timestamp) -> Decided {
    let (own, looked_up) = (reader.lead(&submitted.lead_id), look_up(reader, submitted));
    let own = own?;
    if let Some(own) = own.filter(|own| !own.state.is_unstored()) {
        return again(reader, submitted, &own.state, looked_up, now);
    }
    let (People { mut persons, claims }, profile) = known!(looked_up);
    let held = own.map(|own| &own.state);
    let Some(target) = persons.pop() else {
        return Ok(store(submitted, held, profile, claims, now));
    };
    match persons.pop() {
        Some(other) => Ok(unite(target, other, now).map(Admission::First)),
        None => Ok(merge(submitted, held, &profile, target, claims, now)),
    }
}

/// Leads and free identities of the person of a submission.
struct People<'s> {
    /// Their leads, without duplicates.
    persons: Vec<&'s Known>,
    /// Identities that no stored lead has.
    claims: Vec<(IdentityKey, Option<LeadId>)>,
}

type LookedUp<'s> = Result<Result<(People<'s>, Profile), AdmissionError>, Unread>;

/// Finds the leads of the person and their account. Notes everything that is unread, so that it is read together.
fn look_up<'s>(reader: &mut Reader<'s>, submitted: &Submitted) -> LookedUp<'s> {
    let mut profile = submitted.profile.clone();
    let account = recognise(reader, &mut profile);
    let mut people = People { persons: Vec::new(), claims: Vec::new() };
    let mut unread = false;
    for identity in &submitted.identities {
        match find(reader, &profile, identity, &mut people) {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => return Ok(Err(cause)),
            Err(Unread) => unread = true,
        }
    }
    if unread { Err(Unread) } else { account.map(|()| Ok((people, profile))) }
}

fn recognise(reader: &mut Reader<'_>, profile: &mut Profile) -> Result<(), Unread> {
    let identities = matching::identities(profile);
    let read: Vec<Result<(IdentityKey, Option<AccountId>), Unread>> = identities
        .into_iter()
        .map(|identity| {
            let account = match reader.holder(&identity)? {
                Some(Holder::Account(account)) => Some(account.clone()),
                Some(Holder::Lead(_)) | None => None,
            };
            Ok((identity, account))
        })
        .collect();
    let accounts = read.into_iter().collect::<Result<Vec<_>, Unread>>()?;
    matching::recognise(profile, |identity| {
        accounts.iter().find(|(known, _)| known == identity).and_then(|(_, account)| account.clone())
    });
    Ok(())
}

/// Finds the lead with an identity, if it is the same person. If another person has the identity, the second key
/// counts.
fn find<'s>(
    reader: &mut Reader<'s>,
    profile: &Profile,
    identity: &Identity,
    people: &mut People<'s>,
) -> Result<Result<(), AdmissionError>, Unread> {
    // Both keys are read together.
    let (first, second) = (reader.holder(&identity.key), identity.second.as_ref().map(|key| reader.holder(key)));
    let second = second.transpose()?;
    for (key, holder) in [(Some(&identity.key), Some(first?)), (identity.second.as_ref(), second)] {
        let (Some(key), Some(holder)) = (key, holder) else { continue };
        let Some(Holder::Lead(holder)) = holder else {
            people.claims.push((key.clone(), None));
            break;
        };
        match known!(reader.survivor(holder)) {
            // The lead was never stored, so there is no profile to compare with.
            Survivor::Unstored => {
                people.claims.push((key.clone(), Some(holder.clone())));
                break;
            }
            Survivor::Lead(known) => {
                if person::same(identity.kind, profile, &known.who()) {
                    if !people.persons.iter().any(|person| person.state.lead_id == known.state.lead_id) {
                        people.persons.push(known);
                    }
                    break;
                }
            }
        }
    }
    Ok(Ok(()))
}

/// Decides on a submission whose lead id is already stored: a repeat, a resubmission, or another person.
fn again(
    reader: &mut Reader<'_>,
    submitted: &Submitted,
    own: &State,
    looked_up: LookedUp<'_>,
    now: Timestamp,
) -> Decided {
    let chain = known!(reader.merges(&submitted.lead_id));
    let Some(target) = chain.last() else {
        return Ok(Err(AdmissionError::UnknownLead(submitted.lead_id.clone())));
    };
    if own.payload_hash == submitted.payload_hash {
        let merged = own.merged_into().is_some();
        return Ok(Ok(Admission::Nothing(if merged {
            Outcome::repeat(Outcome::of(&target.state))
        } else {
            Outcome::repeat(Outcome::undecided(&target.state))
        })));
    }
    let came = ContentKey::Submission(submitted.lead_id.clone(), submitted.payload_hash.clone());
    let kept = kept_by_any(reader, &chain.iter().map(|known| &known.state.lead_id).collect::<Vec<_>>(), &came);
    let another = submitted.of_another_person();
    let split = reader.lead(&another.lead_id);
    if kept? {
        return Ok(Ok(Admission::Nothing(Outcome::repeat(Outcome::of(&target.state)))));
    }
    // An earlier delivery decided that it is another person. What the lead learnt since does not change that.
    if split?.is_some() {
        return self::submission(reader, &another, now);
    }
    let (people, profile) = known!(looked_up);
    let proven = people.persons.iter().any(|person| person.state.lead_id == target.state.lead_id);
    if !proven && person::is_another(&target.who(), &submitted.profile) {
        return self::submission(reader, &another, now);
    }
    Ok(changed(&target.state, Command::Resubmit, now).map(|change| {
        let mut plan = Plan::default();
        let next = Outcome::of(&change.state);
        take_over(&mut plan, submitted, &profile, target, change);
        Admission::Last(plan, Outcome::resubmitted(next))
    }))
}

/// Returns whether one of these leads already has this content.
pub(super) fn kept_by_any(reader: &mut Reader<'_>, leads: &[&LeadId], key: &ContentKey) -> Result<bool, Unread> {
    let kept: Vec<Result<bool, Unread>> =
        leads.iter().map(|lead| reader.keeps(Content { lead: (*lead).clone(), key: key.clone() })).collect();
    Ok(kept.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().any(|kept| kept))
}

/// Stores a lead: its identities, its profile and its state.
fn store(
    submitted: &Submitted,
    held: Option<&State>,
    profile: Profile,
    claims: Vec<(IdentityKey, Option<LeadId>)>,
    now: Timestamp,
) -> Result<Admission, AdmissionError> {
    let lead_id = &submitted.lead_id;
    let mut plan = Plan { claims: claimed(claims, lead_id), ..Plan::default() };
    let state = match (held, &submitted.reused_key_of) {
        (None, None) => {
            let state = submitted.stored();
            plan.stored = Some(state.clone());
            state
        }
        (None, Some(of)) => {
            let mut change = changed(&submitted.stored(), Command::ReuseKey { of: of.clone() }, now)?;
            change.expected_version = 0;
            let state = change.state.clone();
            plan.changes.push(change);
            state
        }
        (Some(held), _) => {
            let (source, payload_hash) = (submitted.source.clone(), submitted.payload_hash.clone());
            let command = Command::Store { source, received_at: submitted.received_at, payload_hash };
            let change = changed(held, command, now)?;
            let state = change.state.clone();
            plan.changes.push(change);
            state
        }
    };
    plan.profiles.push(Reprofiled { lead: lead_id.clone(), profile, expected_version: 0 });
    let next = Outcome::undecided(&state);
    Ok(Admission::Last(plan, Outcome::stored(next)))
}

fn claimed(claims: Vec<(IdentityKey, Option<LeadId>)>, lead: &LeadId) -> Vec<Claim> {
    claims.into_iter().map(|(identity, from)| Claim { identity, lead: lead.clone(), from }).collect()
}

/// Merges a submission into the person's existing lead.
fn merge(
    submitted: &Submitted,
    held: Option<&State>,
    profile: &Profile,
    target: &Known,
    claims: Vec<(IdentityKey, Option<LeadId>)>,
    now: Timestamp,
) -> Result<Admission, AdmissionError> {
    let into = target.state.lead_id.clone();
    let before = match held {
        None => submitted.stored(),
        // The dead letter may have had other content. If it is sent again, it is a resubmission.
        Some(held) => State {
            source: submitted.source.clone(),
            payload_hash: submitted.payload_hash.clone(),
            milestones: Milestones { received: submitted.received_at, ..held.milestones.clone() },
            ..held.clone()
        },
    };
    let mut ends = changed(&before, submitted.merge_into(&into), now)?;
    if held.is_none() {
        ends.expected_version = 0;
    }
    let carries_on = changed(&target.state, Command::Absorb { from: submitted.lead_id.clone() }, now)?;
    let mut plan = Plan { claims: claimed(claims, &into), ..Plan::default() };
    let lead = submitted.lead_id.clone();
    plan.profiles.push(Reprofiled { lead, profile: profile.clone(), expected_version: 0 });
    plan.changes.push(ends);
    let next = Outcome::of(&carries_on.state);
    take_over(&mut plan, submitted, profile, target, carries_on);
    Ok(Admission::Last(plan, Outcome::merged(into, next)))
}

/// Merges two stored leads of one person.
fn unite(one: &Known, other: &Known, now: Timestamp) -> Result<Plan, AdmissionError> {
    let first = person::carries_on(&one.state, &other.state).0.lead_id == one.state.lead_id;
    let (stays, goes) = if first { (one, other) } else { (other, one) };
    let command = Command::Merge { into: stays.state.lead_id.clone(), reused_key_of: None };
    let ends = changed(&goes.state, command, now)?;
    let carries_on = changed(&stays.state, Command::Absorb { from: goes.state.lead_id.clone() }, now)?;
    let mut profile = stays.who();
    person::absorb(&mut profile, &goes.who(), Who::at(carries_on.state.stage()));
    let State { lead_id, assignment, .. } = &goes.state;
    let turn = goes.state.owned().and_then(|owned| owned.turn.clone());
    let freed = ends.freed.clone().map(|rep| Freed { rep, turn, lead: lead_id.clone(), assignment: *assignment });
    // The profile of the merged lead is written unchanged, so that the transaction checks that it is the one that was
    // read.
    let profiles = vec![stays.reprofiled(profile), goes.reprofiled(goes.who())];
    Ok(Plan { changes: vec![ends, carries_on], profiles, freed, ..Plan::default() })
}

/// Adds what the surviving lead takes over: the content, and values that its profile lacks.
fn take_over(plan: &mut Plan, submitted: &Submitted, profile: &Profile, target: &Known, change: Change) {
    let mut kept = target.who();
    person::absorb(&mut kept, profile, Who::at(change.state.stage()));
    plan.profiles.push(target.reprofiled(kept));
    plan.changes.push(change);
    let absorbed = Absorbed {
        received_at: submitted.received_at,
        payload_hash: submitted.payload_hash.clone(),
        lead_id: submitted.lead_id.clone(),
        submission: submitted.submission.clone(),
    };
    plan.absorbed = Some((target.state.lead_id.clone(), absorbed));
}

/// Returns the change by `command`. These commands always cause one.
pub(super) fn changed(state: &State, command: Command, now: Timestamp) -> Result<Change, AdmissionError> {
    let lead = || state.lead_id.clone();
    match transition(state, command, now) {
        Ok(Transition::Changed(change)) => Ok(*change),
        Ok(Transition::Unchanged) => Err(AdmissionError::Unchanged(lead())),
        Err(refusal) => Err(AdmissionError::Refused { lead: lead(), refusal }),
    }
}

impl Submitted {
    /// Returns the state of the new lead.
    fn stored(&self) -> State {
        State::stored(self.lead_id.clone(), self.source.clone(), self.received_at, self.payload_hash.clone())
    }

    fn merge_into(&self, into: &LeadId) -> Command {
        Command::Merge { into: into.clone(), reused_key_of: self.reused_key_of.clone() }
    }

    /// Returns this submission as a lead of its own, for the case that the lead with its id is another person. Every
    /// delivery of it gets the same id.
    fn of_another_person(&self) -> Self {
        let mut another = self.with_id_of_its_own();
        another.profile.activities.clear();
        another.profile.said(&another.lead_id, &self.payload_hash, self.received_at);
        another
    }

    /// Returns this submission with an id that is derived from its own one and the content.
    pub(super) fn with_id_of_its_own(&self) -> Self {
        let lead_id = lead_id::derive_reused(&self.lead_id, &self.payload_hash);
        Self { lead_id, reused_key_of: Some(self.lead_id.clone()), ..self.clone() }
    }
}
