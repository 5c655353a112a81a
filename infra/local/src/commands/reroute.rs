//! `fairleader reroute`: which open leads go elsewhere by another version of the rulebook, and when they shall.

use std::io::{self, Write};

use clap::Args;
use fairleader_domain::reroute::{Report, Reroute};
use fairleader_lead::id::RulebookVersion;
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::server::{Server, serving};
use super::{Failed, spinner};
use crate::api::Api;
use crate::call_error::CallError;

/// Leads that are told one by one in a terminal.
const EXAMPLES: usize = 10;

/// What `reroute` is asked.
#[derive(Debug, Args)]
pub(super) struct RerouteLeads {
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

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write date, time and zone, such as 2027-04-01T06:00:00Z".to_owned())
}

/// What a re-routing would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previewed {
    /// The version.
    pub version: RulebookVersion,
    /// The sum over all open leads.
    pub report: Report,
    /// The report in words.
    pub sentences: Vec<String>,
    /// Where the next call goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Tells which open leads go elsewhere, and has it done if that is wanted.
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

/// Looks at all open leads, as many calls as it takes; `progress` hears how many were looked at.
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

/// Has open leads routed anew from `at` on, or from now on.
pub async fn plan(api: &Api, version: &str, at: Option<Timestamp>) -> Result<Reroute, CallError> {
    post(api, version, json!({"at": at})).await
}

async fn post<T: for<'a> Deserialize<'a>>(api: &Api, version: &str, body: Value) -> Result<T, CallError> {
    let headers = [("content-type", "application/json")];
    let path = format!("/v1/rulebooks/{version}/reroute");
    let answer = api.call(Method::POST, &path, &headers, body.to_string().into_bytes()).await?;
    Ok(serde_json::from_value(answer)?)
}

impl Previewed {
    /// Tells what would happen, to people.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for sentence in &self.sentences {
            writeln!(out, "{sentence}")?;
        }
        for (at, example) in self.report.examples.iter().take(EXAMPLES).enumerate() {
            if at == 0 {
                writeln!(out, "\nSome of them")?;
            }
            let has = match (&example.owner, &example.pool) {
                (Some(owner), Some(pool)) => format!("`{owner}` has it from pool `{pool}`"),
                (Some(owner), None) => format!("`{owner}` has it"),
                (None, Some(pool)) => format!("it waits in the line of pool `{pool}`"),
                (None, None) => "nobody has it".to_owned(),
            };
            writeln!(out, "  {}\n    now:  {has}\n    then: {}", example.lead_id, example.why)?;
        }
        Ok(())
    }
}
