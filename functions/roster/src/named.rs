//! Search for the rulebook that names a rep or pool.

use fairleader_api::{Code, Problem};
use fairleader_lead::id::RulebookVersion;
use fairleader_rulebook::Rulebook;
use fairleader_runtime::http::Failure;
use fairleader_store::{RulebookError, StoredActivations};

use crate::Roster;

impl Roster {
    /// Returns the active or planned version for which `names` returns true. Compiled versions are kept from call to call.
    pub(crate) async fn rulebook_that_names(
        &self,
        stored: &StoredActivations,
        names: impl Fn(&Rulebook) -> bool,
    ) -> Result<Option<(&'static str, RulebookVersion)>, Failure> {
        let now = self.clock.now();
        let activations = stored.activations.as_of(now);
        let active = activations.version(now).map(|version| ("active", version));
        let planned = activations.next.as_ref().map(|planned| ("planned", &planned.version));
        for (which, version) in active.into_iter().chain(planned) {
            // A version that cannot be read may name anything.
            let compiled = self.compiled.get(version).await.map_err(|cause| match cause {
                RulebookError::Store(cause) => Failure::from(cause),
                cause => Problem::new(Code::UnreadableRulebook, format!("the {which} {cause}"))
                    .detail("activate another version first")
                    .into(),
            })?;
            if names(&compiled) {
                return Ok(Some((which, version.clone())));
            }
        }
        Ok(None)
    }
}
