//! Callers without a key, and starts that are killed. The server keeps serving, and tells them nothing.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata};
use fairleader_api::Role;
use fairleader_local::api::Api;
use fairleader_local::machine::StarterKeys;
use fairleader_local::proxy::OPERATOR_KEY_ID;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use crate::aws::Aws;
use crate::crash::{Server, log_of};

/// Half-sent requests to each port.
const HALVES: usize = 1100;
/// Files that the server may open, as is usual.
const FILES: usize = 1024;

/// Raises the number of files that this process may open to what the system allows. Returns it.
fn raise_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    limit.maximum.unwrap_or(u64::MAX)
}

fn address(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_sent_requests_do_not_stop_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -n {FILES} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_fairleader")]);
    limited.args(["up", "--port", "0", "--json", "--data"]).arg(&data).env("FAIRLEADER_LOG", "warn");
    let server = Server::run(limited, &data).await;
    let keys: StarterKeys = serde_json::from_str(&std::fs::read_to_string(data.join("keys.json")).unwrap()).unwrap();
    let source = Api::new(server.api_url(), keys.of(Role::Source)).unwrap();
    let aws = server.aws();

    let halves = HALVES.min(usize::try_from(raise_files() / 4).unwrap_or(HALVES));
    let texts = [
        (server.api_url(), "POST /v1/leads HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
        (server.api_url(), ""),
        (
            server.aws_url(),
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: DynamoDB_20120810.Scan\r\nContent-Length: 100\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=fairleader/20260101/eu-central-1/dynamodb/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n{",
        ),
    ];
    for (number, (url, text)) in texts.into_iter().enumerate() {
        let mut open = Vec::new();
        for _ in 0..halves {
            let mut stream = TcpStream::connect(address(url)).unwrap();
            // The server may have closed it already.
            stream.write_all(text.as_bytes()).unwrap_or_default();
            open.push(stream);
        }
        // They are all still open on this side.
        let asked = Instant::now();
        let lead = json!({"email": format!("ada{number}@lovelace.example"), "did": "demo"});
        source.post("/v1/leads", &lead).await.unwrap();
        assert!(!aws.scan("keys").await.is_empty());
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        drop(open);
    }
    let log = std::fs::read_to_string(log_of(&data)).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    let told = log.lines().filter(|line| line.contains("they waited longest for a request")).count();
    assert!((1..=3).contains(&told), "one line a minute: {log}");
    server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aws_port_needs_the_secret_of_the_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairleader"));
    command
        .args(["up", "--port", "0", "--json", "--data"])
        .arg(&data)
        .env("FAIRLEADER_LOG", "trace,aws_smithy_runtime=trace");
    let server = Server::run(command, &data).await;
    for secret in ["fairleader", "0123456789ABCDEF0123456789ABCDEF"] {
        let stranger = Aws::with_key(server.aws_url(), OPERATOR_KEY_ID, secret);
        let refused = stranger.tables.list_tables().send().await.unwrap_err();
        assert_eq!(refused.code(), Some("InvalidSignatureException"), "{}", DisplayErrorContext(&refused));
        let refused = stranger.queues.list_queues().send().await.unwrap_err();
        assert_eq!(refused.code(), Some("SignatureDoesNotMatch"), "{}", DisplayErrorContext(&refused));
    }
    assert!(!server.aws().tables.list_tables().send().await.unwrap().table_names().is_empty());

    // Neither attacks nor the lowest level fill the log or tell what a lead contains.
    let keys: StarterKeys = serde_json::from_str(&std::fs::read_to_string(data.join("keys.json")).unwrap()).unwrap();
    for attempt in 0..50 {
        let guess = Api::new(server.api_url(), &format!("guess-{attempt}")).unwrap();
        guess.post("/v1/leads", &json!({"email": "x@y.example"})).await.unwrap_err();
    }
    let source = Api::new(server.api_url(), keys.of(Role::Source)).unwrap();
    source.post("/v1/leads", &json!({"email": "canary@lovelace.example", "did": "demo"})).await.unwrap();
    let aws = server.aws();
    crate::harness::within(Duration::from_mins(1), "the lead to be stored", async || {
        (!aws.scan("leads").await.is_empty()).then_some(())
    })
    .await;
    let log = std::fs::read_to_string(log_of(&data)).unwrap();
    assert!(!log.contains("canary@"), "a body is in the log");
    for words in ["calls of the API without a valid key", "calls of the AWS services without a valid key"] {
        assert_eq!(log.lines().filter(|line| line.contains(words)).count(), 1, "{words}");
    }
    server.kill();
}

/// `FAIRLEADER_FIRST_STARTS` sets the number of kills (8 by default).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_that_is_killed_begins_again() {
    let kills = std::env::var("FAIRLEADER_FIRST_STARTS").map_or(8, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    Server::start(&folder.path().join("whole"), &[]).await.kill();
    let whole = begun.elapsed();
    for kill in 0..kills {
        let data = folder.path().join(format!("data-{kill}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairleader"));
        command.args(["up", "--port", "0", "--data"]).arg(&data);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // From the moment before the folder exists to the one after the last file is written.
        tokio::time::sleep(whole * (2 * kill + 1) / (2 * kills)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let left: Vec<_> = std::fs::read_dir(&data)
            .map_or_else(|_| Vec::new(), |entries| entries.map(|entry| entry.unwrap().file_name()).collect());
        println!("killed with {left:?}");

        let server = Server::start(&data, &[]).await;
        let keys = std::fs::read_to_string(data.join("keys.json")).unwrap();
        let keys: StarterKeys = serde_json::from_str(&keys).unwrap();
        let admin = Api::new(server.api_url(), keys.of(Role::Admin)).unwrap();
        admin.get("/v1/reps").await.unwrap();
        assert_eq!(server.aws().scan("keys").await.len(), keys.keys.len(), "no key of the killed start is left");
        server.kill();
        // What the second start wrote is there for the third.
        let server = Server::start(&data, &[]).await;
        Api::new(server.api_url(), keys.of(Role::Admin)).unwrap().get("/v1/reps").await.unwrap();
        server.kill();
    }
}
