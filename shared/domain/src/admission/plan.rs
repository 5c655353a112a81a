//! Everything that changes together when something comes in.

use fairleader_lead::activity::Activity;
use fairleader_lead::id::{LeadId, RepId, SourceId};
use fairleader_lead::profile::Profile;
use fairleader_lead::state::{State, TurnTaken};
use fairleader_lead::submission::Submission;
use jiff::Timestamp;

use crate::lifecycle::Change;

/// An identity that comes to lead to a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The identity.
    pub identity: String,
    /// The lead.
    pub lead: LeadId,
    /// The lead that it leads to now, which was never stored; `None` if it must lead nowhere.
    pub from: Option<LeadId>,
}

/// What came in for a lead after it was stored: the same submission with other content, or another one of the same
/// person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absorbed {
    /// When it was accepted.
    pub received_at: Timestamp,
    /// SHA-256 of the content, in hex.
    pub payload_hash: String,
    /// The lead it came as; the one that keeps it for a resubmission.
    pub lead_id: LeadId,
    /// The content.
    pub submission: Submission,
}

/// Something the person did, as it stays in the lead's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What.
    pub activity: Activity,
    /// Who said so.
    pub source: SourceId,
    /// When that was accepted.
    pub received_at: Timestamp,
}

/// Who a lead is from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reprofiled {
    /// The lead.
    pub lead: LeadId,
    /// Who it is.
    pub profile: Profile,
    /// The version that its profile has to have still; 0 if there must be none.
    pub expected_version: u64,
}

/// What the owner of a lead that ends gets back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freed {
    /// The rep whose seat becomes free.
    pub rep: RepId,
    /// The turn that the lead cost them; absent if it was no pool's turn.
    pub turn: Option<TurnTaken>,
    /// The lead that ends.
    pub lead: LeadId,
    /// Which assignment of it the turn was for.
    pub assignment: u32,
}

/// What to commit: all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    /// Identities that change hands.
    pub claims: Vec<Claim>,
    /// A lead that is stored. There must not be one of its id.
    pub stored: Option<State>,
    /// Leads that change, with their events. Each must be at the version that its change expects.
    pub changes: Vec<Change>,
    /// Profiles of leads that are stored or change in this plan.
    pub profiles: Vec<Reprofiled>,
    /// What a lead keeps; it must not be there yet.
    pub absorbed: Option<(LeadId, Absorbed)>,
    /// What a lead's person did; it must not be there yet.
    pub recorded: Option<(LeadId, Recorded)>,
    /// What the owner of a lead that ends gets back.
    pub freed: Option<Freed>,
}

impl Plan {
    /// Whether the plan can be committed as one transaction: it writes no item twice, and every profile and everything
    /// that is kept goes with a state.
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
