//! When open leads are to be routed anew, and how far that has come.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::activation::Activations;
use fairleader_lead::id::RulebookVersion;

/// Re-routings that are remembered.
const REMEMBERED: usize = 20;

/// How long after its time a re-routing begins: until then a function may still decide by the version before, and what it
/// decides would be overlooked.
pub const SETTLES: SignedDuration = SignedDuration::from_secs(30);

/// How far a re-routing has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Progress {
    /// Its time has not come.
    Planned,
    /// Leads are being queued.
    Running {
        /// Leads queued so far; one that has moved in the meantime may have been met twice.
        queued: u64,
        /// Where it goes on.
        from: String,
    },
    /// All leads are queued.
    Done {
        /// When.
        ended_at: Timestamp,
        /// How many.
        queued: u64,
    },
    /// Another version was active when its time had come, or before it was done; no more leads are queued.
    Superseded {
        /// When that was found.
        ended_at: Timestamp,
        /// Leads queued until then.
        queued: u64,
    },
    /// Somebody called it off.
    Cancelled {
        /// When.
        ended_at: Timestamp,
        /// Leads queued until then.
        queued: u64,
    },
}

/// That open leads are to be routed anew by a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reroute {
    /// By this version of the rulebook.
    pub version: RulebookVersion,
    /// From when on.
    pub at: Timestamp,
    /// Who wanted it.
    pub by: String,
    /// How far it has come.
    #[serde(flatten)]
    pub progress: Progress,
}

impl Reroute {
    /// Leads queued so far.
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

/// Why leads cannot be routed anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RerouteRefusal {
    /// The time is not ahead.
    #[error("`{0}` is not ahead; leave `at` out to route leads anew now")]
    Past(Timestamp),
    /// The version will not be active then.
    #[error("version {version} is not the one that is active at {at}; activate it, at that time or before, first")]
    NotActive {
        /// The version.
        version: RulebookVersion,
        /// The time.
        at: Timestamp,
    },
    /// It has begun already.
    #[error("leads are being routed anew by version {0} already")]
    Running(RulebookVersion),
}

/// The re-routings there are and were, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reroutes {
    /// All of them.
    pub list: Vec<Reroute>,
}

impl Reroutes {
    /// The latest of a version.
    pub fn of(&self, version: &RulebookVersion) -> Option<&Reroute> {
        self.list.iter().find(|reroute| reroute.version == *version)
    }

    /// Leads are to be routed anew by `version` from `at` on, or from now on. A plan for another time is replaced; the same
    /// request again changes nothing.
    pub fn plan(
        &self,
        version: &RulebookVersion,
        at: Option<Timestamp>,
        by: &str,
        activations: &Activations,
        now: Timestamp,
    ) -> Result<Self, RerouteRefusal> {
        let known = self.of(version);
        // The same request again, perhaps after all was done; what was called off can be asked for anew.
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
        // What is planned for now is not put off by asking again.
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

    /// No more leads are routed anew by `version`. Those that are queued already are.
    #[must_use]
    pub fn cancel(&self, version: &RulebookVersion, now: Timestamp) -> Self {
        self.with(version, |queued| Progress::Cancelled { ended_at: now, queued })
    }

    /// What has to go on at `now`, what was to begin first first.
    pub fn due(&self, now: Timestamp) -> Option<&Reroute> {
        let due = |reroute: &&Reroute| !reroute.is_over() && now.duration_since(reroute.at) >= SETTLES;
        self.list.iter().filter(due).min_by_key(|reroute| reroute.at)
    }

    /// `more` leads were queued, and it goes on at `from`; if that is `None`, it is done.
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

    /// Another version is active.
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

    /// Forgets the oldest of those that are over.
    fn forget(&mut self) {
        while self.list.len() > REMEMBERED
            && let Some(oldest) = self.list.iter().rposition(Reroute::is_over)
        {
            self.list.remove(oldest);
        }
    }
}
