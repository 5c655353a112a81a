//! A report of what a person did, checked field by field and normalised.
//!
//! Unlike a submission, it says nothing new about who the person is, so there are no custom fields. Unknown fields are
//! rejected; otherwise a misspelt `response` would be lost without notice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::check::{clean, shown, too_long, twice};
use super::{Submission, json};
use crate::activity::{Activity, Spend};
use crate::id::{ActivityId, LeadId, SourceId};
use crate::normalise::{choice, email, fold};
use crate::problem::FieldProblem;
use crate::profile::Channel;

/// Every field of an activity.
pub const FIELDS: [&str; 8] = ["email", "lead_id", "did", "channel", "spend", "response", "product", "at"];
/// Length limit of `did`, `channel` and `response`, in characters.
pub const LONGEST_WORDS: usize = 64;
/// Length limit of a product, in characters.
pub const LONGEST_PRODUCT: usize = 200;
/// Length limit of an e-mail address, in characters.
const LONGEST_EMAIL: usize = 320;
/// How far the sender's clock may be ahead of ours. A time that is ahead by less counts as now.
pub const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Namespace of all activity ids, a random UUID made for Fairleader in 2026. It must never change: every id of a keyed
/// activity depends on it.
const NAMESPACE: Uuid = Uuid::from_u128(0xa902_3291_aaee_4471_896b_ef56_7c33_0e2b);

/// Derives the id of the activity that `source` calls `key`, in the same way as [`super::lead_id::derive`]. It never
/// equals the id of a lead.
///
/// ```
/// use fairleader_lead::submission::{activity, lead_id};
///
/// let id = activity::derive(&"website".into(), "click-17");
/// assert_eq!(id, activity::derive(&"website".into(), "click-17"));
/// assert_ne!(id.as_str(), lead_id::derive(&"website".into(), "click-17").as_str());
/// ```
pub fn derive(source: &SourceId, key: &str) -> ActivityId {
    let source = source.as_str();
    let name = format!("{}:{source}{}:{key}", source.len(), key.len());
    ActivityId::new(Uuid::new_v5(&NAMESPACE, name.as_bytes()).hyphenated().to_string())
}

/// Namespace of the ids of activities whose sender used the key of another activity again, a random UUID made for
/// Fairleader in 2026. It must never change.
const REUSED: Uuid = Uuid::from_u128(0x5f0d_7a61_93c8_4b0e_8d27_61ab_4e90_c3f5);

/// Derives the id of an activity whose sender used the key of the activity `first`, which has other content, again. It
/// depends on that activity (so on source and key) and on the content.
pub fn derive_reused(first: &ActivityId, content: &str) -> ActivityId {
    let first = first.as_str();
    let name = format!("{}:{first}{}:{content}", first.len(), content.len());
    ActivityId::new(Uuid::new_v5(&REUSED, name.as_bytes()).hyphenated().to_string())
}

/// Activity of a person, as reported by a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who did it.
    pub of: Of,
    /// What they did.
    pub activity: Activity,
    /// SHA-256 of what was reported, without the person, in hex. It distinguishes a repeat from another activity.
    pub content: String,
}

/// Person who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// This lead.
    Lead(LeadId),
    /// The person with this e-mail address, as the sender wrote it.
    Email(String),
}

impl Report {
    /// Checks a JSON object with the fields in [`FIELDS`], received at `now`. `did` is required, and one of `email` and
    /// `lead_id`. `at` defaults to `now`.
    ///
    /// # Errors
    ///
    /// Returns every problem at once, each with a JSON pointer. Malformed JSON is one problem with an empty pointer.
    ///
    /// ```
    /// use fairleader_lead::submission::activity::Report;
    ///
    /// let now = "2026-03-03T09:00:00Z".parse().unwrap();
    /// let body = br#"{"email": "ada@acme.example", "did": "Webinar registration", "spend": "high"}"#;
    /// let report = Report::from_json(body, "a-1".into(), now).unwrap();
    /// assert_eq!(report.activity.did, "webinar");
    ///
    /// let problems = Report::from_json(br#"{"lead_id": "17", "did": "demo"}"#, "a-1".into(), now).unwrap_err();
    /// assert_eq!(problems[0].to_string(), "/lead_id: `17` is not a lead id; send the `lead_id` from the 202 reply");
    /// ```
    pub fn from_json(bytes: &[u8], id: ActivityId, now: Timestamp) -> Result<Self, Vec<FieldProblem>> {
        let members = json::members(bytes).map_err(|detail| vec![FieldProblem { pointer: String::new(), detail }])?;
        let mut check = Check::read(&members, &FIELDS);
        let content = check.content();
        let (of, activity) = check.report(id, now);
        match (check.given.contains("email"), check.given.contains("lead_id")) {
            (false, false) => check.problem("email", "is missing; send the person's e-mail address or their `lead_id`"),
            (true, true) => check.problem("lead_id", "cannot be combined with `email`; send one of the two"),
            _ => {}
        }
        match (of, activity) {
            (Some(of), Some(activity)) if check.problems.is_empty() => Ok(Self { of, activity, content }),
            _ => Err(check.problems),
        }
    }
}

/// Checks what a known person did: like [`Report::from_json`], but without `email` and `lead_id`.
pub(super) fn of_known(
    members: &[(String, Value)],
    id: ActivityId,
    now: Timestamp,
) -> Result<Activity, Vec<FieldProblem>> {
    let fields: Vec<&str> = FIELDS.into_iter().filter(|name| !matches!(*name, "email" | "lead_id")).collect();
    let mut check = Check::read(members, &fields);
    match check.report(id, now) {
        (_, Some(activity)) if check.problems.is_empty() => Ok(activity),
        _ => Err(check.problems),
    }
}

/// Turns the activity of a person who is not a lead yet into their first submission.
pub fn first_submission(email: &str, activity: &Activity) -> Submission {
    let product = activity.product.iter().map(|product| ("product", product.as_str()));
    let fields = [("email", email), ("did", &activity.did)].into_iter().chain(product);
    Submission { fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
}

/// Fields that remain to be checked, and the problems found so far.
struct Check<'a> {
    texts: BTreeMap<&'a str, String>,
    given: BTreeSet<&'a str>,
    problems: Vec<FieldProblem>,
}

impl<'a> Check<'a> {
    fn read(members: &'a [(String, Value)], fields: &[&str]) -> Self {
        let mut check = Self { texts: BTreeMap::new(), given: BTreeSet::new(), problems: Vec::new() };
        let mut seen = BTreeSet::new();
        for (name, value) in members {
            if !seen.insert(name) {
                check.problem(name, twice(name));
                continue;
            }
            if !fields.contains(&name.as_str()) {
                check.problem(name, format!("is not an activity field; use {}", fields.join(", ")));
                continue;
            }
            match value {
                Value::Null => {}
                Value::String(text) => {
                    let text = clean(text, false);
                    if !text.is_empty() {
                        check.given.insert(name);
                        check.texts.insert(name, text);
                    }
                }
                other => {
                    check.given.insert(name);
                    check.problem(name, format!("must be text, not {}", json::kind(other)));
                }
            }
        }
        check
    }

    /// Returns the hash of the fields, without those of the person. A time that was left out is not in it, so that a
    /// repeat has the same hash.
    fn content(&self) -> String {
        let said = self.texts.iter().filter(|(name, _)| !matches!(**name, "email" | "lead_id"));
        Submission { fields: said.map(|(name, text)| ((*name).to_owned(), text.clone())).collect() }.payload_hash()
    }

    /// Returns who did it and what they did, as far as the fields are valid.
    fn report(&mut self, id: ActivityId, now: Timestamp) -> (Option<Of>, Option<Activity>) {
        let did = self.take("did", LONGEST_WORDS, |text| {
            impersonal(text)?;
            let did = choice::did(text).ok_or_else(|| {
                format!("`{}` has no letters or digits; write a word like demo or webinar", shown(text))
            })?;
            bounded(did)
        });
        let email = self.take("email", LONGEST_EMAIL, |text| match email::parse(text) {
            Some(_) => Ok(text.to_owned()),
            None => Err(format!("`{}` is not an e-mail address; write it like name@company.example", shown(text))),
        });
        let lead = self.take("lead_id", LONGEST_WORDS, |text| match Uuid::parse_str(text) {
            Ok(id) => Ok(LeadId::new(id.hyphenated().to_string())),
            Err(_) => Err(format!("`{}` is not a lead id; send the `lead_id` from the 202 reply", shown(text))),
        });
        let channel = self.take("channel", LONGEST_WORDS, |text| words(text).map(|said| channel(text).unwrap_or(said)));
        let response = self.take("response", LONGEST_WORDS, words);
        let spend = self.take("spend", LONGEST_WORDS, spend);
        let product = self.take("product", LONGEST_PRODUCT, |text| Ok(text.to_lowercase()));
        let at = self.take("at", LONGEST_WORDS, |text| instant(text, now));

        if !self.given.contains("did") {
            self.problem("did", "is missing; send what the person did, in a word like demo or webinar");
        }
        let of = lead.map(Of::Lead).or(email.map(Of::Email));
        let at = at.unwrap_or(now);
        (of, did.map(|did| Activity { id, did, at, channel, spend, response, product }))
    }

    fn problem(&mut self, name: &str, detail: impl Into<String>) {
        self.problems.push(FieldProblem::field(name, detail));
    }

    /// Reads the value of a field. Returns `None` if it is missing or invalid.
    fn take<T>(&mut self, name: &str, longest: usize, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.texts.remove(name)?;
        let read = if text.chars().count() > longest { Err(too_long(&text, longest)) } else { read(&text) };
        match read {
            Ok(value) => Some(value),
            Err(detail) => {
                self.problem(name, detail);
                None
            }
        }
    }
}

/// Rejects an address where a word is expected: such words appear in events, which carry no personal data.
fn impersonal(text: &str) -> Result<(), String> {
    if text.contains('@') { Err("contains an e-mail address; use a word instead".to_owned()) } else { Ok(()) }
}

/// Returns the words of a text in lower case, joined by `_`.
fn words(text: &str) -> Result<String, String> {
    impersonal(text)?;
    let said = fold::words(text).join("_");
    if said.is_empty() {
        return Err(format!("`{}` has no letters or digits; write a word", shown(text)));
    }
    bounded(said)
}

/// Rejects words that grow beyond the limit when they are folded.
fn bounded(said: String) -> Result<String, String> {
    if said.chars().count() > LONGEST_WORDS { Err(too_long(&said, LONGEST_WORDS)) } else { Ok(said) }
}

/// Returns the one name of a channel that has many.
fn channel(text: &str) -> Option<String> {
    let word = match choice::channel(text)? {
        Channel::Email => "email",
        Channel::Phone => "call",
        Channel::Sms => "sms",
        Channel::Whatsapp => "whatsapp",
    };
    Some(word.to_owned())
}

fn spend(text: &str) -> Result<Spend, String> {
    match fold::key(text).as_str() {
        "low" => Ok(Spend::Low),
        "medium" => Ok(Spend::Medium),
        "high" => Ok(Spend::High),
        _ => Err(format!("`{}` is not a level of spend; write low, medium or high", shown(text))),
    }
}

/// Reads a timestamp that is not in the future, in whole milliseconds.
pub(super) fn instant(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let at: Timestamp = text.parse().map_err(|_| {
        format!("`{}` is not an RFC 3339 timestamp; write it like 2026-03-03T10:00:00+01:00", shown(text))
    })?;
    if at.duration_since(now) > AHEAD {
        return Err(format!("`{}` is in the future; it is now {now:.0}", shown(text)));
    }
    Timestamp::from_millisecond(at.min(now).as_millisecond()).map_err(|_| format!("`{}` is out of range", shown(text)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-03T09:00:00Z".parse().unwrap()
    }

    fn read(body: &str) -> Result<Report, Vec<FieldProblem>> {
        Report::from_json(body.as_bytes(), "a-1".into(), now())
    }

    #[test]
    fn gives_stable_ids() {
        insta::assert_snapshot!(derive(&"website".into(), "click-17"), @"db2ab247-1791-558e-9dfb-013ada63953f");
        assert_ne!(derive(&"a".into(), "1:b"), derive(&"a1:".into(), "b"));
    }

    #[test]
    fn the_content_of_a_repeat_is_the_same() {
        let content = |body: &str| read(body).unwrap().content;
        let first = content(r#"{"email": "ada@acme.example", "did": "webinar", "product": "keel"}"#);
        let lead = r#"{"product": "keel ", "did": "webinar", "lead_id": "24c875e2-d32c-565d-a365-9f2e35ff9e4f"}"#;
        assert_eq!(content(lead), first);
        for other in
            [r#""did": "demo""#, r#""did": "webinar""#, r#""did": "webinar", "product": "keel", "spend": "low""#]
        {
            assert_ne!(content(&format!(r#"{{"email": "ada@acme.example", {other}}}"#)), first, "{other}");
        }
        let id = derive(&"website".into(), "click-17");
        assert_ne!(derive_reused(&id, &first), id);
    }

    #[test]
    fn normalises_words() {
        let report = read(
            r#"{"email": " Ada+x@ACME.example ", "did": "Request a Demo", "channel": "E-Mail", "spend": "High",
                "response": "No show!", "product": "Pallet Robot", "at": "2026-03-03T09:00:00.123456+01:00"}"#,
        )
        .unwrap();
        assert_eq!(
            report,
            Report {
                of: Of::Email("Ada+x@ACME.example".to_owned()),
                activity: Activity {
                    id: "a-1".into(),
                    did: "demo".to_owned(),
                    at: "2026-03-03T08:00:00.123Z".parse().unwrap(),
                    channel: Some("email".to_owned()),
                    spend: Some(Spend::High),
                    response: Some("no_show".to_owned()),
                    product: Some("pallet robot".to_owned()),
                },
                content: report.content.clone(),
            }
        );
        let submission = first_submission("ada@acme.example", &report.activity);
        assert_eq!(
            submission,
            Submission::from_json(br#"{"email": "ada@acme.example", "did": "demo", "product": "pallet robot"}"#)
                .unwrap()
        );
        let by_id = read(r#"{"lead_id": "24C875E2-D32C-565D-A365-9F2E35FF9E4F", "did": "demo", "at": null}"#).unwrap();
        assert_eq!(by_id.of, Of::Lead("24c875e2-d32c-565d-a365-9f2e35ff9e4f".into()));
        assert_eq!(by_id.activity.at, now());
    }

    #[test]
    fn tolerates_a_clock_that_is_slightly_ahead() {
        let at = |text: &str| read(&format!(r#"{{"email": "a@b.example", "did": "demo", "at": "{text}"}}"#));
        assert_eq!(at("2026-03-03T09:05:00Z").unwrap().activity.at, now());
        let problems = at("2026-03-03T09:05:01Z").unwrap_err();
        insta::assert_snapshot!(problems[0], @r#"
        /at: `2026-03-03T09:05:01Z` is in the future; it is now 2026-03-03T09:00:00Z
        "#);
    }

    #[test]
    fn reports_every_wrong_field() {
        let said = |body: &str| read(body).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(said(
            r#"{"email": "anna(at)x", "lead_id": 17, "did": "?!", "channel": ["web"], "spend": "much", "response": "-",
                "at": "yesterday", "respnse": "attended", "product": "x", "product": "y"}"#
        ), @r#"
        /lead_id: must be text, not a number
        /channel: must be text, not a list
        /respnse: is not an activity field; use email, lead_id, did, channel, spend, response, product, at
        /product: `product` appears twice; send it once
        /did: `?!` has no letters or digits; write a word like demo or webinar
        /email: `anna(at)x` is not an e-mail address; write it like name@company.example
        /response: `-` has no letters or digits; write a word
        /spend: `much` is not a level of spend; write low, medium or high
        /at: `yesterday` is not an RFC 3339 timestamp; write it like 2026-03-03T10:00:00+01:00
        /lead_id: cannot be combined with `email`; send one of the two
        "#);
        insta::assert_snapshot!(said(r#"{"email": "  ", "did": null}"#), @r#"
        /did: is missing; send what the person did, in a word like demo or webinar
        /email: is missing; send the person's e-mail address or their `lead_id`
        "#);
        let long = format!(r#"{{"email": "a@b.example", "did": "{}"}}"#, "x".repeat(65));
        insta::assert_snapshot!(said(&long), @"/did: has 65 characters; the limit is 64");
        let personal = r#"{"email": "a@b.example", "did": "wrote to ada@b.example", "response": "c@b.example"}"#;
        insta::assert_snapshot!(said(personal), @r"
        /did: contains an e-mail address; use a word instead
        /response: contains an e-mail address; use a word instead
        ");
        insta::assert_snapshot!(said("[]"), @r#"
        the body must be an object like {"email": "name@company.example"}, not a list
        "#);
    }

    proptest! {
        #[test]
        fn keeps_any_accepted_activity_normal(fields in proptest::collection::vec((select(&FIELDS), any::<String>()), 0..6)) {
            let object: serde_json::Map<_, _> =
                fields.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))).collect();
            if let Ok(report) = read(&serde_json::to_string(&object).unwrap()) {
                prop_assert!(report.activity.at <= now());
                prop_assert!(!report.activity.did.contains('@') && report.activity.did == report.activity.did.to_lowercase());
            }
        }
    }
}
