//! The budget of long polls: how many calls may wait for a decision at the same time.
//!
//! A waiting call does nothing, but it holds a connection and one of the calls that an account may run at once. Without
//! a budget, one caller that waits for many leads would stop everything else.
//!
//! On one machine, all instances of the function share a process and this budget. On Lambda, an instance handles one
//! call at a time; there, the reserved concurrency of the function is the limit.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use fairleader_api::Caller;

/// Calls of one holder of keys that may wait at the same time. A form page waits for one lead; four leave room for
/// people who send forms in the same seconds.
const PER_HOLDER: usize = 4;
/// Calls that may wait at the same time in all: less than half of the 100 calls that the functions without reserved
/// concurrency share on one machine, so that waiting never stops work.
const IN_ALL: usize = 40;

/// The waiting calls of this process.
pub(crate) static POLLS: Polls = Polls::new();

/// Counts of waiting calls, by holder.
#[derive(Debug)]
pub(crate) struct Polls(Mutex<BTreeMap<String, usize>>);

/// Place of a waiting call. Dropping it frees the place.
#[derive(Debug)]
#[must_use]
pub(crate) struct Place<'p> {
    polls: &'p Polls,
    holder: String,
}

impl Polls {
    const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Takes a place for a call of `caller`. Returns `None` if the budget is used up.
    pub(crate) fn enter(&self, caller: &Caller) -> Option<Place<'_>> {
        let holder = format!("{} {}", caller.role.as_str(), caller.subject);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = waiting.get(&holder).copied().unwrap_or(0);
        if own >= PER_HOLDER || waiting.values().sum::<usize>() >= IN_ALL {
            return None;
        }
        waiting.insert(holder.clone(), own + 1);
        Some(Place { polls: self, holder })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.polls.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = waiting.get_mut(&self.holder) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                waiting.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fairleader_api::Role;

    use super::*;

    fn source(number: usize) -> Caller {
        Caller { role: Role::Source, subject: format!("web-{number}"), person: None }
    }

    #[test]
    fn limits_the_waiting_calls_of_a_holder_and_in_all() {
        let polls = Polls::new();
        let places: Vec<Place<'_>> = (0..PER_HOLDER).map(|_| polls.enter(&source(0)).unwrap()).collect();
        assert!(polls.enter(&source(0)).is_none());
        let others: Vec<Place<'_>> = (PER_HOLDER..IN_ALL).map(|number| polls.enter(&source(number)).unwrap()).collect();
        assert!(polls.enter(&source(1)).is_none(), "the budget in all is used up");
        drop(places);
        assert!(polls.enter(&source(1)).is_some());
        drop(others);
        assert_eq!(polls.0.lock().unwrap().len(), 0, "it forgets who does not wait");
    }
}
