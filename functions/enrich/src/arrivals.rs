//! Incoming messages, grouped by person.

use std::collections::BTreeSet;

use fairleader_domain::admission::{Arrival, By, Incoming, Reported, Submitted};
use fairleader_domain::person;
use fairleader_lead::normalise;
use fairleader_lead::submission::activity::first_submission;
use fairleader_messaging::{EnrichCommand, RecordActivity, StoreLead};
use fairleader_runtime::about;
use tracing::Span;

/// Message with the progress of its admission.
#[derive(Debug)]
pub(crate) struct Message {
    /// The id of the message in the queue.
    pub(crate) id: String,
    /// The id of the lead or activity, for the log.
    pub(crate) about: String,
    /// Trace and group, for the commands that follow.
    pub(crate) trail: Trail,
    /// The progress of its admission.
    pub(crate) arrival: Arrival,
    /// Leads and identities of the message. Messages that share one are admitted one after another, because at the same
    /// time they would conflict.
    keys: BTreeSet<String>,
    /// The span of its admission.
    pub(crate) span: Span,
}

/// Trace and group of a command, for the commands that follow.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    pub(crate) group: String,
    pub(crate) trace: String,
}

impl Message {
    /// Creates a message that was just received.
    pub(crate) fn new(id: String, span: Span, command: EnrichCommand) -> Self {
        match command {
            EnrichCommand::StoreLead(command) => {
                about(&span, &command.lead_id, &command.trace);
                let trail = Trail { group: command.group.clone(), trace: command.trace.clone() };
                let submitted = submitted(command);
                let (subject, keys) = (submitted.lead_id.to_string(), keys(&submitted));
                Self {
                    id,
                    about: subject,
                    trail,
                    keys,
                    span,
                    arrival: Arrival::new(Incoming::Submission(Box::new(submitted))),
                }
            }
            EnrichCommand::RecordActivity(command) => {
                about(&span, &command.lead_id, &command.trace);
                let trail = Trail { group: command.group.clone(), trace: command.trace.clone() };
                let subject = command.activity.id.to_string();
                let reported = reported(command);
                let keys = match &reported.by {
                    By::Lead(lead) => [lead.to_string()].into(),
                    By::Address(first) => keys(first),
                };
                Self {
                    id,
                    about: subject,
                    trail,
                    keys,
                    span,
                    arrival: Arrival::new(Incoming::Activity(Box::new(reported))),
                }
            }
        }
    }
}

fn keys(submitted: &Submitted) -> BTreeSet<String> {
    let identities = submitted.identities.iter();
    let keys = identities.flat_map(|identity| [Some(&identity.key), identity.second.as_ref()]).flatten();
    let keys = keys.map(|key| key.as_str().to_owned());
    keys.chain([submitted.lead_id.to_string()]).collect()
}

fn submitted(command: StoreLead) -> Submitted {
    let StoreLead { schema: _, lead_id, source, group: _, received_at, payload_hash, submission, trace: _ } = command;
    let mut profile = normalise::profile(&submission);
    profile.said(&lead_id, &payload_hash, received_at);
    let identities = person::identities(&profile);
    Submitted { lead_id, source, received_at, payload_hash, submission, profile, identities, reused_key_of: None }
}

fn reported(command: RecordActivity) -> Reported {
    let RecordActivity { schema: _, lead_id, email, activity, content, source, group: _, received_at, trace: _ } =
        command;
    let by = match email {
        None => By::Lead(lead_id),
        Some(address) => {
            let submission = first_submission(&address, &activity);
            let mut profile = normalise::profile(&submission);
            // The activity itself is recorded after the lead is stored. If the profile had it too, it would count
            // twice.
            profile.said_at = Some(received_at);
            let (source, payload_hash) = (source.clone(), submission.payload_hash());
            let identities = person::doer(&profile).into_iter().collect();
            By::Address(Box::new(Submitted {
                lead_id,
                source,
                received_at,
                payload_hash,
                submission,
                profile,
                identities,
                reused_key_of: None,
            }))
        }
    };
    Reported { activity, source, received_at, content, by }
}

/// Groups messages by person, in order of arrival, but submissions first: activities need a stored lead.
pub(crate) fn by_person(messages: Vec<Message>) -> Vec<Vec<Message>> {
    let mut groups: Vec<(BTreeSet<String>, Vec<Message>)> = Vec::new();
    for message in messages {
        let (same, others) = groups.into_iter().partition::<Vec<_>, _>(|(keys, _)| !keys.is_disjoint(&message.keys));
        groups = others;
        let mut group = (message.keys.clone(), Vec::new());
        for (keys, messages) in same {
            group.0.extend(keys);
            group.1.extend(messages);
        }
        group.1.push(message);
        groups.push(group);
    }
    groups
        .into_iter()
        .map(|(_, mut messages)| {
            messages.sort_by_key(|message| message.arrival.is_activity());
            messages
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, body: &str) -> Message {
        Message::new(id.to_owned(), Span::none(), serde_json::from_str(body).unwrap())
    }

    fn lead(id: &str, submission: &str) -> Message {
        let body = format!(
            r#"{{"schema": 1, "lead_id": "{id}", "source": "web", "group": "web", "trace": "t",
                "received_at": "2026-03-03T09:00:00Z", "payload_hash": "h", "submission": {submission}}}"#
        );
        message(id, &body)
    }

    fn act(id: &str, lead: &str, email: &str) -> Message {
        let body = format!(
            r#"{{"schema": 1, "command": "record_activity", "lead_id": "{lead}", "source": "web", "group": "web",
                "received_at": "2026-03-03T09:00:00Z", "trace": "t"{email},
                "activity": {{"id": "{id}", "did": "demo", "at": "2026-03-03T09:00:00Z"}}}}"#
        );
        message(id, &body)
    }

    #[test]
    fn groups_messages_by_person_with_submissions_first() {
        let messages = vec![
            act("a-1", "l-1", ""),
            lead("l-1", r#"{"email": "ada@acme.example"}"#),
            lead("l-2", r#"{"email": "ben@acme.example"}"#),
            lead("l-3", r#"{"phone": "+49 171 3920012"}"#),
            act("a-2", "a-2", r#", "email": "BEN+x@acme.example""#),
            // This shows that the first and the third are the same person.
            lead("l-4", r#"{"email": "ada@acme.example", "phone": "+49 171 3920012"}"#),
        ];
        let groups: BTreeSet<Vec<String>> = by_person(messages)
            .into_iter()
            .map(|group| group.into_iter().map(|message| message.id).collect())
            .collect();
        let expected = [vec!["l-1", "l-3", "l-4", "a-1"], vec!["l-2", "a-2"]];
        assert_eq!(groups, expected.map(|group| group.into_iter().map(str::to_owned).collect()).into());
    }
}
