//! Keys of the data folder, made at the first start: those of the API, and the secret of the AWS services.

use std::time::{Duration, Instant};

use fairleader_api::{Role, key};
use fairleader_lead::id::PersonId;
use fairleader_runtime::Env;
use fairleader_store::{Audit, Edit, KeyRecord, Keys as KeyTable, Table};
use serde::{Deserialize, Serialize};

use super::StartError;
use crate::data_folder::DataFolder;
use crate::proxy;
use crate::stack::Stack;

/// The first keys of a data folder, one for each role that needs no person. They are kept in `keys.json`, with the keys
/// of the demo's people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StarterKeys {
    /// The keys.
    pub keys: Vec<StarterKey>,
}

/// A key of `keys.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StarterKey {
    /// Role of the key.
    pub role: Role,
    /// Name of the source, program or person that holds it.
    pub subject: String,
    /// The person it belongs to, if it is a personal key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// The key.
    pub key: String,
}

impl StarterKeys {
    /// Returns the key of `role` that belongs to no person; empty if there is none.
    pub fn of(&self, role: Role) -> &str {
        self.keys.iter().find(|key| key.role == role && key.person.is_none()).map_or("", |key| key.key.as_str())
    }

    fn new() -> Result<Self, StartError> {
        let who = [
            (Role::Source, "web"),
            (Role::Admin, "admin"),
            (Role::Sales, "sales"),
            (Role::Marketing, "marketing"),
            (Role::Viewer, "viewer"),
        ];
        let keys = who
            .into_iter()
            .map(|(role, subject)| {
                let key = fairleader_access::new_key().map_err(StartError::Random)?;
                Ok(StarterKey { role, subject: subject.to_owned(), person: None, key })
            })
            .collect::<Result<_, StartError>>()?;
        Ok(Self { keys })
    }
}

/// Author of the first keys, in the audit log.
const FIRST_START: &str = "fairleader";
/// Time to store each of the first keys.
const KEYS_WITHIN: Duration = Duration::from_secs(10);

/// Returns the keys of the data folder, and makes them at the first start. `keys.json` is written when all keys are in
/// the table. Once it exists the table is left alone, so that a deleted key stays deleted. A start that is interrupted
/// in between is begun again by the next one, with empty tables.
pub(super) async fn starter_keys(
    folder: &DataFolder,
    stack: &Stack,
    operator: &Env,
) -> Result<StarterKeys, StartError> {
    let unusable = |cause: &dyn std::fmt::Display| StartError::Keys { path: folder.keys(), cause: cause.to_string() };
    if let Some(text) = folder.read_keys().map_err(|cause| unusable(&cause))? {
        return serde_json::from_str(&text).map_err(|cause| unusable(&cause));
    }
    let keys = StarterKeys::new()?;
    let text = serde_json::to_string_pretty(&keys).map_err(|cause| unusable(&cause))?;
    put_keys(&keys, stack, operator).await?;
    folder.write_keys(&(text + "\n")).map_err(|cause| unusable(&cause))?;
    Ok(keys)
}

/// Returns the secret of the operator's access key, and makes it if the folder has none.
pub(super) fn aws_secret(folder: &DataFolder) -> Result<String, StartError> {
    let unusable = |cause: String| StartError::Keys { path: folder.aws_secret(), cause };
    match folder.read_aws_secret().map_err(|cause| unusable(cause.to_string()))? {
        Some(secret) if secret.is_empty() => Err(unusable("it is empty".to_owned())),
        Some(secret) => Ok(secret),
        None => {
            let secret = proxy::new_secret().map_err(StartError::Random)?;
            folder.write_aws_secret(&secret).map_err(|cause| unusable(cause.to_string()))?;
            Ok(secret)
        }
    }
}

async fn put_keys(keys: &StarterKeys, stack: &Stack, operator: &Env) -> Result<(), StartError> {
    let config = operator.sdk_config()?;
    let table = |id: &str| {
        let found = stack.tables.iter().find(|table| table.id == id)?;
        Some(Table::new(&config, &found.name))
    };
    let (Some(table), Some(audit)) = (table("KeysTable"), table("AuditTable")) else { return Ok(()) };
    let (table, audit) = (KeyTable::new(table), Audit::new(audit));
    for StarterKey { role, subject, key, .. } in &keys.keys {
        let role = role.as_str().to_owned();
        let at = operator.clock().now();
        let record = KeyRecord { role, subject: subject.clone(), created_at: at, person: None };
        let edit = Edit { by: FIRST_START, at };
        table.create(&audit, &key::hash(key), &record, &edit, Instant::now() + KEYS_WITHIN).await?;
    }
    Ok(())
}
