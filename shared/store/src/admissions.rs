//! Reads and writes for admissions, in `leads`, `identities`, `reps` (seats) and `pools` (turns).
//!
//! The admission in `domain` decides what to read and write. A plan is committed in one transaction.

use fairleader_domain::admission::{Found, Freed, Missing, Plan};
use fairleader_domain::routing::{Room, Seats};
use jiff::Timestamp;

use crate::{Committed, Identities, Leads, Look, Pools, Reps, StoreError, Transaction};

/// Tables that admissions use.
#[derive(Clone, Debug)]
pub struct Admissions {
    /// Leads.
    pub leads: Leads,
    /// Identities.
    pub identities: Identities,
    /// Reps, whose seats may become free.
    pub reps: Reps,
    /// Pools, whose turns may be given back.
    pub pools: Pools,
}

/// Label of a write in a plan.
type Part = &'static str;

impl Admissions {
    /// Reads what is missing, with at most one request per table.
    pub async fn read(&self, missing: &Missing, how: Look) -> Result<Found, StoreError> {
        let Missing { identities, leads, contents } = missing;
        let (holders, (known, kept)) =
            tokio::try_join!(self.identities.holders(identities, how), self.leads.known(leads, contents, how))?;
        Ok(Found { identities: holders, leads: known, contents: kept })
    }

    /// Commits a plan at `now`. On a conflict, returns the labels of the writes whose conditions failed; the list is
    /// empty if another transaction was in progress. Then read and decide again.
    pub async fn commit(&self, plan: &Plan, now: Timestamp) -> Result<Result<(), Vec<&'static str>>, StoreError> {
        let mut transaction: Transaction<Part> = self.leads.transaction();
        for claim in &plan.claims {
            self.identities.claim(&mut transaction, "identity", claim, now)?;
        }
        if let Some(state) = &plan.stored {
            self.leads.store(&mut transaction, "lead", state)?;
        }
        for change in &plan.changes {
            if change.expected_version == 0 {
                self.leads.create_changed(&mut transaction, "lead", change)?;
            } else {
                self.leads.change(&mut transaction, "lead", change)?;
            }
        }
        for profile in &plan.profiles {
            self.leads.profile(&mut transaction, "profile", profile)?;
        }
        if let Some((lead, absorbed)) = &plan.absorbed {
            self.leads.absorb(&mut transaction, "submission", lead, absorbed)?;
        }
        if let Some((lead, recorded)) = &plan.recorded {
            self.leads.record(&mut transaction, "activity", lead, recorded)?;
        }
        if let Some(Freed { rep, turn, lead, assignment }) = &plan.freed {
            self.reps.seat(&mut transaction, "seat", rep, Seats { delta: -1, room: Room::Unasked })?;
            if let Some(turn) = turn {
                self.pools.give_back(&mut transaction, "turn", turn, lead, *assignment).await?;
            }
        }
        match transaction.commit().await? {
            Committed::Done => Ok(Ok(())),
            Committed::Stale(parts) => Ok(Err(parts)),
            Committed::Busy => Ok(Err(Vec::new())),
        }
    }
}
