//! Who agreed to a version of the rulebook, who objects, and whether it may be activated.
//!
//! A version needs the approval of one person of marketing **and** of another person of sales, and no open objection.
//! The text of a version never changes, so whoever approved it approved exactly what becomes active.
//!
//! - A person's latest word counts: who objects takes back their own approval, who approves their own objection.
//! - An approval counts for the side that its person spoke for when they gave it. Nobody approves for both sides.
//! - An objection is taken back by who raised it, or by an admin, for somebody who cannot any more.
//! - Everything that was said stays in the record, with what was taken back marked as such.
//!
//! Who somebody is has been found out before; keys of programs never come here.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use fairleader_lead::id::PersonId;
use fairleader_lead::people::{Person, PersonRole};

/// Longest comment or reason, in bytes.
pub const MAX_TEXT: usize = 2_000;
/// Most that may be said about one version, all in all.
pub const MAX_SAID: usize = 100;

/// The sides that have to agree.
pub const SIDES: [PersonRole; 2] = [PersonRole::Marketing, PersonRole::Sales];

/// A person as they were when they said something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Who.
    pub person: PersonId,
    /// What they were called.
    pub name: String,
    /// For whom they spoke.
    pub role: PersonRole,
}

impl From<&Person> for Signature {
    fn from(person: &Person) -> Self {
        Self { person: person.person_id.clone(), name: person.name.clone(), role: person.role }
    }
}

/// That something was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// When.
    pub at: Timestamp,
    /// By whom: who said it, or an admin.
    pub by: String,
}

/// Somebody's approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who approved.
    pub by: Signature,
    /// When.
    pub at: Timestamp,
    /// What they had to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// That it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
}

/// Somebody's objection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    /// Who objected.
    pub by: Signature,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// That it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
}

/// A remark that decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Who said it.
    pub by: Signature,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// What was said about a version, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Approvals, those taken back among them.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// Objections, those taken back among them.
    #[serde(default)]
    pub objections: Vec<Objection>,
    /// Remarks.
    #[serde(default)]
    pub comments: Vec<Comment>,
}

/// Why something cannot be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewRefusal {
    /// Their side has no say.
    #[error("`{person}` has the role {role}; a rulebook is approved by people of marketing and of sales")]
    NoSide {
        /// Who.
        person: PersonId,
        /// Their role.
        role: PersonRole,
    },
    /// They approved for the other side already.
    #[error(
        "`{person}` approved this version as {before} already; somebody else has to approve it for {now}, or `{person}` withdraws first"
    )]
    OtherSide {
        /// Who.
        person: PersonId,
        /// The side they approved for.
        before: PersonRole,
        /// The side they speak for now.
        now: PersonRole,
    },
    /// There is nothing of theirs to take back.
    #[error("`{0}` neither approves this version nor objects to it")]
    NothingToWithdraw(PersonId),
    /// Too much was said.
    #[error("{MAX_SAID} things were said about this version; upload it again to go on")]
    TooMuch,
}

/// What a version lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Sides nobody of which approves.
    pub sides: Vec<PersonRole>,
    /// Open objections: whose, and why.
    pub objections: Vec<(String, String)>,
}

impl Missing {
    /// Whether nothing is missing.
    pub fn is_none(&self) -> bool {
        self.sides.is_empty() && self.objections.is_empty()
    }
}

/// `needs the approval of somebody in sales; Ingrid objected: too early`.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides: Vec<String> = self.sides.iter().map(|side| format!("somebody in {side}")).collect();
        if !sides.is_empty() {
            write!(f, "needs the approval of {}", sides.join(" and of "))?;
        }
        for (i, (name, reason)) in self.objections.iter().enumerate() {
            let between = if i > 0 || !sides.is_empty() { "; " } else { "" };
            write!(f, "{between}{name} objected: {reason}")?;
        }
        Ok(())
    }
}

impl Review {
    /// The review after `by` approved; the same if they do so already.
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
        let mut next = self.with_room()?;
        next.take_back(&by.person, by.person.as_str(), now);
        next.approvals.push(Approval { by, at: now, comment, withdrawn: None });
        Ok(next)
    }

    /// The review after `by` objected; the same if they do so already for this reason.
    pub fn object(&self, by: Signature, reason: String, now: Timestamp) -> Result<Self, ReviewRefusal> {
        let mut open = self.objections.iter().filter(|objection| objection.withdrawn.is_none());
        if open.any(|objection| objection.by.person == by.person && objection.reason == reason) {
            return Ok(self.clone());
        }
        let mut next = self.with_room()?;
        next.take_back(&by.person, by.person.as_str(), now);
        next.objections.push(Objection { by, at: now, reason, withdrawn: None });
        Ok(next)
    }

    /// The review after `by` took back what `person` said. A repeat changes nothing.
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

    /// The review with one more remark; the same if it is their latest one already.
    pub fn comment(&self, by: Signature, text: String, now: Timestamp) -> Result<Self, ReviewRefusal> {
        let latest = self.comments.iter().rfind(|comment| comment.by.person == by.person);
        if latest.is_some_and(|comment| comment.text == text) {
            return Ok(self.clone());
        }
        let mut next = self.with_room()?;
        next.comments.push(Comment { by, at: now, text });
        Ok(next)
    }

    /// What the version lacks until it may be activated.
    pub fn missing(&self) -> Missing {
        let approved = |side: PersonRole| {
            self.approvals.iter().any(|approval| approval.withdrawn.is_none() && approval.by.role == side)
        };
        let open = self.objections.iter().filter(|objection| objection.withdrawn.is_none());
        Missing {
            sides: SIDES.into_iter().filter(|side| !approved(*side)).collect(),
            objections: open.map(|objection| (objection.by.name.clone(), objection.reason.clone())).collect(),
        }
    }

    /// The approval that a person gave and did not take back. There is one at most, so two sides are two people.
    fn approval_of(&self, person: &PersonId) -> Option<&Approval> {
        self.approvals.iter().find(|approval| approval.withdrawn.is_none() && approval.by.person == *person)
    }

    fn with_room(&self) -> Result<Self, ReviewRefusal> {
        let said = self.approvals.len() + self.objections.len() + self.comments.len();
        if said < MAX_SAID { Ok(self.clone()) } else { Err(ReviewRefusal::TooMuch) }
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(person: &str, role: PersonRole) -> Signature {
        let mut name = person.to_owned();
        name.get_mut(..1).unwrap().make_ascii_uppercase();
        Signature { person: PersonId::from(person), name, role }
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
    fn one_person_of_each_side_has_to_approve() {
        let review = Review::default();
        assert_eq!(
            review.missing().to_string(),
            "needs the approval of somebody in marketing and of somebody in sales"
        );
        let review = review.approve(mara(), Some("as agreed".to_owned()), at(1)).unwrap();
        assert_eq!(review.missing().to_string(), "needs the approval of somebody in sales");
        let review = review.approve(signed("mats", PersonRole::Marketing), None, at(2)).unwrap();
        assert_eq!(review.missing().sides, [PersonRole::Sales], "two of one side are one side");
        let review = review.approve(ingrid(), None, at(3)).unwrap();
        assert!(review.missing().is_none());
        assert_eq!(
            review.approve(ingrid(), Some("again".to_owned()), at(4)).unwrap(),
            review,
            "a repeat changes nothing"
        );
    }

    #[test]
    fn nobody_approves_for_both_sides() {
        let review = Review::default().approve(mara(), None, at(1)).unwrap();
        let moved = signed("mara", PersonRole::Sales);
        let refusal = review.approve(moved.clone(), None, at(2)).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "`mara` approved this version as marketing already; somebody else has to approve it for sales, or `mara` withdraws first"
        );
        // Taken back and given anew it counts once, for the other side.
        let review = review.withdraw(&moved.person, "mara", at(3)).unwrap().approve(moved, None, at(4)).unwrap();
        assert_eq!(review.missing().sides, [PersonRole::Marketing]);
        for role in [PersonRole::Admin, PersonRole::Viewer] {
            let refusal = review.approve(signed("ada", role), None, at(5)).unwrap_err();
            assert!(matches!(refusal, ReviewRefusal::NoSide { .. }), "{refusal}");
        }
    }

    #[test]
    fn an_objection_stands_until_it_is_taken_back() {
        let agreed = Review::default().approve(mara(), None, at(1)).unwrap().approve(ingrid(), None, at(2)).unwrap();
        let otto = signed("otto", PersonRole::Sales);
        let review = agreed.object(otto.clone(), "the fair is not over".to_owned(), at(3)).unwrap();
        assert_eq!(review.missing().to_string(), "Otto objected: the fair is not over");
        assert_eq!(review.object(otto.clone(), "the fair is not over".to_owned(), at(4)).unwrap(), review);
        let review = review.withdraw(&otto.person, "otto", at(5)).unwrap();
        assert!(review.missing().is_none());
        assert_eq!(review.objections.len(), 1, "it stays in the record");
        assert_eq!(review.withdraw(&otto.person, "otto", at(6)).unwrap(), review, "a repeat changes nothing");
        let nobody = PersonId::from("nobody");
        assert_eq!(review.withdraw(&nobody, "x", at(6)), Err(ReviewRefusal::NothingToWithdraw(nobody)));
    }

    #[test]
    fn the_latest_word_of_a_person_counts() {
        let review = Review::default().approve(mara(), None, at(1)).unwrap().approve(ingrid(), None, at(2)).unwrap();
        let review = review.object(ingrid(), "too early".to_owned(), at(3)).unwrap();
        assert_eq!(review.missing().to_string(), "needs the approval of somebody in sales; Ingrid objected: too early");
        let review = review.approve(ingrid(), None, at(4)).unwrap();
        assert!(review.missing().is_none());
    }

    #[test]
    fn there_is_an_end_to_what_is_said() {
        let mut review = Review::default();
        for number in 0..MAX_SAID {
            review = review.comment(mara(), format!("remark {number}"), at(1)).unwrap();
        }
        assert_eq!(review.comment(mara(), "one more".to_owned(), at(2)), Err(ReviewRefusal::TooMuch));
        assert_eq!(review.comment(mara(), "remark 99".to_owned(), at(2)), Ok(review.clone()));
    }
}
