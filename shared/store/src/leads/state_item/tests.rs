//! Compatibility with the version before stages had their own data: items that it wrote, one for every form of a stage,
//! and its struct, which must be able to read what is written now.

use fairleader_lead::id::ActorId;
use serde_json::Value;

use super::*;

const GOLDEN: &str = include_str!("golden.jsonl");

/// Stored state in the version before this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    lead_id: LeadId,
    stage: Stage,
    version: u64,
    source: SourceId,
    received_at: Timestamp,
    payload_hash: String,
    last_event: u64,
    assignment: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<RepId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<PoolId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ledger: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rulebook: Option<RulebookVersion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_from: Option<Stage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mql_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<LeadId>,
}

fn read(text: &str) -> State {
    serde_json::from_str::<StateItem>(text).unwrap().into_state().unwrap()
}

fn write(state: &State) -> String {
    serde_json::to_string(&StateItem::from(state)).unwrap()
}

#[test]
fn reads_old_items_and_writes_them_unchanged() {
    let mut stages = Vec::new();
    for line in GOLDEN.lines() {
        let state = read(line);
        stages.push(state.stage());
        let (before, now): (Value, Value) =
            (serde_json::from_str(line).unwrap(), serde_json::from_str(&write(&state)).unwrap());
        assert_eq!(before, now, "{line}");
        assert_eq!(read(&write(&state)), state);
    }
    stages.sort_unstable();
    stages.dedup();
    assert_eq!(stages.len(), 8, "every stage: {stages:?}");
}

#[test]
fn the_old_version_reads_new_items() {
    let first = Done { at: "2026-11-28T08:00:00Z".parse().unwrap(), by: ActorId::from("otto") };
    for line in GOLDEN.lines() {
        let mut state = read(line);
        state.milestones.assigned = Some(first.at);
        state.milestones.accepted = Some(first.clone());
        if let Standing::Accepted { accepted, .. } = &mut state.standing {
            accepted.by = ActorId::from("mara");
        }
        let written = write(&state);
        assert_eq!(read(&written), state, "{written}");
        let (before, old): (Before, Before) =
            (serde_json::from_str(&written).unwrap(), serde_json::from_str(line).unwrap());
        assert_eq!(before, old, "{written}");
        // During a deploy, that version may write the item back without the fields that it does not know.
        let back = read(&serde_json::to_string(&before).unwrap());
        assert_eq!(back.standing.stage(), state.standing.stage());
        assert_eq!(back.owned(), state.owned());
    }
}

#[test]
fn reads_items_of_a_newer_version() {
    for line in GOLDEN.lines() {
        let mut later: Value = serde_json::from_str(line).unwrap();
        later["first_contact_at"] = "2026-11-28T09:30:00Z".into();
        later["clocks"] = serde_json::json!([{"clock": "accept"}]);
        assert_eq!(read(&later.to_string()), read(line));
    }
}

#[test]
fn names_a_missing_field() {
    for (stage, field) in [("assigned", "owner"), ("waiting", "pool"), ("merged", "merged_into")] {
        let line = GOLDEN.lines().find(|line| line.contains(&format!(r#""stage":"{stage}""#))).unwrap();
        let mut item: Value = serde_json::from_str(line).unwrap();
        item.as_object_mut().unwrap().remove(field);
        let cause = serde_json::from_value::<StateItem>(item).unwrap().into_state().unwrap_err().to_string();
        assert!(cause.ends_with(&format!("is at stage `{stage}` without `{field}`")), "{cause}");
    }
}
