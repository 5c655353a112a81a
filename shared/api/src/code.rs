//! The stable words by which programs tell problems apart.

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($code:ident $status:literal $word:literal: $meaning:literal;)*) => {
        /// What kind of problem it is. Each has one HTTP status, wherever it occurs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $code,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The HTTP status of a reply with this code.
            #[allow(clippy::match_same_arms, reason = "the arms are rows of a table")]
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status,)* }
            }

            /// The code as it is written in replies.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $word,)* }
            }

            /// When it occurs, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$code => $meaning,)* }
            }
        }
    };
}

codes! {
    InvalidCursor 400 "invalid_cursor": "A page was asked for that no reply pointed to.";
    InvalidIdempotencyKey 400 "invalid_idempotency_key": "The `Idempotency-Key` is empty or too long.";
    InvalidFilter 400 "invalid_filter": "A list is filtered by something that it does not have.";
    InvalidIfMatch 400 "invalid_if_match": "`If-Match` does not hold one `ETag` of an earlier reply.";
    InvalidPart 400 "invalid_part": "The number of a part is not a number, or out of range.";
    InvalidSearch 400 "invalid_search": "A search names no address or number, two of them, or one that cannot be read.";
    InvalidWait 400 "invalid_wait": "`wait` is not a time.";
    MissingRep 400 "missing_rep": "An inbox was asked for without saying whose.";
    Forbidden 403 "forbidden": "The caller's role may not do this.";
    NoSide 403 "no_side": "Only people of marketing and of sales approve rulebooks.";
    NotAMember 403 "not_a_member": "Only members of a pool, and those who oversee it, see its ledger.";
    NotAPerson 403 "not_a_person": "Only a person with a key of their own may do this.";
    NotFound 404 "not_found": "It does not exist, or the caller may not see it.";
    AlreadyActive 409 "already_active": "This version of the rulebook is active already.";
    ApprovedForOtherSide 409 "approved_for_other_side": "This person approved the version for the other side.";
    Busy 409 "busy": "Others changed the same thing again and again in this moment; try again.";
    HeldByRule 409 "held_by_rule": "A rule of the active rulebook would hold the lead again.";
    ImportExists 409 "import_exists": "This `Idempotency-Key` began an import with another body.";
    IntoItself 409 "into_itself": "A lead cannot be merged into itself.";
    NeverStored 409 "never_stored": "The lead was never stored, and the command that would store it is not kept.";
    NoneActive 409 "none_active": "No rulebook is active yet.";
    NotActive 409 "not_active": "Another version of the rulebook is active.";
    NotApproved 409 "not_approved": "This version of the rulebook still needs approval.";
    NotOwner 409 "not_owner": "Another rep owns the lead.";
    NothingBefore 409 "nothing_before": "No version of the rulebook was active before.";
    NothingToWithdraw 409 "nothing_to_withdraw": "This person neither approves the version nor objects to it.";
    OldAssignment 409 "old_assignment": "The lead was assigned again since.";
    OpenLeads 409 "open_leads": "The rep still has open leads.";
    PartExists 409 "part_exists": "The part was brought in with other content.";
    Running 409 "running": "Open leads are being routed by this version already.";
    StillAMember 409 "still_a_member": "The rep is still a member of a pool.";
    StillNamed 409 "still_named": "A rulebook or a pool still names it.";
    StillWaiting 409 "still_waiting": "Leads still wait in its line.";
    TooMuchSaid 409 "too_much_said": "No more can be said about this version of the rulebook.";
    UnreadableRulebook 409 "unreadable_rulebook": "A stored version of the rulebook cannot be read any more.";
    WrongStage 409 "wrong_stage": "The lead's stage does not allow this.";
    PreconditionFailed 412 "precondition_failed": "It was changed since; `current` is what is there now.";
    TooLarge 413 "too_large": "The body is larger than this call takes.";
    InvalidActivity 422 "invalid_activity": "The activity has wrong fields; `errors` names them.";
    InvalidBody 422 "invalid_body": "The body cannot be read or has wrong fields; `errors` names them.";
    InvalidId 422 "invalid_id": "The path holds a name that cannot be an id.";
    InvalidList 422 "invalid_list": "The list cannot be read.";
    InvalidRulebook 422 "invalid_rulebook": "The rulebook has problems; `problems` has all of them with their places.";
    InvalidSince 422 "invalid_since": "`since` is not a span of time.";
    InvalidSubmission 422 "invalid_submission": "The submission has wrong fields; `errors` names them.";
    InvalidTable 422 "invalid_table": "The table cannot be read; `errors` names the lines.";
    Internal 500 "internal": "Something failed on our side; the cause is in the log.";
    NotQueued 503 "not_queued": "It could not be kept just now; nothing was stored.";
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
