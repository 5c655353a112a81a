//! Where the time comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// The source of time, injected so that a demo or a test can start on the same Tuesday every day.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// The machine's clock, this many milliseconds ahead (or behind, if negative).
    Shifted(i64),
    /// Stands still; milliseconds since the Unix epoch, moved by whoever holds the other end.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that shows `start` now and runs on from there.
    pub fn starting_at(start: Timestamp) -> Self {
        Self::Shifted(start.as_millisecond() - Timestamp::now().as_millisecond())
    }

    /// The current instant, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        let millis = match self {
            Self::System => Timestamp::now().as_millisecond(),
            Self::Shifted(ahead) => Timestamp::now().as_millisecond().saturating_add(*ahead),
            Self::Manual(millis) => millis.load(Ordering::SeqCst),
        };
        // Outside the years -9999 to 9999 there is nothing sensible to show.
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
