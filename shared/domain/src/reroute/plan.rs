//! Plans for rerouting open leads, and their progress.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::activation::Activations;
use fairleader_lead::id::RulebookVersion;

/// Number of reroutes that are kept.
const REMEMBERED: usize = 20;

/// Delay between the time of a reroute and its start. During this time a function may still decide by the version
/// before, and the reroute would miss those decisions.
pub const SETTLES: SignedDuration = SignedDuration::from_secs(30);

/// Progress of a reroute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Progress {
    /// Its time has not come.
    Planned,
    /// Leads are being queued.
    Running {
        /// Leads queued so far. A lead that moved in the meantime can be counted twice.
        queued: u64,
        /// Where the next step continues.
        from: String,
    },
    /// All leads are queued.
    Done {
        /// When the last lead was queued.
        ended_at: Timestamp,
        /// Leads queued in total.
        queued: u64,
    },
    /// Another version became active before the reroute started or finished; no more leads are queued.
    Superseded {
        /// When this was detected.
        ended_at: Timestamp,
        /// Leads queued until then.
        queued: u64,
    },
    /// A person cancelled it.
    Cancelled {
        /// When it was cancelled.
        ended_at: Timestamp,
        /// Leads queued until then.
        queued: u64,
    },
}

/// Reroute of open leads by a version of the rulebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reroute {
    /// The version.
    pub version: RulebookVersion,
    /// Its time.
    pub at: Timestamp,
    /// Who requested it.
    pub by: String,
    /// Its progress.
    #[serde(flatten)]
    pub progress: Progress,
}

impl Reroute {
    /// Returns the number of leads queued so far.
    pub const fn queued(&self) -> u64 {
        match self.progress {
            Progress::Planned => 0,
            Progress::Running { queued, .. }
            | Progress::Done { queued, .. }
            | Progress::Superseded { queued, .. }
            | Progress::Cancelled { queued, .. } => queued,
        }
    }

    const fn is_over(&self) -> bool {
        !matches!(self.progress, Progress::Planned | Progress::Running { .. })
    }
}

/// Reason why a reroute is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RerouteRefusal {
    /// The time is not in the future.
    #[error("`{0}` is not in the future; leave out `at` to reroute leads now")]
    Past(Timestamp),
    /// The version is not the active one at that time.
    #[error("version {version} is not the active version at {at}; first activate it for that time or earlier")]
    NotActive {
        /// The version.
        version: RulebookVersion,
        /// The time.
        at: Timestamp,
    },
    /// A reroute by this version has already started.
    #[error("a reroute by version {0} is already running")]
    Running(RulebookVersion),
}

/// Current and past reroutes, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reroutes {
    /// The reroutes.
    pub list: Vec<Reroute>,
}

impl Reroutes {
    /// Returns the latest reroute by a version.
    pub fn of(&self, version: &RulebookVersion) -> Option<&Reroute> {
        self.list.iter().find(|reroute| reroute.version == *version)
    }

    /// Plans a reroute by `version` at `at`, or now. This replaces a plan for another time. Repeating a request changes
    /// nothing.
    pub fn plan(
        &self,
        version: &RulebookVersion,
        at: Option<Timestamp>,
        by: &str,
        activations: &Activations,
        now: Timestamp,
    ) -> Result<Self, RerouteRefusal> {
        let known = self.of(version);
        // A repeated request changes nothing, even after it is done. After a cancellation, it makes a new plan.
        let stands = |known: &Reroute| !known.is_over() || matches!(known.progress, Progress::Done { .. });
        if at.is_some() && known.is_some_and(|known| Some(known.at) == at && stands(known)) {
            return Ok(self.clone());
        }
        if let Some(past) = at.filter(|at| *at <= now) {
            return Err(RerouteRefusal::Past(past));
        }
        if known.is_some_and(|known| matches!(known.progress, Progress::Running { .. })) {
            return Err(RerouteRefusal::Running(version.clone()));
        }
        // Repeating a request for now does not delay it.
        if at.is_none() && known.is_some_and(|known| !known.is_over() && known.at <= now) {
            return Ok(self.clone());
        }
        let at = at.unwrap_or(now);
        if activations.version(at) != Some(version) {
            return Err(RerouteRefusal::NotActive { version: version.clone(), at });
        }
        let mut next = self.clone();
        next.list.retain(|reroute| reroute.version != *version || reroute.is_over());
        let planned = Reroute { version: version.clone(), at, by: by.to_owned(), progress: Progress::Planned };
        next.list.insert(0, planned);
        next.forget();
        Ok(next)
    }

    /// Cancels the reroute by `version`. Leads that are already queued are still rerouted.
    #[must_use]
    pub fn cancel(&self, version: &RulebookVersion, now: Timestamp) -> Self {
        self.with(version, |queued| Progress::Cancelled { ended_at: now, queued })
    }

    /// Returns the reroute to continue at `now`: the earliest that is due and not over.
    pub fn due(&self, now: Timestamp) -> Option<&Reroute> {
        let due = |reroute: &&Reroute| !reroute.is_over() && now.duration_since(reroute.at) >= SETTLES;
        self.list.iter().filter(due).min_by_key(|reroute| reroute.at)
    }

    /// Records that `more` leads were queued. The reroute continues at `from`, or is done if that is `None`.
    #[must_use]
    pub fn went_on(&self, version: &RulebookVersion, more: u64, from: Option<String>, now: Timestamp) -> Self {
        self.with(version, |queued| {
            let queued = queued.saturating_add(more);
            match from {
                Some(from) => Progress::Running { queued, from },
                None => Progress::Done { ended_at: now, queued },
            }
        })
    }

    /// Records that another version became active.
    #[must_use]
    pub fn supersede(&self, version: &RulebookVersion, now: Timestamp) -> Self {
        self.with(version, |queued| Progress::Superseded { ended_at: now, queued })
    }

    fn with(&self, version: &RulebookVersion, progress: impl FnOnce(u64) -> Progress) -> Self {
        let mut next = self.clone();
        let open = |reroute: &&mut Reroute| reroute.version == *version && !reroute.is_over();
        if let Some(reroute) = next.list.iter_mut().find(open) {
            reroute.progress = progress(reroute.queued());
        }
        next
    }

    /// Forgets the oldest reroutes that are over.
    fn forget(&mut self) {
        while self.list.len() > REMEMBERED
            && let Some(oldest) = self.list.iter().rposition(Reroute::is_over)
        {
            self.list.remove(oldest);
        }
    }
}
