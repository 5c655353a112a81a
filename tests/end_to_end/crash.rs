//! The process is killed again and again, at random moments of an import, while activities of existing leads come in.
//! Nothing that was accepted is lost, and nothing is done twice.
//!
//! `FAIRLEADER_KILL_LEADS` sets the number of rows (2,000 by default). `FAIRLEADER_KILL_SEED` repeats the moments of an
//! earlier run, which prints its seed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fairleader_api::Role;
use fairleader_local::api::{Api, ApiError};
use fairleader_local::demo;
use fairleader_local::machine::StarterKeys;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::audit::audit;
use crate::aws::{Aws, text};
use crate::company;
use crate::harness::{faults, within};

/// Number of kills during the import, and again while the leads are processed.
const KILLS: usize = 3;
/// Longest time before a kill, in milliseconds.
const LIVES: usize = 2000;
/// Rows in a part.
const PART: usize = 200;
/// Number of leads before the first kill. Their people send activities during the whole test.
const KNOWN: usize = 40;
/// Time between two activities.
const NEXT_CLICK: Duration = Duration::from_millis(30);

/// The running program, with its data in a folder.
pub(crate) struct Server {
    child: Child,
    api_url: String,
    aws_url: String,
    aws_secret: String,
}

impl Server {
    /// Starts `fairleader up` on free ports.
    pub(crate) async fn start(data: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairleader"));
        command.args(["up", "--port", "0", "--json", &faults(), "--data"]).arg(data).args(more);
        command.env("FAIRLEADER_LOG", "warn");
        Self::run(command, data).await
    }

    /// Runs a command that starts `fairleader up --json` on this folder.
    pub(crate) async fn run(mut command: Command, data: &Path) -> Self {
        let log = std::fs::File::options().append(true).create(true).open(log_of(data)).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = child.spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(out).read_line(&mut line).unwrap();
            line
        });
        let line = line.await.unwrap();
        let at: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("no start: {line}{}", std::fs::read_to_string(log_of(data)).unwrap()));
        let text = |name: &str| at[name].as_str().unwrap().to_owned();
        let aws_secret = std::fs::read_to_string(text("aws_secret")).unwrap().trim().to_owned();
        Self { child, api_url: text("api"), aws_url: text("aws"), aws_secret }
    }

    pub(crate) fn api_url(&self) -> &str {
        &self.api_url
    }

    pub(crate) fn aws_url(&self) -> &str {
        &self.aws_url
    }

    /// Connects to its AWS services as the operator.
    pub(crate) fn aws(&self) -> Aws {
        Aws::operator(&self.aws_url, &self.aws_secret)
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn is_answering(&self) -> bool {
        reqwest::get(&self.api_url).await.is_ok_and(|answer| answer.status() == 404)
    }

    /// Kills the process without warning (SIGKILL).
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    /// Kills the process, so that a failed test leaves none behind. It may have ended already.
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// Returns the path of the log, beside the data folder, which belongs to the program.
pub(crate) fn log_of(data: &Path) -> PathBuf {
    data.with_extension("log")
}

/// A seeded random number generator (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// Makes a list in parts: one row in twenty repeats a person, one in fifty is invalid. Returns the parts and the number
/// of valid rows.
fn list(rows: usize, random: &mut Random) -> (Vec<String>, usize) {
    let (mut parts, mut good) = (Vec::new(), 0);
    for first in (0..rows).step_by(PART) {
        let mut part = "email,first_name,last_name,company,job_title,country,employees,did\n".to_owned();
        for row in first..rows.min(first + PART) {
            let earlier = if row > 20 { random.below(row) } else { row };
            let (address, person) = match row % 100 {
                20 | 70 => ("nobody at nowhere".to_owned(), row),
                5 | 25 | 45 | 65 | 85 => (format!("P{earlier}+again@Company{earlier}.example"), earlier),
                _ => (format!("p{row}@company{row}.example"), row),
            };
            good += usize::from(!matches!(row % 100, 20 | 70));
            let country = ["DE", "ES", "FR", "ES"][row % 4];
            let title = ["CEO", "Clerk", "VP Sales", "Head of Logistics"][row % 3];
            let did = ["demo", "newsletter", "contact_me", "webinar", "demo"][row % 5];
            let address = if row % 100 == 33 { format!("p{row}@mailinator.com") } else { address };
            let employees = row % 1500;
            writeln!(part, "{address},P,Person {person},Company {person},{title},{country},{employees},{did}").unwrap();
        }
        parts.push(part);
    }
    (parts, good)
}

/// Returns the company, with a rep in Spain who reaches her capacity.
fn company() -> fairleader_local::company::Company {
    let mut company = company::small();
    for rep in &mut company.reps {
        rep.capacity = if rep.rep_id.as_str() == "carla" { 100 } else { 10_000 };
    }
    company
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_kills_lose_nothing_and_double_nothing() {
    let rows = std::env::var("FAIRLEADER_KILL_LEADS").map_or(2000, |text| text.parse().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() % 1_000_000_007;
    let seed = std::env::var("FAIRLEADER_KILL_SEED").map_or(u64::try_from(now).unwrap(), |text| text.parse().unwrap());
    println!("FAIRLEADER_KILL_SEED={seed}");
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let parameters = ["--parameter", "VisibilityTimeout=10"];

    let mut server = Server::start(&data, &parameters).await;
    let keys: StarterKeys = serde_json::from_str(&std::fs::read_to_string(data.join("keys.json")).unwrap()).unwrap();
    let admin = Api::new(&server.api_url, keys.of(Role::Admin)).unwrap();
    demo::install(&admin, &company()).await.unwrap();
    let import = admin.post("/v1/imports", &json!({"name": "2,000 rows"})).await.unwrap();
    let import = import["import_id"].as_str().unwrap().to_owned();
    let (parts, good) = list(rows, &mut random);

    let source = keys.of(Role::Source).to_owned();
    let known = known(&Api::new(&server.api_url, &source).unwrap()).await;

    // One task imports the list part by part and retries parts without a reply; another sends activities.
    let (moved, urls) = watch::channel(server.api_url.clone());
    let (enough, is_enough) = watch::channel(false);
    let telling = tokio::spawn(tell(urls.clone(), source, known.clone(), is_enough));
    let key = keys.of(Role::Marketing).to_owned();
    let path = format!("/v1/imports/{import}/parts");
    let mut bringing_in = tokio::spawn(bring_in(urls, key.clone(), path, parts));

    let begun = Instant::now();
    let mut kills = Vec::new();
    let mut again = 0;
    for phase in ["importing", "working"] {
        for _ in 0..KILLS {
            let life = Duration::from_millis(u64::try_from(random.below(LIVES)).unwrap());
            tokio::time::sleep(life).await;
            let importing = !bringing_in.is_finished();
            server.kill();
            server = Server::start(&data, &parameters).await;
            moved.send_replace(server.api_url.clone());
            let left = server.aws().working().await;
            kills.push(Kill { phase, importing, life, left });
        }
        if !bringing_in.is_finished() {
            again = (&mut bringing_in).await.unwrap();
        }
    }
    enough.send_replace(true);
    let (told, told_again) = telling.await.unwrap();
    let aws = server.aws();
    let api = Api::new(&server.api_url, &key).unwrap();
    let mut accepted = accepted(&api, &import, rows).await;
    assert_eq!(accepted.len(), good, "every good row is a lead of its own");
    accepted.extend(known);

    let mut quiet = 0;
    within(Duration::from_mins(2), "everything to be done", async || {
        let idle = aws.working().await == 0 && is_decided(&aws, &accepted).await;
        quiet = if idle { quiet + 1 } else { 0 };
        (quiet == 3).then_some(())
    })
    .await;
    let done = begun.elapsed();
    let counted = audit(&aws, &accepted).await;
    println!(
        "{} kills, {again} + {told_again} requests without an answer, {} leads and {} activities done in {done:?}: {:?}, {} turns, owned {:?}\n{kills:#?}",
        kills.len(),
        counted.leads(),
        counted.activities.len(),
        counted.stages,
        counted.turns,
        counted.owned
    );
    assert!(told.len() > 20, "{}", told.len());
    let lost: Vec<_> = told.difference(&counted.activities).collect();
    assert!(lost.is_empty(), "accepted activities are lost: {lost:?}");
    // The audit counts how often each is recorded and told.
    assert_eq!(counted.activities.len(), told.len(), "recorded activities were never sent");
    if rows >= 1000 {
        assert!(kills.iter().any(|kill| kill.importing), "{kills:?}");
        assert!(kills.iter().any(|kill| !kill.importing && kill.left > 0), "{kills:?}");
    }
    let log = std::fs::read_to_string(log_of(&data)).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(aws.messages("dead-letters").await, 0);
    let rest: BTreeSet<_> = counted.stages.keys().map(String::as_str).collect();
    let may = BTreeSet::from(["assigned", "waiting", "nurturing", "disqualified", "merged"]);
    assert_eq!(rest.difference(&may).collect::<Vec<_>>(), Vec::<&&str>::new());
    if rows >= 1000 {
        assert_eq!(rest, may, "the list leads to every stage");
        assert_eq!(counted.owned["carla"], 100, "she is at capacity, not above it");
    }

    server.kill();
}

/// A kill, for the report at the end.
#[derive(Debug)]
#[expect(dead_code, reason = "printed, so that a failure can be understood")]
struct Kill {
    phase: &'static str,
    /// Whether the import was still running.
    importing: bool,
    /// How long the process had run.
    life: Duration,
    /// Messages in the queues afterwards.
    left: u64,
}

async fn bring_in(urls: watch::Receiver<String>, key: String, path: String, parts: Vec<String>) -> usize {
    let mut again = 0;
    for (number, part) in (1..).zip(&parts) {
        let path = format!("{path}/{number}");
        loop {
            let api = Api::new(&urls.borrow().clone(), &key).unwrap();
            match api.call(Method::PUT, &path, &[("content-type", "text/csv")], part.clone().into_bytes()).await {
                Ok(_) => break,
                Err(ApiError::NoAnswer { .. }) => {
                    again += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(refused) => panic!("{refused}"),
            }
        }
    }
    again
}

/// Submits leads before the first kill and returns their ids.
async fn known(api: &Api) -> Vec<String> {
    let mut leads = Vec::new();
    for number in 0..KNOWN {
        let lead = json!({"email": format!("early{number}@bird{number}.example"), "did": "newsletter"});
        let answer = api.post("/v1/leads", &lead).await.unwrap();
        leads.push(answer["lead_id"].as_str().unwrap().to_owned());
    }
    leads
}

/// Sends activities until it is stopped, each until it gets a reply, and every third one once more. Returns the ids of
/// all accepted activities, and the number of requests without a reply.
async fn tell(
    urls: watch::Receiver<String>,
    key: String,
    leads: Vec<String>,
    is_enough: watch::Receiver<bool>,
) -> (BTreeSet<String>, usize) {
    let (mut accepted, mut again) = (BTreeSet::new(), 0);
    for (number, lead) in leads.iter().cycle().enumerate() {
        if *is_enough.borrow() {
            break;
        }
        let did = ["pricing", "webinar", "download", "demo"][number % 4];
        let body = json!({"lead_id": lead, "did": did}).to_string().into_bytes();
        let click = format!("click-{number}");
        let headers = [("content-type", "application/json"), ("idempotency-key", click.as_str())];
        let mut answers = 0;
        while answers < 1 + usize::from(number % 3 == 0) {
            let api = Api::new(&urls.borrow().clone(), &key).unwrap();
            match api.call(Method::POST, "/v1/activities", &headers, body.clone()).await {
                Ok(answer) => {
                    let new = accepted.insert(answer["activity_id"].as_str().unwrap().to_owned());
                    assert_eq!(new, answers == 0, "a key stands for exactly one activity");
                    answers += 1;
                }
                Err(ApiError::NoAnswer { .. }) => {
                    again += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(refused) => panic!("{refused}"),
            }
        }
        tokio::time::sleep(NEXT_CLICK).await;
    }
    (accepted, again)
}

/// Returns the leads of all rows; every row must have a result.
async fn accepted(api: &Api, import: &str, expected: usize) -> BTreeSet<String> {
    let (mut leads, mut rows, mut from) = (BTreeSet::new(), 0, String::new());
    loop {
        let page = api.get(&format!("/v1/imports/{import}/rows{from}")).await.unwrap();
        for row in page["rows"].as_array().unwrap() {
            rows += 1;
            match row["lead_id"].as_str() {
                Some(lead) => assert!(leads.insert(lead.to_owned()), "two rows are one lead: {row}"),
                None => assert!(!row["errors"].as_array().unwrap().is_empty(), "{row}"),
            }
        }
        match page["next"].as_str() {
            Some(next) => from = format!("?from={}", next.replace('#', "%23")),
            None => break,
        }
    }
    assert_eq!(rows, expected, "every row has a result");
    leads
}

/// Returns whether every accepted lead is decided.
async fn is_decided(aws: &Aws, accepted: &BTreeSet<String>) -> bool {
    let items = aws.scan("leads").await;
    let decided = items.iter().filter(|item| text(item, "part") == "state" && text(item, "stage") != "stored");
    decided.count() == accepted.len()
}
