//! The audit: what must be true of the tables whenever all work is done, whatever happened before.
//!
//! - Every accepted lead exists once, and no other lead exists.
//! - Its stage is one at which a lead may rest. An unfinished lead has a deadline or a dead letter.
//! - Its events are numbered without gaps, and replaying them gives its current state.
//! - Every activity is recorded once and has one event. Every activity in a profile is in a history.
//! - Its score is that of its last event with a score, and it became an MQL at the time of the event that says so.
//! - Every turn in a ledger is an assignment from that pool and the other way round, each exactly once. A ledger sums
//!   to zero.
//! - A rep's count of open leads is the number of leads they own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::aws::{Aws, Item, body, number, text};
use crate::harness::Stack;

/// One turn, in billionths.
const TURN: i64 = 1_000_000_000;

/// The audit's counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Leads by stage.
    pub(crate) stages: BTreeMap<String, usize>,
    /// Leads by owner.
    pub(crate) owned: BTreeMap<String, usize>,
    /// Turns in all ledgers.
    pub(crate) turns: usize,
    /// Ids of the recorded activities, without those that came with a submission.
    pub(crate) activities: BTreeSet<String>,
}

impl Summary {
    pub(crate) fn leads(&self) -> usize {
        self.stages.values().sum()
    }

    pub(crate) fn stage(&self, stage: &str) -> usize {
        self.stages.get(stage).copied().unwrap_or(0)
    }
}

/// Checks everything and fails with a list of all errors.
pub(crate) async fn audit(aws: &Aws, accepted: &BTreeSet<String>) -> Summary {
    let (summary, wrong) = look(aws, accepted).await;
    assert!(wrong.is_empty(), "the audit found:\n  {}", wrong.join("\n  "));
    summary
}

/// Checks that exactly the stored events were published, each as it is stored.
pub(crate) async fn bus_is_true(aws: &Aws, published: &BTreeMap<String, Value>) {
    let items = aws.scan("leads").await;
    let stored: BTreeMap<String, Value> = items
        .iter()
        .filter(|item| text(item, "part").starts_with("event#"))
        .map(body)
        .map(|event| (event["id"].as_str().unwrap().to_owned(), event))
        .collect();
    assert_eq!(&stored, published);
}

/// A lead with all of its items.
#[derive(Default)]
struct Lead {
    state: Option<(Item, Value)>,
    profile: bool,
    events: Vec<Value>,
    whys: BTreeSet<String>,
    /// Recorded activities, by id.
    activities: BTreeSet<String>,
    /// Activities in the profile, by id.
    remembered: BTreeSet<String>,
    dead_letters: usize,
}

/// Checks everything and returns the counts and all errors.
pub(crate) async fn look(aws: &Aws, accepted: &BTreeSet<String>) -> (Summary, Vec<String>) {
    let mut wrong = Vec::new();
    let mut summary = Summary::default();
    let leads = leads(aws).await;
    for id in accepted.iter().filter(|id| !leads.contains_key(*id)) {
        wrong.push(format!("lead {id} was accepted and is lost"));
    }
    // (lead, assignment) -> (pool, owner), of those from a pool.
    let mut from_pools = BTreeMap::new();
    for (id, lead) in &leads {
        if !accepted.contains(id) {
            wrong.push(format!("lead {id} exists but was never accepted"));
        }
        let Some((item, state)) = &lead.state else {
            wrong.push(format!("lead {id} has no state"));
            continue;
        };
        let stage = state["stage"].as_str().unwrap_or_default().to_owned();
        check_stage(id, lead, item, state, &stage, &mut wrong);
        check_events(id, lead, state, &stage, &mut from_pools, &mut wrong);
        if let (true, Some(owner)) = (is_owned(&stage), state["owner"].as_str()) {
            *summary.owned.entry(owner.to_owned()).or_default() += 1;
        }
        *summary.stages.entry(stage).or_default() += 1;
    }
    check_activities(&leads, &mut wrong);
    summary.activities = leads.values().flat_map(|lead| &lead.activities).cloned().collect();
    check_reps(aws, &summary.owned, &mut wrong).await;
    summary.turns = check_ledgers(aws, from_pools, &mut wrong).await;
    check_identities(aws, &leads, &mut wrong).await;
    (summary, wrong)
}

async fn leads(aws: &Aws) -> BTreeMap<String, Lead> {
    let mut leads: BTreeMap<String, Lead> = BTreeMap::new();
    for item in aws.scan("leads").await {
        let lead = leads.entry(text(&item, "lead_id").to_owned()).or_default();
        let part = text(&item, "part").to_owned();
        match part.split_once('#').unwrap_or((&part, "")) {
            ("state", _) => lead.state = Some((item.clone(), body(&item))),
            ("profile", _) => {
                lead.profile = true;
                let remembered = body(&item)["activities"].as_array().cloned().unwrap_or_default();
                let ids = remembered.iter().filter_map(|activity| activity["id"].as_str().map(str::to_owned));
                // An activity of a submission has the lead and a hash as its id.
                lead.remembered = ids.filter(|id| !id.contains(':')).collect();
            }
            ("activity", id) if !id.contains('#') => _ = lead.activities.insert(id.to_owned()),
            ("event", _) => lead.events.push(body(&item)),
            ("why", number) => _ = lead.whys.insert(number.to_owned()),
            ("dead", _) => lead.dead_letters += 1,
            _ => {}
        }
    }
    leads
}

fn is_owned(stage: &str) -> bool {
    matches!(stage, "assigned" | "accepted")
}

fn check_stage(id: &str, lead: &Lead, item: &Item, state: &Value, stage: &str, wrong: &mut Vec<String>) {
    let mut say = |what: &str| wrong.push(format!("lead {id}, {stage}: {what}"));
    if text(item, "stage") != stage || number(item, "version") != state["version"].as_i64() {
        say("its attributes and its state differ");
    }
    if is_owned(stage) != state["owner"].is_string() {
        say("it has an owner at a stage without one, or none at a stage with one");
    }
    if (stage == "merged") != state["merged_into"].is_string() {
        say("it is merged without naming a lead, or names one without being merged");
    }
    let line = format!("{}#", state["pool"].as_str().unwrap_or_default());
    let stands = text(item, "line_place");
    if (stage == "waiting" && !stands.starts_with(&line)) || (stage != "waiting" && !stands.is_empty()) {
        say("it waits but is not on its pool's waiting list, or is on one but does not wait");
    }
    let due = number(item, "due_at").is_some() && !text(item, "due_shard").is_empty();
    match stage {
        "assigned" | "accepted" | "nurturing" | "disqualified" | "merged" if !lead.profile => say("it has no profile"),
        "waiting" if !due => say("it waits without a deadline"),
        "held" if text(item, "assignee") != "held" => say("it is not among the held leads"),
        "assigned" | "accepted" | "nurturing" | "disqualified" | "merged" | "waiting" | "held" => {}
        "stored" if due || lead.dead_letters > 0 => {}
        _ => say("it is forgotten: it is in no queue, and has neither a deadline nor a dead letter"),
    }
    let expected = state["owner"].as_str().map(|owner| format!("rep#{owner}"));
    if is_owned(stage) && Some(text(item, "assignee")) != expected.as_deref() {
        say("it is not in its owner's inbox");
    }
}

/// Replays a lead's history.
fn check_events(
    id: &str,
    lead: &Lead,
    state: &Value,
    stage: &str,
    from_pools: &mut BTreeMap<(String, u64), (String, String)>,
    wrong: &mut Vec<String>,
) {
    let mut say = |what: String| wrong.push(format!("lead {id}, {stage}: {what}"));
    let numbers: Vec<u64> = lead.events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    let last = state["last_event"].as_u64().unwrap_or(u64::MAX);
    if numbers != (1..=last).collect::<Vec<_>>() {
        say(format!("its events are numbered {numbers:?}, and the last should be {last}"));
    }
    let mut replayed = "stored";
    let mut owner = None;
    let mut assignments = 0;
    let mut score = None;
    for event in &lead.events {
        let field = |name: &str| event[name].as_str();
        let seq = event["seq"].as_u64().unwrap_or(0);
        let kind = field("type").unwrap_or_default();
        replayed = match kind {
            "LeadAssigned" => "assigned",
            "LeadAccepted" => "accepted",
            "LeadWaiting" => "waiting",
            "LeadNurtured" => "nurturing",
            "LeadDisqualified" => "disqualified",
            "LeadHeld" => "held",
            "LeadMerged" => "merged",
            "LeadReleased" => field("to").unwrap_or_default(),
            "ActivityRecorded" | "LeadScored" | "KeyReused" => replayed,
            // A disqualified lead is decided again.
            "LeadAbsorbed" | "LeadResubmitted" => field("to").unwrap_or(replayed),
            other => {
                say(format!("it has an event of unknown type `{other}`"));
                replayed
            }
        };
        score = match kind {
            "LeadAssigned" | "LeadWaiting" | "LeadNurtured" | "LeadScored" => event["score"].as_u64(),
            // These decisions do not tell the score.
            "LeadDisqualified" | "LeadHeld" => None,
            _ => score,
        };
        if event["became_mql"] == true && event["at"] != state["mql_at"] {
            say(format!("it became an MQL by its event {seq}, and its state says {}", state["mql_at"]));
        }
        let decided = matches!(kind, "LeadAssigned" | "LeadWaiting" | "LeadNurtured" | "LeadDisqualified");
        if decided && !lead.whys.contains(&format!("{seq:012}")) {
            say(format!("its event {seq} has no explanation"));
        }
        if kind == "LeadAssigned" {
            assignments += 1;
            if event["assignment"].as_u64() != Some(assignments) {
                say(format!("its assignment {assignments} is counted as {}", event["assignment"]));
            }
            if let Some(pool) = field("pool") {
                let turn = (pool.to_owned(), field("owner").unwrap_or_default().to_owned());
                from_pools.insert((id.to_owned(), assignments), turn);
            }
        }
        if is_owned(replayed) {
            owner = field("owner").or(owner);
        } else {
            owner = None;
        }
    }
    if replayed != stage || owner != state["owner"].as_str() {
        say(format!("by its history it should be {replayed} with {owner:?}, but has {}", state["owner"]));
    }
    if score.is_some() && state["score"]["total"].as_u64() != score {
        say(format!("its score was last told as {score:?}, and it has {}", state["score"]["total"]));
    }
    if state["assignment"].as_u64() != Some(assignments) {
        say(format!("it was assigned {assignments} times, and its state counts {}", state["assignment"]));
    }
}

/// Compares recorded activities with events and profiles.
fn check_activities(leads: &BTreeMap<String, Lead>, wrong: &mut Vec<String>) {
    let all: BTreeSet<&String> = leads.values().flat_map(|lead| &lead.activities).collect();
    if all.len() != leads.values().map(|lead| lead.activities.len()).sum::<usize>() {
        wrong.push("an activity is recorded with two leads".to_owned());
    }
    for (id, lead) in leads {
        let told = lead.events.iter().filter(|event| event["type"] == "ActivityRecorded");
        let mut told: Vec<&str> = told.filter_map(|event| event["activity"].as_str()).collect();
        told.sort_unstable();
        if told != lead.activities.iter().map(String::as_str).collect::<Vec<_>>() {
            wrong.push(format!("lead {id} has the activities {:?}, and its events tell of {told:?}", lead.activities));
        }
        // Those of a merged lead are in its own history.
        let nowhere: Vec<_> = lead.remembered.iter().filter(|activity| !all.contains(activity)).collect();
        if !nowhere.is_empty() {
            wrong.push(format!("lead {id} remembers {nowhere:?}, which are not recorded"));
        }
    }
}

async fn check_reps(aws: &Aws, owned: &BTreeMap<String, usize>, wrong: &mut Vec<String>) {
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    let items = aws.scan("reps").await;
    let with = |part: &str| -> BTreeSet<String> {
        items.iter().filter(|item| text(item, "part") == part).map(|item| text(item, "rep_id").to_owned()).collect()
    };
    if with("profile") != with("load") {
        wrong.push(format!("reps {:?} are on the roster, and {:?} have a load", with("profile"), with("load")));
    }
    for item in items.iter().filter(|item| text(item, "part") == "load") {
        if let Some(count) = number(item, "open").filter(|count| *count != 0) {
            open.insert(text(item, "rep_id").to_owned(), usize::try_from(count).unwrap_or(usize::MAX));
        }
    }
    if open != *owned {
        wrong.push(format!("reps have {open:?} open leads by count, but own {owned:?}"));
    }
}

/// Checks every turn and returns their number.
async fn check_ledgers(
    aws: &Aws,
    mut from_pools: BTreeMap<(String, u64), (String, String)>,
    wrong: &mut Vec<String>,
) -> usize {
    let items = aws.scan("pools").await;
    let mut turns: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for item in items.iter().filter(|item| text(item, "part").starts_with("turns#")) {
        turns.entry(text(item, "pool_id")).or_default().extend(turns_in(&body(item)));
    }
    for (pool, turns) in &turns {
        let numbers: Vec<_> = turns.iter().filter_map(|turn| turn["number"].as_u64()).collect();
        if !numbers.iter().copied().eq(1..=u64::try_from(turns.len()).unwrap_or(0)) {
            wrong.push(format!("the turns of pool {pool} are numbered {numbers:?}"));
        }
        let mut taken: BTreeMap<(String, u64), (String, serde_json::Map<String, Value>)> = BTreeMap::new();
        for turn in turns {
            let lead = turn["lead_id"].as_str().unwrap_or_default().to_owned();
            let taken_by = turn["taken_by"].as_str().unwrap_or_default();
            let assignment = turn["assignment"].as_u64().unwrap_or(0);
            let credits = turn["credits"].as_object().cloned().unwrap_or_default();
            let sum: i64 = credits.values().filter_map(Value::as_i64).sum();
            if turn["given_back"] == true {
                match taken.remove(&(lead.clone(), assignment)) {
                    Some(known) if known == (taken_by.to_owned(), credits.clone()) && sum == -TURN => {}
                    other => wrong.push(format!(
                        "{taken_by} got a turn of pool {pool} back for assignment {assignment} of lead {lead}, but {other:?}"
                    )),
                }
                continue;
            }
            let opposite = credits.iter().map(|(rep, credit)| (rep.clone(), json!(-credit.as_i64().unwrap_or(0))));
            taken.insert((lead.clone(), assignment), (taken_by.to_owned(), opposite.collect()));
            match from_pools.remove(&(lead.clone(), assignment)) {
                Some((from, owner)) if from == **pool && owner == taken_by => {}
                Some((from, owner)) => wrong.push(format!(
                    "{taken_by} took a turn of pool {pool} for lead {lead}, but {owner} got it from {from}"
                )),
                None => wrong.push(format!(
                    "{taken_by} took a turn of pool {pool} for assignment {assignment} of lead {lead}, which is none, or took it twice"
                )),
            }
            if sum != TURN {
                wrong.push(format!("the credits of a turn of pool {pool} are not one turn: {credits:?}"));
            }
        }
    }
    for ((lead, assignment), (pool, owner)) in from_pools {
        wrong.push(format!("{owner} got lead {lead} ({assignment}) from pool {pool} and took no turn"));
    }
    let rotations: BTreeMap<&str, Value> = items
        .iter()
        .filter(|item| text(item, "part") == "rotation")
        .map(|item| (text(item, "pool_id"), body(item)))
        .collect();
    for pool in rotations.keys().chain(turns.keys()).collect::<BTreeSet<_>>() {
        check_rotation(pool, rotations.get(pool).unwrap_or(&Value::Null), turns.get(pool), wrong);
    }
    turns.values().flatten().filter(|turn| turn["given_back"] != true).count()
}

/// Returns the turns of a transaction, each with the credits of every member.
fn turns_in(kept: &Value) -> Vec<Value> {
    let members: Vec<&str> =
        kept["members"].as_array().into_iter().flatten().map(|member| member[0].as_str().unwrap()).collect();
    let turns = kept["turns"].as_array().into_iter().flatten().map(|turn| {
        let mut credits = serde_json::Map::new();
        for amount in turn["credits"].as_array().into_iter().flatten() {
            for place in places(amount[1].as_str().unwrap()) {
                credits.insert(members[place].to_owned(), amount[0].clone());
            }
        }
        let mut turn = turn.clone();
        turn["credits"] = credits.into();
        turn
    });
    turns.collect()
}

/// Reads places, written as runs (`0-3,7`) or as the bits of hexadecimal digits (`xf1`).
fn places(text: &str) -> Vec<usize> {
    if let Some(digits) = text.strip_prefix('x') {
        let bits = digits.chars().flat_map(|digit| (0..4).map(move |bit| digit.to_digit(16).unwrap() >> (3 - bit) & 1));
        return bits.enumerate().filter(|(_, bit)| *bit == 1).map(|(place, _)| place).collect();
    }
    let runs = text.split(',').map(|run| run.split_once('-').unwrap_or((run, run)));
    runs.flat_map(|(first, last)| first.parse().unwrap()..=last.parse().unwrap()).collect()
}

/// Checks that the members of a pool are owed what its turns say.
fn check_rotation(pool: &str, rotation: &Value, turns: Option<&Vec<Value>>, wrong: &mut Vec<String>) {
    let mut expected: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for turn in turns.into_iter().flatten() {
        for (rep, credit) in turn["credits"].as_object().into_iter().flatten() {
            expected.entry(rep.clone()).or_default().0 += credit.as_i64().unwrap_or(0);
        }
        let taker = expected.entry(turn["taken_by"].as_str().unwrap_or_default().to_owned()).or_default();
        let one = if turn["given_back"] == true { -1 } else { 1 };
        taker.0 -= one * TURN;
        taker.1 += one;
    }
    let standings = rotation["standings"].as_object().cloned().unwrap_or_default();
    let kept: BTreeMap<String, (i64, i64)> = standings
        .iter()
        .map(|(rep, one)| (rep.clone(), (one["lag"].as_i64().unwrap_or(0), one["got"].as_i64().unwrap_or(0))))
        .collect();
    if kept != expected {
        wrong.push(format!("pool {pool} owes {kept:?}, by its ledger it should be {expected:?}"));
    }
    if kept.values().map(|(lag, _)| lag).sum::<i64>() != 0 {
        wrong.push(format!("what pool {pool} owes does not sum to zero: {kept:?}"));
    }
}

async fn check_identities(aws: &Aws, leads: &BTreeMap<String, Lead>, wrong: &mut Vec<String>) {
    for item in aws.scan("identities").await {
        let lead = text(&item, "lead_id");
        if !lead.is_empty() && !leads.contains_key(lead) {
            wrong.push(format!("an identity belongs to lead {lead}, which does not exist"));
        }
    }
}

/// Damages the tables, one item or attribute at a time, to show that the audit finds every error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_finds_every_missing_item_and_attribute() {
    let stack = Stack::start().await;
    for number in 0..4 {
        let lead = json!({"email": format!("p{number}@c{number}.example"), "country": "ES", "did": "demo"});
        let lead = stack.submit(lead).await;
        stack.at(&lead, if number == 0 { "assigned" } else { "waiting" }).await;
    }
    stack.submit(json!({"email": "reader@books.example", "did": "newsletter"})).await;
    stack.settled().await;
    stack.submit(json!({"email": "reader+2@books.example", "did": "newsletter"})).await;
    stack.settled().await;
    stack.act(json!({"email": "reader@books.example", "did": "webinar"})).await;
    stack.settled().await;
    let accepted = stack.accepted_so_far();
    let (counted, wrong) = look(&stack.aws, &accepted).await;
    assert_eq!((wrong, counted.leads()), (Vec::<String>::new(), 6));

    let mut kinds = BTreeMap::new();
    for (table, id) in [("leads", "lead_id"), ("reps", "rep_id"), ("pools", "pool_id")] {
        for item in stack.aws.scan(table).await {
            let kind = text(&item, "part").split('#').next().unwrap_or_default().to_owned();
            let matters = match kind.as_str() {
                "state" | "event" | "why" | "turns" | "rotation" => true,
                "activity" => text(&item, "part").matches('#').count() == 1,
                "load" => number(&item, "open").is_some_and(|open| open > 0),
                _ => false,
            };
            if matters {
                kinds.insert((table, id, kind, text(&item, "stage").to_owned()), item);
            }
        }
    }
    assert_eq!(kinds.len(), 10, "{:?}", kinds.keys());
    for ((table, id, kind, stage), item) in kinds {
        let name = format!("fairleader-{table}");
        let what = format!("{kind} of {table} {stage}");
        let put = |item: &Item| stack.aws.tables.put_item().table_name(&name).set_item(Some(item.clone())).send();

        let delete = stack.aws.tables.delete_item().table_name(&name);
        delete.key(id, item[id].clone()).key("part", item["part"].clone()).send().await.unwrap();
        assert_ne!(look(&stack.aws, &accepted).await.1, Vec::<String>::new(), "{what} is gone");
        for attribute in ["due_at", "assignee", "line_place", "version", "open"] {
            let mut damaged = item.clone();
            if damaged.remove(attribute).is_some() && !(kind == "rotation" && attribute == "version") {
                put(&damaged).await.unwrap();
                assert_ne!(look(&stack.aws, &accepted).await.1, Vec::<String>::new(), "{what} has no {attribute}");
            }
        }
        put(&item).await.unwrap();
    }
    let (_, wrong) = look(&stack.aws, &BTreeSet::new()).await;
    assert_eq!(wrong.len(), 6, "none of these was accepted: {wrong:?}");
    let lost: BTreeSet<_> = accepted.iter().cloned().chain(["lost".to_owned()]).collect();
    assert_eq!(look(&stack.aws, &lost).await.1, ["lead lost was accepted and is lost"]);
    stack.finish().await;
}
