//! One machine that runs the whole stack: the engines, the functions and the API, started from the template.

mod starter_keys;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fairleader_runtime::{Clock, Env, Load, load};
use fairleader_store::StoreError;
use futures::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use self::starter_keys::{StarterKey, StarterKeys};
use self::starter_keys::{aws_secret, starter_keys};
use crate::attack_log;
use crate::bus::{self, Bus};
use crate::data_folder::{DataFolder, DataFolderError};
use crate::faults::{self, Faults};
use crate::gateway::Gateway;
use crate::lambda::{self, Lambda};
use crate::pollers::{self, Pollers, StreamReader};
use crate::proxy::{self, InProcess, OPERATOR_KEY_ID, Proxy};
use crate::sqs::{self, Queues};
use crate::stack::{EventSource, Function, Stack};
use crate::tables::{self, Tables};
use crate::template::{self, Settings, TemplateProblem};

/// The template that this program was built with.
const TEMPLATE: &str = include_str!("../../template.yaml");
/// Its name in problems.
const TEMPLATE_NAME: &str = "infra/template.yaml";

/// Region in ARNs and signatures on this machine.
pub const REGION: &str = "eu-central-1";
const ACCOUNT: &str = "000000000000";
const STACK: &str = "fairleader";

/// How often expired items are removed and old stream records trimmed.
const HOUSEKEEPING: Duration = Duration::from_mins(1);

/// Options to start a machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the data. It is created if it does not exist.
    pub data: PathBuf,
    /// Port of the API on 127.0.0.1; zero for any free port.
    pub port: u16,
    /// Port of the AWS services on 127.0.0.1; zero for any free port.
    pub aws_port: u16,
    /// Template to use instead of the one that this program was built with.
    pub template: Option<PathBuf>,
    /// Values for the template's parameters.
    pub parameters: BTreeMap<String, String>,
    /// The functions' clock.
    pub clock: Clock,
    /// Faults to inject.
    pub faults: Faults,
    /// Whether only the API runs: nothing is read from queues, streams and schedules, and nothing expires. The folder
    /// changes only through calls.
    pub paused: bool,
    /// Limit on concurrent calls of all functions together.
    pub concurrency: usize,
}

impl Options {
    /// Returns options for a machine on any free ports, with its data in `data`.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            port: 0,
            aws_port: 0,
            template: None,
            parameters: BTreeMap::new(),
            clock: Clock::System,
            faults: Faults::default(),
            paused: false,
            concurrency: lambda::ACCOUNT_CONCURRENCY,
        }
    }
}

/// A running machine.
pub struct Machine {
    /// Address of the API: `http://127.0.0.1:3000`.
    pub api_url: String,
    /// Address of the AWS services.
    pub aws_url: String,
    /// Secret of the operator's access key, whose id is `fairleader`.
    pub aws_secret: String,
    /// Keys made at the first start.
    pub keys: StarterKeys,
    /// The resolved template.
    pub stack: Stack,
    /// The queues.
    pub queues: Queues,
    /// The bus.
    pub bus: Bus,
    /// The event sources.
    pub pollers: Arc<Pollers>,
    tasks: JoinSet<Ended>,
    // Kept so that the functions' clients can reach it.
    proxy: Arc<Proxy>,
    stopping: watch::Sender<bool>,
    // Dropped last, so that the folder stays locked until everything else is gone.
    folder: DataFolder,
}

/// Why a machine cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder.
    #[error(transparent)]
    Data(#[from] DataFolderError),
    /// The template's file cannot be read.
    #[error("the template `{}` cannot be read: {source}", path.display())]
    TemplateFile {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The template has problems.
    #[error("{}", listed(.0))]
    Template(Vec<TemplateProblem>),
    /// A port that another program uses.
    #[error("port {port} on 127.0.0.1 is in use by another program; choose another port with {option}")]
    PortInUse {
        /// The port.
        port: u16,
        /// The option that sets it.
        option: &'static str,
    },
    /// A port that cannot be opened for another reason.
    #[error("port {port} on 127.0.0.1 cannot be opened: {source}; choose another port with {option}")]
    Port {
        /// The port.
        port: u16,
        /// The option that sets it.
        option: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The tables.
    #[error(transparent)]
    Tables(#[from] tables::OpenError),
    /// The queues.
    #[error(transparent)]
    Queues(#[from] sqs::OpenError),
    /// The functions.
    #[error(transparent)]
    Functions(#[from] lambda::StartError),
    /// The bus.
    #[error(transparent)]
    Bus(#[from] bus::StartError),
    /// The event sources.
    #[error(transparent)]
    Pollers(#[from] pollers::StartError),
    /// The system provides no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
    /// The file `keys.json` or `aws-secret` cannot be used.
    #[error("`{}` cannot be used: {cause}; restore it from a backup, or remove it, and the next start makes a new one", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The keys table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The faults.
    #[error(transparent)]
    Faults(#[from] faults::StartError),
    /// The environment of a function.
    #[error(transparent)]
    Setup(#[from] fairleader_runtime::SetupError),
}

fn listed(problems: &[TemplateProblem]) -> String {
    let mut text = format!("the template has {} problem{}", problems.len(), if problems.len() == 1 { "" } else { "s" });
    for problem in problems {
        text.push_str("\n  ");
        text.push_str(&problem.to_string());
    }
    text
}

/// Returns the functions that are linked in, by the name of their binary.
fn registry() -> BTreeMap<&'static str, Load> {
    let functions: [(&'static str, Load); 13] = [
        ("access", load::<fairleader_access::Access>),
        ("authorize", load::<fairleader_authorize::Authorize>),
        ("desk", load::<fairleader_desk::Desk>),
        ("enrich", load::<fairleader_enrich::Enrich>),
        ("imports", load::<fairleader_imports::Imports>),
        ("intake", load::<fairleader_intake::Intake>),
        ("publish", load::<fairleader_publish::Publish>),
        ("recovery", load::<fairleader_recovery::Recovery>),
        ("roster", load::<fairleader_roster::Roster>),
        ("route", load::<fairleader_route::Route>),
        ("rulebooks", load::<fairleader_rulebooks::Rulebooks>),
        ("score", load::<fairleader_score::Score>),
        ("sweep", load::<fairleader_sweep::Sweep>),
    ];
    BTreeMap::from(functions)
}

impl Machine {
    /// Replaces the keys in `keys.json` with keys that already open the API.
    pub fn keep_keys(&mut self, keys: Vec<StarterKey>) -> io::Result<()> {
        let keys = StarterKeys { keys };
        if keys != self.keys {
            self.folder.write_keys(&(serde_json::to_string_pretty(&keys)? + "\n"))?;
            self.keys = keys;
        }
        Ok(())
    }

    /// Starts everything that the template declares.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let folder = DataFolder::open(&options.data)?;
        let api = listen(options.port, "--port").await?;
        let aws = listen(options.aws_port, "--aws-port").await?;
        let (api_url, aws_url) = (url(&api, options.port), url(&aws, options.aws_port));
        let stack = read_template(&options, &aws_url)?;

        let tables = Tables::open(&folder.tables(), &stack.tables)?;
        let queues = Queues::open(&folder.queues(), &stack.queues)?;
        let aws_secret = aws_secret(&folder)?;
        let access = proxy::Keys::new(&stack.functions, &aws_secret).map_err(StartError::Random)?;
        let clock = options.clock.clone();
        let inside = InProcess::default();
        let env_for = |function: &Function| {
            let (id, secret) =
                access.of(&function.id).map(|key| (key.id.as_str(), key.secret.as_str())).unwrap_or_default();
            env(&aws_url, id, secret, function.environment.clone(), clock.clone()).with_http_client(inside.client())
        };
        let lambda = Lambda::new(&stack.functions, &registry(), env_for, options.concurrency)?;
        lambda.warm()?;
        let bus = Bus::start(&stack, queues.clone(), lambda.clone())?;

        let (stopping, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let proxy = Proxy::new(proxy::Services {
            tables: tables.clone(),
            queues: {
                let queues = queues.clone();
                Arc::new(move |call: proxy::Call| {
                    let queues = queues.clone();
                    Box::pin(async move { queues.handle(&call.operation, call.body).await })
                })
            },
            bus: {
                let bus = bus.clone();
                Arc::new(move |call: proxy::Call| {
                    let bus = bus.clone();
                    Box::pin(async move { bus.handle(&call.operation, call.body).await })
                })
            },
            keys: access,
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
        });
        let proxy = Arc::new(proxy.with_faults(&options.faults, &stack.tables).await?);
        inside.connect(&proxy);
        let operator = env(&aws_url, OPERATOR_KEY_ID, &aws_secret, BTreeMap::new(), options.clock.clone())
            .with_http_client(inside.client());
        let keys = starter_keys(&folder, &stack, &operator).await?;
        // Until here a start that ends leaves nothing that a caller relies on.
        folder.end_first_start()?;
        tasks.spawn(ended("the AWS services", Arc::clone(&proxy).serve(aws, until(stopped.clone()))));
        tasks.spawn(ended("the log of refused calls", attack_log::keep_telling()));
        let polled = if options.paused { without_sources(&stack) } else { stack.clone() };
        let pollers = Arc::new(Pollers::start(&polled, &queues, &lambda, &stream_reader(&tables), &tables.written())?);
        let gateway = Gateway::new(&stack, lambda);
        tasks.spawn(ended("the API", gateway.serve(api, until(stopped.clone()))));
        // Items expire by the system's clock, which is wrong if the functions have another clock.
        if matches!(options.clock, Clock::System) && !options.paused {
            tasks.spawn(ended("the removal of expired items", keep_swept(Arc::clone(&proxy))));
        }
        if !options.paused {
            let trimming = keep_trimmed(tables, queues.clone(), stack.functions.clone());
            tasks.spawn(ended("the trimming of streams", trimming));
        }
        folder.write_address(&api_url)?;
        Ok(Self { api_url, aws_url, aws_secret, keys, stack, queues, bus, pollers, tasks, proxy, stopping, folder })
    }

    /// Returns whether every queue except the dead-letter queues is empty, with no message in flight.
    pub async fn settled(&self) -> bool {
        let dead = |name: &str| name.ends_with("dead-letters");
        self.queues
            .all_counts()
            .await
            .is_ok_and(|counts| counts.iter().all(|(name, count)| dead(name) || count.total() == 0))
    }

    /// Waits until a part of the machine ends that has to run as long as the machine does.
    pub async fn failed(&mut self) -> Ended {
        match self.tasks.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(cause)) => Ended { what: "a part of the machine", cause: cause.to_string() },
            None => std::future::pending().await,
        }
    }

    /// Finishes running calls and closes the files.
    pub async fn stop(mut self) {
        self.pollers.stop().await;
        self.stopping.send_replace(true);
        // The servers would wait for idle connections of clients, which have nothing more to send.
        let servers = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_millis(300), servers).await.is_err() {
            self.tasks.abort_all();
            while self.tasks.join_next().await.is_some() {}
        }
        drop(self.proxy);
        self.queues.close().await;
    }
}

/// Returns the environment for clients of this machine's AWS services.
fn env(aws_url: &str, key: &str, secret: &str, mut variables: BTreeMap<String, String>, clock: Clock) -> Env {
    for (name, value) in [
        ("AWS_ENDPOINT_URL", aws_url),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    Env::new(variables, clock)
}

fn read_template(options: &Options, aws_url: &str) -> Result<Stack, StartError> {
    let settings = Settings {
        stack_name: STACK.to_owned(),
        region: REGION.to_owned(),
        account: ACCOUNT.to_owned(),
        endpoint_url: aws_url.to_owned(),
        parameters: options.parameters.clone(),
    };
    let stack = match &options.template {
        None => template::read(TEMPLATE, TEMPLATE_NAME, &settings),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|source| StartError::TemplateFile { path: path.clone(), source })?;
            template::read(&text, &path.display().to_string(), &settings)
        }
    }
    .map_err(StartError::Template)?;
    for notice in &stack.notices {
        tracing::info!("{notice}");
    }
    Ok(stack)
}

async fn listen(port: u16, option: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { port, option },
        _ => StartError::Port { port, option, source },
    })
}

fn url(listener: &TcpListener, asked: u16) -> String {
    let port = listener.local_addr().map_or(asked, |address: SocketAddr| address.port());
    format!("http://127.0.0.1:{port}")
}

/// Returns the stack without event sources.
fn without_sources(stack: &Stack) -> Stack {
    let mut stack = stack.clone();
    for function in &mut stack.functions {
        function.sources.clear();
    }
    stack
}

fn stream_reader(tables: &Tables) -> StreamReader {
    let tables = tables.clone();
    Arc::new(move |table, after, limit| {
        let tables = tables.clone();
        Box::pin(async move {
            let records = tables
                .read_stream(&table, after.as_deref(), limit)
                .await
                .map_err(|cause| crate::aws_error::AwsError::server(cause.to_string()))?;
            Ok(records.into_iter().map(|record| (record.sequence, record.record)).collect())
        })
    })
}

/// Removes expired items.
async fn keep_swept(proxy: Arc<Proxy>) -> io::Result<()> {
    loop {
        tokio::time::sleep(HOUSEKEEPING).await;
        if let Err(cause) = proxy.sweep_expired().await {
            tracing::error!(cause = %cause, "expired items could not be removed");
        }
    }
}

/// Removes old records of streams that all readers have read.
async fn keep_trimmed(tables: Tables, queues: Queues, functions: Vec<Function>) -> io::Result<()> {
    loop {
        tokio::time::sleep(HOUSEKEEPING).await;
        for function in &functions {
            for source in &function.sources {
                let EventSource::Stream(stream) = source else { continue };
                let position = queues.position(&pollers::position_key(&function.id, &stream.table)).await;
                if let Ok(Some(done)) = position
                    && let Err(cause) = tables.trim_stream(&stream.table, &done).await
                {
                    tracing::error!(table = stream.table, cause = %cause, "old stream records could not be removed");
                }
            }
        }
    }
}

async fn until(mut stopping: watch::Receiver<bool>) {
    // An error means that the sender is gone, which also means stop.
    stopping.wait_for(|stopping| *stopping).await.map(drop).unwrap_or_default();
}

/// A part of the machine that no longer runs. Without it the machine is of no use.
#[derive(Debug, thiserror::Error)]
#[error("{what} stopped working: {cause}; nothing is lost, start Fairleader again")]
pub struct Ended {
    /// The part.
    what: &'static str,
    /// Why it ended.
    cause: String,
}

/// Runs a part of the machine, and says how it ended.
async fn ended(what: &'static str, part: impl Future<Output = io::Result<()>>) -> Ended {
    // A panic would only be known to whoever joins the task, without the name of the part.
    let cause = match std::panic::AssertUnwindSafe(part).catch_unwind().await {
        Ok(Ok(())) => "it ended by itself".to_owned(),
        Ok(Err(cause)) => cause.to_string(),
        Err(_) => "it panicked".to_owned(),
    };
    Ended { what, cause }
}

#[cfg(test)]
mod tests {
    use fairleader_api::{Role, key};
    use reqwest::Method;

    use super::*;
    use crate::api::{Api, ApiError};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_paused_machine_answers_and_leaves_queues_alone() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { paused: true, ..Options::new(folder.path()) };
        let machine = Machine::start(options).await.unwrap_or_else(|cause| panic!("{cause}"));
        let source = Api::new(&machine.api_url, machine.keys.of(Role::Source)).unwrap();
        let lead = serde_json::json!({"email": "ada@lovelace.example", "did": "demo"});
        let lead = source.post("/v1/leads", &lead).await.unwrap()["lead_id"].as_str().unwrap().to_owned();
        let sales = source.with_key(machine.keys.of(Role::Sales));
        let found = sales.get(&format!("/v1/leads/{lead}?wait=1s")).await;
        assert!(matches!(found, Err(ApiError::Refused { status: reqwest::StatusCode::NOT_FOUND, .. })), "{found:?}");
        assert!(!machine.settled().await, "the lead is still in its queue");
        assert_eq!(crate::data_folder::address(folder.path()), Some(machine.api_url.clone()));
        machine.stop().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_deleted_starter_key_stays_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let start =
            async || Machine::start(Options::new(folder.path())).await.unwrap_or_else(|cause| panic!("{cause}"));
        let machine = start().await;
        let viewer = machine.keys.of(Role::Viewer).to_owned();
        let admin = Api::new(&machine.api_url, machine.keys.of(Role::Admin)).unwrap();
        admin.call(Method::DELETE, &format!("/v1/keys/{}", key::hash(&viewer)), &[], Vec::new()).await.unwrap();
        let keys = machine.keys.clone();
        machine.stop().await;

        let machine = start().await;
        assert_eq!(machine.keys, keys);
        let admin = Api::new(&machine.api_url, keys.of(Role::Admin)).unwrap();
        admin.get("/v1/reps").await.unwrap();
        let refused = admin.with_key(&viewer).get("/v1/reps").await;
        assert!(matches!(refused, Err(ApiError::Refused { .. })), "{refused:?}");
        machine.stop().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_aws_secret_is_random_and_stays() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let mut secrets = Vec::new();
        for folder in [&folders[0], &folders[0], &folders[1]] {
            let machine = Machine::start(Options::new(folder.path())).await.unwrap_or_else(|cause| panic!("{cause}"));
            let kept = std::fs::read_to_string(folder.path().join("aws-secret")).unwrap();
            assert_eq!(kept.trim(), machine.aws_secret);
            secrets.push(machine.aws_secret.clone());
            machine.stop().await;
        }
        assert_eq!(secrets[0].len(), 32);
        assert_eq!(secrets[0], secrets[1]);
        assert_ne!(secrets[0], secrets[2]);

        std::fs::write(folders[0].path().join("aws-secret"), "\n").unwrap();
        let refused = Machine::start(Options::new(folders[0].path())).await.err().unwrap().to_string();
        assert!(refused.contains("aws-secret` cannot be used: it is empty; restore it from a backup, or"), "{refused}");
    }

    #[cfg(unix)]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_file_of_a_running_machine_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let machine = Machine::start(Options::new(&path)).await.unwrap_or_else(|cause| panic!("{cause}"));
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&path).unwrap() {
            let file = entry.unwrap().path();
            assert_eq!(mode(&file), 0o600, "{}", file.display());
            names.push(file.file_name().unwrap().display().to_string());
        }
        names.sort();
        assert_eq!(
            names,
            [
                "ADDRESS",
                "FORMAT",
                "LOCK",
                "aws-secret",
                "keys.json",
                "queues.db",
                "queues.db-shm",
                "queues.db-wal",
                "tables.db",
                "tables.db-shm",
                "tables.db-wal"
            ]
        );
        machine.stop().await;
    }
}
