//! Admission of one message, step by step.

use jiff::Timestamp;

use super::deciding::Admission;
use super::snapshot::{Reader, Unread};
use super::{AdmissionError, Found, Incoming, Missing, Plan, Snapshot, deciding, recording};
use fairleader_lead::id::LeadId;
use fairleader_lead::state::State;

/// Message in admission.
#[derive(Debug)]
pub struct Arrival {
    incoming: Incoming,
    snapshot: Snapshot,
    progress: Progress,
    /// Whether everything is read again to confirm a decision without a plan. No condition checks such a decision, and
    /// the first read may be eventually consistent. A lead may be missing that was just stored, and a repeat may have
    /// the version of its lead from before another delivery committed.
    confirming: bool,
}

#[derive(Debug)]
enum Progress {
    /// It needs a decision.
    Looking,
    /// A plan was returned. This is the outcome if it is committed; `None` means that it needs another decision.
    Committing(Option<Outcome>),
    /// Nothing is left to do.
    Done(Outcome),
}

/// Next step for a message.
#[derive(Debug)]
pub enum Step {
    /// Read this and pass it to [`Arrival::read`].
    Read(Missing),
    /// Commit this and report the result to [`Arrival::committed`].
    Commit(Box<Plan>),
    /// Nothing is left to do; this is the outcome.
    Done(Outcome),
}

/// Outcome of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The outcome in a word, for the log: `stored`, `merged`, `resubmitted`, `recorded` or `repeat`.
    pub what: &'static str,
    /// The lead that took it, if that is another one.
    pub into: Option<LeadId>,
    /// The lead that goes on, if it does.
    pub next: Option<Next>,
}

/// Lead that goes on after its admission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// The lead.
    pub lead_id: LeadId,
    /// Its version.
    pub version: u64,
    /// Whether it needs a decision, which scores it too. Otherwise its new score is all there is to compute.
    pub decide: bool,
}

impl Arrival {
    /// Creates the admission of a new message.
    pub fn new(incoming: Incoming) -> Self {
        Self { incoming, snapshot: Snapshot::default(), progress: Progress::Looking, confirming: false }
    }

    /// Returns whether it is an activity.
    pub const fn is_activity(&self) -> bool {
        matches!(self.incoming, Incoming::Activity(_))
    }

    /// Returns what must be read before the next step. Empty if nothing is missing.
    pub fn missing(&self, now: Timestamp) -> Missing {
        match self.progress {
            Progress::Looking => self.look(now).err().unwrap_or_default(),
            Progress::Committing(_) | Progress::Done(_) => Missing::default(),
        }
    }

    /// Decides with what was read, or returns what is missing.
    fn look(&self, now: Timestamp) -> Result<Result<Admission, AdmissionError>, Missing> {
        let mut reader = Reader::new(&self.snapshot);
        let decided = match &self.incoming {
            Incoming::Submission(submitted) => deciding::submission(&mut reader, submitted, now),
            Incoming::Activity(reported) => recording::activity(&mut reader, reported, now),
        };
        decided.map_err(|Unread| reader.missing)
    }

    /// Returns the next step at `now`. The reads that it asks for must be strongly consistent; only what
    /// [`missing`](Self::missing) asks for before the first step can be eventually consistent.
    ///
    /// # Errors
    /// Fails if the message cannot be admitted now, by a second read too. It can be tried again later.
    pub fn step(&mut self, now: Timestamp) -> Result<Step, AdmissionError> {
        if let Progress::Done(outcome) = &self.progress {
            return Ok(Step::Done(outcome.clone()));
        }
        let admission = match self.look(now) {
            Err(missing) => return Ok(Step::Read(missing)),
            Ok(admission) => admission,
        };
        if !self.confirming && matches!(admission, Ok(Admission::Nothing(_)) | Err(_)) {
            self.confirming = true;
            self.snapshot = Snapshot::default();
            return self.step(now);
        }
        let (plan, outcome) = match admission? {
            Admission::Nothing(outcome) => {
                self.progress = Progress::Done(outcome.clone());
                return Ok(Step::Done(outcome));
            }
            Admission::First(plan) => (plan, None),
            Admission::Last(plan, outcome) => (plan, Some(outcome)),
        };
        debug_assert!(plan.check(), "{plan:?}");
        self.progress = Progress::Committing(outcome);
        Ok(Step::Commit(Box::new(plan)))
    }

    /// Adds what was found. Anything still missing is requested again.
    pub fn read(&mut self, missing: &Missing, found: &Found) {
        self.snapshot.add(missing, found);
    }

    /// Records whether the plan was committed. After a conflict, everything is read again.
    pub fn committed(&mut self, done: bool) {
        self.snapshot = Snapshot::default();
        self.confirming = false;
        self.progress = match std::mem::replace(&mut self.progress, Progress::Looking) {
            Progress::Committing(Some(outcome)) if done => Progress::Done(outcome),
            _ => Progress::Looking,
        };
    }
}

impl Outcome {
    /// Returns the lead, if it needs a decision.
    pub(super) fn undecided(state: &State) -> Option<Next> {
        Self::of(state).filter(|_| state.stage().is_undecided())
    }

    /// Returns the lead after a change, if its stage is one with a score.
    pub(super) fn of(state: &State) -> Option<Next> {
        // A lead in nurture gets its new score first; most scores do not change where it is.
        let rescored = state.stage().is_rescored();
        let goes_on = rescored || state.stage().is_undecided();
        goes_on.then(|| Next { lead_id: state.lead_id.clone(), version: state.version, decide: !rescored })
    }

    /// Returns the outcome of a repeat. The lead goes on once more, because the earlier attempt may have failed before
    /// it queued the command.
    pub(super) const fn repeat(next: Option<Next>) -> Self {
        Self { what: "repeat", into: None, next }
    }

    pub(super) const fn stored(next: Option<Next>) -> Self {
        Self { what: "stored", into: None, next }
    }

    pub(super) const fn resubmitted(next: Option<Next>) -> Self {
        Self { what: "resubmitted", into: None, next }
    }

    pub(super) const fn merged(into: LeadId, next: Option<Next>) -> Self {
        Self { what: "merged", into: Some(into), next }
    }

    pub(super) const fn recorded(lead: LeadId, next: Option<Next>) -> Self {
        Self { what: "recorded", into: Some(lead), next }
    }
}
