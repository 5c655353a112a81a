//! Which version of the rulebook is active, which one is to be from when on, and the way back.
//!
//! A planned activation needs nobody to carry it out: whoever reads [`Activations`] takes the planned version once its
//! time has come. Whether a version may be activated at all is not asked here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use fairleader_lead::id::RulebookVersion;

/// Activations that are remembered, the active one among them.
pub const REMEMBERED: usize = 20;

/// How a version became active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Somebody activated it.
    Activated,
    /// Its planned time had come.
    Planned,
    /// Somebody went back to it.
    RolledBack,
}

/// That a version became active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The version.
    pub version: RulebookVersion,
    /// From when on.
    pub since: Timestamp,
    /// Who wanted it.
    pub by: String,
    /// How.
    pub cause: Cause,
}

/// That a version is to become active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The version.
    pub version: RulebookVersion,
    /// From when on.
    pub at: Timestamp,
    /// Who wanted it.
    pub by: String,
}

/// The active version, the planned one, and what was active before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activations {
    /// Activations, newest first; the first one is the active version.
    #[serde(default)]
    pub history: Vec<Activation>,
    /// What is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Planned>,
    /// The versions to go back to, the one before the active one first.
    #[serde(default)]
    pub back: Vec<RulebookVersion>,
}

/// Why an activation cannot be planned, or there is no way back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActivationRefusal {
    /// The time is not ahead.
    #[error("`{0}` is not ahead; leave `at` out to activate the version now")]
    Past(Timestamp),
    /// It is active already, and will be.
    #[error("version {0} is active already; there is nothing to plan")]
    AlreadyActive(RulebookVersion),
    /// No version was active before.
    #[error("no version was active before {0}")]
    NothingBefore(RulebookVersion),
    /// Nothing is active.
    #[error("no rulebook is active yet")]
    NoneActive,
    /// Another version is active than the one to leave.
    #[error("version {active} is active, not {from}")]
    NotActive {
        /// The version to leave.
        from: RulebookVersion,
        /// The active one.
        active: RulebookVersion,
    },
}

impl Activations {
    /// The version that is active at `now`.
    pub fn version(&self, now: Timestamp) -> Option<&RulebookVersion> {
        match &self.next {
            Some(next) if next.at <= now => Some(&next.version),
            _ => self.history.first().map(|active| &active.version),
        }
    }

    /// The same as of `now`: a plan whose time has come is history.
    #[must_use]
    pub fn as_of(&self, now: Timestamp) -> Self {
        let mut settled = self.clone();
        if let Some(due) = settled.next.take_if(|next| next.at <= now) {
            settled.enter(due.version, due.at, due.by, Cause::Planned);
        }
        settled
    }

    /// `version` is active from `now` on. Activating what is active changes nothing; a plan for another version stays.
    #[must_use]
    pub fn activate(&self, version: &RulebookVersion, by: &str, now: Timestamp) -> Self {
        let mut next = self.as_of(now);
        next.next.take_if(|planned| planned.version == *version);
        if next.version(now) != Some(version) {
            next.enter(version.clone(), now, by.to_owned(), Cause::Activated);
        }
        next
    }

    /// `version` is to be active from `at` on, in the place of whatever was planned.
    pub fn plan(
        &self,
        version: &RulebookVersion,
        at: Timestamp,
        by: &str,
        now: Timestamp,
    ) -> Result<Self, ActivationRefusal> {
        let mut next = self.as_of(now);
        if let Some(active) = next.history.first().filter(|active| active.version == *version) {
            // The same request again, after its time had come.
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

    /// Nothing is planned for `version` any more.
    #[must_use]
    pub fn cancel(&self, version: &RulebookVersion, now: Timestamp) -> Self {
        let mut next = self.as_of(now);
        next.next.take_if(|planned| planned.version == *version);
        next
    }

    /// Back to the version that was active before. With `from`, only if that is the active one: so a repeat does not go
    /// back twice. What is planned stays planned.
    pub fn roll_back(
        &self,
        from: Option<&RulebookVersion>,
        by: &str,
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
        next.remember(Activation { version: before, since: now, by: by.to_owned(), cause: Cause::RolledBack });
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
        self.remember(Activation { version, since, by, cause });
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
    fn a_plan_is_carried_out_by_the_time_alone() {
        let now = Activations::default().activate(&v(1), "mara", at(0)).plan(&v(2), at(10), "mara", at(1)).unwrap();
        assert_eq!(now.version(at(9)), Some(&v(1)));
        assert_eq!(now.version(at(10)), Some(&v(2)));
        let later = now.as_of(at(30));
        assert_eq!((later.version(at(30)), &later.next), (Some(&v(2)), &None));
        assert_eq!((later.history[0].since, later.history[0].cause), (at(10), Cause::Planned));
        // The same request again is answered as before, at any time.
        assert_eq!(now.plan(&v(2), at(10), "otto", at(2)).unwrap(), now);
        assert_eq!(later.plan(&v(2), at(10), "mara", at(30)).unwrap(), later);
        // And the way back leads to what was active before.
        assert_eq!(later.roll_back(None, "otto", at(31)).unwrap().version(at(31)), Some(&v(1)));
    }

    #[test]
    fn a_plan_can_be_replaced_and_cancelled() {
        let planned = Activations::default().activate(&v(1), "m", at(0)).plan(&v(2), at(10), "m", at(1)).unwrap();
        let other = planned.plan(&v(3), at(20), "m", at(2)).unwrap();
        assert_eq!((other.version(at(15)), other.version(at(20))), (Some(&v(1)), Some(&v(3))));
        assert_eq!(other.cancel(&v(2), at(3)), other, "another version's plan stays");
        assert_eq!(other.cancel(&v(3), at(3)).version(at(50)), Some(&v(1)));
        // To activate it now fulfils its plan; to activate another one leaves it.
        assert_eq!(other.activate(&v(3), "m", at(5)).next, None);
        assert_eq!(other.activate(&v(4), "m", at(5)).version(at(20)), Some(&v(3)));
        assert_eq!(other.plan(&v(4), at(5), "m", at(5)), Err(ActivationRefusal::Past(at(5))));
        assert_eq!(other.plan(&v(1), at(9), "m", at(5)), Err(ActivationRefusal::AlreadyActive(v(1))));
    }

    #[test]
    fn going_back_is_safe_to_repeat_and_never_leads_forward_again() {
        let two = Activations::default().activate(&v(1), "m", at(0)).activate(&v(2), "m", at(1));
        let three = two.activate(&v(3), "m", at(2));
        assert_eq!(three.activate(&v(3), "x", at(3)), three);
        let back = three.roll_back(Some(&v(3)), "m", at(4)).unwrap();
        assert_eq!(back.version(at(4)), Some(&v(2)));
        assert_eq!(back.roll_back(Some(&v(3)), "m", at(5)).unwrap(), back, "a repeat does not go back twice");
        let first = back.roll_back(None, "m", at(6)).unwrap();
        assert_eq!(first.version(at(6)), Some(&v(1)));
        assert_eq!(first.roll_back(None, "m", at(7)), Err(ActivationRefusal::NothingBefore(v(1))));
        let refusal = first.roll_back(Some(&v(3)), "m", at(7)).unwrap_err();
        assert_eq!(refusal.to_string(), "version 000001 is active, not 000003");
        assert_eq!(Activations::default().roll_back(None, "m", at(0)), Err(ActivationRefusal::NoneActive));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut now = Activations::default();
        for number in 1..100 {
            now = now.activate(&v(number), "m", at(0));
        }
        assert_eq!((now.history.len(), now.back.len(), now.back.first()), (REMEMBERED, REMEMBERED, Some(&v(98))));
    }
}
