//! The load test of `fairleader load`: how many leads per second get an owner, how long each waits, and how much CPU
//! time each takes.
//!
//! The clock of a lead starts before its POST is sent and stops when the event of its assignment leaves the bus. By
//! then it was committed, read from the stream and published. So the reported time is a little longer than the time to
//! an owner, never shorter.
//!
//! The CPU time is that of the whole process from the first POST to the last owner. It includes the functions, the
//! stand-ins for AWS, and the sender and listener of this test. Unlike wall time it hardly depends on what else the
//! machine does, so use it to compare two versions of the program. To compare with a version that does not report it,
//! run `time fairleader load` with the same number of leads, and add user and system time; that includes the start and
//! the roster.

mod beside;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fairleader_lead::rep::MAX_CAPACITY;
use futures::{StreamExt, stream};
use indicatif::ProgressBar;
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::api::{Api, ApiError};
use crate::company::{Company, CompanyProblem};
use crate::demo::install;
use crate::machine::Machine;

pub use self::beside::Beside;

/// Concurrent requests if no rate is given.
const AT_ONCE: usize = 64;
/// After this time without a new owner, the remaining leads count as lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// Countries of the generated leads.
const COUNTRIES: [&str; 8] = ["DE", "ES", "FR", "GB", "US", "MX", "SE", "BR"];

/// Result of the measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// Leads accepted with 202.
    pub accepted: usize,
    /// Leads that got an owner.
    pub owned: usize,
    /// Accepted leads without an owner when the test ended.
    pub lost: usize,
    /// Requests without a 202 reply.
    pub refused: usize,
    /// Leads with an owner per second from the first POST to the last owner, rounded down.
    pub leads_per_second: u64,
    /// Median time from POST to owner, in milliseconds.
    pub p50_ms: u64,
    /// 99th percentile of the time from POST to owner, in milliseconds.
    pub p99_ms: u64,
    /// Longest time from POST to owner, in milliseconds.
    pub max_ms: u64,
    /// CPU time (user and system) per accepted lead, in microseconds; absent on systems that do not report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us_per_lead: Option<u64>,
}

#[derive(Debug, Default)]
struct Times {
    sent: HashMap<String, Instant>,
    /// When leads got an owner, including leads that somebody else sent.
    owned: HashMap<String, Instant>,
    /// Number of sent leads with an owner.
    done: usize,
    refused: usize,
}

impl Times {
    fn sent(&mut self, id: &str, at: Instant) {
        self.sent.insert(id.to_owned(), at);
        self.done += usize::from(self.owned.contains_key(id));
    }

    fn owned(&mut self, id: &str, at: Instant) {
        if !self.owned.contains_key(id) {
            self.owned.insert(id.to_owned(), at);
            self.done += usize::from(self.sent.contains_key(id));
        }
    }
}

/// Returns the demo's company with unlimited capacity and hours, so that every lead gets an owner.
fn company() -> Result<Company, Vec<CompanyProblem>> {
    let mut company = Company::embedded()?;
    for rep in &mut company.reps {
        rep.capacity = MAX_CAPACITY;
        if let Ok(always) = "always".parse() {
            rep.hours = always;
        }
    }
    Ok(company)
}

/// Returns a lead of a new person with a business address, a job title and a demo request.
fn lead(run: &str, number: usize) -> Value {
    let country = COUNTRIES.get(number % COUNTRIES.len()).copied().unwrap_or("DE");
    json!({
        "email": format!("person{number}@company{number}-{run}.example"),
        "first_name": "Robin",
        "last_name": format!("Fielding {number}"),
        "company": format!("Company {number} {run}"),
        "job_title": if number.is_multiple_of(3) { "Head of Logistics" } else { "Warehouse Manager" },
        "country": country,
        "employees": 50 + number % 900,
        "did": "demo",
    })
}

/// A machine with the demo's company, ready for leads.
pub struct LoadTest<'a> {
    machine: &'a Machine,
    admin: Api,
    company: Company,
}

impl<'a> LoadTest<'a> {
    /// Loads the company.
    pub async fn new(machine: &'a Machine) -> Result<Self, LoadError> {
        let admin = Api::new(&machine.api_url, machine.keys.of(fairleader_api::Role::Admin))?;
        let company = company().map_err(LoadError::Company)?;
        install(&admin, &company).await?;
        Ok(Self { machine, admin, company })
    }

    /// Sends `leads` leads, at `rate` per second or as fast as they are accepted, and waits for their owners.
    pub async fn run(&self, leads: usize, rate: Option<u32>, bar: &ProgressBar) -> Measured {
        let source = self.admin.with_key(self.machine.keys.of(fairleader_api::Role::Source));
        let times = Arc::new(Mutex::new(Times::default()));
        let listening = tokio::spawn(listen(self.machine.bus.subscribe(), Arc::clone(&times)));
        // A run id in people and keys makes them new even in a folder that was used before.
        let run = uuid::Uuid::now_v7().simple().to_string();
        let begun = Instant::now();
        let cpu_before = cpu_time();
        stream::iter(0..leads)
            .map(|number| {
                let (source, times, run) = (source.clone(), Arc::clone(&times), run.as_str());
                async move {
                    // With a rate the clock starts when the lead is due, even if a slow server delays sending it.
                    let mut sent = Instant::now();
                    if let Some(rate) = rate.filter(|rate| *rate > 0) {
                        sent = begun + Duration::from_secs(1) * u32::try_from(number).unwrap_or(u32::MAX) / rate;
                        tokio::time::sleep_until(sent.into()).await;
                    }
                    post(&source, run, number, sent, &times).await;
                }
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<()>>()
            .await;
        // All leads are sent. Now wait for the events.
        let mut owned = 0;
        let mut last_news = Instant::now();
        let all_in = loop {
            let (now, refused) = {
                let times = lock(&times);
                (times.done, times.refused)
            };
            bar.set_position(u64::try_from(now).unwrap_or(u64::MAX));
            if now != owned {
                (owned, last_news) = (now, Instant::now());
            }
            if now + refused >= leads || last_news.elapsed() > PATIENCE {
                break now + refused >= leads;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        if !all_in {
            tracing::warn!("some leads got no owner in time");
        }
        let cpu = cpu_before.zip(cpu_time()).map(|(before, after)| after.saturating_sub(before));
        listening.abort();
        bar.finish_and_clear();
        measure(&lock(&times), begun, cpu)
    }

    /// Does the same while `amount` of other work is going on.
    pub async fn run_beside(
        &self,
        (beside, amount): (Beside, usize),
        leads: usize,
        rate: Option<u32>,
        bar: &ProgressBar,
    ) -> Measured {
        let work = tokio::spawn(beside.work(self.machine, self.admin.clone(), self.company.clone(), amount));
        // The work has to be under way.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let measured = self.run(leads, rate, bar).await;
        work.abort();
        measured
    }

    /// Stores what `beside` needs before it can begin.
    pub async fn prepare(&self, (beside, amount): (Beside, usize)) -> Result<(), LoadError> {
        beside.prepare(self.machine, &self.admin, amount).await
    }
}

/// Returns the CPU time of this process so far: user and system, all threads.
#[cfg(target_os = "linux")]
fn cpu_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

#[cfg(not(target_os = "linux"))]
const fn cpu_time() -> Option<Duration> {
    None
}

/// Why the load test failed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The HTTP client could not be created.
    #[error("cannot create an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// The sample company cannot be read.
    #[error("the sample company is damaged: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Company(Vec<CompanyProblem>),
    /// The leads that a replay should read were not decided in time.
    #[error("the past leads were not decided within 30 minutes; try fewer with --amount")]
    NotPrepared,
    /// The sample company could not be loaded.
    #[error(transparent)]
    Api(#[from] ApiError),
}

fn lock(times: &Mutex<Times>) -> std::sync::MutexGuard<'_, Times> {
    times.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn post(source: &Api, run: &str, number: usize, sent: Instant, times: &Mutex<Times>) {
    let key = format!("load-{run}-{number}");
    let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
    match source.call(Method::POST, "/v1/leads", &headers, lead(run, number).to_string().into_bytes()).await {
        Ok(answer) => {
            if let Some(id) = answer.get("lead_id").and_then(Value::as_str) {
                lock(times).sent(id, sent);
            }
        }
        Err(cause) => {
            tracing::warn!(cause = %cause, "lead was not accepted");
            lock(times).refused += 1;
        }
    }
}

/// Records when each lead got its owner.
async fn listen(mut events: tokio::sync::broadcast::Receiver<Value>, times: Arc<Mutex<Times>>) {
    loop {
        match events.recv().await {
            Ok(event) if event.pointer("/detail-type").and_then(Value::as_str) == Some("LeadAssigned") => {
                let Some(id) = event.pointer("/detail/lead_id").and_then(Value::as_str) else { continue };
                lock(&times).owned(id, Instant::now());
            }
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "events were missed: they came faster than they were read");
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn measure(times: &Times, begun: Instant, cpu: Option<Duration>) -> Measured {
    let mut waits: Vec<u64> = times
        .sent
        .iter()
        .filter_map(|(id, sent)| u64::try_from(times.owned.get(id)?.saturating_duration_since(*sent).as_micros()).ok())
        .collect();
    waits.sort_unstable();
    let percentile = |percent: usize| {
        let index = (waits.len() * percent).div_ceil(100).saturating_sub(1);
        waits.get(index).map_or(0, |micros| micros.div_ceil(1000))
    };
    let of_ours = times.sent.keys().filter_map(|id| times.owned.get(id));
    let last = of_ours.max().copied().unwrap_or(begun);
    let took = last.saturating_duration_since(begun).as_micros().max(1);
    let owned = waits.len();
    let per_lead = |cpu: Duration| {
        let leads = u128::try_from(times.sent.len()).ok().filter(|leads| *leads > 0)?;
        u64::try_from(cpu.as_micros() / leads).ok()
    };
    let per_second = u128::try_from(owned).unwrap_or(0) * 1_000_000 / took;
    Measured {
        accepted: times.sent.len(),
        owned,
        lost: times.sent.len().saturating_sub(owned),
        refused: times.refused,
        leads_per_second: u64::try_from(per_second).unwrap_or(u64::MAX),
        p50_ms: percentile(50),
        p99_ms: percentile(99),
        max_ms: percentile(100),
        cpu_us_per_lead: cpu.and_then(per_lead),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_adds_up() {
        let begun = Instant::now();
        let mut times = Times::default();
        for number in 0..100_u64 {
            times.sent(&format!("l{number}"), begun);
            if number < 99 {
                times.owned(&format!("l{number}"), begun + Duration::from_millis(number + 1));
            }
        }
        let measured = measure(&times, begun, Some(Duration::from_millis(250)));
        assert_eq!((measured.accepted, measured.owned, measured.lost), (100, 99, 1));
        assert_eq!((measured.p50_ms, measured.p99_ms, measured.max_ms), (50, 99, 99));
        assert_eq!((measured.leads_per_second, measured.cpu_us_per_lead), (1000, Some(2500)));
        assert_eq!(measure(&Times::default(), begun, Some(Duration::from_millis(250))).cpu_us_per_lead, None);
    }
    #[cfg(target_os = "linux")]
    #[test]
    fn cpu_time_includes_all_threads() {
        let before = cpu_time().unwrap();
        let busy = || {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(50) {
                std::hint::spin_loop();
            }
        };
        std::thread::scope(|scope| [scope.spawn(busy), scope.spawn(busy)].map(drop));
        let spent = cpu_time().unwrap().saturating_sub(before);
        assert!(spent > Duration::from_millis(20), "{spent:?}");
    }
}
