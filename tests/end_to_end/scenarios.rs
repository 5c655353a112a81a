//! The scenarios in `tests/scenarios`: leads, their decisions, and why. See the README there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fairleader_lead::matching::Accounts;
use fairleader_lead::ruling::{NOT_AN_MQL, Priority};
use fairleader_lead::submission::sample::Sample;
use fairleader_local::offline::RulebookFile;
use fairleader_local::offline::decide::{Decided, decide};
use fairleader_rulebook::Rulebook;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

/// Set to write what the rulebooks decide into the files.
const RENEW: &str = "FAIRLEADER_RENEW";

/// A key with its values, on its line or indented below it.
type Entries<'t> = BTreeMap<&'t str, Vec<&'t str>>;

/// Where the decision of a scenario begins. Only the decision and its explanation follow.
const DECISION: &str = "\ndecision:";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios")
}

/// The keys of one part of a file.
fn entries(part: &str) -> Entries<'_> {
    let mut entries = Entries::new();
    let mut last = "";
    for line in part.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if let Some(below) = line.strip_prefix("  ") {
            entries.get_mut(last).unwrap_or_else(|| panic!("`{line}` is not below a key")).push(below);
        } else {
            let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("`{line}` has no `:`"));
            let value = Some(value.trim()).filter(|value| !value.is_empty() && *value != "|");
            assert!(entries.insert(key, value.into_iter().collect()).is_none(), "`{key}` stands there twice");
            last = key;
        }
    }
    entries
}

fn pairs<'t>(fields: impl IntoIterator<Item = &'t str>) -> Map<String, Value> {
    let pair = |field: &'t str| {
        let (name, value) = field.split_once(": ").unwrap_or_else(|| panic!("`{field}` has no value"));
        (name.trim().to_owned(), json!(value.trim()))
    };
    fields.into_iter().map(pair).collect()
}

/// Reads `{ did: demo, ago: 3 days }` and replaces `ago` with a timestamp.
fn activity(line: &str, now: Timestamp) -> Value {
    let inner = line.trim_start_matches("- {").trim_end_matches('}');
    let mut activity = pairs(inner.split(", "));
    let ago = activity.remove("ago").unwrap_or_else(|| panic!("`{line}` does not say how long ago"));
    let (number, unit) = ago.as_str().unwrap().split_once(' ').unwrap();
    let hours = match unit {
        "minute" | "minutes" => 0,
        "hour" | "hours" => 1,
        "day" | "days" => 24,
        other => panic!("`{other}` is not minutes, hours or days"),
    };
    let number: i64 = number.parse().unwrap();
    let seconds = if hours == 0 { number * 60 } else { number * hours * 3_600 };
    let at = Timestamp::from_second(now.as_second() - seconds).unwrap();
    activity.insert("at".to_owned(), json!(at.to_string()));
    Value::Object(activity)
}

/// Returns the decision and the explanation in the format of the files.
fn told(decided: &Decided) -> String {
    let mut told = format!("{DECISION} {}", decided.goes_to());
    if decided.ruling.priority != Priority::default() {
        write!(told, ", priority {}", decided.ruling.priority.as_str()).unwrap();
    }
    if let Some(value) = decided.ruling.value {
        write!(told, ", worth {value}").unwrap();
    }
    if decided.ruling.rule != NOT_AN_MQL {
        write!(told, ", by rule {}", decided.ruling.rule).unwrap();
    }
    told.push_str("\nbecause: |\n");
    for sentence in decided.sentences() {
        writeln!(told, "  {sentence}").unwrap();
    }
    told
}

struct Company {
    rulebook: Rulebook,
    accounts: Accounts,
    now: Timestamp,
}

impl Company {
    /// Reads what the first part of a file names.
    fn read(head: &str) -> Self {
        let entries = entries(head);
        let one = |key: &str| entries.get(key).and_then(|value| value.first()).unwrap_or_else(|| panic!("no `{key}`"));
        let (file, rulebook) = RulebookFile::usable(
            &folder().join(one("rulebook")),
            Some(&folder().join(one("roster"))),
            Timestamp::UNIX_EPOCH,
        )
        .unwrap_or_else(|refused| panic!("{refused}"));
        let local: DateTime = one("at").parse().unwrap();
        let now = local.to_zoned(TimeZone::get(rulebook.zone()).unwrap()).unwrap().timestamp();
        Self { accounts: Accounts::new(&file.roster.unwrap().accounts), rulebook, now }
    }

    /// Returns a scenario with the rulebook's decision.
    fn decided(&self, scenario: &str) -> String {
        let given = scenario.split_once(DECISION).map_or(scenario, |(given, _)| given).trim_end();
        let entries = entries(given);
        let known = ["scenario", "lead", "activities"];
        assert!(entries.keys().all(|key| known.contains(key)), "known are {known:?}:\n{given}");
        let mut lead = pairs(entries["lead"].iter().copied());
        if let Some(activities) = entries.get("activities") {
            let activities: Vec<Value> = activities.iter().map(|line| activity(line, self.now)).collect();
            lead.insert("activities".to_owned(), json!(activities));
        }
        let sample = Sample::from_json(Value::Object(lead).to_string().as_bytes(), self.now)
            .unwrap_or_else(|problems| panic!("{given}\n{problems:?}"));
        format!("{given}{}", told(&decide(&self.rulebook, &self.accounts, &sample, self.now)))
    }
}

#[test]
fn decides_every_scenario_as_its_file_says() {
    let mut files = 0;
    let mut scenarios = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut parts = text.split("\n---\n");
        let head = parts.next().unwrap();
        let company = Company::read(head);
        let decided: Vec<String> = parts.map(|scenario| company.decided(scenario)).collect();
        files += 1;
        scenarios += decided.len();
        let renewed = format!("{}\n\n---\n{}", head.trim_end(), decided.join("\n---\n"));
        if std::env::var_os(RENEW).is_some() {
            std::fs::write(&path, renewed).unwrap();
            continue;
        }
        let renewed: Vec<&str> = renewed.lines().collect();
        for (number, (line, expected)) in (1..).zip(text.lines().zip(&renewed)) {
            let place = format!("{}:{number}", path.file_name().unwrap().display());
            assert_eq!(line, *expected, "\n{place} (left) is not what the rulebook decides now (right)");
        }
        assert_eq!(text.lines().count(), renewed.len(), "{} ends differently", path.display());
    }
    assert!(files >= 2 && scenarios >= 15, "{files} files with {scenarios} scenarios");
}
