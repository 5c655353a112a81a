//! The hash of a key.

use sha2::{Digest, Sha256};

/// Returns the SHA-256 of a key in hex: its id, and all that is stored of it. A key has 256 random bits, so it needs no
/// salt.
pub fn hash(key: &str) -> String {
    format!("{:x}", Sha256::digest(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_a_key() {
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
