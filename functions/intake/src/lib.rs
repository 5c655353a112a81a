//! `intake`: the public entry point. Checks a submission or an activity, assigns its id, queues it, and replies with
//! 202.
//!
//! It reads and writes no leads. Everything it accepted with 202 is in the queue. A submission with a key always gets
//! the same id, without a look-up.

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fairleader_lead::id::{ActivityId, LeadId, SourceId};
use fairleader_lead::problem::FieldProblem;
use fairleader_lead::submission::activity;
use fairleader_lead::submission::activity::{Of, Report};
use fairleader_lead::submission::{Submission, lead_id};
use fairleader_messaging::command::SCHEMA;
use fairleader_messaging::{EnrichCommand, Outgoing, Queue, RecordActivity, StoreLead};
use fairleader_runtime::http::{self, Problem, Role};
use fairleader_runtime::{Chain, Clock, Env, Function, FunctionError, Invocation, SetupError};
use serde::Serialize;
use tracing::{error, info};
use uuid::Uuid;

/// Size limit of a submission or activity, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// Length limit of an `Idempotency-Key`, in bytes.
pub const MAX_KEY: usize = 255;

/// Lambda function `intake`.
#[derive(Debug)]
pub struct Intake {
    enrich: Queue,
    clock: Clock,
}

/// Reply to an accepted submission.
#[derive(Debug, Serialize)]
struct AcceptedLead {
    lead_id: LeadId,
    status_url: String,
}

/// Reply to an accepted activity.
#[derive(Debug, Serialize)]
struct AcceptedActivity {
    activity_id: ActivityId,
    /// The URL of the lead, if the sender named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_url: Option<String>,
}

/// Accepted request: the source, its idempotency key and the body.
struct Sent {
    source: SourceId,
    key: Option<String>,
    body: Vec<u8>,
}

impl Function for Intake {
    type Event = ApiGatewayV2httpRequest;
    type Reply = ApiGatewayV2httpResponse;

    fn new(env: &Env) -> Result<Self, SetupError> {
        Ok(Self { enrich: Queue::new(&env.sdk_config()?, env.get("ENRICH_QUEUE_URL")?), clock: env.clock() })
    }

    async fn call(
        &self,
        request: ApiGatewayV2httpRequest,
        invocation: Invocation,
    ) -> Result<ApiGatewayV2httpResponse, FunctionError> {
        let reply = match http::route(&request) {
            "POST /v1/leads" => self.lead(&request, invocation.request_id).await,
            "POST /v1/activities" => self.activity(&request, invocation.request_id).await,
            other => Err(Problem::not_found(format!("unknown route `{other}`"))),
        };
        Ok(reply.unwrap_or_else(|problem| problem.reply()))
    }
}

impl Intake {
    /// `POST /v1/leads`: accepts one lead.
    async fn lead(
        &self,
        request: &ApiGatewayV2httpRequest,
        trace: String,
    ) -> Result<ApiGatewayV2httpResponse, Problem> {
        let Sent { source, key, body } = sent(request, "submission", "use POST /v1/imports for lists")?;
        let submission = Submission::from_json(&body)
            .map_err(|errors| invalid("invalid_submission", "the submission was rejected", errors))?;
        let lead_id = match key {
            Some(key) => lead_id::derive(&source, &key),
            None => LeadId::new(Uuid::now_v7().to_string()),
        };
        let command = StoreLead {
            schema: SCHEMA,
            lead_id: lead_id.clone(),
            group: source.to_string(),
            source: source.clone(),
            received_at: self.clock.now(),
            payload_hash: submission.payload_hash(),
            submission,
            trace,
        };
        if let Err(reply) = self.queue(&EnrichCommand::StoreLead(command), &source, "submission").await {
            return Ok(reply);
        }
        info!(lead.id = %lead_id, source = %source, "accepted lead");
        let status_url = status_url(&lead_id);
        let reply = http::json(202, &AcceptedLead { lead_id, status_url: status_url.clone() });
        Ok(http::with_header(reply, "location", &status_url))
    }

    /// `POST /v1/activities`: accepts one activity of a person.
    async fn activity(
        &self,
        request: &ApiGatewayV2httpRequest,
        trace: String,
    ) -> Result<ApiGatewayV2httpResponse, Problem> {
        let Sent { source, key, body } = sent(request, "activity", "send one activity at a time")?;
        let activity_id = match key {
            Some(key) => activity::derive(&source, &key),
            None => ActivityId::new(Uuid::now_v7().to_string()),
        };
        let now = self.clock.now();
        let Report { of, activity } = Report::from_json(&body, activity_id.clone(), now)
            .map_err(|errors| invalid("invalid_activity", "the activity was rejected", errors))?;
        let (lead_id, email, named) = match of {
            Of::Lead(lead) => (lead.clone(), None, Some(lead)),
            Of::Email(email) => (LeadId::from(activity_id.as_str()), Some(email), None),
        };
        let command = RecordActivity {
            schema: SCHEMA,
            lead_id,
            email,
            activity,
            source: source.clone(),
            group: source.to_string(),
            received_at: now,
            trace,
        };
        if let Err(reply) = self.queue(&EnrichCommand::RecordActivity(command), &source, "activity").await {
            return Ok(reply);
        }
        info!(activity.id = %activity_id, source = %source, "accepted activity");
        let status_url = named.as_ref().map(status_url);
        let reply = http::json(202, &AcceptedActivity { activity_id, status_url: status_url.clone() });
        Ok(match status_url {
            Some(url) => http::with_header(reply, "location", &url),
            None => reply,
        })
    }

    /// Queues a command. The error is the 503 reply to send instead.
    async fn queue(
        &self,
        command: &EnrichCommand,
        group: &SourceId,
        what: &str,
    ) -> Result<(), ApiGatewayV2httpResponse> {
        let sent = match Outgoing::new(command, Some(group.as_str())) {
            Ok(message) => self.enrich.send(message).await,
            Err(cause) => Err(cause),
        };
        sent.map_err(|cause| {
            error!(source = %group, cause = %Chain(&cause), "{what} was not queued");
            let problem = Problem::new(503, "not_queued", format!("the {what} could not be queued"))
                .detail("send it again with the same Idempotency-Key; nothing was stored");
            http::with_header(problem.reply(), "retry-after", "1")
        })
    }
}

/// Checks the sender, the size and the idempotency key. `instead` tells the sender what to do if the body is too large.
fn sent(request: &ApiGatewayV2httpRequest, what: &str, instead: &str) -> Result<Sent, Problem> {
    let caller = http::caller(request);
    let Some(caller) = caller.as_ref().filter(|caller| caller.may(&[Role::Source])) else {
        return Err(Problem::forbidden(caller.as_ref(), &[Role::Source]));
    };
    let body = http::body(request);
    if body.len() > MAX_BODY {
        return Err(Problem::new(413, "too_large", format!("the {what} is too large ({} bytes)", body.len()))
            .detail(format!("the limit is {MAX_BODY} bytes; {instead}")));
    }
    let key = http::header(request, "idempotency-key").map(|key| key.trim().to_owned());
    if let Some(key) = key.as_ref().filter(|key| key.is_empty() || key.len() > MAX_KEY) {
        return Err(Problem::new(400, "invalid_idempotency_key", "the Idempotency-Key is not valid")
            .detail(format!("it has {} bytes; send 1 to {MAX_KEY} bytes", key.len())));
    }
    Ok(Sent { source: SourceId::from(caller.subject.as_str()), key, body })
}

fn invalid(code: &'static str, title: &str, errors: Vec<FieldProblem>) -> Problem {
    Problem::new(422, code, title)
        .detail("correct the fields listed in `errors` and send it again; nothing was stored")
        .errors(errors)
}

fn status_url(lead: &LeadId) -> String {
    format!("/v1/leads/{lead}")
}
