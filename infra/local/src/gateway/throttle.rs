//! A token bucket: limits requests per second on average, and requests at once.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Value of a token. With this unit, a rate of n per second adds n units each microsecond.
const TOKEN: u64 = 1_000_000;

pub(super) struct Bucket {
    rate: u64,
    burst: u64,
    level: Mutex<(u64, Instant)>,
}

impl Bucket {
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        let burst = u64::from(burst) * TOKEN;
        Self { rate: u64::from(rate), burst, level: Mutex::new((burst, Instant::now())) }
    }

    /// Takes a token. Returns false if there is none.
    pub(super) fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, since) = *level;
        let passed = u64::try_from(now.saturating_duration_since(since).as_micros()).unwrap_or(u64::MAX);
        let tokens = tokens.saturating_add(passed.saturating_mul(self.rate)).min(self.burst);
        let left = tokens.checked_sub(TOKEN);
        *level = (left.unwrap_or(tokens), now.max(since));
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn allows_a_burst_and_then_the_rate() {
        let bucket = Bucket::new(10, 3);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let taken: Vec<bool> = [0, 0, 0, 0, 99, 150, 150, 10_000, 10_000, 10_000, 10_000]
            .into_iter()
            .map(|ms| bucket.take_at(at(ms)))
            .collect();
        let (yes, no) = (true, false);
        assert_eq!(taken, [yes, yes, yes, no, no, yes, no, yes, yes, yes, no]);
    }
}
