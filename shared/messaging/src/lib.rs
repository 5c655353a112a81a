//! Commands on SQS queues and events on the EventBridge bus.
//!
//! A command says what to do next with a lead. The table is authoritative; a command names the version of the lead that
//! it was made for. An event says what happened. It is stored with the lead first and published on the bus afterwards.

mod bus;
pub mod command;
mod queue;

pub use bus::Bus;
pub use command::{EnrichCommand, PublishEvent, RecordActivity, RouteCommand, ScoreLead, StoreLead};
pub use queue::{Outgoing, Queue, ReceiveError, Received, SendError};
