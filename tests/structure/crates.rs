//! Which crate builds on which, and what ends up in a function.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::workspace;

/// What each shared crate may build on. A function may build on any of them, and never on another function.
const MAY_BUILD_ON: [(&str, &[&str]); 7] = [
    ("lead", &[]),
    ("rulebook", &["lead"]),
    ("domain", &["lead", "rulebook"]),
    ("api", &["lead", "rulebook", "domain"]),
    ("store", &["lead", "rulebook", "domain"]),
    ("messaging", &["lead", "rulebook", "domain"]),
    ("runtime", &["lead", "api", "store"]),
];

fn cargo(arguments: &[&str]) -> String {
    let ran = Command::new(env!("CARGO")).args(arguments).current_dir(workspace()).output().unwrap();
    assert!(ran.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// The crates of the workspace by name, each with its folder and the crates of the workspace that it builds on.
fn members() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"])).unwrap();
    let root = workspace();
    let packages = metadata["packages"].as_array().unwrap();
    let short = |name: &str| name.strip_prefix("fairleader-").map(str::to_owned);
    let entries = packages.iter().map(|package| {
        let manifest = std::path::Path::new(package["manifest_path"].as_str().unwrap()).canonicalize().unwrap();
        let folder = manifest.parent().unwrap().strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let normal =
            package["dependencies"].as_array().unwrap().iter().filter(|dependency| dependency["kind"].is_null());
        let names = normal.filter_map(|dependency| short(dependency["name"].as_str().unwrap())).collect();
        (short(package["name"].as_str().unwrap()).unwrap(), (folder, names))
    });
    entries.collect()
}

#[test]
fn crates_build_on_what_is_below_them() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_BUILD_ON.into_iter().collect();
    let mut wrong = Vec::new();
    for (name, (folder, on)) in members() {
        for below in on {
            let fits = if folder.starts_with("shared/") {
                allowed
                    .get(name.as_str())
                    .unwrap_or_else(|| panic!("say what shared/{name} may build on"))
                    .contains(&below.as_str())
            } else if folder.starts_with("functions/") {
                allowed.contains_key(below.as_str())
            } else {
                true
            };
            if !fits {
                wrong.push(format!("{folder} builds on {below}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// What is linked into a crate, by name.
fn linked(package: &str) -> BTreeSet<String> {
    let tree = cargo(&["tree", "-e", "normal", "-p", package, "--prefix", "none", "--format", "{p}", "--offline"]);
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn a_function_links_only_what_it_uses() {
    let heavy = |package: &str, unwanted: &[&str]| {
        let linked = linked(package);
        let found: Vec<&&str> = unwanted.iter().filter(|name| linked.contains(**name)).collect();
        assert!(found.is_empty(), "{package} links {found:?}");
    };
    let language = ["saphyr-parser", "fairleader-rulebook", "fairleader-domain"];
    let normalising = ["psl", "rlibphonenumber", "csv"];
    for package in ["fairleader-authorize", "fairleader-publish"] {
        heavy(package, &language);
        heavy(package, &normalising);
    }
    // It reads addresses and numbers, so it has what that takes, and no rulebook.
    heavy("fairleader-intake", &language);
}
