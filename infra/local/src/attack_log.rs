//! Log lines that callers without a key can cause: one line per kind and minute, with a count.
//!
//! The first event of a kind is logged at once. Those of the next minute are counted, and logged together after it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shortest time between two lines of one kind.
const EVERY: Duration = Duration::from_mins(1);

/// What a caller without a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A new connection was closed at once.
    ConnectionRefused,
    /// A connection was closed because it waited longest for its client.
    ConnectionDropped,
    /// The system could not accept a connection.
    AcceptFailed,
    /// A request did not arrive in time.
    RequestTooSlow,
    /// A request was not valid HTTP, or its headers were too large.
    RequestUnreadable,
    /// A request's body was too large.
    RequestTooLarge,
    /// A request exceeded the API's rate.
    RequestThrottled,
    /// A call of the API without a key, or with a wrong one.
    CallUnauthorised,
    /// A call of the AWS services without a key, with a wrong one, or that no client sends.
    AwsCallRefused,
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "connections refused: too many are open",
            Self::ConnectionDropped => "connections closed: they waited longest for a request, and too many were open",
            Self::AcceptFailed => "connections could not be accepted; is the limit on open files too low?",
            Self::RequestTooSlow => "requests that did not arrive in time",
            Self::RequestUnreadable => "requests that cannot be read",
            Self::RequestTooLarge => "requests that are too large",
            Self::RequestThrottled => "requests above the rate of the API",
            Self::CallUnauthorised => "calls of the API without a valid key",
            Self::AwsCallRefused => "calls of the AWS services without a valid key or signature",
        }
    }
}

/// The process's counts.
static COUNTS: Counts = Counts::new();

/// Counts an event, and logs it unless its kind was logged within the last minute.
pub(crate) fn count(kind: Kind) {
    if let Some(count) = COUNTS.add(kind, Instant::now()) {
        tell(kind, count);
    }
}

/// Logs every minute what was counted since the last line of its kind.
pub(crate) async fn keep_telling() -> io::Result<()> {
    loop {
        tokio::time::sleep(EVERY).await;
        for (kind, count) in COUNTS.rest(Instant::now()) {
            tell(kind, count);
        }
    }
}

fn tell(kind: Kind, count: u64) {
    tracing::warn!(count, "{}", kind.words());
}

/// The events of each kind since its last line, and when that was.
struct Counts(Mutex<BTreeMap<Kind, (u64, Instant)>>);

impl Counts {
    const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Adds an event. Returns the number of events to log now, if a line is due.
    fn add(&self, kind: Kind, now: Instant) -> Option<u64> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((count, told_at)) = counts.get_mut(&kind) else {
            counts.insert(kind, (0, now));
            return Some(1);
        };
        *count = count.saturating_add(1);
        if now.saturating_duration_since(*told_at) < EVERY {
            return None;
        }
        *told_at = now;
        Some(std::mem::take(count))
    }

    /// Returns the kinds whose line is due, with the number of events to log.
    fn rest(&self, now: Instant) -> Vec<(Kind, u64)> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = counts
            .iter_mut()
            .filter(|(_, (count, told_at))| *count > 0 && now.saturating_duration_since(*told_at) >= EVERY);
        due.map(|(kind, (count, told_at))| {
            *told_at = now;
            (*kind, std::mem::take(count))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_one_line_per_kind_and_minute() {
        let counts = Counts::new();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(counts.add(Kind::CallUnauthorised, at(0)), Some(1));
        let lines = (1..60).filter_map(|second| counts.add(Kind::CallUnauthorised, at(second))).count();
        assert_eq!(lines, 0);
        // Another kind has its own line.
        assert_eq!(counts.add(Kind::ConnectionRefused, at(30)), Some(1));
        assert!(counts.rest(at(59)).is_empty());
        assert_eq!(counts.rest(at(60)), [(Kind::CallUnauthorised, 59)]);
        assert!(counts.rest(at(200)).is_empty());
        assert_eq!(counts.add(Kind::CallUnauthorised, at(61)), None);
        assert_eq!(counts.add(Kind::CallUnauthorised, at(200)), Some(2));
    }
}
