//! `desk`: the commands of reps, and what people look up: leads, their history and explanations, inboxes, ledgers.

mod accept;
mod inbox;
mod lead;
mod ledger;
mod polls;
mod search;

use fairleader_api::route::DeskRoute as Route;
use fairleader_api::{Call, Reply, Request, reply};
use fairleader_messaging::Queue;
use fairleader_runtime::http::{self, Answer};
use fairleader_runtime::{Clock, Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{Identities, Leads, Pools, Reps, Table};

/// The OpenAPI document. A test of `fairleader-api` fails if it is out of date.
const OPENAPI: &str = include_str!("../../../docs/openapi.json");

/// Lambda function `desk`.
#[derive(Debug)]
pub struct Desk {
    leads: Leads,
    identities: Identities,
    reps: Reps,
    pools: Pools,
    route: Queue,
    clock: Clock,
}

impl Function for Desk {
    type Event = Request;
    type Reply = Reply;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        Ok(Self {
            leads: Leads::new(Table::new(&config, env.get("LEADS_TABLE")?)),
            identities: Identities::new(Table::new(&config, env.get("IDENTITIES_TABLE")?)),
            reps: Reps::new(Table::new(&config, env.get("REPS_TABLE")?)),
            pools: Pools::new(Table::new(&config, env.get("POOLS_TABLE")?)),
            route: Queue::new(&config, env.get("ROUTE_QUEUE_URL")?),
            clock: env.clock(),
        })
    }

    async fn call(&self, request: Request, invocation: Invocation) -> Result<Reply, FunctionError> {
        let answer = |route, call| async move { self.answer(route, &call).await };
        Ok(http::serve(&request, invocation.deadline, answer).await)
    }
}

impl Desk {
    async fn answer(&self, route: Route, call: &Call<'_>) -> Answer {
        match route {
            Route::ReadOpenApi => Ok(reply::text(200, "application/json", OPENAPI.to_owned())),
            Route::FindLeads => self.find(call).await,
            Route::ReadLead => self.lead(call).await,
            Route::ListEvents => self.events(call).await,
            Route::ExplainLead => self.why(call).await,
            Route::AcceptLead => self.accept(call).await,
            Route::ReadInbox => self.inbox(call).await,
            Route::SetAvailability => self.availability(call).await,
            Route::ReadLedger => self.ledger(call).await,
        }
    }
}
