//! The names that a rulebook may refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fairleader_lead::id::{PoolId, RepId};

use crate::table::Table;

/// The names that a rulebook may use; other names are reported.
#[derive(Clone, Debug, Default)]
pub struct References {
    /// All pools; with `None`, any pool may be named.
    pub pools: Option<BTreeSet<PoolId>>,
    /// All reps; with `None`, any rep may be named.
    pub reps: Option<BTreeSet<RepId>>,
    /// All tables, by name.
    pub tables: BTreeMap<String, Arc<Table>>,
}
