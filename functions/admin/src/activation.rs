//! Which version of the rulebook is active: now, from a time on, or the one before again.

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fairleader_domain::activation::{ActivationRefusal, Activations};
use fairleader_lead::id::{PoolId, RulebookVersion};
use fairleader_runtime::http::{self, Caller, Problem};
use fairleader_store::{RulebookRecord, StoredActivations};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

use crate::rulebook::{no_such_rulebook, numbered, refused, version_in};
use crate::{Admin, AdminError, Answer};

/// How often an activation is tried anew when others are faster.
const ATTEMPTS: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewActivation {
    /// From when on; from now on if it is left out.
    #[serde(default, deserialize_with = "crate::instant")]
    at: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RollBack {
    /// The version to leave.
    #[serde(default)]
    from: Option<String>,
}

impl Admin {
    /// `POST /v1/rulebooks/{version}/activate`: checked once more, because the roster may have changed since.
    pub(crate) async fn activate_rulebook(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let version = version_in(request)?;
        let NewActivation { at } = crate::read_or_default(request)?;
        for _ in 0..ATTEMPTS {
            // In this order: what is read of the review first is what the transaction holds it to.
            let Some((source, record)) = self.rulebooks.read(&version).await? else {
                return Err(no_such_rulebook(version.as_str()).into());
            };
            let seen = self.rulebooks.activations().await?;
            let now = self.clock.now();
            let next = match at {
                Some(at) => {
                    seen.activations.plan(&version, at, &caller.subject, now).map_err(|refused| refusal(&refused))?
                }
                None => seen.activations.activate(&version, &caller.subject, now),
            };
            // What is so already needs nobody's approval again.
            if next == seen.activations.as_of(now) {
                return Ok(self.activated(&version, &next, now));
            }
            self.approved(&record)?;
            if let Err(problems) = self.check(&source, &record.upload.tables).await? {
                return Ok(refused(&source, &problems));
            }
            if self.store(&seen, &next, Some(&record), now).await? {
                info!(rulebook = %version, at = at.map(tracing::field::display), "activated rulebook");
                return Ok(self.activated(&version, &next, now));
            }
        }
        Err(busy())
    }

    /// `DELETE /v1/rulebooks/{version}/activate`: its planned activation does not happen. A repeat changes nothing.
    pub(crate) async fn cancel_activation(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let version = version_in(request)?;
        for _ in 0..ATTEMPTS {
            let seen = self.rulebooks.activations().await?;
            let now = self.clock.now();
            if seen.activations.version(now) == Some(&version) {
                return Err(Problem::new(409, "already_active", format!("rulebook {version} is active already"))
                    .detail("go back with POST /v1/rulebooks/rollback, or activate another version")
                    .into());
            }
            let next = seen.activations.cancel(&version, now);
            if self.store(&seen, &next, None, now).await? {
                info!(rulebook = %version, "cancelled planned activation");
                return Ok(self.activated(&version, &next, now));
            }
        }
        Err(busy())
    }

    /// `POST /v1/rulebooks/rollback`: back to the version that was active before. It was approved then; it is checked
    /// against the roster as it is now.
    pub(crate) async fn roll_back(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let RollBack { from } = crate::read_or_default(request)?;
        let from = from.map(|from| numbered(&from)).transpose()?;
        for _ in 0..ATTEMPTS {
            let seen = self.rulebooks.activations().await?;
            let now = self.clock.now();
            let next =
                seen.activations.roll_back(from.as_ref(), &caller.subject, now).map_err(|refused| refusal(&refused))?;
            let version = next.version(now).cloned().ok_or_else(|| refusal(&ActivationRefusal::NoneActive))?;
            let Some((source, record)) = self.rulebooks.read(&version).await? else {
                return Err(no_such_rulebook(version.as_str()).into());
            };
            if let Err(problems) = self.check(&source, &record.upload.tables).await? {
                return Ok(refused(&source, &problems));
            }
            if self.store(&seen, &next, None, now).await? {
                info!(rulebook = %version, "went back to rulebook");
                return Ok(self.activated(&version, &next, now));
            }
        }
        Err(busy())
    }

    /// The active or planned version that names a pool.
    pub(crate) async fn rulebook_that_names(
        &self,
        pool: &PoolId,
    ) -> Result<Option<(&'static str, RulebookVersion)>, AdminError> {
        let now = self.clock.now();
        let activations = self.rulebooks.activations().await?.activations.as_of(now);
        let active = activations.version(now).map(|version| ("active", version));
        let planned = activations.next.as_ref().map(|planned| ("planned", &planned.version));
        for (which, version) in active.into_iter().chain(planned) {
            if let Some((source, record)) = self.rulebooks.read(version).await?
                && self.names(&source, &record.upload.tables, pool).await?
            {
                return Ok(Some((which, version.clone())));
            }
        }
        Ok(None)
    }

    /// Writes what was decided, unless that is what is there. Whether it is there now.
    async fn store(
        &self,
        seen: &StoredActivations,
        next: &Activations,
        approved: Option<&RulebookRecord>,
        now: Timestamp,
    ) -> Result<bool, AdminError> {
        if *next == seen.activations.as_of(now) {
            return Ok(true);
        }
        Ok(self.rulebooks.replace_activations(seen, next, approved).await?)
    }

    fn activated(
        &self,
        version: &RulebookVersion,
        activations: &Activations,
        now: Timestamp,
    ) -> ApiGatewayV2httpResponse {
        let mut reply = activations_view(activations);
        if let Some(fields) = reply.as_object_mut() {
            fields.insert("version".to_owned(), json!(version));
            fields.insert("active".to_owned(), json!(activations.version(now) == Some(version)));
            fields.insert("approval".to_owned(), json!(self.approval));
        }
        http::json(200, &reply)
    }
}

/// What is active since when, what was before, and what is planned.
pub(crate) fn activations_view(activations: &Activations) -> Value {
    json!({"history": activations.history, "planned": activations.next})
}

fn busy() -> AdminError {
    Problem::new(409, "busy", "others activated rulebooks again and again in this moment").detail("try again").into()
}

fn refusal(refusal: &ActivationRefusal) -> Problem {
    let (status, code) = match refusal {
        ActivationRefusal::Past(_) => (422, "invalid_body"),
        ActivationRefusal::AlreadyActive(_) => (409, "already_active"),
        ActivationRefusal::NothingBefore(_) | ActivationRefusal::NoneActive => (409, "nothing_before"),
        ActivationRefusal::NotActive { .. } => (409, "not_active"),
    };
    Problem::new(status, code, refusal.to_string())
}
