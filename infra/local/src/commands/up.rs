//! `fairleader up`: serves, with your own data in a folder.

mod first_steps;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use fairleader_runtime::http::Role;

use super::{Failed, Ports, until_ended};
use crate::api::Api;
use crate::faults::Faults;
use crate::machine::{Machine, Options};

/// What `up` is asked.
#[derive(Debug, Args)]
pub(super) struct Up {
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
    /// Let the stand-ins for AWS be as unkind as AWS can be: index-lag=500ms answers queries of indexes as of up to half
    /// a second ago, seed=7 in an order of its own.
    #[arg(long, value_name = "FAULT=VALUE,…")]
    faults: Option<Faults>,
    /// Print where it serves as JSON.
    #[arg(long)]
    json: bool,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`; write it like NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Serves until it is ended.
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
    until_ended().await?;
    machine.stop().await;
    Ok(())
}
