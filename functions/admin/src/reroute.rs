//! Open leads that go elsewhere by another version of the rulebook: who would lose which, and when that happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fairleader_domain::replay::Past;
use fairleader_domain::reroute::{Report, Reroute, RerouteRefusal, SETTLES};
use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::{AccountId, LeadId, PoolId, RulebookVersion};
use fairleader_lead::pool::Pool;
use fairleader_rulebook::Rulebook;
use fairleader_runtime::http::{self, Caller, Problem};
use fairleader_store::{LeadPage, OpenLeads, StoreError};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::info;

use crate::rulebook::version_in;
use crate::{Admin, AdminError, Answer};

/// How often a plan is made anew when others are faster.
const ATTEMPTS: usize = 20;
/// Leads that are looked at together.
const PAGE: i32 = 100;
/// After this time no further page is read.
const TIME: SignedDuration = SignedDuration::from_secs(4);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Only tells what would happen.
    #[serde(default)]
    preview: bool,
    /// Where a preview goes on.
    #[serde(default)]
    cursor: Option<String>,
    /// From when on; from now on if it is left out.
    #[serde(default, deserialize_with = "crate::instant")]
    at: Option<Timestamp>,
}

/// What a call of a preview found.
#[derive(Serialize)]
struct Preview {
    version: RulebookVersion,
    /// Of the leads of this call; reports of several calls add up.
    report: Report,
    sentences: Vec<String>,
    /// Where the next call goes on; absent when all open leads were looked at.
    next: Option<String>,
}

impl Admin {
    /// `POST /v1/rulebooks/{version}/reroute`: open leads go where this version sends them, or with `preview` would.
    pub(crate) async fn reroute(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let version = version_in(request)?;
        let Wanted { preview, cursor, at } = crate::read_or_default(request)?;
        if preview {
            if at.is_some() {
                return Err(unfit("at", "a preview shows the leads that are open now; leave `at` out"));
            }
            return self.preview(version, cursor.as_deref()).await;
        }
        if cursor.is_some() {
            return Err(unfit("cursor", "only a preview goes on from a cursor; send `\"preview\": true` as well"));
        }
        // Whoever plans for a version that cannot be read should know now.
        self.compiled(&version).await?;
        for _ in 0..ATTEMPTS {
            let seen = self.rulebooks.reroutes().await?;
            let activations = self.rulebooks.activations().await?.activations;
            let now = self.clock.now();
            let next = seen.reroutes.plan(&version, at, &caller.subject, &activations, now).map_err(|r| refusal(&r))?;
            if next == seen.reroutes || self.rulebooks.replace_reroutes(&seen, &next).await? {
                info!(rulebook = %version, at = at.map(tracing::field::display), "open leads are to be routed anew");
                return planned(202, next.of(&version), &version);
            }
        }
        Err(busy())
    }

    /// `GET /v1/rulebooks/{version}/reroute`: when open leads are routed anew by this version, and how far that has come.
    pub(crate) async fn rerouting(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let version = version_in(request)?;
        planned(200, self.rulebooks.reroutes().await?.reroutes.of(&version), &version)
    }

    /// `DELETE /v1/rulebooks/{version}/reroute`: no more leads are routed anew by it. A repeat changes nothing.
    pub(crate) async fn cancel_reroute(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let version = version_in(request)?;
        for _ in 0..ATTEMPTS {
            let seen = self.rulebooks.reroutes().await?;
            let next = seen.reroutes.cancel(&version, self.clock.now());
            if next == seen.reroutes || self.rulebooks.replace_reroutes(&seen, &next).await? {
                return planned(200, next.of(&version), &version);
            }
        }
        Err(busy())
    }

    async fn preview(&self, version: RulebookVersion, cursor: Option<&str>) -> Answer {
        let started = self.clock.now();
        let new = self.compiled(&version).await?;
        let pools: BTreeMap<PoolId, Pool> =
            self.pools.definitions().await?.into_iter().map(|pool| (pool.pool_id.clone(), pool)).collect();
        let open = OpenLeads::new(self.reps.all().await?.into_keys());
        let mut report = Report::default();
        let mut from = cursor.map(str::to_owned);
        loop {
            let LeadPage { leads, next } = self.leads.open(&open, PAGE, from.as_deref()).await?;
            self.look(&leads, &new, &pools, &mut report).await?;
            from = next;
            if from.is_none() || self.clock.now().duration_since(started) > TIME {
                break;
            }
        }
        info!(rulebook = %version, leads = report.leads, goes = report.goes, "previewed");
        let preview = Preview { version, sentences: report.sentences(), report, next: from };
        Ok(http::json(200, &preview))
    }

    /// Adds these leads to `report`.
    async fn look(
        &self,
        leads: &[LeadId],
        new: &Rulebook,
        pools: &BTreeMap<PoolId, Pool>,
        report: &mut Report,
    ) -> Result<(), AdminError> {
        if leads.is_empty() {
            return Ok(());
        }
        let leads = self.leads.load_all(leads).await?;
        let accounts = self.accounts_of(leads.iter().filter_map(|lead| lead.profile.account_id.clone())).await?;
        let mut known: BTreeMap<&RulebookVersion, Option<Arc<Rulebook>>> = BTreeMap::new();
        for version in leads.iter().filter_map(|lead| Some(&lead.state.decided.as_ref()?.rulebook)) {
            if !known.contains_key(version) {
                known.insert(version, self.compiled.readable(version).await?);
            }
        }
        let now = self.clock.now();
        for lead in &leads {
            let account = lead.profile.account_id.as_ref().and_then(|id| accounts.get(id));
            let was = lead.state.decided.as_ref().and_then(|was| known.get(&was.rulebook)?.as_deref());
            let past = Past { state: &lead.state, profile: &lead.profile, account };
            report.look(past, was, new, |id| pools.get(id), now);
        }
        Ok(())
    }

    /// What is known of these accounts.
    pub(crate) async fn accounts_of(
        &self,
        accounts: impl IntoIterator<Item = AccountId>,
    ) -> Result<BTreeMap<AccountId, AccountFacts>, StoreError> {
        let accounts: Vec<AccountId> = accounts.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        if accounts.is_empty() { Ok(BTreeMap::new()) } else { self.accounts.facts(&accounts).await }
    }
}

fn planned(
    status: u16,
    reroute: Option<&Reroute>,
    version: &RulebookVersion,
) -> Result<ApiGatewayV2httpResponse, AdminError> {
    let Some(reroute) = reroute else {
        let title = format!("open leads were never to be routed anew by rulebook {version}");
        return Err(Problem::not_found(title).into());
    };
    let mut reply = json!(reroute);
    if let Some(fields) = reply.as_object_mut() {
        fields.insert("begins_after".to_owned(), json!(reroute.at.checked_add(SETTLES).unwrap_or(reroute.at)));
    }
    Ok(http::json(status, &reply))
}

fn unfit(field: &str, detail: &str) -> AdminError {
    Problem::new(422, "invalid_body", format!("`{field}` cannot be taken")).detail(detail).into()
}

fn busy() -> AdminError {
    Problem::new(409, "busy", "others planned for open leads again and again in this moment").detail("try again").into()
}

fn refusal(refusal: &RerouteRefusal) -> Problem {
    let (status, code) = match refusal {
        RerouteRefusal::Past(_) => (422, "invalid_body"),
        RerouteRefusal::NotActive { .. } => (409, "not_active"),
        RerouteRefusal::Running(_) => (409, "running"),
    };
    Problem::new(status, code, refusal.to_string())
}
