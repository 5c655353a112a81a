//! `admin`: the roster, accounts, rulebooks, keys, lists, and what to do with commands that failed.

mod activation;
mod dead_letters;
mod import;
mod keys;
mod people;
mod replay;
mod reroute;
mod review;
mod roster;
mod rulebook;
mod tables;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fairleader_messaging::command::SCHEMA;
use fairleader_messaging::{Outgoing, Queue, ReceiveError, RouteCommand, SendError};
use fairleader_runtime::http::{self, Problem, Role};
use fairleader_runtime::{Chain, Clock, Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{
    Accounts, ActiveRulebook, Identities, Imports, Keys, Leads, LookupTables, People, Pools, Reps, Rulebooks,
    StoreError, Table,
};
use serde::de::DeserializeOwned;
use tracing::error;

pub use self::keys::new_key;

/// The function.
#[derive(Debug)]
pub struct Admin {
    leads: Leads,
    identities: Identities,
    accounts: Accounts,
    reps: Reps,
    pools: Pools,
    rulebooks: Rulebooks,
    /// Versions that are compared, compiled.
    compiled: ActiveRulebook,
    tables: LookupTables,
    approval: review::Approval,
    people: People,
    keys: Keys,
    imports: Imports,
    queues: Queues,
    clock: Clock,
}

/// The queues that commands go to, and those where failed ones end.
#[derive(Debug)]
struct Queues {
    enrich: Queue,
    route: Queue,
    publish: Queue,
    dead_letters: Queue,
    publish_dead_letters: Queue,
}

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// The caller can mend it.
    #[error("{}", .0.title)]
    Problem(Problem),
    /// The tables.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A queue that is sent to.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A queue that is read.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// The machine gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

impl From<Problem> for AdminError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

pub(crate) type Answer = Result<ApiGatewayV2httpResponse, AdminError>;

impl Function for Admin {
    type Event = ApiGatewayV2httpRequest;
    type Reply = ApiGatewayV2httpResponse;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        let table = |name: &str| Ok::<_, SetupError>(Table::new(&config, env.get(name)?));
        let queue = |name: &str| Ok::<_, SetupError>(Queue::new(&config, env.get(name)?));
        Ok(Self {
            leads: Leads::new(table("LEADS_TABLE")?),
            identities: Identities::new(table("IDENTITIES_TABLE")?),
            accounts: Accounts::new(table("ACCOUNTS_TABLE")?),
            reps: Reps::new(table("REPS_TABLE")?),
            pools: Pools::new(table("POOLS_TABLE")?),
            rulebooks: Rulebooks::new(table("RULEBOOKS_TABLE")?),
            compiled: ActiveRulebook::new(Rulebooks::new(table("RULEBOOKS_TABLE")?)),
            tables: LookupTables::new(table("RULEBOOKS_TABLE")?),
            approval: review::Approval::read(env)?,
            people: People::new(table("PEOPLE_TABLE")?),
            keys: Keys::new(table("KEYS_TABLE")?),
            imports: Imports::new(table("IMPORTS_TABLE")?),
            queues: Queues {
                enrich: queue("ENRICH_QUEUE_URL")?,
                route: queue("ROUTE_QUEUE_URL")?,
                publish: queue("PUBLISH_QUEUE_URL")?,
                dead_letters: queue("DEAD_LETTER_QUEUE_URL")?,
                publish_dead_letters: queue("PUBLISH_DEAD_LETTER_QUEUE_URL")?,
            },
            clock: env.clock(),
        })
    }

    async fn call(
        &self,
        request: ApiGatewayV2httpRequest,
        _: Invocation,
    ) -> Result<ApiGatewayV2httpResponse, FunctionError> {
        Ok(match self.answer(&request).await {
            Ok(reply) => reply,
            Err(AdminError::Problem(problem)) => problem.reply(),
            Err(AdminError::Store(StoreError::Cursor(from))) => invalid_cursor(&from).reply(),
            Err(cause) => {
                error!(route = http::route(&request), cause = %Chain(&cause), "request failed");
                Problem::internal().reply()
            }
        })
    }
}

/// Longest id in a path, in bytes.
const MAX_ID: usize = 255;

fn invalid_cursor(from: &str) -> Problem {
    Problem::new(400, "invalid_cursor", format!("`{from}` is not where a page begins"))
        .detail("send what the page before gave as it was, percent-encoded, or leave it out")
}

/// Roles that look after the roster.
const ROSTER: [Role; 1] = [Role::Sales];
/// Roles that look after rules and lists.
const RULES: [Role; 2] = [Role::Marketing, Role::Sales];
/// Roles of people, who may look at all of it.
const PEOPLE: [Role; 4] = [Role::Rep, Role::Viewer, Role::Marketing, Role::Sales];
/// Only `admin` itself.
const NOBODY_ELSE: [Role; 0] = [];

impl Admin {
    async fn answer(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let caller = http::caller(request).ok_or_else(|| Problem::forbidden(None, &[]))?;
        let only = |roles: &[Role]| {
            if caller.may(roles) { Ok(()) } else { Err(Problem::forbidden(Some(&caller), roles)) }
        };
        if request.path_parameters.values().any(|id| id.len() > MAX_ID) {
            return Err(Problem::not_found(format!("nothing has an id of more than {MAX_ID} bytes")).into());
        }
        let (method, path) = http::route(request).split_once(' ').unwrap_or_default();
        let read = method == "GET";
        match path.split('/').nth(2).unwrap_or_default() {
            "reps" | "pools" | "accounts" => only(if read { &PEOPLE } else { &ROSTER })?,
            "rulebooks" | "tables" => only(if read { &PEOPLE } else { &RULES })?,
            "imports" => only(&RULES)?,
            "dead-letters" => only(&ROSTER)?,
            _ => only(&NOBODY_ELSE)?,
        }
        match http::route(request) {
            "GET /v1/reps" => self.reps().await,
            "GET /v1/reps/{id}" => self.rep(request).await,
            "PUT /v1/reps/{id}" => self.put_rep(request).await,
            "DELETE /v1/reps/{id}" => self.delete_rep(request).await,
            "GET /v1/pools" => self.pools().await,
            "GET /v1/pools/{id}" => self.pool(request).await,
            "PUT /v1/pools/{id}" => self.put_pool(request).await,
            "DELETE /v1/pools/{id}" => self.delete_pool(request).await,
            "GET /v1/accounts/{id}" => self.account(request).await,
            "PUT /v1/accounts/{id}" => self.put_account(request).await,
            "DELETE /v1/accounts/{id}" => self.delete_account(request).await,
            "GET /v1/people" => self.list_people().await,
            "GET /v1/people/{id}" => self.person(request).await,
            "PUT /v1/people/{id}" => self.put_person(request).await,
            "DELETE /v1/people/{id}" => self.delete_person(request).await,
            "POST /v1/keys" => self.post_key(request).await,
            "DELETE /v1/keys/{id}" => self.delete_key(request).await,
            "POST /v1/rulebooks" => self.post_rulebook(request, &caller).await,
            "GET /v1/rulebooks" => self.list_rulebooks(request).await,
            "GET /v1/rulebooks/{version}" => self.rulebook(request).await,
            "POST /v1/rulebooks/{version}/comments" => self.comment(request, &caller).await,
            "POST /v1/rulebooks/{version}/approve" => self.approve(request, &caller).await,
            "POST /v1/rulebooks/{version}/object" => self.object(request, &caller).await,
            "POST /v1/rulebooks/{version}/withdraw" => self.withdraw(request, &caller).await,
            "POST /v1/rulebooks/{version}/activate" => self.activate_rulebook(request, &caller).await,
            "DELETE /v1/rulebooks/{version}/activate" => self.cancel_activation(request).await,
            "POST /v1/rulebooks/rollback" => self.roll_back(request, &caller).await,
            "GET /v1/rulebooks/{version}/diff" => self.diff_rulebooks(request).await,
            "POST /v1/rulebooks/{version}/replay" => self.replay_version(request).await,
            "POST /v1/rulebooks/{version}/reroute" => self.reroute(request, &caller).await,
            "GET /v1/rulebooks/{version}/reroute" => self.rerouting(request).await,
            "DELETE /v1/rulebooks/{version}/reroute" => self.cancel_reroute(request).await,
            "POST /v1/rulebooks/replay" => self.replay_draft(request).await,
            "GET /v1/tables" => self.list_tables().await,
            "GET /v1/tables/{name}" => self.table(request).await,
            "PUT /v1/tables/{name}" => self.put_table(request, &caller).await,
            "POST /v1/imports" => self.post_import(request).await,
            "GET /v1/imports/{id}" => self.import(request).await,
            "PUT /v1/imports/{id}/parts/{part}" => self.put_part(request).await,
            "GET /v1/imports/{id}/rows" => self.rows(request).await,
            "GET /v1/dead-letters" => self.dead_letters(request).await,
            "POST /v1/dead-letters/{lead_id}/redrive" => self.redrive(request, &caller).await,
            other => Err(Problem::not_found(format!("there is no `{other}` here")).into()),
        }
    }

    /// Has the leads in the lines of `pools` looked at: there may be room now.
    async fn wake(&self, pools: impl IntoIterator<Item = fairleader_domain::id::PoolId>) -> Result<(), AdminError> {
        let messages = pools
            .into_iter()
            .map(|pool| Outgoing::new(&RouteCommand::WakePool { schema: SCHEMA, pool }, Some("admin")))
            .collect::<Result<_, _>>()?;
        Ok(self.queues.route.send_all(messages).await?)
    }
}

/// The body as JSON of this form, or what stands for it if there is none, or `null`.
pub(crate) fn read_or_default<T: DeserializeOwned + Default>(request: &ApiGatewayV2httpRequest) -> Result<T, Problem> {
    let body = http::body(request);
    if matches!(body.trim_ascii(), b"" | b"null") { Ok(T::default()) } else { read(request) }
}

/// The body as JSON of this form. What is wrong is said with the line and column, and the field's name if there is one.
pub(crate) fn read<T: DeserializeOwned>(request: &ApiGatewayV2httpRequest) -> Result<T, Problem> {
    serde_json::from_slice(&http::body(request)).map_err(|cause| {
        // What is no JSON at all says nothing of what it should have been.
        let advice = if cause.is_data() { "" } else { "; send a JSON object" };
        Problem::new(422, "invalid_body", "the body cannot be taken as it is").detail(format!("{cause}{advice}"))
    })
}
