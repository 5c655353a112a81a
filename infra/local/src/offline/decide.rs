//! Decides on one lead with a rulebook.

use fairleader_lead::matching::Accounts;
use fairleader_lead::profile::Profile;
use fairleader_lead::ruling::{Outcome, Ruling, Section};
use fairleader_lead::score::Score;
use fairleader_lead::submission::sample::Sample;
use fairleader_rulebook::{Explanation, Facts, Rulebook};
use jiff::Timestamp;

/// Decision on a lead.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The lead's profile.
    pub profile: Profile,
    /// Where the rulebook sends the lead.
    pub ruling: Ruling,
    /// The score; `None` for a lead that a `block` rule stops.
    pub score: Option<Score>,
    /// Why the lead goes there.
    pub explanation: Explanation,
}

impl Decided {
    /// Returns the explanation in plain sentences.
    pub fn sentences(&self) -> Vec<String> {
        self.explanation.sentences(self.score.as_ref(), None)
    }

    /// Returns the destination in a few words: `pool dach`, `refused (junk)`.
    pub fn goes_to(&self) -> String {
        match &self.ruling.outcome {
            Outcome::Pool { pool, .. } => format!("pool {pool}"),
            Outcome::Owner { rep, .. } => format!("rep {rep}"),
            Outcome::Nurture { reason } => format!("nurture ({reason})"),
            Outcome::Disqualify { reason } => format!("refused ({reason})"),
            Outcome::Hold { reason } => format!("on hold ({reason})"),
        }
    }
}

/// Decides on one lead as the pipeline would do at `now`.
pub fn decide(rulebook: &Rulebook, accounts: &Accounts, sample: &Sample, now: Timestamp) -> Decided {
    let mut profile = sample.profile();
    let account = accounts.recognise(&mut profile);
    let facts = Facts {
        profile: &profile,
        source: &sample.source,
        received_at: sample.received_at,
        account: account.as_ref(),
        score: None,
        now,
    };
    let score = rulebook.score(&facts);
    let facts = Facts { score: Some(&score), ..facts };
    let (ruling, explanation) = (rulebook.decide(&facts), rulebook.explain(&facts));
    let score = (explanation.section != Section::Block).then_some(score);
    Decided { profile, ruling, score, explanation }
}
