//! Gates: reasons why a rep cannot take a lead now. The explanation names the first gate that is shut.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use fairleader_lead::id::RepId;
use fairleader_lead::rep::{Rep, RepLoad};

/// Reason why a rep cannot take a lead now, in the order in which gates are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The rep is not on the roster.
    Unknown,
    /// The rep has switched off new leads.
    Off,
    /// It is outside the rep's working hours.
    OutsideHours,
    /// The rep has as many open leads as their capacity.
    AtCapacity,
}

impl Gate {
    /// Returns the reason in plain words, to follow a name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unknown => "is not on the roster",
            Self::Off => "is not taking leads",
            Self::OutsideHours => "is outside working hours",
            Self::AtCapacity => "is at capacity",
        }
    }
}

/// Rep at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepNow {
    /// Their settings.
    pub rep: Rep,
    /// Their current load.
    pub load: RepLoad,
}

/// Reps that a decision can consider.
pub type Roster = BTreeMap<RepId, RepNow>;

/// Returns the first gate that stops `rep` from taking one more lead at `now`, or `None` if they can take it.
pub fn shut(roster: &Roster, rep: &RepId, now: Timestamp) -> Option<Gate> {
    let Some(RepNow { rep, load }) = roster.get(rep) else { return Some(Gate::Unknown) };
    if !load.on {
        return Some(Gate::Off);
    }
    // A rep in an unknown zone is never at work. The checks of the roster reject such a zone before it is stored.
    let at_work = TimeZone::get(&rep.zone).is_ok_and(|zone| rep.hours.contains(now, &zone));
    if !at_work {
        return Some(Gate::OutsideHours);
    }
    (load.open >= rep.capacity).then_some(Gate::AtCapacity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(change: impl Fn(&mut RepNow)) -> Roster {
        let mut anna = RepNow {
            rep: Rep {
                rep_id: RepId::from("anna"),
                name: "Anna".to_owned(),
                email: "anna@fairleader.example".to_owned(),
                manager: None,
                zone: "Europe/Berlin".to_owned(),
                hours: "mon-fri 09:00-17:00".parse().unwrap(),
                languages: Vec::new(),
                skills: Vec::new(),
                capacity: 3,
            },
            load: RepLoad { open: 2, on: true },
        };
        change(&mut anna);
        Roster::from([(RepId::from("anna"), anna)])
    }

    #[test]
    fn names_the_first_shut_gate() {
        let tuesday_ten: Timestamp = "2026-03-03T09:00:00Z".parse().unwrap();
        let gate = |change: fn(&mut RepNow), at| shut(&roster(change), &RepId::from("anna"), at);
        assert_eq!(gate(|_| {}, tuesday_ten), None);
        assert_eq!(gate(|a| a.load.on = false, tuesday_ten), Some(Gate::Off));
        assert_eq!(gate(|a| a.load.open = 3, tuesday_ten), Some(Gate::AtCapacity));
        assert_eq!(gate(|_| {}, "2026-03-03T07:59:00Z".parse().unwrap()), Some(Gate::OutsideHours));
        assert_eq!(gate(|a| a.rep.zone = "Mars/Olympus".to_owned(), tuesday_ten), Some(Gate::OutsideHours));
        assert_eq!(shut(&Roster::new(), &RepId::from("anna"), tuesday_ten), Some(Gate::Unknown));
    }
}
