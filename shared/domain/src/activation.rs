//! Which version of the rulebook is active, which one is planned next, and which ones a rollback returns to.
//!
//! A planned activation needs no job to carry it out: every reader of [`Activations`] uses the planned version once its
//! time has come. Whether a version is approved is checked elsewhere.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use fairleader_lead::id::RulebookVersion;

/// Number of activations that are kept, including the active one.
pub const REMEMBERED: usize = 20;

/// Cause of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A person activated it.
    Activated,
    /// Its planned time had come.
    Planned,
    /// A person rolled back to it.
    RolledBack,
}

/// Activation of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The version.
    pub version: RulebookVersion,
    /// When it became active.
    pub since: Timestamp,
    /// Who requested it.
    pub by: String,
    /// How it became active.
    pub cause: Cause,
    /// Why, for a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Planned activation of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The version.
    pub version: RulebookVersion,
    /// When it becomes active.
    pub at: Timestamp,
    /// Who requested it.
    pub by: String,
}

/// Active version, planned version and earlier versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activations {
    /// Activations, newest first; the first one is the active version.
    #[serde(default)]
    pub history: Vec<Activation>,
    /// The planned activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Planned>,
    /// The versions that a rollback returns to, most recent first.
    #[serde(default)]
    pub back: Vec<RulebookVersion>,
}

/// Reason why an activation or rollback is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActivationRefusal {
    /// The time is not in the future.
    #[error("`{0}` is not in the future; leave out `at` to activate the version now")]
    Past(Timestamp),
    /// The version is already active.
    #[error("version {0} is already active; there is nothing to plan")]
    AlreadyActive(RulebookVersion),
    /// No version was active before.
    #[error("cannot roll back: no version was active before {0}")]
    NothingBefore(RulebookVersion),
    /// No version is active.
    #[error("no rulebook is active yet")]
    NoneActive,
    /// The version to roll back from is not active.
    #[error("cannot roll back from version {from}: version {active} is active")]
    NotActive {
        /// The version to roll back from.
        from: RulebookVersion,
        /// The active version.
        active: RulebookVersion,
    },
}

impl Activations {
    /// Returns the version that is active at `now`.
    pub fn version(&self, now: Timestamp) -> Option<&RulebookVersion> {
        match &self.next {
            Some(next) if next.at <= now => Some(&next.version),
            _ => self.history.first().map(|active| &active.version),
        }
    }

    /// Brings the activations up to date: a plan whose time has come moves to the history.
    #[must_use]
    pub fn as_of(&self, now: Timestamp) -> Self {
        let mut settled = self.clone();
        if let Some(due) = settled.next.take_if(|next| next.at <= now) {
            settled.enter(due.version, due.at, due.by, Cause::Planned);
        }
        settled
    }

    /// Activates `version` at `now`. If it is already active, nothing changes. A plan for another version is kept.
    #[must_use]
    pub fn activate(&self, version: &RulebookVersion, by: &str, now: Timestamp) -> Self {
        let mut next = self.as_of(now);
        next.next.take_if(|planned| planned.version == *version);
        if next.version(now) != Some(version) {
            next.enter(version.clone(), now, by.to_owned(), Cause::Activated);
        }
        next
    }

    /// Plans to activate `version` at `at`. This replaces any other plan.
    pub fn plan(
        &self,
        version: &RulebookVersion,
        at: Timestamp,
        by: &str,
        now: Timestamp,
    ) -> Result<Self, ActivationRefusal> {
        let mut next = self.as_of(now);
        if let Some(active) = next.history.first().filter(|active| active.version == *version) {
            // This repeats a request whose time has come.
            if active.since == at {
                return Ok(next);
            }
            return Err(ActivationRefusal::AlreadyActive(version.clone()));
        }
        if at <= now {
            return Err(ActivationRefusal::Past(at));
        }
        let same = next.next.as_ref().is_some_and(|planned| planned.version == *version && planned.at == at);
        if !same {
            next.next = Some(Planned { version: version.clone(), at, by: by.to_owned() });
        }
        Ok(next)
    }

    /// Cancels the planned activation of `version`.
    #[must_use]
    pub fn cancel(&self, version: &RulebookVersion, now: Timestamp) -> Self {
        let mut next = self.as_of(now);
        next.next.take_if(|planned| planned.version == *version);
        next
    }

    /// Rolls back to the version that was active before for a reason, and keeps the plan. With `from`, it does so only if
    /// `from` is active, so repeating the request does not roll back twice.
    pub fn roll_back(
        &self,
        from: Option<&RulebookVersion>,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<Self, ActivationRefusal> {
        let mut next = self.as_of(now);
        let active = next.history.first().ok_or(ActivationRefusal::NoneActive)?;
        if let Some(from) = from.filter(|from| **from != active.version) {
            let left = next.history.get(1).is_some_and(|before| before.version == *from);
            if active.cause == Cause::RolledBack && left {
                return Ok(next);
            }
            return Err(ActivationRefusal::NotActive { from: from.clone(), active: active.version.clone() });
        }
        if next.back.is_empty() {
            return Err(ActivationRefusal::NothingBefore(active.version.clone()));
        }
        let before = next.back.remove(0);
        let (by, reason) = (by.to_owned(), Some(reason.to_owned()));
        next.remember(Activation { version: before, since: now, by, cause: Cause::RolledBack, reason });
        Ok(next)
    }

    fn enter(&mut self, version: RulebookVersion, since: Timestamp, by: String, cause: Cause) {
        if let Some(active) = self.history.first() {
            if active.version == version {
                return;
            }
            self.back.insert(0, active.version.clone());
            self.back.truncate(REMEMBERED);
        }
        self.remember(Activation { version, since, by, cause, reason: None });
    }

    fn remember(&mut self, activation: Activation) {
        self.history.insert(0, activation);
        self.history.truncate(REMEMBERED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(number: u32) -> RulebookVersion {
        RulebookVersion::new(format!("{number:06}"))
    }

    fn at(minute: i8) -> Timestamp {
        jiff::civil::date(2026, 3, 3).at(9, minute, 0, 0).in_tz("UTC").unwrap().timestamp()
    }

    #[test]
    fn activates_a_plan_when_its_time_comes() {
        let now = Activations::default().activate(&v(1), "mara", at(0)).plan(&v(2), at(10), "mara", at(1)).unwrap();
        assert_eq!(now.version(at(9)), Some(&v(1)));
        assert_eq!(now.version(at(10)), Some(&v(2)));
        let later = now.as_of(at(30));
        assert_eq!((later.version(at(30)), &later.next), (Some(&v(2)), &None));
        assert_eq!((later.history[0].since, later.history[0].cause), (at(10), Cause::Planned));
        // Repeating the request gives the same answer at any time.
        assert_eq!(now.plan(&v(2), at(10), "otto", at(2)).unwrap(), now);
        assert_eq!(later.plan(&v(2), at(10), "mara", at(30)).unwrap(), later);
        // A rollback returns to the version that was active before.
        assert_eq!(later.roll_back(None, "otto", "wrong", at(31)).unwrap().version(at(31)), Some(&v(1)));
    }

    #[test]
    fn replaces_and_cancels_plans() {
        let planned = Activations::default().activate(&v(1), "m", at(0)).plan(&v(2), at(10), "m", at(1)).unwrap();
        let other = planned.plan(&v(3), at(20), "m", at(2)).unwrap();
        assert_eq!((other.version(at(15)), other.version(at(20))), (Some(&v(1)), Some(&v(3))));
        assert_eq!(other.cancel(&v(2), at(3)), other, "the plan for another version is kept");
        assert_eq!(other.cancel(&v(3), at(3)).version(at(50)), Some(&v(1)));
        // Activating the planned version fulfils the plan. Activating another one keeps it.
        assert_eq!(other.activate(&v(3), "m", at(5)).next, None);
        assert_eq!(other.activate(&v(4), "m", at(5)).version(at(20)), Some(&v(3)));
        assert_eq!(other.plan(&v(4), at(5), "m", at(5)), Err(ActivationRefusal::Past(at(5))));
        assert_eq!(other.plan(&v(1), at(9), "m", at(5)), Err(ActivationRefusal::AlreadyActive(v(1))));
    }

    #[test]
    fn rolls_back_once_per_request_and_never_forward() {
        let two = Activations::default().activate(&v(1), "m", at(0)).activate(&v(2), "m", at(1));
        let three = two.activate(&v(3), "m", at(2));
        assert_eq!(three.activate(&v(3), "x", at(3)), three);
        let back = three.roll_back(Some(&v(3)), "m", "wrong", at(4)).unwrap();
        assert_eq!(back.version(at(4)), Some(&v(2)));
        assert_eq!((back.history[0].cause, back.history[0].reason.as_deref()), (Cause::RolledBack, Some("wrong")));
        assert_eq!(
            back.roll_back(Some(&v(3)), "m", "wrong", at(5)).unwrap(),
            back,
            "a repeat does not roll back twice"
        );
        let first = back.roll_back(None, "m", "wrong", at(6)).unwrap();
        assert_eq!(first.version(at(6)), Some(&v(1)));
        assert_eq!(first.roll_back(None, "m", "wrong", at(7)), Err(ActivationRefusal::NothingBefore(v(1))));
        let refusal = first.roll_back(Some(&v(3)), "m", "wrong", at(7)).unwrap_err();
        assert_eq!(refusal.to_string(), "cannot roll back from version 000003: version 000001 is active");
        assert_eq!(Activations::default().roll_back(None, "m", "wrong", at(0)), Err(ActivationRefusal::NoneActive));
    }

    #[test]
    fn forgets_activations_beyond_the_limit() {
        let mut now = Activations::default();
        for number in 1..100 {
            now = now.activate(&v(number), "m", at(0));
        }
        assert_eq!((now.history.len(), now.back.len(), now.back.first()), (REMEMBERED, REMEMBERED, Some(&v(98))));
    }
}
