//! Faults: what AWS does now and then and the embedded engines never do by themselves.
//!
//! They are injected between the proxy's decision to pass a call on and the service, so a call that is refused meets
//! none. Each fault is a module of its own and is seeded: the same seed makes the same choices in the same order.
//!
//! | fault | what happens |
//! |---|---|
//! | `index-lag` | queries of global secondary indexes are answered as of a moment ago ([`late_indexes`]) |

mod late_indexes;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::late_indexes::LateIndexes;
pub use self::late_indexes::StartError;
use crate::stack::Table;
use crate::tables::{Reply, Tables};

/// Longest lag; on AWS it is nearly always below a second.
const LONGEST_LAG: Duration = Duration::from_mins(1);

/// Which faults are injected; by default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// How late an index is at most; zero for never late.
    pub index_lag: Duration,
    /// Where the choices begin.
    pub seed: u64,
}

/// A list of faults cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// There is no such fault.
    #[error("`{0}` is not a fault; write index-lag=500ms, and seed=7 beside it if the order matters")]
    Unknown(String),
    /// A fault without a value.
    #[error("`{0}` has no value; write {0}={example}", example = example(.0))]
    NoValue(String),
    /// A fault that is given more than once.
    #[error("`{0}` is given twice; leave one out")]
    Twice(String),
    /// A lag that is no duration.
    #[error("`{0}` is not a duration; write milliseconds or seconds, such as 500ms or 2s")]
    Duration(String),
    /// A lag that is too long.
    #[error("an index lag of `{0}` is too long; it is at most 60s")]
    TooLong(String),
    /// A seed that is no number.
    #[error("`{0}` is not a seed; write a whole number, such as 7")]
    Seed(String),
    /// A seed for nothing.
    #[error("a seed alone changes nothing; write index-lag=500ms beside it")]
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

/// Passes calls on, with the faults that are switched on.
#[derive(Default)]
pub(crate) struct Injector {
    late_indexes: Option<Arc<LateIndexes>>,
}

impl Injector {
    /// Gets ready to inject `faults` into calls of `tables`.
    pub(crate) async fn start(faults: &Faults, tables: &Tables, stack: &[Table]) -> Result<Self, StartError> {
        let late_indexes = if faults.index_lag.is_zero() {
            None
        } else {
            Some(Arc::new(LateIndexes::start(faults.index_lag, faults.seed, tables.clone(), stack).await?))
        };
        Ok(Self { late_indexes })
    }

    /// Answers a call of the tables.
    pub(crate) async fn call(&self, tables: &Tables, operation: &str, body: Bytes) -> Reply {
        match &self.late_indexes {
            Some(late) => late.call(operation, body).await,
            None => tables.call(operation, body).await,
        }
    }

    /// Takes notice of what was changed in the tables by other ways than calls.
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
    fn a_list_of_faults_is_read() {
        let faults = |text: &str| text.parse::<Faults>();
        let half = Duration::from_millis(500);
        assert_eq!(faults("index-lag=500ms,seed=7"), Ok(Faults { index_lag: half, seed: 7 }));
        assert_eq!(faults("seed=7, index-lag=2s"), Ok(Faults { index_lag: half * 4, seed: 7 }));
        assert_eq!(faults("index-lag=0ms"), Ok(Faults::default()));
        let said = |text: &str| faults(text).unwrap_err().to_string();
        assert_eq!(
            said("index_lag=500ms"),
            "`index_lag` is not a fault; write index-lag=500ms, and seed=7 beside it if the order matters"
        );
        assert_eq!(said("index-lag"), "`index-lag` has no value; write index-lag=500ms");
        assert_eq!(said("index-lag=1s,seed="), "`seed` has no value; write seed=7");
        assert_eq!(said("index-lag=1s,index-lag=2s"), "`index-lag` is given twice; leave one out");
        assert_eq!(
            said("index-lag=500"),
            "`500` is not a duration; write milliseconds or seconds, such as 500ms or 2s"
        );
        assert_eq!(
            said("index-lag=-1s"),
            "`-1s` is not a duration; write milliseconds or seconds, such as 500ms or 2s"
        );
        assert_eq!(said("index-lag=61s"), "an index lag of `61s` is too long; it is at most 60s");
        assert_eq!(said("index-lag=1s,seed=x"), "`x` is not a seed; write a whole number, such as 7");
        assert_eq!(said("seed=7"), "a seed alone changes nothing; write index-lag=500ms beside it");
    }
}
