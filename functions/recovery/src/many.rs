//! Release of many leads on hold in one call.

use std::time::Instant;

use fairleader_api::shape::recovery as shape;
use fairleader_api::{Call, Problem, reply};
use fairleader_lead::id::LeadId;
use fairleader_lead::problem::FieldProblem;
use fairleader_lead::state::{Stage, State};
use fairleader_runtime::http::{Answer, Failure};
use futures::{StreamExt, stream};
use tracing::info;

use crate::Recovery;

/// Leads that are looked at together.
const PAGE: i32 = 10;
/// Limit on the leads that one call looks at.
const PAGES: usize = 20;
/// Limit on the leads that are released at the same time.
const AT_ONCE: usize = 5;

impl Recovery {
    /// `POST /v1/dead-letters/redrive`: releases the leads on hold with this reason, or of this source, and retries
    /// their failed commands. A call looks at a limited number of leads; the next one goes on at `next`. One lead that
    /// cannot be released stops no other. A repeat does no harm: it no longer finds the released leads.
    pub(crate) async fn redrive_many(&self, call: &Call<'_>) -> Answer {
        let asked: shape::RedriveMany = call.json()?;
        if asked.reason.is_none() && asked.source.is_none() {
            let detail = "is missing; send a `reason` from GET /v1/dead-letters, or a `source`";
            return Err(Problem::invalid_body(vec![FieldProblem::field("reason", detail)]).into());
        }
        // Half of the time is left for the last page and the reply.
        let now = Instant::now();
        let until = now + call.deadline.saturating_duration_since(now) / 2;
        let mut done = shape::RedrivenMany {
            leads: Vec::new(),
            commands: 0,
            not_released: Vec::new(),
            next: asked.cursor.clone(),
        };
        for _ in 0..PAGES {
            let page = self.leads.held(PAGE, done.next.as_deref()).await?;
            let found = stream::iter(page.leads).map(|lead| async {
                let released = self.redrive_if(call, &lead, &asked).await;
                (lead, released)
            });
            let mut found = found.buffered(AT_ONCE);
            while let Some((lead, released)) = found.next().await {
                match released {
                    Ok(None) => {}
                    Ok(Some(commands)) => {
                        done.commands = done.commands.saturating_add(commands);
                        done.leads.push(lead);
                    }
                    Err(Failure::Problem(problem)) => {
                        let Problem { code, title, detail, .. } = *problem;
                        done.not_released.push(shape::NotRedriven { lead_id: lead, code, title, detail });
                    }
                    Err(fault) => return Err(fault),
                }
            }
            done.next = page.next;
            if done.next.is_none() || Instant::now() > until {
                break;
            }
        }
        let by = call.caller()?.subject.as_str();
        info!(leads = done.leads.len(), not_released = done.not_released.len(), by, "redriven many");
        Ok(reply::json(202, &done))
    }

    /// Releases a lead if it is on hold and matches. Returns the number of commands that were queued.
    async fn redrive_if(
        &self,
        call: &Call<'_>,
        lead: &LeadId,
        asked: &shape::RedriveMany,
    ) -> Result<Option<u64>, Failure> {
        // The index is late: a lead in it may no longer be on hold.
        match self.leads.state(lead).await?.filter(|state| matches(state, asked)) {
            Some(state) => self.redrive_lead(call, lead, Some(state)).await.map(Some),
            None => Ok(None),
        }
    }
}

fn matches(state: &State, asked: &shape::RedriveMany) -> bool {
    state.stage() == Stage::Held
        && asked.reason.as_deref().is_none_or(|reason| state.reason() == Some(reason))
        && asked.source.as_ref().is_none_or(|source| state.source == *source)
}
