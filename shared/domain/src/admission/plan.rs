//! Plan of an admission: everything that changes together.

use fairleader_lead::activity::Activity;
use fairleader_lead::id::{LeadId, RepId, SourceId};
use fairleader_lead::identity::IdentityKey;
use fairleader_lead::profile::Profile;
use fairleader_lead::state::{State, TurnTaken};
use fairleader_lead::submission::Submission;
use jiff::Timestamp;

use crate::lifecycle::Change;

/// Change of the lead that an identity leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The identity.
    pub identity: IdentityKey,
    /// The lead.
    pub lead: LeadId,
    /// The lead that it led to before, which was never stored. `None` if the identity must not exist.
    pub from: Option<LeadId>,
}

/// Later submission for a stored lead: a resubmission with other content, or another submission of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absorbed {
    /// When it was accepted.
    pub received_at: Timestamp,
    /// SHA-256 of the content, in hex.
    pub payload_hash: String,
    /// Its own lead id; for a resubmission, that of the stored lead.
    pub lead_id: LeadId,
    /// The content.
    pub submission: Submission,
}

/// Activity in the history of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The activity.
    pub activity: Activity,
    /// The source that reported it.
    pub source: SourceId,
    /// When the report was accepted.
    pub received_at: Timestamp,
    /// SHA-256 of the content, in hex, if it came with an idempotency key.
    pub content: Option<String>,
}

/// Change of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reprofiled {
    /// The lead.
    pub lead: LeadId,
    /// The new profile.
    pub profile: Profile,
    /// The required version of the profile before; 0 if it must not exist.
    pub expected_version: u64,
}

/// Seat and turn that the owner of a merged lead gets back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freed {
    /// The rep whose seat becomes free.
    pub rep: RepId,
    /// The turn that the lead cost them; `None` if it cost none.
    pub turn: Option<TurnTaken>,
    /// The merged lead.
    pub lead: LeadId,
    /// Number of its assignment.
    pub assignment: u32,
}

/// Changes to commit, all or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    /// Changes of identities.
    pub claims: Vec<Claim>,
    /// A new lead. Its id must not exist.
    pub stored: Option<State>,
    /// Changes of leads, with their events. Each lead must have the version that its change expects.
    pub changes: Vec<Change>,
    /// Profiles of leads that are new or change in this plan.
    pub profiles: Vec<Reprofiled>,
    /// A later submission for a lead. It must not be stored yet.
    pub absorbed: Option<(LeadId, Absorbed)>,
    /// An activity of a lead. It must not be stored yet.
    pub recorded: Option<(LeadId, Recorded)>,
    /// Seat and turn that the owner of a merged lead gets back.
    pub freed: Option<Freed>,
}

impl Plan {
    /// Checks that the plan can be committed as one transaction: it writes no item twice, and every profile, submission
    /// and activity comes with the state of its lead.
    pub fn check(&self) -> bool {
        let stored = self.stored.iter().map(|state| &state.lead_id);
        let states: Vec<&LeadId> = stored.chain(self.changes.iter().map(|change| &change.state.lead_id)).collect();
        let identities: Vec<&str> = self.claims.iter().map(|claim| claim.identity.as_str()).collect();
        let profiles: Vec<&LeadId> = self.profiles.iter().map(|profile| &profile.lead).collect();
        let kept = self.absorbed.iter().map(|(lead, _)| lead).chain(self.recorded.iter().map(|(lead, _)| lead));
        distinct(&states)
            && distinct(&identities)
            && distinct(&profiles)
            && profiles.iter().copied().chain(kept).all(|lead| states.contains(&lead))
    }
}

fn distinct<T: Ord>(all: &[T]) -> bool {
    let mut sorted: Vec<&T> = all.iter().collect();
    sorted.sort();
    sorted.windows(2).all(|pair| pair.first() != pair.last())
}
