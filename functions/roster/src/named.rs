//! What rulebooks name.

use std::collections::BTreeMap;

use fairleader_lead::id::{PoolId, RulebookVersion};
use fairleader_rulebook::{References, Rulebook};
use fairleader_store::StoreError;

use crate::Roster;

impl Roster {
    /// The active or planned version that names a pool.
    pub(crate) async fn rulebook_that_names(
        &self,
        pool: &PoolId,
    ) -> Result<Option<(&'static str, RulebookVersion)>, StoreError> {
        let now = self.clock.now();
        let activations = self.rulebooks.activations().await?.activations.as_of(now);
        let active = activations.version(now).map(|version| ("active", version));
        let planned = activations.next.as_ref().map(|planned| ("planned", &planned.version));
        for (which, version) in active.into_iter().chain(planned) {
            if let Some((source, record)) = self.rulebooks.read(version).await?
                && self.names(&source, &record.upload.tables, pool).await?
            {
                return Ok(Some((which, version.clone())));
            }
        }
        Ok(None)
    }

    /// Whether a version names a pool.
    async fn names(&self, source: &str, tables: &BTreeMap<String, String>, pool: &PoolId) -> Result<bool, StoreError> {
        let references = References { tables: self.tables.load(tables).await?, ..References::default() };
        Ok(Rulebook::reuse(source, &references).is_ok_and(|rulebook| rulebook.pools().contains(pool)))
    }
}
