//! What a rulebook looks at when it decides on a lead.

use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::SourceId;
use fairleader_lead::profile::Profile;
use fairleader_lead::score::Score;
use jiff::Timestamp;

/// What a rulebook may look at when it decides on a lead.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Who the lead is.
    pub profile: &'a Profile,
    /// Where it came from.
    pub source: &'a SourceId,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its account, if it has one.
    pub account: Option<&'a AccountFacts>,
    /// Its score, once it has one.
    pub score: Option<&'a Score>,
    /// The instant it is decided on; ages and half-lives count up to it.
    pub now: Timestamp,
}
