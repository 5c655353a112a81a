//! Activation of versions: now, at a planned time, or back to the version before.

use std::sync::Arc;

use fairleader_api::shape::rulebooks::{ActivatedRulebook, NewActivation, RollBack};
use fairleader_api::{Call, Code, Problem, Reply, reply};
use fairleader_domain::activation::{ActivationRefusal, Activations};
use fairleader_lead::id::RulebookVersion;
use fairleader_runtime::http::{Answer, Failure};
use fairleader_store::{AllPools, RulebookRecord, StoredActivations, Tries};
use jiff::Timestamp;
use tracing::info;

use crate::Rulebooks;
use crate::review::said;
use crate::rulebook::{no_such_rulebook, numbered, version_in};

/// Key of the retries that change the activations.
const ACTIVE: &str = "active";

impl Rulebooks {
    /// `POST /v1/rulebooks/{version}/activate`: activates a version now or at a planned time. Checks it again, because
    /// the roster may have changed since it was uploaded.
    pub(crate) async fn activate_rulebook(&self, call: &Call<'_>) -> Answer {
        let by = call.caller()?.subject.as_str();
        let version = version_in(call)?;
        let NewActivation { at } = call.json_or_default()?;
        let mut tries = Tries::until(call.deadline, [ACTIVE]);
        loop {
            tries.again("changing the activations").await?;
            // The order matters: the transaction checks that the review that is read here did not change.
            let Some((source, record)) = self.versions.read(&version).await? else {
                return Err(no_such_rulebook(version.as_str()).into());
            };
            let seen = self.versions.activations().await?;
            let now = self.clock.now();
            let next = match at {
                Some(at) => seen.activations.plan(&version, at, by, now).map_err(|refused| refusal(&refused))?,
                None => seen.activations.activate(&version, by, now),
            };
            // A repeat changes nothing, so it needs no approval.
            if next == seen.activations.as_of(now) {
                return Ok(self.activated(&version, &next, now));
            }
            self.approved(&record)?;
            // Before the reps: the deletion of a rep changes the directory of pools too.
            let pools = self.pools.all().await?;
            if let Err(refused) = self.check(call, &Arc::from(source), &record.upload.tables, &pools).await? {
                return Ok(refused.reply());
            }
            if self.store(&seen, &next, Some(&record), Some(&pools), now).await? {
                info!(rulebook = %version, at = at.map(tracing::field::display), "activated rulebook");
                return Ok(self.activated(&version, &next, now));
            }
        }
    }

    /// `DELETE /v1/rulebooks/{version}/activate`: cancels the planned activation of a version. Idempotent.
    pub(crate) async fn cancel_activation(&self, call: &Call<'_>) -> Answer {
        let version = version_in(call)?;
        let mut tries = Tries::until(call.deadline, [ACTIVE]);
        loop {
            tries.again("changing the activations").await?;
            let seen = self.versions.activations().await?;
            let now = self.clock.now();
            if seen.activations.version(now) == Some(&version) {
                return Err(Problem::new(Code::AlreadyActive, format!("rulebook {version} is already active"))
                    .detail("roll back with POST /v1/rulebooks/rollback, or activate another version")
                    .into());
            }
            let next = seen.activations.cancel(&version, now);
            if self.store(&seen, &next, None, None, now).await? {
                info!(rulebook = %version, "cancelled planned activation");
                return Ok(self.activated(&version, &next, now));
            }
        }
    }

    /// `POST /v1/rulebooks/rollback`: activates the version that was active before. A person asks for it with a reason.
    /// It needs no new approval, but no objection may stand, and it is checked against the current roster.
    pub(crate) async fn roll_back(&self, call: &Call<'_>) -> Answer {
        let RollBack { from, reason } = call.json()?;
        let reason = said("reason", &reason)?;
        let by = self.signature(call).await?.person;
        let from = from.map(|from| numbered(&from)).transpose()?;
        let mut tries = Tries::until(call.deadline, [ACTIVE]);
        loop {
            tries.again("changing the activations").await?;
            let seen = self.versions.activations().await?;
            let now = self.clock.now();
            let next = seen.activations.roll_back(from.as_ref(), by.as_str(), &reason, now);
            let next = next.map_err(|refused| refusal(&refused))?;
            let version = next.version(now).cloned().ok_or_else(|| refusal(&ActivationRefusal::NoneActive))?;
            // A repeat changes nothing, whatever was said since.
            if next == seen.activations.as_of(now) {
                return Ok(self.activated(&version, &next, now));
            }
            let Some((source, record)) = self.versions.read(&version).await? else {
                return Err(no_such_rulebook(version.as_str()).into());
            };
            self.may_roll_back(&record)?;
            // Before the reps: the deletion of a rep changes the directory of pools too.
            let pools = self.pools.all().await?;
            if let Err(refused) = self.check(call, &Arc::from(source), &record.upload.tables, &pools).await? {
                return Ok(refused.reply());
            }
            // The transaction checks that the review that was read did not change.
            if self.store(&seen, &next, Some(&record), Some(&pools), now).await? {
                info!(rulebook = %version, person = %by, "rolled back to rulebook");
                return Ok(self.activated(&version, &next, now));
            }
        }
    }

    /// Stores the activations, unless they are unchanged. Returns false if they were changed since they were read.
    async fn store(
        &self,
        seen: &StoredActivations,
        next: &Activations,
        approved: Option<&RulebookRecord>,
        checked: Option<&AllPools>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        if *next == seen.activations.as_of(now) {
            return Ok(true);
        }
        Ok(self.versions.replace_activations(seen, next, approved, checked.map(|seen| (&self.pools, seen))).await?)
    }

    fn activated(&self, version: &RulebookVersion, activations: &Activations, now: Timestamp) -> Reply {
        let activated = ActivatedRulebook {
            version: version.clone(),
            active: activations.version(now) == Some(version),
            approval: self.approval.rule(),
            activations: activations.clone().into(),
        };
        reply::json(200, &activated)
    }
}

fn refusal(refusal: &ActivationRefusal) -> Problem {
    let code = match refusal {
        ActivationRefusal::Past(_) => Code::InvalidBody,
        ActivationRefusal::AlreadyActive(_) => Code::AlreadyActive,
        ActivationRefusal::NothingBefore(_) | ActivationRefusal::NoneActive => Code::NothingBefore,
        ActivationRefusal::NotActive { .. } => Code::NotActive,
    };
    Problem::new(code, refusal.to_string())
}
