//! Reroute of open leads by a version of the rulebook: preview, plan, progress and cancellation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use fairleader_api::shape::rulebooks as shape;
use fairleader_api::shape::rulebooks::NewReroute;
use fairleader_api::{Call, Code, Problem, Reply, reply};
use fairleader_domain::replay::Past;
use fairleader_domain::reroute::{Report, Reroute, RerouteRefusal};
use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::{AccountId, LeadId, PoolId, RulebookVersion};
use fairleader_lead::pool::Pool;
use fairleader_rulebook::Rulebook;
use fairleader_runtime::http::{Answer, Failure};
use fairleader_store::{LeadPage, OpenLeads, StoreError, Tries};
use tracing::info;

use crate::aside::aside;
use crate::rulebook::version_in;
use crate::{Rulebooks, last_page_at};

/// Leads that are loaded together.
const PAGE: i32 = 100;

impl Rulebooks {
    /// `POST /v1/rulebooks/{version}/reroute`: reroutes open leads by this version, or previews it.
    pub(crate) async fn reroute(&self, call: &Call<'_>) -> Answer {
        let version = version_in(call)?;
        let by = call.caller()?.subject.as_str();
        let NewReroute { preview, cursor, at } = call.json_or_default()?;
        if preview {
            if at.is_some() {
                return Err(unfit("at", "a preview shows the leads that are open now; leave `at` out"));
            }
            return self.preview(call, version, cursor.as_deref()).await;
        }
        if cursor.is_some() {
            return Err(unfit("cursor", "only a preview has a cursor; add `\"preview\": true`"));
        }
        // A version that can no longer be read fails now, not at the planned time.
        self.compiled(&version).await?;
        let mut tries = Tries::until(call.deadline, ["reroutes"]);
        loop {
            tries.again("changing the reroutes").await?;
            let seen = self.versions.reroutes().await?;
            let activations = self.versions.activations().await?.activations;
            let now = self.clock.now();
            let next = seen.reroutes.plan(&version, at, by, &activations, now).map_err(|r| refusal(&r))?;
            if next == seen.reroutes || self.versions.replace_reroutes(&seen, &next).await? {
                info!(rulebook = %version, at = at.map(tracing::field::display), "planned reroute");
                return planned(202, next.of(&version), &version);
            }
        }
    }

    /// `GET /v1/rulebooks/{version}/reroute`: returns the time and progress of the reroute by this version.
    pub(crate) async fn rerouting(&self, call: &Call<'_>) -> Answer {
        let version = version_in(call)?;
        planned(200, self.versions.reroutes().await?.reroutes.of(&version), &version)
    }

    /// `DELETE /v1/rulebooks/{version}/reroute`: stops or cancels the reroute by this version. Idempotent.
    pub(crate) async fn cancel_reroute(&self, call: &Call<'_>) -> Answer {
        let version = version_in(call)?;
        let mut tries = Tries::until(call.deadline, ["reroutes"]);
        loop {
            tries.again("changing the reroutes").await?;
            let seen = self.versions.reroutes().await?;
            let next = seen.reroutes.cancel(&version, self.clock.now());
            if next == seen.reroutes || self.versions.replace_reroutes(&seen, &next).await? {
                return planned(200, next.of(&version), &version);
            }
        }
    }

    async fn preview(&self, call: &Call<'_>, version: RulebookVersion, cursor: Option<&str>) -> Answer {
        let end = last_page_at(call);
        let new = self.compiled(&version).await?;
        let pools = self.pools.definitions().await?.into_iter().map(|pool| (pool.pool_id.clone(), pool));
        let pools: Arc<BTreeMap<PoolId, Pool>> = Arc::new(pools.collect());
        let open = OpenLeads::new(self.reps.all().await?.into_keys());
        let mut report = Report::default();
        let mut from = cursor.map(str::to_owned);
        loop {
            let LeadPage { leads, next } = self.leads.open(&open, PAGE, from.as_deref()).await?;
            report = self.look(call, &leads, &new, &pools, report).await?;
            from = next;
            if from.is_none() || Instant::now() > end {
                break;
            }
        }
        info!(rulebook = %version, leads = report.leads, goes = report.goes, "previewed");
        let preview = shape::ReroutePreview { version, sentences: report.sentences(), report, next: from };
        Ok(reply::json(200, &preview))
    }

    /// Adds these leads to `report`.
    async fn look(
        &self,
        call: &Call<'_>,
        leads: &[LeadId],
        new: &Arc<Rulebook>,
        pools: &Arc<BTreeMap<PoolId, Pool>>,
        mut report: Report,
    ) -> Result<Report, Failure> {
        if leads.is_empty() {
            return Ok(report);
        }
        let leads = self.leads.load_all(leads).await?;
        let accounts = self.accounts_of(leads.iter().filter_map(|lead| lead.profile.account_id.clone())).await?;
        let mut known: BTreeMap<RulebookVersion, Option<Arc<Rulebook>>> = BTreeMap::new();
        for version in leads.iter().filter_map(|lead| Some(&lead.state.decided.as_ref()?.rulebook)) {
            if !known.contains_key(version) {
                known.insert(version.clone(), self.compiled.readable(version).await?);
            }
        }
        let now = self.clock.now();
        let (new, pools) = (Arc::clone(new), Arc::clone(pools));
        let looked = aside(call.deadline, move |work| {
            for lead in leads.iter().take_while(|_| !work.is_stopped()) {
                let account = lead.profile.account_id.as_ref().and_then(|id| accounts.get(id));
                let was = lead.state.decided.as_ref().and_then(|was| known.get(&was.rulebook)?.as_deref());
                let past = Past { state: &lead.state, profile: &lead.profile, account };
                report.look(past, was, &new, |id| pools.get(id), now);
            }
            report
        });
        looked.await
    }

    /// Loads the facts about these accounts.
    pub(crate) async fn accounts_of(
        &self,
        accounts: impl IntoIterator<Item = AccountId>,
    ) -> Result<BTreeMap<AccountId, AccountFacts>, StoreError> {
        let accounts: Vec<AccountId> = accounts.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        if accounts.is_empty() { Ok(BTreeMap::new()) } else { self.accounts.facts(&accounts).await }
    }
}

fn planned(status: u16, reroute: Option<&Reroute>, version: &RulebookVersion) -> Result<Reply, Failure> {
    let Some(reroute) = reroute else {
        let title = format!("there is no reroute by rulebook {version}");
        return Err(Problem::not_found(title).into());
    };
    Ok(reply::json(status, &shape::Reroute::from(reroute)))
}

fn unfit(field: &str, detail: &str) -> Failure {
    Problem::new(Code::InvalidBody, format!("`{field}` was rejected")).detail(detail).into()
}

fn refusal(refusal: &RerouteRefusal) -> Problem {
    let code = match refusal {
        RerouteRefusal::Past(_) => Code::InvalidBody,
        RerouteRefusal::NotActive { .. } => Code::NotActive,
        RerouteRefusal::Running(_) => Code::Running,
    };
    Problem::new(code, refusal.to_string())
}
