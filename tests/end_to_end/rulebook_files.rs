//! Rulebooks in files: `fairleader check`, `decide`, `map` and `diff`, as people and build servers run them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::write;

const RULEBOOK: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
lookups:
  territory: { from: [country, postal_code], use: territories, gives: [name, pool] }
score:
  fit: { share: 100%, lines: [{ if: { job.level: [c_level, vp] }, points: 60 }] }
mql: [{ score: 60+ }, { did: demo, within: 7 days }]
route:
  - rule: territories
    if: { territory.pool: present }
    then: { pool: from territory.pool, if_nobody: wait, priority: high, value: 900 }
  - rule: everyone else
    then: { pool: inbound, if_nobody: wait }
";

const TERRITORIES: &str = "country,postal_code,name,pool\nDE,01,Saxony,east\nNO,,Norway,north\n";

const LEADS: &str = r#"{"email": "a@elbtal.example", "company": "Elbtal GmbH", "country": "DE", "postal_code": "01067", "did": "demo"}
{"email": "anna(at)x", "did": "demo"}

{"email": "k@fjord.example", "country": "NO", "did": "pricing", "activities": [{"did": "demo", "at": "2026-03-01T09:00:00Z"}]}
{"email": "x@canal.example", "job_title": "CEO", "activities": [{"did": "demo", "at": "soon"}]}
{"email": "x@canal.example", "country": "FR"}
nonsense
"#;

/// Runs the program in `folder` with `input` and returns its exit code, standard output and standard error.
fn run(folder: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fairleader"));
    let program = program.args(arguments).current_dir(folder);
    let mut running = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that fails early does not read all of its input.
    running.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let ended = running.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(ended.stdout), text(ended.stderr));
    assert!(!err.contains("panicked"), "{err}");
    (ended.status.code().unwrap(), out, err)
}

/// Adds a run to a transcript.
fn record(shown: &mut String, folder: &Path, arguments: &[&str], input: &str) {
    let (code, out, err) = run(folder, arguments, input);
    writeln!(shown, "$ fairleader {}\n{out}{err}[exit code {code}]\n", arguments.join(" ")).unwrap();
}

fn company() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(at, "rulebook.yaml", RULEBOOK);
    write(at, "territories.csv", TERRITORIES);
    write(at, "leads.jsonl", LEADS);
    std::fs::create_dir(at.join("company")).unwrap();
    write(
        &at.join("company"),
        "roster.csv",
        "rep,name,email,zone,hours,capacity\nanna,Anna,anna@x.example,Europe/Berlin,mon-fri 09:00-17:00,9\n",
    );
    write(
        &at.join("company"),
        "pools.csv",
        "pool,name,members\ninbound,All who write,anna\neast,Saxony,anna\nnorth,Norway,anna\n",
    );
    folder
}

#[test]
fn check_reports_every_problem_with_its_line() {
    let folder = company();
    let at = folder.path();
    let mut shown = String::new();
    record(&mut shown, at, &["check", "rulebook.yaml", "--roster", "company"], "");
    record(&mut shown, at, &["check", "rulebook.yaml", "--roster", "company", "--notes"], "");
    let bad = RULEBOOK.replace("job.level", "job.levle").replace("pool: inbound", "pool: inbond");
    write(at, "bad.yaml", &bad);
    record(&mut shown, at, &["check", "bad.yaml", "--roster", "company"], "");
    record(&mut shown, at, &["check", "-"], &RULEBOOK.replace("use: territories", "use: nowhere"));
    let never = RULEBOOK
        .replace("route:\n", "route:\n  - { rule: first, if: { territory.pool: present }, then: { pool: inbound } }\n");
    record(&mut shown, at, &["check", "-"], &never);

    write(at, "territories.csv", "country,postal_code,name,pool\nDE,01,Saxony\n");
    write(&at.join("company"), "pools.csv", "pool,name,members\ninbound,All who write,ana\n");
    record(&mut shown, at, &["check", "rulebook.yaml", "--roster", "company"], "");
    record(&mut shown, at, &["check", "none.yaml"], "");
    record(&mut shown, at, &["decide", "rulebook.yaml", "leads.jsonl"], "");
    insta::assert_snapshot!("check", shown);

    let (code, out, err) = run(at, &["check", "bad.yaml", "--json"], "");
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, err.as_str(), said["errors"].as_u64()), (1, "", Some(2)), "{out}");
    let (own, table) = (&said["problems"][0], &said["problems"][1]);
    assert_eq!((&own["code"], &own["line"], &own["column"]), (&"unknown-field".into(), &5.into(), &39.into()));
    assert_eq!((&table["file"], &table["line"]), (&"territories.csv".into(), &2.into()));
}

#[test]
fn decide_reports_wrong_lines_and_continues() {
    let folder = company();
    let at = folder.path();
    let mut shown = String::new();
    let when = ["--at", "2026-03-03T10:00"];
    let decide = |more: &[&'static str]| [&["decide", "rulebook.yaml"], more, &when].concat();
    record(&mut shown, at, &decide(&["leads.jsonl"]), "");
    record(&mut shown, at, &decide(&["-", "--explain"]), LEADS);
    record(&mut shown, at, &decide(&["leads.jsonl", "--json"]), "");
    write(at, "leads.csv", "E-Mail;Land;PLZ;Aktion\na@elbtal.example;DE;1067;Demo\nnobody;DE;;\n");
    record(&mut shown, at, &decide(&["leads.csv"]), "");
    record(&mut shown, at, &["decide", "-", "-"], "");
    record(&mut shown, at, &["decide", "rulebook.yaml", "leads.jsonl", "--at", "soon"], "");
    record(&mut shown, at, &["decide", "rulebook.yaml", "none.jsonl"], "");
    insta::assert_snapshot!("decide", shown);

    // A list is a list from standard input too, and whatever its file is called.
    let list = std::fs::read_to_string(at.join("leads.csv")).unwrap();
    std::fs::write(at.join("export.txt"), &list).unwrap();
    let (_, from_file, _) = run(at, &decide(&["leads.csv"]), "");
    assert_eq!(run(at, &decide(&["-"]), &list).1, from_file);
    assert_eq!(run(at, &decide(&["export.txt"]), "").1, from_file);
    let (code, out, _) = run(at, &decide(&["-", "--json", "--explain"]), LEADS.lines().next().unwrap());
    let lead: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &lead["explanation"]["rule"], &lead["value"]), (0, &"territories".into(), &900.into()));
    assert!(lead["sentences"].as_array().unwrap().len() > 2, "{lead:#}");
}

#[test]
fn map_writes_prose_and_a_drawing() {
    let folder = company();
    let at = folder.path();
    let mut shown = String::new();
    record(&mut shown, at, &["map", "rulebook.yaml", "--roster", "company"], "");
    insta::assert_snapshot!("map", shown);
    let drawing = std::fs::read_to_string(at.join("rulebook.svg")).unwrap();
    let (_, printed, _) = run(at, &["map", "rulebook.yaml", "--roster", "company", "--svg"], "");
    assert_eq!(printed, drawing);
    assert!(drawing.starts_with("<svg ") && drawing.ends_with("</svg>\n"), "{drawing}");
    for resource in ["href", "url(http", "<image", "<script"] {
        assert!(!drawing.contains(resource), "{resource}: a drawing stands on its own");
    }
    let (code, out, _) = run(at, &["map", "-", "--json"], RULEBOOK);
    assert_eq!(
        (code, serde_json::from_str::<Value>(&out).unwrap()["route"][0]["priority"].as_str()),
        (0, Some("high"))
    );
    assert_eq!(run(at, &["map", "none.yaml"], "").0, 1);
}

#[test]
fn diff_describes_differences_and_rejects_what_it_cannot_compare() {
    let folder = company();
    let at = folder.path();
    let changed = RULEBOOK.replace("score: 60+", "score: 70+").replace("priority: high, ", "").replace(
        "  - rule: everyone else",
        "  - { rule: students, if: { job.level: intern }, then: { nurture: student } }\n  - rule: everyone else",
    );
    write(at, "draft.yaml", &changed);
    write(at, "bad.yaml", &RULEBOOK.replace("job.level", "job.levle"));
    // The draft has a table of its own beside it.
    std::fs::create_dir(at.join("next")).unwrap();
    write(&at.join("next"), "rulebook.yaml", RULEBOOK);
    write(&at.join("next"), "territories.csv", &TERRITORIES.replace("Saxony,east", "Saxony,north"));
    std::fs::create_dir(at.join("alone")).unwrap();
    write(&at.join("alone"), "rulebook.yaml", RULEBOOK);
    let mut shown = String::new();
    for arguments in [
        &["diff", "rulebook.yaml", "draft.yaml"][..],
        &["diff", "rulebook.yaml", "rulebook.yaml"],
        &["diff", "rulebook.yaml", "next/rulebook.yaml"],
        &["diff", "rulebook.yaml", "draft.yaml", "--json"],
        &["diff", "rulebook.yaml", "bad.yaml"],
        &["diff", "rulebook.yaml", "alone/rulebook.yaml"],
        &["diff", "rulebook.yaml", "none.yaml"],
        &["diff", "rulebook.yaml", "alone"],
        &["diff", "rulebook.yaml"],
    ] {
        record(&mut shown, at, arguments, "");
    }
    insta::assert_snapshot!("diff", shown);
    // With a roster, both must match it, and tables are looked for in its folder first.
    write(&at.join("company"), "territories.csv", TERRITORIES);
    let with_roster = ["diff", "rulebook.yaml", "alone/rulebook.yaml", "--roster", "company"];
    assert_eq!(
        run(at, &with_roster, ""),
        (0, "no differences: both decide every lead alike\n".to_owned(), String::new())
    );
}
