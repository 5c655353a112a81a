//! Keys of identities: what a lead or an account is found by.

use std::borrow::Borrow;
use std::fmt;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Length limit of a key, in bytes. Keys of the table have at most 2,048 bytes, and only a company name that grows when
/// it is folded can reach this limit: the longest key of an address or number with a family name has 661 bytes.
pub const MAX_KEY: usize = 1_024;
/// Bytes of the text that a shortened key keeps, for people who read the table.
const KEPT: usize = 200;

/// Key of an identity: `email:ada@acme.example`, `company:acme`. It is never empty and never longer than [`MAX_KEY`].
///
/// A longer key is shortened to the SHA-256 of its text and the first bytes of it, so equal texts still have equal keys.
/// It has a `~` after its kind instead of a `:`, so it never equals a key that was not shortened.
///
/// ```
/// use fairleader_lead::identity::{IdentityKey, MAX_KEY};
///
/// assert_eq!(IdentityKey::company("acme").unwrap().as_str(), "company:acme");
/// assert_eq!(IdentityKey::company(""), None);
/// let long = IdentityKey::company(&"x".repeat(5_000)).unwrap();
/// assert!(long.as_str().starts_with("company~") && long.as_str().len() <= MAX_KEY);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityKey(String);

impl IdentityKey {
    /// Returns the key of an e-mail address in the form that identifies the person.
    pub fn email(identity: &str) -> Option<Self> {
        Self::new("email", identity, None)
    }

    /// Returns the key of a shared mailbox and a folded family name.
    pub fn email_with_family(identity: &str, family: &str) -> Option<Self> {
        Self::new("email", identity, Some(family))
    }

    /// Returns the key of a phone number in E.164.
    pub fn phone(number: &str) -> Option<Self> {
        Self::new("phone", number, None)
    }

    /// Returns the key of a phone number in E.164 and a folded family name.
    pub fn phone_with_family(number: &str, family: &str) -> Option<Self> {
        Self::new("phone", number, Some(family))
    }

    /// Returns the key of a registrable domain.
    pub fn domain(domain: &str) -> Option<Self> {
        Self::new("domain", domain, None)
    }

    /// Returns the key of a company name in the form in which names are compared.
    pub fn company(name: &str) -> Option<Self> {
        Self::new("company", name, None)
    }

    /// Makes a key. Returns `None` if a part of it is empty.
    fn new(kind: &str, text: &str, family: Option<&str>) -> Option<Self> {
        if text.is_empty() || family.is_some_and(str::is_empty) {
            return None;
        }
        let text = family.map_or_else(|| text.to_owned(), |family| format!("{text}#{family}"));
        if kind.len() + 1 + text.len() <= MAX_KEY {
            return Some(Self(format!("{kind}:{text}")));
        }
        let mut key = format!("{kind}~");
        for byte in Sha256::digest(&text) {
            // Writing to a string cannot fail.
            write!(key, "{byte:02x}").ok();
        }
        let kept = (0..=KEPT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        key.push('~');
        key.push_str(text.get(..kept).unwrap_or_default());
        Some(Self(key))
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for IdentityKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keys_are_bounded_and_still_compare() {
        for length in [1, 200, 1_016, 1_017, 2_048, 20_000] {
            let text = "ø".repeat(length);
            let key = IdentityKey::company(&text).unwrap();
            assert!(key.as_str().len() <= MAX_KEY, "{length}");
            assert_eq!(Some(&key), IdentityKey::company(&text).as_ref());
            assert_ne!(Some(&key), IdentityKey::company(&format!("{text}x")).as_ref(), "{length}");
            assert_ne!(Some(&key), IdentityKey::domain(&text).as_ref(), "{length}");
        }
        let short = IdentityKey::company(&"x".repeat(MAX_KEY - "company:".len())).unwrap();
        assert!(short.as_str().starts_with("company:x"));
    }

    #[test]
    fn no_part_is_empty() {
        for key in [
            IdentityKey::email(""),
            IdentityKey::phone(""),
            IdentityKey::domain(""),
            IdentityKey::email_with_family("info@acme.example", ""),
            IdentityKey::phone_with_family("", "king"),
        ] {
            assert_eq!(key, None);
        }
    }
}
