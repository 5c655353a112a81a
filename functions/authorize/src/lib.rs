//! `authorize`: finds out who a key belongs to. The function that is called checks what they are allowed to do.
//!
//! A key belongs either to a program or to a person. The key of a program has a role of its own. The key of a person
//! has the role that the person has now, and becomes invalid when the person is removed. The key of a rep is invalid
//! while the rep is not on the roster.

use aws_lambda_events::event::apigw::{
    ApiGatewayV2CustomAuthorizerSimpleResponse, ApiGatewayV2CustomAuthorizerV2Request,
};
use fairleader_api::{Role, key};
use fairleader_lead::id::RepId;
use fairleader_runtime::{Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{KeyRecord, Keys, OnRoster, People, StoreError, Table};
use serde_json::{Value, json};
use tracing::{debug, info};

/// Lambda function `authorize`.
#[derive(Debug)]
pub struct Authorize {
    keys: Keys,
    people: People,
    roster: OnRoster,
}

impl Function for Authorize {
    type Event = ApiGatewayV2CustomAuthorizerV2Request;
    type Reply = ApiGatewayV2CustomAuthorizerSimpleResponse<Value>;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        Ok(Self {
            keys: Keys::new(Table::new(&config, env.get("KEYS_TABLE")?)),
            people: People::new(Table::new(&config, env.get("PEOPLE_TABLE")?)),
            roster: OnRoster::new(Table::new(&config, env.get("REPS_TABLE")?)),
        })
    }

    async fn call(&self, request: Self::Event, _: Invocation) -> Result<Self::Reply, FunctionError> {
        let mut answer = ApiGatewayV2CustomAuthorizerSimpleResponse::default();
        let header = request.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(key) = bearer(header) else { return Ok(answer) };
        let Some(record) = self.keys.get(&key::hash(key)).await? else {
            // Not higher: anyone can cause it, as often as they like.
            debug!("unknown key");
            return Ok(answer);
        };
        if let Some(context) = self.context(record).await? {
            answer.is_authorized = true;
            answer.context = context;
        }
        Ok(answer)
    }
}

impl Authorize {
    /// Returns the role and subject that the functions receive. Returns `None` if the key belongs to a person or rep who
    /// was removed.
    async fn context(&self, record: KeyRecord) -> Result<Option<Value>, StoreError> {
        let Some(key) = record.person else {
            // One more read, for the keys of reps only; the gateway caches the result.
            if record.role == Role::Rep.as_str() && !self.roster.has(&RepId::from(record.subject.as_str())).await? {
                info!(rep = record.subject, "key of a removed rep");
                return Ok(None);
            }
            return Ok(Some(json!({"role": record.role, "subject": record.subject})));
        };
        let person = self.people.get(&key.person_id).await?.filter(|found| found.enrolled == key.enrolled);
        let Some(found) = person else {
            info!(person = %key.person_id, "key of a removed person");
            return Ok(None);
        };
        let id = &found.person.person_id;
        Ok(Some(json!({"role": found.person.role.as_str(), "subject": id, "person": id})))
    }
}

/// Extracts the key from `Bearer <key>`. The case of the scheme does not matter (RFC 9110, section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_bearer_keys() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer "), None);
        assert_eq!(bearer("abc"), None);
    }
}
