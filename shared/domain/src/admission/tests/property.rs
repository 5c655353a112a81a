//! Up to five submissions of one person and their activities, in every order and interleaving: with repeated
//! deliveries, separate reads of items, conflicts, and a crash before and after every write.

use std::collections::{BTreeMap, BTreeSet};

use fairleader_lead::event::EventKind;
use fairleader_lead::ruling::Priority;
use fairleader_lead::score::Score;
use fairleader_lead::state::TurnTaken;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::lifecycle::{Change, Command, Decision, Destination, Transition, may_decide, transition};
use fairleader_lead::id::{PoolId, RulebookVersion};

/// Fields with which a person can identify themselves.
const FORMS: [&str; 10] = [
    r#""email": "ada@acme.example""#,
    r#""email": "ADA+fair@Acme.example", "first_name": "Ada""#,
    r#""email": "ada@acme.example", "phone": "+49 171 3920012", "last_name": "Lovelace""#,
    r#""email": "ada@acme.example", "phone": "+49 30 901820", "last_name": "LOVELACE""#,
    r#""email": "info@acme.example", "last_name": "Lovelace", "phone": "+49 171 3920012""#,
    r#""email": "info@acme.example", "last_name": "lovelace", "phone": "+49 30 901820""#,
    r#""email": "info@acme.example", "last_name": "Lovelace", "first_name": "A.""#,
    r#""phone": "+49 171 3920012""#,
    r#""phone": "+49 (0)171 3920012", "last_name": "Lovelace", "first_name": "Ada""#,
    r#""phone": "+49 30 901820", "last_name": "Lovelace""#,
];

/// Message, with its content and lead.
#[derive(Clone, Debug)]
enum Sent {
    /// Form, number of the lead, and activity.
    Form(usize, usize, &'static str),
    /// Activity with their personal address.
    ByAddress,
    /// Activity of the lead with this number.
    ByLead(usize),
}

fn incoming(number: usize, sent: &Sent) -> Incoming {
    let second = i64::try_from(number).unwrap();
    match sent {
        Sent::Form(form, lead, did) => {
            submission(&format!("l-{lead}"), &format!(r#"{{{}, "did": "{did}"}}"#, FORMS[*form]), second)
        }
        Sent::ByAddress => {
            let id = format!("a-{number}");
            activity(&id, by_address(&id, "ada@acme.example", second), second)
        }
        Sent::ByLead(lead) => activity(&format!("a-{number}"), By::Lead(LeadId::new(format!("l-{lead}"))), second),
    }
}

/// Returns the lead that a message becomes if the person has none.
fn lead_of(number: usize, sent: &Sent) -> Option<LeadId> {
    match sent {
        Sent::Form(_, lead, _) => Some(LeadId::new(format!("l-{lead}"))),
        Sent::ByAddress => Some(LeadId::new(format!("a-{number}"))),
        Sent::ByLead(_) => None,
    }
}

/// Returns whether all messages are linked to one person: each shares an identity or a lead with another one.
fn is_one_person(sent: &[Sent]) -> bool {
    let keys: Vec<BTreeSet<String>> = sent
        .iter()
        .map(|sent| match sent {
            Sent::Form(form, lead, _) => {
                let said = submitted("l", &format!("{{{}}}", FORMS[*form]), 0);
                let keys = said.identities.into_iter().map(|identity| identity.key.to_string());
                keys.chain([format!("lead {lead}")]).collect()
            }
            Sent::ByAddress => ["email:ada@acme.example".to_owned()].into(),
            Sent::ByLead(lead) => [format!("lead {lead}")].into(),
        })
        .collect();
    let mut reached = keys[0].clone();
    for _ in &keys {
        for keys in &keys {
            if !keys.is_disjoint(&reached) {
                reached.extend(keys.iter().cloned());
            }
        }
    }
    let leads: BTreeSet<usize> =
        sent.iter().filter_map(|sent| if let Sent::Form(_, lead, _) = sent { Some(*lead) } else { None }).collect();
    let stored = sent.iter().all(|sent| !matches!(sent, Sent::ByLead(lead) if !leads.contains(lead)));
    stored && keys.iter().all(|keys| !keys.is_disjoint(&reached))
}

fn any_sent() -> impl Strategy<Value = Vec<Sent>> {
    // A key of a sender always has the same form, but the activity can change.
    let forms = proptest::collection::vec(0..FORMS.len(), 5);
    let did = prop_oneof![Just("demo"), Just("newsletter")];
    let form = (0..5_usize, did).prop_map(|(lead, did)| Sent::Form(0, lead, did));
    let one = prop_oneof![8 => form, 1 => Just(Sent::ByAddress), 1 => (0..5_usize).prop_map(Sent::ByLead)];
    let sent = (forms, proptest::collection::vec(one, 2..=5)).prop_map(|(forms, mut sent)| {
        for one in &mut sent {
            if let Sent::Form(form, lead, _) = one {
                *form = forms[*lead];
            }
        }
        sent
    });
    sent.prop_filter("one person", |sent| is_one_person(sent))
}

/// The system, driven by random choices.
struct World {
    model: Model,
    sent: Vec<Sent>,
    /// Deliveries in progress, by message.
    workers: Vec<(usize, Worker)>,
    /// Messages in the queue.
    queued: BTreeSet<usize>,
    /// Messages that went to the dead-letter queue and are sent again. Deliveries in progress cannot delete them.
    put_aside: BTreeSet<usize>,
    /// The version at which each lead was last scored.
    scored: BTreeMap<LeadId, u64>,
    /// The version at which each lead was decided.
    decided: BTreeMap<LeadId, u64>,
    second: i64,
}

impl World {
    fn new(sent: Vec<Sent>) -> Self {
        let queued = (0..sent.len()).collect();
        let (model, workers) = (Model::default(), Vec::new());
        let (scored, decided) = (BTreeMap::new(), BTreeMap::new());
        Self { model, sent, workers, queued, put_aside: BTreeSet::new(), scored, decided, second: 100 }
    }

    fn deliver(&mut self, message: usize) {
        self.workers.push((message, Worker::new(incoming(message, &self.sent[message]))));
    }

    /// Runs one event. `how` selects which, and its result.
    fn happen(&mut self, which: usize, how: u8) {
        self.second += 1;
        if how >= 250 {
            return self.decide(which);
        }
        if how >= 235 {
            return self.hold(which);
        }
        let free: Vec<usize> = self.queued.iter().copied().collect();
        // Sometimes a message is delivered again while it is being handled.
        let busy = |message: &usize| self.workers.iter().any(|(of, _)| of == message);
        let choices: Vec<usize> = free.into_iter().filter(|message| !busy(message) || how.is_multiple_of(16)).collect();
        let which = which % (self.workers.len() + choices.len()).max(1);
        match which.checked_sub(self.workers.len()) {
            Some(of) => choices.get(of).copied().into_iter().for_each(|message| self.deliver(message)),
            None => self.go_on(which, how),
        }
    }

    /// Runs the next step of a worker, which can fail.
    fn go_on(&mut self, which: usize, how: u8) {
        let now = at(self.second);
        let (message, worker) = &mut self.workers[which];
        let message = *message;
        if worker.step(now).is_err() {
            // It fails; the message is delivered again later.
            self.workers.remove(which);
            return;
        }
        match worker.next.take().unwrap() {
            Step::Read(missing) if how.is_multiple_of(2) => {
                // Items in one request are not read at one point in time.
                let one = one_of(&missing);
                let found = self.model.read(&one);
                worker.arrival.read(&one, &found);
            }
            Step::Read(missing) => {
                let found =
                    if how.is_multiple_of(3) { self.model.read_torn(&missing) } else { self.model.read(&missing) };
                worker.arrival.read(&missing, &found);
            }
            Step::Commit(plan) => match how % 8 {
                0 => drop(self.workers.remove(which)),
                1 => {
                    self.model.commit(&plan);
                    self.workers.remove(which);
                }
                2 => worker.arrival.committed(false),
                _ => {
                    let done = self.model.commit(&plan);
                    worker.arrival.committed(done);
                }
            },
            Step::Done(outcome) => {
                self.workers.remove(which);
                // It crashes before it queues the next command, or before its message is deleted.
                if how.is_multiple_of(8) {
                    return;
                }
                self.score(outcome);
                if how % 8 != 1 && !self.put_aside.contains(&message) {
                    self.queued.remove(&message);
                }
            }
        }
    }

    fn score(&mut self, outcome: Outcome) {
        if let Some(Next { lead_id, version, .. }) = outcome.next {
            let scored = self.scored.entry(lead_id).or_default();
            *scored = version.max(*scored);
        }
    }

    /// Decides a lead as `route` does: it goes to a rep, to nurture, or is disqualified.
    fn decide(&mut self, which: usize) {
        let open: Vec<State> = self.model.leads.values().map(|known| known.state.clone()).collect();
        let open: Vec<&State> = open.iter().filter(|state| may_decide(state).is_ok()).collect();
        if open.is_empty() {
            return;
        }
        let to = match which % 4 {
            0 => Destination::Nurture { reason: "not_an_mql".to_owned() },
            1 => Destination::Disqualify { reason: "junk".to_owned() },
            _ => {
                let turn = TurnTaken { pool: PoolId::from("inbound"), version: 1 };
                Destination::Rep { rep: RepId::from(["anna", "ben"][which % 2]), turn: Some(turn) }
            }
        };
        let state = open[which % open.len()];
        if let Some(change) = self.apply(state, Command::Decide(decision(to))) {
            self.decided.insert(change.state.lead_id.clone(), change.state.version);
        }
    }

    /// Puts a lead on hold as `sweep` does, after its command failed too often. The lead need not be stored.
    fn hold(&mut self, which: usize) {
        // Messages that were handled are in no dead-letter queue.
        let ids: Vec<LeadId> =
            self.queued.iter().filter_map(|message| lead_of(*message, &self.sent[*message])).collect();
        let Some(lead) = ids.get(which % ids.len().max(1)).cloned() else { return };
        let reason = "failed_in_enrich".to_owned();
        match self.model.leads.get(&lead).map(|known| known.state.clone()) {
            Some(state) if which.is_multiple_of(3) => {
                if let Some(held) = self.apply(&state, Command::Hold { reason }) {
                    self.apply(&held.state, Command::Release);
                }
            }
            None => {
                let stored = State::stored(lead, SourceId::from("unknown"), at(self.second), String::new());
                let Change { state, event, .. } = held_unstored(stored, reason, at(self.second));
                let of_lead =
                    |message: &usize| lead_of(*message, &self.sent[*message]).as_ref() == Some(&state.lead_id);
                self.put_aside.extend(self.queued.iter().copied().filter(of_lead));
                self.model.events.insert((state.lead_id.clone(), 1), event);
                self.model.leads.insert(state.lead_id.clone(), Known { state, profile: None, profile_version: 0 });
            }
            _ => {}
        }
    }

    fn apply(&mut self, state: &State, command: Command) -> Option<Change> {
        let Ok(Transition::Changed(change)) = transition(state, command, at(self.second)) else { return None };
        let after = &change.state;
        self.model.events.insert((after.lead_id.clone(), after.last_event), change.event.clone());
        self.model.leads.get_mut(&after.lead_id).unwrap().state = after.clone();
        change.taken.iter().for_each(|rep| *self.model.seats.entry(rep.clone()).or_default() += 1);
        change.freed.iter().for_each(|rep| *self.model.seats.entry(rep.clone()).or_default() -= 1);
        Some(*change)
    }

    /// Delivers every remaining message until it is done, without disturbances.
    fn settle(&mut self) {
        self.workers.clear();
        for _ in 0..3 {
            for message in self.queued.clone() {
                let mut worker = Worker::new(incoming(message, &self.sent[message]));
                if let Ok(outcome) = worker.run(&mut self.model) {
                    self.score(outcome);
                    self.queued.remove(&message);
                }
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.queued.len(), 0, "a message was never handled");
        let leads = &self.model.leads;
        let alive: Vec<&Known> = leads.values().filter(|known| known.state.merged_into().is_none()).collect();
        let stages: Vec<(&LeadId, Stage)> =
            alive.iter().map(|known| (&known.state.lead_id, known.state.stage())).collect();
        prop_assert!(alive.len() == 1, "one person has several leads: {stages:?}");
        let state = &alive[0].state;
        let profile = alive[0].profile.as_ref().unwrap();
        for lead in leads.keys() {
            prop_assert_eq!(self.model.survivor(lead.as_str()), state.lead_id.to_string());
        }
        for (number, sent) in self.sent.iter().enumerate() {
            match incoming(number, sent) {
                Incoming::Submission(said) => {
                    let key = ContentKey::Submission(said.lead_id.clone(), said.payload_hash.clone());
                    let kept = self.model.contents.iter().filter(|content| content.key == key).count();
                    let own = &leads[&said.lead_id].state;
                    let first = own.payload_hash == said.payload_hash;
                    prop_assert!(kept == 1 || (kept == 0 && first), "{} is kept {kept} times", said.payload_hash);
                    let did = &said.profile.activities[0].id;
                    prop_assert!(profile.activities.iter().any(|one| one.id == *did), "{did} is forgotten");
                }
                Incoming::Activity(done) => {
                    let id = &done.activity.id;
                    let key = ContentKey::Activity(id.clone());
                    prop_assert_eq!(self.model.contents.iter().filter(|content| content.key == key).count(), 1);
                    let told = self.model.events.values().filter(
                        |event| matches!(event, EventKind::ActivityRecorded { activity, .. } if activity == id),
                    );
                    prop_assert_eq!(told.count(), 1);
                    prop_assert!(profile.activities.iter().any(|one| one.id == *id), "{id} is forgotten");
                }
            }
        }
        for known in leads.values() {
            let state = &known.state;
            let told: Vec<u64> =
                self.model.events.keys().filter(|(lead, _)| *lead == state.lead_id).map(|(_, seq)| *seq).collect();
            prop_assert_eq!(told, (1..=state.last_event).collect::<Vec<_>>());
        }
        for (identity, holder) in &self.model.identities {
            let Holder::Lead(lead) = holder else { continue };
            prop_assert!(leads.contains_key(lead), "{identity} leads to {lead}, which is not there");
        }
        let open: Vec<(&RepId, i32)> =
            self.model.seats.iter().map(|(rep, open)| (rep, *open)).filter(|(_, open)| *open != 0).collect();
        prop_assert_eq!(open, state.owner().map(|owner| (owner, 1)).into_iter().collect::<Vec<_>>());
        // A lead without a later decision must be scored at its current version.
        let of = |versions: &BTreeMap<LeadId, u64>| versions.get(&state.lead_id).copied().unwrap_or(0);
        let scored = state.stage().is_undecided() || state.stage().is_rescored();
        let (admitted, decided) = (of(&self.model.admitted), of(&self.decided));
        prop_assert!(
            !scored || decided > admitted || of(&self.scored) >= admitted,
            "no command to score it was queued"
        );
        Ok(())
    }
}

fn one_of(missing: &Missing) -> Missing {
    let mut one = Missing::default();
    if let Some(identity) = missing.identities.first() {
        one.identities.insert(identity.clone());
    } else if let Some(lead) = missing.leads.first() {
        one.leads.insert(lead.clone());
    } else if let Some(content) = missing.contents.first() {
        one.contents.insert(content.clone());
    }
    one
}

fn decision(to: Destination) -> Decision {
    let score = Score {
        total: 70,
        fit: 70,
        engagement: 0,
        account: 0,
        grade: None,
        mql: true,
        mql_by: None,
        interest: Vec::new(),
        lines: Vec::new(),
    };
    Decision {
        to,
        score,
        rule: "everyone else".to_owned(),
        rulebook: RulebookVersion::from("000001"),
        priority: Priority::Normal,
        value: None,
    }
}

/// Minimum number of cases. `PROPTEST_CASES` can raise it.
const CASES: u32 = 4_000;

#[test]
fn one_person_ends_with_one_lead_that_has_everything() {
    let cases = Config::default().cases.max(CASES);
    let config = Config { cases, max_global_rejects: cases * 50, failure_persistence: None, ..Config::default() };
    let schedule = proptest::collection::vec((any::<usize>(), any::<u8>()), 0..120);
    let checked = TestRunner::new(config).run(&(any_sent(), schedule), |(sent, schedule)| {
        let mut world = World::new(sent);
        for (which, how) in schedule {
            world.happen(which, how);
        }
        world.settle();
        world.check()
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}
