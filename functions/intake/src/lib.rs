//! `intake`: the public door. Checks a submission, gives the lead its id, queues it, answers 202.
//!
//! It reads and writes no lead: everything it answered 202 for is in the queue, and the same submission always gets the
//! same id without a look-up.

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fairleader_domain::id::{LeadId, SourceId};
use fairleader_domain::submission::{Submission, lead_id};
use fairleader_messaging::command::SCHEMA;
use fairleader_messaging::{Outgoing, Queue, StoreLead};
use fairleader_runtime::http::{self, Problem, Role};
use fairleader_runtime::{Chain, Clock, Env, Function, FunctionError, Invocation, SetupError};
use serde::Serialize;
use tracing::{error, info};
use uuid::Uuid;

/// Largest submission in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// Longest `Idempotency-Key` in bytes.
pub const MAX_KEY: usize = 255;

/// The function.
#[derive(Debug)]
pub struct Intake {
    enrich: Queue,
    clock: Clock,
}

/// The answer to an accepted submission.
#[derive(Debug, Serialize)]
struct Accepted {
    lead_id: LeadId,
    status_url: String,
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
        let command = match self.accept(&request, invocation.request_id) {
            Ok(command) => command,
            Err(problem) => return Ok(problem.reply()),
        };
        let lead_id = command.lead_id.clone();
        let sent = match Outgoing::new(&command, Some(&command.group)) {
            Ok(message) => self.enrich.send(message).await,
            Err(cause) => Err(cause),
        };
        if let Err(cause) = sent {
            error!(lead.id = %lead_id, cause = %Chain(&cause), "submission was not queued");
            let problem = Problem::new(503, "not_queued", "the submission could not be kept just now")
                .detail("send it again, with the same Idempotency-Key; nothing was stored");
            return Ok(http::with_header(problem.reply(), "retry-after", "1"));
        }
        info!(lead.id = %lead_id, source = %command.source, "accepted lead");
        let status_url = format!("/v1/leads/{lead_id}");
        let reply = http::json(202, &Accepted { lead_id, status_url: status_url.clone() });
        Ok(http::with_header(reply, "location", &status_url))
    }
}

impl Intake {
    /// Checks who sends what, and makes the command that stores it.
    fn accept(&self, request: &ApiGatewayV2httpRequest, trace: String) -> Result<StoreLead, Problem> {
        let caller = http::caller(request);
        let Some(caller) = caller.as_ref().filter(|caller| caller.may(&[Role::Source])) else {
            return Err(Problem::forbidden(caller.as_ref(), &[Role::Source]));
        };
        let body = http::body(request);
        if body.len() > MAX_BODY {
            return Err(Problem::new(413, "too_large", format!("the submission has {} bytes", body.len()))
                .detail(format!("at most {MAX_BODY} bytes are taken; put large lists in with POST /v1/imports")));
        }
        let submission = Submission::from_json(&body).map_err(|errors| {
            Problem::new(422, "invalid_submission", "the submission cannot be taken as it is")
                .detail("mend the fields named in `errors` and send it again; nothing was stored")
                .errors(errors)
        })?;
        let source = SourceId::from(caller.subject.as_str());
        let lead_id = match http::header(request, "idempotency-key").map(str::trim) {
            Some(key) if key.is_empty() || key.len() > MAX_KEY => {
                return Err(Problem::new(400, "invalid_idempotency_key", "the Idempotency-Key cannot be used")
                    .detail(format!("it has {} bytes; 1 to {MAX_KEY} are taken", key.len())));
            }
            Some(key) => lead_id::derive(&source, key),
            None => LeadId::new(Uuid::now_v7().to_string()),
        };
        Ok(StoreLead {
            schema: SCHEMA,
            lead_id,
            group: source.to_string(),
            source,
            received_at: self.clock.now(),
            payload_hash: submission.payload_hash(),
            submission,
            trace,
        })
    }
}
