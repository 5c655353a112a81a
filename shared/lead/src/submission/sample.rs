//! A sample lead for trying out a rulebook: a submission, plus what else the pipeline would know about it.
//!
//! Samples are checked and normalised by the same functions as real leads, so raw and messy input gives realistic
//! results.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Submission, activity, json, lead_id};
use crate::activity::Activity;
use crate::id::{LeadId, MAX_NAME, SourceId, is_name};
use crate::normalise;
use crate::problem::FieldProblem;
use crate::profile::Profile;

/// The default source of a sample.
pub const SOURCE: &str = "sample";

/// The fields of a sample that a submission does not have.
pub const FIELDS: [&str; 3] = ["source", "received_at", "activities"];

/// Limit on the activities of one sample. It is far above the number that a profile remembers; the rest would be
/// ignored.
const MOST_ACTIVITIES: usize = 1_000;

/// Lead for trying out a rulebook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The sender's fields.
    pub submission: Submission,
    /// Where it comes from.
    pub source: SourceId,
    /// When it was received.
    pub received_at: Timestamp,
    /// What else the person did.
    pub activities: Vec<Activity>,
}

/// Activities of a line, with duplicate keys preserved so that they can be rejected.
#[derive(Deserialize)]
struct Beside {
    #[serde(default)]
    activities: Option<Vec<json::Members>>,
}

impl Sample {
    /// Checks a JSON object: the fields of [`Submission::from_json`], plus `source`, `received_at` (a timestamp, by
    /// default `now`) and `activities`. Activities are a list of objects as for `POST /v1/activities`, but without
    /// `email` and `lead_id`. No timestamp can be later than `now`.
    ///
    /// # Errors
    /// Returns every problem at once, each with a JSON pointer. Malformed JSON is one problem with an empty pointer.
    ///
    /// ```
    /// use fairleader_lead::submission::sample::Sample;
    ///
    /// let now = "2026-03-03T09:00:00Z".parse().unwrap();
    /// let line = br#"{"email": "ada@acme.example", "source": "fair", "activities": [{"did": "Demo"}]}"#;
    /// let sample = Sample::from_json(line, now).unwrap();
    /// assert_eq!((sample.source.as_str(), sample.activities[0].did.as_str()), ("fair", "demo"));
    ///
    /// let wrong = br#"{"email": "ada@acme.example", "activities": [{"did": "demo", "spend": "much"}]}"#;
    /// assert_eq!(
    ///     Sample::from_json(wrong, now).unwrap_err()[0].to_string(),
    ///     "/activities/0/spend: `much` is not a level of spend; write low, medium or high"
    /// );
    /// ```
    pub fn from_json(bytes: &[u8], now: Timestamp) -> Result<Self, Vec<FieldProblem>> {
        let malformed = |detail| vec![FieldProblem { pointer: String::new(), detail }];
        let members = json::members(bytes).map_err(malformed)?;
        let (beside, said): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|(name, _)| FIELDS.contains(&name.as_str()));
        let mut problems = Vec::new();
        let submission = Submission::from_members(&said).map_err(|found| problems.extend(found)).ok();
        let mut sample = Self::new(submission.unwrap_or_default(), now);
        for (at, (name, value)) in beside.iter().enumerate() {
            if beside.iter().take(at).any(|(earlier, _)| earlier == name) {
                problems.push(FieldProblem::field(name, super::check::twice(name)));
                continue;
            }
            let read = match (name.as_str(), value) {
                (_, Value::Null) => Ok(()),
                ("source", Value::String(text)) => source(text).map(|source| sample.source = source),
                ("received_at", Value::String(text)) => {
                    activity::instant(text.trim(), now).map(|at| sample.received_at = at)
                }
                ("activities", Value::Array(list)) if list.iter().all(Value::is_object) => {
                    let read = activities(bytes, &sample.source, now);
                    read.map(|read| sample.activities = read).map_err(|found| problems.extend(found)).ok();
                    Ok(())
                }
                ("activities", other) => {
                    Err(format!("must be a list of objects like {{\"did\": \"demo\"}}, not {}", described(other)))
                }
                (_, other) => Err(format!("must be text, not {}", json::kind(other))),
            };
            if let Err(detail) = read {
                problems.push(FieldProblem::field(name, detail));
            }
        }
        if problems.is_empty() { Ok(sample) } else { Err(problems) }
    }

    /// Creates a sample from a submission received at `now`, with no other activities.
    pub fn new(submission: Submission, now: Timestamp) -> Self {
        Self { submission, source: SourceId::from(SOURCE), received_at: now, activities: Vec::new() }
    }

    /// Returns the profile that the pipeline would build from the sample. The account is not looked up here.
    pub fn profile(&self) -> Profile {
        let mut profile = normalise::profile(&self.submission);
        profile.said(&self.lead_id(), &self.submission.payload_hash(), self.received_at);
        for activity in &self.activities {
            profile.remember(activity.clone());
        }
        profile
    }

    /// Returns an id derived from the content.
    fn lead_id(&self) -> LeadId {
        lead_id::derive(&self.source, &self.submission.payload_hash())
    }
}

/// Describes a value that is not a list of objects.
fn described(value: &Value) -> &'static str {
    if value.is_array() { "a list of other values" } else { json::kind(value) }
}

fn source(text: &str) -> Result<SourceId, String> {
    let text = text.trim();
    let advice = format!("use up to {MAX_NAME} characters of `a-z 0-9 - _ .`, starting with a letter or digit");
    if is_name(text) {
        Ok(SourceId::from(text))
    } else {
        Err(format!("`{}` is not a valid source name; {advice}", super::check::shown(text)))
    }
}

fn activities(bytes: &[u8], source: &SourceId, now: Timestamp) -> Result<Vec<Activity>, Vec<FieldProblem>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let problem = |detail: String| vec![FieldProblem::field("activities", detail)];
    let beside: Beside = serde_json::from_slice(bytes).map_err(|error| problem(error.to_string()))?;
    let list = beside.activities.unwrap_or_default();
    if list.len() > MOST_ACTIVITIES {
        return Err(problem(format!("has {} activities; the limit is {MOST_ACTIVITIES}", list.len())));
    }
    let mut read = Vec::new();
    let mut problems = Vec::new();
    for (at, json::Members(members)) in list.iter().enumerate() {
        match activity::of_known(members, activity::derive(source, &at.to_string()), now) {
            Ok(activity) => read.push(activity),
            Err(found) => problems.extend(
                found
                    .into_iter()
                    .map(|problem| FieldProblem { pointer: format!("/activities/{at}{}", problem.pointer), ..problem }),
            ),
        }
    }
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Sample, Vec<FieldProblem>> {
        Sample::from_json(line.as_bytes(), "2026-03-03T09:00:00Z".parse().unwrap())
    }

    #[test]
    fn builds_the_same_profile_as_the_pipeline() {
        let sample = read(
            r#"{"email": "Ada@ACME.example", "did": "Newsletter", "received_at": "2026-02-01T08:00:00+01:00",
                "activities": [{"did": "Request a demo", "at": "2026-03-01T10:00:00Z", "product": "Keel"},
                               {"did": "webinar", "at": "2026-02-10T10:00:00Z", "response": "No show!"}]}"#,
        )
        .unwrap();
        let profile = sample.profile();
        let did: Vec<&str> = profile.activities.iter().map(|activity| activity.did.as_str()).collect();
        assert_eq!(did, ["newsletter", "webinar", "demo"]);
        assert_eq!(profile.interest.did.as_deref(), Some("demo"), "what they did last");
        assert_eq!(profile.interest.product.as_deref(), Some("keel"));
        assert_eq!(profile.said_at.map(|at| at.to_string()).as_deref(), Some("2026-02-01T07:00:00Z"));
        assert_eq!((sample.source.as_str(), profile), (SOURCE, sample.profile()));
    }

    #[test]
    fn reports_every_problem_of_a_line() {
        let said = |line: &str| read(line).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(said(
            r#"{"email": "anna(at)x", "source": "Trade Fair", "received_at": "soon", "received_at": "later",
                "activities": [{"did": "demo", "did": "trial"}, {"email": "a@b.example", "at": "2027-01-01T00:00:00Z"}]}"#
        ), @"
        /email: `anna(at)x` is not an e-mail address; write it like name@company.example
        /source: `Trade Fair` is not a valid source name; use up to 64 characters of `a-z 0-9 - _ .`, starting with a letter or digit
        /received_at: `soon` is not an RFC 3339 timestamp; write it like 2026-03-03T10:00:00+01:00
        /received_at: `received_at` appears twice; send it once
        /activities/0/did: `did` appears twice; send it once
        /activities/1/email: is not an activity field; use did, channel, spend, response, product, at
        /activities/1/at: `2027-01-01T00:00:00Z` is in the future; it is now 2026-03-03T09:00:00Z
        /activities/1/did: is missing; send what the person did, in a word like demo or webinar
        ");
        insta::assert_snapshot!(said(r#"{"email": "a@b.example", "source": 7, "activities": ["demo"]}"#), @r#"
        /source: must be text, not a number
        /activities: must be a list of objects like {"did": "demo"}, not a list of other values
        "#);
        insta::assert_snapshot!(said(r#"{"email": "a@b.example", "activities": "demo"}"#), @r#"/activities: must be a list of objects like {"did": "demo"}, not text"#);
        insta::assert_snapshot!(said(r#"{"email": "#), @"the body is not JSON: it ends at line 1, column 10");
    }
}
