//! One message on its way in, step by step.

use jiff::Timestamp;

use super::deciding::Admission;
use super::snapshot::{Reader, Unread};
use super::{AdmissionError, Found, Incoming, Missing, Plan, Snapshot, deciding, recording};
use fairleader_lead::id::LeadId;
use fairleader_lead::state::State;

/// A message on its way in.
#[derive(Debug)]
pub struct Arrival {
    incoming: Incoming,
    snapshot: Snapshot,
    progress: Progress,
    /// Whether it looked like a repeat, and everything was forgotten since. The lead that carries on may have been read
    /// before what another delivery of the message committed, so its version is only known by a later read.
    seen_again: bool,
}

#[derive(Debug)]
enum Progress {
    /// It is to be looked at.
    Looking,
    /// A plan was given out; this comes of it if it is committed, or it is looked at again.
    Committing(Option<Outcome>),
    /// There is nothing more to do.
    Done(Outcome),
}

/// What has to be done next for a message.
#[derive(Debug)]
pub enum Step {
    /// Read this, and give it to [`Arrival::read`].
    Read(Missing),
    /// Commit this, and tell [`Arrival::committed`].
    Commit(Box<Plan>),
    /// Nothing more: this has come of it.
    Done(Outcome),
}

/// What has come of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What, in a word for the log: `stored`, `merged`, `resubmitted`, `recorded` or `repeat`.
    pub what: &'static str,
    /// The lead that it went to, if that is another one.
    pub into: Option<LeadId>,
    /// The lead that has to be scored, at this version.
    pub score: Option<(LeadId, u64)>,
}

impl Arrival {
    /// A message of which nothing was done.
    pub fn new(incoming: Incoming) -> Self {
        Self { incoming, snapshot: Snapshot::default(), progress: Progress::Looking, seen_again: false }
    }

    /// Whether it is an activity.
    pub const fn is_activity(&self) -> bool {
        matches!(self.incoming, Incoming::Activity(_))
    }

    /// What has to be read before there is anything else to do; nothing if that is known.
    pub fn missing(&self, now: Timestamp) -> Missing {
        match self.progress {
            Progress::Looking => self.look(now).err().unwrap_or_default(),
            Progress::Committing(_) | Progress::Done(_) => Missing::default(),
        }
    }

    /// What comes of the message by what is known, or what has to be known.
    fn look(&self, now: Timestamp) -> Result<Result<Admission, AdmissionError>, Missing> {
        let mut reader = Reader::new(&self.snapshot);
        let decided = match &self.incoming {
            Incoming::Submission(submitted) => deciding::submission(&mut reader, submitted, now),
            Incoming::Activity(reported) => recording::activity(&mut reader, reported, now),
        };
        decided.map_err(|Unread| reader.missing)
    }

    /// What to do next at `now`.
    ///
    /// # Errors
    /// If the message cannot be admitted as things are. It may be tried again later.
    pub fn step(&mut self, now: Timestamp) -> Result<Step, AdmissionError> {
        if let Progress::Done(outcome) = &self.progress {
            return Ok(Step::Done(outcome.clone()));
        }
        let (plan, outcome) = match self.look(now) {
            Err(missing) => return Ok(Step::Read(missing)),
            Ok(admission) => match admission? {
                Admission::Nothing(_) if !self.seen_again => {
                    self.seen_again = true;
                    self.snapshot = Snapshot::default();
                    return self.step(now);
                }
                Admission::Nothing(outcome) => {
                    self.progress = Progress::Done(outcome.clone());
                    return Ok(Step::Done(outcome));
                }
                Admission::First(plan) => (plan, None),
                Admission::Last(plan, outcome) => (plan, Some(outcome)),
            },
        };
        debug_assert!(plan.check(), "{plan:?}");
        self.progress = Progress::Committing(outcome);
        Ok(Step::Commit(Box::new(plan)))
    }

    /// Takes what was found of what is missing; the rest is asked for again.
    pub fn read(&mut self, missing: &Missing, found: &Found) {
        self.snapshot.add(missing, found);
    }

    /// Takes whether the plan was committed. If it was not, somebody else was first: everything is read again.
    pub fn committed(&mut self, done: bool) {
        self.snapshot = Snapshot::default();
        self.seen_again = false;
        self.progress = match std::mem::replace(&mut self.progress, Progress::Looking) {
            Progress::Committing(Some(outcome)) if done => Progress::Done(outcome),
            _ => Progress::Looking,
        };
    }
}

impl Outcome {
    /// A lead to be scored, if it is at a stage where a score can change what happens to it.
    pub(super) fn undecided(state: &State) -> Option<(LeadId, u64)> {
        Self::of(state).filter(|_| state.stage().is_undecided())
    }

    /// A lead to be scored, if it is at a stage where it has a score or gets one: there is something new to know of it.
    pub(super) fn of(state: &State) -> Option<(LeadId, u64)> {
        let scored = state.stage().is_undecided() || state.stage().is_rescored();
        scored.then(|| (state.lead_id.clone(), state.version))
    }

    /// Everything was there. The message to `score` may have been lost with the attempt that committed it.
    pub(super) const fn repeat(score: Option<(LeadId, u64)>) -> Self {
        Self { what: "repeat", into: None, score }
    }

    pub(super) const fn stored(score: Option<(LeadId, u64)>) -> Self {
        Self { what: "stored", into: None, score }
    }

    pub(super) const fn resubmitted(score: Option<(LeadId, u64)>) -> Self {
        Self { what: "resubmitted", into: None, score }
    }

    pub(super) const fn merged(into: LeadId, score: Option<(LeadId, u64)>) -> Self {
        Self { what: "merged", into: Some(into), score }
    }

    pub(super) const fn recorded(lead: LeadId, score: Option<(LeadId, u64)>) -> Self {
        Self { what: "recorded", into: Some(lead), score }
    }
}
