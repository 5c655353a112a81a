//! Submissions, activities and lists that nobody meant: nothing panics, and every problem names its place.

#![cfg(feature = "normalise")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails at the first unexpected value")]

use fairleader_hostile::examine;
use fairleader_lead::identity::MAX_KEY;
use fairleader_lead::matching::identities;
use fairleader_lead::normalise::profile;
use fairleader_lead::problem::FieldProblem;
use fairleader_lead::submission::Submission;
use fairleader_lead::submission::activity::{Of, Report, first_submission};
use fairleader_lead::submission::list::List;

/// More than the longest message with a shortened value in it.
const LONG: usize = 1_000;

/// Checks that every problem says what is wrong, and where unless it is the whole input.
fn say_where(problems: &[FieldProblem]) {
    assert!(!problems.is_empty(), "refused without a reason");
    for problem in problems {
        assert!(!problem.detail.trim().is_empty(), "{problem:?} says nothing");
        assert!(problem.detail.chars().count() < LONG, "{} characters in a problem", problem.detail.chars().count());
        assert!(
            !problem.pointer.is_empty()
                || ["JSON", "cells", "the body", "the submission"].iter().any(|whole| problem.detail.contains(whole)),
            "{problem:?} names no place"
        );
    }
}

/// Checks what every accepted submission keeps to, and that a lead can be made of it.
fn is_usable(submission: &Submission) {
    for (name, text) in &submission.fields {
        assert!(!name.is_empty() && name.chars().count() <= 80 && !text.is_empty(), "{name:?}: {text:?}");
        assert!(text.chars().count() <= 5_000, "{name} has {} characters", text.chars().count());
        assert!(!text.contains('\0'), "{name} has a NUL");
    }
    assert_eq!(submission.payload_hash().len(), 64);
    let made = profile(submission);
    assert_eq!(made, profile(submission), "the same submission gives the same profile");
    for key in identities(&made) {
        assert!(!key.as_str().is_empty() && key.as_str().len() <= MAX_KEY, "{key}");
    }
    let stored = serde_json::to_string(&made).unwrap();
    assert!(stored.len() < 400_000, "a profile of {} bytes is larger than an item", stored.len());
    assert_eq!(made, serde_json::from_str(&stored).unwrap(), "what is stored is read again");
}

#[test]
fn hostile_submissions() {
    examine("submission", &[], |input| match Submission::from_json(input) {
        Ok(submission) => is_usable(&submission),
        Err(problems) => say_where(&problems),
    });
}

#[test]
fn hostile_activities() {
    let now = "2026-03-03T09:00:00Z".parse().unwrap();
    examine("activity", &[], |input| match Report::from_json(input, "a-1".into(), now) {
        Ok(Report { of, activity, content: _ }) => {
            assert!(!activity.did.is_empty() && activity.did.chars().count() <= 200, "{:?}", activity.did);
            assert!(activity.at <= now.checked_add(jiff::SignedDuration::from_hours(24)).unwrap(), "{}", activity.at);
            if let Of::Email(email) = of {
                is_usable(&first_submission(&email, &activity));
            }
        }
        Err(problems) => say_where(&problems),
    });
}

#[test]
fn hostile_lists() {
    examine("list", &[], |input| {
        let list = match List::parse(input) {
            Ok(list) => list,
            Err(problem) => return assert!(!problem.to_string().is_empty()),
        };
        let (mut number, mut line) = (0, 1);
        for row in list.rows() {
            number += 1;
            assert_eq!(row.number, number, "rows are numbered without gaps");
            assert!(row.line >= line, "row {number} is on line {}, the one before it on line {line}", row.line);
            line = row.line;
            match row.result {
                Ok(submission) => is_usable(&submission),
                Err(problems) => say_where(&problems),
            }
        }
    });
}
