//! People: who they are, and for whom they speak. Their keys are made in `keys`.

use fairleader_api::shape::access as shape;
use fairleader_api::{Call, Problem, reply};
use fairleader_lead::id::PersonId;
use fairleader_lead::people;
use fairleader_lead::people::Person;
use fairleader_runtime::http::Answer;
use tracing::info;
use uuid::Uuid;

use crate::Access;

impl Access {
    pub(crate) async fn list_people(&self) -> Answer {
        let people = self.people.all().await?.into_iter().map(shape::Person::from).collect();
        Ok(reply::json(200, &shape::People { people }))
    }

    pub(crate) async fn person(&self, call: &Call<'_>) -> Answer {
        let person = PersonId::from(call.path("id"));
        match self.people.get(&person).await? {
            Some(found) => Ok(reply::json(200, &shape::Person::from(found.person))),
            None => Err(Problem::not_found(format!("there is no person `{person}`")).into()),
        }
    }

    /// `PUT /v1/people/{id}`: their keys stay, and have the new role as soon as the gateway has forgotten the old one.
    pub(crate) async fn put_person(&self, call: &Call<'_>) -> Answer {
        let person: Person = call.named::<shape::Person>("person_id")?.into();
        let errors = people::problems(&person);
        if !errors.is_empty() {
            return Err(Problem::invalid_body(errors).into());
        }
        let kept = self.people.put(&person, &Uuid::now_v7().to_string()).await?;
        info!(person = %person.person_id, role = person.role.as_str(), "changed person");
        Ok(reply::json(200, &shape::Person::from(kept.person)))
    }

    /// `DELETE /v1/people/{id}`: their keys stop working as soon as the gateway has forgotten them. What they said
    /// about rulebooks stays.
    pub(crate) async fn delete_person(&self, call: &Call<'_>) -> Answer {
        let person = PersonId::from(call.path("id"));
        self.people.delete(&person).await?;
        info!(person = %person, "deleted person");
        Ok(reply::no_content())
    }
}
