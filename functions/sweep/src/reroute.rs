//! Queues open leads for a reroute when its time has come.

use std::time::Instant;

use fairleader_domain::reroute::Progress;
use fairleader_lead::id::RulebookVersion;
use fairleader_messaging::command::SCHEMA;
use fairleader_messaging::{Outgoing, RouteCommand};
use fairleader_runtime::FunctionError;
use fairleader_store::{LeadPage, OpenLeads};
use tracing::{info, warn};

use crate::Sweep;

/// Leads that are read and queued at a time. Afterwards the progress is stored. If that fails, leads are queued again,
/// which is harmless.
const PAGE: i32 = 500;

impl Sweep {
    /// Continues the earliest due reroute until the deadline, at least by one page. Returns the number of leads that it
    /// queued.
    pub(crate) async fn reroute(&self, deadline: Instant) -> Result<u64, FunctionError> {
        let mut open = None;
        let mut queued = 0;
        loop {
            let seen = self.rulebooks.reroutes().await?;
            let now = self.clock.now();
            let Some(due) = seen.reroutes.due(now) else { break };
            let version = due.version.clone();
            let next = if self.rulebooks.active(now).await?.as_ref() == Some(&version) {
                let from = match &due.progress {
                    Progress::Running { from, .. } => Some(from.clone()),
                    _ => None,
                };
                let open = match &open {
                    Some(open) => open,
                    None => open.insert(OpenLeads::new(self.reps.all().await?.into_keys())),
                };
                let (more, from) = self.queue_page(open, &version, from).await?;
                queued += more;
                info!(rulebook = %version, leads = more, done = from.is_none(), "queued open leads for a reroute");
                seen.reroutes.went_on(&version, more, from, now)
            } else {
                warn!(rulebook = %version, "another version is active; the reroute ends");
                seen.reroutes.supersede(&version, now)
            };
            // On a conflict, another sweep is working on it, or it was cancelled.
            if !self.rulebooks.replace_reroutes(&seen, &next).await? || Instant::now() > deadline {
                break;
            }
        }
        Ok(queued)
    }

    /// Queues a page of open leads. Returns their number and the cursor of the next page.
    async fn queue_page(
        &self,
        open: &OpenLeads,
        version: &RulebookVersion,
        from: Option<String>,
    ) -> Result<(u64, Option<String>), FunctionError> {
        let LeadPage { leads, next } = self.leads.open(open, PAGE, from.as_deref()).await?;
        let queued = u64::try_from(leads.len())?;
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
        Ok((queued, next))
    }
}
