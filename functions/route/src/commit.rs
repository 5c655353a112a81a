//! Decides on a batch and commits it, group by group, deciding anew where others were faster.

use std::collections::BTreeMap;

use fairleader_domain::routing;
use fairleader_domain::routing::{Group, Plan, Planned, Ruled, Why};
use fairleader_lead::id::{LeadId, RepId};
use fairleader_runtime::{Chain, FunctionError, pause};
use fairleader_store::{Committed, Tried};
use futures::future::join_all;
use tracing::{error, info, warn};

use crate::gather::Known;
use crate::{Ask, Route};

/// How often a batch is decided anew within a call when others are faster.
const ATTEMPTS: u32 = 12;
/// Most leads in one transaction, as many as are read together: three items each, with up to two reps and two rotations
/// each and their ledger items, are below DynamoDB's 100.
const LEADS_PER_TRANSACTION: usize = 10;

/// What a write of a transaction was for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// A lead's state, event or explanation.
    Lead(LeadId),
    /// A rep's open leads.
    Seat(RepId),
    /// A pool's rotation or ledger.
    Turn,
}

/// What became of a group.
enum Outcome {
    /// Committed.
    Done,
    /// Others were faster: read again and decide again.
    Again,
    /// DynamoDB refused the request as a whole.
    Refused(String),
}

impl Route {
    /// Routes leads; gives back those that could not be, each with the cause.
    pub(crate) async fn route(&self, asks: Vec<Ask>) -> BTreeMap<LeadId, String> {
        let mut failures = BTreeMap::new();
        let mut left = asks;
        for attempt in 0..ATTEMPTS {
            if left.is_empty() {
                return failures;
            }
            if attempt > 0 {
                // Longer than the first wait there is: batches of one pool take a while to commit.
                pause(attempt + 1, left.iter().map(|ask| ask.lead_id.as_str())).await;
            }
            match self.attempt(&left, &mut failures).await {
                Ok(again) => left = again,
                // What was read together failed together. One by one, only the lead that is at fault fails.
                Err(cause) if left.len() > 1 => {
                    warn!(leads = left.len(), cause = %Chain(cause.as_ref()), "batch failed; trying its leads one by one");
                    for ask in left {
                        failures.extend(Box::pin(self.route(vec![ask])).await);
                    }
                    return failures;
                }
                Err(cause) => {
                    let cause = Chain(cause.as_ref()).to_string();
                    failures.extend(left.into_iter().map(|ask| (ask.lead_id, cause.clone())));
                    return failures;
                }
            }
        }
        failures.extend(left.into_iter().map(|ask| (ask.lead_id, format!("others were faster {ATTEMPTS} times"))));
        failures
    }

    /// Reads, decides and commits once. Gives back what has to be decided anew.
    async fn attempt(&self, asks: &[Ask], failures: &mut BTreeMap<LeadId, String>) -> Result<Vec<Ask>, FunctionError> {
        let (known, broken) = self.gather(asks).await?;
        failures.extend(broken);
        let world = self.world(&known).await?;
        let ruled: Vec<Ruled> = known.iter().map(|known| known.ruled.clone()).collect();
        let known: BTreeMap<LeadId, Known> =
            known.into_iter().map(|known| (known.lead.state.lead_id.clone(), known)).collect();
        let Plan { groups, refused, unchanged } = routing::plan(ruled, world, self.clock.now());
        for (lead, refusal) in refused {
            info!(lead.id = %lead, reason = %refusal, "nothing to decide");
        }
        for lead in unchanged {
            info!(lead.id = %lead, "nobody else is free yet");
        }
        let mut again = Vec::new();
        // The groups have nothing in common but reps, whose seats are checked by each.
        let commits = groups.into_iter().map(|group| async {
            let leads: Vec<LeadId> = group.leads.iter().map(|lead| lead.change.state.lead_id.clone()).collect();
            (leads, self.commit_group(group, &known).await)
        });
        for (leads, outcome) in join_all(commits).await {
            match outcome? {
                Outcome::Done => {}
                Outcome::Again => again.extend(leads),
                // One lead alone is refused for good; several are tried one by one, so that one does not stop the rest.
                Outcome::Refused(reason) => match <[LeadId; 1]>::try_from(leads) {
                    Ok([lead]) => {
                        failures.insert(lead, reason);
                    }
                    Err(leads) => {
                        warn!(leads = leads.len(), reason, "transaction refused; trying its leads one by one");
                        for lead in leads {
                            let alone = asks.iter().filter(|ask| ask.lead_id == lead).cloned().collect::<Vec<_>>();
                            Box::pin(self.attempt(&alone, failures))
                                .await
                                .map(|left| again.extend(left.into_iter().map(|ask| ask.lead_id)))?;
                        }
                    }
                },
            }
        }
        Ok(asks.iter().filter(|ask| again.contains(&ask.lead_id)).cloned().collect())
    }

    async fn commit_group(&self, group: Group, known: &BTreeMap<LeadId, Known>) -> Result<Outcome, FunctionError> {
        if group.leads.len() > LEADS_PER_TRANSACTION {
            return Ok(Outcome::Refused(format!("{} leads are too many for one transaction", group.leads.len())));
        }
        let mut transaction = self.leads.transaction();
        for planned in &group.leads {
            let lead = &planned.change.state.lead_id;
            self.leads.change(&mut transaction, Part::Lead(lead.clone()), &planned.change)?;
            if let Some(why) = known.get(lead).map(|known| explained(known, planned)) {
                self.leads.explain(&mut transaction, Part::Lead(lead.clone()), lead, &why)?;
            }
        }
        for (rep, seats) in &group.seats {
            self.reps.seat(&mut transaction, Part::Seat(rep.clone()), rep, *seats)?;
        }
        for turns in &group.turns {
            self.pools.turn(&mut transaction, Part::Turn, turns)?;
        }
        match transaction.try_commit().await? {
            Tried::Committed(Committed::Done) => {
                for planned in &group.leads {
                    told(planned);
                }
                Ok(Outcome::Done)
            }
            Tried::Committed(Committed::Stale(parts)) => {
                info!(leads = group.leads.len(), lost = ?parts, "others were faster");
                Ok(Outcome::Again)
            }
            Tried::Committed(Committed::Busy) => Ok(Outcome::Again),
            Tried::Refused(reason) => {
                error!(leads = group.leads.len(), reason, "transaction refused");
                Ok(Outcome::Refused(reason))
            }
        }
    }
}

fn explained(known: &Known, planned: &Planned) -> Why {
    let Known { rulebook, ruled, .. } = known;
    Why::new(planned, rulebook.explain(&known.facts()), ruled.score.clone(), rulebook.time_zone())
}

fn told(planned: &Planned) {
    let state = &planned.change.state;
    info!(
        lead.id = %state.lead_id,
        stage = state.stage().as_str(),
        owner = state.owner().map(tracing::field::display),
        pool = state.pool().map(tracing::field::display),
        rule = state.decided.as_ref().map(|decided| decided.rule.as_str()),
        "routed lead"
    );
}
