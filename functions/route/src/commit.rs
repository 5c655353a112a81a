//! Decides on a batch and commits it, group by group. After a conflict, the leads of a group are decided again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use fairleader_domain::routing;
use fairleader_domain::routing::{Group, Plan, Planned, Ruled, Why};
use fairleader_lead::id::{LeadId, PoolId, RepId};
use fairleader_runtime::{Chain, FunctionError};
use fairleader_store::{Committed, Tried, Tries};
use futures::future::join_all;
use tracing::{error, info, warn};

use crate::gather::Known;
use crate::{Ask, Route};

/// Limit on the leads in one transaction and one read. At three items a lead, with up to two reps, two rotations and
/// their turns each, they stay below DynamoDB's limit of 100 items.
pub(crate) const LEADS_PER_TRANSACTION: usize = 10;

/// Result of routing leads.
#[derive(Default)]
pub(crate) struct Routed {
    /// Leads that could not be routed, each with the cause.
    pub(crate) failures: BTreeMap<LeadId, String>,
    /// Number of leads that were changed.
    pub(crate) changed: usize,
    /// Pools in these decisions without a member who can take another lead now.
    pub(crate) full: BTreeSet<PoolId>,
}

/// Label of a write in a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// State, event or explanation of a lead.
    Lead(LeadId),
    /// Open leads of a rep.
    Seat(RepId),
    /// Rotation or turns of a pool.
    Turn,
}

/// Result of committing a group.
enum Outcome {
    /// Committed.
    Done,
    /// Conflict: read and decide again.
    Again,
    /// DynamoDB rejected the whole request.
    Refused(String),
}

impl Route {
    /// Routes leads until `deadline`.
    pub(crate) async fn route(&self, asks: Vec<Ask>, deadline: Instant) -> Routed {
        let mut routed = Routed::default();
        let mut left = asks;
        let ids: Vec<LeadId> = left.iter().map(|ask| ask.lead_id.clone()).collect();
        let mut tries = Tries::until(deadline, ids.iter().map(LeadId::as_str));
        while !left.is_empty() {
            if let Err(cause) = tries.again("routing").await {
                let cause = cause.to_string();
                routed.failures.extend(left.into_iter().map(|ask| (ask.lead_id, cause.clone())));
                break;
            }
            match self.attempt(&left, &mut routed).await {
                Ok(again) => left = again,
                // A shared read fails for all leads. One by one, only the damaged lead fails.
                Err(cause) if left.len() > 1 => {
                    warn!(leads = left.len(), cause = %Chain(cause.as_ref()), "batch failed; trying its leads one by one");
                    for ask in left {
                        let Routed { failures, changed, full } = Box::pin(self.route(vec![ask], deadline)).await;
                        routed.failures.extend(failures);
                        routed.changed += changed;
                        routed.full.extend(full);
                    }
                    break;
                }
                Err(cause) => {
                    let cause = Chain(cause.as_ref()).to_string();
                    routed.failures.extend(left.into_iter().map(|ask| (ask.lead_id, cause.clone())));
                    break;
                }
            }
        }
        routed
    }

    /// Reads, decides and commits once, as of one point in time. Returns the leads to decide again.
    async fn attempt(&self, asks: &[Ask], routed: &mut Routed) -> Result<Vec<Ask>, FunctionError> {
        let now = self.clock.now();
        let (known, broken) = self.gather(asks, now).await?;
        routed.failures.extend(broken);
        let world = self.world(&known).await?;
        let ruled: Vec<Ruled> = known.iter().map(|known| known.ruled.clone()).collect();
        let known: BTreeMap<LeadId, Known> =
            known.into_iter().map(|known| (known.lead.state.lead_id.clone(), known)).collect();
        let Plan { groups, refused, unchanged, full } = routing::plan(ruled, world, now);
        routed.full.extend(full);
        for (lead, refusal) in refused {
            in_span(&known, &lead, || info!(reason = %refusal, "nothing to decide"));
        }
        for lead in unchanged {
            in_span(&known, &lead, || info!("no other rep is free yet"));
        }
        let mut again = Vec::new();
        // The groups share only reps, and each group checks their seats.
        let commits = groups.into_iter().map(|group| async {
            let leads: Vec<LeadId> = group.leads.iter().map(|lead| lead.change.state.lead_id.clone()).collect();
            (leads, self.commit_group(group, &known).await)
        });
        for (leads, outcome) in join_all(commits).await {
            match outcome? {
                Outcome::Done => routed.changed += leads.len(),
                Outcome::Again => again.extend(leads),
                // The rejection of a single lead is final. Several leads are tried one by one, so that one does not
                // stop the rest.
                Outcome::Refused(reason) => match <[LeadId; 1]>::try_from(leads) {
                    Ok([lead]) => {
                        routed.failures.insert(lead, reason);
                    }
                    Err(leads) => {
                        warn!(leads = leads.len(), reason, "transaction rejected; trying its leads one by one");
                        for lead in leads {
                            let alone = asks.iter().filter(|ask| ask.lead_id == lead).cloned().collect::<Vec<_>>();
                            Box::pin(self.attempt(&alone, routed))
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
                    in_span(known, &planned.change.state.lead_id, || told(planned));
                }
                Ok(Outcome::Done)
            }
            Tried::Committed(Committed::Stale(parts)) => {
                info!(leads = group.leads.len(), lost = ?parts, "conflict");
                Ok(Outcome::Again)
            }
            Tried::Committed(Committed::Busy) => Ok(Outcome::Again),
            Tried::Refused(reason) => {
                error!(leads = group.leads.len(), reason, "transaction rejected");
                Ok(Outcome::Refused(reason))
            }
        }
    }
}

fn explained(known: &Known, planned: &Planned) -> Why {
    let Known { rulebook, ruled, .. } = known;
    Why::new(planned, rulebook.explain(&known.facts()), ruled.score.clone(), rulebook.time_zone())
}

/// Logs in the span of one lead.
fn in_span(known: &BTreeMap<LeadId, Known>, lead: &LeadId, log: impl FnOnce()) {
    match known.get(lead) {
        Some(known) => known.span.in_scope(log),
        None => log(),
    }
}

fn told(planned: &Planned) {
    let state = &planned.change.state;
    info!(
        stage = state.stage().as_str(),
        owner = state.owner().map(tracing::field::display),
        pool = state.pool().map(tracing::field::display),
        rule = state.decided.as_ref().map(|decided| decided.rule.as_str()),
        "routed lead"
    );
}
