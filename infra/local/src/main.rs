//! `fairleader`: Fairleader on one machine. The commands are in [`fairleader_local::commands`].

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use fairleader_local::commands::Cli;
use fairleader_runtime::is_loggable;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

// The system's allocator took a sixth of the time under load.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("FAIRLEADER_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{},dynoxide=error", cli.log_level())));
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_filter(filter.and(filter_fn(is_loggable)));
    registry().with(lines).init();
    cli.run().await
}
