//! The SQS JSON protocol (`AmazonSQS.*`, `application/x-amz-json-1.0`): requests, replies and errors as on AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::attributes::Attributes;
use super::errors::{batch_error, invalid_parameter, missing, no_such_queue, unsupported, visibility_error};
use super::receipt::{receipt, receipt_handle};
use super::store::{NewMessage, Receipt, Received, Want, md5_hex};
use super::{Queues, SENDER};
use crate::aws_error::AwsError;
use crate::stack::Queue;

/// Limit on the entries of a batch.
const MOST_ENTRIES: usize = 10;
/// Limit on the bytes of a batch.
const MOST_BATCH_BYTES: usize = 1024 * 1024;
/// Limit on the time that a message stays hidden.
const LONGEST_VISIBILITY: u64 = 43_200;
/// Queue attributes that may be requested although not every queue has them.
const OTHER_ATTRIBUTES: [&str; 4] = ["RedrivePolicy", "CreatedTimestamp", "LastModifiedTimestamp", "Policy"];

pub(super) async fn handle(queues: &Queues, operation: &str, body: Value) -> Result<Value, AwsError> {
    match operation {
        "SendMessage" => send(queues, parse(body)?).await,
        "SendMessageBatch" => send_batch(queues, parse(body)?).await,
        "ReceiveMessage" => receive(queues, parse(body)?).await,
        "DeleteMessage" => delete(queues, parse(body)?).await,
        "DeleteMessageBatch" => delete_batch(queues, parse(body)?).await,
        "ChangeMessageVisibility" => change_visibility(queues, parse(body)?).await,
        "ChangeMessageVisibilityBatch" => change_visibility_batch(queues, parse(body)?).await,
        "GetQueueUrl" => queue_url(queues, &parse(body)?),
        "GetQueueAttributes" => queue_attributes(queues, parse(body)?).await,
        "ListQueues" => Ok(list(queues, &parse(body)?)),
        "PurgeQueue" => purge(queues, &parse(body)?).await,
        "CreateQueue" => create(queues, &parse(body)?),
        "ListQueueTags" => find(queues, parse::<OfQueue>(body)?.queue_url.as_deref()).map(|_| json!({})),
        other => {
            Err(unsupported(format!("{other} is not available on one machine; queues come from infra/template.yaml")))
        }
    }
}

fn parse<T: DeserializeOwned>(body: Value) -> Result<T, AwsError> {
    serde_json::from_value(body)
        .map_err(|cause| AwsError::client("com.amazon.coral.service#SerializationException", cause.to_string()))
}

fn find<'a>(queues: &'a Queues, url: Option<&str>) -> Result<(usize, &'a Queue), AwsError> {
    let url = url.filter(|url| !url.is_empty()).ok_or_else(|| missing("QueueUrl"))?;
    find_name(queues, url.rsplit('/').next().unwrap_or_default())
}

fn find_name<'a>(queues: &'a Queues, name: &str) -> Result<(usize, &'a Queue), AwsError> {
    if name.starts_with(super::HIDDEN) {
        return Err(no_such_queue());
    }
    let index = queues.index(name)?;
    Ok((index, queues.queue(index)?))
}

fn required_receipt(queue: usize, handle: Option<&str>) -> Result<(Receipt, &str), AwsError> {
    let handle = handle.filter(|handle| !handle.is_empty()).ok_or_else(|| missing("ReceiptHandle"))?;
    Ok((receipt(queue, handle)?, handle))
}

// ---------------------------------------------------------------- sending

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Send {
    queue_url: Option<String>,
    #[serde(flatten)]
    message: MessageToSend,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MessageToSend {
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: Option<Attributes>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    #[serde(default)]
    message_system_attributes: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendBatch {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<SendEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEntry {
    #[serde(default)]
    id: String,
    #[serde(flatten)]
    message: MessageToSend,
}

/// A message that passed all checks, and the reply to its sender.
struct Checked {
    message: NewMessage,
    answer: Map<String, Value>,
}

/// Checks body, attributes and size as SQS does.
pub(super) fn check_content(queue: &Queue, body: &str, attributes: &Attributes) -> Result<(), AwsError> {
    if body.is_empty() {
        return Err(missing("MessageBody"));
    }
    // XML 1.0 allows all other characters.
    if let Some(bad) =
        body.chars().find(|c| matches!(u32::from(*c), 0x0..=0x8 | 0xB | 0xC | 0xE..=0x1F | 0xFFFE | 0xFFFF))
    {
        return Err(AwsError::client(
            "com.amazonaws.sqs#InvalidMessageContents",
            format!("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF; found #x{:X}.", u32::from(bad)),
        )
        .query_code("InvalidMessageContents;Sender"));
    }
    attributes.check()?;
    if body.len() + attributes.size() > queue.maximum_message_size {
        return Err(invalid_parameter(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
            queue.maximum_message_size
        )));
    }
    Ok(())
}

fn check(queues: &Queues, index: usize, queue: &Queue, message: MessageToSend) -> Result<Checked, AwsError> {
    let body = message.message_body.ok_or_else(|| missing("MessageBody"))?;
    let attributes = message.message_attributes.unwrap_or_default();
    check_content(queue, &body, &attributes)?;
    let delay = match message.delay_seconds {
        None => None,
        Some(seconds) => Some(Duration::from_secs(within("DelaySeconds", seconds, 0, 900)?)),
    };
    if message.message_deduplication_id.is_some() {
        return Err(invalid_parameter(
            "The request include parameter that is not valid for this queue type. Reason: MessageDeduplicationId is for FIFO queues.",
        ));
    }
    if message.message_system_attributes.is_some_and(|system| !system.is_empty()) {
        return Err(unsupported("MessageSystemAttributes (tracing headers) are not kept on one machine"));
    }
    let group = message.message_group_id;
    if let Some(group) = &group
        && (group.is_empty() || group.len() > 128 || !group.chars().all(|c| c.is_ascii_graphic()))
    {
        return Err(invalid_parameter(format!(
            "Value {group} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric \
             and punctuation characters. 1 to 128 in length."
        )));
    }
    let mut answer = Map::new();
    answer.insert("MD5OfMessageBody".to_owned(), md5_hex(body.as_bytes()).into());
    if let Some(md5) = attributes.md5() {
        answer.insert("MD5OfMessageAttributes".to_owned(), md5.into());
    }
    let (message, id) = queues.new_message(index, body, &attributes, group, delay)?;
    answer.insert("MessageId".to_owned(), id.to_string().into());
    Ok(Checked { message, answer })
}

async fn send(queues: &Queues, request: Send) -> Result<Value, AwsError> {
    let (index, queue) = find(queues, request.queue_url.as_deref())?;
    let checked = check(queues, index, queue, request.message)?;
    queues.write(vec![checked.message]).await?;
    Ok(Value::Object(checked.answer))
}

async fn send_batch(queues: &Queues, request: SendBatch) -> Result<Value, AwsError> {
    let (index, queue) = find(queues, request.queue_url.as_deref())?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let bytes: usize = request
        .entries
        .iter()
        .map(|SendEntry { message, .. }| {
            message.message_body.as_ref().map_or(0, String::len)
                + message.message_attributes.as_ref().map_or(0, Attributes::size)
        })
        .sum();
    if bytes > MOST_BATCH_BYTES {
        return Err(batch_error(
            "BatchRequestTooLong",
            format!("Batch requests cannot be longer than {MOST_BATCH_BYTES} bytes. You have sent {bytes} bytes."),
        ));
    }
    let mut outcome = Outcome::default();
    let mut messages = Vec::with_capacity(request.entries.len());
    for SendEntry { id, message } in request.entries {
        match check(queues, index, queue, message) {
            Ok(Checked { message, answer }) => {
                messages.push(message);
                outcome.successful(id, answer);
            }
            Err(error) => outcome.failed(&id, &error),
        }
    }
    queues.write(messages).await?;
    Ok(outcome.into_answer())
}

// ---------------------------------------------------------------- batches

#[derive(Default)]
struct Outcome {
    successful: Vec<Value>,
    failed: Vec<Value>,
}

impl Outcome {
    fn successful(&mut self, id: String, mut answer: Map<String, Value>) {
        answer.insert("Id".to_owned(), id.into());
        self.successful.push(Value::Object(answer));
    }

    fn failed(&mut self, id: &str, error: &AwsError) {
        let code = error.query_code.as_deref().and_then(|code| code.split(';').next()).unwrap_or(&error.code);
        self.failed.push(json!({
            "Id": id,
            "SenderFault": error.status < 500,
            "Code": code,
            "Message": error.message,
        }));
    }

    fn into_answer(self) -> Value {
        let mut answer = Map::new();
        answer.insert("Successful".to_owned(), self.successful.into());
        answer.insert("Failed".to_owned(), self.failed.into());
        Value::Object(answer)
    }
}

fn check_batch<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), AwsError> {
    let mut seen = BTreeSet::new();
    let mut number: usize = 0;
    for id in ids {
        number += 1;
        if id.is_empty() || id.len() > 80 || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(batch_error(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most \
                 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(batch_error("BatchEntryIdsNotDistinct", format!("Id {id} repeated.")));
        }
    }
    match number {
        0 => Err(batch_error("EmptyBatchRequest", "There should be at least one entry in the request.")),
        1..=MOST_ENTRIES => Ok(()),
        _ => Err(batch_error(
            "TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are {MOST_ENTRIES}. You have sent {number}."),
        )),
    }
}

fn within(name: &str, value: i64, least: i64, most: i64) -> Result<u64, AwsError> {
    u64::try_from(value).ok().filter(|_| (least..=most).contains(&value)).ok_or_else(|| {
        invalid_parameter(format!(
            "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
        ))
    })
}

// ---------------------------------------------------------------- receiving

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receive {
    queue_url: Option<String>,
    max_number_of_messages: Option<i64>,
    wait_time_seconds: Option<i64>,
    visibility_timeout: Option<i64>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

async fn receive(queues: &Queues, request: Receive) -> Result<Value, AwsError> {
    let (index, queue) = find(queues, request.queue_url.as_deref())?;
    let max = within("MaxNumberOfMessages", request.max_number_of_messages.unwrap_or(1), 1, 10)?;
    let wait = match request.wait_time_seconds {
        None => queue.receive_wait,
        Some(seconds) => Duration::from_secs(within("WaitTimeSeconds", seconds, 0, 20)?),
    };
    let visibility = match request.visibility_timeout {
        None => queue.visibility_timeout,
        Some(seconds) => visibility(seconds)?,
    };
    let max = usize::try_from(max).unwrap_or(1);
    let mut messages = Vec::new();
    for received in queues.take(index, Want::Any, max, wait, visibility).await? {
        let asked = request.attribute_names.iter().chain(&request.message_system_attribute_names);
        let all = asked.clone().any(|name| name == "All");
        let mut system = system_attributes(&received);
        system.retain(|name, _| all || asked.clone().any(|asked| asked == name));
        let attributes =
            Attributes::from_stored(received.attributes.as_deref())?.select(&request.message_attribute_names);
        let mut message = Map::new();
        message.insert("MessageId".to_owned(), received.id.to_string().into());
        message.insert("ReceiptHandle".to_owned(), receipt_handle(&received.receipt).into());
        message.insert("MD5OfBody".to_owned(), md5_hex(received.body.as_bytes()).into());
        message.insert("Body".to_owned(), received.body.into());
        if !system.is_empty() {
            message.insert("Attributes".to_owned(), json!(system));
        }
        if let Some(md5) = attributes.md5() {
            message.insert("MD5OfMessageAttributes".to_owned(), md5.into());
            message.insert("MessageAttributes".to_owned(), json!(attributes));
        }
        messages.push(Value::Object(message));
    }
    if messages.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Messages": messages }))
}

/// Returns the system attributes of a message.
pub(super) fn system_attributes(received: &Received) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::from([
        ("ApproximateReceiveCount".to_owned(), received.receives.to_string()),
        ("SentTimestamp".to_owned(), (received.sent_at + received.ahead).to_string()),
        ("SenderId".to_owned(), SENDER.to_owned()),
        ("ApproximateFirstReceiveTimestamp".to_owned(), (received.first_received_at + received.ahead).to_string()),
    ]);
    if let Some(group) = &received.group {
        attributes.insert("MessageGroupId".to_owned(), group.clone());
    }
    if let Some(source) = &received.dead_letter_source {
        attributes.insert("DeadLetterQueueSourceArn".to_owned(), source.clone());
    }
    attributes
}

fn visibility(seconds: i64) -> Result<Duration, AwsError> {
    let most = i64::try_from(LONGEST_VISIBILITY).unwrap_or(i64::MAX);
    within("VisibilityTimeout", seconds, 0, most).map(Duration::from_secs)
}

// ---------------------------------------------------------------- deleting, hiding

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfMessage {
    queue_url: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfMessages {
    queue_url: Option<String>,
    #[serde(default)]
    entries: Vec<MessageEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MessageEntry {
    #[serde(default)]
    id: String,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

async fn delete(queues: &Queues, request: OfMessage) -> Result<Value, AwsError> {
    let (index, _) = find(queues, request.queue_url.as_deref())?;
    let (receipt, _) = required_receipt(index, request.receipt_handle.as_deref())?;
    queues.remove(vec![receipt]).await?;
    Ok(json!({}))
}

async fn delete_batch(queues: &Queues, request: OfMessages) -> Result<Value, AwsError> {
    let (index, _) = find(queues, request.queue_url.as_deref())?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let mut outcome = Outcome::default();
    let mut receipts = Vec::with_capacity(request.entries.len());
    for entry in request.entries {
        match required_receipt(index, entry.receipt_handle.as_deref()) {
            Ok((receipt, _)) => {
                receipts.push(receipt);
                outcome.successful(entry.id, Map::new());
            }
            Err(error) => outcome.failed(&entry.id, &error),
        }
    }
    queues.remove(receipts).await?;
    Ok(outcome.into_answer())
}

async fn change_visibility(queues: &Queues, request: OfMessage) -> Result<Value, AwsError> {
    let (index, _) = find(queues, request.queue_url.as_deref())?;
    let (receipt, handle) = required_receipt(index, request.receipt_handle.as_deref())?;
    let visibility = visibility(request.visibility_timeout.ok_or_else(|| missing("VisibilityTimeout"))?)?;
    for outcome in queues.hide(vec![(receipt, visibility)]).await? {
        visibility_error(outcome, handle)?;
    }
    Ok(json!({}))
}

async fn change_visibility_batch(queues: &Queues, request: OfMessages) -> Result<Value, AwsError> {
    let (index, _) = find(queues, request.queue_url.as_deref())?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let mut outcome = Outcome::default();
    let mut asked = Vec::with_capacity(request.entries.len());
    let mut changes = Vec::with_capacity(request.entries.len());
    for entry in request.entries {
        let change = required_receipt(index, entry.receipt_handle.as_deref()).and_then(|(receipt, handle)| {
            let seconds = entry.visibility_timeout.ok_or_else(|| missing("VisibilityTimeout"))?;
            Ok(((receipt, visibility(seconds)?), handle.to_owned()))
        });
        match change {
            Ok((change, handle)) => {
                changes.push(change);
                asked.push((entry.id, handle));
            }
            Err(error) => outcome.failed(&entry.id, &error),
        }
    }
    for (hidden, (id, handle)) in queues.hide(changes).await?.into_iter().zip(asked) {
        match visibility_error(hidden, &handle) {
            Ok(()) => outcome.successful(id, Map::new()),
            Err(error) => outcome.failed(&id, &error),
        }
    }
    Ok(outcome.into_answer())
}

// ---------------------------------------------------------------- queues

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfQueue {
    queue_url: Option<String>,
    queue_name: Option<String>,
    queue_name_prefix: Option<String>,
    #[serde(default)]
    attribute_names: Vec<String>,
}

fn queue_url(queues: &Queues, request: &OfQueue) -> Result<Value, AwsError> {
    let name = request.queue_name.as_deref().ok_or_else(|| missing("QueueName"))?;
    Ok(json!({ "QueueUrl": find_name(queues, name)?.1.url }))
}

fn create(queues: &Queues, request: &OfQueue) -> Result<Value, AwsError> {
    let name = request.queue_name.as_deref().ok_or_else(|| missing("QueueName"))?;
    let (_, queue) = find_name(queues, name).map_err(|_| {
        unsupported(format!(
            "queue `{name}` is not in infra/template.yaml; declare it there, and it is created at the next start"
        ))
    })?;
    Ok(json!({ "QueueUrl": queue.url }))
}

fn list(queues: &Queues, request: &OfQueue) -> Value {
    let prefix = request.queue_name_prefix.as_deref().unwrap_or_default();
    let urls: Vec<&str> =
        queues.listed().filter(|queue| queue.name.starts_with(prefix)).map(|queue| queue.url.as_str()).collect();
    json!({ "QueueUrls": urls })
}

async fn purge(queues: &Queues, request: &OfQueue) -> Result<Value, AwsError> {
    let (index, _) = find(queues, request.queue_url.as_deref())?;
    queues.purge(index).await?;
    Ok(json!({}))
}

async fn queue_attributes(queues: &Queues, request: OfQueue) -> Result<Value, AwsError> {
    let (index, queue) = find(queues, request.queue_url.as_deref())?;
    let counts = queues.count(index).await?;
    let mut attributes = BTreeMap::from([
        ("QueueArn", queue.arn.clone()),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
        ("VisibilityTimeout", queue.visibility_timeout.as_secs().to_string()),
        ("DelaySeconds", queue.delay.as_secs().to_string()),
        ("MessageRetentionPeriod", queue.retention.as_secs().to_string()),
        ("MaximumMessageSize", queue.maximum_message_size.to_string()),
        ("ReceiveMessageWaitTimeSeconds", queue.receive_wait.as_secs().to_string()),
        ("SqsManagedSseEnabled", "true".to_owned()),
    ]);
    if let Some(redrive) = &queue.redrive {
        let target = queues.queue(queues.index(&redrive.dead_letter_queue)?)?;
        let policy = json!({ "deadLetterTargetArn": target.arn, "maxReceiveCount": redrive.max_receive_count });
        attributes.insert("RedrivePolicy", policy.to_string());
    }
    for name in &request.attribute_names {
        if name != "All" && !attributes.contains_key(name.as_str()) && !OTHER_ATTRIBUTES.contains(&name.as_str()) {
            return Err(AwsError::client(
                "com.amazonaws.sqs#InvalidAttributeName",
                format!("Unknown Attribute {name}."),
            )
            .query_code("InvalidAttributeName;Sender"));
        }
    }
    let all = request.attribute_names.iter().any(|name| name == "All");
    attributes.retain(|name, _| all || request.attribute_names.iter().any(|asked| asked == name));
    if attributes.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Attributes": attributes }))
}
