//! Queues open leads when their time has come to be looked at by another version of the rulebook.

use fairleader_domain::id::RulebookVersion;
use fairleader_domain::reroute::{Progress, Reroutes};
use fairleader_messaging::command::SCHEMA;
use fairleader_messaging::{Outgoing, RouteCommand};
use fairleader_runtime::FunctionError;
use fairleader_store::{LeadPage, OpenLeads, StoredReroutes};
use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use crate::Sweep;

/// Leads that are read at a time.
const PAGE: i32 = 500;
/// How far a step goes before it is written down how far it went. What was queued and not written down is queued again,
/// which does no harm.
const STEP: u64 = 2_000;
/// How long a sweep goes on with it. The next one does, a minute later.
const TIME: SignedDuration = SignedDuration::from_secs(4);

impl Sweep {
    /// Goes on with the re-routing that was to begin first; how many leads it queued.
    pub(crate) async fn reroute(&self) -> Result<u64, FunctionError> {
        let started = self.clock.now();
        let mut open = None;
        let mut queued = 0;
        while self.clock.now().duration_since(started) < TIME {
            let seen = self.rulebooks.reroutes().await?;
            let Some(due) = seen.reroutes.due(self.clock.now()) else { break };
            let version = due.version.clone();
            let now = self.clock.now();
            if self.rulebooks.active(now).await?.as_ref() != Some(&version) {
                warn!(rulebook = %version, "another version is active; leads are not routed anew by this one");
                self.write(&seen, &seen.reroutes.supersede(&version, now)).await?;
                continue;
            }
            let from = match &due.progress {
                Progress::Running { from, .. } => Some(from.clone()),
                _ => None,
            };
            let open = match &open {
                Some(open) => open,
                None => open.insert(self.open_leads().await?),
            };
            let (more, from) = self.queue_open(open, &version, from, started).await?;
            queued += more;
            if !self.write(&seen, &seen.reroutes.went_on(&version, more, from, now)).await? {
                // Another sweep is at it, or somebody called it off.
                break;
            }
        }
        Ok(queued)
    }

    async fn open_leads(&self) -> Result<OpenLeads, FunctionError> {
        let reps = self.reps.all().await?.into_keys();
        let pools = self.pools.definitions().await?.into_iter().map(|pool| pool.pool_id);
        Ok(OpenLeads::new(reps, pools))
    }

    /// Queues a step of open leads: how many, and where it goes on.
    async fn queue_open(
        &self,
        open: &OpenLeads,
        version: &RulebookVersion,
        mut from: Option<String>,
        started: Timestamp,
    ) -> Result<(u64, Option<String>), FunctionError> {
        let mut queued = 0;
        loop {
            let LeadPage { leads, next } = self.leads.open(open, PAGE, from.as_deref()).await?;
            queued += u64::try_from(leads.len())?;
            let messages = leads.into_iter().map(|lead_id| {
                let command = RouteCommand::RerouteLead {
                    schema: SCHEMA,
                    trace: format!("reroute-{version}-{lead_id}"),
                    lead_id,
                    rulebook: version.clone(),
                    group: "reroute".to_owned(),
                };
                Outgoing::new(&command, Some("reroute"))
            });
            self.route.send_all(messages.collect::<Result<_, _>>()?).await?;
            from = next;
            if from.is_none() || queued >= STEP || self.clock.now().duration_since(started) > TIME {
                info!(rulebook = %version, leads = queued, done = from.is_none(), "queued open leads to be routed anew");
                return Ok((queued, from));
            }
        }
    }

    async fn write(&self, seen: &StoredReroutes, next: &Reroutes) -> Result<bool, FunctionError> {
        Ok(self.rulebooks.replace_reroutes(seen, next).await?)
    }
}
