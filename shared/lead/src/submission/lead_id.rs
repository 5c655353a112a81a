//! The id of a lead, derived from the sender's own key for it.

use uuid::Uuid;

use crate::id::{LeadId, SourceId};

/// Namespace of all lead ids, a random UUID made for Fairleader in 2026. It must never change: every id of a keyed lead
/// depends on it.
const NAMESPACE: Uuid = Uuid::from_u128(0xbbef_658c_40f6_4a32_ba7c_5c51_8491_9f70);

/// Derives the id of the lead that `source` calls `key` (its idempotency key, or the provider's own lead id).
///
/// The id is a version 5 UUID (RFC 9562, 5.5) over both parts, each prefixed with its length in bytes so that no two
/// pairs give the same name. The same pair always gives the same id, without a look-up.
///
/// ```
/// use fairleader_lead::submission::lead_id;
///
/// let id = lead_id::derive(&"website".into(), "form-17");
/// assert_eq!(id, lead_id::derive(&"website".into(), "form-17"));
/// assert_ne!(id, lead_id::derive(&"website".into(), "form-18"));
/// ```
pub fn derive(source: &SourceId, key: &str) -> LeadId {
    let source = source.as_str();
    let name = format!("{}:{source}{}:{key}", source.len(), key.len());
    LeadId::new(Uuid::new_v5(&NAMESPACE, name.as_bytes()).hyphenated().to_string())
}

/// Namespace of the ids of leads whose sender used the key of another person's lead again, a random UUID made for
/// Fairleader in 2026. It must never change.
const REUSED: Uuid = Uuid::from_u128(0xa63e_eda2_6380_45fe_ba50_f2a9_2b2e_6e89);

/// Derives the id of a lead whose sender used the key of the lead `first`, which is another person, again. It depends
/// on that lead (so on source and key) and on the content, and never equals an id by [`derive()`].
pub fn derive_reused(first: &LeadId, payload_hash: &str) -> LeadId {
    let first = first.as_str();
    let name = format!("{}:{first}{}:{payload_hash}", first.len(), payload_hash.len());
    LeadId::new(Uuid::new_v5(&REUSED, name.as_bytes()).hyphenated().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_stable_ids() {
        insta::assert_snapshot!(derive(&"website".into(), "form-17"), @"24c875e2-d32c-565d-a365-9f2e35ff9e4f");
    }

    #[test]
    fn gives_each_content_of_a_reused_key_its_own_id() {
        let first = derive(&"website".into(), "form-17");
        let one = derive_reused(&first, "ab");
        assert_eq!(one, derive_reused(&first, "ab"));
        for other in [&first, &derive_reused(&first, "cd"), &derive_reused(&one, "ab")] {
            assert_ne!(one, *other);
        }
        assert_ne!(one, derive(&first.as_str().into(), "ab"));
    }

    #[test]
    fn keeps_source_and_key_apart() {
        assert_ne!(derive(&"a".into(), "1:b"), derive(&"a1:".into(), "b"));
        assert_ne!(derive(&"ab".into(), "c"), derive(&"a".into(), "bc"));
    }
}
