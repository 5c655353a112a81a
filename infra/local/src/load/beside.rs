//! Background work for the load test: what other callers do while single leads come in.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use super::{LoadError, lead};
use crate::api::Api;
use crate::commands::replay::{Draft, replay};
use crate::company::Company;
use crate::machine::Machine;

/// Rows of a list in one part. A part may have at most 4 MB.
const ROWS_PER_PART: usize = 10_000;
/// How long the leads that a replay reads may take to be decided.
const PATIENCE: Duration = Duration::from_mins(30);

/// Kind of background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Beside {
    /// Clients of the same key that wait for leads that do not exist (`?wait=8s`).
    Polls,
    /// Replays of the active rulebook on past leads.
    Replay,
    /// A list with new people.
    List,
}

impl Beside {
    /// Returns the usual amount: clients, past leads or rows.
    pub const fn usual(self) -> usize {
        match self {
            Self::Polls => 130,
            Self::Replay | Self::List => 100_000,
        }
    }

    /// Does what must be there before the work can begin: a replay needs `amount` past leads.
    pub(super) async fn prepare(self, machine: &Machine, admin: &Api, amount: usize) -> Result<(), LoadError> {
        if self != Self::Replay {
            return Ok(());
        }
        import(admin, amount).await?;
        let waited = tokio::time::timeout(PATIENCE, async {
            while !machine.settled().await {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        waited.await.map_err(|_| LoadError::NotPrepared)
    }

    /// Works until dropped.
    pub(super) fn work(self, machine: &Machine, admin: Api, company: Company, amount: usize) -> BoxFuture<'static, ()> {
        let source = admin.with_key(machine.keys.of(fairleader_api::Role::Source));
        match self {
            Self::Polls => polls(source, amount).boxed(),
            Self::Replay => async move {
                loop {
                    let draft = Draft::Text(company.rulebook.clone());
                    if let Err(cause) = replay(&admin, &draft, "90d", |_| {}).await {
                        tracing::warn!(cause = %cause, "the replay failed");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
            .boxed(),
            Self::List => async move {
                if let Err(cause) = import(&admin, amount).await {
                    tracing::warn!(cause = %cause, "the list failed");
                }
                std::future::pending::<()>().await;
            }
            .boxed(),
        }
    }
}

/// Keeps `clients` long polls open.
async fn polls(source: Api, clients: usize) {
    stream::iter(0..clients)
        .for_each_concurrent(None, |_| async {
            loop {
                let nobody = uuid::Uuid::now_v7();
                // A refusal is an answer too; the pause is what a polite client would do.
                if source.get(&format!("/v1/leads/{nobody}?wait=8s")).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        })
        .await;
}

/// Imports a list of `rows` new people.
async fn import(admin: &Api, rows: usize) -> Result<(), LoadError> {
    let run = uuid::Uuid::now_v7().simple().to_string();
    let import = admin.post("/v1/imports", &json!({"name": "load test", "source": "load"})).await?;
    let id = import.get("import_id").and_then(Value::as_str).unwrap_or_default();
    for (part, first) in (0..rows).step_by(ROWS_PER_PART).enumerate() {
        let csv = csv(&run, first, rows.min(first.saturating_add(ROWS_PER_PART)));
        let path = format!("/v1/imports/{id}/parts/{}", part.saturating_add(1));
        admin.call(Method::PUT, &path, &[("content-type", "text/csv")], csv.into_bytes()).await?;
    }
    Ok(())
}

/// Writes the people with these numbers as CSV.
fn csv(run: &str, from: usize, to: usize) -> String {
    const COLUMNS: [&str; 8] =
        ["email", "first_name", "last_name", "company", "job_title", "country", "employees", "did"];
    let mut csv = COLUMNS.join(",");
    for number in from..to {
        csv.push('\n');
        let lead = lead(run, number);
        let cells = COLUMNS.map(|column| match lead.get(column) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        });
        csv.push_str(&cells.join(","));
    }
    csv
}
