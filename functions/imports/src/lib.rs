//! `imports`: imports lists of leads, part by part.

mod import;

use fairleader_api::route::ImportsRoute as Route;
use fairleader_api::{Call, Reply, Request};
use fairleader_messaging::Queue;
use fairleader_runtime::http::{self, Answer};
use fairleader_runtime::{Clock, Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{Imports as Lists, Table};

/// Lambda function `imports`.
#[derive(Debug)]
pub struct Imports {
    lists: Lists,
    enrich: Queue,
    clock: Clock,
}

impl Function for Imports {
    type Event = Request;
    type Reply = Reply;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        Ok(Self {
            lists: Lists::new(Table::new(&config, env.get("IMPORTS_TABLE")?)),
            enrich: Queue::new(&config, env.get("ENRICH_QUEUE_URL")?),
            clock: env.clock(),
        })
    }

    async fn call(&self, request: Request, invocation: Invocation) -> Result<Reply, FunctionError> {
        let answer = |route, call| async move { self.answer(route, &call).await };
        Ok(http::serve(&request, invocation.deadline, answer).await)
    }
}

impl Imports {
    async fn answer(&self, route: Route, call: &Call<'_>) -> Answer {
        match route {
            Route::BeginImport => self.post_import(call).await,
            Route::ReadImport => self.import(call).await,
            Route::PutPart => self.put_part(call).await,
            Route::ListRows => self.rows(call).await,
        }
    }
}
