//! The demo, as whoever types `cargo run` sees it.

use std::process::Command;

use serde_json::Value;

#[test]
fn the_demo_accounts_for_every_row_and_tells_five_stories() {
    let ran = Command::new(env!("CARGO_BIN_EXE_fairleader"))
        .args(["--once", "--json", "--port", "0"])
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&ran.stdout).expect("a report");

    assert_eq!(report["rows"], 300);
    let totals = report["totals"].as_array().unwrap();
    let count = |name: &str| totals.iter().find(|total| total[0] == name).unwrap()[1].as_u64().unwrap();
    assert_eq!(totals.iter().map(|total| total[1].as_u64().unwrap()).sum::<u64>(), 300);
    assert_eq!(count("not decided on"), 0);
    for some in ["with a sales rep", "waiting in a pool's line", "in nurture", "refused by the rulebook"] {
        assert!(count(some) > 0, "{some}: {totals:?}");
    }

    let stories = report["stories"].as_array().unwrap();
    assert_eq!(stories.len(), 5);
    for story in stories {
        assert!(story["sentence"].as_str().unwrap().starts_with("row "), "{story}");
    }
    // Lags of each pool sum to zero, to the billionth.
    let standings = report["standings"].as_array().unwrap();
    assert!(standings.len() > 10);
    for pool in standings.iter().map(|standing| &standing["pool"]) {
        let of_pool = standings.iter().filter(|standing| &standing["pool"] == pool);
        assert_eq!(of_pool.map(|standing| standing["lag"].as_i64().unwrap()).sum::<i64>(), 0, "{pool}");
    }
}
