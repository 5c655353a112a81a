//! Starts that fail: one clear message, a non-zero exit, nothing left behind and no stack trace.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::crash::Server;
use crate::harness::{PATIENCE, TEMPLATE, write};

/// Starts the program, which must refuse to run, and returns its message.
fn refused(arguments: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fairleader"));
    let program = program.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = program.spawn().unwrap();
    let begun = Instant::now();
    while running.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            running.kill().unwrap();
            panic!("it runs with {arguments:?} but should have refused");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let ended = running.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(ended.stdout.is_empty(), "{}", String::from_utf8_lossy(&ended.stdout));
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
    let from = said.find("fairleader: ").unwrap_or_else(|| panic!("{said}"));
    said[from..].to_owned()
}

fn up<'a>(data: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["up", "--data", data.to_str().unwrap(), "--port", "0"], more].concat()
}

/// A small valid template. It is short so that line numbers in the snapshots rarely change.
const SMALL: &str = "\
Parameters:
  Patience: { Type: Number, Default: 60 }
Resources:
  Work:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: work
      VisibilityTimeout: !Ref Patience
  Leads:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: leads
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
";

#[test]
fn rejects_a_template_with_every_problem() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut shown = String::new();
    let mut case = |title: &str, template: Option<&str>, more: &[&str]| {
        let path = match template {
            Some(text) => write(folder.path(), "template.yaml", text),
            None => folder.path().join("none.yaml"),
        };
        let said = refused(&up(&data, &[&["--template", path.to_str().unwrap()], more].concat()));
        writeln!(shown, "## {title}\n{}", said.replace(&folder.path().display().to_string(), "[folder]")).unwrap();
    };
    let properties = SMALL.replace("VisibilityTimeout:", "VisibilityTimeOut:").replace("KeySchema:", "KeyScheme:");
    case("properties nobody knows", Some(&properties), &[]);
    case("a type nobody knows", Some(&SMALL.replace("SQS::Queue", "SQS::Qeue")), &[]);
    case("a resource that is not there", Some(&SMALL.replace("!Ref Patience", "!Ref Patients")), &[]);
    case("a value that cannot be", Some(&SMALL.replace("Default: 60", "Default: 99999")), &[]);
    case("a parameter that cannot be", Some(SMALL), &["--parameter", "Patience=soon"]);
    case("a parameter nobody knows", Some(SMALL), &["--parameter", "Patiense=60"]);
    case("not YAML", Some("Resources: [\n"), &[]);
    case("empty", Some(""), &[]);
    case("no such file", None, &[]);
    insta::assert_snapshot!("template", shown);

    // The deployed template is read by the same rules.
    let path = write(folder.path(), "real.yaml", &TEMPLATE.replacen("BatchSize: 10", "BatchSzie: 10", 1));
    let said = refused(&up(&data, &["--template", path.to_str().unwrap()]));
    assert!(said.contains("`BatchSzie`") && said.contains("did you mean `BatchSize`?"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaves_a_folder_or_port_in_use_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut shown = String::new();
    let running = Server::start(&data, &[]).await;
    let said = refused(&up(&data, &[]));
    let said = said.replace(&running.process_id().to_string(), "[process]");
    writeln!(shown, "## in use\n{}", said.replace(&data.display().to_string(), "[data]")).unwrap();
    // The running server still answers.
    assert!(running.is_answering().await);
    running.kill();

    // A killed process leaves no lock behind.
    Server::start(&data, &[]).await.kill();

    std::fs::write(data.join("FORMAT"), "7\n").unwrap();
    let said = refused(&up(&data, &[]));
    writeln!(shown, "## of another version\n{}", said.replace(&data.display().to_string(), "[data]")).unwrap();

    let theirs = folder.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    write(&theirs, "thesis.tex", "");
    let said = refused(&up(&theirs, &[]));
    writeln!(shown, "## not ours\n{}", said.replace(&theirs.display().to_string(), "[theirs]")).unwrap();
    assert_eq!(std::fs::read_dir(&theirs).unwrap().count(), 1, "nothing is left there");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let fresh = folder.path().join("fresh");
    for option in ["--port", "--aws-port"] {
        let mut arguments = vec!["up", "--data", fresh.to_str().unwrap(), option, &port];
        if option == "--aws-port" {
            arguments.extend(["--port", "0"]);
        }
        writeln!(shown, "## port in use\n{}", refused(&arguments).replace(&port, "[port]")).unwrap();
    }
    insta::assert_snapshot!("folders_and_ports", shown);
}
