use proptest::prelude::*;

use super::*;
use crate::gate::RepNow;
use crate::rotation::Rotation;
use crate::routing::{PoolNow, Ruled, World, plan};
use fairleader_lead::id::{RepId, RulebookVersion, SourceId};
use fairleader_lead::pool::Member;
use fairleader_lead::rep::{Rep, RepLoad};
use fairleader_lead::ruling::{IfNobody, IfUnavailable, Outcome, Priority};
use fairleader_lead::score::Score;
use fairleader_lead::state::{Stage, Standing, State};

fn place(priority: i64, lead: &str) -> Place {
    Place { priority, lead_id: LeadId::from(lead) }
}

fn pools(names: &[&str]) -> BTreeMap<PoolId, Option<Place>> {
    names.iter().map(|name| (PoolId::from(*name), None)).collect()
}

/// Reads every shard that the walk needs next, at most two places at a time.
fn read(walk: &mut Walk, index: &[(&str, Reach, Place)]) {
    for (line, after) in walk.unread() {
        let mut places: Vec<Place> = index
            .iter()
            .filter(|(pool, reach, _)| line.pool.as_str() == *pool && line.reach == *reach)
            .map(|(.., place)| place.clone())
            .filter(|place| after.as_ref().is_none_or(|after| place < after))
            .collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        let more = places.len() > 2;
        places.truncate(2);
        walk.read(&line, places, more);
    }
}

fn walked(walk: &mut Walk, index: &[(&str, Reach, Place)], most: usize) -> Vec<String> {
    let mut all = Vec::new();
    while !walk.is_over() && all.len() < most {
        read(walk, index);
        all.extend(walk.take(most - all.len()).iter().map(ToString::to_string));
    }
    all
}

#[test]
fn walks_all_waiting_lists_best_lead_first() {
    let index = [
        ("dach", Reach::Pool, place(1, "a")),
        ("dach", Reach::Pool, place(7, "b")),
        ("dach", Reach::Pool, place(5, "c")),
        ("dach", Reach::Beyond, place(6, "d")),
        ("iberia", Reach::Pool, place(6, "e")),
        ("iberia", Reach::Beyond, place(9, "f")),
        ("other", Reach::Pool, place(9, "g")),
    ];
    let mut walk = Walk::new(pools(&["dach", "iberia"]), 1);
    assert_eq!(walked(&mut walk, &index, 9), ["f", "b", "e", "d", "c", "a"]);
    assert!(walk.left().is_empty());
}

#[test]
fn an_interrupted_walk_continues_where_it_stopped() {
    let index: Vec<_> = (0..9).map(|i| ("dach", Reach::Pool, place(i / 3, &format!("l-{i}")))).collect();
    let mut pools = pools(&["dach"]);
    let mut all = Vec::new();
    for _ in 0..5 {
        let mut walk = Walk::new(pools, 1);
        all.extend(walked(&mut walk, &index, 2));
        let text: BTreeMap<PoolId, String> =
            walk.left().into_iter().map(|(pool, after)| (pool, after.unwrap().to_string())).collect();
        pools = text.into_iter().map(|(pool, after)| (pool, Some(after.parse().unwrap()))).collect();
    }
    assert_eq!(all, ["l-8", "l-7", "l-6", "l-5", "l-4", "l-3", "l-2", "l-1", "l-0"]);
    assert!(pools.is_empty(), "nothing is left");
    assert!("5".parse::<Place>().is_err() && "x.l-1".parse::<Place>().is_err());
}

#[test]
fn skips_leads_that_only_a_full_pool_can_take() {
    let index = [
        ("dach", Reach::Pool, place(9, "a")),
        ("dach", Reach::Beyond, place(1, "b")),
        ("iberia", Reach::Pool, place(2, "c")),
    ];
    let mut walk = Walk::new(pools(&["dach", "iberia"]), 1);
    walk.full(&[PoolId::from("dach")].into());
    assert_eq!(walked(&mut walk, &index, 9), ["c", "b"]);
}

#[test]
fn an_unreadable_waiting_list_does_not_block_others() {
    let index = [("iberia", Reach::Pool, place(2, "c"))];
    let mut walk = Walk::new(pools(&["dach", "iberia"]), 1);
    walk.leave(&PoolId::from("dach"));
    assert_eq!(walked(&mut walk, &index, 9), ["c"]);
}

#[test]
fn a_sweep_starts_after_the_last_pool() {
    let names = |last: Option<&str>| -> Vec<String> {
        let waiting = ["a", "c", "e"].map(PoolId::from).into();
        in_turn(waiting, last.map(PoolId::from).as_ref()).iter().map(ToString::to_string).collect()
    };
    assert_eq!(names(None), ["a", "c", "e"]);
    assert_eq!(names(Some("c")), ["e", "a", "c"]);
    assert_eq!(names(Some("d")), ["e", "a", "c"], "the last pool may have no waiting leads now");
    assert_eq!(names(Some("z")), ["a", "c", "e"]);
}

const REPS: [&str; 4] = ["anna", "ben", "carla", "dora"];
const POOLS: [(&str, &[&str]); 3] =
    [("dach", &["anna", "ben"]), ("iberia", &["carla"]), ("overflow", &["ben", "carla"])];
const SHARDS: u8 = 2;

fn noon() -> Timestamp {
    "2026-03-03T12:00:00Z".parse().unwrap()
}

fn to_pool(pool: &str) -> Outcome {
    Outcome::Pool { pool: PoolId::from(pool), if_nobody: IfNobody::Wait }
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let named = |rep: &str, pool: &str| Outcome::Owner {
        rep: RepId::from(rep),
        if_unavailable: IfUnavailable::Pool(PoolId::from(pool)),
        counts_as_turn: false,
    };
    prop_oneof![
        3 => (0..POOLS.len()).prop_map(|pool| to_pool(POOLS[pool].0)),
        1 => Just(named("dora", "dach")),
        1 => Just(named("anna", "iberia")),
        1 => Just(Outcome::Pool {
            pool: PoolId::from("dach"),
            if_nobody: IfNobody::Pool(PoolId::from("overflow")),
        }),
    ]
}

/// Event, and how many changes the index lags behind at each read.
#[derive(Clone, Debug)]
enum Step {
    Enters(u8, Outcome),
    /// One of a rep's leads is merged, so their seat is free.
    Freed(usize),
    Capacity(usize, u32),
    /// Some pools are woken, and the time is over after this many pages.
    Wake(Vec<usize>, usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..4, any_outcome()).prop_map(|(score, outcome)| Step::Enters(score, outcome)),
        2 => (0..REPS.len()).prop_map(Step::Freed),
        2 => (0..REPS.len(), 0_u32..3).prop_map(|(rep, capacity)| Step::Capacity(rep, capacity)),
        2 => (proptest::collection::vec(0..POOLS.len(), 1..3), 0_usize..4).prop_map(|(pools, pages)| Step::Wake(pools, pages)),
    ]
}

/// Tables, with an index that can be read as of any time in the past.
struct Model {
    reps: BTreeMap<RepId, RepNow>,
    pools: BTreeMap<PoolId, PoolNow>,
    leads: BTreeMap<LeadId, (State, Outcome)>,
    entered: usize,
    /// The index after each change.
    index: Vec<BTreeMap<Line, BTreeSet<Place>>>,
    lags: std::vec::IntoIter<usize>,
}

impl Model {
    fn new(lags: Vec<usize>) -> Self {
        let rep = |name: &&str| {
            let rep = Rep {
                rep_id: RepId::from(*name),
                name: (*name).to_owned(),
                email: format!("{name}@fairleader.example"),
                manager: None,
                zone: "UTC".to_owned(),
                hours: "always".parse().unwrap(),
                languages: Vec::new(),
                skills: Vec::new(),
                capacity: 1,
            };
            (rep.rep_id.clone(), RepNow { rep, load: RepLoad { open: 0, on: true } })
        };
        let pool = |(name, members): &(&str, &[&str])| {
            let pool = Pool {
                pool_id: PoolId::from(*name),
                name: (*name).to_owned(),
                members: members.iter().map(|rep| Member { rep: RepId::from(*rep), weight: 1 }).collect(),
                longest_wait_minutes: 60,
                fallback: None,
            };
            (pool.pool_id.clone(), PoolNow { pool, rotation: Rotation::default() })
        };
        Self {
            reps: REPS.iter().map(rep).collect(),
            pools: POOLS.iter().map(pool).collect(),
            leads: BTreeMap::new(),
            entered: 0,
            index: vec![BTreeMap::new()],
            lags: lags.into_iter(),
        }
    }

    fn line(state: &State) -> Option<(Line, Place)> {
        let Standing::Waiting(wait) = &state.standing else { return None };
        let (pool, reach) = (wait.pool.clone(), Reach::of(wait));
        let shard = state.lead_id.as_str().bytes().last().unwrap_or(0) % SHARDS;
        let total = state.score.as_ref().map_or(0, |score| i64::from(score.total));
        Some((Line { pool, reach, shard }, Place { priority: total, lead_id: state.lead_id.clone() }))
    }

    fn note(&mut self) {
        let mut index: BTreeMap<Line, BTreeSet<Place>> = BTreeMap::new();
        for (line, place) in self.leads.values().filter_map(|(state, _)| Self::line(state)) {
            index.entry(line).or_default().insert(place);
        }
        self.index.push(index);
    }

    fn full(&self) -> BTreeSet<PoolId> {
        full(self.pools.values().map(|now| &now.pool), &self.reps, noon())
    }

    /// Decides leads as they are now, and commits.
    fn route(&mut self, leads: &[LeadId]) -> Result<BTreeSet<PoolId>, TestCaseError> {
        let ruled = |(state, outcome): &(State, Outcome)| Ruled {
            score: state.score.clone().unwrap(),
            state: state.clone(),
            outcome: outcome.clone(),
            rule: "everyone else".to_owned(),
            rulebook: RulebookVersion::from("000001"),
            priority: Priority::Normal,
            value: None,
            reassigns: false,
        };
        let undecided = leads.iter().filter_map(|lead| self.leads.get(lead)).filter(|(s, _)| s.stage().is_undecided());
        let world = World { roster: self.reps.clone(), pools: self.pools.clone(), turns: BTreeMap::new() };
        let plan = plan(undecided.map(ruled).collect(), world, noon());
        for group in plan.groups {
            for planned in group.leads {
                let state = planned.change.state;
                let known = &mut self.leads.get_mut(&state.lead_id).unwrap().0;
                prop_assert_eq!(known.version, planned.change.expected_version);
                *known = state;
            }
            for (rep, seats) in group.seats {
                let now = self.reps.get_mut(&rep).unwrap();
                now.load.open = now.load.open.checked_add_signed(seats.delta).unwrap();
                prop_assert!(now.load.open <= now.rep.capacity, "{} has no seat", rep);
            }
            for turns in group.turns {
                self.pools.get_mut(&turns.pool).unwrap().rotation = turns.rotation;
            }
        }
        self.note();
        Ok(plan.full)
    }

    /// Walks the waiting lists of pools as `route` does. The index lags behind unless it has caught up.
    fn wake(
        &mut self,
        pools: BTreeMap<PoolId, Option<Place>>,
        pages: usize,
        caught_up: bool,
    ) -> Result<(), TestCaseError> {
        let mut walk = Walk::new(pools, SHARDS);
        walk.full(&self.full());
        for _ in 0..pages {
            while let Some((line, after)) = walk.unread().into_iter().next() {
                let lag = if caught_up { 0 } else { self.lags.next().unwrap_or(0) };
                let seen = &self.index[self.index.len().saturating_sub(1 + lag)];
                let places = seen.get(&line).into_iter().flatten().rev();
                let mut places: Vec<Place> =
                    places.filter(|place| after.as_ref().is_none_or(|after| *place < after)).cloned().collect();
                let more = places.len() > 2;
                places.truncate(2);
                walk.read(&line, places, more);
            }
            let leads = walk.take(3);
            if leads.is_empty() {
                prop_assert!(walk.is_over());
                break;
            }
            let full = self.route(&leads)?;
            walk.full(&full);
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Enters(total, outcome) => {
                self.entered += 1;
                let lead = LeadId::new(format!("l-{}", self.entered));
                let mut state = State::stored(lead.clone(), SourceId::from("web"), noon(), "hash".to_owned());
                let score = Score {
                    total,
                    fit: 0,
                    engagement: 0,
                    account: 0,
                    grade: None,
                    mql: true,
                    mql_by: None,
                    interest: Vec::new(),
                    lines: Vec::new(),
                };
                state.score = Some(score);
                self.leads.insert(lead.clone(), (state, outcome));
                self.route(&[lead])?;
            }
            Step::Freed(rep) => {
                let rep = RepId::from(REPS[rep]);
                let theirs = self.leads.values().find(|(state, _)| state.owner() == Some(&rep));
                let Some(lead) = theirs.map(|(state, _)| state.lead_id.clone()) else { return Ok(()) };
                self.leads.remove(&lead);
                self.reps.get_mut(&rep).unwrap().load.open -= 1;
                let theirs = |now: &&PoolNow| now.pool.members.iter().any(|member| member.rep == rep);
                let pools = self.pools.values().filter(theirs).map(|now| (now.pool.pool_id.clone(), None)).collect();
                self.wake(pools, 2, false)?;
            }
            Step::Capacity(rep, capacity) => {
                let now = self.reps.get_mut(&RepId::from(REPS[rep])).unwrap();
                now.rep.capacity = capacity.max(now.load.open);
            }
            Step::Wake(pools, pages) => {
                let pools = pools.into_iter().map(|pool| (PoolId::from(POOLS[pool].0), None)).collect();
                self.wake(pools, pages, false)?;
            }
        }
        Ok(())
    }

    /// Wakes every pool with waiting leads on its own, and walks its whole waiting list.
    fn sweep(&mut self) -> Result<(), TestCaseError> {
        let waiting = self.index.last().unwrap().keys().map(|line| line.pool.clone()).collect();
        for pool in in_turn(waiting, Some(&PoolId::from("dach"))) {
            self.wake([(pool, None)].into(), usize::MAX, true)?;
        }
        Ok(())
    }

    /// Returns whether a waiting lead could be assigned now.
    fn could_be_seated(&self, outcome: &Outcome) -> bool {
        let free = |pool: &PoolId| !self.full().contains(pool);
        match outcome {
            Outcome::Pool { pool, if_nobody: IfNobody::Wait } => free(pool),
            Outcome::Pool { pool, if_nobody: IfNobody::Pool(second) } => free(pool) || free(second),
            Outcome::Owner { rep, if_unavailable: IfUnavailable::Pool(pool), .. } => {
                gate::shut(&self.reps, rep, noon()).is_none() || free(pool)
            }
            _ => false,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Whatever happens and however far the index lags behind: after it has caught up, one sweep assigns every lead
    /// that can be assigned, and no lead is assigned twice.
    #[test]
    fn a_sweep_seats_every_lead_that_can_be_seated(
        steps in proptest::collection::vec(any_step(), 1..40),
        lags in proptest::collection::vec(0_usize..12, 0..120),
    ) {
        let mut model = Model::new(lags);
        for step in steps {
            model.step(step)?;
        }
        model.sweep()?;
        for (lead, (state, outcome)) in &model.leads {
            prop_assert!(state.assignment <= 1, "{} was assigned twice", lead);
            prop_assert!(matches!(state.stage(), Stage::Waiting | Stage::Assigned), "{} is {:?}", lead, state.stage());
            let seatable = state.stage() == Stage::Waiting && model.could_be_seated(outcome);
            prop_assert!(!seatable, "{} waits although a rep could take it: {:?}", lead, outcome);
        }
        for (rep, now) in &model.reps {
            let owned = model.leads.values().filter(|(state, _)| state.owner() == Some(rep)).count();
            prop_assert_eq!(usize::try_from(now.load.open).unwrap(), owned);
        }
    }
}
