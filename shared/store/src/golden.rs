//! Compatibility tests with items of every kind that commit 64c3a79 wrote. This version reads them and writes them
//! again, also with fields that a newer version may add. Copies of that commit's structs read what this version writes.

mod old;
mod size;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fairleader_domain::gate::Gate;
use fairleader_lead::id::{LeadId, PoolId};
use serde_json::{Map, Value, json};

use crate::events::event;
use crate::item::{BODY, Item, SCHEMA, bytes, number, record, text};
use crate::{StoreError, accounts, identities, imports, keys, leads, lookup_tables, people, pools, reps, rulebooks};

/// Function that reads an item and writes it again.
type Again = fn(&Item, &str) -> Result<Item, StoreError>;
/// Function that reads a body with the old structs.
type Old = fn(&str) -> Result<(), serde_json::Error>;

struct Kind {
    name: String,
    again: Again,
    /// `None` if the item has only attributes, or if this version writes another kind of item.
    old: Option<Old>,
}

fn old<T: serde::de::DeserializeOwned>(body: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<T>(body).map(drop)
}

fn s<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).map_or("", |value| value.as_s().unwrap())
}

fn n<T: std::str::FromStr<Err: std::fmt::Debug>>(item: &Item, name: &str) -> T {
    item[name].as_n().unwrap().parse().unwrap()
}

fn lead(item: &Item) -> LeadId {
    LeadId::from(s(item, "lead_id"))
}

fn body(item: &Item) -> Value {
    serde_json::from_str(s(item, BODY)).unwrap()
}

#[expect(clippy::too_many_lines, reason = "a table: one row for each kind of item")]
fn kind(table: &str, item: &Item) -> Kind {
    let part = s(item, "part").split('#').next().unwrap();
    let (again, old): (Again, Option<Old>) = match (table, part) {
        ("accounts", _) => {
            (|item, table| accounts::account_item(&accounts::account(item, table)?), Some(old::<old::Account>))
        }
        ("reps", "profile") => (
            |item, table| {
                let found = reps::read(std::slice::from_ref(item), table)?;
                reps::rep_item(&found[0].0.value.rep)
            },
            Some(old::<old::Rep>),
        ),
        ("reps", "load") => (
            |item, table| {
                assert_eq!(reps::read(std::slice::from_ref(item), table)?.len(), 0, "a load item alone is not a rep");
                Ok(item.clone())
            },
            None,
        ),
        ("pools", "definition") => (|item, table| pools::pool_item(&pools::pool(item, table)?), Some(old::<old::Pool>)),
        ("pools", "rotation") => (
            |item, table| pools::rotation_item(&PoolId::from(s(item, "pool_id")), &pools::rotation(item, table)?),
            Some(old::<old::Rotation>),
        ),
        ("pools", "ledger") => (
            |item, table| {
                let version = s(item, "part").trim_start_matches(pools::LEDGER).parse().unwrap();
                let turns = pools::turns(item, table)?;
                let again = pools::turns_item(&PoolId::from(s(item, "pool_id")), version, &turns)?;
                assert_eq!(pools::turns(&again, table)?, turns);
                Ok(again)
            },
            None,
        ),
        ("pools", "directory") => (|item, _| Ok(item.clone()), None),
        ("people", _) => {
            (|item, table| people::person_item(&people::person(item, table)?.value), Some(old::<old::Person>))
        }
        ("keys", _) => (
            |item, table| keys::key_item(s(item, "key_hash"), &keys::key_record(item, table)?),
            Some(old::<old::KeyRecord>),
        ),
        ("imports", "import") => {
            (|item, table| imports::import_item(&imports::import(item, table)?), Some(old::<old::Import>))
        }
        ("imports", "part") => (
            |item, table| imports::part_item(s(item, "import_id"), &imports::part(item, table)?),
            Some(old::<old::PartResult>),
        ),
        ("imports", "rows") => (
            |item, table| {
                let rows = imports::rows(item, table)?;
                let again = imports::rows_item(s(item, "import_id"), rows[0].part, 0, &rows)?;
                assert_eq!(imports::rows(&again, table)?, rows);
                Ok(again)
            },
            None,
        ),
        ("rulebooks", "about") if s(item, "version").starts_with("table:") => (
            |item, table| {
                let sha256 = s(item, "version").trim_start_matches("table:");
                lookup_tables::about_item(sha256, lookup_tables::chunks(item, table)?)
            },
            Some(old::<old::TableAbout>),
        ),
        ("rulebooks", "about") => (
            |item, table| {
                let (upload, chunks) = rulebooks::about(item, table)?;
                rulebooks::about_item(s(item, "version"), &upload, chunks)
            },
            Some(old::<old::About>),
        ),
        ("rulebooks", "review") => (
            |item, table| {
                let review = rulebooks::review(item, table)?;
                rulebooks::review_item(s(item, "version"), n(item, "revision"), &review)
            },
            Some(old::<old::Review>),
        ),
        ("rulebooks", "name") => {
            (|item, table| lookup_tables::named_item(&lookup_tables::named(item, table)?), Some(old::<old::NamedTable>))
        }
        ("rulebooks", "pointer") => match s(item, "version") {
            "active" => (
                |item, table| {
                    let stored = rulebooks::activations(item, table)?;
                    rulebooks::activations_item(n(item, "revision"), &stored.activations)
                },
                Some(old::<old::Activations>),
            ),
            "reroutes" => (
                |item, table| {
                    let stored = rulebooks::reroutes(item, table)?;
                    rulebooks::reroutes_item(n(item, "revision"), &stored.reroutes)
                },
                Some(old::<Vec<old::Reroute>>),
            ),
            _ => (|item, table| Ok(rulebooks::latest_item(&rulebooks::latest(item, table)?)), None),
        },
        ("rulebooks", "chunk") => (|item, _| Ok(item.clone()), None),
        ("identities", _) => (|item, table| identities::again(item, table), None),
        ("leads", "state") => (|item, table| leads::state_item(&leads::state(item, table)?), Some(old::<old::State>)),
        ("leads", "profile") => {
            (|item, table| leads::profile_item(&lead(item), &leads::profile(item, table)?, 1), None)
        }
        ("leads", "event") => (
            |item, table| {
                let read = event(item, table)?;
                assert_eq!(read.text, s(item, BODY), "it is published as it is stored");
                let event: fairleader_lead::event::Event = serde_json::from_str(&read.text)?;
                record(crate::events::key(&lead(item), s(item, "part")), &event)
            },
            Some(old::<old::Event>),
        ),
        ("leads", "why") => {
            (|item, table| leads::why_item(&lead(item), &leads::why(item, table)?), Some(old::<old::Why>))
        }
        ("leads", "activity") if s(item, "part").matches('#').count() == 2 => (
            |item, table| leads::absorbed_item(&lead(item), &leads::absorbed(item, table)?),
            Some(old::<old::Absorbed>),
        ),
        ("leads", "activity") => (
            |item, table| leads::recorded_item(&lead(item), &leads::recorded(item, table)?),
            Some(old::<old::Recorded>),
        ),
        ("leads", "dead") => (
            |item, table| {
                let id = s(item, "part").trim_start_matches("dead#").to_owned();
                leads::letter_item(&lead(item), &id, &leads::letter(item, table)?)
            },
            Some(old::<old::DeadLetter>),
        ),
        other => panic!("unknown kind of item: {other:?}"),
    };
    Kind { name: format!("{table} {part} {}", s(item, "stage")), again, old }
}

/// Reads the golden items of every table.
fn golden() -> Vec<(&'static str, Item)> {
    let tables = [
        ("accounts", include_str!("../tests/golden/accounts.json")),
        ("identities", include_str!("../tests/golden/identities.json")),
        ("imports", include_str!("../tests/golden/imports.json")),
        ("keys", include_str!("../tests/golden/keys.json")),
        ("leads", include_str!("../tests/golden/leads.json")),
        ("people", include_str!("../tests/golden/people.json")),
        ("pools", include_str!("../tests/golden/pools.json")),
        ("reps", include_str!("../tests/golden/reps.json")),
        ("rulebooks", include_str!("../tests/golden/rulebooks.json")),
    ];
    let mut all = Vec::new();
    for (table, items) in tables {
        let items: Vec<Map<String, Value>> = serde_json::from_str(items).unwrap();
        all.extend(items.iter().map(|item| (table, attributes(item))));
    }
    all
}

/// Reads an item in DynamoDB's JSON.
fn attributes(item: &Map<String, Value>) -> Item {
    let value = |value: &Value| {
        let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
        match (kind.as_str(), value) {
            ("S", Value::String(value)) => text(value.as_str()),
            ("N", Value::String(value)) => number(value),
            ("BOOL", Value::Bool(value)) => AttributeValue::Bool(*value),
            ("SS", Value::Array(values)) => {
                AttributeValue::Ss(values.iter().map(|value| value.as_str().unwrap().to_owned()).collect())
            }
            ("B", Value::String(value)) => bytes(aws_smithy_types::base64::decode(value).unwrap()),
            other => panic!("{other:?}"),
        }
    };
    item.iter().map(|(name, given)| (name.clone(), value(given))).collect()
}

/// Returns an item with its body as JSON, for comparisons.
fn comparable(item: &Item) -> BTreeMap<&str, Value> {
    item.iter()
        .map(|(name, value)| match value {
            AttributeValue::S(text) if name == BODY => (name.as_str(), serde_json::from_str(text).unwrap()),
            other => (name.as_str(), json!(format!("{other:?}"))),
        })
        .collect()
}

#[test]
fn reads_old_items_and_writes_them_unchanged() {
    let mut kinds = BTreeMap::new();
    for (table, item) in golden() {
        let Kind { name, again, .. } = kind(table, &item);
        let written = again(&item, table).unwrap_or_else(|cause| panic!("{name}: {cause}"));
        *kinds.entry(name.clone()).or_insert(0) += 1;
        match name.as_str().trim() {
            // These have a new form.
            "pools ledger" | "leads why" | "imports rows" => {}
            // It had the hash of its content instead of a version.
            "leads profile" => assert_eq!(comparable(&written)[BODY], comparable(&item)[BODY], "{name}"),
            // Leads that wait have an index of their own since.
            "leads state waiting" => {
                let (mut written, mut item) = (comparable(&written), comparable(&item));
                for moved in ["assignee", "priority", "line_shard", "line_place"] {
                    assert!(written.remove(moved).is_some() || item.remove(moved).is_some(), "{moved}");
                }
                assert_eq!(written, item, "{name}");
            }
            _ => assert_eq!(comparable(&written), comparable(&item), "{name}"),
        }
    }
    assert!(kinds.len() >= 30, "every kind: {kinds:#?}");
}

#[test]
fn the_old_version_reads_new_items() {
    for (table, item) in golden() {
        let Kind { name, again, old } = kind(table, &item);
        if let Some(old) = old {
            let written = again(&item, table).unwrap();
            old(s(&written, BODY)).unwrap_or_else(|cause| panic!("{name}: {cause} in {}", s(&written, BODY)));
            old("{}").unwrap_err();
        }
    }
}

/// Adds a field to every object, except those whose keys are names.
fn grown(value: &mut Value, top: bool) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| grown(value, false));
            if top {
                fields.insert("later".to_owned(), json!({"a": [1, "b"]}));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| grown(value, true)),
        _ => {}
    }
}

#[test]
fn ignores_fields_of_a_newer_version() {
    for (table, mut item) in golden() {
        let Kind { name, again, .. } = kind(table, &item);
        let expected = again(&item, table).unwrap();
        let keeps_attributes = !item.contains_key(BODY);
        if item.contains_key(BODY) {
            let mut body = body(&item);
            grown(&mut body, true);
            item.insert(BODY.to_owned(), text(body.to_string()));
        }
        item.insert("later".to_owned(), text("unknown"));
        item.insert("revision_of_later".to_owned(), number(7));
        if name.starts_with("leads event") {
            // Events are passed on unchanged.
            assert!(event(&item, table).unwrap().text.contains("later"));
            continue;
        }
        let read = again(&item, table).unwrap_or_else(|cause| panic!("{name}: {cause}"));
        if !keeps_attributes {
            assert_eq!(comparable(&read), comparable(&expected), "{name}");
        }
    }
    let mut roster: Vec<Item> =
        golden().into_iter().filter(|(table, _)| *table == "reps").map(|(_, item)| item).collect();
    let count = reps::read(&roster, "reps").unwrap().len();
    let mut windows = roster[0].clone();
    windows.insert("part".to_owned(), text("windows"));
    roster.push(windows);
    assert_eq!(reps::read(&roster, "reps").unwrap().len(), count, "a part of another kind");
}

#[test]
fn rejects_items_with_a_higher_schema() {
    for (table, mut item) in golden() {
        let Kind { name, again, .. } = kind(table, &item);
        item.remove(SCHEMA);
        again(&item, table).unwrap_or_else(|cause| panic!("{name} without a schema: {cause}"));
        // Compressed chunks and lists of names have no schema.
        if name.starts_with("rulebooks chunk") || name.starts_with("pools directory") {
            continue;
        }
        item.insert(SCHEMA.to_owned(), number(2));
        let refused = again(&item, table).unwrap_err();
        assert!(matches!(refused, StoreError::Newer { schema: 2, readable: 1, .. }), "{name}: {refused}");
    }
}

#[test]
fn passes_on_events_of_an_unknown_kind() {
    let (table, mut item) =
        golden().into_iter().find(|(table, item)| *table == "leads" && s(item, "part").starts_with("event#")).unwrap();
    let mut body = body(&item);
    body["type"] = json!("LeadSung");
    body["schema"] = json!(9);
    item.insert(BODY.to_owned(), text(body.to_string()));
    let read = event(&item, table).unwrap();
    assert_eq!((read.envelope.kind.as_str(), read.envelope.schema), ("LeadSung", 9));
    assert_eq!(read.text, body.to_string());
}

#[test]
fn reads_gates_in_old_explanations() {
    let whys = golden().into_iter().filter(|(_, item)| s(item, "part").starts_with("why#"));
    let mut gates = 0;
    for (table, item) in whys {
        let (read, was) = (leads::why(&item, table).unwrap(), body(&item));
        for (pool, was) in read.choice.pools.iter().zip(was["choice"]["pools"].as_array().into_iter().flatten()) {
            for (member, was) in pool.members.iter().zip(was["members"].as_array().unwrap()) {
                assert_eq!(json!(member.rep), was["rep"]);
                assert_eq!(member.stopped_by.map(|gate: Gate| json!(gate)), was.get("stopped_by").cloned());
                assert_eq!(member.lag, was["lag"].as_i64());
                gates += usize::from(member.stopped_by.is_some());
            }
        }
    }
    assert!(gates > 0);
}
