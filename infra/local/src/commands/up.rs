//! `fairleader up`: serves the API, with your data in a folder.

mod first_steps;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use fairleader_api::Role;

use super::process::{Failed, Ports, serve};
use crate::api::Api;
use crate::faults::Faults;
use crate::machine::{Machine, Options};

/// Options of `up`.
#[derive(Debug, Args)]
pub(super) struct Up {
    /// Folder for the data. It is created if it does not exist.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    ports: Ports,
    /// Template to run instead of infra/template.yaml.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Value for a parameter of the template. Can be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    parameter: Vec<(String, String)>,
    /// Make the stand-ins for AWS misbehave as AWS can. index-lag=500ms answers index queries with data up to half a
    /// second old; seed=7 chooses the sequence of lags.
    #[arg(long, value_name = "FAULT=VALUE,…")]
    faults: Option<Faults>,
    /// Print the addresses and the files with the keys as JSON.
    #[arg(long)]
    json: bool,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`; write NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Serves until it is stopped.
pub(super) async fn run(up: Up) -> Result<(), Failed> {
    let options = Options {
        port: up.ports.port,
        aws_port: up.ports.aws(),
        template: up.template,
        parameters: up.parameter.into_iter().collect(),
        faults: up.faults.unwrap_or_default(),
        ..Options::new(&up.data)
    };
    let machine = Machine::start(options).await?;
    let mut out = io::stdout();
    let keys = up.data.join("keys.json");
    let aws_secret = up.data.join("aws-secret");
    if up.json {
        let at =
            serde_json::json!({"api": machine.api_url, "aws": machine.aws_url, "keys": keys, "aws_secret": aws_secret});
        writeln!(out, "{at}")?;
    } else {
        writeln!(out, "The API is at {}, the AWS services are at {}.", machine.api_url, machine.aws_url)?;
        // Neither is printed: what is printed may be kept in a log.
        writeln!(
            out,
            "The keys are in {}, the secret of the AWS services is in {}.",
            keys.display(),
            aws_secret.display()
        )?;
        if first_steps::are_wanted(&Api::new(&machine.api_url, machine.keys.of(Role::Viewer))?).await {
            let commands = first_steps::commands(&machine.api_url, &keys.canonicalize()?);
            writeln!(
                out,
                "\nThere is no active rulebook yet, so no lead is routed. These commands add a rep, a pool, the two"
            )?;
            writeln!(out, "people who approve a rulebook, a rulebook, and a first lead:\n\n{commands}")?;
        }
        writeln!(out, "Press Ctrl-C to stop.")?;
    }
    out.flush()?;
    serve(machine).await
}
