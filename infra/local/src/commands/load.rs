//! `fairleader load`: measures how many leads per second get an owner on this machine, and how long each waits.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use super::process::{Failed, data_folder};
use crate::load::{Beside, LoadTest, Measured};
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
    /// Measure a second time while other work goes on, and compare.
    #[arg(long, value_enum)]
    beside: Option<Beside>,
    /// Amount of that work: waiting clients, past leads, or rows. [default: 130 clients, else 100000]
    #[arg(long, requires = "beside")]
    amount: Option<usize>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Starts a machine, sends it leads, and prints the result.
pub(super) async fn run(asked: Load) -> Result<(), Failed> {
    let (data, _temporary) = data_folder(asked.data.clone())?;
    let machine = Machine::start(Options { template: asked.template.clone(), ..Options::new(data) }).await?;
    let test = LoadTest::new(&machine).await?;
    let beside = asked.beside.map(|beside| (beside, asked.amount.unwrap_or(beside.usual())));
    if let Some(beside) = beside {
        test.prepare(beside).await?;
    }
    let alone = test.run(asked.leads, asked.rate, &bar(&asked)?).await;
    let disturbed = match beside {
        Some(beside) => Some(test.run_beside(beside, asked.leads, asked.rate, &bar(&asked)?).await),
        None => None,
    };
    let mut out = io::stdout();
    if asked.json {
        match &disturbed {
            Some(disturbed) => writeln!(out, "{}", json!({ "alone": alone, "beside": disturbed }))?,
            None => writeln!(out, "{}", serde_json::to_string(&alone)?)?,
        }
    } else {
        write(&mut out, &alone)?;
        if let Some(disturbed) = &disturbed {
            writeln!(out, "\nWhile other work goes on:")?;
            write(&mut out, disturbed)?;
        }
    }
    machine.stop().await;
    let runs = [Some(&alone), disturbed.as_ref()];
    let sum = |part: fn(&Measured) -> usize| runs.iter().flatten().map(|run| part(run)).sum::<usize>();
    match (sum(|run| run.lost), sum(|run| run.refused)) {
        (0, 0) => Ok(()),
        (0, refused) => Err(format!("{refused} leads were not accepted").into()),
        (lost, _) => Err(format!("{lost} accepted leads got no owner in time").into()),
    }
}

fn bar(asked: &Load) -> Result<ProgressBar, Failed> {
    let shown = !asked.json && io::stderr().is_terminal();
    Ok(if shown { ProgressBar::new(u64::try_from(asked.leads)?) } else { ProgressBar::hidden() })
}

fn write(out: &mut impl Write, measured: &Measured) -> io::Result<()> {
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
    Ok(())
}
