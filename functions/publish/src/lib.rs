//! `publish`: publishes every stored event on the bus.
//!
//! The stream of the table is the outbox: an event is stored in the same transaction as its change, so published events
//! match the changes. Events that the bus rejects are parked in a queue, by lead and number, and read again from the
//! table. This function only reads the envelope of an event, so it also publishes kinds that it does not know.
//!
//! If this function fails too often, Lambda gives up on the records and sends their position in the stream to the same
//! queue. They can be read again from the stream for 24 hours.

use aws_lambda_events::event::dynamodb::{Event as StreamEvent, EventRecord};
use aws_lambda_events::event::sqs::SqsEvent;
use fairleader_lead::event::EventText;
use fairleader_messaging::command::{self, SCHEMA};
use fairleader_messaging::{Bus, Outgoing, PublishEvent, Queue};
use fairleader_runtime::{Env, Function, FunctionError, Invocation, SetupError, failed, message_span, retry};
use fairleader_store::{EventStream, Events, GivenUp, Table, is_event};
use serde_json::Value;
use tracing::{Instrument, Span, info, warn};

/// Lambda function `publish`.
#[derive(Debug)]
pub struct Publish {
    events: Events,
    stream: EventStream,
    bus: Bus,
    parked: Queue,
}

impl Function for Publish {
    type Event = Value;
    type Reply = Value;

    fn new(env: &Env) -> Result<Self, SetupError> {
        let config = env.sdk_config()?;
        Ok(Self {
            events: Events::new(Table::new(&config, env.get("LEADS_TABLE")?)),
            stream: EventStream::new(&config),
            bus: Bus::new(&config, env.get("BUS_NAME")?),
            parked: Queue::new(&config, env.get("PUBLISH_QUEUE_URL")?),
        })
    }

    /// Handles events of both sources. Both have `Records`; the first record shows which source it is.
    async fn call(&self, event: Value, _: Invocation) -> Result<Value, FunctionError> {
        let source = event.pointer("/Records/0/eventSource").and_then(Value::as_str).unwrap_or_default();
        if source == "aws:sqs" {
            return self.parked(serde_json::from_value(event)?).await;
        }
        self.stored(serde_json::from_value(event)?).await
    }
}

impl Publish {
    /// Publishes events from the stream. Fails only if an event could neither be published nor parked.
    async fn stored(&self, batch: StreamEvent) -> Result<Value, FunctionError> {
        let mut events = Vec::with_capacity(batch.records.len());
        for record in batch.records {
            events.extend(event_of(&record)?);
        }
        self.publish(events).await?;
        Ok(serde_json::json!({"batchItemFailures": []}))
    }

    /// Publishes events, and parks those that the bus rejects.
    async fn publish(&self, events: Vec<EventText>) -> Result<(), FunctionError> {
        let count = events.len();
        let refused = self.bus.put(events).await;
        if !refused.is_empty() {
            warn!(events = refused.len(), "the bus rejected some events; they are parked");
            let parked = refused
                .into_iter()
                .map(|EventText { envelope, .. }| {
                    Outgoing::new(&PublishEvent { schema: SCHEMA, lead_id: envelope.lead_id, seq: envelope.seq }, None)
                })
                .collect::<Result<_, _>>()?;
            self.parked.send_all(parked).await?;
        }
        info!(events = count, "published events");
        Ok(())
    }

    /// Publishes parked events, each on its own.
    async fn parked(&self, batch: SqsEvent) -> Result<Value, FunctionError> {
        let mut failures = Vec::new();
        for message in batch.records {
            let id = message.message_id.unwrap_or_default();
            let again = self.publish_again(message.body.as_deref().unwrap_or_default());
            if let Err(cause) = again.instrument(message_span(&id)).await {
                failures.push(failed(id, &cause));
            }
        }
        Ok(serde_json::to_value(retry(failures))?)
    }

    async fn publish_again(&self, body: &str) -> Result<(), FunctionError> {
        if let Some(given_up) = GivenUp::read(body) {
            return self.publish_given_up(&given_up).await;
        }
        let PublishEvent { lead_id, seq, .. } = command::read(body)?;
        Span::current().record("lead.id", lead_id.as_str());
        let Some(event) = self.events.at(&lead_id, seq).await? else {
            // It was erased with its lead, so there is nothing to publish.
            info!(event.seq = seq, "parked event no longer exists");
            return Ok(());
        };
        match self.bus.put(vec![event]).await.len() {
            0 => Ok(()),
            _ => Err(format!("the bus rejected event {seq} of lead {lead_id}").into()),
        }
    }
}

impl Publish {
    /// Publishes events that the event source gave up on. The queue only has their position in the stream. Events that
    /// the bus rejects are parked by lead and number, so the stream is no longer needed.
    async fn publish_given_up(&self, given_up: &GivenUp) -> Result<(), FunctionError> {
        let (first, last) = given_up.records();
        let Some(events) = self.stream.events(given_up).await? else {
            return Err(format!(
                "the stream no longer has the records {first} to {last}; their events are stored with their leads"
            )
            .into());
        };
        warn!(events = events.len(), first, last, "publishing events that the event source gave up on");
        self.publish(events).await
    }
}

/// Returns the event in a stream record. Returns `None` for other items.
fn event_of(record: &EventRecord) -> Result<Option<EventText>, serde_json::Error> {
    let attribute = |name: &str| match record.change.new_image.inner().get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => text.as_str(),
        _ => "",
    };
    if is_event(attribute("part")) { EventText::read(attribute("body").to_owned()).map(Some) } else { Ok(None) }
}
