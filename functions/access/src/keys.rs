//! Keys: created and shown once, stored as a hash.

use fairleader_api::shape::access::{Key, Keys, MadeKey, NewKey};
use fairleader_api::{Call, Problem, Role, key, reply};
use fairleader_lead::id::{PersonId, RepId};
use fairleader_lead::limit;
use fairleader_lead::problem::FieldProblem;
use fairleader_runtime::http::{Answer, edit};
use fairleader_store::{KeyDeleted, KeyRecord, PersonKey, Tries};
use tracing::info;

use crate::Access;

/// Creates a key of 256 random bits.
pub fn new_key() -> Result<String, getrandom::Error> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random)?;
    let (high, low) = random.split_at(16);
    let half = |bytes: &[u8]| bytes.iter().fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    Ok(format!("fl_{:032x}{:032x}", half(high), half(low)))
}

/// Lists the fields that are missing or must be left out in a request for a key.
fn incomplete(new: &NewKey) -> Vec<FieldProblem> {
    let mut errors = Vec::new();
    if new.person.is_some() {
        let detail = "a person's key has the person's role; leave `role` and `subject` out";
        return vec![FieldProblem::field("person", detail)];
    }
    if new.role.is_none() {
        errors.push(FieldProblem::field("role", "is missing; send `role` and `subject`, or a `person`"));
    }
    if new.subject.is_none() {
        errors.push(FieldProblem::field("subject", "is missing; send `role` and `subject`, or a `person`"));
    }
    errors
}

impl Access {
    /// `POST /v1/keys`: creates a key. The reply is the only place where the key itself is shown.
    pub(crate) async fn post_key(&self, call: &Call<'_>) -> Answer {
        let (role, subject) = match call.json()? {
            NewKey { person: Some(person), role: None, subject: None } => {
                return self.post_person_key(call, person).await;
            }
            NewKey { person: None, role: Some(role), subject: Some(subject) } => (role, subject),
            other => return Err(Problem::invalid_body(incomplete(&other)).into()),
        };
        if let Some(wrong) = limit::name("/subject", &subject) {
            return Err(Problem::invalid_body(vec![wrong]).into());
        }
        let refuse = |detail: String| Problem::invalid_body(vec![FieldProblem::field("subject", detail)]);
        if role == Role::Rep && self.reps.get(&RepId::from(subject.as_str())).await?.is_none() {
            return Err(refuse(format!("there is no rep `{subject}`; add them to the roster first")).into());
        }
        let key = new_key()?;
        let id = key::hash(&key);
        let record = KeyRecord {
            role: role.as_str().to_owned(),
            subject: subject.clone(),
            created_at: self.clock.now(),
            person: None,
        };
        self.keys.create(&self.audit, &id, &record, &edit(call, record.created_at)?, call.deadline).await?;
        info!(role = record.role, subject, "created key");
        Ok(reply::json(201, &MadeKey { id, key, role, subject, person: None }))
    }

    /// Creates the key of a person. It has their role and becomes invalid when they are deleted.
    async fn post_person_key(&self, call: &Call<'_>, person: PersonId) -> Answer {
        if let Some(wrong) = limit::name("/person", person.as_str()) {
            return Err(Problem::invalid_body(vec![wrong]).into());
        }
        let Some(found) = self.people.get(&person).await? else {
            let detail = format!("there is no person `{person}`; create them with PUT /v1/people/{person} first");
            return Err(Problem::invalid_body(vec![FieldProblem::field("person", detail)]).into());
        };
        let key = new_key()?;
        let id = key::hash(&key);
        let role = found.person.role;
        let record = KeyRecord {
            role: role.as_str().to_owned(),
            subject: person.as_str().to_owned(),
            created_at: self.clock.now(),
            person: Some(PersonKey { person_id: person.clone(), enrolled: found.enrolled }),
        };
        self.keys.create(&self.audit, &id, &record, &edit(call, record.created_at)?, call.deadline).await?;
        info!(person = %person, "created key of a person");
        Ok(reply::json(201, &MadeKey { id, key, role: role.into(), subject: person.to_string(), person: Some(person) }))
    }

    /// `GET /v1/keys`: lists the keys with their roles, but not the keys themselves, which are not stored.
    pub(crate) async fn list_keys(&self, call: &Call<'_>) -> Answer {
        let (found, next) = self.keys.page(call.query("from")).await?;
        let keys = found.into_iter().map(|(id, record)| Key {
            id,
            role: record.role,
            subject: record.subject,
            person: record.person.map(|of| of.person_id),
            created_at: record.created_at,
        });
        Ok(reply::json(200, &Keys { keys: keys.collect(), next }))
    }

    /// `DELETE /v1/keys/{id}`: deletes a key. It stops working when the gateway's cached authorization expires.
    pub(crate) async fn delete_key(&self, call: &Call<'_>) -> Answer {
        let id = call.path("id");
        let mut tries = Tries::until(call.deadline, [id]);
        loop {
            tries.again("deleting a key").await?;
            match self.keys.remove(&self.audit, id, &edit(call, self.clock.now())?).await? {
                KeyDeleted::Done => {
                    info!(key = id, "deleted key");
                    return Ok(reply::no_content());
                }
                // A mistyped id must not look as if the key had stopped working.
                KeyDeleted::Missing => {
                    return Err(Problem::not_found("there is no key with this id")
                        .detail("the id is the `id` in GET /v1/keys, not the key itself")
                        .into());
                }
                KeyDeleted::Stale => {}
            }
        }
    }
}
