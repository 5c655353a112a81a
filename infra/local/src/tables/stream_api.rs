//! `GetShardIterator` and `GetRecords` of DynamoDB Streams. Every stream has one shard here, with the same sequence
//! numbers as in the functions' events.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Reply, StreamRecordRaw, Tables};

/// Limit on the records of a reply, as on AWS.
const MOST: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begin {
    stream_arn: String,
    shard_iterator_type: String,
    sequence_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Records {
    shard_iterator: String,
    limit: Option<usize>,
}

/// Why a call is rejected: the exception's name and the message.
type Refusal = (&'static str, String);

impl Tables {
    pub(super) async fn stream_call(&self, operation: &str, body: Bytes) -> Reply {
        let answer = match operation {
            "GetShardIterator" => match read(&body) {
                Ok(begin) => self.shard_iterator(begin).await,
                Err(refusal) => Err(refusal),
            },
            _ => match read(&body) {
                Ok(records) => self.records(records).await,
                Err(refusal) => Err(refusal),
            },
        };
        match answer {
            Ok(answer) => Reply { status: 200, body: answer.to_string().into() },
            Err((name, message)) => {
                let error = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": message});
                Reply { status: 400, body: error.to_string().into() }
            }
        }
    }

    async fn shard_iterator(&self, begin: Begin) -> Result<Value, Refusal> {
        let Begin { stream_arn, shard_iterator_type: kind, sequence_number } = begin;
        let table = table(&stream_arn)?;
        let after = match (kind.as_str(), sequence_number) {
            ("TRIM_HORIZON", None) => String::new(),
            ("LATEST", None) => self.stream_end(table).await.map_err(|cause| failed(&cause))?.unwrap_or_default(),
            ("AT_SEQUENCE_NUMBER", Some(number)) => {
                let before = number.parse::<u128>().ok().and_then(|number| number.checked_sub(1));
                let before = before.ok_or_else(|| invalid(&number))?.to_string();
                let found = self.read(table, &before, 1).await?;
                if found.first().is_none_or(|record| record.sequence != number) {
                    return Err(("TrimmedDataAccessException", format!("record {number} is no longer in the stream")));
                }
                before
            }
            ("AFTER_SEQUENCE_NUMBER", Some(number)) => number,
            _ => return Err(invalid(&kind)),
        };
        Ok(json!({"ShardIterator": format!("{stream_arn}|1|{after}")}))
    }

    async fn records(&self, records: Records) -> Result<Value, Refusal> {
        let iterator = records.shard_iterator;
        let parts: Vec<&str> = iterator.split('|').collect();
        let &[stream_arn, _, after] = parts.as_slice() else { return Err(invalid(&iterator)) };
        let found = self.read(table(stream_arn)?, after, records.limit.unwrap_or(MOST).clamp(1, MOST)).await?;
        let last = found.last().map_or(after, |record| record.sequence.as_str());
        let next = format!("{stream_arn}|1|{last}");
        let records: Vec<&Value> = found.iter().map(|record| &record.record).collect();
        Ok(json!({"Records": records, "NextShardIterator": next}))
    }

    async fn read(&self, table: &str, after: &str, limit: usize) -> Result<Vec<StreamRecordRaw>, Refusal> {
        let after = Some(after).filter(|after| !after.is_empty());
        self.read_stream(table, after, limit).await.map_err(|cause| failed(&cause))
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|cause| ("SerializationException", cause.to_string()))
}

/// `arn:aws:dynamodb:…:table/NAME/stream/…`.
fn table(stream_arn: &str) -> Result<&str, Refusal> {
    let unknown = || ("ResourceNotFoundException", format!("Requested resource not found: Stream: {stream_arn}"));
    stream_arn.split(":table/").nth(1).and_then(|rest| rest.split('/').next()).ok_or_else(unknown)
}

fn invalid(value: &str) -> Refusal {
    ("ValidationException", format!("`{value}` is not a position in a stream"))
}

/// The error for a table without a stream, or an impossible sequence number.
fn failed(cause: &anyhow::Error) -> Refusal {
    ("ResourceNotFoundException", format!("Requested resource not found: {cause}"))
}
