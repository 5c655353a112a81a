//! End-to-end tests of Fairleader, run on one machine from `infra/template.yaml` and used from outside: over HTTP, as
//! sources, reps and administrators use it, and over the AWS protocols with the real clients.
//!
//! Every test ends with [`harness::Stack::finish`]. It waits until all work is done and then audits all tables
//! ([`audit`]), so every test also checks that no lead was lost, doubled or given to two reps.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails at the first unexpected value"
)]
#![allow(clippy::similar_names, reason = "`stage` and `state` are the words of the field")]

#[path = "end_to_end/audit.rs"]
mod audit;
#[path = "end_to_end/aws.rs"]
mod aws;
#[path = "end_to_end/company.rs"]
mod company;
#[path = "end_to_end/described.rs"]
mod described;
#[path = "end_to_end/harness.rs"]
mod harness;

#[path = "end_to_end/activities.rs"]
mod activities;
#[path = "end_to_end/approvals.rs"]
mod approvals;
#[path = "end_to_end/authorisation.rs"]
mod authorisation;
#[path = "end_to_end/aws_tools.rs"]
mod aws_tools;
#[path = "end_to_end/bad_input.rs"]
mod bad_input;
#[path = "end_to_end/bad_start.rs"]
mod bad_start;
#[path = "end_to_end/crash.rs"]
mod crash;
#[path = "end_to_end/dead_letters.rs"]
mod dead_letters;
#[path = "end_to_end/demo.rs"]
mod demo;
#[path = "end_to_end/fuzz.rs"]
mod fuzz;
#[path = "end_to_end/hostile.rs"]
mod hostile;
#[path = "end_to_end/hostile_formats.rs"]
mod hostile_formats;
#[path = "end_to_end/lists.rs"]
mod lists;
#[path = "end_to_end/long_replies.rs"]
mod long_replies;
#[path = "end_to_end/looked_up.rs"]
mod looked_up;
#[path = "end_to_end/one_lead.rs"]
mod one_lead;
#[path = "end_to_end/one_person.rs"]
mod one_person;
#[path = "end_to_end/other_user.rs"]
mod other_user;
#[path = "end_to_end/poisoned.rs"]
mod poisoned;
#[path = "end_to_end/polls.rs"]
mod polls;
#[path = "end_to_end/publishing.rs"]
mod publishing;
#[path = "end_to_end/replay.rs"]
mod replay;
#[path = "end_to_end/reroute.rs"]
mod reroute;
#[path = "end_to_end/rights.rs"]
mod rights;
#[path = "end_to_end/roster.rs"]
mod roster;
#[path = "end_to_end/rulebook_files.rs"]
mod rulebook_files;
#[path = "end_to_end/rules.rs"]
mod rules;
#[path = "end_to_end/scenarios.rs"]
mod scenarios;
#[path = "end_to_end/tables.rs"]
mod tables;
#[path = "end_to_end/waiting.rs"]
mod waiting;
#[path = "end_to_end/wiring.rs"]
mod wiring;
#[path = "end_to_end/yielding.rs"]
mod yielding;
