//! Tables in memory with the semantics of DynamoDB: a read returns the current item, and a transaction writes
//! everything if every condition holds, otherwise nothing.

use std::collections::{BTreeMap, BTreeSet};

use fairleader_lead::event::EventKind;
use fairleader_lead::id::{LeadId, RepId};
use fairleader_lead::identity::IdentityKey;
use fairleader_lead::profile::Profile;
use jiff::Timestamp;

use super::super::*;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_500_000 + second).unwrap()
}

/// The tables.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) identities: BTreeMap<IdentityKey, Holder>,
    pub(super) leads: BTreeMap<LeadId, Known>,
    pub(super) contents: BTreeSet<Content>,
    pub(super) events: BTreeMap<(LeadId, u64), EventKind>,
    pub(super) seats: BTreeMap<RepId, i32>,
    /// Seats and turns that owners of merged leads got back.
    pub(super) freed: Vec<Freed>,
    /// Profiles before their last write, for torn reads: the state after a commit with the profile from before it.
    pub(super) before: BTreeMap<LeadId, (Option<Profile>, u64)>,
    /// The last version of each lead that was written by an admission.
    pub(super) admitted: BTreeMap<LeadId, u64>,
    pub(super) reads: usize,
    pub(super) commits: usize,
}

impl Model {
    /// Reads leads with a profile that is older than their state.
    pub(super) fn read_torn(&mut self, missing: &Missing) -> Found {
        let mut found = self.read(missing);
        for (lead, known) in &mut found.leads {
            if let (Some(known), Some(before)) = (known, self.before.get(lead)) {
                (known.profile, known.profile_version) = before.clone();
            }
        }
        found
    }

    pub(super) fn read(&mut self, missing: &Missing) -> Found {
        self.reads += 1;
        let Missing { identities, leads, contents } = missing;
        Found {
            identities: identities.iter().map(|key| (key.clone(), self.identities.get(key).cloned())).collect(),
            leads: leads.iter().map(|lead| (lead.clone(), self.leads.get(lead).cloned())).collect(),
            contents: contents.iter().map(|key| (key.clone(), self.contents.contains(key))).collect(),
        }
    }

    /// Returns whether every condition of a plan holds.
    fn holds(&self, plan: &Plan) -> bool {
        let claims = plan.claims.iter().all(|claim| {
            let from = claim.from.clone().map(Holder::Lead);
            self.identities.get(&claim.identity) == from.as_ref()
        });
        let version = |lead: &LeadId| self.leads.get(lead).map_or(0, |known| known.state.version);
        let stored = plan.stored.iter().all(|state| version(&state.lead_id) == 0);
        let changes = plan.changes.iter().all(|change| {
            let state = &change.state;
            version(&state.lead_id) == change.expected_version
                && !self.events.contains_key(&(state.lead_id.clone(), state.last_event))
        });
        let profiles = plan.profiles.iter().all(|profile| {
            self.leads.get(&profile.lead).map_or(0, |known| known.profile_version) == profile.expected_version
        });
        let kept = contents(plan).iter().all(|content| !self.contents.contains(content));
        let seat = plan.freed.iter().all(|freed| self.seats.get(&freed.rep).is_some_and(|open| *open >= 1));
        claims && stored && changes && profiles && kept && seat
    }

    /// Commits a plan if its conditions hold.
    pub(super) fn commit(&mut self, plan: &Plan) -> bool {
        assert!(plan.check(), "{plan:?}");
        if !self.holds(plan) {
            return false;
        }
        self.commits += 1;
        for claim in &plan.claims {
            self.identities.insert(claim.identity.clone(), Holder::Lead(claim.lead.clone()));
        }
        let changed = plan.changes.iter().map(|change| &change.state);
        for state in plan.stored.iter().chain(changed) {
            let before = self.leads.get(&state.lead_id);
            let (profile, profile_version) =
                before.map_or((None, 0), |known| (known.profile.clone(), known.profile_version));
            self.leads.insert(state.lead_id.clone(), Known { state: state.clone(), profile, profile_version });
            self.admitted.insert(state.lead_id.clone(), state.version);
        }
        for Reprofiled { lead, profile, .. } in &plan.profiles {
            let known = self.leads.get_mut(lead).unwrap();
            self.before.insert(lead.clone(), (known.profile.clone(), known.profile_version));
            known.profile = Some(profile.clone());
            known.profile_version += 1;
        }
        for change in &plan.changes {
            let state = &change.state;
            self.events.insert((state.lead_id.clone(), state.last_event), change.event.clone());
        }
        self.contents.extend(contents(plan));
        if let Some(freed) = &plan.freed {
            *self.seats.get_mut(&freed.rep).unwrap() -= 1;
            self.freed.push(freed.clone());
        }
        true
    }

    pub(super) fn profile(&self, lead: &str) -> &Profile {
        self.leads[&LeadId::from(lead)].profile.as_ref().unwrap()
    }

    /// Returns the surviving lead of `lead`.
    pub(super) fn survivor(&self, lead: &str) -> String {
        let mut at = LeadId::from(lead);
        while let Some(into) = self.leads[&at].state.merged_into() {
            at = into.clone();
        }
        at.to_string()
    }
}

/// Returns the content that a plan stores.
fn contents(plan: &Plan) -> Vec<Content> {
    let absorbed = plan.absorbed.iter().map(|(lead, absorbed)| Content {
        lead: lead.clone(),
        key: ContentKey::Submission(absorbed.lead_id.clone(), absorbed.payload_hash.clone()),
    });
    let recorded = plan.recorded.iter().flat_map(|(lead, recorded)| {
        let id = &recorded.activity.id;
        let same = recorded.content.iter().map(|content| ContentKey::SameActivity(id.clone(), content.clone()));
        same.chain([ContentKey::Activity(id.clone())]).map(|key| Content { lead: lead.clone(), key })
    });
    absorbed.chain(recorded).collect()
}

/// Delivery of a message.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) arrival: Arrival,
    /// Its next step.
    pub(super) next: Option<Step>,
}

impl Worker {
    pub(super) fn new(incoming: Incoming) -> Self {
        Self { arrival: Arrival::new(incoming), next: None }
    }

    /// Returns its next step.
    pub(super) fn step(&mut self, now: Timestamp) -> Result<&Step, AdmissionError> {
        if self.next.is_none() {
            self.next = Some(self.arrival.step(now)?);
        }
        Ok(self.next.as_ref().unwrap())
    }

    /// Runs the delivery to the end, without any concurrent work.
    pub(super) fn run(&mut self, model: &mut Model) -> Result<Outcome, AdmissionError> {
        for _ in 0..100 {
            self.step(at(100))?;
            match self.next.take().unwrap() {
                Step::Read(missing) => {
                    let found = model.read(&missing);
                    self.arrival.read(&missing, &found);
                }
                Step::Commit(plan) => {
                    let done = model.commit(&plan);
                    self.arrival.committed(done);
                }
                Step::Done(outcome) => return Ok(outcome),
            }
        }
        panic!("it does not end: {self:?}")
    }
}
