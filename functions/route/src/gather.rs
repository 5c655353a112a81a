//! Reads what a batch of decisions needs: leads, accounts, rulebooks, pools and reps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fairleader_domain::reroute;
use fairleader_domain::routing::{MAX_FALLBACKS, Ruled, World};
use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::{AccountId, LeadId, PoolId, RepId, RulebookVersion};
use fairleader_lead::ruling::{IfNobody, IfUnavailable, Outcome};
use fairleader_lead::state::{Stage, State};
use fairleader_rulebook::{Facts, Rulebook};
use fairleader_runtime::FunctionError;
use fairleader_store::Loaded;
use jiff::Timestamp;
use tracing::{Instrument, Span, info};

use crate::{Ask, Route};

/// Lead with everything that its decision and explanation need.
pub(crate) struct Known {
    pub(crate) lead: Loaded,
    pub(crate) account: Option<AccountFacts>,
    pub(crate) rulebook: Arc<Rulebook>,
    pub(crate) ruled: Ruled,
    /// The time of the ruling.
    pub(crate) now: Timestamp,
    /// The span of the lead in the log.
    pub(crate) span: Span,
}

impl Known {
    /// Returns the facts that the rulebook uses.
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts { score: Some(&self.ruled.score), ..facts(&self.lead, self.account.as_ref(), self.now) }
    }
}

fn facts<'a>(lead: &'a Loaded, account: Option<&'a AccountFacts>, now: Timestamp) -> Facts<'a> {
    let State { source, milestones, .. } = &lead.state;
    Facts { profile: &lead.profile, source, received_at: milestones.received, account, score: None, now }
}

fn account_of(lead: &Loaded, accounts: &BTreeMap<AccountId, AccountFacts>) -> Option<AccountFacts> {
    lead.profile.account_id.as_ref().and_then(|id| accounts.get(id)).cloned()
}

impl Route {
    /// Reads the leads and applies the rulebook. Leads that need no decision are left out. The second value has the
    /// leads that failed, with the cause.
    pub(crate) async fn gather(
        &self,
        asks: &[Ask],
        now: Timestamp,
    ) -> Result<(Vec<Known>, BTreeMap<LeadId, String>), FunctionError> {
        let ids: Vec<LeadId> = asks.iter().map(|ask| ask.lead_id.clone()).collect();
        let mut leads: BTreeMap<LeadId, Loaded> =
            self.leads.load_all(&ids).await?.into_iter().map(|lead| (lead.state.lead_id.clone(), lead)).collect();
        let accounts: Vec<AccountId> = leads.values().filter_map(|lead| lead.profile.account_id.clone()).collect();
        let accounts = if accounts.is_empty() { BTreeMap::new() } else { self.accounts.facts(&accounts).await? };
        let mut known = Vec::with_capacity(asks.len());
        let mut broken = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for ask in asks {
            // Of several commands for a lead in a batch, the first is enough.
            if !seen.insert(&ask.lead_id) {
                continue;
            }
            let Some(lead) = leads.remove(&ask.lead_id) else {
                broken.insert(ask.lead_id.clone(), "it is not stored".to_owned());
                continue;
            };
            let versions: Vec<&RulebookVersion> = asks
                .iter()
                .filter(|other| other.lead_id == ask.lead_id)
                .filter_map(|other| other.reroute.as_ref())
                .collect();
            let ruled = match lead.state.stage() {
                Stage::Assigned if !versions.is_empty() => {
                    self.rule_anew(ask, &versions, lead, &accounts, now).instrument(ask.span.clone()).await
                }
                stage if stage.is_undecided() => {
                    self.rule(ask, lead, &accounts, now).instrument(ask.span.clone()).await.map(Some)
                }
                stage => {
                    ask.span.in_scope(|| info!(stage = stage.as_str(), "nothing to decide"));
                    continue;
                }
            };
            match ruled {
                Ok(ruled) => known.extend(ruled),
                Err(cause) => {
                    broken.insert(ask.lead_id.clone(), cause.to_string());
                }
            }
        }
        Ok((known, broken))
    }

    async fn rule(
        &self,
        ask: &Ask,
        lead: Loaded,
        accounts: &BTreeMap<AccountId, AccountFacts>,
        now: Timestamp,
    ) -> Result<Known, FunctionError> {
        let version = match &ask.rulebook {
            Some(version) => version.clone(),
            None => self.rulebooks.version(now).await?,
        };
        let rulebook = self.rulebooks.get(&version).await?;
        let account = account_of(&lead, accounts);
        let mut facts = facts(&lead, account.as_ref(), now);
        // A score for another version of the lead may be outdated, so it is computed again.
        let score = match &ask.score {
            Some(score) if ask.version == lead.state.version => score.clone(),
            _ => rulebook.score(&facts),
        };
        let score = lead.state.keep_mql(score);
        facts.score = Some(&score);
        let ruling = rulebook.decide(&facts);
        let ruled = Ruled::by(ruling, lead.state.clone(), score, version);
        Ok(Known { lead, account, rulebook, ruled, now, span: ask.span.clone() })
    }

    /// Applies the active rulebook to a lead that has an owner or waits, if it is one of `versions`. Returns the ruling
    /// if the lead moves to another destination.
    async fn rule_anew(
        &self,
        ask: &Ask,
        versions: &[&RulebookVersion],
        lead: Loaded,
        accounts: &BTreeMap<AccountId, AccountFacts>,
        now: Timestamp,
    ) -> Result<Option<Known>, FunctionError> {
        let version = self.rulebooks.version(now).await?;
        if !versions.contains(&&version) {
            info!(active = %version, "another version is active");
            return Ok(None);
        }
        let rulebook = self.rulebooks.get(&version).await?;
        let before = match &lead.state.decided {
            Some(before) => self.rulebooks.readable(&before.rulebook).await?,
            None => None,
        };
        let account = account_of(&lead, accounts);
        let facts = facts(&lead, account.as_ref(), now);
        let was = before.map(|before| reroute::rule(&before, &facts, &lead.state).1.outcome);
        let (score, ruling) = reroute::rule(&rulebook, &facts, &lead.state);
        let pools = self.pools.now(&pools_of(&ruling.outcome)).await?;
        let pool = |id: &PoolId| pools.get(id).map(|now| &now.pool);
        if let Err(stays) = reroute::goes(&lead.state, was.as_ref(), &ruling.outcome, pool) {
            info!(reason = stays.words(), "lead stays where it is");
            return Ok(None);
        }
        let ruled = Ruled { reassigns: true, ..Ruled::by(ruling, lead.state.clone(), score, version) };
        Ok(Some(Known { lead, account, rulebook, ruled, now, span: ask.span.clone() }))
    }

    /// Reads the pools, with their fallbacks, and the reps that rulings name.
    pub(crate) async fn world(&self, known: &[Known]) -> Result<World, FunctionError> {
        let taken = || known.iter().filter(|known| known.ruled.reassigns).map(|known| &known.lead.state);
        let mut wanted: Vec<PoolId> = known.iter().flat_map(|known| pools_of(&known.ruled.outcome)).collect();
        wanted.extend(taken().filter_map(|state| state.pool().cloned()));
        let mut pools = BTreeMap::new();
        // A lead that waited too long goes to the fallback of its pool, and to the fallback's fallback.
        for _ in 0..=MAX_FALLBACKS {
            wanted.retain(|pool| !pools.contains_key(pool));
            if wanted.is_empty() {
                break;
            }
            let found = self.pools.now(&wanted).await?;
            wanted = found.values().filter_map(|now| now.pool.fallback.clone()).collect();
            pools.extend(found);
            if !known.iter().any(|known| known.lead.state.stage() == Stage::Waiting) {
                break;
            }
        }
        let mut reps: Vec<RepId> =
            pools.values().flat_map(|now| now.pool.members.iter().map(|member| member.rep.clone())).collect();
        reps.extend(known.iter().filter_map(|known| match &known.ruled.outcome {
            Outcome::Owner { rep, .. } => Some(rep.clone()),
            _ => None,
        }));
        reps.extend(taken().filter_map(|state| state.owner().cloned()));
        let turns: Vec<(PoolId, u64, LeadId, u32)> = taken()
            .filter_map(|state| {
                let turn = state.owned()?.turn.clone()?;
                Some((turn.pool, turn.version, state.lead_id.clone(), state.assignment))
            })
            .collect();
        let turns = if turns.is_empty() { BTreeMap::new() } else { self.pools.turns(&turns).await? };
        let turns = turns.into_iter().map(|((lead, _), entry)| (lead, entry.turn)).collect();
        let roster = if reps.is_empty() { BTreeMap::new() } else { self.reps.seatable(&reps).await? };
        Ok(World { roster, pools, turns })
    }
}

fn pools_of(outcome: &Outcome) -> Vec<PoolId> {
    match outcome {
        Outcome::Pool { pool, if_nobody: IfNobody::Pool(second) } => vec![pool.clone(), second.clone()],
        Outcome::Pool { pool, if_nobody: IfNobody::Wait }
        | Outcome::Owner { if_unavailable: IfUnavailable::Pool(pool), .. } => vec![pool.clone()],
        _ => Vec::new(),
    }
}
