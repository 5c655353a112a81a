//! How long to wait before trying anew what others were faster at.

use std::time::Duration;

/// The shortest wait before the first repetition, in microseconds.
const FIRST: u64 = 5_000;
/// How often the wait is doubled at most.
const DOUBLINGS: u32 = 6;
/// The prime of the 64-bit FNV hash, <https://www.rfc-editor.org/rfc/rfc9923>.
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// Waits before repetition `attempt`, counted from 1: a little longer each time, and not as long as the others who lost
/// the same race. 5 to 10 ms the first time, then double, up to 640.
///
/// `ids` are what the attempt is about. Whoever tries the same at once waits equally long, so only one should.
pub async fn pause<'a>(attempt: u32, ids: impl IntoIterator<Item = &'a str>) {
    tokio::time::sleep(wait(attempt, ids)).await;
}

fn wait<'a>(attempt: u32, ids: impl IntoIterator<Item = &'a str>) -> Duration {
    let bytes = ids.into_iter().flat_map(str::bytes);
    let hash = bytes.fold(u64::from(attempt), |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
    let base = FIRST << attempt.saturating_sub(1).min(DOUBLINGS);
    Duration::from_micros(base + hash % base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wait_is_longer_than_the_one_before_up_to_a_limit() {
        for (attempt, from) in [(1, 5), (2, 10), (3, 20), (7, 320), (8, 320), (100, 320)] {
            for id in ["lead-1", "lead-2", ""] {
                let wait = wait(attempt, [id]);
                let from = Duration::from_millis(from);
                assert!(from <= wait && wait < from * 2, "{attempt}, {id}: {wait:?}");
            }
        }
    }

    #[test]
    fn who_lost_the_same_race_waits_differently() {
        let waits: std::collections::BTreeSet<Duration> =
            (0..100).map(|lead| wait(1, [format!("lead-{lead}").as_str()])).collect();
        assert!(waits.len() > 90, "{} of 100 are different", waits.len());
    }
}
