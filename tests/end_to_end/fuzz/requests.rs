//! Requests of the fuzzer: routes of the table, with what they take, and what nobody meant.

use std::fmt::Write as _;

use fairleader_api::Role;
use fairleader_api::route::{Operation, operations};
use fairleader_hostile::{Random, corpus, hostile_json, hostile_text, mutated, mutated_json, noise};

use super::known::Known;
use super::sample::Samples;
use super::wire::Wire;

/// Methods, beside those of the table.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get"];
/// Media types, right and wrong.
const TYPES: [&str; 10] = [
    "application/json",
    "application/yaml",
    "text/csv",
    "text/plain; charset=utf-16",
    "application/octet-stream",
    "multipart/form-data",
    "application/json; charset=",
    "",
    "*/*",
    "\u{fdfa}/json",
];
/// Large bodies: around the limits of a submission, a rulebook, a part of a list, and the gateway.
const LARGE: [usize; 6] =
    [64 * 1024, 2 * 1024 * 1024, 4 * 1024 * 1024, 6 * 1024 * 1024, 7 * 1024 * 1024, 11 * 1024 * 1024];
/// People and reps whose keys the fuzzer uses. It never deletes them.
const KEPT: [&str; 4] = ["mara", "otto", "anna", "ben"];

/// A caller: its name, its role if the key is valid, and the key.
pub(super) struct Caller {
    pub(super) name: String,
    pub(super) role: Option<Role>,
    pub(super) key: String,
}

/// A request and its caller.
pub(super) struct Case {
    pub(super) operation: &'static Operation,
    pub(super) caller: usize,
    pub(super) wire: Wire,
}

/// Makes requests.
pub(super) struct Requests {
    operations: Vec<&'static Operation>,
    samples: Samples,
    rulebooks: Vec<Vec<u8>>,
    tables: Vec<Vec<u8>>,
    lists: Vec<Vec<u8>>,
    callers: Vec<Caller>,
}

impl Requests {
    pub(super) fn new(callers: Vec<Caller>) -> Self {
        Self {
            operations: operations(),
            samples: Samples::new(),
            rulebooks: corpus("rulebook"),
            tables: corpus("table"),
            lists: corpus("list"),
            callers,
        }
    }

    pub(super) fn callers(&self) -> &[Caller] {
        &self.callers
    }

    /// Makes one request. Every route comes equally often; two of three times the caller may call it.
    pub(super) fn one(&self, random: &mut Random, known: &Known) -> Case {
        let operation = *random.pick(&self.operations);
        let allowed: Vec<usize> = (0..self.callers.len())
            .filter(|&at| self.callers[at].role.is_some_and(|role| operation.access.admits(role)))
            .collect();
        let caller = if random.one_in(3) { random.below(self.callers.len()) } else { *random.pick(&allowed) };
        let mut wire = Wire {
            method: operation.method.as_str().to_owned(),
            target: target(operation, random, known),
            ..Wire::default()
        };
        if random.one_in(40) {
            (*random.pick(&METHODS)).clone_into(&mut wire.method);
        }
        self.add_key(&mut wire, caller, random);
        self.add_body(operation, &mut wire, random, known);
        add_headers(operation, &mut wire, random, known);
        Case { operation, caller, wire }
    }

    fn add_key(&self, wire: &mut Wire, caller: usize, random: &mut Random) {
        let key = &self.callers[caller].key;
        let value = match random.below(60) {
            0 => format!("bearer   {key} "),
            1 => format!("Basic {key}"),
            2 => format!("Bearer {}", hostile_text(random)),
            _ if key.is_empty() => return,
            _ => format!("Bearer {key}"),
        };
        wire.headers.push(("authorization".to_owned(), header(value.as_bytes())));
    }

    fn add_body(&self, operation: &Operation, wire: &mut Wire, random: &mut Random, known: &Known) {
        let kind = operation.takes.map(|takes| takes.kind);
        wire.body = match (kind, random.below(12)) {
            (_, 0) => noise(random),
            (_, 1) => hostile_json(random).into_bytes(),
            (Some(_), 2) => Vec::new(),
            (None, _) => return,
            (Some("Yaml"), _) => content(&self.rulebooks, random),
            (Some("Csv"), _) if operation.path.contains("tables") => content(&self.tables, random),
            (Some("Csv"), _) => content(&self.lists, random),
            (Some(_), how) => {
                let value = self.samples.body(operation.path, &wire.method, random, known).unwrap_or_default();
                if how < 7 { value.to_string().into_bytes() } else { mutated_json(random, &value).into_bytes() }
            }
        };
        // Large bodies are slow, and the limits are few.
        if random.one_in(200) {
            let size = *random.pick(&LARGE) - random.below(3);
            let fill = *random.pick(b" x\n[\"\xff");
            wire.body.resize(size, fill);
        }
        let right = kind.map_or("application/json", fairleader_api::route::media_type);
        let media = if random.one_in(6) { *random.pick(&TYPES) } else { right };
        wire.headers.push(("content-type".to_owned(), header(media.as_bytes())));
    }
}

/// Returns a text of the corpus, one in three as it is.
fn content(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    if random.one_in(3) { random.pick(corpus).clone() } else { mutated(random, corpus) }
}

fn target(operation: &Operation, random: &mut Random, known: &Known) -> String {
    let mut target = String::new();
    for segment in operation.path.split('/').skip(1) {
        target.push('/');
        let Some(name) = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) else {
            target.push_str(segment);
            continue;
        };
        let mut id = match random.below(8) {
            0 => hostile_text(random),
            1 => known.text("", None, random),
            _ => known.in_path(operation.path, name, random),
        };
        if operation.method.as_str() == "DELETE" && KEPT.contains(&id.as_str()) {
            "gone".clone_into(&mut id);
        }
        target.push_str(&encoded(&id, random));
    }
    let mut query = String::new();
    for (name, _) in operation.query {
        if random.one_in(2) {
            let value = if random.one_in(4) { hostile_text(random) } else { known.text(name, None, random) };
            write!(query, "&{name}={}", encoded(&value, random)).unwrap();
        }
    }
    if random.one_in(20) {
        let (name, value) = (hostile_text(random), hostile_text(random));
        write!(query, "&{}={}", encoded(&name, random), encoded(&value, random)).unwrap();
    }
    if !query.is_empty() {
        target.push('?');
        target.push_str(&query[1..]);
    }
    target
}

/// Encodes a text for a path or query; one in ten wrongly.
fn encoded(text: &str, random: &mut Random) -> String {
    let bad = random.one_in(10);
    let mut out = String::new();
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        // Anything that does not end the request line can be sent as it is.
        if plain || (bad && byte.is_ascii_graphic() && byte != b'#') {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
    }
    if bad {
        out.push_str(random.pick::<&str>(&["%", "%f", "%zz", "%C3", "%ED%A0%80", "%2F..%2F", "%00", "+"]));
    }
    out
}

/// Replaces what would end a header.
fn header(value: &[u8]) -> Vec<u8> {
    value.iter().map(|byte| if matches!(byte, b'\r' | b'\n' | 0) { b' ' } else { *byte }).collect()
}

fn add_headers(operation: &Operation, wire: &mut Wire, random: &mut Random, known: &Known) {
    let mut add = |name: &str, value: &[u8]| wire.headers.push((name.to_owned(), header(value)));
    for (name, _) in operation.headers {
        match (*name, random.below(4)) {
            (_, 0) => add(name, hostile_text(random).as_bytes()),
            ("If-Match", 1) => add(name, known.of("etag", random).as_bytes()),
            ("Idempotency-Key", 1) => add(name, format!("key-{}", random.below(40)).as_bytes()),
            _ => {}
        }
    }
    match random.below(30) {
        0 => add("accept", b"application/yaml"),
        1 => add("accept", &noise(random).into_iter().filter(u8::is_ascii_graphic).collect::<Vec<_>>()),
        2 => add("cookie", hostile_text(random).as_bytes()),
        3 => add("x-forwarded-for", hostile_text(random).as_bytes()),
        4 => add("x-filler", &vec![b'x'; *random.pick(&[9_000, 10_240, 20_000])]),
        5 => add("expect", b"100-continue"),
        _ => {}
    }
}
