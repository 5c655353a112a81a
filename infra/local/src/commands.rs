//! The commands of `fairleader`, one file each: what each is asked, what it does, and what it says.

mod check;
mod decide;
mod demo;
mod diff;
mod load;
mod map;
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
/// Without a command it runs the demo: a sample company, its 300 leads, and an API to try.
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
    /// Serve, with your own data in a folder.
    Up(up::Up),
    /// Say everything that is wrong with a rulebook.
    Check(check::Check),
    /// Say what a rulebook makes of leads in a file, and why.
    Decide(decide::Decide),
    /// Draw the process that a rulebook describes, and put it in prose.
    Map(map::Map),
    /// Measure how many leads a second get an owner, and how long each waits.
    Load(load::Load),
    /// Tell the difference between two rulebooks in words.
    Diff(diff::Diff),
    /// Run past leads through a draft of the rulebook and tell what it would have changed. Writes nothing.
    Replay(replay::Replay),
    /// Tell which open leads go elsewhere by a version of the rulebook, and have it done.
    Reroute(reroute::RerouteLeads),
    /// Print the JSON Schema of rulebooks, from which editors complete and check them.
    Schema,
}

impl Cli {
    /// The least level that is logged unless `FAIRLEADER_LOG` says otherwise.
    pub const fn log_level(&self) -> &'static str {
        match self.command {
            Some(Command::Up(_)) => "info",
            _ => "warn",
        }
    }

    /// Carries the command out. An error is told in one line.
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
        };
        exit_code(outcome)
    }
}

/// Why a command failed; its text is what the user reads.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Where a machine listens.
#[derive(Clone, Copy, Debug, Args)]
struct Ports {
    /// Port of the API on 127.0.0.1; 0 for any.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the AWS services (DynamoDB, SQS, EventBridge) on 127.0.0.1; 0 for any. [default: the next one]
    #[arg(long)]
    aws_port: Option<u16>,
}

impl Ports {
    fn aws(self) -> u16 {
        self.aws_port.unwrap_or(if self.port == 0 { 0 } else { self.port.saturating_add(1) })
    }
}

/// What the program ends with; an error is told in one line.
fn exit_code(outcome: Result<(), Failed>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            // Standard error may be closed; there is nowhere left to say so.
            writeln!(io::stderr(), "fairleader: {cause}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

/// A folder that is there until the program ends, if none was asked for.
fn data_folder(asked: Option<PathBuf>) -> Result<(PathBuf, Option<tempfile::TempDir>), Failed> {
    if let Some(path) = asked {
        return Ok((path, None));
    }
    let temporary = tempfile::Builder::new().prefix("fairleader-").tempdir()?;
    Ok((temporary.path().join("data"), Some(temporary)))
}

/// Waits for Ctrl-C, or for the signal that ends services.
async fn until_ended() -> io::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

/// Shows that something goes on, to people at a terminal.
fn spinner(what: &'static str, json: bool) -> ProgressBar {
    let bar = if !json && io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.enable_steady_tick(Duration::from_millis(100));
    bar.set_message(what);
    bar
}
