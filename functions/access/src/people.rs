//! People and their roles. Their keys are created in `keys`.

use fairleader_api::shape::access as shape;
use fairleader_api::{Call, Problem, Reply, reply, version};
use fairleader_lead::id::PersonId;
use fairleader_lead::people;
use fairleader_lead::people::Person;
use fairleader_runtime::http::{Answer, changed, edit};
use fairleader_store::{Enrolled, Tries, Versioned};
use tracing::info;
use uuid::Uuid;

use crate::Access;

fn changed_since(id: &PersonId, wanted: Option<u64>, seen: Option<&Versioned<Enrolled>>) -> Option<Reply> {
    changed(&format!("person `{id}`"), wanted, seen, |seen| shape::Person::from(seen.person.clone()))
}

impl Access {
    pub(crate) async fn list_people(&self) -> Answer {
        let people = self.people.all().await?.into_iter().map(shape::Person::from).collect();
        Ok(reply::json(200, &shape::People { people }))
    }

    pub(crate) async fn person(&self, call: &Call<'_>) -> Answer {
        let person = PersonId::from(call.path("id"));
        match self.people.find(&person).await? {
            Some(found) => Ok(version::json(200, &shape::Person::from(found.value.person), found.revision)),
            None => Err(Problem::not_found(format!("there is no person `{person}`")).into()),
        }
    }

    /// `PUT /v1/people/{id}`: stores a person. Their keys get the new role when the gateway's cached authorization
    /// expires.
    pub(crate) async fn put_person(&self, call: &Call<'_>) -> Answer {
        let person: Person = call.named::<shape::Person>("person_id")?.into();
        let wanted = version::if_match(call)?;
        let errors = people::problems(&person);
        if !errors.is_empty() {
            return Err(Problem::invalid_body(errors).into());
        }
        let mut tries = Tries::until(call.deadline, [person.person_id.as_str()]);
        loop {
            tries.again("writing a person").await?;
            let seen = self.people.find(&person.person_id).await?;
            if let Some(reply) = changed_since(&person.person_id, wanted, seen.as_ref()) {
                return Ok(reply);
            }
            // A repeat changes nothing, and is not audited.
            if let Some(seen) = seen.as_ref().filter(|seen| seen.value.person == person) {
                return Ok(version::json(200, &shape::Person::from(person), seen.revision));
            }
            let (enrolled, edit) = (Uuid::now_v7().to_string(), edit(call, self.clock.now())?);
            if let Some(kept) = self.people.replace(&self.audit, seen.as_ref(), &person, &enrolled, &edit).await? {
                info!(person = %person.person_id, role = person.role.as_str(), "changed person");
                return Ok(version::json(200, &shape::Person::from(kept.value.person), kept.revision));
            }
        }
    }

    /// `DELETE /v1/people/{id}`: deletes a person. Their keys stop working when the gateway's cached authorization
    /// expires. Their reviews of rulebooks stay.
    pub(crate) async fn delete_person(&self, call: &Call<'_>) -> Answer {
        let person = PersonId::from(call.path("id"));
        let wanted = version::if_match(call)?;
        let mut tries = Tries::until(call.deadline, [person.as_str()]);
        loop {
            tries.again("deleting a person").await?;
            let seen = self.people.find(&person).await?;
            if let Some(reply) = changed_since(&person, wanted, seen.as_ref()) {
                return Ok(reply);
            }
            let Some(seen) = seen else { return Ok(reply::no_content()) };
            if self.people.remove(&self.audit, &seen, &edit(call, self.clock.now())?).await? {
                info!(person = %person, "deleted person");
                return Ok(reply::no_content());
            }
        }
    }
}
