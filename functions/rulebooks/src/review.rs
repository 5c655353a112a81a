//! Review of versions: approvals, objections, comments.

use fairleader_api::shape::rulebooks as shape;
use fairleader_api::shape::rulebooks::{ApprovalRule, NewApproval, NewComment, NewObjection, Withdraw};
use fairleader_api::{Call, Code, Problem, Reply, Role, reply};
use fairleader_domain::activation::Activations;
use fairleader_domain::approval::{MAX_TEXT, Review, ReviewRefusal, Signature};
use fairleader_lead::id::RulebookVersion;
use fairleader_lead::limit;
use fairleader_lead::people::PersonRole;
use fairleader_lead::problem::FieldProblem;
use fairleader_runtime::http::{Answer, Failure};
use fairleader_runtime::{Env, SetupError};
use fairleader_store::{RulebookRecord, StoredActivations, Tries};
use tracing::info;

use crate::Rulebooks;
use crate::rulebook::{no_such_rulebook, version_in};

/// Approval that a version needs before it can be activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Approval(ApprovalRule);

impl Approval {
    /// Reads the template's parameter.
    pub(crate) fn read(env: &Env) -> Result<Self, SetupError> {
        match env.get("RULEBOOK_APPROVAL")? {
            "two_people" => Ok(Self(ApprovalRule::TwoPeople)),
            "off" => Ok(Self(ApprovalRule::Off)),
            other => Err(SetupError::Invalid {
                name: "RULEBOOK_APPROVAL".to_owned(),
                value: other.to_owned(),
                expected: "it must be `two_people` or `off`",
            }),
        }
    }

    /// Returns the rule for replies.
    pub(crate) const fn rule(self) -> ApprovalRule {
        self.0
    }

    /// Returns in words which approvals are missing. Returns `None` if the version can be activated.
    fn waits_for(self, review: &Review) -> Option<String> {
        let missing = review.missing();
        (self.0 == ApprovalRule::TwoPeople && !missing.is_none()).then(|| missing.to_string())
    }
}

impl Rulebooks {
    /// `POST /v1/rulebooks/{version}/comments`: adds a comment to a version.
    pub(crate) async fn comment(&self, call: &Call<'_>) -> Answer {
        let version = version_in(call)?;
        let text = said("text", &call.json::<NewComment>()?.text)?;
        let by = self.signature(call).await?;
        let (record, _) =
            self.say(call, &version, |review| review.comment(by.clone(), text.clone(), self.clock.now())).await?;
        Ok(self.reviewed(record, false))
    }

    /// `POST /v1/rulebooks/{version}/approve`: approves a version for the caller's side.
    pub(crate) async fn approve(&self, call: &Call<'_>) -> Answer {
        let version = version_in(call)?;
        let new: NewApproval = call.json_or_default()?;
        let comment = new.comment.map(|text| said("comment", &text)).transpose()?;
        let by = self.signature(call).await?;
        let (record, _) =
            self.say(call, &version, |review| review.approve(by.clone(), comment.clone(), self.clock.now())).await?;
        info!(rulebook = %version, person = %by.person, role = by.role.as_str(), "approved rulebook");
        Ok(self.reviewed(record, false))
    }

    /// `POST /v1/rulebooks/{version}/object`: objects to a version, and cancels its planned activation.
    pub(crate) async fn object(&self, call: &Call<'_>) -> Answer {
        let version = version_in(call)?;
        let reason = said("reason", &call.json::<NewObjection>()?.reason)?;
        let by = self.signature(call).await?;
        let (record, cancelled) =
            self.say(call, &version, |review| Ok(review.object(by.clone(), reason.clone(), self.clock.now()))).await?;
        info!(rulebook = %version, person = %by.person, "objected to rulebook");
        Ok(self.reviewed(record, cancelled))
    }

    /// `POST /v1/rulebooks/{version}/withdraw`: withdraws the caller's approval or objection. An admin can withdraw for
    /// another person, who may be on leave or have left.
    pub(crate) async fn withdraw(&self, call: &Call<'_>) -> Answer {
        let version = version_in(call)?;
        let caller = call.caller()?;
        let person = call.json_or_default::<Withdraw>()?.person;
        if let Some(wrong) = person.as_ref().and_then(|person| limit::name("/person", person.as_str())) {
            return Err(Problem::invalid_body(vec![wrong]).into());
        }
        let person = match person {
            Some(other) if caller.role == Role::Admin => other,
            Some(other) if caller.person.as_ref() != Some(&other) => {
                return Err(Problem::new(Code::Forbidden, format!("this key cannot withdraw for `{other}`"))
                    .detail("leave `person` out to withdraw your own; only an admin can withdraw for another person")
                    .into());
            }
            _ => self.signature(call).await?.person,
        };
        let now = self.clock.now();
        let (record, cancelled) =
            self.say(call, &version, |review| review.withdraw(&person, &caller.subject, now)).await?;
        info!(rulebook = %version, person = %person, by = caller.subject, "withdrew approval or objection");
        Ok(self.reviewed(record, cancelled))
    }

    /// Fails with `not_approved` if an approval is missing.
    pub(crate) fn approved(&self, record: &RulebookRecord) -> Result<(), Problem> {
        let Some(missing) = self.approval.waits_for(&record.review) else { return Ok(()) };
        let version = &record.version;
        Err(Problem::new(Code::NotApproved, format!("rulebook {version} is not approved: {missing}")).detail(format!(
            "one person in marketing and another in sales must approve it with their own keys: \
            POST /v1/rulebooks/{version}/approve; \
            a person who objected can approve it, or withdraw the objection with POST …/withdraw"
        )))
    }

    /// Fails with `objected_to` if an objection against the version to go back to stands.
    pub(crate) fn may_roll_back(&self, record: &RulebookRecord) -> Result<(), Problem> {
        let missing = record.review.missing_for_rollback();
        if self.approval.rule() == ApprovalRule::Off || missing.is_none() {
            return Ok(());
        }
        let title = format!("cannot roll back to rulebook {}: {missing}", record.version);
        Err(Problem::new(Code::ObjectedTo, title)
            .detail("ask the person who objected to withdraw, or activate another version that is approved"))
    }

    /// Converts a record for replies.
    pub(crate) fn record_view(&self, of: RulebookRecord) -> shape::RulebookRecord {
        let waits_for = self.approval.waits_for(&of.review);
        let RulebookRecord { version, upload, review, .. } = of;
        shape::RulebookRecord {
            version,
            uploaded_at: upload.at,
            uploaded_by: upload.by,
            purpose: upload.purpose,
            owner: upload.owner,
            tables: upload.tables,
            approvals: review.approvals.into_iter().map(Into::into).collect(),
            objections: review.objections.into_iter().map(Into::into).collect(),
            comments: review.comments.into_iter().map(Into::into).collect(),
            approval: self.approval.rule(),
            waits_for,
        }
    }

    fn reviewed(&self, record: RulebookRecord, cancelled: bool) -> Reply {
        let planned_activation = cancelled.then(|| "cancelled".to_owned());
        reply::json(200, &shape::ReviewedRulebook { record: self.record_view(record), planned_activation })
    }

    /// Changes the review of a version. Cancels its planned activation if it is no longer approved; the returned flag
    /// says whether there was one. Retries on a conflict, so that no review is lost when several people write at once.
    async fn say(
        &self,
        call: &Call<'_>,
        version: &RulebookVersion,
        change: impl Fn(&Review) -> Result<Review, ReviewRefusal>,
    ) -> Result<(RulebookRecord, bool), Failure> {
        let mut tries = Tries::until(call.deadline, [version.as_str()]);
        loop {
            tries.again("writing a review").await?;
            let Some(mut record) = self.versions.find(version).await? else {
                return Err(no_such_rulebook(version.as_str()).into());
            };
            let review = change(&record.review).map_err(|refusal| refused(&refusal))?;
            if review == record.review {
                return Ok((record, false));
            }
            let active = self.versions.activations().await?;
            let next = self.upheld(version, &review, &active);
            if self.versions.replace_review(&record, &review, &active, next.as_ref()).await? {
                record.review = review;
                record.revision += 1;
                if next.is_some() {
                    info!(rulebook = %version, "cancelled planned activation of a version that is no longer approved");
                }
                return Ok((record, next.is_some()));
            }
        }
    }

    /// Returns the activations without the planned one of `version`, if `review` no longer approves it.
    fn upheld(&self, version: &RulebookVersion, review: &Review, active: &StoredActivations) -> Option<Activations> {
        let now = self.clock.now();
        let activations = active.activations.as_of(now);
        let planned = activations.next.as_ref().is_some_and(|planned| planned.version == *version);
        let ends = planned && self.approval.waits_for(review).is_some();
        ends.then(|| activations.cancel(version, now))
    }

    /// Returns the caller as a person with their current role. Fails with `not_a_person` for the key of a program.
    pub(crate) async fn signature(&self, call: &Call<'_>) -> Result<Signature, Failure> {
        let caller = call.caller()?;
        let Some(person) = &caller.person else {
            let title = format!("the key of `{}` belongs to a program, not to a person", caller.subject);
            return Err(Problem::new(Code::NotAPerson, title)
                .detail("use a personal key; an admin can create one with POST /v1/keys {\"person\": \"…\"}")
                .into());
        };
        let Some(found) = self.people.get(person).await? else {
            return Err(Problem::new(Code::NotAPerson, format!("person `{person}` no longer exists")).into());
        };
        if found.person.role == PersonRole::Viewer {
            let title = format!("`{person}` is a viewer and cannot change anything");
            return Err(Problem::new(Code::Forbidden, title).into());
        }
        Ok(Signature::from(&found.person))
    }
}

pub(crate) fn said(field: &str, text: &str) -> Result<String, Problem> {
    let detail = match text.trim().len() {
        0 => "is empty".to_owned(),
        length if length > MAX_TEXT => format!("has {length} bytes; the limit is {MAX_TEXT}"),
        _ => return Ok(text.trim().to_owned()),
    };
    Err(Problem::invalid_body(vec![FieldProblem::field(field, detail)]))
}

fn refused(refusal: &ReviewRefusal) -> Problem {
    let code = match refusal {
        ReviewRefusal::NoSide { .. } => Code::NoSide,
        ReviewRefusal::OtherSide { .. } => Code::ApprovedForOtherSide,
        ReviewRefusal::SameAddress { .. } => Code::ApprovedByOnePerson,
        ReviewRefusal::NothingToWithdraw(_) => Code::NothingToWithdraw,
        ReviewRefusal::TooManyComments => Code::TooMuchSaid,
    };
    Problem::new(code, refusal.to_string())
}
