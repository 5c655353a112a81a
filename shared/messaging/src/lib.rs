//! Commands on SQS queues and events on the EventBridge bus.
//!
//! Commands say what to do next with a lead; the table is the truth, and a command names the version of the lead it was
//! made for. Events say what happened; they are written with the lead and put on the bus afterwards.

mod bus;
pub mod command;
mod queue;

pub use bus::Bus;
pub use command::{EnrichCommand, PublishEvent, RecordActivity, RouteCommand, ScoreLead, StoreLead};
pub use queue::{Outgoing, Queue, ReceiveError, Received, SendError};
