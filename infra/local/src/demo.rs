//! The demo: loads a company's roster, tables and rulebook through the API, imports its list of leads, and reports what
//! happened.
//!
//! Nothing here knows how a lead was decided: the report is read from the API afterwards.

mod agree;
mod facts;
mod fairness;
mod story;
mod tell;

use std::collections::BTreeSet;
use std::time::Duration;

use fairleader_lead::account::Account;
use fairleader_lead::id::AccountId;
use fairleader_lead::pool::Pool;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::api::{Api, ApiError};
use crate::company::Company;
use crate::machine::{Machine, StarterKey};

pub use facts::{Facts, LeadFacts};
pub use fairness::{RoundRobin, Standing};
pub use story::Story;
pub use tell::Report;

/// How long the demo waits for its leads.
const PATIENCE: Duration = Duration::from_mins(3);

/// After this time without an event, the demo checks whether the queues are empty.
const QUIET: Duration = Duration::from_millis(500);

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A call of the API failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Something that the demo needs is missing or cannot be read.
    #[error("cannot read {0}")]
    Unexpected(&'static str),
    /// The leads were not decided in time.
    #[error("only {settled} of {accepted} leads were decided in {} seconds; the log shows what failed", PATIENCE.as_secs())]
    TooSlow {
        /// Number of leads that were decided.
        settled: usize,
        /// Number of accepted leads.
        accepted: usize,
    },
}

/// Loads a company's people, reps, pools, accounts, tables and rulebook, has the company's people approve the rulebook,
/// and activates it. A second call changes only the rulebook's version, and creates new keys for the people.
pub async fn install(admin: &Api, company: &Company) -> Result<(), ApiError> {
    install_with_keys(admin, company, &mut Vec::new()).await
}

/// Does the same with the people's existing keys. New keys are added to `keys`.
pub async fn install_with_keys(admin: &Api, company: &Company, keys: &mut Vec<StarterKey>) -> Result<(), ApiError> {
    agree::people(admin, &company.people, keys).await?;
    for rep in &company.reps {
        admin.put(&format!("/v1/reps/{}", rep.rep_id), &json!(rep)).await?;
    }
    // A fallback must exist before another pool names it, so new pools are first stored without one.
    for pool in &company.pools {
        let path = format!("/v1/pools/{}", pool.pool_id);
        if matches!(admin.get(&path).await, Err(ApiError::Refused { .. })) {
            admin.put(&path, &json!(Pool { fallback: None, ..pool.clone() })).await?;
        }
    }
    for pool in &company.pools {
        admin.put(&format!("/v1/pools/{}", pool.pool_id), &json!(pool)).await?;
    }
    for account in parents_first(&company.accounts) {
        admin.put(&format!("/v1/accounts/{}", account.account_id), &json!(account)).await?;
    }
    for (name, csv) in &company.tables {
        let headers = [("content-type", "text/csv")];
        admin.call(Method::PUT, &format!("/v1/tables/{name}"), &headers, csv.clone().into_bytes()).await?;
    }
    agree::rulebook(admin, company, keys).await
}

/// Sorts accounts so that each comes after its parent. Accounts in a cycle of parents come last.
fn parents_first(accounts: &[Account]) -> Vec<&Account> {
    let mut sorted = Vec::with_capacity(accounts.len());
    let mut left: Vec<&Account> = accounts.iter().collect();
    while !left.is_empty() {
        let missing: BTreeSet<&AccountId> = left.iter().map(|account| &account.account_id).collect();
        let (later, ready): (Vec<_>, Vec<_>) =
            left.iter().partition(|account| account.parent.as_ref().is_some_and(|parent| missing.contains(parent)));
        let in_circles = ready.is_empty();
        sorted.extend(ready);
        if in_circles {
            sorted.extend(later);
            break;
        }
        left = later;
    }
    sorted
}

/// Runs the company's leads through `machine` and collects what happened.
pub async fn run(machine: &Machine, admin: &Api, company: &Company, bar: bool) -> Result<Facts, DemoError> {
    let list = company.leads.clone().ok_or(DemoError::Unexpected("the company's leads"))?;
    let mut events = machine.bus.subscribe();
    let import = admin.post("/v1/imports", &json!({"name": "demo leads", "source": "trade-fair"})).await?;
    let import = import.get("import_id").and_then(Value::as_str).ok_or(DemoError::Unexpected("the new import"))?;
    let path = format!("/v1/imports/{import}/parts/1");
    let part = admin.call(Method::PUT, &path, &[("content-type", "text/csv")], list).await?;
    let count = |name: &str| part.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let accepted = count("accepted");

    let progress = if bar { progress_bar(accepted) } else { ProgressBar::hidden() };
    let mut settled = BTreeSet::new();
    let all = async {
        while settled.len() < accepted {
            match tokio::time::timeout(QUIET, events.recv()).await {
                // A list that was imported before causes no events.
                Err(_) if machine.settled().await => break,
                // No event for a while, or too many at once. The queues show when it is over.
                Err(_) | Ok(Err(RecvError::Lagged(_))) => {}
                Ok(Ok(event)) => {
                    if let Some(lead) = event.pointer("/detail/lead_id").and_then(Value::as_str) {
                        settled.insert(lead.to_owned());
                        progress.set_position(settled.len().try_into().unwrap_or(u64::MAX));
                    }
                }
                Ok(Err(RecvError::Closed)) => break,
            }
        }
        // Every lead has its first event; some may still be waiting for a second one.
        while !machine.settled().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, all).await.is_ok();
    progress.finish_and_clear();
    if !in_time {
        return Err(DemoError::TooSlow { settled: settled.len(), accepted });
    }
    facts::gather(admin, import, company).await
}

fn progress_bar(leads: usize) -> ProgressBar {
    let bar = ProgressBar::new(leads.try_into().unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} leads, {elapsed}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message("routing");
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str, parent: Option<&str>) -> Account {
        serde_json::from_value(json!({"account_id": id, "name": id, "status": "prospect", "parent": parent})).unwrap()
    }

    #[test]
    fn accounts_come_after_their_parents_and_cycles_last() {
        let accounts = [
            account("granddaughter", Some("daughter")),
            account("hen", Some("egg")),
            account("egg", Some("hen")),
            account("daughter", Some("mother")),
            account("mother", None),
            account("stray", Some("not here")),
        ];
        let sorted: Vec<&str> = parents_first(&accounts).iter().map(|account| account.account_id.as_str()).collect();
        assert_eq!(sorted, ["mother", "stray", "daughter", "granddaughter", "hen", "egg"]);
    }
}
