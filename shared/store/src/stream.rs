//! The stream of `leads`, to read records again that the event source gave up on.
//!
//! Lambda does not send such records to the on-failure destination, only their position in the stream, and a stream
//! keeps its records for 24 hours. The table keeps the events for ever, but they cannot be found by their position in a
//! stream. So the records must be read in time. Events that cannot be published then are stored by lead and number.

use std::cmp::Ordering;

use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::operation::get_records::GetRecordsError;
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, ShardIteratorType};
use aws_types::SdkConfig;
use fairleader_lead::event::EventText;

use crate::events::is_event;
use crate::given_up::BatchInfo;
use crate::item::{BODY, PART};
use crate::{GivenUp, StoreError};

/// Limit on the records in one request.
const PAGE: i32 = 1_000;

/// Stream of the table of leads.
#[derive(Clone, Debug)]
pub struct EventStream(Client);

impl EventStream {
    /// Creates a client for streams.
    pub fn new(config: &SdkConfig) -> Self {
        Self(Client::new(config))
    }

    /// Reads the events among records that were given up. Returns `None` if the stream no longer has them.
    ///
    /// # Errors
    /// Fails if the stream cannot be read. An invalid event is skipped, and its number is logged.
    pub async fn events(&self, given_up: &GivenUp) -> Result<Option<Vec<EventText>>, StoreError> {
        let BatchInfo { stream_arn, shard_id, start_sequence_number, end_sequence_number } = &given_up.batch;
        let begun = self
            .0
            .get_shard_iterator()
            .stream_arn(stream_arn)
            .shard_id(shard_id)
            .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
            .sequence_number(start_sequence_number)
            .send()
            .await;
        let mut next = match begun {
            Ok(begun) => begun.shard_iterator,
            Err(cause)
                if cause.as_service_error().is_some_and(|error| {
                    error.is_trimmed_data_access_exception() || error.is_resource_not_found_exception()
                }) =>
            {
                return Ok(None);
            }
            Err(cause) => return Err(StoreError::Stream(Box::new(cause.into()))),
        };
        let mut events = Vec::new();
        while let Some(iterator) = next {
            let page = self.0.get_records().shard_iterator(iterator).limit(PAGE).send().await;
            let page = match page {
                Ok(page) => page,
                Err(cause)
                    if cause.as_service_error().is_some_and(GetRecordsError::is_trimmed_data_access_exception) =>
                {
                    return Ok(None);
                }
                Err(cause) => return Err(StoreError::Stream(Box::new(cause.into()))),
            };
            for record in page.records() {
                let at = record.dynamodb().and_then(|change| change.sequence_number()).unwrap_or_default();
                if by_number(at, end_sequence_number) == Ordering::Greater {
                    return Ok(Some(events));
                }
                events.extend(event_of(record));
                if at == end_sequence_number {
                    return Ok(Some(events));
                }
            }
            next = page.next_shard_iterator;
        }
        Ok(Some(events))
    }
}

/// Compares sequence numbers, which have up to 40 digits.
fn by_number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Returns the event in a record.
fn event_of(record: &Record) -> Option<EventText> {
    let image = record.dynamodb()?.new_image()?;
    let text = |name: &str| match image.get(name) {
        Some(AttributeValue::S(text)) => text.as_str(),
        _ => "",
    };
    // An invalid event here was also invalid for `publish`, and made the event source give up.
    is_event(text(PART)).then(|| EventText::read(text(BODY).to_owned()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_sequence_numbers_as_numbers() {
        assert_eq!(by_number("900", "1000"), Ordering::Less);
        assert_eq!(by_number("0900", "900"), Ordering::Equal);
        assert_eq!(
            by_number("100000000000000000000000000000000000000002", "100000000000000000000000000000000000000001"),
            Ordering::Greater
        );
    }
}
