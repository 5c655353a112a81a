//! Snapshot for an admission: what was read, and what is missing.

use std::collections::{BTreeMap, BTreeSet};

use fairleader_lead::id::{AccountId, ActivityId, LeadId};
use fairleader_lead::identity::IdentityKey;
use fairleader_lead::profile::Profile;
use fairleader_lead::state::State;

use super::{AdmissionError, MAX_MERGES, Reprofiled};

/// Target of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Lead.
    Lead(LeadId),
    /// Account.
    Account(AccountId),
}

/// Stored lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its state.
    pub state: State,
    /// Its profile; `None` if it was put on hold before it could be stored.
    pub profile: Option<Profile>,
    /// The version of the profile; 0 if there is none. State and profile are read in one request, but not at one point
    /// in time, so the write of each names its version.
    pub profile_version: u64,
}

/// Content that a lead may already have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    /// The lead.
    pub lead: LeadId,
    /// The content.
    pub key: ContentKey,
}

/// Key of a submission or activity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContentKey {
    /// Submission: its own lead id, and the hash of its content.
    Submission(LeadId, String),
    /// Activity, whatever its content.
    Activity(ActivityId),
    /// Activity with this hash of its content. One that is stored without a hash counts as the same.
    SameActivity(ActivityId, String),
}

/// Data that must be read before a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Identities of persons and accounts.
    pub identities: BTreeSet<IdentityKey>,
    /// Leads, with their profiles.
    pub leads: BTreeSet<LeadId>,
    /// Content whose existence must be checked.
    pub contents: BTreeSet<Content>,
}

/// Data that was read. Missing items are `None` or false.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The targets of the identities.
    pub identities: BTreeMap<IdentityKey, Option<Holder>>,
    /// The leads.
    pub leads: BTreeMap<LeadId, Option<Known>>,
    /// Whether the content exists.
    pub contents: BTreeMap<Content, bool>,
}

/// Everything that was read for one arrival. Parts may be read at different times; the conditions of the plan check
/// that all of it is current.
#[derive(Clone, Debug, Default)]
pub struct Snapshot(Found);

/// Missing value. The reader has noted what to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unread;

/// Reader of a snapshot. It notes what is missing.
#[derive(Debug)]
pub(super) struct Reader<'s> {
    snapshot: &'s Snapshot,
    pub(super) missing: Missing,
}

/// End of a chain of merges.
#[derive(Clone, Copy, Debug)]
pub(super) enum Survivor<'s> {
    /// The surviving lead.
    Lead(&'s Known),
    /// No stored lead.
    Unstored,
}

impl Missing {
    /// Returns whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty() && self.leads.is_empty() && self.contents.is_empty()
    }

    /// Adds the data that another message needs.
    pub fn extend(&mut self, other: Self) {
        self.identities.extend(other.identities);
        self.leads.extend(other.leads);
        self.contents.extend(other.contents);
    }
}

impl Snapshot {
    /// Adds the parts of `found` that are in `missing`.
    pub(super) fn add(&mut self, missing: &Missing, found: &Found) {
        let Found { identities, leads, contents } = &mut self.0;
        for wanted in &missing.identities {
            if let Some(holder) = found.identities.get(wanted) {
                identities.insert(wanted.clone(), holder.clone());
            }
        }
        for wanted in &missing.leads {
            if let Some(known) = found.leads.get(wanted) {
                leads.insert(wanted.clone(), known.clone());
            }
        }
        for wanted in &missing.contents {
            if let Some(kept) = found.contents.get(wanted) {
                contents.insert(wanted.clone(), *kept);
            }
        }
    }
}

impl<'s> Reader<'s> {
    pub(super) fn new(snapshot: &'s Snapshot) -> Self {
        Self { snapshot, missing: Missing::default() }
    }

    /// Returns the target of an identity.
    pub(super) fn holder(&mut self, identity: &IdentityKey) -> Result<Option<&'s Holder>, Unread> {
        if let Some(holder) = self.snapshot.0.identities.get(identity) {
            return Ok(holder.as_ref());
        }
        self.missing.identities.insert(identity.clone());
        Err(Unread)
    }

    /// Returns a lead, if it exists.
    pub(super) fn lead(&mut self, lead: &LeadId) -> Result<Option<&'s Known>, Unread> {
        if let Some(known) = self.snapshot.0.leads.get(lead) {
            return Ok(known.as_ref());
        }
        self.missing.leads.insert(lead.clone());
        Err(Unread)
    }

    /// Returns whether content exists.
    pub(super) fn keeps(&mut self, content: Content) -> Result<bool, Unread> {
        if let Some(kept) = self.snapshot.0.contents.get(&content) {
            return Ok(*kept);
        }
        self.missing.contents.insert(content);
        Err(Unread)
    }

    /// Returns the chain of merges from `lead` to the surviving lead.
    pub(super) fn merges(&mut self, lead: &LeadId) -> Result<Result<Vec<&'s Known>, AdmissionError>, Unread> {
        let mut chain: Vec<&Known> = Vec::new();
        let mut next = lead;
        for _ in 0..=MAX_MERGES {
            let Some(known) = self.lead(next)? else {
                return Ok(match chain.last() {
                    // An unknown lead has an empty chain.
                    None => Ok(chain),
                    // A merged lead always leads to a stored one.
                    Some(merged) => {
                        Err(AdmissionError::MissingSurvivor { lead: merged.state.lead_id.clone(), into: next.clone() })
                    }
                });
            };
            chain.push(known);
            match known.state.merged_into() {
                Some(into) => next = into,
                None => return Ok(Ok(chain)),
            }
        }
        Ok(Err(AdmissionError::MergedTooOften(lead.clone())))
    }

    /// Returns the surviving lead of `lead`.
    pub(super) fn survivor(&mut self, lead: &LeadId) -> Result<Result<Survivor<'s>, AdmissionError>, Unread> {
        Ok(self.merges(lead)?.map(|chain| match chain.last() {
            Some(known) if !known.state.is_unstored() => Survivor::Lead(known),
            _ => Survivor::Unstored,
        }))
    }
}

impl Known {
    /// Returns the profile, or an empty one.
    pub(super) fn who(&self) -> Profile {
        self.profile.clone().unwrap_or_default()
    }

    /// Makes the change to a new profile.
    pub(super) fn reprofiled(&self, profile: Profile) -> Reprofiled {
        let lead = self.state.lead_id.clone();
        Reprofiled { lead, profile, expected_version: self.profile_version }
    }
}
