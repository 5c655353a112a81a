//! Stream records of `leads` that the event source gave up on.

use serde::Deserialize;

/// Position of such records in the stream, as Lambda reports it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GivenUp {
    #[serde(rename = "DDBStreamBatchInfo")]
    pub(crate) batch: BatchInfo,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchInfo {
    pub(crate) stream_arn: String,
    pub(crate) shard_id: String,
    pub(crate) start_sequence_number: String,
    pub(crate) end_sequence_number: String,
}

impl GivenUp {
    /// Reads such a report from a message. Returns `None` if the message is something else.
    pub fn read(message: &str) -> Option<Self> {
        serde_json::from_str(message).ok()
    }

    /// Returns the sequence numbers of the first and last record, for the log.
    pub fn records(&self) -> (&str, &str) {
        (&self.batch.start_sequence_number, &self.batch.end_sequence_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_only_reports_of_lambda() {
        let message = r#"{"requestContext": {"condition": "RetryAttemptsExhausted"}, "version": "1.0",
            "DDBStreamBatchInfo": {"shardId": "shardId-1", "startSequenceNumber": "800", "endSequenceNumber": "900",
            "batchSize": 2, "streamArn": "arn:aws:dynamodb:eu-central-1:1:table/leads/stream/1"}}"#;
        assert_eq!(GivenUp::read(message).unwrap().records(), ("800", "900"));
        assert_eq!(GivenUp::read(r#"{"schema": 1, "lead_id": "l-1", "seq": 1}"#), None);
    }
}
