//! `fairleader load`: measures how many leads per second get an owner on this machine, and how long each waits.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;

use super::process::{Failed, data_folder};
use crate::load;
use crate::machine::{Machine, Options};

/// Options of `load`.
#[derive(Debug, Args)]
pub(super) struct Load {
    /// Number of leads to send.
    #[arg(long, default_value_t = 5000)]
    leads: usize,
    /// Leads per second. [default: as fast as they are accepted]
    #[arg(long)]
    rate: Option<u32>,
    /// Template to run instead of infra/template.yaml.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Folder for the data. [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Starts a machine, sends it leads, and prints the result.
pub(super) async fn run(asked: Load) -> Result<(), Failed> {
    let (data, _temporary) = data_folder(asked.data)?;
    let machine = Machine::start(Options { template: asked.template, ..Options::new(data) }).await?;
    let bar = if !asked.json && io::stderr().is_terminal() {
        ProgressBar::new(u64::try_from(asked.leads)?)
    } else {
        ProgressBar::hidden()
    };
    let measured = load::run(&machine, asked.leads, asked.rate, &bar).await?;
    let mut out = io::stdout();
    if asked.json {
        writeln!(out, "{}", serde_json::to_string(&measured)?)?;
    } else {
        writeln!(
            out,
            "{} leads accepted, {} owned, {} lost, {} rejected\n{} leads per second; from POST to owner {} ms (median), {} ms (99 of 100), {} ms (slowest)",
            measured.accepted,
            measured.owned,
            measured.lost,
            measured.refused,
            measured.leads_per_second,
            measured.p50_ms,
            measured.p99_ms,
            measured.max_ms
        )?;
        if let Some(micros) = measured.cpu_us_per_lead {
            writeln!(out, "{}.{:02} ms of CPU per lead", micros / 1000, micros % 1000 / 10)?;
        }
    }
    machine.stop().await;
    match (measured.lost, measured.refused) {
        (0, 0) => Ok(()),
        (0, refused) => Err(format!("{refused} leads were not accepted").into()),
        (lost, _) => Err(format!("{lost} accepted leads got no owner in time").into()),
    }
}
