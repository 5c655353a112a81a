//! `rulebooks`: versions of the rulebook, their tables, review, activation, diff, replay and reroute. It reads leads
//! and writes none.

mod activation;
mod aside;
mod replay;
mod reroute;
mod review;
mod rulebook;
mod tables;

use std::time::Instant;

use fairleader_api::route::RulebooksRoute as Route;
use fairleader_api::{Call, Reply, Request, reply};
use fairleader_runtime::http::{self, Answer};
use fairleader_runtime::{Clock, Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{
    Accounts, ActiveRulebook, Audit, Leads, LookupTables, People, Pools, Reps, Rulebooks as Versions, Table,
};

/// Returns when a call stops reading further pages of leads: when a third of the time that it has now is left. The last
/// page and the reply fit into that.
fn last_page_at(call: &Call<'_>) -> Instant {
    let now = Instant::now();
    now + call.deadline.saturating_duration_since(now) / 3 * 2
}

/// Lambda function `rulebooks`.
#[derive(Debug)]
pub struct Rulebooks {
    leads: Leads,
    accounts: Accounts,
    reps: Reps,
    pools: Pools,
    people: People,
    versions: Versions,
    /// Compiled versions, for comparisons.
    compiled: ActiveRulebook,
    tables: LookupTables,
    audit: Audit,
    approval: review::Approval,
    clock: Clock,
}

impl Function for Rulebooks {
    type Event = Request;
    type Reply = Reply;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        let table = |name: &str| Ok::<_, SetupError>(Table::new(&config, env.get(name)?));
        Ok(Self {
            leads: Leads::new(table("LEADS_TABLE")?),
            accounts: Accounts::new(table("ACCOUNTS_TABLE")?),
            reps: Reps::new(table("REPS_TABLE")?),
            pools: Pools::new(table("POOLS_TABLE")?),
            people: People::new(table("PEOPLE_TABLE")?),
            versions: Versions::new(table("RULEBOOKS_TABLE")?),
            compiled: ActiveRulebook::new(Versions::new(table("RULEBOOKS_TABLE")?)),
            tables: LookupTables::new(table("RULEBOOKS_TABLE")?),
            audit: Audit::new(table("AUDIT_TABLE")?),
            approval: review::Approval::read(env)?,
            clock: env.clock(),
        })
    }

    async fn call(&self, request: Request, invocation: Invocation) -> Result<Reply, FunctionError> {
        let answer = |route, call| async move { self.answer(route, &call).await };
        let reply = http::serve(&request, invocation.deadline, answer).await;
        let later = reply.status_code == 503;
        Ok(if later { reply::with_header(reply, "retry-after", "2") } else { reply })
    }
}

impl Rulebooks {
    async fn answer(&self, route: Route, call: &Call<'_>) -> Answer {
        match route {
            Route::CreateRulebook => self.post_rulebook(call).await,
            Route::ListRulebooks => self.list_rulebooks(call).await,
            Route::ReadRulebook => self.rulebook(call).await,
            Route::CommentRulebook => self.comment(call).await,
            Route::ApproveRulebook => self.approve(call).await,
            Route::ObjectToRulebook => self.object(call).await,
            Route::WithdrawReview => self.withdraw(call).await,
            Route::ActivateRulebook => self.activate_rulebook(call).await,
            Route::CancelActivation => self.cancel_activation(call).await,
            Route::RollBackRulebook => self.roll_back(call).await,
            Route::DiffRulebooks => self.diff_rulebooks(call).await,
            Route::ReplayRulebook => self.replay_version(call).await,
            Route::ReplayDraft => self.replay_draft(call).await,
            Route::RerouteLeads => self.reroute(call).await,
            Route::ReadReroute => self.rerouting(call).await,
            Route::CancelReroute => self.cancel_reroute(call).await,
            Route::ListTables => self.list_tables().await,
            Route::ReadTable => self.table(call).await,
            Route::DeleteTable => self.delete_table(call).await,
            Route::PutTable => self.put_table(call).await,
        }
    }
}
