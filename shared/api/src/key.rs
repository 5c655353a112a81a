//! What is kept of a key.

use sha2::{Digest, Sha256};

/// SHA-256 of a key in hex: what is kept of it, and its id. A key has 256 random bits, so a plain hash keeps it safe.
pub fn hash(key: &str) -> String {
    format!("{:x}", Sha256::digest(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_as_its_hash() {
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
