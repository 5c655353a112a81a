//! `publish`: puts every stored event on the bus.
//!
//! The table's stream is the outbox: an event is written with the change it tells of, so none is forgotten and none is
//! made up. What the bus does not take is parked in a queue, by lead and number, and read again from the table. Only the
//! envelope of an event is read; what it tells, and of which kind it is, is for those who listen.
//!
//! When this function fails too often, Lambda gives the records up and parks their place in the stream in the same queue.
//! They are read from there again while the stream has them, for 24 hours.

use aws_lambda_events::event::dynamodb::{Event as StreamEvent, EventRecord};
use aws_lambda_events::event::sqs::SqsEvent;
use fairleader_lead::event::EventText;
use fairleader_messaging::command::{self, SCHEMA};
use fairleader_messaging::{Bus, Outgoing, PublishEvent, Queue};
use fairleader_runtime::{Env, Function, FunctionError, Invocation, SetupError, failed, retry};
use fairleader_store::{EventStream, Events, GivenUp, Table, is_event};
use serde_json::Value;
use tracing::{info, warn};

/// The function.
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

    /// Both sources send `Records`; the first record says which it is.
    async fn call(&self, event: Value, _: Invocation) -> Result<Value, FunctionError> {
        let source = event.pointer("/Records/0/eventSource").and_then(Value::as_str).unwrap_or_default();
        if source == "aws:sqs" {
            return self.parked(serde_json::from_value(event)?).await;
        }
        self.stored(serde_json::from_value(event)?).await
    }
}

impl Publish {
    /// Publishes what the stream shows. Fails only if an event could neither be published nor parked.
    async fn stored(&self, batch: StreamEvent) -> Result<Value, FunctionError> {
        let mut events = Vec::with_capacity(batch.records.len());
        for record in batch.records {
            events.extend(event_of(&record)?);
        }
        self.publish(events).await?;
        Ok(serde_json::json!({"batchItemFailures": []}))
    }

    /// Puts events on the bus, and parks those that it does not take.
    async fn publish(&self, events: Vec<EventText>) -> Result<(), FunctionError> {
        let count = events.len();
        let refused = self.bus.put(events).await;
        if !refused.is_empty() {
            warn!(events = refused.len(), "bus did not take some events; they are parked");
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

    /// Publishes what was parked, each event for itself.
    async fn parked(&self, batch: SqsEvent) -> Result<Value, FunctionError> {
        let mut failures = Vec::new();
        for message in batch.records {
            let id = message.message_id.unwrap_or_default();
            if let Err(cause) = self.publish_again(message.body.as_deref().unwrap_or_default()).await {
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
        let Some(event) = self.events.at(&lead_id, seq).await? else {
            // Erased with its lead since: there is nothing left to tell.
            info!(lead.id = %lead_id, event.seq = seq, "parked event is gone");
            return Ok(());
        };
        match self.bus.put(vec![event]).await.len() {
            0 => Ok(()),
            _ => Err(format!("the bus did not take event {seq} of lead {lead_id}").into()),
        }
    }
}

impl Publish {
    /// Publishes what the event source gave up, of which the queue has the place in the stream only. From here on, what the
    /// bus does not take is known by lead and number, whatever the stream forgets.
    async fn publish_given_up(&self, given_up: &GivenUp) -> Result<(), FunctionError> {
        let (first, last) = given_up.records();
        let Some(events) = self.stream.events(given_up).await? else {
            return Err(format!(
                "the stream has lost the records {first} to {last}; their events are with their leads in the table"
            )
            .into());
        };
        warn!(events = events.len(), first, last, "publishing what the stream's event source gave up");
        self.publish(events).await
    }
}

/// The event that a stream record stored; `None` for items of other kinds.
fn event_of(record: &EventRecord) -> Result<Option<EventText>, serde_json::Error> {
    let attribute = |name: &str| match record.change.new_image.inner().get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => text.as_str(),
        _ => "",
    };
    if is_event(attribute("part")) { EventText::read(attribute("body").to_owned()).map(Some) } else { Ok(None) }
}
