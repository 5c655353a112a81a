//! The structs with which commit 64c3a79 read items, equally strict. Ids, timestamps and words are text.

#![expect(dead_code, reason = "fields are only parsed")]
#![expect(clippy::struct_field_names, reason = "the names are those of the items")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rep {
    rep_id: String,
    name: String,
    email: String,
    #[serde(default)]
    manager: Option<String>,
    zone: String,
    hours: String,
    #[serde(default)]
    languages: Vec<String>,
    #[serde(default)]
    skills: Vec<String>,
    capacity: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pool {
    pool_id: String,
    name: String,
    members: Vec<Member>,
    #[serde(default)]
    longest_wait_minutes: u32,
    #[serde(default)]
    fallback: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    rep: String,
    #[serde(default)]
    weight: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    account_id: String,
    name: String,
    #[serde(default)]
    domains: Vec<String>,
    #[serde(default)]
    parent: Option<String>,
    #[serde(default)]
    owner: Option<String>,
    status: String,
    #[serde(default)]
    deal_owner: Option<String>,
    #[serde(default)]
    tier: Option<String>,
    #[serde(default)]
    score: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    person_id: String,
    name: String,
    email: String,
    role: String,
}

#[derive(Deserialize)]
pub(super) struct KeyRecord {
    role: String,
    subject: String,
    created_at: String,
    #[serde(default)]
    person: Option<PersonKey>,
}

#[derive(Deserialize)]
struct PersonKey {
    person_id: String,
    enrolled: String,
}

#[derive(Deserialize)]
pub(super) struct Import {
    import_id: String,
    name: String,
    source: String,
    dry_run: bool,
    created_at: String,
}

#[derive(Deserialize)]
pub(super) struct PartResult {
    part: u32,
    sha256: String,
    rows: u32,
    accepted: u32,
    rejected: u32,
}

#[derive(Deserialize)]
pub(super) struct NamedTable {
    name: String,
    sha256: String,
    columns: Vec<String>,
    bytes: usize,
    rows: usize,
    uploaded_at: String,
    uploaded_by: String,
}

#[derive(Deserialize)]
pub(super) struct TableAbout {
    chunks: usize,
}

#[derive(Deserialize)]
pub(super) struct About {
    #[serde(flatten)]
    upload: Upload,
    chunks: usize,
}

#[derive(Deserialize)]
struct Upload {
    uploaded_at: String,
    uploaded_by: String,
    #[serde(default)]
    purpose: Option<String>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    tables: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Signature {
    person: String,
    name: String,
    role: String,
}

#[derive(Deserialize)]
struct Withdrawal {
    at: String,
    by: String,
}

#[derive(Deserialize)]
pub(super) struct Review {
    approvals: Vec<Approval>,
    objections: Vec<Objection>,
    comments: Vec<Comment>,
}

#[derive(Deserialize)]
struct Approval {
    by: Signature,
    at: String,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    withdrawn: Option<Withdrawal>,
}

#[derive(Deserialize)]
struct Objection {
    by: Signature,
    at: String,
    reason: String,
    #[serde(default)]
    withdrawn: Option<Withdrawal>,
}

#[derive(Deserialize)]
struct Comment {
    by: Signature,
    at: String,
    text: String,
}

#[derive(Deserialize)]
pub(super) struct Activations {
    history: Vec<Activation>,
    #[serde(default)]
    next: Option<Planned>,
    back: Vec<String>,
}

#[derive(Deserialize)]
struct Activation {
    version: String,
    since: String,
    by: String,
    cause: String,
}

#[derive(Deserialize)]
struct Planned {
    version: String,
    at: String,
    by: String,
}

#[derive(Deserialize)]
pub(super) struct Reroute {
    version: String,
    at: String,
    by: String,
    #[serde(flatten)]
    progress: Progress,
}

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Progress {
    Planned,
    Running { queued: u64, from: String },
    Done { ended_at: String, queued: u64 },
    Superseded { ended_at: String, queued: u64 },
    Cancelled { ended_at: String, queued: u64 },
}

#[derive(Deserialize)]
pub(super) struct Rotation {
    version: u64,
    turns: u64,
    standings: BTreeMap<String, Standing>,
    #[serde(default)]
    last_eligible: Vec<String>,
}

#[derive(Deserialize)]
struct Standing {
    lag: i64,
    got: u64,
    share: i64,
    last_turn: u64,
}

#[derive(Deserialize)]
pub(super) struct Why {
    at: String,
    event: u64,
    stage: String,
    rulebook: String,
    explanation: Explanation,
    score: Score,
    choice: Choice,
    #[serde(default)]
    summary: Vec<String>,
    sentences: Vec<String>,
}

#[derive(Deserialize)]
struct Explanation {
    rule: String,
    section: String,
    reasons: Vec<String>,
    near_misses: Vec<NearMiss>,
    lookups: Vec<String>,
    sentence: String,
}

#[derive(Deserialize)]
struct NearMiss {
    rule: String,
    failed: String,
}

#[derive(Deserialize)]
struct Score {
    total: u8,
    fit: u8,
    engagement: u8,
    account: u8,
    grade: Option<String>,
    mql: bool,
    mql_by: Option<String>,
    #[serde(default)]
    interest: Vec<Interest>,
    lines: Vec<ScoreLine>,
}

#[derive(Deserialize)]
struct Interest {
    product: String,
    points: u8,
}

#[derive(Deserialize)]
struct ScoreLine {
    part: String,
    reason: String,
    points: i32,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    taken_from: Option<String>,
    #[serde(default)]
    named: Option<Candidate>,
    #[serde(default)]
    pools: Vec<PoolTried>,
    #[serde(default)]
    chosen: Option<String>,
}

#[derive(Deserialize)]
struct PoolTried {
    pool: String,
    members: Vec<Candidate>,
}

#[derive(Deserialize)]
struct Candidate {
    rep: String,
    #[serde(default)]
    stopped_by: Option<String>,
    lag: i64,
}

#[derive(Deserialize)]
pub(super) struct Absorbed {
    received_at: String,
    payload_hash: String,
    lead_id: String,
    submission: BTreeMap<String, String>,
}

#[derive(Deserialize)]
pub(super) struct Recorded {
    #[serde(flatten)]
    activity: Activity,
    source: String,
    received_at: String,
}

#[derive(Deserialize)]
struct Activity {
    id: String,
    did: String,
    at: String,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    spend: Option<String>,
    #[serde(default)]
    response: Option<String>,
    #[serde(default)]
    product: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct DeadLetter {
    queue: String,
    command: String,
    at: String,
}

#[derive(Deserialize)]
pub(super) struct Event {
    id: String,
    schema: u32,
    lead_id: String,
    seq: u64,
    at: String,
    r#type: String,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct State {
    lead_id: String,
    stage: String,
    version: u64,
    source: String,
    received_at: String,
    payload_hash: String,
    last_event: u64,
    assignment: u32,
    owner: Option<String>,
    pool: Option<String>,
    #[serde(default)]
    ledger: Option<u64>,
    score: Option<Score>,
    rulebook: Option<String>,
    rule: Option<String>,
    #[serde(default)]
    priority: Option<String>,
    #[serde(default)]
    value: Option<u32>,
    reason: Option<String>,
    held_from: Option<String>,
    mql_at: Option<String>,
    assigned_at: Option<String>,
    accepted_at: Option<String>,
    waiting_since: Option<String>,
    due_at: Option<String>,
    merged_into: Option<String>,
}
