//! Single cases, and every order and interleaving of one person's messages, on tables with DynamoDB's semantics.

mod model;
mod property;

use fairleader_lead::event::EventKind;
use fairleader_lead::id::{AccountId, ActivityId, LeadId, PoolId, RepId, SourceId};
use fairleader_lead::identity::IdentityKey;
use fairleader_lead::normalise;
use fairleader_lead::state::{Owned, Stage, Standing, State, TurnTaken};
use fairleader_lead::submission::{Submission, lead_id};

use self::model::{Model, Worker, at};
use super::*;
use crate::lifecycle::held_unstored;
use crate::person;

/// Makes a submission of this JSON as lead `id`, received in second `second`.
fn submitted(id: &str, json: &str, second: i64) -> Submitted {
    let submission = Submission::from_json(json.as_bytes()).unwrap();
    let (lead_id, payload_hash, received_at) = (LeadId::from(id), submission.payload_hash(), at(second));
    let mut profile = normalise::profile(&submission);
    profile.said(&lead_id, &payload_hash, received_at);
    let identities = person::identities(&profile);
    let source = SourceId::from("web");
    Submitted { lead_id, source, received_at, payload_hash, submission, profile, identities, reused_key_of: None }
}

fn submission(id: &str, json: &str, second: i64) -> Incoming {
    Incoming::Submission(Box::new(submitted(id, json, second)))
}

/// Makes an activity of the person with an address, or of a lead.
fn activity(id: &str, by: By, second: i64) -> Incoming {
    let activity = Activity {
        id: ActivityId::from(id),
        did: "webinar".to_owned(),
        at: at(second),
        channel: None,
        spend: None,
        response: None,
        product: None,
    };
    let source = SourceId::from("web");
    Incoming::Activity(Box::new(Reported { activity, source, received_at: at(second), content: None, by }))
}

/// Makes an activity of a lead that came with an idempotency key.
fn keyed(id: &str, did: &str, lead: &str, second: i64) -> Incoming {
    let Incoming::Activity(mut reported) = activity(id, By::Lead(LeadId::from(lead)), second) else { unreachable!() };
    reported.activity.did = did.to_owned();
    reported.content = Some(format!("hash of {did}"));
    Incoming::Activity(reported)
}

fn by_address(id: &str, address: &str, second: i64) -> By {
    let mut first = submitted(id, &format!(r#"{{"email": "{address}", "did": "webinar"}}"#), second);
    first.profile.activities.clear();
    first.identities = person::doer(&first.profile).into_iter().collect();
    By::Address(Box::new(first))
}

/// Admits a message without any concurrent work.
fn admit(model: &mut Model, incoming: Incoming) -> Result<Outcome, AdmissionError> {
    Worker::new(incoming).run(model)
}

fn what(model: &mut Model, id: &str, json: &str) -> (&'static str, Option<String>) {
    what_at(model, id, json, 0)
}

fn what_at(model: &mut Model, id: &str, json: &str, second: i64) -> (&'static str, Option<String>) {
    let Outcome { what, into, .. } = admit(model, submission(id, json, second)).unwrap();
    (what, into.map(|into| into.to_string()))
}

fn merged(into: &str) -> (&'static str, Option<String>) {
    ("merged", Some(into.to_owned()))
}

const NEW: (&str, Option<String>) = ("stored", None);

#[test]
fn a_new_lead_takes_two_reads_and_one_transaction() {
    let mut model = Model::default();
    let json = r#"{"email": "ada@acme.example", "phone": "+49 171 3920012", "last_name": "Lovelace"}"#;
    let outcome = admit(&mut model, submission("l-1", json, 0)).unwrap();
    assert_eq!(
        outcome,
        Outcome {
            what: "stored",
            into: None,
            next: Some(Next { lead_id: LeadId::from("l-1"), version: 1, decide: true })
        }
    );
    assert_eq!((model.reads, model.commits), (1, 1));
    let keys: Vec<&str> = model.identities.keys().map(IdentityKey::as_str).collect();
    assert_eq!(keys, ["email:ada@acme.example", "phone:+491713920012"]);
    let repeat = admit(&mut model, submission("l-1", json, 0)).unwrap();
    assert_eq!(repeat, Outcome { what: "repeat", ..outcome });
    assert_eq!(model.commits, 1, "a repeat writes nothing");
}

#[test]
fn stores_a_resubmission_once() {
    let mut model = Model::default();
    assert_eq!(what(&mut model, "l-1", r#"{"email": "ada@acme.example", "did": "demo"}"#), NEW);
    let again = r#"{"email": "ada@acme.example", "did": "contact_me"}"#;
    assert_eq!(what_at(&mut model, "l-1", again, 1), ("resubmitted", None));
    assert_eq!(what_at(&mut model, "l-1", again, 1), ("repeat", None));
    assert_eq!(model.contents.len(), 1);
    assert_eq!(model.profile("l-1").interest.did.as_deref(), Some("contact_me"));

    // After the lead was merged, its stored resubmission still counts as a repeat.
    assert_eq!(what(&mut model, "l-2", r#"{"phone": "+49 171 3920012"}"#), NEW);
    let both = r#"{"email": "ada@acme.example", "phone": "+49 171 3920012"}"#;
    assert_eq!(what(&mut model, "l-3", both), merged("l-1"));
    let lead = LeadId::from("l-2");
    assert_eq!(model.leads[&lead].state.stage(), Stage::Merged);
    assert_eq!(what(&mut model, "l-1", again), ("repeat", None));
}

#[test]
fn a_reused_key_keeps_another_person_as_a_lead_of_their_own() {
    let mut model = Model::default();
    let (ada, ben) = (r#"{"email": "ada@acme.example"}"#, r#"{"email": "ben@books.example", "did": "demo"}"#);
    assert_eq!(what(&mut model, "l-1", ada), NEW);
    let split = lead_id::derive_reused(&LeadId::from("l-1"), &submitted("l-1", ben, 1).payload_hash);
    let outcome = admit(&mut model, submission("l-1", ben, 1)).unwrap();
    assert_eq!(
        outcome,
        Outcome { what: "stored", into: None, next: Some(Next { lead_id: split.clone(), version: 2, decide: true }) }
    );
    let told = &model.events[&(split.clone(), 1)];
    assert_eq!(*told, EventKind::KeyReused { of: LeadId::from("l-1") });
    assert_eq!(model.profile(split.as_str()).contact.email.as_ref().unwrap().identity, "ben@books.example");
    assert!(model.profile(split.as_str()).activities[0].id.as_str().starts_with(split.as_str()));
    assert_eq!(model.identities["email:ben@books.example"], Holder::Lead(split.clone()));
    // Repeats of both change nothing, whatever the first lead learns.
    let commits = model.commits;
    assert_eq!(what_at(&mut model, "l-1", ben, 1), ("repeat", None));
    assert_eq!(what(&mut model, "l-1", ada), ("repeat", None));
    let contact = &mut model.leads.get_mut(&LeadId::from("l-1")).unwrap().profile.as_mut().unwrap().contact;
    contact.email = None;
    assert_eq!(what_at(&mut model, "l-1", ben, 1), ("repeat", None));
    assert_eq!((model.commits, model.leads.len(), model.contents.len()), (commits, 2, 0));
}

#[test]
fn a_reused_key_finds_the_lead_that_the_other_person_has() {
    let mut model = Model::default();
    let ben = r#"{"email": "ben@books.example", "did": "demo"}"#;
    assert_eq!(what(&mut model, "l-1", r#"{"email": "ada@acme.example"}"#), NEW);
    assert_eq!(what(&mut model, "l-2", r#"{"email": "ben@books.example"}"#), NEW);
    assert_eq!(what_at(&mut model, "l-1", ben, 1), merged("l-2"));
    let split = lead_id::derive_reused(&LeadId::from("l-1"), &submitted("l-1", ben, 1).payload_hash);
    assert!(matches!(
        &model.events[&(split, 1)],
        EventKind::LeadMerged { reused_key_of: Some(of), .. } if of.as_str() == "l-1"
    ));
    assert_eq!(what_at(&mut model, "l-1", ben, 1), ("repeat", None));
}

#[test]
fn a_reused_key_keeps_the_activity_of_another_person() {
    let mut model = Model::default();
    let of = |address: &str, second| activity("a-1", by_address("a-1", address, second), second);
    assert_eq!(admit(&mut model, of("ada@acme.example", 1)).unwrap().into, Some(LeadId::from("a-1")));
    let outcome = admit(&mut model, of("ben@books.example", 2)).unwrap();
    let split = outcome.into.unwrap();
    assert_eq!((outcome.what, split == LeadId::from("a-1")), ("recorded", false));
    let kinds: Vec<&str> = (1..=2).map(|seq| model.events[&(split.clone(), seq)].name()).collect();
    assert_eq!(kinds, ["KeyReused", "ActivityRecorded"]);
    for repeat in [of("ada@acme.example", 1), of("ben@books.example", 2), of("ADA+x@acme.example", 3)] {
        assert_eq!(admit(&mut model, repeat).unwrap().what, "repeat");
    }
    assert_eq!((model.leads.len(), model.contents.len()), (2, 2));
}

#[test]
fn a_reused_key_keeps_another_activity_of_the_same_person() {
    let mut model = Model::default();
    assert_eq!(what(&mut model, "l-1", r#"{"email": "ada@acme.example"}"#), NEW);
    for (did, second, expected) in [
        ("webinar", 1, "recorded"),
        ("webinar", 2, "repeat"),
        ("demo", 3, "recorded"),
        ("demo", 4, "repeat"),
        ("pricing", 5, "recorded"),
        ("webinar", 6, "repeat"),
    ] {
        assert_eq!(admit(&mut model, keyed("a-1", did, "l-1", second)).unwrap().what, expected, "{did} at {second}");
    }
    let told: Vec<(&str, bool)> = model
        .events
        .values()
        .filter_map(|event| match event {
            EventKind::ActivityRecorded { did, reused_key_of, .. } => {
                Some((did.as_str(), reused_key_of.as_ref().is_some_and(|of| of.as_str() == "a-1")))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [("webinar", false), ("demo", true), ("pricing", true)]);
    // A message from an older version has no hash.
    assert_eq!(admit(&mut model, activity("a-1", By::Lead(LeadId::from("l-1")), 7)).unwrap().what, "repeat");
}

#[test]
fn an_address_that_is_known_to_be_theirs_is_no_other_person() {
    let mut model = Model::default();
    assert_eq!(what(&mut model, "l-1", r#"{"email": "ada@acme.example", "phone": "+49 171 3920012"}"#), NEW);
    assert_eq!(what(&mut model, "l-2", r#"{"email": "ada@gmail.com", "phone": "+49 171 3920012"}"#), merged("l-1"));
    assert_eq!(what_at(&mut model, "l-1", r#"{"email": "ada@gmail.com", "did": "demo"}"#, 2), ("resubmitted", None));
}

#[test]
fn a_shared_mailbox_needs_the_family_name() {
    let mut model = Model::default();
    let unnamed = r#"{"email": "info@acme.example", "did": "demo"}"#;
    assert_eq!(what(&mut model, "l-1", unnamed), NEW);
    assert_eq!(what(&mut model, "l-2", unnamed), NEW, "nothing proves that the same person writes");
    let of = |first: &str, last: &str| {
        format!(r#"{{"email": "info@acme.example", "first_name": "{first}", "last_name": "{last}"}}"#)
    };
    assert_eq!(what(&mut model, "l-3", &of("Ada", "Lovelace")), NEW);
    assert_eq!(what(&mut model, "l-4", &of("A.", "LOVELACE")), merged("l-3"));
    assert_eq!(what(&mut model, "l-5", &of("Byron", "Lovelace")), NEW);
    assert_eq!(what(&mut model, "l-6", &of("Charles", "Babbage")), NEW);
    // A mobile number identifies the person.
    let with_phone = r#"{"email": "info@acme.example", "last_name": "Lovelace", "phone": "+49 171 3920012"}"#;
    assert_eq!(what(&mut model, "l-7", with_phone), merged("l-3"));
    let unnamed = r#"{"email": "info@acme.example", "phone": "+49 171 3920012"}"#;
    assert_eq!(what(&mut model, "l-8", unnamed), merged("l-3"));
}

#[test]
fn activities_of_a_shared_mailbox_belong_to_one_lead() {
    let mut model = Model::default();
    let named = r#"{"email": "info@acme.example", "last_name": "Lovelace"}"#;
    assert_eq!(what(&mut model, "l-1", named), NEW);
    for id in ["a-1", "a-2", "a-3"] {
        let outcome = admit(&mut model, activity(id, by_address(id, "info@acme.example", 5), 5)).unwrap();
        assert_eq!(outcome.into, Some(LeadId::from("a-1")), "{id}");
    }
    assert_eq!(model.leads.len(), 2, "the activity has no family name");
    assert_eq!(what(&mut model, "l-2", named), merged("l-1"));
}

#[test]
fn the_number_of_another_person_needs_the_family_name() {
    let mut model = Model::default();
    let of = |last: &str| format!(r#"{{"phone": "+49 171 3920012", "last_name": "{last}"}}"#);
    assert_eq!(what(&mut model, "l-1", &of("Lovelace")), NEW);
    assert_eq!(what(&mut model, "l-2", &of("Babbage")), NEW);
    assert_eq!(what(&mut model, "l-3", &of("Babbage")), merged("l-2"));
    assert_eq!(what(&mut model, "l-4", &of("Lovelace")), merged("l-1"));
    assert_eq!(what(&mut model, "l-5", r#"{"phone": "+49 30 901820", "last_name": "King"}"#), NEW);
    assert_eq!(what(&mut model, "l-6", r#"{"phone": "+49 30 901820", "last_name": "KING"}"#), merged("l-5"));
    assert_eq!(what(&mut model, "l-7", r#"{"phone": "+49 30 901820"}"#), NEW, "it could be anyone at that company");
}

#[test]
fn merges_two_leads_that_a_submission_links() {
    let mut model = Model::default();
    assert_eq!(what(&mut model, "by-mail", r#"{"email": "ada@acme.example"}"#), NEW);
    assert_eq!(what(&mut model, "by-phone", r#"{"phone": "+49 171 3920012"}"#), NEW);
    let phone = model.leads.get_mut(&LeadId::from("by-phone")).unwrap();
    phone.state.standing = Standing::Assigned(Owned { owner: RepId::from("anna"), turn: None, since: at(1) });
    model.seats.insert(RepId::from("anna"), 1);
    let both = r#"{"email": "ada@acme.example", "phone": "+49 171 3920012"}"#;
    assert_eq!(what(&mut model, "both", both), merged("by-phone"), "the one that sales works on");
    assert_eq!(model.survivor("by-mail"), "by-phone");
    assert_eq!((model.commits, model.seats[&RepId::from("anna")]), (4, 1));
}

#[test]
fn a_merge_gives_back_seat_and_turn() {
    let mut model = Model::default();
    assert_eq!(what(&mut model, "by-mail", r#"{"email": "ada@acme.example"}"#), NEW);
    assert_eq!(what(&mut model, "by-phone", r#"{"phone": "+49 171 3920012"}"#), NEW);
    for (lead, rep, version, assignment) in [("by-mail", "anna", 4, 1), ("by-phone", "ben", 7, 2)] {
        let state = &mut model.leads.get_mut(&LeadId::from(lead)).unwrap().state;
        let turn = Some(TurnTaken { pool: PoolId::from("inbound"), version });
        state.standing = Standing::Assigned(Owned { owner: RepId::from(rep), turn, since: at(1) });
        state.assignment = assignment;
        model.seats.insert(RepId::from(rep), 1);
    }
    let both = r#"{"email": "ada@acme.example", "phone": "+49 171 3920012"}"#;
    assert_eq!(what(&mut model, "both", both), merged("by-mail"), "received at the same time: the smaller id survives");
    let freed = Freed {
        rep: RepId::from("ben"),
        turn: Some(TurnTaken { pool: PoolId::from("inbound"), version: 7 }),
        lead: LeadId::from("by-phone"),
        assignment: 2,
    };
    assert_eq!(model.freed, [freed]);
    assert_eq!([model.seats[&RepId::from("anna")], model.seats[&RepId::from("ben")]], [1, 0]);
}

#[test]
fn takes_over_a_claim_of_a_lead_that_was_never_stored() {
    let mut model = Model::default();
    let held = State::stored(LeadId::from("held"), SourceId::from("web"), at(0), String::new());
    let held = held_unstored(held, "failed_in_enrich".to_owned(), at(1)).state;
    for (address, lead) in [("ada@acme.example", "nobody"), ("ben@acme.example", "held")] {
        model.identities.insert(IdentityKey::email(address).unwrap(), Holder::Lead(LeadId::from(lead)));
    }
    model.leads.insert(held.lead_id.clone(), Known { state: held, profile: None, profile_version: 0 });
    assert_eq!(what(&mut model, "l-1", r#"{"email": "ada@acme.example"}"#), NEW);
    assert_eq!(what(&mut model, "l-2", r#"{"email": "ada@acme.example"}"#), merged("l-1"));
    assert_eq!(what(&mut model, "l-3", r#"{"email": "ben@acme.example"}"#), NEW);
    // The submission of the lead on hold arrives last, and is the same person.
    assert_eq!(what(&mut model, "held", r#"{"email": "ben@acme.example"}"#), merged("l-3"));
    let state = &model.leads[&LeadId::from("held")].state;
    assert_eq!((state.stage(), state.last_event), (Stage::Merged, 2));
}

#[test]
fn stores_a_lead_that_was_on_hold_before_it_was_stored() {
    let mut model = Model::default();
    let held = State::stored(LeadId::from("l-1"), SourceId::from("unknown"), at(9), String::new());
    let held = held_unstored(held, "failed_in_enrich".to_owned(), at(10)).state;
    model.leads.insert(held.lead_id.clone(), Known { state: held, profile: None, profile_version: 0 });
    assert_eq!(what(&mut model, "l-1", r#"{"email": "ada@acme.example"}"#), NEW);
    let Known { state, profile, .. } = &model.leads[&LeadId::from("l-1")];
    assert_eq!((state.source.as_str(), state.milestones.received, state.version), ("web", at(0), 2));
    assert!(profile.is_some() && state.stage() == Stage::Stored);
}

#[test]
fn an_activity_of_an_unknown_lead_creates_none() {
    let mut model = Model::default();
    let unknown = LeadId::from("l-9");
    let outcome = admit(&mut model, activity("a-1", By::Lead(unknown.clone()), 0));
    assert_eq!(outcome, Err(AdmissionError::UnknownLead(unknown)));
    assert_eq!((model.leads.len(), model.commits), (0, 0));
    assert_eq!(outcome.unwrap_err().to_string(), "there is no lead `l-9` to record the activity for");
}

#[test]
fn confirms_an_error_by_a_second_read() {
    let mut model = Model::default();
    let mut worker = Worker::new(activity("a-1", By::Lead(LeadId::from("l-1")), 5));
    // The first read misses the lead, which was stored a moment before.
    let Ok(Step::Read(missing)) = worker.arrival.step(at(100)) else { panic!("{worker:?}") };
    worker.arrival.read(&missing, &Model::default().read(&missing));
    assert_eq!(what(&mut model, "l-1", r#"{"email": "ada@acme.example"}"#), NEW);
    let outcome = worker.run(&mut model).unwrap();
    assert_eq!((outcome.what, outcome.into), ("recorded", Some(LeadId::from("l-1"))));
}

#[test]
fn finds_account_and_person_in_one_read() {
    let mut model = Model::default();
    model.identities.insert(IdentityKey::domain("acme.example").unwrap(), Holder::Account(AccountId::from("acme")));
    assert_eq!(what(&mut model, "l-1", r#"{"email": "ada@eu.acme.example"}"#), NEW);
    assert_eq!(model.profile("l-1").account_id, Some(AccountId::from("acme")));
    assert_eq!(model.reads, 1, "identities of both kinds are read together");
}

/// Stores a lead that was merged into another one.
fn put_merged(model: &mut Model, lead: &LeadId, into: &LeadId) {
    let mut state = State::stored(lead.clone(), SourceId::from("web"), at(0), "hash".to_owned());
    state.standing = Standing::Merged { into: into.clone() };
    model.leads.insert(lead.clone(), Known { state, profile: Some(Profile::default()), profile_version: 1 });
}

#[test]
fn names_a_missing_surviving_lead() {
    let mut model = Model::default();
    let (lead, into) = (LeadId::from("l-1"), LeadId::from("l-2"));
    put_merged(&mut model, &lead, &into);
    let cause = admit(&mut model, activity("a-1", By::Lead(lead.clone()), 0)).unwrap_err();
    assert_eq!(cause.to_string(), "lead `l-1` was merged into lead `l-2`, which is missing");
    assert_eq!(cause, AdmissionError::MissingSurvivor { lead, into });
}

#[test]
fn rejects_a_cycle_of_merges() {
    let mut model = Model::default();
    let (one, other) = (LeadId::from("l-1"), LeadId::from("l-2"));
    put_merged(&mut model, &one, &other);
    put_merged(&mut model, &other, &one);
    let outcome = admit(&mut model, activity("a-1", By::Lead(one.clone()), 0));
    assert_eq!(outcome, Err(AdmissionError::MergedTooOften(one)));
}
