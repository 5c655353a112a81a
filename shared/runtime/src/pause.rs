//! Backoff before a retry after a conflict.

use std::time::Duration;

/// Minimum wait before the first retry, in microseconds.
const FIRST: u64 = 5_000;
/// Limit on the doublings of the wait.
const DOUBLINGS: u32 = 6;
/// The prime of the 64-bit FNV hash, <https://www.rfc-editor.org/rfc/rfc9923>.
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// Waits before retry `attempt`, counted from 1: 5 to 10 ms the first time, then twice as long each time, up to 640 ms.
///
/// `ids` name what is retried. They vary the wait, so that writers with different ids do not retry at the same moment.
/// Writers with the same ids wait equally long.
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
    fn waits_double_up_to_a_limit() {
        for (attempt, from) in [(1, 5), (2, 10), (3, 20), (7, 320), (8, 320), (100, 320)] {
            for id in ["lead-1", "lead-2", ""] {
                let wait = wait(attempt, [id]);
                let from = Duration::from_millis(from);
                assert!(from <= wait && wait < from * 2, "{attempt}, {id}: {wait:?}");
            }
        }
    }

    #[test]
    fn waits_differ_between_ids() {
        let waits: std::collections::BTreeSet<Duration> =
            (0..100).map(|lead| wait(1, [format!("lead-{lead}").as_str()])).collect();
        assert!(waits.len() > 90, "{} of 100 are different", waits.len());
    }
}
