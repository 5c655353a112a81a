//! `fairleader`: Fairleader on one machine. The commands are in [`fairleader_local::commands`].

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use fairleader_local::commands::Cli;
use tracing_subscriber::EnvFilter;

// The system's allocator took a sixth of the time under load.
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
