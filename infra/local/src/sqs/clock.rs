//! The queues' own time. It never runs backwards, whatever happens to the system's clock, and it jumps forward only a
//! little.
//!
//! While the queues are open, it follows the monotonic clock. From one start to the next, it goes on where it was. So a
//! clock that was set back stops no retry, and a clock that is days ahead deletes no message: time during which the
//! queues were closed counts little for how long messages are kept.

use std::time::{Duration, Instant};

/// Limit on the time that passes while the queues are closed, in milliseconds: the longest delay of a message.
const LONGEST_STEP: i64 = 15 * 60 * 1000;

/// A clock in milliseconds. At its first start it shows the time since the Unix epoch. Copies show the same time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    at_start: i64,
    started: Instant,
    /// How far the system's clock was ahead at the start.
    ahead: i64,
}

impl Clock {
    /// Starts the clock when the system's clock shows `system`; `last` is what it last showed.
    pub(super) fn start(system: i64, last: Option<i64>) -> Self {
        let at_start = last.map_or(system, |last| system.clamp(last, last.saturating_add(LONGEST_STEP)));
        Self { at_start, started: Instant::now(), ahead: system.saturating_sub(at_start) }
    }

    /// Returns the time.
    pub(super) fn now(&self) -> i64 {
        let passed: Duration = self.started.elapsed();
        self.at_start.saturating_add(i64::try_from(passed.as_millis()).unwrap_or(i64::MAX))
    }

    /// Returns how far the system's clock was ahead at the start, to show times to clients.
    pub(super) const fn ahead(&self) -> i64 {
        self.ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_where_it_was_in_small_steps() {
        let started = |system, last| Clock::start(system, last).at_start;
        assert_eq!(started(1_000_000, None), 1_000_000);
        assert_eq!(started(1_000_700, Some(1_000_000)), 1_000_700);
        assert_eq!(started(5, Some(1_000_000)), 1_000_000);
        assert_eq!(started(i64::MAX, Some(1_000_000)), 1_000_000 + LONGEST_STEP);
        assert_eq!(Clock::start(5, Some(1_000_000)).ahead(), 5 - 1_000_000);
    }
}
