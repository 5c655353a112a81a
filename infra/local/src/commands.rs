//! The commands of `fairleader`, one file each: options, work and output.

mod check;
mod decide;
mod demo;
mod diff;
mod load;
mod map;
mod openapi;
mod process;
pub mod replay;
pub mod reroute;
mod schema;
mod server;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::process::exit_code;

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
