//! Texts that are too large for one item: deflated, and cut into chunks.

use std::io::{Read, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::item::{Item, PART, bytes, get_bytes, get_text};
use crate::{StoreError, Table};

/// Size of a chunk, in bytes. An item has at most 400 KB, including keys and names.
const CHUNK_BYTES: usize = 350_000;
const CHUNK: &str = "chunk#";
const DATA: &str = "data";

/// Compresses a text into chunks. Returns each with its part of the key.
pub(crate) fn pack(content: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_bytes())?;
    let packed = encoder.finish()?;
    Ok(packed.chunks(CHUNK_BYTES).enumerate().map(|(i, chunk)| (format!("{CHUNK}{i:03}"), chunk.to_vec())).collect())
}

/// Builds the item of a chunk.
pub(crate) fn chunk(mut key: Item, data: Vec<u8>) -> Item {
    key.insert(DATA.to_owned(), bytes(data));
    key
}

/// Reads the text from the chunks among `items`, which are in the order of their parts. Fails unless there are `chunks`
/// of them.
pub(crate) fn unpack(items: &[Item], table: &Table, what: &str, chunks: usize) -> Result<String, StoreError> {
    let mut packed = Vec::new();
    let mut found = 0_usize;
    for item in items {
        if get_text(item, &table.name, PART)?.starts_with(CHUNK) {
            packed.extend_from_slice(get_bytes(item, &table.name, DATA)?);
            found += 1;
        }
    }
    if found != chunks {
        return Err(StoreError::Damaged(format!("{what} has {found} of its {chunks} chunks")));
    }
    let mut content = String::new();
    DeflateDecoder::new(packed.as_slice()).read_to_string(&mut content)?;
    Ok(content)
}
