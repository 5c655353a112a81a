//! The EventBridge bus.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_types::SdkConfig;
use fairleader_lead::event::EventText;

/// Limit on the events in one request.
const BATCH: usize = 10;

/// Source of all of Fairleader's events on the bus.
const SOURCE: &str = "fairleader";

/// EventBridge bus to publish events on.
#[derive(Clone, Debug)]
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// Creates a client for the bus `name`.
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        Self { client: Client::new(config), name: name.to_owned() }
    }

    /// Publishes `events` on the bus and returns those that failed. Each event can fail on its own; if a request fails,
    /// all its events did.
    pub async fn put(&self, events: Vec<EventText>) -> Vec<EventText> {
        let mut refused = Vec::new();
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            let batch: Vec<EventText> = events.by_ref().take(BATCH).collect();
            let entries: Vec<PutEventsRequestEntry> = batch.iter().map(|event| self.entry(event)).collect();
            match self.client.put_events().set_entries(Some(entries)).send().await {
                Ok(answer) => {
                    let results = answer.entries();
                    refused.extend(batch.into_iter().enumerate().filter_map(|(i, event)| {
                        results.get(i).is_none_or(|result| result.error_code().is_some()).then_some(event)
                    }));
                }
                Err(cause) => {
                    tracing::warn!(cause = %DisplayErrorContext(&cause), "request to the bus failed");
                    refused.extend(batch);
                }
            }
        }
        refused
    }

    fn entry(&self, event: &EventText) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(&event.envelope.kind)
            .time(DateTime::from_millis(event.envelope.at.as_millisecond()))
            .detail(&event.text)
            .build()
    }
}
