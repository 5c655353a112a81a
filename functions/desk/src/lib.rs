//! `desk`: what a rep does, and what people look up: leads, their history and reasons, inboxes, ledgers.

mod accept;
mod inbox;
mod lead;
mod ledger;
mod view;

use std::time::Instant;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fairleader_messaging::{Queue, SendError};
use fairleader_runtime::http::{self, Caller, Problem, Role};
use fairleader_runtime::{Chain, Clock, Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{Leads, Pools, Reps, StoreError, Table};
use tracing::error;

/// The function.
#[derive(Debug)]
pub struct Desk {
    leads: Leads,
    reps: Reps,
    pools: Pools,
    route: Queue,
    clock: Clock,
}

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// The caller can mend it.
    #[error("{}", .0.title)]
    Problem(Problem),
    /// The tables.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl From<Problem> for DeskError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

pub(crate) type Answer = Result<ApiGatewayV2httpResponse, DeskError>;

impl Function for Desk {
    type Event = ApiGatewayV2httpRequest;
    type Reply = ApiGatewayV2httpResponse;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        Ok(Self {
            leads: Leads::new(Table::new(&config, env.get("LEADS_TABLE")?)),
            reps: Reps::new(Table::new(&config, env.get("REPS_TABLE")?)),
            pools: Pools::new(Table::new(&config, env.get("POOLS_TABLE")?)),
            route: Queue::new(&config, env.get("ROUTE_QUEUE_URL")?),
            clock: env.clock(),
        })
    }

    async fn call(
        &self,
        request: ApiGatewayV2httpRequest,
        invocation: Invocation,
    ) -> Result<ApiGatewayV2httpResponse, FunctionError> {
        Ok(match self.answer(&request, invocation.deadline).await {
            Ok(reply) => reply,
            Err(DeskError::Problem(problem)) => problem.reply(),
            Err(DeskError::Store(StoreError::Cursor(from))) => invalid_cursor(&from).reply(),
            Err(cause) => {
                error!(route = http::route(&request), cause = %Chain(&cause), "request failed");
                Problem::internal().reply()
            }
        })
    }
}

impl Desk {
    async fn answer(&self, request: &ApiGatewayV2httpRequest, deadline: Instant) -> Answer {
        let caller = http::caller(request).ok_or_else(|| Problem::forbidden(None, &[]))?;
        if request.path_parameters.values().any(|id| id.len() > MAX_ID) {
            return Err(Problem::not_found(format!("nothing has an id of more than {MAX_ID} bytes")).into());
        }
        match http::route(request) {
            "GET /v1/leads/{lead_id}" => self.lead(request, &caller, deadline).await,
            "GET /v1/leads/{lead_id}/events" => self.events(request, &caller).await,
            "GET /v1/leads/{lead_id}/why" => self.why(request, &caller).await,
            "POST /v1/leads/{lead_id}/accept" => self.accept(request, &caller, deadline).await,
            "GET /v1/inbox" => self.inbox(request, &caller).await,
            "PUT /v1/me/availability" => self.availability(request, &caller).await,
            "GET /v1/pools/{pool_id}/ledger" => self.ledger(request, &caller).await,
            other => Err(Problem::not_found(format!("there is no `{other}` here")).into()),
        }
    }
}

/// Longest id in a path, in bytes.
const MAX_ID: usize = 255;

fn invalid_cursor(from: &str) -> Problem {
    Problem::new(400, "invalid_cursor", format!("`from={from}` is not where a page begins"))
        .detail("send the `next` of the page before as it was, percent-encoded, or leave `from` out")
}

/// Roles of people who may see every lead.
pub(crate) const OVERSEERS: [Role; 3] = [Role::Viewer, Role::Marketing, Role::Sales];

/// Refuses callers who have none of `roles`.
pub(crate) fn only(caller: &Caller, roles: &[Role]) -> Result<(), Problem> {
    if caller.may(roles) { Ok(()) } else { Err(Problem::forbidden(Some(caller), roles)) }
}
