//! Tests the reference page, `docs/rulebook.md`: reads and checks its examples, and decides their leads.
//!
//! The info string of a fenced block says how to test it:
//!
//! | info | the block is |
//! |---|---|
//! | `yaml` | a whole rulebook, without problems |
//! | `yaml sections` | some sections of a rulebook; required sections are added |
//! | `yaml rules` | rules of `route`; a last one is added |
//! | `yaml condition`, `yaml conditions` | the content of `if`; a list of them, any of which is enough |
//! | `yaml wrong …` | one of these with mistakes; the next block is `text` with the exact messages |
//! | `csv NAME`, `csv wrong NAME` | a table for later examples; with `wrong`, its problems follow as `text` |
//! | `leads` | leads for the preceding example: `LEAD → CLAIM, …` |
//! | `console`, `json` | for people only |

use crate::time_span;
use fairleader_lead::account::AccountFacts;
use fairleader_lead::id::PoolId;
use fairleader_lead::id::RepId;
use fairleader_lead::id::SourceId;
use fairleader_lead::profile::Profile;
use fairleader_lead::ruling::IfNobody;
use fairleader_lead::ruling::IfUnavailable;
use fairleader_lead::ruling::Outcome;
use fairleader_lead::score::Score;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;

use super::diagnostic::Problems;
use super::field::FIELDS;
use super::schema::tests::refusal;
use super::yaml::{self, Content, Node};
use super::*;
use fairleader_lead::account::{Account, AccountStatus};
use fairleader_lead::activity::{Activity, remember};
use fairleader_lead::id::{AccountId, ActivityId};
use fairleader_lead::normalise::choice;
use fairleader_lead::profile::{Email, EmailKind, Phone, PhoneKind};
use fairleader_lead::score::Interest;

const PAGE: &str = include_str!("../../../docs/rulebook.md");

/// Codes of mistakes that the schema catches as well.
const SEEN_BY_SCHEMA: &[&str] = &[
    "unknown-key",
    "misplaced-key",
    "out-of-range",
    "no-action",
    "two-actions",
    "wrong-share",
    "points",
    "did-missing",
    "length",
    "missing-key",
    "missing-section",
    "reason",
    "priority",
    "custom-type",
    "empty",
];

struct Block<'p> {
    line: usize,
    info: &'p str,
    text: String,
}

fn blocks() -> Vec<Block<'static>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'static>> = None;
    for (line, number) in PAGE.lines().zip(1..) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => open = Some(Block { line: number, info, text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => writeln!(block.text, "{line}").unwrap(),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "the last block is never closed");
    blocks
}

/// An example completed to a whole rulebook.
struct Framed {
    source: String,
    /// Lines and columns before the example.
    before: (usize, usize),
    example: String,
    whole: bool,
}

const COMPANY: &str = "company: { zone: Europe/Berlin, currency: EUR }\n";
const SCORE: &str = "score: { fit: { share: 100% }, grades: { A: 80+, B: 60+ } }\n";
const MQL: &str = "mql: [{ source: present }]\n";
const ROUTE: &str = "route: [{ rule: everyone, then: { pool: inbound } }]\n";
const LAST: &str = "  - { rule: everyone else, then: { pool: inbound } }\n";

impl Framed {
    fn new(kind: &str, example: &str) -> Option<Self> {
        let head = format!("{COMPANY}{SCORE}{MQL}route:\n");
        let (head, indent, tail) = match kind {
            "" => {
                return Some(Self {
                    source: example.to_owned(),
                    before: (0, 0),
                    example: example.to_owned(),
                    whole: true,
                });
            }
            "sections" => (String::new(), 0, missing(example, ROUTE)),
            "rules" => (head, 2, LAST.to_owned()),
            "condition" | "conditions" => {
                let (any, indent) = if kind == "conditions" { ("      any:\n", 8) } else { ("", 6) };
                let head = format!("{head}  - rule: example\n    if:\n{any}");
                (head, indent, format!("    then: {{ pool: a }}\n{LAST}"))
            }
            _ => return None,
        };
        let lines = example
            .lines()
            .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{:indent$}{line}\n", "") });
        let source = format!("{head}{}{tail}", lines.collect::<String>());
        Some(Self { source, before: (head.lines().count(), indent), example: example.to_owned(), whole: false })
    }

    /// Renders the problems at their positions in the example; for parts of a rulebook, only the errors.
    fn rendered(&self, found: Vec<Diagnostic>) -> String {
        let shown = found.into_iter().filter(|one| self.whole || one.severity == Severity::Error).map(|one| {
            let (line, column) = (one.line - self.before.0, one.column - self.before.1);
            Diagnostic { line, column, ..one }.render(&self.example, "rulebook.yaml")
        });
        shown.collect::<Vec<String>>().join("\n")
    }
}

/// Returns the required sections that `example` lacks.
fn missing(example: &str, route: &str) -> String {
    let sections = [("company:", COMPANY), ("score:", SCORE), ("mql:", MQL), ("route:", route)];
    let missing = sections.into_iter().filter(|(name, _)| !example.lines().any(|line| line.starts_with(name)));
    missing.map(|(_, section)| section).collect()
}

#[test]
fn every_example_of_the_page_is_correct() {
    let mut references = References::default();
    let mut example: Option<(Framed, Rulebook)> = None;
    let mut messages: Option<String> = None;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for Block { line, info, text } in blocks() {
        let (language, kind) = info.split_once(' ').unwrap_or((info, ""));
        if let Some(expected) = messages.take() {
            assert_eq!(info, "text", "line {line}: a `wrong` example is followed by its messages:\n{expected}");
            assert_eq!(text.trim_end(), expected.trim_end(), "line {line}");
            continue;
        }
        *counts.entry(language).or_default() += 1;
        match (language, kind.strip_prefix("wrong")) {
            ("yaml", None) => {
                let framed = Framed::new(kind, &text).unwrap_or_else(|| panic!("line {line}: what is `{info}`?"));
                let checked = Rulebook::parse(&framed.source, &references)
                    .unwrap_or_else(|found| panic!("line {line}:\n{}", framed.rendered(found)));
                assert_eq!(framed.rendered(checked.warnings), "", "line {line}");
                assert_eq!(refusal(&framed.source), Some(Ok(())), "line {line}: the schema refuses it");
                example = Some((framed, checked.rulebook));
            }
            ("yaml", Some(kind)) => {
                let framed =
                    Framed::new(kind.trim(), &text).unwrap_or_else(|| panic!("line {line}: what is `{info}`?"));
                let Err(found) = Rulebook::parse(&framed.source, &references) else {
                    panic!("line {line}: nothing is wrong with it");
                };
                if found.iter().any(|one| SEEN_BY_SCHEMA.contains(&one.code)) {
                    assert!(
                        refusal(&framed.source).is_none_or(|verdict| verdict.is_err()),
                        "line {line}: the schema takes it"
                    );
                }
                messages = Some(framed.rendered(found));
                example = None;
            }
            ("csv", None) => {
                let table = Table::parse(kind, &text).unwrap_or_else(|found| panic!("line {line}: {found:?}"));
                references.tables.insert(kind.to_owned(), Arc::new(table));
            }
            ("csv", Some(name)) => {
                let found = Table::parse(name, &text).expect_err("problems");
                messages = Some(found.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n"));
            }
            ("leads", None) => {
                let (framed, rulebook) = example.as_ref().unwrap_or_else(|| panic!("line {line}: leads of what?"));
                for (lead, number) in text.lines().zip(line + 1..) {
                    decide(lead, number, framed, rulebook, &references);
                }
            }
            ("console" | "json", None) => {}
            _ => panic!("line {line}: no test knows what a block `{info}` is"),
        }
    }
    assert_eq!(messages, None, "the last `wrong` example has no messages");
    assert!(counts["yaml"] > 40 && counts["leads"] > 20, "{counts:?}");
}

/// Checks one line of a block of leads: `{ country: DE } → matches`.
fn decide(line: &str, number: usize, framed: &Framed, rulebook: &Rulebook, references: &References) {
    let (lead, claims) = line.split_once('→').unwrap_or_else(|| panic!("line {number}: no `→`"));
    let lead = Lead::from(&read(lead, number), number);
    for (claim, node) in entries(&read(&format!("{{ {claims} }}"), number)) {
        let wanted = match &node.content {
            Content::Scalar { text, .. } => text.as_str(),
            _ => panic!("line {number}: `{claim}` is not a claim"),
        };
        let found = lead.ask(|facts| claimed(&claim, facts, rulebook));
        if let Some(found) = found {
            assert_eq!(found, wanted, "line {number}: {claim}");
            continue;
        }
        // Any other claim is a test of a field.
        let test = format!("route:\n  - {{ rule: example, if: {{ {claim}: {wanted} }}, then: {{ pool: a }} }}\n{LAST}");
        assert!(missing(&framed.example, ROUTE).contains(ROUTE), "line {number}: `{claim}` cannot be claimed here");
        let source = format!("{}{}", framed.example, missing(&framed.example, &test));
        let checked = Rulebook::parse(&source, references).unwrap_or_else(|found| panic!("line {number}: {found:?}"));
        let rule = lead.ask(|facts| checked.rulebook.decide(facts)).rule;
        assert_eq!(rule, "example", "line {number}: `{claim}` is not `{wanted}`");
    }
}

/// Returns the actual value for a claim; `None` if the claim is about a field.
fn claimed(claim: &str, facts: &Facts<'_>, rulebook: &Rulebook) -> Option<String> {
    let ruling = rulebook.decide(facts);
    let score = rulebook.score(facts);
    let pool_or = |pool: Option<&PoolId>, word: &str| pool.map_or_else(|| word.to_owned(), ToString::to_string);
    let none = || "none".to_owned();
    Some(match claim {
        "matches" => {
            if ruling.rule == "example" {
                String::new()
            } else {
                format!("by {}", ruling.rule)
            }
        }
        "does not match" => {
            if ruling.rule == "example" {
                "matches".to_owned()
            } else {
                String::new()
            }
        }
        "rule" => ruling.rule,
        "priority" => ruling.priority.as_str().to_owned(),
        "value" => ruling.value.map_or_else(none, |value| value.to_string()),
        "pool" => match ruling.outcome {
            Outcome::Pool { pool, .. } => pool.to_string(),
            _ => none(),
        },
        "owner" => match ruling.outcome {
            Outcome::Owner { rep, .. } => rep.to_string(),
            _ => none(),
        },
        "nurture" => match ruling.outcome {
            Outcome::Nurture { reason } => reason,
            _ => none(),
        },
        "disqualify" => match ruling.outcome {
            Outcome::Disqualify { reason } => reason,
            _ => none(),
        },
        "hold" => match ruling.outcome {
            Outcome::Hold { reason } => reason,
            _ => none(),
        },
        "if_nobody" => match ruling.outcome {
            Outcome::Pool { if_nobody: IfNobody::Pool(pool), .. } => pool_or(Some(&pool), ""),
            Outcome::Pool { .. } => pool_or(None, "wait"),
            _ => none(),
        },
        "if_unavailable" => match ruling.outcome {
            Outcome::Owner { if_unavailable: IfUnavailable::Pool(pool), .. } => pool_or(Some(&pool), ""),
            Outcome::Owner { .. } => pool_or(None, "assign"),
            _ => none(),
        },
        "counts_as_turn" => match ruling.outcome {
            Outcome::Owner { counts_as_turn: true, .. } => "yes".to_owned(),
            Outcome::Owner { .. } => "no".to_owned(),
            _ => none(),
        },
        "score" => score.total.to_string(),
        "fit" => score.fit.to_string(),
        "engagement" => score.engagement.to_string(),
        "grade" => score.grade.unwrap_or_else(none),
        "mql" => if score.mql { "yes" } else { "no" }.to_owned(),
        "interest" => {
            let interest = score.interest.iter().map(|one| format!("{} {}", one.product, one.points));
            interest.collect::<Vec<String>>().join(" and ")
        }
        _ => return None,
    })
}

fn read(text: &str, number: usize) -> Node {
    let mut problems = Problems::default();
    let node = yaml::read(text, &mut problems);
    assert_eq!(problems.finish(), Ok(vec![]), "line {number}: {text}");
    node.unwrap()
}

fn entries(node: &Node) -> Vec<(String, Node)> {
    match &node.content {
        Content::Mapping(entries) => entries.iter().map(|(key, node)| (key.text.clone(), node.clone())).collect(),
        _ => Vec::new(),
    }
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// Returns the time used on the page: Tuesday, 3 March 2026, 10:00 in Berlin.
fn now() -> Timestamp {
    "2026-03-03T09:00:00Z".parse().unwrap()
}

/// Parses `3 days ago`, `in 2 hours` or `2026-03-01` (at noon).
fn instant(text: &str) -> Timestamp {
    let ms = |length: &str| time_span::length(length).unwrap_or_else(|| panic!("`{text}` is not a time")).ms;
    let moved = |ms: i64| Timestamp::from_millisecond(now().as_millisecond() + ms).unwrap();
    if let Some(length) = text.strip_suffix(" ago") {
        return moved(-ms(length));
    }
    if let Some(length) = text.strip_prefix("in ") {
        return moved(ms(length));
    }
    let day: Date = text.parse().unwrap_or_else(|_| panic!("`{text}` is not a time"));
    day.at(12, 0, 0, 0).to_zoned(zone()).unwrap().timestamp()
}

/// A lead as written on the page.
struct Lead {
    profile: Profile,
    source: SourceId,
    received_at: Timestamp,
    account: Option<Account>,
    score: Option<Score>,
}

fn word<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_value(text.into()).unwrap_or_else(|_| panic!("`{text}` is none of the words"))
}

impl Lead {
    fn from(node: &Node, number: usize) -> Self {
        let mut lead = Self {
            profile: Profile::default(),
            source: SourceId::from("website"),
            received_at: now(),
            account: None,
            score: None,
        };
        for (field, node) in entries(node) {
            let nodes = match &node.content {
                Content::Sequence(nodes) => nodes.clone(),
                _ => vec![node],
            };
            for node in nodes {
                match &node.content {
                    Content::Scalar { text, .. } if field == "did" => lead.did(text, &[]),
                    Content::Scalar { text, .. } => lead.set(&field, text, number),
                    _ => {
                        let parts = entries(&node);
                        let parts: Vec<(&str, &str)> =
                            parts.iter().map(|(key, node)| (key.as_str(), scalar(node))).collect();
                        let did = parts.iter().find(|(key, _)| *key == "did").map(|(_, did)| *did);
                        lead.did(did.unwrap_or_else(|| panic!("line {number}: no `did`")), &parts);
                    }
                }
            }
        }
        lead
    }

    /// Adds an activity such as `demo` or `demo 3 days ago`; without an age, ten minutes ago.
    fn did(&mut self, text: &str, details: &[(&str, &str)]) {
        let (did, at) = match text.split_once(' ').filter(|_| text.ends_with(" ago")) {
            Some((did, age)) => (did, instant(age)),
            None => (text, instant("10 minutes ago")),
        };
        let detail = |key: &str| details.iter().find(|(known, _)| *known == key).map(|(_, value)| (*value).to_owned());
        let activity = Activity {
            id: ActivityId::new(format!("a{}", self.profile.activities.len())),
            did: choice::did(did).unwrap(),
            at,
            channel: detail("channel"),
            spend: detail("spend").map(|spend| word(&spend)),
            response: detail("response"),
            product: detail("product"),
        };
        remember(&mut self.profile.activities, activity);
    }

    fn account(&mut self) -> &mut Account {
        self.account.get_or_insert_with(|| Account {
            account_id: AccountId::from("acme"),
            name: "Acme".to_owned(),
            domains: vec![],
            parent: None,
            owner: None,
            status: AccountStatus::Prospect,
            deal_owner: None,
            tier: None,
            score: None,
        })
    }

    fn email(&mut self) -> &mut Email {
        self.profile.contact.email.get_or_insert_with(|| Email {
            address: "ada@acme.example".to_owned(),
            identity: "ada@acme.example".to_owned(),
            domain: "acme.example".to_owned(),
            kind: EmailKind::Business,
        })
    }

    fn score(&mut self) -> &mut Score {
        self.score.get_or_insert_with(|| Score {
            total: 0,
            fit: 0,
            engagement: 0,
            account: 0,
            grade: None,
            mql: true,
            mql_by: None,
            interest: vec![],
            lines: vec![],
        })
    }

    fn interest(&mut self) -> &mut Interest {
        let interest = &mut self.score().interest;
        if interest.is_empty() {
            interest.push(Interest { product: "keel".to_owned(), points: 0 });
        }
        interest.first_mut().unwrap()
    }

    fn set(&mut self, field: &str, text: &str, number: usize) {
        let own = || Some(text.to_owned());
        let yes = || Some(text == "yes");
        let percent = || text.parse::<u8>().unwrap();
        let Profile { contact, company, place, interest, campaign, consent, custom, .. } = &mut self.profile;
        match field {
            "name.first" => contact.first_name = own(),
            "name.last" => contact.last_name = own(),
            "job.title" => contact.job_title = own(),
            "job.level" => contact.job_level = Some(word(text)),
            "phone.kind" => {
                contact.phone = Some(Phone { raw: "1".to_owned(), e164: None, kind: word::<PhoneKind>(text) });
            }
            "language" => contact.language = own(),
            "company.name" => company.name = own(),
            "company.domain" => company.domain = own(),
            "company.employees" => company.employees = Some(text.parse().unwrap()),
            "industry" => company.industry = own(),
            "country" => place.country = own(),
            "state" => place.state = own(),
            "city" => place.city = own(),
            "postal_code" => place.postal_code = own(),
            "product" => interest.product = own(),
            "message" => interest.message = own(),
            "campaign.name" => campaign.name = own(),
            "campaign.source" => campaign.source = own(),
            "campaign.medium" => campaign.medium = own(),
            "consent.email" => consent.email = yes(),
            "consent.phone" => consent.phone = yes(),
            "preferred_channel" => self.profile.preferred_channel = Some(word(text)),
            "received_at" => self.received_at = instant(text),
            "last_activity" => self.did(&format!("newsletter {text}"), &[]),
            "source" => self.source = SourceId::from(text),
            "email.domain" => text.clone_into(&mut self.email().domain),
            "email.kind" => self.email().kind = word(text),
            "account" => self.account().account_id = AccountId::from(text),
            "account.name" => text.clone_into(&mut self.account().name),
            "account.status" => self.account().status = word(text),
            "account.tier" => self.account().tier = own(),
            "account.owner" => self.account().owner = Some(RepId::from(text)),
            "account.deal_owner" => self.account().deal_owner = Some(RepId::from(text)),
            "account.score" => self.account().score = Some(percent()),
            "score" => self.score().total = percent(),
            "fit" => self.score().fit = percent(),
            "engagement" => self.score().engagement = percent(),
            "grade" => self.score().grade = own(),
            "interest.product" => text.clone_into(&mut self.interest().product),
            "interest.points" => self.interest().points = percent(),
            other => {
                let name = other.strip_prefix("custom.").unwrap_or_else(|| panic!("line {number}: no field `{other}`"));
                custom.insert(name.to_owned(), text.to_owned());
            }
        }
    }

    fn ask<T>(&self, ask: impl FnOnce(&Facts<'_>) -> T) -> T {
        let account = self.account.as_ref().and_then(|account| AccountFacts::inherit(std::slice::from_ref(account)));
        ask(&Facts {
            profile: &self.profile,
            source: &self.source,
            received_at: self.received_at,
            account: account.as_ref(),
            score: self.score.as_ref(),
            now: now(),
        })
    }
}

fn scalar(node: &Node) -> &str {
    match &node.content {
        Content::Scalar { text, .. } => text,
        _ => panic!("no value"),
    }
}

#[test]
fn the_field_table_is_up_to_date() {
    let mut table = "| field | type | for example | what it is |\n|---|---|---|---|\n".to_owned();
    for spec in FIELDS {
        let kind = spec.kind.in_words();
        let kind = kind.strip_prefix("A ").unwrap_or(&kind).replacen("One of", "one of", 1).replacen("Text", "text", 1);
        writeln!(table, "| `{}` | {kind} | `{}` | {} |", spec.name, spec.example, spec.meaning).unwrap();
        let condition = format!("{}: {}\n", spec.name, spec.example);
        let framed = Framed::new("condition", &condition).unwrap();
        if let Err(found) = Rulebook::parse(&framed.source, &References::default()) {
            panic!("{}", framed.rendered(found));
        }
    }
    let (_, rest) = PAGE.split_once("<!-- fields -->\n").expect("where the table begins");
    let (written, _) = rest.split_once("<!-- end of fields -->").expect("where the table ends");
    assert!(
        written == table,
        "the table of fields in docs/rulebook.md is not that of field.rs; put this there:\n{table}"
    );
}
