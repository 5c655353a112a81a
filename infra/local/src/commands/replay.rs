//! `fairleader replay`: runs past leads through a draft of the rulebook and shows what would change.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use fairleader_domain::replay::{Capacity, Report, since as domain_since};
use fairleader_lead::id::RulebookVersion;
use fairleader_rulebook::Change;
use fairleader_runtime::Clock;
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::process::{Failed, spinner};
use super::server::{Server, serving};
use crate::api::Api;
use crate::call_error::CallError;
use crate::offline::RulebookFile;

/// Options of `replay`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("past").required(true).args(["data", "url"]))]
pub(super) struct Replay {
    /// File of the draft, or the number of an uploaded version (six digits).
    rulebook: PathBuf,
    /// How far to look back: a number of days, weeks or hours.
    #[arg(long, value_name = "90d", default_value = "90d", value_parser = since)]
    since: String,
    #[command(flatten)]
    server: Server,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Checks the text; the server parses it.
fn since(text: &str) -> Result<String, String> {
    match domain_since(text, Clock::System.now()) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write a number of days, weeks or hours, such as 90d, 12w or 36h (at most ten years)".to_owned()),
    }
}

/// The rulebook to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draft {
    /// An uploaded version.
    Version(RulebookVersion),
    /// A text that is sent but not stored. It uses the uploaded tables.
    Text(String),
}

/// Result of a replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// The active version.
    pub in_force: RulebookVersion,
    /// The version that was replayed; absent for a text.
    pub draft: Option<RulebookVersion>,
    /// Leads received before this time are left out.
    pub since: Timestamp,
    /// The differences between the two rulebooks, in words.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// Number of further differences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes_left_out: Option<u64>,
    /// How many open leads the draft's reps can have at a time.
    pub capacity: Capacity,
    /// The report on all leads, in numbers.
    pub report: Report,
    /// The report in plain sentences.
    pub sentences: Vec<String>,
    /// Cursor for the next call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Replays a draft and prints what would change.
pub(super) async fn run(asked: Replay) -> Result<(), Failed> {
    let name = asked.rulebook.display().to_string();
    let is_version = name.len() == 6 && name.bytes().all(|b| b.is_ascii_digit());
    let draft = if is_version {
        Draft::Version(RulebookVersion::from(name.as_str()))
    } else {
        // The server checks it against its own pools, reps and tables.
        Draft::Text(RulebookFile::read(&asked.rulebook, None)?.source)
    };
    let (api, machine) = serving(&asked.server).await?;
    let bar = spinner("replaying past leads", asked.json);
    let found = replay(&api, &draft, &asked.since, |leads| bar.set_message(format!("{leads} leads"))).await;
    bar.finish_and_clear();
    if let Some(machine) = machine {
        machine.stop().await;
    }
    // The server does not know the file's name.
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

/// Runs past leads through `draft`, in as many calls as needed. Calls `progress` with the number of leads so far.
pub async fn replay(api: &Api, draft: &Draft, since: &str, progress: impl Fn(u64)) -> Result<Replayed, CallError> {
    let (path, body) = match draft {
        Draft::Version(version) => (format!("/v1/rulebooks/{version}/replay"), Vec::new()),
        Draft::Text(text) => ("/v1/rulebooks/replay".to_owned(), text.clone().into_bytes()),
    };
    let call = async |query: &str| -> Result<Replayed, CallError> {
        let headers = [("content-type", "application/yaml")];
        let answer = api.call(Method::POST, &format!("{path}?{query}"), &headers, body.clone()).await?;
        Ok(serde_json::from_value(answer)?)
    };
    let mut all = call(&format!("since={}", encoded(since))).await?;
    while let Some(cursor) = all.next.take() {
        progress(all.report.leads);
        let part = call(&format!("cursor={}", encoded(&cursor))).await?;
        all.report.add(part.report);
        all.next = part.next;
    }
    all.sentences = all.report.sentences(all.capacity);
    Ok(all)
}

/// Percent-encodes a query value.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            write!(out, "%{byte:02X}").ok();
        }
    }
    out
}

/// Limit on the examples printed in a terminal.
const EXAMPLES: usize = 5;

impl Replayed {
    /// Writes the report as text.
    pub fn write(&self, out: &mut impl Write, draft: &str) -> io::Result<()> {
        let (leads, since) = (self.report.leads, self.since.strftime("%Y-%m-%d"));
        writeln!(out, "{draft} against rulebook {}, on {leads} leads received since {since}", self.in_force)?;
        writeln!(out, "\nDifferences")?;
        if self.changes.is_empty() {
            writeln!(out, "  none: both decide every lead alike")?;
        }
        for change in &self.changes {
            writeln!(out, "  - {}", change.sentence)?;
        }
        if let Some(left_out) = self.changes_left_out {
            writeln!(out, "  and {left_out} more")?;
        }
        writeln!(out, "\nWhat would change")?;
        for sentence in &self.sentences {
            writeln!(out, "  {sentence}")?;
        }
        if leads > 0 {
            writeln!(out, "\nMQLs in the busiest week, by minimum score")?;
            let busiest: Vec<(usize, u64)> = self.report.busiest().into_iter().enumerate().step_by(2).collect();
            for (step, _) in &busiest {
                write!(out, "{:>6}", step * 5)?;
            }
            writeln!(out)?;
            for (_, count) in &busiest {
                write!(out, "{count:>6}")?;
            }
            writeln!(out)?;
        }
        for (at, example) in self.report.examples.iter().take(EXAMPLES).enumerate() {
            if at == 0 {
                writeln!(out, "\nExamples")?;
            }
            writeln!(out, "  {}\n    now:   {}\n    draft: {}", example.lead_id, example.before, example.after)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encodes_a_cursor() {
        assert_eq!(encoded("000001.17.36.0190-a#state é"), "000001.17.36.0190-a%23state%20%C3%A9");
    }
}
