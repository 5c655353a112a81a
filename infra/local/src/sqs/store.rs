//! The SQLite tables of the queues, and the operations on them within a transaction.
//!
//! A message is one row from send to delete. A receive only changes `visible_at` and `receives`. `receives` counts over
//! all queues (`ApproximateReceiveCount`). `receives_before` is its value when the message entered its current queue,
//! so the redrive policy counts their difference.
//!
//! All times are in milliseconds of the queues' own clock. `clock` holds what it last showed; it may lag by half a
//! minute, but not behind the last message.

mod fair;
mod space;

use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use self::fair::Fairness;
pub use self::fair::Want;
use super::clock::Clock;

/// AUTOINCREMENT: a row number must never be used again, or a late receipt handle could delete another message.
/// A receive reads `by_group` from the beginning of each group, so its cost does not depend on the number of messages.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS queues (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        queue INTEGER NOT NULL,
        visible_at INTEGER NOT NULL,
        receives INTEGER NOT NULL,
        receives_before INTEGER NOT NULL,
        first_received_at INTEGER,
        sent_at INTEGER NOT NULL,
        message_id BLOB NOT NULL,
        message_group TEXT,
        dead_letter_source TEXT,
        attributes TEXT,
        body TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS by_visibility ON messages (queue, visible_at);
    CREATE INDEX IF NOT EXISTS by_group ON messages (queue, ifnull(message_group, ''), visible_at);
    CREATE INDEX IF NOT EXISTS by_age ON messages (queue, sent_at);
    CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS positions (source TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
";

/// The columns that [`read`] reads.
const COLUMNS: &str = "id, message_id, body, attributes, message_group, sent_at, first_received_at, receives, \
    receives_before, dead_letter_source";

const KEEP_TIME: &str = "INSERT OR REPLACE INTO clock (id, at) VALUES (1, ?1)";

/// The store's settings of a queue.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) retention_ms: i64,
    /// The dead-letter queue and the limit on receives.
    pub(super) redrive: Option<(usize, i64)>,
}

/// A message to store.
#[derive(Debug)]
pub(super) struct NewMessage {
    pub(super) queue: usize,
    pub(super) id: Uuid,
    pub(super) body: String,
    pub(super) attributes: Option<String>,
    pub(super) group: Option<String>,
    pub(super) sent_at: i64,
    pub(super) visible_at: i64,
}

/// Identifies one receive of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    /// Index of the queue it was received from.
    pub(super) queue: usize,
    pub(super) row: i64,
    /// Value of `receives` after that receive.
    pub(super) receive: i64,
}

/// A received message.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) receipt: Receipt,
    pub(super) id: Uuid,
    pub(super) body: String,
    pub(super) attributes: Option<String>,
    pub(super) group: Option<String>,
    pub(super) sent_at: i64,
    pub(super) first_received_at: i64,
    pub(super) receives: i64,
    /// How far the system's clock was ahead of these times at the start.
    pub(super) ahead: i64,
    pub(super) dead_letter_source: Option<String>,
    /// Whether its group has many messages.
    pub(super) bulk: bool,
}

/// Result of a change of visibility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// It was changed.
    Changed,
    /// The message is already visible: its timeout is over.
    NotInFlight,
    /// The message is deleted, or was received again since.
    Gone,
}

pub(super) struct Store {
    connection: Connection,
    clock: Clock,
    queues: Vec<Settings>,
    /// Row id of each queue, by index.
    ids: Vec<i64>,
    fairness: Fairness,
    /// The write-ahead log.
    log: PathBuf,
}

type Sql<T> = Result<T, rusqlite::Error>;

impl Store {
    /// Opens the file when the system's clock shows `system`.
    pub(super) fn open(path: &Path, queues: Vec<Settings>, system: i64) -> Sql<Self> {
        let mut connection = Connection::open(path)?;
        space::prepare(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Without FULL, a commit in WAL mode would be confirmed before it is on disk.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
        connection.pragma_update(None, "cache_size", -32_000)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        let mut ids = Vec::with_capacity(queues.len());
        for queue in &queues {
            transaction.execute("INSERT OR IGNORE INTO queues (name) VALUES (?1)", [&queue.name])?;
            ids.push(transaction.query_row("SELECT id FROM queues WHERE name = ?1", [&queue.name], |row| row.get(0))?);
        }
        let last = transaction.query_row(
            "SELECT max(at) FROM (SELECT at FROM clock UNION ALL SELECT max(sent_at) FROM messages)",
            [],
            |row| row.get(0),
        )?;
        let clock = Clock::start(system, last);
        // In flight means hidden after a receive. Delayed messages were never received here and stay delayed.
        transaction.execute(
            "UPDATE messages SET visible_at = ?1 WHERE visible_at > ?1 AND receives > receives_before",
            [clock.now()],
        )?;
        transaction.execute(KEEP_TIME, [clock.now()])?;
        transaction.commit()?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(Self { connection, clock, queues, ids, fairness: Fairness::default(), log: PathBuf::from(log) })
    }

    /// Returns the queues' clock.
    pub(super) const fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) fn queues(&self) -> usize {
        self.queues.len()
    }

    fn settings(&self, queue: usize) -> Sql<(i64, &Settings)> {
        match (self.ids.get(queue), self.queues.get(queue)) {
            (Some(id), Some(settings)) => Ok((*id, settings)),
            _ => Err(rusqlite::Error::QueryReturnedNoRows),
        }
    }

    pub(super) fn begin(&self) -> Sql<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)
    }

    pub(super) fn commit(&self) -> Sql<()> {
        self.connection.prepare_cached("COMMIT")?.execute([]).map(drop)
    }

    pub(super) fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(cause) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(cause = %cause, "queue transaction cannot be rolled back");
        }
    }

    pub(super) fn send(&self, message: &NewMessage) -> Sql<()> {
        let (queue, _) = self.settings(message.queue)?;
        self.connection
            .prepare_cached(
                "INSERT INTO messages (queue, visible_at, receives, receives_before, sent_at, message_id, message_group, attributes, body)
                 VALUES (?1, ?2, 0, 0, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                queue,
                message.visible_at,
                message.sent_at,
                message.id.as_bytes(),
                message.group,
                message.attributes,
                message.body
            ])
            .map(drop)
    }

    /// Receives up to `max` messages. Those received too often go to the dead-letter queue, whose index is then added
    /// to `moved_to`.
    pub(super) fn receive(
        &mut self,
        index: usize,
        want: Want,
        max: usize,
        visibility_ms: i64,
        now: i64,
        moved_to: &mut Option<usize>,
    ) -> Sql<Vec<Received>> {
        let mut taken = Vec::new();
        while taken.len() < max {
            let candidates = self.candidates(index, want, max - taken.len(), now)?;
            let (_, settings) = self.settings(index)?;
            let mut moved = false;
            for (receives_here, message) in candidates {
                if let Some((target, most)) = settings.redrive
                    && receives_here >= most
                {
                    self.move_to(target, message.receipt.row, &settings.arn, now)?;
                    *moved_to = Some(target);
                    moved = true;
                    continue;
                }
                self.connection
                    .prepare_cached(
                        "UPDATE messages SET visible_at = ?2, receives = ?3, first_received_at = ?4 WHERE id = ?1",
                    )?
                    .execute(params![
                        message.receipt.row,
                        now.saturating_add(visibility_ms),
                        message.receives,
                        message.first_received_at
                    ])?;
                taken.push(message);
            }
            // If nothing moved, the queue has no more. Without hiding, a second query would find the same messages.
            if !moved || visibility_ms == 0 {
                break;
            }
        }
        Ok(taken)
    }

    fn move_to(&self, target: usize, row: i64, source_arn: &str, now: i64) -> Sql<()> {
        let (queue, _) = self.settings(target)?;
        self.connection
            .prepare_cached(
                "UPDATE messages SET queue = ?2, visible_at = ?3, receives_before = receives, dead_letter_source = ?4 WHERE id = ?1",
            )?
            .execute(params![row, queue, now, source_arn])
            .map(drop)
    }

    /// Undoes a receive whose caller is gone.
    pub(super) fn give_back(&self, receipt: &Receipt, now: i64) -> Sql<()> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET visible_at = ?3, receives = receives - 1 WHERE id = ?1 AND receives = ?2",
            )?
            .execute(params![receipt.row, receipt.receive, now])
            .map(drop)
    }

    pub(super) fn delete(&self, receipt: &Receipt) -> Sql<()> {
        let (queue, _) = self.settings(receipt.queue)?;
        self.connection
            .prepare_cached("DELETE FROM messages WHERE id = ?1 AND receives = ?2 AND queue = ?3")?
            .execute(params![receipt.row, receipt.receive, queue])
            .map(drop)
    }

    pub(super) fn hide(&self, receipt: &Receipt, visibility_ms: i64, now: i64) -> Sql<Hidden> {
        let (queue, _) = self.settings(receipt.queue)?;
        let visible_at: Option<i64> = self
            .connection
            .prepare_cached("SELECT visible_at FROM messages WHERE id = ?1 AND receives = ?2 AND queue = ?3")?
            .query_row(params![receipt.row, receipt.receive, queue], |row| row.get(0))
            .optional()?;
        match visible_at {
            None => Ok(Hidden::Gone),
            Some(at) if at <= now => Ok(Hidden::NotInFlight),
            Some(_) => {
                self.connection
                    .prepare_cached("UPDATE messages SET visible_at = ?2 WHERE id = ?1")?
                    .execute(params![receipt.row, now.saturating_add(visibility_ms)])?;
                Ok(Hidden::Changed)
            }
        }
    }

    pub(super) fn purge(&self, queue: usize) -> Sql<()> {
        let (queue, _) = self.settings(queue)?;
        self.connection.execute("DELETE FROM messages WHERE queue = ?1", [queue]).map(drop)
    }

    /// Deletes expired messages, up to a thousand per queue at a time, and stores the time.
    pub(super) fn expire(&self, now: i64) -> Sql<()> {
        for index in 0..self.queues.len() {
            let (queue, settings) = self.settings(index)?;
            self.connection
                .prepare_cached(
                    "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE queue = ?1 AND sent_at <= ?2 LIMIT 1000)",
                )?
                .execute(params![queue, now.saturating_sub(settings.retention_ms)])?;
        }
        self.connection.prepare_cached(KEEP_TIME)?.execute([now]).map(drop)
    }

    /// Returns when the queue's next hidden message becomes visible.
    pub(super) fn next_visible(&self, queue: usize, now: i64) -> Sql<Option<i64>> {
        let (queue, _) = self.settings(queue)?;
        self.connection
            .prepare_cached(
                "SELECT visible_at FROM messages WHERE queue = ?1 AND visible_at > ?2 ORDER BY visible_at LIMIT 1",
            )?
            .query_row(params![queue, now], |row| row.get(0))
            .optional()
    }

    pub(super) fn counts(&self, queue: usize, now: i64) -> Sql<Counts> {
        let (queue, _) = self.settings(queue)?;
        let visible: i64 = self
            .connection
            .prepare_cached("SELECT count(*) FROM messages WHERE queue = ?1 AND visible_at <= ?2")?
            .query_row(params![queue, now], |row| row.get(0))?;
        let (in_flight, delayed): (i64, i64) = self
            .connection
            .prepare_cached(
                "SELECT coalesce(sum(receives > receives_before), 0), coalesce(sum(receives = receives_before), 0)
                 FROM (SELECT receives, receives_before FROM messages WHERE queue = ?1 AND visible_at > ?2)",
            )?
            .query_row(params![queue, now], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Counts { visible: count(visible), in_flight: count(in_flight), delayed: count(delayed) })
    }

    pub(super) fn is_empty(&self) -> Sql<bool> {
        for queue in &self.ids {
            let any: bool = self
                .connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM messages WHERE queue = ?1)")?
                .query_row([queue], |row| row.get(0))?;
            if any {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn position(&self, source: &str) -> Sql<Option<String>> {
        self.connection
            .prepare_cached("SELECT position FROM positions WHERE source = ?1")?
            .query_row([source], |row| row.get(0))
            .optional()
    }

    pub(super) fn keep_position(&self, source: &str, position: &str) -> Sql<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO positions (source, position) VALUES (?1, ?2)")?
            .execute([source, position])
            .map(drop)
    }
}

/// Returns the message as of this receive, and how often it was received in this queue before.
fn read(queue: usize, now: i64, ahead: i64, row: &Row<'_>) -> Sql<(i64, Received)> {
    let before: i64 = row.get(7)?;
    let receives = before.saturating_add(1);
    let id: [u8; 16] = row.get(1)?;
    let message = Received {
        receipt: Receipt { queue, row: row.get(0)?, receive: receives },
        id: Uuid::from_bytes(id),
        body: row.get(2)?,
        attributes: row.get(3)?,
        group: row.get(4)?,
        sent_at: row.get(5)?,
        first_received_at: row.get::<_, Option<i64>>(6)?.unwrap_or(now),
        receives,
        ahead,
        dead_letter_source: row.get(9)?,
        bulk: false,
    };
    Ok((before - row.get::<_, i64>(8)?, message))
}

/// Returns the MD5 in hexadecimal.
pub(super) fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

/// Number of messages in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ready to be received.
    pub visible: u64,
    /// Received, and not yet deleted or visible again.
    pub in_flight: u64,
    /// Sent with a delay that is not over.
    pub delayed: u64,
}

impl Counts {
    /// All messages.
    pub fn total(&self) -> u64 {
        self.visible.saturating_add(self.in_flight).saturating_add(self.delayed)
    }
}
