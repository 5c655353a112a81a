//! Injects faults: what AWS does sometimes and the embedded engines never do.
//!
//! They are injected between the proxy and the service, so they do not affect rejected calls. Each fault is a module
//! and has a seed: the same seed makes the same choices in the same order.
//!
//! | fault | what happens |
//! |---|---|
//! | `index-lag` | queries of global secondary indexes return slightly old data (`late_indexes`) |

mod late_indexes;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::late_indexes::LateIndexes;
pub use self::late_indexes::StartError;
use crate::stack::Table;
use crate::tables::{Reply, Tables};

/// Limit on the lag. On AWS it is nearly always below a second.
const LONGEST_LAG: Duration = Duration::from_mins(1);

/// The faults to inject; by default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Limit on the lag of an index; zero for no lag.
    pub index_lag: Duration,
    /// Seed of the choices.
    pub seed: u64,
}

/// Why a list of faults cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// There is no such fault.
    #[error("`{0}` is not a fault; write index-lag=500ms, and add seed=7 to repeat a sequence")]
    Unknown(String),
    /// A fault without a value.
    #[error("`{0}` has no value; write {0}={example}", example = example(.0))]
    NoValue(String),
    /// A fault that is given more than once.
    #[error("`{0}` is given twice; remove one")]
    Twice(String),
    /// A lag that is not a duration.
    #[error("`{0}` is not a duration; write milliseconds or seconds, such as 500ms or 2s")]
    Duration(String),
    /// A lag that is too long.
    #[error("an index lag of `{0}` is too long; the limit is 60s")]
    TooLong(String),
    /// A seed that is not a number.
    #[error("`{0}` is not a seed; write a whole number, such as 7")]
    Seed(String),
    /// A seed without a fault.
    #[error("a seed alone changes nothing; add index-lag=500ms")]
    SeedAlone,
}

fn example(name: &str) -> &'static str {
    if name == "seed" { "7" } else { "500ms" }
}

/// Reads `index-lag=500ms,seed=7`.
impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let (mut index_lag, mut seed) = (None, None);
        for part in text.split(',').map(str::trim) {
            let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value)));
            if !matches!(name, "index-lag" | "seed") {
                return Err(FaultsError::Unknown(name.to_owned()));
            }
            let value = value.filter(|value| !value.is_empty()).ok_or_else(|| FaultsError::NoValue(name.to_owned()))?;
            let before = if name == "seed" {
                seed.replace(value.parse().map_err(|_| FaultsError::Seed(value.to_owned()))?).is_some()
            } else {
                index_lag.replace(lag(value)?).is_some()
            };
            if before {
                return Err(FaultsError::Twice(name.to_owned()));
            }
        }
        let index_lag = index_lag.ok_or(FaultsError::SeedAlone)?;
        Ok(Self { index_lag, seed: seed.unwrap_or_default() })
    }
}

fn lag(text: &str) -> Result<Duration, FaultsError> {
    let (number, millis) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1000),
        (None, None) => return Err(FaultsError::Duration(text.to_owned())),
    };
    let number: u32 = number.parse().map_err(|_| FaultsError::Duration(text.to_owned()))?;
    let lag = Duration::from_millis(u64::from(number) * millis);
    if lag > LONGEST_LAG { Err(FaultsError::TooLong(text.to_owned())) } else { Ok(lag) }
}

/// Passes calls on, with the enabled faults.
#[derive(Default)]
pub(crate) struct Injector {
    late_indexes: Option<Arc<LateIndexes>>,
}

impl Injector {
    /// Prepares to inject `faults` into calls of `tables`.
    pub(crate) async fn start(faults: &Faults, tables: &Tables, stack: &[Table]) -> Result<Self, StartError> {
        let late_indexes = if faults.index_lag.is_zero() {
            None
        } else {
            Some(Arc::new(LateIndexes::start(faults.index_lag, faults.seed, tables.clone(), stack).await?))
        };
        Ok(Self { late_indexes })
    }

    /// Handles a call of the tables.
    pub(crate) async fn call(&self, tables: &Tables, operation: &str, body: Bytes) -> Reply {
        match &self.late_indexes {
            Some(late) => late.call(operation, body).await,
            None => tables.call(operation, body).await,
        }
    }

    /// Reloads the tables after changes that were not made by calls.
    pub(crate) async fn refresh(&self) {
        if let Some(late) = &self.late_indexes {
            late.refresh().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_list_of_faults() {
        let faults = |text: &str| text.parse::<Faults>();
        let half = Duration::from_millis(500);
        assert_eq!(faults("index-lag=500ms,seed=7"), Ok(Faults { index_lag: half, seed: 7 }));
        assert_eq!(faults("seed=7, index-lag=2s"), Ok(Faults { index_lag: half * 4, seed: 7 }));
        assert_eq!(faults("index-lag=0ms"), Ok(Faults::default()));
        let said = |text: &str| faults(text).unwrap_err().to_string();
        assert_eq!(
            said("index_lag=500ms"),
            "`index_lag` is not a fault; write index-lag=500ms, and add seed=7 to repeat a sequence"
        );
        assert_eq!(said("index-lag"), "`index-lag` has no value; write index-lag=500ms");
        assert_eq!(said("index-lag=1s,seed="), "`seed` has no value; write seed=7");
        assert_eq!(said("index-lag=1s,index-lag=2s"), "`index-lag` is given twice; remove one");
        assert_eq!(
            said("index-lag=500"),
            "`500` is not a duration; write milliseconds or seconds, such as 500ms or 2s"
        );
        assert_eq!(
            said("index-lag=-1s"),
            "`-1s` is not a duration; write milliseconds or seconds, such as 500ms or 2s"
        );
        assert_eq!(said("index-lag=61s"), "an index lag of `61s` is too long; the limit is 60s");
        assert_eq!(said("index-lag=1s,seed=x"), "`x` is not a seed; write a whole number, such as 7");
        assert_eq!(said("seed=7"), "a seed alone changes nothing; add index-lag=500ms");
    }
}
