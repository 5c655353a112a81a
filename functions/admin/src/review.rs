//! What people say about a version of the rulebook: approvals, objections, comments.

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fairleader_domain::activation::Activations;
use fairleader_domain::approval::{MAX_TEXT, Review, ReviewRefusal, Signature};
use fairleader_lead::id::{PersonId, RulebookVersion};
use fairleader_lead::people::PersonRole;
use fairleader_lead::problem::FieldProblem;
use fairleader_runtime::http::{self, Caller, Problem, Role};
use fairleader_runtime::{Env, SetupError};
use fairleader_store::{RulebookRecord, StoredActivations};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::info;

use crate::rulebook::{no_such_rulebook, version_in};
use crate::{Admin, AdminError, Answer};

/// How often something is said anew when others are faster.
const ATTEMPTS: usize = 20;

/// Who has to agree to a version before it may be activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Approval {
    /// A person of marketing and another one of sales.
    TwoPeople,
    /// Nobody.
    Off,
}

impl Approval {
    /// What the template's parameter says.
    pub(crate) fn read(env: &Env) -> Result<Self, SetupError> {
        match env.get("RULEBOOK_APPROVAL")? {
            "two_people" => Ok(Self::TwoPeople),
            "off" => Ok(Self::Off),
            other => Err(SetupError::Invalid {
                name: "RULEBOOK_APPROVAL".to_owned(),
                value: other.to_owned(),
                expected: "it is `two_people` or `off`",
            }),
        }
    }

    /// Who has to agree still, in words; `None` if the version may be activated.
    fn waits_for(self, review: &Review) -> Option<String> {
        let missing = review.missing();
        (self == Self::TwoPeople && !missing.is_none()).then(|| missing.to_string())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewComment {
    text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApproval {
    #[serde(default)]
    comment: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewObjection {
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdraw {
    /// Whose word; one's own if it is left out.
    #[serde(default)]
    person: Option<PersonId>,
}

impl Admin {
    /// `POST /v1/rulebooks/{version}/comments`.
    pub(crate) async fn comment(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let version = version_in(request)?;
        let text = said("text", &crate::read::<NewComment>(request)?.text)?;
        let by = self.signature(caller).await?;
        let (record, _) =
            self.say(&version, |review| review.comment(by.clone(), text.clone(), self.clock.now())).await?;
        Ok(self.reviewed(&record, false))
    }

    /// `POST /v1/rulebooks/{version}/approve`.
    pub(crate) async fn approve(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let version = version_in(request)?;
        let new: NewApproval = crate::read_or_default(request)?;
        let comment = new.comment.map(|text| said("comment", &text)).transpose()?;
        let by = self.signature(caller).await?;
        let (record, _) =
            self.say(&version, |review| review.approve(by.clone(), comment.clone(), self.clock.now())).await?;
        info!(rulebook = %version, person = %by.person, role = by.role.as_str(), "approved rulebook");
        Ok(self.reviewed(&record, false))
    }

    /// `POST /v1/rulebooks/{version}/object`: also ends a planned activation of it.
    pub(crate) async fn object(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let version = version_in(request)?;
        let reason = said("reason", &crate::read::<NewObjection>(request)?.reason)?;
        let by = self.signature(caller).await?;
        let (record, cancelled) =
            self.say(&version, |review| review.object(by.clone(), reason.clone(), self.clock.now())).await?;
        info!(rulebook = %version, person = %by.person, "objected to rulebook");
        Ok(self.reviewed(&record, cancelled))
    }

    /// `POST /v1/rulebooks/{version}/withdraw`: takes back one's own approval or objection. An admin takes back what
    /// somebody else said, who is on leave or left.
    pub(crate) async fn withdraw(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let version = version_in(request)?;
        let person = match crate::read_or_default::<Withdraw>(request)?.person {
            Some(other) if caller.role == Role::Admin => other,
            Some(other) if caller.person.as_ref() != Some(&other) => {
                return Err(Problem::new(403, "forbidden", format!("`{other}` takes back their own word"))
                    .detail("only an admin takes back what somebody else said")
                    .into());
            }
            _ => self.signature(caller).await?.person,
        };
        let now = self.clock.now();
        let (record, cancelled) = self.say(&version, |review| review.withdraw(&person, &caller.subject, now)).await?;
        info!(rulebook = %version, person = %person, by = caller.subject, "took back what was said about rulebook");
        Ok(self.reviewed(&record, cancelled))
    }

    /// Refuses a version that not everybody agreed to who has to.
    pub(crate) fn approved(&self, record: &RulebookRecord) -> Result<(), Problem> {
        let Some(missing) = self.approval.waits_for(&record.review) else { return Ok(()) };
        let version = &record.version;
        Err(Problem::new(409, "not_approved", format!("rulebook {version} is not approved: {missing}")).detail(format!(
            "people approve with POST /v1/rulebooks/{version}/approve and their own keys, one of marketing and another of sales; who objected approves, or withdraws with POST …/withdraw"
        )))
    }

    /// A record as replies show it.
    pub(crate) fn record_view(&self, record: &RulebookRecord) -> Value {
        let mut view = json!(record);
        if let Some(fields) = view.as_object_mut() {
            fields.insert("approval".to_owned(), json!(self.approval));
            fields.insert("waits_for".to_owned(), json!(self.approval.waits_for(&record.review)));
        }
        view
    }

    fn reviewed(&self, record: &RulebookRecord, cancelled: bool) -> ApiGatewayV2httpResponse {
        let mut view = self.record_view(record);
        if let Some(fields) = view.as_object_mut().filter(|_| cancelled) {
            fields.insert("planned_activation".to_owned(), json!("cancelled"));
        }
        http::json(200, &view)
    }

    /// Changes what was said about a version, and ends a planned activation of it if it is not approved any more; whether
    /// there was one. Who is overtaken reads again, so that everybody who speaks at once is heard.
    async fn say(
        &self,
        version: &RulebookVersion,
        change: impl Fn(&Review) -> Result<Review, ReviewRefusal>,
    ) -> Result<(RulebookRecord, bool), AdminError> {
        for _ in 0..ATTEMPTS {
            let Some(mut record) = self.rulebooks.find(version).await? else {
                return Err(no_such_rulebook(version.as_str()).into());
            };
            let review = change(&record.review).map_err(|refusal| refused(&refusal))?;
            if review == record.review {
                return Ok((record, false));
            }
            let active = self.rulebooks.activations().await?;
            let next = self.upheld(version, &review, &active);
            if self.rulebooks.replace_review(&record, &review, &active, next.as_ref()).await? {
                record.review = review;
                record.revision += 1;
                if next.is_some() {
                    info!(rulebook = %version, "cancelled planned activation, not approved any more");
                }
                return Ok((record, next.is_some()));
            }
        }
        Err(Problem::new(409, "busy", "others spoke about this version again and again in this moment")
            .detail("try again")
            .into())
    }

    /// The activations without the one that is planned for `version`, if it is not approved by `review` any more.
    fn upheld(&self, version: &RulebookVersion, review: &Review, active: &StoredActivations) -> Option<Activations> {
        let now = self.clock.now();
        let activations = active.activations.as_of(now);
        let planned = activations.next.as_ref().is_some_and(|planned| planned.version == *version);
        let ends = planned && self.approval.waits_for(review).is_some();
        ends.then(|| activations.cancel(version, now))
    }

    /// Who is calling, as a person, with the role they have now.
    async fn signature(&self, caller: &Caller) -> Result<Signature, AdminError> {
        let Some(person) = &caller.person else {
            let title = format!("the key of `{}` belongs to a program; persons approve, not keys", caller.subject);
            return Err(Problem::new(403, "not_a_person", title)
                .detail("use a personal key: an admin makes one with POST /v1/keys {\"person\": \"…\"}")
                .into());
        };
        let Some(found) = self.people.get(person).await? else {
            return Err(Problem::new(403, "not_a_person", format!("there is no person `{person}` any more")).into());
        };
        if found.person.role == PersonRole::Viewer {
            let title = format!("`{person}` is a viewer, who changes nothing");
            return Err(Problem::new(403, "forbidden", title).into());
        }
        Ok(Signature::from(&found.person))
    }
}

fn said(field: &str, text: &str) -> Result<String, Problem> {
    let detail = match text.trim().len() {
        0 => "say something".to_owned(),
        length if length > MAX_TEXT => format!("it has {length} bytes; at most {MAX_TEXT} are taken"),
        _ => return Ok(text.trim().to_owned()),
    };
    Err(crate::roster::invalid(vec![FieldProblem::field(field, detail)]))
}

fn refused(refusal: &ReviewRefusal) -> Problem {
    let (status, code) = match refusal {
        ReviewRefusal::NoSide { .. } => (403, "no_side"),
        ReviewRefusal::OtherSide { .. } => (409, "approved_for_other_side"),
        ReviewRefusal::NothingToWithdraw(_) => (409, "nothing_to_withdraw"),
        ReviewRefusal::TooMuch => (409, "too_much_said"),
    };
    Problem::new(status, code, refusal.to_string())
}
