//! What a person did: finds whose behaviour it is and records it with them, or stores them if nobody knows them yet.
//!
//! History, profile, event and state change in one transaction, in which the activity's own item must not be there yet:
//! whatever is delivered again, and to whomever the lead was merged in the meantime, each activity is recorded once.

use fairleader_domain::lifecycle::Command;
use fairleader_lead::id::LeadId;
use fairleader_lead::normalise;
use fairleader_lead::submission::activity::first_submission;
use fairleader_messaging::{RecordActivity, StoreLead};
use fairleader_runtime::{FunctionError, pause};
use fairleader_store::{Committed, Loaded, Recorded, person_identities};
use tracing::info;

use crate::duplicate::{MAX_MERGES, changed};
use crate::{Enrich, Enriched, ToScore};

/// How often recording is tried anew within a call when others are faster.
const ATTEMPTS: u32 = 8;

/// What a write of the transaction was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The lead, its profile and its event.
    Lead,
    /// The activity in its history.
    Activity,
}

/// Where an activity belongs.
enum Target {
    /// To this lead.
    Lead(Box<Loaded>),
    /// It is recorded already, with this lead or one that was merged into it.
    Recorded(Box<Loaded>),
}

/// Who did something, as far as it is known before anything is read.
pub(crate) fn doer(command: &RecordActivity) -> String {
    match &command.email {
        Some(address) => normalise::email::parse(address).map_or_else(|| address.clone(), |email| email.identity),
        None => command.lead_id.to_string(),
    }
}

impl Enrich {
    /// Records one activity. Gives back the lead to score.
    pub(crate) async fn record(&self, command: &RecordActivity) -> Result<Option<ToScore>, FunctionError> {
        let lead_id = match &command.email {
            None => command.lead_id.clone(),
            Some(address) => Box::pin(self.find(command, address)).await?,
        };
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                pause(attempt, [command.activity.id.as_str()]).await;
            }
            let (state, mut profile) = match self.target(&lead_id, command).await? {
                Target::Lead(lead) => (lead.state, lead.profile),
                // The message to `score` may have been lost with the attempt that recorded it.
                Target::Recorded(lead) => return Ok(ToScore::of(&lead.state)),
            };
            let change = changed(&state, Command::RecordActivity(command.activity.clone()), self.clock.now())?;
            let recorded = Recorded {
                activity: command.activity.clone(),
                source: command.source.clone(),
                received_at: command.received_at,
            };
            let mut transaction = self.leads.transaction();
            self.leads.change(&mut transaction, Part::Lead, &change)?;
            self.leads.record(&mut transaction, Part::Activity, &state.lead_id, &recorded)?;
            // What is older than all that is remembered is history only.
            if profile.remember(command.activity.clone()) {
                self.leads.reprofile(&mut transaction, Part::Lead, &change.state, &profile)?;
            }
            match transaction.commit().await? {
                Committed::Done => {
                    let (activity, trace) = (&command.activity, &command.trace);
                    info!(lead.id = %state.lead_id, activity.id = %activity.id, %trace, "recorded activity");
                    return Ok(ToScore::of(&change.state));
                }
                Committed::Stale(parts) if parts.contains(&Part::Activity) => return Ok(ToScore::of(&state)),
                Committed::Stale(_) | Committed::Busy => {}
            }
        }
        let (activity, lead) = (&command.activity.id, &lead_id);
        Err(format!("activity {activity} of lead {lead} could not be recorded: others were faster").into())
    }

    /// The lead of the person with this address. If nobody is known by it, the activity is their first submission, and
    /// its lead is stored.
    async fn find(&self, command: &RecordActivity, address: &str) -> Result<LeadId, FunctionError> {
        let lead = first(command, address);
        // It is there if an earlier attempt stored it, or if that failed so often that it was held: then it goes on as
        // a submission does.
        if self.leads.state(&command.lead_id).await?.is_none() {
            for identity in person_identities(&lead.profile) {
                if let Some(known) = self.claim(&identity, &lead).await? {
                    return Ok(known.state.lead_id);
                }
            }
        }
        let mut batch = [(String::new(), lead)];
        self.find_accounts(&mut batch).await?;
        let [(_, lead)] = batch;
        self.store(&lead).await?;
        Ok(lead.command.lead_id)
    }

    /// The lead that carries on for `lead`, unless the activity was recorded on the way there.
    async fn target(&self, lead: &LeadId, command: &RecordActivity) -> Result<Target, FunctionError> {
        let mut next = lead.clone();
        let mut recorded = false;
        for _ in 0..MAX_MERGES {
            let Some(found) = self.leads.load(&next).await?.filter(|found| !found.state.is_unstored()) else {
                return Err(format!("lead {next} is not stored, so nothing can be recorded with it").into());
            };
            let Some(into) = found.state.merged_into().cloned() else {
                let found = Box::new(found);
                let id = &command.activity.id;
                recorded |= found.profile.activities.iter().any(|known| known.id == *id);
                return Ok(if recorded { Target::Recorded(found) } else { Target::Lead(found) });
            };
            recorded |= self.leads.has_recorded(&next, &command.activity.id).await?;
            next = into;
        }
        Err(format!("lead {lead} was merged more than {MAX_MERGES} times in a row").into())
    }
}

/// The submission that an activity is of a person whom nobody knows yet.
fn first(command: &RecordActivity, address: &str) -> Enriched {
    let RecordActivity { schema, lead_id, activity, source, group, received_at, trace, email: _ } = command.clone();
    let submission = first_submission(address, &activity);
    let mut profile = normalise::profile(&submission);
    // The activity itself is recorded once the lead is there; saying so twice would count twice.
    profile.said_at = Some(received_at);
    let payload_hash = submission.payload_hash();
    let command = StoreLead { schema, lead_id, source, group, received_at, payload_hash, submission, trace };
    Enriched { command, profile }
}
