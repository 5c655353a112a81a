//! Installs the rulebook as people do: upload, approval by one person in marketing and one in sales, activation.

use fairleader_lead::people::{Person, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, ApiError};
use crate::company::Company;
use crate::machine::StarterKey;

/// Purpose of the version, shown in the rulebook's record.
const PURPOSE: &str = "The rulebook of the company's folder";

/// Stores the people, and creates a key for each one without a key.
pub(super) async fn people(admin: &Api, people: &[Person], keys: &mut Vec<StarterKey>) -> Result<(), ApiError> {
    for person in people {
        let id = &person.person_id;
        admin.put(&format!("/v1/people/{id}"), &json!(person)).await?;
        if keys.iter().any(|key| key.person.as_ref() == Some(id)) {
            continue;
        }
        let made = admin.post("/v1/keys", &json!({"person": id})).await?;
        let key = made.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        keys.push(StarterKey {
            role: person.role.into(),
            subject: id.as_str().to_owned(),
            person: Some(id.clone()),
            key,
        });
    }
    Ok(())
}

/// Uploads the company's rulebook, has it approved, and activates it.
pub(super) async fn rulebook(admin: &Api, company: &Company, keys: &[StarterKey]) -> Result<(), ApiError> {
    let of = |role: PersonRole| company.people.iter().find(|person| person.role == role);
    let approvers: Vec<&Person> = [PersonRole::Marketing, PersonRole::Sales].into_iter().filter_map(of).collect();
    let mut path = format!("/v1/rulebooks?purpose={}", PURPOSE.replace(' ', "%20"));
    if let Some(owner) = approvers.first() {
        path.push_str("&owner=");
        path.push_str(owner.person_id.as_str());
    }
    let headers = [("content-type", "application/yaml")];
    let kept = admin.call(Method::POST, &path, &headers, company.rulebook.clone().into_bytes()).await?;
    let version = kept.get("version").and_then(Value::as_str).unwrap_or_default();
    for person in approvers {
        let own = keys.iter().find(|key| key.person.as_ref() == Some(&person.person_id));
        let own = admin.with_key(own.map_or("", |key| key.key.as_str()));
        own.post(&format!("/v1/rulebooks/{version}/approve"), &Value::Null).await?;
    }
    admin.post(&format!("/v1/rulebooks/{version}/activate"), &Value::Null).await?;
    Ok(())
}
