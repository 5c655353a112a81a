//! Gates: why a rep cannot take a lead now. The first one that is shut is named in the explanation.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use fairleader_lead::id::RepId;
use fairleader_lead::rep::{Rep, RepLoad};

/// Why a rep cannot take a lead now, in the order in which gates are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The pool names somebody who is not on the roster.
    Unknown,
    /// Switched off.
    Off,
    /// Not at work at this hour.
    OutsideHours,
    /// Has as many open leads as they take.
    AtCapacity,
}

impl Gate {
    /// The gate in plain words, to follow a name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unknown => "is not on the roster",
            Self::Off => "is switched off",
            Self::OutsideHours => "is not at work at this hour",
            Self::AtCapacity => "has as many open leads as they take",
        }
    }
}

/// A rep as they are at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepNow {
    /// What is set about them.
    pub rep: Rep,
    /// What they have on their desk.
    pub load: RepLoad,
}

/// Everyone a decision may turn to.
pub type Roster = BTreeMap<RepId, RepNow>;

/// The first gate that keeps `rep` from taking one more lead at `now`; `None` if they can.
pub fn shut(roster: &Roster, rep: &RepId, now: Timestamp) -> Option<Gate> {
    let Some(RepNow { rep, load }) = roster.get(rep) else { return Some(Gate::Unknown) };
    if !load.on {
        return Some(Gate::Off);
    }
    // A zone nobody knows keeps no hours; the roster's check refuses it before it is stored.
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
    fn the_first_shut_gate_is_named() {
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
