//! Gives space back to the disk: after a burst of messages the file shrinks again.

use rusqlite::Connection;

use super::{Sql, Store};

/// SQLite's number for incremental vacuum.
const INCREMENTAL: i64 = 2;
/// Free pages that the file keeps, so that a steady flow of messages need not ask for space again and again.
const KEPT: i64 = 256;
/// Pages that one step gives back: a few milliseconds of work.
const STEP: i64 = 500;
/// Size from which on the write-ahead log is cut, in bytes.
const LONG_LOG: u64 = 2 * 1024 * 1024;

/// Prepares a file so that it can shrink. A file from before is rewritten once; if there is no room for that, it stays
/// as it is.
pub(super) fn prepare(connection: &Connection) -> Sql<()> {
    let mode: i64 = connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
    if mode == INCREMENTAL {
        return Ok(());
    }
    connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    // For a new file this is next to nothing.
    if let Err(cause) = connection.execute_batch("VACUUM") {
        tracing::warn!(cause = %cause, "the file of the queues cannot be rewritten, so it keeps its size; is the disk full?");
    }
    Ok(())
}

impl Store {
    /// Gives some free space back. Returns whether there is more to give. Must not run within a transaction.
    pub(crate) fn shrink(&self) -> Sql<bool> {
        let free: i64 = self.connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        let step = (free - KEPT).min(STEP);
        if step > 0 {
            // Each step of the statement gives back one page.
            let mut vacuum = self.connection.prepare(&format!("PRAGMA incremental_vacuum({step})"))?;
            let mut pages = vacuum.query([])?;
            while pages.next()?.is_some() {}
            return Ok(true);
        }
        // The log would keep the size of the burst.
        if std::fs::metadata(&self.log).is_ok_and(|log| log.len() > LONG_LOG) {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(false)
    }
}
