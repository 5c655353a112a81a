//! The permissions that a call needs.
//!
//! Only the parts of a request that name its resources are read. A request that cannot be read is rejected here. It
//! never reaches a service, which might read it differently.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::{Service, Services};
use crate::aws_error::AwsError;

/// A permission that a call needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    /// `dynamodb:GetItem`.
    pub action: String,
    /// An ARN, or `*` if the call concerns no single resource.
    pub resource: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneTable {
    table_name: String,
    index_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(
    clippy::zero_sized_map_values,
    reason = "a mapping in JSON, of which only the names count, is read as nothing else"
)]
struct Batch {
    request_items: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stream {
    stream_arn: Option<String>,
    shard_iterator: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transaction {
    transact_items: Vec<BTreeMap<String, OneTable>>,
}

/// Returns the permissions for a call of DynamoDB or its streams.
pub(super) fn tables(
    services: &Services,
    service: Service,
    operation: &str,
    body: &[u8],
) -> Result<Vec<Need>, AwsError> {
    let need = |action: &str, table: &str, index: Option<&str>| Need {
        action: format!("dynamodb:{action}"),
        resource: table_arn(services, table, index),
    };
    let mut needs = match operation {
        "GetShardIterator" | "GetRecords" if service == Service::Streams => {
            let stream: Stream = read(body)?;
            // An iterator begins with its stream's ARN.
            let arn = stream.stream_arn.or(stream.shard_iterator).unwrap_or_default();
            let resource = arn.split('|').next().unwrap_or_default().to_owned();
            vec![Need { action: format!("dynamodb:{operation}"), resource }]
        }
        _ if service == Service::Streams => vec![everything("dynamodb", operation)],
        "ExecuteStatement" | "BatchExecuteStatement" | "ExecuteTransaction" => {
            return Err(AwsError::client(
                "com.amazon.coral.service#AccessDeniedException",
                format!(
                    "functions may not call {operation}: PartiQL is not checked against policies; use GetItem, Query, PutItem or similar calls"
                ),
            ));
        }
        "ListTables" | "TagResource" | "UntagResource" | "ListTagsOfResource" => {
            vec![everything("dynamodb", operation)]
        }
        "BatchGetItem" | "BatchWriteItem" => {
            let batch: Batch = read(body)?;
            batch.request_items.keys().map(|table| need(operation, table, None)).collect()
        }
        "TransactWriteItems" | "TransactGetItems" => {
            let transaction: Transaction = read(body)?;
            let actions = transaction.transact_items.iter().flatten();
            actions
                .map(|(kind, of)| {
                    let action = match kind.as_str() {
                        "Put" => "PutItem",
                        "Update" => "UpdateItem",
                        "Delete" => "DeleteItem",
                        "ConditionCheck" => "ConditionCheckItem",
                        "Get" => "GetItem",
                        other => return Err(unreadable(format!("`{other}` is not an action of a transaction"))),
                    };
                    Ok(need(action, &of.table_name, None))
                })
                .collect::<Result<_, _>>()?
        }
        _ => {
            let of: OneTable = read(body)?;
            let index = of.index_name.as_deref().filter(|_| matches!(operation, "Query" | "Scan"));
            vec![need(operation, &of.table_name, index)]
        }
    };
    needs.sort();
    needs.dedup();
    Ok(needs)
}

/// Returns the permissions for a call of SQS.
pub(super) fn queues(services: &Services, operation: &str, body: &Value) -> Vec<Need> {
    // A batch needs the permission of the single operation.
    let action = format!("sqs:{}", operation.strip_suffix("Batch").unwrap_or(operation));
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let name = text("QueueUrl").and_then(|url| url.rsplit('/').next()).or_else(|| text("QueueName"));
    let resource = match (name, text("SourceArn")) {
        (Some(name), _) => format!("arn:aws:sqs:{}:{}:{name}", services.region, services.account),
        (None, Some(arn)) => arn.to_owned(),
        (None, None) => "*".to_owned(),
    };
    vec![Need { action, resource }]
}

/// Returns the permissions for a call of EventBridge.
pub(super) fn bus(services: &Services, operation: &str, body: &Value) -> Vec<Need> {
    let entries = body.get("Entries").and_then(Value::as_array).filter(|_| operation == "PutEvents");
    let Some(entries) = entries else { return vec![everything("events", operation)] };
    let mut needs: Vec<Need> = entries
        .iter()
        .map(|entry| {
            let bus = entry.get("EventBusName").and_then(Value::as_str).unwrap_or("default");
            let resource = if bus.starts_with("arn:") {
                bus.to_owned()
            } else {
                format!("arn:aws:events:{}:{}:event-bus/{bus}", services.region, services.account)
            };
            Need { action: format!("events:{operation}"), resource }
        })
        .collect();
    needs.sort();
    needs.dedup();
    needs
}

fn everything(service: &str, operation: &str) -> Need {
    Need { action: format!("{service}:{operation}"), resource: "*".to_owned() }
}

/// Returns the ARN of a table or of one of its indexes. A request may also name the table by its ARN.
fn table_arn(services: &Services, table: &str, index: Option<&str>) -> String {
    let table = if table.starts_with("arn:") {
        table.to_owned()
    } else {
        format!("arn:aws:dynamodb:{}:{}:table/{table}", services.region, services.account)
    };
    match index {
        Some(index) => format!("{table}/index/{index}"),
        None => table,
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, AwsError> {
    serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))
}

fn unreadable(why: String) -> AwsError {
    AwsError::client("com.amazon.coral.service#SerializationException", why)
}
