//! `recovery`: lists leads on hold and failed commands, and redrives them.

mod dead_letters;
mod many;

use fairleader_api::route::RecoveryRoute as Route;
use fairleader_api::{Call, Reply, Request};
use fairleader_messaging::Queue;
use fairleader_runtime::http::{self, Answer};
use fairleader_runtime::{Clock, Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{Audit, Leads, Rulebooks, Table};

/// Lambda function `recovery`.
#[derive(Debug)]
pub struct Recovery {
    leads: Leads,
    rulebooks: Rulebooks,
    audit: Audit,
    queues: Queues,
    clock: Clock,
}

/// Queues for commands, and their dead-letter queues.
#[derive(Debug)]
struct Queues {
    enrich: Queue,
    route: Queue,
    publish: Queue,
    dead_letters: Queue,
    publish_dead_letters: Queue,
}

impl Function for Recovery {
    type Event = Request;
    type Reply = Reply;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        let table = |name: &str| Ok::<_, SetupError>(Table::new(&config, env.get(name)?));
        let queue = |name: &str| Ok::<_, SetupError>(Queue::new(&config, env.get(name)?));
        Ok(Self {
            leads: Leads::new(table("LEADS_TABLE")?),
            rulebooks: Rulebooks::new(table("RULEBOOKS_TABLE")?),
            audit: Audit::new(table("AUDIT_TABLE")?),
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

    async fn call(&self, request: Request, invocation: Invocation) -> Result<Reply, FunctionError> {
        let answer = |route, call| async move { self.answer(route, &call).await };
        Ok(http::serve(&request, invocation.deadline, answer).await)
    }
}

impl Recovery {
    async fn answer(&self, route: Route, call: &Call<'_>) -> Answer {
        match route {
            Route::ListDeadLetters => self.dead_letters(call).await,
            Route::Redrive => self.redrive(call).await,
            Route::RedriveMany => self.redrive_many(call).await,
        }
    }
}
