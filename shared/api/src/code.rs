//! Problem codes: stable words by which programs tell problems apart.

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($code:ident $status:literal $word:literal: $meaning:literal;)*) => {
        /// Code of a problem. A code always has the same HTTP status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $code,)*
        }

        impl Code {
            /// Every code, in order of status.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// Returns the HTTP status of replies with this code.
            #[allow(clippy::match_same_arms, reason = "the arms are rows of a table")]
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status,)* }
            }

            /// Returns the word for the code in replies.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $word,)* }
            }

            /// Returns when it occurs, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$code => $meaning,)* }
            }
        }
    };
}

codes! {
    InvalidCursor 400 "invalid_cursor": "The cursor does not come from an earlier reply.";
    InvalidIdempotencyKey 400 "invalid_idempotency_key": "The `Idempotency-Key` is empty, too long or not ASCII.";
    InvalidFilter 400 "invalid_filter": "The filter has an unknown `kind`, or an `id` without a `kind`.";
    InvalidIfMatch 400 "invalid_if_match": "`If-Match` is not exactly one `ETag`.";
    InvalidLimit 400 "invalid_limit": "`limit` is not a number, or out of range.";
    InvalidPart 400 "invalid_part": "The number of the part is not a number, or out of range.";
    InvalidSearch 400 "invalid_search": "The search has neither `email` nor `phone`, or both, or an invalid one.";
    InvalidWait 400 "invalid_wait": "`wait` is not a duration.";
    MissingRep 400 "missing_rep": "`rep` is missing; only reps have an inbox of their own.";
    Forbidden 403 "forbidden": "The role of the key does not allow this.";
    NoSide 403 "no_side": "Only people in marketing or sales can approve rulebooks.";
    NotAMember 403 "not_a_member": "The rep is not a member of the pool and cannot see its ledger.";
    NotAPerson 403 "not_a_person": "This needs the key of a person; this key belongs to a program.";
    NotFound 404 "not_found": "It does not exist, or this key cannot see it.";
    AlreadyActive 409 "already_active": "This version of the rulebook is already active.";
    ApprovedByOnePerson 409 "approved_by_one_person": "A person with the same e-mail address approved for the other side.";
    ApprovedForOtherSide 409 "approved_for_other_side": "This person already approved the version for the other side.";
    Busy 409 "busy": "It was changed by other requests on every try; try again.";
    HeldByRule 409 "held_by_rule": "A rule of the active rulebook would hold the lead again.";
    ImportExists 409 "import_exists": "This `Idempotency-Key` was used for an import with a different body.";
    IntoItself 409 "into_itself": "A lead cannot be merged into itself.";
    NeverStored 409 "never_stored": "The lead was never stored, and the command to store it no longer exists.";
    NoneActive 409 "none_active": "No rulebook is active yet.";
    NotActive 409 "not_active": "A different version of the rulebook is active.";
    NotApproved 409 "not_approved": "This version of the rulebook is not approved yet.";
    NotOwner 409 "not_owner": "The lead belongs to another rep.";
    NothingBefore 409 "nothing_before": "There is no earlier version of the rulebook to go back to.";
    NothingToWithdraw 409 "nothing_to_withdraw": "This person has no approval or objection to withdraw.";
    ObjectedTo 409 "objected_to": "An objection to the version to go back to stands.";
    OldAssignment 409 "old_assignment": "The lead was reassigned after this assignment.";
    OpenLeads 409 "open_leads": "The rep still has open leads.";
    PartExists 409 "part_exists": "This part was already imported with different content.";
    Running 409 "running": "A reroute by this version is already running.";
    StillAMember 409 "still_a_member": "The rep is still a member of a pool.";
    StillNamed 409 "still_named": "It is still named by a rulebook, a pool or an account.";
    StillWaiting 409 "still_waiting": "The pool's waiting list is not empty.";
    TooMuchSaid 409 "too_much_said": "This version of the rulebook has reached the limit for comments.";
    UnreadableRulebook 409 "unreadable_rulebook": "A stored version of the rulebook can no longer be read.";
    WrongStage 409 "wrong_stage": "The stage of the lead does not allow this.";
    PreconditionFailed 412 "precondition_failed": "It was changed since you read it; `current` shows it as it is now.";
    TooLarge 413 "too_large": "The body is too large for this request.";
    InvalidActivity 422 "invalid_activity": "The activity was rejected; `errors` lists the fields to correct.";
    InvalidBody 422 "invalid_body": "The request was rejected; `errors` lists the fields to correct.";
    InvalidId 422 "invalid_id": "The id in the path is not a valid id.";
    InvalidList 422 "invalid_list": "The list cannot be read.";
    InvalidRulebook 422 "invalid_rulebook": "The rulebook was rejected; `problems` lists every problem with its line.";
    InvalidSince 422 "invalid_since": "`since` is not a duration.";
    InvalidSubmission 422 "invalid_submission": "The submission was rejected; `errors` lists the fields to correct.";
    InvalidTable 422 "invalid_table": "The table was rejected; `errors` lists the lines to correct.";
    Internal 500 "internal": "Internal error; the cause is in the log.";
    NotQueued 503 "not_queued": "Temporarily unavailable; nothing was stored, so send it again.";
    Overloaded 503 "overloaded": "Too many rulebooks are being checked or replayed at once; try again after `Retry-After`.";
    Unavailable 503 "unavailable": "The tables did not answer in time; nothing was changed, so try again.";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_different_words_in_order_of_status() {
        let words: std::collections::BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(Code::ALL.is_sorted_by_key(|code| code.status()));
    }
}
