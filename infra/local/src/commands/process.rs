//! What a command is as a process: its ports, data folder, progress, signals and exit code.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;

use crate::machine::Machine;

/// Why a command failed. The user reads its text.
pub(super) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Ports that a machine listens on.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Ports {
    /// Port of the API on 127.0.0.1; 0 for any free port.
    #[arg(long, default_value_t = 3000)]
    pub(super) port: u16,
    /// Port of the AWS services (DynamoDB, SQS, EventBridge) on 127.0.0.1; 0 for any free port.
    /// [default: the API's port plus 1]
    #[arg(long)]
    pub(super) aws_port: Option<u16>,
}

impl Ports {
    pub(super) fn aws(self) -> u16 {
        self.aws_port.unwrap_or(if self.port == 0 { 0 } else { self.port.saturating_add(1) })
    }
}

/// Returns the exit code. Prints an error on standard error.
pub(super) fn exit_code(outcome: Result<(), Failed>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            // Standard error may be closed. Then nothing can be reported.
            writeln!(io::stderr(), "fairleader: {cause}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

/// Returns the given folder, or a temporary one that is removed when the program ends.
pub(super) fn data_folder(asked: Option<PathBuf>) -> Result<(PathBuf, Option<tempfile::TempDir>), Failed> {
    if let Some(path) = asked {
        return Ok((path, None));
    }
    let temporary = tempfile::Builder::new().prefix("fairleader-").tempdir()?;
    Ok((temporary.path().join("data"), Some(temporary)))
}

/// Serves until Ctrl-C, SIGTERM, or the end of a part of the machine, which is an error. Then stops the machine.
pub(super) async fn serve(mut machine: Machine) -> Result<(), Failed> {
    let outcome = tokio::select! {
        interrupted = until_ended() => interrupted.map_err(Failed::from),
        ended = machine.failed() => Err(ended.into()),
    };
    machine.stop().await;
    outcome
}

/// Waits for Ctrl-C or SIGTERM.
async fn until_ended() -> io::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

/// Shows progress to people at a terminal.
pub(super) fn spinner(what: &'static str, json: bool) -> ProgressBar {
    let bar = if !json && io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.enable_steady_tick(Duration::from_millis(100));
    bar.set_message(what);
    bar
}
