//! Seeded requests to all routes as all roles: valid and foreign ids, wrong types, over-long texts, odd Unicode, deep and
//! broken JSON, wrong media types, bad encodings and headers, and HTTP that is none. The server answers each with what
//! its description says, never with a 5xx, and loses no lead that it accepted.
//!
//! `FAIRLEADER_FUZZ_REQUESTS` sets the number of requests (1,500 by default), `FAIRLEADER_FUZZ_SEED` the seed (1 by
//! default). A request that fails is printed as a command for `curl`.

#[path = "fuzz/known.rs"]
mod known;
#[path = "fuzz/requests.rs"]
mod requests;
#[path = "fuzz/sample.rs"]
mod sample;
#[path = "fuzz/wire.rs"]
pub(crate) mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fairleader_api::Role;
use fairleader_api::route::operations;
use fairleader_hostile::{Random, mutated, setting};
use fairleader_local::api::Api;
use fairleader_local::demo;
use fairleader_local::machine::{StarterKey, StarterKeys};
use reqwest::Method;
use serde_json::{Value, json};

use self::known::Known;
use self::requests::{Caller, Case, Requests};
use self::wire::{Answer, exchange};
use crate::audit::look;
use crate::crash::{Server, log_of};
use crate::harness::within;
use crate::{company, described};

/// Clients at the same time.
const CLIENTS: u64 = 4;
/// Failures after which the run ends.
const ENOUGH: usize = 20;
/// How much the server may grow, in MiB. Caches and the allocator's own reserve are in it.
const GROWTH: u64 = 600;

/// HTTP that is wrong, or nearly.
const MALFORMED: [&[u8]; 14] = [
    b"GET /v1/reps HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v1/reps HTTP/9.9\r\n\r\n",
    b"GET  /v1/reps  HTTP/1.1\r\n\r\n",
    b"POST /v1/leads HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n{}",
    b"POST /v1/leads HTTP/1.1\r\ncontent-length: -1\r\n\r\n{}",
    b"POST /v1/leads HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
    b"POST /v1/leads HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST /v1/leads HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
    b"POST /v1/leads HTTP/1.1\r\nhost: x\r\n folded: y\r\nauthorization: Bearer \xff\xfe\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET http://example.com/v1/reps HTTP/1.1\r\nhost: y\r\n\r\n",
    b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: y\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
];

/// What a run has seen.
#[derive(Default)]
struct Seen {
    statuses: BTreeMap<u16, u64>,
    /// Routes that answered with success.
    successes: BTreeSet<String>,
    accepted: BTreeSet<String>,
    failures: Vec<String>,
}

struct Run {
    address: String,
    requests: Requests,
    known: Mutex<Known>,
    seen: Mutex<Seen>,
    seed: u64,
    count: u64,
    next: AtomicU64,
}

/// Returns the resident memory of a process, in MiB.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    resident.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Makes a key for every role and kind of caller.
async fn callers(admin: &Api, keys: &StarterKeys, people: &[StarterKey]) -> Vec<Caller> {
    let caller = |name: &str, role, key: &str| Caller { name: name.to_owned(), role, key: key.to_owned() };
    let mut all = vec![caller("without a key", None, ""), caller("with a guessed key", None, "guessed")];
    for role in [Role::Source, Role::Viewer, Role::Marketing, Role::Sales, Role::Admin] {
        all.push(caller(role.as_str(), Some(role), keys.of(role)));
    }
    for (person, role) in [("mara", Role::Marketing), ("otto", Role::Sales)] {
        let own = people.iter().find(|key| key.subject == person).unwrap();
        all.push(caller(person, Some(role), &own.key));
    }
    for (subject, role) in [("anna", Role::Rep), ("ben", Role::Rep), ("partner", Role::Source)] {
        let made = admin.post("/v1/keys", &json!({"role": role, "subject": subject})).await.unwrap();
        all.push(caller(subject, Some(role), made["key"].as_str().unwrap()));
    }
    let made = admin.post("/v1/keys", &json!({"role": "admin", "subject": "gone"})).await.unwrap();
    let id = made["id"].as_str().unwrap();
    admin.call(Method::DELETE, &format!("/v1/keys/{id}"), &[], Vec::new()).await.unwrap();
    all.push(caller("with a deleted key", None, made["key"].as_str().unwrap()));
    all
}

impl Run {
    /// Sends requests until all are sent.
    async fn client(&self) {
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            if number >= self.count || self.seen.lock().unwrap().failures.len() >= ENOUGH {
                return;
            }
            let mut random = Random::of_case(self.seed, number);
            if random.one_in(20) { self.malformed(&mut random).await } else { self.request(&mut random).await }
        }
    }

    async fn request(&self, random: &mut Random) {
        let case = self.requests.one(random, &self.known.lock().unwrap());
        let what = || {
            let caller = &self.requests.callers()[case.caller].name;
            format!("{} {caller}:\n    {}", case.operation, case.wire.curl(&format!("http://{}", self.address)))
        };
        let failure = match case.wire.send(&self.address).await.unwrap() {
            None => Some("no reply".to_owned()),
            Some(answer) => self.judge(&case, &answer).err(),
        };
        if let Some(failure) = failure {
            self.seen.lock().unwrap().failures.push(format!("{failure}\n  {}", what()));
        }
    }

    /// Checks a reply, and remembers what it brought.
    fn judge(&self, case: &Case, answer: &Answer) -> Result<(), String> {
        let shown = || format!("{} {}", answer.status, answer.body.chars().take(500).collect::<String>());
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let mut seen = self.seen.lock().unwrap();
        *seen.statuses.entry(answer.status).or_default() += 1;
        if answer.status < 300 {
            seen.successes.insert(case.operation.key());
            if answer.status == 202 && case.operation.name == "SubmitLead" {
                seen.accepted.extend(body["lead_id"].as_str().map(str::to_owned));
            }
        }
        drop(seen);
        let mut known = self.known.lock().unwrap();
        known.learn(&body);
        if let Some(etag) = answer.header("etag") {
            known.add("etag", etag);
        }
        drop(known);
        // The only 5xx that a caller may cause is a budget's, which says when to try again.
        if answer.status >= 500 && !(answer.status == 503 && answer.header("retry-after").is_some()) {
            return Err(shown());
        }
        // A request that HTTP itself refuses never reaches the API.
        let Some(content_type) = answer.header("apigw-requestid").map(|_| answer.header("content-type").unwrap_or(""))
        else {
            return if (400..500).contains(&answer.status) { Ok(()) } else { Err(shown()) };
        };
        let path = case.wire.target.split('?').next().unwrap_or_default();
        // API Gateway refuses headers that are too long by itself, on any route, and methods that it does not know.
        let unknown = case.wire.method == "HEAD" || case.wire.method.bytes().any(|letter| letter.is_ascii_lowercase());
        if path.contains("//") || path.ends_with('/') || unknown || answer.status == 431 {
            return Ok(());
        }
        let (method, status) = (&case.wire.method, answer.status);
        let described = catch_unwind(AssertUnwindSafe(|| {
            described::check(method, &case.wire.target, status, content_type, &answer.body);
        }));
        described.map_err(|panic| {
            let said = panic.downcast::<String>().unwrap_or_default();
            format!("not as described: {}\n  {}", shown(), said.chars().take(2_000).collect::<String>())
        })
    }

    /// Sends bytes that are hardly HTTP. The server refuses them or hangs up.
    async fn malformed(&self, random: &mut Random) {
        let bytes = mutated(random, &MALFORMED.map(<[u8]>::to_vec));
        let answer = exchange(&self.address, &bytes, Duration::from_millis(300)).await.unwrap();
        let mut seen = self.seen.lock().unwrap();
        if let Some(answer) = answer {
            *seen.statuses.entry(answer.status).or_default() += 1;
            if answer.status >= 500 {
                seen.failures.push(format!("{} to the bytes {:?}", answer.status, bytes.escape_ascii().to_string()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_makes_the_server_fail() {
    let (count, seed) = (setting("FAIRLEADER_FUZZ_REQUESTS", 1_500), setting("FAIRLEADER_FUZZ_SEED", 1));
    println!("FAIRLEADER_FUZZ_REQUESTS={count} FAIRLEADER_FUZZ_SEED={seed}");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data, &["--parameter", "VisibilityTimeout=10"]).await;
    let keys: StarterKeys = serde_json::from_str(&std::fs::read_to_string(data.join("keys.json")).unwrap()).unwrap();
    let admin = Api::new(server.api_url(), keys.of(Role::Admin)).unwrap();
    let mut people = Vec::new();
    demo::install_with_keys(&admin, &company::small(), &mut people).await.unwrap();
    let callers = callers(&admin, &keys, &people).await;

    let run = Arc::new(Run {
        address: server.api_url().trim_start_matches("http://").to_owned(),
        requests: Requests::new(callers),
        known: Mutex::new(Known::new()),
        seen: Mutex::default(),
        seed,
        count,
        next: AtomicU64::new(0),
    });
    let (begun, before) = (Instant::now(), memory(server.process_id()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let run = Arc::clone(&run);
            tokio::spawn(async move { run.client().await })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let (took, after) = (begun.elapsed(), memory(server.process_id()));
    let seen = std::mem::take(&mut *run.seen.lock().unwrap());
    println!("{count} requests in {took:?}; {:?}; {} leads accepted", seen.statuses, seen.accepted.len());
    println!("memory before {before} MiB, after {after} MiB; {} routes succeeded", seen.successes.len());
    let failures = seen.failures.join("\n\n");
    assert!(seen.failures.is_empty(), "FAIRLEADER_FUZZ_SEED={seed}, {} failures:\n\n{failures}", seen.failures.len());
    let most = operations().len() / 2;
    assert!(count < 1_000 || seen.successes.len() > most, "only these routes succeeded: {:?}", seen.successes);
    assert!(after < before + GROWTH, "the server grew from {before} to {after} MiB");

    goes_on(&server, &data, &admin, &seen).await;
    server.kill();
}

/// Checks that the server has lost nothing, has said nothing that it must not say, and still works.
async fn goes_on(server: &Server, data: &Path, admin: &Api, seen: &Seen) {
    let aws = server.aws();
    let mut quiet = 0;
    within(Duration::from_mins(5), "everything to be done", async || {
        quiet = if aws.working().await == 0 { quiet + 1 } else { 0 };
        (quiet == 5).then_some(())
    })
    .await;
    let (counted, mut wrong) = look(&aws, &seen.accepted).await;
    // Lists and activities make leads too.
    wrong.retain(|said| !said.ends_with("exists but was never accepted"));
    println!("{} leads: {:?}", counted.leads(), counted.stages);
    assert!(wrong.is_empty(), "the audit found:\n  {}", wrong.join("\n  "));
    admin.get("/v1/reps").await.unwrap();
    let log = std::fs::read_to_string(log_of(data)).unwrap();
    for unwanted in ["panicked", " ERROR ", "@company", "%40company"] {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(unwanted)).take(10).collect();
        assert!(lines.is_empty(), "`{unwanted}` in the log:\n{}", lines.join("\n"));
    }
}
