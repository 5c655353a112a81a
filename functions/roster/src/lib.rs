//! `roster`: reps, pools and accounts, and the audit of every change to them.

mod accounts;
mod audit;
mod named;
mod pools;
mod reps;

use fairleader_api::route::RosterRoute as Route;
use fairleader_api::{Call, Reply, Request};
use fairleader_messaging::Queue;
use fairleader_runtime::http::{self, Answer};
use fairleader_runtime::{Clock, Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{Accounts, ActiveRulebook, Audit, Identities, Leads, Pools, Reps, Rulebooks, Table};

/// Message group of the messages that this function sends.
const GROUP: &str = "roster";

/// Lambda function `roster`.
#[derive(Debug)]
pub struct Roster {
    leads: Leads,
    identities: Identities,
    accounts: Accounts,
    reps: Reps,
    pools: Pools,
    rulebooks: Rulebooks,
    compiled: ActiveRulebook,
    audit: Audit,
    route: Queue,
    clock: Clock,
}

impl Function for Roster {
    type Event = Request;
    type Reply = Reply;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        let table = |name: &str| Ok::<_, SetupError>(Table::new(&config, env.get(name)?));
        Ok(Self {
            leads: Leads::new(table("LEADS_TABLE")?),
            identities: Identities::new(table("IDENTITIES_TABLE")?),
            accounts: Accounts::new(table("ACCOUNTS_TABLE")?),
            reps: Reps::new(table("REPS_TABLE")?),
            pools: Pools::new(table("POOLS_TABLE")?),
            rulebooks: Rulebooks::new(table("RULEBOOKS_TABLE")?),
            compiled: ActiveRulebook::new(Rulebooks::new(table("RULEBOOKS_TABLE")?)),
            audit: Audit::new(table("AUDIT_TABLE")?),
            route: Queue::new(&config, env.get("ROUTE_QUEUE_URL")?),
            clock: env.clock(),
        })
    }

    async fn call(&self, request: Request, invocation: Invocation) -> Result<Reply, FunctionError> {
        let answer = |route, call| async move { self.answer(route, &call).await };
        Ok(http::serve(&request, invocation.deadline, answer).await)
    }
}

impl Roster {
    async fn answer(&self, route: Route, call: &Call<'_>) -> Answer {
        match route {
            Route::ListReps => self.reps().await,
            Route::ReadRep => self.rep(call).await,
            Route::PutRep => self.put_rep(call).await,
            Route::DeleteRep => self.delete_rep(call).await,
            Route::ListPools => self.pools().await,
            Route::ReadPool => self.pool(call).await,
            Route::PutPool => self.put_pool(call).await,
            Route::DeletePool => self.delete_pool(call).await,
            Route::ReadAccount => self.account(call).await,
            Route::PutAccount => self.put_account(call).await,
            Route::DeleteAccount => self.delete_account(call).await,
            Route::ListAudit => self.audit(call).await,
        }
    }
}
