//! `fairleader`: Fairleader on one machine.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use fairleader_domain::id::SourceId;
use fairleader_domain::submission::lead_id;
use fairleader_local::api::Api;
use fairleader_local::company::Company;
use fairleader_local::demo::{self, Report};
use fairleader_local::load;
use fairleader_local::machine::{Machine, Options, REGION};
use fairleader_local::offline::{check, decide, map};
use fairleader_runtime::Clock;
use fairleader_runtime::http::Role;
use indicatif::ProgressBar;
use jiff::tz::TimeZone;
use tracing_subscriber::EnvFilter;

// A sixth of the time under load went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Serverless lead routing, on one machine.
///
/// Without a command it runs the demo: a sample company, its 300 leads, and an API to try.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: Demo,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve, with your own data in a folder.
    Up(Up),
    /// Say everything that is wrong with a rulebook.
    Check(check::Check),
    /// Say what a rulebook makes of leads in a file, and why.
    Decide(decide::Decide),
    /// Draw the process that a rulebook describes, and put it in prose.
    Map(map::Map),
    /// Measure how many leads a second get an owner, and how long each waits.
    Load(Load),
}

#[derive(Debug, Args)]
struct Demo {
    #[command(flatten)]
    ports: Ports,
    /// Keep the demo's data in this folder instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// End after the report instead of serving on.
    #[arg(long)]
    once: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

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

#[derive(Debug, Args)]
struct Up {
    /// Folder of the data; made if there is none.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    ports: Ports,
    /// Another template than infra/template.yaml.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// A value for a parameter of the template; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    parameter: Vec<(String, String)>,
    /// Print where it serves as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Load {
    /// How many leads to send.
    #[arg(long, default_value_t = 5000)]
    leads: usize,
    /// How many a second; as fast as they are taken if not given.
    #[arg(long)]
    rate: Option<u32>,
    /// Another template than infra/template.yaml.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Folder for the data; a temporary one if not given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print what was measured as JSON.
    #[arg(long)]
    json: bool,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`; write it like NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = if matches!(cli.command, Some(Command::Up(_))) { "info" } else { "warn" };
    let filter =
        EnvFilter::try_from_env("FAIRLEADER_LOG").unwrap_or_else(|_| EnvFilter::new(format!("{level},dynoxide=error")));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
    let outcome = match cli.command {
        None => run_demo(cli.demo).await,
        Some(Command::Up(up)) => run_up(up).await,
        Some(Command::Check(ask)) => return run_check(&ask),
        Some(Command::Decide(ask)) => run_decide(&ask),
        Some(Command::Map(ask)) => run_map(&ask),
        Some(Command::Load(load)) => run_load(load).await,
    };
    ended_with(outcome)
}

/// What the program ends with; an error is told in one line.
fn ended_with(outcome: Result<(), Failed>) -> ExitCode {
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
fn folder(asked: Option<PathBuf>) -> Result<(PathBuf, Option<tempfile::TempDir>), Failed> {
    if let Some(path) = asked {
        return Ok((path, None));
    }
    let temporary = tempfile::Builder::new().prefix("fairleader-").tempdir()?;
    Ok((temporary.path().join("data"), Some(temporary)))
}

async fn run_demo(demo: Demo) -> Result<(), Failed> {
    let mut out = io::stdout();
    let company = Company::embedded().map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        format!("the sample company is damaged: {first}")
    })?;
    let (data, _temporary) = folder(demo.data)?;
    // A Tuesday at ten in Berlin, so that the same people are at work whenever the demo is run.
    let start = jiff::civil::date(2026, 3, 3).at(10, 0, 0, 0).to_zoned(TimeZone::get("Europe/Berlin")?)?.timestamp();
    let options = Options {
        port: demo.ports.port,
        aws_port: demo.ports.aws(),
        clock: Clock::starting_at(start),
        ..Options::new(data)
    };
    let machine = Machine::start(options).await?;
    let admin = Api::new(&machine.api_url, machine.keys.of(Role::Admin))?;
    demo::install(&admin, &company).await?;
    let bar = !demo.json && io::stderr().is_terminal();
    let facts = demo::run(&machine, &admin, &company, bar).await?;
    let report = Report::new(&facts, &company.pools, start);
    if demo.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        writeln!(
            out,
            "Fairleader, demo: {} reps in {} pools, {} accounts, one list of leads; it is Tuesday, 10:00 in Berlin.\n",
            company.reps.len(),
            company.pools.len(),
            company.accounts.len()
        )?;
        report.write(&mut out, &facts)?;
        if !demo.once {
            invite(&mut out, &machine)?;
        }
    }
    if !demo.once {
        out.flush()?;
        ended().await?;
    }
    machine.stop().await;
    Ok(())
}

/// What to try next, ready to be copied.
fn invite(out: &mut impl Write, machine: &Machine) -> io::Result<()> {
    let lead = lead_id::derive(&SourceId::from("web"), "my-first-lead");
    let (url, source, sales) = (&machine.api_url, machine.keys.of(Role::Source), machine.keys.of(Role::Sales));
    writeln!(
        out,
        r#"
It goes on serving at {url}. Send a lead, see who has it, and why:

  curl -sS {url}/v1/leads -H 'Authorization: Bearer {source}' -H 'Idempotency-Key: my-first-lead' \
    -d '{{"email": "ada@lovelace.example", "name": "Ada Lovelace", "job_title": "CTO", "company": "Lovelace Engines", "country": "GB", "employees": 400, "did": "demo"}}'
  curl -sS '{url}/v1/leads/{lead}?wait=3s' -H 'Authorization: Bearer {sales}'
  curl -sS '{url}/v1/leads/{lead}/why' -H 'Authorization: Bearer {sales}'

The tables and queues are there for the AWS tools too:

  AWS_ACCESS_KEY_ID=fairleader AWS_SECRET_ACCESS_KEY=fairleader AWS_REGION={REGION} \
    aws --endpoint-url {} dynamodb list-tables

Ctrl-C ends it."#,
        machine.aws_url
    )
}

async fn run_up(up: Up) -> Result<(), Failed> {
    let options = Options {
        port: up.ports.port,
        aws_port: up.ports.aws(),
        template: up.template,
        parameters: up.parameter.into_iter().collect(),
        ..Options::new(&up.data)
    };
    let machine = Machine::start(options).await?;
    let mut out = io::stdout();
    let keys = up.data.join("keys.json");
    if up.json {
        let at = serde_json::json!({"api": machine.api_url, "aws": machine.aws_url, "keys": keys});
        writeln!(out, "{at}")?;
    } else {
        writeln!(out, "The API is at {}, the AWS services at {}.", machine.api_url, machine.aws_url)?;
        writeln!(out, "The keys are in {}. Ctrl-C ends it.", keys.display())?;
    }
    out.flush()?;
    ended().await?;
    machine.stop().await;
    Ok(())
}

/// Problems of the rulebook are the answer and no failure of the program, so they end it without another message.
fn run_check(ask: &check::Check) -> ExitCode {
    match check::run(ask, Clock::System.now(), &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(cause) => ended_with(Err(cause.into())),
    }
}

fn run_decide(ask: &decide::Decide) -> Result<(), Failed> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let wrong = decide::run(ask, Clock::System.now(), &mut out, &mut io::stderr().lock())?;
    out.flush()?;
    if wrong > 0 { Err(decide::wrong_lines(wrong).into()) } else { Ok(()) }
}

fn run_map(ask: &map::Map) -> Result<(), Failed> {
    let drawing = map::run(ask, Clock::System.now(), &mut io::stdout().lock())?;
    if let Some(drawing) = drawing {
        writeln!(io::stderr(), "the drawing is in {}", drawing.display())?;
    }
    Ok(())
}

/// Waits for Ctrl-C, or for the signal that ends services.
async fn ended() -> io::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

async fn run_load(load: Load) -> Result<(), Failed> {
    let (data, _temporary) = folder(load.data)?;
    let machine = Machine::start(Options { template: load.template, ..Options::new(data) }).await?;
    let bar = if !load.json && io::stderr().is_terminal() {
        ProgressBar::new(u64::try_from(load.leads)?)
    } else {
        ProgressBar::hidden()
    };
    let measured = load::run(&machine, load.leads, load.rate, &bar).await?;
    let mut out = io::stdout();
    if load.json {
        writeln!(out, "{}", serde_json::to_string(&measured)?)?;
    } else {
        writeln!(
            out,
            "{} leads accepted, {} owned, {} lost, {} refused\n{} leads a second; from POST to owner {} ms (median), {} ms (99 of 100), {} ms (slowest)",
            measured.accepted,
            measured.owned,
            measured.lost,
            measured.refused,
            measured.leads_per_second,
            measured.p50_ms,
            measured.p99_ms,
            measured.max_ms
        )?;
    }
    machine.stop().await;
    match (measured.lost, measured.refused) {
        (0, 0) => Ok(()),
        (0, refused) => Err(format!("{refused} leads were not taken").into()),
        (lost, _) => Err(format!("{lost} accepted leads got no owner in time").into()),
    }
}
