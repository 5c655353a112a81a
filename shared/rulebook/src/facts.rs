//! The input of a decision.

use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::SourceId;
use fairleader_lead::profile::Profile;
use fairleader_lead::score::Score;
use jiff::Timestamp;

/// What a rulebook may use to decide on a lead.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The lead's profile.
    pub profile: &'a Profile,
    /// The source that sent it.
    pub source: &'a SourceId,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its account, if any.
    pub account: Option<&'a AccountFacts>,
    /// Its score, if it has been scored.
    pub score: Option<&'a Score>,
    /// The time of the decision; ages and half-lives are relative to it.
    pub now: Timestamp,
}
