//! Another user of the same machine. They reach the ports and can see the folder, and get nothing.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fairleader_api::Role;
use fairleader_local::api::Api;
use fairleader_local::machine::StarterKeys;
use serde_json::json;

use crate::crash::Server;

/// Returns the ids of the user and group `nobody`; `None` if there is no such user, or this process may not act as them.
fn nobody() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.starts_with("nobody:"))?;
    let mut ids = line.split(':').skip(2);
    Some((ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
}

/// Runs a program as another user and returns whether it succeeded, with its output.
fn run_as(user: (u32, u32), program: &str, arguments: &[&str], input: &[u8]) -> (bool, String) {
    let mut command = Command::new(program);
    command.args(arguments).uid(user.0).gid(user.1).current_dir("/");
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap();
    // The program may end before it has read everything.
    child.stdin.take().unwrap().write_all(input).unwrap_or_default();
    let done = child.wait_with_output().unwrap();
    let text = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Sends bytes to a port as another user, from a process of theirs, and returns the reply.
fn send_as(user: (u32, u32), url: &str, bytes: &[u8]) -> String {
    let port = url.rsplit(':').next().unwrap();
    let script = "exec 3<>/dev/tcp/127.0.0.1/$0 && cat >&3 && timeout 20 cat <&3";
    run_as(user, "bash", &["-c", script, port], bytes).1
}

fn aws_call(target: &str, authorization: &str, body: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Amz-Target: {target}\r\n{authorization}\
         X-Amz-Date: 20260303T090000Z\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn signed(id: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={id}/20260303/eu-central-1/dynamodb/aws4_request, \
         SignedHeaders=host;x-amz-date;x-amz-target, Signature={}\r\n",
        "0".repeat(64)
    )
}

/// Returns every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

/// Starts the program on a folder that was there before and that everybody may enter.
async fn open_house(folder: &Path) -> (Server, PathBuf, StarterKeys) {
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o755)).unwrap();
    let server = Server::start(&data, &[]).await;
    let keys: StarterKeys = serde_json::from_str(&std::fs::read_to_string(data.join("keys.json")).unwrap()).unwrap();
    let source = Api::new(server.api_url(), keys.of(Role::Source)).unwrap();
    source.post("/v1/leads", &json!({"email": "ada@lovelace.example", "did": "demo"})).await.unwrap();
    (server, data, keys)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_gets_nothing_from_the_ports_or_the_files() {
    let Some(user) = nobody() else {
        println!("skipped: only root can act as the user `nobody`, and there has to be one");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (server, data, keys) = open_house(folder.path()).await;
    let ran = run_as(user, "id", &["-u"], b"");
    assert_eq!(ran, (true, format!("{}\n", user.0)), "it does run as the other user");
    let open = folder.path().join("open");
    std::fs::write(&open, "for everybody").unwrap();
    assert_eq!(run_as(user, "cat", &[open.to_str().unwrap()], b""), (true, "for everybody".to_owned()));

    let calls = [
        ("DynamoDB_20120810.Scan", r#"{"TableName": "fairleader-leads"}"#),
        ("DynamoDB_20120810.PutItem", r#"{"TableName": "fairleader-keys", "Item": {"key_hash": {"S": "x"}}}"#),
        ("DynamoDB_20120810.DeleteTable", r#"{"TableName": "fairleader-leads"}"#),
        ("AmazonSQS.ListQueues", "{}"),
        ("AWSEvents.PutEvents", r#"{"Entries": []}"#),
    ];
    for (target, body) in calls {
        // Without a key, with the operator's id and any signature, with a function's name, and with what is no header.
        for authorization in
            [String::new(), signed("fairleader"), signed("DeskFunction"), "Authorization: x\r\n".to_owned()]
        {
            let reply = send_as(user, server.aws_url(), &aws_call(target, &authorization, body));
            let status = reply.split(' ').nth(1).unwrap_or_default();
            assert!(matches!(status, "400" | "401" | "403"), "{target} with `{authorization}`: {reply}");
            assert!(
                !reply.contains("lovelace") && !reply.contains("\"Items\"") && !reply.contains("QueueUrls"),
                "{reply}"
            );
        }
    }
    let reply = send_as(user, server.api_url(), b"GET /v1/reps HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 401 "), "{reply}");

    let found = files(&data);
    let names: Vec<_> = found.iter().filter_map(|file| file.file_name()?.to_str()).collect();
    for expected in ["tables.db", "queues.db", "keys.json", "aws-secret"] {
        assert!(names.contains(&expected), "{expected} is missing among {names:?}");
    }
    for file in &found {
        let file = file.to_str().unwrap();
        let (read, text) = run_as(user, "cat", &[file], b"");
        assert!(!read, "{file} can be read: {}", text.chars().take(100).collect::<String>());
        assert!(!run_as(user, "bash", &["-c", "echo x >> \"$0\"", file], b"").0, "{file} can be written");
        assert!(!run_as(user, "rm", &["-f", file], b"").0, "{file} can be removed");
    }
    assert!(!run_as(user, "touch", &[data.join("new").to_str().unwrap()], b"").0, "a file can be added");

    // What every user can see of a process tells nothing.
    let line = std::fs::read(format!("/proc/{}/cmdline", server.process_id())).unwrap();
    let secret = std::fs::read_to_string(data.join("aws-secret")).unwrap();
    assert!(!String::from_utf8_lossy(&line).contains(secret.trim()), "the secret is an argument");
    let admin = Api::new(server.api_url(), keys.of(Role::Admin)).unwrap();
    admin.get("/v1/reps").await.unwrap();
    assert!(!server.aws().scan("keys").await.is_empty(), "the tables are still there");
    server.kill();
}
