//! `access`: people and keys. It is the only function that is allowed to write them.

mod keys;
mod people;

pub use self::keys::new_key;

use fairleader_api::route::AccessRoute as Route;
use fairleader_api::{Call, Reply, Request};
use fairleader_runtime::http::{self, Answer};
use fairleader_runtime::{Clock, Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{Audit, Keys, People, Reps, Table};

/// Lambda function `access`.
#[derive(Debug)]
pub struct Access {
    people: People,
    keys: Keys,
    reps: Reps,
    audit: Audit,
    clock: Clock,
}

impl Function for Access {
    type Event = Request;
    type Reply = Reply;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        let table = |name: &str| Ok::<_, SetupError>(Table::new(&config, env.get(name)?));
        Ok(Self {
            people: People::new(table("PEOPLE_TABLE")?),
            keys: Keys::new(table("KEYS_TABLE")?),
            reps: Reps::new(table("REPS_TABLE")?),
            audit: Audit::new(table("AUDIT_TABLE")?),
            clock: env.clock(),
        })
    }

    async fn call(&self, request: Request, invocation: Invocation) -> Result<Reply, FunctionError> {
        let answer = |route, call| async move { self.answer(route, &call).await };
        Ok(http::serve(&request, invocation.deadline, answer).await)
    }
}

impl Access {
    async fn answer(&self, route: Route, call: &Call<'_>) -> Answer {
        match route {
            Route::ListPeople => self.list_people().await,
            Route::ReadPerson => self.person(call).await,
            Route::PutPerson => self.put_person(call).await,
            Route::DeletePerson => self.delete_person(call).await,
            Route::ListKeys => self.list_keys(call).await,
            Route::CreateKey => self.post_key(call).await,
            Route::DeleteKey => self.delete_key(call).await,
        }
    }
}
