//! The review of a rulebook version: who approved it, who objects, and whether it can be activated.
//!
//! A version needs the approval of one person from marketing **and** one other person from sales, and no open
//! objection. The text of a version never changes, so people approve exactly what becomes active.
//!
//! - A person's latest statement counts: an objection withdraws their own approval, and an approval withdraws their own
//!   objection.
//! - An approval counts for the side that the person belonged to when they gave it. One person cannot approve for both
//!   sides, and neither can two people with the same e-mail address, who are taken for one.
//! - An objection is withdrawn by the person who raised it, or by an admin if that person no longer can.
//! - An objection and an approval are never refused for lack of room: only comments have a limit.
//! - Statements stay on record. Withdrawn ones are marked as such; of each person, the latest few are kept.
//!
//! Callers have already identified the person. Keys of programs cannot take part.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use fairleader_lead::id::PersonId;
use fairleader_lead::normalise::email;
use fairleader_lead::people::{Person, PersonRole};

/// Length limit of a comment or reason, in bytes.
pub const MAX_TEXT: usize = 2_000;
/// Limit on the comments on one version.
pub const MAX_COMMENTS: usize = 80;
/// Withdrawn approvals of a person that are kept, and withdrawn objections, so that a review has a limited size without
/// a limit on statements. An item has at most 400 KB: the comments have 160 KB, and what a person says at most 14 KB.
const KEPT_WITHDRAWN: usize = 3;

/// The sides that have to approve.
pub const SIDES: [PersonRole; 2] = [PersonRole::Marketing, PersonRole::Sales];

/// Signature under a statement: the person as they were at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The person.
    pub person: PersonId,
    /// Their name at that time.
    pub name: String,
    /// Their role at that time.
    pub role: PersonRole,
    /// Their e-mail address at that time, in the form that identifies a person. Older signatures have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl From<&Person> for Signature {
    fn from(person: &Person) -> Self {
        let address = email::parse(&person.email).map_or_else(|| person.email.to_lowercase(), |email| email.identity);
        Self { person: person.person_id.clone(), name: person.name.clone(), role: person.role, address: Some(address) }
    }
}

/// Withdrawal of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// When it was withdrawn.
    pub at: Timestamp,
    /// Who withdrew it: its author, or an admin.
    pub by: String,
}

/// Approval of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who approved.
    pub by: Signature,
    /// When they approved.
    pub at: Timestamp,
    /// Their comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The withdrawal, if it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
}

/// Objection to a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    /// Who objected.
    pub by: Signature,
    /// When they objected.
    pub at: Timestamp,
    /// Why they objected.
    pub reason: String,
    /// The withdrawal, if it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
}

/// Comment on a version; it decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Who wrote it.
    pub by: Signature,
    /// When they wrote it.
    pub at: Timestamp,
    /// The comment.
    pub text: String,
}

/// Review of a version: every statement, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Approvals, including withdrawn ones.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// Objections, including withdrawn ones.
    #[serde(default)]
    pub objections: Vec<Objection>,
    /// Comments.
    #[serde(default)]
    pub comments: Vec<Comment>,
}

/// Reason why a statement is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewRefusal {
    /// Their role cannot approve.
    #[error("`{person}` has the role {role}; only people from marketing and sales can approve a rulebook")]
    NoSide {
        /// The person.
        person: PersonId,
        /// Their role.
        role: PersonRole,
    },
    /// They already approved for the other side.
    #[error(
        "`{person}` already approved this version for {before}; another person must approve it for {now}, or `{person}` \
         must withdraw first"
    )]
    OtherSide {
        /// The person.
        person: PersonId,
        /// The side they approved for.
        before: PersonRole,
        /// Their side now.
        now: PersonRole,
    },
    /// A person with their e-mail address already approved for the other side.
    #[error(
        "`{other}` has the same e-mail address as `{person}` and already approved this version for {before}; another \
         person must approve it for {now}"
    )]
    SameAddress {
        /// The person.
        person: PersonId,
        /// The person with the same address.
        other: PersonId,
        /// The side that the other person approved for.
        before: PersonRole,
        /// The side of this person.
        now: PersonRole,
    },
    /// They have made no statement that could be withdrawn.
    #[error("`{0}` has not approved this version or objected to it, so there is nothing to withdraw")]
    NothingToWithdraw(PersonId),
    /// No comment can be added.
    #[error("this version has {MAX_COMMENTS} comments, which is the limit; upload the rulebook again to continue")]
    TooManyComments,
}

/// What a version still needs before it can be activated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Sides without an approval.
    pub sides: Vec<PersonRole>,
    /// Open objections: name and reason.
    pub objections: Vec<(String, String)>,
}

impl Missing {
    /// Returns whether nothing is missing.
    pub fn is_none(&self) -> bool {
        self.sides.is_empty() && self.objections.is_empty()
    }
}

/// `needs approval from sales; Ingrid objected: too early`.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides: Vec<&str> = self.sides.iter().map(|side| side.as_str()).collect();
        if !sides.is_empty() {
            write!(f, "needs approval from {}", sides.join(" and from "))?;
        }
        for (i, (name, reason)) in self.objections.iter().enumerate() {
            let between = if i > 0 || !sides.is_empty() { "; " } else { "" };
            write!(f, "{between}{name} objected: {reason}")?;
        }
        Ok(())
    }
}

impl Review {
    /// Adds the approval of `by`. Repeating it changes nothing.
    pub fn approve(&self, by: Signature, comment: Option<String>, now: Timestamp) -> Result<Self, ReviewRefusal> {
        if !SIDES.contains(&by.role) {
            return Err(ReviewRefusal::NoSide { person: by.person, role: by.role });
        }
        match self.approval_of(&by.person) {
            Some(given) if given.by.role == by.role => return Ok(self.clone()),
            Some(given) => {
                return Err(ReviewRefusal::OtherSide { before: given.by.role, now: by.role, person: by.person });
            }
            None => {}
        }
        if let Some(given) = self.approval_with_address_of(&by) {
            let (other, before) = (given.by.person.clone(), given.by.role);
            return Err(ReviewRefusal::SameAddress { other, before, now: by.role, person: by.person });
        }
        let mut next = self.clone();
        next.take_back(&by.person, by.person.as_str(), now);
        next.approvals.push(Approval { by, at: now, comment, withdrawn: None });
        Ok(next)
    }

    /// Adds an objection of `by`. It is never refused. Repeating it with the same reason changes nothing.
    #[must_use]
    pub fn object(&self, by: Signature, reason: String, now: Timestamp) -> Self {
        let repeats = |objection: &Objection| objection.by.person == by.person && objection.reason == reason;
        let mut next = self.clone();
        if !self.open_objections().any(repeats) {
            next.take_back(&by.person, by.person.as_str(), now);
            next.objections.push(Objection { by, at: now, reason, withdrawn: None });
        }
        next
    }

    /// Withdraws the approval and objections of `person`, on behalf of `by`. Repeating it changes nothing.
    pub fn withdraw(&self, person: &PersonId, by: &str, now: Timestamp) -> Result<Self, ReviewRefusal> {
        let approvals = self.approvals.iter().map(|approval| &approval.by);
        let mut said = approvals.chain(self.objections.iter().map(|objection| &objection.by));
        if !said.any(|who| who.person == *person) {
            return Err(ReviewRefusal::NothingToWithdraw(person.clone()));
        }
        let mut next = self.clone();
        next.take_back(person, by, now);
        Ok(next)
    }

    /// Adds a comment of `by`. Repeating their latest comment changes nothing.
    pub fn comment(&self, by: Signature, text: String, now: Timestamp) -> Result<Self, ReviewRefusal> {
        let latest = self.comments.iter().rfind(|comment| comment.by.person == by.person);
        if latest.is_some_and(|comment| comment.text == text) {
            return Ok(self.clone());
        }
        if self.comments.len() >= MAX_COMMENTS {
            return Err(ReviewRefusal::TooManyComments);
        }
        let mut next = self.clone();
        next.comments.push(Comment { by, at: now, text });
        Ok(next)
    }

    /// Returns what the version still needs before it can be activated.
    pub fn missing(&self) -> Missing {
        let approved = |side: PersonRole| {
            self.approvals.iter().any(|approval| approval.withdrawn.is_none() && approval.by.role == side)
        };
        let objections = self.open_objections();
        Missing {
            sides: SIDES.into_iter().filter(|side| !approved(*side)).collect(),
            objections: objections.map(|objection| (objection.by.name.clone(), objection.reason.clone())).collect(),
        }
    }

    /// Returns why the version cannot be rolled back to: its open objections. It needs no new approval, because it was
    /// active before.
    pub fn missing_for_rollback(&self) -> Missing {
        Missing { sides: Vec::new(), ..self.missing() }
    }

    fn open_objections(&self) -> impl Iterator<Item = &Objection> {
        self.objections.iter().filter(|objection| objection.withdrawn.is_none())
    }

    /// Returns the open approval of a person. There is at most one, so approvals for two sides come from two people.
    fn approval_of(&self, person: &PersonId) -> Option<&Approval> {
        self.approvals.iter().find(|approval| approval.withdrawn.is_none() && approval.by.person == *person)
    }

    /// Returns the open approval for the other side that another person with the e-mail address of `by` gave.
    fn approval_with_address_of(&self, by: &Signature) -> Option<&Approval> {
        let same = |given: &Signature| given.role != by.role && given.address.is_some() && given.address == by.address;
        self.approvals.iter().find(|approval| approval.withdrawn.is_none() && same(&approval.by))
    }

    fn take_back(&mut self, person: &PersonId, by: &str, now: Timestamp) {
        let withdrawal = Withdrawal { at: now, by: by.to_owned() };
        let approvals = self.approvals.iter_mut().map(|approval| (&approval.by, &mut approval.withdrawn));
        let objections = self.objections.iter_mut().map(|objection| (&objection.by, &mut objection.withdrawn));
        for (who, withdrawn) in approvals.chain(objections) {
            if who.person == *person && withdrawn.is_none() {
                *withdrawn = Some(withdrawal.clone());
            }
        }
        keep_latest(&mut self.approvals, |said| said.by.person == *person && said.withdrawn.is_some());
        keep_latest(&mut self.objections, |said| said.by.person == *person && said.withdrawn.is_some());
    }
}

/// Removes the oldest of the `withdrawn` statements beyond [`KEPT_WITHDRAWN`].
fn keep_latest<T>(said: &mut Vec<T>, withdrawn: impl Fn(&T) -> bool) {
    let mut beyond = said.iter().filter(|one| withdrawn(one)).count().saturating_sub(KEPT_WITHDRAWN);
    said.retain(|one| {
        let goes = beyond > 0 && withdrawn(one);
        beyond -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(person: &str, role: PersonRole) -> Signature {
        let mut name = person.to_owned();
        name.get_mut(..1).unwrap().make_ascii_uppercase();
        let address = Some(format!("{person}@fairleader.example"));
        Signature { person: PersonId::from(person), name, role, address }
    }

    fn mara() -> Signature {
        signed("mara", PersonRole::Marketing)
    }

    fn ingrid() -> Signature {
        signed("ingrid", PersonRole::Sales)
    }

    fn at(minute: i8) -> Timestamp {
        jiff::civil::date(2026, 3, 3).at(9, minute, 0, 0).in_tz("UTC").unwrap().timestamp()
    }

    #[test]
    fn needs_one_approval_from_each_side() {
        let review = Review::default();
        assert_eq!(review.missing().to_string(), "needs approval from marketing and from sales");
        let review = review.approve(mara(), Some("as agreed".to_owned()), at(1)).unwrap();
        assert_eq!(review.missing().to_string(), "needs approval from sales");
        let review = review.approve(signed("mats", PersonRole::Marketing), None, at(2)).unwrap();
        assert_eq!(review.missing().sides, [PersonRole::Sales], "two approvals for the same side");
        let review = review.approve(ingrid(), None, at(3)).unwrap();
        assert!(review.missing().is_none());
        assert_eq!(
            review.approve(ingrid(), Some("again".to_owned()), at(4)).unwrap(),
            review,
            "a repeat changes nothing"
        );
    }

    #[test]
    fn refuses_one_person_for_both_sides() {
        let review = Review::default().approve(mara(), None, at(1)).unwrap();
        let moved = signed("mara", PersonRole::Sales);
        let refusal = review.approve(moved.clone(), None, at(2)).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "`mara` already approved this version for marketing; another person must approve it for sales, or `mara` \
             must withdraw first"
        );
        // Withdrawn and given again, it counts once, for the other side.
        let review = review.withdraw(&moved.person, "mara", at(3)).unwrap().approve(moved, None, at(4)).unwrap();
        assert_eq!(review.missing().sides, [PersonRole::Marketing]);
        for role in [PersonRole::Admin, PersonRole::Viewer] {
            let refusal = review.approve(signed("ada", role), None, at(5)).unwrap_err();
            assert!(matches!(refusal, ReviewRefusal::NoSide { .. }), "{refusal}");
        }
    }

    #[test]
    fn keeps_an_objection_open_until_it_is_withdrawn() {
        let agreed = Review::default().approve(mara(), None, at(1)).unwrap().approve(ingrid(), None, at(2)).unwrap();
        let otto = signed("otto", PersonRole::Sales);
        let review = agreed.object(otto.clone(), "the fair is not over".to_owned(), at(3));
        assert_eq!(review.missing().to_string(), "Otto objected: the fair is not over");
        assert_eq!(review.object(otto.clone(), "the fair is not over".to_owned(), at(4)), review);
        let review = review.withdraw(&otto.person, "otto", at(5)).unwrap();
        assert!(review.missing().is_none());
        assert_eq!(review.objections.len(), 1, "it stays in the record");
        assert_eq!(review.withdraw(&otto.person, "otto", at(6)).unwrap(), review, "a repeat changes nothing");
        let nobody = PersonId::from("nobody");
        assert_eq!(review.withdraw(&nobody, "x", at(6)), Err(ReviewRefusal::NothingToWithdraw(nobody)));
    }

    #[test]
    fn counts_the_latest_statement_of_a_person() {
        let review = Review::default().approve(mara(), None, at(1)).unwrap().approve(ingrid(), None, at(2)).unwrap();
        let review = review.object(ingrid(), "too early".to_owned(), at(3));
        assert_eq!(review.missing().to_string(), "needs approval from sales; Ingrid objected: too early");
        assert_eq!(review.missing_for_rollback().to_string(), "Ingrid objected: too early");
        let review = review.approve(ingrid(), None, at(4)).unwrap();
        assert!(review.missing().is_none());
    }

    #[test]
    fn refuses_two_people_with_one_address_for_both_sides() {
        let person = |id: &str, email: &str, role| {
            Signature::from(&Person {
                person_id: PersonId::from(id),
                name: id.to_owned(),
                email: email.to_owned(),
                role,
            })
        };
        let mara = person("mara", "Mara+rules@Fairleader.example", PersonRole::Marketing);
        let twin = person("twin", "mara@fairleader.example", PersonRole::Sales);
        let review = Review::default().approve(mara.clone(), None, at(1)).unwrap();
        assert_eq!(
            review.approve(twin.clone(), None, at(2)).unwrap_err().to_string(),
            "`mara` has the same e-mail address as `twin` and already approved this version for marketing; another person \
             must approve it for sales"
        );
        assert!(review.approve(person("otto", "otto@fairleader.example", PersonRole::Sales), None, at(2)).is_ok());
        // Once one of the two withdrew, the other one can approve.
        let review = review.withdraw(&mara.person, "mara", at(3)).unwrap();
        assert!(review.approve(twin.clone(), None, at(4)).is_ok());
        // Signatures of older versions have no address.
        let old = Signature { address: None, ..mara };
        let review = Review::default().approve(old, None, at(1)).unwrap();
        assert!(review.approve(Signature { address: None, ..twin }, None, at(2)).is_ok());
    }

    #[test]
    fn limits_comments_and_never_objections_or_approvals() {
        let mut review = Review::default();
        for number in 0..MAX_COMMENTS {
            review = review.comment(mara(), format!("remark {number}"), at(1)).unwrap();
        }
        assert_eq!(review.comment(mara(), "one more".to_owned(), at(2)), Err(ReviewRefusal::TooManyComments));
        let last = format!("remark {}", MAX_COMMENTS - 1);
        assert_eq!(review.comment(mara(), last, at(2)), Ok(review.clone()));
        for number in 0..200 {
            review = review.approve(mara(), None, at(3)).unwrap();
            review = review.object(mara(), format!("doubt {number}"), at(4));
            let review = review.object(ingrid(), "too early".to_owned(), at(5));
            assert_eq!(review.missing().objections.len(), 2, "each of them is heard");
        }
        let reasons: Vec<&str> = review.objections.iter().map(|objection| objection.reason.as_str()).collect();
        assert_eq!(reasons, ["doubt 196", "doubt 197", "doubt 198", "doubt 199"], "the latest statements are kept");
        assert_eq!(review.approvals.len(), KEPT_WITHDRAWN);
    }
}
