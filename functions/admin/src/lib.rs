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
use fairleader_lead::problem::FieldProblem;
use fairleader_messaging::{Outgoing, Queue, ReceiveError, RouteCommand, SendError};
use fairleader_runtime::http::{self, Problem, Role};
use fairleader_runtime::{Chain, Clock, Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{
    Accounts, ActiveRulebook, Identities, Imports, Keys, Leads, LookupTables, People, Pools, Reps, Rulebooks,
    StoreError, Table,
};
use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Segment;
use tracing::error;

pub use self::keys::new_key;
use self::roster::invalid;

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

    /// Has the leads in the lines of every pool that `rep` is in looked at: there may be room now.
    async fn wake_rep(&self, rep: fairleader_lead::id::RepId) -> Result<(), AdminError> {
        Ok(self.queues.route.send(Outgoing::new(&RouteCommand::wake_rep(rep), Some("admin"))?).await?)
    }
}

/// The body as JSON of this form, or what stands for it if there is none, or `null`.
pub(crate) fn read_or_default<T: DeserializeOwned + Default>(request: &ApiGatewayV2httpRequest) -> Result<T, Problem> {
    let body = http::body(request);
    if matches!(body.trim_ascii(), b"" | b"null") { Ok(T::default()) } else { read(request) }
}

/// The body as JSON of this form. What is wrong is said with the field, or with the line and column if it is no JSON.
pub(crate) fn read<T: DeserializeOwned>(request: &ApiGatewayV2httpRequest) -> Result<T, Problem> {
    let body = http::body(request);
    let mut json = serde_json::Deserializer::from_slice(&body);
    let read = serde_path_to_error::deserialize(&mut json).map_err(unfit)?;
    json.end().map_err(|cause| no_json(&cause))?;
    Ok(read)
}

/// A body that has not its form.
pub(crate) fn unfit(cause: serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let pointer: String = cause.path().iter().filter_map(step).collect();
    let cause = cause.into_inner();
    if cause.is_data() {
        invalid(vec![FieldProblem { pointer, detail: in_words(&cause.to_string()) }])
    } else {
        no_json(&cause)
    }
}

/// What is no JSON at all says nothing of what it should have been.
fn no_json(cause: &serde_json::Error) -> Problem {
    Problem::new(422, "invalid_body", "the body cannot be taken as it is")
        .detail(format!("{cause}; send a JSON object"))
}

/// A step of a JSON pointer (RFC 6901).
fn step(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// What serde says, without the types of this program and without the place in the text: the field is named.
fn in_words(said: &str) -> String {
    let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
    let Some((is, expected)) = said.rsplit_once(", expected ") else { return said.to_owned() };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not below 0 and not too large",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "a sequence" => "a list: `[…]`",
        "a map" => "an object: `{…}`",
        "a boolean" => "`true` or `false`",
        name if name.starts_with("struct ") => "an object: `{…}`",
        other => other,
    };
    format!("{is}, expected {expected}")
}

/// An instant in a body.
pub(crate) fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    let advice = "write date, time and zone, such as `2027-04-01T06:00:00Z` or `2027-04-01T08:00:00+02:00`";
    text.parse().map(Some).map_err(|_| D::Error::custom(format!("`{text}` is no instant; {advice}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(default)]
        members: Vec<Member>,
        #[serde(default, deserialize_with = "instant")]
        at: Option<Timestamp>,
    }

    #[derive(Debug, Deserialize)]
    struct Member {
        weight: u32,
    }

    fn wrong(body: &str) -> String {
        let mut request = ApiGatewayV2httpRequest::default();
        request.body = Some(body.to_owned());
        let problem = read::<Sample>(&request).unwrap_err();
        match problem.errors.as_slice() {
            [error] => format!("{}: {}", error.pointer, error.detail),
            _ => problem.detail.unwrap_or_default(),
        }
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said_with_its_field() {
        assert_eq!(
            wrong(r#"{"members": ["anna"]}"#),
            "/members/0: invalid type: string \"anna\", expected an object: `{…}`"
        );
        assert_eq!(
            wrong(r#"{"members": [{"weight": 1}, {"weight": -1}]}"#),
            "/members/1/weight: invalid value: integer `-1`, expected a whole number that is not below 0 and not too large"
        );
        assert_eq!(wrong(r#"{"members": [{}]}"#), "/members/0: missing field `weight`");
        assert_eq!(wrong(r#"{"memers": []}"#), "/memers: unknown field `memers`, expected `members` or `at`");
        assert_eq!(
            wrong(r#"{"at": "tomorrow"}"#),
            "/at: `tomorrow` is no instant; write date, time and zone, such as `2027-04-01T06:00:00Z` or \
             `2027-04-01T08:00:00+02:00`"
        );
        assert_eq!(wrong("{} {}"), "trailing characters at line 1 column 4; send a JSON object");
        assert_eq!(wrong("{"), "EOF while parsing an object at line 1 column 1; send a JSON object");
        let mut request = ApiGatewayV2httpRequest::default();
        request.body = Some(r#"{"at": "2027-04-01T08:00:00+02:00", "members": [{"weight": 2}]}"#.to_owned());
        let read: Sample = read(&request).unwrap();
        assert_eq!((read.at.unwrap().to_string(), read.members[0].weight), ("2027-04-01T06:00:00Z".to_owned(), 2));
    }
}
