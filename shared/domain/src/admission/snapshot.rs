//! What was read of the tables, and what has to be read still.

use std::collections::{BTreeMap, BTreeSet};

use fairleader_lead::id::{AccountId, ActivityId, LeadId};
use fairleader_lead::profile::Profile;
use fairleader_lead::state::State;

use super::{AdmissionError, MAX_MERGES, Reprofiled};

/// What an identity leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A person's lead.
    Lead(LeadId),
    /// An account.
    Account(AccountId),
}

/// A lead as it is in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where it stands.
    pub state: State,
    /// Who it is; absent if it was held before it could be stored.
    pub profile: Option<Profile>,
    /// Rises with every write of the profile; 0 if there is none. State and profile are read together and not at one
    /// moment, so each is written under the version that was read.
    pub profile_version: u64,
}

/// Something that may have come in for a lead before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    /// The lead that keeps it.
    pub lead: LeadId,
    /// What.
    pub key: ContentKey,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContentKey {
    /// A submission: the lead that it came as, and the hash of what it said.
    Submission(LeadId, String),
    /// An activity.
    Activity(ActivityId),
}

/// What has to be read before there can be a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Identities of persons and accounts.
    pub identities: BTreeSet<String>,
    /// Leads, with their profiles.
    pub leads: BTreeSet<LeadId>,
    /// What may be kept already.
    pub contents: BTreeSet<Content>,
}

/// What was found, whatever it was wanted for. What was looked for and is not there is `None` or false.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What the identities lead to.
    pub identities: BTreeMap<String, Option<Holder>>,
    /// The leads.
    pub leads: BTreeMap<LeadId, Option<Known>>,
    /// Whether it is kept.
    pub contents: BTreeMap<Content, bool>,
}

/// Everything that was read for one arrival. It may be a little older here than there: the conditions of the plan say
/// whether it still holds.
#[derive(Clone, Debug, Default)]
pub struct Snapshot(Found);

/// A value that cannot be told yet; what has to be read for it is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unread;

/// Looks things up in a snapshot, and notes what is not in it.
#[derive(Debug)]
pub(super) struct Reader<'s> {
    snapshot: &'s Snapshot,
    pub(super) missing: Missing,
}

/// Where merges lead to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Survivor<'s> {
    /// The lead that carries on.
    Lead(&'s Known),
    /// There is none, or none that was stored.
    Unstored,
}

impl Missing {
    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty() && self.leads.is_empty() && self.contents.is_empty()
    }

    /// Adds what somebody else wants.
    pub fn extend(&mut self, other: Self) {
        self.identities.extend(other.identities);
        self.leads.extend(other.leads);
        self.contents.extend(other.contents);
    }
}

impl Snapshot {
    /// Takes of `found` what is `missing`.
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

    /// What an identity leads to.
    pub(super) fn holder(&mut self, identity: &str) -> Result<Option<&'s Holder>, Unread> {
        if let Some(holder) = self.snapshot.0.identities.get(identity) {
            return Ok(holder.as_ref());
        }
        self.missing.identities.insert(identity.to_owned());
        Err(Unread)
    }

    /// A lead as it is, if it is there.
    pub(super) fn lead(&mut self, lead: &LeadId) -> Result<Option<&'s Known>, Unread> {
        if let Some(known) = self.snapshot.0.leads.get(lead) {
            return Ok(known.as_ref());
        }
        self.missing.leads.insert(lead.clone());
        Err(Unread)
    }

    /// Whether something is kept.
    pub(super) fn keeps(&mut self, content: Content) -> Result<bool, Unread> {
        if let Some(kept) = self.snapshot.0.contents.get(&content) {
            return Ok(*kept);
        }
        self.missing.contents.insert(content);
        Err(Unread)
    }

    /// The leads from `lead` to the one that carries on for it, that one last.
    pub(super) fn merges(&mut self, lead: &LeadId) -> Result<Result<Vec<&'s Known>, AdmissionError>, Unread> {
        let mut chain = Vec::new();
        let mut next = lead;
        for _ in 0..=MAX_MERGES {
            let Some(known) = self.lead(next)? else { break };
            chain.push(known);
            match known.state.merged_into() {
                Some(into) => next = into,
                None => return Ok(Ok(chain)),
            }
        }
        // A lead that is not there merges into nothing; one that was merged leads to one that is there.
        Ok(if chain.is_empty() { Ok(chain) } else { Err(AdmissionError::MergedTooOften(lead.clone())) })
    }

    /// The lead that carries on for `lead`.
    pub(super) fn survivor(&mut self, lead: &LeadId) -> Result<Result<Survivor<'s>, AdmissionError>, Unread> {
        Ok(self.merges(lead)?.map(|chain| match chain.last() {
            Some(known) if !known.state.is_unstored() => Survivor::Lead(known),
            _ => Survivor::Unstored,
        }))
    }
}

impl Known {
    /// Who it is, as far as anything is known.
    pub(super) fn who(&self) -> Profile {
        self.profile.clone().unwrap_or_default()
    }

    /// The profile that takes the place of the one that was read.
    pub(super) fn reprofiled(&self, profile: Profile) -> Reprofiled {
        let lead = self.state.lead_id.clone();
        Reprofiled { lead, profile, expected_version: self.profile_version }
    }
}
