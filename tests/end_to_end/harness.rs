//! Starts a machine for every test, and gives the test its ways to talk to it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use fairleader_api::Role;
use fairleader_local::api::Api;
use fairleader_local::company::Company;
use fairleader_local::demo;
use fairleader_local::faults::Faults;
use fairleader_local::lambda::ACCOUNT_CONCURRENCY;
use fairleader_local::machine::{Machine, Options, StarterKey};
use fairleader_runtime::Clock;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::audit::{self, Summary};
use crate::aws::{self, Aws};
use crate::{company, described};

/// Longest time a test waits for something before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(25);

/// Longest delay of the indexes, in every test.
pub(crate) const INDEX_LAG: Duration = Duration::from_millis(500);

/// A Tuesday at ten o'clock in Berlin. Every test's clock stands there until the test moves it.
const START: &str = "2026-03-03T09:00:00Z";

/// The template that is deployed.
pub(crate) const TEMPLATE: &str = include_str!("../../infra/template.yaml");

/// The log of all tests of this run.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter("info,dynoxide=error")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    log
});

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the lines of the log that contain `text`.
pub(crate) fn logged(text: &str) -> Vec<String> {
    let log = LOG.0.lock().unwrap();
    String::from_utf8_lossy(&log).lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

/// How a test's machine is set up.
pub(crate) struct Setup {
    /// Values for the template's parameters.
    pub(crate) parameters: BTreeMap<String, String>,
    /// A text to use instead of the template.
    pub(crate) template: Option<String>,
    /// The company to install; without one there are no reps and no rulebook.
    pub(crate) company: Option<Company>,
    /// Limit on the concurrent calls of all functions together.
    pub(crate) concurrency: usize,
}

impl Default for Setup {
    fn default() -> Self {
        // Failed messages are retried as soon as the functions' timeout allows.
        let parameters = [("VisibilityTimeout", "10")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { parameters, template: None, company: Some(company::small()), concurrency: ACCOUNT_CONCURRENCY }
    }
}

impl Setup {
    /// Sets up a machine that gives up on a message after two tries, two seconds apart.
    pub(crate) fn impatient() -> Self {
        let template = TEMPLATE.replacen("    Timeout: 10\n", "    Timeout: 2\n", 1);
        assert_ne!(template, TEMPLATE);
        Self { template: Some(template), ..Self::default() }
            .parameter("VisibilityTimeout", "2")
            .parameter("MaxReceiveCount", "2")
    }

    pub(crate) fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn empty(mut self) -> Self {
        self.company = None;
        self
    }
}

/// A running machine.
pub(crate) struct Stack {
    machine: Option<Machine>,
    pub(crate) aws: Aws,
    clock: Arc<AtomicI64>,
    client: reqwest::Client,
    accepted: Mutex<BTreeSet<String>>,
    rep_keys: tokio::sync::Mutex<BTreeMap<String, String>>,
    /// The keys of the company's people.
    people: tokio::sync::Mutex<Vec<StarterKey>>,
    published: Arc<Mutex<BTreeMap<String, Value>>>,
    listening: JoinHandle<()>,
    _folder: TempDir,
}

/// A reply of the API.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The body, if it is JSON.
    pub(crate) body: Value,
}

impl Reply {
    /// Returns the body; fails the test if the status is not the expected one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Returns status and body as people see them.
    pub(crate) fn shown(&self) -> String {
        let body = if self.body.is_null() { self.text.clone() } else { format!("{:#}", self.body) };
        format!("{}\n{body}", self.status)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A caller with a key.
pub(crate) struct Caller<'a> {
    stack: &'a Stack,
    key: String,
}

impl Caller<'_> {
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, &[], Vec::new()).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Reply {
        let mut request =
            self.stack.client.request(method.clone(), format!("{}{path}", self.stack.api_url())).body(body.into());
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let content_type = headers.get("content-type").map_or("", |value| value.to_str().unwrap());
        described::check(method.as_str(), path, status, content_type, &text);
        Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }
}

impl Stack {
    /// Starts a machine with the small company.
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// Starts a machine with its own setup.
    pub(crate) async fn with(setup: Setup) -> Self {
        LazyLock::force(&LOG);
        let folder = tempfile::tempdir().unwrap();
        let start: Timestamp = START.parse().unwrap();
        let clock = Arc::new(AtomicI64::new(start.as_millisecond()));
        let template = setup.template.map(|text| write(folder.path(), "template.yaml", &text));
        let options = Options {
            parameters: setup.parameters,
            template,
            clock: Clock::Manual(Arc::clone(&clock)),
            faults: Faults { index_lag: INDEX_LAG, seed: 7 },
            concurrency: setup.concurrency,
            ..Options::new(folder.path().join("data"))
        };
        let machine = Machine::start(options).await.unwrap_or_else(|refused| panic!("{refused}"));
        let published = Arc::default();
        let listening = tokio::spawn(listen(machine.bus.subscribe(), Arc::clone(&published)));
        let stack = Self {
            aws: Aws::operator(&machine.aws_url, &machine.aws_secret),
            clock,
            client: reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap(),
            accepted: Mutex::default(),
            rep_keys: tokio::sync::Mutex::default(),
            people: tokio::sync::Mutex::default(),
            published,
            listening,
            _folder: folder,
            machine: Some(machine),
        };
        if let Some(company) = setup.company {
            stack.install(&company).await;
        }
        stack
    }

    /// Installs a company, has its people approve its rulebook, and activates it.
    pub(crate) async fn install(&self, company: &Company) {
        let admin = Api::new(self.api_url(), self.machine().keys.of(Role::Admin)).unwrap();
        demo::install_with_keys(&admin, company, &mut *self.people.lock().await).await.unwrap();
    }

    pub(crate) fn machine(&self) -> &Machine {
        self.machine.as_ref().unwrap()
    }

    pub(crate) fn api_url(&self) -> &str {
        &self.machine().api_url
    }

    /// Moves the clock forward. This does not run the sweep; see [`Self::sweep`].
    pub(crate) fn pass(&self, minutes: i64) {
        self.clock.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }

    /// Runs the sweep, which happens every minute.
    pub(crate) async fn sweep(&self) {
        // In a real minute the indexes would have caught up, although the test took less time.
        self.indexed().await;
        self.machine().pollers.tick("EveryMinute").await.unwrap();
    }

    /// Returns a caller with the first key of a role.
    pub(crate) fn by(&self, role: Role) -> Caller<'_> {
        Caller { stack: self, key: self.machine().keys.of(role).to_owned() }
    }

    /// Returns a caller with this key, or without a key if it is empty.
    pub(crate) fn with_key(&self, key: &str) -> Caller<'_> {
        Caller { stack: self, key: key.to_owned() }
    }

    /// Returns a rep as a caller, with their own key.
    pub(crate) async fn rep(&self, rep: &str) -> Caller<'_> {
        let mut keys = self.rep_keys.lock().await;
        if !keys.contains_key(rep) {
            let made = self.by(Role::Admin).post("/v1/keys", json!({"role": "rep", "subject": rep})).await.expect(201);
            keys.insert(rep.to_owned(), made["key"].as_str().unwrap().to_owned());
        }
        Caller { stack: self, key: keys[rep].clone() }
    }

    /// Returns one of the company's people as a caller, with their own key.
    pub(crate) async fn person(&self, person: &str) -> Caller<'_> {
        let keys = self.people.lock().await;
        let own = keys.iter().find(|key| key.subject == person).unwrap_or_else(|| panic!("{person} has no key"));
        self.with_key(&own.key)
    }

    /// Adds a person as an admin, and returns them as a caller with their own key.
    pub(crate) async fn new_person(&self, person: &str, role: &str) -> Caller<'_> {
        let admin = self.by(Role::Admin);
        let about = json!({"name": person, "email": format!("{person}@fairleader.example"), "role": role});
        admin.put(&format!("/v1/people/{person}"), about).await.expect(200);
        let made = admin.post("/v1/keys", json!({"person": person})).await.expect(201);
        self.with_key(made["key"].as_str().unwrap())
    }

    /// Uploads a rulebook, which must be valid, and returns its version.
    pub(crate) async fn upload(&self, rulebook: &str) -> String {
        let yaml = [("content-type", "application/yaml")];
        let kept = self.by(Role::Marketing).send(Method::POST, "/v1/rulebooks", &yaml, rulebook).await.expect(201);
        kept["version"].as_str().unwrap().to_owned()
    }

    /// Approves a version for both sides.
    pub(crate) async fn approve(&self, version: &str) {
        for person in ["mara", "otto"] {
            self.person(person).await.post(&format!("/v1/rulebooks/{version}/approve"), Value::Null).await.expect(200);
        }
    }

    /// Submits a lead, which must be accepted, and returns its id.
    pub(crate) async fn submit(&self, lead: Value) -> String {
        self.accepted(&self.by(Role::Source).post("/v1/leads", lead).await)
    }

    /// Submits a lead with an `Idempotency-Key`.
    pub(crate) async fn submit_as(&self, key: &str, lead: Value) -> Reply {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        self.by(Role::Source).send(Method::POST, "/v1/leads", &headers, lead.to_string()).await
    }

    /// Reports an activity, which must be accepted, and returns its id.
    pub(crate) async fn act(&self, activity: Value) -> String {
        let answer = self.by(Role::Source).post("/v1/activities", activity).await.expect(202);
        answer["activity_id"].as_str().unwrap().to_owned()
    }

    /// Reports an activity with an `Idempotency-Key`.
    pub(crate) async fn act_as(&self, key: &str, activity: Value) -> Reply {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        self.by(Role::Source).send(Method::POST, "/v1/activities", &headers, activity.to_string()).await
    }

    /// Records that a lead was accepted, and returns its id.
    #[track_caller]
    pub(crate) fn accepted(&self, reply: &Reply) -> String {
        let id = reply.clone().expect(202)["lead_id"].as_str().unwrap().to_owned();
        self.expect_lead(&id);
        id
    }

    /// Records that a lead with this id must exist at the end of the test.
    pub(crate) fn expect_lead(&self, id: &str) {
        self.accepted.lock().unwrap().insert(id.to_owned());
    }

    /// Returns the ids of all accepted leads.
    pub(crate) fn accepted_so_far(&self) -> BTreeSet<String> {
        self.accepted.lock().unwrap().clone()
    }

    /// Returns a lead as it is now.
    pub(crate) async fn lead(&self, id: &str) -> Value {
        self.by(Role::Sales).get(&format!("/v1/leads/{id}")).await.expect(200)
    }

    /// Waits until a lead is at `stage`, and returns it.
    pub(crate) async fn at(&self, id: &str, stage: &str) -> Value {
        let sales = self.by(Role::Sales);
        let path = format!("/v1/leads/{id}");
        let mut last = Value::Null;
        eventually(&format!("lead {id} to be {stage}"), async || {
            last = sales.get(&path).await.body;
            (last["stage"] == stage).then(|| last.clone())
        })
        .await
    }

    /// Returns the types of a lead's events, oldest first.
    pub(crate) async fn events(&self, id: &str) -> Vec<String> {
        let answer = self.by(Role::Sales).get(&format!("/v1/leads/{id}/events")).await.expect(200);
        let events = answer["events"].as_array().unwrap();
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns a rep's count of open leads.
    pub(crate) async fn open(&self, rep: &str) -> u64 {
        self.by(Role::Sales).get(&format!("/v1/reps/{rep}")).await.expect(200)["open"].as_u64().unwrap()
    }

    /// Changes a rep's capacity.
    pub(crate) async fn set_capacity(&self, rep: &str, capacity: u32) {
        let path = format!("/v1/reps/{rep}");
        self.by(Role::Sales).put(&path, json!(company::rep(rep, capacity))).await.expect(200);
    }

    /// Waits until every queue is empty, every stored event is published and processed, and the indexes show it.
    pub(crate) async fn settled(&self) {
        let mut before = BTreeSet::new();
        eventually("everything to be done", async || {
            let stored = stored_events(&self.aws).await;
            let unheard = stored.iter().any(|id| !self.published.lock().unwrap().contains_key(id));
            let quiet = !unheard && self.machine().settled().await && self.machine().settled().await;
            let same = stored == before;
            before = stored;
            (quiet && same).then_some(())
        })
        .await;
        self.indexed().await;
    }

    /// Takes an event that went over the bus from those that have to be stored; `None` if it did not go over it yet.
    pub(crate) fn forget_event(&self, id: &str) -> Option<()> {
        self.published.lock().unwrap().remove(id).map(drop)
    }

    /// Waits until the indexes show everything that has been written.
    pub(crate) async fn indexed(&self) {
        tokio::time::sleep(INDEX_LAG).await;
    }

    /// Waits until all work is done, audits all tables, and stops the machine.
    pub(crate) async fn finish(mut self) -> Summary {
        self.settled().await;
        let accepted = self.accepted_so_far();
        let summary = audit::audit(&self.aws, &accepted).await;
        let published = self.published.lock().unwrap().clone();
        audit::bus_is_true(&self.aws, &published).await;
        // Leads and reps have e-mail addresses, so an `@` in the log would be personal data.
        let personal: Vec<String> = logged("@").into_iter().chain(logged("%40")).collect();
        assert!(personal.is_empty(), "personal data in the log: {personal:#?}");
        if let Some(machine) = self.machine.take() {
            machine.stop().await;
        }
        summary
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.listening.abort();
        let forgotten = self.machine.is_some() && !std::thread::panicking();
        assert!(!forgotten, "call `finish` at the end of the test, so that the tables are audited");
    }
}

async fn stored_events(aws: &Aws) -> BTreeSet<String> {
    let items = aws.scan("leads").await;
    let events = items.iter().filter(|item| aws::text(item, "part").starts_with("event#"));
    events.map(|item| aws::body(item)["id"].as_str().unwrap().to_owned()).collect()
}

async fn listen(mut events: tokio::sync::broadcast::Receiver<Value>, heard: Arc<Mutex<BTreeMap<String, Value>>>) {
    while let Ok(event) = events.recv().await {
        let detail = event["detail"].clone();
        if let Some(id) = detail["id"].as_str() {
            heard.lock().unwrap().insert(id.to_owned(), detail.clone());
        }
    }
}

/// Polls until `look` returns a value; fails after [`PATIENCE`].
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look).await
}

/// Polls until `look` returns a value; fails after `patience`.
pub(crate) async fn within<T>(patience: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        if begun.elapsed() >= patience {
            let lines = logged("");
            let last = lines.get(lines.len().saturating_sub(60)..).unwrap_or_default().join("\n");
            panic!("timed out after {patience:?}, waiting for {what}; the log ends:\n{last}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Returns the program's argument for indexes that are late by [`INDEX_LAG`].
pub(crate) fn faults() -> String {
    format!("--faults=index-lag={}ms,seed=7", INDEX_LAG.as_millis())
}

/// Writes a file and returns its path.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
