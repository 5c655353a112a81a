//! What happened to every row of the list, as the API reports it.

use std::collections::BTreeMap;

use fairleader_domain::rotation::TURN;
use fairleader_lead::account::Account;
use fairleader_lead::id::{AccountId, LeadId, PoolId, RepId};
use fairleader_lead::problem::FieldProblem;
use fairleader_lead::rep::Rep;
use fairleader_lead::score::Score;
use fairleader_lead::state::Stage;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fairness::Standing;
use crate::api::Api;
use crate::company;
use crate::demo::DemoError;

/// Limit on leads requested at the same time.
const AT_ONCE: usize = 8;

/// Everything that the report needs.
#[derive(Debug)]
pub struct Facts {
    /// The rows that became leads, in the list's order.
    pub leads: Vec<LeadFacts>,
    /// The rejected rows: row number and reasons.
    pub rejected: Vec<(u32, Vec<FieldProblem>)>,
    /// What each pool member got and is owed.
    pub standings: Vec<Standing>,
    /// The reps.
    pub reps: Vec<Rep>,
    /// The accounts, by id.
    pub accounts: BTreeMap<AccountId, Account>,
}

/// A row that became a lead.
#[derive(Debug)]
pub struct LeadFacts {
    /// Row number in the list, from 1.
    pub row: u32,
    /// The state of the lead.
    pub state: Stands,
    /// The person and company.
    pub profile: Who,
    /// The explanation, in plain sentences.
    pub why: String,
}

/// Person and company of a lead: the part of its profile that the report uses.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Who {
    /// The person.
    pub contact: Contact,
    /// Where they work.
    pub company: Company,
    /// Where they are.
    pub place: Place,
    /// What they want.
    pub interest: Interest,
    /// The account they belong to.
    pub account_id: Option<AccountId>,
}

/// A person.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The title as it was written.
    pub job_title: Option<String>,
    /// The level that it was read as.
    pub job_level: Option<String>,
}

/// A company.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Company {
    /// Its name.
    pub name: Option<String>,
}

/// A place.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    /// ISO 3166-1 code.
    pub country: Option<String>,
}

/// What a person did last.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Interest {
    /// In the rulebook's words.
    pub did: Option<String>,
}

/// State of a lead: the part of the API's reply that the report uses.
#[derive(Debug, Deserialize)]
pub struct Stands {
    /// Lead id.
    pub lead_id: LeadId,
    /// Stage of the lead.
    pub stage: Stage,
    /// Owner, if it has one.
    pub owner: Option<RepId>,
    /// The pool it was assigned from or waits in.
    pub pool: Option<PoolId>,
    /// Score from 0 to 100.
    pub score: Option<Score>,
    /// The rule of the last decision.
    pub rule: Option<String>,
    /// Reason why it is disqualified, on hold or in nurture.
    pub reason: Option<String>,
    /// The lead it was merged into.
    pub merged_into: Option<LeadId>,
}

impl Facts {
    /// Returns the number of leads at `stage`.
    pub fn count(&self, stage: Stage) -> usize {
        self.leads.iter().filter(|lead| lead.state.stage == stage).count()
    }

    /// Returns the lead with this id.
    pub fn lead(&self, id: &LeadId) -> Option<&LeadFacts> {
        self.leads.iter().find(|lead| lead.state.lead_id == *id)
    }

    /// Returns the rep's name, or the id if the rep is unknown.
    pub fn name(&self, rep: &RepId) -> String {
        self.reps.iter().find(|known| known.rep_id == *rep).map_or_else(|| rep.to_string(), |rep| rep.name.clone())
    }
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "row")]
    number: u32,
    lead_id: Option<LeadId>,
    #[serde(default)]
    errors: Vec<FieldProblem>,
}

fn read<T: DeserializeOwned>(value: &Value, what: &'static str) -> Result<T, DemoError> {
    T::deserialize(value).map_err(|_| DemoError::Unexpected(what))
}

/// Reads everything that the report needs from the API.
pub(super) async fn gather(admin: &Api, import: &str, company: &company::Company) -> Result<Facts, DemoError> {
    let mut rows: Vec<Row> = Vec::new();
    let mut from: Option<String> = None;
    loop {
        let page = match &from {
            None => admin.get(&format!("/v1/imports/{import}/rows")).await?,
            Some(cursor) => admin.get(&format!("/v1/imports/{import}/rows?from={cursor}")).await?,
        };
        rows.extend(read::<Vec<Row>>(page.get("rows").unwrap_or(&Value::Null), "an import's rows")?);
        from = page.get("next").and_then(Value::as_str).map(str::to_owned);
        if from.is_none() {
            break;
        }
    }
    let (accepted, refused): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.lead_id.is_some());
    let mut leads: Vec<LeadFacts> = stream::iter(accepted)
        .map(|row| async move {
            let id = row.lead_id.unwrap_or_else(|| LeadId::new(""));
            let lead = admin.get(&format!("/v1/leads/{id}")).await?;
            let why = admin.get(&format!("/v1/leads/{id}/why")).await?;
            let summary = why.pointer("/decisions/0/summary").or_else(|| why.get("summary"));
            Ok::<_, DemoError>(LeadFacts {
                row: row.number,
                state: read(&lead, "a lead")?,
                profile: read(lead.get("profile").unwrap_or(&Value::Null), "a lead's profile")?,
                why: summary.and_then(Value::as_str).unwrap_or_default().to_owned(),
            })
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    leads.sort_by_key(|lead| lead.row);
    let mut standings = Vec::new();
    for pool in &company.pools {
        let ledger = admin.get(&format!("/v1/pools/{}/ledger", pool.pool_id)).await?;
        for standing in ledger.get("standings").and_then(Value::as_array).into_iter().flatten() {
            standings.push(read_standing(&pool.pool_id, standing)?);
        }
    }
    Ok(Facts {
        leads,
        rejected: refused.into_iter().map(|row| (row.number, row.errors)).collect(),
        standings,
        reps: company.reps.clone(),
        accounts: company.accounts.iter().map(|a| (a.account_id.clone(), a.clone())).collect(),
    })
}

fn read_standing(pool: &PoolId, value: &Value) -> Result<Standing, DemoError> {
    let what = "a pool's ledger";
    let rep: RepId = read(value.get("rep").unwrap_or(&Value::Null), what)?;
    let got = value.get("got").and_then(Value::as_u64).ok_or(DemoError::Unexpected(what))?;
    let lag = value.get("owed_billionths").and_then(Value::as_i64).ok_or(DemoError::Unexpected(what))?;
    let share = i64::try_from(got).ok().and_then(|got| got.checked_mul(TURN)?.checked_add(lag));
    Ok(Standing { pool: pool.clone(), rep, got, lag, share: share.ok_or(DemoError::Unexpected(what))? })
}
