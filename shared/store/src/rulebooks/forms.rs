//! Stored forms of uploads, reviews, activations and reroutes.

use std::collections::BTreeMap;

use fairleader_domain::activation::{Activation, Activations, Cause, Planned};
use fairleader_domain::approval::{Approval, Comment, Objection, Review, Signature, Withdrawal};
use fairleader_domain::reroute::{Progress, Reroute, Reroutes};
use fairleader_lead::id::{PersonId, RulebookVersion};
use fairleader_lead::people::PersonRole;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Upload;
use crate::item::{each, stored};

/// Upload of a version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AboutForm {
    uploaded_at: Timestamp,
    uploaded_by: String,
    #[serde(default)]
    purpose: Option<String>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    tables: BTreeMap<String, String>,
    chunks: usize,
}

impl AboutForm {
    pub(super) fn new(upload: Upload, chunks: usize) -> Self {
        let Upload { at, by, purpose, owner, tables } = upload;
        Self { uploaded_at: at, uploaded_by: by, purpose, owner, tables, chunks }
    }

    pub(super) fn split(self) -> (Upload, usize) {
        let Self { uploaded_at: at, uploaded_by: by, purpose, owner, tables, chunks } = self;
        (Upload { at, by, purpose, owner, tables }, chunks)
    }
}

stored! {
    SignatureForm of Signature {
        person: PersonId,
        name: String,
        role: PersonRole,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    }
}

stored! {
    WithdrawalForm of Withdrawal {
        at: Timestamp,
        by: String,
    }
}

/// Approval, objection or comment.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SaidForm {
    by: SignatureForm,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withdrawn: Option<WithdrawalForm>,
}

impl SaidForm {
    fn new(by: Signature, at: Timestamp, withdrawn: Option<Withdrawal>) -> Self {
        let withdrawn = withdrawn.map(Into::into);
        Self { by: by.into(), at, comment: None, reason: None, text: None, withdrawn }
    }
}

impl From<Approval> for SaidForm {
    fn from(Approval { by, at, comment, withdrawn }: Approval) -> Self {
        Self { comment, ..Self::new(by, at, withdrawn) }
    }
}

impl From<Objection> for SaidForm {
    fn from(Objection { by, at, reason, withdrawn }: Objection) -> Self {
        Self { reason: Some(reason), ..Self::new(by, at, withdrawn) }
    }
}

impl From<Comment> for SaidForm {
    fn from(Comment { by, at, text }: Comment) -> Self {
        Self { text: Some(text), ..Self::new(by, at, None) }
    }
}

impl From<SaidForm> for Approval {
    fn from(SaidForm { by, at, comment, withdrawn, .. }: SaidForm) -> Self {
        Self { by: by.into(), at, comment, withdrawn: withdrawn.map(Into::into) }
    }
}

impl From<SaidForm> for Objection {
    fn from(SaidForm { by, at, reason, withdrawn, .. }: SaidForm) -> Self {
        Self { by: by.into(), at, reason: reason.unwrap_or_default(), withdrawn: withdrawn.map(Into::into) }
    }
}

impl From<SaidForm> for Comment {
    fn from(SaidForm { by, at, text, .. }: SaidForm) -> Self {
        Self { by: by.into(), at, text: text.unwrap_or_default() }
    }
}

/// Review of a version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ReviewForm {
    #[serde(default)]
    approvals: Vec<SaidForm>,
    #[serde(default)]
    objections: Vec<SaidForm>,
    #[serde(default)]
    comments: Vec<SaidForm>,
}

impl From<Review> for ReviewForm {
    fn from(Review { approvals, objections, comments }: Review) -> Self {
        Self { approvals: each(approvals), objections: each(objections), comments: each(comments) }
    }
}

impl From<ReviewForm> for Review {
    fn from(ReviewForm { approvals, objections, comments }: ReviewForm) -> Self {
        Self { approvals: each(approvals), objections: each(objections), comments: each(comments) }
    }
}

stored! {
    ActivationForm of Activation {
        version: RulebookVersion,
        since: Timestamp,
        by: String,
        cause: Cause,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}

stored! {
    PlannedForm of Planned {
        version: RulebookVersion,
        at: Timestamp,
        by: String,
    }
}

/// Past, current and planned activations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ActivationsForm {
    #[serde(default)]
    history: Vec<ActivationForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<PlannedForm>,
    #[serde(default)]
    back: Vec<RulebookVersion>,
}

impl From<Activations> for ActivationsForm {
    fn from(Activations { history, next, back }: Activations) -> Self {
        Self { history: each(history), next: next.map(Into::into), back }
    }
}

impl From<ActivationsForm> for Activations {
    fn from(ActivationsForm { history, next, back }: ActivationsForm) -> Self {
        Self { history: each(history), next: next.map(Into::into), back }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct RerouteForm {
    version: RulebookVersion,
    at: Timestamp,
    by: String,
    #[serde(flatten)]
    progress: Progress,
}

impl From<Reroute> for RerouteForm {
    fn from(Reroute { version, at, by, progress }: Reroute) -> Self {
        Self { version, at, by, progress }
    }
}

impl From<RerouteForm> for Reroute {
    fn from(RerouteForm { version, at, by, progress }: RerouteForm) -> Self {
        Self { version, at, by, progress }
    }
}

/// Reroutes of open leads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ReroutesForm(Vec<RerouteForm>);

impl From<Reroutes> for ReroutesForm {
    fn from(Reroutes { list }: Reroutes) -> Self {
        Self(each(list))
    }
}

impl From<ReroutesForm> for Reroutes {
    fn from(ReroutesForm(list): ReroutesForm) -> Self {
        Self { list: each(list) }
    }
}
