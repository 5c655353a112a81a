//! The rows of the table of routes, by function.

use super::access::{ADMIN, Access, DESKS, KEYS, PEOPLE, RULES, SALES, SOURCES};
use super::{Method, Operation, Routes, Takes};
use crate::Code;
#[cfg(feature = "openapi")]
use crate::openapi::{ActivityReport, Csv, OpenApi, Refer, Submission, Typed, Yaml, refer};
#[cfg(feature = "openapi")]
#[allow(clippy::wildcard_imports, reason = "the table names most of the types")]
use crate::shape::{access::*, desk::*, imports::*, intake::*, lead::*, recovery::*, roster::*, rulebooks::*};

/// Of a query parameter.
const PAGE: &str = "The `next` of the previous page; the first page if left out.";
/// Of a query parameter.
const EVENTS: &str = "Number of events on a page, 1 to 1,000; 1,000 if left out.";
/// Of a query parameter.
const DECISIONS: &str = "Number of decisions on a page, 1 to 50; 50 if left out.";
/// Of a query parameter.
const SINCE: &str = "How far to look back, in days, weeks or hours (`90d`, `12w`, `36h`); 90 days if left out.";
/// Of a query parameter.
const GOES_ON: &str = "The `next` of the previous call, to continue a replay.";
/// Of a query parameter.
const WAIT: &str = "How long to wait for the decision (`3s`, `500ms`), at most 8 seconds. If too many calls of this key \
                    wait, the reply comes at once, with `Retry-After`.";
/// Of a header.
const SAME_IMPORT: &str = "Makes retries idempotent: the same key means the same import. 1 to 255 ASCII characters.";
/// Of a header.
const NO_KEY: &str = "Not needed: sending a part again changes nothing. Refused if it is not valid.";
/// Of a header.
const IDEMPOTENCY: &str = "Makes retries idempotent: the same key means the same submission. Other content with the same key is kept too, and \
     the history of the lead says so. 1 to 255 ASCII characters.";

/// Of a header.
const IF_MATCH: &str =
    "The `ETag` that the change is based on; 412 if it was changed since. Without it, the last write wins.";

const fn only(takes: &[Takes]) -> Option<Takes> {
    match takes {
        [takes] => Some(*takes),
        _ => None,
    }
}

macro_rules! routes {
    ($(#[$doc:meta])* $name:ident of $function:literal {
        $($route:ident: $method:ident $path:literal, $access:expr, $summary:literal
            $(query { $($parameter:literal: $meaning:expr),* })?
            $(header { $($header:literal: $says:expr),* })?
            $(takes $takes:ident)?
            $(may take $may:ident)?
            gives $status:literal $([$($gives:ident),*])?
            $(or $other_status:literal [$($other:ident),*])?
            $(fails [$($code:ident),*])?
        ;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $summary] $route,)*
        }

        #[cfg(feature = "openapi")]
        impl $name {
            fn typed() -> Vec<Typed> {
                let takes: &[&[Refer]] = &[$(&[$(refer::<$takes>)? $(refer::<$may>)?]),*];
                let gives: &[&'static [Refer]] = &[$(&[$($(refer::<$gives>,)*)? $($(refer::<$other>),*)?]),*];
                let rows = Self::ALL.iter().zip(takes).zip(gives);
                rows.map(|((route, takes), gives)| Typed {
                    operation: route.operation(),
                    takes: takes.first().copied(),
                    gives,
                })
                .collect()
            }
        }

        impl Routes for $name {
            const ALL: &'static [Self] = &[$(Self::$route),*];

            fn operation(self) -> &'static Operation {
                match self {
                    $(Self::$route => const { &Operation {
                        name: stringify!($route),
                        function: $function,
                        method: Method::$method,
                        path: $path,
                        access: $access,
                        summary: $summary,
                        query: &[$($(($parameter, $meaning)),*)?],
                        headers: &[$($(($header, $says)),*)?],
                        takes: only(&[
                            $(Takes { kind: stringify!($takes), required: true })?
                            $(Takes { kind: stringify!($may), required: false })?
                        ]),
                        status: $status,
                        gives: &[$($(stringify!($gives)),*)?],
                        otherwise: &[$(($other_status, &[$(stringify!($other)),*]))?],
                        codes: &[$($(Code::$code),*)?],
                    } },)*
                }
            }
        }
    };
}

routes! {
    /// Routes of `intake`.
    IntakeRoute of "intake" {
        SubmitLead: Post "/v1/leads", SOURCES, "Accepts one lead of at most 64 KB."
            header { "Idempotency-Key": IDEMPOTENCY }
            takes Submission gives 202 [AcceptedLead]
            fails [InvalidIdempotencyKey, TooLarge, InvalidSubmission, NotQueued];
        ReportActivity: Post "/v1/activities", SOURCES, "Accepts one activity of a person, of at most 64 KB."
            header { "Idempotency-Key": IDEMPOTENCY }
            takes ActivityReport gives 202 [AcceptedActivity]
            fails [InvalidIdempotencyKey, TooLarge, InvalidActivity, NotQueued];
    }
}

routes! {
    /// Routes of `desk`.
    DeskRoute of "desk" {
        ReadOpenApi: Get "/openapi.json", Access::Anyone, "Returns this document." gives 200 [OpenApi];
        ReadLead: Get "/v1/leads/{lead_id}", KEYS, "Returns a lead. A source gets only the stage of its own leads."
            query { "wait": WAIT }
            gives 200 [Lead, LeadStage] fails [InvalidWait, Unavailable];
        FindLeads: Get "/v1/leads", PEOPLE, "Finds the lead of a person by e-mail address or mobile number."
            query {
                "email": "The e-mail address of the person. Send either this or `phone`.",
                "phone": "The mobile number of the person, with country code. Send either this or `email`."
            }
            gives 200 [FoundLeads] fails [InvalidSearch];
        ListEvents: Get "/v1/leads/{lead_id}/events", PEOPLE, "Lists everything that happened to a lead, oldest first."
            query { "from": PAGE, "limit": EVENTS } gives 200 [LeadEvents] fails [InvalidCursor, InvalidLimit];
        ExplainLead: Get "/v1/leads/{lead_id}/why", PEOPLE, "Explains the decisions on a lead, latest first."
            query { "from": PAGE, "limit": DECISIONS } gives 200 [LeadDecisions] fails [InvalidCursor, InvalidLimit];
        AcceptLead: Post "/v1/leads/{lead_id}/accept", DESKS, "Accepts a lead for its owner."
            may take Accept gives 200 [AcceptedByOwner]
            fails [Busy, WrongStage, NotOwner, OldAssignment, IntoItself];
        ReadInbox: Get "/v1/inbox", DESKS, "Lists the open leads of a rep, best first."
            query { "rep": "The rep; required for sales, ignored for reps, who get their own inbox.", "from": PAGE }
            gives 200 [Inbox] fails [MissingRep, InvalidCursor];
        SetAvailability: Put "/v1/me/availability", Access::RepsOnly, "Switches the calling rep on or off."
            takes Availability gives 200 [AvailabilityOfRep] fails [NotFound];
        ReadLedger: Get "/v1/pools/{pool_id}/ledger", PEOPLE, "Returns what each pool member is owed, and every turn."
            query { "from": PAGE } gives 200 [Ledger] fails [NotAMember, InvalidCursor];
    }
}

routes! {
    /// Routes of `roster`.
    RosterRoute of "roster" {
        ListReps: Get "/v1/reps", PEOPLE, "Lists the reps." gives 200 [Reps];
        ReadRep: Get "/v1/reps/{id}", PEOPLE, "Returns a rep with their number of open leads." gives 200 [RepNow];
        PutRep: Put "/v1/reps/{id}", SALES, "Creates or replaces a rep."
            header { "If-Match": IF_MATCH }
            takes Rep gives 200 [Rep] fails [InvalidId, Busy, InvalidIfMatch, PreconditionFailed];
        DeleteRep: Delete "/v1/reps/{id}", SALES, "Deletes a rep who has no open leads and is named nowhere."
            header { "If-Match": IF_MATCH }
            gives 204 fails [StillAMember, StillNamed, OpenLeads, UnreadableRulebook, Busy, InvalidIfMatch, PreconditionFailed];
        ListPools: Get "/v1/pools", PEOPLE, "Lists the pools." gives 200 [Pools];
        ReadPool: Get "/v1/pools/{id}", PEOPLE, "Returns a pool." gives 200 [Pool];
        PutPool: Put "/v1/pools/{id}", SALES, "Creates or replaces a pool."
            header { "If-Match": IF_MATCH }
            takes Pool gives 200 [Pool] fails [InvalidId, Busy, InvalidIfMatch, PreconditionFailed];
        DeletePool: Delete "/v1/pools/{id}", SALES, "Deletes a pool with an empty waiting list that is named nowhere."
            header { "If-Match": IF_MATCH }
            gives 204 fails [StillNamed, StillWaiting, UnreadableRulebook, Busy, InvalidIfMatch, PreconditionFailed];
        ReadAccount: Get "/v1/accounts/{id}", PEOPLE, "Returns an account." gives 200 [Account];
        PutAccount: Put "/v1/accounts/{id}", SALES, "Creates or replaces an account."
            header { "If-Match": IF_MATCH }
            takes Account gives 200 [Account] fails [InvalidId, Busy, InvalidIfMatch, PreconditionFailed];
        DeleteAccount: Delete "/v1/accounts/{id}", SALES, "Deletes an account."
            header { "If-Match": IF_MATCH }
            gives 204 fails [Busy, InvalidIfMatch, PreconditionFailed];
        ListAudit: Get "/v1/audit", SALES, "Lists changes of the settings with what was there before, newest first."
            query {
                "kind": "Only changes of this kind: `rep`, `pool`, `account`, `person`, `key`, `table` or `lead`.",
                "id": "Only changes of the item with this id; requires `kind`.",
                "from": PAGE
            }
            gives 200 [Audit] fails [InvalidCursor, InvalidFilter];
    }
}

routes! {
    /// Routes of `rulebooks`.
    RulebooksRoute of "rulebooks" {
        CreateRulebook: Post "/v1/rulebooks", RULES,
            "Checks a rulebook of at most 2 MB and stores it as the next version."
            query {
                "purpose": "What the change is for.",
                "owner": "The person who is responsible for the change; the caller if left out."
            }
            takes Yaml gives 201 [NewRulebook] fails [TooLarge, InvalidBody, InvalidRulebook, Overloaded];
        ListRulebooks: Get "/v1/rulebooks", PEOPLE, "Lists the versions, newest first, and which one is active."
            query { "from": PAGE } gives 200 [Rulebooks] fails [InvalidCursor];
        ReadRulebook: Get "/v1/rulebooks/{version}", PEOPLE,
            "Returns a version, or `active`. With `Accept: application/yaml`, only its text."
            gives 200 [Rulebook, Yaml];
        CommentRulebook: Post "/v1/rulebooks/{version}/comments", RULES, "Adds a comment to a version."
            takes NewComment gives 200 [ReviewedRulebook] fails [NotAPerson, Busy, TooMuchSaid];
        ApproveRulebook: Post "/v1/rulebooks/{version}/approve", RULES, "Approves a version for the caller's side."
            may take NewApproval gives 200 [ReviewedRulebook]
            fails [NoSide, NotAPerson, ApprovedByOnePerson, ApprovedForOtherSide, Busy];
        ObjectToRulebook: Post "/v1/rulebooks/{version}/object", RULES,
            "Objects to a version and cancels its planned activation."
            takes NewObjection gives 200 [ReviewedRulebook] fails [NotAPerson, Busy];
        WithdrawReview: Post "/v1/rulebooks/{version}/withdraw", RULES, "Withdraws an approval or objection."
            may take Withdraw gives 200 [ReviewedRulebook] fails [NotAPerson, Busy, NothingToWithdraw];
        ActivateRulebook: Post "/v1/rulebooks/{version}/activate", RULES,
            "Activates an approved version, now or at a given time."
            may take NewActivation gives 200 [ActivatedRulebook]
            fails [AlreadyActive, Busy, NotApproved, InvalidRulebook, Overloaded];
        CancelActivation: Delete "/v1/rulebooks/{version}/activate", RULES, "Cancels the planned activation of a version."
            gives 200 [ActivatedRulebook] fails [AlreadyActive, Busy];
        RollBackRulebook: Post "/v1/rulebooks/rollback", RULES,
            "Activates the version that was active before. Needs the key of a person, and a reason."
            takes RollBack gives 200 [ActivatedRulebook]
            fails [NotAPerson, NotFound, Busy, NotActive, NothingBefore, ObjectedTo, InvalidRulebook, Overloaded];
        DiffRulebooks: Get "/v1/rulebooks/{version}/diff", PEOPLE, "Compares a version with another one."
            query { "from": "The version to compare with; the active one if left out." }
            gives 200 [RulebookDiff] fails [NoneActive, UnreadableRulebook, Overloaded];
        ReplayRulebook: Post "/v1/rulebooks/{version}/replay", RULES, "Replays past leads by a version. Stores nothing."
            query { "since": SINCE, "cursor": GOES_ON }
            gives 200 [Replay] fails [InvalidCursor, NoneActive, UnreadableRulebook, InvalidSince, Overloaded];
        ReplayDraft: Post "/v1/rulebooks/replay", RULES, "Replays past leads by a draft. Stores nothing."
            query { "since": SINCE, "cursor": GOES_ON }
            takes Yaml gives 200 [Replay]
            fails [
                InvalidCursor, NotFound, NoneActive, UnreadableRulebook, TooLarge, InvalidRulebook, InvalidSince,
                Overloaded
            ];
        RerouteLeads: Post "/v1/rulebooks/{version}/reroute", RULES,
            "Reroutes open leads by a version, now or at a given time, or previews it."
            may take NewReroute gives 202 [Reroute] or 200 [ReroutePreview]
            fails [InvalidCursor, Busy, NotActive, Running, UnreadableRulebook, Overloaded];
        ReadReroute: Get "/v1/rulebooks/{version}/reroute", PEOPLE, "Returns the progress of a reroute."
            gives 200 [Reroute];
        CancelReroute: Delete "/v1/rulebooks/{version}/reroute", RULES, "Stops or cancels a reroute."
            gives 200 [Reroute] fails [Busy];
        ListTables: Get "/v1/tables", PEOPLE, "Lists the lookup tables of rulebooks." gives 200 [Tables];
        ReadTable: Get "/v1/tables/{name}", PEOPLE, "Returns the current content of a table, page by page if it is large."
            query { "from": PAGE } gives 200 [TableContent] fails [InvalidCursor];
        DeleteTable: Delete "/v1/tables/{name}", RULES,
            "Deletes a table, so that new versions cannot use it. Existing versions keep its content."
            header { "If-Match": IF_MATCH }
            gives 204 fails [Busy, InvalidIfMatch, PreconditionFailed];
        PutTable: Put "/v1/tables/{name}", RULES, "Stores the content of a table. Existing versions keep theirs."
            header { "If-Match": IF_MATCH }
            takes Csv gives 200 [Table]
            fails [TooLarge, InvalidId, InvalidTable, Busy, InvalidIfMatch, PreconditionFailed, Overloaded];
    }
}

routes! {
    /// Routes of `imports`.
    ImportsRoute of "imports" {
        BeginImport: Post "/v1/imports", RULES, "Creates an import."
            header { "Idempotency-Key": SAME_IMPORT }
            takes NewImport gives 201 [Import] fails [InvalidIdempotencyKey, ImportExists];
        ReadImport: Get "/v1/imports/{id}", RULES, "Returns an import and the results of its parts."
            query { "from": PAGE } gives 200 [ImportResult] fails [InvalidCursor];
        PutPart: Put "/v1/imports/{id}/parts/{part}", RULES, "Imports a part of a list, of at most 4 MB and 20,000 rows."
            header { "Idempotency-Key": NO_KEY }
            takes Csv gives 200 [PartReply] fails [InvalidIdempotencyKey, InvalidPart, PartExists, TooLarge, InvalidList];
        ListRows: Get "/v1/imports/{id}/rows", RULES, "Lists the result of every row."
            query { "from": PAGE } gives 200 [Rows] fails [InvalidCursor];
    }
}

routes! {
    /// Routes of `access`.
    AccessRoute of "access" {
        ListPeople: Get "/v1/people", ADMIN, "Lists the people." gives 200 [People];
        ReadPerson: Get "/v1/people/{id}", ADMIN, "Returns a person." gives 200 [Person];
        PutPerson: Put "/v1/people/{id}", ADMIN, "Creates or replaces a person. Their keys get the new role."
            header { "If-Match": IF_MATCH }
            takes Person gives 200 [Person] fails [InvalidId, Busy, InvalidIfMatch, PreconditionFailed];
        DeletePerson: Delete "/v1/people/{id}", ADMIN, "Deletes a person. Their keys stop working."
            header { "If-Match": IF_MATCH }
            gives 204 fails [Busy, InvalidIfMatch, PreconditionFailed];
        ListKeys: Get "/v1/keys", ADMIN, "Lists the keys with their roles, without the keys themselves."
            query { "from": PAGE } gives 200 [Keys] fails [InvalidCursor];
        CreateKey: Post "/v1/keys", ADMIN, "Creates a key. Only this reply shows it."
            takes NewKey gives 201 [MadeKey];
        DeleteKey: Delete "/v1/keys/{id}", ADMIN, "Deletes a key." gives 204 fails [Busy];
    }
}

routes! {
    /// Routes of `recovery`.
    RecoveryRoute of "recovery" {
        ListDeadLetters: Get "/v1/dead-letters", SALES, "Lists leads on hold, and commands that failed."
            query { "from": PAGE, "commands_from": "The `commands_next` of the previous page, for more commands." }
            gives 200 [DeadLetters] fails [InvalidCursor];
        Redrive: Post "/v1/dead-letters/{lead_id}/redrive", SALES,
            "Releases a lead and retries its failed commands. With `events` as the id, publishes failed events again."
            gives 202 [Redriven, RedrivenEvents] fails [Busy, HeldByRule, NeverStored];
        RedriveMany: Post "/v1/dead-letters/redrive", SALES,
            "Releases leads on hold with one reason or of one source, and retries their failed commands: some in each call."
            takes RedriveMany gives 202 [RedrivenMany] fails [InvalidCursor];
    }
}

/// Returns every row of the table with its types, by function.
#[cfg(feature = "openapi")]
pub fn operations_with_types() -> Vec<Typed> {
    [
        IntakeRoute::typed(),
        DeskRoute::typed(),
        RosterRoute::typed(),
        RulebooksRoute::typed(),
        ImportsRoute::typed(),
        AccessRoute::typed(),
        RecoveryRoute::typed(),
    ]
    .concat()
}

/// Returns every row of the table, by function.
pub fn operations() -> Vec<&'static Operation> {
    fn rows<R: Routes>() -> impl Iterator<Item = &'static Operation> {
        R::ALL.iter().map(|route| route.operation())
    }
    rows::<IntakeRoute>()
        .chain(rows::<DeskRoute>())
        .chain(rows::<RosterRoute>())
        .chain(rows::<RulebooksRoute>())
        .chain(rows::<ImportsRoute>())
        .chain(rows::<AccessRoute>())
        .chain(rows::<RecoveryRoute>())
        .collect()
}
