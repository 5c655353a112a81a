//! `authorize`: says who a key belongs to. What they may do is checked by the function they call.

use aws_lambda_events::event::apigw::{
    ApiGatewayV2CustomAuthorizerSimpleResponse, ApiGatewayV2CustomAuthorizerV2Request,
};
use fairleader_runtime::{Env, Function, FunctionError, Invocation, SetupError};
use fairleader_store::{Keys, Table};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracing::info;

/// The function.
#[derive(Debug)]
pub struct Authorize {
    keys: Keys,
}

/// SHA-256 of a key in hex: what is kept of it, and its name in the keys table. A key has 256 random bits, so a plain
/// hash keeps it safe.
pub fn key_hash(key: &str) -> String {
    format!("{:x}", Sha256::digest(key.as_bytes()))
}

impl Function for Authorize {
    type Event = ApiGatewayV2CustomAuthorizerV2Request;
    type Reply = ApiGatewayV2CustomAuthorizerSimpleResponse<Value>;

    fn new(env: &Env) -> Result<Self, SetupError> {
        Ok(Self { keys: Keys::new(Table::new(&env.sdk_config()?, env.get("KEYS_TABLE")?)) })
    }

    async fn call(&self, request: Self::Event, _: Invocation) -> Result<Self::Reply, FunctionError> {
        let mut answer = ApiGatewayV2CustomAuthorizerSimpleResponse::default();
        let header = request.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(key) = bearer(header) else { return Ok(answer) };
        if let Some(record) = self.keys.get(&key_hash(key)).await? {
            answer.is_authorized = true;
            answer.context = json!({"role": record.role, "subject": record.subject});
        } else {
            info!("unknown key");
        }
        Ok(answer)
    }
}

/// The key in `Bearer <key>`; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_keys_are_looked_at() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer "), None);
        assert_eq!(bearer("abc"), None);
    }

    #[test]
    fn a_key_is_kept_as_its_hash() {
        assert_eq!(key_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
