//! People: who they are, and for whom they speak. Their keys are made in `keys`.

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use fairleader_lead::id::PersonId;
use fairleader_lead::people;
use fairleader_lead::people::Person;
use fairleader_runtime::http::{self, Problem};
use serde_json::json;
use tracing::info;
use uuid::Uuid;

use crate::roster::{id, invalid, named};
use crate::{Admin, Answer};

impl Admin {
    pub(crate) async fn list_people(&self) -> Answer {
        Ok(http::json(200, &json!({"people": self.people.all().await?})))
    }

    pub(crate) async fn person(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let person = PersonId::from(id(request));
        match self.people.get(&person).await? {
            Some(found) => Ok(http::json(200, &found.person)),
            None => Err(Problem::not_found(format!("there is no person `{person}`")).into()),
        }
    }

    /// `PUT /v1/people/{id}`: their keys stay, and have the new role as soon as the gateway has forgotten the old one.
    pub(crate) async fn put_person(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let person: Person = named(request, "person_id")?;
        let errors = people::problems(&person);
        if !errors.is_empty() {
            return Err(invalid(errors).into());
        }
        let kept = self.people.put(&person, &Uuid::now_v7().to_string()).await?;
        info!(person = %person.person_id, role = person.role.as_str(), "changed person");
        Ok(http::json(200, &kept.person))
    }

    /// `DELETE /v1/people/{id}`: their keys stop working as soon as the gateway has forgotten them. What they said
    /// about rulebooks stays.
    pub(crate) async fn delete_person(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let person = PersonId::from(id(request));
        self.people.delete(&person).await?;
        info!(person = %person, "deleted person");
        Ok(http::no_content())
    }
}
