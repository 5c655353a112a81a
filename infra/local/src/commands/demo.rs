//! `fairleader` without a command: runs the demo, then serves its data.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use fairleader_api::Role;
use fairleader_lead::id::SourceId;
use fairleader_lead::submission::lead_id;
use fairleader_runtime::Clock;
use jiff::tz::TimeZone;

use super::process::{Failed, Ports, data_folder, serve};
use crate::api::Api;
use crate::company::Company;
use crate::demo::{self, Report};
use crate::faults::Faults;
use crate::machine::{Machine, Options, REGION};

/// Options of the demo.
#[derive(Debug, Args)]
pub(super) struct Demo {
    #[command(flatten)]
    ports: Ports,
    /// Keep the demo's data in this folder instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Make the stand-ins for AWS misbehave as AWS can. index-lag=500ms answers index queries with data up to half a
    /// second old; seed=7 chooses the sequence of lags.
    #[arg(long, value_name = "FAULT=VALUE,…")]
    faults: Option<Faults>,
    /// Exit after the report instead of serving.
    #[arg(long)]
    once: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the demo, prints the report, and keeps serving.
pub(super) async fn run(asked: Demo) -> Result<(), Failed> {
    let mut out = io::stdout();
    let company = Company::embedded().map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        format!("the sample company is damaged: {first}")
    })?;
    let (data, _temporary) = data_folder(asked.data)?;
    // A Tuesday at ten in Berlin, so that the same reps are at work whenever the demo runs.
    let start = jiff::civil::date(2026, 3, 3).at(10, 0, 0, 0).to_zoned(TimeZone::get("Europe/Berlin")?)?.timestamp();
    let options = Options {
        port: asked.ports.port,
        aws_port: asked.ports.aws(),
        clock: Clock::starting_at(start),
        faults: asked.faults.unwrap_or_default(),
        ..Options::new(data)
    };
    let mut machine = Machine::start(options).await?;
    let admin = Api::new(&machine.api_url, machine.keys.of(Role::Admin))?;
    let mut keys = machine.keys.keys.clone();
    demo::install_with_keys(&admin, &company, &mut keys).await?;
    machine.keep_keys(keys)?;
    let bar = !asked.json && io::stderr().is_terminal();
    let facts = demo::run(&machine, &admin, &company, bar).await?;
    let report = Report::new(&facts, &company.pools, start);
    if asked.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        writeln!(
            out,
            "Fairleader demo: {} reps in {} pools, {} accounts, one list of leads. It is Tuesday, 10:00 in Berlin.\n",
            company.reps.len(),
            company.pools.len(),
            company.accounts.len()
        )?;
        report.write(&mut out, &facts)?;
        if !asked.once {
            invite(&mut out, &machine)?;
        }
    }
    if asked.once {
        machine.stop().await;
        return Ok(());
    }
    out.flush()?;
    serve(machine).await
}

/// Prints commands to try next, ready to copy.
fn invite(out: &mut impl Write, machine: &Machine) -> io::Result<()> {
    let lead = lead_id::derive(&SourceId::from("web"), "my-first-lead");
    let (url, source, sales) = (&machine.api_url, machine.keys.of(Role::Source), machine.keys.of(Role::Sales));
    writeln!(
        out,
        r#"
The API is now at {url}. Send a lead, see who has it, and why:

  curl -sS {url}/v1/leads -H 'Authorization: Bearer {source}' -H 'Idempotency-Key: my-first-lead' \
    -d '{{"email": "ada@lovelace.example", "name": "Ada Lovelace", "job_title": "CTO", "company": "Lovelace Engines", "country": "GB", "employees": 400, "did": "demo"}}'
  curl -sS '{url}/v1/leads/{lead}?wait=3s' -H 'Authorization: Bearer {sales}'
  curl -sS '{url}/v1/leads/{lead}/why' -H 'Authorization: Bearer {sales}'

The AWS tools can read the tables and queues too:

  AWS_ACCESS_KEY_ID=fairleader AWS_SECRET_ACCESS_KEY={} \
    aws --region {REGION} --endpoint-url {} dynamodb list-tables

Press Ctrl-C to stop."#,
        machine.aws_secret, machine.aws_url
    )
}
