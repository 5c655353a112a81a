//! The process is killed, again and again, at random moments of an import, while people who are there already go on
//! doing things. Nothing that was accepted is lost, nothing is done twice.
//!
//! `FAIRLEADER_KILL_LEADS` sets the number of rows (2,000 by default), `FAIRLEADER_KILL_SEED` repeats the moments of an
//! earlier run; the seed is printed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fairleader_local::api::{Api, ApiError};
use fairleader_local::demo;
use fairleader_local::machine::StarterKeys;
use fairleader_runtime::http::Role;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::audit::audit;
use crate::aws::{Aws, text};
use crate::company;
use crate::harness::{faults, within};

/// How often the process is killed while the list is being brought in, and as often while the leads are worked on.
const KILLS: usize = 3;
/// How many milliseconds the process lives at most before it is killed.
const LIVES: usize = 2000;
/// Rows in a part.
const PART: usize = 200;
/// How many leads are there before the first kill, whose people go on doing things.
const KNOWN: usize = 40;
/// How long it takes until somebody does something again.
const NEXT_CLICK: Duration = Duration::from_millis(30);

/// The program, running with its data in a folder.
pub(crate) struct Server {
    child: Child,
    api_url: String,
    aws_url: String,
}

impl Server {
    /// Starts `fairleader up` on free ports.
    pub(crate) async fn start(data: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairleader"));
        command.args(["up", "--port", "0", "--json", &faults(), "--data"]).arg(data).args(more);
        let log = std::fs::File::options().append(true).create(true).open(log_of(data)).unwrap();
        let child = command.env("FAIRLEADER_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
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
        Self { child, api_url: at["api"].as_str().unwrap().to_owned(), aws_url: at["aws"].as_str().unwrap().to_owned() }
    }

    pub(crate) fn api_url(&self) -> &str {
        &self.api_url
    }

    pub(crate) fn aws_url(&self) -> &str {
        &self.aws_url
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn is_answering(&self) -> bool {
        reqwest::get(&self.api_url).await.is_ok_and(|answer| answer.status() == 404)
    }

    /// SIGKILL: no warning, no last words.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    /// A test that fails leaves no process behind; one that is gone already cannot be killed.
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// Beside the folder: what is in it is only the program's.
fn log_of(data: &Path) -> PathBuf {
    data.with_extension("log")
}

/// Numbers that look random and can be had again (splitmix64).
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

/// A list: one row in twenty is somebody who is in it already, one in fifty cannot be taken. The parts, and how many
/// rows are good.
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

/// The company, with a desk in Spain that fills up.
fn company() -> fairleader_local::company::Company {
    let mut company = company::small();
    for rep in &mut company.reps {
        rep.capacity = if rep.rep_id.as_str() == "carla" { 100 } else { 10_000 };
    }
    company
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_loses_nothing_and_does_nothing_twice() {
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

    // One brings the list in, part by part, and sends a part again that was not answered; another tells what people do.
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
            let left = Aws::operator(&server.aws_url).working().await;
            kills.push(Kill { phase, importing, life, left });
        }
        if !bringing_in.is_finished() {
            again = (&mut bringing_in).await.unwrap();
        }
    }
    enough.send_replace(true);
    let (told, told_again) = telling.await.unwrap();
    let aws = Aws::operator(&server.aws_url);
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
    assert!(lost.is_empty(), "activities that were accepted and are lost: {lost:?}");
    // The audit counts how often each is recorded and told.
    assert_eq!(counted.activities.len(), told.len(), "activities that nobody told of");
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
        assert_eq!(rest, may, "the list has something of everything");
        assert_eq!(counted.owned["carla"], 100, "her desk is full, and not fuller");
    }

    server.kill();
}

/// A kill, to be told.
#[derive(Debug)]
#[expect(dead_code, reason = "printed, so that a failure can be understood")]
struct Kill {
    phase: &'static str,
    /// Whether the list was still being brought in.
    importing: bool,
    /// How long the process had run.
    life: Duration,
    /// Messages that were there afterwards.
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

/// Leads that are there before anything is killed.
async fn known(api: &Api) -> Vec<String> {
    let mut leads = Vec::new();
    for number in 0..KNOWN {
        let lead = json!({"email": format!("early{number}@bird{number}.example"), "did": "newsletter"});
        let answer = api.post("/v1/leads", &lead).await.unwrap();
        leads.push(answer["lead_id"].as_str().unwrap().to_owned());
    }
    leads
}

/// Tells what people do until it is enough, again and again until it is answered, and every third time once more than
/// that: the ids of all that was accepted, and how many requests had no answer.
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
                    assert_eq!(new, answers == 0, "one key is one activity, and another key another one");
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

/// The leads of all rows; every row has a result.
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

/// Whether no accepted lead is on its way any more.
async fn is_decided(aws: &Aws, accepted: &BTreeSet<String>) -> bool {
    let items = aws.scan("leads").await;
    let decided = items.iter().filter(|item| text(item, "part") == "state" && text(item, "stage") != "stored");
    decided.count() == accepted.len()
}
