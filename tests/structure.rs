//! The structure of the workspace: which crate may build on which, what a function links, and how files import each other.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is a test; what is not as expected shall stop it"
)]

#[path = "structure/crates.rs"]
mod crates;
#[path = "structure/imports.rs"]
mod imports;

use std::path::{Path, PathBuf};

/// The root of the workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
