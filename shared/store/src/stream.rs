//! The stream of `leads`, read again where its event source gave records up.
//!
//! Lambda does not send what it gave up to the on-failure destination, only where it stands in the stream, and a stream
//! keeps its records for 24 hours. The table has the events for ever, but no key finds them by their place in a stream: so
//! the place has to be read in time, and what cannot be published then is remembered by lead and number.

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

/// Most records in one request.
const PAGE: i32 = 1_000;

/// The stream of the leads table.
#[derive(Clone, Debug)]
pub struct EventStream(Client);

impl EventStream {
    /// The streams that `config` reaches.
    pub fn new(config: &SdkConfig) -> Self {
        Self(Client::new(config))
    }

    /// The events among records that were given up; `None` if the stream has lost them.
    ///
    /// # Errors
    /// If the stream cannot be read. An event that is no event is left out and logged by its number.
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

/// Numbers of records have up to 40 digits.
fn by_number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The event that a record stored.
fn event_of(record: &Record) -> Option<EventText> {
    let image = record.dynamodb()?.new_image()?;
    let text = |name: &str| match image.get(name) {
        Some(AttributeValue::S(text)) => text.as_str(),
        _ => "",
    };
    // What is not readable here was not readable for the event source either, and is why it gave the records up.
    is_event(text(PART)).then(|| EventText::read(text(BODY).to_owned()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_numbers_are_compared_as_numbers() {
        assert_eq!(by_number("900", "1000"), Ordering::Less);
        assert_eq!(by_number("0900", "900"), Ordering::Equal);
        assert_eq!(
            by_number("100000000000000000000000000000000000000002", "100000000000000000000000000000000000000001"),
            Ordering::Greater
        );
    }
}
