//! Search for the rulebook that names a rep or pool.

use std::collections::BTreeMap;

use fairleader_lead::id::RulebookVersion;
use fairleader_rulebook::{References, Rulebook};
use fairleader_store::{StoreError, StoredActivations};

use crate::Roster;

impl Roster {
    /// Returns the active or planned version for which `names` returns true.
    pub(crate) async fn rulebook_that_names(
        &self,
        stored: &StoredActivations,
        names: impl Fn(&Rulebook) -> bool,
    ) -> Result<Option<(&'static str, RulebookVersion)>, StoreError> {
        let now = self.clock.now();
        let activations = stored.activations.as_of(now);
        let active = activations.version(now).map(|version| ("active", version));
        let planned = activations.next.as_ref().map(|planned| ("planned", &planned.version));
        for (which, version) in active.into_iter().chain(planned) {
            if let Some((source, record)) = self.rulebooks.read(version).await?
                && self.compiled(&source, &record.upload.tables).await?.as_ref().is_some_and(&names)
            {
                return Ok(Some((which, version.clone())));
            }
        }
        Ok(None)
    }

    /// Compiles a stored version. Returns `None` if it can no longer be read.
    async fn compiled(&self, source: &str, tables: &BTreeMap<String, String>) -> Result<Option<Rulebook>, StoreError> {
        let references = References { tables: self.tables.load(tables).await?, ..References::default() };
        Ok(Rulebook::reuse(source, &references).ok())
    }
}
