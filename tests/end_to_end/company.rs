//! A company of six reps, small enough to know by heart who must get which lead.
//!
//! | pool | members | if no rep is available |
//! |---|---|---|
//! | `inbound` | anna (weight 2), ben | wait 60 minutes, then `watch` |
//! | `iberia` | carla, who takes one lead at a time | wait 60 minutes, then on hold |
//! | `watch` | emil | wait 60 minutes, then on hold |
//!
//! Mara in marketing and Otto in sales approve its rulebooks.
//!
//! Dora owns the account Acme and is in no pool. Frida is new and gets no leads yet.

use std::collections::BTreeMap;

use fairleader_lead::rep::Rep;
use fairleader_local::company::Company;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The rulebook. A demo or a score of 60 makes an MQL.
pub(crate) const RULEBOOK: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
block:
  - { rule: throw-away addresses, if: { email.kind: disposable }, then: { disqualify: junk } }
score:
  fit:
    share: 60%
    lines:
      - { if: { job.level: [c_level, vp] }, points: 60 }
      - { if: { company.employees: 1000+ }, points: 40 }
  engagement:
    share: 40%
    lines:
      - { did: demo, points: 100 }
      - { did: newsletter, points: 10 }
  grades: { A: 80+, B: 60+, C: 40+ }
mql:
  - { score: 60+ }
  - { did: [demo, contact_me] }
route:
  - rule: companies somebody looks after
    if: { account.owner: present }
    then: { owner: account.owner, if_unavailable: { pool: inbound }, counts_as_turn: no }
  - rule: Spain
    if: { country: ES }
    then: { pool: iberia, if_nobody: wait }
  - rule: everyone else
    then: { pool: inbound, if_nobody: wait }
";

/// The company.
pub(crate) fn small() -> Company {
    Company {
        reps: ["anna", "ben", "carla", "dora", "emil", "frida"].map(|id| rep(id, capacity(id))).into(),
        pools: vec![
            read(json!({"pool_id": "watch", "name": "Watch desk", "members": [{"rep": "emil"}],
                "longest_wait_minutes": 60})),
            read(json!({"pool_id": "inbound", "name": "Everybody who writes to us",
                "members": [{"rep": "anna", "weight": 2}, {"rep": "ben"}],
                "longest_wait_minutes": 60, "fallback": "watch"})),
            read(json!({"pool_id": "iberia", "name": "Spain", "members": [{"rep": "carla"}],
                "longest_wait_minutes": 60})),
        ],
        accounts: vec![read(json!({"account_id": "acme", "name": "Acme", "domains": ["acme.example"],
            "owner": "dora", "status": "customer"}))],
        people: vec![
            read(json!({"person_id": "mara", "name": "Mara", "email": "mara@fairleader.example", "role": "marketing"})),
            read(json!({"person_id": "otto", "name": "Otto", "email": "otto@fairleader.example", "role": "sales"})),
        ],
        rulebook: RULEBOOK.to_owned(),
        tables: BTreeMap::new(),
        leads: None,
    }
}

fn capacity(rep: &str) -> u32 {
    if rep == "carla" { 1 } else { 100 }
}

/// Returns one of the reps, with this capacity.
pub(crate) fn rep(id: &str, capacity: u32) -> Rep {
    read(json!({"rep_id": id, "name": id, "email": format!("{id}@fairleader.example"), "zone": "Europe/Berlin",
        "hours": "always", "capacity": capacity}))
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}
