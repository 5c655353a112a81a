//! Which crates may depend on which, and what a function links.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::workspace;

/// The crates that each shared crate may depend on. A function may depend on all of them, but not on another function.
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

/// Returns the crates of the workspace by name, each with its folder and its dependencies in the workspace.
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
fn crates_depend_only_on_what_is_below_them() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_BUILD_ON.into_iter().collect();
    let mut wrong = Vec::new();
    for (name, (folder, on)) in members() {
        for below in on {
            let fits = if folder.starts_with("shared/") {
                allowed
                    .get(name.as_str())
                    .unwrap_or_else(|| panic!("add shared/{name} to `MAY_BUILD_ON`"))
                    .contains(&below.as_str())
            } else if folder.starts_with("functions/") {
                allowed.contains_key(below.as_str())
            } else {
                true
            };
            if !fits {
                wrong.push(format!("{folder} depends on {below}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Returns the names of all crates that are linked into a crate.
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
    // It reads addresses and numbers, so it links what that needs, but no rulebook.
    heavy("fairleader-intake", &language);
}

#[test]
fn decisions_link_no_input_output_and_no_randomness() {
    let impure =
        |name: &str| ["tokio", "reqwest", "hyper", "rand", "getrandom"].contains(&name) || name.starts_with("aws-");
    for package in ["fairleader-lead", "fairleader-rulebook", "fairleader-domain"] {
        let found: Vec<String> = linked(package).into_iter().filter(|name| impure(name)).collect();
        assert!(found.is_empty(), "{package} links {found:?}");
    }
}
