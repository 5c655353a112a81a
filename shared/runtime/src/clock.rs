//! The clock of a function.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Source of time. It is injected, so that a demo or test can always start at the same time.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// The machine's clock, shifted by this many milliseconds; negative means behind.
    Shifted(i64),
    /// Stands still until it is set, in milliseconds since the Unix epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Creates a clock that shows `start` now and runs on from there.
    pub fn starting_at(start: Timestamp) -> Self {
        Self::Shifted(start.as_millisecond() - Timestamp::now().as_millisecond())
    }

    /// Returns the current time, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        let millis = match self {
            Self::System => Timestamp::now().as_millisecond(),
            Self::Shifted(ahead) => Timestamp::now().as_millisecond().saturating_add(*ahead),
            Self::Manual(millis) => millis.load(Ordering::SeqCst),
        };
        // A time outside the years -9999 to 9999 cannot be represented.
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
