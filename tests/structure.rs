//! The structure of the workspace: which crates may depend on which, what a function links, and how files import each
//! other.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails at the first unexpected value"
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
