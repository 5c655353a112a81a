//! How a lead moves from stage to stage. [`transition`] is the only way to change one.
//!
//! ```text
//! stored ──► assigned ──► accepted
//!   │  ▲        ▲
//!   │  │        ├── waiting ◄─┐        held, disqualified and merged can be reached
//!   │  └ held   └── nurturing ◄┴─ stored   from every stage before `assigned`; merged also after it
//! ```
//!
//! What the person does ([`Command::RecordActivity`]) and what that is worth ([`Command::Rescore`]) leave a lead where it
//! is: a lead in nurture that has become an MQL by it is decided on anew. A refused lead that says something new
//! (`Absorb`, `Resubmit`) is stored again. A lead whose owner has not accepted it can be given to somebody else
//! ([`Command::Reassign`]). A lead whose command failed before it could be stored begins [on hold](held_unstored); it can
//! only be stored or merged.
//!
//! It knows nothing of tables: who calls it commits the [`Change`] under the version the state was read with.

use jiff::{SignedDuration, Timestamp};

use fairleader_lead::activity::Activity;
use fairleader_lead::event::EventKind;
use fairleader_lead::id::{LeadId, PoolId, RepId, RulebookVersion, SourceId};
use fairleader_lead::ruling::Priority;
use fairleader_lead::score::Score;
use fairleader_lead::state::{Stage, State};

/// How long after it is let go on a lead is looked at if nobody did before.
const GOES_ON_DUE_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// What shall happen to a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The rulebook and the rotation decided.
    Decide(Decision),
    /// The rulebook and the rotation decided otherwise than before, and nobody talks to the lead yet: its owner loses it to
    /// another one, or to a pool's line.
    Reassign(Decision),
    /// The owner confirms assignment number `assignment`.
    Accept {
        /// Who confirms.
        by: RepId,
        /// Which assignment.
        assignment: u32,
    },
    /// The lead is the same person as `into`, which carries on.
    Merge {
        /// The lead that carries on.
        into: LeadId,
    },
    /// `from` was found to be the same person and was merged into this lead.
    Absorb {
        /// The lead that was merged.
        from: LeadId,
    },
    /// The same submission came again with other content.
    Resubmit,
    /// The person did something. It never moves the lead by itself: a score that changes with it may.
    RecordActivity(Activity),
    /// The lead is worth more or less than before.
    Rescore {
        /// Its score now.
        score: Score,
        /// By this rulebook.
        rulebook: RulebookVersion,
    },
    /// Stop the lead until a person decides, because a command for it failed too often.
    Hold {
        /// Why, a word.
        reason: String,
    },
    /// Let a held lead go on where it was.
    Release,
    /// Store a lead that was held before it could be stored.
    Store {
        /// Where it came from.
        source: SourceId,
        /// When the submission was accepted.
        received_at: Timestamp,
        /// SHA-256 of the submission, in hex.
        payload_hash: String,
    },
}

/// A decision on a lead, ready to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Where the lead goes.
    pub to: Destination,
    /// The score it was decided with.
    pub score: Score,
    /// The rule that won.
    pub rule: String,
    /// Of this rulebook.
    pub rulebook: RulebookVersion,
    /// How urgent the rule says the lead is.
    pub priority: Priority,
    /// What the rule expects it to be worth.
    pub value: Option<u32>,
}

/// Where a decided lead goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To a rep.
    Rep {
        /// The rep.
        rep: RepId,
        /// The pool whose turn it was; `None` when a rule named the owner.
        pool: Option<PoolId>,
        /// Where in that pool's ledger the turn will stand.
        ledger: Option<u64>,
    },
    /// Into a pool's waiting line, at the longest until `until`.
    Line {
        /// The pool.
        pool: PoolId,
        /// When the pool's fallback takes it.
        until: Timestamp,
        /// Whether only members of the pool can take it.
        pool_only: bool,
    },
    /// To nurture.
    Nurture {
        /// Why.
        reason: String,
    },
    /// Out.
    Disqualify {
        /// Why.
        reason: String,
    },
    /// On hold.
    Hold {
        /// Why.
        reason: String,
    },
}

/// What [`transition`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The lead changes.
    Changed(Box<Change>),
    /// The command's effect is already there: a repeat, which succeeds.
    Unchanged,
}

/// A change to commit: all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The version the lead has to have still; 0 if it must not be there.
    pub expected_version: u64,
    /// The lead as it will be.
    pub state: State,
    /// The event that tells of it.
    pub event: EventKind,
    /// When it happened.
    pub at: Timestamp,
    /// The rep who no longer has the lead.
    pub freed: Option<RepId>,
    /// The rep who has it now.
    pub taken: Option<RepId>,
}

/// Why a command cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The stage does not allow it.
    #[error("a lead at stage `{}` cannot be {verb}", stage.as_str())]
    Stage {
        /// Where the lead stands.
        stage: Stage,
        /// What was wanted, as a participle.
        verb: &'static str,
    },
    /// Somebody else owns it.
    #[error("the lead belongs to `{owner}`")]
    NotOwner {
        /// Who owns it.
        owner: RepId,
    },
    /// The lead was assigned anew since.
    #[error("assignment {given} is over; the lead is at assignment {current}")]
    OldAssignment {
        /// The one named.
        given: u32,
        /// The current one.
        current: u32,
    },
    /// A lead cannot be merged into itself.
    #[error("a lead cannot be merged into itself")]
    IntoItself,
}

/// Nothing can be done with a lead that was held before it could be stored but to store or merge it.
const UNSTORED: Refusal = Refusal::Stage { stage: Stage::Held, verb: "moved on before it is stored" };

/// Applies `command` to `state` at `now`.
pub fn transition(state: &State, command: Command, now: Timestamp) -> Result<Transition, Refusal> {
    let fits_unstored = matches!(command, Command::Store { .. } | Command::Merge { .. } | Command::Hold { .. });
    if state.is_unstored() && !fits_unstored {
        return Err(UNSTORED);
    }
    let mut change = Builder::new(state, now);
    Ok(match command {
        Command::Decide(decision) => decide(state, decision, now)?,
        Command::Reassign(decision) => reassign(state, decision, now)?,
        Command::Accept { by, assignment } => {
            if assignment != state.assignment {
                return Err(Refusal::OldAssignment { given: assignment, current: state.assignment });
            }
            match (&state.owner, state.stage) {
                (Some(owner), Stage::Assigned | Stage::Accepted) if *owner != by => {
                    return Err(Refusal::NotOwner { owner: owner.clone() });
                }
                (Some(_), Stage::Accepted) => return Ok(Transition::Unchanged),
                (Some(_), Stage::Assigned) => {}
                _ => return Err(Refusal::Stage { stage: state.stage, verb: "accepted" }),
            }
            change.state.stage = Stage::Accepted;
            change.state.accepted_at = Some(now);
            change.tell(EventKind::LeadAccepted { owner: by, assignment })
        }
        Command::Merge { into } => {
            if into == state.lead_id {
                return Err(Refusal::IntoItself);
            }
            if state.stage == Stage::Merged {
                return if state.merged_into.as_ref() == Some(&into) {
                    Ok(Transition::Unchanged)
                } else {
                    Err(Refusal::Stage { stage: Stage::Merged, verb: "merged again" })
                };
            }
            let freed_pool = state.pool.clone().filter(|_| state.stage.is_owned());
            change.leave();
            change.state.stage = Stage::Merged;
            change.state.merged_into = Some(into.clone());
            let freed_owner = change.freed.clone();
            change.tell(EventKind::LeadMerged { into, freed_owner, freed_pool })
        }
        Command::Absorb { from } => {
            if state.stage == Stage::Merged {
                return Err(Refusal::Stage { stage: Stage::Merged, verb: "the target of a merge" });
            }
            let to = change.reopen();
            change.tell(EventKind::LeadAbsorbed { from, to })
        }
        Command::Resubmit => {
            let to = change.reopen();
            change.tell(EventKind::LeadResubmitted { to })
        }
        Command::RecordActivity(activity) => {
            if state.stage == Stage::Merged {
                return Err(Refusal::Stage { stage: Stage::Merged, verb: "told what the person did" });
            }
            let Activity { id, did, at, channel, spend, response, product: _ } = activity;
            change.tell(EventKind::ActivityRecorded { activity: id, did, did_at: at, channel, spend, response })
        }
        Command::Rescore { score, rulebook } => rescore(state, score, rulebook, now)?,
        Command::Hold { reason } => match state.stage {
            undecided if undecided.is_undecided() => change.hold(reason),
            Stage::Held => Transition::Unchanged,
            other => return Err(Refusal::Stage { stage: other, verb: "held" }),
        },
        Command::Release => {
            let Stage::Held = state.stage else {
                return Err(Refusal::Stage { stage: state.stage, verb: "released" });
            };
            // A waiting lead lost its place in the line when it was held, so it is decided on anew like a stored one.
            let to = match state.held_from {
                Some(Stage::Nurturing) => Stage::Nurturing,
                _ => Stage::Stored,
            };
            change.go_on(to);
            change.tell(EventKind::LeadReleased { to })
        }
        Command::Store { source, received_at, payload_hash } => {
            if !state.is_unstored() {
                return Err(Refusal::Stage { stage: state.stage, verb: "stored" });
            }
            change.go_on(Stage::Stored);
            change.state.source = source;
            change.state.received_at = received_at;
            change.state.payload_hash = payload_hash;
            change.tell(EventKind::LeadReleased { to: Stage::Stored })
        }
    })
}

/// Holds a lead that could not be stored: the first that is kept of it. `stored` is what would have been, as far as it
/// is known.
pub fn held_unstored(stored: State, reason: String, now: Timestamp) -> Change {
    let event = EventKind::LeadHeld { reason: reason.clone(), from: Stage::Stored };
    let state = State { stage: Stage::Held, reason: Some(reason), last_event: 1, ..stored };
    Change { expected_version: 0, state, event, at: now, freed: None, taken: None }
}

fn decide(state: &State, decision: Decision, now: Timestamp) -> Result<Transition, Refusal> {
    if !state.stage.is_undecided() {
        return Err(Refusal::Stage { stage: state.stage, verb: "decided on" });
    }
    Ok(settle(state, decision, now))
}

fn reassign(state: &State, decision: Decision, now: Timestamp) -> Result<Transition, Refusal> {
    if state.stage != Stage::Assigned {
        return Err(Refusal::Stage { stage: state.stage, verb: "given to somebody else" });
    }
    // What sales has is not taken away from sales by a rulebook.
    if !matches!(decision.to, Destination::Rep { .. } | Destination::Line { .. }) {
        return Err(Refusal::Stage { stage: state.stage, verb: "taken away from sales" });
    }
    Ok(settle(state, decision, now))
}

/// Brings a lead where a decision sends it.
fn settle(state: &State, decision: Decision, now: Timestamp) -> Transition {
    let Decision { to, score, rule, rulebook, priority, value } = decision;
    let stays = match &to {
        Destination::Line { pool, .. } => state.stage == Stage::Waiting && state.pool.as_ref() == Some(pool),
        Destination::Nurture { reason } => {
            state.stage == Stage::Nurturing && state.reason.as_ref() == Some(reason) && state.due_at.is_none()
        }
        _ => false,
    };
    let as_before = state.priority == priority && state.value == value;
    // A lead that others can take as well from here on has to be told from those that have to wait for the pool.
    let wider = state.pool_only && matches!(to, Destination::Line { pool_only: false, .. });
    if stays && as_before && !wider && state.score.as_ref().is_some_and(|before| same_figures(before, &score)) {
        return Transition::Unchanged;
    }
    let mut change = Builder::new(state, now);
    if score.mql {
        change.state.mql_at.get_or_insert(now);
    }
    let (total, grade) = (score.total, score.grade.clone());
    change.state.score = Some(score);
    change.state.rule = Some(rule.clone());
    change.state.rulebook = Some(rulebook.clone());
    change.state.priority = priority;
    change.state.value = value;
    let freed_pool = state.pool.clone().filter(|_| state.stage.is_owned());
    change.leave();
    let freed_owner = change.freed.clone();
    match to {
        Destination::Rep { rep, pool, ledger } => {
            let assignment = state.assignment.saturating_add(1);
            change.state.stage = Stage::Assigned;
            change.state.assignment = assignment;
            change.state.owner = Some(rep.clone());
            change.state.pool.clone_from(&pool);
            change.state.ledger = ledger;
            change.state.assigned_at = Some(now);
            change.taken = Some(rep.clone());
            change.tell(EventKind::LeadAssigned {
                owner: rep,
                pool,
                assignment,
                rule,
                rulebook,
                score: total,
                grade,
                priority,
                value,
                freed_owner,
                freed_pool,
            })
        }
        Destination::Line { pool, until, pool_only } => {
            change.state.stage = Stage::Waiting;
            change.state.pool_only = pool_only;
            change.state.pool = Some(pool.clone());
            // Whoever is only worth more or less than before has waited since they began to.
            let (since, due) = if stays { (state.waiting_since, state.due_at) } else { (None, None) };
            change.state.waiting_since = since.or(Some(now));
            change.state.due_at = due.or(Some(until));
            change.tell(EventKind::LeadWaiting { pool, rule, rulebook, score: total, freed_owner, freed_pool })
        }
        Destination::Nurture { reason } => {
            change.state.stage = Stage::Nurturing;
            change.state.reason = Some(reason.clone());
            change.tell(EventKind::LeadNurtured { reason, rule, rulebook, score: total })
        }
        Destination::Disqualify { reason } => {
            change.state.stage = Stage::Disqualified;
            change.state.reason = Some(reason.clone());
            change.tell(EventKind::LeadDisqualified { reason, rule, rulebook })
        }
        Destination::Hold { reason } => change.hold(reason),
    }
}

fn rescore(state: &State, score: Score, rulebook: RulebookVersion, now: Timestamp) -> Result<Transition, Refusal> {
    if !state.stage.is_rescored() {
        return Err(Refusal::Stage { stage: state.stage, verb: "rescored" });
    }
    let score = state.keep_mql(score);
    if state.score.as_ref().is_some_and(|before| same_figures(before, &score)) {
        return Ok(Transition::Unchanged);
    }
    let mut change = Builder::new(state, now);
    let became_mql = score.mql && state.mql_at.is_none();
    if became_mql {
        change.state.mql_at = Some(now);
    }
    let Score { total, fit, engagement, account, mql, .. } = score;
    let grade = score.grade.clone();
    change.state.score = Some(score);
    Ok(change.tell(EventKind::LeadScored { score: total, fit, engagement, account, grade, mql, became_mql, rulebook }))
}

/// Whether two scores come to the same. The lines they are made of may differ: nobody is told of a point that another
/// one takes the place of.
fn same_figures(a: &Score, b: &Score) -> bool {
    let figures = |score: &Score| (score.total, score.fit, score.engagement, score.account, score.mql);
    figures(a) == figures(b) && a.grade == b.grade
}

/// A change in the making: the state to be, and who gains or loses a seat.
struct Builder<'a> {
    before: &'a State,
    now: Timestamp,
    state: State,
    freed: Option<RepId>,
    taken: Option<RepId>,
}

impl<'a> Builder<'a> {
    fn new(before: &'a State, now: Timestamp) -> Self {
        Self { before, now, state: before.clone(), freed: None, taken: None }
    }

    /// Takes the lead away from wherever it is: every way out of ownership gives the seat back.
    fn leave(&mut self) {
        if self.before.stage.is_owned() {
            self.freed.clone_from(&self.before.owner);
        }
        self.state.owner = None;
        self.state.pool = None;
        self.state.ledger = None;
        self.state.reason = None;
        self.state.held_from = None;
        self.state.assigned_at = None;
        self.state.accepted_at = None;
        self.state.waiting_since = None;
        self.state.pool_only = false;
        self.state.due_at = None;
    }

    /// Lets the lead go on at `stage`, where it can be decided on.
    fn go_on(&mut self, stage: Stage) {
        self.leave();
        self.state.stage = stage;
        // Whoever lets it go on queues it as well; should they not come to it, the sweep does.
        self.state.due_at = self.now.checked_add(GOES_ON_DUE_AFTER).ok();
    }

    /// Looks anew at a refused lead, of which there is something new to know. Gives back where it goes, if it does.
    fn reopen(&mut self) -> Option<Stage> {
        let refused = self.before.stage == Stage::Disqualified;
        refused.then(|| {
            self.go_on(Stage::Stored);
            Stage::Stored
        })
    }

    fn hold(mut self, reason: String) -> Transition {
        self.leave();
        let from = self.before.stage;
        self.state.stage = Stage::Held;
        self.state.held_from = Some(from);
        self.state.reason = Some(reason.clone());
        self.tell(EventKind::LeadHeld { reason, from })
    }

    fn tell(mut self, event: EventKind) -> Transition {
        self.state.version = self.before.version.saturating_add(1);
        self.state.last_event = self.before.last_event.saturating_add(1);
        Transition::Changed(Box::new(Change {
            expected_version: self.before.version,
            state: self.state,
            event,
            at: self.now,
            freed: self.freed,
            taken: self.taken,
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use fairleader_lead::id::SourceId;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_500_000 + second).unwrap()
    }

    fn stored() -> State {
        State::stored(LeadId::from("l-1"), SourceId::from("web"), at(0), "hash".to_owned())
    }

    fn score(mql: bool) -> Score {
        Score {
            total: 70,
            fit: 70,
            engagement: 0,
            account: 0,
            grade: None,
            mql,
            mql_by: None,
            interest: Vec::new(),
            lines: Vec::new(),
        }
    }

    fn to(destination: Destination) -> Command {
        Command::Decide(Decision {
            to: destination,
            score: score(true),
            rule: "everyone else".to_owned(),
            rulebook: RulebookVersion::from("000001"),
            priority: Priority::Normal,
            value: None,
        })
    }

    fn rep(name: &str) -> Command {
        to(Destination::Rep { rep: RepId::from(name), pool: Some(PoolId::from("inbound")), ledger: Some(1) })
    }

    fn store(payload_hash: &str) -> Command {
        let payload_hash = payload_hash.to_owned();
        Command::Store { source: SourceId::from("web"), received_at: at(0), payload_hash }
    }

    fn apply(state: &State, command: Command) -> Change {
        match transition(state, command, at(60)).unwrap() {
            Transition::Changed(change) => *change,
            Transition::Unchanged => panic!("nothing changed"),
        }
    }

    #[test]
    fn an_assigned_lead_takes_a_seat_and_a_merged_one_gives_it_back() {
        let assigned = apply(&stored(), rep("anna"));
        assert_eq!((assigned.taken.clone(), assigned.freed.clone()), (Some(RepId::from("anna")), None));
        assert_eq!(assigned.state.mql_at, Some(at(60)));
        let merged = apply(&assigned.state, Command::Merge { into: LeadId::from("l-0") });
        assert_eq!((merged.taken, merged.freed), (None, Some(RepId::from("anna"))));
        assert_eq!(
            merged.event,
            EventKind::LeadMerged {
                into: LeadId::from("l-0"),
                freed_owner: Some(RepId::from("anna")),
                freed_pool: Some(PoolId::from("inbound"))
            }
        );
    }

    #[test]
    fn only_the_owner_accepts_and_only_the_current_assignment() {
        let state = apply(&stored(), rep("anna")).state;
        let accept = |by: &str, assignment| Command::Accept { by: RepId::from(by), assignment };
        assert_eq!(transition(&state, accept("ben", 1), at(61)), Err(Refusal::NotOwner { owner: RepId::from("anna") }));
        assert_eq!(transition(&state, accept("anna", 2), at(61)), Err(Refusal::OldAssignment { given: 2, current: 1 }));
        let accepted = apply(&state, accept("anna", 1)).state;
        assert_eq!(accepted.stage, Stage::Accepted);
        assert_eq!(transition(&accepted, accept("anna", 1), at(99)), Ok(Transition::Unchanged), "a repeat succeeds");
    }

    #[test]
    fn a_lead_that_waits_keeps_its_place_when_nobody_is_free_yet() {
        let line = |pool: &str| to(Destination::Line { pool: PoolId::from(pool), until: at(600), pool_only: true });
        let waiting = apply(&stored(), line("inbound")).state;
        assert_eq!(waiting.due_at, Some(at(600)));
        assert_eq!(transition(&waiting, line("inbound"), at(90)), Ok(Transition::Unchanged));
        let moved = apply(&waiting, line("overflow")).state;
        assert_eq!(moved.pool, Some(PoolId::from("overflow")));
    }

    #[test]
    fn a_waiting_lead_that_others_can_take_from_now_on_says_so_and_keeps_its_time() {
        let line =
            |pool_only, until| to(Destination::Line { pool: PoolId::from("inbound"), until: at(until), pool_only });
        let waiting = apply(&stored(), line(true, 600)).state;
        let Ok(Transition::Changed(change)) = transition(&waiting, line(false, 900), at(90)) else {
            panic!("nothing changed")
        };
        assert_eq!((change.state.pool_only, change.state.waiting_since), (false, Some(at(60))));
        assert_eq!(change.state.due_at, Some(at(600)));
        assert_eq!(transition(&change.state, line(true, 900), at(91)), Ok(Transition::Unchanged));
    }

    #[test]
    fn a_lead_that_becomes_better_while_it_waits_keeps_the_time_it_has_waited() {
        let line = |score: Score, until: i64| {
            Command::Decide(Decision {
                to: Destination::Line { pool: PoolId::from("inbound"), until: at(until), pool_only: true },
                score,
                rule: "everyone else".to_owned(),
                rulebook: RulebookVersion::from("000001"),
                priority: Priority::Normal,
                value: None,
            })
        };
        let waiting = apply(&stored(), line(score(true), 600)).state;
        let better = Score { total: 90, ..score(true) };
        let Ok(Transition::Changed(change)) = transition(&waiting, line(better.clone(), 900), at(90)) else {
            panic!("nothing changed")
        };
        let state = change.state;
        assert_eq!((&state.waiting_since, &state.due_at), (&Some(at(60)), &Some(at(600))));
        assert_eq!(state.score.as_ref(), Some(&better));
        assert_eq!(transition(&state, line(better, 990), at(99)), Ok(Transition::Unchanged), "a pool that is woken");
    }

    fn activity(id: &str) -> Activity {
        Activity {
            id: fairleader_lead::id::ActivityId::from(id),
            did: "webinar".to_owned(),
            at: at(30),
            channel: Some("web".to_owned()),
            spend: None,
            response: Some("attended".to_owned()),
            product: Some("keel".to_owned()),
        }
    }

    fn rescore_to(score: Score) -> Command {
        Command::Rescore { score, rulebook: RulebookVersion::from("000002") }
    }

    #[test]
    fn what_a_person_does_is_told_and_moves_nothing() {
        let refused = apply(&stored(), to(Destination::Disqualify { reason: "junk".to_owned() })).state;
        let held = apply(&stored(), Command::Hold { reason: "failed".to_owned() }).state;
        let owned = apply(&stored(), rep("anna")).state;
        for state in [stored(), refused, held, owned] {
            let change = apply(&state, Command::RecordActivity(activity("a-1")));
            let (version, last_event) = (state.version + 1, state.last_event + 1);
            assert_eq!(change.state, State { version, last_event, ..state });
            assert!(matches!(change.event, EventKind::ActivityRecorded { did_at, .. } if did_at == at(30)));
        }
        let merged = apply(&stored(), Command::Merge { into: LeadId::from("l-0") }).state;
        let refusal = transition(&merged, Command::RecordActivity(activity("a-1")), at(60)).unwrap_err();
        assert_eq!(refusal.to_string(), "a lead at stage `merged` cannot be told what the person did");
    }

    #[test]
    fn the_first_score_that_makes_an_mql_stamps_it_and_none_revokes_it() {
        let nurture = Command::Decide(Decision {
            to: Destination::Nurture { reason: "not_an_mql".to_owned() },
            score: score(false),
            rule: "not an MQL".to_owned(),
            rulebook: RulebookVersion::from("000001"),
            priority: Priority::Normal,
            value: None,
        });
        let nurtured = apply(&stored(), nurture).state;
        assert_eq!(nurtured.mql_at, None);
        let reasons_only = Score { mql_by: Some("another line".to_owned()), ..score(false) };
        assert_eq!(transition(&nurtured, rescore_to(reasons_only), at(70)), Ok(Transition::Unchanged));

        let change = apply(&nurtured, rescore_to(score(true)));
        assert_eq!((change.state.stage, change.state.mql_at), (Stage::Nurturing, Some(at(60))));
        assert!(matches!(change.event, EventKind::LeadScored { mql: true, became_mql: true, .. }));
        assert_eq!(change.state.rulebook, nurtured.rulebook, "that of the last decision");

        let faded = Score { total: 10, ..score(false) };
        let change = match transition(&change.state, rescore_to(faded.clone()), at(99)) {
            Ok(Transition::Changed(change)) => change,
            other => panic!("{other:?}"),
        };
        assert_eq!(change.state.mql_at, Some(at(60)));
        assert!(matches!(change.event, EventKind::LeadScored { score: 10, mql: true, became_mql: false, .. }));
        assert_eq!(transition(&change.state, rescore_to(faded), at(100)), Ok(Transition::Unchanged));
        assert!(transition(&stored(), rescore_to(score(true)), at(60)).is_err(), "it is decided on with its score");
    }

    #[test]
    fn a_refused_lead_that_says_something_new_is_looked_at_again() {
        let refused = apply(&stored(), to(Destination::Disqualify { reason: "junk".to_owned() })).state;
        for command in [Command::Absorb { from: LeadId::from("l-2") }, Command::Resubmit] {
            let change = apply(&refused, command);
            assert_eq!((change.state.stage, &change.state.reason), (Stage::Stored, &None));
            assert_eq!(change.state.due_at, Some(at(360)));
            assert!(matches!(
                change.event,
                EventKind::LeadAbsorbed { to: Some(Stage::Stored), .. }
                    | EventKind::LeadResubmitted { to: Some(Stage::Stored) }
            ));
            assert_eq!(apply(&change.state, rep("anna")).state.stage, Stage::Assigned);
        }
        let nurtured = apply(&stored(), to(Destination::Nurture { reason: "not_an_mql".to_owned() })).state;
        let told = apply(&nurtured, Command::Resubmit);
        assert_eq!((told.state.stage, told.event), (Stage::Nurturing, EventKind::LeadResubmitted { to: None }));
    }

    #[test]
    fn what_was_held_before_it_was_stored_can_only_be_stored_or_merged() {
        let change = held_unstored(stored(), "failed".to_owned(), at(30));
        assert_eq!(change.event, EventKind::LeadHeld { reason: "failed".to_owned(), from: Stage::Stored });
        let held = change.state;
        assert!(held.is_unstored());
        assert_eq!((held.version, held.last_event), (1, 1));
        for command in [Command::Release, Command::Absorb { from: LeadId::from("l-2") }, Command::Resubmit, rep("anna")]
        {
            assert_eq!(transition(&held, command, at(60)), Err(UNSTORED));
        }
        let stored = apply(&held, store("other"));
        assert_eq!(stored.event, EventKind::LeadReleased { to: Stage::Stored });
        assert_eq!((stored.state.stage, stored.state.payload_hash.as_str()), (Stage::Stored, "other"));
        assert!(transition(&stored.state, store("other"), at(61)).is_err(), "it is stored already");
        let merged = apply(&held, Command::Merge { into: LeadId::from("l-0") }).state;
        assert_eq!((merged.stage, merged.last_event), (Stage::Merged, 2));
    }

    #[test]
    fn a_held_lead_goes_back_where_it_can_be_decided_on() {
        let waiting =
            apply(&stored(), to(Destination::Line { pool: PoolId::from("inbound"), until: at(600), pool_only: true }))
                .state;
        let held = apply(&waiting, Command::Hold { reason: "failed".to_owned() }).state;
        assert_eq!((held.stage, held.held_from, held.due_at), (Stage::Held, Some(Stage::Waiting), None));
        assert!(transition(&held, rep("anna"), at(70)).is_err());
        let released = apply(&held, Command::Release).state;
        assert_eq!((released.stage, released.reason.clone()), (Stage::Stored, None));
        let owned = apply(&released, rep("anna")).state;
        assert!(transition(&owned, Command::Hold { reason: "failed".to_owned() }, at(70)).is_err());
    }

    fn again(command: Command) -> Command {
        let Command::Decide(decision) = command else { panic!("a decision") };
        Command::Reassign(Decision { rulebook: RulebookVersion::from("000002"), ..decision })
    }

    #[test]
    fn a_lead_that_nobody_accepted_can_be_given_to_somebody_else_in_sales() {
        let assigned = apply(&stored(), rep("anna")).state;
        assert!(transition(&assigned, rep("ben"), at(70)).is_err(), "a late decision takes nothing away");
        let moved = apply(&assigned, again(rep("ben")));
        assert_eq!((&moved.freed, &moved.taken), (&Some(RepId::from("anna")), &Some(RepId::from("ben"))));
        assert_eq!((moved.state.assignment, moved.state.stage), (2, Stage::Assigned));
        let EventKind::LeadAssigned { freed_owner, freed_pool, rulebook, .. } = &moved.event else {
            panic!("assigned")
        };
        assert_eq!((freed_owner, freed_pool), (&Some(RepId::from("anna")), &Some(PoolId::from("inbound"))));
        assert_eq!(rulebook.as_str(), "000002");
        let late = Command::Accept { by: RepId::from("anna"), assignment: 1 };
        assert_eq!(transition(&moved.state, late, at(70)), Err(Refusal::OldAssignment { given: 1, current: 2 }));

        let line = to(Destination::Line { pool: PoolId::from("iberia"), until: at(600), pool_only: true });
        let waits = apply(&assigned, again(line.clone()));
        assert_eq!((waits.state.stage, &waits.state.owner, waits.taken), (Stage::Waiting, &None, None));
        assert!(matches!(waits.event, EventKind::LeadWaiting { freed_owner: Some(_), freed_pool: Some(_), .. }));

        let verb = |state: &State, command| match transition(state, command, at(70)) {
            Err(Refusal::Stage { verb, .. }) => verb,
            other => panic!("{other:?}"),
        };
        for out in [
            Destination::Nurture { reason: "not_an_mql".to_owned() },
            Destination::Disqualify { reason: "junk".to_owned() },
            Destination::Hold { reason: "pool_not_found".to_owned() },
        ] {
            assert_eq!(verb(&assigned, again(to(out))), "taken away from sales");
        }
        let accepted = apply(&assigned, Command::Accept { by: RepId::from("anna"), assignment: 1 }).state;
        assert_eq!(verb(&accepted, again(rep("ben"))), "given to somebody else");
        assert_eq!(verb(&waits.state, again(line)), "given to somebody else");
    }

    fn any_command() -> impl Strategy<Value = Command> {
        let name = prop_oneof![Just("anna"), Just("ben")];
        prop_oneof![
            name.clone().prop_map(rep),
            name.clone().prop_map(|name| again(rep(name))),
            Just(again(to(Destination::Line { pool: PoolId::from("iberia"), until: at(600), pool_only: true }))),
            Just(to(Destination::Line { pool: PoolId::from("inbound"), until: at(600), pool_only: true })),
            Just(to(Destination::Nurture { reason: "not_an_mql".to_owned() })),
            Just(to(Destination::Disqualify { reason: "junk".to_owned() })),
            Just(to(Destination::Hold { reason: "review".to_owned() })),
            (name, 0_u32..3).prop_map(|(by, assignment)| Command::Accept { by: RepId::from(by), assignment }),
            Just(Command::Merge { into: LeadId::from("l-0") }),
            Just(Command::Absorb { from: LeadId::from("l-2") }),
            Just(Command::Resubmit),
            Just(Command::RecordActivity(activity("a-1"))),
            (0_u8..100, any::<bool>()).prop_map(|(total, mql)| rescore_to(Score { total, ..score(mql) })),
            Just(store("other")),
            Just(Command::Hold { reason: "failed".to_owned() }),
            Just(Command::Release),
        ]
    }

    proptest! {
        /// Whatever is commanded: seats add up, numbers rise by one, and a stage's fields are there exactly at it.
        #[test]
        fn no_sequence_of_commands_breaks_a_lead(commands in proptest::collection::vec(any_command(), 0..30)) {
            let mut state = stored();
            let mut seats = std::collections::BTreeMap::<RepId, i32>::new();
            for command in commands {
                let Ok(Transition::Changed(change)) = transition(&state, command, at(60)) else { continue };
                prop_assert_eq!(change.expected_version, state.version);
                prop_assert_eq!(change.state.version, state.version + 1);
                prop_assert_eq!(change.state.last_event, state.last_event + 1);
                if let Some(rep) = change.taken { *seats.entry(rep).or_default() += 1; }
                if let Some(rep) = change.freed { *seats.entry(rep).or_default() -= 1; }
                prop_assert!(state.mql_at.is_none() || change.state.mql_at == state.mql_at, "an MQL is never revoked");
                state = change.state;
                seats.retain(|_, open| *open != 0);
                let expected: Vec<_> = state.owner.iter().map(|rep| (rep.clone(), 1)).collect();
                prop_assert_eq!(seats.clone().into_iter().collect::<Vec<_>>(), expected);
                prop_assert_eq!(state.owner.is_some(), state.stage.is_owned());
                prop_assert_eq!(state.ledger.is_some(), state.stage.is_owned());
                prop_assert!(state.stage != Stage::Waiting || state.due_at.is_some());
                prop_assert!(state.stage == Stage::Waiting || !state.pool_only);
                prop_assert!(state.due_at.is_none()
                    || matches!(state.stage, Stage::Waiting | Stage::Stored | Stage::Nurturing));
                prop_assert_eq!(state.merged_into.is_some(), state.stage == Stage::Merged);
                prop_assert_eq!(state.held_from.is_some(), state.stage == Stage::Held);
            }
        }
    }
}
