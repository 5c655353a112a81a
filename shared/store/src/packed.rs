//! Texts too large for one item: deflated, and cut into chunks.

use std::io::{Read, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::item::{Item, PART, bytes, get_bytes, get_text};
use crate::{StoreError, Table};

/// An item holds 400 KB, keys and names included.
const CHUNK_BYTES: usize = 350_000;
const CHUNK: &str = "chunk#";
const DATA: &str = "data";

/// A text's chunks, each with the part it is kept under.
pub(crate) fn pack(content: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_bytes())?;
    let packed = encoder.finish()?;
    Ok(packed.chunks(CHUNK_BYTES).enumerate().map(|(i, chunk)| (format!("{CHUNK}{i:03}"), chunk.to_vec())).collect())
}

/// The item of a chunk.
pub(crate) fn chunk(mut key: Item, data: Vec<u8>) -> Item {
    key.insert(DATA.to_owned(), bytes(data));
    key
}

/// The text in the chunks among `items`, which come in the order of their parts. There have to be `chunks` of them.
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
        return Err(StoreError::Damaged(format!("of {what} there are {found} of {chunks} chunks")));
    }
    let mut content = String::new();
    DeflateDecoder::new(packed.as_slice()).read_to_string(&mut content)?;
    Ok(content)
}
