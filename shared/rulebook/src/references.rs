//! The names that a rulebook may refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fairleader_lead::id::{PoolId, RepId};

use crate::table::Table;

/// What a rulebook may refer to; names that are not here are reported.
#[derive(Clone, Debug, Default)]
pub struct References {
    /// Every pool there is; with `None` any pool may be named.
    pub pools: Option<BTreeSet<PoolId>>,
    /// Every rep there is; with `None` any rep may be named.
    pub reps: Option<BTreeSet<RepId>>,
    /// Every table there is, by its name.
    pub tables: BTreeMap<String, Arc<Table>>,
}
