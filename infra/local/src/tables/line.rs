//! The line of jobs in front of the tables' thread: two lanes, in order within each.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::lane::Lane;

/// Limit on the jobs of the front lane that pass a waiting job of the back lane, so that the back lane always moves.
const MOST_PASSING: u32 = 20;

/// Jobs in two lanes.
pub(super) struct Line<J> {
    waiting: Mutex<Waiting<J>>,
    arrived: Condvar,
}

struct Waiting<J> {
    front: VecDeque<J>,
    back: VecDeque<J>,
    /// Jobs that have passed the first job of the back lane.
    passed: u32,
    closed: bool,
}

impl<J> Line<J> {
    pub(super) const fn new() -> Self {
        let waiting = Waiting { front: VecDeque::new(), back: VecDeque::new(), passed: 0, closed: false };
        Self { waiting: Mutex::new(waiting), arrived: Condvar::new() }
    }

    /// Adds a job to the end of a lane. Drops it if the line is closed.
    pub(super) fn push(&self, job: J, lane: Lane) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.closed {
            return;
        }
        match lane {
            Lane::Front => waiting.front.push_back(job),
            Lane::Back => waiting.back.push_back(job),
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Takes the next job; waits for one. Returns `None` when the line is closed and empty.
    pub(super) fn next(&self) -> Option<J> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = waiting.next() {
                return Some(job);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Accepts no more jobs. Those that wait are still taken.
    pub(super) fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.arrived.notify_all();
    }

    /// Closes the line and drops the jobs that wait.
    pub(super) fn abandon(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.closed = true;
        let dropped = (std::mem::take(&mut waiting.front), std::mem::take(&mut waiting.back));
        drop(waiting);
        drop(dropped);
    }
}

impl<J> Waiting<J> {
    fn next(&mut self) -> Option<J> {
        if self.passed < MOST_PASSING
            && let Some(job) = self.front.pop_front()
        {
            self.passed = if self.back.is_empty() { 0 } else { self.passed.saturating_add(1) };
            return Some(job);
        }
        self.passed = 0;
        self.back.pop_front().or_else(|| self.front.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_lane_goes_first_and_the_back_lane_always_moves() {
        let line = Line::new();
        for number in 0..3 {
            line.push(("back", number), Lane::Back);
        }
        for number in 0..50 {
            line.push(("front", number), Lane::Front);
        }
        line.close();
        line.push(("late", 0), Lane::Front);
        let taken: Vec<(&str, i32)> = std::iter::from_fn(|| line.next()).collect();
        let back: Vec<usize> = (0..taken.len()).filter(|at| taken[*at].0 == "back").collect();
        assert_eq!(back, [20, 41, 52], "after 20, after 20 more, and at the end");
        for lane in ["front", "back"] {
            let numbers: Vec<i32> = taken.iter().filter(|(name, _)| *name == lane).map(|(_, number)| *number).collect();
            assert!(numbers.is_sorted(), "{lane}: {numbers:?}");
        }
        assert_eq!(taken.len(), 53);
    }
}
