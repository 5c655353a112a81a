//! The optimistic loop: read, decide, write with the version that was read as a condition, and retry on a conflict.
//!
//! ```no_run
//! # async fn example(deadline: std::time::Instant) -> Result<(), Box<dyn std::error::Error>> {
//! # enum Committed { Done, Lost }
//! # async fn commit() -> Committed { Committed::Done }
//! let mut tries = fairleader_store::Tries::until(deadline, ["lead-1"]);
//! loop {
//!     tries.again("scoring the lead").await?;
//!     // Read, decide and commit. Never write an old decision again.
//!     match commit().await {
//!         Committed::Done => return Ok(()),
//!         Committed::Lost => {}
//!     }
//! }
//! # }
//! ```

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Minimum wait before the first retry, in microseconds.
const FIRST: u64 = 5_000;
/// Limit on the doublings of the wait.
const DOUBLINGS: u32 = 6;
/// The prime of the 64-bit FNV hash, <https://www.rfc-editor.org/rfc/rfc9923>.
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// Counts the loops of this process, so that two loops for the same lead wait for different times.
static LOOPS: AtomicU64 = AtomicU64::new(0);

/// Attempts of one optimistic write. The first starts at once. Before a retry it waits for 5 to 10 ms, doubled each
/// time up to 320 to 640 ms. There is always a first attempt, and no retry after the deadline.
#[derive(Debug)]
pub struct Tries {
    deadline: Instant,
    seed: u64,
    made: u32,
}

/// Every attempt until the deadline ended in a conflict. Nothing was written; the message is delivered again.
#[derive(Debug, thiserror::Error)]
#[error("{what} ran out of time after {tries} {}", if *tries == 1 { "conflict" } else { "conflicts" })]
pub struct OutOfTime {
    /// What was attempted.
    what: &'static str,
    /// The number of attempts.
    tries: u32,
}

impl Tries {
    /// Starts a loop with `deadline`. `ids` name what is written; they vary the waits, so that loops do not retry at
    /// the same moment.
    pub fn until<'a>(deadline: Instant, ids: impl IntoIterator<Item = &'a str>) -> Self {
        let bytes = ids.into_iter().flat_map(str::bytes);
        let start = LOOPS.fetch_add(1, Ordering::Relaxed);
        let seed = bytes.fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        Self { deadline, seed, made: 0 }
    }

    /// Waits until the next attempt is due.
    ///
    /// # Errors
    /// Fails if that would be after the deadline; `what` names the attempt in the error.
    pub async fn again(&mut self, what: &'static str) -> Result<(), OutOfTime> {
        if self.made > 0 {
            let wait = wait(self.made, self.seed);
            if Instant::now() + wait >= self.deadline {
                return Err(OutOfTime { what, tries: self.made });
            }
            tokio::time::sleep(wait).await;
        }
        self.made = self.made.saturating_add(1);
        Ok(())
    }
}

fn wait(made: u32, seed: u64) -> Duration {
    let base = FIRST << made.saturating_sub(1).min(DOUBLINGS);
    let spread = (seed ^ u64::from(made)).wrapping_mul(FNV_PRIME);
    Duration::from_micros(base + spread % base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        for (made, from) in [(1, 5), (2, 10), (3, 20), (7, 320), (8, 320), (100, 320)] {
            for seed in [0, 1, u64::MAX] {
                let wait = wait(made, seed);
                let from = Duration::from_millis(from);
                assert!(from <= wait && wait < from * 2, "{made}, {seed}: {wait:?}");
            }
        }
    }

    #[test]
    fn waits_differ_between_loops() {
        let deadline = Instant::now() + Duration::from_secs(1);
        let waits: std::collections::BTreeSet<Duration> =
            (0..100).map(|_| wait(1, Tries::until(deadline, ["lead"]).seed)).collect();
        assert!(waits.len() > 90, "{} of 100 are different", waits.len());
    }

    #[tokio::test]
    async fn does_not_retry_after_the_deadline() {
        let mut tries = Tries::until(Instant::now(), ["lead"]);
        tries.again("storing").await.unwrap();
        let error = tries.again("storing").await.unwrap_err();
        assert_eq!(error.to_string(), "storing ran out of time after 1 conflict");
    }
}
