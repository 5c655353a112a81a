//! Keys: made once, shown once, kept as a hash.

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use fairleader_authorize::key_hash;
use fairleader_lead::id::{PersonId, RepId, is_name};
use fairleader_lead::problem::FieldProblem;
use fairleader_runtime::http::{self, Problem, Role};
use fairleader_store::{KeyRecord, PersonKey};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

use crate::{Admin, AdminError, Answer};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    role: Role,
    subject: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPersonKey {
    person: PersonId,
}

/// A key of 256 random bits.
pub fn new_key() -> Result<String, getrandom::Error> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random)?;
    let (high, low) = random.split_at(16);
    let half = |bytes: &[u8]| bytes.iter().fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    Ok(format!("fl_{:032x}{:032x}", half(high), half(low)))
}

impl Admin {
    /// `POST /v1/keys`: the answer is the only place where the key itself ever stands.
    pub(crate) async fn post_key(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        // What names a person is about a person's key; everything else is about a program's.
        if crate::read::<Value>(request).is_ok_and(|body| body.get("person").is_some()) {
            return self.post_person_key(crate::read(request)?).await;
        }
        let NewKey { role, subject } = crate::read(request)?;
        let refuse = |detail: String| {
            Problem::new(422, "invalid_body", "the body cannot be taken as it is")
                .errors(vec![FieldProblem::field("subject", detail)])
        };
        if !is_name(&subject) {
            return Err(refuse(format!("`{subject}` cannot be a subject; use 1 to 64 of a-z, 0-9, - _ .")).into());
        }
        if role == Role::Rep && self.reps.get(&RepId::from(subject.as_str())).await?.is_none() {
            return Err(refuse(format!("there is no rep `{subject}`; put them on the roster first")).into());
        }
        let key = new_key().map_err(AdminError::Random)?;
        let id = key_hash(&key);
        let record = KeyRecord {
            role: role.as_str().to_owned(),
            subject: subject.clone(),
            created_at: self.clock.now(),
            person: None,
        };
        self.keys.put(&id, &record).await?;
        info!(role = record.role, subject, "made key");
        Ok(http::json(201, &json!({"id": id, "key": key, "role": role, "subject": subject})))
    }

    /// A key of a person's own: it says who they are, and ends with them.
    async fn post_person_key(&self, NewPersonKey { person }: NewPersonKey) -> Answer {
        let Some(found) = self.people.get(&person).await? else {
            let detail = format!("there is no person `{person}`; put them in with PUT /v1/people/{person} first");
            return Err(Problem::new(422, "invalid_body", "the body cannot be taken as it is")
                .errors(vec![FieldProblem::field("person", detail)])
                .into());
        };
        let key = new_key().map_err(AdminError::Random)?;
        let id = key_hash(&key);
        let role = found.person.role;
        let record = KeyRecord {
            role: role.as_str().to_owned(),
            subject: person.as_str().to_owned(),
            created_at: self.clock.now(),
            person: Some(PersonKey { person_id: person.clone(), enrolled: found.enrolled }),
        };
        self.keys.put(&id, &record).await?;
        info!(person = %person, "made key of a person");
        Ok(http::json(201, &json!({"id": id, "key": key, "role": role, "subject": person, "person": person})))
    }

    /// `DELETE /v1/keys/{id}`: the key stops working as soon as the gateway has forgotten it.
    pub(crate) async fn delete_key(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        self.keys.delete(http::path(request, "id").unwrap_or_default()).await?;
        Ok(http::no_content())
    }
}
