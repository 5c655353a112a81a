//! `fairleader load`: how many leads a second get an owner on this machine, and how long each waits for it.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;

use super::{Failed, data_folder};
use crate::load;
use crate::machine::{Machine, Options};

/// What `load` is asked.
#[derive(Debug, Args)]
pub(super) struct Load {
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

/// Puts a load on a machine of its own and says what it took.
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
        if let Some(micros) = measured.cpu_us_per_lead {
            writeln!(out, "{}.{:02} ms of CPU for each lead", micros / 1000, micros % 1000 / 10)?;
        }
    }
    machine.stop().await;
    match (measured.lost, measured.refused) {
        (0, 0) => Ok(()),
        (0, refused) => Err(format!("{refused} leads were not taken").into()),
        (lost, _) => Err(format!("{lost} accepted leads got no owner in time").into()),
    }
}
