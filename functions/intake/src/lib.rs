//! `intake`: the public entry point. Checks a submission or an activity, assigns its id, queues it, and replies with
//! 202.
//!
//! It reads and writes no leads. Everything it accepted with 202 is in the queue. A submission with a key always gets
//! the same id, without a look-up.

use fairleader_api::route::IntakeRoute as Route;
use fairleader_api::shape::intake::{AcceptedActivity, AcceptedLead};
use fairleader_api::{Call, Code, Problem, Reply, Request, admit, reply};
use fairleader_lead::id::{ActivityId, LeadId, SourceId};
use fairleader_lead::problem::FieldProblem;
use fairleader_lead::submission::activity;
use fairleader_lead::submission::activity::{Of, Report};
use fairleader_lead::submission::{Submission, lead_id};
use fairleader_messaging::command::SCHEMA;
use fairleader_messaging::{EnrichCommand, Outgoing, Queue, RecordActivity, StoreLead};
use fairleader_runtime::{Chain, Clock, Env, Function, FunctionError, Invocation, SetupError};
use tracing::{error, info};
use uuid::Uuid;

/// Size limit of a submission or activity, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// Lambda function `intake`.
#[derive(Debug)]
pub struct Intake {
    enrich: Queue,
    clock: Clock,
}

/// Accepted request: the source, its idempotency key and the body.
struct Sent {
    source: SourceId,
    key: Option<String>,
    body: Vec<u8>,
}

impl Function for Intake {
    type Event = Request;
    type Reply = Reply;

    fn new(env: &Env) -> Result<Self, SetupError> {
        Ok(Self { enrich: Queue::new(&env.sdk_config()?, env.get("ENRICH_QUEUE_URL")?), clock: env.clock() })
    }

    async fn call(&self, request: Request, invocation: Invocation) -> Result<Reply, FunctionError> {
        let reply = match admit(&request, invocation.deadline) {
            Ok((Route::SubmitLead, call)) => self.lead(&call, invocation.request_id).await,
            Ok((Route::ReportActivity, call)) => self.activity(&call, invocation.request_id).await,
            Err(problem) => Err(problem),
        };
        Ok(reply.unwrap_or_else(|problem| problem.reply()))
    }
}

impl Intake {
    /// `POST /v1/leads`: accepts one lead.
    async fn lead(&self, call: &Call<'_>, trace: String) -> Result<Reply, Problem> {
        let Sent { source, key, body } = sent(call, "submission", "use POST /v1/imports for lists")?;
        let submission = Submission::from_json(&body)
            .map_err(|errors| invalid(Code::InvalidSubmission, "the submission was rejected", errors))?;
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
        let reply = reply::json(202, &AcceptedLead { lead_id, status_url: status_url.clone() });
        Ok(reply::with_header(reply, "location", &status_url))
    }

    /// `POST /v1/activities`: accepts one activity of a person.
    async fn activity(&self, call: &Call<'_>, trace: String) -> Result<Reply, Problem> {
        let Sent { source, key, body } = sent(call, "activity", "send one activity at a time")?;
        let activity_id = match &key {
            Some(key) => activity::derive(&source, key),
            None => ActivityId::new(Uuid::now_v7().to_string()),
        };
        let now = self.clock.now();
        let Report { of, activity, content } = Report::from_json(&body, activity_id.clone(), now)
            .map_err(|errors| invalid(Code::InvalidActivity, "the activity was rejected", errors))?;
        let (lead_id, email, named) = match of {
            Of::Lead(lead) => (lead.clone(), None, Some(lead)),
            Of::Email(email) => (LeadId::from(activity_id.as_str()), Some(email), None),
        };
        let command = RecordActivity {
            schema: SCHEMA,
            lead_id,
            email,
            activity,
            // Without a key, no other activity has the same id.
            content: key.is_some().then_some(content),
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
        let reply = reply::json(202, &AcceptedActivity { activity_id, status_url: status_url.clone() });
        Ok(match status_url {
            Some(url) => reply::with_header(reply, "location", &url),
            None => reply,
        })
    }

    /// Queues a command. The error is the 503 reply to send instead.
    async fn queue(&self, command: &EnrichCommand, group: &SourceId, what: &str) -> Result<(), Reply> {
        let sent = match Outgoing::new(command, Some(group.as_str())) {
            Ok(message) => self.enrich.send(message).await,
            Err(cause) => Err(cause),
        };
        sent.map_err(|cause| {
            error!(source = %group, cause = %Chain(&cause), "{what} was not queued");
            let problem = Problem::new(Code::NotQueued, format!("the {what} could not be queued"))
                .detail("send it again with the same Idempotency-Key; nothing was stored");
            reply::with_header(problem.reply(), "retry-after", "1")
        })
    }
}

/// Checks the size and the idempotency key. `instead` tells the sender what to do if the body is too large.
fn sent(call: &Call<'_>, what: &str, instead: &str) -> Result<Sent, Problem> {
    let body = call.body();
    if body.len() > MAX_BODY {
        return Err(Problem::new(Code::TooLarge, format!("the {what} is too large ({} bytes)", body.len()))
            .detail(format!("the limit is {MAX_BODY} bytes; {instead}")));
    }
    let key = call.idempotency_key()?.map(str::to_owned);
    Ok(Sent { source: SourceId::from(call.caller()?.subject.as_str()), key, body })
}

fn invalid(code: Code, title: &str, errors: Vec<FieldProblem>) -> Problem {
    Problem::new(code, title)
        .detail("correct the fields listed in `errors` and send it again; nothing was stored")
        .errors(errors)
}

fn status_url(lead: &LeadId) -> String {
    format!("/v1/leads/{lead}")
}
