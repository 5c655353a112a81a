//! `fairleader`: Fairleader on one machine. What it can do is in [`fairleader_local::commands`].

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use fairleader_local::commands::Cli;
use tracing_subscriber::EnvFilter;

// A sixth of the time under load went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("FAIRLEADER_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{},dynoxide=error", cli.log_level())));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
    cli.run().await
}
