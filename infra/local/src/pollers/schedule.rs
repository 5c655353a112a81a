//! `rate(...)` schedules, as EventBridge Scheduler runs them. The first run is one period after the start.
//!
//! If a run takes longer than a period, the next one waits and missed ones are skipped. On AWS the calls are
//! asynchronous and retried when they fail. Here the next period is the next try.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::Context;
use crate::lambda::{Failure, Lambda, place};
use crate::stack::Function;

/// A schedule of a function.
pub(super) struct Schedule {
    pub(super) name: String,
    function: String,
    arn: String,
    every: Duration,
    input: Option<String>,
    /// Locked during a run.
    running: Mutex<()>,
}

impl Schedule {
    pub(super) fn new(function: &Function, name: &str, every: Duration, input: Option<String>) -> Self {
        let (region, account) = place(&function.arn);
        Self {
            name: name.to_owned(),
            function: function.id.clone(),
            // SAM names the schedule of a `ScheduleV2` event after the function and the event.
            arn: format!("arn:aws:scheduler:{region}:{account}:schedule/default/{}{name}", function.id),
            every,
            input,
            running: Mutex::default(),
        }
    }

    /// Calls the function once and waits for it.
    pub(super) async fn fire(&self, lambda: &Lambda) -> Result<(), Failure> {
        let _running = self.running.lock().await;
        let payload = self.input.clone().unwrap_or_else(|| self.event());
        lambda.invoke(&self.function, payload.into_bytes()).await.map(drop)
    }

    /// Returns Scheduler's default event. Its `detail` is a string, unlike in events of rules.
    fn event(&self) -> String {
        let (region, account) = place(&self.arn);
        json!({
            "version": "0",
            "id": Uuid::now_v7().to_string(),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": account,
            "time": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": region,
            "resources": [self.arn],
            "detail": "{}",
        })
        .to_string()
    }
}

/// Runs the schedule until stopped.
pub(super) async fn run(mut context: Context, schedule: std::sync::Arc<Schedule>) {
    let every = schedule.every.max(Duration::from_millis(1));
    let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = context.stopped() => return,
            _ = ticks.tick() => {}
        }
        if schedule.fire(&context.lambda).await.is_err() {
            // The host has logged it. The next period is the next try.
            tracing::debug!(schedule = %schedule.name, "scheduled call failed");
        }
    }
}
