//! The commands of `fairleader`, one file each: options, work and output.

mod check;
mod decide;
mod demo;
mod diff;
mod load;
mod map;
mod openapi;
pub mod replay;
pub mod reroute;
mod schema;
mod server;
mod up;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use indicatif::ProgressBar;

/// Serverless lead routing, on one machine.
///
/// Without a command, runs the demo: a sample company, its 300 leads, and an API to try.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: demo::Demo,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API, with your data in a folder.
    Up(up::Up),
    /// Check a rulebook and list every problem.
    Check(check::Check),
    /// Show where a rulebook sends the leads in a file, and why.
    Decide(decide::Decide),
    /// Describe a rulebook's process in text and in a drawing.
    Map(map::Map),
    /// Measure how many leads per second get an owner, and how long each waits.
    Load(load::Load),
    /// Show the differences between two rulebooks, in words.
    Diff(diff::Diff),
    /// Run past leads through a draft of the rulebook and show what would change. Writes nothing.
    Replay(replay::Replay),
    /// Show which open leads a version of the rulebook would move, and move them on request.
    Reroute(reroute::RerouteLeads),
    /// Print the JSON Schema of rulebooks, for completion and checks in editors.
    Schema,
    /// Print the OpenAPI document of the HTTP API, for generating clients.
    Openapi,
}

impl Cli {
    /// Returns the lowest level that is logged. `FAIRLEADER_LOG` overrides it.
    pub const fn log_level(&self) -> &'static str {
        match self.command {
            Some(Command::Up(_)) => "info",
            _ => "warn",
        }
    }

    /// Runs the command. Prints an error on standard error.
    pub async fn run(self) -> ExitCode {
        let outcome = match self.command {
            None => demo::run(self.demo).await,
            Some(Command::Up(asked)) => up::run(asked).await,
            Some(Command::Check(asked)) => return check::run(&asked),
            Some(Command::Decide(asked)) => decide::run(&asked),
            Some(Command::Map(asked)) => map::run(&asked),
            Some(Command::Load(asked)) => load::run(asked).await,
            Some(Command::Diff(asked)) => diff::run(&asked),
            Some(Command::Replay(asked)) => replay::run(asked).await,
            Some(Command::Reroute(asked)) => reroute::run(asked).await,
            Some(Command::Schema) => schema::run(),
            Some(Command::Openapi) => openapi::run(),
        };
        exit_code(outcome)
    }
}

/// Why a command failed. The user reads its text.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Ports that a machine listens on.
#[derive(Clone, Copy, Debug, Args)]
struct Ports {
    /// Port of the API on 127.0.0.1; 0 for any free port.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the AWS services (DynamoDB, SQS, EventBridge) on 127.0.0.1; 0 for any free port.
    /// [default: the API's port plus 1]
    #[arg(long)]
    aws_port: Option<u16>,
}

impl Ports {
    fn aws(self) -> u16 {
        self.aws_port.unwrap_or(if self.port == 0 { 0 } else { self.port.saturating_add(1) })
    }
}

/// Returns the exit code. Prints an error on standard error.
fn exit_code(outcome: Result<(), Failed>) -> ExitCode {
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
fn data_folder(asked: Option<PathBuf>) -> Result<(PathBuf, Option<tempfile::TempDir>), Failed> {
    if let Some(path) = asked {
        return Ok((path, None));
    }
    let temporary = tempfile::Builder::new().prefix("fairleader-").tempdir()?;
    Ok((temporary.path().join("data"), Some(temporary)))
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
fn spinner(what: &'static str, json: bool) -> ProgressBar {
    let bar = if !json && io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.enable_steady_tick(Duration::from_millis(100));
    bar.set_message(what);
    bar
}
