//! Commands on the queues. Every command has a `schema`. All name a lead, except the wakes
//! ([`RouteCommand::WakePool`], [`RouteCommand::WakeRep`]).

use fairleader_lead::activity::Activity;
use fairleader_lead::id::{LeadId, PoolId, RepId, RulebookVersion, SourceId};
use fairleader_lead::score::Score;
use fairleader_lead::submission::Submission;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

/// Version of the command format. A command of another version is rejected and goes to the dead-letter queue, until a
/// version of the functions that can read it is deployed.
pub const SCHEMA: u32 = 1;

/// Reason why a command cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It is not JSON, or not a command of this queue.
    ///
    /// The full error would quote personal data from the command in the log, so only its kind and position are kept.
    #[error("the command cannot be read: {category:?} error at line {line} column {column}")]
    Unreadable {
        /// Kind of error.
        category: Category,
        /// Line, from 1.
        line: usize,
        /// Column, in bytes from 1.
        column: usize,
    },
    /// It has another version.
    #[error("the command has schema {0}, this function reads schema {SCHEMA}")]
    Schema(u32),
}

impl From<serde_json::Error> for CommandError {
    fn from(cause: serde_json::Error) -> Self {
        Self::Unreadable { category: cause.classify(), line: cause.line(), column: cause.column() }
    }
}

/// Reads a command from the body of a message.
pub fn read<C: for<'a> Deserialize<'a> + Command>(body: &str) -> Result<C, CommandError> {
    let command: C = serde_json::from_str(body)?;
    match command.schema() {
        SCHEMA => Ok(command),
        other => Err(CommandError::Schema(other)),
    }
}

/// Common part of all commands.
pub trait Command {
    /// Returns the version of its format.
    fn schema(&self) -> u32;
}

/// Command to `enrich`: normalise, enrich and store an accepted submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreLead {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The id of the lead. With an `Idempotency-Key` it is derived from source and key.
    pub lead_id: LeadId,
    /// The source; for a row of a list, the source of the list.
    pub source: SourceId,
    /// Message group: the source, or the import. Leads of one group do not delay those of another.
    pub group: String,
    /// When the submission was accepted.
    pub received_at: Timestamp,
    /// SHA-256 of the submission, in hex.
    pub payload_hash: String,
    /// The submission.
    pub submission: Submission,
    /// Trace id in the logs.
    pub trace: String,
}

/// Command to `enrich`: record an accepted activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordActivity {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The lead of the activity. If `email` is set, the id of a new lead in case no lead has that address.
    pub lead_id: LeadId,
    /// The e-mail address to find the person by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The activity.
    pub activity: Activity,
    /// SHA-256 of the report, in hex, if it came with an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The source that reported it.
    pub source: SourceId,
    /// As in [`StoreLead`].
    pub group: String,
    /// When the report was accepted.
    pub received_at: Timestamp,
    /// Trace id in the logs.
    pub trace: String,
}

/// Command to `enrich`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum EnrichCommand {
    /// Record an activity.
    RecordActivity(RecordActivity),
    /// Store a lead. This command has no name in JSON, because it was the only one at first.
    #[serde(untagged)]
    StoreLead(StoreLead),
}

/// Command to `score`: score a stored lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreLead {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The lead.
    pub lead_id: LeadId,
    /// The version of the lead that this command was made for.
    pub version: u64,
    /// The version of the rulebook that this pass uses.
    pub rulebook: RulebookVersion,
    /// As in [`StoreLead`].
    pub group: String,
    /// Trace id in the logs.
    pub trace: String,
}

/// Command to `route`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum RouteCommand {
    /// Decide on a lead.
    RouteLead {
        /// [`SCHEMA`].
        schema: u32,
        /// The lead.
        lead_id: LeadId,
        /// The version of the lead that `score` was computed for. If the lead has another version, it is scored again.
        version: u64,
        /// The version of the rulebook that this pass uses. `None` starts a new pass.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rulebook: Option<RulebookVersion>,
        /// Its score.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        score: Option<Score>,
        /// As in [`StoreLead`].
        group: String,
        /// Trace id in the logs.
        trace: String,
    },
    /// Reroute an open lead if the given version of the rulebook sends it to another destination.
    RerouteLead {
        /// [`SCHEMA`].
        schema: u32,
        /// The lead.
        lead_id: LeadId,
        /// The version. Nothing happens if another one is active.
        rulebook: RulebookVersion,
        /// As in [`StoreLead`].
        group: String,
        /// Trace id in the logs.
        trace: String,
    },
    /// Assign leads on the waiting list of a pool to reps with free seats.
    WakePool {
        /// [`SCHEMA`].
        schema: u32,
        /// The pool.
        pool: PoolId,
        /// The place on the waiting list to continue after. `None` starts at the front.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// Wake every pool that a rep is in, because they have a free seat or are available again.
    WakeRep {
        /// [`SCHEMA`].
        schema: u32,
        /// The rep.
        rep: RepId,
    },
}

impl RouteCommand {
    /// Makes a command that wakes a pool from the front of its waiting list.
    pub const fn wake_pool(pool: PoolId) -> Self {
        Self::WakePool { schema: SCHEMA, pool, after: None }
    }

    /// Makes a command that wakes every pool that `rep` is in.
    pub const fn wake_rep(rep: RepId) -> Self {
        Self::WakeRep { schema: SCHEMA, rep }
    }
}

/// Command to `publish`: publish an event again that failed before. The event is read from the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishEvent {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The lead.
    pub lead_id: LeadId,
    /// Number of the event in the history of the lead.
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
    fn reads_wakes_written_by_bus_rules() {
        let command: RouteCommand = read(r#"{"schema": 1, "command": "wake_pool", "pool": "inbound"}"#).unwrap();
        assert_eq!(command, RouteCommand::wake_pool(PoolId::from("inbound")));
        let command: RouteCommand = read(r#"{"schema": 1, "command": "wake_rep", "rep": "anna"}"#).unwrap();
        assert_eq!(command, RouteCommand::wake_rep(RepId::from("anna")));
    }

    #[test]
    fn reads_both_commands_of_enrich() {
        let store = r#"{"schema": 1, "lead_id": "l-1", "source": "web", "group": "web",
            "received_at": "2026-03-03T09:00:00Z", "payload_hash": "h", "submission": {"email": "ada@acme.example"},
            "trace": "t"}"#;
        let EnrichCommand::StoreLead(stored) = read(store).unwrap() else { panic!("a lead to store") };
        assert_eq!(stored, read::<StoreLead>(store).unwrap());
        let written = serde_json::to_string(&EnrichCommand::StoreLead(stored.clone())).unwrap();
        assert_eq!(written, serde_json::to_string(&stored).unwrap(), "the format is unchanged");

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
    fn rejects_a_command_of_another_version() {
        let body = r#"{"schema": 99, "lead_id": "l-1", "seq": 1}"#;
        assert_eq!(
            read::<PublishEvent>(body).unwrap_err().to_string(),
            "the command has schema 99, this function reads schema 1"
        );
    }

    #[test]
    fn errors_do_not_quote_the_command() {
        let cause = read::<PublishEvent>(r#"{"schema": 1, "lead_id": "l-1", "seq": "ada@acme.example"}"#).unwrap_err();
        assert_eq!(cause.to_string(), "the command cannot be read: Data error at line 1 column 57");
        assert!(std::error::Error::source(&cause).is_none());
        let cause = read::<PublishEvent>("hello").unwrap_err();
        assert_eq!(cause.to_string(), "the command cannot be read: Syntax error at line 1 column 1");
    }
}
