//! The demo and an empty server, as they appear to a person who types `cargo run`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use fairleader_api::Role;
use fairleader_local::api::Api;
use fairleader_local::demo;
use fairleader_local::machine::StarterKeys;
use serde_json::Value;

use crate::company;
use crate::harness::faults;

#[test]
fn the_demo_accounts_for_every_row_and_tells_five_stories() {
    let ran = Command::new(env!("CARGO_BIN_EXE_fairleader"))
        .args(["--once", "--json", "--port", "0", &faults()])
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&ran.stdout).expect("a report");

    assert_eq!(report["rows"], 300);
    let totals = report["totals"].as_array().unwrap();
    let count = |name: &str| totals.iter().find(|total| total[0] == name).unwrap()[1].as_u64().unwrap();
    assert_eq!(totals.iter().map(|total| total[1].as_u64().unwrap()).sum::<u64>(), 300);
    assert_eq!(count("not yet decided"), 0);
    for some in ["with a sales rep", "on a pool's waiting list", "in nurture", "disqualified by a rule"] {
        assert!(count(some) > 0, "{some}: {totals:?}");
    }

    let stories = report["stories"].as_array().unwrap();
    assert_eq!(stories.len(), 5);
    for story in stories {
        assert!(story["sentence"].as_str().unwrap().starts_with("row "), "{story}");
    }
    // The lags of each pool sum to exactly zero, in billionths.
    let standings = report["standings"].as_array().unwrap();
    assert!(standings.len() > 10);
    for pool in standings.iter().map(|standing| &standing["pool"]) {
        let of_pool = standings.iter().filter(|standing| &standing["pool"] == pool);
        assert_eq!(of_pool.map(|standing| standing["lag"].as_i64().unwrap()).sum::<i64>(), 0, "{pool}");
    }
}

/// Starts `fairleader up` and returns what it prints, and the result of `then` for its address.
async fn greeting<T>(data: &Path, then: impl AsyncFnOnce(&str) -> T) -> (String, T) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fairleader"));
    let program = program.args(["up", "--port", "0", &faults(), "--data"]).arg(data).env("FAIRLEADER_LOG", "warn");
    let mut running = program.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let mut said = String::new();
    for line in lines.map_while(Result::ok) {
        said.push_str(&line);
        said.push('\n');
        if line == "Press Ctrl-C to stop." {
            break;
        }
    }
    let address = said.split_once("The API is at ").and_then(|(_, rest)| rest.split_once(',')).unwrap().0.to_owned();
    let done = then(&address).await;
    running.kill().unwrap();
    running.wait().unwrap();
    (said, done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_server_prints_the_first_steps_until_a_rulebook_is_active() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (said, keys) = greeting(&data, async |address| {
        let keys = std::fs::read_to_string(data.join("keys.json")).unwrap();
        let keys: StarterKeys = serde_json::from_str(&keys).unwrap();
        let admin = Api::new(address, keys.of(Role::Admin)).unwrap();
        demo::install(&admin, &company::small()).await.unwrap();
        keys
    })
    .await;
    assert!(
        said.contains("There is no active rulebook yet") && said.contains("/v1/rulebooks/000001/activate"),
        "{said}"
    );
    assert!(said.contains(&format!("'{}'", data.canonicalize().unwrap().join("keys.json").display())), "{said}");
    assert!(keys.keys.iter().all(|key| !said.contains(&key.key)), "no key is printed");
    let (said, ()) = greeting(&data, async |_| ()).await;
    assert_eq!(said.lines().count(), 3, "{said}");
}
