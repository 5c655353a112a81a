//! `fairleader`: Fairleader on one machine.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use fairleader_api::Role;
use fairleader_domain::replay::since as domain_since;
use fairleader_lead::id::{RulebookVersion, SourceId};
use fairleader_lead::submission::lead_id;
use fairleader_local::api::Api;
use fairleader_local::call_error::CallError;
use fairleader_local::company::Company;
use fairleader_local::demo::{self, Report};
use fairleader_local::machine::{Machine, Options, REGION, StartError, StarterKeys};
use fairleader_local::offline::{RulebookFile, check, decide, map};
use fairleader_local::{data_folder, first_steps, load, replay, reroute};
use fairleader_rulebook::{Rulebook, diff};
use fairleader_runtime::Clock;
use indicatif::ProgressBar;
use jiff::Timestamp;
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
    /// Tell the difference between two rulebooks in words.
    Diff(Diff),
    /// Run past leads through a draft of the rulebook and tell what it would have changed. Writes nothing.
    Replay(ReplayDraft),
    /// Tell which open leads go elsewhere by a version of the rulebook, and have it done.
    Reroute(RerouteLeads),
    /// Print the JSON Schema of rulebooks, from which editors complete and check them.
    Schema,
    /// Print the OpenAPI document of the HTTP API, from which clients are made.
    Openapi,
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

#[derive(Debug, Args)]
struct Diff {
    /// File of the old rulebook; a table it uses is NAME.csv beside it.
    old: PathBuf,
    /// File of the new rulebook.
    new: PathBuf,
    /// Folder with roster.csv, pools.csv and accounts.csv, in which tables are looked for first.
    #[arg(long, value_name = "DIR")]
    roster: Option<PathBuf>,
    /// Print the changes as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("past").required(true).args(["data", "url"]))]
struct ReplayDraft {
    /// File of the draft, or a version that was uploaded (six digits).
    rulebook: PathBuf,
    /// How far to look back: a number of days, weeks or hours.
    #[arg(long, value_name = "90d", default_value = "90d", value_parser = since)]
    since: String,
    #[command(flatten)]
    server: Server,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RerouteLeads {
    /// The version of the rulebook (six digits).
    version: String,
    /// Have them go there now; the version has to be active.
    #[arg(long)]
    now: bool,
    /// Have them go there from then on; the version has to be active, or planned to be.
    #[arg(long, value_name = "TIME", conflicts_with = "now", value_parser = instant)]
    at: Option<Timestamp>,
    #[command(flatten)]
    server: Server,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

/// Who is asked.
#[derive(Debug, Args)]
struct Server {
    /// Folder of the data. If a server runs on it, that one is asked.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Another server's API.
    #[arg(long, value_name = "URL", requires = "key", value_parser = address)]
    url: Option<String>,
    /// Key for it, of marketing, sales or an admin.
    #[arg(long, value_name = "KEY", requires = "url", env = "FAIRLEADER_KEY", hide_env_values = true)]
    key: Option<String>,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write date, time and zone, such as 2027-04-01T06:00:00Z".to_owned())
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`; write it like NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// How far to look back; the server reads it again.
fn since(text: &str) -> Result<String, String> {
    match domain_since(text, Clock::System.now()) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write a number of days, weeks or hours, such as 90d, 12w or 36h; at most ten years".to_owned()),
    }
}

fn address(text: &str) -> Result<String, String> {
    match reqwest::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("write the address of a server, such as http://127.0.0.1:3000".to_owned()),
    }
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
        Some(Command::Diff(two)) => run_diff(&two),
        Some(Command::Replay(replay)) => run_replay(replay).await,
        Some(Command::Reroute(reroute)) => run_reroute(reroute).await,
        Some(Command::Schema) => print_schema(),
        Some(Command::Openapi) => print_openapi(),
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
    let mut machine = Machine::start(options).await?;
    let admin = Api::new(&machine.api_url, machine.keys.of(Role::Admin))?;
    let mut keys = machine.keys.keys.clone();
    demo::install_with_keys(&admin, &company, &mut keys).await?;
    machine.keep_keys(keys)?;
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

  AWS_ACCESS_KEY_ID=fairleader AWS_SECRET_ACCESS_KEY=fairleader \
    aws --region {REGION} --endpoint-url {} dynamodb list-tables

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
        writeln!(out, "The keys are in {}.", keys.display())?;
        if first_steps::are_wanted(&Api::new(&machine.api_url, machine.keys.of(Role::Viewer))?).await {
            let commands = first_steps::commands(&machine.api_url, &keys.canonicalize()?);
            writeln!(
                out,
                "\nThere is no rulebook yet, so no lead gets anywhere. These commands bring in a rep, a pool, the"
            )?;
            writeln!(out, "two people who agree to a rulebook, the rulebook, and a first lead:\n\n{commands}")?;
        }
        writeln!(out, "Ctrl-C ends it.")?;
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

fn print_schema() -> Result<(), Failed> {
    writeln!(io::stdout(), "{:#}", Rulebook::json_schema())?;
    Ok(())
}

fn print_openapi() -> Result<(), Failed> {
    writeln!(io::stdout(), "{:#}", fairleader_api::openapi::document())?;
    Ok(())
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

fn run_diff(two: &Diff) -> Result<(), Failed> {
    let read = |file: &Path| RulebookFile::usable(file, two.roster.as_deref(), Clock::System.now());
    let ((_, old), (_, new)) = (read(&two.old)?, read(&two.new)?);
    let changes = diff(&old, &new);
    let mut out = io::stdout();
    if two.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&changes)?)?;
        return Ok(());
    }
    if changes.is_empty() {
        writeln!(out, "nothing: both decide every lead alike")?;
    }
    for change in changes {
        writeln!(out, "{}", change.sentence)?;
    }
    Ok(())
}

/// An API to ask, and the machine that was started for it, if no server runs.
async fn serving(asked: &Server) -> Result<(Api, Option<Machine>), Failed> {
    if let (Some(url), Some(key)) = (&asked.url, &asked.key) {
        return Ok((Api::new(url, key)?, None));
    }
    let data = asked.data.clone().unwrap_or_default();
    if !data.join("keys.json").exists() {
        return Err(format!(
            "`{}` is no data folder that was served before: it has no file `keys.json`; name the folder of `fairleader up --data`, or ask a server with --url and --key",
            data.display()
        )
        .into());
    }
    match Machine::start(Options { paused: true, ..Options::new(&data) }).await {
        Ok(machine) => Ok((Api::new(&machine.api_url, machine.keys.of(Role::Marketing))?, Some(machine))),
        Err(StartError::Data(held @ data_folder::DataFolderError::InUse { .. })) => {
            let Some(url) = data_folder::address(&data) else { return Err(held.into()) };
            let keys: StarterKeys = serde_json::from_str(&std::fs::read_to_string(data.join("keys.json"))?)?;
            Ok((Api::new(&url, keys.of(Role::Marketing))?, None))
        }
        Err(cause) => Err(cause.into()),
    }
}

async fn run_replay(asked: ReplayDraft) -> Result<(), Failed> {
    let name = asked.rulebook.display().to_string();
    let is_version = name.len() == 6 && name.bytes().all(|b| b.is_ascii_digit());
    let draft = if is_version {
        replay::Draft::Version(RulebookVersion::from(name.as_str()))
    } else {
        // It is checked where it is replayed: with the pools, reps and tables that are there.
        replay::Draft::Text(RulebookFile::read(&asked.rulebook, None)?.source)
    };
    let (api, machine) = serving(&asked.server).await?;
    let bar = spinner("replaying past leads", asked.json);
    let found = replay::run(&api, &draft, &asked.since, |leads| bar.set_message(format!("{leads} leads"))).await;
    bar.finish_and_clear();
    if let Some(machine) = machine {
        machine.stop().await;
    }
    // The server knows no file names.
    let found = found.map_err(|cause| cause.to_string().replace("--> rulebook.yaml:", &format!("--> {name}:")))?;
    let mut out = io::stdout();
    if asked.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&found)?)?;
    } else {
        let shown = if is_version { format!("Rulebook {name}") } else { name };
        found.write(&mut out, &shown)?;
    }
    Ok(())
}

/// Shows that something goes on, to people at a terminal.
fn spinner(what: &'static str, json: bool) -> ProgressBar {
    let bar = if !json && io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar.set_message(what);
    bar
}

async fn run_reroute(asked: RerouteLeads) -> Result<(), Failed> {
    let (api, machine) = serving(&asked.server).await?;
    let bar = spinner("looking at open leads", asked.json);
    let wanted = asked.now || asked.at.is_some();
    let found = async {
        let previewed =
            reroute::preview(&api, &asked.version, |leads| bar.set_message(format!("{leads} leads"))).await?;
        let planned = if wanted { Some(reroute::plan(&api, &asked.version, asked.at).await?) } else { None };
        Ok::<_, CallError>((previewed, planned))
    }
    .await;
    bar.finish_and_clear();
    if let Some(machine) = machine {
        machine.stop().await;
    }
    let (previewed, planned) = found?;
    let mut out = io::stdout();
    if asked.json {
        let all = serde_json::json!({"preview": previewed, "planned": planned});
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    previewed.write(&mut out)?;
    match planned {
        Some(planned) => writeln!(
            out,
            "\nThis begins at {}, within two minutes after it; leads that come in until then count as well.",
            planned.at
        )?,
        None if previewed.report.goes > 0 => {
            writeln!(out, "\nNothing was changed. Add --now, or --at TIME, to have it done.")?;
        }
        None => {}
    }
    Ok(())
}
