//! Ids and other texts that mean something to the server: those of the company, and those that replies brought.

use std::collections::{BTreeMap, VecDeque};

use fairleader_hostile::{Random, hostile_text};
use serde_json::Value;

/// Number of texts of a kind that are remembered.
const REMEMBERED: usize = 100;
/// Fields of replies that are worth sending back, with the kind of text that they hold.
const LEARNT: [(&str, &str); 9] = [
    ("lead_id", "lead"),
    ("import_id", "import"),
    ("key_id", "key"),
    ("rep_id", "rep"),
    ("pool_id", "pool"),
    ("account_id", "account"),
    ("person_id", "person"),
    ("version", "version"),
    ("next", "cursor"),
];

/// Known texts by kind.
pub(super) struct Known(BTreeMap<&'static str, VecDeque<String>>);

impl Known {
    /// Knows the small company.
    pub(super) fn new() -> Self {
        let company: [(&str, &[&str]); 15] = [
            ("rep", &["anna", "ben", "carla", "dora", "emil", "frida", "gina", "hugo"]),
            ("pool", &["inbound", "iberia", "watch", "new"]),
            ("account", &["acme", "beta", "gamma"]),
            ("person", &["mara", "otto", "nils", "olga"]),
            ("version", &["000001", "active", "latest", "000000", "999999", "rollback", "replay"]),
            ("table", &["territories", "desks"]),
            ("part", &["1", "2", "3", "10000"]),
            ("lead", &["24c875e2-d32c-565d-a365-9f2e35ff9e4f", "events"]),
            ("import", &["019f0000-0000-7000-8000-000000000000"]),
            ("key", &["019f0000-0000-7000-8000-000000000000"]),
            ("cursor", &["x.1"]),
            ("etag", &["\"1\"", "W/\"1\"", "*", "\"1\", \"2\""]),
            ("source", &["website", "partner", "import"]),
            ("did", &["demo", "newsletter", "contact_me", "webinar", "download"]),
            (
                "time",
                &["2026-03-01T09:00:00Z", "2027-04-01T08:00:00+02:00", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z"],
            ),
        ];
        Self(company.into_iter().map(|(kind, all)| (kind, all.iter().map(|&text| text.to_owned()).collect())).collect())
    }

    /// Remembers ids of a reply to a request to `path`.
    pub(super) fn learn(&mut self, reply: &Value) {
        match reply {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let kind = LEARNT.iter().find(|(known, _)| known == name);
                    match (kind, value) {
                        (Some((_, kind)), Value::String(text)) => self.add(kind, text),
                        _ => self.learn(value),
                    }
                }
            }
            Value::Array(entries) => entries.iter().take(20).for_each(|entry| self.learn(entry)),
            _ => {}
        }
    }

    /// Remembers a text of a kind.
    pub(super) fn add(&mut self, kind: &'static str, text: &str) {
        let all = self.0.entry(kind).or_default();
        if !all.iter().any(|known| known == text) {
            all.push_back(text.to_owned());
            if all.len() > REMEMBERED {
                all.pop_front();
            }
        }
    }

    /// Returns a known text of a kind.
    pub(super) fn of(&self, kind: &str, random: &mut Random) -> String {
        let all = &self.0[kind];
        all[random.below(all.len())].clone()
    }

    /// Returns a text for a path parameter of a route.
    pub(super) fn in_path(&self, path: &str, parameter: &str, random: &mut Random) -> String {
        let kind = match (parameter, path.split('/').nth(2).unwrap_or_default()) {
            ("lead_id", _) => "lead",
            ("pool_id", _) | (_, "pools") => "pool",
            ("version", _) => "version",
            ("name", _) => "table",
            ("part", _) => "part",
            (_, "reps") => "rep",
            (_, "accounts") => "account",
            (_, "people") => "person",
            (_, "imports") => "import",
            _ => "key",
        };
        self.of(kind, random)
    }

    /// Returns a text for a field or query parameter.
    pub(super) fn text(&self, name: &str, format: Option<&str>, random: &mut Random) -> String {
        let some = |all: &[&str], random: &mut Random| (*random.pick(all)).to_owned();
        if format == Some("date-time") {
            return self.of("time", random);
        }
        match name {
            "rep" | "owner" | "deal_owner" | "manager" | "rep_id" | "subject" | "id" => self.of("rep", random),
            "fallback" | "pool_id" => self.of("pool", random),
            "parent" | "account_id" => self.of("account", random),
            "person" | "person_id" => self.of("person", random),
            "lead_id" => self.of("lead", random),
            "source" => self.of("source", random),
            "did" => self.of("did", random),
            "at" => self.of("time", random),
            "from" if random.one_in(3) => self.of("version", random),
            "cursor" | "from" | "commands_from" => self.of("cursor", random),
            "email" => format!("p{}@company{}.example", random.below(300), random.below(20)),
            "phone" => format!("+49 171 39200{:02}", random.below(100)),
            "zone" => some(&["Europe/Berlin", "America/New_York", "UTC"], random),
            "hours" => some(&["always", "never", "mon-fri 09:00-17:00, sat 10:00-14:00"], random),
            "languages" => some(&["de", "en", "fr"], random),
            "domains" | "website" => format!("company{}.example", random.below(20)),
            "country" => some(&["DE", "ES", "Frankreich", "Atlantis"], random),
            "employees" => some(&["200", "50-999"], random),
            "consent_email" | "consent_phone" => some(&["yes", "no"], random),
            "preferred_channel" => some(&["email", "phone"], random),
            "spend" => some(&["low", "high"], random),
            "wait" => some(&["0s", "1ms", "200ms", "8s", "9s", "-1s", "99999999999h", "soon"], random),
            "since" => some(&["90d", "12w", "36h", "0d", "-1d", "99999999999w", "1.5d"], random),
            "kind" => some(&["rep", "pool", "account", "person", "key", "table", "lead"], random),
            _ if random.one_in(4) => hostile_text(random),
            _ => format!("text {}", random.below(50)),
        }
    }
}
