//! The EventBridge bus.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_types::SdkConfig;
use fairleader_lead::event::Event;

/// Most events in one request.
const BATCH: usize = 10;

/// Name under which all events of Fairleader are put on the bus.
const SOURCE: &str = "fairleader";

/// The bus that events are put on.
#[derive(Clone, Debug)]
pub struct Bus {
    client: Client,
    name: String,
}

/// An event cannot be written as JSON, so none was put on the bus.
#[derive(Debug, thiserror::Error)]
#[error("the event cannot be written: {0}")]
pub struct PutEventsError(#[from] serde_json::Error);

impl Bus {
    /// The bus called `name`.
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        Self { client: Client::new(config), name: name.to_owned() }
    }

    /// Puts `events` on the bus, and gives back those it did not take: each entry has a result of its own, and a
    /// request that fails as a whole took none.
    pub async fn put(&self, events: Vec<Event>) -> Result<Vec<Event>, PutEventsError> {
        let mut refused = Vec::new();
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            let batch: Vec<Event> = events.by_ref().take(BATCH).collect();
            let entries = batch.iter().map(|event| self.entry(event)).collect::<Result<Vec<_>, _>>()?;
            match self.client.put_events().set_entries(Some(entries)).send().await {
                Ok(answer) => {
                    let results = answer.entries();
                    refused.extend(batch.into_iter().enumerate().filter_map(|(i, event)| {
                        results.get(i).is_none_or(|result| result.error_code().is_some()).then_some(event)
                    }));
                }
                Err(cause) => {
                    tracing::warn!(cause = %DisplayErrorContext(&cause), "bus refused a request");
                    refused.extend(batch);
                }
            }
        }
        Ok(refused)
    }

    fn entry(&self, event: &Event) -> Result<PutEventsRequestEntry, serde_json::Error> {
        Ok(PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(event.kind.name())
            .time(DateTime::from_millis(event.at.as_millisecond()))
            .detail(serde_json::to_string(event)?)
            .build())
    }
}
