//! `fairleader reroute`: shows which open leads a version of the rulebook would move, and moves them on request.

use std::io::{self, Write};

use clap::Args;
use fairleader_domain::reroute::Report;
use fairleader_lead::id::RulebookVersion;
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::process::{Failed, spinner};
use super::server::{Server, serving};
use crate::api::Api;
use crate::call_error::CallError;

/// Limit on the leads printed one by one in a terminal.
const EXAMPLES: usize = 10;

/// Options of `reroute`.
#[derive(Debug, Args)]
pub(super) struct RerouteLeads {
    /// The version of the rulebook (six digits).
    version: String,
    /// Move the leads now. The version must be active.
    #[arg(long)]
    now: bool,
    /// Move the leads at this time. The version must be active, or planned to be active by then.
    #[arg(long, value_name = "TIME", conflicts_with = "now", value_parser = instant)]
    at: Option<Timestamp>,
    #[command(flatten)]
    server: Server,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write a timestamp, such as 2027-04-01T06:00:00Z".to_owned())
}

/// Preview of a rerouting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previewed {
    /// The version of the rulebook.
    pub version: RulebookVersion,
    /// The report on all open leads, in numbers.
    pub report: Report,
    /// The report in plain sentences.
    pub sentences: Vec<String>,
    /// Cursor for the next call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Prints which open leads would move, and plans the move if asked to.
pub(super) async fn run(asked: RerouteLeads) -> Result<(), Failed> {
    let (api, machine) = serving(&asked.server).await?;
    let bar = spinner("looking at open leads", asked.json);
    let wanted = asked.now || asked.at.is_some();
    let found = async {
        let previewed = preview(&api, &asked.version, |leads| bar.set_message(format!("{leads} leads"))).await?;
        let planned = if wanted { Some(plan(&api, &asked.version, asked.at).await?) } else { None };
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
        let all = json!({"preview": previewed, "planned": planned});
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    previewed.write(&mut out)?;
    match planned {
        Some(planned) => writeln!(
            out,
            "\nThe leads move within two minutes after {}. Leads that arrive before then are included.",
            planned.at
        )?,
        None if previewed.report.goes > 0 => {
            writeln!(out, "\nNothing was changed. To move the leads, add --now or --at TIME.")?;
        }
        None => {}
    }
    Ok(())
}

/// A reroute as the API shows it. What this command does not use is passed on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Planned {
    /// When it starts.
    pub at: Timestamp,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

/// Looks at all open leads, in as many calls as needed. Calls `progress` with the number of leads so far.
pub async fn preview(api: &Api, version: &str, progress: impl Fn(u64)) -> Result<Previewed, CallError> {
    let mut all: Previewed = post(api, version, json!({"preview": true})).await?;
    while let Some(cursor) = all.next.take() {
        progress(all.report.leads);
        let part: Previewed = post(api, version, json!({"preview": true, "cursor": cursor})).await?;
        all.report.add(part.report);
        all.next = part.next;
    }
    all.sentences = all.report.sentences();
    Ok(all)
}

/// Plans to reroute open leads at `at`, or now.
pub async fn plan(api: &Api, version: &str, at: Option<Timestamp>) -> Result<Planned, CallError> {
    post(api, version, json!({"at": at})).await
}

async fn post<T: for<'a> Deserialize<'a>>(api: &Api, version: &str, body: Value) -> Result<T, CallError> {
    let headers = [("content-type", "application/json")];
    let path = format!("/v1/rulebooks/{version}/reroute");
    let answer = api.call(Method::POST, &path, &headers, body.to_string().into_bytes()).await?;
    Ok(serde_json::from_value(answer)?)
}

impl Previewed {
    /// Writes the preview as text.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for sentence in &self.sentences {
            writeln!(out, "{sentence}")?;
        }
        for (at, example) in self.report.examples.iter().take(EXAMPLES).enumerate() {
            if at == 0 {
                writeln!(out, "\nExamples")?;
            }
            let has = match (&example.owner, &example.pool) {
                (Some(owner), Some(pool)) => format!("with `{owner}`, from pool `{pool}`"),
                (Some(owner), None) => format!("with `{owner}`"),
                (None, Some(pool)) => format!("on the waiting list of pool `{pool}`"),
                (None, None) => "no owner".to_owned(),
            };
            writeln!(out, "  {}\n    now:  {has}\n    then: {}", example.lead_id, example.why)?;
        }
        Ok(())
    }
}
