//! Conversion of a stored explanation for replies. Turns become decimal numbers.

use fairleader_domain::gate::Gate;
use fairleader_domain::routing::{self, Why, turns};

use super::{Candidate, Decision, NearMiss, PoolTried, Score};

impl From<Why> for Decision {
    fn from(why: Why) -> Self {
        let near_misses = why.explanation.near_misses.into_iter();
        let pools = why.choice.pools.into_iter();
        Self {
            summary: why.summary.join(" "),
            details: why.sentences,
            at: why.at,
            stage: why.stage.into(),
            rule: why.explanation.rule,
            rulebook: why.rulebook,
            reasons: why.explanation.reasons,
            lookups: why.explanation.lookups,
            near_misses: near_misses.map(|near| NearMiss { rule: near.rule, failed: near.failed }).collect(),
            score: Score::from(why.score),
            named: why.choice.named.map(Candidate::from),
            pools: pools
                .map(|tried| PoolTried {
                    pool: tried.pool,
                    candidates: tried.members.into_iter().map(Candidate::from).collect(),
                })
                .collect(),
            chosen: why.choice.chosen,
            event: why.event,
        }
    }
}

impl From<routing::Candidate> for Candidate {
    fn from(of: routing::Candidate) -> Self {
        Self {
            rep: of.rep,
            stopped_by: of.stopped_by.map(|gate| word(gate).to_owned()),
            in_words: of.stopped_by.map_or("was available", Gate::words).to_owned(),
            owed: of.lag.map(turns),
        }
    }
}

const fn word(gate: Gate) -> &'static str {
    match gate {
        Gate::Unknown => "unknown",
        Gate::Off => "off",
        Gate::OutsideHours => "outside_hours",
        Gate::AtCapacity => "at_capacity",
    }
}
