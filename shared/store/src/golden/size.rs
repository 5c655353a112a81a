//! Size of the items that a decision writes, for a pool of the largest size.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fairleader_domain::gate::RepNow;
use fairleader_domain::rotation::Rotation;
use fairleader_domain::routing::{PoolNow, Ruled, Why, World, plan};
use fairleader_lead::id::{LeadId, PoolId, RepId, RulebookVersion, SourceId};
use fairleader_lead::pool::{MAX_MEMBERS, Member, Pool};
use fairleader_lead::rep::{Rep, RepLoad};
use fairleader_lead::ruling::{IfNobody, Outcome, Priority, Section};
use fairleader_lead::score::Score;
use fairleader_lead::state::State;
use fairleader_rulebook::Explanation;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::item::Item;
use crate::{leads, pools};

/// Returns the size of an item as DynamoDB counts it: names and values.
fn size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| {
            name.len()
                + match value {
                    AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
                    other => panic!("{other:?}"),
                }
        })
        .sum()
}

fn world(stopped: usize) -> World {
    let members: Vec<Member> = (0..MAX_MEMBERS)
        .map(|i| Member { rep: RepId::new(format!("rep-{i:03}")), weight: 1 + u32::try_from(i % 3).unwrap() })
        .collect();
    let roster = members.iter().enumerate().map(|(i, member)| {
        let rep = Rep {
            rep_id: member.rep.clone(),
            name: "A Name".to_owned(),
            email: "a@b.example".to_owned(),
            manager: None,
            zone: "UTC".to_owned(),
            hours: "always".parse().unwrap(),
            languages: Vec::new(),
            skills: Vec::new(),
            capacity: 100,
        };
        // Spread over the pool, as absences are.
        let on = (i * 7) % MAX_MEMBERS >= stopped;
        (member.rep.clone(), RepNow { rep, load: RepLoad { open: 0, on } })
    });
    let pool = Pool {
        pool_id: PoolId::from("everybody"),
        name: "Everybody".to_owned(),
        members: members.clone(),
        longest_wait_minutes: 60,
        fallback: None,
    };
    let roster = roster.collect();
    World {
        roster,
        pools: [(pool.pool_id.clone(), PoolNow { pool, rotation: Rotation::default() })].into(),
        turns: BTreeMap::new(),
    }
}

fn lead(number: usize, now: Timestamp) -> Ruled {
    let score = Score {
        total: 50,
        fit: 50,
        engagement: 50,
        account: 0,
        grade: Some("B".to_owned()),
        mql: true,
        mql_by: Some("did demo".to_owned()),
        interest: Vec::new(),
        lines: Vec::new(),
    };
    Ruled {
        state: State::stored(LeadId::new(format!("lead-{number}")), SourceId::from("web"), now, "hash".to_owned()),
        score,
        outcome: Outcome::Pool { pool: PoolId::from("everybody"), if_nobody: IfNobody::Wait },
        rule: "everyone else".to_owned(),
        rulebook: RulebookVersion::from("000001"),
        priority: Priority::Normal,
        value: None,
        reassigns: false,
    }
}

fn explanation() -> Explanation {
    Explanation {
        rule: "everyone else".to_owned(),
        section: Section::Route,
        reasons: Vec::new(),
        near_misses: Vec::new(),
        lookups: Vec::new(),
        sentence: "It goes to pool `everybody` by the rule \"everyone else\".".to_owned(),
    }
}

/// Returns the size of the rotation, turns and explanations of ten leads, after some turns of the pool.
fn written(stopped: usize) -> usize {
    let now: Timestamp = "2026-03-03T12:00:00Z".parse().unwrap();
    let mut world = world(stopped);
    for _ in 0..100 {
        let before = plan((0..10).map(|n| lead(n, now)).collect(), world.clone(), now);
        for turns in before.groups.into_iter().flat_map(|group| group.turns) {
            world.pools.get_mut(&turns.pool).unwrap().rotation = turns.rotation;
        }
    }
    let plan = plan((0..10).map(|n| lead(n, now)).collect(), world, now);
    let group = &plan.groups[0];
    let mut sum = 0;
    for turns in &group.turns {
        let item = pools::turns_item(&turns.pool, turns.rotation.version, &turns.entries).unwrap();
        assert_eq!(pools::turns(&item, "pools").unwrap(), turns.entries, "nothing is lost");
        sum += size(&item) + size(&pools::rotation_item(&turns.pool, &turns.rotation).unwrap());
    }
    assert_eq!(group.leads.len(), 10);
    for planned in &group.leads {
        let score = planned.change.state.score.clone().unwrap();
        let why = Why::new(planned, explanation(), score, &TimeZone::UTC);
        let id = &planned.change.state.lead_id;
        let item = leads::why_item(id, &why).unwrap();
        sum += size(&item);
        let mut read = leads::why(&item, "leads").unwrap();
        if let Some(turns) = group.turns.first() {
            let entry = turns.entries.iter().find(|entry| entry.lead_id == *id).unwrap();
            assert_eq!(read.turns(id), [(turns.pool.clone(), turns.rotation.version, id.clone(), entry.assignment)]);
            read.complete(entry);
        }
        let names = |why: &Why| {
            let mut names: Vec<_> =
                why.choice.pools[0].members.iter().map(|one| (one.rep.clone(), one.stopped_by)).collect();
            names.sort_by(|a, b| a.0.cmp(&b.0));
            names
        };
        assert_eq!(names(&read), names(&why), "with its turn an explanation is complete");
    }
    sum
}

#[test]
fn ten_leads_for_the_largest_pool_stay_below_100_kb() {
    for stopped in [0, 50, 250, 400, 500] {
        let bytes = written(stopped);
        println!("{stopped} of {MAX_MEMBERS} cannot take leads: {bytes} bytes");
        assert!(bytes < 100_000, "{stopped} stopped: {bytes} bytes");
    }
}
