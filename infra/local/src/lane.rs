//! Which work goes first on one machine.
//!
//! On AWS every table and queue has a capacity of its own. Here all tables share one thread, so a long list or a
//! replay would delay every single lead. Work in the back lane waits for work in the front lane: scans, and calls for
//! messages of a group that has many of them (`sqs/store/fair.rs`).

use std::future::Future;

/// The lane of a piece of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Somebody waits for it.
    #[default]
    Front,
    /// It may take longer.
    Back,
}

tokio::task_local! {
    static LANE: Lane;
}

impl Lane {
    /// Returns the lane of the running task: the front one, unless it runs inside [`Lane::run`].
    pub(crate) fn current() -> Self {
        LANE.try_with(|lane| *lane).unwrap_or_default()
    }

    /// Runs `work` in this lane. Tasks that it spawns start in the front lane again.
    pub(crate) fn run<W: Future>(self, work: W) -> impl Future<Output = W::Output> {
        LANE.scope(self, work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_knows_its_lane() {
        assert_eq!(Lane::current(), Lane::Front);
        assert_eq!(Lane::Back.run(async { Lane::current() }).await, Lane::Back);
        let spawned = Lane::Back.run(async { tokio::spawn(async { Lane::current() }).await.unwrap() });
        assert_eq!(spawned.await, Lane::Front);
    }
}
