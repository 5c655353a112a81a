//! A person who is already known: claiming identities, merging, and submissions that come again with other content.

use std::time::Duration;

use fairleader_domain::lifecycle::{Change, Command, Transition, transition};
use fairleader_domain::person;
use fairleader_domain::person::{Shared, Who};
use fairleader_domain::routing::{Room, Seats};
use fairleader_lead::id::LeadId;
use fairleader_lead::state::{Milestones, State};
use fairleader_messaging::StoreLead;
use fairleader_runtime::FunctionError;
use fairleader_store::{Absorbed, Claim, Committed, Loaded};
use jiff::SignedDuration;
use tracing::info;

use crate::{Enrich, Enriched, ToScore};

/// How long to wait, in turn, for a lead that has claimed an identity to be stored: another message of this moment.
const WAITS: [Duration; 5] = [
    Duration::from_millis(20),
    Duration::from_millis(60),
    Duration::from_millis(150),
    Duration::from_millis(300),
    Duration::from_millis(600),
];
/// A claim whose lead was not stored in this time is nobody's: its command failed for good.
const ABANDONED_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// How often a merge that others overtake is decided anew within a call.
const ATTEMPTS: usize = 10;
/// How many merges are followed to the lead that carries on.
pub(crate) const MAX_MERGES: usize = 8;

/// What a write of a merge was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The lead that ends.
    Ends,
    /// The lead that carries on.
    CarriesOn,
    /// What it is told of the other.
    Activity,
    /// The seat that becomes free.
    Seat,
    /// The turn that it cost.
    Turn,
}

impl Enrich {
    /// Claims `identity` for the lead. Gives back the lead that has it and is the same person.
    pub(crate) async fn claim(&self, identity: &str, lead: &Enriched) -> Result<Option<Loaded>, FunctionError> {
        let (lead_id, now) = (&lead.command.lead_id, self.clock.now());
        let shared = if identity.starts_with("email:") { Shared::Email } else { Shared::Phone };
        let Claim::Theirs { lead: theirs, since } = self.identities.claim(identity, lead_id, now).await? else {
            return Ok(None);
        };
        let mut abandoned = now.duration_since(since) >= ABANDONED_AFTER;
        for wait in WAITS {
            match self.surviving(&theirs).await?.filter(|known| !known.state.is_unstored()) {
                Some(known) => {
                    // Merged into this very lead before: a repeat.
                    let same = known.state.lead_id != *lead_id && person::same(shared, &lead.profile, &known.profile);
                    return Ok(same.then_some(known));
                }
                // What failed for it may never be carried out again.
                None if self.leads.state(&theirs).await?.is_some_and(|state| state.is_unstored()) => abandoned = true,
                None => {}
            }
            if abandoned {
                break;
            }
            tokio::time::sleep(wait).await;
        }
        if !abandoned {
            return Err(
                format!("lead {lead_id} waits for lead {theirs}, which is the same person, to be stored").into()
            );
        }
        match self.identities.take_over(identity, lead_id, &theirs, since, now).await? {
            Claim::Ours => Ok(None),
            Claim::Theirs { lead: other, .. } => Err(format!("lead {other} took the identity of lead {theirs}").into()),
        }
    }

    /// The lead that carries on for `lead`, following merges; `None` if it is not stored yet.
    pub(crate) async fn surviving(&self, lead: &LeadId) -> Result<Option<Loaded>, FunctionError> {
        let mut next = lead.clone();
        for _ in 0..MAX_MERGES {
            let found = self.leads.load(&next).await?;
            match found.as_ref().and_then(|found| found.state.merged_into()) {
                Some(into) => next = into.clone(),
                None => return Ok(found),
            }
        }
        Err(format!("lead {lead} was merged more than {MAX_MERGES} times in a row").into())
    }

    /// Merges the lead into the one that its person already has. If the person has several, they become one first.
    pub(crate) async fn merge(
        &self,
        lead: &Enriched,
        mut known: Vec<Loaded>,
    ) -> Result<Option<ToScore>, FunctionError> {
        let Some(mut target) = known.pop() else {
            return Err(format!("lead {} has nobody to merge into", lead.command.lead_id).into());
        };
        for other in known {
            target = self.unite(target, other).await?;
        }
        // If a profile is there of other content, that content is kept when it is found to be a resubmission.
        self.leads.create_profile(&lead.command.lead_id, &lead.profile, &lead.command.payload_hash).await?;
        self.merge_into(lead, target).await
    }

    async fn merge_into(&self, lead: &Enriched, mut target: Loaded) -> Result<Option<ToScore>, FunctionError> {
        let command = &lead.command;
        // The lead as it was held, if it was before it could be stored.
        let mut held: Option<State> = None;
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let before = held.clone().unwrap_or_else(|| lead.stored());
            let ends = changed(&before, Command::Merge { into: target.state.lead_id.clone() }, now)?;
            let carries_on = changed(&target.state, Command::Absorb { from: command.lead_id.clone() }, now)?;
            let mut transaction = self.leads.transaction();
            if held.is_some() {
                self.leads.change(&mut transaction, Part::Ends, &ends)?;
            } else {
                self.leads.create_changed(&mut transaction, Part::Ends, &ends)?;
            }
            self.take_over_content(&mut transaction, lead, &mut target, &carries_on)?;
            match transaction.commit().await? {
                Committed::Done => {
                    info!(lead.id = %command.lead_id, into = %target.state.lead_id, "merged lead");
                    return Ok(ToScore::of(&carries_on.state));
                }
                Committed::Stale(parts) if parts.contains(&Part::Ends) => {
                    let existing = self.leads.state(&command.lead_id).await?;
                    let existing = existing.ok_or_else(|| format!("lead {} disappeared", command.lead_id))?;
                    if !existing.is_unstored() {
                        return Box::pin(self.again(lead, existing)).await;
                    }
                    // The dead letter may have been of other content; that is a resubmission once it comes again.
                    let StoreLead { source, received_at, payload_hash, .. } = command.clone();
                    let milestones = Milestones { received: received_at, ..existing.milestones };
                    held = Some(State { source, milestones, payload_hash, ..existing });
                }
                Committed::Stale(_) | Committed::Busy => {}
            }
            let id = target.state.lead_id.clone();
            target = self.surviving(&id).await?.ok_or_else(|| format!("lead {id} disappeared"))?;
        }
        Err(format!("lead {} could not be merged: others were faster {ATTEMPTS} times", command.lead_id).into())
    }

    /// Makes two stored leads of one person one. Gives back the one that carries on.
    async fn unite(&self, mut one: Loaded, mut other: Loaded) -> Result<Loaded, FunctionError> {
        for _ in 0..ATTEMPTS {
            if one.state.lead_id == other.state.lead_id {
                return Ok(one);
            }
            let now = self.clock.now();
            if person::carries_on(&one.state, &other.state).0.lead_id != one.state.lead_id {
                std::mem::swap(&mut one, &mut other);
            }
            let ends = changed(&other.state, Command::Merge { into: one.state.lead_id.clone() }, now)?;
            let carries_on = changed(&one.state, Command::Absorb { from: other.state.lead_id.clone() }, now)?;
            let mut profile = one.profile.clone();
            person::absorb(&mut profile, &other.profile, Who::at(carries_on.state.stage()));
            let mut transaction = self.leads.transaction();
            self.leads.change(&mut transaction, Part::Ends, &ends)?;
            self.leads.change(&mut transaction, Part::CarriesOn, &carries_on)?;
            self.leads.reprofile(&mut transaction, Part::CarriesOn, &carries_on.state, &profile)?;
            if let Some(rep) = &ends.freed {
                self.reps.seat(&mut transaction, Part::Seat, rep, Seats { delta: -1, room: Room::Unasked })?;
            }
            if let Some(turn) = other.state.owned().and_then(|owned| owned.turn.as_ref()) {
                let State { lead_id, assignment, .. } = &other.state;
                self.pools.give_back(&mut transaction, Part::Turn, turn, lead_id, *assignment).await?;
            }
            match transaction.commit().await? {
                Committed::Done => {
                    info!(lead.id = %other.state.lead_id, into = %one.state.lead_id, "merged stored lead");
                    return Ok(Loaded { state: carries_on.state, profile });
                }
                Committed::Stale(_) | Committed::Busy => {}
            }
            for loaded in [&mut one, &mut other] {
                let id = loaded.state.lead_id.clone();
                *loaded = self.surviving(&id).await?.ok_or_else(|| format!("lead {id} disappeared"))?;
            }
        }
        Err(format!("leads {} and {} could not be merged", one.state.lead_id, other.state.lead_id).into())
    }

    /// Keeps a submission that came again with other content, with the lead or the one it was merged into.
    pub(crate) async fn resubmit(&self, lead: &Enriched, existing: State) -> Result<Option<ToScore>, FunctionError> {
        let command = &lead.command;
        for _ in 0..ATTEMPTS {
            let id = existing.merged_into().unwrap_or(&existing.lead_id);
            let Some(mut target) = self.surviving(id).await? else {
                return Err(format!("lead {id} is not stored yet").into());
            };
            let change = changed(&target.state, Command::Resubmit, self.clock.now())?;
            let mut transaction = self.leads.transaction();
            self.take_over_content(&mut transaction, lead, &mut target, &change)?;
            match transaction.commit().await? {
                Committed::Done => {
                    info!(lead.id = %target.state.lead_id, "kept resubmission");
                    return Ok(ToScore::of(&change.state));
                }
                // Kept by an earlier attempt, which may not have come to sending the message.
                Committed::Stale(parts) if parts.contains(&Part::Activity) => {
                    return Ok(ToScore::of(&target.state));
                }
                Committed::Stale(_) | Committed::Busy => {}
            }
        }
        Err(format!("resubmission of lead {} could not be kept: others were faster", command.lead_id).into())
    }

    /// Adds to `transaction` what the lead that carries on takes over: the content as an activity, and what its profile
    /// did not know.
    fn take_over_content(
        &self,
        transaction: &mut fairleader_store::Transaction<Part>,
        lead: &Enriched,
        target: &mut Loaded,
        change: &Change,
    ) -> Result<(), FunctionError> {
        let command = &lead.command;
        let absorbed = Absorbed {
            received_at: command.received_at,
            payload_hash: command.payload_hash.clone(),
            lead_id: command.lead_id.clone(),
            submission: command.submission.clone(),
        };
        person::absorb(&mut target.profile, &lead.profile, Who::at(change.state.stage()));
        self.leads.change(transaction, Part::CarriesOn, change)?;
        self.leads.absorb(transaction, Part::Activity, &change.state.lead_id, &absorbed)?;
        self.leads.reprofile(transaction, Part::CarriesOn, &change.state, &target.profile)?;
        Ok(())
    }
}

/// The change that `command` makes; these commands always make one.
pub(crate) fn changed(state: &State, command: Command, now: jiff::Timestamp) -> Result<Change, FunctionError> {
    match transition(state, command, now)? {
        Transition::Changed(change) => Ok(*change),
        Transition::Unchanged => Err(format!("lead {} is merged already", state.lead_id).into()),
    }
}
