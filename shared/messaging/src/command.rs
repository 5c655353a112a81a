//! What the queues carry. Every command has a `schema`, and all but the wakes ([`RouteCommand::WakePool`],
//! [`RouteCommand::WakeRep`]) name their lead.

use fairleader_lead::activity::Activity;
use fairleader_lead::id::{LeadId, PoolId, RepId, RulebookVersion, SourceId};
use fairleader_lead::score::Score;
use fairleader_lead::submission::Submission;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

/// Version of the commands' form. A command of another version is refused and ends in the dead-letter queue, where it
/// waits for functions that can read it.
pub const SCHEMA: u32 = 1;

/// A command that cannot be carried out because of its form.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Not JSON, or not a command of the queue it came from.
    ///
    /// What exactly is wrong would quote the command, and with it a person's data, in the log.
    #[error("the command cannot be read: {category:?} error at line {line} column {column}")]
    Unreadable {
        /// Of what kind the error is.
        category: Category,
        /// Where, from 1.
        line: usize,
        /// Where in the line, in bytes from 1.
        column: usize,
    },
    /// Of another version.
    #[error("the command has schema {0}, this function reads schema {SCHEMA}")]
    Schema(u32),
}

impl From<serde_json::Error> for CommandError {
    fn from(cause: serde_json::Error) -> Self {
        Self::Unreadable { category: cause.classify(), line: cause.line(), column: cause.column() }
    }
}

/// Reads a command from a message's body.
pub fn read<C: for<'a> Deserialize<'a> + Command>(body: &str) -> Result<C, CommandError> {
    let command: C = serde_json::from_str(body)?;
    match command.schema() {
        SCHEMA => Ok(command),
        other => Err(CommandError::Schema(other)),
    }
}

/// What all commands have.
pub trait Command {
    /// Version of the command's form.
    fn schema(&self) -> u32;
}

/// To `enrich`: normalise, enrich and store a submission that was answered with 202.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreLead {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The lead, by source and key.
    pub lead_id: LeadId,
    /// Where it came from; for a row of a list, the list's source.
    pub source: SourceId,
    /// Leads of one group do not delay those of another: the source, or the import.
    pub group: String,
    /// When the submission was accepted.
    pub received_at: Timestamp,
    /// SHA-256 of the submission, in hex.
    pub payload_hash: String,
    /// What was submitted.
    pub submission: Submission,
    /// Follows the lead through the logs.
    pub trace: String,
}

/// To `enrich`: record what a person did, as was answered with 202.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordActivity {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The lead that did it; or, where there is an address, the lead that it becomes if nobody is known by it.
    pub lead_id: LeadId,
    /// The address by which the person is to be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What they did.
    pub activity: Activity,
    /// Who says so.
    pub source: SourceId,
    /// As in [`StoreLead`].
    pub group: String,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// Follows the activity through the logs.
    pub trace: String,
}

/// To `enrich`, either of its commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum EnrichCommand {
    /// Record an activity.
    RecordActivity(RecordActivity),
    /// Store a lead: the command without a name, because it was the only one once.
    #[serde(untagged)]
    StoreLead(StoreLead),
}

/// To `score`: score a stored lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreLead {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The lead.
    pub lead_id: LeadId,
    /// Version of the lead that this was made for.
    pub version: u64,
    /// The rulebook that this pass began with.
    pub rulebook: RulebookVersion,
    /// As in [`StoreLead`].
    pub group: String,
    /// Follows the lead through the logs.
    pub trace: String,
}

/// To `route`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum RouteCommand {
    /// Decide on a lead.
    RouteLead {
        /// [`SCHEMA`].
        schema: u32,
        /// The lead.
        lead_id: LeadId,
        /// Version of the lead that `score` was made for; with any other the lead is scored anew.
        version: u64,
        /// The rulebook that this pass began with; absent when a new pass begins here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rulebook: Option<RulebookVersion>,
        /// Its score.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        score: Option<Score>,
        /// As in [`StoreLead`].
        group: String,
        /// Follows the lead through the logs.
        trace: String,
    },
    /// Look whether a lead that somebody has, or that waits, goes elsewhere by another version of the rulebook.
    RerouteLead {
        /// [`SCHEMA`].
        schema: u32,
        /// The lead.
        lead_id: LeadId,
        /// The version; nothing happens if another one is active by now.
        rulebook: RulebookVersion,
        /// As in [`StoreLead`].
        group: String,
        /// Follows the lead through the logs.
        trace: String,
    },
    /// Give the leads in a pool's line to the reps who are free now.
    WakePool {
        /// [`SCHEMA`].
        schema: u32,
        /// The pool.
        pool: PoolId,
        /// The place in the line after which to go on; absent at the beginning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// Wake every pool that a rep is in: a seat of theirs is free, or they are back.
    WakeRep {
        /// [`SCHEMA`].
        schema: u32,
        /// The rep.
        rep: RepId,
    },
}

impl RouteCommand {
    /// Wakes a pool from the front of its line.
    pub const fn wake_pool(pool: PoolId) -> Self {
        Self::WakePool { schema: SCHEMA, pool, after: None }
    }

    /// Wakes every pool that `rep` is in.
    pub const fn wake_rep(rep: RepId) -> Self {
        Self::WakeRep { schema: SCHEMA, rep }
    }
}

/// To `publish`: an event that the bus did not take. It is read again from the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishEvent {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The lead.
    pub lead_id: LeadId,
    /// Number of the event in the lead's history.
    pub seq: u64,
}

impl Command for StoreLead {
    fn schema(&self) -> u32 {
        self.schema
    }
}

impl Command for EnrichCommand {
    fn schema(&self) -> u32 {
        match self {
            Self::RecordActivity(command) => command.schema,
            Self::StoreLead(command) => command.schema,
        }
    }
}

impl Command for ScoreLead {
    fn schema(&self) -> u32 {
        self.schema
    }
}

impl Command for RouteCommand {
    fn schema(&self) -> u32 {
        match self {
            Self::RouteLead { schema, .. }
            | Self::RerouteLead { schema, .. }
            | Self::WakePool { schema, .. }
            | Self::WakeRep { schema, .. } => *schema,
        }
    }
}

impl Command for PublishEvent {
    fn schema(&self) -> u32 {
        self.schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_the_bus_can_write_wakes() {
        let command: RouteCommand = read(r#"{"schema": 1, "command": "wake_pool", "pool": "inbound"}"#).unwrap();
        assert_eq!(command, RouteCommand::wake_pool(PoolId::from("inbound")));
        let command: RouteCommand = read(r#"{"schema": 1, "command": "wake_rep", "rep": "anna"}"#).unwrap();
        assert_eq!(command, RouteCommand::wake_rep(RepId::from("anna")));
    }

    #[test]
    fn enrich_reads_both_of_its_commands() {
        let store = r#"{"schema": 1, "lead_id": "l-1", "source": "web", "group": "web",
            "received_at": "2026-03-03T09:00:00Z", "payload_hash": "h", "submission": {"email": "ada@acme.example"},
            "trace": "t"}"#;
        let EnrichCommand::StoreLead(stored) = read(store).unwrap() else { panic!("a lead to store") };
        assert_eq!(stored, read::<StoreLead>(store).unwrap());
        let written = serde_json::to_string(&EnrichCommand::StoreLead(stored.clone())).unwrap();
        assert_eq!(written, serde_json::to_string(&stored).unwrap(), "as it always was");

        let record = r#"{"schema": 1, "command": "record_activity", "lead_id": "l-1", "source": "web", "group": "web",
            "received_at": "2026-03-03T09:00:00Z", "trace": "t",
            "activity": {"id": "a-1", "did": "demo", "at": "2026-03-03T09:00:00Z"}}"#;
        let command: EnrichCommand = read(record).unwrap();
        let EnrichCommand::RecordActivity(recorded) = &command else { panic!("an activity to record") };
        assert_eq!((recorded.activity.did.as_str(), &recorded.email), ("demo", &None));
        assert_eq!(read::<EnrichCommand>(&serde_json::to_string(&command).unwrap()).unwrap(), command);

        let mixed = record.replace("demo", "demo\", \"spend\": \"ada@acme.example");
        let cause = read::<EnrichCommand>(&mixed).unwrap_err().to_string();
        assert!(cause.starts_with("the command cannot be read: Data error") && !cause.contains('@'), "{cause}");
    }

    #[test]
    fn a_command_of_another_version_is_refused() {
        let body = r#"{"schema": 99, "lead_id": "l-1", "seq": 1}"#;
        assert_eq!(
            read::<PublishEvent>(body).unwrap_err().to_string(),
            "the command has schema 99, this function reads schema 1"
        );
    }

    #[test]
    fn what_is_wrong_with_a_command_is_said_without_quoting_it() {
        let cause = read::<PublishEvent>(r#"{"schema": 1, "lead_id": "l-1", "seq": "ada@acme.example"}"#).unwrap_err();
        assert_eq!(cause.to_string(), "the command cannot be read: Data error at line 1 column 57");
        assert!(std::error::Error::source(&cause).is_none());
        let cause = read::<PublishEvent>("hello").unwrap_err();
        assert_eq!(cause.to_string(), "the command cannot be read: Syntax error at line 1 column 1");
    }
}
